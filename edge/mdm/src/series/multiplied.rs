//! Dials behind transformers: what they show, multiplied by what holds from an instant on.

use corrente_metering::{
    ChannelKind, Reading, SourceQuality, Span, Timestamp,
    assemble::{ChannelPart, register_at},
};
use corrente_registry::usage_points::ChannelPeriod;
use corrente_units::Energy;

/// A stretch of a meter's service in which its dial is multiplied by one ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) span: Span,
    pub(crate) numerator: i64,
    pub(crate) denominator: i64,
}

/// The stretches of a channel's service, cut also where registers came beside it.
pub(super) fn steps(period: &ChannelPeriod, service: Span, cuts: &[Timestamp]) -> Vec<Step> {
    let mut steps = ratios(period, service);
    for cut in cuts {
        let inside = |step: &&mut Step| step.span.start < *cut && *cut < step.span.end;
        if let Some(step) = steps.iter_mut().find(inside) {
            let later = Step { span: Span::new(*cut, step.span.end), ..*step };
            step.span.end = *cut;
            steps.push(later);
            steps.sort_by_key(|step| step.span.start);
        }
    }
    steps
}

/// The stretches in which the dial is multiplied by one ratio.
pub(crate) fn ratios(period: &ChannelPeriod, service: Span) -> Vec<Step> {
    let mut steps = vec![Step { span: service, numerator: 1, denominator: 1 }];
    for multiplier in &period.multipliers {
        let (numerator, denominator) = (multiplier.numerator, multiplier.denominator);
        if multiplier.from >= service.end {
            break;
        }
        if multiplier.from > service.start {
            if let Some(last) = steps.last_mut() {
                last.span.end = multiplier.from;
            }
            let span = Span::new(multiplier.from, service.end);
            steps.push(Step { span, numerator, denominator });
        } else if let Some(last) = steps.last_mut() {
            (last.numerator, last.denominator) = (numerator, denominator);
        }
    }
    steps
}

/// The part of a channel that lies in a stretch, multiplied. Between two readings around the end of a
/// stretch the dial is taken to have moved evenly.
pub(super) fn part(whole: &ChannelPart, step: &Step) -> ChannelPart {
    if (step.span, step.numerator, step.denominator) == (whole.service, 1, 1) {
        return whole.clone();
    }
    let inside = |t: Timestamp| step.span.start <= t && t <= step.span.end;
    let mut readings: Vec<Reading> =
        whole.readings.iter().copied().filter(|reading| inside(reading.end)).collect();
    if whole.kind == ChannelKind::Register {
        for edge in [step.span.start, step.span.end] {
            if let Err(place) = readings.binary_search_by_key(&edge, |reading| reading.end)
                && let Some((value, _)) = register_at(whole, edge)
            {
                let quality = SourceQuality::GOOD;
                readings.insert(place, Reading { end: edge, value, quality });
            }
        }
    } else {
        // An interval belongs to the stretch in which it ends.
        readings.retain(|reading| reading.end > step.span.start);
    }
    for reading in &mut readings {
        reading.value = times(reading.value, step);
    }
    ChannelPart {
        service: step.span,
        readings,
        rolls_over_at: whole.rolls_over_at.map(|at| times(at, step)),
        ..whole.clone()
    }
}

fn times(energy: Energy, step: &Step) -> Energy {
    let wh =
        i128::from(energy.wh()) * i128::from(step.numerator) / i128::from(step.denominator.max(1));
    Energy::from_wh(i64::try_from(wh).unwrap_or(i64::MAX))
}
