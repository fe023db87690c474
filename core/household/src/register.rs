//! The counter of a simulated meter.

use corrente_metering::Timestamp;
use corrente_units::{Energy, Power};

use crate::{curve::DayCurve, household::Household};

/// A register that counts what a household takes. What is finer than a watt-hour stays inside, so
/// that nothing is lost between two readings.
#[derive(Clone, Debug)]
pub struct SimulatedRegister {
    household: Household,
    at: Timestamp,
    watt_seconds: i64,
    day: DayCurve,
}

impl SimulatedRegister {
    pub(crate) fn new(household: Household, start: Timestamp, shows: Energy) -> Self {
        let day = household.day_of(start);
        Self { at: start, watt_seconds: shows.wh().saturating_mul(3600), day, household }
    }

    /// What the register shows.
    pub const fn shows(&self) -> Energy {
        Energy::from_wh(self.watt_seconds.div_euclid(3600))
    }

    /// The instant to which it has counted.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// Power at the instant to which it has counted.
    pub fn power(&self) -> Power {
        Power::from_w(i64::from(self.day.watts_at(self.at)))
    }

    /// Counts on to `t` and says what the register then shows. A time before the last one changes
    /// nothing.
    pub fn advance_to(&mut self, t: Timestamp) -> Energy {
        while self.at < t {
            if !self.day.covers(self.at) {
                self.day = self.household.day_of(self.at);
            }
            let end = self.day.end().min(t);
            if end <= self.at {
                break;
            }
            self.watt_seconds = self
                .watt_seconds
                .saturating_add(self.day.watt_seconds_until(end))
                .saturating_sub(self.day.watt_seconds_until(self.at));
            self.at = end;
        }
        if !self.day.covers(self.at) {
            self.day = self.household.day_of(self.at);
        }
        self.shows()
    }

    /// The household behind it.
    pub const fn household(&self) -> &Household {
        &self.household
    }
}
