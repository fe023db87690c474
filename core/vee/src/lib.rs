//! Validation, estimation and editing (VEE): raw readings in, what is believed about them out.
//!
//! [`validate`] takes the history of one flow at one usage point (its meters one after another, their
//! raw readings, the point's events and a person's edits) and gives a
//! [`LoadProfile`](corrente_metering::LoadProfile) and [`Finding`]s. It
//! keeps three promises:
//!
//! - **Conservation.** Between any two good registers of a segment, the sum of the intervals is the
//!   difference of the registers, to the watt-hour. What cannot be reconciled is a finding.
//! - **Missing is never zero.** An interval of which nothing is known has no energy.
//! - **Nothing raw is changed.** A rejected reading stays where it is; the finding says why it was not
//!   believed, and a later run over more readings may believe it.
//!
//! Everything here is integer arithmetic: shares are made by largest remainder ([`spread()`]).
//!
//! # How to add a rule
//!
//! 1. Add a variant to [`Rule`] with its name and version, and its parameters to [`Parameters`].
//! 2. Write it in a file of [`checks`](crate::Rule) (over intervals) or in `registers.rs` (over the
//!    dial), pushing a [`Finding`] with an [`Evidence`] that holds every number of its sentence.
//! 3. Give it one passing and one failing case in `tests/vee/cases.rs` and a section with a worked
//!    example in `docs/vee.md`. A test names what is still owed.

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

mod balance;
mod cells;
mod changes;
mod checks;
mod estimator;
mod finding;
mod history;
mod limit;
mod own;
mod parameters;
mod readings;
mod registers;
mod rule;
mod rule_file;
mod run;
mod spread;

pub use balance::{Balance, DayBalance, Member, balance};
pub use changes::{Change, changes};
pub use checks::compare_siblings;
pub use estimator::{
    Basis, Estimate, Estimator, prorate, register_from_intervals, scalar_spread, subtract,
};
pub use finding::{Evidence, Finding, QuarantineReason, Severity, Suggestion};
pub use history::{
    ClockCorrection, ClockSample, Edit, EnergyUnit, EventKind, MeterPeriod, MultiplierFrom,
    PointEvent, PointHistory, Ratio, Sibling, SiblingRole,
};
pub use own::{ClassProfile, OwnHistory};
pub use parameters::{Parameters, RuleSet};
pub use registers::GoodRegister;
pub use rule::Rule;
pub use rule_file::RuleSetError;
pub use run::{Outcome, run, validate};
pub use spread::spread;
