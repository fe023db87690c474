//! Whatever comes late, each total is what a fresh computation gives.

use corrente_mdm::{Step, export};
use corrente_metering::{ChannelId, ChannelKind, Timestamp};
use corrente_registry::meters::NewChannel;
use corrente_units::Energy;

use crate::home::Home;

/// A small generator, so that a failure names its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Every total on every path.
fn totals(home: &Home, from: &str, to: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for step in [Step::Quarter, Step::Hour, Step::Day, Step::Month] {
        let usage = home.usage(from, to, step);
        lines.extend(usage.intervals.iter().map(|interval| {
            format!(
                "{} {:?} {:?} {}",
                interval.span.end, interval.energy, interval.quality, interval.at_least
            )
        }));
        lines.push(format!("{step:?} {:?} {}", usage.total.energy, usage.total.at_least));
    }
    let query = export::ExportQuery {
        from: home.day(&from[..10]),
        until: home.day(&to[..10]),
        step: Step::Hour,
        usage_point: None,
    };
    let rows = export::usage(&home.mdm, query).unwrap().next().unwrap().unwrap();
    lines.extend(
        rows.iter().map(|row| format!("{} {:?} {}", row.period_end, row.energy, row.quality)),
    );
    lines.extend(
        home.worklist()
            .iter()
            .map(|g| format!("{} {} {} {:?}", g.rule, g.from, g.until, g.effect_wh)),
    );
    lines
}

/// A reading of the first or the second meter.
type Sent = (usize, Timestamp, i64);

const FROM: &str = "2026-03-26T00:00";
const TO: &str = "2026-04-07T00:00";
const NOW: &str = "2026-04-08T12:00";

/// Sends readings in three waves, what came in time, what came late, and the rest, each in any order, and compares
/// every total with that of a place which got the same at once.
async fn heal(
    name: &str,
    random: &mut Random,
    all: Vec<Sent>,
    late: &[Sent],
    place: impl Fn() -> (Home, [ChannelId; 2]),
) -> Home {
    let (home, channels) = place();
    let mut waves: [Vec<Sent>; 3] = Default::default();
    let mut silent = 0;
    for reading in all {
        if silent == 0 && random.below(60) == 0 {
            silent = random.below(150);
        }
        let wave = if silent > 0 { usize::try_from(1 + random.below(2)).unwrap() } else { 0 };
        silent = silent.saturating_sub(1);
        waves[wave].push(reading);
    }
    waves[1].extend(late);
    let mut known: Vec<Sent> = Vec::new();
    for (n, wave) in waves.iter().enumerate() {
        let mut shuffled = wave.clone();
        for i in (1..shuffled.len()).rev() {
            shuffled.swap(i, usize::try_from(random.below(i as u64 + 1)).unwrap());
        }
        for part in shuffled.chunks(100) {
            home.read_of(part.iter().map(|(meter, t, wh)| (channels[*meter], *t, *wh))).await;
        }
        known.extend(wave);
        known.sort_unstable();
        home.validate();
        let (fresh, channels) = place();
        fresh.read_of(known.iter().map(|(meter, t, wh)| (channels[*meter], *t, *wh))).await;
        fresh.validate();
        let (healed, computed) = (totals(&home, FROM, TO), totals(&fresh, FROM, TO));
        for (healed, computed) in healed.iter().zip(&computed) {
            assert_eq!(healed, computed, "{name}, wave {n}");
        }
        assert_eq!(healed.len(), computed.len(), "{name}, wave {n}: {healed:#?} {computed:#?}");
    }
    home
}

/// Over a day of 23 hours in London, and one of 24 and a half on Lord Howe.
fn zone_of(seed: u64) -> &'static str {
    ["America/Bahia", "Europe/London", "Australia/Lord_Howe"][usize::try_from(seed % 3).unwrap()]
}

/// Readings lost, late, out of order, between others and wrong for a moment: after each of them every
/// total is what a fresh computation over the same readings gives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_readings_heal_every_total() {
    for seed in 1..=6 {
        let mut random = Random(seed);
        let zone = zone_of(seed);
        let place = || {
            let home = Home::new(zone, NOW);
            let channels = [home.channel; 2];
            (home, channels)
        };
        let (start, end, glitch) = {
            let home = place().0;
            (home.at(FROM), home.at(TO), home.at("2026-04-01T10:02"))
        };
        let mut wh = 100_000;
        let mut all = Vec::new();
        let mut t = start;
        while t <= end {
            all.push((0, t, wh));
            wh += i64::try_from(random.below(400)).unwrap();
            t = t.plus(if random.below(10) == 0 { 600 } else { 900 });
        }
        let used = all.last().unwrap().2 - 100_000;
        let late: &[Sent] = if seed % 2 == 0 { &[(0, glitch, 50_000_000)] } else { &[] };
        let home = heal(&format!("seed {seed}, {zone}"), &mut random, all, late, place).await;
        let month = home.usage(FROM, TO, Step::Month);
        assert_eq!(month.total.energy, Some(Energy::from_wh(used)), "seed {seed}: conservation");
    }
}

/// What happens to a meter while its readings are lost and come late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// The dial begins again at zero.
    Reset,
    /// The dial passes its last digit, and it is known how many it has.
    Rollover,
    /// The same where that is not known.
    RolloverInferred,
    /// Another meter is put in its place, whose registers were written down.
    Exchange,
    /// The same after hours without a meter, and nobody wrote anything down.
    ExchangeWithGap,
    /// The source gives intervals.
    Intervals,
    /// And there is a dial beside them, read at midnight.
    IntervalsWithDial,
}

