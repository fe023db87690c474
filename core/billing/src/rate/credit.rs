//! Credits of distributed generation: what is offset, at which price, and what remains.

use corrente_metering::Date;
use corrente_tariff::file::{CreditMinimum, CreditRegime, Credits};
use corrente_units::{Decimal, Energy};
use jiff::ToSpan;

use super::{Context, Draft, kwh, minimum::minimum_wh, plain_energy_price, value_on};
use crate::{
    BillingError, CreditBalance, CreditBatch, Determinants, LineGroup, Segment,
    exact::{Exact, apportion},
    portion::Portion,
};

/// What is offset in this period.
pub(super) struct Offset<'a> {
    portion: Portion<'a>,
    credits: &'a Credits,
    /// Offset energy, Wh.
    pub(super) wh: i64,
    balance: CreditBalance,
}

impl Offset<'_> {
    /// The segments without the offset energy, where that is billed at a price of its own.
    pub(super) fn reduced(&self, determinants: &Determinants) -> Option<Vec<Segment>> {
        self.credits.offset_price.as_ref()?;
        let mut segments = determinants.segments.clone();
        let weights: Vec<i64> =
            segments.iter().flat_map(|s| &s.quantities).map(|q| q.import.wh()).collect();
        let parts = apportion(self.wh, &weights);
        for (quantity, part) in segments.iter_mut().flat_map(|s| &mut s.quantities).zip(parts) {
            quantity.import = Energy::from_wh(quantity.import.wh().saturating_sub(part));
        }
        Some(segments)
    }
}

/// Decides what is offset: oldest credits first, those that expire first before others.
pub(super) fn offset<'a>(context: &Context<'a>) -> Result<Option<Offset<'a>>, BillingError> {
    let Some(portion) = context.last() else { return Ok(None) };
    let Some(credits) = &portion.tariff.file().credits else { return Ok(None) };
    let exported = context.determinants.export()?.wh();
    if exported == 0 && context.inputs.credits.is_empty() {
        return Ok(None);
    }
    let last_day = context.determinants.until.yesterday().unwrap_or(context.determinants.until);
    let mut batches = context.inputs.credits.clone();
    if exported > 0 {
        let regime = context.inputs.customer.credit_regime.clone();
        let regime = regime.or_else(|| credits.regime.first().map(|r| r.code.clone()));
        let regime = regime.ok_or(BillingError::CustomerLacks { what: "credit regime" })?;
        batches.push(CreditBatch { regime, month: last_day.first_of_month(), wh: exported });
    }
    batches.sort_by_key(|b| b.month);
    let mut balance = CreditBalance::default();
    batches.retain(|batch| {
        let gone = expired(batch.month, credits.expire_after_months, last_day);
        if gone {
            balance.expired_wh = balance.expired_wh.saturating_add(batch.wh);
        }
        !gone
    });
    let kept = match credits.minimum {
        CreditMinimum::NotOffset => minimum_wh(context)?,
        CreditMinimum::ChargeAndAdjust => 0,
    };
    let mut open = context.total_wh.saturating_sub(kept).max(0);
    let mut wh = 0_i64;
    for batch in &mut batches {
        let used = batch.wh.min(open).max(0);
        batch.wh = batch.wh.saturating_sub(used);
        open = open.saturating_sub(used);
        wh = wh.saturating_add(used);
        if used > 0 {
            let sum = balance.used_wh.entry(batch.regime.clone()).or_default();
            *sum = sum.saturating_add(used);
        }
    }
    batches.retain(|b| b.wh > 0);
    balance.remaining = batches;
    Ok(Some(Offset { portion, credits, wh, balance }))
}

/// Has a credit of that month been lost before this day?
fn expired(month: Date, months: u32, on: Date) -> bool {
    month.first_of_month().saturating_add(i64::from(months).saturating_add(1).months()) <= on
}

pub(super) fn drafts<'a>(
    context: &Context<'a>,
    offset: Option<Offset<'a>>,
    drafts: &mut Vec<Draft<'a>>,
) -> Result<Option<CreditBalance>, BillingError> {
    let Some(offset) = offset else { return Ok(None) };
    let last_day = context.determinants.until.yesterday().unwrap_or(context.determinants.until);
    let credits = offset.credits;
    let own_price = match &credits.offset_price {
        Some(price) => Some(value_on(price, last_day, "credits")?),
        None => None,
    };
    let full = match own_price {
        Some(price) => price,
        None => plain_energy_price(offset.portion.tariff, last_day)?
            .ok_or_else(|| BillingError::NoValue { charge: "credits".to_owned(), on: last_day })?,
    };
    // At the energy charges' own price the taxes on both sides are the same.
    let taxes = match own_price {
        Some(_) => Vec::new(),
        None => context.taxes(offset.portion.tariff, None, context.determinants.first)?,
    };
    let draft = |code: &str, label: &str, group, wh: i64, price: Decimal| {
        let quantity = kwh(wh);
        Ok::<_, BillingError>(Draft {
            code: code.to_owned(),
            label: label.to_owned(),
            group,
            first: context.determinants.first,
            until: context.determinants.until,
            period: None,
            block: None,
            detail: None,
            quantity: Some(quantity),
            unit: "kWh",
            share: None,
            price: Some(price),
            price_is_mean: false,
            base: quantity.times(price)?,
            taxes: taxes.clone(),
            clause: credits.clause.clone(),
            tariff: offset.portion.tariff,
        })
    };
    if let (Some(price), true) = (own_price, offset.wh > 0) {
        let label = credits.offset_label.as_deref().unwrap_or("Energia SCEE");
        drafts.push(draft("credits_offset", label, LineGroup::Energy, offset.wh, price)?);
    }
    for regime in &credits.regime {
        let Some(wh) = offset.balance.used_wh.get(&regime.code).copied() else { continue };
        let price = full.minus(paid(regime, last_day)?)?;
        let mut line =
            draft(&regime.code, &regime.label, LineGroup::Credit, wh, Decimal::ZERO.minus(price)?)?;
        line.detail = Some(regime.code.clone());
        drafts.push(line);
    }
    if let Some(unknown) =
        offset.balance.used_wh.keys().find(|k| !credits.regime.iter().any(|r| r.code == **k))
    {
        return Err(BillingError::NoBand { charge: "credits".to_owned(), class: unknown.clone() });
    }
    Ok(Some(offset.balance))
}

/// The part of the price that is paid on offset energy.
fn paid(regime: &CreditRegime, on: Date) -> Result<Decimal, BillingError> {
    let mut paid = Decimal::ZERO;
    for part in &regime.pays {
        let price = value_on(&part.price, on, &part.name)?;
        paid = paid.plus(price.times(value_on(&part.share, on, &part.name)?)?)?;
    }
    Ok(paid)
}
