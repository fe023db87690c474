//! The reading ledger: every reading, durable before it is acknowledged, never changed.
//!
//! Callers see the [`Ledger`] trait and nothing of the engine below it. One conformance suite judges
//! every engine. A channel is made known with [`Ledger::open_channels`] before its first reading.

use std::{fmt::Debug, path::Path};

use corrente_metering::{ChannelId, ChannelSpec, Reading, Span, Timestamp};
use corrente_units::Energy;
use futures_util::future::BoxFuture;

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
    /// Is it taking readings? False after a commit failed (disk full) until it works again.
    pub accepting: bool,
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

    /// The latest accepted reading of a channel.
    fn last(&self, channel: ChannelId) -> Result<Option<Reading>, LedgerError>;

    /// Which revisions a read of this span sees now. Only sealed days have one: seal before you bill.
    fn revisions(&self, channel: ChannelId, span: Span) -> Result<Revisions, LedgerError>;

    /// Stored readings that do not count, with a sequence above `after`, at most `limit` of them.
    fn rejected(&self, after: u64, limit: usize) -> Result<Vec<Rejected>, LedgerError>;

    /// Seals every block day that ends at or before `t`, of every channel. Returns how many blocks it wrote.
    fn seal_until(&self, t: Timestamp) -> Result<u64, LedgerError>;

    /// What the ledger says of itself.
    fn stats(&self) -> LedgerStats;

    /// Copies a consistent ledger to a new file while this one goes on working.
    fn backup(&self, to: &Path) -> Result<(), LedgerError>;

    /// Makes what is pending durable and stops. Later calls answer [`LedgerError::Closed`].
    fn close(&self) -> Result<(), LedgerError>;
}
