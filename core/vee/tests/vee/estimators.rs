//! What each estimator makes of a gap, and when it declines.

use corrente_metering::{
    Calendar, Interval, LoadProfile, Quality, Reading, SourceQuality, Span, Timestamp,
};
use corrente_units::Energy;
use corrente_vee::{Estimator, prorate, register_from_intervals, scalar_spread, subtract};

use crate::fixture::read;

/// The estimators of which the tests below show what they do and when they do not.
pub(crate) const HAS_CASES: &[Estimator] = &[
    Estimator::ScalarSpread,
    Estimator::Gap,
    Estimator::LinearInterpolation,
    Estimator::Averaging,
    Estimator::OwnProfile,
    Estimator::ProxyDay,
    Estimator::ClassProfile,
    Estimator::Subtraction,
    Estimator::RegisterFromInterval,
    Estimator::Proration,
    Estimator::PersonEdit,
];

fn check(text: &str, lines: &[&str]) {
    let fixture = read(text);
    let printed = fixture.print(&fixture.run());
    assert_eq!(printed.lines().collect::<Vec<_>>(), lines, "{text}\n{printed}");
}

#[test]
fn a_register_difference_is_spread_evenly_without_a_profile_and_by_it_with_one() {
    let gap = "span 0:00 4:00\nmeter 1 register\n 0:00 5000\n 4:00 6001";
    check(
        gap,
        &[
            "00:00 to 01:00: 251 Wh, estimated by RegisterDifference",
            "01:00 to 04:00: 3 times 250 Wh, estimated by RegisterDifference",
            "estimate gap 00:00 to 04:00: 1001 Wh",
        ],
    );
    check(
        &format!("own 14 100*2,300*22\n{gap}"),
        &[
            "00:00 to 02:00: 2 times 125 Wh, estimated by RegisterDifferenceByProfile",
            "02:00 to 03:00: 376 Wh, estimated by RegisterDifferenceByProfile",
            "03:00 to 04:00: 375 Wh, estimated by RegisterDifferenceByProfile",
            "estimate scalar_spread 00:00 to 04:00: 1001 Wh",
        ],
    );
    // Nothing flows while the point is disconnected.
    check(
        &format!("off 1:00\non 3:00\n{gap}"),
        &[
            "00:00 to 01:00: 501 Wh, estimated by RegisterDifference",
            "01:00 to 03:00: 2 times 0 Wh, estimated by RegisterDifference",
            "03:00 to 04:00: 500 Wh, estimated by RegisterDifference",
            "estimate gap 00:00 to 04:00: 1001 Wh",
        ],
    );
}

#[test]
fn interpolation_draws_a_line_through_a_short_gap_and_declines_a_long_one() {
    let text = |hours: i64| {
        let after = 1 + hours + 1;
        format!(
            "span 0:00 {after}:00\nset estimators = [\"linear_interpolation\"]\n\
             meter 1 interval every 1h\n 1:00 100\n {after}:00 400"
        )
    };
    check(
        &text(2),
        &[
            "00:00 to 01:00: 100 Wh, measured",
            "01:00 to 02:00: 200 Wh, estimated by LinearInterpolation",
            "02:00 to 03:00: 300 Wh, estimated by LinearInterpolation",
            "03:00 to 04:00: 400 Wh, measured",
            "estimate linear_interpolation 01:00 to 03:00: 500 Wh",
        ],
    );
    check(
        &text(3),
        &[
            "00:00 to 01:00: 100 Wh, measured",
            "01:00 to 04:00: 3 times missing",
            "04:00 to 05:00: 400 Wh, measured",
            "error missing 01:00 to 04:00: 3 intervals missing, at least 0 Wh in them",
        ],
    );
}

#[test]
fn the_own_past_fills_a_gap_by_mean_days_by_one_day_or_by_the_mean_week() {
    for (estimator, name, method) in [
        ("averaging", "averaging", "OwnAverage"),
        ("proxy_day", "proxy_day", "ProxyDay"),
        ("own_profile", "own_profile", "OwnAverage"),
    ] {
        let text = |past: &str| {
            format!(
                "span 0:00 4:00\nset estimators = [\"{estimator}\"]\n{past}\n\
                 meter 1 interval every 1h\n 1:00 90\n 4:00 90"
            )
        };
        check(
            &text("own 14 100*2,300*22"),
            &[
                "00:00 to 01:00: 90 Wh, measured",
                &format!("01:00 to 02:00: 100 Wh, estimated by {method}"),
                &format!("02:00 to 03:00: 300 Wh, estimated by {method}"),
                "03:00 to 04:00: 90 Wh, measured",
                &format!("estimate {name} 01:00 to 03:00: 400 Wh"),
            ],
        );
        // Without a past they have nothing to say.
        let alone = read(&text("")).run();
        assert_eq!(alone.profile.missing_count(), 2, "{name}");
    }
}

#[test]
fn the_class_gives_the_shape_and_the_point_the_size() {
    let text = |past: &str, class: &str| {
        format!(
            "span 0:00 4:00\nset estimators = [\"class_profile\"]\n{past}\n{class}\n\
             meter 1 interval every 1h\n 1:00 90\n 4:00 90"
        )
    };
    let class = "class 2400 1*12,3*12";
    let filled = |text: &str| -> Vec<Option<i64>> {
        read(text).run().profile.intervals.iter().map(|i| i.energy().map(Energy::wh)).collect()
    };
    // 2,400 Wh a day by the class, 50 Wh in each hour of the first half.
    assert_eq!(filled(&text("", class)), [Some(90), Some(50), Some(50), Some(90)]);
    // The point uses twice as much.
    assert_eq!(filled(&text("own 7 200*24", class)), [Some(90), Some(100), Some(100), Some(90)]);
    assert_eq!(filled(&text("", "")), [Some(90), None, None, Some(90)]);
}

