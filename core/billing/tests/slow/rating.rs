//! The slow implementation: interval by interval, day by day, with plain decimal operators.

use std::collections::BTreeMap;

use corrente_metering::Date;
use corrente_tariff::{
    Dated, Tariff, TariffFile,
    file::{
        Block, BlockCount, BlockPer, CreditMinimum, DayName, EnergyCharge, FixedPer, RateOn,
        SeriesCharge, Split, TaxMethod, TouCalendar,
    },
};
use corrente_units::{Decimal, Money, Rounding, round_to};

use crate::{
    finish::finish,
    power::{demand, windows},
    random::Case,
};

pub(crate) struct Slow {
    pub(crate) lines: Vec<(String, Decimal, Money)>,
    /// Tax, rate, amount.
    pub(crate) taxes: Vec<(String, Decimal, Money)>,
    pub(crate) total: Money,
}

/// An interval as it is billed.
pub(crate) struct Use {
    pub(crate) date: Date,
    pub(crate) period: Option<String>,
    pub(crate) wh: i64,
}

/// Quantity, part, of, price.
pub(crate) type Product = (Decimal, Decimal, Decimal, Decimal);

/// The rates of a line's taxes: ICMS, PIS, COFINS (inclusive), VAT (on top).
#[derive(Clone, Copy, Default)]
pub(crate) struct Rates {
    pub(crate) icms: Decimal,
    pub(crate) pis: Decimal,
    pub(crate) cofins: Decimal,
    pub(crate) vat: Option<Decimal>,
    pub(crate) inclusive: bool,
}

pub(crate) struct Raw {
    pub(crate) code: String,
    pub(crate) product: Product,
    /// The amount does not come from the price, but from this: a series, or what a minimum lacks.
    pub(crate) base: Option<Decimal>,
    /// It is no product: made at full precision under every method.
    pub(crate) amount_only: bool,
    pub(crate) rates: Rates,
    /// A share of street lighting counts it.
    pub(crate) energy: bool,
}

/// What all charges look at.
pub(crate) struct Bill<'c> {
    pub(crate) case: &'c Case,
    pub(crate) uses: Vec<Use>,
    pub(crate) all_days: Vec<Date>,
    pub(crate) total_wh: i64,
    pub(crate) raw: Vec<Raw>,
}

impl Bill<'_> {
    pub(crate) fn push(&mut self, code: &str, product: Product, rates: Rates, energy: bool) {
        let code = code.to_owned();
        self.raw.push(Raw { code, product, base: None, amount_only: false, rates, energy });
    }

    /// The rates of a charge on a line of this day.
    pub(crate) fn rates(
        &self,
        file: &TariffFile,
        names: Option<&Vec<String>>,
        line: Date,
    ) -> Rates {
        let mut rates = Rates::default();
        let (first, last) = (self.all_days[0], *self.all_days.last().unwrap());
        let class = self.case.inputs.customer.class.as_ref();
        for tax in file.tax.iter().filter(|t| names.is_none_or(|n| n.contains(&t.code))) {
            let exempt = tax
                .exempt
                .iter()
                .any(|e| e.class.as_ref() == class && kwh(self.total_wh) <= e.up_to_kwh.unwrap().0);
            if exempt {
                continue;
            }
            let on = match tax.rate_on {
                RateOn::LastDay => last,
                RateOn::FirstDay => first,
                RateOn::EachDay => line,
            };
            let rate = tax.rate.on(on).unwrap();
            match tax.code.as_str() {
                "icms" => rates.icms = rate,
                "pis" => rates.pis = rate,
                "cofins" => rates.cofins = rate,
                _ => rates.vat = Some(rate),
            }
            rates.inclusive |= tax.method == TaxMethod::Inclusive;
        }
        rates
    }
}

/// How many changes of a tax that holds each day its own rate are past on this day.
fn step(file: &TariffFile, on: Date) -> usize {
    let each = file.tax.iter().filter(|t| t.rate_on == RateOn::EachDay);
    each.flat_map(|t| t.rate.changes().collect::<Vec<_>>()).filter(|d| *d <= on).count()
}

/// Days in a row for which the steps are the same.
pub(crate) fn runs(own: &[Date], changed: impl Fn(Date) -> bool) -> Vec<Vec<Date>> {
    let mut runs: Vec<Vec<Date>> = Vec::new();
    for date in own {
        match runs.last_mut() {
            Some(run) if !changed(*date) => run.push(*date),
            _ => runs.push(vec![*date]),
        }
    }
    runs
}

