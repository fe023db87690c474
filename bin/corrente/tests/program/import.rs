//! `import`: meter data files into a directory, into a server, or only looked at.

use serde_json::{Value, json};

use crate::{Town, printed, refused, run, text};

/// A day of half hours of a home.
fn london(home: &str, first: usize, count: usize, wh: usize) -> String {
    let mut file = "LCLid,tstp,energy(kWh/hh)\n".to_owned();
    for n in first..first + count {
        let (day, half) = (1 + n / 48, n % 48);
        let row = format!(
            "{home},2013-01-{day:02} {:02}:{:02}:00,0.{:03}\n",
            half / 2,
            half % 2 * 30,
            n % 48 + wh
        );
        file.push_str(&row);
    }
    file
}

fn json_of(arguments: &[&str]) -> Value {
    let output = run(arguments);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{arguments:?}: {}", text(&output.stderr)))
}

#[test]
fn the_same_file_and_an_overlapping_one_change_nothing_twice() {
    let mut town = Town::start(&[]);
    town.stop();
    let data = town.data();
    let (first, second) = (town.path("first.csv"), town.path("second.csv"));
    std::fs::write(&first, london("MAC1", 0, 48, 100)).unwrap();
    std::fs::write(&second, london("MAC1", 24, 48, 100)).unwrap();
    let (first, second) = (first.to_str().unwrap(), second.to_str().unwrap());
    let import = |file: &str, more: &[&str]| {
        let mut arguments = vec!["import", file, "--data", &data, "--json"];
        arguments.extend(more);
        json_of(&arguments)["stored"].clone()
    };
    let said = refused_import(&["import", first, "--data", &data]);
    assert!(said.contains("there is no meter `MAC1`") && said.contains("--create"), "{said}");
    let rehearsed = import(first, &["--create", "--dry-run"]);
    assert_eq!(rehearsed["new"], 48);
    assert_eq!(import(first, &["--create", "--dry-run"]), rehearsed, "a rehearsal stores nothing");
    let stored = |new: u32, duplicates: u32, made: u32| json!({"new": new, "duplicates": duplicates, "conflicts": 0, "quarantined": 0, "made": made});
    assert_eq!(import(first, &["--create"]), stored(48, 0, 1));
    assert_eq!(import(first, &["--create"]), stored(0, 48, 0));
    assert_eq!(import(second, &["--dry-run"]), stored(24, 24, 0));
    assert_eq!(import(second, &[]), stored(24, 24, 0));
    // Another value for what is stored: it does not count, and the report names the line.
    let third = town.path("third.csv");
    std::fs::write(&third, london("MAC1", 47, 2, 101)).unwrap();
    let third = third.to_str().unwrap();
    for more in [&["--dry-run"][..], &[]] {
        let mut arguments = vec!["import", third, "--data", &data, "--json"];
        arguments.extend(more);
        let report = json_of(&arguments);
        let against = &report["against"][0];
        assert_eq!(
            (&against["line"], &against["reason"]),
            (&json!(2), &json!("conflict")),
            "{report}"
        );
        assert_eq!((&against["wh"], &against["kept_wh"]), (&json!(148), &json!(147)), "{report}");
    }
    let figures = printed(&[
        "export",
        "usage",
        "--data",
        &data,
        "--from",
        "2012-12-31",
        "--to",
        "2013-01-03",
    ]);
    let sum: i64 = figures
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').nth(3)?.parse::<i64>().ok())
        .sum();
    let wanted: i64 = (0..72).map(|n| n % 48 + 100).sum();
    assert_eq!(sum, wanted, "{figures}");
}

/// What the human report says when nothing is imported.
fn refused_import(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn good_rows_come_in_and_the_exit_code_tells_of_the_bad_one() {
    let mut town = Town::start(&[]);
    town.stop();
    let path = town.path("mixed.csv");
    let file = london("MAC2", 0, 4, 100).replace("0.101", "many");
    std::fs::write(&path, &file).unwrap();
    let (path, data) = (path.to_str().unwrap(), town.data());
    let arguments = ["import", path, "--data", &data, "--create"];
    let output = run(&arguments);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stdout);
    assert!(said.contains("line 3:") && said.contains("stored: 3 new"), "{said}");
    assert!(text(&output.stderr).contains("mixed.csv"));
}

#[test]
fn a_file_of_no_format_names_the_nearest() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("other.csv");
    std::fs::write(&path, "LCLid,when,energy(kWh/hh)\nMAC1,2013-01-01 00:00:00,0.1\n").unwrap();
    let said = refused(&["import", path.to_str().unwrap(), "--dry-run"]);
    assert!(said.contains("nearest is Low Carbon London"), "{said}");
    let said = refused(&["import", path.to_str().unwrap()]);
    assert!(said.contains("--data DIR"), "{said}");
}

