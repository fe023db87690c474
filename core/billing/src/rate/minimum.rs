//! The least that is billed: energy by the connection's phases, or an amount.

use corrente_tariff::file::Minimum;
use corrente_units::{Decimal, Money, Rounding, round_to};

use super::{Context, Draft, kwh, plain_energy_price, value_on};
use crate::{
    BillingError, CreditBalance, Line, LineGroup, PlanKind, exact::Exact, portion::Portion,
};

/// The minimum of the last tariff version, where it counts: not in a bill so far.
fn rule<'a>(context: &Context<'a>) -> Option<(Portion<'a>, &'a Minimum)> {
    let portion = context.last().filter(|_| context.kind == PlanKind::Final)?;
    Some((portion, portion.tariff.file().minimum.as_ref()?))
}

/// The minimum energy of this connection in this period, Wh; 0 where there is none.
pub(super) fn minimum_wh(context: &Context<'_>) -> Result<i64, BillingError> {
    let Some((_, minimum)) = rule(context).filter(|(_, m)| !m.kwh.is_empty()) else {
        return Ok(0);
    };
    let phases = context
        .inputs
        .customer
        .phases
        .ok_or(BillingError::CustomerLacks { what: "number of phases" })?;
    let kwh = minimum.kwh.get(phases.word()).map_or(Decimal::ZERO, |a| a.0);
    let whole = context.inputs.part_of_days.unwrap_or(context.days);
    let wh =
        kwh.times(Decimal::ONE_THOUSAND)?.times(context.days.into())?.over(whole.max(1).into())?;
    Ok(i64::try_from(round_to(wh, 0, Rounding::HalfUp)).unwrap_or(i64::MAX))
}

/// The price per kWh of energy that was not used.
pub(super) fn price(
    context: &Context<'_>,
    portion: &Portion<'_>,
    minimum: &Minimum,
) -> Result<Decimal, BillingError> {
    let last_day = context.determinants.until.yesterday().unwrap_or(context.determinants.until);
    match &minimum.price {
        Some(price) => value_on(price, last_day, &minimum.code),
        None => plain_energy_price(portion.tariff, last_day)?
            .ok_or_else(|| BillingError::NoValue { charge: minimum.code.clone(), on: last_day }),
    }
}

/// The energy that is missing to the minimum, at the price of energy.
pub(super) fn energy<'a>(
    context: &Context<'a>,
    credits: Option<&CreditBalance>,
    drafts: &mut Vec<Draft<'a>>,
) -> Result<(), BillingError> {
    let Some((portion, minimum)) = rule(context) else { return Ok(()) };
    let least = minimum_wh(context)?;
    let offset: i64 = credits.iter().flat_map(|c| c.used_wh.values()).sum();
    let charged = context.total_wh.saturating_sub(offset);
    if charged >= least {
        return Ok(());
    }
    let price = price(context, &portion, minimum)?;
    let quantity = kwh(least.saturating_sub(charged));
    let draft = Draft {
        code: minimum.code.clone(),
        label: minimum.label.clone(),
        group: LineGroup::Minimum,
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
        taxes: context.taxes(
            portion.tariff,
            minimum.taxes.as_deref(),
            context.determinants.first,
        )?,
        clause: minimum.clause.clone(),
        tariff: portion.tariff,
    };
    // With everything offset, only the taxes of the minimum remain: its price goes off again.
    let adjust = portion
        .tariff
        .file()
        .credits
        .as_ref()
        .is_some_and(|c| c.minimum == corrente_tariff::file::CreditMinimum::ChargeAndAdjust);
    if adjust && offset > 0 {
        let mut back = draft.clone();
        back.code = format!("{}_adjustment", minimum.code);
        back.label = format!("Ajuste {}", minimum.label);
        back.group = LineGroup::Credit;
        back.price = Some(Decimal::ZERO.minus(price)?);
        back.base = Decimal::ZERO.minus(draft.base)?;
        back.taxes = Vec::new();
        drafts.push(draft);
        drafts.push(back);
    } else {
        drafts.push(draft);
    }
    Ok(())
}

/// A minimum amount for all charges, with the taxes inside them and before those on top: what is
/// missing is a charge like the others, with the taxes of the minimum.
pub(super) fn amount<'a>(
    context: &Context<'a>,
    lines: &[Line],
) -> Result<Option<Draft<'a>>, BillingError> {
    let Some((portion, minimum)) = rule(context) else { return Ok(None) };
    let Some(least) = &minimum.amount else { return Ok(None) };
    let last_day = context.determinants.until.yesterday().unwrap_or(context.determinants.until);
    let rules = portion.tariff.file().rounding;
    let whole = context.inputs.part_of_days.unwrap_or(context.days);
    let least = value_on(least, last_day, &minimum.code)?
        .times(context.days.into())?
        .over(whole.max(1).into())?;
    let least = Money::from_decimal(least, rules.money)?;
    let charged = Money::sum(lines.iter().map(|l| l.amount))?;
    if charged >= least {
        return Ok(None);
    }
    let missing = least.checked_sub(charged)?;
    let taxes =
        context.taxes(portion.tariff, minimum.taxes.as_deref(), context.determinants.first)?;
    Ok(Some(Draft {
        code: minimum.code.clone(),
        label: minimum.label.clone(),
        group: LineGroup::Minimum,
        first: context.determinants.first,
        until: context.determinants.until,
        period: None,
        block: None,
        detail: None,
        quantity: None,
        unit: "",
        share: None,
        price: None,
        price_is_mean: false,
        base: super::tax::net(missing.decimal(), &taxes)?,
        taxes,
        clause: minimum.clause.clone(),
        tariff: portion.tariff,
    }))
}
