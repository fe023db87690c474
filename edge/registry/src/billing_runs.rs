//! Billing runs: what is billed together, approved by people, and issued once.

use corrente_metering::{
    Date, Span, Timestamp,
    id::{BillingRunId, InvoiceId, OrganisationId, PlanId, UsagePointId},
};
use corrente_units::{Energy, Money};

use crate::{
    RegistryError, Tx,
    value::{params, row, words},
};

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunState {
    /// Its usage points were looked at; nothing is approved.
    Prepared,
    /// One person approved it, and its total needs a second one.
    Waiting,
    /// Approved: its plans are stored.
    Approved,
    /// Invoices are being issued.
    Issuing,
    /// Every approved plan has its invoice.
    Issued,
    /// Nothing in it changes any more.
    Closed,
}

words! {
    RunState {
        Prepared = "prepared", Waiting = "waiting", Approved = "approved", Issuing = "issuing",
        Issued = "issued", Closed = "closed"
    }
    ItemState { Ready = "ready", Exception = "exception", Held = "held", Issued = "issued" }
}

impl RunState {
    /// Its word in the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Issuing => "issuing",
            Self::Issued => "issued",
            Self::Closed => "closed",
        }
    }
}

/// Where a usage point stands in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ItemState {
    /// It can be billed.
    Ready,
    /// It cannot be billed; the reason says why.
    Exception,
    /// A person keeps it back.
    Held,
    /// It has its invoice.
    Issued,
}

impl ItemState {
    /// Its word in the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Exception => "exception",
            Self::Held => "held",
            Self::Issued => "issued",
        }
    }
}

row! {
    /// A run.
    pub struct Run {
        /// Its id.
        id: BillingRunId,
        /// Of which organisation.
        organisation: OrganisationId,
        /// What people call it.
        number: i64,
        /// The route; nothing for usage points without one.
        route: Option<String>,
        /// A closing bill of only this usage point.
        usage_point: Option<UsagePointId>,
        /// The first day billed.
        first: Date,
        /// The first day that is no longer billed.
        until: Date,
        /// Days of a whole period, when everything in the run is a part of one.
        whole_days: Option<i64>,
        /// Where it stands.
        state: RunState,
        /// Above this total two people approve.
        limit: Money = "limit_minor",
        /// What was approved.
        total: Option<Money> = "total_minor",
        /// When it was made, business time.
        created: Timestamp = "created_s",
        /// When it changed last.
        changed: Timestamp = "changed_s",
    }
}

row! {
    /// A usage point in a run.
    pub struct Item {
        /// The run.
        run: BillingRunId,
        /// The usage point.
        usage_point: UsagePointId,
        /// Where it stands.
        state: ItemState,
        /// Why it is held or an exception.
        reason: Option<String>,
        /// The period begins after this instant.
        start: Timestamp = "start_s",
        /// The period's last instant.
        end: Timestamp = "end_s",
        /// Days of a whole period, for a part of one.
        part_of_days: Option<i64>,
        /// Energy of the period.
        energy: Energy = "energy_wh",
        /// The part of it that is estimated.
        estimated: Energy = "estimated_wh",
        /// Open findings in the period.
        findings: i64,
        /// What the bill comes to.
        amount: Money = "amount_minor",
        /// The last invoice's amount.
        previous: Option<Money> = "previous_minor",
        /// The approved plan.
        plan: Option<PlanId>,
        /// The invoice.
        invoice: Option<InvoiceId>,
    }
}

impl Item {
    /// The period.
    pub fn period(&self) -> Span {
        Span::new(self.start, self.end)
    }
}

row! {
    /// Somebody's yes to a run.
    pub struct Approval {
        /// Who.
        person: String,
        /// The total that person saw.
        total: Money = "total_minor",
        /// When, business time.
        approved: Timestamp = "approved_s",
    }
}

/// What a new run is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// The route; nothing for usage points without one.
    pub route: Option<String>,
    /// A closing bill of only this usage point.
    pub usage_point: Option<UsagePointId>,
    /// The first day billed.
    pub first: Date,
    /// The first day that is no longer billed.
    pub until: Date,
    /// Days of a whole period, when everything in the run is a part of one.
    pub whole_days: Option<i64>,
    /// Above this total two people approve.
    pub limit: Money,
}

