//! Invoices: a stored plan, a number without gaps, a PIX code; issued once and never changed.

use std::sync::Arc;

use corrente_billing::{
    BillingInput, BillingPlan, Measure, PlanKind, ReadingRevision, RegisterDifference, measure,
    pay::pix::StaticCode, plan,
};
use corrente_metering::{
    ChannelKind, Date, Direction, Span, Timestamp,
    assemble::{ChannelPart, register_at},
    id::{InvoiceId, UsagePointId},
};
use corrente_registry::{
    Tx,
    customers::{self, Customer},
    invoices::{self, InvoiceRow, InvoiceState, Issued, NewInvoice},
    organisations::{self, Organisation},
    plans,
    usage_points::{self, UsagePoint},
};
use corrente_tariff::Tariff;
use corrente_units::{Decimal, Energy, Money};
use jiff::ToSpan as _;

use crate::{
    Mdm, MdmError,
    period::BillingPeriod,
    point::Point,
    series::{empty_if_unknown, service},
    usage::percent,
};

/// Days from issue to the last day of payment: more than the five working days that REN 1000/2021
/// art. 337 asks for at least.
const DAYS_TO_PAY: i64 = 12;
/// An invoice that is caught up with in simulated time is dated as if it had been issued in time.
const ISSUED_AFTER_SECONDS: i64 = 30 * 3600;

/// An invoice in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct InvoiceSummary {
    /// The invoice.
    pub invoice: InvoiceRow,
    /// The first civil day.
    pub from: Date,
    /// The first civil day after the period.
    pub until: Date,
    /// Civil days of the period.
    pub days: i64,
    /// By how many percent its amount is above the one before.
    pub change_percent: Option<Decimal>,
}

/// One invoice with all that is printed on it.
#[derive(Clone, Debug, PartialEq)]
pub struct InvoiceDetail {
    /// The invoice.
    pub summary: InvoiceSummary,
    /// The plan that it carries out.
    pub plan: BillingPlan,
    /// The usage point.
    pub usage_point: UsagePoint,
    /// Who owes it.
    pub customer: Option<Customer>,
    /// Who issued it.
    pub issuer: Organisation,
    /// The registers at both ends.
    pub meterage: Option<Meterage>,
    /// The last thirteen months, the oldest first: first day, energy, amount.
    pub history: Vec<(Date, Option<Energy>, Money)>,
    /// The invoice before.
    pub previous: Option<Money>,
    /// The invoice of the same month a year earlier.
    pub last_year: Option<Money>,
}

/// A meter's registers at both ends of a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meterage {
    /// The meter's serial number.
    pub serial: String,
    /// When it was read at the beginning.
    pub start_at: Timestamp,
    /// The register then.
    pub start: Energy,
    /// When it was read at the end.
    pub end_at: Timestamp,
    /// The register then.
    pub end: Energy,
}

impl Mdm {
    /// Issues the invoice of a month, given by any of its days. A month that has an invoice answers
    /// [`Issued::Exists`] and nothing is changed.
    ///
    /// # Errors
    /// [`MdmError::NotYet`] while the month runs or its readings have not all come.
    pub fn issue_invoice(&self, id: UsagePointId, month: Date) -> Result<Issued, MdmError> {
        let point = self.point(id)?;
        let known = self
            .known_span(&point, Direction::Import)?
            .ok_or_else(|| MdmError::NotYet { reason: "there is no reading yet".to_owned() })?;
        let period = BillingPeriod::of_month(&point.calendar, month.first_of_month(), known.start);
        let span = period.span;
        if let Some(known) =
            self.registry.read_blocking(move |tx| invoices::of_period(tx, id, span))?
        {
            return Ok(Issued::Exists(known.id));
        }
        let now = self.clock.now();
        if now < span.end {
            return Err(MdmError::NotYet { reason: "the period is not over".to_owned() });
        }
        if known.end < span.end {
            return Err(MdmError::NotYet {
                reason: format!("the last reading is of {}", point.calendar.rfc3339(known.end)),
            });
        }
        let plan = self.settled_plan(&point, &period, now)?;
        self.store_invoice(&point, &period, plan, now)
    }

