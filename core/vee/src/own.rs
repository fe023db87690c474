//! The point's own past and the shape of its class.

use corrente_metering::{
    Calendar, Date, LoadProfile, Quality, Span, Timestamp, calendar::DateTime,
};
use jiff::civil::Weekday;
use serde::{Deserialize, Serialize};

use crate::spread::scale;

/// Hours of a week.
const HOURS: usize = 168;

/// The hour of the week, Monday from midnight to one being 0.
fn hour_of_week(civil: DateTime) -> usize {
    let day = usize::try_from(civil.weekday().to_monday_zero_offset()).unwrap_or(0);
    let hour = usize::try_from(civil.hour()).unwrap_or(0);
    day.saturating_mul(24).saturating_add(hour)
}

/// Saturdays and Sundays are comparable with each other, and working days with each other.
pub(crate) fn is_weekend(date: Date) -> bool {
    matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// What was measured at the point before, as a yardstick and a source of estimates.
#[derive(Clone, Debug)]
pub struct OwnHistory {
    calendar: Calendar,
    /// Measured intervals in order of time.
    intervals: Vec<(Span, i64)>,
    /// Energy in Wh and seconds per hour of the week.
    hours: Vec<(i64, i64)>,
    /// Days that are measured from midnight to midnight.
    days: Vec<(Date, i64)>,
}

impl OwnHistory {
    /// The history of these intervals. Only measured and edited ones count: an estimate that became a
    /// yardstick would confirm itself.
    pub fn from_profile(profile: &LoadProfile, calendar: &Calendar) -> Self {
        let mut intervals: Vec<(Span, i64)> = profile
            .intervals
            .iter()
            .filter(|i| matches!(i.quality(), Quality::Measured | Quality::Edited))
            .filter_map(|i| Some((i.span(), i.energy()?.wh())))
            .collect();
        intervals.sort_by_key(|(span, _)| (span.start, span.end));
        let mut hours = vec![(0_i64, 0_i64); HOURS];
        let mut days: Vec<(Date, i64)> = Vec::new();
        let mut open: Option<(Date, Span, i64, i64)> = None;
        for &(span, wh) in &intervals {
            let civil = calendar.datetime(span.start);
            if let Some((sum, seconds)) = hours.get_mut(hour_of_week(civil)) {
                *sum = sum.saturating_add(wh);
                *seconds = seconds.saturating_add(span.seconds());
            }
            let date = civil.date();
            match &mut open {
                Some((open_date, _, sum, covered)) if *open_date == date => {
                    *sum = sum.saturating_add(wh);
                    *covered = covered.saturating_add(span.seconds());
                }
                Some(_) | None => {
                    Self::close(open.take(), &mut days);
                    open = Some((date, calendar.day(date), wh, span.seconds()));
                }
            }
        }
        Self::close(open, &mut days);
        Self { calendar: calendar.clone(), intervals, hours, days }
    }

    fn close(open: Option<(Date, Span, i64, i64)>, days: &mut Vec<(Date, i64)>) {
        if let Some((date, span, sum, covered)) = open
            && covered == span.seconds()
        {
            days.push((date, sum));
        }
    }

    /// The fully measured days that are comparable with `date` (working days with working days), the
    /// latest first, without the day itself.
    pub fn comparable(&self, date: Date) -> impl Iterator<Item = (Date, i64)> + '_ {
        let weekend = is_weekend(date);
        self.days
            .iter()
            .rev()
            .copied()
            .filter(move |(other, _)| *other != date && is_weekend(*other) == weekend)
    }

    /// How many days it has that are measured from midnight to midnight.
    pub fn day_count(&self) -> usize {
        self.days.len()
    }

    /// Mean energy of its days in Wh.
    pub fn mean_day_wh(&self) -> Option<i64> {
        let sum = self.days.iter().fold(0_i64, |sum, (_, wh)| sum.saturating_add(*wh));
        scale(sum, 1, i64::try_from(self.days.len()).ok().filter(|n| *n > 0)?)
    }

    /// The strongest flow of its intervals in W.
    pub fn peak_w(&self) -> Option<i64> {
        self.intervals.iter().filter_map(|(span, wh)| scale(*wh, 3600, span.seconds().max(1))).max()
    }

    /// What the point's own week says about a span of at most an hour, in Wh.
    pub fn expected_wh(&self, span: Span) -> Option<i64> {
        let hour = hour_of_week(self.calendar.datetime(span.start));
        let &(sum, seconds) = self.hours.get(hour)?;
        scale(sum, span.seconds(), Some(seconds).filter(|s| *s > 0)?)
    }

    /// The weight of a span of at most an hour when a sum is spread by the point's own week.
    pub(crate) fn weight(&self, span: Span) -> i64 {
        let hour = hour_of_week(self.calendar.datetime(span.start));
        let (sum, seconds) = self.usual(hour);
        // In mWh, so that a point that uses little keeps its shape.
        scale(sum.saturating_mul(1000), span.seconds(), seconds.max(1)).unwrap_or(0)
    }

    /// Energy in Wh and seconds of an hour of the week; of the same hour on all days where nothing was
    /// measured in it, and of all hours where that is unknown as well: what is not known is not zero.
    fn usual(&self, hour: usize) -> (i64, i64) {
        let of = |wanted: &dyn Fn(usize) -> bool| {
            let hours = self.hours.iter().enumerate().filter(|(n, _)| wanted(*n));
            hours.fold((0_i64, 0_i64), |(sum, seconds), (_, (wh, known))| {
                (sum.saturating_add(*wh), seconds.saturating_add(*known))
            })
        };
        let time = |n: usize| n.checked_rem(24);
        let known = [of(&|n| n == hour), of(&|n| time(n) == time(hour)), of(&|_| true)];
        known.into_iter().find(|(_, seconds)| *seconds > 0).unwrap_or((0, 0))
    }

    /// What was measured in exactly this span, in Wh. Where the history is coarser, its share.
    pub fn energy_wh(&self, span: Span) -> Option<i64> {
        let first = self.intervals.partition_point(|(s, _)| s.end <= span.start);
        let (mut at, mut sum) = (span.start, 0_i64);
        for &(interval, wh) in self.intervals.get(first..)? {
            if interval.start > at || at >= span.end {
                break;
            }
            let part = interval.intersect(span);
            let share = if part == interval {
                wh
            } else {
                scale(wh, part.seconds(), interval.seconds().max(1))?
            };
            sum = sum.saturating_add(share);
            at = part.end;
        }
        (at == span.end).then_some(sum)
    }

    /// What was measured on `date` at the local time of `span`, in Wh.
    pub fn energy_on_day_wh(&self, date: Date, span: Span) -> Option<i64> {
        let time = self.calendar.datetime(span.start).time();
        let start = self.calendar.instant(date.to_datetime(time));
        self.energy_wh(Span::new(start, start.plus(span.seconds())))
    }

    /// From when on nothing was used until `t`; `t` where something was used just before it, or nothing is
    /// known.
    pub(crate) fn unused_since(&self, t: Timestamp) -> Timestamp {
        let mut since = t;
        for (span, wh) in self.intervals.iter().rev().skip_while(|(span, _)| span.end > t) {
            if span.end != since || *wh != 0 {
                break;
            }
            since = span.start;
        }
        since
    }

    /// The end of what it knows.
    pub fn until(&self) -> Option<Timestamp> {
        self.intervals.last().map(|(span, _)| span.end)
    }
}

