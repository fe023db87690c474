//! The slow implementation's demand: windows from the intervals, one by one.

use corrente_metering::Date;
use corrente_tariff::{
    TariffFile,
    file::{DemandCharge, DemandUnit},
};
use corrente_units::Decimal;

use crate::rating::{Bill, count, kwh, runs, tax_changes};

/// End (seconds), date, period and mean power (W) of the windows, from the intervals one by one.
pub(crate) fn windows(bill: &Bill<'_>, minutes: u32) -> Vec<(i64, Date, Option<String>, i64)> {
    let width = i64::from(minutes) * 60;
    let mut found: Vec<(i64, Date, Option<String>, i64, i64)> = Vec::new();
    for (interval, used) in bill.case.intervals.iter().zip(&bill.uses) {
        let span = interval.span();
        let end = (span.end.second() - 1).div_euclid(width) * width + width;
        if span.seconds() >= width {
            let end = span.end.second();
            found.push((end, used.date, used.period.clone(), used.wh, span.seconds()));
            continue;
        }
        match found.last_mut().filter(|w| w.0 == end) {
            Some(window) => {
                window.1 = used.date;
                window.2.clone_from(&used.period);
                window.3 += used.wh;
                window.4 += span.seconds();
            }
            None => found.push((end, used.date, used.period.clone(), used.wh, span.seconds())),
        }
    }
    let whole = found.into_iter().filter(|w| w.4 >= width);
    whole.map(|(end, date, period, wh, seconds)| (end, date, period, wh * 3600 / seconds)).collect()
}

pub(crate) fn demand(bill: &mut Bill<'_>, file: &TariffFile, charge: &DemandCharge, own: &[Date]) {
    let in_month = |d: &Date| {
        charge.months.is_empty() || charge.months.contains(&u8::try_from(d.month()).unwrap())
    };
    if !own.iter().any(in_month) {
        return;
    }
    let mut counted: Vec<(i64, Date, i64)> = windows(bill, charge.window_minutes)
        .into_iter()
        .filter(|(_, date, period, _)| {
            let fits = charge.periods.is_empty()
                || period.as_ref().is_some_and(|p| charge.periods.contains(p));
            own.contains(date) && in_month(date) && fits
        })
        .map(|(end, date, _, w)| (end, date, w))
        .collect();
    counted.sort_by_key(|(end, _, w)| (-w, *end));
    let mut chosen: Vec<(Date, i64)> = Vec::new();
    for (_, date, w) in counted {
        let another = !chosen.iter().any(|(d, _)| *d == date);
        if chosen.len() < usize::try_from(charge.top).unwrap()
            && (another || !charge.top_on_different_days)
        {
            chosen.push((date, w));
        }
    }
    let sum: Decimal = chosen.iter().map(|(_, w)| kwh(*w)).sum();
    let mut kw = sum / Decimal::from(chosen.len().max(1));
    if let Some(ratchet) = &charge.ratchet {
        let earlier = &bill.case.inputs.earlier_demand_w[&charge.code];
        let back = usize::try_from(ratchet.periods_back).unwrap();
        kw = kw.max(kwh(*earlier[..back].iter().max().unwrap()) * ratchet.share.0);
    }
    kw = charge.at_least_kw.map_or(kw, |least| kw.max(least.0));
    if charge.at_least_contracted {
        kw = kw.max(bill.case.inputs.customer.contracted_kw.unwrap());
    }
    let last = *own.last().unwrap();
    let parts: Vec<(Decimal, Decimal)> = if let Some(price) = &charge.price {
        vec![(kw, price.on(last).unwrap())]
    } else {
        let limit = charge.blocks[0].up_to_kw.unwrap().0;
        vec![
            (kw.min(limit), charge.blocks[0].price.on(last).unwrap()),
            ((kw - limit).max(Decimal::ZERO), charge.blocks[1].price.on(last).unwrap()),
        ]
    };
    let all = count(&bill.all_days);
    for run in runs(own, |d| tax_changes(file, d)) {
        let rates = bill.rates(file, charge.taxes.as_ref(), run[0]);
        for (part, price) in &parts {
            if part.is_zero() && charge.price.is_none() {
                continue;
            }
            let product = match charge.per {
                DemandUnit::Period => (*part, count(&run).into(), all.into(), *price),
                DemandUnit::Day => {
                    (*part * Decimal::from(count(&run)), Decimal::ONE, Decimal::ONE, *price)
                }
            };
            bill.push(&charge.code, product, rates, false);
        }
    }
}
