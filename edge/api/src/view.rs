//! How values are written in answers.

use corrente_metering::{Calendar, Timestamp};

/// RFC 3339 with the offset of this zone; UTC when the zone is unknown.
pub(crate) fn rfc3339(zone: &str, t: Timestamp) -> String {
    Calendar::new(zone).unwrap_or_else(|_| Calendar::utc()).rfc3339(t)
}
