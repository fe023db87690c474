//! Rows gathered into channels: in order, one reading per instant, with what was odd about them.

use std::collections::BTreeMap;

use corrente_metering::{ChannelKind, Direction, Reading, Span, Timestamp};
use corrente_units::Energy;
use serde::{Serialize, Serializer};

use crate::Format;

/// Readings from before this year are no meter data: a clock that was never set.
const EARLIEST: i64 = 315_532_800; // 1980-01-01
/// Nor are readings from after this one.
const LATEST: i64 = 4_102_444_800; // 2100-01-01

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReadings {
    /// What it was called.
    pub file_name: String,
    /// What it is.
    pub format: Format,
    /// Its channels, by meter and name.
    pub channels: Vec<FileChannel>,
    /// Rows that were read, with and without energy.
    pub rows_read: u64,
    /// Rows of something else than electricity, or that the mapping leaves out.
    pub rows_ignored: u64,
    /// What could not be read. These rows are set aside; the others are not affected.
    pub problems: Vec<Problem>,
    /// What is worth knowing and hinders nothing.
    pub notes: Vec<String>,
}

/// The unit of a channel's whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Unit {
    /// Active energy in watt-hours.
    Wh,
    /// Reactive energy in volt-ampere-hours reactive: read, but no energy that is billed here.
    #[serde(rename = "varh")]
    Varh,
    /// Anything else (volts, unitless), in thousandths.
    #[serde(rename = "other")]
    Other,
}

/// One channel of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChannel {
    /// The meter or home that the file names, if it names one.
    pub meter: Option<String>,
    /// The channel's name: "import".
    pub name: String,
    /// What its values mean.
    pub kind: ChannelKind,
    /// Which way the energy flows.
    pub direction: Direction,
    /// The unit of the values.
    pub unit: Unit,
    /// The same energy as another channel of the file, to compare with: not to be imported beside it.
    pub check: bool,
    /// Length of an interval, or the usual distance between registers, in seconds.
    pub interval_seconds: Option<i64>,
    /// The dial rolls over at this many Wh, where the file shows its digits.
    pub register_modulus_wh: Option<i64>,
    /// The readings in order of time, one per instant.
    pub readings: Vec<Reading>,
    /// The line of each reading, in the same order; none where nobody knows lines.
    pub lines: Vec<u64>,
    /// Who read it, where the file says so: parallel to nothing, in order of time.
    pub readers: Vec<(Timestamp, String)>,
    /// How many rows repeated a reading.
    pub duplicates: u64,
    /// Rows that gave another value for an instant; the first one stays.
    pub conflicts: Vec<Conflict>,
    /// Stretches without a reading between the first and the last.
    pub gaps: Vec<Span>,
    /// Sums per column, where the channel is made of several.
    pub columns: Vec<ColumnSum>,
}

impl FileChannel {
    /// The energy of the channel: the sum of its intervals, or what its register rose by.
    ///
    /// A register that falls counts as rolled over where the file shows its digits; otherwise the sum
    /// is not known.
    pub fn energy(&self) -> Option<Energy> {
        match self.kind {
            ChannelKind::Interval => Energy::sum(self.readings.iter().map(|r| r.value)).ok(),
            ChannelKind::Register => {
                let pairs = self.readings.iter().zip(self.readings.iter().skip(1));
                pairs.into_iter().try_fold(Energy::ZERO, |sum, (a, b)| {
                    let rise = b.value.checked_sub(a.value).ok()?;
                    let rise = match self.register_modulus_wh {
                        Some(modulus) if rise.wh() < 0 => {
                            rise.checked_add(Energy::from_wh(modulus)).ok()?
                        }
                        Some(_) | None => rise,
                    };
                    (rise.wh() >= 0).then(|| sum.checked_add(rise).ok()).flatten()
                })
            }
        }
    }
}

/// Two values for one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The line of the second one.
    pub line: u64,
    /// The instant.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
    /// The first value, which stays.
    pub kept: i64,
    /// The second value.
    pub other: i64,
}

/// A column's share of a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ColumnSum {
    /// Its heading.
    pub column: String,
    /// How many rows have a value.
    pub readings: u64,
    /// Their sum, in the unit of the channel.
    pub sum: i64,
}

/// A row that was not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The line, counted from 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// RFC 3339 rather than a number, for people and scripts.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
pub(crate) fn rfc3339<S: Serializer>(t: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(t)
}

/// What a channel is, before its readings.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) kind: ChannelKind,
    pub(crate) direction: Direction,
    pub(crate) unit: Unit,
    pub(crate) check: bool,
    pub(crate) interval_seconds: Option<i64>,
    pub(crate) register_modulus_wh: Option<i64>,
}

struct Gathered {
    spec: Spec,
    rows: Vec<(Reading, u64)>,
    readers: Vec<(Timestamp, String)>,
    columns: BTreeMap<String, (u64, i64)>,
}

/// Gathers rows.
pub(crate) struct Collector {
    format: Format,
    channels: BTreeMap<(Option<String>, String), Gathered>,
    pub(crate) rows_read: u64,
    pub(crate) rows_ignored: u64,
    problems: Vec<Problem>,
    pub(crate) notes: Vec<String>,
}

