//! From raw readings to energy per stretch of time.
//!
//! **Registers.** The counter at any instant, R(t), is the straight line between the neighbouring
//! readings, in whole watt-hours, cut down. The energy of (a, b] is R(b) − R(a), so that the sum over
//! any boundaries is exactly the difference of the registers at the two ends, wherever the boundaries
//! lie. Nothing is known before the first reading, after the last one, and across a counter that
//! went down.
//!
//! **Intervals.** The energy of an interval counts where its end lies, whole. What is not there is
//! missing, and never zero.
//!
//! A [`Piece`] keeps both what is known and for how long it is known, so that a day with a gap says
//! "at least".

use std::num::NonZeroI64;

use corrente_units::{Energy, OutOfRange, Power};

use crate::{
    ChannelKind, EstimationMethod, Interval, LoadProfile, Quality, Reading, SourceQuality, Span,
    Timestamp,
};

/// One channel of one meter, for as long as the meter was installed at the point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelPart {
    /// What its values mean.
    pub kind: ChannelKind,
    /// From installation to removal; [`Timestamp::MAX`] where it is still there. Readings outside do
    /// not count. A register's reading at the very start counts: it is the first register.
    pub service: Span,
    /// In order of time, one per instant. Of a register it is enough to give, for each boundary, its
    /// true neighbours before and after; what lies between them does not change a sum.
    pub readings: Vec<Reading>,
    /// Two neighbouring readings of a register this far apart, in seconds, still measure what lies
    /// between them; further apart, a boundary between them is an estimate.
    pub max_gap_seconds: i64,
    /// The length of an interval in seconds, where the source says it.
    pub interval_seconds: Option<NonZeroI64>,
    /// Where the counter begins again at 0, in Wh, where that is known: 10^digits.
    pub rolls_over_at: Option<Energy>,
    /// What the connection carries, where that is known: a counter that would have had to run faster to
    /// turn over was reset.
    pub power_max: Option<Power>,
}

/// A counter of a connection of which nobody has said what it carries is taken to turn over where no more
/// than this would have flowed. Validation looks more closely.
const POWER_UNKNOWN: Power = Power::from_w(50_000);
/// Above the limit by a quarter, and by one step of the coarsest dial, is still believed.
const SLACK_PERCENT: i128 = 125;
/// See [`SLACK_PERCENT`].
const RESOLUTION_WH: i128 = 1_000;

/// The energy of a stretch, and for how much of it that energy is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// When.
    pub span: Span,
    /// The energy of what is known; nothing when none of it is.
    pub energy: Option<Energy>,
    /// The weakest quality of what is known, [`Quality::Missing`] when nothing is.
    pub quality: Quality,
    /// Seconds of the span about which nothing is known: the energy is "at least" when not 0.
    pub missing_seconds: i64,
}

impl Piece {
    fn missing(span: Span) -> Self {
        Self { span, energy: None, quality: Quality::Missing, missing_seconds: span.seconds() }
    }

    /// Is something known, and something not?
    pub fn at_least(&self) -> bool {
        self.energy.is_some() && self.missing_seconds > 0
    }
}

/// The pieces as a profile. A piece that is known in part counts with what is known.
pub fn profile(pieces: &[Piece]) -> LoadProfile {
    let intervals = pieces
        .iter()
        .map(|piece| match piece.energy {
            Some(energy) => Interval::known(piece.span, energy, piece.quality),
            None => Interval::missing(piece.span),
        })
        .collect();
    LoadProfile { intervals }
}

/// The energy between neighbouring boundaries, which rise.
///
/// `meters` holds, for each meter that was at the point, its channels of one direction. Channels of
/// one meter count side by side (two tariff registers), meters one after the other (an exchange).
/// Import and export never meet here: a caller asks for one of them.
///
/// # Errors
/// When a sum does not fit.
pub fn assemble(
    meters: &[Vec<ChannelPart>],
    boundaries: &[Timestamp],
) -> Result<Vec<Piece>, OutOfRange> {
    let mut pieces: Vec<Piece> = spans(boundaries).into_iter().map(Piece::missing).collect();
    for channels in meters {
        let mut meter: Option<Vec<Piece>> = None;
        for channel in channels {
            let own = match channel.kind {
                ChannelKind::Register => register_pieces(channel, boundaries)?,
                ChannelKind::Interval => interval_pieces(channel, boundaries)?,
            };
            meter = Some(match meter {
                None => own,
                Some(others) => {
                    others.iter().zip(&own).map(|(a, b)| beside(a, b)).collect::<Result<_, _>>()?
                }
            });
        }
        if let Some(meter) = meter {
            pieces =
                pieces.iter().zip(&meter).map(|(a, b)| after(a, b)).collect::<Result<_, _>>()?;
        }
    }
    Ok(pieces)
}

/// The counter of a register at `t`, and how well it is known; nothing outside its readings.
pub fn register_at(part: &ChannelPart, t: Timestamp) -> Option<(Energy, Quality)> {
    let segments = segments(part).ok()?;
    let segment = segments.iter().find(|s| s.first() <= t && t <= s.last())?;
    segment.walk(part.max_gap_seconds).at(t)
}

