//! Block days: how storage is cut. Nothing that people see or pay is cut here.
//!
//! The block day of an instant is `floor((t - 1 + offset) / 86400)` with `offset` the standard offset
//! of the channel's zone in seconds, east positive: it begins and ends at midnight of standard time. A
//! day covers `(start, end]`, so that a midnight register closes the day.

use corrente_metering::Timestamp;

/// Seconds of a block day.
pub(crate) const DAY_SECONDS: i64 = 86_400;

/// The block day of an instant: days since the epoch in the channel's standard offset.
pub(crate) fn block_day(t: Timestamp, offset_seconds: i32) -> i32 {
    let days = (t.second() - 1 + i64::from(offset_seconds)).div_euclid(DAY_SECONDS);
    i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX })
}

/// The instant at which a block day starts; the day does not contain it.
pub(crate) fn day_start(day: i32, offset_seconds: i32) -> Timestamp {
    Timestamp::from_second(i64::from(day) * DAY_SECONDS - i64::from(offset_seconds))
}

/// The last instant of a block day.
pub(crate) fn day_end(day: i32, offset_seconds: i32) -> Timestamp {
    Timestamp::from_second((i64::from(day) + 1) * DAY_SECONDS - i64::from(offset_seconds))
}

/// Block day and the second in it, 1 to 86400.
pub(crate) fn split(t: Timestamp, offset_seconds: i32) -> (i32, u32) {
    let since = t.second() - 1 + i64::from(offset_seconds);
    let day = since.div_euclid(DAY_SECONDS);
    let second = since - day * DAY_SECONDS + 1;
    // A Timestamp is within the civil calendar: its day has 23 bits, its second 17.
    (i32::try_from(day).unwrap_or(i32::MAX), u32::try_from(second).unwrap_or(1))
}

/// The inverse of [`split`].
pub(crate) fn join(day: i32, second: u32, offset_seconds: i32) -> Timestamp {
    day_start(day, offset_seconds).plus(i64::from(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midnight_closes_its_day_in_every_offset() {
        // The midnight that begins 2024-10-04, day 20,000, on a wall clock: so long after that of UTC.
        for (offset, hours, minutes) in [
            (0, 0, 0),
            // Brasília, India (half an hour), Nepal (three quarters), Chatham, Newfoundland.
            (-10_800, 3, 0),
            (19_800, -5, -30),
            (20_700, -5, -45),
            (45_900, -12, -45),
            (-12_600, 3, 30),
        ] {
            let utc = 1_728_000_000 + hours * 3600 + minutes * 60;
            let midnight = Timestamp::from_second(utc);
            assert_eq!(block_day(midnight, offset), 19_999);
            assert_eq!(block_day(midnight.plus(1), offset), 20_000);
            assert_eq!(day_end(19_999, offset), midnight);
            assert_eq!(split(midnight, offset), (19_999, 86_400));
            assert_eq!(split(midnight.plus(1), offset), (20_000, 1));
            for t in [midnight, midnight.plus(1), midnight.plus(-86_399), midnight.plus(-86_400)] {
                let (day, second) = split(t, offset);
                assert_eq!(join(day, second, offset), t);
            }
        }
    }

    #[test]
    fn days_before_the_epoch_and_at_the_limits() {
        assert_eq!(block_day(Timestamp::from_second(0), 0), -1);
        assert_eq!(block_day(Timestamp::from_second(-86_399), 0), -1);
        assert_eq!(block_day(Timestamp::from_second(-86_400), 0), -2);
        for t in [Timestamp::MIN, Timestamp::MAX] {
            let (day, second) = split(t, 0);
            assert!((1..=86_400).contains(&second));
            assert!(day.abs() < 1 << 23);
        }
    }
}
