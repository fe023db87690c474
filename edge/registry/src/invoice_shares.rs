//! Links that show one invoice to whoever has them, until they end or are taken back. Times are real
//! ones.

use corrente_metering::{
    Timestamp,
    id::{InvoiceId, InvoiceShareId, OrganisationId, UserId},
};

use crate::{
    RegistryError, Tx,
    value::{params, row},
};

row! {
    /// A link.
    pub struct InvoiceShare {
        /// Its id, of which the link is made.
        id: InvoiceShareId,
        /// Of which organisation.
        organisation: OrganisationId,
        /// What it shows.
        invoice: InvoiceId,
        /// Who made it.
        created_by: UserId,
        /// Until when it holds.
        until: Timestamp = "until_s",
    }
}

const INSERT: &str = "\
INSERT INTO invoice_share (id, organisation, invoice, created_by, created_s, until_s)
VALUES ($id, $organisation, $invoice, $user, $now, $until)
RETURNING *";

/// Makes a link.
pub fn insert(
    tx: &mut Tx,
    organisation: OrganisationId,
    invoice: InvoiceId,
    user: UserId,
    now: Timestamp,
    until: Timestamp,
) -> Result<InvoiceShare, RegistryError> {
    let id = InvoiceShareId::from_uuid(uuid::Uuid::now_v7());
    tx.row(INSERT, params! { id, organisation, invoice, user, now, until })?
        .ok_or(RegistryError::Reference)
}

const GET: &str = "SELECT * FROM invoice_share WHERE id = $id AND until_s > $now";

/// A link that holds now.
pub fn get(
    tx: &mut Tx,
    id: InvoiceShareId,
    now: Timestamp,
) -> Result<Option<InvoiceShare>, RegistryError> {
    tx.row(GET, params! { id, now })
}

const REVOKE: &str = "DELETE FROM invoice_share WHERE invoice = $invoice";

/// Takes back all links of an invoice; how many there were.
pub fn revoke(tx: &mut Tx, invoice: InvoiceId) -> Result<usize, RegistryError> {
    tx.execute(REVOKE, params! { invoice })
}
