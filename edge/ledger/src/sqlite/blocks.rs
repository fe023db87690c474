//! Reading block rows.

use std::collections::{HashMap, VecDeque};

use rusqlite::{Connection, Row};

use super::key;
use crate::{
    codec::{self, Columns, Header},
    day::DAY_SECONDS,
    window::Sealed,
};

const FALLS: i64 = 1;
const QUALITIES: i64 = 2;

pub(super) const SELECT: &str = "SELECT key, count, first, rest, value, gain, sum, flags, body \
                                 FROM block WHERE key BETWEEN ?1 AND ?2 ORDER BY key";
pub(super) const INSERT: &str = "INSERT INTO block (key, count, first, rest, value, gain, sum, \
                                 flags, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/// What stops a walk over blocks.
#[derive(Debug)]
pub(super) enum Stop {
    Sqlite(rusqlite::Error),
    /// The block under this key.
    Damaged(i64),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Key, header and body of a row of [`SELECT`].
pub(super) fn row<'a>(row: &'a Row<'_>) -> Result<(i64, Header, &'a [u8]), Stop> {
    let key: i64 = row.get(0)?;
    let damaged = |_| Stop::Damaged(key);
    let rest: i64 = row.get(3)?;
    let value: i64 = row.get(4)?;
    let gain: i64 = row.get(5)?;
    let flags: i64 = row.get(7)?;
    let header = Header {
        count: u32::try_from(row.get::<_, i64>(1)?).map_err(damaged)?,
        first: u32::try_from(row.get::<_, i64>(2)?).map_err(damaged)?,
        last: u32::try_from(DAY_SECONDS.wrapping_sub(rest)).map_err(damaged)?,
        first_value: value,
        last_value: value.wrapping_add(gain),
        sum: row.get(6)?,
        falls: flags & FALLS != 0,
        plain_quality: flags & QUALITIES == 0,
    };
    let body = row.get_ref(8)?.as_blob().map_err(|_| Stop::Damaged(key))?;
    Ok((key, header, body))
}

/// The parameters of [`INSERT`].
pub(super) fn insert(
    statement: &mut rusqlite::CachedStatement<'_>,
    key: i64,
    header: &Header,
    body: &[u8],
) -> rusqlite::Result<()> {
    let flags =
        if header.falls { FALLS } else { 0 } | if header.plain_quality { 0 } else { QUALITIES };
    statement.execute(rusqlite::params![
        key,
        header.count,
        header.first,
        DAY_SECONDS - i64::from(header.last),
        header.first_value,
        header.last_value.wrapping_sub(header.first_value),
        header.sum,
        flags,
        body,
    ])?;
    Ok(())
}

/// Calls `each` for the blocks of a channel and day up to a revision.
pub(super) fn each(
    connection: &Connection,
    day: i32,
    slot: u32,
    revision: u32,
    mut each: impl FnMut(i64, &Header, &[u8]) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut statement = connection.prepare_cached(SELECT)?;
    let (low, high) = (key::block(day, slot, 0), key::block(day, slot, revision));
    let mut rows = statement.query([low, high])?;
    while let Some(found) = rows.next()? {
        let (key, header, body) = row(found)?;
        each(key, &header, body)?;
    }
    Ok(())
}

/// The highest revision of a channel and day, 0 when there is none.
pub(super) fn last_revision(connection: &Connection, day: i32, slot: u32) -> rusqlite::Result<u32> {
    let mut statement =
        connection.prepare_cached("SELECT max(key) FROM block WHERE key BETWEEN ?1 AND ?2")?;
    let range = [key::block(day, slot, 0), key::block(day, slot, key::REVISION_MAX)];
    let found: Option<i64> = statement.query_row(range, |row| row.get(0))?;
    Ok(found.map_or(0, |key| key::parts(key).2))
}

/// Readings of sealed days that were looked at lately, to tell duplicates. Bounded.
#[derive(Debug, Default)]
pub(super) struct Cache {
    days: HashMap<(u32, i32), Vec<(u32, i64)>>,
    order: VecDeque<(u32, i32)>,
    readings: usize,
}

/// 16 bytes each.
const CACHED_READINGS: usize = 1 << 18;

impl Cache {
    pub(super) fn forget(&mut self, slot: u32, day: i32) {
        // Its place in the order stays behind and is skipped later.
        if let Some(day) = self.days.remove(&(slot, day)) {
            self.readings -= day.len();
        }
    }

    fn day(&mut self, connection: &Connection, slot: u32, day: i32) -> &[(u32, i64)] {
        if !self.days.contains_key(&(slot, day)) {
            let readings = load(connection, slot, day);
            while self.readings + readings.len() > CACHED_READINGS || self.order.len() > 65_536 {
                let Some(oldest) = self.order.pop_front() else { break };
                self.forget(oldest.0, oldest.1);
            }
            self.readings += readings.len();
            self.order.push_back((slot, day));
            self.days.insert((slot, day), readings);
        }
        self.days.get(&(slot, day)).map_or(&[], Vec::as_slice)
    }
}

/// A damaged block cannot tell a duplicate: its readings count as new ones then, which loses nothing.
fn load(connection: &Connection, slot: u32, day: i32) -> Vec<(u32, i64)> {
    let mut columns = Columns::default();
    let walked = each(connection, day, slot, key::REVISION_MAX, |key, header, body| {
        let before = columns.len();
        if codec::decode(key, header, body, &mut columns).is_err() {
            columns.seconds.truncate(before);
            columns.values.truncate(before);
            columns.qualities.truncate(before);
            tracing::error!(block.day = day, block.slot = slot, "block is damaged");
        }
        Ok(())
    });
    if let Err(stop) = walked {
        tracing::error!(block.day = day, block.slot = slot, error = ?stop, "block is unreadable");
    }
    let mut readings: Vec<(u32, i64)> =
        columns.seconds.iter().copied().zip(columns.values.iter().copied()).collect();
    readings.sort_unstable();
    readings
}

/// The sealed days as the window wants to see them.
#[derive(Debug)]
pub(super) struct SealedDays<'a> {
    pub(super) connection: &'a Connection,
    pub(super) cache: &'a mut Cache,
}

impl Sealed for SealedDays<'_> {
    fn last_second(&mut self, slot: u32, day: i32) -> u32 {
        self.cache.day(self.connection, slot, day).last().map_or(0, |&(second, _)| second)
    }

    fn value_at(&mut self, slot: u32, day: i32, second: u32) -> Option<i64> {
        let readings = self.cache.day(self.connection, slot, day);
        let place = readings.binary_search_by_key(&second, |&(second, _)| second).ok()?;
        readings.get(place).map(|&(_, value)| value)
    }
}
