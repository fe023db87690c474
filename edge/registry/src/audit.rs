//! The audit log: who did what to what, when, by both clocks. Lines are only ever added.

use corrente_metering::{
    Timestamp,
    id::{AuditId, OrganisationId},
};
use serde_json::Value as Json;

use crate::{
    RegistryError, Tx,
    value::{params, row},
};

/// A new line. Never put a secret or a hash into `before` or `after`.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEntry<'a> {
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// Who: `user:<id>`, `token:<id>`, `command line`.
    pub actor: &'a str,
    /// Business time.
    pub business: Timestamp,
    /// Real time.
    pub real: Timestamp,
    /// What was done: `usage_point.create`.
    pub action: &'a str,
    /// To what: `usage_point:<id>`.
    pub subject: &'a str,
    /// How it was.
    pub before: Option<Json>,
    /// How it is.
    pub after: Option<Json>,
    /// Why, in the words of who did it.
    pub reason: Option<&'a str>,
    /// From which address.
    pub address: Option<&'a str>,
}

row! {
    /// A line.
    pub struct Entry {
        /// Its id.
        id: AuditId,
        /// Of which organisation.
        organisation: OrganisationId,
        /// Who.
        actor: String,
        /// Business time.
        business: Timestamp = "business_s",
        /// Real time.
        real: Timestamp = "real_s",
        /// What was done.
        action: String,
        /// To what.
        subject: String,
        /// How it was.
        before: Option<Json>,
        /// How it is.
        after: Option<Json>,
        /// Why.
        reason: Option<String>,
        /// From which address.
        address: Option<String>,
    }
}

const INSERT: &str = "\
INSERT INTO audit (id, organisation, actor, business_s, real_s, action, subject, before, after,
  reason, address)
VALUES ($id, $organisation, $actor, $business, $real, $action, $subject, $before, $after, $reason,
  $address)";

/// Adds a line, in the transaction of what it tells.
pub fn write(tx: &mut Tx, new: &NewEntry<'_>) -> Result<(), RegistryError> {
    let id = AuditId::from_uuid(uuid::Uuid::now_v7());
    tx.execute(
        INSERT,
        params! {
            id, organisation: new.organisation, actor: new.actor, business: new.business,
            real: new.real, action: new.action, subject: new.subject, before: new.before,
            after: new.after, reason: new.reason, address: new.address
        },
    )?;
    Ok(())
}

const LIST: &str = "\
SELECT * FROM audit WHERE organisation = $organisation ORDER BY real_s DESC, id DESC LIMIT $limit";

/// The latest lines of an organisation, the newest first.
pub fn list(
    tx: &mut Tx,
    organisation: OrganisationId,
    limit: u32,
) -> Result<Vec<Entry>, RegistryError> {
    tx.rows(LIST, params! { organisation, limit })
}
