//! Payments of invoices.

use corrente_metering::{
    Timestamp,
    id::{InvoiceId, PaymentId},
};
use corrente_units::{Currency, Money};

use crate::{
    RegistryError, Tx,
    invoices::{self, InvoiceState},
    value::{params, row},
};

row! {
    /// A payment.
    pub struct Payment {
        /// Its id.
        id: PaymentId,
        /// Of which invoice.
        invoice: InvoiceId,
        /// How much.
        amount: Money = "amount_minor",
        /// In which currency.
        currency: Currency,
        /// When, business time.
        paid: Timestamp = "paid_s",
        /// `pix`, `boleto`, `cash`, …
        method: String,
        /// The bank's end-to-end id.
        reference: String,
    }
}

/// What a new payment is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPayment {
    /// Of which invoice.
    pub invoice: InvoiceId,
    /// How much.
    pub amount: Money,
    /// When.
    pub paid: Timestamp,
    /// By which means.
    pub method: String,
    /// The bank's id of it: the same one twice is one payment.
    pub reference: String,
}

/// How a payment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The invoice is paid now.
    Paid,
    /// The payment is recorded; part of the invoice, or an invoice that was not open.
    Kept,
    /// This payment was recorded before; nothing was changed.
    Exists,
}

const INSERT: &str = "\
INSERT INTO payment (id, organisation, invoice, amount_minor, currency, paid_s, method, reference,
  created_s)
SELECT $id, organisation, id, $amount, currency, $paid, $method, $reference, $now
FROM invoice WHERE id = $invoice
ON CONFLICT (organisation, method, reference) DO NOTHING";

/// Records a payment; an open invoice whose payments reach its amount becomes paid.
pub fn insert(tx: &mut Tx, new: &NewPayment, now: Timestamp) -> Result<Recorded, RegistryError> {
    let invoice = invoices::get(tx, new.invoice)?.ok_or_else(|| RegistryError::NotFound {
        kind: "invoice",
        name: new.invoice.to_string(),
    })?;
    let id = PaymentId::from_uuid(uuid::Uuid::now_v7());
    let made = tx.execute(
        INSERT,
        params! {
            id, invoice: new.invoice, amount: new.amount, paid: new.paid, method: new.method,
            reference: new.reference, now
        },
    )?;
    if made == 0 {
        return Ok(Recorded::Exists);
    }
    let paid = Money::sum(list(tx, new.invoice)?.iter().map(|payment| payment.amount))
        .map_err(|error| RegistryError::Invalid { field: "amount", reason: error.to_string() })?;
    if invoice.state == InvoiceState::Open && paid >= invoice.amount {
        invoices::set_state(tx, new.invoice, InvoiceState::Paid)?;
        return Ok(Recorded::Paid);
    }
    Ok(Recorded::Kept)
}

const LIST: &str = "SELECT * FROM payment WHERE invoice = $invoice ORDER BY paid_s, id";

/// An invoice's payments, in order of time.
pub fn list(tx: &mut Tx, invoice: InvoiceId) -> Result<Vec<Payment>, RegistryError> {
    tx.rows(LIST, params! { invoice })
}
