//! The slow implementation's end: lines, taxes, what concerns the whole bill.

use std::collections::BTreeMap;

use corrente_tariff::{TariffFile, file::LineMethod};
use corrente_units::{Decimal, Money, Rounding, round_to};

use crate::rating::{Bill, Rates, Raw, Slow, count, kwh};

/// A line before and after it was cut to cents.
struct Done {
    code: String,
    base: Decimal,
    exact: Decimal,
    printed: Decimal,
    rates: Rates,
    energy: bool,
}

fn cut(file: &TariffFile, value: Decimal) -> Decimal {
    // Beyond the 15th decimal there is only what divisions left over.
    round_to(value.round_dp(15), 2, file.rounding.money)
}

fn money(value: Decimal) -> Money {
    Money::from_decimal(value, Rounding::Truncate).unwrap()
}

fn done(file: &TariffFile, raw: Raw) -> Done {
    let Rates { icms, pis, cofins, inclusive, .. } = raw.rates;
    let (quantity, part, of, price) = raw.product;
    let base = raw.base.unwrap_or_else(|| quantity * price * part / of);
    let divisor = (Decimal::ONE - icms) * (Decimal::ONE - pis - cofins);
    let gross = base / divisor;
    let exact = match file.rounding.line {
        LineMethod::PriceWithTaxes if inclusive && raw.base.is_none() => {
            let digits = file.rounding.price_decimals;
            let price = round_to((price / divisor).round_dp(15), digits, Rounding::Truncate);
            quantity * price * part / of
        }
        LineMethod::TaxComponents if inclusive && !raw.amount_only => {
            let net = base / (Decimal::ONE - pis - cofins);
            base + cut(file, net * pis) + cut(file, net * cofins) + cut(file, gross * icms)
        }
        LineMethod::Plain | LineMethod::TaxComponents | LineMethod::PriceWithTaxes => gross,
    };
    let exact = exact.round_dp(15);
    let printed = cut(file, exact);
    Done { code: raw.code, base, exact, printed, rates: raw.rates, energy: raw.energy }
}

/// What is missing to a minimum amount, with its taxes.
fn minimum_amount(bill: &Bill<'_>, file: &TariffFile, lines: &[Done]) -> Option<Raw> {
    let minimum = file.minimum.as_ref()?;
    let (first, last) = (bill.all_days[0], *bill.all_days.last().unwrap());
    let least = minimum.amount.as_ref()?.on(last).unwrap();
    let days = count(&bill.all_days);
    let of = bill.case.inputs.part_of_days.unwrap_or(days);
    let least = round_to(least * Decimal::from(days) / Decimal::from(of), 2, file.rounding.money);
    let charged: Decimal = lines.iter().map(|l| l.printed).sum();
    let rates = bill.rates(file, minimum.taxes.as_ref(), first);
    let divisor = (Decimal::ONE - rates.icms) * (Decimal::ONE - rates.pis - rates.cofins);
    (charged < least).then(|| Raw {
        code: minimum.code.clone(),
        product: (Decimal::ZERO, Decimal::ONE, Decimal::ONE, Decimal::ZERO),
        base: Some(((least - charged) * divisor).round_dp(15)),
        amount_only: true,
        rates,
        energy: false,
    })
}

pub(crate) fn finish(mut bill: Bill<'_>, file: &TariffFile) -> Slow {
    let raw = std::mem::take(&mut bill.raw);
    let mut made: Vec<Done> = raw.into_iter().map(|raw| done(file, raw)).collect();
    made.extend(minimum_amount(&bill, file, &made).map(|raw| done(file, raw)));
    let mut lines: Vec<_> =
        made.iter().map(|l| (l.code.clone(), l.base.round_dp(9), money(l.printed))).collect();
    let mut taxes = Vec::new();
    let mut total: Decimal = made.iter().map(|l| l.printed).sum();
    // Inclusive rates are the same on all lines that bear the taxes.
    if let Some(first) = made.iter().find(|l| l.rates.inclusive) {
        let Rates { icms, pis, cofins, .. } = first.rates;
        let own = || made.iter().filter(|l| l.rates.inclusive);
        let exact: Decimal = own().map(|l| l.exact).sum();
        let printed: Decimal = own().map(|l| l.printed).sum();
        let half_up = |v: Decimal| round_to(v.round_dp(15), 2, Rounding::HalfUp);
        let truncated = |v: Decimal| round_to(v.round_dp(15), 2, Rounding::Truncate);
        let over = half_up(exact * icms);
        if !icms.is_zero() {
            taxes.push(("icms".to_owned(), icms.normalize(), money(over)));
        }
        let net = printed - over;
        taxes.push(("pis".to_owned(), pis.normalize(), money(truncated(net * pis))));
        taxes.push(("cofins".to_owned(), cofins.normalize(), money(truncated(net * cofins))));
    }
    let mut vat: BTreeMap<Decimal, Decimal> = BTreeMap::new();
    for line in &made {
        if let Some(rate) = line.rates.vat {
            *vat.entry(rate.normalize()).or_default() += line.printed;
        }
    }
    for (rate, printed) in vat {
        let amount = cut(file, printed * rate);
        taxes.push(("vat".to_owned(), rate, money(amount)));
        total += amount;
    }
    let energy: Decimal = made.iter().filter(|l| l.energy).map(|l| l.printed).sum();
    if let Some(amount) = lighting(&bill, file, energy) {
        lines.push(("lighting".to_owned(), amount.round_dp(9), money(amount)));
        total += amount;
    }
    Slow { lines, taxes, total: money(total) }
}

fn lighting(bill: &Bill<'_>, file: &TariffFile, energy: Decimal) -> Option<Decimal> {
    file.lighting.as_ref()?;
    let used = kwh(bill.total_wh);
    let low = bill.case.inputs.customer.class.as_deref() == Some("low_income");
    let exempt = low && used <= Decimal::from(80);
    let amount = if used <= Decimal::from(50) || exempt {
        Decimal::ZERO
    } else if used <= Decimal::from(200) {
        Decimal::new(987, 2)
    } else {
        (energy * Decimal::new(43, 3)).min(Decimal::from(60))
    };
    Some(cut(file, amount)).filter(|amount| !amount.is_zero())
}
