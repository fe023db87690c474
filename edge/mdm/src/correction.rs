//! Corrections: an issued invoice never changes; what came to be known later makes a new plan, and a document
//! of its own for the difference.

use std::collections::BTreeMap;

use corrente_billing::{BillingPlan, Inputs, Line, verify};
use corrente_metering::id::InvoiceId;
use corrente_registry::{
    invoices::{self, InvoiceRow, Issued},
    plans,
};
use corrente_units::{Decimal, Energy, Money, OutOfRange};

use crate::{
    Mdm, MdmError,
    feed::left_over,
    invoice::{Bill, write_correction},
    period::BillingPeriod,
    point::Point,
};

/// What a correction changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Corrected {
    /// The invoice that it corrects.
    pub invoice: InvoiceId,
    /// That invoice's number.
    pub number: String,
    /// Why, in the words of who did it.
    pub reason: String,
    /// What the period came to until then.
    pub before: Money,
    /// What it comes to.
    pub after: Money,
    /// The difference by line; they add up to it.
    pub lines: Vec<LineDifference>,
}

/// How a line differs. What was on only one of both plans has nothing on the other side.
#[derive(Clone, Debug, PartialEq)]
pub struct LineDifference {
    /// The charge's code; `tax_added` for the sum of taxes on top of the lines.
    pub code: String,
    /// The charge's name.
    pub label: String,
    /// How much was billed.
    pub quantity_before: Option<Decimal>,
    /// How much it is.
    pub quantity_after: Option<Decimal>,
    /// What it came to.
    pub before: Money,
    /// What it comes to.
    pub after: Money,
    /// `after - before`.
    pub difference: Money,
}

/// What a correction would be, computed now. Nothing is written.
#[derive(Clone, Debug, PartialEq)]
pub struct CorrectionPreview {
    /// The invoice.
    pub invoice: InvoiceRow,
    /// What its period came to until now: the invoice and its corrections.
    pub before: Money,
    /// What it comes to by what is known now.
    pub after: Money,
    /// `after - before`: below zero a credit, above it a further charge.
    pub difference: Money,
    /// Energy of the difference.
    pub energy: Energy,
    /// The difference by line.
    pub lines: Vec<LineDifference>,
    /// Is there anything to correct?
    pub differs: bool,
    /// Numbers of later invoices that began with the credits which this one left: they have to be corrected
    /// next, the oldest first.
    pub then_correct: Vec<String>,
}

/// How an attempt to correct ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Correction {
    /// The document, new or not.
    pub issued: Issued,
    /// Its number.
    pub number: String,
    /// Its amount.
    pub amount: Money,
}

/// A correction that is computed.
struct Computed {
    preview: CorrectionPreview,
    point: Point,
    plan: BillingPlan,
    /// The newest correction, if there is one.
    newest: Option<InvoiceRow>,
}

impl Mdm {
    /// What an invoice's correction would be by what is known now. Nothing is written.
    ///
    /// # Errors
    /// When the period cannot be billed any more, or a store fails.
    pub fn preview_correction(&self, id: InvoiceId) -> Result<CorrectionPreview, MdmError> {
        Ok(self.compute_correction(id)?.preview)
    }

    /// Issues an invoice's correction: a further charge, or a credit that the next bill takes off. The same
    /// again changes nothing and answers the document that exists.
    ///
    /// # Errors
    /// [`MdmError::Invalid`] when the difference is not what the caller saw, or there is none.
    pub fn correct_invoice(
        &self,
        id: InvoiceId,
        seen: Money,
        reason: &str,
    ) -> Result<Correction, MdmError> {
        let computed = self.compute_correction(id)?;
        let preview = &computed.preview;
        if !preview.differs {
            // A retry of what was done: the newest correction stands.
            return match computed.newest.filter(|row| row.amount == seen) {
                Some(row) => Ok(Correction {
                    issued: Issued::Exists(row.id),
                    number: row.number,
                    amount: row.amount,
                }),
                None => Err(MdmError::Invalid {
                    field: "invoice",
                    reason: format!(
                        "invoice {} is right by what is known now: there is nothing to correct",
                        preview.invoice.number
                    ),
                }),
            };
        }
        if preview.difference != seen {
            return Err(MdmError::Invalid {
                field: "difference",
                reason: format!(
                    "the difference is {}, not {seen}: look at it again",
                    preview.difference
                ),
            });
        }
        if reason.trim().is_empty() {
            let reason = "say why it is corrected: it stands on the document".to_owned();
            return Err(MdmError::Invalid { field: "reason", reason });
        }
        self.store_correction(computed, reason)
    }

