//! The point's flow against other measurements of the same place.

use corrente_units::Energy;

use crate::{
    Evidence, Rule, Severity, SiblingRole, estimator::energy_in, run::Context, spread::scale,
};

use super::Day;

/// A check meter must agree; parts together must be the whole. Days that are not fully known on both
/// sides say nothing.
pub(super) fn sibling_channels(context: &mut Context<'_>, days: &[Day<'_>]) {
    let siblings = &context.history.siblings;
    if siblings.is_empty() {
        return;
    }
    for day in days {
        let Some(own) = day.wh else { continue };
        for sibling in siblings.iter().filter(|s| s.role == SiblingRole::Check) {
            if let Some(other) = energy_in(&sibling.profile, day.span) {
                compare(context, day, own, sibling.name.clone(), other.wh());
            }
        }
        let mut parts = siblings.iter().filter(|s| s.role == SiblingRole::Part).peekable();
        if parts.peek().is_some()
            && let Some(sum) = parts.try_fold(0_i64, |sum, part| {
                Some(sum.saturating_add(energy_in(&part.profile, day.span)?.wh()))
            })
        {
            compare(context, day, own, "the parts".to_owned(), sum);
        }
    }
}

fn compare(context: &mut Context<'_>, day: &Day<'_>, own: i64, name: String, other: i64) {
    let parameters = &context.rules.parameters;
    let allowed = scale(own.max(other), parameters.sibling_permille, 1000)
        .unwrap_or(i64::MAX)
        .max(parameters.sibling_wh);
    if own.saturating_sub(other).saturating_abs() > allowed {
        let evidence = Evidence::SiblingDiffers {
            name,
            own: Energy::from_wh(own),
            sibling: Energy::from_wh(other),
        };
        context.report(Rule::SiblingChannels, Severity::Warning, day.span, None, evidence);
    }
}
