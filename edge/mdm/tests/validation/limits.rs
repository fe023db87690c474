//! What a connection carries: strong meters are believed, wild values are not.

use corrente_mdm::Step;
use corrente_metering::{ChannelKind, Timestamp};
use corrente_registry::meters::NewChannel;
use corrente_units::Energy;

use crate::home::{Home, shown};

const NOW: &str = "2026-03-20T12:00";

fn half_hours() -> NewChannel {
    NewChannel { kind: ChannelKind::Interval, interval_seconds: Some(1800), ..NewChannel::import() }
}

/// Quarters from one instant to another, `wh` apart on the dial.
fn dial(home: &Home, from: &str, to: &str, wh: i64) -> Vec<(Timestamp, i64)> {
    let (from, to) = (home.at(from), home.at(to));
    (0..=to.since(from) / 900).map(|n| (from.plus(n * 900), 5_000_000 + n * wh)).collect()
}

/// A workshop of 200 kW: nobody has entered its limit, so nothing of it is called impossible.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_register_of_200_kw_is_believed_and_its_limit_asked_for() {
    let home = Home::new("America/Bahia", NOW);
    home.read(dial(&home, "2026-03-10T00:00", "2026-03-16T00:00", 50_000)).await;
    let done = home.validate();
    assert_eq!(done.versions, 0, "it is as it was read: {done:?}");
    for step in [Step::Quarter, Step::Hour, Step::Day, Step::Month] {
        let total = home.total("2026-03-10T00:00", "2026-03-16T00:00", step);
        assert_eq!(total, (Some(6 * 96 * 50_000), false), "{step:?}");
    }
    assert_eq!(home.found("register_glitch"), []);
    // Asked on the first day; then the point's own past says it.
    let asked = home.found("high_low");
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0].document["suggestion"]["kind"], "enter_power_limit");
    home.set_power_limit(Some(250_000));
    home.validate();
    assert_eq!(home.found("high_low"), [], "it is entered");
}

/// Behind transformers of 200/5 the dial shows a fortieth.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_meter_behind_transformers_is_believed() {
    let home = Home::new("America/Bahia", NOW);
    home.multiply("2026-01-01T00:00", 200, 5);
    home.read(dial(&home, "2026-03-10T00:00", "2026-03-16T00:00", 1000)).await;
    home.validate();
    for step in [Step::Hour, Step::Day] {
        let total = home.total("2026-03-10T00:00", "2026-03-16T00:00", step);
        assert_eq!(total, (Some(6 * 96 * 40_000), false), "{step:?}");
    }
    assert_eq!(home.found("register_glitch"), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strong_intervals_are_believed_and_one_wild_one_is_not() {
    let home = Home::with("America/Bahia", NOW, 1800, half_hours());
    let start = home.at("2026-03-01T00:00");
    // 150 kW by day, 20 kW by night.
    let value = |n: i64| if (16..36).contains(&(n % 48)) { 75_000 } else { 10_000 };
    let truth: i64 = (0..12 * 48).map(value).sum();
    let wild = home.at("2026-03-08T10:30");
    let ends = (0..12 * 48).map(|n| (start.plus((n + 1) * 1800), value(n)));
    home.read(ends.map(|(t, wh)| (t, if t == wild { 655_350_000 } else { wh }))).await;
    home.validate();
    let (total, at_least) = home.total("2026-03-01T00:00", "2026-03-13T00:00", Step::Day);
    assert_eq!((total, at_least), (Some(truth), false), "the wild one is estimated");
    let profile = shown(&home.profile("2026-03-08", None));
    assert_eq!(profile[1], "estimated by linear_interpolation 75000 Wh until 10:30", "{profile:?}");
    assert_eq!(home.found("high_low").iter().filter(|f| f.from == wild.plus(-1800)).count(), 1);
}

/// Nobody said that the meter was exchanged: the dial goes on from another level.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dial_that_jumped_is_not_energy_also_where_no_limit_is_known() {
    let home = Home::new("America/Bahia", NOW);
    let jump = home.at("2026-03-13T10:00");
    let readings = dial(&home, "2026-03-10T00:00", "2026-03-16T00:00", 100);
    home.read(readings.into_iter().map(|(t, wh)| (t, if t > jump { wh + 26_000_000 } else { wh })))
        .await;
    home.validate();
    let (total, _) = home.total("2026-03-10T00:00", "2026-03-16T00:00", Step::Day);
    assert_eq!(total, Some(6 * 9600), "a quarter is estimated like its neighbours");
    assert_eq!(home.found("register_jump").len(), 1);
    // Somebody enters a limit of a small connection: the same by the figure.
    home.set_power_limit(Some(13_800));
    home.validate();
    let (total, _) = home.total("2026-03-10T00:00", "2026-03-16T00:00", Step::Day);
    assert_eq!(total, Some(6 * 9600));
}

