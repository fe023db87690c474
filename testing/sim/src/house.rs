//! Houses: a truth, a meter life, and what arrives of it.

use corrente_metering::{
    Calendar, ChannelId, ChannelKind, Reading, SourceQuality, Span, Timestamp, calendar::Date,
};
use corrente_units::{Energy, Power};
use corrente_vee::{
    ClockCorrection, ClockSample, EventKind, MeterPeriod, MultiplierFrom, PointEvent, PointHistory,
    Ratio,
};

use crate::random::Random;

/// Steps of the truth, in seconds.
pub(crate) const FINE: i64 = 300;
/// How far apart meters report, and the intervals of the profile, in seconds.
pub(crate) const STEP: i64 = 900;
/// What every connection of the town can carry, in W.
const POWER_MAX: i64 = 15_000;

/// Zones with a day on which their clocks change (or a day like any other).
const WEEKS: &[(&str, &str)] = &[
    ("Europe/London", "2026-10-25"),
    ("Europe/London", "2026-03-29"),
    ("America/New_York", "2026-11-01"),
    ("America/New_York", "2026-03-08"),
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Australia/Lord_Howe", "2026-10-04"),
    ("America/Sao_Paulo", "2018-02-17"),
    ("America/Sao_Paulo", "2018-11-04"),
    ("Asia/Kolkata", "2026-06-10"),
    ("America/Bahia", "2026-11-23"),
];

/// What kind of meter a house has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A cumulative register.
    Register,
    /// Intervals, with a dial beside them once a day.
    IntervalWithDial,
    /// Intervals alone.
    Interval,
    /// A register with a clock that knows nothing of summer time, or is off by an hour.
    WrongClock,
}

/// A house with its truth.
#[derive(Clone, Debug)]
pub struct House {
    /// The seed of its town.
    pub seed: u64,
    /// Its place in the town.
    pub number: usize,
    /// Its kind of meter.
    pub kind: Kind,
    /// What validation gets to see.
    pub history: PointHistory,
    /// What was done to it, for a person who looks at a complaint.
    pub faults: Vec<String>,
    pub(crate) truth: Truth,
}

/// A town.
#[derive(Clone, Debug)]
pub struct Town {
    /// Its houses.
    pub houses: Vec<House>,
}

/// True energy, cumulative, at every fine step.
#[derive(Clone, Debug)]
pub(crate) struct Truth {
    start: Timestamp,
    total: Vec<i64>,
}

impl Truth {
    /// Energy since the start, at an instant on the fine grid.
    pub(crate) fn total(&self, t: Timestamp) -> i64 {
        let index = t.since(self.start).div_euclid(FINE).max(0);
        let last = self.total.len().saturating_sub(1);
        let index = usize::try_from(index).unwrap_or(0).min(last);
        self.total.get(index).copied().unwrap_or(0)
    }

    pub(crate) fn energy(&self, span: Span) -> i64 {
        self.total(span.end) - self.total(span.start)
    }
}

impl Town {
    /// The town of a seed. The same seed gives the same town everywhere.
    pub fn build(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let kinds = [Kind::Register, Kind::IntervalWithDial, Kind::Interval, Kind::WrongClock];
        let houses = kinds
            .into_iter()
            .enumerate()
            .map(|(number, kind)| House::build(seed, number, kind, &mut random))
            .collect();
        Self { houses }
    }
}

impl House {
    /// What was truly used in a span whose ends lie on steps of five minutes, in Wh.
    pub fn truth_wh(&self, span: Span) -> i64 {
        self.truth.energy(span)
    }

    fn build(seed: u64, number: usize, kind: Kind, random: &mut Random) -> Self {
        let (zone, day) = *random.pick(WEEKS);
        let calendar = Calendar::new(zone).unwrap_or_else(|_| Calendar::utc());
        let date: Date = day.parse().unwrap_or_default();
        let before = calendar.midnight(date).plus(-30 * 3600);
        let start = calendar.midnight(calendar.date(before));
        let after = calendar.midnight(date).plus(60 * 3600);
        let end = calendar.midnight(calendar.date(after));
        let mut history = PointHistory::new(Span::new(start, end), STEP, calendar);
        let mut faults = Vec::new();
        // A dial counts in steps of the smallest energy that its transformer can show.
        let ratio = if kind == Kind::Register && random.once_in(4) { 20 } else { 1 };
        let off = (kind == Kind::Register && random.once_in(6)).then(|| {
            let from = start.plus(random.between(1, 40) * 3600);
            Span::new(from, from.plus(random.between(1, 20) * 3600))
        });
        if let Some(off) = off {
            history.events.push(PointEvent { at: off.start, kind: EventKind::Disconnected });
            history.events.push(PointEvent { at: off.end, kind: EventKind::Reconnected });
            faults.push(format!("disconnected {off:?}"));
        }
        let truth = truth(Span::new(start.plus(-86_400), end), ratio, off, random);
        let mut house = Self { seed, number, kind, history, faults, truth };
        match kind {
            Kind::Register | Kind::WrongClock => house.register(ratio, random),
            Kind::IntervalWithDial | Kind::Interval => house.intervals(random),
        }
        house
    }

