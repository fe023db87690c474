//! Conservation over random lives of a meter.

use std::collections::BTreeMap;

use corrente_metering::{
    Calendar, ChannelId, ChannelKind, Quality, Reading, SourceQuality, Span, Timestamp,
};
use corrente_units::Energy;
use corrente_vee::{
    EventKind, MeterPeriod, MultiplierFrom, Outcome, OwnHistory, PointEvent, PointHistory, Ratio,
    RuleSet, run,
};
use proptest::prelude::*;

/// Steps of a dial: how many seconds later, by how many Wh, and what happens to the reading.
#[derive(Clone, Debug)]
struct Step {
    seconds: i64,
    wh: i64,
    fault: u8,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(
        (prop_oneof![5 => Just(900_i64), 1 => 1..20_000_i64], 0..6_000_i64, 0..40_u8)
            .prop_map(|(seconds, wh, fault)| Step { seconds, wh, fault }),
        2..150,
    )
}

fn history(
    zone: &str,
    steps: &[Step],
    modulus: Option<u32>,
    ratio: (i64, i64),
    own: bool,
) -> PointHistory {
    let calendar = Calendar::new(zone).unwrap();
    // Across the switch day of the northern zones and of Lord Howe.
    let start = calendar.midnight("2026-10-24".parse().unwrap());
    let channel = ChannelId::from_number(1);
    let mut meter = MeterPeriod::new(channel, ChannelKind::Register, start);
    meter.interval_seconds = Some(900);
    meter.register_modulus_wh = modulus.map(|digits| 10_i64.pow(digits));
    if ratio != (1, 1) {
        meter.multipliers = vec![
            MultiplierFrom { from: start, ratio: Ratio::new(ratio.0, ratio.1) },
            MultiplierFrom { from: start.plus(40_000), ratio: Ratio::new(3, 2) },
        ];
    }
    let (mut t, mut dial) = (start, 9_990_000_i64);
    for step in steps {
        t = t.plus(step.seconds);
        dial += step.wh;
        if let Some(modulus) = meter.register_modulus_wh {
            dial %= modulus;
        }
        let value = match step.fault {
            0 => continue,
            1 => 0,
            2 => dial + 70_000_000,
            3 => {
                dial = step.wh;
                dial
            }
            _ => dial,
        };
        let reading =
            Reading { end: t, value: Energy::from_wh(value), quality: SourceQuality::GOOD };
        meter.readings.push(reading);
        if step.fault == 4 {
            meter.readings.push(reading);
        }
    }
    let mut history = PointHistory::new(Span::new(start, t.plus(5_000)), 900, calendar.clone());
    history.meters.push(meter);
    if own {
        let past =
            PointHistory { span: Span::new(start.plus(-14 * 86_400), start), ..history.clone() };
        let mut profile = run(&past, &RuleSet::standard()).profile;
        for (n, interval) in profile.intervals.iter_mut().enumerate() {
            let wh = Energy::from_wh(i64::try_from(n % 96).unwrap());
            *interval = corrente_metering::Interval::known(interval.span(), wh, Quality::Measured);
        }
        history.own = Some(OwnHistory::from_profile(&profile, &calendar));
    }
    history
}

/// Σ intervals = register difference, for every pair of good registers that lie on the grid.
fn conserved(history: &PointHistory, outcome: &Outcome) -> Result<(), TestCaseError> {
    let mut until = BTreeMap::from([(history.span.start, Some(0_i64))]);
    let mut sum = Some(0_i64);
    // Where something is missing the running sum ends: no pair may reach over it.
    let mut known_since = history.span.start;
    let mut since = BTreeMap::new();
    for interval in &outcome.profile.intervals {
        match interval.energy() {
            Some(wh) => sum = sum.map(|s| s + wh.wh()),
            None => known_since = interval.span().end,
        }
        until.insert(interval.span().end, sum);
        since.insert(interval.span().end, known_since);
    }
    for segment in &outcome.segments {
        let on_grid: Vec<_> = segment.iter().filter(|r| until.contains_key(&r.at)).collect();
        for pair in on_grid.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            prop_assert!(since[&b.at] <= a.at, "missing between two good registers: {a:?} {b:?}");
            let intervals = until[&b.at].unwrap() - until[&a.at].unwrap();
            prop_assert_eq!(intervals, b.total.wh() - a.total.wh());
        }
    }
    Ok(())
}

