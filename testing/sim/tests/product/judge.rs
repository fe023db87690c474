//! Every figure that a person could ask for, against the truth and against each other.

use corrente_mdm::{RunRequest, Step, UsageInterval, export};
use corrente_metering::{Date, EstimationMethod, Quality, Span, Timestamp, calendar::next_day};
use corrente_registry::billing_runs::ItemState;
use corrente_units::Energy;

use crate::{
    homes::{Home, quarters},
    server::Server,
};

/// Where the truth went, in Wh, and what was compared.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) homes: u64,
    pub(crate) truth_wh: i64,
    pub(crate) measured_wh: i64,
    /// In stretches that two registers close.
    pub(crate) closed_wh: i64,
    /// Estimated from the own past or the neighbours, which says so.
    pub(crate) guessed_wh: i64,
    pub(crate) missing_cells: u64,
    /// Pairs of good registers.
    pub(crate) pairs: u64,
    pub(crate) billed: u64,
    pub(crate) held: u64,
}

pub(crate) fn judge(home: &Home, server: &Server, sums: &mut Sums) -> Result<(), String> {
    sums.homes += 1;
    sums.truth_wh += home.truth_wh(home.span);
    let fine = server.usage(home.span, Step::Quarter);
    if let Some(less) = fine.intervals.iter().find(|i| i.energy.is_some_and(|e| e.wh() < 0)) {
        return Err(format!("an interval is negative: {less:?}"));
    }
    // Lord Howe's days end half an hour off the grid of their hours: quarters fit all of them.
    totals(home, server, &fine.intervals)?;
    if home.exact {
        measured(home, &fine.intervals, sums)?;
        closed(home, &fine.intervals, sums)?;
        pairs(home, &fine.intervals, sums)?;
    }
    billed(home, server, &fine.intervals, sums)
}

/// Hours, days, months and the export say what the quarters say.
fn totals(home: &Home, server: &Server, fine: &[UsageInterval]) -> Result<(), String> {
    for step in [Step::HalfHour, Step::Hour, Step::Day, Step::Month] {
        let usage = server.usage(home.span, step);
        for coarse in &usage.intervals {
            let (energy, partial) = sum(fine, coarse.span);
            if energy != coarse.energy.map(Energy::wh) || partial != missing(coarse) {
                return Err(format!(
                    "{step:?} {:?}: {:?}, partly missing {}; its quarters {energy:?}, {partial}",
                    coarse.span,
                    coarse.energy,
                    missing(coarse)
                ));
            }
        }
        let (energy, partial) = sum(fine, home.span);
        let total = usage.total.energy.map(Energy::wh);
        if total != energy || usage.total.at_least != (partial && energy.is_some()) {
            return Err(format!("the total by {step:?} is {total:?}, by quarters {energy:?}"));
        }
    }
    let (from, until) = days(home, server);
    for step in [Step::Hour, Step::Day] {
        let query = export::ExportQuery { from, until, step, usage_point: None };
        let rows = export::usage(&server.mdm, query).map_err(|error| error.to_string())?;
        let rows: Vec<_> = rows.flat_map(Result::unwrap).collect();
        let total: i64 = rows.iter().filter_map(|row| row.energy).map(Energy::wh).sum();
        if Some(total) != sum(fine, home.span).0.or(Some(0)) {
            return Err(format!("the export by {step:?} has {total} Wh"));
        }
    }
    Ok(())
}

/// What is called measured is the truth.
fn measured(home: &Home, fine: &[UsageInterval], sums: &mut Sums) -> Result<(), String> {
    for interval in fine {
        let truth = home.truth_wh(interval.span);
        match (interval.quality, interval.energy) {
            (Quality::Measured, Some(energy)) if !interval.at_least => {
                if energy.wh() != truth {
                    return Err(format!("{:?} measured {energy}, truly {truth} Wh", interval.span));
                }
                sums.measured_wh += truth;
            }
            (_, Some(energy)) if interval.at_least && energy.wh() > truth => {
                return Err(format!("{:?} at least {energy}, truly {truth}", interval.span));
            }
            (_, None) => sums.missing_cells += 1,
            (_, _) => {}
        }
    }
    Ok(())
}

