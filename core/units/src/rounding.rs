//! The named ways to drop digits. Brazilian bills truncate (REN 414/2010 art. 213), others round.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

/// How digits beyond a scale are dropped. Each division or product of a bill names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Cut towards zero: 1.239 → 1.23.
    Truncate,
    /// Half away from zero: 1.235 → 1.24.
    HalfUp,
    /// Half to the even digit: 1.235 → 1.24, 1.225 → 1.22.
    HalfEven,
}

/// `value` with at most `decimals` digits after the point, by the named rounding.
pub fn round_to(value: Decimal, decimals: u32, rounding: Rounding) -> Decimal {
    let strategy = match rounding {
        Rounding::Truncate => RoundingStrategy::ToZero,
        Rounding::HalfUp => RoundingStrategy::MidpointAwayFromZero,
        Rounding::HalfEven => RoundingStrategy::MidpointNearestEven,
    };
    value.round_dp_with_strategy(decimals, strategy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_bill_that_proves_truncation() {
        // Cosern: 464 kWh × 0.58308173 R$ = 270.54992272, printed 270.54.
        let exact: Decimal = "270.54992272".parse().unwrap();
        assert_eq!(round_to(exact, 2, Rounding::Truncate).to_string(), "270.54");
        assert_eq!(round_to(exact, 2, Rounding::HalfUp).to_string(), "270.55");
        assert_eq!(round_to(-exact, 2, Rounding::Truncate).to_string(), "-270.54");
    }
}
