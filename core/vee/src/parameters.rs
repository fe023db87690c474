//! Rule sets: which rules apply to a group of meters, and with which numbers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Estimator, Rule};

/// The rules and their numbers for a group of meters, by name and version.
///
/// A load profile names the rule set that made it, so a changed number is a new version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSet {
    /// Its name: "households".
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Rules that say nothing for this group. What is rejected stays rejected: switching off the
    /// finding of a glitch does not turn the glitch into energy.
    #[serde(default)]
    pub off: BTreeSet<Rule>,
    /// Its numbers.
    #[serde(default)]
    pub parameters: Parameters,
}

impl RuleSet {
    /// The rule set for households, and a start for others.
    pub fn standard() -> Self {
        Self {
            name: "standard".to_owned(),
            version: 1,
            off: BTreeSet::new(),
            parameters: Parameters::default(),
        }
    }

    /// Does this rule report?
    pub fn has(&self, rule: Rule) -> bool {
        !self.off.contains(&rule)
    }
}

impl Default for RuleSet {
    fn default() -> Self {
        Self::standard()
    }
}

/// The numbers of the rules, with units in their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Parameters {
    /// What a connection can carry where the meter does not say, in W. Without it nothing is rejected
    /// for being too much by itself.
    pub power_max_w: Option<i64>,
    /// Up to this nobody is asked for the limit of a connection of which it is unknown, in W.
    pub power_unknown_w: i64,
    /// Where the limit is unknown, so many times the strongest flow that is otherwise known is believed,
    /// in permille.
    pub power_own_permille: i64,
    /// Over that by this much is still believed, in permille (1,250 = a quarter more).
    pub power_slack_permille: i64,
    /// The coarsest step in which dials move, in Wh: one step more than the power allows is believed.
    pub register_resolution_wh: i64,
    /// How many readings a glitch may last before it counts as a new level.
    pub glitch_readings: usize,
    /// A step back of at most this many Wh that is made good again is a glitch, whatever it looks like.
    pub glitch_small_wh: i64,
    /// Where the modulus of a dial is unknown, it may roll over from this share of its top, in permille.
    pub rollover_from_permille: i64,
    /// Two readings this many permille of the reporting interval apart still measure what lies between.
    pub measured_permille: i64,
    /// Two readings at most this far apart always measure what lies between, in seconds: a meter that
    /// reports each minute and is silent for ten is no reason to call a quarter of an hour an estimate.
    pub measured_seconds: i64,
    /// A reading this much later than now is quarantined, in seconds.
    pub future_seconds: i64,
    /// A clock off by more than this is a finding, in seconds.
    pub clock_drift_seconds: i64,
    /// This many equal, non-zero intervals in a row are a finding …
    pub consecutive_intervals: usize,
    /// … from this energy per interval on, in Wh: coarse dials repeat small steps.
    pub consecutive_from_wh: i64,
    /// A day is compared with at least this many comparable days of its own.
    pub dynamic_days: usize,
    /// A day may differ from their mean by this many mean absolute deviations, in permille …
    pub dynamic_deviations_permille: i64,
    /// … and always by this share of the mean, in permille.
    pub dynamic_share_permille: i64,
    /// Siblings may differ by this share of the larger, in permille …
    pub sibling_permille: i64,
    /// … and always by this energy per day, in Wh.
    pub sibling_wh: i64,
    /// A day above this is a finding, in Wh.
    pub day_high_wh: Option<i64>,
    /// A day below this is a finding, in Wh.
    pub day_low_wh: Option<i64>,
    /// Energy of a disconnected point up to this is forgiven, in Wh.
    pub inactive_wh: i64,
    /// This many distances that are no multiple of the reporting interval are a finding.
    pub interval_size_count: usize,
    /// A reading may be this far off its instant without counting, in seconds.
    pub interval_size_seconds: i64,
    /// The highest interval of a day may exceed the third highest by this many percent …
    pub spike_percent: i64,
    /// … and below this energy nothing is a spike, in Wh.
    pub spike_from_wh: i64,
    /// Estimates in a row for longer than this are a finding, in seconds.
    pub estimation_seconds: i64,
    /// Intervals and registers may differ by this much, in Wh (dials show whole kWh).
    pub sum_check_wh: i64,
    /// No use for this long is a finding, in seconds …
    pub zero_seconds: i64,
    /// … at a point that used at least this on an average day, in Wh.
    pub zero_from_wh: i64,
    /// Losses between a parent and its children up to this share of the parent are usual, in permille.
    pub loss_permille: i64,
    /// A difference between them up to this energy per day is forgiven, in Wh.
    pub loss_wh: i64,
    /// The estimators for gaps that no register closes, in the order in which they are tried. An
    /// empty list leaves such gaps missing.
    pub estimators: Vec<Estimator>,
    /// Linear interpolation bridges no more than this, in seconds.
    pub interpolation_seconds: i64,
    /// Averaging looks at this many comparable days.
    pub averaging_days: usize,
    /// Are gaps after the last reading estimated as well? A meter that is silent now may speak later.
    pub estimate_after_last: bool,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            power_max_w: None,
            power_unknown_w: 50_000,
            power_own_permille: 10_000,
            power_slack_permille: 1_250,
            register_resolution_wh: 1_000,
            glitch_readings: 4,
            glitch_small_wh: 100,
            rollover_from_permille: 900,
            measured_permille: 1_100,
            measured_seconds: 990,
            future_seconds: 300,
            clock_drift_seconds: 60,
            consecutive_intervals: 24,
            consecutive_from_wh: 50,
            dynamic_days: 4,
            dynamic_deviations_permille: 4_000,
            dynamic_share_permille: 500,
            sibling_permille: 20,
            sibling_wh: 100,
            day_high_wh: None,
            day_low_wh: None,
            inactive_wh: 50,
            interval_size_count: 3,
            interval_size_seconds: 5,
            spike_percent: 180,
            spike_from_wh: 2_000,
            estimation_seconds: 48 * 3600,
            sum_check_wh: 1_000,
            zero_seconds: 24 * 3600,
            zero_from_wh: 500,
            loss_permille: 60,
            loss_wh: 1_000,
            estimators: vec![
                Estimator::Subtraction,
                Estimator::LinearInterpolation,
                Estimator::Averaging,
                Estimator::OwnProfile,
                Estimator::ClassProfile,
            ],
            interpolation_seconds: 2 * 3600,
            averaging_days: 3,
            estimate_after_last: false,
        }
    }
}
