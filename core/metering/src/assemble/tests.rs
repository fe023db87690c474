use proptest::prelude::*;

use super::*;

const HOUR: i64 = 3600;

fn t(second: i64) -> Timestamp {
    Timestamp::from_second(second)
}

/// "hour:wh" pairs; a trailing `e` is the source's own estimate.
fn readings(text: &str) -> Vec<Reading> {
    text.split_whitespace()
        .map(|word| {
            let (hour, value) = word.split_once(':').unwrap();
            let (value, quality) = match value.strip_suffix('e') {
                Some(value) => (value, SourceQuality::ESTIMATED),
                None => (value, SourceQuality::GOOD),
            };
            let hour: f64 = hour.parse().unwrap();
            #[expect(clippy::cast_possible_truncation, reason = "whole seconds of a test table")]
            let end = t((hour * 3600.0) as i64);
            Reading { end, value: Energy::from_wh(value.parse().unwrap()), quality }
        })
        .collect()
}

fn register(text: &str) -> ChannelPart {
    ChannelPart {
        kind: ChannelKind::Register,
        service: Span::new(t(0), Timestamp::MAX),
        readings: readings(text),
        max_gap_seconds: 2 * HOUR,
        interval_seconds: None,
        rolls_over_at: Some(Energy::from_wh(1_000_000)),
        power_max: None,
    }
}

fn interval(text: &str) -> ChannelPart {
    ChannelPart {
        kind: ChannelKind::Interval,
        interval_seconds: NonZeroI64::new(HOUR / 2),
        ..register(text)
    }
}

fn until(part: ChannelPart, hour: i64) -> ChannelPart {
    ChannelPart { service: Span::new(part.service.start, t(hour * HOUR)), ..part }
}

fn from(part: ChannelPart, hour: i64) -> ChannelPart {
    ChannelPart { service: Span::new(t(hour * HOUR), part.service.end), ..part }
}

fn show(piece: &Piece) -> String {
    let quality = match piece.quality {
        Quality::Measured => "measured",
        Quality::Estimated { method: EstimationMethod::BySource } => "by source",
        Quality::Estimated { .. } => "estimated",
        Quality::Edited => "edited",
        Quality::Missing => "missing",
    };
    match piece.energy {
        Some(e) if piece.missing_seconds > 0 => {
            format!("≥{} {quality}, {} min missing", e.wh(), piece.missing_seconds / 60)
        }
        Some(e) => format!("{} {quality}", e.wh()),
        None => quality.to_owned(),
    }
}

fn check(meters: &[Vec<ChannelPart>], hours: &[i64], expected: &[&str]) {
    let boundaries: Vec<_> = hours.iter().map(|h| t(h * HOUR)).collect();
    let pieces = assemble(meters, &boundaries).unwrap();
    assert_eq!(pieces.iter().map(show).collect::<Vec<_>>(), expected);
}

#[test]
fn a_register_telescopes_between_any_boundaries() {
    let meter = || vec![vec![register("0:100 2:103 4:203")]];
    check(&meter(), &[0, 2, 4], &["3 measured", "100 measured"]);
    check(&meter(), &[0, 1, 2, 3, 4], &["1 measured", "2 measured", "50 measured", "50 measured"]);
    check(&meter(), &[0, 3, 4], &["53 measured", "50 measured"]);
}

#[test]
fn nothing_is_known_before_the_first_and_after_the_last_register() {
    check(
        &[vec![register("1.5:100 2:150 3:250")]],
        &[0, 1, 2, 3, 4],
        &["missing", "≥50 measured, 30 min missing", "100 measured", "missing"],
    );
}

#[test]
fn a_gap_of_a_register_is_estimated_inside_and_measured_over_all_of_it() {
    let meter = || vec![vec![register("0:0 1:10 6:60 7:70")]];
    check(
        &meter(),
        &[0, 1, 2, 6, 7],
        &["10 measured", "10 estimated", "40 estimated", "10 measured"],
    );
    check(&meter(), &[0, 7], &["70 measured"]);
}

