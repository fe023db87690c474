//! Samples of power: kept for a while beside the readings, and never a reading.
//!
//! They gather in memory and are written together about once a minute: a row for each hour and 256
//! channels, so that the last hour of one channel is found without its whole town, and an hour that is
//! too old goes in one piece.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use corrente_metering::{ChannelId, Span, Timestamp};
use rusqlite::{Connection, TransactionBehavior};

use super::{Shared, load, queue::Work, writer::Writer};
use crate::{LedgerError, PowerSample, batch::Batch};

/// Made with every ledger, and in one that an older program made: nothing else depends on it.
pub(super) const TABLE: &str = include_str!("power.sql");

const HOUR: i64 = 3600;
/// Hours from 1970 that a key can hold: until the year 2448.
const HOURS: i64 = 1 << 22;
const HOUR_SHIFT: u32 = 40;
const CHUNK_SHIFT: u32 = 21;
/// How long samples wait for others, and how many wait at most.
const WAIT: Duration = Duration::from_mins(1);
const ENOUGH: usize = 100_000;
/// More than that are not kept: the disk has been full for a while.
const TOO_MANY: usize = 1_000_000;
/// Rows that are forgotten in one go.
const ROWS: u32 = 64;

/// Hour and 256 channels.
type Place = (i64, u32);

/// What is not written yet.
#[derive(Debug, Default)]
pub(super) struct Power(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    waiting: BTreeMap<Place, Batch>,
    /// On its way to the disk, and still read from here.
    writing: BTreeMap<Place, Batch>,
    samples: usize,
    since: Option<Instant>,
    /// The writer knows that there is something to write.
    is_due: bool,
}

impl Power {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_due(&self) -> bool {
        self.lock().is_due
    }
}

fn key((hour, chunk): Place, number: i64) -> i64 {
    hour << HOUR_SHIFT | i64::from(chunk) << CHUNK_SHIFT | number
}

fn last_key(place: Place) -> i64 {
    key(place, (1 << CHUNK_SHIFT) - 1)
}

/// The hour that a key can hold.
fn hour(t: Timestamp) -> Option<i64> {
    let hour = t.second().div_euclid(HOUR);
    (0..HOURS).contains(&hour).then_some(hour)
}

impl Shared {
    pub(super) fn keep_power(&self, samples: &[PowerSample]) -> Result<(), LedgerError> {
        self.check_open()?;
        if self.options.power_hours == 0 || samples.is_empty() {
            return Ok(());
        }
        let directory = self.directory();
        let mut state = self.power.lock();
        for sample in samples {
            let place = directory
                .place(sample.channel)
                .ok_or(LedgerError::UnknownChannel(sample.channel))?;
            let Some(hour) = hour(sample.t) else { continue };
            let second = u32::try_from(sample.t.second().rem_euclid(HOUR)).unwrap_or_default();
            let batch = state.waiting.entry((hour, place.slot / load::CHUNK)).or_default();
            batch.push(place.slot, second, sample.watts, 0);
            state.samples += 1;
        }
        drop(directory);
        if state.samples > TOO_MANY {
            tracing::warn!(power.samples = state.samples, "samples of power are given up");
            state.waiting.clear();
            state.samples = 0;
        }
        let since = *state.since.get_or_insert_with(Instant::now);
        let is_time = state.samples >= ENOUGH || since.elapsed() >= WAIT;
        if is_time && !state.is_due {
            state.is_due = true;
            drop(state);
            self.queue.push(Work::Power).map_err(|_| LedgerError::Closed)?;
        }
        Ok(())
    }

