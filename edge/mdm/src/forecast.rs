//! How much the rest of a billing period will use, as a range, from the own past. Pure.
//!
//! Each remaining day is expected to be like the same weekday of the last eight weeks, scaled by how
//! this period went so far against the same expectation; the more days are known, the more that
//! counts. The range is what 80 % of such sums would stay in if days differed from each other as they
//! did, twice as wide because neighbouring days resemble each other.

use corrente_units::Energy;

/// A day of the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForecastDay {
    /// What is usual on it, where it has a past.
    pub usual: Option<Energy>,
    /// The part of the day that is still to come, in seconds, and the day's length.
    pub remaining_seconds: i64,
    /// The day's length in seconds.
    pub seconds: i64,
}

/// What is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Energy of the period so far.
    pub energy: Energy,
    /// Seconds of it.
    pub seconds: i64,
    /// What would have been usual for those seconds, where that is known.
    pub usual: Option<Energy>,
    /// By how much days of the past missed what was usual for them, in Wh, either sign.
    pub misses: Vec<i64>,
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
/// So many days of this period weigh as much as the expectation from the past.
const DAYS_OF_TRUST: i128 = 5;

/// What the remaining days will use; nothing when there is neither a past nor a day of this period.
pub fn forecast(known: &Known, days: &[ForecastDay]) -> Option<Forecast> {
    let remaining: i128 = days.iter().map(|day| i128::from(day.remaining_seconds)).sum();
    let elapsed = i128::from(known.seconds.max(0));
    let energy = i128::from(known.energy.wh());
    let usual_rest = days
        .iter()
        .map(|day| {
            let usual = i128::from(day.usual?.wh());
            Some(usual * i128::from(day.remaining_seconds) / i128::from(day.seconds.max(1)))
        })
        .sum::<Option<i128>>();
    let likely = match (usual_rest, known.usual.map(|usual| i128::from(usual.wh()))) {
        // actual + trust × daily usual, over usual + trust × daily usual.
        (Some(rest), Some(usual)) if usual > 0 && elapsed > 0 => {
            let daily = usual * DAY / elapsed;
            let trust = daily * DAYS_OF_TRUST;
            rest * (energy + trust) / (usual + trust).max(1)
        }
        (Some(rest), _) => rest,
        (None, _) if elapsed >= DAY => energy * remaining / elapsed,
        (None, _) => return None,
    };
    let half = half_width(known, likely, remaining);
    let wh = |value: i128| Energy::from_wh(i64::try_from(value.max(0)).unwrap_or(i64::MAX));
    Some(Forecast { likely: wh(likely), low: wh(likely - half), high: wh(likely + half) })
}

/// 1.28 standard deviations of a sum of days, doubled; a fifth of the likely value where no past says.
fn half_width(known: &Known, likely: i128, remaining: i128) -> i128 {
    let count = i128::try_from(known.misses.len()).unwrap_or(0);
    if count < 5 {
        return likely / 5;
    }
    let squares: i128 = known.misses.iter().map(|miss| i128::from(*miss).pow(2)).sum();
    let variance = squares / count;
    // σ² × days × (2 × 1.28)², with remaining in seconds.
    let scaled = variance.saturating_mul(remaining).saturating_mul(655) / (DAY * 100);
    // Days that were all alike do not promise that the next one is.
    scaled.max(0).isqrt().max(likely / 25)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(usual: Option<i64>, count: usize) -> Vec<ForecastDay> {
        let usual = usual.map(Energy::from_wh);
        vec![ForecastDay { usual, remaining_seconds: 86_400, seconds: 86_400 }; count]
    }

    fn known(wh: i64, days: i64, usual: Option<i64>) -> Known {
        Known {
            energy: Energy::from_wh(wh),
            seconds: days * 86_400,
            usual: usual.map(Energy::from_wh),
            misses: vec![1000, -1000, 1000, -1000, 1000, -1000],
        }
    }

    #[test]
    fn the_rest_follows_the_past_and_how_this_period_went() {
        // As usual: the past goes on.
        let f = forecast(&known(100_000, 10, Some(100_000)), &days(Some(10_000), 20)).unwrap();
        assert_eq!(f.likely.wh(), 200_000);
        // σ = 1 kWh, 20 days: 2 × 1.28 × 1 × √20 = 11.4 kWh.
        assert!((11_000..12_000).contains(&(f.high.wh() - f.likely.wh())), "{f:?}");
        // Twice as much for ten days: two thirds of that are believed.
        let f = forecast(&known(200_000, 10, Some(100_000)), &days(Some(10_000), 20)).unwrap();
        assert_eq!(f.likely.wh(), 333_333);
        // One day of excess is not believed much.
        let f = forecast(&known(20_000, 1, Some(10_000)), &days(Some(10_000), 29)).unwrap();
        assert_eq!(f.likely.wh(), 338_333);
    }

    #[test]
    fn without_a_past_the_period_itself_goes_on_after_a_day() {
        let f = forecast(&known(30_000, 3, None), &days(None, 27)).unwrap();
        assert_eq!((f.likely.wh(), f.low.wh() < 270_000), (270_000, true));
        assert_eq!(forecast(&known(500, 0, None), &days(None, 30)), None);
    }

    #[test]
    fn nothing_remains_at_the_end() {
        let f = forecast(&known(30_000, 30, Some(30_000)), &[]).unwrap();
        assert_eq!((f.likely.wh(), f.low.wh(), f.high.wh()), (0, 0, 0));
    }
}
