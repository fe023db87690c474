//! Invoices: issued once, changed never but in their state. A correction is an invoice that names another
//! one; whoever asks for bills gets the corrected ones apart.

use std::cmp::Ordering;

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
    /// Paid, or nothing was owed, or its credit was taken off a bill.
    Paid,
    /// Its amount is below zero: the next bill takes it off.
    Credit,
}

words! { InvoiceState { Open = "open", Paid = "paid", Credit = "credit" } }

impl InvoiceState {
    /// Its word in the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Credit => "credit",
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
        /// The invoice that it corrects; nothing for a bill.
        corrects: Option<InvoiceId>,
        /// Why it was corrected, in the words of who did it.
        reason: Option<String>,
        /// Names and addresses as they stood when it was issued; nothing for one of before they were
        /// kept.
        facts: Option<serde_json::Value>,
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
    /// The invoice that it corrects, and why; nothing for a bill.
    pub corrects: Option<(InvoiceId, String)>,
    /// Names and addresses as they stand now.
    pub facts: serde_json::Value,
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
  AND period_end_s = $end_s AND corrects IS NULL";
const INSERT: &str = "\
INSERT INTO invoice (id, organisation, usage_point, customer, plan, number, period_start_s,
  period_end_s, issued_s, due, energy_wh, amount_minor, currency, state, pix_payload, pix_txid,
  bar_code, corrects, reason, facts)
SELECT $id, organisation, id,
  coalesce((SELECT customer FROM invoice WHERE id = $corrects), customer), $plan, $number, $start_s,
  $end_s, $issued, $due, $energy, $amount, $currency, $state, $pix_payload, $pix_txid, $bar_code,
  $corrects, $reason, $facts
FROM usage_point WHERE id = $usage_point";

/// Issues an invoice, once per usage point and period, or a correction of one; who owed the one owes the
/// other.
pub fn insert(tx: &mut Tx, new: &NewInvoice) -> Result<Issued, RegistryError> {
    let (start_s, end_s) = (new.period.start, new.period.end);
    if new.corrects.is_none()
        && let Some(known) = of_period(tx, new.usage_point, new.period)?
    {
        return Ok(Issued::Exists(known.id));
    }
    let state = match new.amount.cmp(&Money::ZERO) {
        Ordering::Less => InvoiceState::Credit,
        Ordering::Equal => InvoiceState::Paid,
        Ordering::Greater => InvoiceState::Open,
    };
    let (corrects, reason) = match &new.corrects {
        Some((id, reason)) => (Some(*id), Some(reason)),
        None => (None, None),
    };
    let made = tx.execute(
        INSERT,
        params! {
            id: new.id, usage_point: new.usage_point, plan: new.plan, number: new.number, start_s,
            end_s, issued: new.issued, due: new.due, energy: new.energy, amount: new.amount,
            currency: new.currency, pix_payload: new.pix_payload, pix_txid: new.pix_txid,
            bar_code: new.bar_code, state, corrects, reason, facts: new.facts
        },
    )?;
    if made == 0 {
        let name = new.usage_point.to_string();
        return Err(RegistryError::NotFound { kind: "usage point", name });
    }
    Ok(Issued::Issued(new.id))
}

/// The invoice of a usage point's period.
pub fn of_period(
    tx: &mut Tx,
    usage_point: UsagePointId,
    period: Span,
) -> Result<Option<InvoiceRow>, RegistryError> {
    tx.row(OF_PERIOD, params! { usage_point, start_s: period.start, end_s: period.end })
}

const OVERLAPPING: &str = "\
SELECT * FROM invoice WHERE usage_point = $usage_point AND corrects IS NULL
  AND period_start_s < $end_s AND period_end_s > $start_s ORDER BY period_start_s LIMIT 1";

/// An invoice of the usage point that bills a part of this span already.
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
SELECT * FROM invoice WHERE usage_point = $usage_point AND corrects IS NULL
ORDER BY period_start_s DESC, number DESC";

/// A usage point's invoices without corrections, the newest period first.
pub fn list(tx: &mut Tx, usage_point: UsagePointId) -> Result<Vec<InvoiceRow>, RegistryError> {
    tx.rows(LIST, params! { usage_point })
}

const LIST_ALL: &str = "\
SELECT * FROM invoice WHERE usage_point = $usage_point ORDER BY period_start_s DESC, id DESC";

/// A usage point's invoices and their corrections, the newest period first, in it the newest document.
pub fn list_all(tx: &mut Tx, usage_point: UsagePointId) -> Result<Vec<InvoiceRow>, RegistryError> {
    tx.rows(LIST_ALL, params! { usage_point })
}

const CORRECTIONS: &str = "SELECT * FROM invoice WHERE corrects = $id ORDER BY id";

