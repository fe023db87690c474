//! What is generated and committed, so that a reader sees it and a change of it.

use crate::{Failure, Outcome, portal, process};

/// Files that are made from the code.
const GENERATED: [&str; 5] = [
    "docs/api.md",
    "docs/configuration.md",
    "edge/api/openapi.json",
    "portal/src/shared/api/schema.d.ts",
    "tariffs/schema.json",
];

/// Makes them anew. With `check`, a difference to what is committed is a failure; the files that come
/// from Rust code are then left to their own tests, which run with all others.
pub(crate) fn run(check: bool) -> Outcome {
    let before = read_all()?;
    if !check {
        for test in [
            &["--package", "corrente-api", "--test", "it", "document"][..],
            &["--package", "corrente-tariff", "--test", "schema"],
            &["--package", "corrente", "--bins", "settings"],
        ] {
            let mut update = process::cargo(&["test", "--quiet"]);
            update.args(test).env("UPDATE", "1").env("UPDATE_EXPECT", "1");
            process::run(update)?;
        }
    }
    portal::install()?;
    process::run(portal::npm(&["run", "generate", "--silent"]))?;
    let after = read_all()?;
    let changed: Vec<&str> = GENERATED
        .into_iter()
        .zip(before.iter().zip(&after))
        .filter(|(_, (old, new))| old != new)
        .map(|(name, _)| name)
        .collect();
    match (check, changed.is_empty()) {
        (_, true) => {
            println!("Generated files are current.");
            Ok(())
        }
        (false, false) => {
            println!("Made anew: {}", changed.join(", "));
            Ok(())
        }
        (true, false) => Err(Failure(format!(
            "{} did not match the code; they are made anew now: look at the difference and commit it",
            changed.join(", ")
        ))),
    }
}

fn read_all() -> Result<Vec<String>, Failure> {
    GENERATED
        .into_iter()
        .map(|name| match std::fs::read_to_string(process::root().join(name)) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(Failure(format!("{name} cannot be read: {error}"))),
        })
        .collect()
}
