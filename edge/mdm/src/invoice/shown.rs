//! Invoices as they are shown: with what they are compared with, and with their corrections.

use std::sync::Arc;

use corrente_billing::{BillingPlan, Change, why_changed};
use corrente_metering::{
    Date, Span, Timestamp,
    id::{InvoiceId, PlanId, UsagePointId},
};
use corrente_registry::{
    Tx,
    customers::{self, Customer},
    invoices::{self, InvoiceRow},
    organisations::{self, Organisation},
    plans,
    usage_points::{self, UsagePoint},
};
use corrente_tariff::Tariff;
use corrente_units::{Decimal, Energy, Money, OutOfRange};

use super::facts::{self, IssuedFacts};
use crate::{
    Mdm, MdmError,
    correction::{Corrected, line_differences},
    period::{are_comparable, civil_days},
    point::Point,
    usage::percent,
};

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
    /// By how many percent its amount is above the one before; nothing where that was for so many
    /// fewer days (a first bill) or more that it says nothing.
    pub change_percent: Option<Decimal>,
    /// Its corrections, in the order in which they were issued.
    pub corrections: Vec<InvoiceRow>,
}

/// One invoice with all that is printed on it.
#[derive(Clone, Debug, PartialEq)]
pub struct InvoiceDetail {
    /// The invoice.
    pub summary: InvoiceSummary,
    /// The plan that it carries out.
    pub plan: BillingPlan,
    /// The usage point, as it was when the invoice was issued.
    pub usage_point: UsagePoint,
    /// Who owes it.
    pub customer: Option<Customer>,
    /// Who issued it.
    pub issuer: Organisation,
    /// The registers at both ends, one for each meter that was there.
    pub meterages: Vec<Meterage>,
    /// The last thirteen months as they stood when it was issued, the oldest first: first day, energy,
    /// amount.
    pub history: Vec<(Date, Option<Energy>, Money)>,
    /// The invoice before; nothing for a correction.
    pub previous: Option<Money>,
    /// The invoice of the same month a year earlier; nothing for a correction.
    pub last_year: Option<Money>,
    /// What makes the difference to the invoice before.
    pub why: Option<Change>,
    /// What makes the difference to the invoice of a year earlier.
    pub why_last_year: Option<Change>,
    /// The day on which the meter is read next, as far as it can be said.
    pub next_reading: Date,
    /// The document's template.
    pub template: u32,
    /// What it corrects; nothing for a bill.
    pub corrected: Option<Corrected>,
    /// The flags of the period, also those without a surcharge: name, first day, first day without it.
    pub flags: Vec<(String, Date, Date)>,
    /// The key that an NF3e of it would have.
    pub nf3e_key: Option<String>,
}

/// A meter's registers at both ends of its part of a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meterage {
    /// The meter's serial number.
    pub serial: String,
    /// Energy into the grid instead of from it.
    pub export: bool,
    /// When it was read at the beginning.
    pub start_at: Timestamp,
    /// The register then.
    pub start: Energy,
    /// When it was read at the end.
    pub end_at: Timestamp,
    /// The register then.
    pub end: Energy,
    /// One of both readings is an estimate.
    pub estimated: bool,
    /// What the difference is multiplied by; 1 without transformers.
    pub constant: Decimal,
    /// The energy between both readings; nothing when it does not fit.
    pub energy: Option<Energy>,
}

/// A bill as it stood when another document was issued.
struct Standing {
    from: Date,
    plan: PlanId,
    energy: Option<Energy>,
    amount: Money,
}

impl Mdm {
    /// A usage point's invoices with their corrections, the newest first.
    ///
    /// # Errors
    /// When the registry fails.
    pub fn invoices(&self, id: UsagePointId) -> Result<Vec<InvoiceSummary>, MdmError> {
        let point = self.point(id)?;
        let rows = self.registry.read_blocking(move |tx| invoices::list_all(tx, id))?;
        Ok(summaries(&point, &rows))
    }

