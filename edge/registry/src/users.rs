//! Users: who signs in, as what.

use corrente_metering::{
    Timestamp,
    id::{CustomerId, OrganisationId, UsagePointId, UserId},
};

use crate::{
    RegistryError, Tx,
    value::{params, row, words},
};

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sees the own usage points.
    Customer,
    /// Sees all of the organisation's usage points.
    Operator,
    /// Changes the organisation as well.
    Admin,
}

words! { Role { Customer = "customer", Operator = "operator", Admin = "admin" } }

impl Role {
    /// Its word in the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

row! {
    /// A user.
    pub struct User {
        /// Its id.
        id: UserId,
        /// Of which organisation.
        organisation: OrganisationId,
        /// Which customer, for a customer's user.
        customer: Option<CustomerId>,
        /// Where to sign in with, in lower case.
        email: String,
        /// Name.
        name: String,
        /// What the user may do.
        role: Role,
        /// The password's hash; nothing until the first code is used.
        password_hash: Option<String>,
        /// Language of the pages: `pt-BR`, `en`.
        language: Option<String>,
        /// `light`, `dark`; nothing follows the device.
        theme: Option<String>,
        /// Since when signing in is refused.
        disabled: Option<Timestamp> = "disabled_s",
    }
}

/// What a new user is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// Which customer.
    pub customer: Option<CustomerId>,
    /// Where to sign in with.
    pub email: String,
    /// Name.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// Made by [`crate::passwords::hash`], outside the transaction.
    pub password_hash: Option<String>,
    /// Language of the pages.
    pub language: Option<String>,
}

/// How an address is stored and looked for: without spaces around it, in lower case.
pub fn normal_email(email: &str) -> String {
    email.trim().to_lowercase()
}

const INSERT: &str = "\
INSERT INTO user_account (id, organisation, customer, email, name, role, password_hash, language,
  theme, disabled_s, created_s)
VALUES ($id, $organisation, $customer, $email, $name, $role, $password_hash, $language, NULL, NULL,
  $now)";

/// Makes a user.
pub fn insert(tx: &mut Tx, new: &NewUser, now: Timestamp) -> Result<UserId, RegistryError> {
    let email = normal_email(&new.email);
    let complete = email
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'));
    if !complete || email.len() > 254 || email.contains(char::is_whitespace) {
        let reason = format!("`{}` is not an e-mail address such as ana@example.com", new.email);
        return Err(RegistryError::Invalid { field: "email", reason });
    }
    let id = UserId::from_uuid(uuid::Uuid::now_v7());
    tx.execute(
        INSERT,
        params! {
            id, organisation: new.organisation, customer: new.customer, email, name: new.name,
            role: new.role, password_hash: new.password_hash, language: new.language, now
        },
    )?;
    Ok(id)
}

const GET: &str = "SELECT * FROM user_account WHERE id = $id";

/// One user.
pub fn get(tx: &mut Tx, id: UserId) -> Result<Option<User>, RegistryError> {
    tx.row(GET, params! { id })
}

const BY_EMAIL: &str = "SELECT * FROM user_account WHERE email = $email";

/// The user with this address.
pub fn by_email(tx: &mut Tx, email: &str) -> Result<Option<User>, RegistryError> {
    tx.row(BY_EMAIL, params! { email: normal_email(email) })
}

const LIST: &str = "SELECT * FROM user_account WHERE organisation = $organisation ORDER BY email";

/// The users of an organisation, by address.
pub fn list(tx: &mut Tx, organisation: OrganisationId) -> Result<Vec<User>, RegistryError> {
    tx.rows(LIST, params! { organisation })
}

const ADMINISTRATOR: &str = "\
SELECT * FROM user_account
WHERE role = 'admin' AND password_hash IS NOT NULL AND disabled_s IS NULL LIMIT 1";

/// Is there an administrator who can sign in?
pub fn has_administrator(tx: &mut Tx) -> Result<bool, RegistryError> {
    Ok(tx.row::<User>(ADMINISTRATOR, &[])?.is_some())
}

const FOR_USAGE_POINT: &str = "\
SELECT a.* FROM user_account a JOIN usage_point u
  ON u.customer = a.customer AND u.organisation = a.organisation
WHERE u.id = $usage_point AND a.role = 'customer' AND a.disabled_s IS NULL ORDER BY a.email";

/// The customers' users who see this usage point: whom its alerts are for.
pub fn for_usage_point(tx: &mut Tx, usage_point: UsagePointId) -> Result<Vec<User>, RegistryError> {
    tx.rows(FOR_USAGE_POINT, params! { usage_point })
}

const SET_LANGUAGE: &str = "UPDATE user_account SET language = $language WHERE id = $id";

/// Sets the language of a user's pages.
pub fn set_language(tx: &mut Tx, id: UserId, language: Option<&str>) -> Result<(), RegistryError> {
    tx.execute(SET_LANGUAGE, params! { id, language })?;
    Ok(())
}

const SET_THEME: &str = "UPDATE user_account SET theme = $theme WHERE id = $id";

/// Sets the theme of a user's pages.
pub fn set_theme(tx: &mut Tx, id: UserId, theme: Option<&str>) -> Result<(), RegistryError> {
    tx.execute(SET_THEME, params! { id, theme })?;
    Ok(())
}

const SET_PASSWORD: &str = "UPDATE user_account SET password_hash = $hash WHERE id = $id";

/// Sets a user's password by its hash. The caller ends the user's other sessions.
pub fn set_password(tx: &mut Tx, id: UserId, hash: &str) -> Result<(), RegistryError> {
    tx.execute(SET_PASSWORD, params! { id, hash })?;
    Ok(())
}

const DISABLE: &str = "UPDATE user_account SET disabled_s = $now WHERE id = $id";

/// Refuses a user from now on (nothing lets the user in again). The caller ends the user's sessions.
pub fn set_disabled(
    tx: &mut Tx,
    id: UserId,
    since: Option<Timestamp>,
) -> Result<(), RegistryError> {
    tx.execute(DISABLE, params! { id, now: since })?;
    Ok(())
}
