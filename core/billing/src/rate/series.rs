//! Energy at prices of each interval: hourly and quarter-hourly tariffs.

use corrente_metering::Date;
use corrente_tariff::file::SeriesCharge;
use corrente_units::Decimal;

use super::{Context, Draft, daily_taxes, energy::per_kwh, kwh, runs, value_on};
use crate::{
    BillingError, LineGroup, determinants::SeriesQuantity, exact::Exact, portion::Portion,
};

pub(super) fn drafts<'a>(
    context: &Context<'a>,
    portion: &Portion<'a>,
    drafts: &mut Vec<Draft<'a>>,
) -> Result<(), BillingError> {
    for charge in &portion.tariff.file().series {
        let quantity = context
            .determinants
            .series
            .iter()
            .find(|s| s.charge == charge.code && s.first == portion.first)
            .ok_or_else(|| BillingError::NoPriceSeries { series: charge.series.clone() })?;
        // Rates that hold each day their own cut the line.
        for days in runs(daily_taxes(portion.tariff), portion.first, portion.until) {
            let (wh, base) = total(context, charge, quantity, days)?;
            let energy = kwh(wh);
            // The mean price is for the reader; the amount is the sum over the intervals.
            let mean = if wh == 0 { None } else { Some(base.over(energy)?.round_dp(10)) };
            drafts.push(Draft {
                code: charge.code.clone(),
                label: charge.label.clone(),
                group: LineGroup::Series,
                first: days.0,
                until: days.1,
                period: None,
                block: None,
                detail: Some(format!("{} {}", quantity.series, quantity.version).trim().to_owned()),
                quantity: Some(energy),
                unit: "kWh",
                share: None,
                price: mean,
                price_is_mean: true,
                base,
                taxes: context.taxes(portion.tariff, charge.taxes.as_deref(), days.0)?,
                clause: charge.clause.clone(),
                tariff: portion.tariff,
            });
        }
    }
    Ok(())
}

fn total(
    context: &Context<'_>,
    charge: &SeriesCharge,
    quantity: &SeriesQuantity,
    (first, until): (Date, Date),
) -> Result<(i64, Decimal), BillingError> {
    let mut wh = 0_i64;
    let mut base = Decimal::ZERO;
    for interval in &quantity.intervals {
        let on = context.calendar.date_of_reading(interval.end);
        if on < first || until <= on {
            continue;
        }
        let price = formula(charge, interval.price, interval.period.as_ref(), on)?;
        wh = wh.saturating_add(interval.energy.wh());
        base = base.plus(kwh(interval.energy.wh()).times(price)?)?;
    }
    Ok((wh, base))
}

/// `price × multiply + add`, not above the cap and not below the floor, per kWh.
pub(crate) fn formula(
    charge: &SeriesCharge,
    price: Decimal,
    period: Option<&String>,
    on: Date,
) -> Result<Decimal, BillingError> {
    let value = |dated: &Option<corrente_tariff::Dated>| {
        dated.as_ref().map(|d| value_on(d, on, &charge.code)).transpose()
    };
    let mut result = per_kwh(price, charge.unit)?;
    if let Some(factor) = value(&charge.multiply)? {
        result = result.times(factor)?;
    }
    if let Some(add) = value(&charge.add)? {
        result = result.plus(add)?;
    }
    if let Some(add) = period.and_then(|p| charge.add_in.get(p)) {
        result = result.plus(value_on(add, on, &charge.code)?)?;
    }
    if let Some(cap) = value(&charge.cap)? {
        result = result.min(cap);
    }
    if let Some(floor) = value(&charge.floor)? {
        result = result.max(floor);
    }
    Ok(result)
}
