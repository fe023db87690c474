//! The two clocks of the system.
//!
//! *Business time* decides what is late, what is in the future, which day is sealed, which bill is due. It
//! may be simulated, with a start and a factor, so that a demo shows a month in minutes. *Real time*
//! (`std::time::Instant`) serves timeouts and limits and is never simulated. This is the only place
//! in the project that asks the machine for its wall clock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use corrente_metering::Timestamp;
use serde::{Deserialize, Serialize};

/// How business time runs. The choice is stored in the data directory, and a directory that has run
/// in real time refuses a simulated one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ClockMode {
    /// The machine's clock.
    Real,
    /// A simulated clock.
    Simulated {
        /// Business time at the moment the clock is made.
        start: Timestamp,
        /// Business seconds per real second.
        factor: u32,
    },
}

/// Business time. Clones share one clock.
#[derive(Clone, Debug)]
pub struct BusinessClock {
    source: Arc<Source>,
}

#[derive(Debug)]
enum Source {
    Real,
    Simulated { start: Timestamp, factor: u32, since: Instant, moved: AtomicI64 },
}

impl BusinessClock {
    /// The machine's clock.
    pub fn real() -> Self {
        Self { source: Arc::new(Source::Real) }
    }

    /// A clock that runs as told.
    pub fn new(mode: ClockMode) -> Self {
        match mode {
            ClockMode::Real => Self::real(),
            ClockMode::Simulated { start, factor } => Self {
                source: Arc::new(Source::Simulated {
                    start,
                    factor,
                    since: Instant::now(),
                    moved: AtomicI64::new(0),
                }),
            },
        }
    }

    /// A simulated clock that stands still until it is moved: for tests.
    pub fn stopped_at(start: Timestamp) -> Self {
        Self::new(ClockMode::Simulated { start, factor: 0 })
    }

    /// Business time now.
    pub fn now(&self) -> Timestamp {
        match &*self.source {
            Source::Real => wall_clock(),
            Source::Simulated { start, factor, since, moved } => {
                let ran = since.elapsed().as_millis().saturating_mul(u128::from(*factor)) / 1000;
                start
                    .plus(i64::try_from(ran).unwrap_or(i64::MAX))
                    .plus(moved.load(Ordering::Acquire))
            }
        }
    }

    /// Moves a simulated clock forward by `seconds`; says `false`, and does nothing, on a real one.
    pub fn advance(&self, seconds: u32) -> bool {
        match &*self.source {
            Source::Real => false,
            Source::Simulated { moved, .. } => {
                moved.fetch_add(i64::from(seconds), Ordering::AcqRel);
                true
            }
        }
    }

    /// Business seconds per real second: 1 on a real clock, 0 on one that stands still.
    pub fn factor(&self) -> u32 {
        match &*self.source {
            Source::Real => 1,
            Source::Simulated { factor, .. } => *factor,
        }
    }

    /// Is business time simulated?
    pub fn is_simulated(&self) -> bool {
        matches!(&*self.source, Source::Simulated { .. })
    }
}

/// Real wall-clock time, whatever business time does: for the audit log, which stores both.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
pub fn wall_clock() -> Timestamp {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    Timestamp::from_second(i64::try_from(seconds).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_clock_moves_only_when_told() {
        let clock = BusinessClock::stopped_at(Timestamp::from_second(1000));
        let other = clock.clone();
        assert!(clock.advance(86_400));
        assert_eq!(other.now(), Timestamp::from_second(87_400));
    }

    #[test]
    fn the_real_clock_cannot_be_moved() {
        assert!(!BusinessClock::real().advance(1));
    }
}