pub(crate) fn tax_changes(file: &TariffFile, on: Date) -> bool {
    let each = file.tax.iter().filter(|t| t.rate_on == RateOn::EachDay);
    each.flat_map(|t| t.rate.changes().collect::<Vec<_>>()).any(|d| d == on)
}

pub(crate) fn rate(case: &Case) -> Slow {
    let last_instant = case.span.end.plus(-1);
    let (first, last) = (case.calendar.date(case.span.start), case.calendar.date(last_instant));
    let all_days = days(first, last);
    let uses: Vec<Use> = case
        .intervals
        .iter()
        .map(|i| {
            // The civil time just before the interval's end.
            let civil = case.calendar.datetime(i.span().end.plus(-1));
            let tariff = tariff_on(case, civil.date());
            let minute = i64::from(civil.hour()) * 60 + i64::from(civil.minute());
            let period = period(tariff.file(), civil.date(), minute);
            Use { date: civil.date(), period, wh: i.energy().unwrap().wh() }
        })
        .collect();
    let total_wh: i64 = uses.iter().map(|u| u.wh).sum();
    let mut bill = Bill { case, uses, all_days, total_wh, raw: Vec::new() };
    let last_tariff = tariff_on(case, last).file();
    let offset = offset(&bill, last_tariff);
    let offset_wh: i64 = offset.iter().map(|(_, wh)| wh).sum();
    for tariff in &case.tariffs {
        let own: Vec<Date> = bill.all_days.iter().copied().filter(|d| tariff.covers(*d)).collect();
        if own.is_empty() {
            continue;
        }
        let file = tariff.file();
        for charge in &file.energy {
            energy(&mut bill, file, charge, &own);
        }
        if case.inputs.customer.class.as_deref() == Some("low_income") {
            social(&mut bill, file, &own);
        }
        for charge in &file.series {
            series(&mut bill, file, charge, &own);
        }
        for charge in &file.demand {
            demand(&mut bill, file, charge, &own);
        }
        for charge in &file.fixed {
            fixed(&mut bill, file, charge, &own);
        }
    }
    for tariff in &case.tariffs {
        let own: Vec<Date> = bill.all_days.iter().copied().filter(|d| tariff.covers(*d)).collect();
        flags(&mut bill, tariff.file(), &own, total_wh - offset_wh);
    }
    credits(&mut bill, last_tariff, &offset);
    minimum_energy(&mut bill, last_tariff, offset_wh);
    finish(bill, last_tariff)
}

fn flags(bill: &mut Bill<'_>, file: &TariffFile, own: &[Date], wh: i64) {
    for flag in &file.flag {
        let mut found: BTreeMap<(String, Decimal, usize), Vec<Date>> = BTreeMap::new();
        for day in own {
            let name = &flag.calendar.iter().rfind(|f| f.from.0 <= *day).unwrap().flag;
            let price = flag.prices[name].on(*day).unwrap();
            found.entry((name.clone(), price, step(file, *day))).or_default().push(*day);
        }
        for ((_, price, _), own) in found {
            if !price.is_zero() && wh != 0 {
                let of = count(&bill.all_days);
                let rates = bill.rates(file, flag.taxes.as_ref(), own[0]);
                let product = (kwh(wh), count(&own).into(), of.into(), price);
                bill.push(&flag.code, product, rates, true);
            }
        }
    }
}

fn series(bill: &mut Bill<'_>, file: &TariffFile, charge: &SeriesCharge, own: &[Date]) {
    for run in runs(own, |d| tax_changes(file, d)) {
        let mut base = Decimal::ZERO;
        let mut wh = 0;
        // A price for each interval of the readings.
        let points = &bill.case.series[0].points;
        for (used, point) in bill.uses.iter().zip(points).filter(|(u, _)| run.contains(&u.date)) {
            let on = |dated: &Option<Dated>| dated.as_ref().map(|d| d.on(used.date).unwrap());
            let mut price = point.price / Decimal::ONE_THOUSAND;
            price *= on(&charge.multiply).unwrap_or(Decimal::ONE);
            price += on(&charge.add).unwrap_or_default();
            if let Some(add) = used.period.as_ref().and_then(|p| charge.add_in.get(p)) {
                price += add.on(used.date).unwrap();
            }
            price = on(&charge.cap).map_or(price, |cap| price.min(cap));
            price = on(&charge.floor).map_or(price, |floor| price.max(floor));
            base += price * kwh(used.wh);
            wh += used.wh;
        }
        let rates = bill.rates(file, charge.taxes.as_ref(), run[0]);
        let product = (kwh(wh), Decimal::ONE, Decimal::ONE, Decimal::ZERO);
        bill.push(&charge.code, product, rates, true);
        bill.raw.last_mut().unwrap().base = Some(base);
    }
}

