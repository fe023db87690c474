//! A rule set as a file that people write and review.

use std::collections::BTreeSet;

use crate::{Estimator, Parameters, RuleSet};

/// A rule set that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleSetError {
    /// It is no TOML, or has a key or a value that no rule set has.
    #[error("{0}; docs/vee.md names every rule and number")]
    Unreadable(String),
    /// A value with which it cannot work.
    #[error("{field} is {found}: {fix}")]
    Value {
        /// Which one.
        field: &'static str,
        /// What it is.
        found: String,
        /// What to write.
        fix: &'static str,
    },
}

impl RuleSet {
    /// Reads a rule set and checks that it can work.
    ///
    /// # Errors
    /// When it is no TOML, has an unknown key, rule or estimator, or a number with which no rule works.
    pub fn from_toml(text: &str) -> Result<Self, RuleSetError> {
        let set: Self = toml::from_str(text)
            .map_err(|error| RuleSetError::Unreadable(error.to_string().trim_end().to_owned()))?;
        set.check()?;
        Ok(set)
    }

    /// Can it work?
    ///
    /// # Errors
    /// The first value with which it cannot, and what to write.
    pub fn check(&self) -> Result<(), RuleSetError> {
        let name = self.name.trim();
        if name.is_empty() || name.len() > 64 || name != self.name {
            return Err(value("name", &self.name, "give 1 to 64 bytes without blanks around them"));
        }
        if self.version == 0 {
            return Err(value("version", &0, "count from 1"));
        }
        self.parameters.check()
    }
}

impl Parameters {
    fn check(&self) -> Result<(), RuleSetError> {
        let positive = [
            ("parameters.power_max_w", self.power_max_w.unwrap_or(self.power_unknown_w)),
            ("parameters.estimation_seconds", self.estimation_seconds),
            ("parameters.zero_seconds", self.zero_seconds),
            ("parameters.glitch_readings", whole(self.glitch_readings)),
            ("parameters.interval_size_count", whole(self.interval_size_count)),
            ("parameters.dynamic_days", whole(self.dynamic_days)),
            ("parameters.averaging_days", whole(self.averaging_days)),
        ];
        let not_negative = [
            ("parameters.register_resolution_wh", self.register_resolution_wh),
            ("parameters.glitch_small_wh", self.glitch_small_wh),
            ("parameters.future_seconds", self.future_seconds),
            ("parameters.clock_drift_seconds", self.clock_drift_seconds),
            ("parameters.consecutive_from_wh", self.consecutive_from_wh),
            ("parameters.dynamic_deviations_permille", self.dynamic_deviations_permille),
            ("parameters.dynamic_share_permille", self.dynamic_share_permille),
            ("parameters.sibling_permille", self.sibling_permille),
            ("parameters.sibling_wh", self.sibling_wh),
            ("parameters.inactive_wh", self.inactive_wh),
            ("parameters.interval_size_seconds", self.interval_size_seconds),
            ("parameters.spike_from_wh", self.spike_from_wh),
            ("parameters.sum_check_wh", self.sum_check_wh),
            ("parameters.zero_from_wh", self.zero_from_wh),
            ("parameters.loss_permille", self.loss_permille),
            ("parameters.loss_wh", self.loss_wh),
            ("parameters.interpolation_seconds", self.interpolation_seconds),
        ];
        at_least(&positive, 1, "write a number above 0")?;
        at_least(&not_negative, 0, "write 0 or more")?;
        at_least(
            &[
                ("parameters.power_slack_permille", self.power_slack_permille),
                ("parameters.measured_permille", self.measured_permille),
            ],
            1000,
            "it is in permille of a whole, so write 1000 or more",
        )?;
        at_least(
            &[("parameters.spike_percent", self.spike_percent)],
            100,
            "it is a percentage of a usual interval, so write 100 or more",
        )?;
        at_least(
            &[("parameters.consecutive_intervals", whole(self.consecutive_intervals))],
            2,
            "one interval is no row: write 2 or more",
        )?;
        if !(0..=1000).contains(&self.rollover_from_permille) {
            return Err(value(
                "parameters.rollover_from_permille",
                &self.rollover_from_permille,
                "it is in permille of the dial, so write 0 to 1000",
            ));
        }
        if let Some((low, high)) = self.day_low_wh.zip(self.day_high_wh)
            && low >= high
        {
            return Err(value("parameters.day_low_wh", &low, "write less than day_high_wh"));
        }
        self.check_estimators()
    }

    fn check_estimators(&self) -> Result<(), RuleSetError> {
        let mut seen = BTreeSet::new();
        for estimator in &self.estimators {
            let fills = match estimator {
                Estimator::LinearInterpolation
                | Estimator::Averaging
                | Estimator::OwnProfile
                | Estimator::ProxyDay
                | Estimator::ClassProfile
                | Estimator::Subtraction => true,
                Estimator::ScalarSpread
                | Estimator::Gap
                | Estimator::RegisterFromInterval
                | Estimator::Proration
                | Estimator::PersonEdit => false,
            };
            if !fills {
                return Err(value(
                    "parameters.estimators",
                    &estimator.name(),
                    "it works on registers, or comes from a person, and always does: leave it out",
                ));
            }
            if !seen.insert(*estimator) {
                return Err(value(
                    "parameters.estimators",
                    &estimator.name(),
                    "name each one once",
                ));
            }
        }
        Ok(())
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn at_least(
    fields: &[(&'static str, i64)],
    least: i64,
    fix: &'static str,
) -> Result<(), RuleSetError> {
    match fields.iter().find(|(_, found)| *found < least) {
        Some((field, found)) => Err(value(field, found, fix)),
        None => Ok(()),
    }
}

fn value(field: &'static str, found: &dyn std::fmt::Display, fix: &'static str) -> RuleSetError {
    RuleSetError::Value { field, found: found.to_string(), fix }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_told_with_field_and_fix() {
        let set = |parameters: &str| {
            RuleSet::from_toml(&format!(
                "name = \"shops\"\nversion = 3\n[parameters]\n{parameters}"
            ))
        };
        let good = set("power_max_w = 75000\nestimators = [\"own_profile\"]").unwrap();
        assert_eq!((good.parameters.power_max_w, good.parameters.loss_wh), (Some(75_000), 1_000));
        for (text, said) in [
            ("power_max_w = 0", "parameters.power_max_w is 0: write a number above 0"),
            ("loss_wh = -1", "parameters.loss_wh is -1: write 0 or more"),
            ("measured_permille = 1", "so write 1000 or more"),
            ("consecutive_intervals = 1", "write 2 or more"),
            ("day_low_wh = 5\nday_high_wh = 4", "write less than day_high_wh"),
            ("estimators = [\"gap\"]", "parameters.estimators is gap"),
            ("estimators = [\"averaging\", \"averaging\"]", "name each one once"),
            ("power_max_kw = 7", "unknown field `power_max_kw`"),
            ("estimators = [\"guess\"]", "guess"),
        ] {
            let error = set(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
        for (text, said) in [
            ("name = \"\"\nversion = 1", "name is"),
            ("name = \"shops\"\nversion = 0", "count from 1"),
            ("name = \"shops\"\nversion = 1\noff = [\"spikes\"]", "spikes"),
            ("name = \"shops\"", "version"),
        ] {
            let error = RuleSet::from_toml(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