#[test]
fn a_counter_turns_over_or_is_reset() {
    check(&[vec![register("0:999990 1:20 2:30")]], &[0, 1, 2], &["30 measured", "10 measured"]);
    check(
        &[vec![register("0:500 1:600 2:5 3:25")]],
        &[0, 1, 2, 3],
        &["100 measured", "missing", "20 measured"],
    );
    check(&[vec![register("0:500 1:600 2:5 3:25")]], &[0, 3], &["≥120 measured, 60 min missing"]);
    // The way over the end is the short one, but 400 kWh do not flow in an hour; in seven they could.
    let reset = "0:599500 1:600000 2:0 3:500";
    check(&[vec![register(reset)]], &[0, 1, 2, 3], &["500 measured", "missing", "500 measured"]);
    check(&[vec![register("0:600000 7:0")]], &[0, 7], &["400000 measured"]);
    let strong = ChannelPart { power_max: Some(Power::from_w(400_000)), ..register(reset) };
    check(&[vec![strong]], &[0, 3], &["401000 measured"]);
}

#[test]
fn an_exchange_joins_two_meters_and_counts_neither_twice() {
    check(
        &[
            vec![until(register("0:900 1:950 2:990 3:5000"), 2)],
            vec![from(register("1:77 2:10 3:30"), 2)],
        ],
        &[0, 1, 2, 3],
        &["50 measured", "40 measured", "20 measured"],
    );
    check(
        &[vec![until(register("0:900 1:950"), 2)], vec![from(register("2:10 3:30"), 2)]],
        &[0, 3],
        &["≥70 measured, 60 min missing"],
    );
}

#[test]
fn tariff_registers_of_one_meter_count_side_by_side() {
    check(
        &[vec![register("0:0 1:10 2:10"), register("0:50 1:50 2:57")]],
        &[0, 1, 2],
        &["10 measured", "7 measured"],
    );
}

#[test]
fn intervals_count_where_they_end_and_gaps_are_missing() {
    check(
        &[vec![interval("0.5:10 1:20 1.5:30 3:5e 3.5:0 4:0")]],
        &[0, 1, 2, 3, 4, 5],
        &[
            "30 measured",
            "≥30 measured, 30 min missing",
            "≥5 by source, 30 min missing",
            "0 measured",
            "missing",
        ],
    );
    // Steps of the source that straddle the boundaries are not lost, and not called missing.
    check(
        &[vec![interval("0.25:1 0.75:2 1.25:4 1.75:8 2.25:16")]],
        &[0, 1, 2],
        &["3 measured", "12 measured"],
    );
}

#[test]
fn the_source_without_a_declared_step_is_looked_at() {
    let part = ChannelPart { interval_seconds: None, ..interval("0.5:1 1:1 1.5:1 2:1 4:1") };
    check(&[vec![part]], &[0, 2, 4], &["4 measured", "≥1 measured, 90 min missing"]);
}

#[test]
fn a_total_adds_what_is_known_and_what_is_missing() {
    let pieces =
        assemble(&[vec![interval("0.5:10 1:20 1.5:30")]], &[t(0), t(HOUR), t(2 * HOUR)]).unwrap();
    assert_eq!(show(&total(&pieces).unwrap().unwrap()), "≥60 measured, 30 min missing");
    assert_eq!(total(&[]).unwrap(), None);
}

fn rising() -> impl Strategy<Value = Vec<Reading>> {
    prop::collection::vec((1_i64..50_000, 0_i64..100_000), 2..60).prop_map(|steps| {
        let (mut at, mut value) = (0, 0);
        steps
            .into_iter()
            .map(|(seconds, wh)| {
                at += seconds;
                value += wh;
                Reading { end: t(at), value: Energy::from_wh(value), quality: SourceQuality::GOOD }
            })
            .collect()
    })
}

