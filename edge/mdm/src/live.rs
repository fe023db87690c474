//! What is going on at a usage point right now, and today.

use std::collections::BTreeMap;

use corrente_billing::energy_costs;
use corrente_ledger::AsOf;
use corrente_live::LiveReading;
use corrente_metering::{
    ChannelKind, Direction, Interval, Quality, Span, Timestamp, calendar::next_day,
    id::UsagePointId,
};
use corrente_tariff::Tariff;
use corrente_units::{Energy, Money};

use crate::{
    Mdm, MdmError,
    expected::Expected,
    period::{BillingPeriod, Step},
    point::Point,
    series::empty_if_unknown,
    tariff::{PeriodNow, period_now},
    usage::{Compare, UsageQuery},
};

/// Power of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Now {
    /// In watts.
    pub power_w: Option<i64>,
    /// When it was so.
    pub at: Option<Timestamp>,
    /// What an hour of it costs.
    pub price_per_hour: Option<Money>,
    /// How old it is, in seconds of business time.
    pub age_s: Option<i64>,
    /// How the meter is doing.
    pub state: NowState,
    /// The tariff's period of the day.
    pub period: Option<PeriodNow>,
    /// Voltage in millivolts and current in milliamperes of each phase of which the meter says something.
    pub phases: Vec<Phase>,
    /// The last hour of power in watts, in order.
    pub recent: Vec<(Timestamp, i64)>,
}

/// Voltage in millivolts and current in milliamperes of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    /// Voltage.
    pub volts_mv: Option<i64>,
    /// Current.
    pub amps_ma: Option<i64>,
}

impl Phase {
    /// The phases of which a reading says something, in order.
    pub fn of(reading: &LiveReading) -> Vec<Self> {
        let phases = reading.volts_mv.into_iter().zip(reading.amps_ma);
        phases
            .map(|(volts_mv, amps_ma)| Self { volts_mv, amps_ma })
            .filter(|phase| phase.volts_mv.is_some() || phase.amps_ma.is_some())
            .collect()
    }
}

/// How a meter is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NowState {
    /// It reports as it should.
    Live,
    /// Its last report is a little old.
    Late,
    /// It has not reported for long.
    Silent,
    /// It never reported.
    Nothing,
}

/// The running day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Today {
    /// The day until now.
    pub span: Span,
    /// Energy so far.
    pub energy: Option<Energy>,
    /// What it cost.
    pub amount: Option<Money>,
    /// The weakest quality of it.
    pub quality: Quality,
    /// What is usual until this time of this weekday.
    pub usual: Option<Expected>,
    /// Running total at the end of each step.
    pub points: Vec<(Timestamp, Energy)>,
}

/// How far back power is shown.
const RECENT_SECONDS: i64 = 3600;
/// At most one value in so many seconds.
const RECENT_STEP_SECONDS: i64 = 30;

/// What an hour costs at this power, and the tariff's period of the day.
pub type PriceNow = (Option<Money>, Option<PeriodNow>);

/// Power in watts, and when it was so.
type PowerAt = (Timestamp, i64);

