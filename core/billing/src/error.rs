//! Why a usage point cannot be billed. Never a bill of zero instead.

use corrente_metering::{Date, Timestamp};
use corrente_tariff::MissingHolidayYear;
use corrente_units::OutOfRange;

/// Why no plan could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BillingError {
    /// The period has no time in it.
    #[error("the billing period is empty: its end is not after its start")]
    EmptyPeriod,
    /// No tariff version covers a day.
    #[error("no tariff version covers {on}: add a version that is valid on that day")]
    NoTariff {
        /// The first such day.
        on: Date,
    },
    /// Two tariff versions cover a day.
    #[error("two tariff versions cover {on}: end the earlier one with `valid_until`")]
    VersionsOverlap {
        /// The first such day.
        on: Date,
    },
    /// A bill has one currency.
    #[error("the tariff's currency changes on {on}: end the billing period there")]
    CurrencyChanges {
        /// The day.
        on: Date,
    },
    /// Energy is missing, and the bill is not provisional.
    #[error("{intervals} intervals of the period are missing: estimate them, or wait for them")]
    MissingEnergy {
        /// How many.
        intervals: u32,
    },
    /// A consumption below zero.
    #[error("the energy from {first} on is negative ({wh} Wh): look at the register's readings")]
    NegativeEnergy {
        /// The first day of the stretch.
        first: Date,
        /// How much.
        wh: i64,
    },
    /// A flag is not known.
    #[error("the flag of `{charge}` on {on} is not known: add it to the tariff's `calendar`")]
    FlagUnknown {
        /// The charge's code.
        charge: String,
        /// The day.
        on: Date,
    },
    /// A price series is missing.
    #[error("the tariff needs the price series `{series}`: load its prices for this period")]
    NoPriceSeries {
        /// Its name.
        series: String,
    },
    /// A price series has a hole.
    #[error("the price series `{series}` has no price for the interval that ends at {at}")]
    NoPriceAt {
        /// Its name.
        series: String,
        /// The interval's end.
        at: Timestamp,
    },
    /// The customer's data does not say what the tariff asks.
    #[error("the tariff needs the customer's {what}: add it to the usage point")]
    CustomerLacks {
        /// What it is.
        what: &'static str,
    },
    /// No band or block holds the consumption.
    #[error("`{charge}` has no band for class `{class}`: add one to the tariff")]
    NoBand {
        /// The charge's code.
        charge: String,
        /// The customer's class.
        class: String,
    },
    /// A dated value is unknown on the day, or has no step for it.
    #[error("`{charge}` has no known value on {on}: put that day's value into the tariff")]
    NoValue {
        /// The charge's or tax's code.
        charge: String,
        /// The day.
        on: Date,
    },
    /// The determinants were made for other days or another tariff.
    #[error("the determinants were made under another tariff: measure the period again")]
    OtherDeterminants,
    /// A list of holidays is missing.
    #[error(transparent)]
    Holidays(#[from] MissingHolidayYear),
    /// A figure left the range that can be held.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
}