/// What is offset by each regime, Wh: the oldest credits first.
fn offset(bill: &Bill<'_>, file: &TariffFile) -> Vec<(String, i64)> {
    let Some(rules) = &file.credits else { return Vec::new() };
    let last = *bill.all_days.last().unwrap();
    let fed: i64 = bill.case.export.iter().map(|i| i.energy().unwrap().wh()).sum();
    let mut batches: Vec<(Date, String, i64)> = Vec::new();
    for batch in &bill.case.inputs.credits {
        batches.push((batch.month, batch.regime.clone(), batch.wh));
    }
    if fed > 0 {
        let regime = bill.case.inputs.customer.credit_regime.clone().unwrap();
        batches.push((last.first_of_month(), regime, fed));
    }
    batches.sort_by_key(|b| b.0);
    // A credit is lost so many months after the month in which it arose.
    let months = |d: Date| i64::from(d.year()) * 12 + i64::from(d.month());
    batches.retain(|b| months(last) <= months(b.0) + i64::from(rules.expire_after_months));
    let kept = match rules.minimum {
        CreditMinimum::NotOffset => least_wh(bill, file),
        CreditMinimum::ChargeAndAdjust => 0,
    };
    let mut open = (bill.total_wh - kept).max(0);
    let mut found: Vec<(String, i64)> = Vec::new();
    for (_, regime, wh) in batches {
        let used = wh.min(open);
        open -= used;
        match found.iter_mut().find(|(name, _)| *name == regime) {
            Some((_, sum)) => *sum += used,
            None => found.push((regime, used)),
        }
    }
    found.retain(|(_, wh)| *wh > 0);
    found
}

fn plain_price(file: &TariffFile, on: Date) -> Decimal {
    file.energy.iter().map(|c| c.price.as_ref().unwrap().on(on).unwrap()).sum()
}

fn credits(bill: &mut Bill<'_>, file: &TariffFile, offset: &[(String, i64)]) {
    let Some(rules) = &file.credits else { return };
    let (first, last) = (bill.all_days[0], *bill.all_days.last().unwrap());
    for (regime, wh) in offset {
        let regime = rules.regime.iter().find(|r| r.code == *regime).unwrap();
        let paid: Decimal =
            regime.pays.iter().map(|p| p.price.on(last).unwrap() * p.share.on(last).unwrap()).sum();
        let price = -(plain_price(file, last) - paid);
        let rates = bill.rates(file, None, first);
        bill.push(&regime.code, (kwh(*wh), Decimal::ONE, Decimal::ONE, price), rates, false);
    }
}

/// The energy of the minimum, Wh.
fn least_wh(bill: &Bill<'_>, file: &TariffFile) -> i64 {
    let Some(minimum) = file.minimum.as_ref().filter(|m| !m.kwh.is_empty()) else { return 0 };
    let least = minimum.kwh[bill.case.inputs.customer.phases.unwrap().word()].0;
    let days = count(&bill.all_days);
    let of = bill.case.inputs.part_of_days.unwrap_or(days);
    let wh = least * Decimal::ONE_THOUSAND * Decimal::from(days) / Decimal::from(of);
    i64::try_from(round_to(wh, 0, Rounding::HalfUp)).unwrap()
}

fn minimum_energy(bill: &mut Bill<'_>, file: &TariffFile, offset: i64) {
    let Some(minimum) = file.minimum.as_ref().filter(|m| !m.kwh.is_empty()) else { return };
    let (first, last) = (bill.all_days[0], *bill.all_days.last().unwrap());
    let missing = least_wh(bill, file) - (bill.total_wh - offset);
    if missing <= 0 {
        return;
    }
    let price = minimum.price.as_ref().unwrap().on(last).unwrap();
    let rates = bill.rates(file, minimum.taxes.as_ref(), first);
    bill.push(&minimum.code, (kwh(missing), Decimal::ONE, Decimal::ONE, price), rates, false);
    let adjusts =
        file.credits.as_ref().is_some_and(|c| c.minimum == CreditMinimum::ChargeAndAdjust);
    if adjusts && offset > 0 {
        let product = (kwh(missing), Decimal::ONE, Decimal::ONE, -price);
        bill.push("minimum_adjustment", product, Rates::default(), false);
    }
}