const INSERT: &str = "\
INSERT INTO billing_run (id, organisation, number, route, usage_point, first, until, whole_days,
  state, limit_minor, total_minor, created_s, changed_s)
SELECT $id, $organisation, coalesce(max(number), 0) + 1, $route, $usage_point, $first, $until,
  $whole_days, 'prepared', $limit, NULL, $now, $now
FROM billing_run WHERE organisation = $organisation";

/// Makes a run, with the next number of its organisation.
pub fn insert(tx: &mut Tx, new: &NewRun, now: Timestamp) -> Result<Run, RegistryError> {
    let id = BillingRunId::from_uuid(uuid::Uuid::now_v7());
    tx.execute(
        INSERT,
        params! {
            id, organisation: new.organisation, route: new.route, usage_point: new.usage_point,
            first: new.first, until: new.until, whole_days: new.whole_days, limit: new.limit, now
        },
    )?;
    get(tx, id)?.ok_or(RegistryError::Reference)
}

const GET: &str = "SELECT * FROM billing_run WHERE id = $id";

/// One run.
pub fn get(tx: &mut Tx, id: BillingRunId) -> Result<Option<Run>, RegistryError> {
    tx.row(GET, params! { id })
}

const BY_NUMBER: &str =
    "SELECT * FROM billing_run WHERE organisation = $organisation AND number = $number";

/// The run that people call by this number.
pub fn by_number(
    tx: &mut Tx,
    organisation: OrganisationId,
    number: i64,
) -> Result<Option<Run>, RegistryError> {
    tx.row(BY_NUMBER, params! { organisation, number })
}

const LIST: &str = "\
SELECT * FROM billing_run WHERE organisation = $organisation ORDER BY number DESC";

/// An organisation's runs, the newest first.
pub fn list(tx: &mut Tx, organisation: OrganisationId) -> Result<Vec<Run>, RegistryError> {
    tx.rows(LIST, params! { organisation })
}

row! {
    /// A run before another one, and what it came to.
    pub struct LastRun {
        /// What people call it.
        number: i64,
        /// The first day billed.
        first: Date,
        /// The first day that was no longer billed.
        until: Date,
        /// How many invoices it issued.
        bills: i64,
        /// What they came to.
        total: Money = "total_minor",
        /// Their energy.
        energy: Energy = "energy_wh",
    }
}

const LAST_RUN: &str = "\
SELECT r.number, r.first, r.until, count(*) AS bills, sum(i.amount_minor) AS total_minor,
  sum(i.energy_wh) AS energy_wh
FROM billing_run r JOIN billing_run_item i ON i.run = r.id AND i.state = 'issued'
WHERE r.organisation = $organisation AND r.number < $number AND r.usage_point IS NULL
  AND coalesce(r.route, '') = coalesce($route, '')
GROUP BY r.id, r.number, r.first, r.until ORDER BY r.number DESC LIMIT 1";

/// The last run of the same route before this one that issued something.
pub fn last_run(tx: &mut Tx, run: &Run) -> Result<Option<LastRun>, RegistryError> {
    let (organisation, number, route) = (run.organisation, run.number, &run.route);
    tx.row(LAST_RUN, params! { organisation, number, route })
}

const SET_STATE: &str = "\
UPDATE billing_run SET state = $state, total_minor = $total, changed_s = $now
WHERE id = $id AND state = $was";

/// Moves a run on from the state in which it was. Says whether it was in that state.
pub fn set_state(
    tx: &mut Tx,
    run: &Run,
    state: RunState,
    total: Option<Money>,
    now: Timestamp,
) -> Result<bool, RegistryError> {
    Ok(tx.execute(SET_STATE, params! { id: run.id, was: run.state, state, total, now })? > 0)
}

const PUT_ITEM: &str = "\
INSERT INTO billing_run_item (run, organisation, usage_point, state, reason, start_s, end_s,
  part_of_days, energy_wh, estimated_wh, findings, amount_minor, previous_minor, plan, invoice)
SELECT $run, organisation, $usage_point, $state, $reason, $start_s, $end_s, $part_of_days,
  $energy, $estimated, $findings, $amount, $previous, $plan, NULL
