//! Where a period is cut because something changes.

use std::collections::BTreeSet;

use corrente_metering::Date;
use corrente_tariff::{
    Dated, Tariff,
    file::{BlockPer, EnergyCharge, PriceByPeriod, RateOn},
    tou::days_between,
};

/// Stretches of days in which no price per kWh changes; single days where blocks count by the day.
pub(crate) fn cut_days(tariff: &Tariff, first: Date, until: Date) -> Vec<(Date, Date)> {
    let file = tariff.file();
    let daily = file.energy.iter().any(|c| c.blocks_per == BlockPer::Day && !c.blocks.is_empty());
    let mut starts: BTreeSet<Date> = [first].into();
    if daily {
        starts.extend(days_between(first, until));
    } else {
        let charges = file.energy.iter().flat_map(changes);
        let taxes = file.tax.iter().filter(|t| t.rate_on == RateOn::EachDay);
        let taxes = taxes.flat_map(|t| t.rate.changes().collect::<Vec<_>>());
        starts.extend(charges.chain(taxes).filter(|d| first < *d && *d < until));
    }
    let ends = starts.iter().skip(1).copied().chain([until]).collect::<Vec<_>>();
    starts.into_iter().zip(ends).collect()
}

fn changes(charge: &EnergyCharge) -> Vec<Date> {
    let by_period =
        |prices: &PriceByPeriod| prices.values().flat_map(Dated::changes).collect::<Vec<_>>();
    let one = |price: &Option<Dated>| price.iter().flat_map(Dated::changes).collect::<Vec<_>>();
    let mut dates = one(&charge.price);
    dates.extend(by_period(&charge.prices));
    for block in &charge.blocks {
        dates.extend(one(&block.price));
        dates.extend(by_period(&block.prices));
    }
    dates
}
