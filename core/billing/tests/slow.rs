//! A second, slow implementation of rating, written from the documentation and not from the code,
//! against the real one on random tariffs and profiles.
//!
//! `CORRENTE_RATING_CASES` sets the number of cases; a failure prints its seed and the tariff.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "slow/finish.rs"]
mod finish;
#[path = "slow/power.rs"]
mod power;
#[path = "slow/random.rs"]
mod random;
#[path = "slow/rating.rs"]
mod rating;

use corrente_billing::{BillingInput, Measure, PlanKind, measure, plan, replay, verify};
use random::Random;

fn cases() -> u64 {
    std::env::var("CORRENTE_RATING_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(1000)
}

fn check(seed: u64) -> usize {
    let case = random::case(&mut Random::new(seed));
    let tariffs: Vec<_> = case.tariffs.iter().collect();
    let determinants = measure(&Measure {
        calendar: &case.calendar,
        tariffs: &tariffs,
        span: case.span,
        import: &case.intervals,
        export: &case.export,
        series: &case.series,
    })
    .unwrap_or_else(|e| panic!("seed {seed}: {e}\n{}", case.text));
    let plan = plan(&BillingInput {
        kind: PlanKind::Final,
        calendar: &case.calendar,
        tariffs: &tariffs,
        determinants,
        inputs: case.inputs.clone(),
    })
    .unwrap_or_else(|e| panic!("seed {seed}: {e}\n{}", case.text));
    let slow = rating::rate(&case);
    let fast: Vec<_> =
        plan.lines.iter().map(|l| (l.code.clone(), l.base.round_dp(9), l.amount)).collect();
    let fast_sorted = sorted(fast);
    let slow_sorted = sorted(slow.lines.clone());
    assert_eq!(fast_sorted, slow_sorted, "seed {seed}, {}\n{}", case.span.start, case.text);
    let rows = plan.tax_box.iter().map(|r| (r.code.clone(), r.rate.normalize(), r.amount));
    assert_eq!(sorted(rows.collect()), sorted(slow.taxes), "seed {seed}\n{}", case.text);
    assert_eq!(plan.totals.total, slow.total, "seed {seed}\n{}", case.text);
    assert_eq!(verify(&plan), [], "seed {seed}\n{}", case.text);
    assert_eq!(replay(&plan, &case.calendar, &tariffs).unwrap(), [], "seed {seed}");
    plan.lines.len()
}

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list
}

#[test]
fn both_implementations_agree_on_random_tariffs_and_profiles() {
    let lines: usize = (0..cases()).map(check).sum();
    println!("{} cases, {lines} lines", cases());
    assert!(
        u64::try_from(lines).unwrap() > cases(),
        "the cases have too few lines to mean anything"
    );
}

#[test]
fn the_comparison_notices_a_cent() {
    let case = random::case(&mut Random::new(1));
    let mut slow = rating::rate(&case);
    let before = sorted(slow.lines.clone());
    slow.lines[0].2 = corrente_units::Money::from_minor(slow.lines[0].2.minor() + 1);
    assert_ne!(before, sorted(slow.lines));
}