    fn compute_correction(&self, id: InvoiceId) -> Result<Computed, MdmError> {
        let missing = move || MdmError::NotFound { kind: "invoice", id: id.to_string() };
        let (bill, corrections, later) = self.registry.read_blocking(move |tx| {
            let Some(row) = invoices::get(tx, id)? else { return Err(missing()) };
            if row.corrects.is_some() {
                return Err(MdmError::Invalid {
                    field: "invoice",
                    reason: format!("{} is a correction: correct the invoice itself", row.number),
                });
            }
            let corrections = invoices::corrections(tx, id)?;
            let later = invoices::list(tx, row.usage_point)?;
            let later = later.into_iter().filter(|other| other.period_start >= row.period_end);
            let later: Vec<String> = later.map(|other| other.number).collect();
            Ok((row, corrections, later))
        })?;
        let newest = corrections.last().cloned();
        let stands = newest.as_ref().map_or(bill.plan, |row| row.plan);
        let stands = self.stored_plan(stands)?.ok_or_else(missing)?;
        let point = self.point(bill.usage_point)?;
        let now = self.clock.now();
        let span = bill.period();
        let period = BillingPeriod {
            month: stands.first.first_of_month(),
            span,
            part_of_days: stands.inputs.part_of_days,
            days: stands.days,
        };
        let tariffs = point.tariffs(&self.tariffs, span)?;
        // Who the customer was and what else stood on the bill does not follow from readings: it stays.
        let inputs = Inputs {
            customer: stands.inputs.customer.clone(),
            items: stands.inputs.items.clone(),
            ..self.inputs(&point, &period, &tariffs, now)?
        };
        let plan = self.settled_plan_by(&point, span, &tariffs, &inputs, now)?;
        if let Some(first) = verify(&plan).first() {
            let reason = format!("the plan is not sound: {}: {}", first.path, first.rule);
            return Err(MdmError::Invalid { field: "invoice", reason });
        }
        let moves_credits = left_over(&plan) != left_over(&stands);
        let wh = plan.totals.import_wh.saturating_sub(stands.totals.import_wh);
        let preview = CorrectionPreview {
            before: stands.totals.total,
            after: plan.totals.total,
            difference: plan.totals.total.checked_sub(stands.totals.total)?,
            energy: Energy::from_wh(wh),
            lines: line_differences(&stands, &plan)?,
            differs: plan.lines != stands.lines
                || plan.totals != stands.totals
                || plan.tax_box != stands.tax_box
                || moves_credits,
            then_correct: if moves_credits {
                later.into_iter().rev().collect()
            } else {
                Vec::new()
            },
            invoice: bill,
        };
        Ok(Computed { preview, point, plan, newest })
    }

    fn store_correction(&self, computed: Computed, reason: &str) -> Result<Correction, MdmError> {
        let Computed { preview, point, plan, newest } = computed;
        let document = serde_json::to_string(&plan)?;
        let digest = plan.inputs_digest.clone();
        let (now, reason) = (self.clock.now(), reason.to_owned());
        let (row, calendar) = (point.row, point.calendar);
        self.registry.write_blocking(move |tx| {
            // Somebody may have corrected it at the same time.
            let last = invoices::corrections(tx, preview.invoice.id)?.pop();
            if last.as_ref().map(|row| row.id) != newest.as_ref().map(|row| row.id) {
                return Err(MdmError::Invalid {
                    field: "difference",
                    reason: "somebody corrected it at the same time: look at it again".to_owned(),
                });
            }
            let plan = plans::insert(tx, row.id, &document, &digest, now)?;
            let bill = Bill {
                plan,
                span: preview.invoice.period(),
                issued: now,
                energy: preview.energy,
                amount: preview.difference,
                whole_days: None,
            };
            let corrects = (preview.invoice.id, reason.clone());
            let issued = write_correction(tx, &row, &calendar, &bill, corrects)?;
            let made = invoices::get(tx, issued.id())?;
            let number = made.map(|made| made.number).unwrap_or_default();
            Ok(Correction { issued, number, amount: preview.difference })
        })
    }
}

/// How two plans of one period differ, line by line; the differences add up to that of the totals.
pub(crate) fn line_differences(
    before: &BillingPlan,
    after: &BillingPlan,
) -> Result<Vec<LineDifference>, OutOfRange> {
    type Sums<'a> = (usize, &'a str, [Option<Decimal>; 2], [Money; 2]);
    let mut found: BTreeMap<[&str; 4], Sums<'_>> = BTreeMap::new();
    for (side, plan) in [before, after].into_iter().enumerate() {
        for line in &plan.lines {
            let place = found.len();
            let sums = found.entry(key(line)).or_insert((
                place,
                line.label.as_str(),
                [None; 2],
                [Money::ZERO; 2],
            ));
            if let (Some(slot), Some(quantity)) = (sums.2.get_mut(side), line.quantity) {
                *slot = Some(slot.unwrap_or_default() + quantity);
            }
            if let Some(amount) = sums.3.get_mut(side) {
                *amount = amount.checked_add(line.amount)?;
            }
        }
    }
    let mut lines: Vec<(usize, LineDifference)> = Vec::new();
    for (key, (place, label, [quantity_before, quantity_after], [before, after])) in found {
        let [code, ..] = key;
        let difference = after.checked_sub(before)?;
        lines.push((
            place,
            LineDifference {
                code: code.to_owned(),
                label: label.to_owned(),
                quantity_before,
                quantity_after,
                before,
                after,
                difference,
            },
        ));
    }
    lines.sort_by_key(|(place, _)| *place);
    let mut lines: Vec<LineDifference> = lines.into_iter().map(|(_, line)| line).collect();
    let (was, is) = (before.totals.taxes_added, after.totals.taxes_added);
    if was != Money::ZERO || is != Money::ZERO {
        lines.push(LineDifference {
            code: "tax_added".to_owned(),
            label: "Taxes".to_owned(),
            quantity_before: None,
            quantity_after: None,
            before: was,
            after: is,
            difference: is.checked_sub(was)?,
        });
    }
    Ok(lines)
}

/// What makes two lines the same one.
fn key(line: &Line) -> [&str; 4] {
    [
        line.code.as_str(),
        line.period.as_deref().unwrap_or_default(),
        line.block.as_deref().unwrap_or_default(),
        line.detail.as_deref().unwrap_or_default(),
    ]
}
