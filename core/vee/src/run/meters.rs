//! The meters' readings, put into the grid.

use corrente_metering::{ChannelKind, EstimationMethod, Span, Timestamp, calendar::next_day};
use corrente_units::Energy;

use crate::{
    Basis, Estimate, Estimator, EventKind, Evidence, GoodRegister, MeterPeriod, PointHistory, Rule,
    Severity,
    cells::{Grid, Known},
    limit::Limit,
    readings::{self, Mark, Raw},
    registers::{self, Piece},
    run::Context,
    spread::{scale, share_until},
};

/// What the meters said beyond what is in the grid.
#[derive(Default)]
pub(crate) struct Measured {
    pub(crate) segments: Vec<Vec<GoodRegister>>,
    /// Spans of which the energy is unknown but not below this.
    pub(crate) at_least: Vec<(Span, i64)>,
}

pub(crate) fn fill(context: &mut Context<'_>, grid: &mut Grid) -> Measured {
    let history = context.history;
    let mut measured = Measured::default();
    let weight = Weight::new(history);
    for meter in &history.meters {
        let raw = readings::in_order(context, meter);
        match meter.kind {
            ChannelKind::Register => {
                let walked = registers::walk(context, meter, &raw);
                for piece in walked.pieces {
                    add_register_piece(context, grid, meter, piece, &weight);
                }
                measured.segments.extend(walked.segments);
                measured.at_least.extend(walked.at_least);
            }
            ChannelKind::Interval => {
                add_intervals(context, grid, meter, &raw);
                close_by_registers(context, grid, meter, &weight);
            }
        }
    }
    exchanges(context);
    measured
}

/// By what a sum is spread: the point's own week, else its class, else evenly; nothing while the
/// point is disconnected.
pub(crate) struct Weight<'a> {
    history: &'a PointHistory,
    off: Vec<Span>,
}

impl<'a> Weight<'a> {
    pub(crate) fn new(history: &'a PointHistory) -> Self {
        Self { history, off: disconnected(history) }
    }

    /// By a profile rather than evenly?
    pub(crate) fn by_profile(&self) -> bool {
        self.history.own.is_some() || self.history.class.is_some()
    }

    pub(crate) fn of(&self, span: Span) -> i64 {
        let off = self
            .off
            .iter()
            .fold(0_i64, |sum, off| sum.saturating_add(off.intersect(span).seconds()));
        let on = span.seconds().saturating_sub(off).max(0);
        if on == 0 {
            return 0;
        }
        let shape = match (&self.history.own, &self.history.class) {
            (Some(own), _) => own.weight(span),
            (None, Some(class)) => class.weight(span, &self.history.calendar),
            (None, None) => return on,
        };
        if off == 0 { shape } else { scale(shape, on, span.seconds().max(1)).unwrap_or(0) }
    }
}

/// When the point was without supply.
pub(crate) fn disconnected(history: &PointHistory) -> Vec<Span> {
    let mut events = history.events.clone();
    events.sort_by_key(|e| e.at);
    let mut off = Vec::new();
    let mut since: Option<Timestamp> = None;
    for event in events {
        match event.kind {
            EventKind::Disconnected => since = since.or(Some(event.at)),
            EventKind::Reconnected => {
                if let Some(start) = since.take() {
                    off.push(Span::new(start, event.at));
                }
            }
            EventKind::Tamper { .. } => {}
        }
    }
    off.extend(since.map(|start| Span::new(start, Timestamp::MAX)));
    off
}

fn by_mark(mark: Mark) -> Known {
    match mark {
        Mark::Good => Known::Measured,
        Mark::BySource => Known::Estimated(EstimationMethod::BySource),
        Mark::Replaced => Known::Edited,
    }
}