#[test]
fn subtraction_takes_the_other_parts_from_the_whole() {
    let text = |beside: &str| {
        format!(
            "span 0:00 4:00\nset estimators = [\"subtraction\"]\n\
             sibling whole feeder 0:00 4:00 1h 500\nsibling beside shop 0:00 4:00 1h {beside}\n\
             meter 1 interval every 1h\n 1:00 90\n 4:00 90"
        )
    };
    let filled = |text: &str| -> Vec<Option<i64>> {
        read(text).run().profile.intervals.iter().map(|i| i.energy().map(Energy::wh)).collect()
    };
    assert_eq!(filled(&text("380")), [Some(90), Some(120), Some(120), Some(90)]);
    // More than the whole: somebody's figure is wrong, so nothing is estimated from it.
    assert_eq!(filled(&text("501")), [Some(90), None, None, Some(90)]);
    assert_eq!(filled(&text("missing")), [Some(90), None, None, Some(90)]);
}

#[test]
fn a_persons_edit_stands_and_the_rest_of_the_register_difference_goes_around_it() {
    check(
        "span 0:00 4:00\nmeter 1 register\n 0:00 5000\n 4:00 6000\nedit 1:00 2:00 700 ana oven was on",
        &[
            "00:00 to 01:00: 100 Wh, estimated by RegisterDifference",
            "01:00 to 02:00: 700 Wh, edited",
            "02:00 to 04:00: 2 times 100 Wh, estimated by RegisterDifference",
            "estimate gap 00:00 to 04:00: 1000 Wh",
            "estimate person_edit 01:00 to 02:00: 700 Wh",
        ],
    );
    // Against a measurement it stands as well, and the difference is a finding.
    check(
        "span 0:00 2:00\nmeter 1 register\n 0:00 5000\n 1:00 5300\n 2:00 5600\nedit 1:00 2:00 200 ana test load",
        &[
            "00:00 to 01:00: 300 Wh, measured",
            "01:00 to 02:00: 200 Wh, edited",
            "estimate person_edit 01:00 to 02:00: 200 Wh",
            "warning sum_check 01:00 to 02:00: the registers differ by 300 Wh, the intervals with the edit add up to 200 Wh",
        ],
    );
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second)
}

fn register(second: i64, wh: i64) -> Reading {
    Reading { end: at(second), value: Energy::from_wh(wh), quality: SourceQuality::GOOD }
}

fn profile(energies: &[Option<i64>]) -> LoadProfile {
    let intervals = energies
        .iter()
        .zip(0_i64..)
        .map(|(wh, n)| {
            let span = Span::new(at(n * 900), at((n + 1) * 900));
            wh.map_or(Interval::missing(span), |wh| {
                Interval::known(span, Energy::from_wh(wh), Quality::Measured)
            })
        })
        .collect();
    LoadProfile { intervals }
}

#[test]
fn a_register_follows_from_intervals_only_when_none_is_missing() {
    let next = register_from_intervals(register(0, 5000), &profile(&[Some(10), Some(0), Some(7)]));
    assert_eq!(next, Some(register(2700, 5017)));
    assert_eq!(register_from_intervals(register(0, 5000), &profile(&[Some(10), None])), None);
    assert_eq!(register_from_intervals(register(900, 5000), &profile(&[Some(10)])), None);
}

#[test]
fn proration_cuts_a_register_difference_at_an_instant() {
    let calendar = Calendar::new("America/Bahia").unwrap();
    let (november, december) = ("2026-11-20".parse().unwrap(), "2026-12-10".parse().unwrap());
    let first = Reading { end: calendar.midnight(november), ..register(0, 40_000) };
    let last = Reading { end: calendar.midnight(december), ..register(0, 240_000) };
    let month = calendar.midnight("2026-12-01".parse().unwrap());
    let cut = prorate(first, last, month, Span::seconds).unwrap();
    assert_eq!((cut.end, cut.value.wh(), cut.quality), (month, 150_000, SourceQuality::ESTIMATED));
    assert_eq!(prorate(first, last, last.end.plus(1), Span::seconds), None);
}

#[test]
fn the_standalone_estimators_keep_the_sum() {
    let spans: Vec<Span> = profile(&[None; 4]).intervals.iter().map(Interval::span).collect();
    let spread = scalar_spread(register(0, 5000), register(3600, 5010), &spans, &[1, 1, 1, 4]);
    let energies: Vec<i64> =
        spread.unwrap().intervals.iter().filter_map(|i| i.energy().map(Energy::wh)).collect();
    assert_eq!(energies, [2, 1, 1, 6]);
    let rest = subtract(
        &profile(&[Some(10), Some(10), None, Some(1)]),
        &[&profile(&[Some(4), None, Some(1), Some(2)])],
    );
    let energies: Vec<Option<i64>> =
        rest.intervals.iter().map(|i| i.energy().map(Energy::wh)).collect();
    assert_eq!(energies, [Some(6), None, None, None]);
}
