//! Bills as a pure function: determinants × tariff → [`BillingPlan`].
//!
//! [`measure`] turns intervals into determinants, [`plan`] turns those into a plan, [`replay`]
//! computes a stored plan again and lists differences. [`pay`] makes and reads payment codes.
//!
//! To add a charge: its type and checks in `corrente-tariff`, a module under `rate`, a call in
//! `rate::lines`, and its counterpart in the slow second implementation of the tests.

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

pub mod check;
mod curve;
pub mod determinants;
mod digest;
mod error;
mod exact;
mod input;
mod late;
pub mod pay;
mod plan;
mod portion;
mod prices;
mod rate;
mod replay;
pub mod simulate;
mod verify;
mod why;

pub use curve::{IntervalCost, energy_costs};
pub use determinants::{
    Determinants, Measure, PricePoint, PriceSeries, ProfileRevision, QualityShares, Quantity,
    ReadingRevision, RegisterDifference, Segment, TimeTable, measure, measure_with,
};
pub use error::BillingError;
pub use input::{BillingInput, CreditBatch, Customer, Inputs, Item, Phases};
pub use late::{Overdue, late_items};
pub use plan::{
    BillingPlan, CreditBalance, Line, LineGroup, LineTax, Note, PLAN_FORM, PlanKind, Share,
    TariffRef, TaxRow, Totals,
};
pub use prices::{EnergyPrice, energy_prices};
pub use rate::plan;
pub use replay::{Difference, compare_plans, replay};
pub use verify::{Violation, verify};
pub use why::{Cause, Change, why_changed};
