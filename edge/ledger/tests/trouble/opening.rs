//! Files that are no ledger of ours get one sentence that says what to do.

use std::{fs, path::Path};

use corrente_ledger::{Ledger, LedgerError, SqliteLedger};
use rusqlite::Connection;

use crate::load;

fn refusal(path: &Path) -> String {
    match SqliteLedger::open(path, load::options()) {
        Err(LedgerError::Unusable(sentence)) => sentence,
        other => panic!("{other:?}"),
    }
}

fn check(prepare: impl Fn(&Path), words: &[&str]) {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("ledger.db");
    prepare(&path);
    let before = fs::read(&path).ok();
    let sentence = refusal(&path);
    for word in words {
        assert!(sentence.contains(word), "`{word}` is missing in: {sentence}");
    }
    assert_eq!(fs::read(&path).ok(), before, "nothing was changed");
}

fn run(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

fn ledger(path: &Path) {
    SqliteLedger::open(path, load::options()).unwrap().close().unwrap();
}

#[test]
fn what_is_not_ours_is_refused_with_advice() {
    check(
        |path| fs::write(path, "Dear diary, ".repeat(1000)).unwrap(),
        &["not a database", "another data directory"],
    );
    check(
        |path| run(path, "CREATE TABLE recipes (name TEXT)"),
        &["another program", "another data directory"],
    );
    check(
        |path| {
            ledger(path);
            run(path, "PRAGMA user_version = 99");
        },
        &["newer Corrente", "99", "start the newer version"],
    );
    check(
        |path| {
            ledger(path);
            run(path, "DROP TABLE block");
        },
        &["incomplete", "backup"],
    );
    check(|path| fs::create_dir(path).unwrap(), &["cannot be opened"]);
    let nowhere = Path::new("/nonexistent/folder/ledger.db");
    assert!(refusal(nowhere).contains("make its folder"));
}

#[test]
fn a_second_process_is_kept_out() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("ledger.db");
    let first = SqliteLedger::open(&path, load::options()).unwrap();
    let sentence = refusal(&path);
    assert!(sentence.contains("in use by another process"), "{sentence}");
    first.close().unwrap();
    SqliteLedger::open(&path, load::options()).unwrap();
}
