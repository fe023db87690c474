//! Shares of a whole number that add up to it again.

use corrente_metering::{Span, Timestamp};

/// Shares of `total` in proportion to `weights`, by largest remainder, so that they add up to `total`
/// exactly.
///
/// A negative weight counts as nothing; when no weight is positive, all are equal. Of equal
/// remainders the earlier one gets the odd unit, so that the same input always gives the same shares.
/// No weights, no shares.
pub fn spread(total: i64, weights: &[i64]) -> Vec<i64> {
    let positive = weights.iter().any(|&w| w > 0);
    let weight = |w: i64| if positive { i128::from(w.max(0)) } else { 1 };
    let sum: i128 = weights.iter().map(|&w| weight(w)).fold(0, i128::saturating_add);
    let magnitude = i128::from(total).saturating_abs();
    let mut given: i128 = 0;
    let mut shares = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    for (index, &w) in weights.iter().enumerate() {
        let product = magnitude.saturating_mul(weight(w));
        let share = product.checked_div(sum).unwrap_or(0);
        given = given.saturating_add(share);
        shares.push(share);
        remainders.push((product.checked_rem(sum).unwrap_or(0), index));
    }
    let left = usize::try_from(magnitude.saturating_sub(given)).unwrap_or(0);
    if left > 0 {
        remainders.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        for &(_, index) in remainders.iter().take(left) {
            if let Some(share) = shares.get_mut(index) {
                *share = share.saturating_add(1);
            }
        }
    }
    let sign = i128::from(total.signum());
    shares.iter().map(|s| i64::try_from(s.saturating_mul(sign)).unwrap_or(0)).collect()
}

/// `value × numerator ÷ denominator`, half to even; `None` when it does not fit or divides by nothing.
pub(crate) fn scale(value: i64, numerator: i64, denominator: i64) -> Option<i64> {
    if numerator == denominator {
        return Some(value);
    }
    let product = i128::from(value).checked_mul(i128::from(numerator))?;
    let denominator = i128::from(denominator);
    let floor = product.checked_div_euclid(denominator)?;
    let remainder = product.checked_rem_euclid(denominator)?;
    let twice = remainder.checked_mul(2)?;
    let up = twice > denominator || (twice == denominator && floor.checked_rem(2)? != 0);
    i64::try_from(floor.checked_add(i128::from(up))?).ok()
}

/// How much of a span's energy has come by `t`, by time; rounded down, as a register counts.
pub(crate) fn share_until(span: Span, wh: i64, t: Timestamp) -> i64 {
    let passed = t.since(span.start).clamp(0, span.seconds());
    let share = i128::from(wh).saturating_mul(i128::from(passed));
    let share = share.checked_div_euclid(i128::from(span.seconds())).unwrap_or(0);
    i64::try_from(share).unwrap_or(wh)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_and_the_odd_unit_goes_to_the_largest_remainder() {
        for (total, weights, shares) in [
            (10, vec![1, 1, 1], vec![4, 3, 3]),
            (100, vec![3, 0, 1], vec![75, 0, 25]),
            (7, vec![0, 0], vec![4, 3]),
            (-10, vec![1, 1, 1], vec![-4, -3, -3]),
            (5, vec![-4, 1], vec![0, 5]),
            (9, vec![], vec![]),
            (i64::MAX, vec![i64::MAX, i64::MAX], vec![i64::MAX / 2 + 1, i64::MAX / 2]),
        ] {
            assert_eq!(spread(total, &weights), shares, "{total} over {weights:?}");
        }
    }

    #[test]
    fn scaling_rounds_half_to_even() {
        for (value, numerator, denominator, expected) in [
            (5, 1, 2, Some(2)),
            (15, 1, 2, Some(8)),
            (-5, 1, 2, Some(-2)),
            (7, 20, 1, Some(140)),
            (i64::MAX, 2, 1, None),
            (1, 1, 0, None),
        ] {
            assert_eq!(scale(value, numerator, denominator), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn shares_always_add_up(total in -1_000_000_000_000i64..1_000_000_000_000,
                                weights in proptest::collection::vec(-5i64..1_000_000, 1..200)) {
            let shares = spread(total, &weights);
            proptest::prop_assert_eq!(shares.iter().sum::<i64>(), total);
            proptest::prop_assert!(shares.iter().all(|&s| s == 0 || s.signum() == total.signum()));
        }
    }
}
