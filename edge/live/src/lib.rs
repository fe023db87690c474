//! What is going on right now, per usage point, for pages that are open.
//!
//! The head-end publishes each reading after it is durable; whoever watches subscribes. Nothing here
//! is stored, and memory is bounded: an hour of power in steps of half a minute per usage point, and
//! a watcher that is too slow loses the oldest events ([`broadcast::error::RecvError::Lagged`]) and
//! takes a snapshot again.

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
    id::{InvoiceId, MeterId, UsagePointId},
};
use corrente_units::Energy;
use serde_json::Value;
use tokio::sync::broadcast;

pub use state::LiveState;
use state::{PointState, Taken};

/// Events that a slow watcher may be behind before it loses some.
const EVENTS_KEPT: usize = 4096;
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
    /// An alert, as the API shows it.
    Alert(Value),
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
    shards: [Mutex<HashMap<UsagePointId, PointState>>; SHARDS],
    hasher: RandomState,
    events: broadcast::Sender<Arc<LiveEvent>>,
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
        let taken = self.shard(usage_point).entry(usage_point).or_default().take(&reading);
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
        self.shard(usage_point).get(&usage_point).and_then(PointState::snapshot)
    }

    /// Everything that happens from now on, at every usage point: a watcher filters.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<LiveEvent>> {
        self.inner.events.subscribe()
    }

    fn send(&self, usage_point: UsagePointId, what: impl FnOnce() -> LiveWhat) {
        if self.inner.events.receiver_count() > 0 {
            // The last watcher may leave between the two lines; then nobody misses it.
            drop(self.inner.events.send(Arc::new(LiveEvent { usage_point, what: what() })));
        }
    }

    fn shard(
        &self,
        usage_point: UsagePointId,
    ) -> MutexGuard<'_, HashMap<UsagePointId, PointState>> {
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
