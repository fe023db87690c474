//! What energy cost, interval by interval, so that the bars of a chart add up to the bill.
//!
//! With blocks, an interval's cost depends on what was used before it in its billing period, so costs
//! are always taken from the period's beginning on; with periods of the day, cut where one ends. The
//! billing crate rates the cumulative energy, and what is shown is the difference from one boundary to the
//! next.

use std::sync::Arc;

use corrente_billing::{
    BillingInput, BillingPlan, Inputs, PlanKind, PriceSeries, energy_costs, measure, plan,
};
use corrente_metering::{
    Direction, Interval, Span, Timestamp,
    assemble::{Piece, profile},
};
use corrente_tariff::{Tariff, file::EnergyCharge};
use corrente_units::{Money, OutOfRange};

use crate::{
    Mdm, MdmError,
    period::BillingPeriod,
    point::Point,
    tariff::{PriceLevel, hours, levels_on},
    usage::Part,
};

/// Where a price depends on the time, a register is looked at in quarters of an hour: no tariff changes its
/// price at another minute.
const PRICE_STEP_SECONDS: i64 = 900;

/// Energy between boundaries, with what it cost.
#[derive(Clone, Debug)]
pub(crate) struct Costed {
    pub(crate) pieces: Vec<Piece>,
    /// For each piece the cost of what is known of it; nothing where nothing is known or agreed.
    pub(crate) amounts: Vec<Option<Money>>,
    /// For each piece how its energy falls on the periods of the day; empty where there are none.
    pub(crate) parts: Vec<Vec<Part>>,
}

/// A period of the day with how dear it is.
type Tag = (String, PriceLevel);

impl Mdm {
    /// The energy between the boundaries and what it cost.
    pub(crate) fn costed(
        &self,
        point: &Point,
        boundaries: &[Timestamp],
        known_from: Timestamp,
    ) -> Result<Costed, MdmError> {
        let (Some(first), Some(last)) = (boundaries.first(), boundaries.last()) else {
            let (pieces, amounts, parts) = (Vec::new(), Vec::new(), Vec::new());
            return Ok(Costed { pieces, amounts, parts });
        };
        let periods = periods(point, Span::new(*first, *last), known_from);
        let mut cuts: Vec<Timestamp> = boundaries.to_vec();
        let mut rated: Vec<(BillingPeriod, Vec<Arc<Tariff>>)> = Vec::new();
        for period in periods {
            let tariffs = point.tariffs(&self.tariffs, period.span)?;
            if tariffs.is_empty() {
                continue;
            }
            cuts.push(period.span.start);
            if period.span.end < *last {
                cuts.push(period.span.end);
            }
            // The whole period's demand moves the ends of blocks, wherever the chart ends.
            let moves = tariffs.iter().any(|tariff| block_windows(tariff).next().is_some());
            let until = if moves { period.span.end } else { period.span.end.min(*last) };
            let rating = Span::new(period.span.start, until);
            push_price_changes(&mut cuts, point, &tariffs, rating);
            rated.push((period, tariffs));
        }
        cuts.sort();
        cuts.dedup();
        let pieces = self.pieces(point, Direction::Import, &cuts)?;
        let mut costs: Vec<Option<Money>> = vec![None; pieces.len()];
        let mut tags: Vec<Option<Tag>> = vec![None; pieces.len()];
        for (period, tariffs) in &rated {
            let from = pieces.partition_point(|p| p.span.end <= period.span.start);
            let to = pieces.partition_point(|p| p.span.start < period.span.end);
            let within = pieces.get(from..to).unwrap_or_default();
            let within_tags = tags.iter_mut().skip(from);
            for (slot, tag) in within_tags.zip(period_tags(point, tariffs, period, within)) {
                *slot = tag;
            }
            let intervals = profile(within).intervals;
            let series = self.series(point, tariffs, period.span)?;
            let tariffs: Vec<&Tariff> = tariffs.iter().map(AsRef::as_ref).collect();
            let inputs = point.inputs(period.part_of_days);
            let rated =
                energy_costs(&point.calendar, &tariffs, &inputs, period.span, &intervals, &series)?;
            for (slot, cost) in costs.iter_mut().skip(from).zip(rated) {
                *slot = cost.amount;
            }
        }
        let mut costed = gather(boundaries, &pieces, &costs, &tags)?;
        let inside = |cut: &Timestamp| *first < *cut && *cut < *last;
        if cuts.iter().any(|cut| inside(cut) && boundaries.binary_search(cut).is_err()) {
            // Over a step a register is measured by its two ends, whatever lies between them.
            costed.pieces = self.pieces(point, Direction::Import, boundaries)?;
        }
        Ok(costed)
    }

