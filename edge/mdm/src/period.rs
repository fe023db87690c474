//! Billing periods and steps of a chart.

use corrente_metering::{
    Calendar, Date, Span, Timestamp,
    calendar::{monday_of, next_day},
};
use jiff::ToSpan as _;

/// A billing period: a civil month, or what is left of it after the first reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BillingPeriod {
    /// The month's first day.
    pub month: Date,
    /// What is billed: from the month's first midnight, or from the first reading, to its last.
    pub span: Span,
    /// The month's days when the period is only a part of it.
    pub part_of_days: Option<i64>,
    /// Civil days of the period, each counted that it touches.
    pub days: i64,
}

impl BillingPeriod {
    /// The period that contains `t` (midnight itself begins a period) of a usage point about which
    /// something is known since `known_from`.
    pub fn at(calendar: &Calendar, t: Timestamp, known_from: Timestamp) -> Self {
        Self::of_month(calendar, calendar.date(t).first_of_month(), known_from)
    }

    /// The period of a month.
    pub fn of_month(calendar: &Calendar, month: Date, known_from: Timestamp) -> Self {
        let whole = calendar.month(month);
        let whole_days = i64::from(month.days_in_month());
        if known_from <= whole.start || known_from >= whole.end {
            return Self { month, span: whole, part_of_days: None, days: whole_days };
        }
        let from = calendar.date(known_from);
        let days = whole_days - i64::from(from.day()) + 1;
        Self { month, span: Span::new(known_from, whole.end), part_of_days: Some(whole_days), days }
    }

    /// The month after.
    pub fn next_month(&self) -> Date {
        self.month.saturating_add(1.month())
    }
}

/// Civil days of a bill's span, each counted that it touches.
pub(crate) fn civil_days(calendar: &Calendar, span: Span) -> i64 {
    let until = next_day(calendar.date_of_reading(span.end));
    i64::from((until - calendar.date(span.start)).get_days())
}

/// Do two bills of so many days say something about each other? A February and a January do; a bill of
/// the days after moving in says nothing of the month that follows, and a jump from it is none.
pub(crate) const fn are_comparable(days: i64, other: i64) -> bool {
    let (short, long) = if days < other { (days, other) } else { (other, days) };
    (long - short) * 10 <= long
}

/// The step of a chart or an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A quarter of an hour.
    Quarter,
    /// Half an hour.
    HalfHour,
    /// An hour, counted from midnight.
    Hour,
    /// A civil day.
    Day,
    /// A week from Monday.
    Week,
    /// A civil month.
    Month,
    /// A civil year.
    Year,
}

impl Step {
    /// All steps, the shortest first.
    pub const ALL: [Self; 7] =
        [Self::Quarter, Self::HalfHour, Self::Hour, Self::Day, Self::Week, Self::Month, Self::Year];

    /// The word in the API and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Quarter => "15m",
            Self::HalfHour => "30m",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// The step of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.word() == word)
    }

    /// About how long it is, in seconds.
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Quarter => 900,
            Self::HalfHour => 1800,
            Self::Hour => 3600,
            Self::Day => 86_400,
            Self::Week => 7 * 86_400,
            Self::Month => 30 * 86_400,
            Self::Year => 365 * 86_400,
        }
    }

    /// The boundaries of the span's steps: its two ends, and each beginning of a step between them.
    pub fn boundaries(self, calendar: &Calendar, span: Span) -> Vec<Timestamp> {
        let mut boundaries = vec![span.start];
        if span.is_empty() {
            return boundaries;
        }
        let cuts = match self {
            Self::Quarter | Self::HalfHour | Self::Hour => calendar
                .cut_days(span)
                .into_iter()
                .flat_map(|day| {
                    // Steps count from local midnight, also where the span begins inside a day.
                    let midnight = calendar.midnight(calendar.date(day.start));
                    calendar.steps(Span::new(midnight, day.end), self.seconds())
                })
                .collect(),
            Self::Day => calendar.cut_days(span),
            Self::Week => calendar
                .cut_days(span)
                .into_iter()
                .filter(|day| {
                    let date = calendar.date(day.start);
                    monday_of(date) == date && calendar.midnight(date) == day.start
                })
                .map(|day| Span::new(span.start, day.start))
                .chain([span])
                .collect(),
            Self::Month => calendar.cut_months(span),
            Self::Year => calendar.cut_years(span),
        };
        boundaries.extend(cuts.into_iter().map(|cut| cut.end).filter(|end| *end > span.start));
        boundaries.dedup();
        boundaries
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn shown(step: Step, zone: &str, from: &str, to: &str) -> Vec<String> {
        let calendar = Calendar::new(zone).unwrap();
        let at = |text: &str| calendar.instant(text.parse().unwrap());
        step.boundaries(&calendar, Span::new(at(from), at(to)))
            .into_iter()
            .map(|t| calendar.datetime(t).to_string())
            .collect()
    }

    #[test]
    fn steps_begin_where_people_begin_them() {
        assert_eq!(
            shown(Step::Week, "America/Bahia", "2026-11-04T00:00", "2026-11-18T00:00"),
            [
                "2026-11-04T00:00:00",
                "2026-11-09T00:00:00",
                "2026-11-16T00:00:00",
                "2026-11-18T00:00:00"
            ]
        );
        assert_eq!(
            shown(Step::Hour, "America/Bahia", "2026-11-04T10:20", "2026-11-04T12:30"),
            [
                "2026-11-04T10:20:00",
                "2026-11-04T11:00:00",
                "2026-11-04T12:00:00",
                "2026-11-04T12:30:00"
            ]
        );
        assert_eq!(
            shown(Step::Month, "America/Bahia", "2026-01-31T00:00", "2026-03-01T00:00"),
            ["2026-01-31T00:00:00", "2026-02-01T00:00:00", "2026-03-01T00:00:00"]
        );
    }

    #[test]
    fn the_days_of_the_clock_change_have_23_and_25_hours() {
        for (day, hours) in [("2013-03-31", 23), ("2013-10-27", 25), ("2013-06-01", 24)] {
            let calendar = Calendar::new("Europe/London").unwrap();
            let span = calendar.day(day.parse().unwrap());
            let boundaries = Step::Hour.boundaries(&calendar, span);
            assert_eq!(boundaries.len(), hours + 1, "{day}");
            assert!(boundaries.windows(2).all(|w| w[1].since(w[0]) == 3600));
        }
    }

    #[test]
    fn months_compare_and_parts_of_them_do_not() {
        for (days, other, comparable) in [
            (30, 31, true),
            (28, 31, true),
            (31, 28, true),
            (27, 30, true),
            (27, 31, false),
            (21, 30, false),
            (1, 31, false),
        ] {
            assert_eq!(are_comparable(days, other), comparable, "{days} {other}");
        }
    }

    #[test]
    fn a_period_begins_with_the_first_reading_in_its_month() {
        let calendar = Calendar::new("America/Bahia").unwrap();
        let known = calendar.instant("2026-10-11T09:30".parse().unwrap());
        let period = BillingPeriod::at(&calendar, known.plus(5), known);
        assert_eq!(period.month, date(2026, 10, 1));
        assert_eq!(period.span.start, known);
        assert_eq!((period.days, period.part_of_days), (21, Some(31)));
        let next = BillingPeriod::of_month(&calendar, period.next_month(), known);
        assert_eq!((next.days, next.part_of_days), (30, None));
        assert_eq!(next.span.start, period.span.end);
    }
}
