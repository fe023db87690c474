//! Sessions of people who signed in. Only the hash of the cookie is stored. All times are real time.

use corrente_metering::{
    Timestamp,
    id::{OrganisationId, UsagePointId, UserId},
};

use crate::{
    RegistryError, Tx,
    secrets::{self, Secret},
    value::{params, row},
};

row! {
    /// A session.
    pub struct Session {
        /// The hash of its cookie.
        id: String,
        /// Of which organisation.
        organisation: OrganisationId,
        /// Whose; nobody's in a lab session.
        user: Option<UserId> = "user_account",
        /// The one usage point of a lab session.
        lab_usage_point: Option<UsagePointId>,
        /// When it began.
        created: Timestamp = "created_s",
        /// When it was last used, within a few minutes.
        seen: Timestamp = "seen_s",
        /// When it ends.
        expires: Timestamp = "expires_s",
        /// From which address it began.
        address: Option<String>,
        /// Which program it began in.
        agent: Option<String>,
    }
}

/// Whose a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A user's.
    User(UserId),
    /// Whoever knows the number of a lab meter: sees that usage point and nothing else.
    Lab(UsagePointId),
}

/// What a new session is made of.
#[derive(Clone, Debug)]
pub struct NewSession<'a> {
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// Whose.
    pub owner: Owner,
    /// From which address.
    pub address: Option<&'a str>,
    /// In which program.
    pub agent: Option<&'a str>,
    /// How long, in seconds.
    pub lifetime_seconds: i64,
}

const INSERT: &str = "\
INSERT INTO session (id, organisation, user_account, lab_usage_point, created_s, seen_s, expires_s,
  address, agent)
VALUES ($id, $organisation, $user, $lab, $now, $now, $expires, $address, $agent)";
const SWEEP: &str = "DELETE FROM session WHERE expires_s < $now";

/// Begins a session and returns what goes into the cookie. Sweeps out the sessions that are over.
pub fn create(tx: &mut Tx, new: &NewSession<'_>, now: Timestamp) -> Result<Secret, RegistryError> {
    tx.execute(SWEEP, params! { now })?;
    let secret = Secret::random("s");
    let (user, lab) = match new.owner {
        Owner::User(user) => (Some(user), None),
        Owner::Lab(usage_point) => (None, Some(usage_point)),
    };
    tx.execute(
        INSERT,
        params! {
            id: secret.hash(), organisation: new.organisation, user, lab, now,
            expires: now.plus(new.lifetime_seconds), address: new.address, agent: new.agent
        },
    )?;
    Ok(secret)
}

const FIND: &str = "SELECT * FROM session WHERE id = $id AND expires_s > $now";

/// The session of this cookie, if it lasts.
pub fn find(tx: &mut Tx, cookie: &str, now: Timestamp) -> Result<Option<Session>, RegistryError> {
    tx.row(FIND, params! { id: secrets::hash(cookie), now })
}

const TOUCH: &str = "UPDATE session SET seen_s = $now, expires_s = $expires WHERE id = $id";

/// Records that a session is used, and until when it lasts now.
pub fn touch(
    tx: &mut Tx,
    id: &str,
    now: Timestamp,
    expires: Timestamp,
) -> Result<(), RegistryError> {
    tx.execute(TOUCH, params! { id, now, expires })?;
    Ok(())
}

const END: &str = "DELETE FROM session WHERE id = $id";

/// Ends a session.
pub fn end(tx: &mut Tx, id: &str) -> Result<(), RegistryError> {
    tx.execute(END, params! { id })?;
    Ok(())
}

const END_ALL: &str = "DELETE FROM session WHERE user_account = $user";

/// Ends all sessions of a user. Says how many there were.
pub fn end_all(tx: &mut Tx, user: UserId) -> Result<usize, RegistryError> {
    tx.execute(END_ALL, params! { user })
}

const LIST: &str = "\
SELECT * FROM session WHERE user_account = $user AND expires_s > $now ORDER BY seen_s DESC";

/// The sessions of a user that last, the latest used first.
pub fn list(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<Vec<Session>, RegistryError> {
    tx.rows(LIST, params! { user, now })
}