/// The typical week of a class of customers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassProfile {
    /// Its name: "B1 residential".
    pub name: String,
    /// Relative use per hour of the week, 168 figures from Monday midnight on.
    pub hours: Vec<i64>,
    /// What a point of the class uses on an average day, in Wh, for points without a past.
    pub day_wh: i64,
}

impl ClassProfile {
    /// The mean week of these points, each with its own weight in it: `None` where none of them has a day
    /// that was measured from midnight to midnight.
    ///
    /// An hour in which nothing was measured is as that hour is on all days.
    pub fn mean(name: &str, points: &[OwnHistory]) -> Option<Self> {
        let days: Vec<i64> = points.iter().filter_map(OwnHistory::mean_day_wh).collect();
        let sum = days.iter().fold(0_i64, |sum, wh| sum.saturating_add(*wh));
        let day_wh = scale(sum, 1, i64::try_from(days.len()).ok().filter(|n| *n > 0)?)?;
        // In mWh, so that points that use little keep their shape.
        let of_hour = |hour: usize| {
            points.iter().fold(0_i64, |sum, own| {
                let (wh, seconds) = own.usual(hour);
                let mwh = scale(wh.saturating_mul(1000), 3600, seconds.max(1)).unwrap_or(0);
                sum.saturating_add(mwh)
            })
        };
        Some(Self { name: name.to_owned(), hours: (0..HOURS).map(of_hour).collect(), day_wh })
    }

    /// The weight of a span of at most an hour.
    pub(crate) fn weight(&self, span: Span, calendar: &Calendar) -> i64 {
        let hour = hour_of_week(calendar.datetime(span.start));
        self.hours.get(hour).map_or(0, |w| w.saturating_mul(span.seconds()))
    }

    /// The weight of an average day.
    pub(crate) fn weight_of_day(&self) -> i64 {
        let week = self.hours.iter().fold(0_i64, |sum, w| sum.saturating_add(*w));
        scale(week.saturating_mul(3600), 1, 7).unwrap_or(0)
    }
}
