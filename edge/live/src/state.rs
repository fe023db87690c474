//! One usage point's last hour.

use std::collections::VecDeque;

use corrente_metering::{ChannelId, Timestamp};
use corrente_units::Energy;

use crate::LiveReading;

/// How far back power is remembered, in seconds.
const RECENT_SECONDS: i64 = 3600;
/// Power is remembered once in so many seconds.
const STEP_SECONDS: i64 = 30;
/// Two registers further apart say nothing about power now.
const REGISTER_GAP_SECONDS: i64 = 2 * 3600;
/// For so long after a meter said its power, registers are not asked.
const MEASURED_SECONDS: i64 = 600;
/// More registers than a meter has by far.
const REGISTERS_KEPT: usize = 16;

/// What is known of a usage point now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveState {
    /// The latest reading or sample.
    pub last: LiveReading,
    /// Power in watts, as the meter said or from the difference of two registers.
    pub power_w: Option<i64>,
    /// When the power was so.
    pub power_at: Option<Timestamp>,
    /// The last hour of power in watts, in order, at most one every half minute and the latest.
    pub recent: Vec<(Timestamp, i64)>,
}

#[derive(Debug, Default)]
pub(crate) struct PointState {
    last: Option<LiveReading>,
    power: Option<(Timestamp, i64)>,
    measured_at: Option<Timestamp>,
    registers: Vec<(ChannelId, Timestamp, Energy)>,
    recent: VecDeque<(Timestamp, i32)>,
}

/// What became of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is older than what is known and changes nothing.
    Late,
    /// It is the latest.
    Now {
        /// Power that it tells.
        power_w: Option<i64>,
    },
}

impl PointState {
    /// Takes a reading.
    pub(crate) fn take(&mut self, reading: &LiveReading) -> Taken {
        let from_registers = self.power_from_registers(reading);
        if self.last.is_some_and(|last| reading.t < last.t) {
            return Taken::Late;
        }
        self.last = Some(*reading);
        let measured_lately =
            self.measured_at.is_some_and(|at| reading.t.since(at) <= MEASURED_SECONDS);
        let power = match reading.power_w {
            Some(power_w) => {
                self.measured_at = Some(reading.t);
                Some(power_w)
            }
            None if measured_lately => None,
            None => from_registers,
        };
        if let Some(power_w) = power {
            self.power = Some((reading.t, power_w));
            self.remember(reading.t, power_w);
        }
        Taken::Now { power_w: power }
    }

    pub(crate) fn snapshot(&self) -> Option<LiveState> {
        let last = self.last?;
        let mut recent: Vec<(Timestamp, i64)> = self
            .recent
            .iter()
            .filter(|(t, _)| last.t.since(*t) <= RECENT_SECONDS)
            .map(|(t, w)| (*t, i64::from(*w)))
            .collect();
        if let Some(now) = self.power {
            recent.retain(|(t, _)| *t < now.0);
            recent.push(now);
        }
        Some(LiveState {
            last,
            power_w: self.power.map(|(_, w)| w),
            power_at: self.power.map(|(t, _)| t),
            recent,
        })
    }

    /// Average power since this channel's register before, when that was not long ago.
    fn power_from_registers(&mut self, reading: &LiveReading) -> Option<i64> {
        let register = reading.register?;
        let Some(before) = self.registers.iter_mut().find(|(c, ..)| *c == reading.channel) else {
            if self.registers.len() < REGISTERS_KEPT {
                self.registers.push((reading.channel, reading.t, register));
            }
            return None;
        };
        let (_, t, value) = *before;
        let seconds = reading.t.since(t);
        if seconds <= 0 {
            return None;
        }
        *before = (reading.channel, reading.t, register);
        let used = register.checked_sub(value).ok().filter(|wh| *wh >= Energy::ZERO)?;
        if seconds > REGISTER_GAP_SECONDS {
            return None;
        }
        used.wh().checked_mul(3600).map(|wh_seconds| wh_seconds / seconds)
    }

    fn remember(&mut self, t: Timestamp, power_w: i64) {
        if self.recent.back().is_some_and(|(last, _)| t.since(*last) < STEP_SECONDS) {
            return;
        }
        while self.recent.front().is_some_and(|(first, _)| t.since(*first) > RECENT_SECONDS) {
            self.recent.pop_front();
        }
        let bounded = power_w.clamp(i64::from(i32::MIN), i64::from(i32::MAX));
        self.recent.push_back((t, i32::try_from(bounded).unwrap_or(0)));
    }
}
