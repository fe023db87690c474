//! What indices of prices rose by, month by month, for the correction of late payments.

use corrente_metering::{Date, Timestamp, id::OrganisationId};
use corrente_units::Decimal;

use crate::{
    RegistryError, Tx,
    price_series::Loaded,
    value::{params, row},
};

row! {
    /// What an index rose by in a month.
    pub struct IndexValue {
        /// Its name, as tariff files call it: `IPCA`.
        name: String,
        /// The month's first day.
        month: Date,
        /// A fraction: 0.0044 for 0.44 %.
        change: Decimal,
    }
}

const AT: &str = "\
SELECT * FROM index_value WHERE organisation = $organisation AND name = $name AND month = $month";
const PUT: &str = "\
INSERT INTO index_value (organisation, name, month, change, loaded_s)
VALUES ($organisation, $name, $month, $change, $now)
ON CONFLICT (organisation, name, month) DO UPDATE SET change = $change, loaded_s = $now";

/// Adds a month, or replaces its value.
pub fn put(
    tx: &mut Tx,
    organisation: OrganisationId,
    new: &IndexValue,
    now: Timestamp,
    loaded: &mut Loaded,
) -> Result<(), RegistryError> {
    let (name, month, change) = (&new.name, new.month.first_of_month(), new.change.normalize());
    if change <= Decimal::NEGATIVE_ONE || change >= Decimal::ONE {
        let reason = format!("{change} is no fraction: write 0.44 % as 0.0044");
        return Err(RegistryError::Invalid { field: "change", reason });
    }
    match tx.row::<IndexValue>(AT, params! { organisation, name, month })? {
        Some(known) if known.change == change => {
            loaded.same += 1;
            return Ok(());
        }
        Some(_) => loaded.changed += 1,
        None => loaded.added += 1,
    }
    tx.execute(PUT, params! { organisation, name, month, change, now })?;
    Ok(())
}

/// What an index rose by in a month, where that is known.
pub fn get(
    tx: &mut Tx,
    organisation: OrganisationId,
    name: &str,
    month: Date,
) -> Result<Option<Decimal>, RegistryError> {
    let month = month.first_of_month();
    let found = tx.row::<IndexValue>(AT, params! { organisation, name, month })?;
    Ok(found.map(|value| value.change))
}

const LIST: &str = "\
SELECT * FROM index_value WHERE organisation = $organisation ORDER BY name, month";

/// All months of all indices.
pub fn list(tx: &mut Tx, organisation: OrganisationId) -> Result<Vec<IndexValue>, RegistryError> {
    tx.rows(LIST, params! { organisation })
}
