//! A rate limit that makes a sender wait rather than lose something.

/// So many a second, with a burst. Time is a monotonic count of milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    per_second: u64,
    burst: u64,
    /// Thousandths of a token; below zero after more was taken than was there.
    level: i64,
    at_ms: u64,
}

impl TokenBucket {
    /// A full bucket.
    pub fn new(per_second: u32, burst: u32, now_ms: u64) -> Self {
        let burst = u64::from(burst.max(1)).saturating_mul(1000);
        Self {
            per_second: u64::from(per_second.max(1)),
            burst,
            level: i64::try_from(burst).unwrap_or(i64::MAX),
            at_ms: now_ms,
        }
    }

    /// Takes `count` and says how many milliseconds to wait before asking for more.
    pub fn take(&mut self, count: usize, now_ms: u64) -> u64 {
        // One token a second is one thousandth of a token a millisecond.
        let gained = now_ms.saturating_sub(self.at_ms).saturating_mul(self.per_second);
        self.at_ms = self.at_ms.max(now_ms);
        let most = i64::try_from(self.burst).unwrap_or(i64::MAX);
        let filled = self.level.saturating_add(i64::try_from(gained).unwrap_or(i64::MAX)).min(most);
        let taken = i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(1000);
        self.level = filled.saturating_sub(taken);
        if self.level >= 0 { 0 } else { self.level.unsigned_abs().div_ceil(self.per_second) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_waits_and_a_calm_sender_does_not() {
        let mut bucket = TokenBucket::new(100, 200, 0);
        assert_eq!(bucket.take(200, 0), 0);
        assert_eq!(bucket.take(50, 0), 500);
        assert_eq!(bucket.take(1, 510), 0);
        let mut calm = TokenBucket::new(100, 200, 0);
        for second in 0..1000 {
            assert_eq!(calm.take(100, second * 1000), 0);
        }
    }

    #[test]
    fn it_holds_at_the_limits() {
        let mut bucket = TokenBucket::new(0, 0, u64::MAX);
        assert!(bucket.take(usize::MAX, 0) > 0);
        assert!(bucket.take(usize::MAX, u64::MAX) > 0);
    }
}
