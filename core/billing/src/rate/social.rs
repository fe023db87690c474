//! Social discounts by block of consumption.

use corrente_tariff::file::{Discount, EnergyCharge, Split};
use corrente_units::Decimal;

use super::{
    Context, Draft, daily_taxes,
    energy::{parts_of, per_kwh},
    kwh, runs, value_on,
};
use crate::{
    BillingError, LineGroup, Segment, Share, determinants::days, exact::Exact, portion::Portion,
};

pub(super) fn drafts<'a>(
    context: &Context<'a>,
    portion: &Portion<'a>,
    segments: &[Segment],
    drafts: &mut Vec<Draft<'a>>,
) -> Result<(), BillingError> {
    let file = portion.tariff.file();
    for discount in file.discount.iter().filter(|d| applies(context, d)) {
        for charge in file.energy.iter().filter(|c| discount.on.contains(&c.code)) {
            of_charge(context, portion, segments, (discount, charge), drafts)?;
        }
    }
    Ok(())
}

/// Is the customer of a class with this discount, and does the period end while it holds?
pub(super) fn applies(context: &Context<'_>, discount: &Discount) -> bool {
    let last_day = context.determinants.until.yesterday().unwrap_or(context.determinants.until);
    discount.classes.iter().any(|c| c == context.class())
        && discount.from.is_none_or(|from| from.0 <= last_day)
        && discount.until.is_none_or(|until| last_day < until.0)
}

fn of_charge<'a>(
    context: &Context<'a>,
    portion: &Portion<'a>,
    segments: &[Segment],
    (discount, charge): (&'a Discount, &'a EnergyCharge),
    drafts: &mut Vec<Draft<'a>>,
) -> Result<(), BillingError> {
    let Some(price) = &charge.price else { return Ok(()) };
    let energy = |s: &Segment| s.quantities.iter().map(|q| q.import.wh()).sum::<i64>();
    let total: i64 = segments.iter().map(energy).sum();
    let limits: Vec<Option<Decimal>> =
        discount.blocks.iter().map(|b| b.up_to_kwh.map(|a| a.0)).collect();
    let scale = context.inputs.part_of_days.map_or((1, 1), |of| (context.days, of.max(1)));
    let parts = parts_of(&limits, total, scale)?;
    let dated = [price].into_iter().chain(daily_taxes(portion.tariff));
    for (first, until) in runs(dated, portion.first, portion.until) {
        let inside = segments.iter().filter(|s| first <= s.first && s.until <= until);
        let (part, of, unit) = match context.split() {
            Split::Measured => (inside.map(energy).sum(), total, "wh"),
            Split::Days => (days(first, until), context.days, "days"),
        };
        let share = (part != of).then(|| Share { part, of, unit: unit.to_owned() });
        let full = per_kwh(value_on(price, first, &charge.code)?, charge.unit)?;
        let mut from = Decimal::ZERO;
        for (block, wh) in discount.blocks.iter().zip(&parts) {
            let end = block.up_to_kwh.map(|a| a.0);
            let name = end.map_or_else(|| format!("{from}.."), |e| format!("{from}..{e}"));
            from = end.unwrap_or(from);
            let price = Decimal::ZERO.minus(full.times(block.share.0)?)?;
            if *wh == 0 || price.is_zero() {
                continue;
            }
            let quantity = kwh(*wh);
            drafts.push(Draft {
                code: discount.code.clone(),
                label: discount.label.clone(),
                group: LineGroup::Discount,
                first,
                until,
                period: None,
                block: Some(name),
                detail: Some(charge.code.clone()),
                quantity: Some(quantity),
                unit: "kWh",
                base: Draft::product(quantity, share.as_ref(), price)?,
                share: share.clone(),
                price: Some(price),
                price_is_mean: false,
                taxes: context.taxes(portion.tariff, charge.taxes.as_deref(), first)?,
                clause: discount.clause.clone().or_else(|| charge.clause.clone()),
                tariff: portion.tariff,
            });
        }
    }
    Ok(())
}
