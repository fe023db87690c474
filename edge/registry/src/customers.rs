//! Customers: the people and companies that are served.

use corrente_metering::{
    Timestamp,
    id::{CustomerId, OrganisationId},
};

use crate::{
    RegistryError, Tx, accounts,
    value::{params, row},
};

row! {
    /// A customer.
    pub struct Customer {
        /// Its id.
        id: CustomerId,
        /// Of which organisation.
        organisation: OrganisationId,
        /// The utility's own number.
        number: String,
        /// Name.
        name: String,
        /// Tax number (CPF or CNPJ).
        document: Option<String>,
        /// Where messages go.
        email: Option<String>,
        /// Telephone.
        phone: Option<String>,
        /// Where bills go.
        address: Option<String>,
        /// Language of messages.
        language: Option<String>,
        /// When it was made, business time.
        created: Timestamp = "created_s",
    }
}

/// What a new customer is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCustomer {
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// The utility's own number, unique in the organisation.
    pub number: String,
    /// Name.
    pub name: String,
    /// Tax number.
    pub document: Option<String>,
    /// Where messages go.
    pub email: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
    /// Where bills go.
    pub address: Option<String>,
    /// Language of messages.
    pub language: Option<String>,
}

impl NewCustomer {
    /// One with this number and name, and nothing else yet.
    pub fn named(organisation: OrganisationId, number: &str, name: &str) -> Self {
        Self {
            organisation,
            number: number.to_owned(),
            name: name.to_owned(),
            document: None,
            email: None,
            phone: None,
            address: None,
            language: None,
        }
    }
}

const INSERT: &str = "\
INSERT INTO customer (id, organisation, number, name, document, email, phone, address, language,
  created_s)
VALUES ($id, $organisation, $number, $name, $document, $email, $phone, $address, $language, $now)";

/// Makes a customer with one account.
pub fn insert(tx: &mut Tx, new: &NewCustomer, now: Timestamp) -> Result<CustomerId, RegistryError> {
    let id = CustomerId::from_uuid(uuid::Uuid::now_v7());
    tx.execute(
        INSERT,
        params! {
            id, organisation: new.organisation, number: new.number, name: new.name,
            document: new.document, email: new.email, phone: new.phone, address: new.address,
            language: new.language, now
        },
    )?;
    accounts::insert(tx, new.organisation, id, &new.name, now)?;
    Ok(id)
}

const GET: &str = "SELECT * FROM customer WHERE id = $id";

/// One customer.
pub fn get(tx: &mut Tx, id: CustomerId) -> Result<Option<Customer>, RegistryError> {
    tx.row(GET, params! { id })
}

const BY_NUMBER: &str =
    "SELECT * FROM customer WHERE organisation = $organisation AND number = $number";

/// The customer with this number.
pub fn by_number(
    tx: &mut Tx,
    organisation: OrganisationId,
    number: &str,
) -> Result<Option<Customer>, RegistryError> {
    tx.row(BY_NUMBER, params! { organisation, number })
}

const LIST: &str =
    "SELECT * FROM customer WHERE organisation = $organisation ORDER BY name, number";

/// All customers of an organisation, by name.
pub fn list(tx: &mut Tx, organisation: OrganisationId) -> Result<Vec<Customer>, RegistryError> {
    tx.rows(LIST, params! { organisation })
}
