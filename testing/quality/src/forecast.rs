//! The forecast of a month from whole days, as the server makes it for a bill.

use corrente_alert::{
    forecast::{DayAhead, Forecast, forecast},
    measure::DayOfUse,
};
use jiff::ToSpan as _;

use crate::home::Home;

/// Days before the period of which most have to be known for a month to count.
const BEFORE: usize = 56;
const DAY: i64 = 86_400;

/// A month, of which so many days are known: what was used so far, and what the rest will use.
pub fn month(
    days: &[DayOfUse],
    begin: usize,
    known_days: usize,
    length: usize,
) -> Option<(i64, Forecast)> {
    let so_far = days.get(begin..begin + known_days)?;
    let energy = so_far.iter().map(|day| day.wh).sum::<Option<i64>>()?;
    let first = days.get(begin)?.date;
    let rest: Vec<DayAhead> = (known_days..length)
        .filter_map(|n| i64::try_from(n).ok())
        .map(|n| DayAhead {
            date: first.saturating_add(n.days()),
            remaining_seconds: DAY,
            seconds: DAY,
        })
        .collect();
    Some((energy, forecast(days.get(..begin + known_days)?, &rest)?))
}

/// How good forecasts were, by how many days of the month were known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Error {
    /// Months that were looked at.
    pub months: usize,
    /// The sum of the errors without sign, in percent of the month.
    pub percent: f64,
    /// The sum with sign.
    pub bias: f64,
    /// Months that lay in the range that four of five should.
    pub inside: usize,
}

impl Error {
    /// Looks at each whole month of a home that has eight weeks before it.
    pub fn add(&mut self, home: &Home, known_days: usize) {
        let days = home.days_of_use();
        for begin in 0..days.len() {
            let Some(day) = days.get(begin).filter(|day| day.date.day() == 1) else { continue };
            let length = usize::try_from(day.date.days_in_month()).unwrap_or(30);
            let Some(month_days) = days.get(begin..begin + length) else { continue };
            let whole: Option<i64> = month_days.iter().map(|day| day.wh).sum();
            let Some(whole) = whole.filter(|wh| *wh > 10_000) else { continue };
            let enough = days
                .get(begin.saturating_sub(BEFORE)..begin)
                .is_some_and(|b| b.iter().filter(|day| day.wh.is_some()).count() >= 49);
            if !enough {
                continue;
            }
            let Some((so_far, rest)) = month(&days, begin, known_days, length) else { continue };
            let likely = so_far + rest.likely.wh();
            let percent = as_f64(likely - whole) * 100.0 / as_f64(whole);
            self.months += 1;
            self.percent += percent.abs();
            self.bias += percent;
            let range = so_far + rest.low.wh()..=so_far + rest.high.wh();
            self.inside += usize::from(range.contains(&whole));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "for a report")]
pub(crate) fn as_f64(value: i64) -> f64 {
    value as f64
}
