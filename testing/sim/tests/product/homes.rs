//! The homes of a town as a registry knows them: meters with channels, and what arrives of them.

use corrente_metering::{ChannelKind, Reading, SourceQuality, Span, Timestamp};
use corrente_registry::meters::NewChannel;
use corrente_sim::{House, Kind};
use corrente_units::Energy;

const STEP: i64 = 900;

/// A meter at a usage point.
pub(crate) struct Meter {
    pub(crate) from: Timestamp,
    pub(crate) until: Option<Timestamp>,
    /// From when, numerator, denominator.
    pub(crate) multipliers: Vec<(Timestamp, i64, i64)>,
    pub(crate) channels: Vec<Channel>,
}

/// A channel with what arrives of it, in order of arrival.
pub(crate) struct Channel {
    pub(crate) new: NewChannel,
    pub(crate) readings: Vec<Reading>,
}

/// A home with its truth.
pub(crate) struct Home {
    pub(crate) name: String,
    pub(crate) zone: String,
    pub(crate) span: Span,
    pub(crate) meters: Vec<Meter>,
    /// What its connection carries, where somebody entered it.
    pub(crate) power_max_w: Option<i64>,
    pub(crate) faults: Vec<String>,
    /// Can every measured interval be held against the truth? Under a wrong clock none can.
    pub(crate) exact: bool,
    /// Around these instants a difference is cut by time, so that only the sum of both sides is true.
    pub(crate) cut: Vec<Timestamp>,
    /// The truth at the ends of quarters, from the start of the span on.
    truth: Vec<i64>,
}

impl Home {
    /// The house of the town as it is, and by its truth two more: one with two registers side by side,
    /// one behind a transformer that is changed.
    pub(crate) fn of_house(house: &House) -> Vec<Self> {
        match house.kind {
            Kind::Register => vec![Self::plain(house), Self::two_registers(house)],
            Kind::Interval => vec![Self::plain(house), Self::other_transformer(house)],
            // The product knows no dial beside an interval channel: those are intervals alone.
            Kind::IntervalWithDial | Kind::WrongClock => vec![Self::plain(house)],
        }
    }

    /// The truth from one instant to another, both on quarters of the span, in Wh.
    pub(crate) fn truth_wh(&self, span: Span) -> i64 {
        let at = |t: Timestamp| {
            let n = t.since(self.span.start).max(0) / STEP;
            self.truth[usize::try_from(n).unwrap().min(self.truth.len() - 1)]
        };
        at(span.end) - at(span.start)
    }

