//! Invoices: a stored plan, a number without gaps, a PIX code; issued once and never changed.

mod facts;
mod shown;

use std::{borrow::Cow, sync::Arc};

use corrente_billing::{
    BillingInput, BillingPlan, Inputs, Item, Measure, PlanKind, ProfileRevision, ReadingRevision,
    RegisterDifference, measure_with,
    pay::{
        febraban::BarCode,
        nf3e::{self, Nf3eKey},
        pix::StaticCode,
    },
    plan,
};
use corrente_metering::{
    Calendar, ChannelId, ChannelKind, Date, Direction, Quality, Span, Timestamp,
    assemble::{ChannelPart, register_at},
    calendar::next_day,
    id::{InvoiceId, PlanId, UsagePointId},
};
use corrente_registry::{
    Tx,
    invoices::{self, InvoiceState, Issued, NewInvoice},
    organisations::{self, Organisation},
    plans, profiles,
    usage_points::{ChannelPeriod, UsagePoint},
};
use corrente_tariff::Tariff;
use corrente_units::{Decimal, Energy, Money};
use facts::IssuedFacts;
use jiff::ToSpan as _;
use serde::Deserialize;

use crate::{
    Mdm, MdmError,
    period::BillingPeriod,
    point::Point,
    rules::BillingRules,
    series::{
        empty_if_unknown,
        multiplied::{Step, ratios},
        service,
    },
};

pub use facts::TEMPLATE;
pub use shown::{InvoiceDetail, InvoiceSummary, Meterage};

