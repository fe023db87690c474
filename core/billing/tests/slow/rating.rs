//! The slow implementation: interval by interval, day by day, with plain decimal operators.

use std::collections::BTreeMap;

use corrente_metering::Date;
use corrente_tariff::{
    Dated, Tariff, TariffFile,
    file::{
        Block, BlockPer, DayName, EnergyCharge, FixedPer, LineMethod, Split, TaxMethod, TouCalendar,
    },
};
use corrente_units::{Decimal, Money, Rounding, round_to};

use crate::random::Case;

pub(crate) struct Slow {
    pub(crate) lines: Vec<(String, Decimal, Money)>,
    pub(crate) taxes: Vec<(String, Money)>,
    pub(crate) total: Money,
}

/// An interval as it is billed.
struct Use {
    date: Date,
    period: Option<String>,
    wh: i64,
}

/// Quantity, part, of, price.
type Product = (Decimal, Decimal, Decimal, Decimal);

struct Raw {
    code: String,
    product: Product,
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
    let mut raw: Vec<Raw> = Vec::new();
    for tariff in &case.tariffs {
        let own: Vec<Date> = all_days.iter().copied().filter(|d| tariff.covers(*d)).collect();
        if own.is_empty() {
            continue;
        }
        let file = tariff.file();
        for charge in &file.energy {
            energy(case, file, charge, &uses, &own, &all_days, &mut raw);
        }
        if case.inputs.customer.class.as_deref() == Some("low_income") {
            social(case, file, &uses, &own, &all_days, &mut raw);
        }
        for charge in &file.fixed {
            fixed(case, charge, &own, &all_days, &mut raw);
        }
        for flag in &file.flag {
            let mut by_price: BTreeMap<(String, Decimal), i64> = BTreeMap::new();
            for day in &own {
                let name = &flag.calendar.iter().rfind(|f| f.from.0 <= *day).unwrap().flag;
                let price = flag.prices[name].on(*day).unwrap();
                *by_price.entry((name.clone(), price)).or_default() += 1;
            }
            for ((_, price), in_days) in by_price {
                if !price.is_zero() && total_wh > 0 {
                    let product = (kwh(total_wh), in_days.into(), count(&all_days).into(), price);
                    raw.push(Raw { code: flag.code.clone(), product });
                }
            }
        }
    }
    let last_tariff = tariff_on(case, last).file();
    if let Some(minimum) = &last_tariff.minimum {
        let least = minimum.kwh[case.inputs.customer.phases.unwrap().word()].0;
        let of = case.inputs.part_of_days.unwrap_or(count(&all_days));
        let least = round_to(
            least * Decimal::from(count(&all_days)) / Decimal::from(of),
            3,
            Rounding::HalfUp,
        );
        if kwh(total_wh) < least {
            let price = minimum.price.as_ref().unwrap().on(last).unwrap();
            let product = (least - kwh(total_wh), Decimal::ONE, Decimal::ONE, price);
            raw.push(Raw { code: minimum.code.clone(), product });
        }
    }
    finish(case, last_tariff, raw, total_wh)
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

fn count<T>(list: &[T]) -> i64 {
    i64::try_from(list.len()).unwrap()
}

fn kwh(wh: i64) -> Decimal {
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

type Key = (usize, Option<String>, Decimal);

fn energy(
    case: &Case,
    file: &TariffFile,
    charge: &EnergyCharge,
    uses: &[Use],
    own: &[Date],
    all_days: &[Date],
    raw: &mut Vec<Raw>,
) {
    let mut push = |product: Product| raw.push(Raw { code: charge.code.clone(), product });
    let total: i64 = uses.iter().map(|u| u.wh).sum();
    let periods: Vec<Option<String>> =
        file.tou.as_ref().map_or(vec![None], |t| t.periods.iter().cloned().map(Some).collect());
    let in_period =
        |p: &Option<String>| uses.iter().filter(|u| u.period == *p).map(|u| u.wh).sum::<i64>();
    if charge.blocks.is_empty() {
        // Price → energy, or price → days.
        let by_period = charge.price.is_none();
        let mut found: BTreeMap<(Option<String>, Decimal), i64> = BTreeMap::new();
        match file.split {
            Split::Measured => {
                for date in own {
                    for period in &periods {
                        let price =
                            price(charge.price.as_ref(), &charge.prices, period.as_ref(), *date);
                        let key = (period.clone().filter(|_| by_period), price);
                        found.entry(key).or_default();
                    }
                }
                for u in uses.iter().filter(|u| own.contains(&u.date)) {
                    let price =
                        price(charge.price.as_ref(), &charge.prices, u.period.as_ref(), u.date);
                    *found.entry((u.period.clone().filter(|_| by_period), price)).or_default() +=
                        u.wh;
                }
                for ((_, price), wh) in found {
                    push((kwh(wh), Decimal::ONE, Decimal::ONE, price));
                }
            }
            Split::Days => {
                for date in own {
                    let seen = if by_period { periods.clone() } else { vec![None] };
                    for period in seen {
                        let price =
                            price(charge.price.as_ref(), &charge.prices, period.as_ref(), *date);
                        *found.entry((period, price)).or_default() += 1;
                    }
                }
                for ((period, price), in_days) in found {
                    let wh = if by_period { in_period(&period) } else { total };
                    push((kwh(wh), in_days.into(), count(all_days).into(), price));
                }
            }
        }
        return;
    }
    if charge.blocks_per == BlockPer::Day {
        daily(charge, uses, own, &periods, &mut push);
        return;
    }
    let scale = match (charge.blocks_for_days, case.inputs.part_of_days) {
        (Some(of), _) => Decimal::from(count(all_days)) / Decimal::from(of),
        (None, Some(of)) => Decimal::from(count(all_days)) / Decimal::from(of),
        (None, None) => Decimal::ONE,
    };
    let mut found: BTreeMap<Key, Decimal> = BTreeMap::new();
    for (index, block) in charge.blocks.iter().enumerate() {
        for date in own {
            for period in &periods {
                let weight = match file.split {
                    Split::Measured => uses
                        .iter()
                        .filter(|u| u.date == *date && u.period == *period)
                        .map(|u| Decimal::from(u.wh))
                        .sum::<Decimal>(),
                    Split::Days => Decimal::from(in_period(period)),
                };
                let p = price(block.price.as_ref(), &block.prices, period.as_ref(), *date);
                let key = (index, period.clone().filter(|_| block.price.is_none()), p);
                *found.entry(key).or_default() += weight;
            }
        }
    }
    let parts = parts(&charge.blocks, total, scale);
    for ((index, _, price), weight) in found {
        if parts[index] > 0 {
            let of = match file.split {
                Split::Measured => total,
                Split::Days => total * count(all_days),
            };
            push((kwh(parts[index]), weight, of.into(), price));
        }
    }
}

fn parts(blocks: &[Block], total: i64, scale: Decimal) -> Vec<i64> {
    let mut left = total;
    let mut before = 0;
    blocks
        .iter()
        .map(|b| {
            let limit = b.up_to_kwh.map_or(i64::MAX, |l| {
                let wh = round_to(l.0 * Decimal::ONE_THOUSAND * scale, 0, Rounding::HalfUp);
                i64::try_from(wh).unwrap()
            });
            let part = left.min(limit.saturating_sub(before));
            before = limit;
            left -= part;
            part
        })
        .collect()
}

fn daily(
    charge: &EnergyCharge,
    uses: &[Use],
    own: &[Date],
    periods: &[Option<String>],
    push: &mut impl FnMut(Product),
) {
    let mut found: BTreeMap<Key, i64> = BTreeMap::new();
    for date in own {
        let cells: Vec<i64> = periods
            .iter()
            .map(|p| uses.iter().filter(|u| u.date == *date && u.period == *p).map(|u| u.wh).sum())
            .collect();
        let total: i64 = cells.iter().sum();
        for (index, part) in parts(&charge.blocks, total, Decimal::ONE).into_iter().enumerate() {
            let block = &charge.blocks[index];
            if part == 0 {
                continue;
            }
            if block.price.is_some() {
                let p = price(block.price.as_ref(), &block.prices, None, *date);
                *found.entry((index, None, p)).or_default() += part;
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
            for (period, share) in periods.iter().zip(shares).filter(|(_, s)| *s > 0) {
                let p = price(None, &block.prices, period.as_ref(), *date);
                *found.entry((index, period.clone(), p)).or_default() += share;
            }
        }
    }
    for ((_, _, price), wh) in found {
        push((kwh(wh), Decimal::ONE, Decimal::ONE, price));
    }
}

fn social(
    case: &Case,
    file: &TariffFile,
    uses: &[Use],
    own: &[Date],
    all_days: &[Date],
    raw: &mut Vec<Raw>,
) {
    let total: i64 = uses.iter().map(|u| u.wh).sum();
    let scale = case
        .inputs
        .part_of_days
        .map_or(Decimal::ONE, |of| Decimal::from(count(all_days)) / Decimal::from(of));
    for discount in &file.discount {
        let charge = file.energy.iter().find(|c| c.code == discount.on[0]).unwrap();
        let blocks: Vec<Block> = discount
            .blocks
            .iter()
            .map(|b| Block { up_to_kwh: b.up_to_kwh, price: None, prices: BTreeMap::new() })
            .collect();
        let parts = parts(&blocks, total, scale);
        // Stretches of the same price in a row.
        let mut runs: Vec<(Decimal, Vec<Date>)> = Vec::new();
        for date in own {
            let price = charge.price.as_ref().unwrap().on(*date).unwrap();
            let changes = charge.price.as_ref().unwrap().changes().any(|c| c == *date);
            match runs.last_mut() {
                Some((_, run)) if !changes => run.push(*date),
                _ => runs.push((price, vec![*date])),
            }
        }
        for (price, run) in runs {
            let (part, of) = match file.split {
                Split::Measured => (
                    uses.iter().filter(|u| run.contains(&u.date)).map(|u| u.wh).sum::<i64>(),
                    total,
                ),
                Split::Days => (count(&run), count(all_days)),
            };
            for (block, wh) in discount.blocks.iter().zip(&parts) {
                let price = -(price * block.share.0);
                if *wh > 0 && !price.is_zero() {
                    let product = (kwh(*wh), part.into(), of.into(), price);
                    raw.push(Raw { code: discount.code.clone(), product });
                }
            }
        }
    }
}

fn fixed(
    case: &Case,
    charge: &corrente_tariff::file::FixedCharge,
    own: &[Date],
    all_days: &[Date],
    raw: &mut Vec<Raw>,
) {
    let mut runs: Vec<(Decimal, i64)> = Vec::new();
    for date in own {
        let changes = charge.price.changes().any(|c| c == *date);
        match runs.last_mut() {
            Some((_, n)) if !changes => *n += 1,
            _ => runs.push((charge.price.on(*date).unwrap(), 1)),
        }
    }
    let whole = Decimal::from(case.inputs.part_of_days.unwrap_or(count(all_days)));
    for (price, n) in runs {
        let n = Decimal::from(n);
        let product = match charge.per {
            FixedPer::Day => (n, Decimal::ONE, Decimal::ONE, price),
            FixedPer::Month => (Decimal::ONE, n, whole, price),
            FixedPer::Year => (Decimal::ONE, n, whole * Decimal::from(12), price),
            FixedPer::Meter | FixedPer::Kw => panic!("not in the random tariffs"),
        };
        raw.push(Raw { code: charge.code.clone(), product });
    }
}

fn rate_of(file: &TariffFile, code: &str) -> Decimal {
    file.tax.iter().find(|t| t.code == code).map_or(Decimal::ZERO, |t| t.rate.steps()[0].value.0)
}

fn finish(case: &Case, file: &TariffFile, raw: Vec<Raw>, total_wh: i64) -> Slow {
    // Beyond the 15th decimal there is only what divisions left over.
    let cut = |v: Decimal| round_to(v.round_dp(15), 2, file.rounding.money);
    let money = |v: Decimal| Money::from_decimal(v, Rounding::Truncate).unwrap();
    let inclusive = file.tax.iter().any(|t| t.method == TaxMethod::Inclusive);
    let (icms, pis, cofins, vat) = (
        rate_of(file, "icms"),
        rate_of(file, "pis"),
        rate_of(file, "cofins"),
        rate_of(file, "vat"),
    );
    let divisor = (Decimal::ONE - icms) * (Decimal::ONE - pis - cofins);
    let mut lines = Vec::new();
    let (mut printed, mut exact_sum) = (Decimal::ZERO, Decimal::ZERO);
    let mut energy_amount = Decimal::ZERO;
    for Raw { code, product: (quantity, part, of, price) } in raw {
        let base = quantity * price * part / of;
        let gross = base / divisor;
        let exact = match file.rounding.line {
            LineMethod::PriceWithTaxes if inclusive => {
                let price = round_to(
                    (price / divisor).round_dp(15),
                    file.rounding.price_decimals,
                    Rounding::Truncate,
                );
                quantity * price * part / of
            }
            LineMethod::TaxComponents if inclusive => {
                let net = base / (Decimal::ONE - pis - cofins);
                base + cut(net * pis) + cut(net * cofins) + cut(gross * icms)
            }
            LineMethod::Plain | LineMethod::TaxComponents | LineMethod::PriceWithTaxes => gross,
        };
        printed += cut(exact);
        exact_sum += exact;
        if code.starts_with('e') || code == "flag" {
            energy_amount += cut(exact);
        }
        lines.push((code, base.round_dp(9), money(cut(exact))));
    }
    let mut taxes = Vec::new();
    let mut total = printed;
    if inclusive && !lines.is_empty() {
        let icms_total = round_to((exact_sum * icms).round_dp(15), 2, Rounding::HalfUp);
        let net = printed - icms_total;
        taxes.push(("icms".to_owned(), money(icms_total)));
        taxes.push(("pis".to_owned(), money(round_to(net * pis, 2, Rounding::Truncate))));
        taxes.push(("cofins".to_owned(), money(round_to(net * cofins, 2, Rounding::Truncate))));
    } else if !vat.is_zero() && !lines.is_empty() {
        taxes.push(("vat".to_owned(), money(cut(printed * vat))));
        total += cut(printed * vat);
    }
    if let Some(lighting) = &file.lighting {
        let used = kwh(total_wh);
        let low = case.inputs.customer.class.as_deref() == Some("low_income");
        let exempt = low && used <= Decimal::from(80);
        let amount = if used <= Decimal::from(50) || exempt {
            Decimal::ZERO
        } else if used <= Decimal::from(200) {
            Decimal::new(987, 2)
        } else {
            (energy_amount * Decimal::new(43, 3)).min(Decimal::from(60))
        };
        let amount = cut(amount);
        if !amount.is_zero() {
            lines.push((lighting.code.clone(), amount.round_dp(9), money(amount)));
            total += amount;
        }
    }
    Slow { lines, taxes, total: money(total) }
}