    /// The final plan of a period, whose named revisions are those that were read: a late reading may
    /// come between the two, and then it is computed again with it.
    fn settled_plan(
        &self,
        point: &Point,
        period: &BillingPeriod,
        now: Timestamp,
    ) -> Result<BillingPlan, MdmError> {
        // Only sealed days have a revision that a plan can name.
        self.ledger.seal_until(now)?;
        loop {
            let before = self.revisions(point, period.span)?;
            let plan = self.final_plan(point, period)?;
            self.ledger.seal_until(now)?;
            if before == self.revisions(point, period.span)? && before == plan.determinants.readings
            {
                return Ok(plan);
            }
        }
    }

    /// The final plan of a period by what is known now.
    pub(crate) fn final_plan(
        &self,
        point: &Point,
        period: &BillingPeriod,
    ) -> Result<BillingPlan, MdmError> {
        let span = period.span;
        let tariffs: Vec<Arc<Tariff>> = point.tariffs(&self.tariffs, span)?;
        if tariffs.is_empty() {
            return Err(MdmError::NoTariff { usage_point: point.row.name.clone() });
        }
        let import = self.billing_intervals(point, Direction::Import, span, &tariffs)?;
        let import = self.settled(point, Direction::Import, &import, span)?;
        let feeds_in = point.channels.iter().any(|c| c.direction == Direction::Export);
        let export = if feeds_in {
            let pieces = self.billing_intervals(point, Direction::Export, span, &tariffs)?;
            corrente_metering::assemble::profile(&pieces).intervals
        } else {
            Vec::new()
        };
        let tariffs: Vec<&Tariff> = tariffs.iter().map(AsRef::as_ref).collect();
        let mut determinants = measure(&Measure {
            calendar: &point.calendar,
            tariffs: &tariffs,
            span,
            import: &import,
            export: &export,
            series: &[],
        })?;
        determinants.registers = self.registers(point, span)?;
        determinants.readings = self.revisions(point, span)?;
        Ok(plan(&BillingInput {
            kind: PlanKind::Final,
            calendar: &point.calendar,
            tariffs: &tariffs,
            determinants,
            inputs: point.inputs(period.part_of_days),
        })?)
    }

    fn store_invoice(
        &self,
        point: &Point,
        period: &BillingPeriod,
        plan: BillingPlan,
        now: Timestamp,
    ) -> Result<Issued, MdmError> {
        let issued = if self.clock.is_simulated() {
            now.min(period.span.end.plus(ISSUED_AFTER_SECONDS))
        } else {
            now
        };
        let due = point.calendar.date(issued).saturating_add(DAYS_TO_PAY.days());
        let document = serde_json::to_string(&plan)?;
        let (id, span) = (point.row.id, period.span);
        let organisation = point.row.organisation;
        let (digest, totals, currency) = (plan.inputs_digest, plan.totals, plan.currency);
        self.registry.write_blocking(move |tx| {
            // Asked again inside the transaction: a number is only taken by an invoice that is made.
            if let Some(known) = invoices::of_period(tx, id, span)? {
                return Ok(Issued::Exists(known.id));
            }
            let plan = plans::insert(tx, id, &document, &digest, now)?;
            let number = format!("{:06}", invoices::next_number(tx, organisation)?);
            let invoice = InvoiceId::from_uuid(uuid::Uuid::now_v7());
            let issuer = organisations::get(tx, organisation)?;
            let txid = txid(invoice);
            let pix_payload = issuer.and_then(|issuer| pix_payload(&issuer, totals.total, &txid));
            let new = NewInvoice {
                id: invoice,
                usage_point: id,
                plan,
                number,
                period: span,
                issued,
                due,
                energy: Some(Energy::from_wh(totals.import_wh)),
                amount: totals.total,
                currency,
                pix_txid: pix_payload.is_some().then_some(txid),
                pix_payload,
            };
            invoices::insert(tx, &new).map_err(MdmError::from)
        })
    }

