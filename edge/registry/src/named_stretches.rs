//! Stretches of consumption that a person gave a name: the oven, a wash, a guest week.

use corrente_metering::{
    Timestamp,
    id::{NamedStretchId, OrganisationId, UsagePointId},
};

use crate::{
    RegistryError, Tx,
    value::{params, row},
};

/// A usage point has at most so many.
pub const MOST_PER_USAGE_POINT: usize = 500;

row! {
    /// A stretch with its name.
    pub struct NamedStretch {
        /// Its id.
        id: NamedStretchId,
        /// Of which organisation.
        organisation: OrganisationId,
        /// Of which usage point.
        usage_point: UsagePointId,
        /// What a person calls it.
        name: String,
        /// It begins after this instant.
        from: Timestamp = "from_s",
        /// Its last instant.
        until: Timestamp = "until_s",
    }
}

/// What a new one is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNamedStretch {
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// Of which usage point.
    pub usage_point: UsagePointId,
    /// What a person calls it.
    pub name: String,
    /// It begins after this instant.
    pub from: Timestamp,
    /// Its last instant.
    pub until: Timestamp,
}

const INSERT: &str = "\
INSERT INTO named_stretch (id, organisation, usage_point, name, from_s, until_s, created_s)
VALUES ($id, $organisation, $usage_point, $name, $from, $until, $now)
RETURNING *";

/// Keeps a stretch under a name.
pub fn insert(
    tx: &mut Tx,
    new: &NewNamedStretch,
    now: Timestamp,
) -> Result<NamedStretch, RegistryError> {
    if list(tx, new.usage_point)?.len() >= MOST_PER_USAGE_POINT {
        let reason = format!("there are {MOST_PER_USAGE_POINT} already: remove one first");
        return Err(RegistryError::Invalid { field: "name", reason });
    }
    let id = NamedStretchId::from_uuid(uuid::Uuid::now_v7());
    tx.row(
        INSERT,
        params! {
            id, organisation: new.organisation, usage_point: new.usage_point, name: new.name,
            from: new.from, until: new.until, now
        },
    )?
    .ok_or(RegistryError::Reference)
}

const GET: &str = "SELECT * FROM named_stretch WHERE id = $id";

/// One of them.
pub fn get(tx: &mut Tx, id: NamedStretchId) -> Result<Option<NamedStretch>, RegistryError> {
    tx.row(GET, params! { id })
}

const LIST: &str = "\
SELECT * FROM named_stretch WHERE usage_point = $usage_point ORDER BY from_s DESC, id DESC";

/// A usage point's, the newest first.
pub fn list(tx: &mut Tx, usage_point: UsagePointId) -> Result<Vec<NamedStretch>, RegistryError> {
    tx.rows(LIST, params! { usage_point })
}

const DELETE: &str = "DELETE FROM named_stretch WHERE id = $id";

/// Forgets one; its readings stay.
pub fn remove(tx: &mut Tx, id: NamedStretchId) -> Result<bool, RegistryError> {
    Ok(tx.execute(DELETE, params! { id })? > 0)
}
