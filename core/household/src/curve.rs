//! The power of one local day, minute by minute.

use corrente_metering::{Calendar, Date, Timestamp};

/// Minutes of a day on the wall clock.
const WALL_MINUTES: usize = 24 * 60;

/// What is being put together: steps of power by wall-clock minute.
#[derive(Clone, Debug)]
pub(crate) struct Sketch {
    /// Watts that begin (or, negative, end) at each minute; one more for the end of the day.
    steps: Vec<i32>,
}

impl Sketch {
    pub(crate) fn new() -> Self {
        Self { steps: vec![0; WALL_MINUTES.saturating_add(1)] }
    }

    /// `watts` from wall-clock minute `from` for `minutes` minutes; what lies outside the day is cut.
    pub(crate) fn block(&mut self, from: i32, minutes: i32, watts: i32) {
        let until = from.saturating_add(minutes.max(0));
        self.step(from, watts);
        self.step(until, watts.saturating_neg());
    }

    fn step(&mut self, minute: i32, watts: i32) {
        let at = usize::try_from(minute).unwrap_or(0).min(WALL_MINUTES);
        if let Some(slot) = self.steps.get_mut(at) {
            *slot = slot.saturating_add(watts);
        }
    }

    /// The finished curve of the local day `date`: on a day of 23 or 25 hours, each real minute takes
    /// the power of its wall-clock minute.
    pub(crate) fn finish(self, calendar: &Calendar, date: Date) -> DayCurve {
        let span = calendar.day(date);
        let mut power = 0_i32;
        let wall: Vec<i32> = self
            .steps
            .iter()
            .take(WALL_MINUTES)
            .map(|step| {
                power = power.saturating_add(*step);
                power.max(0)
            })
            .collect();
        let watts = if span.seconds() == 86_400 {
            wall
        } else {
            (0..span.seconds().div_euclid(60))
                .map(|minute| {
                    let clock = calendar.datetime(span.start.plus(minute.saturating_mul(60)));
                    let at = usize::try_from(
                        i32::from(clock.hour())
                            .saturating_mul(60)
                            .saturating_add(i32::from(clock.minute())),
                    )
                    .unwrap_or(0);
                    wall.get(at).copied().unwrap_or(0)
                })
                .collect()
        };
        let mut sum = 0_i64;
        let mut until = Vec::with_capacity(watts.len().saturating_add(1));
        until.push(0);
        for watt in &watts {
            sum = sum.saturating_add(i64::from(*watt));
            until.push(sum);
        }
        DayCurve { start: span.start, end: span.end, watts, until }
    }
}

/// The power of one local day, and how much energy it took up to each minute.
#[derive(Clone, Debug)]
pub struct DayCurve {
    start: Timestamp,
    end: Timestamp,
    /// Watts in each real minute since `start`.
    watts: Vec<i32>,
    /// Watt-minutes from `start` to each minute.
    until: Vec<i64>,
}

impl DayCurve {
    /// Local midnight at which the day begins.
    pub const fn start(&self) -> Timestamp {
        self.start
    }

    /// Local midnight at which it ends.
    pub const fn end(&self) -> Timestamp {
        self.end
    }

    /// Does the curve tell the power just after `t`?
    pub fn covers(&self, t: Timestamp) -> bool {
        self.start <= t && t < self.end
    }

    /// Watts in the minute that contains `t`; 0 outside the day.
    pub fn watts_at(&self, t: Timestamp) -> i32 {
        usize::try_from(t.since(self.start).div_euclid(60))
            .ok()
            .and_then(|minute| self.watts.get(minute))
            .copied()
            .unwrap_or(0)
    }

    /// Watt-seconds from the start of the day to `t`, which is cut to the day.
    pub fn watt_seconds_until(&self, t: Timestamp) -> i64 {
        let t = t.max(self.start).min(self.end);
        let elapsed = t.since(self.start);
        let minute = usize::try_from(elapsed.div_euclid(60)).unwrap_or(0);
        let whole = self.until.get(minute).or(self.until.last()).copied().unwrap_or(0);
        let rest = i64::from(self.watts.get(minute).copied().unwrap_or(0))
            .saturating_mul(elapsed.rem_euclid(60));
        whole.saturating_mul(60).saturating_add(rest)
    }
}
