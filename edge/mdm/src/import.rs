//! Meter data files into the ledger, by the road that readings of meters take.
//!
//! A file is one transaction: all of its channels find their place first, then all readings are
//! appended as one batch, which the ledger takes whole or not at all. The ledger tells new readings
//! from repeated, contradicting and misplaced ones, so the same file again changes nothing.

mod compare;
mod place;

use corrente_files::{FileChannel, FileReadings, FileReport};
use corrente_ledger::{Appended, Entry};
use corrente_metering::{
    Timestamp,
    id::{OrganisationId, UsagePointId},
};
use corrente_registry::admin::{self, By};
use corrente_units::Energy;
use serde::{Deserialize, Serialize};

use self::place::Placed;
use crate::{Mdm, MdmError};

/// A reading may be so many seconds ahead of business time: clocks differ.
pub(crate) const AHEAD_SECONDS: i64 = 300;

/// Where the readings of a file belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportOrder {
    /// The organisation that owns the meters.
    pub organisation: OrganisationId,
    /// The meter's serial, for a file that names none.
    pub meter: Option<String>,
    /// The usage point's name, for meters that are made.
    pub usage_point: Option<String>,
    /// Makes meters and channels that are not known yet.
    pub create: bool,
    /// Imports the channels that find a place when others find none.
    pub keep_going: bool,
}

/// What an import did, or would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// What the file holds.
    #[serde(flatten)]
    pub file: FileReport,
    /// What became of its readings, or would; nothing where there is no data directory to ask.
    pub stored: Option<Stored>,
    /// Channels that found no place, and why.
    pub refused: Vec<RefusedChannel>,
    /// The first thousand readings that contradict what is stored, or are kept aside.
    pub against: Vec<Against>,
}

/// A reading of a file that does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Against {
    /// Its line in the file, where that is known.
    pub line: Option<u64>,
    /// The meter that the file names.
    pub meter: Option<String>,
    /// The channel's name.
    pub channel: String,
    /// When, RFC 3339.
    pub at: String,
    /// What the file says, Wh.
    pub wh: i64,
    /// What is stored for this instant, Wh.
    pub kept_wh: Option<i64>,
    /// `conflict`, `before_installation` or `in_future`.
    pub reason: String,
}

/// What became of the readings of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// New ones.
    pub new: u64,
    /// Those that were stored already, with the same value.
    pub duplicates: u64,
    /// Those whose instant has another value: the first stays, these are kept as rejected.
    pub conflicts: u64,
    /// Those from before the meter's installation or from the future: kept aside.
    pub quarantined: u64,
    /// Meters and channels that were made for them.
    pub made: u64,
}

/// A channel of a file that found no place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedChannel {
    /// The meter that the file names.
    pub meter: Option<String>,
    /// The channel's name.
    pub channel: String,
    /// Why, and what to do.
    pub reason: String,
}

impl ImportReport {
    /// The report of a file that nobody wants to store.
    pub fn of(readings: &FileReadings) -> Self {
        let file = FileReport::of(readings);
        Self { file, stored: None, refused: Vec::new(), against: Vec::new() }
    }

    /// Was every row good, and did every reading find its place?
    pub fn is_clean(&self) -> bool {
        let stored = self.stored.unwrap_or_default();
        self.file.quarantined == 0
            && self.file.conflicts == 0
            && self.refused.is_empty()
            && stored.conflicts == 0
            && stored.quarantined == 0
    }
}

/// A file whose channels have their place.
struct Prepared {
    report: ImportReport,
    entries: Vec<Entry>,
    points: Vec<UsagePointId>,
    made: u64,
    read: Vec<ReadByPeople>,
}

/// Readings of a channel with the names of those who read the dial.
struct ReadByPeople {
    serial: String,
    channel: String,
    dials: Vec<(Timestamp, Energy, String)>,
}

impl ReadByPeople {
    fn of(channel: &FileChannel, at: &place::Place) -> Self {
        let value = |t: Timestamp| {
            let found = channel.readings.binary_search_by_key(&t, |reading| reading.end).ok()?;
            channel.readings.get(found).map(|reading| reading.value)
        };
        let dials = channel
            .readers
            .iter()
            .filter_map(|(t, reader)| Some((*t, value(*t)?, reader.clone())))
            .collect();
        Self { serial: at.serial.clone(), channel: channel.name.clone(), dials }
    }
}

