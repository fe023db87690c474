//! Edits, and the gaps that no register closes.

use corrente_metering::{Date, Span};
use corrente_units::Energy;

use crate::{
    Basis, Estimate, Estimator, Evidence, OwnHistory, Rule, Severity, SiblingRole,
    cells::{Grid, Known},
    estimator::energy_in,
    limit::known_most,
    run::{Context, meters::Weight},
    spread::{scale, spread},
};

/// Gives each edit's energy to the whole cells that it covers.
pub(crate) fn place_edits(context: &mut Context<'_>, grid: &mut Grid) {
    if context.history.edits.is_empty() {
        return;
    }
    let weight = Weight::new(context.history);
    for edit in &context.history.edits {
        let covered: Vec<usize> = grid
            .cells
            .iter()
            .enumerate()
            .filter(|(_, c)| edit.span.start <= c.span.start && c.span.end <= edit.span.end)
            .map(|(index, _)| index)
            .collect();
        let spans = covered.iter().filter_map(|i| grid.cells.get(*i)).map(|c| c.span);
        let mut weights: Vec<i64> = spans.clone().map(|s| weight.of(s)).collect();
        if weights.iter().all(|w| *w <= 0) {
            weights = spans.map(Span::seconds).collect();
        }
        for (index, share) in covered.into_iter().zip(spread(edit.energy.wh(), &weights)) {
            if let Some(cell) = grid.cells.get_mut(index) {
                cell.edited = Some(share);
            }
        }
        let estimate = Estimate {
            span: edit.span,
            energy: edit.energy,
            estimator: Estimator::PersonEdit,
            basis: Basis::Person,
        };
        context.estimates.push(estimate);
    }
}

/// Where an edit speaks against what was measured, the difference is a finding: the edit stands.
pub(crate) fn settle_edits(context: &mut Context<'_>, grid: &mut Grid) {
    let mut run: Option<(Span, i64, i64)> = None;
    let mut differing = Vec::new();
    for cell in &grid.cells {
        let differs = cell.edited.filter(|wh| !cell.settled && cell.complete() && *wh != cell.wh);
        match (&mut run, differs) {
            (Some((span, measured, edited)), Some(wh)) => {
                span.end = cell.span.end;
                *measured = measured.saturating_add(cell.wh);
                *edited = edited.saturating_add(wh);
            }
            (None, Some(wh)) => run = Some((cell.span, cell.wh, wh)),
            (_, None) => differing.extend(run.take()),
        }
    }
    differing.extend(run);
    for (span, measured, edited) in differing {
        if measured != edited {
            let evidence = Evidence::SumDiffers {
                registers: Energy::from_wh(measured),
                intervals: Energy::from_wh(edited),
                edited: true,
            };
            context.report(Rule::SumCheck, Severity::Warning, span, None, evidence);
        }
    }
}

/// Tries the rule set's estimators, in order, on each gap that is left.
pub(crate) fn fill(context: &mut Context<'_>, grid: &mut Grid, at_least: &[(Span, i64)]) {
    if context.rules.parameters.estimators.is_empty() {
        return;
    }
    let Some((first, last)) = grid.extent() else { return };
    for hole in grid.holes() {
        let silent = hole.end > last && !context.rules.parameters.estimate_after_last;
        if hole.start < first || silent {
            continue;
        }
        let parts: Vec<(Option<usize>, Span)> = grid.parts(hole);
        // Cells that a person edited whole need no estimate.
        let open: Vec<Span> = parts
            .iter()
            .filter(|(index, _)| {
                index.and_then(|i| grid.cells.get(i)).is_some_and(|c| c.edited.is_none())
            })
            .map(|(_, part)| *part)
            .collect();
        if open.is_empty() {
            continue;
        }
        let estimators = &context.rules.parameters.estimators;
        let Some((estimator, basis, mut energies)) =
            estimators.iter().find_map(|e| estimate(context, grid, *e, hole, &open))
        else {
            continue;
        };
        for (part, wh) in open.iter().zip(&mut energies) {
            // Whatever an estimate is made of, the connection carries no more.
            *wh = known_most(context, part.seconds()).map_or(*wh, |most| most.min(*wh));
        }
        let floor = at_least
            .iter()
            .filter(|(span, _)| hole.start <= span.start && span.end <= hole.end)
            .fold(0_i64, |sum, (_, wh)| sum.saturating_add(*wh));
        if energies.iter().fold(0_i64, |sum, wh| sum.saturating_add(*wh)) < floor {
            energies = spread(floor, &energies);
        }
        let known = Known::Estimated(estimator.method());
        for (part, wh) in open.iter().zip(&energies) {
            grid.add_whole(*part, *wh, known);
        }
        let sum = energies.iter().fold(0_i64, |sum, wh| sum.saturating_add(*wh));
        let energy = Energy::from_wh(sum);
        context.estimates.push(Estimate { span: hole, energy, estimator, basis });
    }
}

type Estimated = (Estimator, Basis, Vec<i64>);

