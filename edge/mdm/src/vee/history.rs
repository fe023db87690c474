//! What the rules look at: the readings around a day, the edits of it, and the point's own past.

use std::collections::BTreeMap;

use corrente_ledger::AsOf;
use corrente_metering::{
    ChannelKind, Date, Direction, Interval, LoadProfile, Quality, Reading, Span, Timestamp,
    calendar::{day_before, next_day},
};
use corrente_registry::{
    clock_samples,
    declarations::DeclaredUnit,
    edits::EditRow,
    point_events::{self, PointEventKind},
    usage_points::ChannelPeriod,
};
use corrente_units::Power;
use corrente_vee::{
    ClockCorrection, ClockSample, Edit, EnergyUnit, EventKind, MeterPeriod, MultiplierFrom,
    OwnHistory, PointEvent, PointHistory, Ratio, Rule, RuleSet,
};
use jiff::ToSpan as _;

use super::{OWN_DAYS, overlay, rules::Rules};
use crate::{
    Mdm, MdmError,
    point::Point,
    series::{clock, empty_if_unknown, service},
};

/// Readings so long before and after a day are looked at with it.
pub(super) const AROUND_SECONDS: i64 = 86_400;

/// So long are the intervals of the own past.
const PAST_STEP_SECONDS: i64 = 3600;

/// What was measured on days, looked at once. A value that the rules do not believe is no yardstick, and
/// an estimate neither: it would confirm itself.
pub(super) struct Past<'a> {
    mdm: &'a Mdm,
    point: Point,
    rules: &'a Rules,
    now: Timestamp,
    days: BTreeMap<(Date, bool), Vec<Interval>>,
}

impl<'a> Past<'a> {
    pub(super) fn new(mdm: &'a Mdm, point: &Point, rules: &'a Rules, now: Timestamp) -> Self {
        Self { mdm, point: point.raw(), rules, now, days: BTreeMap::new() }
    }

    /// What was measured in the weeks before a day, hour by hour.
    pub(super) fn before(
        &mut self,
        day: Date,
        direction: Direction,
    ) -> Result<Option<OwnHistory>, MdmError> {
        let export = direction == Direction::Export;
        let mut intervals = Vec::new();
        let mut past = day.saturating_sub(OWN_DAYS.days());
        while past < day {
            if !self.days.contains_key(&(past, export)) {
                let read = self.read(past, direction)?;
                self.days.insert((past, export), read);
            }
            intervals.extend(self.days.get(&(past, export)).into_iter().flatten().copied());
            past = next_day(past);
        }
        // Days that no other look will ask for again.
        let oldest = day_before(day.saturating_sub(OWN_DAYS.days()));
        self.days.retain(|(kept, _), _| *kept >= oldest);
        if intervals.iter().all(|interval| interval.energy().is_none()) {
            return Ok(None);
        }
        Ok(Some(OwnHistory::from_profile(&LoadProfile { intervals }, &self.point.calendar)))
    }

    fn read(&self, day: Date, direction: Direction) -> Result<Vec<Interval>, MdmError> {
        let span = self.point.calendar.day(day);
        let lanes = lanes(&self.point, direction, span);
        let [lane] = lanes.as_slice() else { return Ok(Vec::new()) };
        let step = (span, PAST_STEP_SECONDS);
        let rules = self.rules.on(day);
        let mut measured = self.mdm.measured_lane(&self.point, lane, rules, step, self.now)?;
        measured.retain(|interval| interval.energy().is_some());
        Ok(measured)
    }
}