impl Mdm {
    /// What is going on right now.
    ///
    /// # Errors
    /// When a store fails or there is no such usage point.
    pub fn now(&self, id: UsagePointId) -> Result<Now, MdmError> {
        let point = self.point(id)?;
        let now = self.clock.now();
        let snapshot = self.live.snapshot(id);
        let phases = snapshot.as_ref().map(|live| Phase::of(&live.last)).unwrap_or_default();
        let (power_w, power_at, last, mut recent) = if let Some(live) = snapshot {
            (live.power_w, live.power_at, Some(live.last.t), live.recent)
        } else {
            let (power, last) = self.last_power(&point)?;
            (power.map(|(_, w)| w), power.map(|(t, _)| t), last, Vec::new())
        };
        // The process may have started a moment ago; the ledger knows the rest of the hour.
        let hour = Span::new(now.plus(-RECENT_SECONDS), now);
        if recent.first().is_none_or(|(first, _)| *first > hour.start.plus(RECENT_SECONDS / 4)) {
            let known = recent.first().map_or(now, |(first, _)| first.plus(-1));
            let span = Span::new(hour.start, known);
            let mut before = self.power_kept(&point, span)?;
            if before.is_empty() {
                before = self.power_between(&point, span)?;
            }
            before.append(&mut recent);
            recent = before;
        }
        let (price_per_hour, period) = match self.price_now(&point, now, power_w) {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, usage_point.id = %id, "price of now cannot be computed");
                (None, None)
            }
        };
        Ok(Now {
            power_w,
            at: power_at.or(last),
            price_per_hour,
            age_s: last.map(|last| now.since(last).max(0)),
            state: state(&point, last, now),
            period,
            phases,
            recent,
        })
    }

    /// What an hour at this power costs now, and the tariff's period of the day.
    ///
    /// # Errors
    /// When a store fails, there is no such usage point, or the tariff cannot rate it.
    pub fn price_of_power(&self, id: UsagePointId, power_w: i64) -> Result<PriceNow, MdmError> {
        let point = self.point(id)?;
        self.price_now(&point, self.clock.now(), Some(power_w))
    }

    /// Power by the last two registers, and when something was last heard, from the ledger.
    fn last_power(&self, point: &Point) -> Result<(Option<PowerAt>, Option<Timestamp>), MdmError> {
        let mut last_heard = None;
        let mut power = None;
        for channel in point.channels.iter().filter(|c| c.direction == Direction::Import) {
            let Some(last) = empty_if_unknown(self.ledger.last(channel.channel))? else { continue };
            last_heard = last_heard.max(Some(last.end));
            if channel.spec.kind == ChannelKind::Register
                && let Some(before) = empty_if_unknown(self.ledger.at_or_before(
                    channel.channel,
                    last.end.plus(-1),
                    AsOf::Now,
                ))?
            {
                let seconds = last.end.since(before.end);
                let rise = last.value.wh().saturating_sub(before.value.wh());
                if (1..=3600).contains(&seconds) && rise >= 0 {
                    power = Some((last.end, rise.saturating_mul(3600) / seconds));
                }
            }
        }
        Ok((power, last_heard))
    }

    /// Power in the span as meters said it.
    fn power_kept(&self, point: &Point, span: Span) -> Result<Vec<PowerAt>, MdmError> {
        let mut samples = BTreeMap::new();
        for channel in point.channels.iter().filter(|channel| channel.until.is_none()) {
            let kept = empty_if_unknown(self.ledger.power(channel.channel, span))?;
            samples.extend(kept.into_iter().map(|sample| (sample.t, sample.watts)));
        }
        let mut powers = Vec::new();
        for (t, watts) in samples {
            // Thinned like what the hub remembers: about one in half a minute.
            if powers.last().is_none_or(|(last, _)| t.since(*last) >= RECENT_STEP_SECONDS) {
                powers.push((t, watts));
            }
        }
        Ok(powers)
    }

    /// Power in the span by the differences of registers.
    fn power_between(&self, point: &Point, span: Span) -> Result<Vec<PowerAt>, MdmError> {
        let mut powers = Vec::new();
        let standing = |c: &&corrente_registry::usage_points::ChannelPeriod| {
            c.until.is_none()
                && c.direction == Direction::Import
                && c.spec.kind == ChannelKind::Register
        };
        let Some(channel) = point.channels.iter().find(standing) else { return Ok(powers) };
        let readings = empty_if_unknown(self.ledger.range(channel.channel, span, AsOf::Now))?;
        for (before, reading) in readings.iter().zip(readings.iter().skip(1)) {
            let seconds = reading.end.since(before.end);
            let rise = reading.value.wh().saturating_sub(before.value.wh());
            // Thinned like what the hub remembers: about one in half a minute.
            let due = powers
                .last()
                .is_none_or(|(t, _): &PowerAt| reading.end.since(*t) >= RECENT_STEP_SECONDS);
            if due && (1..=3600).contains(&seconds) && rise >= 0 {
                powers.push((reading.end, rise.saturating_mul(3600) / seconds));
            }
        }
        Ok(powers)
    }

    /// What an hour at this power costs now, and the tariff's period of the day.
    fn price_now(
        &self,
        point: &Point,
        now: Timestamp,
        power_w: Option<i64>,
    ) -> Result<PriceNow, MdmError> {
        let Some(known) = self.known_span(point, Direction::Import)? else {
            return Ok((None, None));
        };
        let period = BillingPeriod::at(&point.calendar, now, known.start);
        let tariffs = point.tariffs(&self.tariffs, period.span)?;
        let label = period_now(point, &tariffs, &period, now);
        let Some(power) = power_w.filter(|_| !tariffs.is_empty()) else {
            return Ok((None, label));
        };
        let before = Span::new(period.span.start, now);
        let mut intervals = self.used_before(point, &tariffs, before)?;
        // One second of an hour's energy: priced where now is, whatever the next hour will cost.
        intervals.push(Interval::known(
            Span::new(now, now.plus(1).min(period.span.end)),
            Energy::from_wh(power.max(0)),
            Quality::Measured,
        ));
        let series = self.series(point, &tariffs, period.span)?;
        let tariffs: Vec<&Tariff> = tariffs.iter().map(AsRef::as_ref).collect();
        let inputs = point.inputs(period.part_of_days);
        let costs =
            energy_costs(&point.calendar, &tariffs, &inputs, period.span, &intervals, &series)?;
        Ok((costs.last().and_then(|cost| cost.amount), label))
    }

    /// The running day.
    ///
    /// # Errors
    /// When a store fails or there is no such usage point.
    pub fn today(&self, id: UsagePointId) -> Result<Today, MdmError> {
        let point = self.point(id)?;
        let now = self.clock.now();
        let calendar = &point.calendar;
        let date = calendar.date(now);
        let span = Span::new(calendar.midnight(date), now);
        let whole = calendar.days(date, next_day(date));
        let query = UsageQuery {
            span: whole,
            step: Some(Step::HalfHour),
            compare: Compare::Nothing,
            max_points: None,
            whole: false,
        };
        let usage = self.usage(id, query)?;
        let mut sum = Energy::ZERO;
        let mut points = Vec::new();
        for interval in &usage.intervals {
            let Some(energy) = interval.energy else { continue };
            sum = sum.checked_add(energy)?;
            points.push((interval.span.end.min(now), sum));
        }
        let quality = usage
            .intervals
            .iter()
            .map(|interval| interval.quality)
            .fold(Quality::Missing, corrente_metering::assemble::weakest);
        Ok(Today {
            span,
            energy: usage.total.energy,
            amount: usage.total.amount,
            quality,
            usual: self.usual_until(&point, date, now)?,
            points,
        })
    }

    /// The first and the last reading of a usage point.
    ///
    /// # Errors
    /// When a store fails or there is no such usage point.
    pub fn reading_bounds(&self, id: UsagePointId) -> Result<Option<Span>, MdmError> {
        let point = self.point(id)?;
        self.known_span(&point, Direction::Import)
    }
}

fn state(point: &Point, last: Option<Timestamp>, now: Timestamp) -> NowState {
    let Some(last) = last else { return NowState::Nothing };
    let beat = point
        .channels
        .iter()
        .filter(|c| c.until.is_none())
        .map(|c| c.reporting_seconds.max(c.interval_seconds.unwrap_or(0)))
        .max()
        .unwrap_or(10);
    let age = now.since(last);
    if age <= beat.saturating_mul(3).max(60) {
        NowState::Live
    } else if age <= beat.saturating_mul(12).max(900) {
        NowState::Late
    } else {
        NowState::Silent
    }
}
