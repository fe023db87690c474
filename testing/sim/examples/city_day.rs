//! How long a day of a city takes: `cargo run --release -p corrente-sim --example city_day [METERS]`.
//!
//! Registers every quarter hour with 1 % of the readings lost and a glitch here and there, each with its
//! own past of four weeks, all rules on, on two threads. Timed are making the past into a yardstick, and
//! the validation; not what happens in ledger and registry.

use std::{
    thread,
    time::{Duration, Instant},
};

use corrente_metering::{
    Calendar, ChannelId, ChannelKind, Interval, LoadProfile, Quality, Reading, SourceQuality, Span,
    Timestamp,
};
use corrente_units::Energy;
use corrente_vee::{MeterPeriod, OwnHistory, PointHistory, RuleSet, validate};

/// Days of the own past, in hours.
const PAST_HOURS: i64 = 28 * 24;
/// So many meters are in memory at a time.
const AT_ONCE: usize = 1_000;

/// A stream of small numbers.
struct Random(u64);

impl Random {
    fn next(&mut self) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        i64::try_from(self.0 >> 33).unwrap_or(0)
    }
}

fn history(number: u64, calendar: &Calendar) -> (PointHistory, LoadProfile) {
    let day = calendar.day("2026-11-23".parse().unwrap_or_default());
    let mut meter =
        MeterPeriod::new(ChannelId::from_number(number), ChannelKind::Register, Timestamp::MIN);
    meter.interval_seconds = Some(900);
    meter.register_modulus_wh = Some(100_000_000);
    let mut random = Random(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    let mut dial = random.next() % 100_000_000;
    for n in 0..=96 {
        dial += random.next() % 700;
        if random.next() % 101 != 0 {
            let value = if random.next() % 4001 == 0 { 0 } else { dial % 100_000_000 };
            let end = day.start.plus(n * 900);
            let value = Energy::from_wh(value);
            meter.readings.push(Reading { end, value, quality: SourceQuality::GOOD });
        }
    }
    let past = (0..PAST_HOURS).map(|hour| {
        let start = day.start.plus((hour - PAST_HOURS) * 3600);
        let energy = Energy::from_wh(random.next() % 2_800);
        Interval::known(Span::new(start, start.plus(3600)), energy, Quality::Measured)
    });
    let past = LoadProfile { intervals: past.collect() };
    let mut history = PointHistory::new(day, 900, calendar.clone());
    history.meters.push(meter);
    (history, past)
}

/// What a thread did, and in how much time.
#[derive(Default)]
struct Done {
    intervals: usize,
    findings: usize,
    past: Duration,
    validation: Duration,
}

fn work(meters: std::ops::Range<u64>, calendar: &Calendar, rules: &RuleSet) -> Done {
    let mut done = Done::default();
    let numbers: Vec<u64> = meters.collect();
    for chunk in numbers.chunks(AT_ONCE) {
        let mut histories: Vec<_> = chunk.iter().map(|n| history(*n, calendar)).collect();
        let started = Instant::now();
        for (history, past) in &mut histories {
            history.own = Some(OwnHistory::from_profile(past, calendar));
        }
        done.past += started.elapsed();
        let started = Instant::now();
        for (history, _) in &histories {
            let (profile, findings) = validate(history, rules);
            done.intervals += profile.intervals.len();
            done.findings += findings.len();
        }
        done.validation += started.elapsed();
    }
    done
}

#[expect(clippy::print_stdout, reason = "a tool for a person at a terminal")]
fn main() {
    let meters: u64 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let calendar = Calendar::new("America/Bahia").unwrap_or_else(|_| Calendar::utc());
    let rules = RuleSet::standard();
    let half = meters / 2;
    let (a, b) = thread::scope(|scope| {
        let other = scope.spawn(|| work(0..half, &calendar, &rules));
        let own = work(half..meters, &calendar, &rules);
        (own, other.join().unwrap_or_default())
    });
    let seconds = |a: Duration, b: Duration| a.max(b).as_secs_f64();
    println!(
        "{meters} meters, {} intervals, {} findings: validation {:.2} s, their own past {:.2} s, on two threads",
        a.intervals + b.intervals,
        a.findings + b.findings,
        seconds(a.validation, b.validation),
        seconds(a.past, b.past),
    );
}
