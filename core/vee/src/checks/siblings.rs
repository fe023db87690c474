//! The point's flow against other measurements of the same place.

use corrente_metering::{Calendar, LoadProfile, Span};
use corrente_units::Energy;

use crate::{
    Evidence, Finding, Rule, RuleSet, Severity, Sibling, SiblingRole, estimator::energy_in,
    run::Context, spread::scale,
};

use super::Day;

/// A check meter must agree; parts together must be the whole. Days that are not fully known on both
/// sides say nothing.
pub(super) fn sibling_channels(context: &mut Context<'_>, days: &[Day<'_>]) {
    let (history, rules) = (context.history, context.rules);
    for day in days {
        let Some(own) = day.wh else { continue };
        context.findings.extend(of_day(day.span, own, &history.siblings, rules));
    }
}

/// A flow against other measurements of it, local day by local day: the findings of the rule
/// `sibling_channels`. For flows that are a sum of several histories, such as two registers side by side.
pub fn compare_siblings(
    profile: &LoadProfile,
    siblings: &[Sibling],
    (span, calendar): (Span, &Calendar),
    rules: &RuleSet,
) -> Vec<Finding> {
    calendar
        .cut_days(span)
        .into_iter()
        .filter_map(|day| Some((day, energy_in(profile, day)?.wh())))
        .flat_map(|(day, own)| of_day(day, own, siblings, rules))
        .collect()
}

fn of_day(day: Span, own: i64, siblings: &[Sibling], rules: &RuleSet) -> Vec<Finding> {
    let mut found = Vec::new();
    if siblings.is_empty() || !rules.has(Rule::SiblingChannels) {
        return found;
    }
    for sibling in siblings.iter().filter(|s| s.role == SiblingRole::Check) {
        if let Some(other) = energy_in(&sibling.profile, day) {
            found.extend(compare(day, own, sibling.name.clone(), other.wh(), rules));
        }
    }
    let mut parts = siblings.iter().filter(|s| s.role == SiblingRole::Part).peekable();
    if parts.peek().is_some()
        && let Some(sum) = parts.try_fold(0_i64, |sum, part| {
            Some(sum.saturating_add(energy_in(&part.profile, day)?.wh()))
        })
    {
        found.extend(compare(day, own, "the parts".to_owned(), sum, rules));
    }
    found
}

fn compare(day: Span, own: i64, name: String, other: i64, rules: &RuleSet) -> Option<Finding> {
    let parameters = &rules.parameters;
    let allowed = scale(own.max(other), parameters.sibling_permille, 1000)
        .unwrap_or(i64::MAX)
        .max(parameters.sibling_wh);
    (own.saturating_sub(other).saturating_abs() > allowed).then(|| Finding {
        rule: Rule::SiblingChannels,
        rule_version: Rule::SiblingChannels.version(),
        severity: Severity::Warning,
        span: day,
        channel: None,
        evidence: Evidence::SiblingDiffers {
            name,
            own: Energy::from_wh(own),
            sibling: Energy::from_wh(other),
        },
    })
}