    /// The registers at both ends of the span, of each register that was there.
    fn registers(&self, point: &Point, span: Span) -> Result<Vec<RegisterDifference>, MdmError> {
        let mut found = Vec::new();
        for channel in point.channels.iter().filter(|c| c.spec.kind == ChannelKind::Register) {
            let service = service(channel);
            let wanted = span.intersect(service);
            if wanted.is_empty() {
                continue;
            }
            let readings =
                self.readings_for(point, channel, service, &[wanted.start, wanted.end])?;
            let (Some(first), Some(last)) = (readings.first(), readings.last()) else { continue };
            let (start_at, end_at) = (wanted.start.max(first.end), wanted.end.min(last.end));
            let part = ChannelPart {
                kind: ChannelKind::Register,
                service,
                max_gap_seconds: channel.reporting_seconds.saturating_mul(2).max(1800),
                interval_seconds: None,
                rolls_over_at: None,
                readings,
            };
            let (Some((start, a)), Some((end, b))) =
                (register_at(&part, start_at), register_at(&part, end_at))
            else {
                continue;
            };
            found.push(RegisterDifference {
                meter: channel.serial.clone(),
                export: channel.direction == Direction::Export,
                start_at,
                start,
                end_at,
                end,
                estimated: a != corrente_metering::Quality::Measured
                    || b != corrente_metering::Quality::Measured,
            });
        }
        Ok(found)
    }

    /// Which revisions of the readings a plan of this span uses.
    fn revisions(&self, point: &Point, span: Span) -> Result<Vec<ReadingRevision>, MdmError> {
        let mut found: Vec<ReadingRevision> = Vec::new();
        for channel in &point.channels {
            let wanted = span.intersect(service(channel));
            if wanted.is_empty() {
                continue;
            }
            for day in empty_if_unknown(self.ledger.revisions(channel.channel, wanted))?.0 {
                let number = channel.channel.number();
                let (day, revision) = (i64::from(day.day), u64::from(day.revision));
                match found.last_mut() {
                    Some(last)
                        if last.channel == number
                            && last.revision == revision
                            && last.last_day + 1 == day =>
                    {
                        last.last_day = day;
                    }
                    _ => found.push(ReadingRevision {
                        channel: number,
                        first_day: day,
                        last_day: day,
                        revision,
                        digest: None,
                    }),
                }
            }
        }
        Ok(found)
    }

    /// A usage point's invoices, the newest first.
    ///
    /// # Errors
    /// When the registry fails.
    pub fn invoices(&self, id: UsagePointId) -> Result<Vec<InvoiceSummary>, MdmError> {
        let point = self.point(id)?;
        let rows = self.registry.read_blocking(move |tx| invoices::list(tx, id))?;
        Ok(summaries(&point, rows))
    }

