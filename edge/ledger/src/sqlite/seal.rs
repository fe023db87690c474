//! What the writer does between groups: seal days into blocks, delete their log, give space back.

use std::{collections::BTreeMap, sync::atomic::Ordering};

use corrente_metering::{ChannelKind, Timestamp};
use rusqlite::TransactionBehavior;

use super::{blocks, ends, key, load, queue::Answer, writer::Writer};
use crate::{
    LedgerError,
    codec::{self, Columns, Values},
    day,
    ends::DayEnd,
    window::DaySpan,
};

/// Log rows that are deleted in one go.
const PRUNE_ROWS: u32 = 32;
/// Pages that are given back in one go.
const COMPACT_PAGES: usize = 2000;

/// A wish to seal, and how far it came.
#[derive(Debug)]
pub(super) struct SealJob {
    /// Days that end at or before this; all there are when nothing is named.
    until: Option<Timestamp>,
    /// Days still to look at; nothing before the first look.
    days: Option<Vec<i32>>,
    current: Option<Slices>,
    written: u64,
    answer: Option<Answer<u64>>,
}

/// A day under way.
#[derive(Debug)]
struct Slices {
    day: i32,
    slots: Vec<u32>,
    next: usize,
}

impl SealJob {
    pub(super) fn until(until: Timestamp, answer: Answer<u64>) -> Self {
        Self { until: Some(until), days: None, current: None, written: 0, answer: Some(answer) }
    }

    /// All of one day, to free memory.
    fn day(day: i32) -> Self {
        Self { until: None, days: Some(vec![day]), current: None, written: 0, answer: None }
    }

    pub(super) fn refuse(self, error: LedgerError) {
        if let Some(answer) = self.answer {
            drop(answer.send(Err(error)));
        }
    }
}

impl Writer {
    pub(super) fn has_chores(&self) -> bool {
        !self.jobs.is_empty()
            || !self.done.is_empty()
            || !self.compacting.is_empty()
            || !self.forgetting.is_empty()
            || self.shared.checkpointer.wants_finish()
            || self.shared.power.is_due()
            || self.shared.window().has_full()
            || self.is_over_budget()
    }

    /// Does one slice of what there is to do.
    pub(super) fn chore(&mut self) -> rusqlite::Result<()> {
        if self.shared.checkpointer.wants_finish() {
            // The thread did the long part; what came since then is short, and the log starts over.
            self.shared.checkpointer.finish(&self.connection)?;
        }
        if self.shared.window().has_full() {
            return self.cut();
        }
        if self.shared.power.is_due() {
            return self.write_power();
        }
        if self.jobs.is_empty() && self.is_over_budget() {
            let oldest = self.shared.window().open_days().next();
            self.jobs.extend(oldest.map(SealJob::day));
        }
        if let Some(job) = self.jobs.pop_front() {
            return self.seal(job);
        }
        if let Some(&(day, sequence)) = self.done.first() {
            return self.prune(day, sequence);
        }
        if let Some(&(before, _)) = self.forgetting.first() {
            if self.forget_power(before)? {
                let (_, answer) = self.forgetting.remove(0);
                drop(answer.send(Ok(())));
            }
            return Ok(());
        }
        if !self.compacting.is_empty() {
            return self.compact();
        }
        Ok(())
    }

    fn is_over_budget(&self) -> bool {
        let bytes = self.shared.counters.window_bytes.load(Ordering::Relaxed);
        let limit = u64::try_from(self.shared.options.window_bytes).unwrap_or(u64::MAX);
        bytes > limit && self.shared.window().open_days().next().is_some()
    }

    /// Blocks out of days that hold very many readings, so that memory does not follow the day.
    fn cut(&mut self) -> rusqlite::Result<()> {
        let mut full = self.shared.window_mut().take_full();
        full.sort_unstable();
        for day in full.chunk_by(|a, b| a.0 == b.0) {
            let slots: Vec<u32> = day.iter().map(|&(_, slot)| slot).collect();
            if let Some(&(day, _)) = day.first() {
                self.seal_slice(day, &slots, Slice::Cut)?;
            }
        }
        Ok(())
    }

    fn seal(&mut self, mut job: SealJob) -> rusqlite::Result<()> {
        let Some(mut current) = job.current.take().or_else(|| self.next_day(&mut job)) else {
            if let Some(answer) = job.answer {
                drop(answer.send(Ok(job.written)));
            }
            return Ok(());
        };
        let rest = current.slots.get(current.next..).unwrap_or_default();
        let slice = rest.get(..self.shared.options.seal_slice.max(1)).unwrap_or(rest);
        let is_last = slice.len() == rest.len();
        let kind = if is_last { Slice::Last } else { Slice::More };
        match self.seal_slice(current.day, slice, kind) {
            Ok(written) => job.written += written,
            Err(error) => {
                job.refuse(LedgerError::Unavailable(error.to_string()));
                return Err(error);
            }
        }
        current.next += slice.len();
        if !is_last {
            job.current = Some(current);
        }
        self.jobs.push_front(job);
        Ok(())
    }

    fn next_day(&mut self, job: &mut SealJob) -> Option<Slices> {
        let mut window = self.shared.window_mut();
        let directory = self.shared.directory();
        let days = job.days.get_or_insert_with(|| {
            let mut days: Vec<i32> = window.open_days().collect();
            days.reverse();
            days
        });
        while let Some(day) = days.pop() {
            let slots = window.take_open(day, |slot| {
                job.until.is_none_or(|until| day::day_end(day, directory.offset(slot)) <= until)
            });
            if !slots.is_empty() {
                return Some(Slices { day, slots, next: 0 });
            }
        }
        None
    }

