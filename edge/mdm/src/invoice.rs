//! Invoices: a stored plan, a number without gaps, a PIX code; issued once and never changed.

use std::sync::Arc;

use corrente_billing::{
    BillingInput, BillingPlan, Change, Measure, PlanKind, ProfileRevision, ReadingRevision,
    RegisterDifference, measure_with,
    pay::{febraban::BarCode, pix::StaticCode},
    plan, why_changed,
};
use corrente_metering::{
    Calendar, ChannelId, ChannelKind, Date, Direction, Span, Timestamp,
    assemble::{ChannelPart, register_at},
    id::{InvoiceId, PlanId, UsagePointId},
};
use corrente_registry::{
    Tx,
    customers::{self, Customer},
    invoices::{self, InvoiceRow, InvoiceState, Issued, NewInvoice},
    organisations::{self, Organisation},
    plans, profiles,
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
    /// What makes the difference to the invoice before.
    pub why: Option<Change>,
    /// What makes the difference to the invoice of a year earlier.
    pub why_last_year: Option<Change>,
    /// The day on which the meter is read next, as far as it can be said.
    pub next_reading: Date,
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
        self.store_invoice(&point, &period, &plan, now)
    }

    /// The final plan of a period, whose named revisions are those that were read: a late reading may
    /// come between the two, and then it is computed again with it.
    pub(crate) fn settled_plan(
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
            if before == self.revisions(point, period.span)?
                && before == plan.determinants.readings
                && plan.determinants.profiles == self.profile_revisions(point, period.span)?
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
        let tariffs = point.tariffs(&self.tariffs, period.span)?;
        self.final_plan_by(point, period, &tariffs)
    }

    /// The final plan of a period by these tariff versions.
    pub(crate) fn final_plan_by(
        &self,
        point: &Point,
        period: &BillingPeriod,
        tariffs: &[Arc<Tariff>],
    ) -> Result<BillingPlan, MdmError> {
        let span = period.span;
        if tariffs.is_empty() {
            return Err(MdmError::NoTariff { usage_point: point.row.name.clone() });
        }
        let import = self.billing_intervals(point, Direction::Import, span, tariffs)?;
        let import = self.settled(point, Direction::Import, &import, span)?;
        let feeds_in = point.channels.iter().any(|c| c.direction == Direction::Export);
        let export = if feeds_in {
            let pieces = self.billing_intervals(point, Direction::Export, span, tariffs)?;
            corrente_metering::assemble::profile(&pieces).intervals
        } else {
            Vec::new()
        };
        let tariffs: Vec<&Tariff> = tariffs.iter().map(AsRef::as_ref).collect();
        let table = self.tables.get(&point.calendar, &tariffs, span)?;
        let from = Measure {
            calendar: &point.calendar,
            tariffs: &tariffs,
            span,
            import: &import,
            export: &export,
            series: &[],
        };
        let mut determinants = measure_with(&table, &from)?;
        determinants.registers = self.registers(point, span)?;
        determinants.readings = self.revisions(point, span)?;
        determinants.profiles = self.profile_revisions(point, span)?;
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
        plan: &BillingPlan,
        now: Timestamp,
    ) -> Result<Issued, MdmError> {
        let issued = self.issued_at(now, period.span.end);
        let document = serde_json::to_string(plan)?;
        let digest = plan.inputs_digest.clone();
        let (row, calendar, span) = (point.row.clone(), point.calendar.clone(), period.span);
        let (energy, amount) = (Energy::from_wh(plan.totals.import_wh), plan.totals.total);
        self.registry.write_blocking(move |tx| {
            // Asked again inside the transaction: a number is only taken by an invoice that is made.
            if let Some(known) = invoices::of_period(tx, row.id, span)? {
                return Ok(Issued::Exists(known.id));
            }
            let plan = plans::insert(tx, row.id, &document, &digest, now)?;
            let bill = Bill { plan, span, issued, energy, amount };
            write_invoice(tx, &row, &calendar, &bill)
        })
    }

    /// The date of an invoice: now, and for one that is caught up with in simulated time the date on
    /// which it would have been issued.
    pub(crate) fn issued_at(&self, now: Timestamp, end: Timestamp) -> Timestamp {
        if self.clock.is_simulated() { now.min(end.plus(ISSUED_AFTER_SECONDS)) } else { now }
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

    /// Which versions of days a plan of this span uses, where they differ from what was read.
    fn profile_revisions(
        &self,
        point: &Point,
        span: Span,
    ) -> Result<Vec<ProfileRevision>, MdmError> {
        let calendar = &point.calendar;
        let (from, last) = (calendar.date(span.start), calendar.date_of_reading(span.end));
        let until = corrente_metering::calendar::next_day(last);
        if point.overlaid.range(from..until).next().is_none() {
            return Ok(Vec::new());
        }
        let id = point.row.id;
        let latest =
            self.registry.read_blocking(move |tx| profiles::latest(tx, id, from, until))?;
        Ok(latest
            .into_iter()
            .map(|stored| ProfileRevision { day: stored.day, version: stored.version })
            .collect())
    }

    /// Which revisions of the readings a plan of this span uses: with those around its two ends, which
    /// decide what a register showed there.
    fn revisions(&self, point: &Point, span: Span) -> Result<Vec<ReadingRevision>, MdmError> {
        let mut found: Vec<ReadingRevision> = Vec::new();
        for channel in &point.channels {
            let wanted = span.intersect(service(channel));
            if wanted.is_empty() {
                continue;
            }
            let wanted = self.with_neighbours(channel.channel, wanted)?;
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

    /// A span with the readings around its ends.
    pub(crate) fn with_neighbours(&self, channel: ChannelId, span: Span) -> Result<Span, MdmError> {
        let now = corrente_ledger::AsOf::Now;
        let before = empty_if_unknown(self.ledger.at_or_before(channel, span.start, now))?;
        let start = before.map_or(span.start, |reading| reading.end.plus(-1));
        if span.end == Timestamp::MAX {
            return Ok(Span::new(start, span.end));
        }
        let last = empty_if_unknown(self.ledger.at_or_before(channel, span.end, now))?;
        let end = match last {
            Some(last) if last.end == span.end => span.end,
            Some(_) | None => empty_if_unknown(self.ledger.after(channel, span.end, now))?
                .map_or(span.end, |after| after.end),
        };
        Ok(Span::new(start, end))
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
        let previous = older.iter().find(standing);
        let last_year =
            older.iter().filter(standing).find(|s| s.from.first_of_month() == year_before);
        let why = self.why(previous, &plan)?;
        let why_last_year = self.why(last_year, &plan)?;
        let (previous, last_year) =
            (previous.map(|s| s.invoice.amount), last_year.map(|s| s.invoice.amount));
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
            // Meters are read a month after they were read.
            next_reading: summary.until.saturating_add(1.month()),
            previous,
            last_year,
            why,
            why_last_year,
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

/// What an invoice carries out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bill {
    pub(crate) plan: PlanId,
    pub(crate) span: Span,
    pub(crate) issued: Timestamp,
    pub(crate) energy: Energy,
    pub(crate) amount: Money,
}

/// Writes an invoice with the next number. The number is taken in the same transaction, so that none is
/// left out and none is given twice, whoever else issues at the same time.
pub(crate) fn write_invoice(
    tx: &mut Tx,
    point: &UsagePoint,
    calendar: &Calendar,
    bill: &Bill,
) -> Result<Issued, MdmError> {
    if let Some(known) = invoices::overlapping(tx, point.id, bill.span)? {
        return Err(MdmError::BilledAlready { number: known.number });
    }
    let number = format!("{:06}", invoices::next_number(tx, point.organisation)?);
    let id = InvoiceId::from_uuid(uuid::Uuid::now_v7());
    let issuer = organisations::get(tx, point.organisation)?;
    let txid = txid(id);
    let due = calendar.date(bill.issued).saturating_add(DAYS_TO_PAY.days());
    let bar_code = issuer.as_ref().and_then(|issuer| bar_code(issuer, bill.amount, due, &number));
    let pix_payload = issuer.and_then(|issuer| pix_payload(&issuer, bill.amount, &txid));
    let new = NewInvoice {
        id,
        usage_point: point.id,
        plan: bill.plan,
        number,
        period: bill.span,
        issued: bill.issued,
        due,
        energy: Some(bill.energy),
        amount: bill.amount,
        currency: point.currency,
        pix_txid: pix_payload.is_some().then_some(txid),
        pix_payload,
        bar_code,
    };
    Ok(invoices::insert(tx, &new)?)
}

impl Mdm {
    /// What makes the difference of a plan to an earlier invoice.
    fn why(
        &self,
        before: Option<&InvoiceSummary>,
        plan: &BillingPlan,
    ) -> Result<Option<Change>, MdmError> {
        let Some(before) = before.map(|summary| summary.invoice.plan) else { return Ok(None) };
        let stored = self.registry.read_blocking(move |tx| plans::get(tx, before))?;
        let Some(stored) = stored else { return Ok(None) };
        let before: BillingPlan = serde_json::from_str(&stored.document)?;
        Ok(Some(why_changed(&before, plan)?))
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

/// The bar code of a bill for energy: segment 3, an amount under modulus 11; the company's own field is the
/// day of payment and the invoice's number.
fn bar_code(issuer: &Organisation, amount: Money, due: Date, number: &str) -> Option<String> {
    if amount <= Money::ZERO {
        return None;
    }
    let code = BarCode {
        segment: 3,
        value_id: 8,
        value: amount,
        company: issuer.febraban.clone()?,
        free: format!("{:04}{:02}{:02}{number:0>17}", due.year(), due.month(), due.day()),
    };
    code.digits()
        .inspect_err(|error| tracing::warn!(%error, "bar code of an invoice cannot be made"))
        .ok()
}
