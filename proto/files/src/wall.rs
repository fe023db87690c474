//! Instants from what a wall clock showed.

use std::collections::BTreeMap;

use corrente_metering::{
    Calendar, Timestamp,
    calendar::{Date, DateTime, next_day},
};
use jiff::fmt::strtime;

use crate::mapping::Midnight;

/// The time of a row: an instant, or what a clock on the wall showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Instant(Timestamp),
    Wall(DateTime),
}

/// Reads ISO 8601 with or without an offset, or the format that a mapping gives.
pub(crate) fn written(text: &str, format: Option<&str>) -> Option<Written> {
    match format {
        None => iso(text),
        Some(format) => {
            let broken = strtime::parse(format, text).ok()?;
            if broken.offset().is_some() {
                return Some(Written::Instant(broken.to_timestamp().ok()?.into()));
            }
            let civil = broken.to_datetime().ok();
            let date = || broken.to_date().ok().map(|d| d.at(0, 0, 0, 0));
            civil.or_else(date).map(Written::Wall)
        }
    }
}

/// `2024-01-31`, `2024-01-31 00:30`, `2024-01-31T00:30:00+01:00`, `…Z`.
fn iso(text: &str) -> Option<Written> {
    let number = |from: usize, to: usize| -> Option<i16> { text.get(from..to)?.parse().ok() };
    let separators = text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    let date = Date::new(
        Some(number(0, 4)?).filter(|_| separators)?,
        i8::try_from(number(5, 7)?).ok()?,
        i8::try_from(number(8, 10)?).ok()?,
    )
    .ok()?;
    let Some(rest) = text.get(11..) else {
        return (text.len() == 10).then(|| Written::Wall(date.at(0, 0, 0, 0)));
    };
    if !matches!(text.get(10..11), Some(" " | "T")) {
        return None;
    }
    let end = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
    let (clock, offset) = rest.split_at_checked(end)?;
    let mut parts = clock.trim().split(':').map(|p| p.split('.').next().unwrap_or(p).parse::<i8>());
    let hour = parts.next()?.ok()?;
    let minute = parts.next()?.ok()?;
    let second = parts.next().transpose().ok()?.unwrap_or(0);
    if parts.next().is_some() {
        return None;
    }
    // ISO 8601 closes a day at 24:00.
    let (date, hour) = if hour == 24 { (next_day(date), 0) } else { (date, hour) };
    let civil = date.to_datetime(jiff::civil::Time::new(hour, minute, second, 0).ok()?);
    if offset.is_empty() {
        return Some(Written::Wall(civil));
    }
    let seconds = offset_seconds(offset)?;
    let utc = Calendar::utc().instant(civil);
    Some(Written::Instant(utc.plus(seconds.saturating_neg())))
}

fn offset_seconds(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text.get(1..)?.replace(':', "");
    let hours: i64 = digits.get(0..2)?.parse().ok()?;
    let minutes: i64 = match digits.get(2..) {
        None | Some("") => 0,
        Some(minutes) => minutes.parse().ok()?,
    };
    Some(hours.saturating_mul(3600).saturating_add(minutes.saturating_mul(60)).saturating_mul(sign))
}

/// A clock on the wall whose rows come in order of time. It knows which of two equal hours of autumn
/// is meant: the second one, once the first has been.
#[derive(Debug)]
pub(crate) struct Wall<'a> {
    calendar: &'a Calendar,
    midnight: Midnight,
    last: BTreeMap<String, Timestamp>,
    /// Times that the clock skipped, and how they were read.
    pub(crate) shifted: Vec<String>,
}

impl<'a> Wall<'a> {
    pub(crate) fn new(calendar: &'a Calendar, midnight: Midnight) -> Self {
        Self { calendar, midnight, last: BTreeMap::new(), shifted: Vec::new() }
    }

    /// The instant. Each series (a meter's channel) keeps an order of its own.
    pub(crate) fn instant(&mut self, written: Written, series: &str) -> Timestamp {
        let mut civil = match written {
            Written::Instant(t) => return t,
            Written::Wall(civil) => civil,
        };
        if self.midnight == Midnight::Closes && civil.hour() == 0 && civil.minute() == 0 {
            civil = next_day(civil.date()).to_datetime(civil.time());
        }
        let t = match self.calendar.instants_if_repeated(civil) {
            Some((first, second)) => {
                let last = self.last.get(series);
                let first_has_been =
                    last.is_some_and(|last| first <= *last && last.since(second) <= 3600);
                if first_has_been { second } else { first }
            }
            None => self.calendar.instant(civil),
        };
        // Some sources label the first interval of summer time by the hour that is left out. Setting
        // it aside would lose its energy; if the right label comes as well, that is a conflict.
        let meant = self.calendar.datetime(t);
        if meant != civil {
            self.shifted.push(format!(
                "{civil} does not occur in {}: read as {meant}",
                self.calendar.name()
            ));
        }
        if let Some(last) = self.last.get_mut(series) {
            *last = t;
        } else {
            self.last.insert(series.to_owned(), t);
        }
        t
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        let instant = |text: &str| match iso(text) {
            Some(Written::Instant(t)) => t.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(instant("2024-01-01T00:00:00+01:00"), "2023-12-31T23:00:00Z");
        assert_eq!(instant("2024-01-01T00:00:00-0330"), "2024-01-01T03:30:00Z");
        assert_eq!(instant("2024-01-01T00:00:00.500Z"), "2024-01-01T00:00:00Z");
        let wall = |text: &str| match iso(text) {
            Some(Written::Wall(civil)) => civil.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(wall("2022-09-01 00:15"), "2022-09-01T00:15:00");
        assert_eq!(wall("2022-09-01"), "2022-09-01T00:00:00");
        assert_eq!(wall("2022-09-01 24:00"), "2022-09-02T00:00:00");
        for text in
            ["", "2022", "2022-13-01", "2022-09-01 0015", "01/09/2022", "2022-09-01 00:15:00:1"]
        {
            assert_eq!(iso(text), None, "{text}");
        }
        let dutch = written("29-10-2023 02:00:00 +0100", Some("%d-%m-%Y %H:%M:%S %z"));
        let t = jiff::Timestamp::from_second(1_698_541_200).unwrap();
        assert_eq!(dutch, Some(Written::Instant(t.into())));
    }

    #[test]
    fn the_hour_that_comes_twice_is_told_by_the_order_of_the_rows() {
        let calendar = Calendar::new("Europe/Amsterdam").unwrap();
        let mut wall = Wall::new(&calendar, Midnight::Opens);
        let mut before = None;
        for time in [
            "01:45", "02:00", "02:15", "02:30", "02:45", "02:00", "02:15", "02:30", "02:45",
            "03:00",
        ] {
            let row = iso(&format!("2023-10-29 {time}")).unwrap();
            let t = wall.instant(row, "");
            assert!(before.is_none_or(|b| t.since(b) == 900), "{time}");
            before = Some(t);
        }
        let gap = wall.instant(iso("2023-03-26 02:30").unwrap(), "");
        assert_eq!(gap, wall.instant(iso("2023-03-26 03:30").unwrap(), ""));
        assert!(wall.shifted[0].contains("does not occur in Europe/Amsterdam"));
    }

    #[test]
    fn midnight_may_carry_the_day_that_it_closes() {
        let calendar = Calendar::new("America/Toronto").unwrap();
        let mut wall = Wall::new(&calendar, Midnight::Closes);
        let t = wall.instant(iso("2011-11-25 00:00").unwrap(), "");
        assert_eq!(calendar.rfc3339(t), "2011-11-26T00:00:00-05:00");
    }
}
