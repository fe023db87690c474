//! What belongs to the data directory itself, as key and value.

use crate::{
    RegistryError, Tx,
    value::{params, row},
};

row! {
    struct Setting {
        value: String,
    }
}

const GET: &str = "SELECT value FROM setting WHERE key = $key";

/// A setting.
pub fn get(tx: &mut Tx, key: &str) -> Result<Option<String>, RegistryError> {
    Ok(tx.row::<Setting>(GET, params! { key })?.map(|setting| setting.value))
}

const SET: &str = "\
INSERT INTO setting (key, organisation, value) VALUES ($key, NULL, $value)
ON CONFLICT (key) DO UPDATE SET value = $value";

/// Sets a setting.
pub fn set(tx: &mut Tx, key: &str, value: &str) -> Result<(), RegistryError> {
    tx.execute(SET, params! { key, value })?;
    Ok(())
}
