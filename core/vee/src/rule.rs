//! The names of the validation rules.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident, $name:literal, $version:literal;)*) => {
        /// A validation rule. Its name is stable and stands in findings, rule sets and `docs/vee.md`.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum Rule {
            $($(#[$doc])* $variant,)*
        }

        impl Rule {
            /// Every rule, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name, as in files and on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Its version: raised whenever the same readings could give another finding.
            pub const fn version(self) -> u16 {
                match self { $(Self::$variant => $version,)* }
            }
        }
    };
}

rules! {
    /// Many intervals in a row hold the same energy: a stuck register or an invented series.
    ConsecutiveInterval, "consecutive_interval", 1;
    /// The same reading came more than once, or another value came for the same instant.
    Duplicate, "duplicate", 1;
    /// A day is far from the point's own comparable days.
    DynamicComparison, "dynamic_comparison", 1;
    /// A check meter or the parts of a whole disagree.
    SiblingChannels, "sibling_channels", 1;
    /// The source replaced a value that it had already given as final.
    FinalReplacement, "final_replacement", 1;
    /// An interval or a day is above or below fixed limits.
    HighLow, "high_low", 1;
    /// Energy where the point is disconnected.
    Inactive, "inactive", 1;
    /// The readings are not as far apart as the meter is set to report.
    IntervalSize, "interval_size", 1;
    /// One interval of a day stands far above the others.
    Spike, "spike", 1;
    /// The multiplier of the source is not ours, or a day looks multiplied by it.
    Multiplier, "multiplier", 1;
    /// An interval is negative or a register ran backwards.
    Negative, "negative", 1;
    /// Estimates for longer than is good for a bill.
    ProlongedEstimation, "prolonged_estimation", 1;
    /// Nothing is known of a stretch of time.
    Missing, "missing", 1;
    /// Intervals and registers (or an edit and a register) do not add up.
    SumCheck, "sum_check", 1;
    /// The unit of the source is not ours, or a day looks a thousand times too large or small.
    Unit, "unit", 1;
    /// No use at all for long at a point that uses energy.
    Zero, "zero", 1;
    /// The register passed its last digit.
    RegisterRollover, "register_rollover", 1;
    /// The register began again near zero.
    RegisterReset, "register_reset", 1;
    /// The register jumped away and came back.
    RegisterGlitch, "register_glitch", 1;
    /// The register moved further than the connection can carry, and stayed there.
    RegisterJump, "register_jump", 1;
    /// One meter followed another.
    MeterExchange, "meter_exchange", 1;
    /// The meter's clock is off.
    ClockDrift, "clock_drift", 1;
    /// Readings from outside the installation or from the future.
    Quarantine, "quarantine", 1;
    /// The meter raised a tamper flag.
    Tamper, "tamper", 1;
    /// A parent meter and the sum of its children differ by more than the losses allowed.
    ParentChildren, "parent_children", 1;
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no validation rule: see docs/vee.md for their names")]
pub struct UnknownRule(pub String);

impl FromStr for Rule {
    type Err = UnknownRule;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|rule| rule.name() == text)
            .ok_or_else(|| UnknownRule(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_come_back() {
        for rule in Rule::ALL {
            assert_eq!(rule.name().parse(), Ok(*rule));
            assert_eq!(format!("{rule:?}").to_lowercase(), rule.name().replace('_', ""));
        }
        assert!("sum".parse::<Rule>().is_err());
    }
}
