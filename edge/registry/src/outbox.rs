//! The outbox: messages are written in the transaction of their cause and delivered afterwards, at least
//! once.

use corrente_metering::{
    Timestamp,
    id::{OrganisationId, OutboxId},
};
use serde_json::Value as Json;

use crate::{
    RegistryError, Tx,
    value::{params, row, words},
};

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutboxState {
    /// To be sent.
    Waiting,
    /// Delivered.
    Sent,
    /// Given up.
    Failed,
}

words! { OutboxState { Waiting = "waiting", Sent = "sent", Failed = "failed" } }

row! {
    /// A message.
    pub struct OutboxMessage {
        /// Its id.
        id: OutboxId,
        /// Of which organisation.
        organisation: OrganisationId,
        /// How it goes: `email`, `digest`, `webhook`, `gateway`, `push`.
        channel: String,
        /// To whom.
        recipient: String,
        /// What it says.
        document: Json,
        /// The same key again is the same message.
        idempotency_key: String,
        /// When to try next, real time.
        next_try: Timestamp = "next_try_s",
        /// How often it was tried.
        attempts: u32,
        /// Where it stands.
        state: OutboxState,
        /// Why the last attempt failed.
        last_error: Option<String>,
    }
}

/// What a new message is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMessage {
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// How it goes.
    pub channel: String,
    /// To whom.
    pub recipient: String,
    /// What it says.
    pub document: Json,
    /// The same key again is the same message.
    pub idempotency_key: String,
}

const INSERT: &str = "\
INSERT INTO outbox (id, organisation, channel, recipient, document, idempotency_key, next_try_s,
  attempts, state, last_error, created_s)
VALUES ($id, $organisation, $channel, $recipient, $document, $key, $next, 0, 'waiting', NULL, $now)
ON CONFLICT (idempotency_key) DO NOTHING";

/// Puts a message into the outbox. Says whether it was new.
pub fn enqueue(tx: &mut Tx, new: &NewMessage, now: Timestamp) -> Result<bool, RegistryError> {
    enqueue_for(tx, new, now, now)
}

/// Puts a message into the outbox that is not to be sent before `next`. Says whether it was new.
pub fn enqueue_for(
    tx: &mut Tx,
    new: &NewMessage,
    next: Timestamp,
    now: Timestamp,
) -> Result<bool, RegistryError> {
    let id = OutboxId::from_uuid(uuid::Uuid::now_v7());
    let made = tx.execute(
        INSERT,
        params! {
            id, organisation: new.organisation, channel: new.channel, recipient: new.recipient,
            document: new.document, key: new.idempotency_key, next, now
        },
    )?;
    Ok(made > 0)
}

const DUE: &str = "\
SELECT * FROM (
  SELECT outbox.*,
    row_number() OVER (PARTITION BY channel, recipient ORDER BY next_try_s, id) AS place,
    min(next_try_s) OVER (PARTITION BY channel, recipient) AS since
  FROM outbox
  WHERE state = 'waiting' AND next_try_s <= $now
    AND (next_try_s < $mail_before OR channel NOT IN ('email', 'digest'))
) AS due
WHERE channel = 'digest' OR place <= $each
ORDER BY CASE WHEN channel = 'digest' THEN 1 ELSE place END, since, channel, recipient, place
LIMIT $limit";

/// The messages that should be tried now. Each receiver's first stand before everybody's second, the
/// longest waiting first, so that many to one keep nobody else waiting; at most `each` to one receiver,
/// but all of a digest. `mail_before` leaves out e-mail that became due since: with
/// [`Timestamp::MAX`] there is a mail server and none is left out.
pub fn due(
    tx: &mut Tx,
    now: Timestamp,
    mail_before: Timestamp,
    each: u32,
    limit: u32,
) -> Result<Vec<OutboxMessage>, RegistryError> {
    tx.rows(DUE, params! { now, mail_before, each, limit })
}

const WAITING: &str = "\
SELECT * FROM outbox WHERE state = 'waiting' ORDER BY next_try_s, id LIMIT $limit";

/// The messages that wait, whether they are due or not, the next one first.
pub fn waiting(tx: &mut Tx, limit: u32) -> Result<Vec<OutboxMessage>, RegistryError> {
    tx.rows(WAITING, params! { limit })
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It was delivered.
    Sent,
    /// Try again then.
    RetryAt {
        /// When.
        next: Timestamp,
        /// Why this attempt failed.
        error: String,
    },
    /// Give up.
    Failed {
        /// Why.
        error: String,
    },
}

const MARK: &str = "\
UPDATE outbox SET state = $state, next_try_s = coalesce($next, next_try_s),
  attempts = attempts + 1, last_error = $error
WHERE id = $id AND state = 'waiting'";

/// Records how an attempt ended.
pub fn mark(tx: &mut Tx, id: OutboxId, attempt: &Attempt) -> Result<(), RegistryError> {
    let (state, next, error) = match attempt {
        Attempt::Sent => (OutboxState::Sent, None, None),
        Attempt::RetryAt { next, error } => (OutboxState::Waiting, Some(*next), Some(error)),
        Attempt::Failed { error } => (OutboxState::Failed, None, Some(error)),
    };
    tx.execute(MARK, params! { id, state, next, error })?;
    Ok(())
}

const GET: &str = "SELECT * FROM outbox WHERE id = $id";

/// One message.
pub fn get(tx: &mut Tx, id: OutboxId) -> Result<Option<OutboxMessage>, RegistryError> {
    tx.row(GET, params! { id })
}

const FAILED: &str = "\
SELECT * FROM outbox WHERE organisation = $organisation AND state = 'failed'
ORDER BY created_s DESC, id DESC LIMIT $limit";

/// An organisation's dead letters, the latest first.
pub fn failed(
    tx: &mut Tx,
    organisation: OrganisationId,
    limit: u32,
) -> Result<Vec<OutboxMessage>, RegistryError> {
    tx.rows(FAILED, params! { organisation, limit })
}

const AGAIN: &str = "\
UPDATE outbox SET state = 'waiting', attempts = 0, next_try_s = $now
WHERE id = $id AND organisation = $organisation AND state = 'failed'";

/// Tries a dead letter once more. Says whether there was one.
pub fn again(
    tx: &mut Tx,
    organisation: OrganisationId,
    id: OutboxId,
    now: Timestamp,
) -> Result<bool, RegistryError> {
    Ok(tx.execute(AGAIN, params! { id, organisation, now })? > 0)
}

const BY_KEY: &str = "SELECT * FROM outbox WHERE idempotency_key = $key";

/// The message with this key.
pub fn by_key(tx: &mut Tx, key: &str) -> Result<Option<OutboxMessage>, RegistryError> {
    tx.row(BY_KEY, params! { key })
}