/// Sums pieces into one over all of them: how a month comes out of its days.
///
/// # Errors
/// When the sum does not fit.
pub fn total(pieces: &[Piece]) -> Result<Option<Piece>, OutOfRange> {
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return Ok(None) };
    let mut sum = Piece::missing(Span::new(first.span.start, last.span.end));
    sum.missing_seconds = 0;
    for piece in pieces {
        sum.energy = add(sum.energy, piece.energy)?;
        sum.quality = weakest(sum.quality, piece.quality);
        sum.missing_seconds = sum.missing_seconds.saturating_add(piece.missing_seconds);
    }
    Ok(Some(sum))
}

fn spans(boundaries: &[Timestamp]) -> Vec<Span> {
    boundaries
        .iter()
        .zip(boundaries.iter().skip(1))
        .map(|(start, end)| Span::new(*start, *end))
        .collect()
}

fn add(a: Option<Energy>, b: Option<Energy>) -> Result<Option<Energy>, OutOfRange> {
    match (a, b) {
        (Some(a), Some(b)) => a.checked_add(b).map(Some),
        (one, other) => Ok(one.or(other)),
    }
}

/// Two channels of one meter: the sum is known where both are.
fn beside(a: &Piece, b: &Piece) -> Result<Piece, OutOfRange> {
    Ok(Piece {
        span: a.span,
        energy: add(a.energy, b.energy)?,
        quality: weakest(a.quality, b.quality),
        missing_seconds: a.missing_seconds.max(b.missing_seconds),
    })
}

/// Two meters one after the other: each knows its own part.
fn after(a: &Piece, b: &Piece) -> Result<Piece, OutOfRange> {
    let known = a
        .span
        .seconds()
        .saturating_sub(a.missing_seconds)
        .saturating_add(b.span.seconds().saturating_sub(b.missing_seconds));
    Ok(Piece {
        span: a.span,
        energy: add(a.energy, b.energy)?,
        quality: weakest(a.quality, b.quality),
        missing_seconds: a.span.seconds().saturating_sub(known).max(0),
    })
}

/// The weaker of two qualities of something known; a part that is missing says nothing of the rest.
pub fn weakest(a: Quality, b: Quality) -> Quality {
    match (a, b) {
        (Quality::Missing, known) | (known, Quality::Missing) => known,
        (Quality::Estimated { method }, _) | (_, Quality::Estimated { method }) => {
            Quality::Estimated { method }
        }
        (Quality::Edited, _) | (_, Quality::Edited) => Quality::Edited,
        (Quality::Measured, Quality::Measured) => Quality::Measured,
    }
}

/// Readings of a counter that never goes down, with the turns of the counter added.
struct Segment {
    readings: Vec<Reading>,
}

impl Segment {
    fn first(&self) -> Timestamp {
        self.readings.first().map_or(Timestamp::MAX, |r| r.end)
    }

    fn last(&self) -> Timestamp {
        self.readings.last().map_or(Timestamp::MIN, |r| r.end)
    }

    fn walk(&self, max_gap_seconds: i64) -> Walk<'_> {
        Walk { ahead: &self.readings, left: None, max_gap_seconds }
    }
}

/// A way along a segment's readings, for instants that rise.
struct Walk<'a> {
    /// Those at or after the last instant.
    ahead: &'a [Reading],
    /// The one before them.
    left: Option<Reading>,
    max_gap_seconds: i64,
}

impl Walk<'_> {
    /// The counter at `t` and how well it is known; nothing outside of the readings.
    fn at(&mut self, t: Timestamp) -> Option<(Energy, Quality)> {
        while let [passed, rest @ ..] = self.ahead
            && passed.end < t
        {
            (self.left, self.ahead) = (Some(*passed), rest);
        }
        let right = *self.ahead.first()?;
        let left = if right.end == t { right } else { self.left? };
        Some((between(left, right, t)?, self.quality(left, right)))
    }

    fn quality(&self, left: Reading, right: Reading) -> Quality {
        if right.end.since(left.end) > self.max_gap_seconds {
            Quality::Estimated { method: EstimationMethod::RegisterDifference }
        } else if left.quality != SourceQuality::GOOD || right.quality != SourceQuality::GOOD {
            Quality::Estimated { method: EstimationMethod::BySource }
        } else {
            Quality::Measured
        }
    }
}

/// The counter at `t` on the line between two readings.
fn between(left: Reading, right: Reading, t: Timestamp) -> Option<Energy> {
    if left.end == right.end {
        return Some(left.value);
    }
    let rise = i128::from(right.value.wh()).checked_sub(i128::from(left.value.wh()))?;
    let share = rise
        .checked_mul(i128::from(t.since(left.end)))?
        .checked_div_euclid(i128::from(right.end.since(left.end)))?;
    let value = i128::from(left.value.wh()).checked_add(share)?;
    i64::try_from(value).ok().map(Energy::from_wh)
}

