//! Rates of the OpenEI form with the monthly results that PySAM 7.1.1 gives for them, each for one way
//! in which rates are built. The rates are invented. `CORRENTE_URDB_FOLDER` names a folder with more of
//! the same form.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "a test reads files that core must not")]

use corrente_billing::check::check_urdb;
use corrente_tariff::{Tariff, urdb};
use serde_json::{Value, json};

fn files() -> Vec<(String, String)> {
    folder(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/urdb"))
}

fn folder(folder: &str) -> Vec<(String, String)> {
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    std::fs::read_dir(folder).unwrap().map(read).collect()
}

fn file(name: &str) -> Value {
    let found = files().into_iter().find(|(file, _)| file == name);
    serde_json::from_str(&found.unwrap().1).unwrap()
}

#[test]
fn each_month_is_equal_to_the_other_program() {
    let mut files = files();
    assert!(files.len() >= 12);
    if let Ok(more) = std::env::var("CORRENTE_URDB_FOLDER") {
        files.extend(folder(&more));
    }
    for (name, text) in files {
        let report = check_urdb(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let wrong: Vec<_> =
            report.months.iter().flat_map(|m| m.differing().map(move |p| (m.month, p))).collect();
        assert!(report.equal && wrong.is_empty(), "{name}: {wrong:?} {:?}", report.notes);
        assert_eq!(report.months.len(), 12);
    }
}

#[test]
fn a_month_that_is_two_cents_off_is_named() {
    let mut case = file("tiers_by_period");
    let energy = &mut case["expected_pysam_7_1_1_post1"]["energy"][6];
    *energy = json!(energy.as_f64().unwrap() + 0.02);
    let report = check_urdb(&case.to_string()).unwrap();
    assert!(!report.equal);
    let wrong: Vec<_> = report
        .months
        .iter()
        .flat_map(|m| m.differing().map(move |p| (m.month, p.0.as_str())))
        .collect();
    assert_eq!(wrong, [(7, "energy")]);
}

#[test]
fn what_is_read_in_a_way_of_its_own_is_named() {
    let cases = [
        ("last_tier_ends", "nothing is billed above the last tier"),
        ("demand_tiers_by_period", "`demandrateunit` is `kW daily`, which SAM takes as kW"),
        ("minimum_per_year", "added in December"),
        ("version_3_fixed_charge", "the expected figures leave the fixed charge out"),
        ("version_3_fixed_charge", "`coincidentratestructure` is not imported"),
        ("version_3_fixed_charge", "`energyratestructure[].sell` is not imported"),
        ("tiers_per_day", "365/12 days a month"),
    ];
    for (name, wanted) in cases {
        let report = check_urdb(&file(name).to_string()).unwrap();
        assert!(report.notes.iter().any(|n| n.contains(wanted)), "{name}: {:?}", report.notes);
    }
}

/// A rate's tariff as a bill is made from it.
fn imported(rate: &Value) -> Result<urdb::Imported, String> {
    let imported = urdb::import(&rate.to_string()).map_err(|e| e.to_string())?;
    Tariff::from_file(imported.file.clone()).map_err(|e| e.to_string())?;
    Ok(imported)
}

#[test]
fn every_rate_is_also_a_tariff() {
    for (name, text) in files() {
        let value: Value = serde_json::from_str(&text).unwrap();
        let imported = imported(&value["rate"]).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(
            imported.file.minimum.is_some(),
            name.starts_with("minimum_per") && name != "minimum_per_year"
        );
    }
    let last = imported(&file("last_tier_ends")["rate"]).unwrap();
    assert!(last.file.energy[0].blocks.last().unwrap().up_to_kwh.is_none());
    assert!(last.notes.iter().any(|n| n.contains("limit is taken as none")), "{:?}", last.notes);
    let year = imported(&file("minimum_per_year")["rate"]).unwrap();
    assert_eq!(year.left_out, ["mincharge in $/year"]);
    let fixed = imported(&file("version_3_fixed_charge")["rate"]).unwrap();
    assert_eq!(fixed.file.fixed.len(), 1);
    // A single tier has no limit: its unit says nothing.
    let odd = json!({ "energyratestructure": [[{ "rate": 0.1, "unit": "kVAh" }]] });
    assert!(imported(&odd).unwrap().file.energy[0].price.is_some());
}

#[test]
fn a_rate_that_cannot_be_read_names_the_field() {
    let hours = |period: u64| vec![vec![period; 24]; 12];
    let cases = [
        (
            json!({ "energyratestructure": [[], [{ "rate": 0.1 }]], "energyweekdayschedule": hours(0) }),
            "`energyratestructure[0]` is an empty list of tiers, but that period is used",
        ),
        (
            json!({ "energyratestructure": [[{ "rate": 0.1 }]], "energyweekdayschedule": hours(1) }),
            "has an hour whose period is not in the rate structure",
        ),
        (
            json!({ "energyratestructure": [[{ "rate": 0.1, "max": 5, "unit": "therm" }, { "rate": 0.2 }]] }),
            "`energyratestructure[0][0].unit` is `therm`",
        ),
        (
            json!({ "energyratestructure": [[{ "rate": 0.1, "max": 5, "unit": "kWh daily" }, { "rate": 0.2, "max": 100, "unit": "kWh" }, { "rate": 0.3 }]] }),
            "has limits for a day and limits for a month",
        ),
        (
            json!({ "energyratestructure": [[{ "rate": 0.1 }]], "fixedchargefirstmeter": 1, "fixedchargeunits": "$/week" }),
            "`fixedchargeunits` is `$/week`",
        ),
        (
            json!({ "energyratestructure": [[{ "rate": 0.1 }]], "flatdemandstructure": [[], [{ "rate": 1 }]] }),
            "`flatdemandstructure[0]` is an empty list of tiers",
        ),
    ];
    for (rate, wanted) in cases {
        let error = imported(&rate).unwrap_err();
        assert!(error.contains(wanted), "{error}\nshould say {wanted}");
    }
    // A period that no hour uses may be empty, and the others keep their places.
    let rate = json!({
        "energyratestructure": [[{ "rate": 0.1 }], [], [{ "rate": 0.3 }]],
        "energyweekdayschedule": hours(2), "energyweekendschedule": hours(0)
    });
    let codes: Vec<String> =
        imported(&rate).unwrap().file.energy.iter().map(|c| c.code.clone()).collect();
    assert_eq!(codes, ["energy_0", "energy_2"]);
}
