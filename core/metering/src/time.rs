//! Instants and spans.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An instant: whole seconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest and the latest instant that can be stored (years -9998 to 9999 are far inside
    /// what the ledger needs; these are the limits of the civil calendar).
    pub const MIN: Self = Self(-377_705_023_201);
    /// See [`Timestamp::MIN`].
    pub const MAX: Self = Self(253_402_207_200);

    /// The instant this many seconds after the epoch, clamped to the range that has a civil date.
    pub const fn from_second(second: i64) -> Self {
        if second < Self::MIN.0 {
            Self::MIN
        } else if second > Self::MAX.0 {
            Self::MAX
        } else {
            Self(second)
        }
    }

    /// Seconds since the epoch.
    pub const fn second(self) -> i64 {
        self.0
    }

    /// The instant `seconds` later (earlier when negative), clamped to the range of [`Timestamp`].
    #[must_use]
    pub const fn plus(self, seconds: i64) -> Self {
        Self::from_second(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to `self`; negative when `self` is the earlier one.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The same instant for calendar work.
    pub fn civil(self) -> jiff::Timestamp {
        jiff::Timestamp::from_second(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(instant: jiff::Timestamp) -> Self {
        Self::from_second(instant.as_second())
    }
}

/// RFC 3339 in UTC.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.civil().fmt(f)
    }
}

/// A stretch of time, open at its start and closed at its end: `(start, end]`.
///
/// A meter's time stamp closes what it measured, so the reading of midnight belongs to the day that
/// just ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The instant before the first one that belongs to the span.
    pub start: Timestamp,
    /// The last instant of the span.
    pub end: Timestamp,
}

impl Span {
    /// The span `(start, end]`. A span whose end is not after its start is empty.
    pub const fn new(start: Timestamp, end: Timestamp) -> Self {
        Self { start, end }
    }

    /// Does this instant belong to the span?
    pub fn contains(self, t: Timestamp) -> bool {
        self.start < t && t <= self.end
    }

    /// Is there nothing in it?
    pub fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// Its length in seconds; 0 when empty.
    pub fn seconds(self) -> i64 {
        self.end.since(self.start).max(0)
    }

    /// What both spans share.
    #[must_use]
    pub fn intersect(self, other: Self) -> Self {
        Self { start: self.start.max(other.start), end: self.end.min(other.end) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midnight_closes_the_day_before() {
        let day = Span::new(Timestamp::from_second(0), Timestamp::from_second(86_400));
        assert!(day.contains(Timestamp::from_second(86_400)));
        assert!(!day.contains(Timestamp::from_second(0)));
        assert_eq!(Timestamp::from_second(86_400).to_string(), "1970-01-02T00:00:00Z");
    }

    #[test]
    fn the_limits_have_a_civil_date() {
        assert_eq!(Timestamp::from_second(i64::MAX).civil().as_second(), Timestamp::MAX.second());
        assert_eq!(Timestamp::from_second(i64::MIN).civil().as_second(), Timestamp::MIN.second());
    }
}
