//! Prices by interval, such as the day-ahead market's, under the names that tariff files call.

use corrente_metering::{Span, Timestamp, id::OrganisationId};
use corrente_units::Decimal;

use crate::{
    RegistryError, Tx,
    value::{params, row},
};

row! {
    /// The price of an interval.
    pub struct Price {
        /// The interval begins after this instant.
        start: Timestamp = "start_s",
        /// The interval's last instant.
        end: Timestamp = "end_s",
        /// In the series' unit; it may be negative.
        price: Decimal,
    }
}

row! {
    /// A series in short.
    pub struct Series {
        /// Its name.
        name: String,
        /// Where its first interval begins.
        from: Timestamp = "from_s",
        /// Where its last interval ends.
        until: Timestamp = "until_s",
        /// How many prices it has.
        prices: i64,
        /// When a price came or changed last, business time: the version of its data.
        loaded: Timestamp = "loaded_s",
    }
}

/// What loading came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Intervals that had no price.
    pub added: usize,
    /// Intervals whose price was another one.
    pub changed: usize,
    /// Intervals that had this price.
    pub same: usize,
}

const OVERLAPPING: &str = "\
SELECT * FROM price_series WHERE organisation = $organisation AND name = $name
  AND start_s < $end_s AND end_s > $start_s AND (start_s <> $start_s OR end_s <> $end_s) LIMIT 1";
const AT: &str = "\
SELECT * FROM price_series WHERE organisation = $organisation AND name = $name AND start_s = $start_s";
const PUT: &str = "\
INSERT INTO price_series (organisation, name, start_s, end_s, price, loaded_s)
VALUES ($organisation, $name, $start_s, $end_s, $price, $now)
ON CONFLICT (organisation, name, start_s) DO UPDATE SET price = $price, loaded_s = $now";

/// Adds a price, or replaces the one that the same interval has. An interval that overlaps another one is
/// refused.
pub fn put(
    tx: &mut Tx,
    organisation: OrganisationId,
    name: &str,
    new: &Price,
    now: Timestamp,
    loaded: &mut Loaded,
) -> Result<(), RegistryError> {
    let (start_s, end_s, price) = (new.start, new.end, new.price.normalize());
    if end_s <= start_s {
        let reason = "the interval ends before it begins".to_owned();
        return Err(RegistryError::Invalid { field: "end", reason });
    }
    if let Some(other) =
        tx.row::<Price>(OVERLAPPING, params! { organisation, name, start_s, end_s })?
    {
        let reason = format!(
            "the interval overlaps the one from {} to {}, which has a price",
            other.start, other.end
        );
        return Err(RegistryError::Invalid { field: "start", reason });
    }
    let known = tx.row::<Price>(AT, params! { organisation, name, start_s })?;
    match known {
        Some(known) if known.price == price => {
            loaded.same += 1;
            return Ok(());
        }
        Some(_) => loaded.changed += 1,
        None => loaded.added += 1,
    }
    tx.execute(PUT, params! { organisation, name, start_s, end_s, price, now })?;
    Ok(())
}

const WITHIN: &str = "\
SELECT * FROM price_series WHERE organisation = $organisation AND name = $name
  AND start_s < $end_s AND end_s > $start_s ORDER BY start_s";

/// The prices of the intervals that touch a span, in order of time.
pub fn within(
    tx: &mut Tx,
    organisation: OrganisationId,
    name: &str,
    span: Span,
) -> Result<Vec<Price>, RegistryError> {
    tx.rows(WITHIN, params! { organisation, name, start_s: span.start, end_s: span.end })
}

const LIST: &str = "\
SELECT name, min(start_s) AS from_s, max(end_s) AS until_s, count(*) AS prices,
  max(loaded_s) AS loaded_s
FROM price_series WHERE organisation = $organisation GROUP BY name ORDER BY name";

/// The series of an organisation, by name.
pub fn list(tx: &mut Tx, organisation: OrganisationId) -> Result<Vec<Series>, RegistryError> {
    tx.rows(LIST, params! { organisation })
}

const VERSION: &str = "\
SELECT name, min(start_s) AS from_s, max(end_s) AS until_s, count(*) AS prices,
  max(loaded_s) AS loaded_s
FROM price_series WHERE organisation = $organisation AND name = $name
  AND start_s < $end_s AND end_s > $start_s GROUP BY name";

/// A series in short, of the intervals that touch a span; nothing where none does.
pub fn summary(
    tx: &mut Tx,
    organisation: OrganisationId,
    name: &str,
    span: Span,
) -> Result<Option<Series>, RegistryError> {
    tx.row(VERSION, params! { organisation, name, start_s: span.start, end_s: span.end })
}
