//! Discounts, minimum, credits, street lighting, late payment.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Exemption;
use crate::value::{Amount, Dated, Day};

/// A discount on charges for some classes of customer, by block of consumption.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Discount {
    /// A short name, unique in the file.
    pub code: String,
    /// The name on the bill.
    pub label: String,
    /// Customers of these classes get it.
    pub classes: Vec<String>,
    /// On these charges for energy, by code.
    pub on: Vec<String>,
    /// Blocks of consumption in the billing period, each with its own share.
    pub blocks: Vec<DiscountBlock>,
    /// Periods that end on this day or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Day>,
    /// Periods that end before this day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Day>,
    /// The law or resolution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
}

/// A block of consumption with its discount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscountBlock {
    /// The block ends here; the last block has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to_kwh: Option<Amount>,
    /// The discount as a fraction: 0.65 for 65 %.
    pub share: Amount,
}

/// The least that is billed: an amount of energy by the connection's phases, or an amount of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Minimum {
    /// A short name, unique in the file.
    pub code: String,
    /// The name on the bill.
    pub label: String,
    /// At least this energy is billed, by the connection's phases: `single`, `two`, `three`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kwh: BTreeMap<String, Amount>,
    /// At least this amount is billed for the charges (before exclusive taxes).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Dated>,
    /// The price per kWh of the energy that was not used; the sum of the energy charges' only price
    /// when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Dated>,
    /// The taxes on it, by code; all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxes: Option<Vec<String>>,
    /// The law or resolution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
}

/// Credits of distributed generation (Brazil: SCEE under Lei 14.300/2022).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Credits {
    /// A credit is lost this many months after the month in which it arose.
    pub expire_after_months: u32,
    /// What happens with the minimum when all consumption is offset.
    #[serde(default)]
    pub minimum: CreditMinimum,
    /// The price of used energy that is offset, where it differs from the energy charges' (for
    /// instance because it is exempt from taxes). Used on both sides of the offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_price: Option<Dated>,
    /// The name of the line with the offset energy, where `offset_price` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_label: Option<String>,
    /// The regimes, by code; a usage point may hold several.
    pub regime: Vec<CreditRegime>,
    /// The law or resolution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
}

/// What happens with the minimum when all consumption is offset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CreditMinimum {
    /// The energy of the minimum is not offset: credits are kept for later.
    #[default]
    NotOffset,
    /// Everything is offset; the minimum is charged with its taxes and its price before taxes is
    /// taken off again.
    ChargeAndAdjust,
}

/// A regime of credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditRegime {
    /// A short name: `gd1`, `gd2`, `gd3`.
    pub code: String,
    /// The name on the bill.
    pub label: String,
    /// Parts of the price that are paid on offset energy, each with its share by year.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pays: Vec<CreditComponent>,
}

/// A part of the price that is paid on offset energy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditComponent {
    /// Its name: `fio_b`.
    pub name: String,
    /// Its price per kWh.
    pub price: Dated,
    /// The share of it that is paid: 0.6 in 2026.
    pub share: Dated,
}

/// The contribution to municipal street lighting (Brazil: CIP or COSIP). It bears no tax.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lighting {
    /// A short name, unique in the file.
    pub code: String,
    /// The name on the bill.
    pub label: String,
    /// What bands with a `share` are a share of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Dated>,
    /// Bands by class and consumption; the first that fits decides.
    pub band: Vec<LightingBand>,
    /// Who does not pay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exempt: Vec<Exemption>,
    /// The law.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
}

/// A band of the contribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LightingBand {
    /// For this class; for all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Up to this consumption; the last band of a class has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to_kwh: Option<Amount>,
    /// A fixed amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Dated>,
    /// A share of `base`, or of the energy lines' amounts where there is no `base`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Amount>,
    /// At most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Amount>,
}

/// What a late payment costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Late {
    /// A fine once, as a fraction of the overdue amount: 0.02.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fine: Option<Amount>,
    /// Interest per month as a fraction, by the day: 0.01 means 1 % for 30 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interest_per_month: Option<Amount>,
    /// The name of the index of the monetary correction: IPCA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// Lines that are not part of the base, by code.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_on: Vec<String>,
    /// The law or resolution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
}
