//! How far meters' clocks were off when their readings came.

use corrente_metering::{
    Span, Timestamp,
    id::{MeterId, UsagePointId},
};

use crate::{
    RegistryError, Tx,
    value::{params, row},
};

/// A day of UTC.
const DAY_SECONDS: i64 = 86_400;

row! {
    /// A meter's clock, seen once.
    pub struct ClockSample {
        /// Whose.
        meter: MeterId,
        /// When it was seen, by our clock.
        at: Timestamp = "at_s",
        /// So many seconds ahead of ours; negative where it was behind.
        ahead_seconds: i64,
    }
}

const NOTE: &str = "\
INSERT INTO clock_sample (meter, day, organisation, at_s, ahead_seconds)
SELECT id, $day, organisation, $at_s, $ahead_seconds FROM meter WHERE id = $meter
ON CONFLICT (meter, day) DO UPDATE SET at_s = excluded.at_s, ahead_seconds = excluded.ahead_seconds
WHERE abs(excluded.ahead_seconds) > abs(clock_sample.ahead_seconds)";

/// Writes down how far a meter's clock was off; of a day only the worst is kept.
pub fn note(
    tx: &mut Tx,
    meter: MeterId,
    at: Timestamp,
    ahead_seconds: i64,
) -> Result<(), RegistryError> {
    let day = at.second().div_euclid(DAY_SECONDS);
    tx.execute(NOTE, params! { meter, day, at_s: at, ahead_seconds })?;
    Ok(())
}

const AT_USAGE_POINT: &str = "\
SELECT DISTINCT s.meter, s.at_s, s.ahead_seconds
FROM clock_sample s JOIN installation i ON i.meter = s.meter
WHERE i.usage_point = $usage_point AND s.at_s >= $start_s AND s.at_s < $end_s
  AND i.from_s <= s.at_s AND (i.until_s IS NULL OR s.at_s < i.until_s)
ORDER BY s.at_s, s.meter";

/// What was seen of the clocks of the meters at a usage point, while they stood there.
pub fn at_usage_point(
    tx: &mut Tx,
    usage_point: UsagePointId,
    span: Span,
) -> Result<Vec<ClockSample>, RegistryError> {
    tx.rows(AT_USAGE_POINT, params! { usage_point, start_s: span.start, end_s: span.end })
}
