//! API tokens: how a program calls the API in a user's name, never with more than the user may do.

use corrente_metering::{
    Timestamp,
    id::{ApiTokenId, OrganisationId, UserId},
};

use crate::{
    RegistryError, Tx,
    secrets::{self, Secret},
    users::{self, User},
    value::{params, row, words},
};

/// What a token may do, at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Read what the user may read.
    Read,
    /// Change what the user may change, but not the organisation.
    Write,
    /// All that the user may do.
    Admin,
}

words! { Scope { Read = "read", Write = "write", Admin = "admin" } }

impl Scope {
    /// Its word in the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

row! {
    /// A token, without its secret.
    pub struct ApiToken {
        /// Its id.
        id: ApiTokenId,
        /// Of which organisation.
        organisation: OrganisationId,
        /// In whose name it calls.
        user: UserId = "user_account",
        /// What it is for.
        label: String,
        /// What it may do.
        scope: Scope,
        /// When it was made, real time.
        created: Timestamp = "created_s",
        /// Until when, real time.
        expires: Option<Timestamp> = "expires_s",
        /// Since when it is refused.
        revoked: Option<Timestamp> = "revoked_s",
    }
}

const INSERT: &str = "\
INSERT INTO api_token (id, organisation, user_account, token_hash, label, scope, created_s,
  expires_s, revoked_s, seen_s)
SELECT $id, organisation, id, $hash, $label, $scope, $now, $expires, NULL, NULL
FROM user_account WHERE id = $user";

/// Makes a token and returns its text, which is stored nowhere and shown once.
pub fn create(
    tx: &mut Tx,
    user: UserId,
    label: &str,
    scope: Scope,
    expires: Option<Timestamp>,
    now: Timestamp,
) -> Result<(ApiTokenId, Secret), RegistryError> {
    let id = ApiTokenId::from_uuid(uuid::Uuid::now_v7());
    let secret = Secret::random("api");
    let hash = secret.hash();
    if tx.execute(INSERT, params! { id, hash, label, scope, now, expires, user })? == 0 {
        return Err(RegistryError::NotFound { kind: "user", name: user.to_string() });
    }
    Ok((id, secret))
}

const FIND: &str = "\
SELECT * FROM api_token
WHERE token_hash = $hash AND revoked_s IS NULL AND (expires_s IS NULL OR expires_s > $now)";

/// The token with this text and its user, if both are good now (real time).
pub fn find(
    tx: &mut Tx,
    text: &str,
    now: Timestamp,
) -> Result<Option<(ApiToken, User)>, RegistryError> {
    let Some(token) = tx.row::<ApiToken>(FIND, params! { hash: secrets::hash(text), now })? else {
        return Ok(None);
    };
    let user = users::get(tx, token.user)?.filter(|user| user.disabled.is_none());
    Ok(user.map(|user| (token, user)))
}

const LIST: &str = "SELECT * FROM api_token WHERE user_account = $user ORDER BY created_s, id";

/// A user's tokens, the oldest first.
pub fn list(tx: &mut Tx, user: UserId) -> Result<Vec<ApiToken>, RegistryError> {
    tx.rows(LIST, params! { user })
}

const REVOKE: &str = "\
UPDATE api_token SET revoked_s = $now
WHERE id = $id AND user_account = $user AND revoked_s IS NULL";

/// Refuses one of a user's tokens from now on. Says whether there was one.
pub fn revoke(
    tx: &mut Tx,
    user: UserId,
    id: ApiTokenId,
    now: Timestamp,
) -> Result<bool, RegistryError> {
    Ok(tx.execute(REVOKE, params! { id, user, now })? > 0)
}
