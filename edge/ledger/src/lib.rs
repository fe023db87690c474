//! The reading ledger: every reading, durable before it is acknowledged, never changed.
//!
//! Callers see the [`Ledger`] trait and nothing of the engine below it. One conformance suite judges
//! every engine. A channel is made known with [`Ledger::open_channels`] before its first reading.

//!
//! How it works: a **log** row for each group commit and block day is all that the hot path writes, and a
//! reading is acknowledged when that row is durable. The **window** in memory holds the readings of the
//! open days; it answers "now", tells duplicates, and is rebuilt from the log at start. A **block** for
//! each (day, channel, revision) is written when the day is sealed and never changed: late readings make
//! the next revision, which holds only what is new.

pub mod codec;
pub mod sqlite;

mod batch;
mod day;
mod ends;
mod window;

use std::{fmt::Debug, path::Path};

use corrente_metering::{ChannelId, ChannelKind, ChannelSpec, Reading, Span, Timestamp};
use corrente_units::Energy;
use futures_util::future::BoxFuture;

pub use self::sqlite::{LedgerLook, LedgerOptions, SqliteLedger};

/// One reading on its way into the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The channel it belongs to.
    pub channel: ChannelId,
    /// The reading as the source sent it.
    pub reading: Reading,
    /// Does it count, or is it kept aside until a person looks at it?
    pub admission: Admission,
}

/// Whether a reading counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It counts.
    Accept,
    /// It is stored beside the others and does not count: a finding shows it to a person.
    Quarantine(QuarantineReason),
}

/// Why a reading was kept aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuarantineReason {
    /// Its time is before the meter was installed.
    BeforeInstallation,
    /// Its time is later than now plus five minutes.
    InFuture,
}

/// What became of a durable batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Readings that were new.
    pub new: u64,
    /// Readings that the ledger had already, with the same value.
    pub duplicates: u64,
    /// Readings whose time was taken by another value: the first stays, these are kept as rejected.
    pub conflicts: u64,
    /// Readings kept aside.
    pub quarantined: u64,
}

/// As of when a range is read.
#[derive(Clone, Copy, Debug)]
pub enum AsOf<'a> {
    /// With everything that is durable now.
    Now,
    /// As these revisions had it: what makes a bill replayable.
    Revisions(&'a Revisions),
}

/// The revisions of the sealed block days that a read used, in order of day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revisions(pub Vec<DayRevision>);

/// How far a sealed block day of a channel was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayRevision {
    /// The block day: days since the epoch in the channel's standard offset.
    pub day: i32,
    /// The highest revision that was read; revisions 1 to n are united.
    pub revision: u32,
}

/// A reading that is stored and does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Rising number, for a cursor.
    pub sequence: u64,
    /// The channel.
    pub channel: ChannelId,
    /// The reading.
    pub reading: Reading,
    /// Why it does not count.
    pub reason: RejectionReason,
}

/// Why a stored reading does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectionReason {
    /// Another value had the same time first.
    Conflict {
        /// The value that counts.
        kept: Energy,
    },
    /// It was kept aside.
    Quarantine(QuarantineReason),
}

/// What a person decided about a stored reading that does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It never counts.
    Drop,
    /// It counts from now on: only for readings that were kept aside.
    Release,
}

/// What became of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is stored. A released reading counts, unless its time was taken: then it is a duplicate or
    /// a conflict like any other.
    Done,
    /// Somebody decided before; that stays.
    Already,
    /// A conflict cannot be released: the first value stays.
    Conflict,
    /// There is no such reading.
    Unknown,
}

/// The energy of a channel over some block days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelTotal {
    /// The channel.
    pub channel: ChannelId,
    /// Register: last value in these days less the last value before them, whatever lies between
    /// (an exchanged or falling register is for validation to find). Interval: the sum. Nothing when
    /// the register has no earlier value, or when it does not fit into 64 bits.
    pub energy: Option<Energy>,
}

/// The energy of all channels in one block day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayTotal {
    /// The sum of what is clear.
    pub energy: Energy,
    /// Channels in that sum.
    pub channels: u64,
    /// Channels with readings in that day that are not in the sum: no earlier register value, or a
    /// register that fell.
    pub unclear: u64,
}