    /// What arrives in time, what comes later, and the rest; of one instant the first stays first.
    pub(crate) fn waves(&self, seed: u64) -> Vec<Vec<(usize, usize, Reading)>> {
        let mut waves = vec![Vec::new(), Vec::new(), Vec::new()];
        for (m, meter) in self.meters.iter().enumerate() {
            for (c, channel) in meter.channels.iter().enumerate() {
                for reading in &channel.readings {
                    // Whole hours come together, most of them in time.
                    let hour = reading.end.second().div_euclid(3600).unsigned_abs();
                    let dice = (hour ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 60;
                    let wave = match dice {
                        0..=10 => 0,
                        11..=13 => 1,
                        _ => 2,
                    };
                    let wave: &mut Vec<_> = &mut waves[wave];
                    wave.push((m, c, *reading));
                }
            }
        }
        waves
    }

    fn plain(house: &House) -> Self {
        let meters = house.history.meters.iter().map(|meter| {
            let mut readings = meter.readings.clone();
            if meter.kind == ChannelKind::Register {
                // What was written down at the installation and at the removal.
                let first = meter.first_register.map(|value| (meter.from, value));
                let last = meter.final_register.zip(meter.until).map(|(value, at)| (at, value));
                for (end, value) in first.into_iter().chain(last) {
                    readings.push(Reading { end, value, quality: SourceQuality::GOOD });
                }
            }
            let digits = meter.register_modulus_wh.map(|wh| (wh / 1000).ilog10());
            let multipliers = meter.multipliers.iter();
            Meter {
                from: meter.from,
                until: meter.until,
                multipliers: multipliers
                    .map(|m| (m.from, m.ratio.numerator, m.ratio.denominator))
                    .collect(),
                channels: vec![Channel {
                    new: NewChannel {
                        kind: meter.kind,
                        interval_seconds: (meter.kind == ChannelKind::Interval).then_some(STEP),
                        register_digits: digits.and_then(|digits| u8::try_from(digits).ok()),
                        ..NewChannel::import()
                    },
                    readings,
                }],
            }
        });
        let meters = meters.collect();
        let mut home = Self::new(house, "as it is", meters);
        home.exact = house.kind != Kind::WrongClock;
        home
    }

    /// One register counts by night, the other by day.
    fn two_registers(house: &House) -> Self {
        let calendar = &house.history.calendar;
        let by_night = |t: Timestamp| !(7..22).contains(&calendar.datetime(t.plus(-1)).hour());
        let mut dials = [3_000_000_i64, 8_000_000];
        let mut readings = [Vec::new(), Vec::new()];
        let mut before = house.history.span.start;
        for (n, t) in quarters(house.history.span).enumerate() {
            let used = house.truth_wh(Span::new(before, t));
            dials[usize::from(by_night(t))] += used;
            before = t;
            for register in [0, 1] {
                // Both are lost together for hours now and then, and each by itself.
                let lost = (n / 7 + 3) % 11 == 0 || (n + register * 5).is_multiple_of(37);
                if !lost {
                    readings[register].push(reading(t, dials[register]));
                }
            }
        }
        let [day, night] = readings;
        let channel = |name: &str, readings| Channel {
            new: NewChannel { name: name.to_owned(), ..NewChannel::import() },
            readings,
        };
        let meter = Meter {
            from: house.history.span.start.plus(-STEP),
            until: None,
            multipliers: Vec::new(),
            channels: vec![channel("day", day), channel("night", night)],
        };
        Self::new(house, "two registers", vec![meter])
    }

    /// Transformers of 20/1 are changed for 40/1 between two readings.
    fn other_transformer(house: &House) -> Self {
        let span = house.history.span;
        let whole = |t: Timestamp| house.truth_wh(Span::new(span.start, t)) / 40 * 40;
        let change = span.start.plus(40 * 3600);
        let mut readings = Vec::new();
        for (n, t) in quarters(span).enumerate() {
            let by_20 = whole(t.min(change)) / 20;
            let by_40 = (whole(t) - whole(t.min(change))) / 40;
            if !(n / 5 + 2).is_multiple_of(9) {
                readings.push(reading(t, 700_000 + by_20 + by_40));
            }
        }
        let from = span.start.plus(-STEP);
        let meter = Meter {
            from,
            until: None,
            multipliers: vec![(from, 20, 1), (change, 40, 1)],
            channels: vec![Channel { new: NewChannel::import(), readings }],
        };
        let mut home = Self::new(house, "another transformer", vec![meter]);
        home.truth = quarters(span).map(whole).collect();
        home.cut.push(change);
        home
    }

    fn new(house: &House, name: &str, meters: Vec<Meter>) -> Self {
        let span = house.history.span;
        let limit = house.history.meters.first().and_then(|meter| meter.power_max);
        Self {
            name: format!("house {} {name}", house.number),
            zone: house.history.calendar.name().to_owned(),
            span,
            meters,
            power_max_w: limit
                .map(corrente_units::Power::w)
                .filter(|_| house.seed.is_multiple_of(2)),
            faults: house.faults.clone(),
            exact: true,
            cut: Vec::new(),
            truth: quarters(span).map(|t| house.truth_wh(Span::new(span.start, t))).collect(),
        }
    }
}

/// The instants on quarters of a span, both ends included.
pub(crate) fn quarters(span: Span) -> impl Iterator<Item = Timestamp> {
    (0..=span.seconds() / STEP).map(move |n| span.start.plus(n * STEP))
}

fn reading(end: Timestamp, wh: i64) -> Reading {
    Reading { end, value: Energy::from_wh(wh), quality: SourceQuality::GOOD }
}
