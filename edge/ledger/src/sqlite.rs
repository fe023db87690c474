//! The ledger on SQLite: for one machine.

mod backup;
mod blocks;
mod checkpoint;
mod directory;
mod ends;
mod falls;
mod key;
mod load;
mod look;
mod power;
mod queue;
mod read;
mod schema;
mod seal;
mod totals;
mod writer;

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

use corrente_metering::{ChannelId, ChannelSpec, Reading, Span, Timestamp};
use futures_util::future::BoxFuture;
use tokio::sync::{Semaphore, oneshot};

use self::{
    checkpoint::Checkpointer,
    directory::Directory,
    power::Power,
    queue::{Answer, Offer, Queue, Work},
    read::Readers,
    writer::Writer,
};
use crate::{
    Admission, Appended, AsOf, ChannelTotal, DayTotal, Decision, Entry, Ledger, LedgerError,
    LedgerStats, PowerSample, Rejected, Revisions, Settled, day, window::Window,
};

pub use self::look::LedgerLook;

/// What can be set. The defaults suit a machine of a few gigabytes.
#[derive(Clone, Debug)]
pub struct LedgerOptions {
    /// Readings after which a group is committed, whatever else waits.
    pub group_readings: usize,
    /// How long a group waits for more when many report at once. A lone meter never waits.
    pub group_time: Duration,
    /// Readings that may wait for the writer; callers wait when there are more.
    pub queue_readings: usize,
    /// Readings of one channel and day after which a block is cut before the day ends.
    pub cut_readings: usize,
    /// Memory of the window in bytes above which the oldest open day is cut into blocks.
    pub window_bytes: usize,
    /// Channels that are sealed in one transaction.
    pub seal_slice: usize,
    /// Bytes that are written between two checkpoints.
    pub checkpoint_bytes: usize,
    /// Hours for which samples of power are kept; none with 0.
    pub power_hours: u32,
    /// Size in bytes that the file must not exceed.
    pub max_bytes: Option<u64>,
}

impl Default for LedgerOptions {
    fn default() -> Self {
        Self {
            group_readings: 32_768,
            group_time: Duration::from_millis(4),
            queue_readings: 100_000,
            cut_readings: 1024,
            window_bytes: 1536 << 20,
            seal_slice: 1000,
            checkpoint_bytes: 32 << 20,
            power_hours: 48,
            max_bytes: None,
        }
    }
}

/// The ledger on SQLite.
#[derive(Debug)]
pub struct SqliteLedger {
    shared: Arc<Shared>,
    threads: Mutex<Option<Threads>>,
}

#[derive(Debug)]
struct Threads {
    writer: JoinHandle<()>,
    checkpointer: JoinHandle<()>,
    /// Keeps other processes out as long as it is open.
    _lock: File,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    options: LedgerOptions,
    /// Locked after the window where both are.
    directory: RwLock<Directory>,
    /// A lock that can be passed on: readers get their turn while a group goes on.
    window: parking_lot::RwLock<Window>,
    queue: Queue,
    room: Arc<Semaphore>,
    readers: Readers,
    power: Power,
    checkpointer: Checkpointer,
    counters: Counters,
    /// Why writing failed last.
    trouble: Mutex<String>,
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Counters {
    appended: AtomicU64,
    commits: AtomicU64,
    blocks: AtomicU64,
    window_readings: AtomicU64,
    window_bytes: AtomicU64,
    accepting: AtomicBool,
}

impl Shared {
    fn directory(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn directory_mut(&self) -> RwLockWriteGuard<'_, Directory> {
        self.directory.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn window(&self) -> parking_lot::RwLockReadGuard<'_, Window> {
        self.window.read()
    }

    fn window_mut(&self) -> parking_lot::RwLockWriteGuard<'_, Window> {
        self.window.write()
    }

    /// Has a day that is not sealed yet ended by then, in the zone where days end first?
    fn may_seal_until(&self, t: Timestamp) -> bool {
        let oldest = self.window().oldest_day();
        let offset = self.directory().eastmost();
        oldest.zip(offset).is_some_and(|(day, offset)| day::day_end(day, offset) <= t)
    }

    /// Notes what the window holds, so that stats need no lock.
    fn note(&self, window: &Window) {
        let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        self.counters.window_readings.store(number(window.readings()), Ordering::Relaxed);
        self.counters.window_bytes.store(number(window.bytes()), Ordering::Relaxed);
    }

    fn unavailable(&self) -> LedgerError {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        LedgerError::Unavailable(trouble.clone())
    }

    fn check_open(&self) -> Result<(), LedgerError> {
        if self.closed.load(Ordering::Acquire) { Err(LedgerError::Closed) } else { Ok(()) }
    }