    /// One invoice with all that is printed on it; nothing when there is no such invoice.
    ///
    /// # Errors
    /// When the registry fails.
    pub fn invoice(&self, id: InvoiceId) -> Result<Option<InvoiceDetail>, MdmError> {
        let found = self.registry.read_blocking(move |tx| load(tx, id))?;
        let Some(Loaded { row, rows, plan, mut usage_point, mut customer, mut issuer }) = found
        else {
            return Ok(None);
        };
        let point = self.point(row.usage_point)?;
        let plan: BillingPlan = serde_json::from_str(&plan)?;
        let issued: Option<IssuedFacts> = match &row.facts {
            Some(facts) if !facts.is_null() => Some(serde_json::from_value(facts.clone())?),
            _ => None,
        };
        if let Some(issued) = &issued {
            issued.apply(&mut usage_point, &mut customer, &mut issuer);
        }
        let summary = match row.corrects {
            None => summaries(&point, &rows).into_iter().find(|s| s.invoice.id == id),
            Some(_) => Some(summary(&point, &row, &[])),
        };
        let Some(summary) = summary else { return Ok(None) };
        let older = standing(&point, &rows, &row)?;
        let year_before = summary.from.first_of_month().saturating_sub(jiff::ToSpan::year(1));
        // A correction is a difference: beside whole bills it says nothing.
        let compared = |_: &&Standing| row.corrects.is_none();
        let previous = older.first().filter(compared);
        let last_year =
            older.iter().find(|s| s.from.first_of_month() == year_before).filter(compared);
        let mut history: Vec<_> =
            older.iter().take(12).map(|s| (s.from.first_of_month(), s.energy, s.amount)).collect();
        history.reverse();
        let energy = Some(Energy::from_wh(plan.totals.import_wh));
        history.push((summary.from.first_of_month(), energy, plan.totals.total));
        let corrected = match row.corrects {
            None => None,
            Some(of) => self.what_was_corrected(of, &rows, &row, &plan)?,
        };
        Ok(Some(InvoiceDetail {
            next_reading: issued.as_ref().map_or_else(
                || facts::next_reading(&point.calendar, row.period(), plan.inputs.part_of_days),
                |issued| issued.next_reading,
            ),
            template: issued.as_ref().map_or(facts::TEMPLATE, |issued| issued.template),
            nf3e_key: issued.and_then(|issued| issued.nf3e_key),
            flags: flags(&plan, &self.tariffs_of(row.organisation, &plan)?),
            why: self.why(previous, &plan)?,
            why_last_year: self.why(last_year, &plan)?,
            previous: previous.map(|s| s.amount),
            last_year: last_year.map(|s| s.amount),
            meterages: plan.determinants.registers.iter().map(meterage).collect(),
            history,
            summary,
            plan,
            usage_point,
            customer,
            issuer,
            corrected,
        }))
    }

    /// What a correction changed: the difference to the plan that stood before it.
    fn what_was_corrected(
        &self,
        of: InvoiceId,
        rows: &[InvoiceRow],
        row: &InvoiceRow,
        plan: &BillingPlan,
    ) -> Result<Option<Corrected>, MdmError> {
        let Some(bill) = rows.iter().find(|other| other.id == of) else { return Ok(None) };
        let before = rows
            .iter()
            .filter(|other| other.corrects == Some(of) && before(other, row))
            .max_by_key(|other| serial(other))
            .unwrap_or(bill);
        let Some(stood) = self.stored_plan(before.plan)? else { return Ok(None) };
        Ok(Some(Corrected {
            invoice: bill.id,
            number: bill.number.clone(),
            reason: row.reason.clone().unwrap_or_default(),
            before: stood.totals.total,
            after: plan.totals.total,
            lines: line_differences(&stood, plan)?,
        }))
    }

    /// What makes the difference of a plan to an earlier invoice.
    fn why(
        &self,
        before: Option<&Standing>,
        plan: &BillingPlan,
    ) -> Result<Option<Change>, MdmError> {
        let Some(before) = before else { return Ok(None) };
        let Some(before) = self.stored_plan(before.plan)? else { return Ok(None) };
        Ok(Some(why_changed(&before, plan)?))
    }

    /// A stored plan.
    pub(crate) fn stored_plan(&self, id: PlanId) -> Result<Option<BillingPlan>, MdmError> {
        let stored = self.registry.read_blocking(move |tx| plans::get(tx, id))?;
        Ok(stored.map(|stored| serde_json::from_str(&stored.document)).transpose()?)
    }
}

/// The flags of a plan's days, from the calendars of its tariff versions.
fn flags(plan: &BillingPlan, versions: &[Arc<Tariff>]) -> Vec<(String, Date, Date)> {
    let mut found: Vec<(String, Date, Date)> = Vec::new();
    for portion in &plan.tariffs {
        let Some(tariff) = versions.iter().find(|t| t.digest() == portion.digest) else {
            continue;
        };
        for charge in &tariff.file().flag {
            let mut steps: Vec<_> = charge.calendar.iter().collect();
            steps.sort_by_key(|step| step.from.0);
            for (n, step) in steps.iter().enumerate() {
                let next = steps.get(n + 1).map_or(portion.until, |next| next.from.0);
                let (first, until) = (step.from.0.max(portion.first), next.min(portion.until));
                if first >= until {
                    continue;
                }
                match found.last_mut().filter(|last| last.0 == step.flag && last.2 == first) {
                    Some(last) => last.2 = until,
                    None => found.push((step.flag.clone(), first, until)),
                }
            }
        }
    }
    found
}

