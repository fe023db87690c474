//! What anyone can check without a server: exit codes and words.

use std::path::Path;

use crate::{run, text};

const TARIFF: &str = "code = \"t\"\nversion = \"1\"\nname = \"T\"\ncurrency = \"EUR\"\nvalid_from = 2026-01-01\n\
                      [[energy]]\ncode = \"e\"\nlabel = \"E\"\nprice = 0.2\n";
const BILL: &str = r#"{ "id": "march", "tariffs_brl_per_kwh": { "TUSD": "0.43260" },
  "taxes": { "icms": "0.20", "pis": "0.0129", "cofins": "0.0597" },
  "lines": [["Consumo-TUSD", 464, "0.58308173", "270.54", null, null]], "algorithm": "B" }"#;
const BARS: &str = "83800000002284600384070295022802002609487803";

/// Runs a command in a folder with these files: exit code, what it printed, what it complained about.
fn tried(files: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let path = |argument: &&str| {
        let path = folder.path().join(argument);
        let file = argument.contains('.') && Path::new(argument).file_name().is_some();
        if file { path.to_str().unwrap().to_owned() } else { (*argument).to_owned() }
    };
    let arguments: Vec<String> = arguments.iter().map(path).collect();
    let output = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_exit_code_and_the_words_say_what_was_found() {
    let wrong = BILL.replace("270.54", "270.55");
    let late = TARIFF.replace("\"1\"", "\"2\"").replace("2026-01-01", "2026-06-01");
    let ends = TARIFF.replace("2026-01-01\n", "2026-01-01\nvalid_until = 2026-07-01\n");
    let files: &[(&str, &str)] = &[
        ("good.json", BILL),
        ("wrong.json", &wrong),
        ("broken.json", "{"),
        ("a.toml", TARIFF),
        ("late.toml", &late),
        ("ends.toml", &ends),
        ("bad.toml", "code = 1"),
        (
            "bad.json",
            "{\n \"code\": \"t\", \"version\": \"1\", \"name\": \"T\",\n \"currency\": \"XYZ\",\n \"valid_from\": \"2026-01-01\"\n}",
        ),
        (
            "rate.json",
            r#"{ "label": "x", "energyratestructure": [[{ "rate": 0.1 }]], "lookbackpercent": 0.8 }"#,
        ),
        ("norate.json", r#"{ "energyratestructure": [[]], "energyweekdayschedule": 3 }"#),
    ];
    // Arguments, exit code, words on standard output, words on standard error.
    let cases: &[(&[&str], i32, &str, &str)] = &[
        (
            &["bill", "check", "good.json"],
            0,
            "march: equal (algorithm B; 2 figures, 1 of 1 lines computed, no total)",
            "",
        ),
        (
            &["bill", "check", "wrong.json"],
            1,
            "Consumo-TUSD: value: printed 270.55, computed 270.54",
            "1 of 1 bills differ",
        ),
        // A file that cannot be read keeps no other from its turn.
        (
            &["bill", "check", "broken.json", "good.json"],
            1,
            "march: equal",
            "1 files could not be read",
        ),
        (
            &["bill", "check", "none.json", "wrong.json"],
            1,
            "march: DIFFERS",
            "1 of 1 bills differ, 1 files",
        ),
        (&["tariff", "check", "a.toml", "late.toml"], 0, "sound: t 2, valid from 2026-06-01", ""),
        (
            &["tariff", "check", "ends.toml", "late.toml"],
            1,
            "both hold on 2026-06-01",
            "versions overlap",
        ),
        (
            &["tariff", "check", "bad.toml", "a.toml"],
            1,
            "sound: t 1",
            "1 of 2 tariff files have mistakes",
        ),
        (&["tariff", "check", "bad.json"], 1, "line 3: `currency`", "1 of 1"),
        (&["tariff", "check", "none.toml", "a.toml"], 1, "sound: t 1", "1 files could not be read"),
        (
            &["tariff", "import-urdb", "rate.json"],
            0,
            "code = \"urdb-x\"",
            "left out, and it decides amounts: lookbackpercent",
        ),
        (&["tariff", "import-urdb", "norate.json"], 1, "", "no rate"),
        (&["tariff", "check-urdb", "rate.json", "norate.json"], 1, "", "2 files could not be read"),
        (&["pay", "check", BARS], 0, "bar_code: sound", ""),
        (&["pay", "check", "12345", BARS], 1, "bar_code: sound", "1 of 2 codes are not sound"),
        (
            &["pay", "check", "83800000002-5", "28460038407-5", "02950228020-2", "02609487803-3"],
            0,
            "amount in BRL: 228.46",
            "",
        ),
    ];
    for (arguments, code, printed, said) in cases {
        let (found, out, error) = tried(files, arguments);
        assert_eq!(found, Some(*code), "{arguments:?}: {out}{error}");
        assert!(out.contains(printed), "{arguments:?}: {out}");
        assert!(error.contains(said), "{arguments:?}: {error}");
        assert_eq!(error.is_empty(), said.is_empty(), "{arguments:?}: {error}");
        assert!(!error.contains("panicked"), "{error}");
    }
}

#[test]
fn a_rate_is_compared_month_by_month() {
    let name =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../core/billing/tests/urdb/tiers_by_period.json");
    let rate = std::fs::read_to_string(name).unwrap();
    let off = rate.replacen("87.325067", "87.355067", 1);
    assert_ne!(rate, off);
    let files: &[(&str, &str)] = &[("rate.json", &rate), ("off.json", &off)];
    let (code, out, _) = tried(files, &["tariff", "check-urdb", "rate.json"]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.starts_with("tiers by period: equal, largest difference 0"), "{out}");
    let (code, out, error) = tried(files, &["tariff", "check-urdb", "off.json", "rate.json"]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("month 1, total: expected 87.355067, computed 87.325067"), "{out}");
    assert!(error.contains("1 of 2 rates differ"), "{error}");
}
