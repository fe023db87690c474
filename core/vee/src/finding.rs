//! What a rule found, with its evidence.

use std::fmt;

use corrente_metering::{ChannelId, Span, Timestamp};
use corrente_units::{Energy, Money, Power};
use serde::{Deserialize, Serialize};

use crate::{EnergyUnit, Ratio, Rule};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It explains something; nobody has to act.
    Info,
    /// Somebody should look.
    Warning,
    /// Energy is unknown or does not add up: a bill should wait.
    Error,
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// In which version.
    pub rule_version: u16,
    /// How much it matters.
    pub severity: Severity,
    /// The time that it is about.
    pub span: Span,
    /// The channel, where it is about one.
    pub channel: Option<ChannelId>,
    /// The numbers behind it.
    pub evidence: Evidence,
}

impl Finding {
    /// Findings of one cause have one key: the rule and the hours in which the trouble began and
    /// ended, so that 200 meters silent behind one concentrator are one row.
    pub fn cause(&self) -> (Rule, i64, i64) {
        let hour = |t: Timestamp| t.second().div_euclid(3600);
        (self.rule, hour(self.span.start), hour(self.span.end))
    }

    /// What a person could do about it.
    pub fn suggestion(&self) -> Suggestion {
        match self.evidence {
            Evidence::Repeated { .. }
            | Evidence::RolledOver { inferred: false, .. }
            | Evidence::ClockCorrected { .. }
            | Evidence::Replaced { .. }
            | Evidence::Exchanged { gap_seconds: 0, .. } => Suggestion::Nothing,
            Evidence::RolledOver { modulus, .. } => Suggestion::EnterModulus { modulus },
            Evidence::ClockOff { ahead_seconds, .. } => {
                Suggestion::EnterClockCorrection { add_seconds: ahead_seconds.saturating_neg() }
            }
            Evidence::OutOfPlace { .. } => Suggestion::CheckClockAndInstallation,
            Evidence::Jumped { .. } | Evidence::Reset { .. } | Evidence::Exchanged { .. } => {
                Suggestion::EnterRegistersOfExchange
            }
            Evidence::MultiplierDiffers { .. }
            | Evidence::LooksMultiplied { .. }
            | Evidence::UnitDiffers { .. }
            | Evidence::LooksScaled { .. } => Suggestion::CheckMultiplierAndUnit,
            Evidence::LimitUnknown { .. } => Suggestion::EnterPowerLimit,
            Evidence::NothingKnown { .. } | Evidence::EstimatedFor { .. } => {
                Suggestion::ReadOnSiteOrEdit
            }
            Evidence::Conflict { .. }
            | Evidence::EqualIntervals { .. }
            | Evidence::DayAgainstOwn { .. }
            | Evidence::SiblingDiffers { .. }
            | Evidence::AboveLimit { .. }
            | Evidence::BelowLimit { .. }
            | Evidence::UsedWhileOff { .. }
            | Evidence::OffSize { .. }
            | Evidence::Peak { .. }
            | Evidence::RanBack { .. }
            | Evidence::NegativeInterval { .. }
            | Evidence::SumDiffers { .. }
            | Evidence::NoUse { .. }
            | Evidence::Glitch { .. }
            | Evidence::Tampered { .. }
            | Evidence::Loss { .. } => Suggestion::Look,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.evidence)
    }
}

/// What a person could do about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Suggestion {
    /// Nothing: it explains itself.
    Nothing,
    /// Look at the chart around it, then accept or edit.
    Look,
    /// Read the meter on site, or enter the energy with a reason.
    ReadOnSiteOrEdit,
    /// Enter the meter's exchange with the last and the first register.
    EnterRegistersOfExchange,
    /// Enter at which value the dial rolls over.
    EnterModulus {
        /// The inferred modulus.
        modulus: Energy,
    },
    /// Enter a correction of the clock.
    EnterClockCorrection {
        /// What would be added to the time stamps, in seconds.
        add_seconds: i64,
    },
    /// Enter what the connection carries.
    EnterPowerLimit,
    /// Compare the meter's clock and the dates of its installation.
    CheckClockAndInstallation,
    /// Compare multiplier and unit with the meter's plate.
    CheckMultiplierAndUnit,
}

/// Why readings are quarantined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuarantineReason {
    /// Stamped before the meter was installed here: a clock that fell back to 1970, or another place.
    BeforeInstallation,
    /// Stamped after the meter was removed.
    AfterRemoval,
    /// Stamped later than now.
    Future,
    /// No dial shows such a value.
    ImpossibleValue,
}

