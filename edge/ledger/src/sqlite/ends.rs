//! The rows that say what the channels of a day come to. See [`crate::ends`].

use rusqlite::{Connection, OptionalExtension, Transaction};

use super::{
    blocks::{self, Stop},
    directory::Directory,
    key,
    load::CHUNK,
};
use crate::{
    codec,
    ends::{self, DayEnd},
};

/// Adds what new blocks of a day say to the rows of their chunk, in the transaction that holds the
/// blocks. `is_first`: no channel of the chunk had blocks of this day before.
pub(super) fn add(
    transaction: &Transaction<'_>,
    directory: &Directory,
    (day, chunk): (i32, u32),
    new: &[(u32, DayEnd)],
    is_first: bool,
) -> rusqlite::Result<usize> {
    let key = key::ends(day, chunk);
    let mut known = match stored(transaction, key)? {
        Some(known) => known,
        None if is_first => Vec::new(),
        // A day from before there were such rows, or a damaged one. The new blocks are in there.
        None => {
            let known = match rebuild(transaction, directory, (day, chunk)) {
                Ok(known) => known,
                Err(Stop::Sqlite(error)) => return Err(error),
                Err(Stop::Damaged(key)) => {
                    // What cannot be read is named when somebody asks for it, and makes no row.
                    let (day, slot, _) = key::parts(key);
                    tracing::error!(block.day = day, block.slot = slot, "block is damaged");
                    return Ok(0);
                }
            };
            return write(transaction, key, &known);
        }
    };
    for &(slot, end) in new {
        put(&mut known, chunk, slot, end);
    }
    write(transaction, key, &known)
}

/// Calls `each` with the slot of every channel that has blocks in the day and what they come to.
pub(super) fn each(
    connection: &Connection,
    directory: &Directory,
    day: i32,
    mut each: impl FnMut(u32, DayEnd),
) -> Result<(), Stop> {
    let mut select = connection
        .prepare_cached("SELECT key, ends FROM day_end WHERE key BETWEEN ?1 AND ?2 ORDER BY key")?;
    let mut rows = select.query([key::first_of(day), key::last_of(day)])?;
    let mut next = rows.next()?;
    let channels = u32::try_from(directory.len()).unwrap_or(u32::MAX);
    for chunk in 0..channels.div_ceil(CHUNK) {
        let key = key::ends(day, chunk);
        let mut known = None;
        if let Some(row) = next
            && row.get::<_, i64>(0)? == key
        {
            known = row.get_ref(1)?.as_blob().ok().and_then(|row| ends::decode(key, row).ok());
            next = rows.next()?;
        }
        let known = match known {
            Some(known) => known,
            None => rebuild(connection, directory, (day, chunk))?,
        };
        for (slot, end) in (chunk * CHUNK..).zip(known) {
            if let Some(end) = end {
                each(slot, end);
            }
        }
    }
    Ok(())
}

fn stored(connection: &Connection, key: i64) -> rusqlite::Result<Option<Vec<Option<DayEnd>>>> {
    let row: Option<Vec<u8>> = connection
        .prepare_cached("SELECT ends FROM day_end WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    Ok(row.and_then(|row| ends::decode(key, &row).ok()))
}

fn write(
    transaction: &Transaction<'_>,
    key: i64,
    known: &[Option<DayEnd>],
) -> rusqlite::Result<usize> {
    let row = ends::encode(key, known);
    transaction
        .prepare_cached("INSERT OR REPLACE INTO day_end (key, ends) VALUES (?1, ?2)")?
        .execute(rusqlite::params![key, row])?;
    Ok(row.len())
}

/// From the blocks themselves.
fn rebuild(
    connection: &Connection,
    directory: &Directory,
    (day, chunk): (i32, u32),
) -> Result<Vec<Option<DayEnd>>, Stop> {
    let start = chunk * CHUNK;
    let last = start.saturating_add(CHUNK - 1).min(key::SLOT_MAX);
    let mut known = Vec::new();
    let mut select = connection.prepare_cached(blocks::SELECT)?;
    let mut rows =
        select.query([key::block(day, start, 0), key::block(day, last, key::REVISION_MAX)])?;
    while let Some(row) = rows.next()? {
        let (key, header, body) = blocks::row(row)?;
        codec::verify(key, &header, body).map_err(|_| Stop::Damaged(key))?;
        let slot = key::parts(key).1;
        put(&mut known, chunk, slot, DayEnd::of(directory.kind(slot), &header));
    }
    Ok(known)
}

fn put(known: &mut Vec<Option<DayEnd>>, chunk: u32, slot: u32, end: DayEnd) {
    let Ok(place) = usize::try_from(slot.saturating_sub(chunk * CHUNK)) else { return };
    if known.len() <= place {
        known.resize(place + 1, None);
    }
    if let Some(known) = known.get_mut(place) {
        *known = Some(known.map_or(end, |before| before.and(end)));
    }
}
