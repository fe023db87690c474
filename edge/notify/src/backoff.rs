//! When to try again.

/// So many attempts are made, over half a day or more, before a message is a dead letter.
pub const ATTEMPTS: u32 = 16;

/// Seconds until the next attempt after `attempts` failures, or nothing when enough were made: 10 s,
/// 20 s, 40 s … at most three hours. `dice` is any random number; it spreads the wait over its upper
/// half, so that what failed together does not come back together.
pub fn wait_seconds(attempts: u32, dice: u32) -> Option<i64> {
    if attempts >= ATTEMPTS {
        return None;
    }
    let longest: i64 = 10_i64 << attempts.saturating_sub(1).min(20);
    let longest = longest.min(3 * 3600);
    let half = longest / 2;
    Some(half + i64::from(dice) % (longest - half + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_stay_bounded_and_end() {
        let mut all = 0;
        for attempts in 1..ATTEMPTS {
            let shortest = wait_seconds(attempts, 0).unwrap();
            for dice in [1, 77, u32::MAX] {
                let wait = wait_seconds(attempts, dice).unwrap();
                assert!(shortest <= wait && wait <= (shortest * 2).max(10), "{attempts}: {wait}");
            }
            all += shortest;
        }
        assert_eq!(wait_seconds(1, 0), Some(5));
        assert!(all > 6 * 3600, "{all} s before a dead letter");
        assert_eq!(wait_seconds(ATTEMPTS, 0), None);
    }
}
