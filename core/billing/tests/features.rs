//! Each element of a tariff, with figures from public sources or checked by hand.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use corrente_billing::{
    BillingError, BillingInput, BillingPlan, Cause, CreditBatch, Customer, Determinants, Inputs,
    LineGroup, Measure, Overdue, Phases, PlanKind, PricePoint, PriceSeries, energy_costs,
    late_items, measure, plan, replay, verify, why_changed,
};
use corrente_metering::{Calendar, Date, EstimationMethod, Interval, Quality, Span};
use corrente_tariff::Tariff;
use corrente_units::{Decimal, Energy, Money};

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

struct Scene {
    calendar: Calendar,
    tariffs: Vec<Tariff>,
    span: Span,
    import: Vec<Interval>,
    export: Vec<Interval>,
    series: Vec<PriceSeries>,
    inputs: Inputs,
    kind: PlanKind,
}

impl Scene {
    /// The whole period as one interval, as where only a register's difference is known.
    fn new(zone: &str, tariffs: &[&str], from: &str, until: &str, wh: i64) -> Self {
        let calendar = Calendar::new(zone).unwrap();
        let span = calendar.days(date(from), date(until));
        let import = vec![Interval::known(span, Energy::from_wh(wh), Quality::Measured)];
        Self {
            tariffs: tariffs.iter().map(|t| Tariff::parse(t).unwrap()).collect(),
            calendar,
            span,
            import,
            export: Vec::new(),
            series: Vec::new(),
            inputs: Inputs {
                customer: Customer { phases: Some(Phases::Three), ..Customer::default() },
                ..Inputs::default()
            },
            kind: PlanKind::Final,
        }
    }

    /// Steps of so many minutes, with an energy for each.
    fn stepped(mut self, minutes: i64, wh: impl Fn(usize) -> i64) -> Self {
        let steps = self.calendar.steps(self.span, minutes * 60);
        let known = |(i, s)| Interval::known(s, Energy::from_wh(wh(i)), Quality::Measured);
        self.import = steps.into_iter().enumerate().map(known).collect();
        self
    }

    fn refs(&self) -> Vec<&Tariff> {
        self.tariffs.iter().collect()
    }

    fn determinants(&self) -> Result<Determinants, BillingError> {
        measure(&Measure {
            calendar: &self.calendar,
            tariffs: &self.refs(),
            span: self.span,
            import: &self.import,
            export: &self.export,
            series: &self.series,
        })
    }

    fn try_plan(&self) -> Result<BillingPlan, BillingError> {
        let tariffs = self.refs();
        plan(&BillingInput {
            kind: self.kind,
            calendar: &self.calendar,
            tariffs: &tariffs,
            determinants: self.determinants()?,
            inputs: self.inputs.clone(),
        })
    }

    /// What the energy of each interval costs, in cents.
    fn costs(&self) -> Vec<i64> {
        let (tariffs, series) = (self.refs(), &self.series);
        let (calendar, inputs) = (&self.calendar, &self.inputs);
        let costs = energy_costs(calendar, &tariffs, inputs, self.span, &self.import, series);
        costs.unwrap().iter().map(|cost| cost.amount.unwrap().minor()).collect()
    }

    fn plan(&self) -> BillingPlan {
        let plan = self.try_plan().unwrap();
        assert_eq!(verify(&plan), []);
        assert_eq!(replay(&plan, &self.calendar, &self.refs()).unwrap(), []);
        plan
    }
}