/// The channels of a direction, side by side: the n-th of each meter that stood here.
pub(super) fn lanes(point: &Point, direction: Direction, day: Span) -> Vec<Vec<&ChannelPeriod>> {
    let mut lanes: Vec<Vec<&ChannelPeriod>> = Vec::new();
    let mut of_meter = BTreeMap::new();
    let near = Span::new(day.start.plus(-AROUND_SECONDS), day.end.plus(AROUND_SECONDS));
    for channel in point.channels.iter().filter(|c| c.direction == direction) {
        if service(channel).intersect(near).is_empty() {
            continue;
        }
        // By installation: a register may have come later than its meter.
        let place = of_meter.entry((channel.until, channel.meter)).or_insert(0_usize);
        match lanes.get_mut(*place) {
            Some(lane) => lane.push(channel),
            None => lanes.push(vec![channel]),
        }
        *place += 1;
    }
    lanes
}

/// From the first to the last instant at which a lane measured.
pub(super) fn served(lane: &[&ChannelPeriod]) -> Span {
    lane.iter()
        .map(|channel| service(channel))
        .reduce(|a, b| Span::new(a.start.min(b.start), a.end.max(b.end)))
        .unwrap_or(Span::new(Timestamp::MIN, Timestamp::MIN))
}

/// Something that happened at the point, as the rules see it.
pub(super) fn event(event: &point_events::PointEvent) -> PointEvent {
    let kind = match event.kind {
        PointEventKind::Disconnected => EventKind::Disconnected,
        PointEventKind::Reconnected => EventKind::Reconnected,
        PointEventKind::Tamper => EventKind::Tamper { code: event.code.unwrap_or_default() },
    };
    PointEvent { at: event.at, kind }
}

/// What was seen of a meter's clock, as the rules see it.
pub(super) fn clock_of(
    channel: &ChannelPeriod,
    samples: &[clock_samples::ClockSample],
) -> Vec<ClockSample> {
    samples
        .iter()
        .filter(|sample| sample.meter == channel.meter)
        .map(|sample| ClockSample { at: sample.at, ahead_seconds: sample.ahead_seconds })
        .collect()
}

const fn unit(declared: DeclaredUnit) -> EnergyUnit {
    match declared {
        DeclaredUnit::Wh => EnergyUnit::Wh,
        DeclaredUnit::Kwh => EnergyUnit::Kwh,
        DeclaredUnit::Mwh => EnergyUnit::Mwh,
        DeclaredUnit::Varh => EnergyUnit::Varh,
        DeclaredUnit::CubicMetre => EnergyUnit::CubicMetre,
    }
}

/// The step of a day's profile: what the source gives, or a quarter of an hour for registers that are
/// read often enough.
pub(super) fn step(point: &Point, direction: Direction) -> i64 {
    let longest = point
        .channels
        .iter()
        .filter(|c| c.direction == direction)
        .map(|c| match c.spec.kind {
            ChannelKind::Interval => c.interval_seconds.unwrap_or(1800),
            ChannelKind::Register => c.reporting_seconds,
        })
        .max()
        .unwrap_or(900);
    [900, 1800, 3600].into_iter().find(|step| longest <= *step).unwrap_or(3600)
}

impl Mdm {
    /// What one lane measured on a day: what the rules reject or estimate is missing.
    pub(super) fn measured_lane(
        &self,
        point: &Point,
        lane: &[&ChannelPeriod],
        rules: &RuleSet,
        step: (Span, i64),
        now: Timestamp,
    ) -> Result<Vec<Interval>, MdmError> {
        let mut history = self.lane_history(point, lane, step, &[], None)?;
        history.now = now;
        let mut rules = rules.clone();
        // Only what is rejected matters, and no finding.
        rules.off.extend(Rule::ALL);
        rules.parameters.estimators.clear();
        let (profile, _) = corrente_vee::validate(&history, &rules);
        let measured = |interval: Interval| match interval.quality() {
            Quality::Measured => interval,
            Quality::Estimated { .. } | Quality::Edited | Quality::Missing => {
                Interval::missing(interval.span())
            }
        };
        Ok(profile.intervals.into_iter().map(measured).collect())
    }

