//! Brings a file to the newest schema: forward only, each step in one transaction with its number.

use std::{collections::BTreeSet, path::Path};

use rusqlite::{Connection, ErrorCode};

use crate::RegistryError;

/// "CORR": marks the file as ours.
const APPLICATION: i32 = 0x434F_5252;

/// Every migration in order, the first one has number 1. One that has landed is never edited.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_profiles.sql"),
    include_str!("../migrations/0003_unconfirmed_enrolment.sql"),
    include_str!("../migrations/0004_multipliers.sql"),
    include_str!("../migrations/0005_billing_runs.sql"),
    include_str!("../migrations/0006_delivery.sql"),
    include_str!("../migrations/0007_worklist.sql"),
    include_str!("../migrations/0008_meter_life.sql"),
    include_str!("../migrations/0009_rule_sets.sql"),
    include_str!("../migrations/0010_check_registers.sql"),
    include_str!("../migrations/0011_lab_labels.sql"),
    include_str!("../migrations/0012_named_stretches.sql"),
    include_str!("../migrations/0013_power_limit.sql"),
    include_str!("../migrations/0014_billing_feed.sql"),
    include_str!("../migrations/0015_validation_inputs.sql"),
];

/// What the words in braces mean for SQLite.
const TYPES: &[(&str, &str)] = &[
    ("{serial}", "INTEGER PRIMARY KEY AUTOINCREMENT"),
    ("{id}", "TEXT"),
    ("{int}", "INTEGER"),
    ("{instant}", "INTEGER"),
    ("{bool}", "INTEGER"),
    ("{text}", "TEXT"),
    ("{json}", "TEXT"),
    ("{date}", "TEXT"),
    ("{decimal}", "TEXT"),
    ("{strict}", "STRICT"),
];

/// The newest schema that this program knows.
pub(crate) fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Refuses a file that another program made, before anything is written into it.
pub(crate) fn refuse_foreign(connection: &Connection, path: &Path) -> Result<(), RegistryError> {
    let failed = |source| RegistryError::opening(path, source);
    let pragma = |name: &str| {
        connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed)
    };
    let version = pragma("user_version")?;
    let application = pragma("application_id")?;
    if application == i64::from(APPLICATION) {
        if version > newest() {
            let path = path.to_owned();
            return Err(RegistryError::Newer { path, found: version, known: newest() });
        }
        return Ok(());
    }
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed)?;
    if application == 0 && version == 0 && tables == 0 {
        Ok(())
    } else {
        Err(RegistryError::Foreign { path: path.to_owned() })
    }
}

/// Refuses a file that is not of this program's own schema.
pub(crate) fn refuse_other(connection: &Connection, path: &Path) -> Result<(), RegistryError> {
    refuse_foreign(connection, path)?;
    let found = refuse_incomplete(connection, path)?;
    if found == newest() {
        return Ok(());
    }
    Err(RegistryError::Older { path: path.to_owned(), found, known: newest() })
}

/// Refuses a file that lacks what its schema has; else says its schema.
fn refuse_incomplete(connection: &Connection, path: &Path) -> Result<i64, RegistryError> {
    let failed = |source| RegistryError::opening(path, source);
    let pragma = |name: &str| {
        connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed)
    };
    let found = pragma("user_version")?;
    let is_new = pragma("application_id")? == 0;
    let known = columns(connection).map_err(failed)?;
    let is_whole = if found < 1 { is_new } else { columns_of(found)?.is_subset(&known) };
    if is_whole { Ok(found) } else { Err(incomplete(path, found)) }
}

fn incomplete(path: &Path, found: i64) -> RegistryError {
    RegistryError::Incomplete { path: path.to_owned(), found }
}

/// The tables and columns of a schema.
fn columns_of(version: i64) -> Result<BTreeSet<(String, String)>, RegistryError> {
    let model = Connection::open_in_memory()?;
    for (_, migration) in (1..=version).zip(MIGRATIONS) {
        model.execute_batch(&for_sqlite(migration))?;
    }
    Ok(columns(&model)?)
}