/// A counter of 1,000 kWh that now and then is set to something else or passes its end.
fn with_falls() -> impl Strategy<Value = Vec<Reading>> {
    let step = (1_i64..50_000, 0_i64..100_000, prop::option::weighted(0.1, 0_i64..1_000_000));
    prop::collection::vec(step, 2..60).prop_map(|steps| {
        let (mut at, mut value) = (0, 0);
        steps
            .into_iter()
            .map(|(seconds, wh, set)| {
                at += seconds;
                value = set.unwrap_or(value + wh).rem_euclid(1_000_000);
                Reading { end: t(at), value: Energy::from_wh(value), quality: SourceQuality::GOOD }
            })
            .collect()
    })
}

fn boundaries_of(span: Span, cuts: Vec<i64>) -> Vec<Timestamp> {
    let mut all: Vec<_> = cuts
        .into_iter()
        .map(|c| span.start.plus(c.rem_euclid(span.seconds().max(1))))
        .chain([span.start, span.end])
        .collect();
    all.sort();
    all.dedup();
    all
}

proptest! {
    #[test]
    fn intervals_sum_to_the_difference_of_the_registers(
        readings in rising(),
        cuts in prop::collection::vec(any::<i64>(), 0..40),
    ) {
        let (first, last) = (readings[0], readings[readings.len() - 1]);
        let boundaries = boundaries_of(Span::new(first.end, last.end), cuts);
        let part = ChannelPart { readings, ..register("") };
        let pieces = assemble(&[vec![part]], &boundaries).unwrap();
        let sum = total(&pieces).unwrap().unwrap();
        prop_assert_eq!(sum.energy, Some(last.value.checked_sub(first.value).unwrap()));
        prop_assert_eq!(sum.missing_seconds, 0);
        prop_assert!(pieces.iter().all(|p| p.energy.unwrap() >= Energy::ZERO));
    }

    #[test]
    fn neighbours_of_the_boundaries_are_enough(
        readings in with_falls(),
        cuts in prop::collection::vec(any::<i64>(), 0..10),
    ) {
        let span = Span::new(readings[0].end, readings[readings.len() - 1].end);
        let boundaries = boundaries_of(span, cuts);
        let mut few: Vec<Reading> = boundaries
            .iter()
            .flat_map(|b| {
                let left = readings.iter().rev().find(|r| r.end <= *b);
                let right = readings.iter().find(|r| r.end >= *b);
                left.into_iter().chain(right).copied()
            })
            .collect();
        // And those around each fall, which the ledger names.
        for pair in readings.windows(2).filter(|pair| pair[1].value < pair[0].value) {
            few.extend(pair);
        }
        few.sort();
        few.dedup();
        let all = assemble(&[vec![ChannelPart { readings, ..register("") }]], &boundaries).unwrap();
        let sparse =
            assemble(&[vec![ChannelPart { readings: few, ..register("") }]], &boundaries).unwrap();
        prop_assert_eq!(all, sparse);
    }

    #[test]
    fn no_interval_is_lost_and_a_gap_is_never_zero(
        values in prop::collection::vec(prop::option::of(0_i64..5_000), 1..200),
        cuts in prop::collection::vec(any::<i64>(), 0..20),
    ) {
        let readings: Vec<Reading> = values
            .iter()
            .zip(1_i64..)
            .filter_map(|(value, n)| {
                Some(Reading {
                    end: t(n * HOUR / 2),
                    value: Energy::from_wh((*value)?),
                    quality: SourceQuality::GOOD,
                })
            })
            .collect();
        let end = t(i64::try_from(values.len()).unwrap() * HOUR / 2);
        let boundaries = boundaries_of(Span::new(t(0), end), cuts);
        let part = ChannelPart { readings: readings.clone(), ..interval("") };
        let pieces = assemble(&[vec![part]], &boundaries).unwrap();
        let sum = Energy::sum(readings.iter().map(|r| r.value)).unwrap();
        let known = Energy::sum(pieces.iter().filter_map(|p| p.energy)).unwrap();
        prop_assert_eq!(known, sum);
        for piece in &pieces {
            let any = readings.iter().any(|r| piece.span.contains(r.end));
            prop_assert_eq!(piece.energy.is_some(), any);
        }
    }
}
