//! Random numbers by purpose: a stream per household and day, and one per day for the weather.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// A source of small whole numbers.
#[derive(Clone, Debug)]
pub(crate) struct Draw(ChaCha8Rng);

/// What a stream of numbers is for, so that a further draw in one place changes nothing elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// What a household is like: drawn once.
    Habits,
    /// What happens on one day.
    Day,
    /// A night, which belongs to two days.
    Night,
    /// A week: is anybody home?
    Week,
    /// The weather of a day, the same for all households.
    Weather,
}

impl Draw {
    /// The stream of `seed` for `purpose` on day `day` (any numbering of days).
    pub(crate) fn new(seed: u64, purpose: Purpose, day: i64) -> Self {
        let purpose: u64 = match purpose {
            Purpose::Habits => 1,
            Purpose::Day => 2,
            Purpose::Night => 3,
            Purpose::Week => 4,
            Purpose::Weather => 5,
        };
        let mut key = [0_u8; 32];
        for (to, from) in key.iter_mut().zip(
            seed.to_le_bytes().into_iter().chain(purpose.to_le_bytes()).chain(day.to_le_bytes()),
        ) {
            *to = from;
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// A whole number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i32, high: i32) -> i32 {
        let width = u64::from(high.abs_diff(low)).saturating_add(1);
        let scaled = u64::from(self.0.next_u32()).saturating_mul(width) >> 32_u32;
        low.saturating_add(i32::try_from(scaled).unwrap_or(0))
    }

    /// About the middle of `low` and `high`, seldom near either end.
    pub(crate) fn about(&mut self, low: i32, high: i32) -> i32 {
        let sum = self
            .between(low, high)
            .saturating_add(self.between(low, high))
            .saturating_add(self.between(low, high));
        sum.div_euclid(3)
    }

    /// True in `percent` of 100 draws.
    pub(crate) fn chance(&mut self, percent: i32) -> bool {
        self.between(0, 99) < percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_same_on_every_machine() {
        let mut draw = Draw::new(42, Purpose::Day, 20_000);
        let drawn: Vec<_> = (0..6).map(|_| draw.between(0, 999)).collect();
        assert_eq!(drawn, Draw::new(42, Purpose::Day, 20_000).take(6));
        assert_ne!(drawn, Draw::new(43, Purpose::Day, 20_000).take(6));
        assert_ne!(drawn, Draw::new(42, Purpose::Night, 20_000).take(6));
    }

    #[test]
    fn both_ends_are_drawn_and_nothing_beyond() {
        let mut draw = Draw::new(1, Purpose::Day, 0);
        let drawn: Vec<_> = (0..500).map(|_| draw.between(-2, 2)).collect();
        assert!((-2..=2).all(|n| drawn.contains(&n)));
        assert!(drawn.iter().all(|n| (-2..=2).contains(n)));
    }

    impl Draw {
        fn take(mut self, count: usize) -> Vec<i32> {
            (0..count).map(|_| self.between(0, 999)).collect()
        }
    }
}
