//! What a plan is made from, beside readings and tariffs.

use std::collections::BTreeMap;

use corrente_metering::{Calendar, Date};
use corrente_tariff::Tariff;
use corrente_units::{Decimal, Money};
use serde::{Deserialize, Serialize};

use crate::{Determinants, PlanKind};

/// Everything that decides a bill.
#[derive(Clone, Debug)]
pub struct BillingInput<'a> {
    /// Final or provisional.
    pub kind: PlanKind,
    /// The usage point's calendar.
    pub calendar: &'a Calendar,
    /// The tariff's versions that cover the period, in any order.
    pub tariffs: &'a [&'a Tariff],
    /// What the readings came to, from [`crate::measure`].
    pub determinants: Determinants,
    /// Everything else.
    pub inputs: Inputs,
}

/// What a plan is made from, beside readings and tariffs. It is stored in the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// The usage point's identifier, for whoever reads the plan.
    #[serde(default)]
    pub usage_point: String,
    /// The customer.
    #[serde(default)]
    pub customer: Customer,
    /// The period is only a part of a whole one, because someone moved in or out: monthly charges,
    /// minimum and block limits count by days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of_days: Option<i64>,
    /// Highest demand of earlier periods by charge, newest first, W; for ratchets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub earlier_demand_w: BTreeMap<String, Vec<i64>>,
    /// Credits of distributed generation from earlier periods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credits: Vec<CreditBatch>,
    /// What else is on the bill: fine, interest, correction, compensation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
}

/// What a tariff asks about a customer and the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// The class, in the tariff's own words: `residential`, `low_income`, `rural`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The connection's phases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phases: Option<Phases>,
    /// Contracted demand in kW.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contracted_kw: Option<Decimal>,
    /// Meters at the usage point; 1 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meters: Option<u32>,
    /// The regime of the credits for energy fed in during this period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit_regime: Option<String>,
}

/// A connection's phases, as Brazil's custo de disponibilidade counts them (REN 1000/2021 art. 291).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phases {
    /// One phase, or two with two conductors.
    Single,
    /// Two phases with three conductors.
    Two,
    /// Three phases.
    Three,
}

impl Phases {
    /// The word of the tariff file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Two => "two",
            Self::Three => "three",
        }
    }
}

/// Energy fed in earlier and not used yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditBatch {
    /// The regime's code.
    pub regime: String,
    /// A day of the month in which it arose.
    pub month: Date,
    /// How much, Wh.
    pub wh: i64,
}

/// Something on the bill that the tariff does not compute from this period's readings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// A short name: `late_fine`.
    pub code: String,
    /// The name on the bill.
    pub label: String,
    /// The amount; negative for a compensation.
    pub amount: Money,
    /// The number of the document that it is about: an invoice that was paid late, a credit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The clause behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
}
