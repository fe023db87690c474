//! The connected meters, so that something can be said to one of them: a few words of memory each.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::Waker,
};

use corrente_metering::id::MeterId;
use futures_util::task::AtomicWaker;

#[derive(Debug, Default)]
pub(crate) struct Links {
    by_meter: Mutex<HashMap<MeterId, Vec<Arc<Link>>>>,
    stopped: AtomicBool,
}

/// What waits to be said on a connection.
#[derive(Debug, Default)]
pub(crate) struct Link {
    waker: AtomicWaker,
    /// Seconds; 0 for nothing.
    interval_s: AtomicU32,
    stop: AtomicBool,
}

impl Links {
    /// A link for a connection of this meter. The last connection of a meter is the one spoken to.
    pub(crate) fn add(&self, meter: MeterId) -> Arc<Link> {
        let link = Arc::new(Link::default());
        self.lock().entry(meter).or_default().push(Arc::clone(&link));
        if self.stopped.load(Ordering::SeqCst) {
            link.stop();
        }
        link
    }

    pub(crate) fn remove(&self, meter: MeterId, link: &Arc<Link>) {
        let mut by_meter = self.lock();
        if let Some(links) = by_meter.get_mut(&meter) {
            links.retain(|other| !Arc::ptr_eq(other, link));
            if links.is_empty() {
                by_meter.remove(&meter);
            }
        }
    }

    pub(crate) fn set_interval(&self, meter: MeterId, seconds: u32) -> bool {
        let by_meter = self.lock();
        let Some(link) = by_meter.get(&meter).and_then(|links| links.last()) else { return false };
        link.interval_s.store(seconds, Ordering::SeqCst);
        link.waker.wake();
        true
    }

    pub(crate) fn is_connected(&self, meter: MeterId) -> bool {
        self.lock().contains_key(&meter)
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// Every connection, and each that is still to come, ends.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        for link in self.lock().values().flatten() {
            link.stop();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<MeterId, Vec<Arc<Link>>>> {
        self.by_meter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    /// To be called before looking: whoever speaks later wakes this task.
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    pub(crate) fn take_interval(&self) -> Option<u32> {
        match self.interval_s.swap(0, Ordering::SeqCst) {
            0 => None,
            seconds => Some(seconds),
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.waker.wake();
    }
}