impl Mdm {
    /// Says what an import would do, and does nothing.
    ///
    /// # Errors
    /// When a store fails.
    pub fn import_rehearsed(
        &self,
        readings: &FileReadings,
        order: &ImportOrder,
    ) -> Result<ImportReport, MdmError> {
        let mut report = ImportReport::of(readings);
        let (placed, refused) = self.look_up(readings, order)?;
        let mut stored = Stored::default();
        for (channel, placed) in readings.channels.iter().zip(&placed) {
            match placed {
                Placed::Left | Placed::Refused => {}
                Placed::Missing { .. } => {
                    stored.new += u64::try_from(channel.readings.len()).unwrap_or(u64::MAX);
                }
                Placed::At(at) => {
                    self.compare(channel, at, (&mut stored, &mut report.against))?;
                }
            }
        }
        if !refused.is_empty() && !order.keep_going {
            stored = Stored::default();
            report.against.clear();
        }
        report.stored = Some(stored);
        report.refused = refused;
        Ok(report)
    }

    /// Imports a file: all of it or nothing, but for rows that its reader set aside. With
    /// [`ImportOrder::keep_going`] also without channels that find no place.
    ///
    /// The future ends when everything is durable.
    ///
    /// # Errors
    /// When a store fails; then nothing of it is stored.
    pub async fn import(
        &self,
        readings: FileReadings,
        order: ImportOrder,
        by: By,
    ) -> Result<ImportReport, MdmError> {
        let (organisation, noted) = (order.organisation, by.clone());
        let prepared = self.run(move |mdm| mdm.prepare(&readings, &order, &noted)).await?;
        let Prepared { mut report, entries, points, made, read } = prepared;
        let appended = if entries.is_empty() {
            Appended::default()
        } else {
            self.ledger.append(entries).await?
        };
        report.stored = Some(Stored {
            new: appended.new,
            duplicates: appended.duplicates,
            conflicts: appended.conflicts,
            quarantined: appended.quarantined,
            made,
        });
        if appended.new > 0 && !read.is_empty() {
            self.run(move |mdm| {
                Ok(mdm.registry.write_blocking(move |tx| {
                    read.iter().try_for_each(|read| {
                        let whose = (organisation, read.serial.as_str(), read.channel.as_str());
                        admin::note_field_readings(tx, &by, whose, &read.dials)
                    })
                })?)
            })
            .await?;
        }
        tracing::info!(
            import.file = report.file.file,
            import.new = appended.new,
            import.points = points.len(),
            "file imported"
        );
        Ok(report)
    }

    /// Finds, and where it may makes, a place for every channel.
    fn prepare(
        &self,
        readings: &FileReadings,
        order: &ImportOrder,
        by: &By,
    ) -> Result<Prepared, MdmError> {
        let mut report = ImportReport::of(readings);
        let (placed, refused) = self.look_up(readings, order)?;
        if !refused.is_empty() && !order.keep_going {
            let report = ImportReport { refused, ..report };
            let (entries, points, read) = (Vec::new(), Vec::new(), Vec::new());
            return Ok(Prepared { report, entries, points, made: 0, read });
        }
        let (placed, made) = self.make_missing(readings, order, by, placed)?;
        let now = self.clock.now();
        let mut entries = Vec::new();
        let mut points = Vec::new();
        let mut read = Vec::new();
        for (channel, placed) in readings.channels.iter().zip(&placed) {
            let Placed::At(at) = placed else { continue };
            entries.extend(channel.readings.iter().map(|reading| Entry {
                channel: at.channel,
                reading: *reading,
                admission: at.admission(reading.end, now),
            }));
            points.extend(at.usage_point);
            self.compare(channel, at, (&mut Stored::default(), &mut report.against))?;
            if !channel.readers.is_empty() {
                read.push(ReadByPeople::of(channel, at));
            }
        }
        points.sort();
        points.dedup();
        let report = ImportReport { refused, ..report };
        Ok(Prepared { report, entries, points, made, read })
    }
}
