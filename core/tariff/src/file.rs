//! The form of a tariff file, key by key, as TOML or JSON.
//!
//! These types are what the published schema (`tariffs/schema.json`) is made from. They hold what
//! was written; [`crate::Tariff`] is what has been checked.

use std::collections::BTreeMap;

use corrente_units::Rounding;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{Amount, Dated, Day};

mod charge;
mod social;
mod time;

pub use charge::{
    Block, BlockCount, BlockPer, DemandBlock, DemandCharge, DemandUnit, EnergyCharge, EnergyUnit,
    FixedCharge, FixedPer, FlagCharge, FlagDay, Ratchet, SeriesCharge, UNKNOWN_FLAG,
};
pub use social::{
    CreditComponent, CreditMinimum, CreditRegime, Credits, Discount, DiscountBlock, Late, Lighting,
    LightingBand, Minimum,
};
pub use time::{DayName, HolidayYear, Season, TouCalendar, TouRule};

/// A whole tariff file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TariffFile {
    /// The form of this file: `corrente.tariff/1`.
    #[serde(default = "current_form")]
    pub form: String,
    /// A short name that stays the same over all versions: `luz-do-vale-b1`.
    pub code: String,
    /// The version's name, for people and plans: `2026-04`.
    pub version: String,
    /// The name that customers read.
    pub name: String,
    /// ISO 4217 letters: BRL, EUR, GBP, USD, AUD.
    pub currency: String,
    /// The first day of this version.
    pub valid_from: Day,
    /// The first day that this version no longer covers; open when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Day>,
    /// Where the prices come from: a resolution, a web page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The prices are examples and bind nobody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub example: bool,
    /// How energy is shared over the days when a price changes inside a period.
    #[serde(default)]
    pub split: Split,
    /// How amounts are made out of quantities, prices and taxes.
    #[serde(default)]
    pub rounding: RoundingRules,
    /// Periods of the day for energy (time of use).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tou: Option<TouCalendar>,
    /// Periods of the day for demand, where they differ from those for energy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demand_tou: Option<TouCalendar>,
    /// Holidays, year by year.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<HolidayYear>,
    /// Taxes, as dated rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tax: Vec<Tax>,
    /// Charges per kWh.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub energy: Vec<EnergyCharge>,
    /// Charges per kWh at prices that change by the interval (hour, quarter hour).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<SeriesCharge>,
    /// Charges per kW of demand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub demand: Vec<DemandCharge>,
    /// Charges per day, month, year, meter, or contracted kW.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed: Vec<FixedCharge>,
    /// A surcharge that a calendar of flags switches (Brazil: *bandeiras tarifárias*).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flag: Vec<FlagCharge>,
    /// Social discounts by block of consumption.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discount: Vec<Discount>,
    /// The least that is billed (Brazil: *custo de disponibilidade*).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Minimum>,
    /// Credits of distributed generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credits: Option<Credits>,
    /// The contribution to municipal street lighting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lighting: Option<Lighting>,
    /// What a late payment costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<Late>,
}

fn current_form() -> String {
    crate::FORM.to_owned()
}

/// How energy is shared over the days when a price changes inside a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// As measured on each side of the change, where the meter tells; by days otherwise.
    #[default]
    Measured,
    /// By the number of calendar days, as Brazilian bills do.
    Days,
}

/// How amounts are made out of quantities, prices and taxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RoundingRules {
    /// How the amount of a line is made.
    pub line: LineMethod,
    /// How amounts lose what is finer than a cent.
    #[schemars(with = "RoundingName")]
    pub money: Rounding,
    /// Digits of a unit price with taxes.
    pub price_decimals: u32,
    /// How unit prices lose their digits beyond that.
    #[schemars(with = "RoundingName")]
    pub price: Rounding,
}

impl Default for RoundingRules {
    fn default() -> Self {
        Self {
            line: LineMethod::Plain,
            money: Rounding::HalfUp,
            price_decimals: 8,
            price: Rounding::Truncate,
        }
    }
}

/// The named ways to drop digits, for the schema.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoundingName {
    /// Cut towards zero: 1.239 becomes 1.23.
    Truncate,
    /// Half away from zero: 1.235 becomes 1.24.
    HalfUp,
    /// Half to the even digit: 1.225 becomes 1.22.
    HalfEven,
}

/// How the amount of a line is made out of quantity, price and the inclusive taxes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineMethod {
    /// Quantity times price, grossed up by the inclusive taxes at full precision, rounded once.
    #[default]
    Plain,
    /// Brazil's algorithm A (seen on bills of 2024): each inclusive tax of the line is cut to cents,
    /// then the net amount plus these taxes is cut to cents.
    TaxComponents,
    /// Brazil's algorithm B (seen on bills of 2026): the unit price with taxes is cut to
    /// `price_decimals`, then quantity times that price is cut to cents.
    PriceWithTaxes,
}

/// A tax, as a dated rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tax {
    /// A short name: `icms`.
    pub code: String,
    /// The name on the bill: `ICMS`.
    pub label: String,
    /// Inside the price (Brazil: *por dentro*) or on top of it.
    pub method: TaxMethod,
    /// Inclusive taxes of one layer share a divisor; a higher layer also covers the lower ones. With
    /// PIS and COFINS in 1 and ICMS in 2, a price is `t / ((1-icms)(1-pis-cofins))`.
    #[serde(default = "first_layer")]
    pub layer: u8,
    /// The rate as a fraction: 0.205 for 20.5 %.
    pub rate: Dated,
    /// Which day of the period decides the rate.
    #[serde(default)]
    pub rate_on: RateOn,
    /// How the tax's total loses what is finer than a cent.
    #[serde(default = "half_up")]
    #[schemars(with = "RoundingName")]
    pub rounding: Rounding,
    /// What the tax's total is computed from.
    #[serde(default)]
    pub base: TaxBase,
    /// Who is exempt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exempt: Vec<Exemption>,
    /// The law or resolution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
}

fn first_layer() -> u8 {
    1
}

fn half_up() -> Rounding {
    Rounding::HalfUp
}

/// Inside the price or on top of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaxMethod {
    /// The line's amount holds the tax.
    Inclusive,
    /// The tax is added to the sum of the lines.
    Exclusive,
}

/// Which day of the period decides a tax's rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RateOn {
    /// The period's last day.
    #[default]
    LastDay,
    /// The period's first day.
    FirstDay,
    /// Each day its own: the lines are split where the rate changes.
    EachDay,
}

/// What the total of an inclusive tax is computed from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaxBase {
    /// The lines' amounts as printed, less the totals of the taxes of higher layers.
    #[default]
    Printed,
    /// The lines' amounts before they were cut to cents.
    Exact,
}

/// Who is exempt from a tax or a contribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exemption {
    /// Customers of this class; all classes when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// With a consumption of at most this in the period; any consumption when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to_kwh: Option<Amount>,
    /// From this day on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Day>,
    /// Before this day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Day>,
}

/// A price by period of the day.
pub type PriceByPeriod = BTreeMap<String, Dated>;
