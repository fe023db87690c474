//! From dial to energy: what lies between two readings of a cumulative register.
//!
//! The walk keeps the last good reading and asks of the next one whether the connection can carry the
//! difference. If not, it looks a few readings ahead: a register that comes back was a glitch, one
//! that goes on from a new level was reset, rolled over, exchanged or ran back, and the stretch
//! between the two levels is unknown, whatever the difference says.

use corrente_metering::{Span, Timestamp};
use corrente_units::Energy;
use serde::{Deserialize, Serialize};

use crate::{
    Evidence, MeterPeriod, Ratio, Rule, Severity,
    limit::Limit,
    readings::{Mark, Raw},
    run::Context,
    spread::{scale, share_until, spread},
};

/// A register that is believed, on a scale that begins with 0 at the start of its segment and counts
/// on over rollovers and with the multiplier. Within a segment, differences of these are energies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoodRegister {
    /// When the dial was read.
    pub at: Timestamp,
    /// Energy since the segment began.
    pub total: Energy,
}

impl GoodRegister {
    /// The total of a segment at an instant between its first and its last register; between two of them
    /// by time. Nothing outside.
    pub fn total_at(segment: &[Self], t: Timestamp) -> Option<Energy> {
        let next = segment.partition_point(|register| register.at < t);
        let right = segment.get(next)?;
        if right.at == t {
            return Some(right.total);
        }
        let left = segment.get(next.checked_sub(1)?)?;
        let rise = right.total.checked_sub(left.total).ok()?;
        let share = share_until(Span::new(left.at, right.at), rise.wh(), t);
        left.total.checked_add(Energy::from_wh(share)).ok()
    }
}

/// Energy between two good readings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub(crate) span: Span,
    pub(crate) wh: i64,
    pub(crate) mark: Mark,
    /// Both ends are readings, and not the place where a multiplier changed between readings.
    pub(crate) read: bool,
}

/// What a dial said: pieces, the good registers behind them, and what is at least in a hole.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) segments: Vec<Vec<GoodRegister>>,
    pub(crate) at_least: Vec<(Span, i64)>,
}

enum Verdict {
    /// Readings up to this index are to be left out; the one there goes on from the last good one.
    Glitch { resume: usize },
    /// It passed its last digit.
    Rollover { modulus: i64, inferred: bool },
    /// It goes on from here.
    NewLevel,
    /// Nothing later says whether it is a new level.
    Held,
    /// It fits neither what was before nor what comes after.
    Noise,
}

/// Walks the readings of one meter.
pub(crate) fn walk(context: &mut Context<'_>, meter: &MeterPeriod, raw: &[Raw]) -> Walked {
    let mut walked = Walked {
        pieces: Vec::with_capacity(raw.len()),
        segments: Vec::with_capacity(1),
        at_least: Vec::new(),
    };
    let mut limit = Limit::new(context, meter, raw);
    let mut scaled = Scaled::new(meter);
    let mut index = 0_usize;
    let mut last: Option<Raw> = None;
    while let Some(&next) = raw.get(index) {
        index = index.saturating_add(1);
        let Some(before) = last else {
            start(&mut walked, &mut scaled, next, raw.len());
            last = Some(next);
            continue;
        };
        if limit.goes_on(before, next, raw.get(index..).unwrap_or_default()) {
            let difference = next.value.saturating_sub(before.value);
            go_on(&mut walked, &mut scaled, before, next, difference);
            last = Some(next);
            continue;
        }
        match judge(context, meter, &mut limit, before, raw, index.saturating_sub(1)) {
            Verdict::Glitch { resume } => {
                let after = raw.get(resume).map(|r| r.value);
                let readings = resume.saturating_sub(index).saturating_add(1);
                glitch(context, meter, before, next, readings, after, raw.get(resume).map(|r| r.t));
                index = resume;
            }
            Verdict::Rollover { modulus, inferred } => {
                let difference = next.value.saturating_add(modulus).saturating_sub(before.value);
                let evidence = Evidence::RolledOver {
                    from: Energy::from_wh(before.value),
                    to: Energy::from_wh(next.value),
                    modulus: Energy::from_wh(modulus),
                    inferred,
                };
                let span = Span::new(before.t, next.t);
                let severity = if inferred { Severity::Warning } else { Severity::Info };
                context.report(Rule::RegisterRollover, severity, span, Some(meter), evidence);
                go_on(&mut walked, &mut scaled, before, next, difference);
                last = Some(next);
            }
            Verdict::NewLevel => {
                let at_least = level(context, meter, &mut limit, before, next, true);
                if at_least > 0 {
                    walked.at_least.push((Span::new(before.t, next.t), at_least));
                }
                start(&mut walked, &mut scaled, next, 0);
                last = Some(next);
            }
            Verdict::Held => {
                level(context, meter, &mut limit, before, next, false);
            }
            Verdict::Noise => glitch(context, meter, before, next, 1, None, None),
        }
    }
    limit.report(context);
    walked
}