    /// Gives the writer something to do and waits for its answer.
    fn ask<T>(&self, work: impl FnOnce(Answer<T>) -> Work) -> Result<T, LedgerError> {
        self.check_open()?;
        let (answer, answered) = mpsc::channel();
        self.queue.push(work(answer)).map_err(|_| LedgerError::Closed)?;
        answered.recv().map_err(|_| LedgerError::Closed)?
    }

    fn resolve(&self, entries: &[Entry]) -> Result<Vec<Offer>, LedgerError> {
        let directory = self.directory();
        entries
            .iter()
            .map(|entry| {
                let place = directory
                    .place(entry.channel)
                    .ok_or(LedgerError::UnknownChannel(entry.channel))?;
                let (day, second) = day::split(entry.reading.end, place.offset);
                Ok(Offer {
                    value: entry.reading.value.wh(),
                    slot: place.slot,
                    day,
                    second,
                    quality: entry.reading.quality.0,
                    quarantine: match entry.admission {
                        Admission::Accept => 0,
                        Admission::Quarantine(reason) => writer::reason_code(reason),
                    },
                })
            })
            .collect()
    }
}

impl SqliteLedger {
    /// Opens the ledger in this file, makes it when there is none, and reads the log of the open days.
    pub fn open(path: &Path, options: LedgerOptions) -> Result<Self, LedgerError> {
        let lock = schema::lock(path)?;
        let connection = schema::open(path, options.max_bytes)?;
        let loaded = load::load(path, &connection, options.cut_readings)?;
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            directory: RwLock::new(loaded.directory),
            window: parking_lot::RwLock::new(loaded.window),
            queue: Queue::default(),
            room: Arc::new(Semaphore::new(options.queue_readings.clamp(1, Semaphore::MAX_PERMITS))),
            readers: Readers::default(),
            power: Power::default(),
            checkpointer: Checkpointer::new(options.checkpoint_bytes),
            counters: Counters { accepting: AtomicBool::new(true), ..Counters::default() },
            trouble: Mutex::default(),
            closed: AtomicBool::new(false),
            options,
        });
        shared.note(&shared.window());
        let writer = Writer::new(Arc::clone(&shared), connection, loaded.sequence, loaded.done);
        let spawn_failed = |error: std::io::Error| {
            LedgerError::Unusable(format!(
                "the ledger's threads cannot be started ({error}): raise the limit of processes"
            ))
        };
        let checkpointer = std::thread::Builder::new()
            .name("ledger-checkpoint".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || shared.checkpointer.run(&shared.path)
            })
            .map_err(spawn_failed)?;
        let writer = std::thread::Builder::new()
            .name("ledger-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(spawn_failed)?;
        let threads = Mutex::new(Some(Threads { writer, checkpointer, _lock: lock }));
        Ok(Self { shared, threads })
    }
}

impl Drop for SqliteLedger {
    fn drop(&mut self) {
        // What was acknowledged is durable whatever happens here.
        drop(self.close());
    }
}

