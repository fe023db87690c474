//! Hours in which nothing is delivered.

use corrente_metering::{Calendar, Timestamp, calendar::next_day};
use serde::{Deserialize, Serialize};

/// Quiet hours in the civil time of the home, in minutes after midnight. They may pass midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// From this minute, 22:00 is 1320.
    pub from_minute: u16,
    /// Until this minute, which is no longer quiet.
    pub until_minute: u16,
}

impl QuietHours {
    /// When something decided at `t` may be delivered: `t` itself, or the end of the quiet hours.
    pub fn deliver_at(&self, calendar: &Calendar, t: Timestamp) -> Timestamp {
        let civil = calendar.datetime(t);
        let minute = u16::try_from(civil.hour())
            .unwrap_or(0)
            .saturating_mul(60)
            .saturating_add(u16::try_from(civil.minute()).unwrap_or(0));
        let (from, until) = (self.from_minute, self.until_minute);
        let evening = minute >= from;
        let morning = minute < until;
        let quiet = if from <= until { evening && morning } else { evening || morning };
        if !quiet {
            return t;
        }
        let date = if evening && from > until { next_day(civil.date()) } else { civil.date() };
        let hour = i8::try_from(until.checked_div(60).unwrap_or(0)).unwrap_or(0).min(23);
        let rest = i8::try_from(until.checked_rem(60).unwrap_or(0)).unwrap_or(0);
        calendar.instant(date.at(hour, rest, 0, 0)).max(t)
    }
}
