//! Checked decimal arithmetic in words: what does not fit is an error and never a wrong bill.

use corrente_units::{Decimal, OutOfRange};

const AMOUNT: OutOfRange = OutOfRange { quantity: "amount" };

pub(crate) trait Exact: Sized {
    fn plus(self, other: Self) -> Result<Self, OutOfRange>;
    fn minus(self, other: Self) -> Result<Self, OutOfRange>;
    fn times(self, other: Self) -> Result<Self, OutOfRange>;
    fn over(self, other: Self) -> Result<Self, OutOfRange>;
}

impl Exact for Decimal {
    fn plus(self, other: Self) -> Result<Self, OutOfRange> {
        self.checked_add(other).ok_or(AMOUNT)
    }

    fn minus(self, other: Self) -> Result<Self, OutOfRange> {
        self.checked_sub(other).ok_or(AMOUNT)
    }

    fn times(self, other: Self) -> Result<Self, OutOfRange> {
        self.checked_mul(other).ok_or(AMOUNT)
    }

    /// Division by zero is also out of range.
    fn over(self, other: Self) -> Result<Self, OutOfRange> {
        self.checked_div(other).ok_or(AMOUNT)
    }
}

/// The sum of many.
pub(crate) fn sum(values: impl IntoIterator<Item = Decimal>) -> Result<Decimal, OutOfRange> {
    values.into_iter().try_fold(Decimal::ZERO, Exact::plus)
}

/// A figure without the noise that divisions leave in the last of 28 digits: what is exactly 12.30 by
/// the rules must not be cut to 12.29 because a third times three came out below one.
pub(crate) fn without_noise(value: Decimal) -> Decimal {
    value.round_dp(15)
}

/// `total` shared in whole units by weights, so that the parts add up exactly: the largest
/// remainders get the units that are left over, earlier parts first.
pub(crate) fn apportion(total: i64, weights: &[i64]) -> Vec<i64> {
    let sum: i128 = weights.iter().map(|w| i128::from(*w)).sum();
    if sum <= 0 {
        let mut parts = vec![0; weights.len()];
        if let Some(first) = parts.first_mut() {
            *first = total;
        }
        return parts;
    }
    let exact: Vec<(i128, i128)> = weights
        .iter()
        .map(|w| {
            let product = i128::from(total).saturating_mul(i128::from(*w));
            (
                product.checked_div_euclid(sum).unwrap_or(0),
                product.checked_rem_euclid(sum).unwrap_or(0),
            )
        })
        .collect();
    let floors: i128 = exact.iter().map(|e| e.0).sum();
    let left = usize::try_from(i128::from(total).saturating_sub(floors)).unwrap_or(0);
    let mut order: Vec<usize> = (0..exact.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(exact.get(*i).map_or(0, |e| e.1)));
    let mut parts: Vec<i64> =
        exact.iter().map(|e| i64::try_from(e.0).unwrap_or(i64::MAX)).collect();
    for index in order.into_iter().take(left) {
        if let Some(part) = parts.get_mut(index) {
            *part = part.saturating_add(1);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::apportion;

    #[test]
    fn parts_add_up_and_follow_their_weights() {
        assert_eq!(apportion(10, &[1, 1, 1]), [4, 3, 3]);
        assert_eq!(apportion(433_000, &[18, 13]), [251_419, 181_581]);
        assert_eq!(apportion(-7, &[1, 2]).iter().sum::<i64>(), -7);
        assert_eq!(apportion(5, &[0, 0]), [5, 0]);
    }
}
