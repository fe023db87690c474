//! How far a meter's clock is off: what it stamps against when that came.

use corrente_metering::Timestamp;

/// Less than so many seconds is the way from there to here.
const NOTHING_SECONDS: i64 = 30;
/// In simulated time a moment on the way is longer: so many real seconds are allowed for.
const WAY_SECONDS: i64 = 5;
/// A clock that is behind is told from readings that waited by so many of them, one by one as they were made …
const LIVE_READINGS: u32 = 5;
/// … over at least so many seconds.
const LIVE_SECONDS: i64 = 900;
/// A meter that is further behind is no matter of its clock: these are old readings.
const MOST_SECONDS: i64 = 86_400;
const DAY_SECONDS: i64 = 86_400;

/// What was heard of a meter's clock on one connection.
///
/// A reading cannot come before it was taken, so a stamp later than now is a clock that is ahead. A stamp that is
/// earlier may have waited: only where readings come one by one, as far apart as they were taken, and the quickest
/// of them was still late, the clock is behind.
#[derive(Debug, Default)]
pub(super) struct ClockWatch {
    /// The newest stamp, and when it came.
    last: Option<(Timestamp, Timestamp)>,
    /// Since when readings come one by one, how many, and how late the quickest of them was.
    live: Option<(Timestamp, u32, i64)>,
    /// On which day what was told.
    told: Option<(i64, i64)>,
}

impl ClockWatch {
    /// Hears that the newest of some readings is stamped `stamp`, now. Says by how many seconds the meter's clock
    /// is ahead (behind when negative), where that is worth writing down and was not yet.
    pub(super) fn hear(
        &mut self,
        stamp: Timestamp,
        now: Timestamp,
        (interval_s, factor): (u32, u32),
    ) -> Option<i64> {
        let allowed = NOTHING_SECONDS.max(WAY_SECONDS.saturating_mul(i64::from(factor)));
        let late = now.since(stamp);
        let before = self.last.replace((stamp, now));
        if late < -allowed {
            self.live = None;
            return self.tell(now, -late);
        }
        let slack = (i64::from(interval_s) / 2).max(WAY_SECONDS);
        let one_by_one = before.is_some_and(|(last, heard)| {
            let (made, came) = (stamp.since(last), now.since(heard));
            made > 0 && (made - came).abs() <= slack && late <= MOST_SECONDS
        });
        if !one_by_one {
            self.live = None;
            return None;
        }
        let (since, count, quickest) = self.live.unwrap_or((now, 0, i64::MAX));
        let (count, quickest) = (count.saturating_add(1), quickest.min(late));
        if count < LIVE_READINGS || now.since(since) < LIVE_SECONDS {
            self.live = Some((since, count, quickest));
            return None;
        }
        self.live = None;
        if quickest > allowed { self.tell(now, -quickest) } else { None }
    }

    /// Of a day only what is worse by a tenth is told again.
    fn tell(&mut self, now: Timestamp, ahead: i64) -> Option<i64> {
        let day = now.second().div_euclid(DAY_SECONDS);
        let known = self.told.filter(|(told, _)| *told == day).map_or(0, |(_, known)| known.abs());
        if known > 0 && ahead.abs() <= known.saturating_add(known / 10) {
            return None;
        }
        self.told = Some((day, ahead));
        Some(ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [i64; 0] = [];

    /// What is told while a meter that reports each minute sends these: stamp and arrival, in seconds.
    fn told(heard: impl IntoIterator<Item = (i64, i64)>) -> Vec<i64> {
        let mut watch = ClockWatch::default();
        heard
            .into_iter()
            .filter_map(|(stamp, now)| {
                let at = Timestamp::from_second;
                watch.hear(at(stamp), at(now), (60, 1))
            })
            .collect()
    }

    #[test]
    fn a_stamp_from_the_future_is_a_clock_that_is_ahead_and_told_once_a_day() {
        assert_eq!(told((0..60).map(|n| (n * 60 + 90, n * 60))), [90]);
        assert_eq!(told((0..60).map(|n| (n * 60 + 20, n * 60))), NONE, "that is the way here");
        let drifts = (0..3).map(|day| (day * 86_400 + 90 + day * 4, day * 86_400));
        assert_eq!(told(drifts), [90, 94, 98], "once a day");
    }

    #[test]
    fn readings_that_are_late_one_by_one_are_a_clock_that_is_behind() {
        assert_eq!(told((0..20).map(|n| (n * 60, n * 60 + 120 + n % 3))), [-120]);
        assert_eq!(told((0..60).map(|n| (n * 60, n * 60 + 2))), NONE, "as it should be");
    }

    #[test]
    fn what_waited_says_nothing_of_the_clock() {
        let backlog = (0..600).map(|n| (n * 60, 40_000 + n / 100));
        assert_eq!(told(backlog), NONE);
        // A year that is replayed at the pace at which it was made, and one that is replayed quickly.
        assert_eq!(told((0..60).map(|n| (n * 60, 31_536_000 + n * 60))), NONE);
        assert_eq!(told((0..600).map(|n| (n * 60, 40_000 + n))), NONE);
        // One that was on time among those that were late: the clock is right, the way was long.
        let mixed = (0..17).map(|n| (n * 60, n * 60 + if n == 9 { 3 } else { 85 }));
        assert_eq!(told(mixed), NONE);
    }
}
