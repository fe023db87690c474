//! Where people hear of things beside their mailbox: webhooks, gateways, browsers.
//!
//! A destination that fails again and again is paused: nothing is sent to it until its owner lets it go
//! on. Times are real ones.

use corrente_metering::{
    Timestamp,
    id::{DestinationId, OrganisationId, UserId},
};
use serde_json::Value as Json;

use crate::{
    RegistryError, Tx,
    value::{params, row, words},
};

/// A destination is paused after so many failed attempts in a row.
pub const FAILURES_UNTIL_PAUSED: u32 = 8;
/// A person has at most so many.
pub const MOST_PER_USER: usize = 20;

/// What stands at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DestinationKind {
    /// A program that takes our own signed JSON.
    Webhook,
    /// A service with a format of its own, for SMS or WhatsApp.
    Gateway,
    /// A browser, by its push service.
    Push,
}

words! { DestinationKind { Webhook = "webhook", Gateway = "gateway", Push = "push" } }

impl DestinationKind {
    /// Its word in the API and in the outbox.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Gateway => "gateway",
            Self::Push => "push",
        }
    }
}

row! {
    /// A destination.
    pub struct Destination {
        /// Its id.
        id: DestinationId,
        /// Of which organisation.
        organisation: OrganisationId,
        /// Whose.
        user: UserId = "user_account",
        /// What stands there.
        kind: DestinationKind,
        /// What its owner calls it.
        label: String,
        /// A URL.
        address: String,
        /// How a gateway wants it; an empty object for the others.
        settings: Json,
        /// What signs a webhook; the keys of a browser as JSON. It never leaves the server, but once to its
        /// owner when it is made.
        secret: String,
        /// Failed attempts in a row.
        failures: u32,
        /// Why the last attempt failed.
        last_error: Option<String>,
        /// Since when nothing is sent to it.
        paused: Option<Timestamp> = "paused_s",
    }
}

/// What a new destination is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDestination {
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// Whose.
    pub user: UserId,
    /// What stands there.
    pub kind: DestinationKind,
    /// What its owner calls it.
    pub label: String,
    /// A URL.
    pub address: String,
    /// How a gateway wants it.
    pub settings: Json,
    /// What signs or encrypts.
    pub secret: String,
}

const INSERT: &str = "\
INSERT INTO destination (id, organisation, user_account, kind, label, address, settings, secret,
  failures, last_error, paused_s, created_s)
VALUES ($id, $organisation, $user, $kind, $label, $address, $settings, $secret, 0, NULL, NULL, $now)
ON CONFLICT (user_account, kind, address) DO UPDATE
SET label = $label, settings = $settings, secret = $secret, failures = 0, last_error = NULL,
  paused_s = NULL
RETURNING *";

/// Makes a destination, or sets anew the one with this address.
pub fn put(
    tx: &mut Tx,
    new: &NewDestination,
    now: Timestamp,
) -> Result<Destination, RegistryError> {
    let known = list(tx, new.user)?;
    if known.len() >= MOST_PER_USER && known.iter().all(|d| d.address != new.address) {
        let reason = format!("there are {MOST_PER_USER} already: remove one first");
        return Err(RegistryError::Invalid { field: "address", reason });
    }
    let id = DestinationId::from_uuid(uuid::Uuid::now_v7());
    tx.row(
        INSERT,
        params! {
            id, organisation: new.organisation, user: new.user, kind: new.kind, label: new.label,
            address: new.address, settings: new.settings, secret: new.secret, now
        },
    )?
    .ok_or(RegistryError::Reference)
}

const GET: &str = "SELECT * FROM destination WHERE id = $id";

/// One destination.
pub fn get(tx: &mut Tx, id: DestinationId) -> Result<Option<Destination>, RegistryError> {
    tx.row(GET, params! { id })
}

const LIST: &str = "SELECT * FROM destination WHERE user_account = $user ORDER BY created_s, id";

/// A person's destinations, the oldest first.
pub fn list(tx: &mut Tx, user: UserId) -> Result<Vec<Destination>, RegistryError> {
    tx.rows(LIST, params! { user })
}

const DELETE: &str = "DELETE FROM destination WHERE id = $id";

/// Removes a destination; messages that wait for it become dead letters.
pub fn remove(tx: &mut Tx, id: DestinationId) -> Result<bool, RegistryError> {
    Ok(tx.execute(DELETE, params! { id })? > 0)
}

const RESUME: &str = "\
UPDATE destination SET failures = 0, last_error = NULL, paused_s = NULL WHERE id = $id";

/// Lets a paused destination go on.
pub fn resume(tx: &mut Tx, id: DestinationId) -> Result<bool, RegistryError> {
    Ok(tx.execute(RESUME, params! { id })? > 0)
}

const WORKED: &str = "UPDATE destination SET failures = 0, last_error = NULL WHERE id = $id";

/// Records that something arrived.
pub fn worked(tx: &mut Tx, id: DestinationId) -> Result<(), RegistryError> {
    tx.execute(WORKED, params! { id })?;
    Ok(())
}

const FAILED: &str = "\
UPDATE destination SET failures = failures + 1, last_error = $error,
  paused_s = CASE WHEN paused_s IS NULL AND failures + 1 >= $most THEN $now ELSE paused_s END
WHERE id = $id RETURNING *";

/// Records that an attempt failed. Says whether that paused the destination, which happens once.
pub fn failed(
    tx: &mut Tx,
    id: DestinationId,
    error: &str,
    now: Timestamp,
) -> Result<bool, RegistryError> {
    let was_paused = get(tx, id)?.is_none_or(|found| found.paused.is_some());
    let most = FAILURES_UNTIL_PAUSED;
    let after: Option<Destination> = tx.row(FAILED, params! { id, error, most, now })?;
    Ok(!was_paused && after.is_some_and(|found| found.paused.is_some()))
}