    pub(super) fn power(
        &self,
        channel: ChannelId,
        span: Span,
    ) -> Result<Vec<PowerSample>, LedgerError> {
        self.check_open()?;
        let slot = self.place(channel)?.slot;
        let mut found = BTreeMap::new();
        let mut take = |hour: i64, batch: &Batch| {
            let samples = batch.slots.iter().zip(&batch.seconds).zip(&batch.values);
            for ((_, &second), &watts) in samples.filter(|((of, _), _)| **of == slot) {
                let t = Timestamp::from_second(hour * HOUR + i64::from(second));
                if span.start < t && t <= span.end {
                    found.insert(t, watts);
                }
            }
        };
        {
            // First what is in memory: it leaves after it is in the file.
            let state = self.power.lock();
            for (&(hour, chunk), batch) in state.writing.iter().chain(&state.waiting) {
                if chunk == slot / load::CHUNK {
                    take(hour, batch);
                }
            }
        }
        let within = |t: Timestamp| t.second().div_euclid(HOUR).clamp(0, HOURS - 1);
        self.read(|connection| {
            let (first, last) = hours(connection)?;
            let mut statement = connection
                .prepare_cached("SELECT key, batch FROM power WHERE key BETWEEN ?1 AND ?2")?;
            let mut batch = Batch::default();
            for hour in within(span.start).max(first)..=within(span.end).min(last) {
                let place = (hour, slot / load::CHUNK);
                let mut rows = statement.query([key(place, 0), last_key(place)])?;
                while let Some(row) = rows.next()? {
                    let key: i64 = row.get(0)?;
                    let read = row.get_ref(1)?.as_blob().map(|row| batch.decode(key, row));
                    if matches!(read, Ok(Ok(()))) {
                        take(hour, &batch);
                    } else {
                        tracing::error!(power.key = key, "samples of power are damaged");
                    }
                }
            }
            Ok(())
        })?;
        Ok(found.into_iter().map(|(t, watts)| PowerSample { channel, t, watts }).collect())
    }

    pub(super) fn forget_power(&self, now: Timestamp) -> Result<(), LedgerError> {
        let kept = i64::from(self.options.power_hours).saturating_mul(HOUR);
        let bound = now.second().saturating_sub(kept).div_euclid(HOUR).clamp(0, HOURS - 1);
        self.power.lock().waiting.retain(|&(hour, _), _| hour >= bound);
        self.ask(|answer| Work::ForgetPower { before: key((bound, 0), 0), answer })
    }
}

/// The first and the last hour of which there are samples; an empty range when there are none.
fn hours(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    let hour = |query: &str| {
        let mut statement = connection.prepare_cached(query)?;
        statement.query_row([], |row| row.get::<_, Option<i64>>(0))
    };
    let first = hour("SELECT min(key) FROM power")?;
    let last = hour("SELECT max(key) FROM power")?;
    Ok((first.map_or(1, |key| key >> HOUR_SHIFT), last.map_or(0, |key| key >> HOUR_SHIFT)))
}

impl Writer {
    /// Writes the samples that wait.
    pub(super) fn write_power(&mut self) -> rusqlite::Result<()> {
        let Self { shared, connection, row, .. } = self;
        let rows: Vec<(Place, Batch)> = {
            let mut state = shared.power.lock();
            state.is_due = false;
            state.since = None;
            state.samples = 0;
            // What could not be written the last time is gone.
            state.writing = std::mem::take(&mut state.waiting);
            state.writing.iter().map(|(&place, batch)| (place, batch.clone())).collect()
        };
        if rows.is_empty() {
            return Ok(());
        }
        let mut bytes = 0;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut last = transaction
                .prepare_cached("SELECT max(key) FROM power WHERE key BETWEEN ?1 AND ?2")?;
            let mut insert =
                transaction.prepare_cached("INSERT INTO power (key, batch) VALUES (?1, ?2)")?;
            for (place, batch) in rows {
                let range = [key(place, 0), last_key(place)];
                let last: Option<i64> = last.query_row(range, |row| row.get(0))?;
                let key = last.map_or(range[0], |last| last + 1);
                if key > range[1] {
                    continue;
                }
                batch.encode(key, row);
                insert.execute(rusqlite::params![key, *row])?;
                bytes += row.len();
            }
        }
        transaction.commit()?;
        shared.power.lock().writing.clear();
        shared.checkpointer.wrote(bytes);
        Ok(())
    }

    /// Deletes some rows with samples before this key.
    pub(super) fn forget_power(&mut self, before: i64) -> rusqlite::Result<bool> {
        let deleted = self
            .connection
            .prepare_cached(
                "DELETE FROM power WHERE key IN \
                 (SELECT key FROM power WHERE key < ?1 ORDER BY key LIMIT ?2)",
            )?
            .execute(rusqlite::params![before, ROWS])?;
        self.shared.checkpointer.wrote(deleted * 1024);
        Ok(u32::try_from(deleted).is_ok_and(|deleted| deleted < ROWS))
    }
}