impl DayTotal {
    /// The sum of the channels' totals.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`] when it does not fit into 64 bits.
    pub fn sum(totals: &[ChannelTotal]) -> Result<Self, LedgerError> {
        let mut sum = Self::default();
        for total in totals {
            match total.energy.filter(|energy| *energy >= Energy::ZERO) {
                Some(energy) => {
                    sum.energy = sum.energy.checked_add(energy).map_err(|error| {
                        LedgerError::Unavailable(format!("the day's total: {error}"))
                    })?;
                    sum.channels += 1;
                }
                None => sum.unclear += 1,
            }
        }
        Ok(sum)
    }
}

/// What a meter said of its power at an instant. It is no reading: no energy is worked out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerSample {
    /// The channel.
    pub channel: ChannelId,
    /// When.
    pub t: Timestamp,
    /// Power in watts.
    pub watts: i64,
}

/// What the ledger says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerStats {
    /// Channels known.
    pub channels: u64,
    /// Readings held in memory for the open days.
    pub window_readings: u64,
    /// Memory of the window in bytes.
    pub window_bytes: u64,
    /// Readings made durable since the process started.
    pub appended: u64,
    /// Group commits since the process started.
    pub commits: u64,
    /// Blocks written since the process started.
    pub blocks: u64,
    /// Is it taking readings? False after a commit failed (disk full) until it works again.
    pub accepting: bool,
}

impl LedgerStats {
    /// Memory of the window in bytes for each channel that is known; 0 where there is none.
    pub fn window_bytes_per_channel(&self) -> u64 {
        self.window_bytes.checked_div(self.channels).unwrap_or_default()
    }
}

/// What can go wrong in the ledger.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// A reading of a channel that was never opened.
    #[error("channel {0} is not known to the ledger: open it before its first reading")]
    UnknownChannel(ChannelId),
    /// The ledger is closed or closing.
    #[error("the ledger is closed")]
    Closed,
    /// Writing failed; nothing of this batch was acknowledged. Try again later.
    #[error("the ledger cannot write: {0}. Nothing was acknowledged")]
    Unavailable(String),
    /// A block's checksum does not match: it is never served as a figure.
    #[error("block of channel {channel}, day {day}, revision {revision} is damaged")]
    Damaged {
        /// The channel.
        channel: ChannelId,
        /// The block day.
        day: i32,
        /// The revision.
        revision: u32,
    },
    /// The database cannot be used, in a sentence that says what to do.
    #[error("{0}")]
    Unusable(String),
}

/// The instants at which readings in order of time fall.
fn falls_of(readings: &[Reading]) -> Vec<Timestamp> {
    let pairs = readings.iter().zip(readings.iter().skip(1));
    pairs.filter(|(a, b)| b.value < a.value).map(|(_, b)| b.end).collect()
}

/// A store of readings. All engines behave alike; the conformance suite says how.
pub trait Ledger: Send + Sync + Debug {
    /// Makes channels known, durably. Channels that are known already are left as they are.
    fn open_channels(&self, channels: &[ChannelSpec]) -> Result<(), LedgerError>;

    /// Stores a batch. The future ends when the batch is durable, and never before; it waits while the
    /// log falls behind, so that a caller that awaits it pushes back on its source. The batch is taken
    /// whole or not at all.
    fn append(&self, entries: Vec<Entry>) -> BoxFuture<'static, Result<Appended, LedgerError>>;

    /// The accepted readings of a channel in `(start, end]`, in order of time.
    fn range(
        &self,
        channel: ChannelId,
        span: Span,
        as_of: AsOf<'_>,
    ) -> Result<Vec<Reading>, LedgerError>;

    /// The latest accepted reading at or before `t`.
    fn at_or_before(
        &self,
        channel: ChannelId,
        t: Timestamp,
        as_of: AsOf<'_>,
    ) -> Result<Option<Reading>, LedgerError>;

    /// The earliest accepted reading after `t`.
    fn after(
        &self,
        channel: ChannelId,
        t: Timestamp,
        as_of: AsOf<'_>,
    ) -> Result<Option<Reading>, LedgerError>;

