//! What is billed has been looked at, to the period's last day, and page and bill say the same.

use corrente_mdm::{Step, vee::worklist::Verdict};
use corrente_metering::Timestamp;
use corrente_units::Energy;

use crate::home::Home;

/// Shortly after midnight of the first: the readings have come, and the last day is not settled.
const JUST_OVER: &str = "2026-04-01T00:20";
const MARCH: i64 = 31 * 9600;

/// March in quarters of 100 Wh, each reading as `change` has it.
async fn march(home: &Home, change: impl Fn(Timestamp, i64) -> Option<i64>) {
    let (from, to) = (home.at("2026-03-01T00:00"), home.at("2026-04-01T00:15"));
    let steps = 0..=to.since(from) / 900;
    let readings = steps.map(|n| (from.plus(n * 900), 5_000_000 + n * 100));
    home.read(readings.filter_map(|(t, wh)| Some((t, change(t, wh)?)))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_glitch_of_the_last_evening_is_not_billed() {
    let home = Home::new("America/Bahia", JUST_OVER);
    let (from, to) = (home.at("2026-03-31T23:00"), home.at("2026-04-01T00:00"));
    // The very reading that closes the month shows 9 MWh.
    march(&home, |t, wh| Some(if t == to { 9_000_000 } else { wh })).await;
    assert_eq!(home.bill("2026-03-01"), Ok(MARCH));
    let page = home.usage("2026-03-01T00:00", "2026-04-01T00:00", Step::Day);
    assert_eq!(page.total.energy, Some(Energy::from_wh(MARCH)), "page and bill say the same");
    assert!(home.found("register_glitch").iter().any(|f| from < f.until), "and say why");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_clear_holds_the_bill_until_a_person_decides() {
    let home = Home::new("America/Bahia", JUST_OVER);
    // The dial begins again on the last evening.
    let reset = home.at("2026-03-31T20:07");
    march(&home, |t, wh| Some(if t > reset { t.since(reset) / 900 * 100 } else { wh })).await;
    let refused = home.bill("2026-03-01").unwrap_err();
    assert!(refused.contains("register_reset") && refused.contains("decided"), "{refused}");
    // The automatic invoice waits as well, and says so on the worklist.
    let now = home.clock.now();
    assert_eq!(home.mdm.issue_due_invoices(home.point, now).unwrap(), 0);
    let waits = home.found("invoice_waits");
    assert_eq!(waits.len(), 1);
    assert!(waits[0].document["sentence"].as_str().unwrap().contains("register_reset"));
    for finding in home.found("register_reset") {
        home.decide(&finding, Verdict::Accept);
    }
    assert_eq!(home.mdm.issue_due_invoices(home.point, now).unwrap(), 1);
    assert_eq!(home.found("invoice_waits"), []);
    let billed = home.bill("2026-03-01").unwrap();
    let page = home.usage("2026-03-01T00:00", "2026-04-01T00:00", Step::Month);
    assert_eq!(page.total.energy, Some(Energy::from_wh(billed)), "page and bill say the same");
    assert!((MARCH - 200..=MARCH + 200).contains(&billed), "{billed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_rule_can_estimate_waits_for_an_edit() {
    let home = Home::new("America/Bahia", JUST_OVER);
    // The meter is reset on its second day, with five hours of silence around: no past to go by.
    let (from, to) = (home.at("2026-03-02T09:00"), home.at("2026-03-02T14:00"));
    march(&home, |t, wh| match () {
        () if t <= from => Some(wh),
        () if t < to => None,
        () => Some(t.since(to) / 900 * 100),
    })
    .await;
    let refused = home.bill("2026-03-01").unwrap_err();
    assert!(refused.contains("decided"), "{refused}");
    for finding in home.found("register_reset") {
        home.decide(&finding, Verdict::Accept);
    }
    let missing = home.found("missing");
    assert_eq!(missing.len(), 1, "{:?}", home.worklist());
    home.decide(&missing[0], Verdict::Edit { energy: Energy::from_wh(2000), span: None });
    assert_eq!(home.bill("2026-03-01"), Ok(MARCH));
    let month = home.total("2026-03-01T00:00", "2026-04-01T00:00", Step::Month);
    assert_eq!(month, (Some(MARCH), false));
}

/// A month's total is what its days say, also where a reset is missing for good and the dial ends above
/// its start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_knows_of_the_reset_inside() {
    let home = Home::new("America/Bahia", "2026-04-02T12:00");
    let (from, to) = (home.at("2026-03-02T09:00"), home.at("2026-03-02T14:00"));
    march(&home, |t, wh| match () {
        () if t <= from => Some(wh - 5_000_000),
        () if t < to => None,
        () => Some(t.since(to) / 900 * 100),
    })
    .await;
    home.ledger.seal_until(home.clock.now()).unwrap();
    let wanted = (Some(MARCH - 2000), true);
    for step in [Step::Day, Step::Month] {
        assert_eq!(
            home.total("2026-03-01T00:00", "2026-04-01T00:00", step),
            wanted,
            "raw, {step:?}"
        );
    }
    home.validate();
    for step in [Step::Hour, Step::Day, Step::Month] {
        assert_eq!(home.total("2026-03-01T00:00", "2026-04-01T00:00", step), wanted, "{step:?}");
    }
}
