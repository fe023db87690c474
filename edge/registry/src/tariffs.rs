//! Tariffs and their versions, as the text of tariff files. What a text means is the tariff crate's
//! business; here it is kept, dated and found by its digest.

use corrente_metering::{
    Date, Timestamp,
    id::{OrganisationId, TariffId, TariffVersionId},
};

use crate::{
    RegistryError, Tx, secrets,
    value::{params, row},
};

row! {
    /// A tariff over all its versions.
    pub struct Tariff {
        /// Its id.
        id: TariffId,
        /// Of which organisation.
        organisation: OrganisationId,
        /// Its name, unique in the organisation.
        name: String,
    }
}

row! {
    /// One version of a tariff.
    pub struct TariffVersion {
        /// Its id.
        id: TariffVersionId,
        /// Of which tariff.
        tariff: TariffId,
        /// Counts the versions of a tariff from 1.
        number: i64,
        /// First day on which it holds.
        valid_from: Date,
        /// The tariff file.
        content: String,
        /// SHA-256 of the content, hexadecimal.
        digest: String,
    }
}

const INSERT: &str = "\
INSERT INTO tariff (id, organisation, name, created_s) VALUES ($id, $organisation, $name, $now)
ON CONFLICT (organisation, name) DO NOTHING";
const BY_NAME: &str = "SELECT * FROM tariff WHERE organisation = $organisation AND name = $name";
const INSERT_VERSION: &str = "\
INSERT INTO tariff_version (id, organisation, tariff, number, valid_from, content, digest, created_s)
SELECT $id, $organisation, $tariff,
  1 + coalesce((SELECT max(number) FROM tariff_version WHERE tariff = $tariff), 0),
  $valid_from, $content, $digest, $now
WHERE NOT EXISTS
  (SELECT 1 FROM tariff_version WHERE tariff = $tariff AND digest = $digest)";
const BY_DIGEST: &str = "SELECT * FROM tariff_version WHERE tariff = $tariff AND digest = $digest";

/// Stores a version of the tariff of this name, and makes the tariff when it is the first. The same
/// text again changes nothing and returns the version that is there.
pub fn insert_version(
    tx: &mut Tx,
    organisation: OrganisationId,
    name: &str,
    valid_from: Date,
    content: &str,
    now: Timestamp,
) -> Result<TariffVersion, RegistryError> {
    let id = TariffId::from_uuid(uuid::Uuid::now_v7());
    tx.execute(INSERT, params! { id, organisation, name, now })?;
    let tariff = by_name(tx, organisation, name)?.ok_or(RegistryError::Reference)?.id;
    let digest = secrets::hash(content);
    let id = TariffVersionId::from_uuid(uuid::Uuid::now_v7());
    tx.execute(
        INSERT_VERSION,
        params! { id, organisation, tariff, valid_from, content, digest, now },
    )?;
    tx.row(BY_DIGEST, params! { tariff, digest })?.ok_or(RegistryError::Reference)
}

/// The tariff of this name.
pub fn by_name(
    tx: &mut Tx,
    organisation: OrganisationId,
    name: &str,
) -> Result<Option<Tariff>, RegistryError> {
    tx.row(BY_NAME, params! { organisation, name })
}

const GET: &str = "SELECT * FROM tariff WHERE id = $id";

/// One tariff.
pub fn get(tx: &mut Tx, id: TariffId) -> Result<Option<Tariff>, RegistryError> {
    tx.row(GET, params! { id })
}

const LIST: &str = "SELECT * FROM tariff WHERE organisation = $organisation ORDER BY name";

/// The tariffs of an organisation, by name.
pub fn list(tx: &mut Tx, organisation: OrganisationId) -> Result<Vec<Tariff>, RegistryError> {
    tx.rows(LIST, params! { organisation })
}

const VERSION_AT: &str = "\
SELECT * FROM tariff_version WHERE tariff = $tariff AND valid_from <= $date
ORDER BY valid_from DESC, number DESC LIMIT 1";

/// The version that holds on this day: of those that hold since the latest date, the newest.
pub fn version_at(
    tx: &mut Tx,
    tariff: TariffId,
    date: Date,
) -> Result<Option<TariffVersion>, RegistryError> {
    tx.row(VERSION_AT, params! { tariff, date })
}

const VERSIONS: &str = "SELECT * FROM tariff_version WHERE tariff = $tariff ORDER BY number";

/// All versions, in the order in which they came.
pub fn versions(tx: &mut Tx, tariff: TariffId) -> Result<Vec<TariffVersion>, RegistryError> {
    tx.rows(VERSIONS, params! { tariff })
}

const GET_VERSION: &str = "SELECT * FROM tariff_version WHERE id = $id";

/// One version.
pub fn get_version(
    tx: &mut Tx,
    id: TariffVersionId,
) -> Result<Option<TariffVersion>, RegistryError> {
    tx.row(GET_VERSION, params! { id })
}