    /// What was used in the span from a period's beginning on, as it fills the tariff's blocks; nothing where
    /// it has none.
    pub(crate) fn used_before(
        &self,
        point: &Point,
        tariffs: &[Arc<Tariff>],
        span: Span,
    ) -> Result<Vec<Interval>, MdmError> {
        let has_blocks = |tariff: &Arc<Tariff>| {
            tariff.file().energy.iter().any(|charge| !charge.blocks.is_empty())
        };
        if span.is_empty() || !tariffs.iter().any(has_blocks) {
            return Ok(Vec::new());
        }
        let mut cuts = vec![span.start, span.end];
        push_price_changes(&mut cuts, point, tariffs, span);
        cuts.sort();
        cuts.dedup();
        Ok(profile(&self.pieces(point, Direction::Import, &cuts)?).intervals)
    }

    /// The intervals from which a period is billed, up to `until`.
    pub(crate) fn billing_intervals(
        &self,
        point: &Point,
        direction: Direction,
        span: Span,
        tariffs: &[Arc<Tariff>],
    ) -> Result<Vec<Piece>, MdmError> {
        let mut cuts = vec![span.start, span.end];
        // Each interval by itself, so that each missing one is seen.
        if let Some(step) = point.interval_seconds() {
            push_multiples(&mut cuts, span, step);
        } else {
            cuts.extend(point.calendar.cut_days(span).into_iter().map(|day| day.end));
            if let Some(step) = step_of(tariffs) {
                push_multiples(&mut cuts, span, step);
            }
        }
        cuts.sort();
        cuts.dedup();
        self.pieces(point, direction, &cuts)
    }
}

/// What a period's bill so far is computed from, beside its intervals.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) tariffs: Vec<Arc<Tariff>>,
    pub(crate) inputs: Inputs,
    pub(crate) series: Vec<PriceSeries>,
}

/// What the bill of a period would be if it ended with what is known.
pub(crate) fn provisional(
    point: &Point,
    terms: &Terms,
    span: Span,
    import: &[Interval],
    export: &[Interval],
) -> Result<BillingPlan, MdmError> {
    let tariffs: Vec<&Tariff> = terms.tariffs.iter().map(AsRef::as_ref).collect();
    let determinants = measure(&corrente_billing::Measure {
        calendar: &point.calendar,
        tariffs: &tariffs,
        span,
        import,
        export,
        series: &terms.series,
    })?;
    Ok(plan(&BillingInput {
        kind: PlanKind::Provisional,
        calendar: &point.calendar,
        tariffs: &tariffs,
        determinants,
        inputs: terms.inputs.clone(),
    })?)
}

pub(crate) fn prices_change_by_time(tariffs: &[Arc<Tariff>]) -> bool {
    tariffs.iter().any(|tariff| tariff.tou().is_some() || !tariff.file().series.is_empty())
}

/// How finely a tariff looks at a register, in seconds: quarters of an hour where prices depend on the time,
/// and never past the end of a window in which it measures demand. Nothing where days are enough.
fn step_of(tariffs: &[Arc<Tariff>]) -> Option<i64> {
    let windows = tariffs.iter().flat_map(|tariff| {
        let demand = tariff.file().demand.iter().map(|charge| charge.window_minutes);
        demand.chain(block_windows(tariff))
    });
    windows
        .map(|minutes| i64::from(minutes) * 60)
        .chain(prices_change_by_time(tariffs).then_some(PRICE_STEP_SECONDS))
        .reduce(common_divisor)
}

/// The windows, in minutes, of the demand that moves the ends of a tariff's blocks.
fn block_windows(tariff: &Tariff) -> impl Iterator<Item = u32> {
    tariff.file().energy.iter().filter_map(EnergyCharge::demand_window_minutes)
}

