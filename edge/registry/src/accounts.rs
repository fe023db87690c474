//! Accounts: what is invoiced together.

use corrente_metering::{
    Timestamp,
    id::{AccountId, CustomerId, OrganisationId},
};

use crate::{
    RegistryError, Tx,
    value::{params, row},
};

row! {
    /// An account.
    pub struct Account {
        /// Its id.
        id: AccountId,
        /// Of which organisation.
        organisation: OrganisationId,
        /// Whose.
        customer: CustomerId,
        /// Its name, for a customer with several.
        name: String,
        /// Day of the month chosen for payment.
        due_day: Option<u8>,
    }
}

const INSERT: &str = "\
INSERT INTO account (id, organisation, customer, name, due_day, created_s)
VALUES ($id, $organisation, $customer, $name, NULL, $now)";

/// Makes an account.
pub fn insert(
    tx: &mut Tx,
    organisation: OrganisationId,
    customer: CustomerId,
    name: &str,
    now: Timestamp,
) -> Result<AccountId, RegistryError> {
    let id = AccountId::from_uuid(uuid::Uuid::now_v7());
    tx.execute(INSERT, params! { id, organisation, customer, name, now })?;
    Ok(id)
}

const LIST: &str = "SELECT * FROM account WHERE customer = $customer ORDER BY created_s, id";

/// A customer's accounts, the oldest first.
pub fn list(tx: &mut Tx, customer: CustomerId) -> Result<Vec<Account>, RegistryError> {
    tx.rows(LIST, params! { customer })
}