fn estimate(
    context: &Context<'_>,
    grid: &Grid,
    estimator: Estimator,
    hole: Span,
    parts: &[Span],
) -> Option<Estimated> {
    let own = context.history.own.as_ref();
    let (basis, energies) = match estimator {
        Estimator::LinearInterpolation => {
            (Basis::Neighbours, interpolate(context, grid, hole, parts)?)
        }
        Estimator::Averaging => average(context, own?, parts)?,
        Estimator::OwnProfile => {
            let own = own?;
            let energies = parts.iter().map(|p| own.expected_wh(*p)).collect::<Option<_>>()?;
            (Basis::OwnWeek, energies)
        }
        Estimator::ProxyDay => proxy_day(context, own?, parts)?,
        Estimator::ClassProfile => (Basis::Class, by_class(context, parts)?),
        Estimator::Subtraction => (Basis::Siblings, by_siblings(context, parts)?),
        // These work on registers, or come from a person: not on a gap that no register closes.
        Estimator::ScalarSpread
        | Estimator::Gap
        | Estimator::RegisterFromInterval
        | Estimator::Proration
        | Estimator::PersonEdit => return None,
    };
    Some((estimator, basis, energies))
}

fn interpolate(context: &Context<'_>, grid: &Grid, hole: Span, parts: &[Span]) -> Option<Vec<i64>> {
    if hole.seconds() > context.rules.parameters.interpolation_seconds {
        return None;
    }
    // The nearest complete neighbours; a cell that is partly known counts with its known part.
    let before = grid.cells.iter().rev().find(|c| c.span.start < hole.start && c.covered > 0)?;
    let after = grid.cells.iter().find(|c| c.span.end > hole.end && c.covered > 0)?;
    if before.span.end < hole.start || after.span.start > hole.end {
        return None;
    }
    let count = i64::try_from(parts.len()).ok()?.saturating_add(1);
    let per_hour = |wh: i64, seconds: i64| scale(wh, 3_600_000, seconds.max(1));
    let (from, to) = (
        per_hour(before.edited.unwrap_or(before.wh), before.covered)?,
        per_hour(after.edited.unwrap_or(after.wh), after.covered)?,
    );
    let mut energies = Vec::with_capacity(parts.len());
    for (index, part) in parts.iter().enumerate() {
        let place = i64::try_from(index).ok()?.saturating_add(1);
        let rate = from.saturating_add(scale(to.saturating_sub(from), place, count)?);
        energies.push(scale(rate, part.seconds(), 3_600_000)?.max(0));
    }
    Some(energies)
}

fn average(context: &Context<'_>, own: &OwnHistory, parts: &[Span]) -> Option<(Basis, Vec<i64>)> {
    let wanted = context.rules.parameters.averaging_days;
    let mut fewest = usize::MAX;
    let mut energies = Vec::with_capacity(parts.len());
    for part in parts {
        let date = context.history.calendar.date(part.start);
        let found: Vec<i64> = own
            .comparable(date)
            .filter_map(|(day, _)| own.energy_on_day_wh(day, *part))
            .take(wanted)
            .collect();
        if found.len() < wanted.max(1) {
            return None;
        }
        fewest = fewest.min(found.len());
        let sum = found.iter().fold(0_i64, |sum, wh| sum.saturating_add(*wh));
        energies.push(scale(sum, 1, i64::try_from(found.len()).ok()?)?);
    }
    Some((Basis::OwnDays { days: fewest }, energies))
}

fn proxy_day(context: &Context<'_>, own: &OwnHistory, parts: &[Span]) -> Option<(Basis, Vec<i64>)> {
    let mut proxy: Option<Date> = None;
    let mut energies = Vec::with_capacity(parts.len());
    for part in parts {
        let date = context.history.calendar.date(part.start);
        let (day, wh) = own
            .comparable(date)
            .filter(|(day, _)| *day < date)
            .find_map(|(day, _)| Some((day, own.energy_on_day_wh(day, *part)?)))?;
        proxy = proxy.or(Some(day));
        energies.push(wh);
    }
    Some((Basis::Day { date: proxy? }, energies))
}

fn by_class(context: &Context<'_>, parts: &[Span]) -> Option<Vec<i64>> {
    let class = context.history.class.as_ref()?;
    let own_day = context.history.own.as_ref().and_then(OwnHistory::mean_day_wh);
    let day = own_day.unwrap_or(class.day_wh);
    let whole = Some(class.weight_of_day()).filter(|w| *w > 0)?;
    parts.iter().map(|p| scale(class.weight(*p, &context.history.calendar), day, whole)).collect()
}

fn by_siblings(context: &Context<'_>, parts: &[Span]) -> Option<Vec<i64>> {
    let siblings = &context.history.siblings;
    let whole = siblings.iter().find(|s| s.role == SiblingRole::Whole)?;
    let beside: Vec<_> = siblings.iter().filter(|s| s.role == SiblingRole::Beside).collect();
    let (mut wholes, mut rests) = (0_i64, 0_i64);
    let mut energies = Vec::with_capacity(parts.len());
    for part in parts {
        let all = energy_in(&whole.profile, *part)?.wh();
        let rest = beside.iter().try_fold(all, |rest, sibling| {
            rest.checked_sub(energy_in(&sibling.profile, *part)?.wh())
        })?;
        energies.push(Some(rest).filter(|rest| *rest >= 0)?);
        wholes = wholes.saturating_add(all);
        rests = rests.saturating_add(rest);
    }
    // What is lost on the way to all of them would be this one's: behind a feeder of a hundred houses that is
    // more than a house uses.
    let lost = scale(wholes, context.rules.parameters.loss_permille, 1000)?;
    (lost.saturating_mul(LOSS_PARTS) <= rests).then_some(energies)
}

/// By subtraction the usual loss may be a quarter of what is left for one.
const LOSS_PARTS: i64 = 4;