fn segments(part: &ChannelPart) -> Result<Vec<Segment>, OutOfRange> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut turns = Energy::ZERO;
    let mut previous: Option<Reading> = None;
    for reading in &part.readings {
        if reading.end < part.service.start || reading.end > part.service.end {
            continue;
        }
        let mut broke = false;
        if let Some(before) = previous.filter(|before| reading.value < before.value) {
            if let Some(turn) = turned(part, before, *reading) {
                turns = turns.checked_add(turn)?;
            } else {
                (turns, broke) = (Energy::ZERO, true);
            }
        }
        let counted = Reading { value: reading.value.checked_add(turns)?, ..*reading };
        match segments.last_mut() {
            Some(segment) if !broke => segment.readings.push(counted),
            Some(_) | None => segments.push(Segment { readings: vec![counted] }),
        }
        previous = Some(*reading);
    }
    Ok(segments)
}

/// A counter that fell has turned over when the way over its end is the short one, and no more than can
/// have flowed meanwhile; otherwise it was reset, and what was used meanwhile is unknown.
fn turned(part: &ChannelPart, before: Reading, now: Reading) -> Option<Energy> {
    let end = part.rolls_over_at?;
    let used = end.checked_sub(before.value).ok()?.checked_add(now.value).ok()?;
    let half = end.wh().checked_div(2)?;
    let power = i128::from(part.power_max.unwrap_or(POWER_UNKNOWN).w());
    let most = power
        .checked_mul(SLACK_PERCENT)?
        .checked_mul(i128::from(now.end.since(before.end)))?
        .checked_div(360_000)?
        .checked_add(RESOLUTION_WH)?;
    (used.wh() >= 0 && used.wh() < half && i128::from(used.wh()) <= most).then_some(end)
}

fn register_pieces(part: &ChannelPart, boundaries: &[Timestamp]) -> Result<Vec<Piece>, OutOfRange> {
    let segments = segments(part)?;
    let mut pieces: Vec<Piece> = spans(boundaries).into_iter().map(Piece::missing).collect();
    for segment in &segments {
        let known = Span::new(segment.first(), segment.last());
        let from = pieces.partition_point(|p| p.span.end <= known.start);
        let mut walk = segment.walk(part.max_gap_seconds);
        // One piece begins where the one before it ended.
        let mut last: Option<(Timestamp, (Energy, Quality))> = None;
        for piece in pieces.iter_mut().skip(from).take_while(|p| p.span.start < known.end) {
            let overlap = piece.span.intersect(known);
            if overlap.is_empty() {
                continue;
            }
            let low = match last.take() {
                Some((at, shown)) if at == overlap.start => Some(shown),
                Some(_) | None => walk.at(overlap.start),
            };
            let (Some(low), Some(high)) = (low, walk.at(overlap.end)) else { continue };
            last = Some((overlap.end, high));
            piece.energy = add(piece.energy, Some(high.0.checked_sub(low.0)?))?;
            piece.quality = weakest(piece.quality, weakest(low.1, high.1));
            piece.missing_seconds = piece.missing_seconds.saturating_sub(overlap.seconds()).max(0);
        }
    }
    Ok(pieces)
}

fn interval_pieces(part: &ChannelPart, boundaries: &[Timestamp]) -> Result<Vec<Piece>, OutOfRange> {
    let length = part.interval_seconds.map_or_else(|| usual_step(&part.readings), NonZeroI64::get);
    let mut pieces: Vec<Piece> = spans(boundaries).into_iter().map(Piece::missing).collect();
    let mut at = 0_usize;
    for reading in &part.readings {
        if !part.service.contains(reading.end) {
            continue;
        }
        while pieces.get(at).is_some_and(|p| p.span.end < reading.end) {
            at = at.saturating_add(1);
        }
        let Some(piece) = pieces.get_mut(at) else { break };
        if !piece.span.contains(reading.end) {
            continue;
        }
        let quality = if reading.quality == SourceQuality::GOOD {
            Quality::Measured
        } else {
            Quality::Estimated { method: EstimationMethod::BySource }
        };
        piece.energy = add(piece.energy, Some(reading.value))?;
        piece.quality = weakest(piece.quality, quality);
        piece.missing_seconds = piece.missing_seconds.saturating_sub(length);
    }
    for piece in &mut pieces {
        // Boundaries need not lie on the source's steps: less than one interval is not missing.
        if piece.energy.is_some() && piece.missing_seconds < length {
            piece.missing_seconds = 0;
        }
    }
    Ok(pieces)
}

/// The most frequent distance between neighbours, half an hour where there are none.
pub fn usual_step(readings: &[Reading]) -> i64 {
    let mut seen: std::collections::BTreeMap<i64, usize> = std::collections::BTreeMap::new();
    for (a, b) in readings.iter().zip(readings.iter().skip(1)) {
        let count = seen.entry(b.end.since(a.end)).or_default();
        *count = count.saturating_add(1);
    }
    seen.into_iter()
        .max_by_key(|(step, count)| (*count, step.saturating_neg()))
        .map_or(1800, |(step, _)| step.max(1))
}

#[cfg(test)]
mod tests;