/// The numbers behind a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's sentence in Display says what its fields are")]
pub enum Evidence {
    EqualIntervals {
        count: usize,
        energy: Energy,
    },
    Repeated {
        count: usize,
    },
    Conflict {
        kept: Energy,
        other: Energy,
    },
    DayAgainstOwn {
        day: Energy,
        mean: Energy,
        deviation: Energy,
        days: usize,
    },
    SiblingDiffers {
        name: String,
        own: Energy,
        sibling: Energy,
    },
    Replaced {
        before: Energy,
        after: Energy,
    },
    AboveLimit {
        energy: Energy,
        limit: Energy,
        rejected: bool,
    },
    BelowLimit {
        energy: Energy,
        limit: Energy,
    },
    LimitUnknown {
        power: Power,
        taken: Power,
    },
    UsedWhileOff {
        energy: Energy,
    },
    OffSize {
        count: usize,
        expected_seconds: i64,
        usual_seconds: i64,
    },
    Peak {
        energy: Energy,
        third: Energy,
    },
    MultiplierDiffers {
        ours: Ratio,
        declared: Ratio,
    },
    LooksMultiplied {
        day: Energy,
        expected: Energy,
        ratio: Ratio,
    },
    RanBack {
        from: Energy,
        to: Energy,
        confirmed: bool,
    },
    NegativeInterval {
        energy: Energy,
    },
    EstimatedFor {
        seconds: i64,
        energy: Energy,
    },
    NothingKnown {
        intervals: usize,
        at_least: Energy,
    },
    SumDiffers {
        registers: Energy,
        intervals: Energy,
        edited: bool,
    },
    UnitDiffers {
        declared: EnergyUnit,
    },
    LooksScaled {
        day: Energy,
        expected: Energy,
    },
    NoUse {
        seconds: i64,
        usual_day: Energy,
    },
    RolledOver {
        from: Energy,
        to: Energy,
        modulus: Energy,
        inferred: bool,
    },
    Reset {
        from: Energy,
        to: Energy,
        confirmed: bool,
    },
    Glitch {
        readings: usize,
        before: Energy,
        glitch: Energy,
        after: Option<Energy>,
    },
    Jumped {
        from: Energy,
        to: Energy,
        limit: Energy,
        confirmed: bool,
    },
    Exchanged {
        old: ChannelId,
        new: ChannelId,
        last: Option<Energy>,
        first: Option<Energy>,
        gap_seconds: i64,
    },
    ClockOff {
        ahead_seconds: i64,
        samples: usize,
    },
    ClockCorrected {
        add_seconds: i64,
        readings: usize,
    },
    OutOfPlace {
        readings: usize,
        first: Timestamp,
        last: Timestamp,
        reason: QuarantineReason,
    },
    Tampered {
        code: u16,
    },
    Loss {
        parent: Energy,
        children: Energy,
        loss: Energy,
        amount: Option<Money>,
        unknown: usize,
    },
}