fn start(walked: &mut Walked, scaled: &mut Scaled<'_>, at: Raw, expected: usize) {
    scaled.begin();
    let mut segment = Vec::with_capacity(expected);
    segment.push(GoodRegister { at: at.t, total: Energy::ZERO });
    walked.segments.push(segment);
}

fn go_on(walked: &mut Walked, scaled: &mut Scaled<'_>, before: Raw, next: Raw, difference: i64) {
    let mark = before.mark.max(next.mark);
    let sum = scaled.pieces(Span::new(before.t, next.t), difference, mark, &mut walked.pieces);
    if let Some(segment) = walked.segments.last_mut() {
        let total = segment.last().map_or(0, |r| r.total.wh()).saturating_add(sum);
        segment.push(GoodRegister { at: next.t, total: Energy::from_wh(total) });
    }
}

fn judge(
    context: &Context<'_>,
    meter: &MeterPeriod,
    limit: &mut Limit<'_>,
    before: Raw,
    raw: &[Raw],
    index: usize,
) -> Verdict {
    let parameters = &context.rules.parameters;
    let Some(&next) = raw.get(index) else { return Verdict::Noise };
    let following = index.saturating_add(1);
    let drop = before.value.saturating_sub(next.value);
    let small = drop > 0 && drop <= parameters.glitch_small_wh;
    let ahead = raw.get(following..).unwrap_or_default().iter().enumerate();
    let mut previous = next;
    for (distance, &later) in ahead.take(parameters.glitch_readings) {
        // On a dial that is near zero anyway, a fall to zero that the very next reading makes good
        // again could be a reset as well; the fall back is the rarer accident of the two.
        let at_once = drop > 0 && distance == 0;
        let rejoins = small || at_once || limit.springs(previous, later);
        if rejoins && limit.forward(before, later) {
            return Verdict::Glitch { resume: following.saturating_add(distance) };
        }
        previous = later;
    }
    if drop > 0 {
        let most = limit.raw(before.t, next.t);
        let wrapped =
            |modulus: i64| next.value.saturating_add(modulus).saturating_sub(before.value);
        let fits = |modulus: &i64| *modulus > before.value && wrapped(*modulus) <= most;
        if let Some(modulus) = meter.register_modulus_wh {
            if fits(&modulus) {
                return Verdict::Rollover { modulus, inferred: false };
            }
        } else if let Some(modulus) = (4..=16_u32)
            .map(|digits| 10_i64.saturating_pow(digits))
            .filter(|m| {
                scale(*m, parameters.rollover_from_permille, 1000)
                    .is_some_and(|f| before.value >= f)
            })
            .find(fits)
        {
            return Verdict::Rollover { modulus, inferred: true };
        }
    }
    match raw.get(following) {
        None => Verdict::Held,
        Some(&later) if limit.forward(next, later) => Verdict::NewLevel,
        Some(_) => Verdict::Noise,
    }
}

