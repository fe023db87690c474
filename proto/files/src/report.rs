//! What an import would read.

use corrente_metering::{ChannelKind, Direction, Span, Timestamp};
use serde::Serialize;

use crate::{
    ColumnSum, Conflict, FileChannel, FileError, FileReadings, Format, Mapping, Problem, Unit,
    collect::rfc3339,
};

/// What an import would read: printed by `corrente import --dry-run --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// What the file is called.
    pub file: String,
    /// What it is.
    pub format: Format,
    /// Rows with something in them, below the heading.
    pub rows_read: u64,
    /// Rows of something else than electricity.
    pub rows_ignored: u64,
    /// The earliest reading.
    #[serde(serialize_with = "maybe_rfc3339")]
    pub first: Option<Timestamp>,
    /// The latest reading.
    #[serde(serialize_with = "maybe_rfc3339")]
    pub last: Option<Timestamp>,
    /// Repeated readings.
    pub duplicates: u64,
    /// Instants with two values.
    pub conflicts: u64,
    /// Stretches without readings.
    pub gaps: u64,
    /// Rows set aside: the number of `problems`.
    pub quarantined: u64,
    /// The channels.
    pub channels: Vec<ChannelReport>,
    /// Why rows were set aside, by line.
    pub problems: Vec<Problem>,
    /// What is worth knowing.
    pub notes: Vec<String>,
}

/// A channel of a [`FileReport`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChannelReport {
    /// The meter that the file names.
    pub meter: Option<String>,
    /// The channel's name.
    pub name: String,
    /// What its values mean.
    pub kind: ChannelKind,
    /// Which way.
    pub direction: Direction,
    /// The unit of its values.
    pub unit: Unit,
    /// Only to compare with.
    pub check: bool,
    /// Length of an interval, or the usual distance of registers.
    pub interval_seconds: Option<i64>,
    /// How many readings, one per instant.
    pub readings: u64,
    /// The first one's instant.
    #[serde(serialize_with = "maybe_rfc3339")]
    pub first: Option<Timestamp>,
    /// The last one's instant.
    #[serde(serialize_with = "maybe_rfc3339")]
    pub last: Option<Timestamp>,
    /// Energy in Wh; nothing for other units, and for a register that falls.
    pub wh: Option<i64>,
    /// The same in the channel's own unit.
    pub sum: Option<i64>,
    /// Readings that the source calls estimated or substituted.
    pub estimated: u64,
    /// Repeated readings.
    pub duplicates: u64,
    /// Instants with two values.
    pub conflicts: Vec<Conflict>,
    /// Stretches without readings.
    pub gaps: Vec<Gap>,
    /// Sums per column, where the channel is made of several.
    pub columns: Vec<ColumnSum>,
}

/// A stretch without readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The end of the last interval, or the last register, before it.
    #[serde(serialize_with = "rfc3339")]
    pub from: Timestamp,
    /// The start of the first interval, or the first register, after it.
    #[serde(serialize_with = "rfc3339")]
    pub to: Timestamp,
    /// How many readings are missing, where their distance is known.
    pub missing: Option<i64>,
}

#[expect(clippy::ref_option, reason = "serde passes the field by reference")]
fn maybe_rfc3339<S: serde::Serializer>(t: &Option<Timestamp>, s: S) -> Result<S::Ok, S::Error> {
    match t {
        Some(t) => s.collect_str(t),
        None => s.serialize_none(),
    }
}

/// Says what is in a file, without anything but its bytes.
///
/// # Errors
/// As [`crate::read`].
pub fn inspect(
    bytes: &[u8],
    file_name: &str,
    mapping: Option<&Mapping>,
) -> Result<FileReport, FileError> {
    crate::read(bytes, file_name, mapping).map(|readings| FileReport::of(&readings))
}

impl FileReport {
    /// The report of readings that were read.
    pub fn of(readings: &FileReadings) -> Self {
        let channels: Vec<ChannelReport> =
            readings.channels.iter().map(ChannelReport::of).collect();
        let sum = |of: fn(&ChannelReport) -> u64| {
            channels.iter().map(of).fold(0_u64, u64::saturating_add)
        };
        Self {
            file: readings.file_name.clone(),
            format: readings.format,
            rows_read: readings.rows_read,
            rows_ignored: readings.rows_ignored,
            first: channels.iter().filter_map(|c| c.first).min(),
            last: channels.iter().filter_map(|c| c.last).max(),
            duplicates: sum(|c| c.duplicates),
            conflicts: sum(|c| length(&c.conflicts)),
            gaps: sum(|c| length(&c.gaps)),
            quarantined: length(&readings.problems),
            channels,
            problems: readings.problems.clone(),
            notes: readings.notes.clone(),
        }
    }
}

fn length<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}

impl ChannelReport {
    fn of(channel: &FileChannel) -> Self {
        let gap = |span: &Span| Gap {
            from: span.start,
            to: span.end,
            missing: channel.interval_seconds.filter(|s| *s > 0).and_then(|seconds| {
                let intervals = span.seconds().checked_div(seconds)?;
                Some(match channel.kind {
                    ChannelKind::Interval => intervals,
                    ChannelKind::Register => intervals.saturating_sub(1),
                })
            }),
        };
        let sum = channel.energy().map(corrente_units::Energy::wh);
        let estimated = channel.readings.iter().filter(|r| r.quality.0 != 0).count();
        Self {
            meter: channel.meter.clone(),
            name: channel.name.clone(),
            kind: channel.kind,
            direction: channel.direction,
            unit: channel.unit,
            check: channel.check,
            interval_seconds: channel.interval_seconds,
            readings: length(&channel.readings),
            first: channel.readings.first().map(|r| r.end),
            last: channel.readings.last().map(|r| r.end),
            wh: sum.filter(|_| channel.unit == Unit::Wh),
            sum,
            estimated: u64::try_from(estimated).unwrap_or(u64::MAX),
            duplicates: channel.duplicates,
            conflicts: channel.conflicts.clone(),
            gaps: channel.gaps.iter().map(gap).collect(),
            columns: channel.columns.clone(),
        }
    }
}
