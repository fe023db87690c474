//! Plans of every form ever released can be computed again, to the letter.
//!
//! A golden file holds a plan and the tariff versions behind it. It is written once, by running this
//! test with `UPDATE_EXPECT=1` where it is missing, and never changed afterwards: a difference is a
//! mistake in the code.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "a test reads files that core must not")]

use std::path::PathBuf;

use corrente_billing::{
    BillingInput, BillingPlan, CreditBatch, Customer, Inputs, Measure, Phases, PlanKind,
    PricePoint, PriceSeries, measure, plan, replay, verify,
};
use corrente_metering::{Calendar, Interval, Quality};
use corrente_tariff::{Tariff, TariffFile};
use corrente_units::{Decimal, Energy};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Golden {
    tariffs: Vec<TariffFile>,
    plan: BillingPlan,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn make(tariff: &str, zone: &str, from: &str, until: &str) -> Golden {
    let calendar = Calendar::new(zone).unwrap();
    let tariff = Tariff::parse(tariff).unwrap();
    let tariffs = [&tariff];
    let span = calendar.days(from.parse().unwrap(), until.parse().unwrap());
    let known = |(i, s)| {
        let wh = 180 + i64::try_from(i * 37 % 611_usize).unwrap();
        Interval::known(s, Energy::from_wh(wh), Quality::Measured)
    };
    let import: Vec<Interval> =
        calendar.steps(span, 3600).into_iter().enumerate().map(known).collect();
    // What the tariff has a use for: energy fed in for credits, prices for a series.
    let fed = |(i, s): (usize, _)| {
        let wh = if (8..17).contains(&(i % 24)) { 700 } else { 0 };
        Interval::known(s, Energy::from_wh(wh), Quality::Measured)
    };
    let steps = || calendar.steps(span, 3600).into_iter().enumerate();
    let credits = tariff.file().credits.is_some();
    let export: Vec<Interval> = if credits { steps().map(fed).collect() } else { Vec::new() };
    let point = |(i, span): (usize, _)| {
        let price = i64::try_from(i * 41 % 190_usize).unwrap() - 20;
        PricePoint { span, price: Decimal::from(price) }
    };
    let prices = |name: &String| PriceSeries {
        name: name.clone(),
        version: "1".to_owned(),
        points: steps().map(point).collect(),
    };
    let series: Vec<PriceSeries> =
        tariff.file().series.iter().map(|charge| prices(&charge.series)).collect();
    let from = Measure {
        calendar: &calendar,
        tariffs: &tariffs,
        span,
        import: &import,
        export: &export,
        series: &series,
    };
    let customer = Customer {
        class: Some("low_income".to_owned()),
        phases: Some(Phases::Two),
        ..Customer::default()
    };
    let plan = plan(&BillingInput {
        kind: PlanKind::Final,
        calendar: &calendar,
        tariffs: &tariffs,
        determinants: measure(&from).unwrap(),
        inputs: Inputs {
            usage_point: "golden".to_owned(),
            customer,
            credits: if credits { earlier() } else { Vec::new() },
            ..Inputs::default()
        },
    })
    .unwrap();
    Golden { tariffs: vec![tariff.file().clone()], plan }
}

fn earlier() -> Vec<CreditBatch> {
    let batch = |regime: &str, month: &str, wh| CreditBatch {
        regime: regime.to_owned(),
        month: month.parse().unwrap(),
        wh,
    };
    vec![batch("gd1", "2026-02-01", 40_000), batch("gd2", "2020-01-01", 9_000)]
}

#[test]
fn golden_plans_are_computed_again_to_the_letter() {
    let cases = [
        (
            "plan-1-brazil",
            include_str!("../../../tariffs/example-b1.toml"),
            ("America/Bahia", "2026-04-10", "2026-05-12"),
        ),
        (
            "plan-1-white",
            include_str!("../../../tariffs/example-white.toml"),
            ("America/Bahia", "2026-10-01", "2026-11-01"),
        ),
        (
            "plan-1-demand",
            include_str!("../../../tariffs/example-business.toml"),
            ("Europe/Berlin", "2026-03-15", "2026-04-15"),
        ),
        (
            "plan-1-credits",
            include_str!("../../../tariffs/example-solar.toml"),
            ("America/Bahia", "2026-04-10", "2026-05-12"),
        ),
        (
            "plan-1-series",
            include_str!("../../../tariffs/eu-dynamic.toml"),
            ("Europe/Amsterdam", "2026-03-27", "2026-04-02"),
        ),
        (
            "plan-1-vat",
            include_str!("../../../tariffs/uk-standing.toml"),
            ("Europe/London", "2026-03-15", "2026-04-15"),
        ),
    ];
    for (name, tariff, (zone, from, until)) in cases {
        let path = folder().join(format!("{name}.json"));
        if !path.exists() && std::env::var_os("UPDATE_EXPECT").is_some() {
            let golden = make(tariff, zone, from, until);
            std::fs::create_dir_all(folder()).unwrap();
            let text = serde_json::to_string_pretty(&golden).unwrap();
            std::fs::write(&path, format!("{text}\n")).unwrap();
        }
        assert!(path.exists(), "{} is missing", path.display());
    }
    let mut read = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let golden: Golden = serde_json::from_str(&text).unwrap();
        let tariffs: Vec<Tariff> =
            golden.tariffs.into_iter().map(|f| Tariff::from_file(f).unwrap()).collect();
        let tariffs: Vec<&Tariff> = tariffs.iter().collect();
        let calendar = Calendar::new(&golden.plan.zone).unwrap();
        let differences = replay(&golden.plan, &calendar, &tariffs).unwrap();
        assert_eq!(differences, [], "{}", path.display());
        assert_eq!(verify(&golden.plan), [], "{}", path.display());
        read += 1;
    }
    assert!(read >= cases.len());
}