/// A sentence in English for logs and command lines; the portal makes its own from the fields.
impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = |confirmed: &bool| if *confirmed { "" } else { ", held until the next reading" };
        match self {
            Self::EqualIntervals { count, energy } => {
                write!(f, "{count} intervals in a row of {energy}")
            }
            Self::Repeated { count } => write!(f, "{count} readings came again"),
            Self::Conflict { kept, other } => {
                write!(f, "two values for one instant: {kept} kept, {other} not")
            }
            Self::DayAgainstOwn { day, mean, deviation, days } => write!(
                f,
                "the day has {day}; {days} comparable days have {mean} on average, give or take {deviation}"
            ),
            Self::SiblingDiffers { name, own, sibling } => {
                write!(f, "{own} here, {sibling} by {name}")
            }
            Self::Replaced { before, after } => {
                write!(f, "the source replaced {before} by {after}")
            }
            Self::AboveLimit { energy, limit, rejected } => write!(
                f,
                "{energy} is above {limit}{}",
                if *rejected { ", not believed" } else { "" }
            ),
            Self::BelowLimit { energy, limit } => write!(f, "{energy} is below {limit}"),
            Self::LimitUnknown { power, taken } => write!(
                f,
                "{power} flowed, more than {taken}, and nobody has entered what the connection carries"
            ),
            Self::UsedWhileOff { energy } => write!(f, "{energy} while disconnected"),
            Self::OffSize { count, expected_seconds, usual_seconds } => write!(
                f,
                "{count} readings are not a multiple of {expected_seconds} s after the one before, most often {usual_seconds} s"
            ),
            Self::Peak { energy, third } => {
                write!(f, "{energy} where the third highest of the day is {third}")
            }
            Self::MultiplierDiffers { ours, declared } => write!(
                f,
                "the source multiplies by {}/{}, we by {}/{}",
                declared.numerator, declared.denominator, ours.numerator, ours.denominator
            ),
            Self::LooksMultiplied { day, expected, ratio } => write!(
                f,
                "the day has {day} where {expected} is usual: off by the multiplier {}/{}?",
                ratio.numerator, ratio.denominator
            ),
            Self::RanBack { from, to, confirmed } => {
                write!(f, "the register ran back from {from} to {to}{}", held(confirmed))
            }
            Self::NegativeInterval { energy } => write!(f, "an interval of {energy}"),
            Self::EstimatedFor { seconds, energy } => {
                write!(f, "estimated for {} h, {energy} of it here", seconds.div_euclid(3600))
            }
            Self::NothingKnown { intervals, at_least } => {
                write!(f, "{intervals} intervals missing, at least {at_least} in them")
            }
            Self::SumDiffers { registers, intervals, edited } => write!(
                f,
                "the registers differ by {registers}, the intervals{} add up to {intervals}",
                if *edited { " with the edit" } else { "" }
            ),
            Self::UnitDiffers { declared } => {
                write!(f, "the source gives {declared:?} where Wh are expected")
            }
            Self::LooksScaled { day, expected } => write!(
                f,
                "the day has {day} where {expected} is usual: Wh taken for kWh, or the other way?"
            ),
            Self::NoUse { seconds, usual_day } => write!(
                f,
                "no use for {} h where a day usually has {usual_day}",
                seconds.div_euclid(3600)
            ),
            Self::RolledOver { from, to, modulus, inferred } => write!(
                f,
                "rolled over at {modulus}{}: from {from} to {to}",
                if *inferred { " (inferred)" } else { "" }
            ),
            Self::Reset { from, to, confirmed } => {
                write!(f, "began again: from {from} to {to}{}", held(confirmed))
            }
            Self::Glitch { readings, before, glitch, after } => {
                write!(f, "{readings} readings jumped from {before} to {glitch}")?;
                match after {
                    Some(after) => write!(f, " and back to {after}"),
                    None => write!(f, " and fit nothing after them"),
                }
            }
            Self::Jumped { from, to, limit, confirmed } => {
                write!(f, "jumped from {from} to {to} where {limit} is the most{}", held(confirmed))
            }
            Self::Exchanged { old, new, last, first, gap_seconds } => {
                write!(f, "channel {new} follows channel {old}")?;
                if let (Some(last), Some(first)) = (last, first) {
                    write!(f, ", last register {last}, first {first}")?;
                }
                if *gap_seconds > 0 {
                    write!(f, ", {gap_seconds} s between them")?;
                }
                Ok(())
            }
            Self::ClockOff { ahead_seconds, samples } => {
                let (seconds, way) = (ahead_seconds.unsigned_abs(), ahead_seconds.is_negative());
                let way = if way { "behind" } else { "ahead" };
                write!(f, "the clock is {seconds} s {way}, seen {samples} times")
            }
            Self::ClockCorrected { add_seconds, readings } => {
                write!(f, "{readings} readings moved by {add_seconds} s")
            }
            Self::OutOfPlace { readings, first, last, reason } => write!(
                f,
                "{readings} readings from {first} to {last} set aside: {}",
                match reason {
                    QuarantineReason::BeforeInstallation => "before the installation",
                    QuarantineReason::AfterRemoval => "after the removal",
                    QuarantineReason::Future => "later than now",
                    QuarantineReason::ImpossibleValue => "no dial shows such a value",
                }
            ),
            Self::Tampered { code } => write!(f, "tamper flag {code}"),
            Self::Loss { parent, children, loss, amount, unknown } => {
                write!(f, "parent {parent}, children {children}, loss {loss}")?;
                if let Some(amount) = amount {
                    write!(f, " worth {amount}")?;
                }
                if *unknown > 0 {
                    write!(f, ", {unknown} children not fully known")?;
                }
                Ok(())
            }
        }
    }
}
