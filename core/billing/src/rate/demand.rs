//! Charges per kW of demand.

use corrente_tariff::file::{DemandCharge, DemandUnit};
use corrente_units::Decimal;

use super::{Context, Draft, daily_taxes, day_share, runs, value_on};
use crate::{
    BillingError, LineGroup,
    determinants::{DemandQuantity, days},
    exact::{Exact, sum},
    portion::Portion,
};

pub(super) fn drafts<'a>(
    context: &Context<'a>,
    portion: &Portion<'a>,
    drafts: &mut Vec<Draft<'a>>,
) -> Result<(), BillingError> {
    let last_day = portion.until.yesterday().unwrap_or(portion.until);
    for charge in &portion.tariff.file().demand {
        let applies = charge.months.is_empty()
            || corrente_tariff::tou::days_between(portion.first, portion.until)
                .any(|d| charge.months.iter().any(|m| i8::try_from(*m) == Ok(d.month())));
        if !applies {
            continue;
        }
        let quantity = context
            .determinants
            .demand
            .iter()
            .find(|d| d.charge == charge.code && d.first == portion.first)
            .ok_or(BillingError::OtherDeterminants)?;
        let (kw, detail) = billed_kw(context, charge, quantity)?;
        // Rates that hold each day their own cut the line.
        for (first, until) in runs(daily_taxes(portion.tariff), portion.first, portion.until) {
            let in_days = days(first, until);
            let (times, share) = match charge.per {
                DemandUnit::Period => (Decimal::ONE, day_share(in_days, context.days)),
                DemandUnit::Day => (Decimal::from(in_days), None),
            };
            for (block, part, price) in blocks(charge, kw, last_day)? {
                let amount = part.times(times)?;
                drafts.push(Draft {
                    code: charge.code.clone(),
                    label: charge.label.clone(),
                    group: LineGroup::Demand,
                    first,
                    until,
                    period: (!charge.periods.is_empty()).then(|| charge.periods.join(", ")),
                    block,
                    detail: detail.clone(),
                    quantity: Some(amount),
                    unit: if charge.per == DemandUnit::Day { "kW day" } else { "kW" },
                    base: Draft::product(amount, share.as_ref(), price)?,
                    share: share.clone(),
                    price: Some(price),
                    price_is_mean: false,
                    taxes: context.taxes(portion.tariff, charge.taxes.as_deref(), first)?,
                    clause: charge.clause.clone(),
                    tariff: portion.tariff,
                });
            }
        }
    }
    Ok(())
}

/// The kW that are billed, and why when it is not the measured demand.
fn billed_kw(
    context: &Context<'_>,
    charge: &DemandCharge,
    quantity: &DemandQuantity,
) -> Result<(Decimal, Option<String>), BillingError> {
    let kw = |w: i64| Decimal::new(w, 3);
    let count = i64::try_from(quantity.windows.len()).unwrap_or(1).max(1);
    let mut billed = sum(quantity.windows.iter().map(|w| kw(w.mean.w())))?.over(count.into())?;
    let mut detail = None;
    if let Some(ratchet) = &charge.ratchet {
        let back = usize::try_from(ratchet.periods_back).unwrap_or(usize::MAX);
        let earlier = context.inputs.earlier_demand_w.get(&charge.code);
        let highest = earlier.and_then(|e| e.iter().take(back).max()).copied().unwrap_or(0);
        let least = kw(highest).times(ratchet.share.0)?;
        if least > billed {
            billed = least;
            detail = Some("ratchet".to_owned());
        }
    }
    if let Some(least) = charge.at_least_kw.map(|a| a.0)
        && least > billed
    {
        billed = least;
        detail = Some("at_least".to_owned());
    }
    if charge.at_least_contracted {
        let contracted = context
            .inputs
            .customer
            .contracted_kw
            .ok_or(BillingError::CustomerLacks { what: "contracted kW" })?;
        if contracted > billed {
            billed = contracted;
            detail = Some("contracted".to_owned());
        }
    }
    Ok((billed.normalize(), detail))
}

type BlockOfDemand = (Option<String>, Decimal, Decimal);

fn blocks(
    charge: &DemandCharge,
    kw: Decimal,
    on: corrente_metering::Date,
) -> Result<Vec<BlockOfDemand>, BillingError> {
    if let Some(price) = &charge.price {
        return Ok(vec![(None, kw, value_on(price, on, &charge.code)?)]);
    }
    let mut found = Vec::new();
    let mut from = Decimal::ZERO;
    for block in &charge.blocks {
        let until = block.up_to_kw.map(|a| a.0);
        let part = until.map_or(kw, |u| u.min(kw)).minus(from)?;
        if part > Decimal::ZERO {
            let name = until.map_or_else(|| format!("{from}.."), |u| format!("{from}..{u}"));
            found.push((Some(name), part, value_on(&block.price, on, &charge.code)?));
        }
        from = until.unwrap_or(from);
    }
    Ok(found)
}
