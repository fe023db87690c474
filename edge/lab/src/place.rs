//! Where a reading stands in time: from a civil label, which may occur twice, to an instant of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use corrente_ledger::{AsOf, Ledger, LedgerError};
use corrente_metering::{Calendar, ChannelId, Span, Timestamp, calendar::DateTime};

/// So many seconds after a reading the same label is still "twice in one second", and not the repeated
/// hour.
const SAME_SECOND_SLACK: i64 = 60;
/// How many seconds of the ledger are looked at in one go.
const STRIDE_SECONDS: i64 = 4096;

/// Gives each reading of a channel a second of its own.
#[derive(Debug)]
pub(crate) struct Places {
    calendar: Calendar,
    ledger: Arc<dyn Ledger>,
    channels: BTreeMap<ChannelId, Place>,
    /// Given away, and not yet to be seen in the ledger.
    pending: BTreeSet<(ChannelId, Timestamp)>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    /// Seconds that are known to be taken, without a gap: from the first up to, not including, the last.
    taken: (Timestamp, Timestamp),
    /// The instant of the latest arrival.
    latest: Timestamp,
}

impl Places {
    pub(crate) fn new(calendar: Calendar, ledger: Arc<dyn Ledger>) -> Self {
        Self { calendar, ledger, channels: BTreeMap::new(), pending: BTreeSet::new() }
    }

    /// The latest arrival of a channel that was used before this process started.
    pub(crate) fn remember(&mut self, channel: ChannelId, latest: Timestamp) {
        self.channels.entry(channel).or_insert(Place { taken: (latest, latest.plus(1)), latest });
    }

    /// A free second for a reading with this label: its own, or else the next one.
    ///
    /// In the hour that autumn repeats, a label means the second time once the meter's readings have
    /// gone past the first.
    pub(crate) fn next(
        &mut self,
        channel: ChannelId,
        label: DateTime,
    ) -> Result<Timestamp, LedgerError> {
        let known = self.channels.get(&channel).copied();
        let wanted = match (self.calendar.instants_if_repeated(label), known) {
            (Some((first, second)), Some(place))
                if place.latest.since(first) > SAME_SECOND_SLACK
                    && place.latest.since(second) <= SAME_SECOND_SLACK =>
            {
                second
            }
            _ => self.calendar.instant(label),
        };
        let in_run = known.filter(|place| place.taken.0 <= wanted && wanted <= place.taken.1);
        let from = in_run.map_or(wanted, |place| place.taken.1);
        let free = self.first_free(channel, from)?;
        let taken = match in_run {
            Some(place) => (place.taken.0, free.plus(1)),
            None => (wanted, free.plus(1)),
        };
        self.channels.insert(channel, Place { taken, latest: free });
        self.pending.insert((channel, free));
        Ok(free)
    }

    /// What was given away is in the ledger now.
    pub(crate) fn durable(&mut self) {
        self.pending.clear();
    }

    /// Forgets what is in memory: after a write failed, the ledger alone knows.
    pub(crate) fn forget(&mut self) {
        self.channels.clear();
        self.pending.clear();
    }

    fn first_free(&self, channel: ChannelId, from: Timestamp) -> Result<Timestamp, LedgerError> {
        let mut candidate = from;
        loop {
            let free = self.first_free_in_ledger(channel, candidate)?;
            if !self.pending.contains(&(channel, free)) {
                return Ok(free);
            }
            candidate = free.plus(1);
        }
    }

    fn first_free_in_ledger(
        &self,
        channel: ChannelId,
        from: Timestamp,
    ) -> Result<Timestamp, LedgerError> {
        let mut candidate = from;
        loop {
            let span = Span::new(candidate.plus(-1), candidate.plus(STRIDE_SECONDS));
            let readings = self.ledger.range(channel, span, AsOf::Now)?;
            if readings.is_empty() {
                return Ok(candidate);
            }
            for reading in readings {
                if reading.end > candidate {
                    return Ok(candidate);
                }
                candidate = reading.end.plus(1);
            }
        }
    }
}