impl Life {
    const ALL: [Self; 7] = [
        Self::Reset,
        Self::Rollover,
        Self::RolloverInferred,
        Self::Exchange,
        Self::ExchangeWithGap,
        Self::Intervals,
        Self::IntervalsWithDial,
    ];

    /// When it happens, and when it is over.
    fn event(self, start: Timestamp, random: &mut Random) -> (Timestamp, Timestamp) {
        let at = start.plus(i64::try_from(300 + random.below(400)).unwrap() * 900 + 420);
        (at, at.plus(if self == Self::ExchangeWithGap { 5 * 3600 } else { 0 }))
    }

    fn place(self, zone: &str, (at, back): (Timestamp, Timestamp)) -> (Home, [ChannelId; 2]) {
        let quarters = NewChannel {
            kind: ChannelKind::Interval,
            interval_seconds: Some(900),
            ..NewChannel::import()
        };
        let intervals = matches!(self, Self::Intervals | Self::IntervalsWithDial);
        let channel = if intervals { quarters } else { NewChannel::import() };
        let home = Home::with(zone, NOW, 900, channel);
        if self == Self::Rollover {
            home.set_digits(4);
        }
        let second = match self {
            Self::Exchange | Self::ExchangeWithGap => home.exchange(at, back),
            Self::IntervalsWithDial => home.add_dial(),
            Self::Reset | Self::Rollover | Self::RolloverInferred | Self::Intervals => home.channel,
        };
        let channels = [home.channel, second];
        (home, channels)
    }

    /// What the meters say of a true use, which is known at each quarter of an hour from the start on.
    fn readings(
        self,
        start: Timestamp,
        (at, back): (Timestamp, Timestamp),
        truth: &[i64],
    ) -> Vec<Sent> {
        let used = |t: Timestamp| {
            let n = usize::try_from(t.since(start) / 900).unwrap();
            let next = truth.get(n + 1).unwrap_or(&truth[n]);
            truth[n] + (next - truth[n]) * (t.since(start) % 900) / 900
        };
        let mut all = Vec::new();
        for n in 0..truth.len() {
            let t = start.plus(i64::try_from(n).unwrap() * 900);
            let sent = match self {
                Self::Reset if t > at => Some((0, used(t) - used(at))),
                Self::Reset => Some((0, 100_000 + used(t))),
                Self::Rollover | Self::RolloverInferred => {
                    Some((0, (9_850_000 + used(t)) % 10_000_000))
                }
                Self::Exchange | Self::ExchangeWithGap if t >= back => {
                    Some((1, 1_000 + used(t) - used(back)))
                }
                Self::Exchange | Self::ExchangeWithGap => (t < at).then(|| (0, 100_000 + used(t))),
                Self::Intervals | Self::IntervalsWithDial => {
                    (n > 0).then(|| (0, truth[n] - truth[n - 1]))
                }
            };
            all.extend(sent.map(|(meter, wh)| (meter, t, wh)));
        }
        if self == Self::IntervalsWithDial {
            // By the first day's clock: over a switch it is read an hour off midnight.
            let nights = (0..truth.len()).step_by(96);
            all.extend(nights.map(|n| (1, start.plus(i64::try_from(n).unwrap() * 900), truth[n])));
            all.sort_by_key(|(meter, t, _)| (*t, *meter));
        }
        if self == Self::Exchange {
            all.extend([(0, at, 100_000 + used(at)), (1, back, 1_000)]);
            all.sort_by_key(|(meter, t, _)| (*t, *meter));
        }
        all
    }
}

/// The same through what happens to meters. Where their registers say all, every watt-hour is there in the end.
/// `CORRENTE_HEAL_LIVES` asks for more of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_readings_heal_every_total_of_a_meters_life() {
    let lives = std::env::var("CORRENTE_HEAL_LIVES").ok().and_then(|lives| lives.parse().ok());
    let lives = lives.unwrap_or(Life::ALL.len());
    for (seed, life) in (11..).zip(Life::ALL.into_iter().cycle().take(lives)) {
        let mut random = Random(seed);
        let zone = zone_of(seed / 2);
        let (start, end) = {
            let home = Home::new(zone, NOW);
            (home.at(FROM), home.at(TO))
        };
        let event = life.event(start, &mut random);
        let mut truth = vec![0];
        for _ in 0..end.since(start) / 900 {
            truth.push(truth.last().unwrap() + i64::try_from(random.below(400)).unwrap());
        }
        let all = life.readings(start, event, &truth);
        let place = || life.place(zone, event);
        let name = format!("seed {seed}, {life:?}, {zone}");
        let home = heal(&name, &mut random, all, &[], place).await;
        let total = home.usage(FROM, TO, Step::Month).total;
        match life {
            Life::Rollover
            | Life::RolloverInferred
            | Life::Exchange
            | Life::Intervals
            | Life::IntervalsWithDial => {
                let used = Some(Energy::from_wh(*truth.last().unwrap()));
                assert_eq!((total.energy, total.at_least), (used, false), "{name}: conservation");
            }
            // What is used at the reset, or while no meter stands there, is an estimate.
            Life::Reset | Life::ExchangeWithGap => assert!(total.energy.is_some(), "{name}"),
        }
    }
}