impl Ledger for SqliteLedger {
    fn open_channels(&self, channels: &[ChannelSpec]) -> Result<(), LedgerError> {
        self.shared.check_open()?;
        let mut unknown = Vec::new();
        {
            let directory = self.shared.directory();
            let room = usize::try_from(key::SLOT_MAX).unwrap_or(usize::MAX);
            for &spec in channels {
                if directory.place(spec.id).is_some() {
                    continue;
                }
                if directory.len() + unknown.len() >= room {
                    return Err(LedgerError::Unusable(format!(
                        "the ledger holds {room} channels and takes no more: use another one"
                    )));
                }
                if i64::try_from(spec.id.number()).is_err() {
                    return Err(LedgerError::UnknownChannel(spec.id));
                }
                unknown.push(spec);
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        self.shared.ask(|answer| Work::Open { channels: unknown, answer })
    }

    fn append(&self, entries: Vec<Entry>) -> BoxFuture<'static, Result<Appended, LedgerError>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            shared.check_open()?;
            if entries.is_empty() {
                return Ok(Appended::default());
            }
            let offers = shared.resolve(&entries)?;
            drop(entries);
            let room = offers.len().min(shared.options.queue_readings.max(1));
            let room = u32::try_from(room).unwrap_or(u32::MAX);
            let permit = Arc::clone(&shared.room).acquire_many_owned(room).await;
            let permit = permit.map_err(|_| LedgerError::Closed)?;
            if !shared.counters.accepting.load(Ordering::Acquire) {
                return Err(shared.unavailable());
            }
            let (answer, answered) = oneshot::channel();
            shared
                .queue
                .push(Work::Append { offers, answer, permit })
                .map_err(|_| LedgerError::Closed)?;
            answered.await.map_err(|_| LedgerError::Closed)?
        })
    }

    fn range(
        &self,
        channel: ChannelId,
        span: Span,
        as_of: AsOf<'_>,
    ) -> Result<Vec<Reading>, LedgerError> {
        self.shared.check_open()?;
        self.shared.range(channel, span, as_of)
    }

    fn at_or_before(
        &self,
        channel: ChannelId,
        t: Timestamp,
        as_of: AsOf<'_>,
    ) -> Result<Option<Reading>, LedgerError> {
        self.shared.check_open()?;
        self.shared.at_or_before(channel, t, as_of)
    }

    fn after(
        &self,
        channel: ChannelId,
        t: Timestamp,
        as_of: AsOf<'_>,
    ) -> Result<Option<Reading>, LedgerError> {
        self.shared.check_open()?;
        self.shared.after(channel, t, as_of)
    }

    fn falls(
        &self,
        channel: ChannelId,
        span: Span,
        as_of: AsOf<'_>,
    ) -> Result<Vec<Timestamp>, LedgerError> {
        self.shared.check_open()?;
        self.shared.falls(channel, span, as_of)
    }

    fn last(&self, channel: ChannelId) -> Result<Option<Reading>, LedgerError> {
        self.at_or_before(channel, Timestamp::MAX, AsOf::Now)
    }

    fn revisions(&self, channel: ChannelId, span: Span) -> Result<Revisions, LedgerError> {
        self.shared.check_open()?;
        self.shared.revisions(channel, span)
    }

    fn day_span(&self, channel: ChannelId, day: i32) -> Result<Span, LedgerError> {
        let offset = self.shared.place(channel)?.offset;
        Ok(Span::new(day::day_start(day, offset), day::day_end(day, offset)))
    }

    fn rejected(&self, after: u64, limit: usize) -> Result<Vec<Rejected>, LedgerError> {
        self.shared.check_open()?;
        self.shared.rejected(after, limit, false)
    }

    fn unsettled(&self, after: u64, limit: usize) -> Result<Vec<Rejected>, LedgerError> {
        self.shared.check_open()?;
        self.shared.rejected(after, limit, true)
    }

    fn settle(&self, sequence: u64, decision: Decision) -> Result<Settled, LedgerError> {
        self.shared.ask(|answer| Work::Settle { sequence, decision, answer })
    }

    fn seal_until(&self, t: Timestamp) -> Result<u64, LedgerError> {
        self.shared.check_open()?;
        // Bills seal before each of them, mostly for nothing: to see that takes no turn of the writer.
        if !self.shared.may_seal_until(t) {
            return Ok(0);
        }
        self.shared.ask(|answer| Work::Seal { until: t, answer })
    }

    fn channels(&self) -> Result<Vec<ChannelSpec>, LedgerError> {
        self.shared.check_open()?;
        Ok(self.shared.directory().specs().to_vec())
    }

    fn day_total(&self, day: i32) -> Result<DayTotal, LedgerError> {
        self.shared.check_open()?;
        self.shared.day_total(day)
    }

    fn totals(&self, first: i32, last: i32) -> Result<Vec<ChannelTotal>, LedgerError> {
        self.shared.check_open()?;
        self.shared.totals(first, last)
    }

    fn keep_power(&self, samples: &[PowerSample]) -> Result<(), LedgerError> {
        self.shared.keep_power(samples)
    }

    fn power(&self, channel: ChannelId, span: Span) -> Result<Vec<PowerSample>, LedgerError> {
        self.shared.power(channel, span)
    }

    fn forget_power(&self, now: Timestamp) -> Result<(), LedgerError> {
        self.shared.forget_power(now)
    }

    fn stats(&self) -> LedgerStats {
        let counters = &self.shared.counters;
        let directory = self.shared.directory();
        let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        LedgerStats {
            channels: number(directory.len()),
            window_readings: counters.window_readings.load(Ordering::Relaxed),
            window_bytes: counters.window_bytes.load(Ordering::Relaxed) + number(directory.bytes()),
            appended: counters.appended.load(Ordering::Relaxed),
            commits: counters.commits.load(Ordering::Relaxed),
            blocks: counters.blocks.load(Ordering::Relaxed),
            accepting: counters.accepting.load(Ordering::Acquire)
                && !self.shared.closed.load(Ordering::Acquire),
        }
    }

    fn backup(&self, to: &Path) -> Result<(), LedgerError> {
        self.shared.check_open()?;
        self.shared.backup(to)
    }

    fn compact(&self) -> Result<(), LedgerError> {
        self.shared.ask(|answer| Work::Compact { answer })
    }

    fn verify(&self) -> Result<Vec<LedgerError>, LedgerError> {
        self.shared.check_open()?;
        self.shared.verify()
    }

    fn close(&self) -> Result<(), LedgerError> {
        self.shared.closed.store(true, Ordering::Release);
        self.shared.queue.close();
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(threads) = threads else { return Ok(()) };
        let ended = threads.writer.join();
        self.shared.room.close();
        self.shared.checkpointer.end();
        let also_ended = threads.checkpointer.join();
        self.shared.readers.clear();
        ended.and(also_ended).map_err(|_| {
            LedgerError::Unavailable("a thread of the ledger ended early: see the log".to_owned())
        })
    }
}
