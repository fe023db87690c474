//! Quantities that are metered and billed: [`Energy`], [`Power`], [`Money`], [`Price`].
//!
//! Energy is a whole number of watt-hours and money a whole number of minor units, so that sums are
//! exact and the same on every machine. Arithmetic is checked: what does not fit is an
//! [`OutOfRange`], never a wrapped figure. A place where a digit is dropped names how, through
//! [`Rounding`].

#![cfg_attr(
    not(test),
    deny(
        clippy::float_arithmetic,
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::indexing_slicing,
        clippy::panic,
        missing_docs
    )
)]

mod energy;
mod money;
mod rounding;

pub use energy::{Energy, Power};
pub use money::{Currency, Money, Price, UnknownCurrency};
pub use rounding::{Rounding, round_to};
pub use rust_decimal::Decimal;

/// A quantity left the range that its type can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {quantity} is larger than this system can hold")]
pub struct OutOfRange {
    /// Which quantity it was, for a sentence: "energy", "amount".
    pub quantity: &'static str,
}
