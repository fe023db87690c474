//! How much the rest of a billing period will use, as a range, from the home's own days.
//!
//! A day is its weekday's factor times a level. The factors are those of the last ten weeks, drawn towards
//! 1 as if three days of each weekday had been average. The level is the mean of the known days without
//! their factors, in which a day four days back counts half: a home that changed is soon believed.
//!
//! The range is what four of five sums stay in. It has two parts: days differ from their neighbours, which
//! grows with the root of the days to come, and the level itself moves, which grows with their number. The
//! constants were chosen on thirty homes of London and hold on thirty others, see `docs/alerts.md`.

use corrente_metering::Date;
use corrente_units::Energy;

use crate::measure::DayOfUse;

/// So many whole days before the edge are looked at.
pub const FORECAST_DAYS: u8 = 70;

/// A day, or the rest of one, that is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayAhead {
    /// Which day.
    pub date: Date,
    /// What is to come of it, in seconds.
    pub remaining_seconds: i64,
    /// How long the whole day is, in seconds.
    pub seconds: i64,
}

/// What the rest of the period will use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// Most likely.
    pub likely: Energy,
    /// The lower end of the 80 % range.
    pub low: Energy,
    /// The upper end.
    pub high: Energy,
}

const DAY: i128 = 86_400;
/// A factor of 1.
const ONE: i128 = 1_000;
/// So many average days are mixed into each weekday's factor.
const AVERAGE_DAYS: i128 = 3;
/// A day is worth so much by its age modulo four: 2^24 × 2^(-age/4). Each four days halve it.
const WORTH: [i128; 4] = [16_777_216, 14_107_901, 11_863_283, 9_975_792];
/// With fewer pairs of neighbouring days their difference is guessed.
const AT_LEAST_PAIRS: i128 = 5;

/// What the days ahead will use, from whole days before them in order; nothing without a known day.
pub fn forecast(days: &[DayOfUse], ahead: &[DayAhead]) -> Option<Forecast> {
    let from = days.len().saturating_sub(usize::from(FORECAST_DAYS));
    let days = days.get(from..)?;
    let factors = Factors::of(days)?;
    let level = level(days, &factors)?;
    let (mut likely, mut remaining) = (0_i128, 0_i128);
    for day in ahead {
        let seconds = i128::from(day.remaining_seconds.max(0));
        let whole = level.checked_mul(factors.on(day.date))?.checked_div(ONE)?;
        let part = whole.checked_mul(seconds)?.checked_div(i128::from(day.seconds.max(1)))?;
        likely = likely.checked_add(part)?;
        remaining = remaining.checked_add(seconds)?;
    }
    let half = half_width(spread(days, &factors, level)?, likely, remaining)?;
    let energy = |wh: i128| i64::try_from(wh.max(0)).ok().map(Energy::from_wh);
    Some(Forecast {
        likely: energy(likely)?,
        low: energy(likely.checked_sub(half)?)?,
        high: energy(likely.checked_add(half)?)?,
    })
}

/// What each weekday uses, against the mean of all, in thousandths.
struct Factors([i128; 7]);

impl Factors {
    fn of(days: &[DayOfUse]) -> Option<Self> {
        let mut sums = [(0_i128, 0_i128); 7];
        for day in days {
            let Some(wh) = day.wh else { continue };
            let (sum, count) = sums.get_mut(weekday(day.date))?;
            *sum = sum.checked_add(i128::from(wh))?;
            *count = count.checked_add(1)?;
        }
        let total = sums.iter().try_fold(0_i128, |all, (sum, _)| all.checked_add(*sum))?;
        let count = sums.iter().try_fold(0_i128, |all, (_, count)| all.checked_add(*count))?;
        let mean = total.checked_div(count)?.max(1);
        let mut factors = [ONE; 7];
        for (factor, (sum, count)) in factors.iter_mut().zip(sums) {
            let own = sum.checked_mul(ONE)?.checked_div(mean)?;
            let mixed = own.checked_add(AVERAGE_DAYS.checked_mul(ONE)?)?;
            *factor = mixed.checked_div(count.checked_add(AVERAGE_DAYS)?)?.max(1);
        }
        Some(Self(factors))
    }

    fn on(&self, date: Date) -> i128 {
        self.0.get(weekday(date)).copied().unwrap_or(ONE)
    }

    /// A day as if its weekday were average, in Wh.
    fn without(&self, day: &DayOfUse) -> Option<i128> {
        i128::from(day.wh?).checked_mul(ONE)?.checked_div(self.on(day.date))
    }
}

fn weekday(date: Date) -> usize {
    usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0)
}

/// The level at the end of the days, in Wh a day.
fn level(days: &[DayOfUse], factors: &Factors) -> Option<i128> {
    let (mut sum, mut worth) = (0_i128, 0_i128);
    for (day, age) in days.iter().rev().zip(0_u32..) {
        let Some(wh) = factors.without(day) else { continue };
        let slot = usize::try_from(age.checked_rem(4)?).ok()?;
        let own = WORTH.get(slot)?.checked_shr(age.checked_div(4)?)?;
        sum = sum.checked_add(wh.checked_mul(own)?)?;
        worth = worth.checked_add(own)?;
    }
    sum.checked_div(worth)
}

