//! Organisations (tenants): a utility, a co-op, a condominium, a class room.

use corrente_metering::{Calendar, Timestamp, id::OrganisationId};
use corrente_units::Currency;

use crate::{
    RegistryError, Tx,
    value::{params, row},
};

row! {
    /// An organisation.
    pub struct Organisation {
        /// Its id.
        id: OrganisationId,
        /// Its name, on pages and invoices.
        name: String,
        /// Tax number, on invoices.
        document: Option<String>,
        /// Postal address, on invoices.
        address: Option<String>,
        /// Municipality of new usage points.
        municipality: Option<String>,
        /// IANA zone of new usage points.
        zone: String,
        /// Currency of new usage points.
        currency: Currency,
        /// Language of messages to people who chose none: `pt-BR`, `en`.
        language: String,
        /// PIX key that invoices are paid to.
        pix_key: Option<String>,
        /// Payee's name in the PIX code.
        pix_payee: Option<String>,
        /// Payee's city in the PIX code.
        pix_city: Option<String>,
        /// The company's number with FEBRABAN, 4 digits, for bar codes.
        febraban: Option<String>,
        /// When it was made, business time.
        created: Timestamp = "created_s",
    }
}

/// What a new organisation is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrganisation {
    /// Its name.
    pub name: String,
    /// Tax number.
    pub document: Option<String>,
    /// Postal address.
    pub address: Option<String>,
    /// Municipality.
    pub municipality: Option<String>,
    /// IANA zone.
    pub zone: String,
    /// Currency.
    pub currency: Currency,
    /// Language.
    pub language: String,
    /// PIX key.
    pub pix_key: Option<String>,
    /// Payee's name.
    pub pix_payee: Option<String>,
    /// Payee's city.
    pub pix_city: Option<String>,
}

impl NewOrganisation {
    /// One with this name and zone, in Brazilian reais and Portuguese, and nothing else yet.
    pub fn named(name: &str, zone: &str) -> Self {
        Self {
            name: name.to_owned(),
            document: None,
            address: None,
            municipality: None,
            zone: zone.to_owned(),
            currency: Currency::Brl,
            language: "pt-BR".to_owned(),
            pix_key: None,
            pix_payee: None,
            pix_city: None,
        }
    }
}

const INSERT: &str = "\
INSERT INTO organisation (id, name, document, address, municipality, zone, currency, language,
  pix_key, pix_payee, pix_city, created_s)
VALUES ($id, $name, $document, $address, $municipality, $zone, $currency, $language,
  $pix_key, $pix_payee, $pix_city, $now)";

/// Makes an organisation.
pub fn insert(
    tx: &mut Tx,
    new: &NewOrganisation,
    now: Timestamp,
) -> Result<OrganisationId, RegistryError> {
    check_zone(&new.zone)?;
    let id = OrganisationId::from_uuid(uuid::Uuid::now_v7());
    tx.execute(
        INSERT,
        params! {
            id, name: new.name, document: new.document, address: new.address,
            municipality: new.municipality, zone: new.zone, currency: new.currency,
            language: new.language, pix_key: new.pix_key, pix_payee: new.pix_payee,
            pix_city: new.pix_city, now
        },
    )?;
    Ok(id)
}

/// Refuses a name that is no zone, before it is stored where a bill would need it.
pub(crate) fn check_zone(zone: &str) -> Result<Calendar, RegistryError> {
    Calendar::new(zone)
        .map_err(|error| RegistryError::Invalid { field: "zone", reason: error.to_string() })
}

const UPDATE: &str = "\
UPDATE organisation SET name = $name, document = $document, address = $address,
  municipality = $municipality, zone = $zone, currency = $currency, language = $language,
  pix_key = $pix_key, pix_payee = $pix_payee, pix_city = $pix_city
WHERE id = $id";

/// Changes an organisation. Usage points keep the zone and currency that they have.
pub fn update(tx: &mut Tx, id: OrganisationId, new: &NewOrganisation) -> Result<(), RegistryError> {
    check_zone(&new.zone)?;
    let changed = tx.execute(
        UPDATE,
        params! {
            id, name: new.name, document: new.document, address: new.address,
            municipality: new.municipality, zone: new.zone, currency: new.currency,
            language: new.language, pix_key: new.pix_key, pix_payee: new.pix_payee,
            pix_city: new.pix_city
        },
    )?;
    if changed == 0 {
        return Err(RegistryError::NotFound { kind: "organisation", name: id.to_string() });
    }
    Ok(())
}

const GET: &str = "SELECT * FROM organisation WHERE id = $id";

/// One organisation.
pub fn get(tx: &mut Tx, id: OrganisationId) -> Result<Option<Organisation>, RegistryError> {
    tx.row(GET, params! { id })
}

const LIST: &str = "SELECT * FROM organisation ORDER BY created_s, id";

/// All organisations, the oldest first.
pub fn list(tx: &mut Tx) -> Result<Vec<Organisation>, RegistryError> {
    tx.rows(LIST, &[])
}

/// The oldest organisation: the only one of most installations.
pub fn default_organisation(tx: &mut Tx) -> Result<Option<Organisation>, RegistryError> {
    Ok(list(tx)?.into_iter().next())
}

const SET_FEBRABAN: &str = "UPDATE organisation SET febraban = $number WHERE id = $id";

/// Sets the company's number with FEBRABAN: invoices issued from now on carry a bar code.
pub fn set_febraban(
    tx: &mut Tx,
    id: OrganisationId,
    number: Option<&str>,
) -> Result<(), RegistryError> {
    if let Some(number) = number
        && (number.len() != 4 || !number.bytes().all(|b| b.is_ascii_digit()))
    {
        let reason = format!("`{number}` is not 4 digits such as 0030");
        return Err(RegistryError::Invalid { field: "febraban", reason });
    }
    tx.execute(SET_FEBRABAN, params! { id, number })?;
    Ok(())
}
