//! One-time codes: they let a person choose a password, once. The first administrator gets one as a link
//! on the terminal, a customer one on paper. Times are real time.

use corrente_metering::{
    Timestamp,
    id::{OrganisationId, UserId},
};

use crate::{
    RegistryError, Tx,
    secrets::{self, Secret},
    sessions, users,
    users::User,
    value::{params, row, words},
};

/// What a code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The first administrator chooses address and password.
    FirstAdmin,
    /// A user chooses a (new) password.
    SignIn,
}

words! { Purpose { FirstAdmin = "first_admin", SignIn = "sign_in" } }

row! {
    /// A code, without its secret.
    pub struct Code {
        /// Its id.
        id: String,
        /// Of which organisation.
        organisation: OrganisationId,
        /// What it is for.
        purpose: Purpose,
        /// Whose.
        user: Option<UserId> = "user_account",
        /// Until when.
        expires: Timestamp = "expires_s",
        /// When it was used.
        used: Option<Timestamp> = "used_s",
    }
}

const INSERT: &str = "\
INSERT INTO one_time_code (id, organisation, code_hash, purpose, user_account, expires_s, used_s,
  created_s)
VALUES ($id, $organisation, $hash, $purpose, $user, $expires, NULL, $now)";

/// Makes a code and returns its text, which is stored nowhere and shown once.
pub fn create(
    tx: &mut Tx,
    organisation: OrganisationId,
    purpose: Purpose,
    user: Option<UserId>,
    expires: Timestamp,
    now: Timestamp,
) -> Result<Secret, RegistryError> {
    let secret = Secret::random("code");
    let id = uuid::Uuid::now_v7().to_string();
    let hash = secret.hash();
    tx.execute(INSERT, params! { id, organisation, hash, purpose, user, expires, now })?;
    Ok(secret)
}

const FIND: &str = "\
SELECT * FROM one_time_code WHERE code_hash = $hash AND used_s IS NULL AND expires_s > $now";

/// The code with this text, if it can be used.
pub fn find(tx: &mut Tx, text: &str, now: Timestamp) -> Result<Option<Code>, RegistryError> {
    tx.row(FIND, params! { hash: secrets::hash(text), now })
}

const USE: &str =
    "UPDATE one_time_code SET used_s = $now WHERE id = $id AND used_s IS NULL RETURNING *";

/// Uses a code: sets its user's password and ends the user's sessions. `None` when it cannot be used.
pub fn redeem(
    tx: &mut Tx,
    text: &str,
    password_hash: &str,
    now: Timestamp,
) -> Result<Option<User>, RegistryError> {
    let Some(code) = find(tx, text, now)? else { return Ok(None) };
    if tx.row::<Code>(USE, params! { id: code.id, now })?.is_none() {
        return Ok(None);
    }
    let Some(user) = code.user else { return Ok(None) };
    users::set_password(tx, user, password_hash)?;
    sessions::end_all(tx, user)?;
    users::get(tx, user)
}
