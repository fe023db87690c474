//! What happened so far: counters that many meters of one program may share.

use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::Duration,
};

/// Counters since the start. All of them only grow, but for `connected`.
#[derive(Debug, Default)]
pub struct Statistics {
    sent: AtomicU64,
    acknowledged: AtomicU64,
    refused: AtomicU64,
    connected: AtomicI64,
    connections: AtomicU64,
    failures: AtomicU64,
    latency: Latency,
}

impl Statistics {
    /// Readings written to a socket, each time they were.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Readings that the server acknowledged.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Readings that the server refused.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Meters that are welcome right now.
    pub fn connected(&self) -> u64 {
        u64::try_from(self.connected.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// How often a meter was welcomed.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// How often a connection failed or was lost.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Time from writing a line to its acknowledgement.
    pub const fn latency(&self) -> &Latency {
        &self.latency
    }

    pub(crate) fn count_sent(&self, readings: usize) {
        self.sent.fetch_add(readings as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_acknowledged(&self, readings: usize) {
        self.acknowledged.fetch_add(readings as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a welcomed meter until the guard is dropped.
    pub(crate) fn welcomed(self: &std::sync::Arc<Self>) -> Connected {
        self.connected.fetch_add(1, Ordering::Relaxed);
        self.connections.fetch_add(1, Ordering::Relaxed);
        Connected(std::sync::Arc::clone(self))
    }
}

#[derive(Debug)]
pub(crate) struct Connected(std::sync::Arc<Statistics>);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.connected.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Sixteen steps per doubling from 16 µs to about 70 minutes: an error below 7 %.
const BUCKETS: usize = 16 * 29;

/// A histogram of durations.
#[derive(Debug)]
pub struct Latency {
    buckets: Box<[AtomicU64]>,
}

impl Default for Latency {
    fn default() -> Self {
        Self { buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl Latency {
    /// Counts one duration.
    pub fn record(&self, duration: Duration) {
        let bucket = bucket(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
        if let Some(counter) = self.buckets.get(bucket) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The duration below which `percent` of 100 lie; `None` when nothing was counted.
    pub fn percentile(&self, percent: u64) -> Option<Duration> {
        let counts: Vec<u64> = self.buckets.iter().map(|b| b.load(Ordering::Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        let wanted = total.saturating_mul(percent.min(100)).div_ceil(100).max(1);
        let mut seen = 0;
        let at = counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        at.filter(|_| total > 0).map(|at| Duration::from_micros(upper(at)))
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|b| b.load(Ordering::Relaxed)).sum()
    }
}

/// The bucket of a duration in microseconds: the place of its highest bit and the four bits below.
fn bucket(micros: u64) -> usize {
    let micros = micros.max(16);
    let high = micros.ilog2();
    let below = (micros >> (high - 4)) & 15;
    let index = u64::from(high - 4) * 16 + below;
    usize::try_from(index).unwrap_or(usize::MAX).min(BUCKETS - 1)
}

/// The upper end of a bucket in microseconds.
fn upper(bucket: usize) -> u64 {
    let (high, below) = (bucket / 16, bucket as u64 % 16);
    (17 + below) << high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_a_sixteenth() {
        let latency = Latency::default();
        assert_eq!(latency.percentile(50), None);
        for micros in 1..=10_000 {
            latency.record(Duration::from_micros(micros));
        }
        for (percent, expected) in [(50, 5_000_u128), (99, 9_900), (100, 10_000)] {
            let found = latency.percentile(percent).unwrap().as_micros();
            assert!(found >= expected && found <= expected * 17 / 16 + 1, "p{percent}: {found}");
        }
        latency.record(Duration::MAX);
        assert_eq!(latency.count(), 10_001);
    }
}
