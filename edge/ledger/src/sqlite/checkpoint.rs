//! Checkpoints: moving what is durable in the write-ahead log into the file, on a thread of its own.
//!
//! The thread does the long part while the writer goes on. What the writer wrote meanwhile is short, and
//! the writer moves it itself between two groups, so that the log can start over from its beginning.

use std::{
    path::Path,
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use rusqlite::Connection;

use super::schema;

#[derive(Debug, Default)]
pub(super) struct Checkpointer {
    /// How much is written between two checkpoints.
    every: usize,
    written: AtomicUsize,
    wanted: Mutex<Wanted>,
    changed: Condvar,
    finish: AtomicBool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wanted {
    #[default]
    Nothing,
    Checkpoint,
    End,
}

impl Checkpointer {
    pub(super) fn new(every: usize) -> Self {
        Self { every, ..Self::default() }
    }

    /// The writer committed about this much.
    pub(super) fn wrote(&self, bytes: usize) {
        // A commit writes whole pages.
        let bytes = bytes + 2 * 8192;
        if self.written.fetch_add(bytes, Ordering::Relaxed) + bytes > self.every {
            self.written.store(0, Ordering::Relaxed);
            self.ask(Wanted::Checkpoint);
        }
    }

    pub(super) fn end(&self) {
        self.ask(Wanted::End);
    }

    fn ask(&self, what: Wanted) {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if *wanted != Wanted::End {
            *wanted = what;
        }
        drop(wanted);
        self.changed.notify_one();
    }

    pub(super) fn wants_finish(&self) -> bool {
        self.finish.load(Ordering::Acquire)
    }

    /// The short part, by the writer.
    pub(super) fn finish(&self, connection: &Connection) -> rusqlite::Result<()> {
        self.finish.store(false, Ordering::Release);
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
    }

    /// The thread.
    pub(super) fn run(&self, path: &Path) {
        let mut connection = None;
        loop {
            let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
            while *wanted == Wanted::Nothing {
                wanted = self.changed.wait(wanted).unwrap_or_else(PoisonError::into_inner);
            }
            if *wanted == Wanted::End {
                return;
            }
            *wanted = Wanted::Nothing;
            drop(wanted);
            match checkpoint(path, &mut connection) {
                Ok(()) => self.finish.store(true, Ordering::Release),
                Err(error) => tracing::warn!(%error, "checkpoint failed, will try again"),
            }
        }
    }
}

fn checkpoint(path: &Path, connection: &mut Option<Connection>) -> rusqlite::Result<()> {
    if connection.is_none() {
        *connection = Some(schema::connect(path, None)?);
    }
    let Some(open) = connection else { return Ok(()) };
    open.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}
