//! Rebuilding what is in memory: directory and window, from the database alone.

use std::path::Path;

use corrente_metering::{ChannelId, ChannelKind, ChannelSpec};
use rusqlite::Connection;

use super::{
    blocks::{Cache, SealedDays},
    directory::Directory,
    key, schema,
    writer::WARM,
};
use crate::{
    LedgerError,
    batch::Batch,
    window::{DaySpan, Window},
};

/// Channels whose sealed days stand in one row.
pub(super) const CHUNK: u32 = 256;

/// What was found.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) directory: Directory,
    pub(super) window: Window,
    /// The last number that a log row has.
    pub(super) sequence: i64,
    /// Days whose log can go, up to a number.
    pub(super) done: Vec<(i32, i64)>,
}

pub(super) fn load(
    path: &Path,
    connection: &Connection,
    cut_at: usize,
) -> Result<Loaded, LedgerError> {
    let failed = |error: rusqlite::Error| schema::unusable(path, &error);
    let directory = directory(connection).map_err(failed)?;
    let spans = sealed_days(connection, directory.len()).map_err(failed)?;
    let mut window = Window::new(cut_at);
    for span in spans {
        window.add_channel(span);
    }
    let mut done = done(connection).map_err(failed)?;
    let sequence = replay(path, connection, &mut window, &mut done)?;
    Ok(Loaded { directory, window, sequence, done })
}

fn directory(connection: &Connection) -> rusqlite::Result<Directory> {
    let mut directory = Directory::default();
    let mut statement =
        connection.prepare("SELECT id, kind, utc_offset FROM channel ORDER BY slot")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        directory.add(ChannelSpec {
            id: ChannelId::from_number(row.get::<_, i64>(0)?.cast_unsigned()),
            kind: match row.get(1)? {
                1_i64 => ChannelKind::Interval,
                _ => ChannelKind::Register,
            },
            offset_seconds: row.get(2)?,
        });
    }
    Ok(directory)
}

/// The number under which a kind is stored.
pub(super) fn kind_code(kind: ChannelKind) -> i64 {
    match kind {
        ChannelKind::Register => 0,
        ChannelKind::Interval => 1,
    }
}

/// The part of a list of all channels that belongs to a chunk.
pub(super) fn of_chunk(spans: &[DaySpan], chunk: u32) -> &[DaySpan] {
    let place = |slot: u32| usize::try_from(slot).unwrap_or(usize::MAX).min(spans.len());
    let start = chunk.saturating_mul(CHUNK);
    spans.get(place(start)..place(start.saturating_add(CHUNK))).unwrap_or_default()
}

/// The row of a chunk.
pub(super) fn encode_days(days: &[DaySpan]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(days.len() * 8 + 4);
    for span in days {
        bytes.extend(span.first.to_le_bytes());
        bytes.extend(span.last.to_le_bytes());
    }
    let sum = crc32fast::hash(&bytes);
    bytes.extend(sum.to_le_bytes());
    bytes
}

fn decode_days(bytes: &[u8]) -> Option<Vec<DaySpan>> {
    let (bytes, sum) = bytes.split_last_chunk::<4>()?;
    if crc32fast::hash(bytes) != u32::from_le_bytes(*sum) {
        return None;
    }
    let number = |bytes: &[u8]| bytes.try_into().ok().map(i32::from_le_bytes);
    bytes
        .chunks(8)
        .map(|pair| Some(DaySpan { first: number(pair.get(..4)?)?, last: number(pair.get(4..)?)? }))
        .collect()
}

fn sealed_days(connection: &Connection, channels: usize) -> rusqlite::Result<Vec<DaySpan>> {
    let mut spans = vec![DaySpan::EMPTY; channels];
    let mut statement = connection.prepare("SELECT chunk, days FROM sealed_days")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let chunk: u32 = row.get(0)?;
        let start = chunk.saturating_mul(CHUNK);
        let days = match decode_days(row.get_ref(1)?.as_blob()?) {
            Some(days) => days,
            None => recover_days(connection, start)?,
        };
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        for (span, found) in spans.iter_mut().skip(start).zip(days) {
            *span = found;
        }
    }
    Ok(spans)
}

