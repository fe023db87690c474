//! Charges for energy, demand, time and flags.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PriceByPeriod;
use crate::value::{Amount, Dated, Day};

/// A charge per kWh: `price`, `prices` by period of the day, or `blocks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnergyCharge {
    /// A short name, unique in the file.
    pub code: String,
    /// The name on the bill.
    pub label: String,
    /// One price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Dated>,
    /// A price by period of the day.
    #[serde(default, skip_serializing_if = "PriceByPeriod::is_empty")]
    pub prices: PriceByPeriod,
    /// Prices by block of consumption.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<Block>,
    /// What a block's limit counts.
    #[serde(default)]
    pub blocks_per: BlockPer,
    /// Which energy fills the blocks.
    #[serde(default)]
    pub blocks_count: BlockCount,
    /// Blocks are for a period of this many days and grow or shrink with it; fixed when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks_for_days: Option<u32>,
    /// For blocks that end at so many kWh per kW: demand is the highest mean power of windows of this
    /// many minutes in the period; 15 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks_window_minutes: Option<u32>,
    /// Only energy of these periods of the day; all when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub periods: Vec<String>,
    /// What the price is per.
    #[serde(default)]
    pub unit: EnergyUnit,
    /// Counts energy fed into the grid instead of energy used: give such a price as a negative one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub export: bool,
    /// The taxes on it, by code; all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxes: Option<Vec<String>>,
    /// The resolution or contract behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
}

/// A block of consumption.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// The block ends here; the last block has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to_kwh: Option<Amount>,
    /// The block ends at this many kWh for each kW of the period's highest demand (hours of use). Beside
    /// `up_to_kwh`, the smaller end counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to_kwh_per_kw: Option<Amount>,
    /// One price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Dated>,
    /// A price by period of the day.
    #[serde(default, skip_serializing_if = "PriceByPeriod::is_empty")]
    pub prices: PriceByPeriod,
}

/// What a block's limit counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlockPer {
    /// The energy of the billing period.
    #[default]
    Period,
    /// The energy of the day.
    Day,
}

/// Which energy fills the blocks of a charge that is limited to some periods of the day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlockCount {
    /// Only the energy of the charge's own periods of the day.
    #[default]
    Own,
    /// All energy; each block is shared in proportion to the energy of the periods of the day.
    All,
}

/// What a price of energy is per.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EnergyUnit {
    /// Kilowatt-hour.
    #[default]
    #[serde(rename = "kWh")]
    Kwh,
    /// Megawatt-hour.
    #[serde(rename = "MWh")]
    Mwh,
}

/// A charge per kWh at a price of each interval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesCharge {
    /// A short name, unique in the file.
    pub code: String,
    /// The name on the bill.
    pub label: String,
    /// The name of the price series: `day-ahead-nl`.
    pub series: String,
    /// What the series' prices are per.
    #[serde(default)]
    pub unit: EnergyUnit,
    /// The series' price is multiplied by this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multiply: Option<Dated>,
    /// Then this is added, per kWh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add: Option<Dated>,
    /// This is added, per kWh, in these periods of the day.
    #[serde(default, skip_serializing_if = "PriceByPeriod::is_empty")]
    pub add_in: PriceByPeriod,
    /// The price per kWh is never above this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Dated>,
    /// The price per kWh is never below this; negative prices are passed on when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Dated>,
    /// The taxes on it, by code; all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxes: Option<Vec<String>>,
    /// The resolution or contract behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
}

/// A charge per kW of demand: `price` or `blocks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DemandCharge {
    /// A short name, unique in the file.
    pub code: String,
    /// The name on the bill.
    pub label: String,
    /// One price per kW.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Dated>,
    /// Prices by block of demand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<DemandBlock>,
    /// Per kW and billing period, or per kW and day.
    #[serde(default)]
    pub per: DemandUnit,
    /// Demand is the mean power of windows of this many minutes: 15, 30 or 60.
    #[serde(default = "quarter_hour")]
    pub window_minutes: u32,
    /// Only windows in these periods of the day (of `demand_tou`, or `tou`); all when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub periods: Vec<String>,
    /// Only in these months (1 to 12); all when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub months: Vec<u8>,
    /// The mean of the highest so many windows is billed.
    #[serde(default = "one")]
    pub top: u32,
    /// The highest windows are taken from different days.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub top_on_different_days: bool,
    /// A share of the highest demand of earlier periods is billed at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratchet: Option<Ratchet>,
    /// At least this many kW are billed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least_kw: Option<Amount>,
    /// The contracted kW are billed at least.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_least_contracted: bool,
    /// The taxes on it, by code; all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxes: Option<Vec<String>>,
    /// The resolution or contract behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
}

impl EnergyCharge {
    /// The windows whose highest mean power decides where blocks per kW end; nothing where no block
    /// ends so.
    pub fn demand_window_minutes(&self) -> Option<u32> {
        let per_kw = self.blocks.iter().any(|b| b.up_to_kwh_per_kw.is_some());
        per_kw.then(|| self.blocks_window_minutes.unwrap_or_else(quarter_hour))
    }
}

fn quarter_hour() -> u32 {
    15
}

fn one() -> u32 {
    1
}

/// A block of demand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DemandBlock {
    /// The block ends here; the last block has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to_kw: Option<Amount>,
    /// The price per kW.
    pub price: Dated,
}

/// Per kW and billing period, or per kW and day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DemandUnit {
    /// Per kW and billing period.
    #[default]
    Period,
    /// Per kW and day of the period.
    Day,
}

/// A share of the highest demand of earlier periods is billed at least.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ratchet {
    /// The share: 0.8 for 80 %.
    pub share: Amount,
    /// Of so many periods before this one.
    pub periods_back: u32,
}

/// A charge that does not depend on energy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FixedCharge {
    /// A short name, unique in the file.
    pub code: String,
    /// The name on the bill.
    pub label: String,
    /// The price.
    pub price: Dated,
    /// What it is per.
    pub per: FixedPer,
    /// The taxes on it, by code; all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxes: Option<Vec<String>>,
    /// The resolution or contract behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
}

/// What a fixed charge is per.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FixedPer {
    /// Each day of the period.
    Day,
    /// Each billing period; its share of days when someone moved in or out.
    Month,
    /// A twelfth each billing period.
    Year,
    /// Each meter and billing period.
    Meter,
    /// Each contracted kW and billing period.
    Kw,
}

/// A surcharge per kWh that a calendar of flags switches; shared over the period's days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlagCharge {
    /// A short name, unique in the file.
    pub code: String,
    /// The name on the bill; the flag's name is put behind it.
    pub label: String,
    /// The surcharge by flag.
    pub prices: PriceByPeriod,
    /// Which flag holds from which day on.
    pub calendar: Vec<FlagDay>,
    /// The first day whose flag is not known yet. Later days cannot be billed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_until: Option<Day>,
    /// What the prices are per.
    #[serde(default)]
    pub unit: EnergyUnit,
    /// Classes that do not pay it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exempt_classes: Vec<String>,
    /// The taxes on it, by code; all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxes: Option<Vec<String>>,
    /// The resolution or contract behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
}

/// From this day on, this flag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlagDay {
    /// The first day.
    pub from: Day,
    /// The flag's name, or `unknown`: days without a known flag cannot be billed.
    pub flag: String,
}

/// The name of a flag that is not known yet.
pub const UNKNOWN_FLAG: &str = "unknown";
