//! What rules look at in a home's own days. Pure: the server, a preview and the measurement of the
//! rules' quality all ask here.

use corrente_metering::Date;
use jiff::ToSpan as _;
use rust_decimal::{Decimal, RoundingStrategy};

/// So many weeks are looked back for what is usual on a weekday.
pub const WEEKS: u8 = 8;
/// With fewer known weeks nothing is said.
const AT_LEAST_WEEKS: usize = 4;
/// So many days are looked back for what is always on.
const BASE_DAYS: usize = 28;
/// With fewer known days nothing is said.
const AT_LEAST_DAYS: usize = 7;
/// A rise of less than this is a clock or a charger, whatever it is in percent.
const SMALLEST_RISE_WH: i64 = 20;
/// A rise is one when it is so many times as far from the mean as the weeks before usually are.
const RISE_SPREADS: i64 = 3;
/// A day is unusual so many times as far from the median as days usually are. Homes differ: of one that
/// cooks on some Sundays and not on others, a big Sunday is no news.
const UNUSUAL_SPREADS: i64 = 6;

/// A civil day of a home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayOfUse {
    /// Which day.
    pub date: Date,
    /// What was used, in Wh; nothing when a part of the day is not known.
    pub wh: Option<i64>,
    /// The lowest energy of an hour, in Wh, which is the power in W that is always on; nothing when a part
    /// of the day is not known.
    pub lowest_hour_wh: Option<i64>,
}

impl DayOfUse {
    /// A day from its hours in Wh.
    pub fn of_hours(date: Date, hours: impl Iterator<Item = Option<i64>>) -> Self {
        let known: Option<Vec<i64>> = hours.collect();
        let known = known.filter(|hours| !hours.is_empty());
        Self {
            date,
            wh: known
                .as_ref()
                .map(|hours| hours.iter().fold(0_i64, |sum, wh| sum.saturating_add(*wh))),
            lowest_hour_wh: known.and_then(|hours| hours.into_iter().min()),
        }
    }
}

/// What is always on, against the weeks before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rise {
    /// In percent, with one decimal.
    pub percent: Decimal,
    /// The mean of the lowest hours of the weeks before, in Wh.
    pub before_wh: i64,
}

/// The lowest hour of the last of these days against the mean of the lowest hours of up to four weeks
/// before it; 0 when it is less than 20 W above it, or not further than three times the spread of those
/// hours. The days are in order.
pub fn always_on(days: &[DayOfUse]) -> Option<Rise> {
    let (last, before) = days.split_last()?;
    let now = last.lowest_hour_wh?;
    let from = before.len().saturating_sub(BASE_DAYS);
    let known: Vec<i64> = before.get(from..)?.iter().filter_map(|day| day.lowest_hour_wh).collect();
    if known.len() < AT_LEAST_DAYS {
        return None;
    }
    let sum = known.iter().fold(0_i64, |sum, wh| sum.saturating_add(*wh));
    let mean = sum.checked_div(i64::try_from(known.len()).ok()?)?;
    let percent = percent_above(now, mean)?;
    let far = spread(&known)?.checked_mul(RISE_SPREADS)?.max(SMALLEST_RISE_WH);
    let small = now.saturating_sub(mean) < far;
    let percent = if small { percent.min(Decimal::ZERO) } else { percent };
    Some(Rise { percent, before_wh: mean })
}

/// By how many percent the last of these days is above the median of the same weekdays of eight weeks
/// before; 0 when it is not above all of them, or not further from the median than six times the
/// median distance of those days. The days are in order.
pub fn unusual_day(days: &[DayOfUse]) -> Option<Decimal> {
    let (last, before) = days.split_last()?;
    let now = last.wh?;
    let past: Vec<i64> = (1..=WEEKS)
        .filter_map(|weeks| {
            let date = last.date.checked_sub(i64::from(weeks).checked_mul(7)?.days()).ok()?;
            // The days are in order, and most are there: from behind it is near.
            before.iter().rev().find(|day| day.date <= date).filter(|day| day.date == date)?.wh
        })
        .collect();
    if past.len() < AT_LEAST_WEEKS {
        return None;
    }
    let highest = past.iter().max().copied()?;
    let far = spread(&past)?.checked_mul(UNUSUAL_SPREADS)?;
    let middle = median(past)?;
    let far = middle.checked_add(far)?;
    let above = percent_above(now, middle)?;
    Some(if now > highest && now > far { above } else { Decimal::ZERO })
}

