//! What a kWh costs at a time of the day, for people who want to know before they use it.

use std::collections::BTreeSet;

use corrente_metering::{Calendar, Date, Span};
use corrente_tariff::{Tariff, file::BlockPer};
use corrente_units::Decimal;

use crate::{
    BillingError, Determinants, Inputs, PlanKind,
    curve::with_taxes,
    exact::Exact,
    portion::portions,
    rate::{Context, Used, flag_on, marginal_prices, per_kwh},
};

/// The price of a kWh in one period of the day and one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnergyPrice {
    /// The period of the day; nothing where the tariff has none.
    pub period: Option<String>,
    /// The kWh of the billing period from which on this price holds: 0, or where a block begins.
    pub from_kwh: Decimal,
    /// Per kWh without taxes.
    pub net: Decimal,
    /// Per kWh with them.
    pub with_taxes: Decimal,
}

/// What a kWh costs on a day of a billing period, by period of the day and block: all charges per kWh
/// together, with the day's flags. Prices that change by the interval are not in it.
///
/// # Errors
/// As [`crate::plan`].
pub fn energy_prices(
    calendar: &Calendar,
    tariffs: &[&Tariff],
    inputs: &Inputs,
    period: Span,
    on: Date,
) -> Result<Vec<EnergyPrice>, BillingError> {
    let first = calendar.date(period.start);
    let until = corrente_metering::calendar::next_day(calendar.date_of_reading(period.end));
    let determinants = Determinants::empty(period, first, until);
    let context = Context {
        kind: PlanKind::Provisional,
        calendar,
        determinants: &determinants,
        inputs,
        portions: portions(tariffs, first, until)?,
        total_wh: 0,
        days: determinants.days(),
    };
    let tariff = context
        .portions
        .iter()
        .find(|portion| portion.first <= on && on < portion.until)
        .map(|portion| portion.tariff)
        .ok_or(BillingError::NoTariff { on })?;
    let mut flags = Vec::new();
    for charge in &tariff.file().flag {
        if charge.exempt_classes.iter().any(|class| class == context.class()) {
            continue;
        }
        let flag = flag_on(charge, on)?;
        let price = charge.prices.get(flag).and_then(|p| p.on(on)).unwrap_or_default();
        flags.push((charge.taxes.as_deref(), per_kwh(price, charge.unit)?));
    }
    let names: Vec<Option<&String>> = match tariff.tou() {
        Some(tou) => tou.periods().iter().map(Some).collect(),
        None => vec![None],
    };
    let mut prices: Vec<EnergyPrice> = Vec::new();
    for name in names {
        for from_wh in block_starts(tariff)? {
            let used = [Used { period: name, in_period_wh: from_wh, today_wh: 0 }];
            let marginal = marginal_prices(&context, tariff, on, name, &used)?;
            let charges =
                marginal.prices.into_iter().map(|(charge, price)| (charge.taxes.as_deref(), price));
            let (mut net, mut gross) = (Decimal::ZERO, Decimal::ZERO);
            for (taxes, price) in charges.chain(flags.iter().copied()) {
                net = net.plus(price)?;
                gross = gross.plus(with_taxes(price, &context.taxes(tariff, taxes, on)?)?)?;
            }
            let price = EnergyPrice {
                period: name.cloned(),
                from_kwh: crate::rate::kwh(from_wh),
                net,
                with_taxes: gross,
            };
            let same = |last: &EnergyPrice| last.period == price.period && last.net == price.net;
            if !prices.last().is_some_and(same) {
                prices.push(price);
            }
        }
    }
    Ok(prices)
}

/// Where the blocks of the billing period begin, in Wh.
fn block_starts(tariff: &Tariff) -> Result<BTreeSet<i64>, BillingError> {
    let mut starts = BTreeSet::from([0]);
    for charge in &tariff.file().energy {
        if charge.export || charge.blocks_per == BlockPer::Day {
            continue;
        }
        for limit in charge.blocks.iter().filter_map(|block| block.up_to_kwh.as_ref()) {
            let wh = limit.0.times(Decimal::ONE_THOUSAND)?;
            starts.extend(i64::try_from(wh.trunc()).ok());
        }
    }
    Ok(starts)
}