/// An invoice's number as a number: they are given in the order of issue.
fn serial(row: &InvoiceRow) -> u64 {
    row.number.parse().unwrap_or(u64::MAX)
}

fn before(one: &InvoiceRow, other: &InvoiceRow) -> bool {
    serial(one) < serial(other)
}

/// The bills of earlier periods as they stood when this document was issued, the newest first.
fn standing(
    point: &Point,
    rows: &[InvoiceRow],
    document: &InvoiceRow,
) -> Result<Vec<Standing>, OutOfRange> {
    let mut found = Vec::new();
    let earlier = |row: &&InvoiceRow| {
        row.corrects.is_none() && row.period_end <= document.period_start && before(row, document)
    };
    for bill in rows.iter().filter(earlier) {
        let mut stands = Standing {
            from: point.calendar.date(bill.period_start),
            plan: bill.plan,
            energy: bill.energy,
            amount: bill.amount,
        };
        let mut corrections: Vec<&InvoiceRow> = rows
            .iter()
            .filter(|row| row.corrects == Some(bill.id) && before(row, document))
            .collect();
        corrections.sort_by_key(|row| serial(row));
        for correction in corrections {
            stands.plan = correction.plan;
            stands.amount = stands.amount.checked_add(correction.amount)?;
            stands.energy = match (stands.energy, correction.energy) {
                (Some(energy), Some(more)) => Some(energy.checked_add(more)?),
                (energy, _) => energy,
            };
        }
        found.push(stands);
    }
    Ok(found)
}

fn meterage(register: &corrente_billing::RegisterDifference) -> Meterage {
    Meterage {
        serial: register.meter.clone(),
        export: register.export,
        start_at: register.start_at,
        start: register.start,
        end_at: register.end_at,
        end: register.end,
        estimated: register.estimated,
        constant: register.constant.unwrap_or(Decimal::ONE),
        energy: register.energy(),
    }
}

struct Loaded {
    row: InvoiceRow,
    rows: Vec<InvoiceRow>,
    plan: String,
    usage_point: UsagePoint,
    customer: Option<Customer>,
    issuer: Organisation,
}

fn load(tx: &mut Tx, id: InvoiceId) -> Result<Option<Loaded>, MdmError> {
    let Some(row) = invoices::get(tx, id)? else { return Ok(None) };
    let missing = |kind| MdmError::NotFound { kind, id: id.to_string() };
    let plan = plans::get(tx, row.plan)?.ok_or_else(|| missing("plan of the invoice"))?;
    let usage_point = usage_points::get(tx, row.usage_point)?
        .ok_or_else(|| missing("usage point of the invoice"))?;
    let issuer = organisations::get(tx, row.organisation)?
        .ok_or_else(|| missing("issuer of the invoice"))?;
    let customer = match row.customer {
        Some(customer) => customers::get(tx, customer)?,
        None => None,
    };
    let rows = invoices::list_all(tx, row.usage_point)?;
    Ok(Some(Loaded { row, rows, plan: plan.document, usage_point, customer, issuer }))
}

/// The bills among the rows, each with its corrections and its change against the one before.
fn summaries(point: &Point, rows: &[InvoiceRow]) -> Vec<InvoiceSummary> {
    let bills: Vec<&InvoiceRow> = rows.iter().filter(|row| row.corrects.is_none()).collect();
    bills
        .iter()
        .enumerate()
        .map(|(n, bill)| {
            let shown = summary(point, bill, rows);
            let before = bills
                .get(n + 1)
                .filter(|before| are_comparable(days_of(point, before), shown.days))
                .map(|before| before.amount.minor());
            InvoiceSummary { change_percent: percent(Some(bill.amount.minor()), before), ..shown }
        })
        .collect()
}

fn days_of(point: &Point, row: &InvoiceRow) -> i64 {
    civil_days(&point.calendar, Span::new(row.period_start, row.period_end))
}

fn summary(point: &Point, row: &InvoiceRow, rows: &[InvoiceRow]) -> InvoiceSummary {
    let calendar = &point.calendar;
    let from = calendar.date(row.period_start);
    let until = corrente_metering::calendar::next_day(calendar.date_of_reading(row.period_end));
    let mut corrections: Vec<InvoiceRow> =
        rows.iter().filter(|other| other.corrects == Some(row.id)).cloned().collect();
    corrections.sort_by_key(serial);
    InvoiceSummary {
        change_percent: None,
        days: days_of(point, row),
        from,
        until,
        invoice: row.clone(),
        corrections,
    }
}
