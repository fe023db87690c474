//! What the meter says of itself: how often it reports, its clock, its seal.

use std::collections::BTreeMap;

use corrente_metering::Span;

use crate::{EventKind, Evidence, Rule, Severity, run::Context};

/// Distances between readings that are no multiple of the reporting interval.
pub(super) fn interval_size(context: &mut Context<'_>) {
    let history = context.history;
    let parameters = &context.rules.parameters;
    let tolerance = parameters.interval_size_seconds.max(0);
    for meter in &history.meters {
        let Some(expected) = meter.interval_seconds.filter(|s| *s > 0) else { continue };
        let mut sizes: BTreeMap<i64, usize> = BTreeMap::new();
        let mut count = 0_usize;
        let mut extent: Option<Span> = None;
        let mut before = None;
        let mut times: Vec<_> = meter.readings.iter().map(|r| r.end).collect();
        if !times.is_sorted() {
            times.sort_unstable();
        }
        for t in times {
            let Some(earlier) = before.replace(t) else { continue };
            // Readings from around the span belong to another look.
            if !history.span.contains(t) {
                continue;
            }
            let distance = t.since(earlier);
            let off = distance.checked_rem(expected).unwrap_or(0);
            // Repeated readings are the business of another rule.
            if distance <= 0 || off.min(expected.saturating_sub(off)) <= tolerance {
                continue;
            }
            count = count.saturating_add(1);
            let times = sizes.entry(distance).or_default();
            *times = times.saturating_add(1);
            let first = extent.map_or(earlier, |s| s.start);
            extent = Some(Span::new(first, t));
        }
        let usual = sizes.iter().max_by_key(|(_, times)| **times).map(|(size, _)| *size);
        if count >= parameters.interval_size_count
            && let Some((usual_seconds, span)) =
                usual.zip(extent.map(|extent| extent.intersect(history.span)))
        {
            let evidence = Evidence::OffSize { count, expected_seconds: expected, usual_seconds };
            context.report(Rule::IntervalSize, Severity::Warning, span, Some(meter), evidence);
        }
    }
}

/// The largest deviation of the meter's clock that was seen in the span.
pub(super) fn clock_drift(context: &mut Context<'_>) {
    let history = context.history;
    let most = context.rules.parameters.clock_drift_seconds;
    for meter in &history.meters {
        let off: Vec<_> = meter
            .clock
            .iter()
            .filter(|s| history.span.contains(s.at) && s.ahead_seconds.saturating_abs() > most)
            .collect();
        let worst = off.iter().max_by_key(|s| s.ahead_seconds.saturating_abs());
        if let (Some(worst), Some(first), Some(last)) =
            (worst, off.iter().map(|s| s.at).min(), off.iter().map(|s| s.at).max())
        {
            let evidence =
                Evidence::ClockOff { ahead_seconds: worst.ahead_seconds, samples: off.len() };
            let span = Span::new(first, last);
            context.report(Rule::ClockDrift, Severity::Warning, span, Some(meter), evidence);
        }
    }
}

/// Tamper flags in the span.
pub(super) fn tamper(context: &mut Context<'_>) {
    let history = context.history;
    for event in &history.events {
        if let EventKind::Tamper { code } = event.kind
            && history.span.contains(event.at)
        {
            let span = Span::new(event.at.plus(-1), event.at);
            context.report(Rule::Tamper, Severity::Error, span, None, Evidence::Tampered { code });
        }
    }
}
