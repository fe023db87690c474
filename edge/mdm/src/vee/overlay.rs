//! Where a day's believed profile differs from what was read, and how the two are laid over each other.
//!
//! An overlay is a list of runs. A run keeps what the readings said of it as a whole; it counts only
//! while they still say the same. So a total over any stretch that does not cut a run is what the
//! readings say, whatever came late, and a run that late readings overtook steps aside until the next
//! look.

use corrente_metering::{
    Direction, Interval, Quality, Span, Timestamp,
    assemble::{Piece, total},
};
use corrente_registry::profiles::{self, ProfileVersion};
use corrente_units::Energy;
use corrente_vee::{Change, Estimate, Evidence, Finding, Rule, spread};
use serde::{Deserialize, Serialize};

use super::Cause;
use crate::{Mdm, MdmError, point::Point};

/// A version of a day, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DayDocument {
    /// The rules that made it, by name and version.
    pub(crate) rule_set: String,
    /// Why it was made.
    pub(crate) cause: Cause,
    /// As of which revisions of the readings.
    pub(crate) revisions: serde_json::Value,
    /// The week of the class that it was given, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) class_profile: Option<String>,
    /// Where it differs from the readings.
    pub(crate) runs: Vec<Run>,
    /// What was estimated, how and from what.
    pub(crate) estimates: Vec<Directed<Estimate>>,
    /// What differs from the version before.
    pub(crate) changes: Vec<Directed<Change>>,
}

impl DayDocument {
    pub(crate) fn of(version: &ProfileVersion) -> Result<Self, MdmError> {
        Ok(Self::deserialize(&version.document)?)
    }
}

/// Something of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Directed<T> {
    pub(crate) direction: Direction,
    #[serde(flatten)]
    pub(crate) what: T,
}

/// Neighbouring intervals that differ from the readings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) direction: Direction,
    /// What the readings said of the whole run, Wh; nothing where they knew nothing.
    read_wh: Option<i64>,
    /// For how many seconds of it they said nothing.
    missing_seconds: i64,
    pub(crate) cells: Vec<Interval>,
}

impl Run {
    pub(crate) fn span(&self) -> Span {
        let start = self.cells.first().map_or(Timestamp::MIN, |cell| cell.span().start);
        Span::new(start, self.cells.last().map_or(start, |cell| cell.span().end))
    }

    /// Do the readings still say the same of it?
    fn holds(&self, raw: &[Piece]) -> Result<bool, MdmError> {
        let sum = total(raw)?;
        Ok(sum.is_some_and(|sum| {
            sum.energy.map(Energy::wh) == self.read_wh
                && sum.missing_seconds == self.missing_seconds
        }))
    }
}

/// The runs in which a day's cells differ from the readings. A cell that is `None` is left as read.
pub(super) fn runs(
    direction: Direction,
    cells: &[Option<Interval>],
    raw: &[Piece],
    findings: &[Finding],
    believed: impl Fn(Span) -> Option<i64>,
) -> Result<Vec<Run>, MdmError> {
    let rejected: Vec<Span> = findings.iter().filter(|f| rejects(f)).map(refused).collect();
    let is_rejected = |span: Span| {
        rejected
            .iter()
            .any(|r| !r.intersect(span).is_empty() || (r.is_empty() && span.contains(r.end)))
    };
    let mut runs = Vec::new();
    let mut open: Vec<(Interval, Piece)> = Vec::new();
    for (cell, piece) in cells.iter().zip(raw) {
        match cell.filter(|cell| differs(cell, piece, is_rejected(cell.span()))) {
            Some(cell) => open.push((cell, *piece)),
            None => runs.extend(close(direction, &mut open, &is_rejected, &believed)?),
        }
    }
    runs.extend(close(direction, &mut open, &is_rejected, &believed)?);
    Ok(runs)
}

fn differs(cell: &Interval, raw: &Piece, rejected: bool) -> bool {
    let same =
        cell.energy() == raw.energy && cell.quality() == raw.quality && raw.missing_seconds == 0;
    // What is known of a part of an interval stays known.
    if same || (cell.energy().is_none() && (raw.energy.is_none() || !rejected)) {
        return false;
    }
    rejected || raw.missing_seconds > 0 || cell.quality() != Quality::Measured
}

/// The stretch whose readings are not believed. Quarantine names instants of readings, and a reading
/// speaks of what lies before it.
fn refused(finding: &Finding) -> Span {
    let Span { start, end } = finding.span;
    if finding.rule == Rule::Quarantine { Span::new(start.plus(-1), end) } else { finding.span }
}

