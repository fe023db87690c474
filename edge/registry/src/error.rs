//! What can go wrong in the registry.

use std::path::{Path, PathBuf};

/// The registry could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The file belongs to a newer program.
    #[error(
        "{} was written by a newer version of corrente (schema {found}, this one knows {known}): start that version, or restore a backup made by this one",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// The file still has the schema of an older program, and was to be left as it is.
    #[error(
        "{} has the schema of an older version of corrente ({found}, this one works with {known}): `corrente serve` of this version brings it there; make a backup first",
        path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The schema that this program works with.
        known: i64,
    },
    /// The file is a database of something else.
    #[error(
        "{} is not a registry of corrente: choose another data directory, or move that file away",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Tables or columns of its schema are not there, or a step to a newer one finds more than it should.
    #[error("the registry {} is incomplete (schema {found}): restore it from a backup", path.display())]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// The schema that it says it has.
        found: i64,
    },
    /// Its pages are not sound.
    #[error("the registry {} is damaged ({source}): restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the engine found.
        #[source]
        source: rusqlite::Error,
    },
    /// This user may not write to it.
    #[error(
        "the registry {} is read-only: let this user write to the file and its folder",
        path.display()
    )]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else holds it and does not let go.
    #[error("the registry {} is locked by another program: close that one first", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be opened.
    #[error(
        "{} cannot be opened ({source}): check that the directory exists, is writable and has space",
        path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// There is one already.
    #[error("there is already a row with this {0}")]
    Exists(String),
    /// Something that is named does not exist.
    #[error("there is no {kind} `{name}`")]
    NotFound {
        /// What was looked for, in words.
        kind: &'static str,
        /// How it was named.
        name: String,
    },
    /// A row names another row that does not exist, or is still named by one.
    #[error("a row that this one names does not exist, or a row still names this one")]
    Reference,
    /// The value breaks a rule of the registry.
    #[error("{field}: {reason}")]
    Invalid {
        /// Which value.
        field: &'static str,
        /// What is wrong and what is allowed.
        reason: String,
    },
    /// A tariff file cannot be read.
    #[error("the tariff file cannot be read: {0}")]
    Tariff(#[from] corrente_tariff::TariffError),
    /// A stored value is not what its column should hold.
    #[error("column {column} of the registry holds `{found}`, which this version cannot read")]
    Unreadable {
        /// The column.
        column: &'static str,
        /// What it holds.
        found: String,
    },
    /// The disk is full.
    #[error("the disk is full: free some space, nothing was changed")]
    DiskFull,
    /// The engine failed.
    #[error("the registry's database failed: {0}")]
    Database(#[source] rusqlite::Error),
    /// The registry has been closed.
    #[error("the registry is closed: the server is stopping")]
    Closed,
    /// An operation panicked; its changes were rolled back.
    #[error("an operation on the registry failed unexpectedly and was rolled back")]
    Panicked,
}

impl RegistryError {
    /// Why a file cannot be used, found while it was opened.
    pub(crate) fn opening(path: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::Foreign { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, source },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path },
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            _ => Self::Open { path, source },
        }
    }
}

impl From<rusqlite::Error> for RegistryError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let rusqlite::Error::SqliteFailure(failure, message) = &error else {
            return Self::Database(error);
        };
        if failure.code == ErrorCode::DiskFull {
            return Self::DiskFull;
        }
        if failure.code != ErrorCode::ConstraintViolation {
            return Self::Database(error);
        }
        match failure.extended_code {
            rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
            | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY => {
                Self::Exists(constraint_columns(message.as_deref().unwrap_or_default()))
            }
            rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Self::Reference,
            _ => Self::Database(error),
        }
    }
}

/// "UNIQUE constraint failed: meter.organisation, meter.serial" → "serial of a meter".
fn constraint_columns(message: &str) -> String {
    let columns = message.rsplit_once(": ").map_or(message, |(_, columns)| columns);
    let mut table = "row";
    let names: Vec<&str> = columns
        .split(", ")
        .filter_map(|column| {
            let (owner, name) = column.split_once('.')?;
            table = owner;
            (name != "organisation").then_some(name)
        })
        .collect();
    if names.is_empty() {
        return columns.to_owned();
    }
    format!("{} of a {}", names.join(" and "), table.replace('_', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_constraint_is_named_in_words() {
        for (message, words) in [
            ("UNIQUE constraint failed: meter.organisation, meter.serial", "serial of a meter"),
            ("UNIQUE constraint failed: user_account.email", "email of a user account"),
            ("UNIQUE constraint failed: index 'invoice_once'", "index 'invoice_once'"),
        ] {
            assert_eq!(constraint_columns(message), words);
        }
    }
}