/// The corrections of an invoice, in the order in which they were issued.
pub fn corrections(tx: &mut Tx, id: InvoiceId) -> Result<Vec<InvoiceRow>, RegistryError> {
    tx.rows(CORRECTIONS, params! { id })
}

row! {
    struct Earlier {
        document: String,
    }
}

const EARLIER_PLANS: &str = "\
SELECT p.document FROM invoice i
JOIN billing_plan p ON p.id = coalesce(
  (SELECT c.plan FROM invoice c WHERE c.corrects = i.id ORDER BY c.id DESC LIMIT 1), i.plan)
WHERE i.usage_point = $usage_point AND i.corrects IS NULL AND i.period_end_s <= $before_s
ORDER BY i.period_end_s DESC LIMIT $limit";

/// The plans of a usage point's last invoices that ended until an instant, the newest first, each as it was
/// corrected last.
pub fn earlier_plans(
    tx: &mut Tx,
    usage_point: UsagePointId,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<String>, RegistryError> {
    let rows: Vec<Earlier> =
        tx.rows(EARLIER_PLANS, params! { usage_point, before_s: before, limit })?;
    Ok(rows.into_iter().map(|row| row.document).collect())
}

const BY_NUMBER: &str =
    "SELECT * FROM invoice WHERE organisation = $organisation AND number = $number";

/// The document with this number.
pub fn by_number(
    tx: &mut Tx,
    organisation: OrganisationId,
    number: &str,
) -> Result<Option<InvoiceRow>, RegistryError> {
    tx.row(BY_NUMBER, params! { organisation, number })
}

row! {
    /// An invoice that was paid, with its last payment.
    pub struct PaidLate {
        /// The invoice.
        id: InvoiceId,
        /// Its number.
        number: String,
        /// Its plan.
        plan: PlanId,
        /// The last day of payment.
        due: Date,
        /// What was owed.
        amount: Money = "amount_minor",
        /// When it was paid last.
        last_payment: Timestamp = "paid_s",
    }
}

const PAID_LATE: &str = "\
SELECT i.id, i.number, i.plan, i.due, i.amount_minor, max(p.paid_s) AS paid_s
FROM invoice i JOIN payment p ON p.invoice = i.id
WHERE i.usage_point = $usage_point AND i.corrects IS NULL AND i.state = 'paid' AND p.paid_s <= $at
GROUP BY i.id, i.number, i.plan, i.due, i.amount_minor
ORDER BY i.due, i.number";

/// A usage point's bills that were paid until an instant, the oldest first, with their last payment: whether
/// that was late is a matter of the calendar.
pub fn paid_late(
    tx: &mut Tx,
    usage_point: UsagePointId,
    at: Timestamp,
) -> Result<Vec<PaidLate>, RegistryError> {
    tx.rows(PAID_LATE, params! { usage_point, at })
}

const OPEN_CREDITS: &str = "\
SELECT * FROM invoice i WHERE i.usage_point = $usage_point AND i.state = 'credit'
  AND i.issued_s <= $at
  AND NOT EXISTS (SELECT 1 FROM billed_item b WHERE b.invoice = i.id)
ORDER BY i.id";

/// Documents whose amount is below zero and that no bill has taken off yet, as things stood at an instant.
pub fn open_credits(
    tx: &mut Tx,
    usage_point: UsagePointId,
    at: Timestamp,
) -> Result<Vec<InvoiceRow>, RegistryError> {
    tx.rows(OPEN_CREDITS, params! { usage_point, at })
}

const BILL_ITEM: &str = "\
INSERT INTO billed_item (invoice, code, organisation, billed_by)
SELECT $about, $code, organisation, id FROM invoice WHERE id = $billed_by
ON CONFLICT (invoice, code) DO NOTHING";

/// Notes that a bill has an item about another document. Says whether no bill had it before.
pub fn bill_item(
    tx: &mut Tx,
    about: InvoiceId,
    code: &str,
    billed_by: InvoiceId,
) -> Result<bool, RegistryError> {
    Ok(tx.execute(BILL_ITEM, params! { about, code, billed_by })? > 0)
}

row! {
    struct BilledItem {
        code: String,
        billed_by: InvoiceId,
    }
}

const BILLED_ITEMS: &str = "SELECT * FROM billed_item WHERE invoice = $about";

/// Which items about a document stand on which bill.
pub fn billed_items(
    tx: &mut Tx,
    about: InvoiceId,
) -> Result<Vec<(String, InvoiceId)>, RegistryError> {
    let rows: Vec<BilledItem> = tx.rows(BILLED_ITEMS, params! { about })?;
    Ok(rows.into_iter().map(|row| (row.code, row.billed_by)).collect())
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
