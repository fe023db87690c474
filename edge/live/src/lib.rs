//! What is going on right now, per usage point, for pages that are open.
//!
//! The head-end publishes each reading after it is durable; a page watches one usage point
//! ([`LiveHub::watch`]) and hears nothing of the others, so that a town full of open pages costs what
//! its own meters say; a job subscribes to all of them. Nothing here is stored, and memory is bounded:
//! an hour of power in steps of half a minute per usage point, and a watcher that is too slow loses the
//! oldest events ([`broadcast::error::RecvError::Lagged`]) and takes a snapshot again.

#![cfg_attr(
    not(test),
    deny(clippy::float_arithmetic, clippy::indexing_slicing, clippy::panic, missing_docs)
)]

mod state;

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use corrente_metering::{
    ChannelId, Timestamp,
    id::{AlertEventId, InvoiceId, MeterId, UsagePointId},
};
use corrente_units::Energy;
use tokio::sync::broadcast;

pub use state::LiveState;
use state::{PointState, Taken};

/// Events that a slow subscriber to all may be behind before it loses some.
const EVENTS_KEPT: usize = 4096;
/// The same for whoever watches one usage point.
const EVENTS_KEPT_OF_ONE: usize = 64;
const SHARDS: usize = 16;

/// A durable reading, or a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveReading {
    /// The channel.
    pub channel: ChannelId,
    /// Where the meter is installed.
    pub usage_point: Option<UsagePointId>,
    /// The meter.
    pub meter: MeterId,
    /// When.
    pub t: Timestamp,
    /// The register at that instant; `None` for an interval channel and for a sample.
    pub register: Option<Energy>,
    /// Power in watts where the meter says it.
    pub power_w: Option<i64>,
    /// Voltage per phase in millivolts.
    pub volts_mv: [Option<i64>; 3],
    /// Current per phase in milliamperes.
    pub amps_ma: [Option<i64>; 3],
}

/// Something that happened at a usage point.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveEvent {
    /// Where.
    pub usage_point: UsagePointId,
    /// What.
    pub what: LiveWhat,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum LiveWhat {
    /// A reading or sample came.
    Reading {
        /// It.
        reading: LiveReading,
        /// Power in watts, as the meter said or from the difference of two registers.
        power_w: Option<i64>,
    },
    /// Something that is not a reading.
    Notice(LiveNotice),
}

/// Something that a person at this usage point should see at once.
#[derive(Clone, Debug, PartialEq)]
pub enum LiveNotice {
    /// An alert began, became worse or is over.
    Alert(AlertEventId),
    /// An invoice was paid.
    InvoicePaid(InvoiceId),
}

/// The hub. Clones share one.
#[derive(Clone, Debug)]
pub struct LiveHub {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    events: broadcast::Sender<Arc<LiveEvent>>,
}

#[derive(Debug, Default)]
struct Shard {
    states: HashMap<UsagePointId, PointState>,
    /// Who is watched, while somebody watches.
    watched: HashMap<UsagePointId, broadcast::Sender<Arc<LiveEvent>>>,
}

/// Watches one usage point until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    hub: LiveHub,
    usage_point: UsagePointId,
    events: broadcast::Receiver<Arc<LiveEvent>>,
}

impl Watcher {
    /// The next event at the usage point.
    ///
    /// # Errors
    /// [`broadcast::error::RecvError::Lagged`] when events were lost: take a snapshot.
    pub async fn recv(&mut self) -> Result<Arc<LiveEvent>, broadcast::error::RecvError> {
        self.events.recv().await
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut shard = self.hub.shard(self.usage_point);
        // This one is still counted.
        if shard.watched.get(&self.usage_point).is_some_and(|sender| sender.receiver_count() <= 1) {
            shard.watched.remove(&self.usage_point);
        }
    }
}

impl Default for LiveHub {
    fn default() -> Self {
        Self::new()
    }
}

impl LiveHub {
    /// A hub that knows nothing yet.
    pub fn new() -> Self {
        Self {
            inner: Arc::new(Inner {
                shards: std::array::from_fn(|_| Mutex::default()),
                hasher: RandomState::new(),
                events: broadcast::channel(EVENTS_KEPT).0,
            }),
        }
    }

    /// A reading that is durable, or a sample. Without a usage point nobody can watch it.
    pub fn publish(&self, reading: LiveReading) {
        let Some(usage_point) = reading.usage_point else { return };
        let taken = self.shard(usage_point).states.entry(usage_point).or_default().take(&reading);
        if let Taken::Now { power_w } = taken {
            self.send(usage_point, || LiveWhat::Reading { reading, power_w });
        }
    }

    /// Something that a person at this usage point should see at once.
    pub fn notify(&self, usage_point: UsagePointId, notice: LiveNotice) {
        self.send(usage_point, || LiveWhat::Notice(notice));
    }

    /// What is known of this usage point; `None` when nothing came since the process started.
    pub fn snapshot(&self, usage_point: UsagePointId) -> Option<LiveState> {
        self.shard(usage_point).states.get(&usage_point).and_then(PointState::snapshot)
    }

    /// What happens from now on at one usage point.
    pub fn watch(&self, usage_point: UsagePointId) -> Watcher {
        let events = self
            .shard(usage_point)
            .watched
            .entry(usage_point)
            .or_insert_with(|| broadcast::channel(EVENTS_KEPT_OF_ONE).0)
            .subscribe();
        Watcher { hub: self.clone(), usage_point, events }
    }

    /// Everything that happens from now on, at every usage point: for jobs.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<LiveEvent>> {
        self.inner.events.subscribe()
    }

    fn send(&self, usage_point: UsagePointId, what: impl FnOnce() -> LiveWhat) {
        let watched = self.shard(usage_point).watched.get(&usage_point).cloned();
        if watched.is_none() && self.inner.events.receiver_count() == 0 {
            return;
        }
        let event = Arc::new(LiveEvent { usage_point, what: what() });
        // Whoever left since then misses nothing.
        if let Some(watched) = watched {
            drop(watched.send(Arc::clone(&event)));
        }
        drop(self.inner.events.send(event));
    }

    fn shard(&self, usage_point: UsagePointId) -> MutexGuard<'_, Shard> {
        let hash = self.inner.hasher.hash_one(usage_point);
        let [first, ..] = &self.inner.shards;
        let number = usize::try_from(hash % SHARDS as u64).unwrap_or_default();
        // A map of plain values is whole after any panic elsewhere.
        self.inner
            .shards
            .get(number)
            .unwrap_or(first)
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
