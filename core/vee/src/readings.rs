//! Raw readings put in order: corrected clocks, quarantine, duplicates, replacements.

use corrente_metering::{ChannelKind, Reading, SourceQuality, Span, Timestamp};
use corrente_units::Energy;

use crate::{Evidence, MeterPeriod, QuarantineReason, Rule, Severity, run::Context};

/// No dial counts further, in Wh: a thousand times the yearly use of a large country's city.
const DIAL_MAX_WH: i64 = 10_000_000_000_000_000;

/// What the source says of a value, after the order is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// Measured.
    Good,
    /// The source's own estimate or substitute.
    BySource,
    /// The source replaced a value that it had given before.
    Replaced,
}

/// A reading that may be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Raw {
    pub(crate) t: Timestamp,
    pub(crate) value: i64,
    pub(crate) mark: Mark,
}

fn mark(quality: SourceQuality) -> Mark {
    match quality {
        SourceQuality::ESTIMATED | SourceQuality::SUBSTITUTED => Mark::BySource,
        _ => Mark::Good,
    }
}

/// The readings in order of time, one per instant, without those that cannot belong here.
pub(crate) fn in_order(context: &mut Context<'_>, meter: &MeterPeriod) -> Vec<Raw> {
    let latest = context.history.now.plus(context.rules.parameters.future_seconds);
    let mut quarantine = Quarantine::default();
    let mut raw = Vec::with_capacity(meter.readings.len().saturating_add(2));
    let mut moved = vec![0_usize; meter.clock_corrections.len()];
    let mut sorted = true;
    let mut before = Timestamp::MIN;
    for reading in &meter.readings {
        let t = corrected(meter, reading, &mut moved);
        if let Some(reason) = misplaced(meter, t, reading, latest) {
            quarantine.add(reason, t);
            continue;
        }
        sorted &= before < t;
        before = t;
        raw.push((
            Raw { t, value: reading.value.wh(), mark: mark(reading.quality) },
            reading.quality,
        ));
    }
    for (correction, readings) in meter.clock_corrections.iter().zip(moved) {
        if readings > 0 {
            let evidence =
                Evidence::ClockCorrected { add_seconds: correction.add_seconds, readings };
            context.report(
                Rule::ClockDrift,
                Severity::Info,
                correction.span,
                Some(meter),
                evidence,
            );
        }
    }
    quarantine.report(context, meter);
    if meter.kind == ChannelKind::Register {
        for (t, value) in
            [(Some(meter.from), meter.first_register), (meter.until, meter.final_register)]
        {
            if let (Some(t), Some(value)) = (t, value) {
                sorted = false;
                let written = Raw { t, value: value.wh(), mark: Mark::Good };
                raw.push((written, SourceQuality::GOOD));
            }
        }
    }
    if sorted {
        return raw.into_iter().map(|(raw, _)| raw).collect();
    }
    // Stable: of readings for one instant, the one that came first stays first.
    raw.sort_by_key(|(raw, _)| raw.t);
    without_duplicates(context, meter, &raw)
}

/// Registers beside an interval channel, in order of time.
pub(crate) fn registers_in_order(meter: &MeterPeriod) -> Vec<Raw> {
    let mut raw: Vec<Raw> = meter
        .registers
        .iter()
        .map(|r| Raw { t: r.end, value: r.value.wh(), mark: mark(r.quality) })
        .collect();
    for (t, value) in
        [(Some(meter.from), meter.first_register), (meter.until, meter.final_register)]
    {
        if let (Some(t), Some(value)) = (t, value) {
            raw.push(Raw { t, value: value.wh(), mark: Mark::Good });
        }
    }
    raw.sort_by_key(|r| r.t);
    raw.dedup_by_key(|r| r.t);
    raw
}

fn corrected(meter: &MeterPeriod, reading: &Reading, moved: &mut [usize]) -> Timestamp {
    for (correction, count) in meter.clock_corrections.iter().zip(moved) {
        if correction.span.contains(reading.end) {
            *count = count.saturating_add(1);
            return reading.end.plus(correction.add_seconds);
        }
    }
    reading.end
}

fn misplaced(
    meter: &MeterPeriod,
    t: Timestamp,
    reading: &Reading,
    latest: Timestamp,
) -> Option<QuarantineReason> {
    // The dial of the installing instant belongs here; the interval that ends then does not.
    let early = match meter.kind {
        ChannelKind::Register => t < meter.from,
        ChannelKind::Interval => t <= meter.from,
    };
    let value = reading.value.wh();
    let impossible = match meter.kind {
        ChannelKind::Register => !(0..=DIAL_MAX_WH).contains(&value),
        ChannelKind::Interval => !(-DIAL_MAX_WH..=DIAL_MAX_WH).contains(&value),
    };
    if impossible {
        Some(QuarantineReason::ImpossibleValue)
    } else if early {
        Some(QuarantineReason::BeforeInstallation)
    } else if meter.until.is_some_and(|until| t > until) {
        Some(QuarantineReason::AfterRemoval)
    } else if t > latest {
        Some(QuarantineReason::Future)
    } else {
        None
    }
}

/// Count, first and last instant per reason.
#[derive(Default)]
struct Quarantine(Vec<(QuarantineReason, usize, Timestamp, Timestamp)>);

impl Quarantine {
    fn add(&mut self, reason: QuarantineReason, t: Timestamp) {
        match self.0.iter_mut().find(|(r, ..)| *r == reason) {
            Some((_, count, first, last)) => {
                *count = count.saturating_add(1);
                *first = t.min(*first);
                *last = t.max(*last);
            }
            None => self.0.push((reason, 1, t, t)),
        }
    }

    fn report(self, context: &mut Context<'_>, meter: &MeterPeriod) {
        for (reason, readings, first, last) in self.0 {
            let evidence = Evidence::OutOfPlace { readings, first, last, reason };
            let span = Span::new(first, last);
            context.report(Rule::Quarantine, Severity::Warning, span, Some(meter), evidence);
        }
    }
}

fn without_duplicates(
    context: &mut Context<'_>,
    meter: &MeterPeriod,
    sorted: &[(Raw, SourceQuality)],
) -> Vec<Raw> {
    let mut kept: Vec<Raw> = Vec::with_capacity(sorted.len());
    let mut repeated: Option<(usize, Timestamp, Timestamp)> = None;
    for &(raw, quality) in sorted {
        let Some(last) = kept.last_mut().filter(|last| last.t == raw.t) else {
            kept.push(raw);
            continue;
        };
        let at = Span::new(raw.t.plus(-1), raw.t);
        if last.value == raw.value {
            let (count, first, _) = repeated.unwrap_or((0, raw.t, raw.t));
            repeated = Some((count.saturating_add(1), first, raw.t));
        } else if quality == SourceQuality::SUBSTITUTED {
            let (before, after) = (Energy::from_wh(last.value), Energy::from_wh(raw.value));
            *last = Raw { mark: Mark::Replaced, ..raw };
            let evidence = Evidence::Replaced { before, after };
            context.report(Rule::FinalReplacement, Severity::Warning, at, Some(meter), evidence);
        } else {
            let (kept, other) = (Energy::from_wh(last.value), Energy::from_wh(raw.value));
            let evidence = Evidence::Conflict { kept, other };
            context.report(Rule::Duplicate, Severity::Warning, at, Some(meter), evidence);
        }
    }
    if let Some((count, first, last)) = repeated {
        let evidence = Evidence::Repeated { count };
        let span = Span::new(first, last);
        context.report(Rule::Duplicate, Severity::Info, span, Some(meter), evidence);
    }
    kept
}