    /// Writes the blocks of some channels of a day and drops what they hold from the window.
    fn seal_slice(&mut self, day: i32, slots: &[u32], kind: Slice) -> rusqlite::Result<u64> {
        let Self { shared, connection, .. } = self;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut full = Vec::new();
        let mut written = 0;
        let mut bytes = 0;
        let mut is_done = false;
        {
            let window = shared.window();
            let directory = shared.directory();
            let mut insert = transaction.prepare_cached(blocks::INSERT)?;
            let mut chunks: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
            let mut day_ends: BTreeMap<u32, Vec<(u32, DayEnd)>> = BTreeMap::new();
            let (mut columns, mut body) = (Columns::default(), Vec::new());
            for &slot in slots {
                window.columns(slot, day, &mut columns);
                let span = window.span(slot);
                let revision = if span.contains(day) {
                    blocks::last_revision(&transaction, day, slot)? + 1
                } else {
                    1
                };
                if revision > key::REVISION_MAX {
                    full.push(slot);
                    continue;
                }
                let kind = directory.kind(slot);
                let values = match kind {
                    ChannelKind::Register => Values::Cumulative,
                    ChannelKind::Interval => Values::Amounts,
                };
                let key = key::block(day, slot, revision);
                if let Some(header) = codec::encode(key, &mut columns, values, &mut body) {
                    blocks::insert(&mut insert, key, &header, &body)?;
                    written += 1;
                    bytes += body.len() + 32;
                    let end = (slot, DayEnd::of(kind, &header));
                    day_ends.entry(slot / load::CHUNK).or_default().push(end);
                    if !span.contains(day) {
                        chunks.entry(slot / load::CHUNK).or_default().push(slot);
                    }
                }
            }
            for (chunk, new) in day_ends {
                let spans = load::of_chunk(window.spans(), chunk);
                let is_first = !spans.iter().any(|span| span.contains(day));
                bytes += ends::add(&transaction, &directory, (day, chunk), &new, is_first)?;
            }
            let mut insert = transaction.prepare_cached(
                "INSERT OR REPLACE INTO sealed_days (chunk, days) VALUES (?1, ?2)",
            )?;
            for (chunk, slots) in chunks {
                let start = chunk * load::CHUNK;
                let mut days: Vec<DaySpan> = load::of_chunk(window.spans(), chunk).to_vec();
                for slot in slots {
                    let place = usize::try_from(slot - start).unwrap_or(usize::MAX);
                    if let Some(span) = days.get_mut(place) {
                        span.extend(day);
                    }
                }
                let row = load::encode_days(&days);
                bytes += row.len();
                insert.execute(rusqlite::params![chunk, row])?;
            }
            if kind == Slice::Last && full.is_empty() && !window.is_open(day) {
                is_done = true;
                transaction
                    .prepare_cached(
                        "INSERT OR REPLACE INTO log_done (day, sequence) VALUES (?1, ?2)",
                    )?
                    .execute(rusqlite::params![day, self.sequence])?;
            }
        }
        transaction.commit()?;
        let mut window = shared.window_mut();
        for &slot in slots {
            if !full.contains(&slot) {
                window.sealed(slot, day, kind == Slice::Cut);
            }
            self.cache.forget(slot, day);
        }
        if !full.is_empty() {
            tracing::warn!(block.day = day, "no revision is left for a block day, its log stays");
            if kind != Slice::Cut {
                window.put_back(day, full);
            }
        }
        if kind == Slice::Last {
            window.sealing_ended(day);
        }
        shared.note(&window);
        drop(window);
        if is_done {
            self.done.retain(|&(of, _)| of != day);
            self.done.push((day, self.sequence));
        }
        shared.counters.blocks.fetch_add(written, Ordering::Relaxed);
        shared.checkpointer.wrote(bytes);
        Ok(written)
    }

    /// Deletes some log rows of a day that is in blocks.
    fn prune(&mut self, day: i32, sequence: i64) -> rusqlite::Result<()> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let deleted = transaction
            .prepare_cached(
                "DELETE FROM log WHERE key IN \
                 (SELECT key FROM log WHERE key BETWEEN ?1 AND ?2 ORDER BY key LIMIT ?3)",
            )?
            .execute(rusqlite::params![key::first_of(day), key::log(day, sequence), PRUNE_ROWS])?;
        let is_done = u32::try_from(deleted).is_ok_and(|deleted| deleted < PRUNE_ROWS);
        if is_done {
            transaction
                .prepare_cached("DELETE FROM log_done WHERE day = ?1 AND sequence <= ?2")?
                .execute(rusqlite::params![day, sequence])?;
        }
        transaction.commit()?;
        if is_done {
            self.done.retain(|&one| one != (day, sequence));
        }
        self.shared.checkpointer.wrote(deleted * 1024);
        Ok(())
    }

    fn compact(&mut self) -> rusqlite::Result<()> {
        let free = |writer: &Self| -> rusqlite::Result<i64> {
            writer.connection.pragma_query_value(None, "freelist_count", |row| row.get(0))
        };
        if free(self)? > 0 {
            let pragma = format!("PRAGMA incremental_vacuum({COMPACT_PAGES})");
            let mut statement = self.connection.prepare(&pragma)?;
            let mut rows = statement.query([])?;
            while rows.next()?.is_some() {}
            drop(rows);
            drop(statement);
            self.shared.checkpointer.wrote(COMPACT_PAGES * 1024);
        }
        if free(self)? == 0 {
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            for answer in self.compacting.drain(..) {
                drop(answer.send(Ok(())));
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slice {
    /// The day goes on.
    Cut,
    /// Other channels of the day follow.
    More,
    /// The day's last.
    Last,
}
