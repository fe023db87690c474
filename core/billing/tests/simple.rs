//! Small bills that can be checked by hand, as tables of their lines.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;

use corrente_billing::{
    BillingInput, BillingPlan, Customer, Inputs, Measure, Phases, PlanKind, measure, plan, replay,
};
use corrente_metering::{Calendar, Date, Interval, Quality, Span};
use corrente_tariff::Tariff;
use corrente_units::Energy;
use expect_test::{Expect, expect};

const FLAT: &str = include_str!("../../../tariffs/flat-040.toml");
const B1: &str = include_str!("../../../tariffs/example-b1.toml");
const WHITE: &str = include_str!("../../../tariffs/example-white.toml");

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

/// Hourly intervals of `wh` each, or one interval for all.
fn hourly(calendar: &Calendar, span: Span, wh: i64) -> Vec<Interval> {
    let measured = |s| Interval::known(s, Energy::from_wh(wh), Quality::Measured);
    calendar.steps(span, 3600).into_iter().map(measured).collect()
}

struct Case<'a> {
    tariff: &'a str,
    zone: &'a str,
    days: (&'a str, &'a str),
    wh_per_hour: i64,
    class: &'a str,
    kind: PlanKind,
}

const CASE: Case<'_> = Case {
    tariff: FLAT,
    zone: "America/Bahia",
    days: ("2026-10-01", "2026-11-01"),
    wh_per_hour: 500,
    class: "residential",
    kind: PlanKind::Final,
};

fn made(case: &Case<'_>) -> BillingPlan {
    let calendar = Calendar::new(case.zone).unwrap();
    let tariff = Tariff::parse(case.tariff).unwrap();
    let span = calendar.days(date(case.days.0), date(case.days.1));
    let import = hourly(&calendar, span, case.wh_per_hour);
    let tariffs = [&tariff];
    let determinants = measure(&Measure {
        calendar: &calendar,
        tariffs: &tariffs,
        span,
        import: &import,
        export: &[],
        series: &[],
    })
    .unwrap();
    let inputs = Inputs {
        customer: Customer {
            class: Some(case.class.to_owned()),
            phases: Some(Phases::Single),
            ..Customer::default()
        },
        ..Inputs::default()
    };
    let input = BillingInput {
        kind: case.kind,
        calendar: &calendar,
        tariffs: &tariffs,
        determinants,
        inputs,
    };
    let plan = plan(&input).unwrap();
    assert_eq!(replay(&plan, &calendar, &tariffs).unwrap(), []);
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<BillingPlan>(&text).unwrap(), plan);
    plan
}

fn table(plan: &BillingPlan) -> String {
    let mut text = String::new();
    for line in &plan.lines {
        let share = line.share.as_ref().map(|s| format!(" × {}/{} {}", s.part, s.of, s.unit));
        writeln!(
            text,
            "{:<16} {:<14} {} {}{} × {} → {}",
            line.code,
            line.period.as_deref().or(line.block.as_deref()).unwrap_or_default(),
            line.quantity.map(|q| q.to_string()).unwrap_or_default(),
            line.unit.as_deref().unwrap_or_default(),
            share.unwrap_or_default(),
            line.price_with_taxes.map(|p| p.to_string()).unwrap_or_default(),
            line.amount,
        )
        .unwrap();
    }
    for row in &plan.tax_box {
        writeln!(text, "{} {} × {} = {}", row.code, row.base, row.rate, row.amount).unwrap();
    }
    writeln!(text, "total {}", plan.totals.total).unwrap();
    text
}

fn check(case: &Case<'_>, expected: Expect) {
    expected.assert_eq(&table(&made(case)));
}

