//! A town of one's own from the command line, and a fleet that goes wrong on purpose.

use std::fs;

use crate::{Town, command, printed, refused, run, text};

const TARIFF: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tariffs/flat-040.toml");

#[test]
fn a_town_is_set_up_from_files_and_its_meter_reports() {
    let town = Town::start(&[]);
    let data = town.data();
    let file = |name: &str, text: &str| {
        let path = town.path(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    printed(&[
        "admin",
        "organisation",
        "set",
        "--data",
        &data,
        "--name",
        "Luz do Vale",
        "--pix-key",
        "a@b.example",
    ]);
    assert!(printed(&["admin", "organisation", "show", "--data", &data]).contains("Luz do Vale"));
    printed(&["admin", "tariff", "add", "--data", &data, TARIFF]);
    let customers = file("customers.csv", "number,name,email\n1,Ana,ana@x.example\n");
    let points = file("points.csv", "name,customer\nRua A 1,1\n");
    let meters = file("meters.csv", "serial,usage_point\nS-1,Rua A 1\n");
    let wrong = file("wrong.csv", "usage_point,tariff,from\nRua A 1,no-such,2026-01-01\n");
    let right = file("right.csv", "usage_point,tariff,from\nRua A 1,flat-040,2026-01-01\n");
    let import = |agreements: &str| {
        run(&[
            "admin",
            "import",
            "--data",
            &data,
            "--customers",
            &customers,
            "--usage-points",
            &points,
            "--meters",
            &meters,
            "--agreements",
            agreements,
        ])
    };
    let refused = import(&wrong);
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    assert!(said.contains("nothing was imported") && said.contains("wrong.csv:2"), "{said}");
    let secrets = text(&import(&right).stdout);
    let secret = secrets.lines().find_map(|line| line.strip_prefix("meter,S-1,")).unwrap();
    assert!(secrets.contains("sign-in,ana@x.example,"), "{secrets}");
    let state = town.path("meter.state");
    let output = command(&[
        "meter",
        "--plain",
        "--connect",
        &town.address(),
        "--serial",
        "S-1",
        "--secret",
        secret,
        "--state",
        state.to_str().unwrap(),
    ])
    .stdin(fs::File::open(file("menu", "4\n")).unwrap())
    .output()
    .unwrap();
    assert!(
        text(&output.stdout).contains("Everything is acknowledged"),
        "{}",
        text(&output.stderr)
    );
    let looked = printed(&["doctor", "--data", &data, "--listen", &town.address()]);
    assert!(looked.contains("1 usage points, 1 meters, 1 tariffs"), "{looked}");
}

#[test]
fn a_fleet_goes_wrong_on_purpose_and_says_how() {
    let town = Town::start(&[]);
    let token = town.token(&[]);
    let (record, state) = (town.path("faults.jsonl"), town.path("fleet.json"));
    let said = printed(&[
        "fleet",
        "--connect",
        &town.address(),
        "--token",
        &token,
        "--meters",
        "60",
        "--interval",
        "1",
        "--duration",
        "4",
        "--seed",
        "5",
        "--faults",
        "drop,late,duplicate,reset",
        "--record",
        record.to_str().unwrap(),
        "--state",
        state.to_str().unwrap(),
    ]);
    assert!(said.contains("of 60") && said.contains("faults: "), "{said}");
    let lines = fs::read_to_string(&record).unwrap();
    assert!(lines.lines().count() > 0);
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["serial"].as_str().unwrap().starts_with("F-5-"), "{line}");
    }
    // The same fleet comes back with the secrets that it kept.
    let said = printed(&[
        "fleet",
        "--connect",
        &town.address(),
        "--meters",
        "60",
        "--interval",
        "1",
        "--duration",
        "2",
        "--seed",
        "5",
        "--state",
        state.to_str().unwrap(),
    ]);
    assert!(said.contains("refused 0"), "{said}");
}

#[test]
fn figures_and_codes_are_checked() {
    printed(&["tariff", "check", TARIFF]);
    assert!(printed(&["tariff", "explain", TARIFF]).contains("0.4"));
    let said = refused(&["pay", "check", "12345"]);
    assert!(said.contains("1 of 1 codes are not sound"), "{said}");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tariff.toml");
    fs::write(&file, "form = \"corrente.tariff/1\"\nnmae = \"x\"\n").unwrap();
    let output = run(&["tariff", "check", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("nmae"), "{}", text(&output.stdout));
    let Some(vectors) = corrente_testkit::shared_vectors() else {
        println!("skipped: no shared vectors on this machine");
        return;
    };
    let bills = vectors.join("br_bills.json");
    assert!(printed(&["bill", "check", bills.to_str().unwrap()]).contains(": equal"));
    let changed = fs::read_to_string(&bills).unwrap().replacen("\"305.27\"", "\"305.28\"", 1);
    fs::write(&file, changed).unwrap();
    let output = run(&["bill", "check", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
}
