//! Counters, for metrics and for tests.

use std::sync::atomic::{AtomicU64, Ordering};

use corrente_ledger::Appended;

/// What the head-end did since it started, and what it holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeadendStatistics {
    /// Connections that are open now.
    pub connections: u64,
    /// Meters of the line protocol that are connected now.
    pub meters: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Connections closed at once because a limit was reached.
    pub refused: u64,
    /// Connections that ended with an error line.
    pub errors: u64,
    /// Readings made durable and acknowledged.
    pub readings: u64,
    /// Of these, readings that the ledger had already.
    pub duplicates: u64,
    /// Of these, readings whose time was taken by another value.
    pub conflicts: u64,
    /// Of these, readings that were kept aside.
    pub quarantined: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: AtomicU64,
    pub(crate) accepted: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) errors: AtomicU64,
    readings: AtomicU64,
    duplicates: AtomicU64,
    conflicts: AtomicU64,
    quarantined: AtomicU64,
}

impl Counters {
    pub(crate) fn appended(&self, appended: Appended) {
        let all = appended
            .new
            .saturating_add(appended.duplicates)
            .saturating_add(appended.conflicts)
            .saturating_add(appended.quarantined);
        self.readings.fetch_add(all, Ordering::Relaxed);
        self.duplicates.fetch_add(appended.duplicates, Ordering::Relaxed);
        self.conflicts.fetch_add(appended.conflicts, Ordering::Relaxed);
        self.quarantined.fetch_add(appended.quarantined, Ordering::Relaxed);
    }

    pub(crate) fn read(&self, meters: u64) -> HeadendStatistics {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        HeadendStatistics {
            connections: load(&self.connections),
            meters,
            accepted: load(&self.accepted),
            refused: load(&self.refused),
            errors: load(&self.errors),
            readings: load(&self.readings),
            duplicates: load(&self.duplicates),
            conflicts: load(&self.conflicts),
            quarantined: load(&self.quarantined),
        }
    }
}