    fn fault(&mut self, text: impl Into<String>) {
        self.faults.push(text.into());
    }

    /// Instants at which a meter reports between two others, both included.
    fn reports(&self, from: Timestamp, until: Timestamp) -> Vec<Timestamp> {
        let start = self.history.span.start;
        let mut t = start.plus(from.since(start).div_euclid(STEP) * STEP);
        let mut times = Vec::new();
        while t <= until {
            if t >= from {
                times.push(t);
            }
            t = t.plus(STEP);
        }
        times
    }

    fn register(&mut self, ratio: i64, random: &mut Random) {
        let span = self.history.span;
        let installed = span.start.plus(-STEP * 4);
        let mut meters = vec![new_meter(1, ChannelKind::Register, installed)];
        // Sometimes exchanged once, at any fine step, with or without registers and a gap.
        if self.kind == Kind::Register && random.once_in(3) {
            let hours = span.seconds() / FINE;
            let until = span.start.plus(random.between(hours / 4, hours / 2) * FINE);
            let gap = if random.once_in(2) { 0 } else { random.between(1, 60) * FINE };
            if let Some(old) = meters.first_mut() {
                old.until = Some(until);
            }
            meters.push(new_meter(2, ChannelKind::Register, until.plus(gap)));
            self.fault(format!("exchanged at {until}, gap {gap} s"));
        }
        for meter in &mut meters {
            if ratio > 1 {
                // The transformer's ratio is entered from the day of installation, or before.
                let from = meter.from.plus(-FINE);
                meter.multipliers.push(MultiplierFrom { from, ratio: Ratio::new(ratio * 5, 5) });
            }
            let until = meter.until.unwrap_or(span.end);
            let digits = u32::try_from(random.between(7, 9)).unwrap_or(8);
            let modulus = 10_i64.pow(digits);
            if random.once_in(2) {
                meter.register_modulus_wh = Some(modulus);
            }
            // Near its top, so that it rolls over in the middle, or well below it.
            let rolls = random.once_in(3);
            let used = self.truth.energy(Span::new(meter.from, until)) / ratio;
            let mut offset = if rolls {
                modulus - used / random.between(2, 4)
            } else {
                random.between(modulus / 8, modulus / 2)
            };
            let written = self.kind == Kind::Register && random.once_in(2);
            let resets_at = (self.kind == Kind::Register && !rolls && random.once_in(5))
                .then(|| random.between(20, 150));
            let mut base = self.truth.total(meter.from);
            let mut dials = Vec::new();
            for (n, t) in (0_i64..).zip(self.reports(meter.from, until)) {
                if resets_at == Some(n) {
                    self.faults.push(format!("reset before {t}"));
                    offset = 0;
                    // It began again at some moment since the reading before.
                    base = self.truth.total(t.plus(-FINE * random.between(0, 2)));
                }
                let dial = (offset + (self.truth.total(t) - base) / ratio).rem_euclid(modulus);
                dials.push((t, dial));
            }
            if written {
                let first = (dials.first(), self.truth.total(meter.from));
                if let (Some((t, dial)), total) = first {
                    let since = (self.truth.total(*t) - total) / ratio;
                    let value = (dial - since).rem_euclid(modulus);
                    meter.first_register = Some(Energy::from_wh(value));
                }
                if let (Some(end), Some((t, dial))) = (meter.until, dials.last()) {
                    let since = (self.truth.total(end) - self.truth.total(*t)) / ratio;
                    let value = (dial + since).rem_euclid(modulus);
                    meter.final_register = Some(Energy::from_wh(value));
                }
            }
            meter.readings = dials.into_iter().map(|(t, dial)| reading(t, dial)).collect();
        }
        for meter in &mut meters {
            if self.kind == Kind::WrongClock {
                self.wrong_clock(meter, random);
            } else {
                self.lose(&mut meter.readings, random);
                self.corrupt(&mut meter.readings, random);
                self.misdate(meter, random);
            }
            self.repeat(&mut meter.readings, random);
            Self::delay(&mut meter.readings, random);
        }
        self.history.meters = meters;
    }

