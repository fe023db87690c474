//! Backup: a consistent copy while the ledger goes on working.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
};

use super::{Shared, SqliteLedger, schema};
use crate::LedgerError;

impl SqliteLedger {
    /// Copies the ledger in the file `from`, which another process may be writing, to the new file `to`:
    /// everything that is durable now, as [`crate::Ledger::backup`] does from within.
    pub fn copy_of(from: &Path, to: &Path) -> Result<(), LedgerError> {
        whole(from, to)
    }
}

impl Shared {
    /// Copies everything that is durable now. The file appears under its name only when it is complete.
    pub(super) fn backup(&self, to: &Path) -> Result<(), LedgerError> {
        whole(&self.path, to)
    }
}

fn whole(from: &Path, to: &Path) -> Result<(), LedgerError> {
    if to.exists() {
        return Err(LedgerError::Unusable(format!(
            "{} exists already: choose a new name for the backup",
            to.display()
        )));
    }
    let partial = schema::beside(to, ".partial");
    let copied = copy(from, &partial).and_then(|()| {
        File::open(&partial)
            .and_then(|file| file.sync_all())
            .and_then(|()| fs::rename(&partial, to))
            .map_err(|error| failed(to, &error))
    });
    if copied.is_err() {
        // Best effort: what matters is the error that is answered.
        drop(fs::remove_file(&partial));
    }
    copied
}

fn copy(from: &Path, to: &Path) -> Result<(), LedgerError> {
    let from = schema::connect_reader(from).map_err(|error| schema::unusable(from, &error))?;
    // When somebody was at home stands in it: for nobody else's eyes, from the first byte on.
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(to)
        .map_err(|error| failed(to, &error))?;
    let mut target = Connection::open(to).map_err(|error| schema::unusable(to, &error))?;
    // All pages in one step: one state of the database, and the writer goes on beside it.
    let step = Backup::new(&from, &mut target)
        .and_then(|backup| backup.step(-1))
        .map_err(|error| schema::unusable(to, &error))?;
    if step != StepResult::Done {
        return Err(LedgerError::Unusable(format!(
            "the ledger could not be copied to {}: another program holds it, try again",
            to.display()
        )));
    }
    target.close().map_err(|(_, error)| schema::unusable(to, &error))
}

fn failed(to: &Path, error: &std::io::Error) -> LedgerError {
    LedgerError::Unusable(format!("the backup {} cannot be written: {error}", to.display()))
}