/// Is a reading not believed?
const fn rejects(finding: &Finding) -> bool {
    let above = matches!(finding.evidence, Evidence::AboveLimit { rejected: true, .. });
    above
        || matches!(
            finding.rule,
            Rule::RegisterGlitch
                | Rule::RegisterReset
                | Rule::RegisterJump
                | Rule::RegisterRollover
                | Rule::Negative
                | Rule::Quarantine
        )
}

fn close(
    direction: Direction,
    open: &mut Vec<(Interval, Piece)>,
    is_rejected: &impl Fn(Span) -> bool,
    believed: &impl Fn(Span) -> Option<i64>,
) -> Result<Option<Run>, MdmError> {
    let cells: Vec<Interval> = open.iter().map(|(cell, _)| *cell).collect();
    let raw: Vec<Piece> = open.drain(..).map(|(_, piece)| piece).collect();
    let Some(sum) = total(&raw)? else { return Ok(None) };
    let mut run = Run {
        direction,
        read_wh: sum.energy.map(Energy::wh),
        missing_seconds: sum.missing_seconds,
        cells,
    };
    let span = run.span();
    // What the run has to add up to: the difference of the believed registers at its ends, or what was
    // read where no register spans it and nothing is missing or refused.
    let refused = run.cells.iter().any(|cell| is_rejected(cell.span()));
    let read = run.read_wh.filter(|_| !refused && sum.missing_seconds == 0);
    let read = read.filter(|read| nearly(&run.cells, *read));
    if let Some(wanted) = believed(span).or(read) {
        settle(&mut run.cells, wanted);
    }
    Ok(Some(run))
}

/// By so much two ways to cut a stretch between readings may differ; what was read wrongly differs by more.
const CUT_WH: i64 = 500;

fn nearly(cells: &[Interval], read: i64) -> bool {
    let sum = cells.iter().try_fold(0_i64, |sum, cell| sum.checked_add(cell.energy()?.wh()));
    sum.is_some_and(|sum| read.abs_diff(sum) <= (sum / 2).saturating_add(CUT_WH).unsigned_abs())
}

/// Makes the cells add up to what they have to: rules and readings cut the stretch between two readings a
/// little differently. What a person entered stays.
fn settle(cells: &mut [Interval], wanted: i64) {
    let sum = |edited: bool| {
        cells
            .iter()
            .filter(|cell| (cell.quality() == Quality::Edited) == edited)
            .try_fold(0_i64, |sum, cell| sum.checked_add(cell.energy()?.wh()))
    };
    let (Some(free), Some(fixed)) = (sum(false), sum(true)) else { return };
    let Some(rest) = wanted.checked_sub(fixed) else { return };
    if rest < 0 || rest == free {
        return;
    }
    let weights: Vec<i64> = cells
        .iter()
        .filter(|cell| cell.quality() != Quality::Edited)
        .map(|cell| cell.energy().unwrap_or_default().wh())
        .collect();
    if weights.is_empty() {
        return;
    }
    let mut shares = spread(rest, &weights).into_iter();
    for cell in cells.iter_mut().filter(|cell| cell.quality() != Quality::Edited) {
        if let Some(share) = shares.next() {
            *cell = Interval::known(cell.span(), Energy::from_wh(share), cell.quality());
        }
    }
}

/// The boundaries at which runs and steps can be laid over each other: those of both.
fn boundaries_with(boundaries: &[Timestamp], runs: &[Run]) -> Vec<Timestamp> {
    let mut all = boundaries.to_vec();
    for run in runs {
        all.push(run.span().start);
        all.extend(run.cells.iter().map(|cell| cell.span().end));
    }
    all.sort();
    all.dedup();
    all
}

/// Lays the runs over fine pieces, which no run's cell boundary cuts.
fn lay(runs: &[Run], fine: &mut [Piece]) -> Result<(), MdmError> {
    for run in runs {
        let span = run.span();
        let from = fine.partition_point(|p| p.span.end <= span.start);
        let to = fine.partition_point(|p| p.span.start < span.end);
        let Some(own) = fine.get_mut(from..to) else { continue };
        let holds = run.holds(own)?;
        for piece in own {
            let cell = run.cells.iter().find(|cell| {
                cell.span().start <= piece.span.start && piece.span.end <= cell.span().end
            });
            let Some(cell) = cell.filter(|cell| holds || cell.quality() == Quality::Edited) else {
                continue;
            };
            piece.energy = cell.energy().map(|energy| share(cell.span(), energy, piece.span));
            piece.quality = cell.quality();
            piece.missing_seconds = if cell.energy().is_some() { 0 } else { piece.span.seconds() };
        }
    }
    Ok(())
}