    fn intervals(&mut self, random: &mut Random) {
        let span = self.history.span;
        let mut meter = new_meter(1, ChannelKind::Interval, span.start.plus(-STEP));
        for t in self.reports(span.start, span.end) {
            let wh = self.truth.energy(Span::new(t.plus(-STEP), t));
            meter.readings.push(reading(t, wh));
        }
        if self.kind == Kind::IntervalWithDial {
            let first = random.between(1_000_000, 90_000_000);
            for day in self.history.calendar.cut_days(span) {
                for t in [day.start, day.end] {
                    let dial = first + self.truth.energy(Span::new(span.start, t));
                    meter.registers.push(reading(t, dial));
                }
            }
            meter.registers.dedup();
            if random.once_in(3) {
                let index =
                    random.between(0, i64::try_from(meter.registers.len()).unwrap_or(1) - 1);
                let lost = meter.registers.remove(usize::try_from(index).unwrap_or(0));
                self.fault(format!("dial of {} lost", lost.end));
            }
        }
        self.lose(&mut meter.readings, random);
        for reading in &mut meter.readings {
            if random.once_in(150) {
                let wrong = *random.pick(&[-1, -50_000, 65_535_000, i64::MAX, i64::MIN]);
                self.faults.push(format!("{wrong} Wh at {}", reading.end));
                reading.value = Energy::from_wh(wrong);
            }
        }
        self.misdate(&mut meter, random);
        self.repeat(&mut meter.readings, random);
        Self::delay(&mut meter.readings, random);
        self.history.meters = vec![meter];
    }

    fn lose(&mut self, readings: &mut Vec<Reading>, random: &mut Random) {
        let share = random.between(15, 200);
        let mut silent_until = Timestamp::MIN;
        readings.retain(|r| {
            if random.once_in(120) {
                silent_until = r.end.plus(random.between(1, 60) * STEP);
                self.faults.push(format!("silent from {} until {silent_until}", r.end));
            }
            r.end >= silent_until && !random.once_in(share)
        });
    }

    /// Values that no connection could reach in time. (One that could is a measurement like any other:
    /// the sum around it still holds, and nothing tells it apart.)
    fn corrupt(&mut self, readings: &mut [Reading], random: &mut Random) {
        let mut quiet = 0;
        // A false fall just before a true reset cannot be told from the reset.
        let falls = !self.faults.iter().any(|f| f.starts_with("reset"));
        for reading in readings {
            quiet -= 1;
            let value = reading.value.wh();
            // A zero just below the last digit, or just after a reset, is what a dial may truly show.
            let near_zero = value < 100_000
                || (7..=9).any(|digits| (0..100_000).contains(&(10_i64.pow(digits) - value)));
            if quiet <= 0 && random.once_in(100) && !near_zero {
                let wrong = match random.between(if falls { 0 } else { 2 }, 4) {
                    0 => 0,
                    1 => (value - random.between(3_000_000, 5_000_000)).max(0),
                    2 => value + random.between(3_000_000, 3_000_000_000),
                    3 => -value,
                    _ => i64::MAX,
                };
                // Alone: two in a row that agree are a new level, and the walk must say so.
                quiet = 8;
                self.faults.push(format!("{wrong} instead of {value} at {}", reading.end));
                reading.value = Energy::from_wh(wrong);
            }
        }
    }

    /// Extra readings from a clock in 1970 or 2033: what they say is late news, not wrong news.
    fn misdate(&mut self, meter: &mut MeterPeriod, random: &mut Random) {
        if random.once_in(4) {
            for _ in 0..random.between(1, 5) {
                let year = *random.pick(&[0, 2_000_000_000]);
                let t = Timestamp::from_second(year).plus(random.between(0, 100) * STEP);
                let value = random.between(0, 9_000_000);
                meter.readings.push(reading(t, value));
            }
            self.fault("readings of 1970 and 2033");
        }
    }

    fn repeat(&mut self, readings: &mut Vec<Reading>, random: &mut Random) {
        let share = random.between(10, 300);
        let copies: Vec<Reading> =
            readings.iter().copied().filter(|_| random.once_in(share)).collect();
        for copy in copies {
            let other = random.once_in(6) && self.kind != Kind::WrongClock;
            let value = if other { Energy::from_wh(copy.value.wh() ^ 5) } else { copy.value };
            if other {
                self.faults.push(format!("two values at {}", copy.end));
            }
            readings.push(Reading { value, ..copy });
        }
    }

