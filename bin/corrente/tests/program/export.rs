//! `export`: what it says when it cannot.

use crate::{Town, refused, run};

#[test]
fn a_wrong_question_is_one_sentence() {
    let mut town = Town::start(&[]);
    let data = town.data();
    let ask = |from: &str, to: &str, more: &[&str]| {
        let mut arguments = vec!["export", "usage", "--data", &data, "--from", from, "--to", to];
        arguments.extend(more);
        refused(&arguments)
    };
    let said = ask("2026-01-01", "2026-01-31", &[]);
    assert!(said.contains("is using this data directory"), "{said}");
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