fn add_register_piece(
    context: &mut Context<'_>,
    grid: &mut Grid,
    meter: &MeterPeriod,
    piece: Piece,
    weight: &Weight<'_>,
) {
    let Piece { span, wh, mark, read } = piece;
    // A piece inside one interval is measured however long it is, unless its ends are not readings.
    let whole = grid.in_one_cell(span);
    if whole && read {
        grid.add_whole(span, wh, by_mark(mark));
        return;
    }
    let reporting = meter.interval_seconds.unwrap_or(context.history.step_seconds);
    let permille = context.rules.parameters.measured_permille;
    let always = context.rules.parameters.measured_seconds;
    let close =
        scale(reporting, permille, 1000).is_some_and(|most| span.seconds() <= most.max(always));
    let estimator = if weight.by_profile() { Estimator::ScalarSpread } else { Estimator::Gap };
    let known = if close { Known::Measured } else { Known::Estimated(estimator.method()) };
    for (day, wh) in by_days(context.history, span, wh) {
        let added = grid.add_spread(day, wh, known.max(by_mark(mark)), |part| weight.of(part));
        if let Err(mismatch) = added {
            sum_differs(context, meter, day, wh, mismatch.edited, true);
        }
    }
    if !close && context.history.span.intersect(span).seconds() > 0 {
        let energy = Energy::from_wh(wh);
        let basis = Basis::Registers { span, energy };
        context.estimates.push(Estimate { span, energy, estimator, basis });
    }
}

/// What each local day of the history has of the energy between two registers, by time: each day is
/// looked at alone, with its own past, and the days have to add up all the same. So what a day comes to is
/// also what the register says of its midnights, and only inside the day its shape is spread.
fn by_days(history: &PointHistory, span: Span, wh: i64) -> Vec<(Span, i64)> {
    let calendar = &history.calendar;
    let first = calendar.midnight(calendar.date(history.span.start));
    let last = calendar.midnight(next_day(calendar.date_of_reading(history.span.end)));
    let near = Span::new(first.clamp(span.start, span.end), last.clamp(span.start, span.end));
    let until = |t| share_until(span, wh, t);
    // What lies before and after the history stays whole.
    let mut parts = vec![Span::new(span.start, near.start)];
    parts.extend(calendar.cut_days(near));
    parts.push(Span::new(near.end, span.end));
    parts.retain(|part| !part.is_empty());
    parts.into_iter().map(|p| (p, until(p.end).saturating_sub(until(p.start)))).collect()
}

fn sum_differs(
    context: &mut Context<'_>,
    meter: &MeterPeriod,
    span: Span,
    registers: i64,
    intervals: i64,
    edited: bool,
) {
    let evidence = Evidence::SumDiffers {
        registers: Energy::from_wh(registers),
        intervals: Energy::from_wh(intervals),
        edited,
    };
    context.report(Rule::SumCheck, Severity::Error, span, Some(meter), evidence);
}

fn add_intervals(context: &mut Context<'_>, grid: &mut Grid, meter: &MeterPeriod, raw: &[Raw]) {
    let length = meter.interval_seconds.unwrap_or(context.history.step_seconds).max(1);
    let mut limit = Limit::new(context, meter, raw);
    limit.look_at_intervals(length);
    // Of the whole length, also for the first interval after an installation.
    let whole = |end: Timestamp| Span::new(end.plus(length.saturating_neg()), end);
    let weight = Weight::new(context.history);
    let mut before = meter.from;
    for reading in raw {
        let span = Span::new(reading.t.plus(length.saturating_neg()).max(before), reading.t);
        before = reading.t;
        let ratio = meter.multiplier_until(reading.t);
        let wh = scale(reading.value, ratio.numerator, ratio.denominator).unwrap_or(i64::MAX);
        let energy = Energy::from_wh(wh);
        if wh < 0 {
            let evidence = Evidence::NegativeInterval { energy };
            context.report(Rule::Negative, Severity::Error, span, Some(meter), evidence);
        } else if !limit.holds(whole(reading.t), wh) {
            let limit = Energy::from_wh(limit.of_interval(length));
            let evidence = Evidence::AboveLimit { energy, limit, rejected: true };
            context.report(Rule::HighLow, Severity::Error, span, Some(meter), evidence);
        } else if grid.in_one_cell(span) {
            grid.add_whole(span, wh, by_mark(reading.mark));
        } else {
            let estimator =
                if weight.by_profile() { Estimator::ScalarSpread } else { Estimator::Gap };
            let known = Known::Estimated(estimator.method()).max(by_mark(reading.mark));
            let added = grid.add_spread(span, wh, known, |part| weight.of(part));
            if let Err(mismatch) = added {
                sum_differs(context, meter, span, wh, mismatch.edited, true);
            }
        }
    }
    limit.report(context);
}