fn amounts(plan: &BillingPlan) -> Vec<(String, String)> {
    plan.lines.iter().map(|l| (l.label.clone(), l.amount.to_string())).collect()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

const COELBA_2024: &str = include_str!("../../../tariffs/coelba-b1-2024.toml");
const COELBA_2025: &str = include_str!("../../../tariffs/coelba-b1-2025.toml");

#[test]
fn a_real_bill_of_2024_through_the_whole_engine() {
    // Coelba, December 2024: 433 kWh in 31 days, of which 18 under the yellow flag.
    let lit = format!(
        "{COELBA_2024}\n[lighting]\ncode = \"lighting\"\nlabel = \"Ilum. Púb. Municipal\"\nband = [{{ amount = 50 }}]\n"
    );
    // Read on the 12th and on the 13th: the days are those after each reading's day.
    let scene = Scene::new("America/Bahia", &[&lit], "2024-11-13", "2024-12-14", 433_000);
    let plan = scene.plan();
    assert_eq!(
        amounts(&plan),
        pairs(&[
            ("Consumo-TUSD", "305.27"),
            ("Consumo-TE", "169.61"),
            ("Acrés. Band. AMARELA", "6.31"),
            ("Ilum. Púb. Municipal", "50.00"),
        ])
    );
    assert_eq!(plan.lines[0].price_with_taxes, Some(dec("0.70502958")));
    assert_eq!(plan.lines[1].price_with_taxes, Some(dec("0.39172122")));
    let tax = |line: usize, code: &str| {
        let of = |t: &&corrente_billing::LineTax| t.code == code;
        plan.lines[line].taxes.iter().find(of).unwrap().amount.minor()
    };
    assert_eq!([tax(0, "icms"), tax(1, "icms"), tax(2, "icms")], [6259, 3477, 129]);
    let pis_cofins = |line| tax(line, "pis") + tax(line, "cofins");
    assert_eq!([pis_cofins(0), pis_cofins(1), pis_cofins(2)], [1427, 792, 29]);
    let boxes: Vec<String> =
        plan.tax_box.iter().map(|r| format!("{} {} {}", r.code, r.base, r.amount)).collect();
    assert_eq!(boxes, ["icms 481.19 98.65", "pis 382.54 4.01", "cofins 382.54 18.47"]);
    assert_eq!(plan.totals.total.to_string(), "531.19");
}

#[test]
fn a_month_without_a_known_flag_is_an_exception() {
    let known = COELBA_2025.replace("2025-04-22, value = \"unknown\"", "2025-04-22, value = 0.01");
    let scene = Scene::new("America/Bahia", &[&known], "2025-07-10", "2025-08-10", 1000);
    let error = scene.try_plan().unwrap_err();
    assert!(matches!(error, BillingError::FlagUnknown { .. }), "{error}");
    assert!(error.to_string().contains("2025-07-10"));
}

#[test]
fn a_month_without_known_tax_rates_is_an_exception() {
    let both = [COELBA_2024, COELBA_2025];
    let scene = Scene::new("America/Bahia", &both, "2025-04-10", "2025-05-10", 1000);
    let error = scene.try_plan().unwrap_err();
    assert!(matches!(error, BillingError::NoValue { .. }), "{error}");
    assert!(error.to_string().contains("`pis` has no known value on 2025-05-09"), "{error}");
}

#[test]
fn a_real_bill_of_2026_through_the_whole_engine() {
    let scene = Scene::new("America/Bahia", &[COELBA_2025], "2026-04-01", "2026-04-22", 418_000);
    let plan = scene.plan();
    assert_eq!(amounts(&plan), pairs(&[("Consumo-TUSD", "315.48"), ("Consumo-TE", "156.05")]));
    assert_eq!(plan.tax_box[0].amount.to_string(), "96.66");
}

const CEMIG: &str = r#"
code = "cemig-like"
version = "1"
name = "B with own generation"
currency = "BRL"
valid_from = 2026-05-28
[rounding]
line = "tax_components"
money = "truncate"
[[tax]]
code = "icms"
label = "ICMS"
method = "inclusive"
layer = 2
rate = 0.18
[[tax]]
code = "pis_cofins"
label = "PIS/COFINS"
method = "inclusive"
rate = 0.0410
[[energy]]
code = "energy"
label = "Energia"
price = 0.92214
[minimum]
code = "minimum"
label = "Custo de Disponibilidade"
kwh = { single = 30, two = 50, three = 100 }
[credits]
expire_after_months = 60
minimum = "charge_and_adjust"
offset_price = 0.62352
offset_label = "Energia SCEE ISENTA"
[[credits.regime]]
code = "gd1"
label = "Energia compensada GD I"
[[credits.regime]]
code = "gd2"
label = "Energia compensada GD II"
[[credits.regime.pays]]
name = "fio_b"
price = 0.268171
share = [{ from = 2025-01-01, value = 0.45 }, { from = 2026-01-01, value = 0.60 }]
"#;

#[test]
fn a_real_bill_with_two_regimes_of_credits() {
    let mut scene =
        Scene::new("America/Sao_Paulo", &[CEMIG], "2026-08-05", "2026-09-04", 1_212_000);
    let batch = |regime: &str, month: &str, wh| CreditBatch {
        regime: regime.to_owned(),
        month: date(month),
        wh,
    };
    scene.inputs.credits =
        vec![batch("gd1", "2026-02-01", 220_000), batch("gd2", "2026-07-01", 457_850)];
    scene.export = vec![Interval::known(scene.span, Energy::from_wh(992_000), Quality::Measured)];
    scene.inputs.customer.credit_regime = Some("gd2".to_owned());
    let plan = scene.plan();
    let printed: Vec<_> =
        amounts(&plan).into_iter().filter(|(_, amount)| amount != "0.00").collect();
    assert_eq!(
        printed,
        pairs(&[
            ("Energia SCEE ISENTA", "755.70"),
            ("Energia compensada GD I", "-137.17"),
            ("Energia compensada GD II", "-458.91"),
            ("Custo de Disponibilidade", "117.25"),
            ("Ajuste Custo de Disponibilidade", "-92.21"),
        ])
    );
    assert_eq!(plan.totals.total.to_string(), "184.66");
    let balance = plan.credits.unwrap();
    assert_eq!(balance.used_wh, BTreeMap::from([("gd1".into(), 220_000), ("gd2".into(), 992_000)]));
    assert_eq!(balance.remaining.iter().map(|b| b.wh).sum::<i64>(), 457_850);
}

#[test]
fn old_credits_are_lost_and_the_minimum_is_not_offset() {
    let solar = include_str!("../../../tariffs/example-solar.toml");
    let mut scene = Scene::new("America/Bahia", &[solar], "2026-10-01", "2026-11-01", 400_000);
    let batch = |month: &str, wh| CreditBatch { regime: "gd1".into(), month: date(month), wh };
    scene.inputs.credits = vec![batch("2021-08-01", 70_000), batch("2021-10-01", 500_000)];
    let balance = scene.plan().credits.unwrap();
    assert_eq!(balance.expired_wh, 70_000);
    assert_eq!(balance.used_wh["gd1"], 300_000, "100 kWh are the minimum with three phases");
    assert_eq!(balance.remaining[0].wh, 200_000);
}

#[test]
fn demand_with_a_ratchet_and_the_mean_of_three_days() {
    let business = include_str!("../../../tariffs/example-business.toml");
    // 10 kW all the time, 30 kW in one quarter hour of the second day.
    let scene = Scene::new("Europe/Berlin", &[business], "2026-03-01", "2026-04-01", 0)
        .stepped(15, |i| if i == 96 + 40 { 7_500 } else { 2_500 });
    let plan = scene.plan();
    let demand = |plan: &BillingPlan, code: &str| {
        plan.lines.iter().find(|l| l.code == code).unwrap().quantity.unwrap()
    };
    assert_eq!(demand(&plan, "demand"), dec("30"));
    // The hour with the quarter hour has 15 kW; two other days have 10.
    assert_eq!(demand(&plan, "evening").round_dp(4), dec("11.6667"));

    let mut before = scene;
    before.inputs.earlier_demand_w.insert("demand".into(), vec![20_000, 50_000]);
    let plan = before.plan();
    assert_eq!(demand(&plan, "demand"), dec("40"), "80 % of 50 kW");
    assert_eq!(
        plan.lines.iter().find(|l| l.code == "demand").unwrap().detail.as_deref(),
        Some("ratchet")
    );
}

fn hourly_prices(scene: &Scene, name: &str, price: impl Fn(usize) -> Decimal) -> PriceSeries {
    let steps = scene.calendar.steps(scene.span, 3600);
    let points = steps
        .into_iter()
        .enumerate()
        .map(|(i, span)| PricePoint { span, price: price(i) })
        .collect();
    PriceSeries { name: name.to_owned(), version: "1".to_owned(), points }
}

#[test]
fn published_dynamic_prices_in_the_netherlands_and_germany() {
    // (12 + 12.599 + 1.8) × 1.21 = 31.94279 ct; 15.651 net → 18.62 gross, not the sum of rounded parts.
    for (market, add, vat, total) in
        [("0.12", "0.14399", "0.21", "31.94"), ("0.1", "0.05651", "0.19", "18.62")]
    {
        let text = format!(
            "code = \"d\"\nversion = \"1\"\nname = \"D\"\ncurrency = \"EUR\"\nvalid_from = 2025-01-01\n\
             [[series]]\ncode = \"m\"\nlabel = \"M\"\nseries = \"spot\"\nadd = {add}\n\
             [[tax]]\ncode = \"vat\"\nlabel = \"VAT\"\nmethod = \"exclusive\"\nrate = {vat}\n"
        );
        // 1 kWh is too little to see 0.01 ct: a hundred of them.
        let mut scene =
            Scene::new("Europe/Amsterdam", &[&text], "2026-01-01", "2026-01-02", 100_000);
        scene.series = vec![hourly_prices(&scene, "spot", |_| dec(market))];
        assert_eq!(scene.plan().totals.total.to_string(), total);
    }
}

#[test]
fn negative_prices_are_passed_on_and_a_hole_is_an_exception() {
    let dynamic = include_str!("../../../tariffs/eu-dynamic.toml");
    let scene = Scene::new("Europe/Amsterdam", &[dynamic], "2026-03-28", "2026-03-30", 0)
        .stepped(900 / 60, |_| 250);
    let mut scene = scene;
    // 47 hours: the clock changes on the 29th.
    scene.series = vec![hourly_prices(&scene, "day-ahead-nl", |i| {
        if i % 2 == 0 { dec("-100") } else { dec("60") }
    })];
    let plan = scene.plan();
    let market = plan.lines.iter().find(|l| l.group == LineGroup::Series).unwrap();
    // 24 kWh at -0.082 and 23 kWh at 0.078 (1 kWh each hour).
    assert_eq!(market.base, dec("-0.174"));
    assert_eq!(market.quantity, Some(dec("47")));
    scene.series[0].points.remove(20);
    assert!(matches!(scene.try_plan().unwrap_err(), BillingError::NoPriceAt { .. }));
    scene.series.clear();
    assert!(matches!(scene.try_plan().unwrap_err(), BillingError::NoPriceSeries { .. }));
}

#[test]
fn a_standing_charge_follows_the_days() {
    let uk = include_str!("../../../tariffs/uk-standing.toml");
    let scene = Scene::new("Europe/London", &[uk], "2026-03-20", "2026-04-11", 220_000);
    let plan = scene.plan();
    // 12 days at 0.5862 and 10 at 0.6097; energy is one interval, shared by time over the change.
    let standing: Vec<_> = plan.lines.iter().filter(|l| l.code == "standing").collect();
    assert_eq!(standing[0].amount.to_string(), "7.03");
    assert_eq!(standing[1].amount.to_string(), "6.10");
    let energy: Decimal =
        plan.lines.iter().filter(|l| l.code == "unit_rate").filter_map(|l| l.quantity).sum();
    assert_eq!(energy, dec("220"));
    assert_eq!(plan.tax_box[0].code, "vat");
}

#[test]
fn a_late_payment_costs_fine_interest_and_correction_but_not_on_lighting() {
    let b1 = include_str!("../../../tariffs/example-b1.toml");
    let scene = Scene::new("America/Bahia", &[b1], "2026-10-01", "2026-11-01", 300_000);
    let plan = scene.plan();
    let base = plan.totals.total.minor() - 2740;
    let overdue = |until: &str, index| Overdue {
        plan: &plan,
        due: date("2026-11-15"),
        until: date(until),
        index_change: index,
    };
    let tariff = &scene.tariffs[0];
    assert_eq!(late_items(tariff, &overdue("2026-11-15", None)).unwrap(), []);
    let items = late_items(tariff, &overdue("2026-11-30", Some(dec("0.004")))).unwrap();
    let cents: Vec<(String, i64)> = items.into_iter().map(|i| (i.code, i.amount.minor())).collect();
    assert_eq!(
        cents,
        [
            ("late_fine".to_owned(), base * 2 / 100),
            ("late_interest".to_owned(), base / 200),
            ("late_correction".to_owned(), base * 4 / 1000),
        ]
    );
}

#[test]
fn the_reasons_of_a_change_add_up_and_name_the_right_cause() {
    let b1 = include_str!("../../../tariffs/example-b1.toml");
    let make = |from: &str, until: &str, wh, estimated: bool| {
        let mut scene = Scene::new("America/Bahia", &[b1], from, until, wh);
        if estimated {
            let quality = Quality::Estimated { method: EstimationMethod::OwnAverage };
            scene.import = vec![Interval::known(scene.span, Energy::from_wh(wh), quality)];
        }
        scene.plan()
    };
    let august = make("2026-08-01", "2026-09-01", 310_000, false);
    let of = |change: &corrente_billing::Change, cause: Cause| {
        change.parts.iter().find(|p| p.0 == cause).map_or(0, |p| p.1.minor())
    };
    let check = |other: &BillingPlan| {
        let change = why_changed(&august, other).unwrap();
        let sum = Money::sum(change.parts.iter().map(|p| p.1)).unwrap();
        assert_eq!(sum.minor(), other.totals.total.minor() - august.totals.total.minor());
        change
    };
    assert_eq!(check(&august).parts, []);
    // The same use per day over one day less, under another flag.
    let september = check(&make("2026-09-01", "2026-10-01", 300_000, false));
    assert!(of(&september, Cause::Days) < 0 && of(&september, Cause::Flag) > 0);
    assert_eq!(of(&september, Cause::Use).abs() + of(&september, Cause::Estimate).abs(), 0);
    // More use, and another bill with an estimated reading.
    let more = check(&make("2026-08-01", "2026-09-01", 400_000, false));
    assert!(of(&more, Cause::Use) > 9000);
    let estimated = check(&make("2026-08-01", "2026-09-01", 400_000, true));
    assert!(of(&estimated, Cause::Estimate) > 9000 && of(&estimated, Cause::Use).abs() <= 2);
    // Prices of another tariff year, and other rates of PIS and COFINS.
    let last_year = check(&make("2025-08-01", "2025-09-01", 310_000, false));
    assert!(of(&last_year, Cause::Price) < 0 && of(&last_year, Cause::Taxes) != 0);
}

type Change = fn(&mut BillingPlan);

#[test]
fn the_second_program_notices_what_was_changed_by_hand() {
    let b1 = include_str!("../../../tariffs/example-b1.toml");
    let scene = Scene::new("America/Bahia", &[b1], "2026-10-01", "2026-11-01", 310_000);
    let good = scene.plan();
    let changes: [(&str, Change); 8] = [
        ("form", |p| p.form = "x".into()),
        ("days", |p| p.days += 1),
        ("total", |p| p.totals.total = Money::from_minor(1)),
        ("base", |p| p.lines[0].base += Decimal::ONE),
        ("amount", |p| p.lines[0].amount = Money::from_minor(1)),
        ("tax", |p| p.tax_box[0].amount = Money::from_minor(1)),
        ("energy", |p| p.totals.import_wh += 1),
        ("twice", |p| {
            let line = p.lines[0].clone();
            p.lines.push(line);
        }),
    ];
    for (name, change) in changes {
        let mut plan = good.clone();
        change(&mut plan);
        assert_ne!(verify(&plan), [], "{name}");
        assert_ne!(replay(&plan, &scene.calendar, &scene.refs()).unwrap(), [], "{name}");
    }
}

#[test]
fn missing_energy_is_an_exception_and_only_a_bill_so_far_may_leave_it_open() {
    let flat = include_str!("../../../tariffs/flat-040.toml");
    let mut scene =
        Scene::new("America/Bahia", &[flat], "2026-10-01", "2026-11-01", 0).stepped(60, |_| 100);
    scene.import.drain(100..110);
    assert_eq!(scene.try_plan().unwrap_err(), BillingError::MissingEnergy { intervals: 1 });
    scene.kind = PlanKind::Provisional;
    let plan = scene.plan();
    assert_eq!(plan.totals.missing_intervals, 1);
    assert_eq!(plan.totals.import_wh, (744 - 10) * 100);
}

#[test]
fn no_version_two_versions_and_a_missing_holiday_year_are_exceptions() {
    let flat = include_str!("../../../tariffs/flat-040.toml");
    let ends = flat
        .replace("valid_from = 2000-01-01", "valid_from = 2000-01-01\nvalid_until = 2026-10-10");
    let late = flat.replace("2000-01-01", "2026-10-20");
    let try_with = |tariffs: &[&str]| {
        Scene::new("America/Bahia", tariffs, "2026-10-01", "2026-11-01", 1).try_plan()
    };
    assert!(matches!(try_with(&[&ends]), Err(BillingError::NoTariff { .. })));
    assert!(matches!(try_with(&[&ends, &late]), Err(BillingError::NoTariff { .. })));
    let early = flat.replace("2000-01-01", "2026-10-05");
    assert!(matches!(try_with(&[&ends, &early]), Err(BillingError::VersionsOverlap { .. })));
    let on_time = flat.replace("2000-01-01", "2026-10-10");
    assert_eq!(try_with(&[&ends, &on_time]).unwrap().tariffs.len(), 2);
    let white = include_str!("../../../tariffs/example-white.toml");
    let error = Scene::new("America/Bahia", &[white], "2031-10-01", "2031-11-01", 1).try_plan();
    assert!(error.unwrap_err().to_string().contains("2031"));
}

#[test]
fn money_per_interval_adds_up_to_the_bill() {
    for tariff in [
        include_str!("../../../tariffs/flat-040.toml"),
        include_str!("../../../tariffs/example-white.toml"),
    ] {
        let scene = Scene::new("America/Bahia", &[tariff], "2026-08-01", "2026-09-01", 0)
            .stepped(60, |i| 137 + i64::try_from(i % 24).unwrap() * 31);
        let sum: i64 = scene.costs().iter().sum();
        let plan = scene.plan();
        let billed: i64 = [LineGroup::Energy, LineGroup::Flag]
            .iter()
            .filter_map(|g| plan.totals.by_group.get(g))
            .map(|m| m.minor())
            .sum();
        let lines = i64::try_from(plan.lines.len()).unwrap();
        // The bill cuts each line to cents; the curve rounds only its running sum.
        assert!((sum - billed).abs() <= lines + 1, "{sum} {billed}");
    }
}

#[test]
fn a_block_that_ends_inside_an_interval_has_both_prices_in_it() {
    let tariff = "code = \"t\"\nversion = \"1\"\nname = \"T\"\ncurrency = \"BRL\"\nvalid_from = 2026-01-01\n\
                  [[energy]]\ncode = \"e\"\nlabel = \"E\"\n\
                  blocks = [{ up_to_kwh = 100, price = 0.50 }, { up_to_kwh = 200, price = 1.00 }, { price = 2.00 }]\n";
    // 10 kWh an hour, then all of it at once: the same money, and that of the bill.
    for (minutes, wh, steps) in [(60, 10_000, 240), (1440, 240_000, 10)] {
        let scene = Scene::new("America/Bahia", &[tariff], "2026-08-01", "2026-08-11", 0)
            .stepped(minutes, |_| wh);
        let costs = scene.costs();
        assert_eq!(costs.len(), steps);
        let sum: i64 = costs.iter().sum();
        // 100 kWh at 0.50, 100 at 1.00, 2200 at 2.00.
        assert_eq!(sum, 455_000, "steps of {minutes} minutes");
        assert_eq!(scene.plan().totals.total.minor(), 455_000);
    }
}

#[test]
fn blocks_of_one_period_of_the_day_fill_with_its_energy_alone() {
    let tariff = |counting: &str| {
        format!(
            "code = \"t\"\nversion = \"1\"\nname = \"T\"\ncurrency = \"BRL\"\nvalid_from = 2026-01-01\n\
             [tou]\nperiods = [\"day\", \"evening\"]\nrest = \"day\"\n\
             [[tou.rule]]\nperiod = \"evening\"\nfrom = \"18:00\"\nuntil = \"21:00\"\n\
             [[energy]]\ncode = \"day\"\nlabel = \"D\"\nprice = 0.10\nperiods = [\"day\"]\n\
             [[energy]]\ncode = \"evening\"\nlabel = \"E\"\nperiods = [\"evening\"]\n{counting}\
             blocks = [{{ up_to_kwh = 100, price = 0.50 }}, {{ price = 1.00 }}]\n"
        )
    };
    // 1 kWh an hour for ten days: 210 kWh by day, 30 kWh in the evenings.
    for (counting, cents) in [("", 2_100 + 1_500), ("blocks_count = \"all\"\n", 2_100 + 2_400)] {
        let text = tariff(counting);
        let scene = Scene::new("America/Bahia", &[&text], "2026-08-01", "2026-08-11", 0)
            .stepped(60, |_| 1_000);
        let sum: i64 = scene.costs().iter().sum();
        assert_eq!(sum, cents, "{counting}");
    }
}

#[test]
fn what_is_missing_to_a_minimum_amount_is_a_charge_with_its_taxes() {
    let tariff = |line: &str, taxes: &str, method: &str| {
        format!(
            "code = \"t\"\nversion = \"1\"\nname = \"T\"\ncurrency = \"BRL\"\nvalid_from = 2026-01-01\n\
             [rounding]\nline = \"{line}\"\nmoney = \"truncate\"\n\
             [[tax]]\ncode = \"tax\"\nlabel = \"Tax\"\nmethod = \"{method}\"\nrate = 0.20\n\
             [[energy]]\ncode = \"e\"\nlabel = \"E\"\nprice = 0.10\n\
             [minimum]\ncode = \"least\"\nlabel = \"Least\"\namount = 30.00\n{taxes}"
        )
    };
    // Line method, taxes of the minimum, kind of tax: the line, the tax and the total.
    let cases = [
        ("plain", "", "exclusive", "20.00", "6.00", "36.00"),
        ("plain", "taxes = []\n", "exclusive", "20.00", "2.00", "32.00"),
        ("plain", "", "inclusive", "17.50", "6.00", "30.00"),
        ("tax_components", "", "inclusive", "17.50", "6.00", "30.00"),
        ("price_with_taxes", "", "inclusive", "17.50", "6.00", "30.00"),
        ("price_with_taxes", "taxes = []\n", "inclusive", "17.50", "2.50", "30.00"),
    ];
    for (line, taxes, method, missing, tax, total) in cases {
        let text = tariff(line, taxes, method);
        let plan =
            Scene::new("America/Bahia", &[&text], "2026-10-01", "2026-11-01", 100_000).plan();
        let least = plan.lines.iter().find(|l| l.code == "least").unwrap();
        assert_eq!(least.amount.to_string(), missing, "{line} {taxes} {method}");
        assert_eq!(plan.tax_box[0].amount.to_string(), tax, "{line} {taxes} {method}");
        assert_eq!(plan.totals.total.to_string(), total, "{line} {taxes} {method}");
    }
}

#[test]
fn a_rate_that_changes_inside_the_period_cuts_all_lines() {
    let text = "code = \"t\"\nversion = \"1\"\nname = \"T\"\ncurrency = \"EUR\"\nvalid_from = 2026-01-01\n\
                [[tax]]\ncode = \"vat\"\nlabel = \"VAT\"\nmethod = \"exclusive\"\nrate_on = \"each_day\"\n\
                rate = [{ from = 2026-01-01, value = 0.10 }, { from = 2026-10-11, value = 0.20 }]\n\
                [[energy]]\ncode = \"e\"\nlabel = \"E\"\nprice = 0.10\n\
                [[demand]]\ncode = \"d\"\nlabel = \"D\"\nprice = 31\n";
    let scene =
        Scene::new("America/Bahia", &[text], "2026-10-01", "2026-11-01", 0).stepped(60, |_| 1000);
    let plan = scene.plan();
    // 240 and 504 kWh at 0.10; 1 kW at 31, of which 10 and 21 days.
    let rows: Vec<String> = plan
        .tax_box
        .iter()
        .map(|r| format!("{} {} {}", r.base, r.rate.normalize(), r.amount))
        .collect();
    assert_eq!(rows, ["34.00 0.1 3.40", "71.40 0.2 14.28"]);
}

#[test]
fn blocks_may_end_at_so_many_kwh_per_kw() {
    let text = "code = \"t\"\nversion = \"1\"\nname = \"T\"\ncurrency = \"USD\"\nvalid_from = 2026-01-01\n\
                [[energy]]\ncode = \"e\"\nlabel = \"E\"\nblocks = [\n\
                { up_to_kwh = 150, up_to_kwh_per_kw = 200, price = 0.30 },\n\
                { up_to_kwh_per_kw = 200, price = 0.20 },\n{ price = 0.10 }]\n";
    // Hours of 1 kW, and one of 2 kW: 745 kWh, of which 400 come within 200 hours of use.
    let scene = Scene::new("America/Bahia", &[text], "2026-10-01", "2026-11-01", 0)
        .stepped(60, |i| if i == 99 { 2000 } else { 1000 });
    let plan = scene.plan();
    let blocks: Vec<(String, String)> = plan
        .lines
        .iter()
        .map(|l| (l.block.clone().unwrap(), l.quantity.unwrap().to_string()))
        .collect();
    assert_eq!(blocks, pairs(&[("0..150", "150"), ("150..200/kW", "250"), ("200/kW..", "345")]));
    let sum: i64 = scene.costs().iter().sum();
    assert!((sum - plan.totals.total.minor()).abs() <= 10, "{sum} {}", plan.totals.total);
}

#[test]
fn energy_that_no_line_bills_is_noticed() {
    let white = include_str!("../../../tariffs/example-white.toml");
    let scene =
        Scene::new("America/Bahia", &[white], "2026-10-01", "2026-11-01", 0).stepped(60, |_| 500);
    let good = scene.plan();
    let changes: [(&str, Change); 4] = [
        ("must be the energy", |p| p.lines[0].quantity = Some(dec("1"))),
        ("must be the energy of `fora_ponta`", |p| {
            let (a, b) = (p.lines[0].quantity, p.lines[1].quantity);
            (p.lines[0].quantity, p.lines[1].quantity) = (b, a);
        }),
        ("no charge bills", |p| p.lines.retain(|l| l.period.as_deref() != Some("ponta"))),
        ("must be the energy", |p| {
            let line = p.lines[0].clone();
            p.lines.push(line);
        }),
    ];
    for (words, change) in changes {
        let mut plan = good.clone();
        change(&mut plan);
        let found = verify(&plan);
        assert!(found.iter().any(|v| v.rule.contains(words)), "{words}: {found:?}");
    }
}

#[test]
fn under_a_split_by_days_a_tariff_that_renames_its_periods_bills_each_kwh_once() {
    let tariff = |version: &str, from: &str, day: &str, evening: &str, charges: &str| {
        format!(
            "code = \"t\"\nversion = \"{version}\"\nname = \"T\"\ncurrency = \"BRL\"\nvalid_from = {from}\n\
             split = \"days\"\n[tou]\nperiods = [\"{day}\", \"{evening}\"]\nrest = \"{day}\"\n\
             [[tou.rule]]\nperiod = \"{evening}\"\ndays = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\"]\nfrom = \"18:00\"\nuntil = \"21:00\"\n\
             {charges}"
        )
    };
    let by_period = |day: &str, evening: &str| {
        format!(
            "[[energy]]\ncode = \"e\"\nlabel = \"E\"\nprices = {{ {day} = 0.10, {evening} = 0.50 }}\n"
        )
    };
    let flat = "[[energy]]\ncode = \"f\"\nlabel = \"F\"\nprice = 0.20\n";
    // 10 days of 21 kWh by day and 6 kWh in the evening, then 21 days of the same.
    let billed = |first: &str, second: &str| {
        let scene = Scene::new("America/Bahia", &[first, second], "2026-10-01", "2026-11-01", 0)
            .stepped(60, |hour| if (18..21).contains(&(hour % 24)) { 2000 } else { 1000 });
        let plan = scene.plan();
        assert_eq!(verify(&plan), []);
        amounts(&plan)
    };
    let old = tariff("1", "2026-01-01", "off", "peak", &by_period("off", "peak"));
    let new = tariff("2", "2026-10-11", "low", "high", &by_period("low", "high"));
    let one = tariff("3", "2026-10-11", "low", "high", flat);
    assert_eq!(
        billed(&old, &new),
        pairs(&[("E", "21.00"), ("E", "30.00"), ("E", "44.10"), ("E", "63.00")])
    );
    // A price for all periods counts the whole bill's energy by its days, the other one its own.
    assert_eq!(billed(&old, &one), pairs(&[("E", "21.00"), ("E", "30.00"), ("F", "113.40")]));
}
