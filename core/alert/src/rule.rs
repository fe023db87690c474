//! What a person can switch on.

use std::{fmt, str::FromStr};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{Notice, Occurrence, Threshold};

/// A rule with its parameters. As JSON: `{"kind": "bill_jump", "parameters": {"percent": "15"}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "parameters", rename_all = "snake_case")]
pub enum Rule {
    /// More energy, money or power than the own limit.
    ExcessiveConsumption(Excessive),
    /// The projected bill is so much above the last one.
    BillJump(BillJump),
    /// The projected bill is so much above the one of the same month a year ago.
    BillJumpYear(BillJump),
    /// The projected bill is above a budget.
    ForecastOverBudget(Budget),
    /// What is always on rose against the weeks before.
    AlwaysOn(AlwaysOn),
    /// A day far above the same weekdays before.
    UnusualDay(UnusualDay),
    /// The meter has not reported for a while; its recovery says that it is back.
    MeterSilent(Silence),
    /// An invoice was issued.
    InvoiceIssued(NoParameters),
    /// An invoice is due soon.
    InvoiceDue(DueSoon),
    /// An invoice is past its due date.
    InvoiceOverdue(NoParameters),
    /// An invoice was paid.
    InvoicePaid(NoParameters),
}

/// The kinds of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// See [`Rule::ExcessiveConsumption`].
    ExcessiveConsumption,
    /// See [`Rule::BillJump`].
    BillJump,
    /// See [`Rule::BillJumpYear`].
    BillJumpYear,
    /// See [`Rule::ForecastOverBudget`].
    ForecastOverBudget,
    /// See [`Rule::AlwaysOn`].
    AlwaysOn,
    /// See [`Rule::UnusualDay`].
    UnusualDay,
    /// See [`Rule::MeterSilent`].
    MeterSilent,
    /// See [`Rule::InvoiceIssued`].
    InvoiceIssued,
    /// See [`Rule::InvoiceDue`].
    InvoiceDue,
    /// See [`Rule::InvoiceOverdue`].
    InvoiceOverdue,
    /// See [`Rule::InvoicePaid`].
    InvoicePaid,
}

/// A limit on consumption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Excessive {
    /// The limit, in `unit`.
    pub threshold: Decimal,
    /// kWh, the bill's currency, or W.
    pub unit: Unit,
    /// Over which stretch. Power (W) is of the moment, and the stretch is not looked at.
    pub per: Per,
    /// So many minutes power has to stay above its limit; a quarter of an hour where nobody chose, so
    /// that a shower is no news. Energy and money only grow, and have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_minutes: Option<u16>,
}

impl Excessive {
    /// Minutes of power above the limit where nobody chose.
    pub const USUAL_MINUTES: u16 = 15;

    /// A limit with the usual duration.
    pub const fn above(threshold: Decimal, unit: Unit, per: Per) -> Self {
        Self { threshold, unit, per, for_minutes: None }
    }

    /// How long the value has to stay above the limit, in seconds.
    pub fn for_seconds(&self) -> i64 {
        match self.unit {
            Unit::W => {
                i64::from(self.for_minutes.unwrap_or(Self::USUAL_MINUTES)).saturating_mul(60)
            }
            Unit::Kwh | Unit::Money => 0,
        }
    }
}

/// The unit of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Kilowatt-hours.
    Kwh,
    /// The major unit of the bill's currency.
    Money,
    /// Watts.
    W,
}

/// The stretch of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// A clock hour.
    Hour,
    /// A civil day.
    Day,
    /// A billing period.
    Bill,
}

/// By how much a bill may rise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BillJump {
    /// Percent above the last bill, or the one of a year ago.
    pub percent: Decimal,
}

/// What a bill may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// In the major unit of the bill's currency.
    pub amount: Decimal,
}

/// How much the base load may rise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlwaysOn {
    /// Percent above the weeks before.
    pub percent: Decimal,
}

/// How much a day may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnusualDay {
    /// Percent above the same weekdays before.
    pub percent: Decimal,
}

/// How long a meter may be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// In minutes.
    pub minutes: u32,
}

/// How long before the due date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DueSoon {
    /// In days.
    pub days_before: u8,
}

/// A rule without parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoParameters {}

/// A limit of power that has to last longer than a day is none.
const LONGEST_MINUTES: u16 = 1440;