/// Missing is never zero, an energy is never negative, and the grid has no holes.
fn well_formed(history: &PointHistory, outcome: &Outcome) -> Result<(), TestCaseError> {
    let mut at = history.span.start;
    for interval in &outcome.profile.intervals {
        prop_assert_eq!(interval.span().start, at);
        at = interval.span().end;
        prop_assert_eq!(interval.energy().is_none(), interval.quality() == Quality::Missing);
        prop_assert!(interval.energy().is_none_or(|e| e.wh() >= 0));
    }
    prop_assert_eq!(at, history.span.end);
    let listed: i64 = outcome
        .findings
        .iter()
        .filter(|f| f.rule == corrente_vee::Rule::Missing)
        .map(|f| f.span.seconds())
        .sum();
    let missing: i64 = outcome
        .profile
        .intervals
        .iter()
        .filter(|i| i.energy().is_none())
        .map(|i| i.span().seconds())
        .sum();
    prop_assert_eq!(listed, missing, "every missing interval is in a listed gap");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_intervals_add_up_to_the_register(
        steps in steps(),
        zone in prop_oneof!["Europe/London", "Australia/Lord_Howe", "America/Bahia", "Asia/Kolkata"],
        digits in proptest::option::of(7..9_u32),
        ratio in prop_oneof![Just((1, 1)), Just((40, 1)), Just((7, 3))],
        own in any::<bool>(),
        off in proptest::option::of((0..100_000_i64, 0..50_000_i64)),
    ) {
        let mut history = history(&zone, &steps, digits, ratio, own);
        if let Some((from, seconds)) = off {
            let at = history.span.start.plus(from);
            history.events.push(PointEvent { at, kind: EventKind::Disconnected });
            let at = at.plus(seconds);
            history.events.push(PointEvent { at, kind: EventKind::Reconnected });
        }
        let outcome = run(&history, &RuleSet::standard());
        well_formed(&history, &outcome)?;
        conserved(&history, &outcome)?;
        // Without estimators nothing is invented, and what the registers close is still closed.
        let mut bare = RuleSet::standard();
        bare.parameters.estimators.clear();
        let outcome = run(&history, &bare);
        well_formed(&history, &outcome)?;
        conserved(&history, &outcome)?;
    }

    #[test]
    fn the_order_of_arrival_does_not_matter(steps in steps(), seed in any::<u64>()) {
        let mut history = history("America/Bahia", &steps, Some(8), (1, 1), false);
        let before = run(&history, &RuleSet::standard());
        let mut state = seed | 1;
        history.meters[0].readings.sort_by_cached_key(|r| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33, r.end)
        });
        let after = run(&history, &RuleSet::standard());
        prop_assert_eq!(before.profile, after.profile);
        prop_assert_eq!(before.segments, after.segments);
    }

    #[test]
    fn late_readings_heal_to_what_a_fresh_run_gives(steps in steps(), late in 1..150_usize) {
        // Nothing is remembered between runs, so healing is this: more readings, another run.
        let full = history("Europe/London", &steps, None, (1, 1), false);
        let mut part = full.clone();
        let readings = &mut part.meters[0].readings;
        let cut = late.min(readings.len());
        let mut held: Vec<Reading> = readings.drain(..cut).collect();
        run(&part, &RuleSet::standard());
        part.meters[0].readings.append(&mut held);
        prop_assert_eq!(run(&part, &RuleSet::standard()), run(&full, &RuleSet::standard()));
    }

    #[test]
    fn no_input_makes_it_panic(
        readings in proptest::collection::vec((any::<i64>(), any::<i64>(), any::<u8>()), 0..40),
        kind in prop_oneof![Just(ChannelKind::Register), Just(ChannelKind::Interval)],
        numbers in any::<(i64, i64, i64, i64)>(),
    ) {
        let t = |s: i64| Timestamp::from_second(s % 400_000);
        let calendar = Calendar::new("Europe/London").unwrap();
        let mut history = PointHistory::new(Span::new(t(numbers.0), t(numbers.1)), 900, calendar);
        let mut meter = MeterPeriod::new(ChannelId::from_number(1), kind, t(numbers.2));
        meter.interval_seconds = Some(numbers.3);
        meter.register_modulus_wh = Some(numbers.0);
        meter.multipliers.push(MultiplierFrom { from: t(1), ratio: Ratio::new(numbers.1, numbers.2) });
        for (s, wh, quality) in readings {
            let (end, value) = (t(s), Energy::from_wh(wh));
            meter.readings.push(Reading { end, value, quality: SourceQuality(quality) });
            meter.registers.push(Reading { end: end.plus(7), value, quality: SourceQuality(0) });
        }
        history.meters.push(meter);
        run(&history, &RuleSet::standard());
    }
}