impl Collector {
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            channels: BTreeMap::new(),
            rows_read: 0,
            rows_ignored: 0,
            problems: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(crate) fn problem(&mut self, line: u64, reason: impl Into<String>) {
        self.problems.push(Problem { line, reason: reason.into() });
    }

    fn gathered(&mut self, meter: Option<&str>, name: &str, spec: &Spec) -> &mut Gathered {
        self.channels.entry((meter.map(str::to_owned), name.to_owned())).or_insert_with(|| {
            Gathered {
                spec: spec.clone(),
                rows: Vec::new(),
                readers: Vec::new(),
                columns: BTreeMap::new(),
            }
        })
    }

    /// Adds a reading of a channel, which begins with its first reading.
    pub(crate) fn reading(
        &mut self,
        meter: Option<&str>,
        name: &str,
        spec: &Spec,
        reading: Reading,
        line: u64,
    ) {
        let second = reading.end.second();
        if !(EARLIEST..LATEST).contains(&second) {
            self.problem(line, format!("{} is no time of a meter reading", reading.end));
            return;
        }
        self.gathered(meter, name, spec).rows.push((reading, line));
    }

    pub(crate) fn column(
        &mut self,
        meter: Option<&str>,
        name: &str,
        spec: &Spec,
        column: &str,
        value: i64,
    ) {
        let columns = &mut self.gathered(meter, name, spec).columns;
        if let Some((count, sum)) = columns.get_mut(column) {
            *count = count.saturating_add(1);
            *sum = sum.saturating_add(value);
        } else {
            columns.insert(column.to_owned(), (1, value));
        }
    }

    pub(crate) fn reader(
        &mut self,
        meter: Option<&str>,
        name: &str,
        spec: &Spec,
        at: Timestamp,
        who: &str,
    ) {
        self.gathered(meter, name, spec).readers.push((at, who.to_owned()));
    }

    pub(crate) fn finish(self) -> FileReadings {
        let channels = self
            .channels
            .into_iter()
            .filter(|(_, gathered)| !gathered.rows.is_empty())
            .map(|((meter, name), gathered)| finish(meter, name, gathered))
            .collect();
        let mut problems = self.problems;
        problems.sort_by_key(|p| p.line);
        FileReadings {
            file_name: String::new(),
            format: self.format,
            channels,
            rows_read: self.rows_read,
            rows_ignored: self.rows_ignored,
            problems,
            notes: self.notes,
        }
    }
}

fn finish(meter: Option<String>, name: String, gathered: Gathered) -> FileChannel {
    let Gathered { spec, mut rows, mut readers, columns } = gathered;
    rows.sort_by_key(|(reading, _)| reading.end);
    let mut readings: Vec<Reading> = Vec::with_capacity(rows.len());
    let mut lines = Vec::with_capacity(rows.len());
    let mut duplicates = 0_u64;
    let mut conflicts = Vec::new();
    for (reading, line) in rows {
        match readings.last() {
            Some(last) if last.end == reading.end && last.value == reading.value => {
                duplicates = duplicates.saturating_add(1);
            }
            Some(last) if last.end == reading.end => conflicts.push(Conflict {
                line,
                at: reading.end,
                kept: last.value.wh(),
                other: reading.value.wh(),
            }),
            Some(_) | None => {
                readings.push(reading);
                lines.push(line);
            }
        }
    }
    let interval_seconds = spec.interval_seconds.or_else(|| usual_distance(&readings));
    let gaps = gaps(&readings, spec.kind, interval_seconds);
    readers.sort_by_key(|(t, _)| *t);
    let columns = if columns.len() > 1 { columns } else { BTreeMap::new() };
    FileChannel {
        meter,
        name,
        kind: spec.kind,
        direction: spec.direction,
        unit: spec.unit,
        check: spec.check,
        interval_seconds,
        register_modulus_wh: spec.register_modulus_wh,
        readings,
        lines,
        readers,
        duplicates,
        conflicts,
        gaps,
        columns: columns
            .into_iter()
            .map(|(column, (readings, sum))| ColumnSum { column, readings, sum })
            .collect(),
    }
}

/// The distance that most consecutive readings have; `None` for a handful of field readings.
fn usual_distance(readings: &[Reading]) -> Option<i64> {
    let mut distances: BTreeMap<i64, usize> = BTreeMap::new();
    for (a, b) in readings.iter().zip(readings.iter().skip(1)) {
        let count = distances.entry(b.end.since(a.end)).or_default();
        *count = count.saturating_add(1);
    }
    let (distance, count) = distances.into_iter().max_by_key(|(_, count)| *count)?;
    (count.saturating_mul(2) >= readings.len().saturating_sub(1) && count >= 2).then_some(distance)
}

fn gaps(readings: &[Reading], kind: ChannelKind, interval: Option<i64>) -> Vec<Span> {
    let Some(interval) = interval else { return Vec::new() };
    let mut gaps = Vec::new();
    for (a, b) in readings.iter().zip(readings.iter().skip(1)) {
        let end = match kind {
            ChannelKind::Interval => b.end.plus(interval.saturating_neg()),
            ChannelKind::Register => b.end,
        };
        let open = match kind {
            ChannelKind::Interval => end > a.end,
            ChannelKind::Register => {
                b.end.since(a.end).saturating_mul(2) > interval.saturating_mul(3)
            }
        };
        if open {
            gaps.push(Span::new(a.end, end));
        }
    }
    gaps
}
