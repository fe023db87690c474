//! Which rules apply on which day.

use corrente_metering::{Date, id::OrganisationId};
use corrente_registry::rule_sets::{self, NewRuleSet, STANDARD};
use corrente_vee::{Estimator, RuleSet};

use crate::{Mdm, MdmError, point::Point};

/// The rule sets of a usage point's group, each from a day on.
#[derive(Debug)]
pub(crate) struct Rules {
    first: RuleSet,
    later: Vec<(Date, RuleSet)>,
}

impl Rules {
    /// The rules of a day: of the versions that began by then the highest.
    pub(crate) fn on(&self, day: Date) -> &RuleSet {
        let begun = |(from, _): &&(Date, RuleSet)| *from <= day;
        self.later.iter().rfind(begun).map_or(&self.first, |(_, rules)| rules)
    }

    /// Does one of the versions have this estimator?
    pub(super) fn estimate_by(&self, estimator: Estimator) -> bool {
        let mut all = self.later.iter().map(|(_, rules)| rules).chain([&self.first]);
        all.any(|rules| rules.parameters.estimators.contains(&estimator))
    }

    /// The newest version.
    pub(crate) fn last(&self) -> &RuleSet {
        self.later.last().map_or(&self.first, |(_, rules)| rules)
    }
}

impl Mdm {
    /// The rules of a usage point: those of its group, and the standard ones where nothing is stored.
    pub(crate) fn rules_of(&self, point: &Point) -> Result<Rules, MdmError> {
        let organisation = point.row.organisation;
        let group = point.row.vee_group.clone().unwrap_or_else(|| STANDARD.to_owned());
        let stored =
            self.registry.read_blocking(move |tx| rule_sets::of_group(tx, organisation, &group))?;
        let mut later = Vec::with_capacity(stored.len());
        for row in stored {
            let rules = RuleSet::from_toml(&row.content).map_err(|error| MdmError::Invalid {
                field: "rule_set",
                reason: format!("version {} of `{}`: {error}", row.version, row.group),
            })?;
            later.push((row.valid_from, rules));
        }
        Ok(Rules { first: RuleSet::standard(), later })
    }
}

/// A version of a rule set out of its file, which is checked. The rule set's name is its group.
///
/// # Errors
/// When it cannot work, with the field and the fix.
pub fn new_rule_set(
    organisation: OrganisationId,
    content: &str,
    valid_from: Date,
) -> Result<NewRuleSet, MdmError> {
    let rules = RuleSet::from_toml(content)
        .map_err(|error| MdmError::Invalid { field: "toml", reason: error.to_string() })?;
    Ok(NewRuleSet {
        organisation,
        group: rules.name,
        version: rules.version,
        valid_from,
        content: content.to_owned(),
    })
}

/// The standard rules as a file: a start for other ones.
///
/// # Errors
/// When they cannot be written.
pub fn standard_toml() -> Result<String, MdmError> {
    let standard = RuleSet::standard();
    toml::to_string(&standard)
        .map_err(|error| MdmError::Invalid { field: "toml", reason: error.to_string() })
}