    /// One invoice with all that is printed on it; nothing when there is no such invoice.
    ///
    /// # Errors
    /// When the registry fails.
    pub fn invoice(&self, id: InvoiceId) -> Result<Option<InvoiceDetail>, MdmError> {
        let found = self.registry.read_blocking(move |tx| load(tx, id))?;
        let Some((row, rows, plan, usage_point, customer, issuer)) = found else {
            return Ok(None);
        };
        let point = self.point(row.usage_point)?;
        let plan: BillingPlan = serde_json::from_str(&plan)?;
        let all = summaries(&point, rows);
        let Some(at) = all.iter().position(|s| s.invoice.id == id) else { return Ok(None) };
        let standing = |s: &&InvoiceSummary| s.invoice.state != InvoiceState::Cancelled;
        let older = all.get(at + 1..).unwrap_or_default();
        let summary = all[at].clone();
        let year_before = summary.from.first_of_month().saturating_sub(1.year());
        let last_year = older
            .iter()
            .filter(standing)
            .find(|s| s.from.first_of_month() == year_before)
            .map(|s| s.invoice.amount);
        let mut history: Vec<_> = all
            .get(at..)
            .unwrap_or_default()
            .iter()
            .filter(standing)
            .take(13)
            .map(|s| (s.from.first_of_month(), s.invoice.energy, s.invoice.amount))
            .collect();
        history.reverse();
        let meterage = plan.determinants.registers.iter().find(|r| !r.export).map(|r| Meterage {
            serial: r.meter.clone(),
            start_at: r.start_at,
            start: r.start,
            end_at: r.end_at,
            end: r.end,
        });
        Ok(Some(InvoiceDetail {
            previous: older.iter().find(standing).map(|s| s.invoice.amount),
            last_year,
            history,
            meterage,
            summary,
            plan,
            usage_point,
            customer,
            issuer,
        }))
    }
}

type Loaded = (InvoiceRow, Vec<InvoiceRow>, String, UsagePoint, Option<Customer>, Organisation);

fn load(tx: &mut Tx, id: InvoiceId) -> Result<Option<Loaded>, MdmError> {
    let Some(row) = invoices::get(tx, id)? else { return Ok(None) };
    let missing = |kind| MdmError::NotFound { kind, id: id.to_string() };
    let plan = plans::get(tx, row.plan)?.ok_or_else(|| missing("plan of the invoice"))?;
    let point = usage_points::get(tx, row.usage_point)?
        .ok_or_else(|| missing("usage point of the invoice"))?;
    let issuer = organisations::get(tx, row.organisation)?
        .ok_or_else(|| missing("issuer of the invoice"))?;
    let customer = match row.customer {
        Some(customer) => customers::get(tx, customer)?,
        None => None,
    };
    let rows = invoices::list(tx, row.usage_point)?;
    Ok(Some((row, rows, plan.document, point, customer, issuer)))
}

fn summaries(point: &Point, rows: Vec<InvoiceRow>) -> Vec<InvoiceSummary> {
    let calendar = &point.calendar;
    let amounts: Vec<(InvoiceState, Money)> = rows.iter().map(|r| (r.state, r.amount)).collect();
    rows.into_iter()
        .enumerate()
        .map(|(n, invoice)| {
            let from = calendar.date(invoice.period_start);
            let until =
                corrente_metering::calendar::next_day(calendar.date_of_reading(invoice.period_end));
            let before = amounts
                .get(n + 1..)
                .unwrap_or_default()
                .iter()
                .find(|(state, _)| *state != InvoiceState::Cancelled)
                .map(|(_, amount)| amount.minor());
            InvoiceSummary {
                change_percent: percent(Some(invoice.amount.minor()), before),
                days: i64::from((until - from).get_days()),
                from,
                until,
                invoice,
            }
        })
        .collect()
}

/// The bank's name for the payment: 25 letters and digits, the most that a static code allows, out of
/// the random end of the invoice's id.
fn txid(id: InvoiceId) -> String {
    let hex = id.uuid().simple().to_string().to_uppercase();
    hex.get(hex.len().saturating_sub(25)..).unwrap_or_default().to_owned()
}

fn pix_payload(issuer: &Organisation, amount: Money, txid: &str) -> Option<String> {
    if amount <= Money::ZERO {
        return None;
    }
    let code = StaticCode {
        key: issuer.pix_key.clone()?,
        name: issuer.pix_payee.clone().unwrap_or_else(|| issuer.name.clone()),
        city: issuer.pix_city.clone()?,
        amount: Some(amount),
        txid: Some(txid.to_owned()),
        info: None,
    };
    code.build()
        .inspect_err(|error| tracing::warn!(%error, "pix code of an invoice cannot be made"))
        .ok()
}
