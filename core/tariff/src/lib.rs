//! Tariffs as data: a reviewed file, checked in full before anything is billed by it.
//!
//! A tariff file (TOML or JSON, form [`FORM`]) holds charges, taxes, periods of the day and
//! everything else that decides an amount. [`Tariff::parse`] reads and checks it; a [`TariffError`]
//! names line, key, problem and fix of everything that is wrong.
//!
//! To add a charge: its type in [`file`], its checks in `check`, its words in `explain`, its rating
//! in `corrente-billing`, and an example in `docs/tariffs.md`.

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

mod check;
mod error;
mod explain;
pub mod file;
mod problems;
mod tariff;
pub mod tou;
pub mod urdb;
pub mod value;

pub use error::{TariffError, TariffProblem};
pub use explain::explain;
pub use file::TariffFile;
pub use tariff::{MissingHolidayYear, Overlap, Tariff, overlaps};
pub use value::{Amount, Dated, DatedStep, Day, StepValue};

/// The form of tariff files that this version writes.
pub const FORM: &str = "corrente.tariff/1";
