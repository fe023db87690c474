//! Meter data files into the ledger, by the road that readings of meters take.
//!
//! A file is one transaction: all of its channels find their place first, then all readings are
//! appended as one batch, which the ledger takes whole or not at all. The ledger tells new readings
//! from repeated, contradicting and misplaced ones, so the same file again changes nothing.

mod compare;
mod place;

use corrente_files::{FileReadings, FileReport};
use corrente_ledger::{Appended, Entry};
use corrente_metering::id::{OrganisationId, UsagePointId};
use corrente_registry::admin::By;
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
        Self { file: FileReport::of(readings), stored: None, refused: Vec::new() }
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
                Placed::At(at) => self.compare(channel, at, &mut stored)?,
            }
        }
        if !refused.is_empty() && !order.keep_going {
            stored = Stored::default();
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
        let prepared = self.run(move |mdm| mdm.prepare(&readings, &order, &by)).await?;
        let Prepared { mut report, entries, points, made } = prepared;
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
        let report = ImportReport::of(readings);
        let (placed, refused) = self.look_up(readings, order)?;
        if !refused.is_empty() && !order.keep_going {
            let report = ImportReport { refused, ..report };
            return Ok(Prepared { report, entries: Vec::new(), points: Vec::new(), made: 0 });
        }
        let (placed, made) = self.make_missing(readings, order, by, placed)?;
        let now = self.clock.now();
        let mut entries = Vec::new();
        let mut points = Vec::new();
        for (channel, placed) in readings.channels.iter().zip(&placed) {
            let Placed::At(at) = placed else { continue };
            entries.extend(channel.readings.iter().map(|reading| Entry {
                channel: at.channel,
                reading: *reading,
                admission: at.admission(reading.end, now),
            }));
            points.extend(at.usage_point);
        }
        points.sort();
        points.dedup();
        Ok(Prepared { report: ImportReport { refused, ..report }, entries, points, made })
    }
}
