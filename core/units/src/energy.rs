//! Energy in watt-hours, power in watts.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::OutOfRange;

/// An amount of active energy in whole watt-hours (Wh).
///
/// Import and export are two channels, so a metered energy is never negative by direction; a
/// negative value is a difference that a validation rule has to look at.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Energy(i64);

/// Active power in whole watts (W).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Power(i64);

impl Energy {
    /// No energy. This is a measured nothing: an unknown energy is an `Option`, never zero.
    pub const ZERO: Self = Self(0);

    /// An energy of this many watt-hours.
    pub const fn from_wh(wh: i64) -> Self {
        Self(wh)
    }

    /// Watt-hours.
    pub const fn wh(self) -> i64 {
        self.0
    }

    /// The sum.
    ///
    /// # Errors
    /// When it does not fit into 64 bits.
    pub fn checked_add(self, other: Self) -> Result<Self, OutOfRange> {
        self.0.checked_add(other.0).map(Self).ok_or(OutOfRange { quantity: "energy" })
    }

    /// The difference `self - other`.
    ///
    /// # Errors
    /// When it does not fit into 64 bits.
    pub fn checked_sub(self, other: Self) -> Result<Self, OutOfRange> {
        self.0.checked_sub(other.0).map(Self).ok_or(OutOfRange { quantity: "energy" })
    }

    /// The sum of many energies.
    ///
    /// # Errors
    /// When it does not fit into 64 bits.
    pub fn sum(energies: impl IntoIterator<Item = Self>) -> Result<Self, OutOfRange> {
        energies.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }

    /// The same energy in kilowatt-hours, exactly (three decimals).
    pub fn kwh(self) -> Decimal {
        Decimal::new(self.0, 3).normalize()
    }

    /// An energy from kilowatt-hours when it is a whole number of watt-hours.
    ///
    /// # Errors
    /// When it is finer than a watt-hour or does not fit: rounding is the caller's decision.
    pub fn from_kwh_exact(kwh: Decimal) -> Result<Self, OutOfRange> {
        let wh = kwh
            .checked_mul(Decimal::ONE_THOUSAND)
            .filter(Decimal::is_integer)
            .ok_or(OutOfRange { quantity: "energy" })?;
        i64::try_from(wh).map(Self).map_err(|_| OutOfRange { quantity: "energy" })
    }
}

impl Power {
    /// A power of this many watts.
    pub const fn from_w(w: i64) -> Self {
        Self(w)
    }

    /// Watts.
    pub const fn w(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Energy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Wh", self.0)
    }
}

impl fmt::Display for Power {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} W", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_that_do_not_fit_are_an_error() {
        let most = Energy::from_wh(i64::MAX);
        assert!(most.checked_add(Energy::from_wh(1)).is_err());
        assert!(Energy::sum([most, Energy::from_wh(-1), Energy::from_wh(1)]).is_ok());
    }

    #[test]
    fn kwh_goes_both_ways() {
        let e = Energy::from_wh(12_345);
        assert_eq!(e.kwh().to_string(), "12.345");
        assert_eq!(Energy::from_kwh_exact(e.kwh()), Ok(e));
        assert!(Energy::from_kwh_exact("0.0005".parse().unwrap()).is_err());
    }
}
