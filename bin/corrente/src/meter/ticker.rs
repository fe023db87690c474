//! The meter's heart: a tick a second, a reading when one is due.

use std::{sync::Arc, time::Duration};

use corrente_clock::BusinessClock;
use corrente_meter::{ClientError, LinkState, MeterClient, NewReading};
use corrente_metering::Timestamp;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::register::Register;

/// Beyond this difference in seconds the meter takes the server's time, as real meters are set by
/// their head-end: its own clock is wrong, or the server's business time is simulated.
const CLOCK_TOLERANCE: i64 = 60;

/// Timers fire a little early or late.
const HALF_A_TICK: Duration = Duration::from_millis(500);

/// Register, clock and what is due.
#[derive(Debug)]
pub(super) struct Ticker {
    pub(super) register: Register,
    clock: BusinessClock,
    /// The server's time minus ours, where that is taken.
    correction: i64,
    interval: Option<u32>,
    since_reading: u32,
    last: Option<Timestamp>,
    ticks: Interval,
    started: Instant,
    counted: u64,
}

impl Ticker {
    pub(super) fn new(register: Register, interval: Option<u32>) -> Self {
        let second = Duration::from_secs(1);
        let mut ticks = interval_at(Instant::now() + second, second);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self {
            register,
            clock: BusinessClock::real(),
            correction: 0,
            interval,
            since_reading: 0,
            last: None,
            ticks,
            started: Instant::now(),
            counted: 0,
        }
    }

    /// Waits for the next second.
    pub(super) async fn next(&mut self) {
        self.ticks.tick().await;
    }

    /// Counts the seconds that passed (one, or more when the program was held up), and keeps and
    /// sends a reading when one is due.
    pub(super) async fn tick(&mut self, client: &MeterClient) -> Result<(), ClientError> {
        let seconds = (self.started.elapsed() + HALF_A_TICK).as_secs();
        let passed = u32::try_from(seconds.saturating_sub(self.counted)).unwrap_or(u32::MAX);
        self.counted = seconds;
        self.register.tick(passed);
        self.since_reading = self.since_reading.saturating_add(passed);
        let asked = {
            let link = client.link();
            let link = link.borrow();
            self.correct(&link);
            link.interval_seconds
        };
        if self.since_reading >= self.every(asked) { self.send(client).await } else { Ok(()) }
    }

    /// Seconds from one reading to the next, where the server asked for `asked`.
    pub(super) fn every(&self, asked: Option<u32>) -> u32 {
        self.interval.or(asked).unwrap_or(10).max(1)
    }

    /// Keeps and sends a reading now.
    pub(super) async fn send(&mut self, client: &MeterClient) -> Result<(), ClientError> {
        let now = self.clock.now().plus(self.correction);
        // Time stamps rise, whatever a clock does.
        let end = self.last.map_or(now, |last| now.max(last.plus(1)));
        self.last = Some(end);
        self.since_reading = 0;
        let mut reading = NewReading::new(end, self.register.shows());
        reading.channel = Arc::from("import");
        reading.power = Some(self.register.power());
        client.send_with_note(vec![reading], Some(self.register.note())).await.map(drop)
    }

    fn correct(&mut self, link: &LinkState) {
        let Some((time, at)) = link.server_time else { return };
        let elapsed = i64::try_from(at.elapsed().as_secs()).unwrap_or(0);
        let difference = time.plus(elapsed).since(self.clock.now());
        let correction = if difference.abs() > CLOCK_TOLERANCE { difference } else { 0 };
        if correction.abs_diff(self.correction) > 2 {
            tracing::warn!(
                clock.difference_s = difference,
                "the server's clock differs from this machine's: its time is taken"
            );
            self.correction = correction;
        }
    }
}
