//! How long a day of a city takes: `cargo run --release -p corrente-sim --example city_day [METERS]`.
//!
//! Registers every quarter hour with 1 % of the readings lost and a glitch here and there, all rules on,
//! on two threads.

use std::{thread, time::Instant};

use corrente_metering::{Calendar, ChannelId, ChannelKind, Reading, SourceQuality, Timestamp};
use corrente_units::Energy;
use corrente_vee::{MeterPeriod, PointHistory, RuleSet, validate};

fn history(number: u64, calendar: &Calendar) -> PointHistory {
    let day = calendar.day("2026-11-23".parse().unwrap_or_default());
    let mut meter =
        MeterPeriod::new(ChannelId::from_number(number), ChannelKind::Register, Timestamp::MIN);
    meter.interval_seconds = Some(900);
    meter.register_modulus_wh = Some(100_000_000);
    let mut state = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    let mut dial = i64::try_from(state >> 40).unwrap_or(0);
    for n in 0..=96 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let random = i64::try_from(state >> 33).unwrap_or(0);
        dial += random % 700;
        if random % 101 != 0 {
            let value = if random % 4001 == 0 { 0 } else { dial % 100_000_000 };
            let end = day.start.plus(n * 900);
            let value = Energy::from_wh(value);
            meter.readings.push(Reading { end, value, quality: SourceQuality::GOOD });
        }
    }
    let mut history = PointHistory::new(day, 900, calendar.clone());
    history.meters.push(meter);
    history
}

#[expect(clippy::print_stdout, reason = "a tool for a person at a terminal")]
fn main() {
    let meters: u64 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let calendar = Calendar::new("America/Bahia").unwrap_or_else(|_| Calendar::utc());
    let histories: Vec<PointHistory> = (1..=meters).map(|n| history(n, &calendar)).collect();
    let rules = RuleSet::standard();
    let started = Instant::now();
    let half = histories.len().div_ceil(2);
    let (intervals, findings) = thread::scope(|scope| {
        let threads: Vec<_> = histories
            .chunks(half.max(1))
            .map(|chunk| {
                let rules = &rules;
                scope.spawn(move || {
                    chunk
                        .iter()
                        .map(|h| validate(h, rules))
                        .fold((0, 0), |(i, f), (p, found)| (i + p.intervals.len(), f + found.len()))
                })
            })
            .collect();
        threads
            .into_iter()
            .filter_map(|t| t.join().ok())
            .fold((0, 0), |(a, b), (i, f)| (a + i, b + f))
    });
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{meters} meters, {intervals} intervals, {findings} findings: {seconds:.2} s on two threads"
    );
}
