//! Rules about stretches of intervals that are alike.

use corrente_metering::Span;
use corrente_units::Energy;

use crate::{
    Evidence, Rule, Severity,
    cells::{Cell, Known},
    run::{Context, meters},
};

/// Stretches of consecutive cells with the same key; cells without a key are in none.
fn stretches<K: PartialEq>(cells: &[Cell], key: impl Fn(&Cell) -> Option<K>) -> Vec<(K, &[Cell])> {
    let mut found = Vec::new();
    let mut rest = cells;
    while let Some(first) = rest.first() {
        let Some(wanted) = key(first) else {
            rest = rest.get(1..).unwrap_or_default();
            continue;
        };
        let length = rest.iter().take_while(|c| key(c).as_ref() == Some(&wanted)).count();
        let (stretch, later) = rest.split_at(length);
        found.push((wanted, stretch));
        rest = later;
    }
    found
}

fn span_of(cells: &[Cell]) -> Span {
    match (cells.first(), cells.last()) {
        (Some(first), Some(last)) => Span::new(first.span.start, last.span.end),
        (_, _) => Span::new(corrente_metering::Timestamp::MIN, corrente_metering::Timestamp::MIN),
    }
}

/// Every stretch of which nothing is known, with what is known of its edges.
pub(super) fn missing(context: &mut Context<'_>, cells: &[Cell], at_least: &[(Span, i64)]) {
    if cells.iter().all(|c| c.value().is_some()) {
        return;
    }
    for ((), stretch) in stretches(cells, |c| c.value().is_none().then_some(())) {
        let span = span_of(stretch);
        // A share of a register difference may be too large: only what was measured is "at least".
        let edges = stretch.iter().filter(|c| c.known == Known::Measured).map(|c| c.wh);
        let resets =
            at_least.iter().filter(|(s, _)| !s.intersect(span).is_empty()).map(|(_, wh)| *wh);
        let known = edges.chain(resets).fold(0_i64, i64::saturating_add);
        let evidence =
            Evidence::NothingKnown { intervals: stretch.len(), at_least: Energy::from_wh(known) };
        context.report(Rule::Missing, Severity::Error, span, None, evidence);
    }
}

/// Estimates for longer than is good for a bill.
pub(super) fn prolonged_estimation(context: &mut Context<'_>, cells: &[Cell]) {
    let longest = context.rules.parameters.estimation_seconds;
    let estimated = |c: &Cell| {
        let by_method = c.edited.is_none() && c.complete();
        (by_method && matches!(c.known, Known::Estimated(_))).then_some(())
    };
    if cells.iter().all(|c| estimated(c).is_none()) {
        return;
    }
    for ((), stretch) in stretches(cells, estimated) {
        let mut span = span_of(stretch);
        let start = context.history.span.start;
        let measured = context.history.own.as_ref().and_then(crate::OwnHistory::until);
        if let Some(until) = measured.filter(|until| span.start == start && *until < start) {
            // It goes on from before what is looked at, where it was said already if it was long.
            if start.since(until) > longest {
                continue;
            }
            span.start = until;
        }
        if span.seconds() > longest {
            let sum = stretch.iter().fold(0_i64, |sum, c| sum.saturating_add(c.wh));
            let evidence =
                Evidence::EstimatedFor { seconds: span.seconds(), energy: Energy::from_wh(sum) };
            context.report(Rule::ProlongedEstimation, Severity::Warning, span, None, evidence);
        }
    }
}

/// The same energy again and again.
pub(super) fn consecutive_interval(context: &mut Context<'_>, cells: &[Cell]) {
    let parameters = &context.rules.parameters;
    let (count, from) = (parameters.consecutive_intervals, parameters.consecutive_from_wh);
    let measured =
        |c: &Cell| c.value().filter(|wh| *wh != 0 && *wh >= from && c.known == Known::Measured);
    let mut run = (0_usize, None);
    let mut longest = 0_usize;
    for cell in cells {
        let value = measured(cell);
        run = if value.is_some() && value == run.1 {
            (run.0.saturating_add(1), value)
        } else {
            (1, value)
        };
        longest = longest.max(run.0);
    }
    if longest < count {
        return;
    }
    for (wh, stretch) in stretches(cells, measured) {
        if stretch.len() >= count {
            let evidence =
                Evidence::EqualIntervals { count: stretch.len(), energy: Energy::from_wh(wh) };
            let span = span_of(stretch);
            context.report(Rule::ConsecutiveInterval, Severity::Warning, span, None, evidence);
        }
    }
}

/// No use at all at a point that uses energy on other days.
pub(super) fn zero(context: &mut Context<'_>, cells: &[Cell]) {
    let parameters = &context.rules.parameters;
    let (longest, from) = (parameters.zero_seconds, parameters.zero_from_wh);
    let usual = context.history.own.as_ref().and_then(crate::OwnHistory::mean_day_wh);
    let Some(usual) = usual.filter(|wh| *wh >= from) else { return };
    let off = meters::disconnected(context.history);
    for ((), stretch) in stretches(cells, |c| (c.value() == Some(0)).then_some(())) {
        let mut span = span_of(stretch);
        let start = context.history.span.start;
        if let Some(own) = context.history.own.as_ref().filter(|_| span.start == start) {
            span.start = own.unused_since(start);
            if start.since(span.start) >= longest {
                continue;
            }
        }
        let expected = off.iter().any(|o| o.intersect(span) == span);
        if span.seconds() >= longest && !expected {
            let evidence =
                Evidence::NoUse { seconds: span.seconds(), usual_day: Energy::from_wh(usual) };
            context.report(Rule::Zero, Severity::Warning, span, None, evidence);
        }
    }
}

/// Energy while the point has no supply.
pub(super) fn inactive(context: &mut Context<'_>, cells: &[Cell]) {
    let forgiven = context.rules.parameters.inactive_wh;
    for off in meters::disconnected(context.history) {
        let inside = cells.iter().filter(|c| off.start <= c.span.start && c.span.end <= off.end);
        let sum = inside.filter_map(Cell::value).fold(0_i64, i64::saturating_add);
        if sum > forgiven {
            let span = off.intersect(context.history.span);
            let evidence = Evidence::UsedWhileOff { energy: Energy::from_wh(sum) };
            context.report(Rule::Inactive, Severity::Error, span, None, evidence);
        }
    }
}