    /// The instants in a span at which an accepted value is smaller than the one before it in the span:
    /// a register that rolled over, began again or showed something wrong. Without those, any two
    /// readings say what lies between them.
    fn falls(
        &self,
        channel: ChannelId,
        span: Span,
        as_of: AsOf<'_>,
    ) -> Result<Vec<Timestamp>, LedgerError> {
        Ok(falls_of(&self.range(channel, span, as_of)?))
    }

    /// The latest accepted reading of a channel.
    fn last(&self, channel: ChannelId) -> Result<Option<Reading>, LedgerError>;

    /// Which revisions a read of this span sees now. Only sealed days have one: seal before you bill.
    fn revisions(&self, channel: ChannelId, span: Span) -> Result<Revisions, LedgerError>;

    /// The instants that a block day of a channel covers: midnight to midnight of its standard time.
    fn day_span(&self, channel: ChannelId, day: i32) -> Result<Span, LedgerError>;

    /// Stored readings that do not count, with a sequence above `after`, at most `limit` of them.
    fn rejected(&self, after: u64, limit: usize) -> Result<Vec<Rejected>, LedgerError>;

    /// The same, only those about which nobody decided yet.
    fn unsettled(&self, after: u64, limit: usize) -> Result<Vec<Rejected>, LedgerError>;

    /// Stores what a person decided about a rejected reading. Decided once, it stays.
    fn settle(&self, sequence: u64, decision: Decision) -> Result<Settled, LedgerError>;

    /// Seals every block day that ends at or before `t`, of every channel. Returns how many blocks it wrote.
    fn seal_until(&self, t: Timestamp) -> Result<u64, LedgerError>;

    /// All channels, in the order in which they became known.
    fn channels(&self) -> Result<Vec<ChannelSpec>, LedgerError>;

    /// The energy of all channels in one block day. Block days are cut at the channel's standard
    /// offset: good for an operator's overview, not for a bill.
    fn day_total(&self, day: i32) -> Result<DayTotal, LedgerError> {
        DayTotal::sum(&self.totals(day, day)?)
    }

    /// The energy of every channel that has readings in the block days `first` to `last`, both
    /// included. An engine answers this from the headers of its blocks.
    fn totals(&self, first: i32, last: i32) -> Result<Vec<ChannelTotal>, LedgerError> {
        let mut totals = Vec::new();
        for spec in self.channels()? {
            let start = self.day_span(spec.id, first)?.start;
            let span = Span::new(start, self.day_span(spec.id, last)?.end);
            let readings = self.range(spec.id, span, AsOf::Now)?;
            let Some(closing) = readings.last() else { continue };
            let energy = match spec.kind {
                ChannelKind::Register => self
                    .at_or_before(spec.id, start, AsOf::Now)?
                    .and_then(|opening| closing.value.checked_sub(opening.value).ok()),
                ChannelKind::Interval => {
                    Energy::sum(readings.iter().map(|reading| reading.value)).ok()
                }
            };
            totals.push(ChannelTotal { channel: spec.id, energy });
        }
        Ok(totals)
    }

    /// Keeps samples of power for as long as this ledger is set to. Nobody is told when they are durable:
    /// a crash may take those of the last minute.
    fn keep_power(&self, samples: &[PowerSample]) -> Result<(), LedgerError>;

    /// The samples of power of a channel in `(start, end]` that are kept, in order of time; of two at one
    /// instant the one that came last.
    fn power(&self, channel: ChannelId, span: Span) -> Result<Vec<PowerSample>, LedgerError>;

    /// Forgets the samples of power that are too old at this time, in whole hours. Energy is never
    /// forgotten.
    fn forget_power(&self, now: Timestamp) -> Result<(), LedgerError>;

    /// What the ledger says of itself.
    fn stats(&self) -> LedgerStats;

    /// Copies a consistent ledger to a new file while this one goes on working.
    fn backup(&self, to: &Path) -> Result<(), LedgerError>;

    /// Gives space that is free inside the store back to the disk.
    fn compact(&self) -> Result<(), LedgerError>;

    /// Reads everything that is sealed and answers what is damaged.
    fn verify(&self) -> Result<Vec<LedgerError>, LedgerError>;

    /// Makes what is pending durable and stops. Later calls answer [`LedgerError::Closed`].
    fn close(&self) -> Result<(), LedgerError>;
}
