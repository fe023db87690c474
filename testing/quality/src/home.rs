//! A home's days in hours.

use corrente_alert::measure::DayOfUse;
use corrente_metering::{Calendar, Date};
use jiff::ToSpan as _;

/// Whole civil days of a home.
#[derive(Clone, Debug)]
pub struct Home {
    /// What it is called in a report.
    pub name: String,
    /// Its calendar.
    pub calendar: Calendar,
    /// The first day.
    pub first: Date,
    /// Each day's hours in Wh; nothing where an hour is not known.
    pub days: Vec<Vec<Option<i64>>>,
}

impl Home {
    /// The date of a day.
    pub fn date(&self, day: usize) -> Date {
        self.first.saturating_add(i64::try_from(day).unwrap_or(0).days())
    }

    /// Totals and lowest hours, as the rules look at them.
    pub fn days_of_use(&self) -> Vec<DayOfUse> {
        let of = |(n, hours): (usize, &Vec<Option<i64>>)| {
            DayOfUse::of_hours(self.date(n), hours.iter().copied())
        };
        self.days.iter().enumerate().map(of).collect()
    }
}