fn days(first: Date, last: Date) -> Vec<Date> {
    let mut days = vec![first];
    while *days.last().unwrap() < last {
        days.push(days.last().unwrap().tomorrow().unwrap());
    }
    days
}

fn tariff_on(case: &Case, date: Date) -> &Tariff {
    case.tariffs.iter().find(|t| t.covers(date)).unwrap()
}

pub(crate) fn count<T>(list: &[T]) -> i64 {
    i64::try_from(list.len()).unwrap()
}

pub(crate) fn kwh(wh: i64) -> Decimal {
    Decimal::new(wh, 3)
}

fn minutes(text: &str) -> i64 {
    let (h, m) = text.split_once(':').unwrap();
    h.parse::<i64>().unwrap() * 60 + m.parse::<i64>().unwrap()
}

/// The rule that covers the minute, or the rest.
fn period(file: &TariffFile, date: Date, minute: i64) -> Option<String> {
    let tou: &TouCalendar = file.tou.as_ref()?;
    let holiday = file.holidays.iter().any(|y| y.dates.iter().any(|d| d.0 == date));
    let weekday = date.weekday().to_monday_zero_offset();
    let month_day = format!("{:02}-{:02}", date.month(), date.day());
    let season = tou.season.iter().rfind(|s| s.from <= month_day).or(tou.season.last());
    let rule = tou.rule.iter().find(|rule| {
        let is_day = rule.days.is_empty()
            || rule.days.iter().any(|day| match day {
                DayName::Holiday => holiday,
                DayName::Business => !holiday && weekday < 5,
                DayName::Weekend => !holiday && weekday >= 5,
                DayName::Mon => !holiday && weekday == 0,
                DayName::Tue => !holiday && weekday == 1,
                DayName::Wed => !holiday && weekday == 2,
                DayName::Thu => !holiday && weekday == 3,
                DayName::Fri => !holiday && weekday == 4,
                DayName::Sat => !holiday && weekday == 5,
                DayName::Sun => !holiday && weekday == 6,
            });
        let in_season =
            rule.seasons.is_empty() || rule.seasons.iter().any(|s| *s == season.unwrap().name);
        is_day && in_season && minutes(&rule.from) <= minute && minute < minutes(&rule.until)
    });
    Some(rule.map_or_else(|| tou.rest.clone().unwrap(), |r| r.period.clone()))
}

fn price(
    price: Option<&Dated>,
    prices: &BTreeMap<String, Dated>,
    period: Option<&String>,
    on: Date,
) -> Decimal {
    price.unwrap_or_else(|| &prices[period.unwrap()]).on(on).unwrap()
}

type Key = (usize, Option<String>, Decimal, usize);