    fn delay(readings: &mut Vec<Reading>, random: &mut Random) {
        if random.once_in(2) {
            return;
        }
        // Of two values for one instant the first to come is the true one: it stays first.
        let mut numbered: Vec<(usize, Reading)> = readings.drain(..).enumerate().collect();
        random.shuffle(&mut numbered);
        let mut order: Vec<(Timestamp, usize)> =
            numbered.iter().map(|(n, r)| (r.end, *n)).collect();
        order.sort_unstable();
        let mut by_time: std::collections::BTreeMap<Timestamp, Vec<usize>> =
            std::collections::BTreeMap::new();
        for (t, n) in order.into_iter().rev() {
            by_time.entry(t).or_default().push(n);
        }
        let originals: std::collections::BTreeMap<usize, Reading> =
            numbered.iter().copied().collect();
        for (_, place) in numbered {
            let next = by_time.get_mut(&place.end).and_then(Vec::pop);
            readings.extend(next.and_then(|n| originals.get(&n)).copied());
        }
    }

    /// A clock that ignores summer time, or is off by an hour for some hours. Either somebody enters
    /// the correction, or samples of the clock are all that is known.
    fn wrong_clock(&mut self, meter: &mut MeterPeriod, random: &mut Random) {
        let span = self.history.span;
        let calendar = self.history.calendar.clone();
        let stretch = if random.once_in(2) {
            let standard = calendar.standard_offset_seconds(span.start);
            let off = |t: Timestamp| i64::from(calendar.offset_seconds(t) - standard);
            // From the change on it shows standard time where summer time was expected, or the other way.
            let ahead = -off(span.end).max(off(span.start));
            let change = (0..span.seconds() / STEP)
                .map(|n| span.start.plus(n * STEP))
                .find(|t| off(*t) != off(span.start));
            let from = change.unwrap_or(span.start.plus(20 * 3600));
            (from, span.end, if ahead == 0 { -3600 } else { ahead })
        } else {
            let from = span.start.plus(random.between(10, 200) * STEP);
            let until = from.plus(random.between(8, 60) * STEP).min(span.end);
            (from, until, *random.pick(&[3600, -3600, 1800, 86_400 - 3600]))
        };
        let (from, until, ahead) = stretch;
        self.fault(format!("clock {ahead} s ahead from {from} until {until}"));
        let true_span = Span::new(from, until);
        for reading in &mut meter.readings {
            if true_span.contains(reading.end) {
                reading.end = reading.end.plus(ahead);
            }
        }
        if random.once_in(2) && ahead > 0 && until >= span.end {
            // Only stamps that no right clock could have made can be told apart by their span.
            let span = Span::new(from.plus(ahead), until.plus(ahead));
            meter.clock_corrections.push(ClockCorrection { span, add_seconds: -ahead });
            self.fault("corrected");
        }
        let mut t = from.min(from.plus(ahead));
        let last = until.max(until.plus(ahead));
        while t <= last {
            meter.clock.push(ClockSample { at: t, ahead_seconds: ahead });
            t = t.plus(STEP);
        }
    }
}

fn new_meter(number: u64, kind: ChannelKind, from: Timestamp) -> MeterPeriod {
    let mut meter = MeterPeriod::new(ChannelId::from_number(number), kind, from);
    meter.interval_seconds = Some(STEP);
    meter.power_max = Some(Power::from_w(POWER_MAX));
    meter
}

fn reading(end: Timestamp, wh: i64) -> Reading {
    Reading { end, value: Energy::from_wh(wh), quality: SourceQuality::GOOD }
}

/// A household: a base, an evening, now and then an oven. Whole steps of the transformer's ratio.
fn truth(span: Span, ratio: i64, off: Option<Span>, random: &mut Random) -> Truth {
    let base = random.between(0, 30);
    let mut total = vec![0];
    let mut sum = 0;
    let mut oven = 0;
    let mut t = span.start;
    while t < span.end {
        t = t.plus(FINE);
        if random.once_in(60) {
            oven = random.between(1, 24);
        }
        oven -= 1;
        let hour = t.second().div_euclid(3600).rem_euclid(24);
        let evening = if (17..22).contains(&hour) { 40 } else { 0 };
        let heat = if oven > 0 { 250 } else { 0 };
        let wh = base + random.between(0, 12) + evening + heat;
        let on = off.is_none_or(|off| !off.contains(t));
        if on {
            sum += wh / ratio * ratio;
        }
        total.push(sum);
    }
    Truth { start: span.start, total }
}
