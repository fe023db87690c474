//! Paper bills of the kinds that people bring: white tariff, social blocks, two flags, both line
//! algorithms; and what is said about one that is wrong. The bills were computed by another program.

#![expect(clippy::unwrap_used, reason = "tests")]

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
        assert!(report.compared.len() > 6, "{}: {:?}", report.id, report.compared);
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
