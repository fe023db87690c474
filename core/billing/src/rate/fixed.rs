//! Charges by time.

use corrente_tariff::file::FixedPer;
use corrente_units::Decimal;

use super::{Context, Draft, daily_taxes, runs, value_on};
use crate::{BillingError, LineGroup, Share, determinants::days, portion::Portion};

pub(super) fn drafts<'a>(
    context: &Context<'a>,
    portion: &Portion<'a>,
    drafts: &mut Vec<Draft<'a>>,
) -> Result<(), BillingError> {
    let customer = &context.inputs.customer;
    for charge in &portion.tariff.file().fixed {
        let dated = [&charge.price].into_iter().chain(daily_taxes(portion.tariff));
        for (first, until) in runs(dated, portion.first, portion.until) {
            let price = value_on(&charge.price, first, &charge.code)?;
            let in_days = days(first, until);
            let whole = context.inputs.part_of_days.unwrap_or(context.days);
            let (quantity, unit, share) = match charge.per {
                FixedPer::Day => (Decimal::from(in_days), "day", None),
                FixedPer::Month => (Decimal::ONE, "month", Some((in_days, whole))),
                FixedPer::Year => (Decimal::ONE, "year", Some((in_days, whole.saturating_mul(12)))),
                FixedPer::Meter => {
                    (customer.meters.unwrap_or(1).into(), "meter", Some((in_days, whole)))
                }
                FixedPer::Kw => (
                    customer
                        .contracted_kw
                        .ok_or(BillingError::CustomerLacks { what: "contracted kW" })?,
                    "kW",
                    Some((in_days, whole)),
                ),
            };
            let share = share.filter(|(part, of)| part != of).map(|(part, of)| Share {
                part,
                of,
                unit: "days".to_owned(),
            });
            drafts.push(Draft {
                code: charge.code.clone(),
                label: charge.label.clone(),
                group: LineGroup::Fixed,
                first,
                until,
                period: None,
                block: None,
                detail: None,
                quantity: Some(quantity),
                unit,
                base: Draft::product(quantity, share.as_ref(), price)?,
                share,
                price: Some(price),
                price_is_mean: false,
                taxes: context.taxes(portion.tariff, charge.taxes.as_deref(), first)?,
                clause: charge.clause.clone(),
                tariff: portion.tariff,
            });
        }
    }
    Ok(())
}