#[test]
fn the_prototypes_flat_price() {
    check(
        &CASE,
        expect![[r"
        energy                          372 kWh × 0.4 → 148.80
        total 148.80
    "]],
    );
}

#[test]
fn a_brazilian_bill() {
    check(
        &Case { tariff: B1, ..CASE },
        expect![[r"
        tusd                            372 kWh × 0.77176590 → 287.09
        te                              372 kWh × 0.37782834 → 140.55
        flag                            372 kWh × 0.05991287 → 22.28
        lighting         ..400            ×  → 27.40
        icms 449.92 × 0.205 = 92.24
        pis 357.68 × 0.0112 = 4.00
        cofins 357.68 × 0.0518 = 18.52
        total 477.32
    "]],
    );
}

#[test]
fn a_price_and_a_flag_change_inside_the_period() {
    check(
        &Case { tariff: B1, days: ("2026-04-13", "2026-05-14"), ..CASE },
        expect![[r"
        tusd                            372 kWh × 9/31 days × 0.75584812 → 81.63
        tusd                            372 kWh × 22/31 days × 0.77416192 → 204.37
        te                              372 kWh × 9/31 days × 0.37408624 → 40.40
        te                              372 kWh × 22/31 days × 0.37900134 → 100.05
        flag                            372 kWh × 13/31 days × 0.02538346 → 3.95
        lighting         ..400            ×  → 27.40
        icms 430.40 × 0.205 = 88.24
        pis 342.16 × 0.0117 = 4.00
        cofins 342.16 × 0.0542 = 18.54
        total 457.80
    "]],
    );
}

#[test]
fn a_small_consumption_pays_the_minimum() {
    check(
        &Case { tariff: B1, wh_per_hour: 20, ..CASE },
        expect![[r"
        tusd                            14.88 kWh × 0.77176590 → 11.48
        te                              14.88 kWh × 0.37782834 → 5.62
        flag                            14.88 kWh × 0.05991287 → 0.89
        minimum                         15.12 kWh × 1.14959424 → 17.38
        icms 35.37 × 0.205 = 7.25
        pis 28.12 × 0.0112 = 0.31
        cofins 28.12 × 0.0518 = 1.45
        total 35.37
    "]],
    );
}

#[test]
fn a_social_tariff_old_and_new() {
    let low = Case { tariff: B1, class: "low_income", wh_per_hour: 300, ..CASE };
    check(
        &Case { days: ("2025-05-01", "2025-06-01"), ..low },
        expect![[r"
        tusd                            223.2 kWh × 0.75014634 → 167.43
        te                              223.2 kWh × 0.37126430 → 82.86
        tsee_old         0..30          30 kWh × -0.48759512 → -14.62
        tsee_old         30..100        70 kWh × -0.30005853 → -21.00
        tsee_old         100..220       120 kWh × -0.07501463 → -9.00
        tsee_old         0..30          30 kWh × -0.24132179 → -7.23
        tsee_old         30..100        70 kWh × -0.14850572 → -10.39
        tsee_old         100..220       120 kWh × -0.03712643 → -4.45
        flag                            223.2 kWh × 0.02519198 → 5.62
        icms 189.22 × 0.205 = 38.79
        pis 150.43 × 0.0105 = 1.57
        cofins 150.43 × 0.0483 = 7.26
        total 189.22
    "]],
    );
    let low = Case { tariff: B1, class: "low_income", wh_per_hour: 300, ..CASE };
    check(
        &low,
        expect![[r"
        tusd                            223.2 kWh × 0.77176590 → 172.25
        te                              223.2 kWh × 0.37782834 → 84.33
        tsee             0..80          80 kWh × -0.77176590 → -61.74
        tsee             0..80          80 kWh × -0.37782834 → -30.22
        flag                            223.2 kWh × 0.05991287 → 13.37
        icms 177.99 × 0.205 = 36.49
        pis 141.50 × 0.0112 = 1.58
        cofins 141.50 × 0.0518 = 7.32
        total 177.99
    "]],
    );
}

#[test]
fn three_prices_by_time_of_use() {
    check(
        &Case { tariff: WHITE, ..CASE },
        expect![[r"
        tusd             fora_ponta     319.5 kWh × 0.56751441 → 181.32
        tusd             intermediario  21 kWh × 0.98145425 → 20.61
        tusd             ponta          31.5 kWh × 1.55729177 → 49.05
        te               fora_ponta     319.5 kWh × 0.35561104 → 113.61
        te               intermediario  21 kWh × 0.35561104 → 7.46
        te               ponta          31.5 kWh × 0.57147459 → 18.00
        flag                            372 kWh × 0.05991287 → 22.28
        lighting         ..400            ×  → 27.40
        icms 412.33 × 0.205 = 84.53
        pis 327.80 × 0.0112 = 3.67
        cofins 327.80 × 0.0518 = 16.98
        total 439.73
    "]],
    );
}