/// The part of a cell's energy that falls into a stretch of it, by time, so that the parts add up.
pub(super) fn share(cell: Span, energy: Energy, part: Span) -> Energy {
    let until = |t: Timestamp| {
        let wh = i128::from(energy.wh()) * i128::from(t.since(cell.start))
            / i128::from(cell.seconds().max(1));
        i64::try_from(wh).unwrap_or(i64::MAX)
    };
    Energy::from_wh(until(part.end).saturating_sub(until(part.start)))
}

/// Fine pieces into coarse ones.
fn gather(boundaries: &[Timestamp], fine: &[Piece]) -> Result<Vec<Piece>, MdmError> {
    let mut pieces = Vec::with_capacity(boundaries.len().saturating_sub(1));
    for (start, end) in boundaries.iter().zip(boundaries.iter().skip(1)) {
        let from = fine.partition_point(|p| p.span.end <= *start);
        let to = fine.partition_point(|p| p.span.start < *end);
        let sum = total(fine.get(from..to).unwrap_or_default())?;
        pieces.extend(sum.map(|piece| Piece { span: Span::new(*start, *end), ..piece }));
    }
    Ok(pieces)
}

impl Mdm {
    /// The energy between neighbouring boundaries as it is believed: what was read, with the latest
    /// versions of the days laid over it.
    pub(crate) fn pieces(
        &self,
        point: &Point,
        direction: Direction,
        boundaries: &[Timestamp],
    ) -> Result<Vec<Piece>, MdmError> {
        let (Some(first), Some(last)) = (boundaries.first(), boundaries.last()) else {
            return Ok(Vec::new());
        };
        let runs = self.latest_runs(point, direction, Span::new(*first, *last))?;
        let mut pieces = self.laid_over(point, direction, boundaries, &runs)?;
        let is_estimated = |piece: &Piece| matches!(piece.quality, Quality::Estimated { .. });
        if runs.is_empty() || !pieces.iter().any(is_estimated) {
            return Ok(pieces);
        }
        // What lies between two registers that were read at its ends is measured, whatever shape was given to it
        // inside. At its ends: as close together as the rules ask, not as a chart of what was read forgives.
        let rules = self.rules_of(point)?;
        let close = &rules.last().parameters;
        let gap = |reporting: i64| {
            let most = reporting.saturating_mul(close.measured_permille) / 1000;
            most.max(close.measured_seconds)
        };
        let read = match self.raw_pieces_within(point, direction, boundaries, gap) {
            // The wild values of a glitch, which are not believed, need not even fit.
            Err(MdmError::OutOfRange(_)) => return Ok(pieces),
            read => read?,
        };
        for (piece, read) in pieces.iter_mut().zip(&read) {
            let whole = piece.missing_seconds == 0 && read.missing_seconds == 0;
            let measured = read.quality == Quality::Measured && whole;
            if is_estimated(piece) && measured && piece.energy == read.energy {
                piece.quality = Quality::Measured;
            }
        }
        Ok(pieces)
    }

    /// What was read, with these runs laid over it.
    pub(super) fn laid_over(
        &self,
        point: &Point,
        direction: Direction,
        boundaries: &[Timestamp],
        runs: &[Run],
    ) -> Result<Vec<Piece>, MdmError> {
        if runs.is_empty() {
            return self.raw_pieces(point, direction, boundaries);
        }
        let fine = boundaries_with(boundaries, runs);
        let mut pieces = self.raw_pieces(point, direction, &fine)?;
        lay(runs, &mut pieces)?;
        gather(boundaries, &pieces)
    }

    /// The runs of the latest versions that touch a span.
    fn latest_runs(
        &self,
        point: &Point,
        direction: Direction,
        span: Span,
    ) -> Result<Vec<Run>, MdmError> {
        if span.is_empty() {
            return Ok(Vec::new());
        }
        let Some(days) = point.overlaid_days(span) else { return Ok(Vec::new()) };
        let id = point.row.id;
        let versions = self.registry.read_blocking(|tx| {
            let Some(pinned) = &point.versions else {
                return profiles::latest(tx, id, days.start, days.end);
            };
            let mut found = Vec::new();
            for (day, version) in pinned.range(days.clone()) {
                let of_day = profiles::of_day(tx, id, *day)?;
                found.extend(of_day.into_iter().filter(|stored| stored.version == *version));
            }
            Ok(found)
        })?;
        let mut runs = Vec::new();
        for version in &versions {
            let document = DayDocument::of(version)?;
            runs.extend(document.runs.into_iter().filter(|run| {
                run.direction == direction && !run.span().intersect(span).is_empty()
            }));
        }
        Ok(runs)
    }
}
