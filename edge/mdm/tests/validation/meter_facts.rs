//! What is known of a meter changes afterwards: the days that it concerns are looked at again.

use corrente_mdm::{
    Step,
    vee::{Cause, worklist::Verdict},
};
use corrente_registry::{admin, findings::FindingState, meters};

use crate::home::Home;

const NOW: &str = "2026-03-20T12:00";
const MONTH: (&str, &str) = ("2026-03-01T00:00", "2026-03-16T00:00");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_multiplier_of_an_earlier_date_heals_every_total() {
    let home = Home::new("America/Bahia", NOW);
    let gap = [("2026-03-10T08:00", "2026-03-10T11:00")];
    home.steady("2026-03-01T00:00", "2026-03-16T00:00", &gap).await;
    home.validate();
    let before = home.profile("2026-03-10", None);
    assert_eq!(before.versions.len(), 1);

    home.multiply("2026-03-08T00:00", 200, 5);
    assert!(home.validate().days >= 8);
    let wanted = 7 * 9600 + 8 * 9600 * 40;
    for step in [Step::Quarter, Step::Hour, Step::Day, Step::Month] {
        assert_eq!(home.total(MONTH.0, MONTH.1, step), (Some(wanted), false), "{step:?}");
    }
    let after = home.profile("2026-03-10", None);
    assert_eq!(after.versions.last().map(|version| version.cause), Some(Cause::MeterLife));
    let hole = home.usage("2026-03-10T08:00", "2026-03-10T11:00", Step::Hour);
    assert!(hole.intervals.iter().all(|hour| hour.energy.unwrap().wh() == 16_000), "{hole:?}");
    assert_eq!(home.validate().days, 0, "nothing new");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_digits_of_a_dial_turn_a_reset_into_a_rollover() {
    let home = Home::new("America/Bahia", NOW);
    let start = home.at("2026-03-01T00:00");
    // Four digits of kWh: over the top on the eighth day. Nine tenths of it look like a rollover by
    // themselves, so it falls from less.
    let dial = |n: i64| (8_000_000 + n * 3_000) % 10_000_000;
    home.read((0..=15 * 96).map(|n| (start.plus(n * 900), dial(n)))).await;
    home.validate();
    let inferred = home.found("register_rollover");
    assert_eq!(inferred.len(), 1, "{:?}", home.worklist());
    let (by, organisation) = (home.by(), home.organisation);
    home.registry
        .write_blocking(move |tx| admin::set_digits(tx, &by, organisation, "M-1", ("import", 4)))
        .unwrap();
    home.validate();
    assert_eq!(home.found("register_rollover"), [], "nobody is asked any more");
    assert_eq!(home.total(MONTH.0, MONTH.1, Step::Month), (Some(15 * 96 * 3_000), false));
    assert_eq!(home.total(MONTH.0, MONTH.1, Step::Day), (Some(15 * 96 * 3_000), false));
}

/// A finding that went away by itself comes back with its cause, and one that a person accepted opens
/// again when something else is seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finding_opens_again() {
    let home = Home::new("America/Bahia", NOW);
    home.steady("2026-03-01T00:00", "2026-03-16T00:00", &[]).await;
    home.read([(home.at("2026-03-10T10:05"), 5_300_000)]).await;
    home.validate();
    let first = home.found("register_glitch").remove(0);
    let state = || home.mdm.finding(home.organisation, first.id).unwrap().finding.state;
    // By so high a limit the dial may have run, and was reset then: it is no glitch.
    home.set_power_limit(Some(1_000_000_000));
    home.validate();
    assert_eq!(state(), FindingState::Resolved);
    home.set_power_limit(Some(10_000));
    home.validate();
    assert_eq!(state(), FindingState::Open, "its cause is back");

    home.decide(&first, Verdict::Accept);
    home.validate();
    home.read([(home.at("2026-03-12T12:05"), 121_000)]).await;
    home.validate();
    assert_eq!(state(), FindingState::Accepted, "nothing else is seen of it");
    home.read([(home.at("2026-03-10T10:07"), 5_300_100)]).await;
    home.validate();
    assert_eq!(state(), FindingState::Open, "two readings jumped, not one");
}

/// A meter goes on speaking after it was taken away: somebody should see that, once. At its next place its
/// readings count.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readings_after_a_removal_are_a_finding() {
    let home = Home::new("America/Bahia", NOW);
    home.steady("2026-03-01T00:00", "2026-03-14T00:00", &[]).await;
    let gone = home.at("2026-03-10T09:00");
    let organisation = home.organisation;
    home.registry
        .write_blocking(move |tx| {
            let meter = meters::by_serial(tx, organisation, "M-1")?.unwrap();
            meters::remove(tx, meter.id, gone)
        })
        .unwrap();
    home.validate();
    let found = home.found("quarantine");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].from, found[0].until), (gone, home.at("2026-03-11T00:00")));
    assert_eq!(home.found("missing"), [], "no meter stands there, so nothing is missing");
    assert_eq!(home.total(MONTH.0, MONTH.1, Step::Month).0, Some(9 * 9600 + 36 * 100));
}