/// The variance of a day around its level, in Wh²: half the mean squared difference of neighbours.
fn spread(days: &[DayOfUse], factors: &Factors, level: i128) -> Option<i128> {
    let (mut squares, mut pairs) = (0_i128, 0_i128);
    for (day, next) in days.iter().zip(days.iter().skip(1)) {
        let Some((a, b)) = factors.without(day).zip(factors.without(next)) else { continue };
        let difference = b.checked_sub(a)?;
        squares = squares.checked_add(difference.checked_mul(difference)?)?;
        pairs = pairs.checked_add(1)?;
    }
    if pairs < AT_LEAST_PAIRS {
        // Two fifths of the level, as in a home that cooks every other day.
        return level.checked_mul(level)?.checked_mul(4)?.checked_div(25);
    }
    squares.checked_div(pairs.checked_mul(2)?)
}

/// 1.28 √(3 σ² n + (0.14 likely)² n / 20), for n days to come.
fn half_width(variance: i128, likely: i128, remaining_seconds: i128) -> Option<i128> {
    let of_days = variance.checked_mul(3)?.checked_mul(remaining_seconds)?.checked_div(DAY)?;
    let of_level = likely
        .checked_mul(likely)?
        .checked_mul(196)?
        .checked_mul(remaining_seconds)?
        .checked_div(DAY.checked_mul(20 * 10_000)?)?;
    let scaled = of_days.checked_add(of_level)?.checked_mul(16_384)?.checked_div(10_000)?;
    Some(scaled.max(0).isqrt())
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;

    use super::*;

    fn days(of: impl Iterator<Item = Option<i64>>) -> Vec<DayOfUse> {
        let first: Date = "2026-01-05".parse().unwrap();
        of.zip(0_i64..)
            .map(|(wh, n)| DayOfUse {
                date: first.checked_add(n.days()).unwrap(),
                wh,
                lowest_hour_wh: None,
            })
            .collect()
    }

    fn ahead(after: &[DayOfUse], count: i64) -> Vec<DayAhead> {
        let last = after.last().unwrap().date;
        (1..=count)
            .map(|n| DayAhead {
                date: last.checked_add(n.days()).unwrap(),
                remaining_seconds: 86_400,
                seconds: 86_400,
            })
            .collect()
    }

    fn kwh(known: &[DayOfUse], count: i64) -> (i64, i64, i64) {
        let f = forecast(known, &ahead(known, count)).unwrap();
        (f.low.wh() / 1000, f.likely.wh() / 1000, f.high.wh() / 1000)
    }

    #[test]
    fn what_was_always_so_goes_on() {
        let same = days((0..70).map(|_| Some(10_000)));
        // Only that levels move is left: 1.28 × 14 % for twenty days.
        assert_eq!(kwh(&same, 20), (164, 200, 235));
        let f = forecast(&same, &[]).unwrap();
        assert_eq!((f.low.wh(), f.likely.wh(), f.high.wh()), (0, 0, 0));
    }

    #[test]
    fn a_home_that_changed_is_believed_within_a_week() {
        let doubled =
            |n: usize| days((0..70).map(|d| Some(if d < 70 - n { 10_000 } else { 20_000 })));
        let likely = |n| kwh(&doubled(n), 10).1;
        assert_eq!((likely(0), likely(1), likely(4), likely(8)), (100, 114, 145, 173));
        // The change itself makes the range wider.
        let width = |n| {
            let (low, _, high) = kwh(&doubled(n), 10);
            high - low
        };
        assert!(width(1) > width(0), "{} {}", width(1), width(0));
    }

    #[test]
    fn weekends_keep_their_weight() {
        let weekly = days((0..70).map(|d| Some(if d % 7 >= 5 { 20_000 } else { 10_000 })));
        // Ten of thirteen parts are the own factor: Monday to Friday, then Saturday and Sunday.
        let (_, five, _) = kwh(&weekly, 5);
        let (_, seven, _) = kwh(&weekly, 7);
        assert!((52..58).contains(&five) && (86..96).contains(&seven), "{five} {seven}");
    }

    #[test]
    fn an_hour_of_a_day_is_its_part_and_gaps_are_left_out() {
        let holes = days((0..70).map(|d| (d % 3 != 0).then_some(24_000)));
        let mut rest = ahead(&holes, 1);
        rest[0].remaining_seconds = 3_600;
        assert_eq!(forecast(&holes, &rest).unwrap().likely.wh(), 1_000);
        assert_eq!(forecast(&days((0..9).map(|_| None)), &rest), None);
        assert_eq!(forecast(&[], &rest), None);
    }

    #[test]
    fn a_single_day_is_a_guess_and_says_so() {
        let (low, likely, high) = kwh(&days([Some(10_000)].into_iter()), 29);
        assert_eq!(likely, 290);
        assert!(low < 215 && high > 365, "{low} {high}");
    }
}
