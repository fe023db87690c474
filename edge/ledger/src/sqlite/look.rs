//! A look at a ledger's file from outside, which changes nothing: for whoever asks what is wrong with it.

use std::path::Path;

use super::{SqliteLedger, schema};
use crate::LedgerError;

/// Files up to this size are read as a whole to see that their pages are sound.
const READ_WHOLE_BYTES: i64 = 1 << 30;

/// What a ledger's file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerLook {
    /// Its schema.
    pub schema: i32,
    /// Channels that it knows.
    pub channels: i64,
    /// Blocks of settled days.
    pub blocks: i64,
    /// Size in bytes.
    pub bytes: i64,
    /// Whether all of its pages were read and found sound; a large file is not read as a whole.
    pub read_whole: bool,
}

impl SqliteLedger {
    /// Looks at the ledger in this file, which another process may be writing.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the file and what to do.
    pub fn look(path: &Path) -> Result<LedgerLook, LedgerError> {
        let failed = |error: rusqlite::Error| schema::unusable(path, &error);
        let connection = schema::connect_reader(path).map_err(failed)?;
        let schema = schema::refuse(path, &connection)?;
        let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        let pages = number("PRAGMA page_count").map_err(failed)?;
        let bytes = number("PRAGMA page_size").map_err(failed)?.saturating_mul(pages);
        let read_whole = bytes <= READ_WHOLE_BYTES;
        if read_whole {
            let said: String = connection
                .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
                .map_err(failed)?;
            if said != "ok" {
                return Err(schema::damaged(path, &said));
            }
        }
        Ok(LedgerLook {
            schema,
            channels: number("SELECT count(*) FROM channel").map_err(failed)?,
            blocks: number("SELECT count(*) FROM block").map_err(failed)?,
            bytes,
            read_whole,
        })
    }
}
