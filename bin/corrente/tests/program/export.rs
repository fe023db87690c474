//! `export`: what it says when it cannot.

use crate::{Town, printed, refused, run};

#[test]
fn a_wrong_question_is_one_sentence() {
    let mut town = Town::start(&[]);
    let data = town.data();
    let ask = |from: &str, to: &str, more: &[&str]| {
        let mut arguments = vec!["export", "usage", "--data", &data, "--from", from, "--to", to];
        arguments.extend(more);
        refused(&arguments)
    };
    town.stop();
    let said = ask("2026-02-01", "2026-01-31", &[]);
    assert!(said.contains("is before"), "{said}");
    let said = ask("2026-01-01", "2026-01-31", &["--usage-point", "Rua 9"]);
    assert!(said.contains("Rua 9"), "{said}");
    let wrong = run(&[
        "export",
        "usage",
        "--data",
        &data,
        "--from",
        "2026-01-01",
        "--to",
        "2026-01-31",
        "--step",
        "decade",
    ]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn figures_beside_a_running_server_and_of_a_backup_are_the_same() {
    let mut town = Town::start(&[]);
    let csv = town.path("homes.csv");
    let rows: Vec<String> = (0..48)
        .map(|n| format!("=H1,2013-01-01 {:02}:{:02}:00,0.{:03}", n / 2, n % 2 * 30, n + 100))
        .collect();
    std::fs::write(&csv, format!("LCLid,tstp,energy(kWh/hh)\n{}\n", rows.join("\n"))).unwrap();
    let token = town.token(&["--installed-from", "beginning"]);
    let map = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/maps/london.toml");
    let (address, state) = (town.address(), town.path("replay.json"));
    printed(&[
        "replay",
        csv.to_str().unwrap(),
        "--map",
        map,
        "--connect",
        &address,
        "--token",
        &token,
        "--state",
        state.to_str().unwrap(),
    ]);
    let figures = |data: &str| {
        printed(&[
            "export",
            "usage",
            "--data",
            data,
            "--from",
            "2012-12-31",
            "--to",
            "2013-01-02",
            "--step",
            "hour",
        ])
    };
    let beside = figures(&town.data());
    let sum: i64 =
        beside.lines().skip(1).filter_map(|line| line.split(',').nth(3)?.parse::<i64>().ok()).sum();
    assert_eq!(sum, (0..48).map(|n| n + 100).sum::<i64>());
    // A spreadsheet would take the bare name for a formula.
    assert!(beside.lines().skip(1).all(|line| line.starts_with("'=H1,")), "{beside}");
    let (backup, restored) = (town.path("backup"), town.path("restored"));
    let (backup, restored) = (backup.to_str().unwrap(), restored.to_str().unwrap());
    printed(&["admin", "backup", "--data", &town.data(), "--to", backup]);
    let said = refused(&["admin", "backup", "--data", &town.data(), "--to", backup]);
    assert!(said.contains("nothing is overwritten"), "{said}");
    let said = refused(&["admin", "restore", "--from", backup, "--data", &town.data()]);
    assert!(said.contains("a server is using this directory"), "{said}");
    printed(&["admin", "restore", "--from", backup, "--data", restored]);
    assert_eq!(figures(restored), beside);
    town.stop();
    assert_eq!(figures(&town.data()), beside);
}