#[test]
fn a_field_reading_waits_for_its_meter() {
    let mut town = Town::start(&[]);
    town.stop();
    let path = town.path("field.csv");
    std::fs::write(
        &path,
        "serial,date,register,reader\nF-1,2024-03-01,4711.5,Rosa\nF-1,2024-04-01,4811.5,Rosa\n",
    )
    .unwrap();
    let (path, data) = (path.to_str().unwrap(), town.data());
    let report = json_of(&["import", path, "--data", &data, "--create", "--json"]);
    assert_eq!(report["format"], "field_readings");
    assert_eq!(report["channels"][0]["wh"], 100_000);
    assert_eq!(report["stored"]["new"], 2);
    let figures = printed(&[
        "export",
        "usage",
        "--data",
        &data,
        "--from",
        "2024-03-02",
        "--to",
        "2024-04-01",
        "--step",
        "year",
    ]);
    assert!(figures.contains(",100000,"), "{figures}");
}

#[test]
fn a_running_server_takes_files_by_its_api() {
    let town = Town::start(&[]);
    let path = town.path("first.csv");
    std::fs::write(&path, london("MAC3", 0, 48, 100)).unwrap();
    let (path, data) = (path.to_str().unwrap(), town.data());
    let said = refused(&["import", path, "--data", &data]);
    assert!(said.contains("--server"), "{said}");
    let email = "root@example.com";
    printed(&[
        "admin", "user", "create", "--data", &data, "--email", email, "--name", "R", "--role",
        "admin",
    ]);
    let token =
        printed(&["admin", "user", "api-token", "--data", &data, email, "--scope", "admin"]);
    let server = format!("http://{}", town.address());
    let import = |more: &[&str]| {
        let mut arguments =
            vec!["import", path, "--server", &server, "--api-token", token.trim(), "--json"];
        arguments.extend(more);
        json_of(&arguments)
    };
    assert_eq!(import(&["--create", "--dry-run"])["stored"]["new"], 48);
    assert_eq!(import(&["--create"])["stored"]["new"], 48);
    let again = import(&[]);
    assert_eq!((&again["stored"]["new"], &again["stored"]["duplicates"]), (&json!(0), &json!(48)));
}

#[test]
fn a_meter_is_exchanged_and_its_registers_are_written_down() {
    let mut town = Town::start(&[]);
    town.stop();
    let (old, new) = (town.path("old.csv"), town.path("new.csv"));
    std::fs::write(
        &old,
        "serial,date,register,reader\nE-1,2024-03-01,100,Rosa\nE-1,2024-03-31,400,Rosa\n",
    )
    .unwrap();
    std::fs::write(&new, "serial,date,register,reader\nE-2,2024-04-30,250,Rosa\n").unwrap();
    let data = town.data();
    printed(&["import", old.to_str().unwrap(), "--data", &data, "--create"]);
    let replace = |last: &str| {
        [
            "admin",
            "meter",
            "replace",
            "--data",
            &data,
            "E-1",
            "--with",
            "E-2",
            "--at",
            "2024-04-11",
            "--final",
            last,
            "--first",
            "7",
        ]
        .map(str::to_owned)
    };
    let arguments = |last: &str| replace(last).to_vec();
    let below = arguments("399");
    let said = refused(&below.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(said.contains("is below 400"), "{said}");
    let mut rehearsed = arguments("500");
    rehearsed.push("--dry-run".to_owned());
    let said = printed(&rehearsed.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(said.contains("import: 400 kWh at") && said.contains("nothing was done"), "{said}");
    let right = arguments("500");
    printed(&right.iter().map(String::as_str).collect::<Vec<_>>());
    printed(&["import", new.to_str().unwrap(), "--data", &data]);
    let figures = printed(&[
        "export",
        "usage",
        "--data",
        &data,
        "--from",
        "2024-03-02",
        "--to",
        "2024-04-30",
        "--step",
        "year",
    ]);
    // 400 kWh of the old one, 243 of the new one.
    assert!(figures.contains(",643000,"), "{figures}");
}

#[test]
fn an_exchange_is_guided_in_a_running_server() {
    let town = Town::start(&[]);
    let data = town.data();
    let token = crate::findings::administrator(&data);
    let server = format!("http://{}", town.address());
    let there = ["--server", &server, "--api-token", &token];
    let (old, answers) = (town.path("old.csv"), town.path("answers"));
    std::fs::write(&old, "serial,date,register,reader\nG-1,2024-03-01,100,Rosa\n").unwrap();
    let with = |words: &[&str]| {
        let mut arguments = words.to_vec();
        arguments.extend(there);
        arguments.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()
    };
    let words = with(&["import", old.to_str().unwrap(), "--create"]);
    printed(&words.iter().map(String::as_str).collect::<Vec<_>>());
    std::fs::write(&answers, "a hundred\n120,5\n3\n").unwrap();
    let words = with(&["admin", "meter", "replace", "G-1", "--with", "G-2", "--ask"]);
    let output = crate::command(&words.iter().map(String::as_str).collect::<Vec<_>>())
        .stdin(std::fs::File::open(&answers).unwrap())
        .output()
        .unwrap();
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(said.contains("import: 100 kWh at") && said.contains("give a number"), "{said}");
    assert!(said.contains("meter_"), "the secret: {said}");
    let words = with(&["admin", "meter", "show", "G-2"]);
    let said = printed(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(said.contains("G-2 at G-1") && said.contains("import: 3 kWh at"), "{said}");
    let words = with(&["admin", "meter", "disconnect", "G-2", "--reason", "unpaid"]);
    printed(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let words = with(&["admin", "meter", "remove", "G-2", "--final", "2"]);
    let said = refused(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(said.contains("is below 3000 Wh"), "{said}");
}
