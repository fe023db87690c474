//! A town of one's own from the command line, and a fleet that goes wrong on purpose.

use std::{collections::BTreeMap, fs};

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
    assert!(looked.contains("ledger: 1 channels"), "{looked}");
}

#[test]
fn a_fleet_goes_wrong_on_purpose_and_each_reading_is_where_it_belongs() {
    let mut town = Town::start(&[]);
    let (data, token) = (town.data(), town.token(&[]));
    let (record, state) = (town.path("fleet.jsonl"), town.path("fleet.json"));
    let (address, record) = (town.address(), record.to_str().unwrap());
    let fleet = |more: &[&str]| {
        let mut arguments = vec!["fleet", "--connect", &address, "--meters", "120"];
        arguments.extend(["--interval", "1", "--seed", "5", "--state", state.to_str().unwrap()]);
        arguments.extend(["--record", record]);
        arguments.extend(more);
        printed(&arguments)
    };
    let said = fleet(&["--token", &token, "--duration", "10", "--faults", "all"]);
    assert!(said.contains("of 120") && said.contains("faults: "), "{said}");
    let check = ["fleet", "check", "--data", &data, "--record", record];
    let checked = printed(&check);
    assert!(checked.contains("120 of 120 meters reported"), "{checked}");
    for fault in ["drop", "late", "duplicate", "drift", "jump", "reset"] {
        assert!(checked.contains(&format!("\n{fault} ")), "{fault} never happened: {checked}");
    }
    println!("{checked}");

    // The same fleet comes back with the secrets that it kept, and with its wrong clocks and dials.
    let before: BTreeMap<String, i64> = last_values(record);
    let said = fleet(&["--duration", "3"]);
    assert!(said.contains("refused 0"), "{said}");
    let checked = printed(&check);
    // A clock that went wrong backwards still says times from before the meter was there.
    assert!(checked.contains(" of 120 meters reported"), "{checked}");
    for (serial, value) in first_values(record) {
        let used = value - before[&serial];
        assert!((0..1_000).contains(&used), "{serial}: a dial went from {before:?} to {value}");
    }

    // A reading that is changed in the record is missed in the ledger.
    town.stop();
    let text = fs::read_to_string(record).unwrap();
    let line = text.lines().find(|line| line.contains("\"is\":\"sent\"")).unwrap();
    let (front, _) = line.rsplit_once("\"wh\":").unwrap();
    fs::write(record, text.replacen(line, &format!("{front}\"wh\":7}}"), 1)).unwrap();
    let output = run(&check);
    assert_eq!(output.status.code(), Some(1));
    assert!(text_of(&output).contains("DIFFERS F-5-"), "{}", text_of(&output));
    fs::write(record, "{\"is\":\"noise\"}\n").unwrap();
    assert!(refused(&check).contains("fleet.jsonl:1: no line of a fleet's record"));
}

fn text_of(output: &std::process::Output) -> String {
    text(&output.stdout)
}

/// What each meter of a record sent, by serial, in order.
fn values(record: &str) -> impl DoubleEndedIterator<Item = (String, i64)> {
    let text = fs::read_to_string(record).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines
        .into_iter()
        .filter(|line| line["is"] == "sent")
        .map(|line| (line["serial"].as_str().unwrap().to_owned(), line["wh"].as_i64().unwrap()))
}

fn first_values(record: &str) -> BTreeMap<String, i64> {
    values(record).rev().collect()
}

fn last_values(record: &str) -> BTreeMap<String, i64> {
    values(record).collect()
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