/// Stretches that registers close, between two measured intervals, add up to the truth.
fn closed(home: &Home, fine: &[UsageInterval], sums: &mut Sums) -> Result<(), String> {
    let mut rest = fine;
    while let Some(first) = rest.first() {
        let kind = kind(first);
        let length = rest.iter().take_while(|i| self::kind(i) == kind).count();
        let (stretch, later) = rest.split_at(length);
        let bounded = !std::ptr::eq(rest, fine)
            && later.first().is_some_and(|next| self::kind(next) == Kind::Measured);
        let before = fine.len() - rest.len();
        let after_measured =
            before > 0 && fine.get(before - 1).is_some_and(|i| self::kind(i) == Kind::Measured);
        rest = later;
        let span = Span::new(first.span.start, stretch[length - 1].span.end);
        let truth = home.truth_wh(span);
        if kind == Kind::Guessed {
            sums.guessed_wh += truth;
        }
        let cut = home.cut.iter().any(|t| span.start <= *t && *t <= span.end);
        if kind != Kind::Closed || !bounded || !after_measured || cut {
            continue;
        }
        let said: i64 = stretch.iter().filter_map(|i| i.energy).map(Energy::wh).sum();
        if said != truth {
            return Err(format!("{span:?} closed by registers with {said} Wh, truly {truth} Wh"));
        }
        sums.closed_wh += truth;
    }
    Ok(())
}

/// Between any two instants with a good register the intervals add up to what was used. An instant is
/// one where both neighbours are measured.
fn pairs(home: &Home, fine: &[UsageInterval], sums: &mut Sums) -> Result<(), String> {
    let good: Vec<Timestamp> = fine
        .windows(2)
        .filter(|pair| pair.iter().all(|i| kind(i) == Kind::Measured))
        .map(|pair| pair[0].span.end)
        .collect();
    let whole = |span: Span| {
        let mut inside = fine.iter().filter(|i| span.contains(i.span.end));
        inside.all(|i| matches!(kind(i), Kind::Measured | Kind::Closed))
    };
    for (n, from) in good.iter().enumerate() {
        // The next one, one far away, and the last one.
        for to in [n + 1, n * 7 % good.len(), good.len() - 1] {
            let Some(to) = good.get(to).filter(|to| *to > from) else { continue };
            let span = Span::new(*from, *to);
            if !whole(span) || home.cut.iter().any(|t| span.contains(*t)) {
                continue;
            }
            sums.pairs += 1;
            let (said, truth) = (sum(fine, span).0, home.truth_wh(span));
            if said != Some(truth) {
                return Err(format!("{span:?}: {said:?} Wh between two registers, truly {truth}"));
            }
        }
    }
    Ok(())
}

/// A closing bill of all days bills what the page says, or says why it does not.
fn billed(
    home: &Home,
    server: &Server,
    fine: &[UsageInterval],
    sums: &mut Sums,
) -> Result<(), String> {
    let (first, until) = days(home, server);
    let request = RunRequest {
        organisation: server.organisation,
        route: None,
        usage_point: Some(server.point),
        first: Some(first),
        until,
    };
    let run = server.mdm.prepare_run(&request).map_err(|error| error.to_string())?;
    let (_, item) = &run.summary.items[0];
    if item.state == ItemState::Ready {
        sums.billed += 1;
        let (energy, partial) = sum(fine, item.period());
        if partial || energy != Some(item.energy.wh()) {
            return Err(format!("billed {}, the page says {energy:?}", item.energy));
        }
        return Ok(());
    }
    sums.held += 1;
    match item.reason.as_deref() {
        Some(reason) if !reason.is_empty() => Ok(()),
        _ => Err("it is not billed, and nobody knows why".to_owned()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Measured,
    Closed,
    Guessed,
    Missing,
}

fn kind(interval: &UsageInterval) -> Kind {
    match interval.quality {
        _ if missing(interval) => Kind::Missing,
        Quality::Measured => Kind::Measured,
        Quality::Estimated {
            method:
                EstimationMethod::RegisterDifference | EstimationMethod::RegisterDifferenceByProfile,
        } => Kind::Closed,
        Quality::Estimated { .. } | Quality::Edited | Quality::Missing => Kind::Guessed,
    }
}

fn missing(interval: &UsageInterval) -> bool {
    interval.energy.is_none() || interval.at_least
}

/// The energy of the quarters in a span, and whether a part of it is missing.
fn sum(fine: &[UsageInterval], span: Span) -> (Option<i64>, bool) {
    let inside = || fine.iter().filter(|i| span.contains(i.span.end));
    let known: Vec<i64> = inside().filter_map(|i| i.energy).map(Energy::wh).collect();
    let energy = (!known.is_empty()).then(|| known.iter().sum());
    (energy, inside().any(missing))
}

/// The first day and the first one that is not of the span any more.
fn days(home: &Home, server: &Server) -> (Date, Date) {
    let calendar = &server.calendar;
    let last = calendar.date_of_reading(home.span.end);
    debug_assert!(quarters(home.span).next().is_some());
    (calendar.date(home.span.start), next_day(last))
}