const fn common_divisor(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Where the price of a kWh may change: with each day and each period of the day, and at every step where a
/// market or the demand so far decides.
fn push_price_changes(
    cuts: &mut Vec<Timestamp>,
    point: &Point,
    tariffs: &[Arc<Tariff>],
    span: Span,
) {
    let days = point.calendar.cut_days(span);
    cuts.extend(days.iter().map(|day| day.end));
    let Some(step) = step_of(tariffs) else { return };
    let step = point.interval_seconds().unwrap_or(step).max(1);
    let is_fine = |tariff: &Arc<Tariff>| {
        !tariff.file().series.is_empty() || block_windows(tariff).next().is_some()
    };
    if tariffs.iter().any(is_fine) {
        push_multiples(cuts, span, step);
        return;
    }
    for day in days {
        let date = point.calendar.date(day.start);
        let tariff = tariffs.iter().find(|tariff| tariff.covers(date));
        let hours = tariff.and_then(|tariff| hours(&point.calendar, tariff, date));
        // An interval in which the price changes has that of its end.
        let changes = hours
            .unwrap_or_default()
            .into_iter()
            .map(|(hours, _)| Timestamp::from_second(hours.end.second().div_euclid(step) * step));
        cuts.extend(changes.filter(|t| day.start < *t && *t < day.end));
    }
}

/// The multiples of a step inside the span, counted from the epoch: on the quarters of the hour in
/// each zone.
fn push_multiples(cuts: &mut Vec<Timestamp>, span: Span, step: i64) {
    let step = step.max(1);
    let mut t = span.start.second().div_euclid(step) * step + step;
    while t < span.end.second() {
        cuts.push(Timestamp::from_second(t));
        t += step;
    }
}

/// The billing periods that a span touches, from the first reading on.
pub(crate) fn periods(point: &Point, span: Span, known_from: Timestamp) -> Vec<BillingPeriod> {
    let calendar = &point.calendar;
    let span = Span::new(span.start.max(known_from), span.end);
    let mut periods = Vec::new();
    if span.is_empty() {
        return periods;
    }
    let mut period = BillingPeriod::at(calendar, span.start, known_from);
    while period.span.start < span.end {
        let next = BillingPeriod::of_month(calendar, period.next_month(), known_from);
        periods.push(period);
        if next.span.start <= period.span.start {
            break;
        }
        period = next;
    }
    periods
}

/// The period of the day of each piece, by the instant just before its end, as it is priced.
fn period_tags(
    point: &Point,
    tariffs: &[Arc<Tariff>],
    period: &BillingPeriod,
    pieces: &[Piece],
) -> Vec<Option<Tag>> {
    if tariffs.iter().all(|tariff| tariff.tou().is_none()) {
        return vec![None; pieces.len()];
    }
    let calendar = &point.calendar;
    let mut day = None;
    pieces
        .iter()
        .map(|piece| {
            let date = calendar.date_of_reading(piece.span.end);
            if day.as_ref().is_none_or(|(known, _, _)| *known != date) {
                let tariff = tariffs.iter().find(|tariff| tariff.covers(date))?;
                let hours = hours(calendar, tariff, date)?;
                day = Some((date, hours, levels_on(point, tariffs, period, date)));
            }
            let (_, hours, levels) = day.as_ref()?;
            let (_, name) = hours.iter().find(|(span, _)| span.contains(piece.span.end))?;
            let level = levels.get(name).copied().unwrap_or(PriceLevel::OffPeak);
            Some((name.clone(), level))
        })
        .collect()
}

/// Fine pieces into coarse ones: each fine piece lies in exactly one coarse one.
fn gather(
    boundaries: &[Timestamp],
    fine: &[Piece],
    costs: &[Option<Money>],
    tags: &[Option<Tag>],
) -> Result<Costed, OutOfRange> {
    let mut pieces = Vec::with_capacity(boundaries.len().saturating_sub(1));
    let mut amounts = Vec::with_capacity(pieces.capacity());
    let mut parts = Vec::with_capacity(pieces.capacity());
    for (start, end) in boundaries.iter().zip(boundaries.iter().skip(1)) {
        let from = fine.partition_point(|p| p.span.end <= *start);
        let to = fine.partition_point(|p| p.span.start < *end);
        let own = fine.get(from..to).unwrap_or_default();
        let mut amount: Option<Money> = None;
        for cost in costs.get(from..to).unwrap_or_default().iter().flatten() {
            amount = Some(amount.map_or(Ok(*cost), |sum| sum.checked_add(*cost))?);
        }
        let sum = corrente_metering::assemble::total(own)?;
        pieces.extend(sum.map(|piece| Piece { span: Span::new(*start, *end), ..piece }));
        amounts.push(amount);
        let own_costs = costs.get(from..to).unwrap_or_default();
        parts.push(by_period(own, own_costs, tags.get(from..to).unwrap_or_default())?);
    }
    Ok(Costed { pieces, amounts, parts })
}

/// What is known of the pieces by their periods of the day, the cheapest first.
fn by_period(
    pieces: &[Piece],
    costs: &[Option<Money>],
    tags: &[Option<Tag>],
) -> Result<Vec<Part>, OutOfRange> {
    let mut parts: Vec<Part> = Vec::new();
    for ((piece, cost), tag) in pieces.iter().zip(costs).zip(tags) {
        let (Some(energy), Some((period, level))) = (piece.energy, tag) else { continue };
        match parts.iter_mut().find(|part| part.period == *period) {
            Some(part) => {
                part.energy = part.energy.checked_add(energy)?;
                part.amount = match (part.amount, *cost) {
                    (Some(sum), Some(cost)) => Some(sum.checked_add(cost)?),
                    (sum, cost) => sum.or(cost),
                };
            }
            None => {
                parts.push(Part { period: period.clone(), level: *level, energy, amount: *cost });
            }
        }
    }
    parts.sort_by_key(|part| part.level);
    Ok(parts)
}