FROM billing_run WHERE id = $run
ON CONFLICT (run, usage_point) DO UPDATE SET state = $state, reason = $reason,
  start_s = $start_s, end_s = $end_s, part_of_days = $part_of_days, energy_wh = $energy,
  estimated_wh = $estimated, findings = $findings, amount_minor = $amount,
  previous_minor = $previous, plan = $plan
WHERE billing_run_item.state IN ('ready', 'exception')";

/// Puts what is known of a usage point into a run. What is held or issued stays as it is.
pub fn put_item(tx: &mut Tx, item: &Item) -> Result<(), RegistryError> {
    tx.execute(
        PUT_ITEM,
        params! {
            run: item.run, usage_point: item.usage_point, state: item.state, reason: item.reason,
            start_s: item.start, end_s: item.end, part_of_days: item.part_of_days,
            energy: item.energy, estimated: item.estimated, findings: item.findings,
            amount: item.amount, previous: item.previous, plan: item.plan
        },
    )?;
    Ok(())
}

const ITEMS: &str = "\
SELECT * FROM billing_run_item WHERE run = $run ORDER BY usage_point";

/// All usage points of a run.
pub fn items(tx: &mut Tx, run: BillingRunId) -> Result<Vec<Item>, RegistryError> {
    tx.rows(ITEMS, params! { run })
}

const NEXT_ITEMS: &str = "\
SELECT * FROM billing_run_item WHERE run = $run AND state = 'ready' AND plan IS NOT NULL
ORDER BY usage_point LIMIT $limit";

/// The next usage points whose approved plan has no invoice yet.
pub fn next_items(tx: &mut Tx, run: BillingRunId, limit: u32) -> Result<Vec<Item>, RegistryError> {
    tx.rows(NEXT_ITEMS, params! { run, limit })
}

const HOLD: &str = "\
UPDATE billing_run_item SET state = 'held', reason = $reason, plan = NULL
WHERE run = $run AND usage_point = $usage_point AND state IN ('ready', 'exception')";

/// Keeps a usage point back. Says whether that was a change.
pub fn hold(
    tx: &mut Tx,
    run: BillingRunId,
    usage_point: UsagePointId,
    reason: &str,
) -> Result<bool, RegistryError> {
    Ok(tx.execute(HOLD, params! { run, usage_point, reason })? > 0)
}

const RELEASE: &str = "\
UPDATE billing_run_item SET state = 'ready', reason = NULL
WHERE run = $run AND usage_point = $usage_point AND state = 'held'";

/// Lets a usage point that was kept back go on. Says whether that was a change.
pub fn release(
    tx: &mut Tx,
    run: BillingRunId,
    usage_point: UsagePointId,
) -> Result<bool, RegistryError> {
    Ok(tx.execute(RELEASE, params! { run, usage_point })? > 0)
}

const ISSUED: &str = "\
UPDATE billing_run_item SET state = 'issued', invoice = $invoice, reason = NULL
WHERE run = $run AND usage_point = $usage_point AND state = 'ready'";
const NOT_ISSUED: &str = "\
UPDATE billing_run_item SET state = 'exception', reason = $reason, plan = NULL
WHERE run = $run AND usage_point = $usage_point AND state = 'ready'";

/// Notes a usage point's invoice, in the transaction that makes it.
pub fn set_issued(tx: &mut Tx, item: &Item, invoice: InvoiceId) -> Result<(), RegistryError> {
    tx.execute(ISSUED, params! { run: item.run, usage_point: item.usage_point, invoice })?;
    Ok(())
}

/// Notes why a usage point got no invoice.
pub fn set_exception(tx: &mut Tx, item: &Item, reason: &str) -> Result<(), RegistryError> {
    tx.execute(NOT_ISSUED, params! { run: item.run, usage_point: item.usage_point, reason })?;
    Ok(())
}

const APPROVE: &str = "\
INSERT INTO billing_run_approval (run, organisation, person, total_minor, approved_s)
SELECT id, organisation, $person, $total, $now FROM billing_run WHERE id = $run
ON CONFLICT (run, person) DO NOTHING";

/// Adds a person's yes. Says whether it is that person's first one.
pub fn approve(
    tx: &mut Tx,
    run: BillingRunId,
    person: &str,
    total: Money,
    now: Timestamp,
) -> Result<bool, RegistryError> {
    Ok(tx.execute(APPROVE, params! { run, person, total, now })? > 0)
}

