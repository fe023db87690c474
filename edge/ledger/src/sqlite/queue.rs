//! What waits for the writer.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    time::Duration,
};

use corrente_metering::{ChannelSpec, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::{Appended, Decision, LedgerError, Settled};

/// A reading, resolved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer {
    pub(super) value: i64,
    pub(super) slot: u32,
    pub(super) day: i32,
    pub(super) second: u32,
    pub(super) quality: u8,
    /// 0, or why it is kept aside.
    pub(super) quarantine: u8,
}

pub(super) type Answer<T> = mpsc::Sender<Result<T, LedgerError>>;

#[derive(Debug)]
pub(super) enum Work {
    Append {
        offers: Vec<Offer>,
        answer: oneshot::Sender<Result<Appended, LedgerError>>,
        /// Given back when the batch is done.
        permit: OwnedSemaphorePermit,
    },
    Open {
        channels: Vec<ChannelSpec>,
        answer: Answer<()>,
    },
    Settle {
        sequence: u64,
        decision: Decision,
        answer: Answer<Settled>,
    },
    Seal {
        until: Timestamp,
        answer: Answer<u64>,
    },
    Compact {
        answer: Answer<()>,
    },
    Close,
}

impl Work {
    /// Answers with an error.
    pub(super) fn refuse(self, error: impl Fn() -> LedgerError) {
        // Whoever asked may be gone: then nobody wants the answer.
        match self {
            Self::Append { answer, .. } => drop(answer.send(Err(error()))),
            Self::Open { answer, .. } | Self::Compact { answer } => {
                drop(answer.send(Err(error())));
            }
            Self::Settle { answer, .. } => drop(answer.send(Err(error()))),
            Self::Seal { answer, .. } => drop(answer.send(Err(error()))),
            Self::Close => {}
        }
    }
}

#[derive(Debug, Default)]
struct State {
    works: VecDeque<Work>,
    closed: bool,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds work; gives it back when the ledger is closed.
    pub(super) fn push(&self, work: Work) -> Result<(), Work> {
        let mut state = self.lock();
        if state.closed {
            return Err(work);
        }
        state.works.push_back(work);
        let first = state.works.len() == 1;
        drop(state);
        if first {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Adds the last work there is.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        if !state.closed {
            state.closed = true;
            state.works.push_back(Work::Close);
        }
        drop(state);
        self.filled.notify_one();
    }

    pub(super) fn try_pop(&self) -> Option<Work> {
        self.lock().works.pop_front()
    }

    pub(super) fn pop(&self) -> Option<Work> {
        let mut state = self.lock();
        while state.works.is_empty() {
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.works.pop_front()
    }

    pub(super) fn pop_within(&self, limit: Duration) -> Option<Work> {
        let state = self.lock();
        let (mut state, _) = self
            .filled
            .wait_timeout_while(state, limit, |state| state.works.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        state.works.pop_front()
    }
}
