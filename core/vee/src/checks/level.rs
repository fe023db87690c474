//! Too high, too low, one peak alone.

use corrente_units::Energy;

use crate::{Evidence, Rule, Severity, run::Context};

use super::Day;

/// Days above or below the group's fixed limits. (A single interval above what the connection carries
/// is not believed in the first place.)
pub(super) fn high_low(context: &mut Context<'_>, days: &[Day<'_>]) {
    let parameters = &context.rules.parameters;
    let (low, high) = (parameters.day_low_wh, parameters.day_high_wh);
    for day in days {
        let Some(wh) = day.wh else { continue };
        let energy = Energy::from_wh(wh);
        let evidence = match (low, high) {
            (_, Some(limit)) if wh > limit => {
                Evidence::AboveLimit { energy, limit: Energy::from_wh(limit), rejected: false }
            }
            (Some(limit), _) if wh < limit => {
                Evidence::BelowLimit { energy, limit: Energy::from_wh(limit) }
            }
            (_, _) => continue,
        };
        context.report(Rule::HighLow, Severity::Warning, day.span, None, evidence);
    }
}

/// The highest interval of a day against the third highest.
pub(super) fn spike(context: &mut Context<'_>, days: &[Day<'_>]) {
    let parameters = &context.rules.parameters;
    let (percent, from) = (parameters.spike_percent, parameters.spike_from_wh);
    for day in days {
        let mut top = [0_i64; 3];
        let mut peak = None;
        for cell in day.cells {
            let Some(wh) = cell.value() else { continue };
            let [first, second, third] = top;
            if wh > first {
                top = [wh, first, second];
                peak = Some(cell.span);
            } else if wh > second {
                top = [first, wh, second];
            } else if wh > third {
                top = [first, second, wh];
            }
        }
        let [first, _, third] = top;
        let excess = first.saturating_sub(third).saturating_mul(100);
        if first >= from
            && excess > third.saturating_mul(percent)
            && let Some(span) = peak
        {
            let evidence =
                Evidence::Peak { energy: Energy::from_wh(first), third: Energy::from_wh(third) };
            context.report(Rule::Spike, Severity::Warning, span, None, evidence);
        }
    }
}