fn glitch(
    context: &mut Context<'_>,
    meter: &MeterPeriod,
    before: Raw,
    next: Raw,
    readings: usize,
    after: Option<i64>,
    until: Option<Timestamp>,
) {
    let evidence = Evidence::Glitch {
        readings,
        before: Energy::from_wh(before.value),
        glitch: Energy::from_wh(next.value),
        after: after.map(Energy::from_wh),
    };
    let span = Span::new(before.t, until.unwrap_or(next.t));
    context.report(Rule::RegisterGlitch, Severity::Warning, span, Some(meter), evidence);
}

/// Reports a new level; gives what is at least known to have been used until it, in Wh.
fn level(
    context: &mut Context<'_>,
    meter: &MeterPeriod,
    limit: &mut Limit<'_>,
    before: Raw,
    next: Raw,
    confirmed: bool,
) -> i64 {
    let most = limit.raw(before.t, next.t);
    let drop = before.value.saturating_sub(next.value);
    let (from, to) = (Energy::from_wh(before.value), Energy::from_wh(next.value));
    let span = Span::new(before.t, next.t);
    let (rule, evidence, at_least) = if drop > 0 && next.value <= most {
        let at_least = scaled_once(meter, next.t, next.value);
        (Rule::RegisterReset, Evidence::Reset { from, to, confirmed }, at_least)
    } else if drop > 0 && drop <= most {
        (Rule::Negative, Evidence::RanBack { from, to, confirmed }, 0)
    } else {
        let limit = Energy::from_wh(most);
        (Rule::RegisterJump, Evidence::Jumped { from, to, limit, confirmed }, 0)
    };
    context.report(rule, Severity::Error, span, Some(meter), evidence);
    at_least
}

fn scaled_once(meter: &MeterPeriod, t: Timestamp, value: i64) -> i64 {
    let ratio = meter.multiplier_until(t);
    scale(value, ratio.numerator, ratio.denominator).unwrap_or(0)
}

/// Multiplies so that sums telescope: what is rounded is the sum since the multiplier began, never
/// the difference.
struct Scaled<'a> {
    meter: &'a MeterPeriod,
    ratio: Option<Ratio>,
    on_dial: i64,
    given: i64,
}

impl<'a> Scaled<'a> {
    fn new(meter: &'a MeterPeriod) -> Self {
        Self { meter, ratio: None, on_dial: 0, given: 0 }
    }

    fn begin(&mut self) {
        self.ratio = None;
    }

    /// Appends the pieces of this span, cut where the multiplier changes; gives their sum.
    fn pieces(&mut self, span: Span, difference: i64, mark: Mark, pieces: &mut Vec<Piece>) -> i64 {
        if self.meter.multipliers.is_empty() {
            pieces.push(Piece { span, wh: difference, mark, read: true });
            return difference;
        }
        let mut cuts: Vec<Timestamp> = self
            .meter
            .multipliers
            .iter()
            .map(|m| m.from)
            .filter(|t| span.start < *t && *t < span.end)
            .collect();
        cuts.sort_unstable();
        cuts.dedup();
        cuts.push(span.end);
        let mut parts = Vec::with_capacity(cuts.len());
        let mut from = span.start;
        for to in cuts {
            parts.push(Span::new(from, to));
            from = to;
        }
        let weights: Vec<i64> = parts.iter().map(|p| p.seconds()).collect();
        let read = parts.len() == 1;
        let mut sum = 0_i64;
        for (part, on_dial) in parts.into_iter().zip(spread(difference, &weights)) {
            let wh = self.multiply(part.end, on_dial);
            sum = sum.saturating_add(wh);
            pieces.push(Piece { span: part, wh, mark, read });
        }
        sum
    }

    fn multiply(&mut self, until: Timestamp, on_dial: i64) -> i64 {
        let ratio = self.meter.multiplier_until(until);
        if self.ratio != Some(ratio) {
            *self = Self { meter: self.meter, ratio: Some(ratio), on_dial: 0, given: 0 };
        }
        self.on_dial = self.on_dial.saturating_add(on_dial);
        let total = scale(self.on_dial, ratio.numerator, ratio.denominator).unwrap_or(self.given);
        let wh = total.saturating_sub(self.given);
        self.given = total;
        wh
    }
}
