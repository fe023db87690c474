//! The writer: one thread that makes readings durable, group by group.
//!
//! A group is what waited when the last one was done, up to a number of readings. So a single reading is
//! committed at once when nothing else goes on. Where many report at the same time a group waits some
//! milliseconds for more, and thousands share one sync.
//! Between groups the thread does a slice of what else there is to do: seal, delete old log, give space
//! back.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use corrente_metering::ChannelSpec;
use parking_lot::RwLockWriteGuard;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{
    Shared,
    blocks::{Cache, SealedDays},
    key, load,
    queue::{Answer, Offer, Work},
    schema,
    seal::SealJob,
};
use crate::{
    Appended, Decision, LedgerError, QuarantineReason, Settled, batch::Batch, day, window::Offered,
};

/// Readings that are put into the window in one go, while queries wait.
const STRIDE: usize = 1024;
/// Readings whose channels are looked at together.
pub(super) const WARM: usize = 32;
/// Batches in one group from which on more are expected at once.
const BUSY: usize = 8;
/// How long to wait before another attempt when writing failed.
const RETRY: Duration = Duration::from_millis(200);
/// Enough that a disk which takes it takes a group commit too.
const PROBE_BYTES: u32 = 256 << 10;

pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) connection: Connection,
    pub(super) sequence: i64,
    pub(super) cache: Cache,
    pub(super) jobs: VecDeque<SealJob>,
    /// Days whose log can go, up to a number.
    pub(super) done: Vec<(i32, i64)>,
    pub(super) compacting: Vec<Answer<()>>,
    /// Samples of power before a key that are to be forgotten.
    pub(super) forgetting: Vec<(i64, Answer<()>)>,
    batches: BTreeMap<i32, Batch>,
    spare: Vec<Batch>,
    pub(super) row: Vec<u8>,
    /// Taken from the queue and too much for the group before.
    backlog: VecDeque<Work>,
    /// Batches of the group before.
    crowd: usize,
    closing: bool,
}

/// What one transaction will hold, and who waits for it.
#[derive(Default)]
struct Group {
    appends: Vec<Waiting>,
    opens: Vec<Answer<()>>,
    settles: Vec<(Answer<Settled>, Settled)>,
    channels: Vec<ChannelSpec>,
    rejected: Vec<Refused>,
    decided: Vec<(u64, Decision)>,
    readings: usize,
    new: u64,
}

/// A batch, who waits for it, and the room that it takes.
type Append = (Vec<Offer>, oneshot::Sender<Result<Appended, LedgerError>>, OwnedSemaphorePermit);

/// A batch whose commit is under way.
struct Waiting {
    answer: oneshot::Sender<Result<Appended, LedgerError>>,
    appended: Appended,
    _permit: OwnedSemaphorePermit,
}

#[derive(Clone, Copy)]
struct Refused {
    slot: u32,
    time: i64,
    value: i64,
    quality: u8,
    reason: u8,
    kept: Option<i64>,
}

impl Writer {
    pub(super) fn new(
        shared: Arc<Shared>,
        connection: Connection,
        sequence: i64,
        done: Vec<(i32, i64)>,
    ) -> Self {
        Self {
            shared,
            connection,
            sequence,
            cache: Cache::default(),
            jobs: VecDeque::new(),
            done,
            compacting: Vec::new(),
            forgetting: Vec::new(),
            batches: BTreeMap::new(),
            spare: Vec::new(),
            row: Vec::new(),
            backlog: VecDeque::new(),
            crowd: 0,
            closing: false,
        }
    }

