//! Pauses between attempts to connect.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// Pauses that double from half a second to half a minute, each drawn between half of itself and the
/// whole, so that a fleet that lost its server does not come back in one instant.
#[derive(Clone, Debug)]
pub struct BackOff {
    first: Duration,
    longest: Duration,
    failures: u32,
    random: ChaCha8Rng,
}

impl BackOff {
    /// Pauses drawn from `seed`; the same seed gives the same pauses.
    pub fn new(seed: u64) -> Self {
        Self {
            first: Duration::from_millis(500),
            longest: Duration::from_secs(30),
            failures: 0,
            random: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// With other limits: tests and local tools come back faster.
    #[must_use]
    pub const fn between(mut self, first: Duration, longest: Duration) -> Self {
        self.first = first;
        self.longest = longest;
        self
    }

    /// How many attempts in a row have failed.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// An attempt failed: how long to wait before the next one.
    pub fn failed(&mut self) -> Duration {
        let whole = self.first.saturating_mul(1 << self.failures.min(16)).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        let half = whole / 2;
        let spread = u64::try_from(half.as_millis()).unwrap_or(u64::MAX).max(1);
        half + Duration::from_millis(self.random.next_u64() % spread)
    }

    /// An attempt succeeded: the next failure waits briefly again.
    pub const fn succeeded(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_limit_and_start_again() {
        let mut pauses = BackOff::new(1);
        let mut whole = Duration::from_millis(500);
        for _ in 0..20 {
            let pause = pauses.failed();
            assert!(pause >= whole / 2 && pause <= whole, "{pause:?} of {whole:?}");
            whole = (whole * 2).min(Duration::from_secs(30));
        }
        pauses.succeeded();
        assert!(pauses.failed() <= Duration::from_millis(500));
    }

    #[test]
    fn two_meters_do_not_come_back_together() {
        let (mut one, mut other) = (BackOff::new(1), BackOff::new(2));
        assert!((0..8).any(|_| one.failed() != other.failed()));
    }
}