const APPROVALS: &str = "\
SELECT * FROM billing_run_approval WHERE run = $run ORDER BY approved_s, person";

/// Who approved a run.
pub fn approvals(tx: &mut Tx, run: BillingRunId) -> Result<Vec<Approval>, RegistryError> {
    tx.rows(APPROVALS, params! { run })
}

const WITHDRAW: &str = "DELETE FROM billing_run_approval WHERE run = $run";

/// Takes back all approvals and their plans: what was approved has changed.
pub fn withdraw(tx: &mut Tx, run: BillingRunId) -> Result<(), RegistryError> {
    tx.execute(WITHDRAW, params! { run })?;
    drop_plans(tx, run)
}

row! {
    struct Planned {
        plan: PlanId,
    }
}

const PLANNED: &str = "\
SELECT plan FROM billing_run_item WHERE run = $run AND state <> 'issued' AND plan IS NOT NULL";
const FORGET_PLANS: &str =
    "UPDATE billing_run_item SET plan = NULL WHERE run = $run AND state <> 'issued'";
const DROP_PLAN: &str = "\
DELETE FROM billing_plan WHERE id = $plan
  AND NOT EXISTS (SELECT 1 FROM invoice WHERE plan = $plan)
  AND NOT EXISTS (SELECT 1 FROM billing_run_item WHERE plan = $plan)";

/// Forgets the plans of a run that no invoice carries out.
pub fn drop_plans(tx: &mut Tx, run: BillingRunId) -> Result<(), RegistryError> {
    let plans: Vec<Planned> = tx.rows(PLANNED, params! { run })?;
    tx.execute(FORGET_PLANS, params! { run })?;
    for planned in plans {
        tx.execute(DROP_PLAN, params! { plan: planned.plan })?;
    }
    Ok(())
}

row! {
    struct Last {
        usage_point: UsagePointId,
        end: Timestamp = "period_end_s",
        amount: Money = "amount_minor",
    }
}

const LAST_INVOICES: &str = "\
SELECT i.usage_point, i.period_end_s, i.amount_minor FROM invoice i
JOIN (
  SELECT usage_point, max(period_end_s) AS last FROM invoice
  WHERE organisation = $organisation AND corrects IS NULL AND period_end_s < $before_s
  GROUP BY usage_point
) l ON l.usage_point = i.usage_point AND l.last = i.period_end_s
WHERE i.corrects IS NULL";

/// End and amount of each usage point's last invoice that ended before an instant.
pub fn last_invoices(
    tx: &mut Tx,
    organisation: OrganisationId,
    before: Timestamp,
) -> Result<Vec<(UsagePointId, Timestamp, Money)>, RegistryError> {
    let rows: Vec<Last> = tx.rows(LAST_INVOICES, params! { organisation, before_s: before })?;
    Ok(rows.into_iter().map(|row| (row.usage_point, row.end, row.amount)).collect())
}

const SET_ROUTE: &str = "UPDATE usage_point SET route = $route WHERE id = $usage_point";

/// Puts a usage point on a route, or takes it from any.
pub fn set_route(
    tx: &mut Tx,
    usage_point: UsagePointId,
    route: Option<&str>,
) -> Result<(), RegistryError> {
    if tx.execute(SET_ROUTE, params! { usage_point, route })? == 0 {
        return Err(RegistryError::NotFound { kind: "usage point", name: usage_point.to_string() });
    }
    Ok(())
}

row! {
    struct Findings {
        usage_point: UsagePointId,
        count: i64 = "open_findings",
    }
}

const OPEN_FINDINGS: &str = "\
SELECT usage_point, count(*) AS open_findings FROM finding
WHERE organisation = $organisation AND state = 'open' AND usage_point IS NOT NULL
  AND from_s < $end_s AND until_s > $start_s
GROUP BY usage_point";

/// How many open findings each usage point has in a span.
pub fn open_findings(
    tx: &mut Tx,
    organisation: OrganisationId,
    span: Span,
) -> Result<Vec<(UsagePointId, i64)>, RegistryError> {
    let (start_s, end_s) = (span.start, span.end);
    let rows: Vec<Findings> = tx.rows(OPEN_FINDINGS, params! { organisation, start_s, end_s })?;
    Ok(rows.into_iter().map(|row| (row.usage_point, row.count)).collect())
}
