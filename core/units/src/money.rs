//! Money in minor units of a currency, and prices as exact decimals.

use std::{fmt, str::FromStr};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{OutOfRange, Rounding, round_to};

/// A currency of ISO 4217 that this system bills in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    /// Brazilian real, numeric code 986.
    Brl,
    /// Euro, 978.
    Eur,
    /// Pound sterling, 826.
    Gbp,
    /// United States dollar, 840.
    Usd,
    /// Australian dollar, 036.
    Aud,
}

/// The three letters name no currency that this system knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a currency that can be billed in: use BRL, EUR, GBP, USD or AUD")]
pub struct UnknownCurrency(pub String);

impl Currency {
    /// The ISO 4217 letters.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Brl => "BRL",
            Self::Eur => "EUR",
            Self::Gbp => "GBP",
            Self::Usd => "USD",
            Self::Aud => "AUD",
        }
    }

    /// Digits of the minor unit: all of these have cents.
    pub const fn minor_digits(self) -> u32 {
        2
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Brl, Self::Eur, Self::Gbp, Self::Usd, Self::Aud]
            .into_iter()
            .find(|c| c.code() == text)
            .ok_or_else(|| UnknownCurrency(text.to_owned()))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount in whole minor units (cents) of a currency that its context names: a bill has one
/// currency, so its amounts do not each carry it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Money(i64);

impl Money {
    /// Nothing to pay.
    pub const ZERO: Self = Self(0);

    /// An amount of this many minor units.
    pub const fn from_minor(minor: i64) -> Self {
        Self(minor)
    }

    /// Minor units (cents).
    pub const fn minor(self) -> i64 {
        self.0
    }

    /// The amount as an exact decimal of the major unit, always with two decimals: `12.30`.
    pub fn decimal(self) -> Decimal {
        Decimal::new(self.0, 2)
    }

    /// An amount from a decimal of the major unit; what is finer than a cent is dropped as named.
    ///
    /// # Errors
    /// When it does not fit into 64 bits of minor units.
    pub fn from_decimal(value: Decimal, rounding: Rounding) -> Result<Self, OutOfRange> {
        round_to(value, 2, rounding)
            .checked_mul(Decimal::ONE_HUNDRED)
            .and_then(|minor| i64::try_from(minor).ok())
            .map(Self)
            .ok_or(OutOfRange { quantity: "amount" })
    }

    /// The sum.
    ///
    /// # Errors
    /// When it does not fit into 64 bits.
    pub fn checked_add(self, other: Self) -> Result<Self, OutOfRange> {
        self.0.checked_add(other.0).map(Self).ok_or(OutOfRange { quantity: "amount" })
    }

    /// The difference `self - other`.
    ///
    /// # Errors
    /// When it does not fit into 64 bits.
    pub fn checked_sub(self, other: Self) -> Result<Self, OutOfRange> {
        self.0.checked_sub(other.0).map(Self).ok_or(OutOfRange { quantity: "amount" })
    }

    /// The sum of many amounts.
    ///
    /// # Errors
    /// When it does not fit into 64 bits.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, OutOfRange> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.decimal())
    }
}

/// A price in the major unit of the context's currency per something (per kWh, per day, per kW).
/// It keeps all its digits.
pub type Price = Decimal;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_print_with_two_decimals_and_come_back() {
        for (minor, text) in [(1230, "12.30"), (-5, "-0.05"), (0, "0.00")] {
            let money = Money::from_minor(minor);
            assert_eq!(money.to_string(), text);
            assert_eq!(Money::from_decimal(text.parse().unwrap(), Rounding::Truncate), Ok(money));
        }
    }

    #[test]
    fn an_unknown_currency_says_which_are_known() {
        let error = "XYZ".parse::<Currency>().unwrap_err();
        assert!(error.to_string().contains("use BRL"));
    }
}
