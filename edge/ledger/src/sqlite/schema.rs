//! Opening the database: making it, knowing it again, refusing what is not ours.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};

use super::power;
use crate::LedgerError;

/// "Corr" in ASCII: says whose file this is.
const APPLICATION_ID: i32 = 0x436f_7272;
/// The schema that this program writes.
///
/// - Version 2: blocks may hold Rice codes, which a program of version 1 would take for damage.
/// - Version 3: `day_end`, which an older program would not keep up to date; and block days begin at the
///   midnight of the channel's standard time, where they began at its mirror image before.
const VERSION: i32 = 3;
/// The oldest one that is brought to it.
const OLDEST_VERSION: i32 = 1;
/// From version 2. Channels that have blocks keep the days that these were cut by.
const TO_VERSION_3: &str = "CREATE TABLE day_end (key INTEGER PRIMARY KEY, ends BLOB NOT NULL) STRICT; \
     UPDATE channel SET utc_offset = -utc_offset;";
const SCHEMA: &str = include_str!("schema.sql");
const PAGE_BYTES: u32 = 8192;
/// The tables of the oldest version.
const TABLES: [&str; 7] =
    ["block", "channel", "log", "log_done", "probe", "rejected", "sealed_days"];

/// How long to wait for another process that holds the lock: a program that is just being started keeps what
/// its parent had open for a moment, also after the parent closed it.
const LOCKED: Duration = Duration::from_millis(400);
/// How long to wait for another program that holds the database.
const BUSY: Duration = Duration::from_secs(10);
const BUSY_AT_START: Duration = Duration::from_secs(2);

/// Takes the lock that keeps a second process out; it is held as long as the file is open.
pub(super) fn lock(path: &Path) -> Result<File, LedgerError> {
    let file = beside(path, ".lock");
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&file);
    let lock = opened.map_err(|error| cannot_open(path, &error))?;
    let until = Instant::now() + LOCKED;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(LOCKED / 20),
            Err(TryLockError::WouldBlock) => {
                return Err(LedgerError::Unusable(format!(
                    "the ledger {} is in use by another process: stop that one first, or choose another \
                     data directory",
                    path.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(cannot_open(path, &error)),
        }
    }
}

/// The path with something behind its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Opens the database for writing, and makes it when there is none.
pub(super) fn open(path: &Path, max_bytes: Option<u64>) -> Result<Connection, LedgerError> {
    let failed = |error: rusqlite::Error| unusable(path, &error);
    let connection = connect(path, max_bytes).map_err(failed)?;
    // Who starts a server wants to hear soon that somebody else has the file.
    connection.busy_timeout(BUSY_AT_START).map_err(failed)?;
    check(path, &connection)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    Ok(connection)
}

/// A connection for the writer to a database that was checked.
pub(super) fn connect(path: &Path, max_bytes: Option<u64>) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY)?;
    keep_plans(&connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", 256 << 20)?;
    connection.pragma_update(None, "cache_size", -32_768)?;
    if let Some(bytes) = max_bytes {
        let pages = bytes / u64::from(PAGE_BYTES);
        connection.pragma_update(
            None,
            "max_page_count",
            i64::try_from(pages).unwrap_or(i64::MAX),
        )?;
    }
    Ok(connection)
}

/// A connection that only reads.
pub(super) fn connect_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY)?;
    keep_plans(&connection)?;
    connection.pragma_update(None, "cache_size", -4096)?;
    Ok(connection)
}

/// A statement keeps its plan whatever is bound to it: else each new value prepares it again.
fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(|_| ())
}

fn check(path: &Path, connection: &Connection) -> Result<(), LedgerError> {
    let failed = |error: rusqlite::Error| unusable(path, &error);
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    if number("application_id").map_err(failed)? == 0
        && number("user_version").map_err(failed)? == 0
        && table_names(connection).map_err(failed)?.is_empty()
    {
        return create(path, connection).map_err(failed);
    }
    let version = refuse(path, connection)?;
    let bring = if version < 3 { TO_VERSION_3 } else { "" };
    // A file on a read-only medium opens and reads; it must be found now and not at the first reading.
    connection
        .execute_batch(&format!(
            "BEGIN IMMEDIATE; UPDATE probe SET ballast = ballast; {bring} {} \
             PRAGMA user_version = {VERSION}; COMMIT",
            power::TABLE
        ))
        .map_err(failed)
}

/// Refuses what is no ledger, or none of this program's; else says its schema.
pub(super) fn refuse(path: &Path, connection: &Connection) -> Result<i32, LedgerError> {
    let failed = |error: rusqlite::Error| unusable(path, &error);
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let tables = table_names(connection).map_err(failed)?;
    let application = number("application_id").map_err(failed)?;
    let version = number("user_version").map_err(failed)?;
    let path = path.display();
    if application != APPLICATION_ID {
        return Err(LedgerError::Unusable(format!(
            "{path} is a database of another program: choose another data directory, nothing in \
             this one was changed"
        )));
    }
    if version > VERSION {
        return Err(LedgerError::Unusable(format!(
            "the ledger {path} was written by a newer Corrente (schema {version}, this one knows \
             {VERSION}): start the newer version"
        )));
    }
    if version < OLDEST_VERSION
        || !TABLES.iter().all(|&table| tables.iter().any(|name| name == table))
    {
        return Err(LedgerError::Unusable(format!(
            "the ledger {path} is incomplete (schema {version}): restore it from a backup"
        )));
    }
    Ok(version)
}

fn create(path: &Path, connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {SCHEMA} {} INSERT INTO probe VALUES (1, x''); \
         PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT",
        power::TABLE
    ))?;
    // The file's name must survive a power cut too.
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
        && let Err(error) = File::open(folder).and_then(|folder| folder.sync_all())
    {
        tracing::warn!(%error, "data directory cannot be synced");
    }
    Ok(())
}

fn table_names(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let names = statement.query_map([], |row| row.get(0))?;
    names.collect()
}

fn cannot_open(path: &Path, error: &io::Error) -> LedgerError {
    if matches!(error.kind(), ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied) {
        return LedgerError::Unusable(read_only(path));
    }
    LedgerError::Unusable(format!(
        "the ledger {} cannot be opened ({error}): make its folder, and let this user write there",
        path.display()
    ))
}

fn read_only(path: &Path) -> String {
    let path = path.display();
    format!("the ledger {path} is read-only: let this user write to the file and its folder")
}

/// What is wrong with the database, and what to do.
pub(super) fn unusable(file: &Path, error: &rusqlite::Error) -> LedgerError {
    let path = file.display();
    let sentence = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => format!(
            "{path} is not a database: choose another data directory, nothing in this file was \
             changed"
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => read_only(file),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            format!("the ledger {path} is locked by another program: close that one first")
        }
        Some(ErrorCode::DiskFull) => format!("the disk of the ledger {path} is full: make room"),
        Some(ErrorCode::CannotOpen) => format!(
            "the ledger {path} cannot be opened: make its folder, and let this user write there"
        ),
        Some(ErrorCode::DatabaseCorrupt) => return damaged(file, &error.to_string()),
        _ => format!("the ledger {path} cannot be used: {error}"),
    };
    LedgerError::Unusable(sentence)
}

/// A file whose pages are not sound.
pub(super) fn damaged(file: &Path, why: &str) -> LedgerError {
    let (path, why) = (file.display(), why.replace('\n', " "));
    LedgerError::Unusable(format!("the ledger {path} is damaged ({why}): restore it from a backup"))
}