/// The machine that a rule runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// See [`Threshold`].
    Threshold(Threshold),
    /// See [`Occurrence`].
    Occurrence(Occurrence),
}

/// A rule that cannot work, in a sentence that says why and what would.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct RuleError {
    /// The parameter.
    pub field: &'static str,
    /// Why, and what is allowed.
    pub reason: &'static str,
}

impl RuleKind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: [Self; 11] = [
        Self::ExcessiveConsumption,
        Self::BillJump,
        Self::BillJumpYear,
        Self::ForecastOverBudget,
        Self::AlwaysOn,
        Self::UnusualDay,
        Self::MeterSilent,
        Self::InvoiceIssued,
        Self::InvoiceDue,
        Self::InvoiceOverdue,
        Self::InvoicePaid,
    ];

    /// The word in the API and in the registry.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ExcessiveConsumption => "excessive_consumption",
            Self::BillJump => "bill_jump",
            Self::BillJumpYear => "bill_jump_year",
            Self::ForecastOverBudget => "forecast_over_budget",
            Self::AlwaysOn => "always_on",
            Self::UnusualDay => "unusual_day",
            Self::MeterSilent => "meter_silent",
            Self::InvoiceIssued => "invoice_issued",
            Self::InvoiceDue => "invoice_due",
            Self::InvoiceOverdue => "invoice_overdue",
            Self::InvoicePaid => "invoice_paid",
        }
    }

    /// The rule with the parameters that hold where nobody chose any.
    ///
    /// 300 kWh in one billing period and a bill 15 % above the last one are the limits of the report
    /// that this system grew out of.
    pub fn default_rule(self) -> Rule {
        match self {
            Self::ExcessiveConsumption => Rule::ExcessiveConsumption(Excessive::above(
                Decimal::from(300),
                Unit::Kwh,
                Per::Bill,
            )),
            Self::BillJump => Rule::BillJump(BillJump { percent: Decimal::from(15) }),
            Self::BillJumpYear => Rule::BillJumpYear(BillJump { percent: Decimal::from(25) }),
            Self::ForecastOverBudget => {
                Rule::ForecastOverBudget(Budget { amount: Decimal::from(250) })
            }
            Self::AlwaysOn => Rule::AlwaysOn(AlwaysOn { percent: Decimal::from(30) }),
            Self::UnusualDay => Rule::UnusualDay(UnusualDay { percent: Decimal::from(60) }),
            Self::MeterSilent => Rule::MeterSilent(Silence { minutes: 24 * 60 }),
            Self::InvoiceIssued => Rule::InvoiceIssued(NoParameters {}),
            Self::InvoiceDue => Rule::InvoiceDue(DueSoon { days_before: 3 }),
            Self::InvoiceOverdue => Rule::InvoiceOverdue(NoParameters {}),
            Self::InvoicePaid => Rule::InvoicePaid(NoParameters {}),
        }
    }

    /// Is this notice worth a message? That a month ended is no news, and nobody waits for the end of an
    /// unusual day; pages show both.
    pub const fn tells(self, notice: &Notice) -> bool {
        match notice {
            Notice::Started { .. } | Notice::Worse { .. } => true,
            Notice::Over { value, .. } => value.is_some() && !matches!(self, Self::UnusualDay),
        }
    }

    /// Is the rule on where nobody chose?
    pub const fn on_by_default(self) -> bool {
        matches!(self, Self::ExcessiveConsumption | Self::BillJump)
    }
}

impl fmt::Display for RuleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for RuleKind {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.word() == text).ok_or(RuleError {
            field: "kind",
            reason: "there is no such kind of alert; excessive_consumption and bill_jump are two",
        })
    }
}

impl Rule {
    /// Its kind.
    pub fn kind(&self) -> RuleKind {
        match self {
            Self::ExcessiveConsumption(_) => RuleKind::ExcessiveConsumption,
            Self::BillJump(_) => RuleKind::BillJump,
            Self::BillJumpYear(_) => RuleKind::BillJumpYear,
            Self::ForecastOverBudget(_) => RuleKind::ForecastOverBudget,
            Self::AlwaysOn(_) => RuleKind::AlwaysOn,
            Self::UnusualDay(_) => RuleKind::UnusualDay,
            Self::MeterSilent(_) => RuleKind::MeterSilent,
            Self::InvoiceIssued(_) => RuleKind::InvoiceIssued,
            Self::InvoiceDue(_) => RuleKind::InvoiceDue,
            Self::InvoiceOverdue(_) => RuleKind::InvoiceOverdue,
            Self::InvoicePaid(_) => RuleKind::InvoicePaid,
        }
    }