/// The row is damaged, and says nothing that the blocks do not say too.
fn recover_days(connection: &Connection, start: u32) -> rusqlite::Result<Vec<DaySpan>> {
    tracing::warn!(slot = start, "list of sealed days is damaged, reading it from the blocks");
    let mut spans = vec![DaySpan::EMPTY; usize::try_from(CHUNK).unwrap_or_default()];
    let mut next = connection.prepare("SELECT min(key) FROM block WHERE key > ?1")?;
    let mut keys = connection.prepare("SELECT key FROM block WHERE key BETWEEN ?1 AND ?2")?;
    let mut after = i64::MIN;
    while let Some(found) = next.query_row([after], |row| row.get::<_, Option<i64>>(0))? {
        let day = key::day(found);
        let last = start.saturating_add(CHUNK - 1).min(key::SLOT_MAX);
        let range = [key::block(day, start, 0), key::block(day, last, key::REVISION_MAX)];
        let mut rows = keys.query(range)?;
        while let Some(row) = rows.next()? {
            let (_, slot, _) = key::parts(row.get(0)?);
            let place = usize::try_from(slot - start).unwrap_or(usize::MAX);
            if let Some(span) = spans.get_mut(place) {
                span.extend(day);
            }
        }
        after = key::last_of(day);
    }
    Ok(spans)
}

fn done(connection: &Connection) -> rusqlite::Result<Vec<(i32, i64)>> {
    let mut statement = connection.prepare("SELECT day, sequence FROM log_done")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// Puts the log into the window, and answers the last number in it.
fn replay(
    path: &Path,
    connection: &Connection,
    window: &mut Window,
    done: &mut Vec<(i32, i64)>,
) -> Result<i64, LedgerError> {
    let failed = |error: rusqlite::Error| schema::unusable(path, &error);
    let mut cache = Cache::default();
    let mut sealed = SealedDays { connection, cache: &mut cache };
    let mut batch = Batch::default();
    let mut last = done.iter().map(|&(_, sequence)| sequence).max().unwrap_or_default();
    let mut statement =
        connection.prepare("SELECT key, batch FROM log ORDER BY key").map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut leftover: Option<(i32, i64)> = None;
    let mut finished: Vec<(i32, i64)> = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let key: i64 = row.get(0).map_err(failed)?;
        let (day, sequence) = (key::day(key), key::sequence(key));
        last = last.max(sequence);
        if done.iter().any(|&(d, upto)| d == day && sequence <= upto) {
            continue;
        }
        let row = row.get_ref(1).map_err(failed)?;
        if row.as_blob().map_or(Err(crate::batch::Damaged), |row| batch.decode(key, row)).is_err() {
            return Err(LedgerError::Unusable(format!(
                "the log of the ledger {} is damaged at row {key}: restore it from a backup",
                path.display()
            )));
        }
        let readings = batch.slots.iter().zip(&batch.seconds).zip(&batch.values);
        for (place, (((&slot, &second), &value), &quality)) in
            readings.zip(&batch.qualities).enumerate()
        {
            if place.is_multiple_of(WARM) {
                window.warm(batch.slots.iter().skip(place).take(WARM).copied());
            }
            window.offer(slot, day, second, value, quality, &mut sealed);
        }
        if let Some(before) = leftover.replace((day, sequence))
            && before.0 != day
        {
            finished.push(before);
        }
    }
    finished.extend(leftover);
    // Everything of such a day is in blocks, and the process ended before it could say so.
    done.extend(finished.into_iter().filter(|&(day, _)| !window.is_open(day)));
    Ok(last)
}
