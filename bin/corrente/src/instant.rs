//! Instants as people type them.

use corrente_metering::{Calendar, Date, Timestamp};

/// An instant that may need a zone or the present to be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// An instant with its offset.
    Instant(Timestamp),
    /// The midnight at which a civil day begins.
    Midnight(Date),
    /// So many seconds from now.
    FromNow(i64),
    /// Before everything that was recorded.
    Beginning,
}

impl Moment {
    /// The instant in the calendar's zone, as of `now`.
    pub(crate) fn at(&self, calendar: &Calendar, now: Timestamp) -> Timestamp {
        match self {
            Self::Instant(instant) => *instant,
            Self::Midnight(date) => calendar.midnight(*date),
            Self::FromNow(seconds) => now.plus(*seconds),
            // The epoch: earlier recordings of electricity in intervals do not exist.
            Self::Beginning => Timestamp::from_second(0),
        }
    }
}

/// An RFC 3339 instant, a date, `7d`, `12h`, `30m`, or `beginning`.
pub(crate) fn parse(text: &str) -> Result<Moment, String> {
    let text = text.trim();
    if text == "beginning" {
        return Ok(Moment::Beginning);
    }
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Ok(Moment::Instant(instant.into()));
    }
    if let Ok(date) = text.parse::<Date>() {
        return Ok(Moment::Midnight(date));
    }
    let units = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];
    units
        .into_iter()
        .find_map(|(unit, seconds)| {
            let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
            Some(Moment::FromNow(i64::from(count) * seconds))
        })
        .ok_or_else(|| {
            "give an instant (2026-11-23T12:00:00-03:00), a date (2026-11-23), from now (7d, 12h), or beginning"
                .to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type() {
        let bahia = Calendar::new("America/Bahia").unwrap();
        let now = Timestamp::from_second(1_000_000);
        for (text, expected) in [
            ("1970-01-01T00:00:10Z", 10),
            ("1970-01-02", 86_400 + 3 * 3600),
            ("2d", 1_000_000 + 2 * 86_400),
            ("12h", 1_000_000 + 12 * 3600),
            ("beginning", 0),
        ] {
            assert_eq!(parse(text).unwrap().at(&bahia, now).second(), expected, "{text}");
        }
        for text in ["", "soon", "2026-13-01", "d", "-3d"] {
            assert!(parse(text).unwrap_err().contains("2026-11-23"), "{text}");
        }
    }
}