/// How far values usually are from their median: 1.4826 times the median distance, which is the standard
/// deviation where nothing lies far out, and is not moved by what does.
fn spread(values: &[i64]) -> Option<i64> {
    let middle = median(values.to_vec())?;
    let distances = values.iter().map(|v| v.saturating_sub(middle).saturating_abs()).collect();
    median(distances)?.checked_mul(1_483)?.checked_div(1_000)
}

/// The middle value, or the mean of the two in the middle.
fn median(mut values: Vec<i64>) -> Option<i64> {
    values.sort_unstable();
    let half = values.len().checked_div(2)?;
    let upper = values.get(half).copied()?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = values.get(half.checked_sub(1)?).copied()?;
    lower.checked_add(upper)?.checked_div(2)
}

/// By how many percent a value is above another, with one decimal; nothing when that is not above 0.
pub fn percent_above(now: i64, before: i64) -> Option<Decimal> {
    let (now, before) = (Decimal::from(now), Decimal::from(before));
    if before <= Decimal::ZERO {
        return None;
    }
    let ratio = now.checked_sub(before)?.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(before)?;
    Some(ratio.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero).normalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(first: &str, of: &[(Option<i64>, Option<i64>)]) -> Vec<DayOfUse> {
        let first: Date = first.parse().unwrap();
        of.iter()
            .zip(0_i64..)
            .map(|((wh, lowest_hour_wh), n)| DayOfUse {
                date: first.checked_add(n.days()).unwrap(),
                wh: *wh,
                lowest_hour_wh: *lowest_hour_wh,
            })
            .collect()
    }

    #[test]
    fn what_is_always_on_is_compared_with_four_weeks() {
        let mut row = vec![(None, Some(100)); 28];
        row.push((None, Some(150)));
        let rise = always_on(&days("2026-01-01", &row)).unwrap();
        assert_eq!((rise.percent, rise.before_wh), (Decimal::from(50), 100));
        // Unknown days are left out, and too few of them say nothing.
        let few: Vec<_> = row.iter().skip(23).copied().collect();
        assert_eq!(always_on(&days("2026-01-01", &few)), None);
        row.push((None, None));
        assert_eq!(always_on(&days("2026-01-01", &row)), None);
        // Half as much again of next to nothing is nothing.
        let mut tiny = vec![(None, Some(20)); 28];
        tiny.push((None, Some(39)));
        assert_eq!(always_on(&days("2026-01-01", &tiny)).unwrap().percent, Decimal::ZERO);
    }

    #[test]
    fn a_day_is_unusual_above_the_same_weekdays_alone() {
        // Every seventh day uses 20 kWh, the others 10.
        let mut row: Vec<(Option<i64>, Option<i64>)> =
            (0..56).map(|n| (Some(if n % 7 == 0 { 20_000 } else { 10_000 }), None)).collect();
        row.push((Some(20_000), None));
        assert_eq!(unusual_day(&days("2026-01-05", &row)), Some(Decimal::ZERO));
        row.push((Some(20_000), None));
        assert_eq!(unusual_day(&days("2026-01-05", &row)), Some(Decimal::ONE_HUNDRED));
        assert_eq!(unusual_day(&days("2026-01-05", &row[40..])), None);
    }

    #[test]
    fn a_home_that_changes_much_has_fewer_unusual_days() {
        // Mondays between 8 and 13 kWh, then one of 20 and one of 24.
        let weeks = [8_000, 13_000, 9_000, 12_000, 10_000, 11_000, 8_500, 12_500];
        let on = |last: i64| {
            let mut row: Vec<(Option<i64>, Option<i64>)> =
                (0..56).map(|n| (Some(weeks[n / 7]), None)).collect();
            row.push((Some(last), None));
            unusual_day(&days("2026-01-05", &row)).unwrap()
        };
        assert_eq!(on(20_000), Decimal::ZERO);
        assert!(on(28_000) > Decimal::ONE_HUNDRED);
    }

    #[test]
    fn a_day_with_a_gap_has_no_total() {
        let date = "2026-01-05".parse().unwrap();
        let day = DayOfUse::of_hours(date, [Some(5), None, Some(7)].into_iter());
        assert_eq!((day.wh, day.lowest_hour_wh), (None, None));
        let day = DayOfUse::of_hours(date, [Some(5), Some(7)].into_iter());
        assert_eq!((day.wh, day.lowest_hour_wh), (Some(12), Some(5)));
    }
}
