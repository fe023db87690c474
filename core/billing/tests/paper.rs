//! Paper bills of the kinds that people bring: white tariff, social blocks, two flags, own generation,
//! the minimum, exemption, the old formula, both line algorithms; and what is said about one that is wrong. The bills were computed by another program.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "a test reads files that core must not")]

use corrente_billing::check::{BillReport, check_bills};
use serde_json::{Value, json};

fn bills() -> Value {
    serde_json::from_str(include_str!("paper/bills.json")).unwrap()
}

/// The report of a bill after a change of it.
fn changed(id: &str, change: impl FnOnce(&mut Value)) -> BillReport {
    let mut bill =
        bills()["bills"].as_array().unwrap().iter().find(|bill| bill["id"] == id).unwrap().clone();
    change(&mut bill);
    check_bills(&bill.to_string()).unwrap().remove(0)
}

#[test]
fn bills_of_all_kinds_are_equal() {
    for report in check_bills(&bills().to_string()).unwrap() {
        let wrong: Vec<_> = report.compared.iter().filter(|c| !c.equal).collect();
        assert!(report.equal, "{}: {:?} {wrong:#?}", report.id, report.problem);
        assert!(report.compared.len() > 4, "{}: {:?}", report.id, report.compared);
    }
}

#[test]
fn a_difference_is_named_with_its_amount() {
    type Case = (&'static str, fn(&mut Value), &'static str, &'static str);
    let cases: &[Case] = &[
        ("white-A", |b| b["lines"][2][3] = json!("30.00"), "Consumo Intermediário-TUSD: value", ""),
        ("flags-B", |b| b["lines"][3][5] = json!("2.00"), "VERMELHA-P1: ICMS", ""),
        ("flags-B", |b| b["tax_box"]["COFINS"][2] = json!("9.99"), "tax box COFINS: amount", ""),
        ("white-B", |b| b["total"] = json!("1.00"), "total", ""),
        ("white-B", |b| b["reading"]["days"] = json!(31), "reading: days", "1"),
        ("white-B", |b| b["reading"]["reg_curr"] = json!(1250), "reading: kWh", "1"),
        ("social-A", |b| b["lines"][3][1] = json!("71"), "lines of TE: kWh", "1"),
        ("flags-A", |b| b["flags"][0]["days_share"] = json!("12/31"), "flag amarela: of days", "1"),
    ];
    for (id, change, what, difference) in cases {
        let report = changed(id, change);
        assert!(!report.equal, "{id} {what}");
        let found = report.compared.iter().find(|c| !c.equal && c.what.contains(what));
        let found = found.unwrap_or_else(|| panic!("{id} {what}: {report:#?}"));
        assert_eq!(found.printed - found.computed, found.difference);
        if !difference.is_empty() {
            assert_eq!(found.difference.abs().to_string(), *difference, "{id} {what}");
        }
    }
}

#[test]
fn the_other_algorithm_is_hinted_at() {
    let report = changed("white-A", |bill| bill["algorithm"] = json!("B"));
    assert!(!report.equal);
    assert_eq!(report.hint.as_deref(), Some("algorithm A makes every figure equal"));
    assert!(changed("white-A", |bill| bill["algorithm"] = Value::Null).equal);
}

#[test]
fn a_field_that_cannot_be_read_is_named_with_its_fix() {
    type Case = (fn(&mut Value), &'static str);
    let cases: &[Case] = &[
        (
            |b| b["lines"][0][3] = json!("305,27"),
            "`lines[0] (value)` is `305,27`, which is no number: write 305.27",
        ),
        (|b| b["taxes"]["icms"] = json!("20.5"), "`taxes.icms` is 20.5: write 20.5 % as 0.205"),
        (|b| b["taxes"]["iss"] = json!("0.05"), "`taxes.iss` is no tax inside the price"),
        (|b| b["taxes"]["pis_cofins"] = json!("0.05"), "`taxes.pis_cofins` stands beside `pis`"),
        (
            |b| b["tariffs_brl_per_kwh"]["TUSD"] = json!("abc"),
            "`tariffs_brl_per_kwh.TUSD` is `abc`, which is no number",
        ),
        (
            |b| b["flags"][0]["days_share"] = json!("twelve"),
            "`flags[0].days_share` is \"twelve\": write the flag's days as \"18/31\"",
        ),
        (|b| b["flags"][1]["brl_per_kwh"] = Value::Null, "`flags[1].brl_per_kwh` is empty"),
        (
            |b| b["reading"]["previous"] = json!("20/05/2025"),
            "`reading.previous` is \"20/05/2025\", not 2026-04-22",
        ),
        (|b| b["lines"][0] = json!("Consumo"), "`lines[0]` is no list of cells"),
        (|b| b["lines"] = json!({}), "`lines` is no list"),
        (|b| b["lines"][0] = json!(["a", 1, 2, 3, 4, 5, 6]), "`lines[0]` has 7 cells"),
    ];
    for (change, problem) in cases {
        let report = changed("flags-A", change);
        let found = report.problem.unwrap_or_else(|| panic!("{problem}: {:?}", report.compared));
        assert!(!report.equal && found.contains(problem), "{found}\nshould say {problem}");
    }
    // One bad bill keeps no other from being checked.
    let mut all = bills();
    all["bills"][0]["taxes"]["icms"] = json!("20.5");
    let reports = check_bills(&all.to_string()).unwrap();
    assert!(reports.len() > 4 && reports[0].problem.is_some());
    assert!(reports[1..].iter().all(|report| report.equal));
    assert!(check_bills("{}").is_err() && check_bills("{\"bills\": []}").is_err());
}

#[test]
fn lines_may_be_objects_and_columns_may_have_other_names() {
    let report = changed("flags-B", |bill| {
        let names = ["item", "quantity", "price", "value", "pis_cofins", "icms"];
        for line in bill["lines"].as_array_mut().unwrap() {
            let cells = line.as_array().unwrap().clone();
            let named = names.iter().map(|n| (*n).to_owned()).zip(cells);
            *line = Value::Object(named.filter(|(_, cell)| !cell.is_null()).collect());
        }
        bill.as_object_mut().unwrap().remove("lines_columns");
    });
    assert!(report.equal, "{report:#?}");
    assert!(report.compared.len() > 20);
}

/// The cents of a bill: values and taxes of lines, the total, bases and amounts of tax boxes.
fn cents(bill: &Value) -> Vec<String> {
    let mut paths = vec!["/total".to_owned()];
    for (index, _) in bill["lines"].as_array().unwrap().iter().enumerate() {
        paths.extend((3..6).map(|cell| format!("/lines/{index}/{cell}")));
    }
    for name in bill["tax_box"].as_object().into_iter().flat_map(|boxes| boxes.keys()) {
        paths.extend([0, 2].map(|cell| format!("/tax_box/{name}/{cell}")));
    }
    paths.retain(|path| bill.pointer(path).is_some_and(|cell| !cell.is_null()));
    paths
}

#[test]
fn each_printed_cent_that_is_one_off_is_found() {
    use corrente_units::Decimal;
    let mut looked = 0;
    for bill in bills()["bills"].as_array().unwrap() {
        for path in cents(bill) {
            for cent in [Decimal::new(1, 2), Decimal::new(-1, 2)] {
                let mut changed = bill.clone();
                let cell = changed.pointer_mut(&path).unwrap();
                let printed: Decimal = cell.as_str().unwrap().parse().unwrap();
                *cell = json!((printed + cent).to_string());
                let report = check_bills(&changed.to_string()).unwrap().remove(0);
                let wrong: Vec<&String> =
                    report.compared.iter().filter(|c| !c.equal).map(|c| &c.what).collect();
                assert!(!report.equal, "{} {path} {cent}", report.id);
                if let Some(name) = path.strip_prefix("/tax_box/").and_then(|p| p.split('/').next())
                {
                    let named = |what: &&String| what.contains(name) || what.contains("PIS/COFINS");
                    assert!(wrong.iter().any(named), "{} {path}: {wrong:?}", report.id);
                }
                looked += 1;
            }
        }
    }
    assert!(looked > 400, "{looked} figures");
}

#[test]
fn the_old_formula_is_named_as_such() {
    let report = changed("old-formula-B", |_| ());
    assert!(report.equal);
    assert_eq!(report.algorithm, "B, old formula");
    assert!(report.hint.unwrap().contains("t/(1-icms-pis-cofins)"));
}

#[test]
fn what_was_compared_is_said() {
    let scope = |id: &str, change: fn(&mut Value)| changed(id, change).scope();
    assert!(scope("flags-B", |_| ()).ends_with("figures, 4 of 5 lines computed, total"));
    let only_total = changed("minimum-B", |b| b["tariffs_brl_per_kwh"] = json!({}));
    assert!(only_total.equal && only_total.only_sums());
    assert_eq!(only_total.scope(), "2 figures, 0 of 1 lines computed, total");
}

#[test]
fn a_formula_may_have_other_inputs() {
    let bill = |inputs: Value, expected: Value| {
        let formula = "t/((1-icms)*(1-pis-cofins))";
        let bill = json!({ "id": "f", "formula": formula, "inputs": inputs, "expected": expected });
        check_bills(&bill.to_string()).unwrap().remove(0)
    };
    let taxes = |name: &str, value: &str| json!({ name: value, "ICMS": "20.5%", "PIS": "0.0117", "COFINS": "0.0542" });
    assert!(bill(taxes("flag", "0.01885"), json!({ "flag_with_tax": "0.0253835" })).equal);
    assert!(bill(taxes("price", "0.01885"), json!({ "gross": "0.0253835" })).equal);
    assert!(bill(taxes("t", "0.01885"), json!({ "anything": "0.02538" })).equal);
    assert!(!bill(taxes("t", "0.01885"), json!({ "anything": "0.02540" })).equal);
    let wrong = bill(taxes("price", "0.01885"), json!({ "TE_with_tax": "1" }));
    assert!(wrong.problem.unwrap().contains("`te` is missing in `inputs`"));
}

#[test]
fn the_example_of_the_documentation_is_equal() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/tariffs.md");
    let text = std::fs::read_to_string(path).unwrap();
    let examples: Vec<&str> =
        text.split("```json\n").skip(1).map(|e| e.split("```").next().unwrap()).collect();
    assert_eq!(examples.len(), 1);
    let report = check_bills(examples[0]).unwrap().remove(0);
    assert!(report.equal && report.compared.len() >= 8, "{report:#?}");
}
