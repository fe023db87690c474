//! The billing plan: the document that a bill is printed from, and from which it can be computed
//! again. Form [`PLAN_FORM`].
//!
//! Amounts are whole minor units (cents) of the plan's currency; prices and quantities are exact
//! decimals as text; dates are local days of the plan's zone.

use std::collections::BTreeMap;

use corrente_metering::Date;
use corrente_tariff::file::LineMethod;
use corrente_units::{Currency, Decimal, Money, Rounding};
use serde::{Deserialize, Serialize};

use crate::{CreditBatch, Determinants, Inputs};

/// The form of the plans that this version writes.
pub const PLAN_FORM: &str = "corrente.plan/1";

/// A bill as a value: everything that it says, and everything that it was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingPlan {
    /// [`PLAN_FORM`].
    pub form: String,
    /// Final, or a look at a period that has not ended.
    pub kind: PlanKind,
    /// The currency of all amounts.
    pub currency: Currency,
    /// IANA name of the zone of all days.
    pub zone: String,
    /// The version of the time-zone database.
    pub zone_database: String,
    /// The first local day billed.
    pub first: Date,
    /// The first local day after the period.
    pub until: Date,
    /// Calendar days billed.
    pub days: i64,
    /// The tariff versions.
    pub tariffs: Vec<TariffRef>,
    /// The lines, in the order of the bill.
    pub lines: Vec<Line>,
    /// Taxes: base, rate and amount of each.
    pub tax_box: Vec<TaxRow>,
    /// The sums.
    pub totals: Totals,
    /// Credits of distributed generation after this bill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credits: Option<CreditBalance>,
    /// Things to know that change no amount.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// What the period's readings came to.
    pub determinants: Determinants,
    /// Everything else that it was made from.
    pub inputs: Inputs,
    /// SHA-256 (hex) over determinants, inputs and the tariffs' digests.
    pub inputs_digest: String,
}

/// Final, or a look at a period that has not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanKind {
    /// May be issued. Missing energy is an error.
    #[default]
    Final,
    /// "Bill so far": what the bill would be if the period ended here. Missing energy counts as not
    /// yet known, so that the figure is a lower bound.
    Provisional,
}

/// A tariff version that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TariffRef {
    /// Its code.
    pub code: String,
    /// Its version.
    pub version: String,
    /// Its name.
    pub name: String,
    /// The digest of its content.
    pub digest: String,
    /// The first day billed by it.
    pub first: Date,
    /// The first day no longer billed by it.
    pub until: Date,
}

/// What kind of line it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineGroup {
    /// Per kWh.
    Energy,
    /// Per kWh at the price of the interval.
    Series,
    /// Per kW.
    Demand,
    /// By time.
    Fixed,
    /// The flag's surcharge.
    Flag,
    /// A social discount.
    Discount,
    /// The least that is billed.
    Minimum,
    /// Credits of distributed generation.
    Credit,
    /// Street lighting.
    Lighting,
    /// Fine, interest, correction, compensation and whatever else was added.
    Other,
}

/// A line of the bill: `quantity × share × price = base`, and `amount` with the inclusive taxes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The charge's code: translations hang on it.
    pub code: String,
    /// The tariff's own words for it.
    pub label: String,
    /// What kind of line.
    pub group: LineGroup,
    /// The first day it is for.
    pub first: Date,
    /// The first day it is no longer for.
    pub until: Date,
    /// The period of the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
    /// The block of consumption, as `0..100` or `100..` in kWh (kW for demand).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<String>,
    /// The name of a flag, a regime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How much, in `unit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Decimal>,
    /// kWh, kW, day, month, meter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Only this part of the quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
    /// The price without taxes, per unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Decimal>,
    /// The price with the inclusive taxes, per unit, as printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_with_taxes: Option<Decimal>,
    /// Before inclusive taxes, exactly.
    pub base: Decimal,
    /// What is charged, with the inclusive taxes.
    pub amount: Money,
    /// The taxes on the line, inclusive and exclusive, as far as the tax box shares them out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taxes: Vec<LineTax>,
    /// How the amount was made.
    pub method: LineMethod,
    /// How digits beyond a cent were dropped.
    pub rounding: Rounding,
    /// The clause behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
}

/// A part of something: 18 of 31 days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The part.
    pub part: i64,
    /// Of so many.
    pub of: i64,
    /// Of what: `days` or `wh`.
    pub unit: String,
}

/// A tax on a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineTax {
    /// The tax's code.
    pub code: String,
    /// The rate as a fraction.
    pub rate: Decimal,
    /// The amount; all lines of a tax add up to its row in the tax box.
    pub amount: Money,
}

/// A row of the tax box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxRow {
    /// The tax's code.
    pub code: String,
    /// Its name on the bill.
    pub label: String,
    /// Is it part of the lines' amounts?
    pub inclusive: bool,
    /// What it is computed from, as printed.
    pub base: Money,
    /// The rate as a fraction.
    pub rate: Decimal,
    /// The tax.
    pub amount: Money,
}

/// The sums of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Energy from the grid, Wh.
    pub import_wh: i64,
    /// Energy into the grid, Wh.
    pub export_wh: i64,
    /// The part of the import that is estimated, Wh.
    pub estimated_wh: i64,
    /// Intervals of which nothing is known.
    pub missing_intervals: u32,
    /// The lines' amounts by group.
    pub by_group: BTreeMap<LineGroup, Money>,
    /// Taxes inside the lines' amounts.
    pub taxes_included: Money,
    /// Taxes on top of them.
    pub taxes_added: Money,
    /// What is to be paid. Negative: the customer has a credit.
    pub total: Money,
}

/// Credits of distributed generation before and after.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditBalance {
    /// Offset in this period, Wh, by regime.
    pub used_wh: BTreeMap<String, i64>,
    /// Lost in this period because they were too old, Wh.
    pub expired_wh: i64,
    /// What remains, oldest first.
    pub remaining: Vec<CreditBatch>,
}

/// Something to know that changes no amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What it is, for translations: `energy_estimated`, `example_prices`.
    pub code: String,
    /// In English, for logs.
    pub text: String,
}