fn energy(bill: &mut Bill<'_>, file: &TariffFile, charge: &EnergyCharge, own: &[Date]) {
    let all_days = count(&bill.all_days);
    let counts = |p: &Option<String>| {
        charge.periods.is_empty() || charge.periods.contains(p.as_ref().unwrap())
    };
    let every: Vec<Option<String>> =
        file.tou.as_ref().map_or(vec![None], |t| t.periods.iter().cloned().map(Some).collect());
    let periods: Vec<Option<String>> = every.iter().filter(|p| counts(p)).cloned().collect();
    let in_period =
        |p: &Option<String>| bill.uses.iter().filter(|u| u.period == *p).map(|u| u.wh).sum::<i64>();
    // A day of each line, for its taxes.
    let mut made: Vec<(Product, Date)> = Vec::new();
    if charge.blocks.is_empty() {
        // Price → energy, or price → days.
        let by_period = charge.price.is_none();
        let mut found: BTreeMap<(Option<String>, Decimal, usize), (i64, Date)> = BTreeMap::new();
        let days_count = file.split == Split::Days;
        for date in own {
            let seen = if days_count && !by_period { vec![None] } else { periods.clone() };
            for period in seen {
                let price = price(charge.price.as_ref(), &charge.prices, period.as_ref(), *date);
                let used = bill.uses.iter().filter(|u| u.date == *date && u.period == period);
                let weight = if days_count { 1 } else { used.map(|u| u.wh).sum() };
                let key = (period.filter(|_| by_period), price, step(file, *date));
                found.entry(key).or_insert((0, *date)).0 += weight;
            }
        }
        for ((period, price, _), (weight, date)) in found {
            let product = if days_count {
                let wh = match &period {
                    Some(_) => in_period(&period),
                    None => periods.iter().map(in_period).sum(),
                };
                (kwh(wh), weight.into(), all_days.into(), price)
            } else {
                (kwh(weight), Decimal::ONE, Decimal::ONE, price)
            };
            made.push((product, date));
        }
    } else if charge.blocks_per == BlockPer::Day {
        made = daily(bill, file, charge, own, &every);
    } else {
        let fills = charge.blocks_count == BlockCount::All;
        let total: i64 = every.iter().filter(|p| fills || counts(p)).map(in_period).sum();
        let scale = match (charge.blocks_for_days, bill.case.inputs.part_of_days) {
            (Some(of), _) => (all_days, i64::from(of)),
            (None, Some(of)) => (all_days, of),
            (None, None) => (1, 1),
        };
        let mut found: BTreeMap<Key, (Decimal, Date)> = BTreeMap::new();
        for (index, block) in charge.blocks.iter().enumerate() {
            for date in own {
                for period in &periods {
                    let weight = match file.split {
                        Split::Measured => bill
                            .uses
                            .iter()
                            .filter(|u| u.date == *date && u.period == *period)
                            .map(|u| Decimal::from(u.wh))
                            .sum::<Decimal>(),
                        Split::Days => Decimal::from(in_period(period)),
                    };
                    let p = price(block.price.as_ref(), &block.prices, period.as_ref(), *date);
                    let period = period.clone().filter(|_| block.price.is_none());
                    let key = (index, period, p, step(file, *date));
                    found.entry(key).or_insert((Decimal::ZERO, *date)).0 += weight;
                }
            }
        }
        let minutes = charge.blocks_window_minutes.unwrap_or(15);
        let kw = kwh(windows(bill, minutes).iter().map(|w| w.3).max().unwrap_or(0));
        let parts = parts(&ends(&charge.blocks, kw), total, scale);
        for ((index, _, price, _), (weight, date)) in found {
            if parts[index] > 0 {
                let of = match file.split {
                    Split::Measured => total,
                    Split::Days => total * all_days,
                };
                made.push(((kwh(parts[index]), weight, of.into(), price), date));
            }
        }
    }
    for (product, date) in made {
        let rates = bill.rates(file, charge.taxes.as_ref(), date);
        bill.push(&charge.code, product, rates, true);
    }
}

/// Where blocks end, kWh: the smaller of both ends where there are two.
fn ends(blocks: &[Block], kw: Decimal) -> Vec<Option<Decimal>> {
    let end = |b: &Block| {
        let per_kw = b.up_to_kwh_per_kw.map(|e| e.0 * kw);
        [b.up_to_kwh.map(|e| e.0), per_kw].into_iter().flatten().min()
    };
    blocks.iter().map(end).collect()
}

/// The scale is two numbers: divided first, a third would not come out to the half that is rounded.
fn parts(ends: &[Option<Decimal>], total: i64, (days, of): (i64, i64)) -> Vec<i64> {
    let mut before = 0;
    ends.iter()
        .map(|end| {
            let limit = end.map_or(total, |l| {
                let wh = l * Decimal::ONE_THOUSAND * Decimal::from(days) / Decimal::from(of);
                let wh = round_to(wh, 0, Rounding::HalfUp);
                i64::try_from(wh).unwrap().min(total)
            });
            let part = (limit - before).max(0);
            before = before.max(limit);
            part
        })
        .collect()
}

