//! Invoices: issued once, changed never but in their state.

use corrente_metering::{
    Date, Span, Timestamp,
    id::{CustomerId, InvoiceId, OrganisationId, PlanId, UsagePointId},
};
use corrente_units::{Currency, Energy, Money};

use crate::{
    RegistryError, Tx,
    value::{params, row, words},
};

/// Where an invoice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvoiceState {
    /// Issued and not paid.
    Open,
    /// Paid.
    Paid,
    /// Replaced by a credit.
    Cancelled,
}

words! { InvoiceState { Open = "open", Paid = "paid", Cancelled = "cancelled" } }

impl InvoiceState {
    /// Its word in the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Cancelled => "cancelled",
        }
    }
}

row! {
    /// An invoice.
    pub struct InvoiceRow {
        /// Its id.
        id: InvoiceId,
        /// Of which organisation.
        organisation: OrganisationId,
        /// Of which usage point.
        usage_point: UsagePointId,
        /// Who owed it when it was issued.
        customer: Option<CustomerId>,
        /// The plan that it carries out.
        plan: PlanId,
        /// Number on the paper, unique in the organisation.
        number: String,
        /// The period begins after this instant.
        period_start: Timestamp = "period_start_s",
        /// The period's last instant.
        period_end: Timestamp = "period_end_s",
        /// When it was issued, business time.
        issued: Timestamp = "issued_s",
        /// Last day for payment.
        due: Date,
        /// Energy that it bills.
        energy: Option<Energy> = "energy_wh",
        /// What is owed, in minor units of the currency.
        amount: Money = "amount_minor",
        /// Its currency.
        currency: Currency,
        /// Where it stands.
        state: InvoiceState,
        /// Text of the PIX code.
        pix_payload: Option<String>,
        /// The bank's name for this payment.
        pix_txid: Option<String>,
        /// The 44 digits of its bar code.
        bar_code: Option<String>,
    }
}

impl InvoiceRow {
    /// The period.
    pub fn period(&self) -> Span {
        Span::new(self.period_start, self.period_end)
    }
}

/// What a new invoice is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewInvoice {
    /// Its id, made by the caller, who may need it for the PIX code.
    pub id: InvoiceId,
    /// Of which usage point.
    pub usage_point: UsagePointId,
    /// The plan.
    pub plan: PlanId,
    /// Number on the paper.
    pub number: String,
    /// The period.
    pub period: Span,
    /// When it is issued.
    pub issued: Timestamp,
    /// Last day for payment.
    pub due: Date,
    /// Energy that it bills.
    pub energy: Option<Energy>,
    /// What is owed.
    pub amount: Money,
    /// Its currency.
    pub currency: Currency,
    /// Text of the PIX code.
    pub pix_payload: Option<String>,
    /// The bank's name for this payment.
    pub pix_txid: Option<String>,
    /// The 44 digits of its bar code.
    pub bar_code: Option<String>,
}

/// How an attempt to issue ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issued {
    /// It is issued now.
    Issued(InvoiceId),
    /// This usage point has an invoice of this period; nothing was changed.
    Exists(InvoiceId),
}

impl Issued {
    /// The invoice, new or not.
    pub const fn id(self) -> InvoiceId {
        match self {
            Self::Issued(id) | Self::Exists(id) => id,
        }
    }
}

const OF_PERIOD: &str = "\
SELECT * FROM invoice WHERE usage_point = $usage_point AND period_start_s = $start_s
  AND period_end_s = $end_s AND state <> 'cancelled'";
const INSERT: &str = "\
INSERT INTO invoice (id, organisation, usage_point, customer, plan, number, period_start_s,
  period_end_s, issued_s, due, energy_wh, amount_minor, currency, state, pix_payload, pix_txid,
  bar_code)
SELECT $id, organisation, id, customer, $plan, $number, $start_s, $end_s, $issued, $due, $energy,
  $amount, $currency, 'open', $pix_payload, $pix_txid, $bar_code
FROM usage_point WHERE id = $usage_point";