    pub(super) fn run(mut self) {
        loop {
            let works = self.next();
            let is_idle = works.is_empty();
            let rests = self.group(works).and_then(|()| {
                if !self.has_chores() {
                    return Ok(is_idle);
                }
                self.chore().map(|()| false)
            });
            match rests {
                Ok(rests) => {
                    if rests && self.closing {
                        break;
                    }
                }
                Err(error) => {
                    self.recover(&error);
                    // The window may hold what was refused: nothing more is written from it.
                    if self.closing {
                        break;
                    }
                }
            }
        }
        if let Err(error) = self.write_power() {
            tracing::warn!(%error, "the last samples of power are not kept");
        }
        if let Err(error) = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%error, "last checkpoint failed, the log stays beside the ledger");
        }
    }

    /// What is to be done next; nothing when there is something else to do meanwhile.
    fn next(&mut self) -> VecDeque<Work> {
        if !self.backlog.is_empty() {
            return std::mem::take(&mut self.backlog);
        }
        if self.closing || self.has_chores() {
            return self.shared.queue.take();
        }
        let mut works = self.shared.queue.take_some();
        if works.len().max(self.crowd) >= BUSY {
            let options = &self.shared.options;
            let more = self.shared.queue.take_within(options.group_time, options.group_readings);
            works.extend(more);
        }
        works
    }

    /// Makes a group durable, shows it and answers. On an error everyone in it has been answered.
    fn group(&mut self, mut works: VecDeque<Work>) -> rusqlite::Result<()> {
        if works.is_empty() {
            return Ok(());
        }
        let mut group = Group::default();
        self.shared.window_mut().begin();
        let mut appends = Vec::with_capacity(works.len());
        while let Some(work) = works.pop_front() {
            if let Work::Append { offers, answer, permit } = work {
                group.readings += offers.len();
                appends.push((offers, answer, permit));
            } else {
                self.append(std::mem::take(&mut appends), &mut group);
                self.take(work, &mut group);
            }
            if group.readings >= self.shared.options.group_readings {
                break;
            }
        }
        self.append(appends, &mut group);
        self.backlog = works;
        self.crowd = group.appends.len();
        match self.write(&group) {
            Ok(()) => {
                self.show(group);
                Ok(())
            }
            Err(error) => {
                let unavailable = || LedgerError::Unavailable(error.to_string());
                for one in group.appends {
                    drop(one.answer.send(Err(unavailable())));
                }
                for answer in group.opens {
                    drop(answer.send(Err(unavailable())));
                }
                for (answer, _) in group.settles {
                    drop(answer.send(Err(unavailable())));
                }
                Err(error)
            }
        }
    }

    fn append(&mut self, appends: Vec<Append>, group: &mut Group) {
        if appends.is_empty() {
            return;
        }
        let offers: Vec<&[Offer]> = appends.iter().map(|(offers, ..)| offers.as_slice()).collect();
        let appended = self.classify(&offers, group);
        group.appends.extend(
            appends.into_iter().zip(appended).map(|((_, answer, permit), appended)| Waiting {
                answer,
                appended,
                _permit: permit,
            }),
        );
    }

    fn take(&mut self, work: Work, group: &mut Group) {
        match work {
            Work::Append { offers, answer, permit } => {
                self.append(vec![(offers, answer, permit)], group);
            }
            Work::Open { channels, answer } => {
                group.channels.extend(channels);
                group.opens.push(answer);
            }
            Work::Settle { sequence, decision, answer } => {
                match self.settle(sequence, decision, group) {
                    Ok(settled) => group.settles.push((answer, settled)),
                    Err(error) => {
                        drop(answer.send(Err(LedgerError::Unavailable(error.to_string()))));
                    }
                }
            }
            Work::Seal { until, answer } => self.jobs.push_back(SealJob::until(until, answer)),
            Work::Compact { answer } => self.compacting.push(answer),
            // It stands among the chores already.
            Work::Power => {}
            Work::ForgetPower { before, answer } => self.forgetting.push((before, answer)),
            Work::Close => self.closing = true,
        }
    }

    /// Sorts batches into new, duplicate, conflict and quarantined.
    fn classify(&mut self, appends: &[&[Offer]], group: &mut Group) -> Vec<Appended> {
        let Self { shared, connection, cache, batches, spare, .. } = self;
        let mut sealed = SealedDays { connection, cache };
        let mut all = Vec::with_capacity(appends.len());
        let mut current: Option<(i32, Batch)> = None;
        let mut window = shared.window_mut();
        let mut held = 0;
        for (number, offers) in appends.iter().enumerate() {
            if number.is_multiple_of(WARM) {
                let next = appends.iter().skip(number).take(WARM);
                window.warm(next.filter_map(|offers| offers.first()).map(|offer| offer.slot));
            }
            let mut appended = Appended::default();
            for part in offers.chunks(WARM) {
                if held >= STRIDE {
                    RwLockWriteGuard::bump(&mut window);
                    held = 0;
                }
                held += part.len();
                window.warm(part.iter().skip(1).map(|offer| offer.slot));
                for &offer in part {
                    let Offer { value, slot, day, second, quality, quarantine } = offer;
                    if quarantine != 0 {
                        appended.quarantined += 1;
                        group.rejected.push(shared.refused(&offer, quarantine, None));
                        continue;
                    }
                    match window.offer(slot, day, second, value, quality, &mut sealed) {
                        Offered::New => {
                            appended.new += 1;
                            let batch = match &mut current {
                                Some((of, batch)) if *of == day => batch,
                                other => {
                                    if let Some((of, batch)) = other.take() {
                                        batches.insert(of, batch);
                                    }
                                    let batch = batches.remove(&day).or_else(|| spare.pop());
                                    &mut other.insert((day, batch.unwrap_or_default())).1
                                }
                            };
                            batch.push(slot, second, value, quality);
                        }
                        Offered::Duplicate => appended.duplicates += 1,
                        Offered::Conflict { kept } => {
                            appended.conflicts += 1;
                            group.rejected.push(shared.refused(&offer, 0, Some(kept)));
                        }
                    }
                }
            }
            group.new += appended.new;
            all.push(appended);
        }
        if let Some((of, batch)) = current {
            batches.insert(of, batch);
        }
        all
    }

    fn settle(
        &mut self,
        sequence: u64,
        decision: Decision,
        group: &mut Group,
    ) -> rusqlite::Result<Settled> {
        let key = i64::try_from(sequence).unwrap_or(i64::MAX);
        let found = self
            .connection
            .prepare_cached(
                "SELECT slot, time, value, quality, reason, decision FROM rejected \
                 WHERE sequence = ?1",
            )?
            .query_row([key], |row| {
                let decided: Option<i64> = row.get(5)?;
                let offer = Offer {
                    slot: row.get(0)?,
                    day: 0,
                    second: 0,
                    value: row.get(2)?,
                    quality: row.get(3)?,
                    quarantine: row.get(4)?,
                };
                Ok((offer, row.get::<_, i64>(1)?, decided.is_some()))
            })
            .optional()?;
        let Some((offer, time, decided)) = found else { return Ok(Settled::Unknown) };
        if decided || group.decided.iter().any(|&(decided, _)| decided == sequence) {
            return Ok(Settled::Already);
        }
        if decision == Decision::Release {
            if offer.quarantine == 0 {
                return Ok(Settled::Conflict);
            }
            let offset = self.shared.directory().offset(offer.slot);
            let time = corrente_metering::Timestamp::from_second(time);
            let (day, second) = day::split(time, offset);
            self.classify(&[&[Offer { day, second, quarantine: 0, ..offer }]], group);
        }
        group.decided.push((sequence, decision));
        Ok(Settled::Done)
    }

    fn write(&mut self, group: &Group) -> rusqlite::Result<()> {
        let Self { connection, batches, row, sequence, shared, .. } = self;
        let nothing = batches.values().all(Batch::is_empty)
            && group.rejected.is_empty()
            && group.channels.is_empty()
            && group.decided.is_empty();
        if nothing {
            return Ok(());
        }
        let readings = group.readings;
        let _span =
            tracing::info_span!(target: "corrente::trace", "ledger.commit", readings).entered();
        let mut bytes = 0;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut insert =
                transaction.prepare_cached("INSERT INTO log (key, batch) VALUES (?1, ?2)")?;
            for (&day, batch) in batches.iter().filter(|(_, batch)| !batch.is_empty()) {
                *sequence += 1;
                let key = key::log(day, *sequence);
                batch.encode(key, row);
                insert.execute(rusqlite::params![key, *row])?;
                bytes += row.len();
            }
        }
        if !group.rejected.is_empty() {
            let mut insert = transaction.prepare_cached(
                "INSERT OR IGNORE INTO rejected (slot, time, value, quality, reason, kept) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            for one in &group.rejected {
                insert.execute(rusqlite::params![
                    one.slot,
                    one.time,
                    one.value,
                    one.quality,
                    one.reason,
                    one.kept
                ])?;
            }
        }
        if !group.channels.is_empty() {
            let mut insert = transaction.prepare_cached(
                "INSERT OR IGNORE INTO channel (slot, id, kind, utc_offset) VALUES \
                 ((SELECT ifnull(max(slot) + 1, 0) FROM channel), ?1, ?2, ?3)",
            )?;
            for spec in &group.channels {
                insert.execute(rusqlite::params![
                    spec.id.number().cast_signed(),
                    load::kind_code(spec.kind),
                    spec.offset_seconds
                ])?;
            }
        }
        for &(sequence, decision) in &group.decided {
            let mut update = transaction
                .prepare_cached("UPDATE rejected SET decision = ?2 WHERE sequence = ?1")?;
            let decision = match decision {
                Decision::Drop => 0,
                Decision::Release => 1,
            };
            update.execute(rusqlite::params![i64::try_from(sequence).unwrap_or(0), decision])?;
        }
        transaction.commit()?;
        shared.counters.commits.fetch_add(1, Ordering::Relaxed);
        shared.checkpointer.wrote(bytes);
        Ok(())
    }

    /// The group is durable: shows it and answers.
    fn show(&mut self, group: Group) {
        for (_, mut batch) in std::mem::take(&mut self.batches) {
            batch.clear();
            // A backfill of many years must not leave its buffers behind.
            if self.spare.len() < 4
                && batch.slots.capacity() <= 4 * self.shared.options.group_readings
            {
                self.spare.push(batch);
            }
        }
        {
            let mut window = self.shared.window_mut();
            window.commit();
            if !group.channels.is_empty() {
                let mut directory = self.shared.directory_mut();
                for spec in group.channels {
                    if directory.place(spec.id).is_none() {
                        directory.add(spec);
                        window.add_channel(crate::window::DaySpan::EMPTY);
                    }
                }
            }
            self.shared.note(&window);
        }
        self.shared.counters.appended.fetch_add(group.new, Ordering::Relaxed);
        for one in group.appends {
            // Whoever asked may be gone: the readings are durable all the same.
            drop(one.answer.send(Ok(one.appended)));
        }
        for answer in group.opens {
            drop(answer.send(Ok(())));
        }
        for (answer, settled) in group.settles {
            drop(answer.send(Ok(settled)));
        }
    }

    /// Writing failed: refuses everything until it works again, and starts over from what is durable.
    fn recover(&mut self, error: &rusqlite::Error) {
        tracing::error!(%error, "ledger cannot write, nothing is acknowledged until it can");
        self.set_trouble(error.to_string());
        self.shared.counters.accepting.store(false, Ordering::Release);
        let shared = Arc::clone(&self.shared);
        let refuse = || shared.unavailable();
        for job in self.jobs.drain(..) {
            job.refuse(refuse());
        }
        for answer in self.compacting.drain(..) {
            drop(answer.send(Err(refuse())));
        }
        for (_, answer) in self.forgetting.drain(..) {
            drop(answer.send(Err(refuse())));
        }
        self.batches.clear();
        for work in std::mem::take(&mut self.backlog) {
            self.closing |= matches!(work, Work::Close);
            work.refuse(refuse);
        }
        loop {
            let until = Instant::now() + RETRY;
            while let Some(left) = until.checked_duration_since(Instant::now()) {
                for work in self.shared.queue.take_within(left, 1) {
                    self.closing |= matches!(work, Work::Close);
                    work.refuse(refuse);
                }
                if self.closing {
                    return;
                }
            }
            match self.restart() {
                Ok(()) => break,
                Err(error) => {
                    tracing::debug!(%error, "ledger still cannot write");
                    self.set_trouble(error.to_string());
                }
            }
        }
        self.shared.counters.accepting.store(true, Ordering::Release);
        tracing::info!("ledger writes again");
    }

    fn set_trouble(&self, reason: String) {
        *self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// A new connection, a probe, and the window from the log.
    fn restart(&mut self) -> Result<(), LedgerError> {
        let path = &self.shared.path;
        let failed = |error: rusqlite::Error| schema::unusable(path, &error);
        let connection = schema::connect(path, self.shared.options.max_bytes).map_err(failed)?;
        // What is not in the file yet goes there, so that the log beside it can start over.
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).map_err(failed)?;
        connection
            .execute("UPDATE probe SET ballast = zeroblob(?1)", [PROBE_BYTES])
            .map_err(failed)?;
        connection.execute("UPDATE probe SET ballast = x''", []).map_err(failed)?;
        let loaded = load::load(path, &connection, self.shared.options.cut_readings)?;
        {
            let mut window = self.shared.window_mut();
            *self.shared.directory_mut() = loaded.directory;
            *window = loaded.window;
            self.shared.note(&window);
        }
        self.connection = connection;
        self.sequence = loaded.sequence;
        self.done = loaded.done;
        self.cache = Cache::default();
        Ok(())
    }
}

impl Shared {
    fn refused(&self, offer: &Offer, reason: u8, kept: Option<i64>) -> Refused {
        let offset = self.directory().offset(offer.slot);
        Refused {
            slot: offer.slot,
            time: day::join(offer.day, offer.second, offset).second(),
            value: offer.value,
            quality: offer.quality,
            reason,
            kept,
        }
    }
}

/// The number under which a reason is stored; 0 is a conflict.
pub(super) fn reason_code(reason: QuarantineReason) -> u8 {
    match reason {
        QuarantineReason::BeforeInstallation => 1,
        QuarantineReason::InFuture => 2,
    }
}