    /// The history of one lane around a day.
    pub(super) fn lane_history(
        &self,
        point: &Point,
        lane: &[&ChannelPeriod],
        (day, step): (Span, i64),
        edits: &[EditRow],
        own: Option<OwnHistory>,
    ) -> Result<PointHistory, MdmError> {
        let mut history = PointHistory::new(day, step, point.calendar.clone());
        history.own = own;
        for channel in lane {
            let mut meter = MeterPeriod::new(channel.channel, channel.spec.kind, channel.from);
            meter.until = channel.until;
            meter.interval_seconds = match channel.spec.kind {
                ChannelKind::Interval => channel.interval_seconds,
                ChannelKind::Register => Some(channel.reporting_seconds),
            };
            meter.power_max = point.row.power_max_w.map(Power::from_w);
            meter.register_modulus_wh = channel
                .register_digits
                .and_then(|digits| 10_i64.checked_pow(u32::from(digits)))
                .and_then(|kwh| kwh.checked_mul(1000));
            meter.multipliers = channel
                .multipliers
                .iter()
                .map(|m| MultiplierFrom {
                    from: m.from,
                    ratio: Ratio::new(m.numerator, m.denominator),
                })
                .collect();
            meter.declared_multiplier = channel
                .declared
                .ratio
                .map(|(numerator, denominator)| Ratio::new(numerator, denominator));
            meter.declared_unit = channel.declared.unit.map(unit);
            meter.clock_corrections = channel
                .clock_corrections
                .iter()
                .map(|c| ClockCorrection { span: c.span, add_seconds: c.add_seconds })
                .collect();
            meter.readings = self.around_day(point, channel, day)?;
            if channel.spec.kind == ChannelKind::Interval {
                let beside = |c: &&ChannelPeriod| {
                    c.meter == channel.meter && c.direction == channel.direction
                };
                for check in point.checks.iter().filter(beside) {
                    meter.registers.extend(self.around_day(point, check, day)?);
                }
            }
            let edges = |at| meter.readings.iter().find(|r| r.end == at).map(|r| r.value);
            if channel.spec.kind == ChannelKind::Register {
                meter.first_register = edges(channel.from);
                meter.final_register = channel.until.and_then(edges);
            }
            history.meters.push(meter);
        }
        history.edits = edits
            .iter()
            .filter(|edit| lane.iter().any(|channel| channel.channel == edit.channel))
            .filter_map(|edit| {
                // An edit of several days gives each of them its share.
                let whole = Span::new(edit.from, edit.until);
                let span = whole.intersect(day);
                Some(Edit {
                    span,
                    energy: overlay::share(whole, edit.energy?, span),
                    who: edit.actor.clone(),
                    why: edit.reason.clone(),
                    at: edit.created,
                })
            })
            .collect();
        Ok(history)
    }

    /// The readings of a day with those around it, however far the nearest ones are.
    fn around_day(
        &self,
        point: &Point,
        channel: &ChannelPeriod,
        day: Span,
    ) -> Result<Vec<Reading>, MdmError> {
        let as_of: AsOf<'_> = point.as_of(channel.channel);
        let service = service(channel);
        let wide = Span::new(day.start.plus(-AROUND_SECONDS), day.end.plus(AROUND_SECONDS));
        // As the meter stamped them: the rules put them right, and say so.
        let wide = clock::widened(channel, wide);
        let ledger = &*self.ledger;
        let mut readings = Vec::new();
        readings.extend(empty_if_unknown(ledger.at_or_before(channel.channel, wide.start, as_of))?);
        readings.extend(empty_if_unknown(ledger.range(channel.channel, wide, as_of))?);
        if readings.last().is_none_or(|last| last.end < wide.end) {
            readings.extend(empty_if_unknown(ledger.after(channel.channel, wide.end, as_of))?);
        }
        if channel.clock_corrections.is_empty() {
            readings.retain(|r| service.start <= r.end && r.end <= service.end);
        }
        Ok(readings)
    }
}
