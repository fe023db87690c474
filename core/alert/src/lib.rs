//! Alerts as state machines: (state, fact, now) → (state, notices).
//!
//! A [`Rule`] is what a person switches on, with its parameters. Each rule runs one of two machines:
//! [`Threshold`] for a quantity that rises over a limit and falls again (consumption, a projected
//! bill, silence of a meter), and [`Occurrence`] for something that happens once (an invoice is
//! issued). Both are pure: whoever drives them measures the [`Fact`], keeps the [`State`], and
//! delivers the [`Notice`]s; a preview over the past is the same machine over old facts.
//!
//! What keeps people from switching alerts off is in the machines: hysteresis (an alert is over only
//! when the value is clearly below the limit), a minimum duration, a notice of recovery, and at most
//! one notice of a kind and day unless it got worse. [`QuietHours`] only delay delivery.
//!
//! To add a rule: a variant of [`Rule`] with its parameters, its checks in [`Rule::check`], its
//! machine in [`Rule::machine`], and a line in the test table; then whoever gathers facts says where
//! its value comes from.

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

pub mod forecast;
pub mod measure;
mod message;
mod occurrence;
mod quiet;
mod rule;
mod threshold;

pub use message::{DeliveryTopic, Message, Moment, Topic};
pub use occurrence::{Occurrence, REMEMBERED};
pub use quiet::QuietHours;
pub use rule::{
    AlwaysOn, BillJump, Budget, DueSoon, Excessive, Machine, NoParameters, Per, Rule, RuleError,
    RuleKind, Silence, Unit, UnusualDay,
};
pub use threshold::Threshold;

use corrente_metering::{Date, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What was measured for a rule, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Business time of the measurement.
    pub at: Timestamp,
    /// The civil day of the home at that moment, for "at most one a day".
    pub day: Date,
    /// What it is about: the billing period, the day, the invoice. With a new subject the old alert
    /// is over.
    pub subject: String,
    /// The value, in the rule's unit; nothing when it is unknown, which changes nothing.
    pub value: Option<Decimal>,
}

/// What a machine remembers between facts. It is stored as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    /// Where the machine stands.
    pub phase: Phase,
    /// The day on which something was last told, and the worst value told on it.
    pub told: Option<Told>,
    /// Subjects of occurrences that were told, the newest last; a short memory is enough.
    pub subjects: Vec<String>,
}

/// What was last told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// On which civil day.
    pub day: Date,
    /// About what.
    pub subject: String,
    /// The worst value that was told.
    pub value: Decimal,
}

/// Where a machine stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "snake_case")]
pub enum Phase {
    /// Nothing to tell.
    #[default]
    Quiet,
    /// Over the limit, not long enough yet.
    Pending {
        /// Since when.
        since: Timestamp,
        /// About what.
        subject: String,
    },
    /// Over the limit.
    Active {
        /// Since when.
        since: Timestamp,
        /// About what.
        subject: String,
        /// The worst value so far.
        worst: Decimal,
        /// Was it told? A second time on one day it may run silently, and end silently.
        told: bool,
    },
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The alert began.
    Started {
        /// When the limit was passed.
        at: Timestamp,
        /// About what.
        subject: String,
        /// The value, in the rule's unit.
        value: Decimal,
    },
    /// It goes on and became clearly worse than what was told.
    Worse {
        /// When.
        at: Timestamp,
        /// About what.
        subject: String,
        /// The value now.
        value: Decimal,
    },
    /// It is over.
    Over {
        /// When.
        at: Timestamp,
        /// About what.
        subject: String,
        /// The value now; nothing when a new subject began.
        value: Option<Decimal>,
        /// The worst value while it lasted.
        worst: Decimal,
    },
}

impl Notice {
    /// When.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Started { at, .. } | Self::Worse { at, .. } | Self::Over { at, .. } => *at,
        }
    }
}

impl Machine {
    /// One step.
    pub fn step(&self, state: &State, fact: &Fact) -> (State, Vec<Notice>) {
        match self {
            Self::Threshold(threshold) => threshold.step(state, fact),
            Self::Occurrence(occurrence) => occurrence.step(state, fact),
        }
    }

    /// All notices over a row of facts in order of time: the preview of a rule.
    pub fn replay<'a>(&self, facts: impl IntoIterator<Item = &'a Fact>) -> Vec<Notice> {
        let mut state = State::default();
        let mut all = Vec::new();
        for fact in facts {
            let (next, notices) = self.step(&state, fact);
            state = next;
            all.extend(notices);
        }
        all
    }
}

#[cfg(test)]
mod tests;
