//! Files that are no ledger of ours get one sentence that says what to do.

use std::{fs, path::Path};

use corrente_ledger::{Ledger, LedgerError, SqliteLedger};
use corrente_metering::Timestamp;
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

/// A file that opens in no other way than the one that is tried here.
fn locked_by_another(path: &Path) -> Connection {
    let other = Connection::open(path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    other
}

#[test]
fn a_database_that_another_program_locks_is_told_apart() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("ledger.db");
    ledger(&path);
    let other = locked_by_another(&path);
    let sentence = refusal(&path);
    assert!(sentence.contains("locked by another program: close that one first"), "{sentence}");
    drop(other);
    ledger(&path);
}

#[test]
fn an_older_ledger_is_brought_to_this_version() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("ledger.db");
    let first = SqliteLedger::open(&path, load::options()).unwrap();
    first.open_channels(&load::channels(0)).unwrap();
    for number in 1..200 {
        load::wait(first.append(load::batch(0, number))).unwrap();
    }
    first.seal_until(Timestamp::MAX).unwrap();
    let totals = first.totals(19_990, 20_100).unwrap();
    first.close().unwrap();
    // As version 2 had it: no list of what days come to, and offsets with the other sign.
    let older = "DROP TABLE day_end; UPDATE channel SET utc_offset = -utc_offset; \
                 PRAGMA user_version = 2";
    run(&path, older);
    let again = SqliteLedger::open(&path, load::options()).unwrap();
    assert_eq!(again.totals(19_990, 20_100).unwrap(), totals);
    // Late readings into days that have no such list yet.
    for number in 150..260 {
        load::wait(again.append(load::batch(0, number))).unwrap();
    }
    again.seal_until(Timestamp::MAX).unwrap();
    let listed = again.totals(19_990, 20_100).unwrap();
    again.close().unwrap();
    run(&path, "DELETE FROM day_end");
    let again = SqliteLedger::open(&path, load::options()).unwrap();
    assert_eq!(again.totals(19_990, 20_100).unwrap(), listed, "the blocks say the same");
    again.close().unwrap();
    run(&path, &format!("{older}; PRAGMA user_version = 1"));
    ledger(&path);
    let version: i64 = Connection::open(&path)
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, 3);
}

#[test]
fn half_a_ledger_is_refused_and_left_as_it_is() {
    for sql in [
        // Written by something that stopped between the tables and their version.
        "PRAGMA user_version = 0",
        "DROP TABLE probe; DROP TABLE rejected",
        "ALTER TABLE block RENAME TO block_old",
    ] {
        check(
            |path| {
                ledger(path);
                run(path, sql);
            },
            &["incomplete", "restore it from a backup"],
        );
    }
}

#[test]
fn a_read_only_ledger_says_who_has_to_write_there() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("ledger.db");
    ledger(&path);
    let set = |mode: u32, path: &Path| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    set(0o444, &path);
    // Who may do everything is not kept out by this, and has to be told apart some other way.
    if fs::OpenOptions::new().write(true).open(&path).is_ok() {
        println!("skipped: this user may write everywhere");
        set(0o644, &path);
        return;
    }
    let sentence = refusal(&path);
    assert!(sentence.contains("read-only: let this user write"), "{sentence}");
    set(0o644, &path);
    ledger(&path);
}
