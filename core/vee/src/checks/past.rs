//! Days against the point's own past.

use corrente_units::Energy;

use crate::{EnergyUnit, Evidence, OwnHistory, Ratio, Rule, Severity, run::Context, spread::scale};

use super::Day;

/// Days far from the mean of the point's own comparable days.
pub(super) fn dynamic_comparison(context: &mut Context<'_>, days: &[Day<'_>]) {
    let Some(own) = &context.history.own else { return };
    let parameters = &context.rules.parameters;
    for day in days {
        let Some(wh) = day.wh else { continue };
        let past: Vec<i64> = own.comparable(day.date).map(|(_, wh)| wh).collect();
        let count = i64::try_from(past.len()).unwrap_or(i64::MAX);
        if past.len() < parameters.dynamic_days.max(1) {
            continue;
        }
        let sum = past.iter().fold(0_i64, |sum, wh| sum.saturating_add(*wh));
        let mean = scale(sum, 1, count).unwrap_or(0);
        let distances = past
            .iter()
            .fold(0_i64, |sum, wh| sum.saturating_add(wh.saturating_sub(mean).saturating_abs()));
        let deviation = scale(distances, 1, count).unwrap_or(0);
        let allowed = scale(deviation, parameters.dynamic_deviations_permille, 1000)
            .unwrap_or(i64::MAX)
            .max(scale(mean, parameters.dynamic_share_permille, 1000).unwrap_or(0));
        if wh.saturating_sub(mean).saturating_abs() > allowed {
            let evidence = Evidence::DayAgainstOwn {
                day: Energy::from_wh(wh),
                mean: Energy::from_wh(mean),
                deviation: Energy::from_wh(deviation),
                days: past.len(),
            };
            context.report(Rule::DynamicComparison, Severity::Warning, day.span, None, evidence);
        }
    }
}

/// Is `wh` about `ratio` times `expected`, or `expected` about `ratio` times `wh`, within a quarter?
fn about(wh: i64, expected: i64, ratio: Ratio) -> bool {
    let near = |a: i64, b: i64| {
        scale(b, ratio.numerator, ratio.denominator.max(1)).is_some_and(|target| {
            target > 0 && a.saturating_sub(target).saturating_abs() <= target.wrapping_shr(2)
        })
    };
    near(wh, expected) || near(expected, wh)
}

/// The multiplier of the source is not ours, or a day looks as if it were multiplied once too often.
pub(super) fn multiplier(context: &mut Context<'_>, days: &[Day<'_>]) {
    let history = context.history;
    for meter in &history.meters {
        let ours =
            meter.multiplier_until(history.span.end.min(meter.until.unwrap_or(history.span.end)));
        if let Some(declared) = meter.declared_multiplier
            && !declared.same(ours)
        {
            let evidence = Evidence::MultiplierDiffers { ours, declared };
            context.report(Rule::Multiplier, Severity::Error, history.span, Some(meter), evidence);
        }
        let Some(expected) = history.own.as_ref().and_then(OwnHistory::mean_day_wh) else {
            continue;
        };
        // A ratio near one would take every warm day for a wrong transformer.
        if ours.numerator < ours.denominator.saturating_mul(3) {
            continue;
        }
        for day in days.iter().filter(|d| meter.from <= d.span.start) {
            if let Some(wh) = day.wh.filter(|wh| about(*wh, expected, ours)) {
                let evidence = Evidence::LooksMultiplied {
                    day: Energy::from_wh(wh),
                    expected: Energy::from_wh(expected),
                    ratio: ours,
                };
                context.report(
                    Rule::Multiplier,
                    Severity::Warning,
                    day.span,
                    Some(meter),
                    evidence,
                );
            }
        }
    }
}

/// The unit of the source is not ours, or a day looks a thousand times too large or too small.
pub(super) fn unit(context: &mut Context<'_>, days: &[Day<'_>]) {
    let history = context.history;
    for meter in &history.meters {
        if let Some(declared) = meter.declared_unit.filter(|unit| *unit != EnergyUnit::Wh) {
            let evidence = Evidence::UnitDiffers { declared };
            context.report(Rule::Unit, Severity::Error, history.span, Some(meter), evidence);
        }
    }
    let Some(expected) = history.own.as_ref().and_then(OwnHistory::mean_day_wh) else { return };
    for day in days {
        if let Some(wh) = day.wh.filter(|wh| about(*wh, expected, Ratio::new(1000, 1))) {
            let evidence = Evidence::LooksScaled {
                day: Energy::from_wh(wh),
                expected: Energy::from_wh(expected),
            };
            context.report(Rule::Unit, Severity::Warning, day.span, None, evidence);
        }
    }
}
