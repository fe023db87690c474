//! A seeded stream of choices, the same on every machine.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

pub(crate) struct Random(ChaCha8Rng);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.abs_diff(low).saturating_add(1);
        let offset = self.0.next_u64().checked_rem(width).unwrap_or(0);
        low.saturating_add_unsigned(offset)
    }

    /// True once in `times`.
    pub(crate) fn once_in(&mut self, times: i64) -> bool {
        self.between(1, times) == 1
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let index = self.between(0, i64::try_from(from.len()).unwrap_or(1) - 1);
        &from[usize::try_from(index).unwrap_or(0)]
    }

    /// Changes the order at random.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            let other = self.between(0, i64::try_from(index).unwrap_or(0));
            items.swap(index, usize::try_from(other).unwrap_or(0));
        }
    }
}