/// Registers beside an interval channel: they close the gaps between them, and check the sum where
/// there is none.
fn close_by_registers(
    context: &mut Context<'_>,
    grid: &mut Grid,
    meter: &MeterPeriod,
    weight: &Weight<'_>,
) {
    let registers = readings::registers_in_order(meter);
    if registers.len() < 2 {
        return;
    }
    let walked = registers::walk(context, meter, &registers);
    for piece in walked.pieces {
        let inside = context.history.span.intersect(piece.span) == piece.span;
        let aligned = grid.parts(piece.span).iter().all(|(index, part)| {
            index.and_then(|i| grid.cells.get(i)).is_some_and(|cell| cell.span == *part)
        });
        // Registers that do not lie on interval boundaries inside the span say nothing exact here.
        if !inside || !aligned {
            continue;
        }
        let holes: Vec<Span> = grid
            .holes()
            .into_iter()
            .map(|hole| hole.intersect(piece.span))
            .filter(|hole| !hole.is_empty())
            .collect();
        let known = grid.known_in(piece.span);
        let rest = piece.wh.saturating_sub(known);
        let tolerance = context.rules.parameters.sum_check_wh;
        if rest < tolerance.saturating_neg() || (holes.is_empty() && rest > tolerance) {
            sum_differs(context, meter, piece.span, piece.wh, known, false);
        } else if !holes.is_empty() && rest >= 0 {
            fill_holes(context, grid, meter, &holes, (piece, rest), weight);
        }
    }
}

fn fill_holes(
    context: &mut Context<'_>,
    grid: &mut Grid,
    meter: &MeterPeriod,
    holes: &[Span],
    (piece, rest): (Piece, i64),
    weight: &Weight<'_>,
) {
    let estimator = if weight.by_profile() { Estimator::ScalarSpread } else { Estimator::Gap };
    let parts: Vec<Vec<Span>> = holes
        .iter()
        .map(|hole| grid.parts(*hole).into_iter().map(|(_, part)| part).collect())
        .collect();
    let mut weights: Vec<i64> = parts
        .iter()
        .map(|hole| hole.iter().fold(0_i64, |sum, p| sum.saturating_add(weight.of(*p))))
        .collect();
    if weights.iter().all(|w| *w <= 0) {
        weights = holes.iter().map(|hole| hole.seconds()).collect();
    }
    for (hole, share) in holes.iter().zip(crate::spread(rest, &weights)) {
        let known = Known::Estimated(estimator.method());
        let added = grid.add_spread(*hole, share, known, |part| weight.of(part));
        if let Err(mismatch) = added {
            sum_differs(context, meter, piece.span, piece.wh, mismatch.edited, true);
        }
        let energy = Energy::from_wh(share);
        let basis = Basis::Registers { span: piece.span, energy: Energy::from_wh(piece.wh) };
        context.estimates.push(Estimate { span: *hole, energy, estimator, basis });
    }
}

fn exchanges(context: &mut Context<'_>) {
    let history = context.history;
    for (old, new) in history.meters.iter().zip(history.meters.iter().skip(1)) {
        let Some(until) = old.until else { continue };
        let span = Span::new(until.min(new.from), new.from.max(until));
        if !history.span.contains(new.from) && !history.span.contains(until) {
            continue;
        }
        let gap_seconds = new.from.since(until).max(0);
        let evidence = Evidence::Exchanged {
            old: old.channel,
            new: new.channel,
            last: old.final_register,
            first: new.first_register,
            gap_seconds,
        };
        let complete = old.kind == ChannelKind::Interval
            || (old.final_register.is_some() && new.first_register.is_some());
        let severity =
            if gap_seconds == 0 && complete { Severity::Info } else { Severity::Warning };
        context.report(Rule::MeterExchange, severity, span, Some(new), evidence);
    }
}