/// Issues an invoice, once per usage point and period.
pub fn insert(tx: &mut Tx, new: &NewInvoice) -> Result<Issued, RegistryError> {
    let (start_s, end_s) = (new.period.start, new.period.end);
    if let Some(known) = of_period(tx, new.usage_point, new.period)? {
        return Ok(Issued::Exists(known.id));
    }
    let made = tx.execute(
        INSERT,
        params! {
            id: new.id, usage_point: new.usage_point, plan: new.plan, number: new.number, start_s,
            end_s, issued: new.issued, due: new.due, energy: new.energy, amount: new.amount,
            currency: new.currency, pix_payload: new.pix_payload, pix_txid: new.pix_txid,
            bar_code: new.bar_code
        },
    )?;
    if made == 0 {
        let name = new.usage_point.to_string();
        return Err(RegistryError::NotFound { kind: "usage point", name });
    }
    Ok(Issued::Issued(new.id))
}

/// The invoice of a usage point's period that stands.
pub fn of_period(
    tx: &mut Tx,
    usage_point: UsagePointId,
    period: Span,
) -> Result<Option<InvoiceRow>, RegistryError> {
    tx.row(OF_PERIOD, params! { usage_point, start_s: period.start, end_s: period.end })
}

const OVERLAPPING: &str = "\
SELECT * FROM invoice WHERE usage_point = $usage_point AND state <> 'cancelled'
  AND period_start_s < $end_s AND period_end_s > $start_s ORDER BY period_start_s LIMIT 1";

/// A standing invoice of the usage point that bills a part of this span already.
pub fn overlapping(
    tx: &mut Tx,
    usage_point: UsagePointId,
    span: Span,
) -> Result<Option<InvoiceRow>, RegistryError> {
    tx.row(OVERLAPPING, params! { usage_point, start_s: span.start, end_s: span.end })
}

const GET: &str = "SELECT * FROM invoice WHERE id = $id";

/// One invoice, whoever asks; who may see it is decided by its usage point.
pub fn get(tx: &mut Tx, id: InvoiceId) -> Result<Option<InvoiceRow>, RegistryError> {
    tx.row(GET, params! { id })
}

const LIST: &str = "\
SELECT * FROM invoice WHERE usage_point = $usage_point ORDER BY period_start_s DESC, number DESC";

/// A usage point's invoices, the newest period first.
pub fn list(tx: &mut Tx, usage_point: UsagePointId) -> Result<Vec<InvoiceRow>, RegistryError> {
    tx.rows(LIST, params! { usage_point })
}

const LAST_NUMBER: &str = "\
SELECT value FROM setting WHERE key = $key";
const COUNT_UP: &str = "\
INSERT INTO setting (key, organisation, value) VALUES ($key, $organisation, $value)
ON CONFLICT (key) DO UPDATE SET value = $value";

row! {
    struct Counter {
        value: String,
    }
}

/// The next number of an organisation's invoices, without gaps: taken when the transaction commits.
pub fn next_number(tx: &mut Tx, organisation: OrganisationId) -> Result<i64, RegistryError> {
    let key = format!("invoice.number.{organisation}");
    let last: Option<Counter> = tx.row(LAST_NUMBER, params! { key })?;
    let number = last
        .map_or(Ok(0), |last| last.value.parse::<i64>())
        .map_err(|error| RegistryError::Unreadable { column: "value", found: error.to_string() })?
        + 1;
    tx.execute(COUNT_UP, params! { key, organisation, value: number.to_string() })?;
    Ok(number)
}

const SET_STATE: &str = "UPDATE invoice SET state = $state WHERE id = $id AND state <> $state";

/// Changes where an invoice stands. Says whether that was a change.
pub fn set_state(tx: &mut Tx, id: InvoiceId, state: InvoiceState) -> Result<bool, RegistryError> {
    Ok(tx.execute(SET_STATE, params! { id, state })? > 0)
}

const BY_TXID: &str = "SELECT * FROM invoice WHERE pix_txid = $txid";

/// The invoice that a bank's notification speaks of.
pub fn by_txid(tx: &mut Tx, txid: &str) -> Result<Option<InvoiceRow>, RegistryError> {
    tx.row(BY_TXID, params! { txid })
}