fn daily(
    bill: &Bill<'_>,
    file: &TariffFile,
    charge: &EnergyCharge,
    own: &[Date],
    every: &[Option<String>],
) -> Vec<(Product, Date)> {
    let counts = |p: &Option<String>| {
        charge.periods.is_empty() || charge.periods.contains(p.as_ref().unwrap())
    };
    let fills = |p: &Option<String>| charge.blocks_count == BlockCount::All || counts(p);
    let periods: Vec<&Option<String>> = every.iter().filter(|p| fills(p)).collect();
    let mut found: BTreeMap<Key, (i64, Date)> = BTreeMap::new();
    for date in own {
        let used = |p: &Option<String>| {
            bill.uses
                .iter()
                .filter(|u| u.date == *date && u.period == *p)
                .map(|u| u.wh)
                .sum::<i64>()
        };
        let cells: Vec<i64> = periods.iter().map(|p| used(p)).collect();
        let total: i64 = cells.iter().sum();
        let parts = parts(&ends(&charge.blocks, Decimal::ZERO), total, (1, 1));
        for (index, part) in parts.into_iter().enumerate() {
            let block = &charge.blocks[index];
            if part == 0 {
                continue;
            }
            // Whole watt-hours by largest remainder, earlier periods first.
            let mut shares: Vec<i64> = cells
                .iter()
                .map(|c| {
                    i64::try_from(i128::from(part) * i128::from(*c) / i128::from(total)).unwrap()
                })
                .collect();
            let mut order: Vec<usize> = (0..cells.len()).collect();
            let rest = |i: usize| i128::from(part) * i128::from(cells[i]) % i128::from(total);
            order.sort_by(|a, b| rest(*b).cmp(&rest(*a)).then(a.cmp(b)));
            let missing = part - shares.iter().sum::<i64>();
            for i in order.into_iter().take(usize::try_from(missing).unwrap()) {
                shares[i] += 1;
            }
            for (period, share) in periods.iter().zip(shares).filter(|(p, s)| *s > 0 && counts(p)) {
                let p = price(block.price.as_ref(), &block.prices, period.as_ref(), *date);
                let period = (*period).clone().filter(|_| block.price.is_none());
                let key = (index, period, p, step(file, *date));
                found.entry(key).or_insert((0, *date)).0 += share;
            }
        }
    }
    let line = |((_, _, price, _), (wh, date)): (Key, (i64, Date))| {
        ((kwh(wh), Decimal::ONE, Decimal::ONE, price), date)
    };
    found.into_iter().map(line).collect()
}

fn social(bill: &mut Bill<'_>, file: &TariffFile, own: &[Date]) {
    let all_days = count(&bill.all_days);
    let scale = bill.case.inputs.part_of_days.map_or((1, 1), |of| (all_days, of));
    for discount in &file.discount {
        let charge = file.energy.iter().find(|c| c.code == discount.on[0]).unwrap();
        let ends: Vec<_> = discount.blocks.iter().map(|b| b.up_to_kwh.map(|e| e.0)).collect();
        let parts = parts(&ends, bill.total_wh, scale);
        let price = charge.price.as_ref().unwrap();
        let changed = |on: Date| price.changes().any(|c| c == on) || tax_changes(file, on);
        for run in runs(own, changed) {
            let (part, of) = match file.split {
                Split::Measured => {
                    let inside = bill.uses.iter().filter(|u| run.contains(&u.date));
                    (inside.map(|u| u.wh).sum::<i64>(), bill.total_wh)
                }
                Split::Days => (count(&run), all_days),
            };
            for (block, wh) in discount.blocks.iter().zip(&parts) {
                let price = -(price.on(run[0]).unwrap() * block.share.0);
                if *wh > 0 && !price.is_zero() {
                    let rates = bill.rates(file, charge.taxes.as_ref(), run[0]);
                    let product = (kwh(*wh), part.into(), of.into(), price);
                    bill.push(&discount.code, product, rates, false);
                }
            }
        }
    }
}

fn fixed(
    bill: &mut Bill<'_>,
    file: &TariffFile,
    charge: &corrente_tariff::file::FixedCharge,
    own: &[Date],
) {
    let customer = &bill.case.inputs.customer;
    let (meters, contracted) = (customer.meters.unwrap(), customer.contracted_kw.unwrap());
    let whole = Decimal::from(bill.case.inputs.part_of_days.unwrap_or(count(&bill.all_days)));
    let changed = |on: Date| charge.price.changes().any(|c| c == on) || tax_changes(file, on);
    for run in runs(own, changed) {
        let price = charge.price.on(run[0]).unwrap();
        let n = Decimal::from(count(&run));
        let product = match charge.per {
            FixedPer::Day => (n, Decimal::ONE, Decimal::ONE, price),
            FixedPer::Month => (Decimal::ONE, n, whole, price),
            FixedPer::Year => (Decimal::ONE, n, whole * Decimal::from(12), price),
            FixedPer::Meter => (meters.into(), n, whole, price),
            FixedPer::Kw => (contracted, n, whole, price),
        };
        let rates = bill.rates(file, charge.taxes.as_ref(), run[0]);
        bill.push(&charge.code, product, rates, false);
    }
}