/// A value that was not believed is no yardstick for the days after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_value_is_not_in_the_own_past() {
    let home = Home::with("America/Bahia", NOW, 1800, half_hours());
    let start = home.at("2026-03-02T00:00");
    let wild = home.at("2026-03-10T10:30");
    let gap = home.at("2026-03-11T09:00")..home.at("2026-03-11T14:00");
    let ends = (1..=14 * 48).map(|n| start.plus(n * 1800)).filter(|t| !gap.contains(t));
    home.read(ends.map(|t| (t, if t == wild { 655_350 } else { 200 }))).await;
    home.validate();
    let day = home.total("2026-03-11T00:00", "2026-03-12T00:00", Step::Day);
    assert_eq!(day, (Some(48 * 200), false));
    let hours = home.usage("2026-03-11T09:00", "2026-03-11T14:00", Step::Hour);
    assert!(hours.intervals.iter().all(|hour| hour.energy.unwrap().wh() == 400), "{hours:?}");
    assert_eq!(home.total("2026-03-10T00:00", "2026-03-11T00:00", Step::Day).0, Some(48 * 200));
}

/// The same of a register: a glitch over a full hour bends the shape of no other day.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_glitch_does_not_bend_the_shape_of_other_days() {
    let home = Home::new("America/Bahia", NOW);
    let glitch = home.at("2026-03-04T10:00");
    let gap = home.at("2026-03-11T09:15")..home.at("2026-03-11T13:00");
    let readings = dial(&home, "2026-03-01T00:00", "2026-03-16T00:00", 100);
    let readings = readings.into_iter().filter(|(t, _)| !gap.contains(t));
    home.read(readings.map(|(t, wh)| (t, if t == glitch { 90_000_000 } else { wh }))).await;
    home.validate();
    let hours = home.usage("2026-03-11T09:00", "2026-03-11T13:00", Step::Hour);
    assert!(hours.intervals.iter().all(|hour| hour.energy.unwrap().wh() == 400), "{hours:?}");
}

/// A meter that reports each ten seconds is no meter of a wrong interval size; one that keeps another
/// pace than it is set to is, once a day.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_interval_size_is_the_meters_own() {
    for (reporting, every, findings) in [(60, 60, 0), (900, 900, 0), (900, 600, 2), (60, 75, 2)] {
        let home = Home::with("America/Bahia", NOW, reporting, NewChannel::import());
        let (from, to) = (home.at("2026-03-14T00:00"), home.at("2026-03-16T00:00"));
        let steps = 0..=to.since(from) / every;
        home.read(steps.map(|n| (from.plus(n * every), 5000 + n * 3))).await;
        home.validate();
        let found = home.found("interval_size");
        assert_eq!(found.len(), findings, "{reporting} s, {every} s apart: {found:?}");
    }
}

/// A dial of four digits falls silent for weeks, and turns over meanwhile. It is asked for by long steps, for which
/// not every reading is looked at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dial_that_turns_over_in_a_long_silence_is_in_every_total() {
    let home = Home::with("America/Bahia", "2026-12-20T12:00", 900, NewChannel::import());
    home.set_digits(4);
    let quarters = |from: &str, wh: i64| {
        let from = home.at(from);
        (0..=480).map(move |n| (from.plus(n * 900), wh + n * 100))
    };
    home.read(quarters("2026-09-20T00:00", 9_000_000)).await;
    home.read(quarters("2026-11-01T00:00", 1_500_000)).await;
    let all = ("2026-09-20T00:00", "2026-11-06T00:00");
    let totals = || Step::ALL.map(|step| home.total(all.0, all.1, step));
    // To 9,048 kWh, over the top to 1,500, and to 1,548.
    let expected = [(Some(2_548_000), false); Step::ALL.len()];
    assert_eq!(totals(), expected, "as read");
    home.validate();
    assert_eq!(totals(), expected, "as believed");
    let months = home.usage(all.0, all.1, Step::Month).intervals;
    let months: i64 = months.iter().filter_map(|month| month.energy).map(Energy::wh).sum();
    assert_eq!(months, 2_548_000);
}
