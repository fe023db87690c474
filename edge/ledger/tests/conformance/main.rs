//! One suite judges every engine. To add one: make a [`suite::Store`] of it and a test like those below.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod model;
mod suite;

use std::path::Path;

use corrente_ledger::{Ledger, LedgerOptions, SqliteLedger};
use tempfile::TempDir;

use crate::suite::Store;

/// A ledger on SQLite in a folder of its own.
struct Sqlite {
    folder: TempDir,
    options: LedgerOptions,
}

impl Sqlite {
    fn new(options: LedgerOptions) -> Self {
        Self { folder: TempDir::new().unwrap(), options }
    }
}

impl Store for Sqlite {
    fn open(&self) -> Box<dyn Ledger> {
        let path = self.folder.path().join("ledger.db");
        Box::new(SqliteLedger::open(&path, self.options.clone()).unwrap())
    }

    fn open_backup(&self, backup: &Path) -> Box<dyn Ledger> {
        Box::new(SqliteLedger::open(backup, self.options.clone()).unwrap())
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn power_hours(&self) -> i64 {
        self.options.power_hours.into()
    }
}

/// Everything happens after a few readings: early cuts, many slices, groups of three.
fn cramped() -> LedgerOptions {
    LedgerOptions {
        group_readings: 3,
        queue_readings: 7,
        cut_readings: 5,
        window_bytes: 2000,
        seal_slice: 2,
        ..LedgerOptions::default()
    }
}

#[test]
fn sqlite_conforms() {
    for (name, case) in suite::CASES {
        println!("{name}");
        case(&Sqlite::new(LedgerOptions::default()));
    }
}

#[test]
fn sqlite_conforms_in_cramped_conditions() {
    for (name, case) in suite::CASES {
        println!("{name}");
        case(&Sqlite::new(cramped()));
    }
}

#[test]
fn sqlite_agrees_with_a_slow_model() {
    model::check(|| Sqlite::new(LedgerOptions::default()));
}

#[test]
fn sqlite_agrees_with_a_slow_model_in_cramped_conditions() {
    model::check(|| Sqlite::new(cramped()));
}
