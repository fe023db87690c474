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
    /// There are samples of power to be written.
    Power,
    ForgetPower {
        /// The first key that stays.
        before: i64,
        answer: Answer<()>,
    },
    Close,
}

impl Work {
    /// How many readings it holds; very many where the writer should not wait for more.
    fn readings(&self) -> usize {
        match self {
            Self::Append { offers, .. } => offers.len(),
            Self::Open { .. }
            | Self::Settle { .. }
            | Self::Seal { .. }
            | Self::Compact { .. }
            | Self::Power
            | Self::ForgetPower { .. }
            | Self::Close => usize::MAX,
        }
    }

    /// Answers with an error.
    pub(super) fn refuse(self, error: impl Fn() -> LedgerError) {
        // Whoever asked may be gone: then nobody wants the answer.
        match self {
            Self::Append { answer, .. } => drop(answer.send(Err(error()))),
            Self::Open { answer, .. }
            | Self::Compact { answer }
            | Self::ForgetPower { answer, .. } => {
                drop(answer.send(Err(error())));
            }
            Self::Settle { answer, .. } => drop(answer.send(Err(error()))),
            Self::Seal { answer, .. } => drop(answer.send(Err(error()))),
            Self::Power | Self::Close => {}
        }
    }
}

#[derive(Debug, Default)]
struct State {
    works: VecDeque<Work>,
    /// Readings in there; what is not an append counts as very many.
    readings: usize,
    /// The writer sleeps until there are so many.
    awaited: Option<usize>,
    closed: bool,
}

impl State {
    /// Adds work, and says whether the writer has waited for it.
    fn add(&mut self, work: Work) -> bool {
        self.readings = self.readings.saturating_add(work.readings());
        self.works.push_back(work);
        let is_awaited = self.awaited.is_some_and(|enough| self.readings >= enough);
        if is_awaited {
            self.awaited = None;
        }
        is_awaited
    }

    fn take(&mut self) -> VecDeque<Work> {
        self.readings = 0;
        std::mem::take(&mut self.works)
    }
}

/// Any number may add, one takes. Nobody is woken for less than it waits for.
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
        let is_awaited = state.add(work);
        drop(state);
        if is_awaited {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Adds the last work there is.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        if !state.closed {
            state.closed = true;
            state.add(Work::Close);
        }
        drop(state);
        self.filled.notify_one();
    }

    /// What waits.
    pub(super) fn take(&self) -> VecDeque<Work> {
        self.lock().take()
    }

    /// What waits, once something does.
    pub(super) fn take_some(&self) -> VecDeque<Work> {
        let mut state = self.lock();
        while state.works.is_empty() {
            state.awaited = Some(1);
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.awaited = None;
        state.take()
    }

    /// What waits when there are enough readings, when there is anything else to do, or after a time.
    pub(super) fn take_within(&self, limit: Duration, enough: usize) -> VecDeque<Work> {
        let mut state = self.lock();
        state.awaited = Some(enough);
        let (mut state, _) = self
            .filled
            .wait_timeout_while(state, limit, |state| {
                state.readings < enough && state.awaited.is_some()
            })
            .unwrap_or_else(PoisonError::into_inner);
        state.awaited = None;
        state.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compact() -> Work {
        Work::Compact { answer: mpsc::channel().0 }
    }

    #[test]
    fn whoever_waits_for_readings_hears_of_other_work_at_once() {
        let queue = Queue::default();
        std::thread::scope(|scope| {
            let taken = scope.spawn(|| queue.take_within(Duration::from_hours(1), 1000));
            queue.push(compact()).unwrap();
            assert_eq!(taken.join().unwrap().len(), 1);
        });
        assert!(queue.take_within(Duration::ZERO, 1).is_empty());
        queue.push(compact()).unwrap();
        assert_eq!(queue.take_some().len(), 1);
        queue.close();
        assert!(queue.push(compact()).is_err());
        assert!(matches!(queue.take().pop_front(), Some(Work::Close)));
    }
}
