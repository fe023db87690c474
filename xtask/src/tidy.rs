//! The repository's own rules, so that they hold without anyone remembering them.

use std::{collections::BTreeSet, fs, path::Path};

use cargo_metadata::MetadataCommand;

use crate::{Failure, Outcome, process};

/// A Rust file longer than this is to be split.
const LONGEST_FILE: usize = 800;

/// Files that are one state machine or one table, and why.
const LONGER_FILES: [(&str, &str); 0] = [];

/// Licences that a dependency may have, any one of them where it offers several.
const LICENCES: [&str; 18] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "OpenSSL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    // Of a terminal database and a bidi table: do what you want, and Unicode's older terms.
    "Unicode-DFS-2016",
    "WTFPL",
];

/// Tests that pace an attacker or pick the moment of a kill: there the passing of time is the input.
const PACED_TESTS: [&str; 2] =
    ["edge/headend/tests/hostile.rs", "edge/ledger/tests/trouble/kill.rs"];

/// Documents that stand at the root.
const DOCUMENTS: [&str; 6] = [
    "README.md",
    "README.pt-BR.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE",
];
/// The table of contents of the book.
const CONTENTS: &str = "docs/README.md";

pub(crate) fn check() -> Outcome {
    let files = process::output(process::command("git", &["ls-files"]))?;
    let files: Vec<&str> = files.lines().filter(|f| process::root().join(f).is_file()).collect();
    let mut found = Vec::new();
    documents(&mut found);
    book(&files, &mut found);
    architecture_names_every_crate(&mut found)?;
    texts(&files, &mut found);
    licences(&mut found)?;
    if found.is_empty() {
        println!("Tidy: {} files.", files.len());
        return Ok(());
    }
    Err(Failure(format!("the repository is not tidy:\n  {}", found.join("\n  "))))
}

fn documents(found: &mut Vec<String>) {
    for name in DOCUMENTS {
        if !process::root().join(name).is_file() {
            found.push(format!("{name} is missing"));
        }
    }
}

/// Every chapter stands in the table of contents, and every link between documents leads somewhere.
fn book(files: &[&str], found: &mut Vec<String>) {
    let contents = fs::read_to_string(process::root().join(CONTENTS)).unwrap_or_default();
    for file in files.iter().filter(|file| Path::new(file).extension().is_some_and(|e| e == "md")) {
        if let Some(chapter) = file.strip_prefix("docs/")
            && *file != CONTENTS
            && !contents.contains(&format!("]({chapter})"))
        {
            found.push(format!("{CONTENTS} does not name {chapter}"));
        }
        let path = process::root().join(file);
        let folder = path.parent().unwrap_or(&path);
        let text = fs::read_to_string(&path).unwrap_or_default();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            let elsewhere = target.is_empty() || target.contains("://") || target.contains(' ');
            if !elsewhere && !folder.join(target).exists() {
                found.push(format!("{file} links to {target}, which is not there"));
            }
        }
    }
}

fn architecture_names_every_crate(found: &mut Vec<String>) -> Outcome {
    let map = fs::read_to_string(process::root().join("ARCHITECTURE.md")).unwrap_or_default();
    let metadata = MetadataCommand::new()
        .current_dir(process::root())
        .no_deps()
        .exec()
        .map_err(|error| Failure(format!("cargo metadata failed: {error}")))?;
    let folders: BTreeSet<String> = metadata
        .packages
        .iter()
        .filter_map(|package| package.manifest_path.parent())
        .filter_map(|folder| folder.strip_prefix(&metadata.workspace_root).ok())
        .map(ToString::to_string)
        .collect();
    for folder in &folders {
        if !map.contains(&format!("`{folder}`")) {
            found.push(format!("ARCHITECTURE.md does not name the crate `{folder}`"));
        }
    }
    for named in map.split('`').skip(1).step_by(2) {
        let is_crate =
            ["core/", "proto/", "edge/", "testing/"].iter().any(|p| named.starts_with(p));
        if is_crate && named.matches('/').count() == 1 && !folders.contains(named) {
            found.push(format!("ARCHITECTURE.md names `{named}`, which is no crate"));
        }
    }
    Ok(())
}

fn texts(files: &[&str], found: &mut Vec<String>) {
    // Written in two halves, so that this file does not accuse itself.
    let left_over =
        [concat!("to", "do!("), concat!("unimple", "mented!("), concat!("#[ig", "nore")];
    for file in files {
        let Ok(text) = fs::read_to_string(process::root().join(file)) else { continue };
        let is_rust = Path::new(file).extension().is_some_and(|ending| ending == "rs");
        let is_test = file.contains("/tests/") || file.contains("/benches/");
        let lines = text.lines().count();
        if is_rust
            && !is_test
            && lines > LONGEST_FILE
            && !LONGER_FILES.iter().any(|(name, _)| name == file)
        {
            found.push(format!("{file} has {lines} lines: split it"));
        }
        if is_rust && let Some(word) = left_over.iter().find(|word| text.contains(**word)) {
            found.push(format!("{file} has a left-over `{word}`"));
        }
        let paced = PACED_TESTS.contains(file);
        if is_test
            && is_rust
            && !paced
            && (text.contains("thread::sleep") || text.contains("time::sleep"))
        {
            found.push(format!("{file} sleeps in a test: await the event"));
        }
        if is_rust && file.ends_with("src/lib.rs") && !text.starts_with("//!") {
            found.push(format!("{file} does not begin with what the crate is for"));
        }
    }
}

fn licences(found: &mut Vec<String>) -> Outcome {
    let metadata = MetadataCommand::new()
        .current_dir(process::root())
        .exec()
        .map_err(|error| Failure(format!("cargo metadata failed: {error}")))?;
    for package in &metadata.packages {
        let Some(licence) = &package.license else {
            if package.license_file.is_none() {
                found.push(format!("{} {} states no licence", package.name, package.version));
            }
            continue;
        };
        if !acceptable(licence) {
            found.push(format!("{} {} is under {licence}", package.name, package.version));
        }
    }
    Ok(())
}

/// Is every `AND` part of the expression satisfied by one of its `OR` parts?
fn acceptable(expression: &str) -> bool {
    let flat = expression.replace('/', " OR ").replace(['(', ')'], " ");
    flat.split(" AND ").all(|part| part.split(" OR ").any(|one| LICENCES.contains(&one.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licence_expressions() {
        assert!(acceptable("MIT OR Apache-2.0"));
        assert!(acceptable("MIT/Apache-2.0"));
        assert!(acceptable("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(acceptable("Apache-2.0 WITH LLVM-exception OR GPL-3.0"));
        assert!(!acceptable("GPL-3.0-or-later"));
        assert!(!acceptable("MIT AND AGPL-3.0"));
    }
}