    /// Refuses a rule that would always or never fire.
    ///
    /// # Errors
    /// Names the parameter and what is allowed.
    pub fn check(&self) -> Result<(), RuleError> {
        let (field, value, most, reason) = match self {
            Self::ExcessiveConsumption(Excessive { unit, for_minutes: Some(minutes), .. })
                if *unit != Unit::W || *minutes > LONGEST_MINUTES =>
            {
                return Err(RuleError {
                    field: "for_minutes",
                    reason: "use at most 1440 minutes, and only for a limit in W: energy and money \
                             only grow",
                });
            }
            Self::ExcessiveConsumption(e) => (
                "threshold",
                e.threshold,
                Decimal::from(10_000_000),
                "use more than 0 and at most 10000000: with less it would always tell, with more never",
            ),
            Self::BillJump(b) | Self::BillJumpYear(b) => (
                "percent",
                b.percent,
                Decimal::ONE_THOUSAND,
                "use more than 0 and at most 1000 percent above that bill",
            ),
            Self::ForecastOverBudget(b) => (
                "amount",
                b.amount,
                Decimal::from(10_000_000),
                "use a budget of more than 0 and at most 10000000",
            ),
            Self::AlwaysOn(a) => (
                "percent",
                a.percent,
                Decimal::ONE_THOUSAND,
                "use more than 0 and at most 1000 percent above the weeks before",
            ),
            Self::UnusualDay(u) => (
                "percent",
                u.percent,
                Decimal::ONE_THOUSAND,
                "use more than 0 and at most 1000 percent above the same weekdays before",
            ),
            Self::MeterSilent(s) => (
                "minutes",
                Decimal::from(s.minutes),
                Decimal::from(60 * 24 * 90),
                "use at least 1 minute and at most 90 days (129600)",
            ),
            Self::InvoiceDue(d) => (
                "days_before",
                Decimal::from(d.days_before),
                Decimal::from(28),
                "use 1 to 28 days before the due date",
            ),
            Self::InvoiceIssued(_) | Self::InvoiceOverdue(_) | Self::InvoicePaid(_) => {
                return Ok(());
            }
        };
        if value > Decimal::ZERO && value <= most {
            Ok(())
        } else {
            Err(RuleError { field, reason })
        }
    }

    /// The machine that it runs, with its hysteresis.
    pub fn machine(&self) -> Machine {
        match self {
            // 10 % of the limit below it is over; half the limit more is worse.
            Self::ExcessiveConsumption(e) => {
                let seconds = e.for_seconds();
                threshold(e.threshold, share(e.threshold, 90), share(e.threshold, 50), seconds)
            }
            // Percent points: a fifth below it is over, twice the jump is worse.
            Self::BillJump(b) | Self::BillJumpYear(b) => {
                threshold(b.percent, share(b.percent, 80), b.percent, 0)
            }
            Self::ForecastOverBudget(b) => {
                threshold(b.amount, share(b.amount, 95), share(b.amount, 20), 0)
            }
            Self::AlwaysOn(a) => threshold(a.percent, share(a.percent, 70), a.percent, 2 * 86_400),
            Self::UnusualDay(u) => threshold(u.percent, u.percent, u.percent, 0),
            // In minutes of silence; ten times as long is worse. The first reading ends it.
            Self::MeterSilent(s) => {
                let limit = Decimal::from(s.minutes);
                threshold(limit, share(limit, 50), share(limit, 900), 0)
            }
            Self::InvoiceIssued(_)
            | Self::InvoiceDue(_)
            | Self::InvoiceOverdue(_)
            | Self::InvoicePaid(_) => Machine::Occurrence(Occurrence),
        }
    }
}

fn threshold(limit: Decimal, over_at: Decimal, worse_by: Decimal, for_seconds: i64) -> Machine {
    Machine::Threshold(Threshold { limit, over_at, worse_by, for_seconds })
}

fn share(value: Decimal, percent: u32) -> Decimal {
    value
        .checked_mul(Decimal::from(percent))
        .and_then(|v| v.checked_div(Decimal::ONE_HUNDRED))
        .unwrap_or(value)
}