/// An invoice that is caught up with in simulated time is dated as if it had been issued in time.
const ISSUED_AFTER_SECONDS: i64 = 30 * 3600;

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

    /// The final plan of a period, whose named revisions are those that were read.
    pub(crate) fn settled_plan(
        &self,
        point: &Point,
        period: &BillingPeriod,
        now: Timestamp,
    ) -> Result<BillingPlan, MdmError> {
        let tariffs = point.tariffs(&self.tariffs, period.span)?;
        let at = self.issued_at(now, period.span.end);
        let inputs = self.inputs(point, period, &tariffs, at)?;
        self.settled_plan_by(point, period.span, &tariffs, &inputs, now)
    }

    /// The final plan of a span by these tariff versions and inputs. A late reading may come while it is
    /// computed, and then it is computed again with it.
    pub(crate) fn settled_plan_by(
        &self,
        point: &Point,
        span: Span,
        tariffs: &[Arc<Tariff>],
        inputs: &Inputs,
        now: Timestamp,
    ) -> Result<BillingPlan, MdmError> {
        // Only sealed days have a revision that a plan can name.
        self.ledger.seal_until(now)?;
        // The period's last day is over, and may not have been looked at yet.
        let mut point = Cow::Borrowed(point);
        if self.validate_span(&point, span)? {
            point = Cow::Owned(self.point(point.row.id)?);
        }
        loop {
            self.refuse_open_findings(&point, span)?;
            let readings = self.revisions(&point, span)?;
            let plan = self.final_plan_by(&point, span, tariffs, inputs.clone(), readings)?;
            // What came meanwhile may have been read, and has no revision until it is sealed.
            self.ledger.seal_until(now)?;
            if plan.determinants.readings == self.revisions(&point, span)?
                && plan.determinants.profiles == self.stored_profiles(&point, span)?
            {
                return Ok(plan);
            }
            point = Cow::Owned(self.point(point.row.id)?);
        }
    }

    /// The final plan of a span by these tariff versions and inputs, which names these revisions as read.
    pub(crate) fn final_plan_by(
        &self,
        point: &Point,
        span: Span,
        tariffs: &[Arc<Tariff>],
        inputs: Inputs,
        readings: Vec<ReadingRevision>,
    ) -> Result<BillingPlan, MdmError> {
        if tariffs.is_empty() {
            return Err(MdmError::NoTariff { usage_point: point.row.name.clone() });
        }
        let import = self.billing_intervals(point, Direction::Import, span, tariffs)?;
        let import = self.settled(point, Direction::Import, &import, span)?;
        let export = if point.feeds_in() {
            let pieces = self.billing_intervals(point, Direction::Export, span, tariffs)?;
            corrente_metering::assemble::profile(&pieces).intervals
        } else {
            Vec::new()
        };
        let series = self.series(point, tariffs, span)?;
        let tariffs: Vec<&Tariff> = tariffs.iter().map(AsRef::as_ref).collect();
        let table = self.tables.get(&point.calendar, &tariffs, span)?;
        let from = Measure {
            calendar: &point.calendar,
            tariffs: &tariffs,
            span,
            import: &import,
            export: &export,
            series: &series,
        };
        let mut determinants = measure_with(&table, &from)?;
        determinants.registers = self.registers(point, span)?;
        determinants.readings = readings;
        determinants.profiles = self.profile_revisions(point, span)?;
        Ok(plan(&BillingInput {
            kind: PlanKind::Final,
            calendar: &point.calendar,
            tariffs: &tariffs,
            determinants,
            inputs,
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
        let whole_days = plan.inputs.part_of_days;
        self.registry.write_blocking(move |tx| {
            // Asked again inside the transaction: a number is only taken by an invoice that is made.
            if let Some(known) = invoices::of_period(tx, row.id, span)? {
                return Ok(Issued::Exists(known.id));
            }
            let plan = plans::insert(tx, row.id, &document, &digest, now)?;
            let bill = Bill { plan, span, issued, energy, amount, whole_days };
            write_invoice(tx, &row, &calendar, &bill)
        })
    }

    /// The date of an invoice: now, and for one that is caught up with in simulated time the date on
    /// which it would have been issued.
    pub(crate) fn issued_at(&self, now: Timestamp, end: Timestamp) -> Timestamp {
        if self.clock.is_simulated() { now.min(end.plus(ISSUED_AFTER_SECONDS)) } else { now }
    }

    /// The registers at both ends of the span, of each register that was there; one that got other
    /// transformers in between has a difference for each of them.
    fn registers(&self, point: &Point, span: Span) -> Result<Vec<RegisterDifference>, MdmError> {
        let mut found = Vec::new();
        for channel in point.channels.iter().filter(|c| c.spec.kind == ChannelKind::Register) {
            let service = service(channel);
            for step in ratios(channel, service) {
                let wanted = span.intersect(step.span);
                if !wanted.is_empty() {
                    found.extend(self.register_difference(point, channel, service, wanted, &step)?);
                }
            }
        }
        Ok(found)
    }

    fn register_difference(
        &self,
        point: &Point,
        channel: &ChannelPeriod,
        service: Span,
        wanted: Span,
        step: &Step,
    ) -> Result<Option<RegisterDifference>, MdmError> {
        let readings = self.readings_for(point, channel, service, &[wanted.start, wanted.end])?;
        let (Some(first), Some(last)) = (readings.first(), readings.last()) else {
            return Ok(None);
        };
        let (start_at, end_at) = (wanted.start.max(first.end), wanted.end.min(last.end));
        let part = ChannelPart {
            kind: ChannelKind::Register,
            service,
            max_gap_seconds: channel.reporting_seconds.saturating_mul(2).max(1800),
            interval_seconds: None,
            rolls_over_at: None,
            power_max: None,
            readings,
        };
        let (Some((start, a)), Some((end, b))) =
            (register_at(&part, start_at), register_at(&part, end_at))
        else {
            return Ok(None);
        };
        let constant = (step.numerator != step.denominator)
            .then(|| Decimal::from(step.numerator) / Decimal::from(step.denominator.max(1)));
        let rolls_over_at = channel
            .register_digits
            .and_then(|digits| 10_i64.checked_pow(u32::from(digits)))
            .and_then(|kwh| kwh.checked_mul(1000))
            .map(Energy::from_wh);
        Ok(Some(RegisterDifference {
            meter: channel.serial.clone(),
            export: channel.direction == Direction::Export,
            start_at,
            start,
            end_at,
            end,
            estimated: a != Quality::Measured || b != Quality::Measured,
            constant,
            rolled_over_at: rolls_over_at.filter(|_| end < start),
        }))
    }

    /// Which versions of days a plan of this span uses, where they differ from what was read.
    fn profile_revisions(
        &self,
        point: &Point,
        span: Span,
    ) -> Result<Vec<ProfileRevision>, MdmError> {
        match point.overlaid_days(span) {
            None => Ok(Vec::new()),
            Some(_) => self.stored_profiles(point, span),
        }
    }

    /// Which versions of days there are now.
    fn stored_profiles(&self, point: &Point, span: Span) -> Result<Vec<ProfileRevision>, MdmError> {
        let (id, calendar) = (point.row.id, &point.calendar);
        let from = calendar.date(span.start);
        let until = next_day(calendar.date_of_reading(span.end));
        let latest = self.registry.read_blocking(|tx| profiles::latest(tx, id, from, until))?;
        let revision = |stored: profiles::ProfileVersion| ProfileRevision {
            day: stored.day,
            version: stored.version,
        };
        Ok(latest.into_iter().map(revision).collect())
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
}

/// What an invoice carries out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bill {
    pub(crate) plan: PlanId,
    pub(crate) span: Span,
    pub(crate) issued: Timestamp,
    pub(crate) energy: Energy,
    pub(crate) amount: Money,
    /// The days of a whole period, for a part of one.
    pub(crate) whole_days: Option<i64>,
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
    // Asked before a number is taken.
    let items = about(tx, point, bill.plan)?;
    let issued = write(tx, point, calendar, bill, None)?;
    for (of, code) in items {
        invoices::bill_item(tx, of, &code, issued.id())?;
        if code == crate::feed::CREDIT {
            invoices::set_state(tx, of, InvoiceState::Paid)?;
        }
    }
    Ok(issued)
}

/// Writes a correction of an invoice, with the next number.
pub(crate) fn write_correction(
    tx: &mut Tx,
    point: &UsagePoint,
    calendar: &Calendar,
    bill: &Bill,
    corrects: (InvoiceId, String),
) -> Result<Issued, MdmError> {
    write(tx, point, calendar, bill, Some(corrects))
}

/// The items of a plan that are about other documents. That one of them stands on another bill is an error.
fn about(
    tx: &mut Tx,
    point: &UsagePoint,
    plan: PlanId,
) -> Result<Vec<(InvoiceId, String)>, MdmError> {
    #[derive(Deserialize)]
    struct Plan {
        inputs: PlanInputs,
    }
    #[derive(Deserialize)]
    struct PlanInputs {
        #[serde(default)]
        items: Vec<Item>,
    }
    let Some(stored) = plans::get(tx, plan)? else { return Ok(Vec::new()) };
    let plan: Plan = serde_json::from_str(&stored.document)?;
    let mut found = Vec::new();
    for item in plan.inputs.items {
        let Some(number) = item.about else { continue };
        let of = invoices::by_number(tx, point.organisation, &number)?;
        let of = of.ok_or_else(|| MdmError::NotFound { kind: "invoice", id: number.clone() })?;
        let billed = invoices::billed_items(tx, of.id)?;
        if billed.iter().any(|(code, _)| *code == item.code) {
            return Err(MdmError::ItemBilled { code: item.code, number });
        }
        found.push((of.id, item.code));
    }
    Ok(found)
}

fn write(
    tx: &mut Tx,
    point: &UsagePoint,
    calendar: &Calendar,
    bill: &Bill,
    corrects: Option<(InvoiceId, String)>,
) -> Result<Issued, MdmError> {
    let missing = || MdmError::NotFound { kind: "issuer", id: point.organisation.to_string() };
    let issuer = organisations::get(tx, point.organisation)?.ok_or_else(missing)?;
    let rules = BillingRules::of(tx, point.organisation)?;
    let next_reading = facts::next_reading(calendar, bill.span, bill.whole_days);
    let number = format!("{:06}", invoices::next_number(tx, point.organisation)?);
    let id = InvoiceId::from_uuid(uuid::Uuid::now_v7());
    let issued_on = calendar.date(bill.issued);
    let nf3e_key = rules.nf3e_state.and_then(|state| nf3e_key(&state, &issuer, issued_on, &number));
    let facts = IssuedFacts::now(tx, &issuer, point, (next_reading, nf3e_key))?;
    let txid = txid(id);
    let due = calendar.date(bill.issued).saturating_add(rules.days_to_pay.days());
    let bar_code = bar_code(&issuer, bill.amount, due, &number);
    let pix_payload = pix_payload(&issuer, bill.amount, &txid);
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
        corrects,
        facts: serde_json::to_value(facts)?,
    };
    Ok(invoices::insert(tx, &new)?)
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

/// The key that an NF3e of this invoice would have, in series 1 and with a code made of its number; nothing
/// without the issuer's CNPJ.
fn nf3e_key(state: &str, issuer: &Organisation, issued: Date, number: &str) -> Option<String> {
    let cnpj: String =
        issuer.document.as_ref()?.chars().filter(char::is_ascii_alphanumeric).collect();
    let number: u64 = number.parse().ok()?;
    let key = Nf3eKey {
        state: state.to_owned(),
        year_month: format!("{:02}{:02}", issued.year().rem_euclid(100), issued.month()),
        issuer: cnpj.to_uppercase(),
        series: "001".to_owned(),
        number: format!("{number:09}"),
        emission: 1,
        site: 0,
        code: format!("{:07}", number.wrapping_mul(7_919) % 10_000_000),
    };
    nf3e::read(&key.key()).is_ok().then(|| key.key())
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