fn columns(connection: &Connection) -> rusqlite::Result<BTreeSet<(String, String)>> {
    let mut statement = connection.prepare(
        "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c \
         WHERE t.type = 'table'",
    )?;
    let columns = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    columns.collect()
}

/// Applies what is missing.
pub(crate) fn run(connection: &mut Connection, path: &Path) -> Result<(), RegistryError> {
    let failed = |source| RegistryError::opening(path, source);
    let immediate = rusqlite::TransactionBehavior::Immediate;
    let tx = connection.transaction_with_behavior(immediate).map_err(failed)?;
    // Asked again inside the transaction: another process may have been first.
    refuse_foreign(&tx, path)?;
    let done = refuse_incomplete(&tx, path)?;
    for (number, migration) in (1i64..).zip(MIGRATIONS) {
        if number > done {
            tx.execute_batch(&for_sqlite(migration)).map_err(|source| {
                // The step itself is sound: something of it is there already.
                let is_statement = matches!(source.sqlite_error_code(), Some(ErrorCode::Unknown));
                if is_statement { incomplete(path, done) } else { failed(source) }
            })?;
            tx.pragma_update(None, "user_version", number).map_err(failed)?;
        }
    }
    tx.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
    tx.commit().map_err(failed)
}

fn for_sqlite(migration: &str) -> String {
    TYPES.iter().fold(migration.to_owned(), |text, (token, meaning)| text.replace(token, meaning))
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    /// SHA-256 of each migration that has landed, in order.
    const LANDED: &[&str] = &[
        "3ad9a561730740d6eeb35bb37e3677dacd37bd0c456448cb53ccee7240db6c4a",
        "f49ac9ff0cd450a02e3501918ee9c4bab542bbfbabe5fee0fb446df16e7e32a3",
        "a440250d626aed56b206c5e1dc5f8553071051e81defcb8c0c1a7f69953a3d06",
        "82bf1de66f170e0fd595ff646d66aa9464bf1d14a1956c3c48ee66cec737b3ef",
        "921d3ab38a08cde8ebcc57dbddb9d13a6f58252a2e5944b3ecb99b1fc0c03152",
        "a972dbe4a7dea16f92a2c2b50d6235069245441a1f17e91872ec5410c32f2a03",
        "41a1fe5112d7c1015684b280f735d9d37f367aee365aa4473b59e1c1df9fa36a",
        "d68dcaccd35ea4516a0063e77ed9e94b77b75cf1c370f01535ce8e8ecf56ca41",
        "25676b0bd94bd2751a6facb4e16dd0f4832999138f9024daa50cdf425439bb6b",
        "14982130e75bb6e8493673d0ae4c057c792ef63c0faaf11d711d96ad8672cfcd",
        "527c755234f243366abdbd2f6671faad909e23f69acd99639015cfd9b526e9b8",
        "4bdd0f307bae8ba1146821990c766c99846206140e3385b1a12c0275f53adf84",
        "d8eccd0d6e6057285565dafc8bda693d1dc78f8c8b111b3a01f41682ae0c1daf",
        "84256e2821624a1ccd46e4582bd4c3193d9da31992f4fb8977faf9cf256e2264",
        "91fc2615c4e72b84eaf1d322b1e4cfa9ad945a027db76fa65b334b0f6487cb8d",
    ];

    #[test]
    fn what_has_landed_is_not_edited() {
        let digests: Vec<String> = MIGRATIONS
            .iter()
            .map(|migration| {
                let digest = Sha256::digest(migration.as_bytes());
                digest.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
            })
            .collect();
        assert_eq!(
            digests, LANDED,
            "a migration that has landed is on somebody's disk: never edit it, write the next one; a new \
             one gets its line here, and `cargo xtask golden` freezes a data directory that has it"
        );
    }
}
