//! Taxes inside and on top of prices, and the tax box.
//!
//! The three ways to make a line's amount are [`LineMethod`]; which one a distributor uses is data of
//! its tariff. Afterwards the tax box is computed from the sums, and the lines' taxes are adjusted so
//! that they add up to it: the first line with the tax takes the residue, as printed bills do.

use std::collections::BTreeMap;

use corrente_tariff::{
    Tariff,
    file::{LineMethod, RoundingRules, TaxBase, TaxMethod},
};
use corrente_units::{Decimal, Money, Rounding, round_to};

use super::{Draft, RatedTax};
use crate::{
    BillingError, Line, LineGroup, LineTax, Share, TaxRow,
    exact::{Exact, without_noise},
};

/// A line with the figures that the tax box is computed from.
struct Made<'d, 'a> {
    line: Line,
    draft: &'d Draft<'a>,
    /// The amount before it was cut to cents.
    exact: Decimal,
}

/// Makes lines and tax box.
pub(super) fn lines(drafts: &[Draft<'_>]) -> Result<(Vec<Line>, Vec<TaxRow>), BillingError> {
    let mut made = drafts.iter().map(line).collect::<Result<Vec<_>, _>>()?;
    let tax_box = tax_box(&mut made, true)?;
    Ok((made.into_iter().map(|m| m.line).collect(), tax_box))
}

/// A line of another source: quantity × share × price with all inclusive taxes of a tariff.
#[derive(Clone, Debug)]
pub(crate) struct Taxable {
    pub(crate) label: String,
    pub(crate) quantity: Decimal,
    pub(crate) share: Option<Share>,
    pub(crate) price: Decimal,
    /// Taxes that it does not bear, by code.
    pub(crate) exempt: Vec<&'static str>,
}

/// Lines and tax box of such lines, by the code that makes all bills. Where the tax box is not
/// printed, the lines' taxes are not adjusted to it.
pub(crate) fn taxed_lines(
    tariff: &Tariff,
    from: &[Taxable],
    adjust: bool,
) -> Result<(Vec<Line>, Vec<TaxRow>), BillingError> {
    let on = tariff.valid_from();
    let mut taxes = Vec::new();
    for tax in &tariff.file().tax {
        taxes.push(RatedTax { tax, rate: super::value_on(&tax.rate, on, &tax.code)? });
    }
    taxes.sort_by_key(|r| r.tax.layer);
    let mut drafts = Vec::new();
    for line in from {
        drafts.push(Draft {
            code: line.label.clone(),
            label: line.label.clone(),
            group: LineGroup::Energy,
            first: on,
            until: on,
            period: None,
            block: None,
            detail: None,
            quantity: Some(line.quantity),
            unit: "kWh",
            share: line.share.clone(),
            price: Some(line.price),
            price_is_mean: false,
            base: Draft::product(line.quantity, line.share.as_ref(), line.price)?,
            taxes: taxes
                .iter()
                .filter(|t| !line.exempt.contains(&t.tax.code.as_str()))
                .copied()
                .collect(),
            clause: None,
            tariff,
        });
    }
    let mut made = drafts.iter().map(line).collect::<Result<Vec<_>, _>>()?;
    let tax_box = tax_box(&mut made, adjust)?;
    Ok((made.into_iter().map(|m| m.line).collect(), tax_box))
}

/// The inclusive taxes of a line by layer, lowest first.
fn layers<'t, 'a>(taxes: &'t [RatedTax<'a>]) -> BTreeMap<u8, Vec<&'t RatedTax<'a>>> {
    let mut layers: BTreeMap<u8, Vec<&RatedTax<'_>>> = BTreeMap::new();
    for tax in taxes.iter().filter(|t| t.tax.method == TaxMethod::Inclusive) {
        layers.entry(tax.tax.layer).or_default().push(tax);
    }
    layers
}

fn rate_sum(taxes: &[&RatedTax<'_>]) -> Result<Decimal, BillingError> {
    Ok(crate::exact::sum(taxes.iter().map(|t| t.rate))?)
}

/// The product of `1 - rates` over the layers: what a price is divided by.
fn divisor(taxes: &[RatedTax<'_>]) -> Result<Decimal, BillingError> {
    let mut divisor = Decimal::ONE;
    for layer in layers(taxes).values() {
        divisor = divisor.times(Decimal::ONE.minus(rate_sum(layer)?)?)?;
    }
    Ok(divisor)
}

/// An amount with its inclusive taxes, at full precision.
pub(crate) fn gross_up(base: Decimal, taxes: &[RatedTax<'_>]) -> Result<Decimal, BillingError> {
    if taxes.is_empty() { Ok(base) } else { Ok(base.over(divisor(taxes)?)?) }
}

/// An amount without its inclusive taxes, at full precision.
pub(super) fn net(amount: Decimal, taxes: &[RatedTax<'_>]) -> Result<Decimal, BillingError> {
    Ok(without_noise(amount.times(divisor(taxes)?)?))
}

fn line<'d, 'a>(draft: &'d Draft<'a>) -> Result<Made<'d, 'a>, BillingError> {
    let rules = draft.tariff.file().rounding;
    let taxed = draft.taxes.iter().any(|t| t.tax.method == TaxMethod::Inclusive);
    let (raw, taxes, price_with_taxes) = match rules.line {
        // An amount that is no product is made at full precision: it must come out as it is.
        LineMethod::TaxComponents if taxed && draft.quantity.is_some() => components(draft, rules)?,
        LineMethod::PriceWithTaxes if taxed && !draft.price_is_mean => priced(draft, rules)?,
        LineMethod::Plain | LineMethod::TaxComponents | LineMethod::PriceWithTaxes => {
            plain(draft, rules)?
        }
    };
    let exact = without_noise(raw);
    let line = Line {
        code: draft.code.clone(),
        label: draft.label.clone(),
        group: draft.group,
        first: draft.first,
        until: draft.until,
        period: draft.period.clone(),
        block: draft.block.clone(),
        detail: draft.detail.clone(),
        quantity: draft.quantity.map(|q| q.normalize()),
        unit: draft.quantity.map(|_| draft.unit.to_owned()),
        share: draft.share.clone(),
        price: draft.price.map(|p| p.normalize()),
        price_with_taxes,
        base: draft.base.normalize(),
        amount: Money::from_decimal(exact, rules.money)?,
        taxes,
        method: rules.line,
        rounding: rules.money,
        clause: draft.clause.clone(),
    };
    Ok(Made { line, draft, exact })
}

type Amounts = (Decimal, Vec<LineTax>, Option<Decimal>);

/// Grossed up at full precision.
fn plain(draft: &Draft<'_>, rules: RoundingRules) -> Result<Amounts, BillingError> {
    let gross = gross_up(draft.base, &draft.taxes)?;
    let mut taxes = Vec::new();
    let mut value = draft.base;
    for layer in layers(&draft.taxes).values() {
        value = value.over(Decimal::ONE.minus(rate_sum(layer)?)?)?;
        for tax in layer {
            taxes.push(line_tax(tax, value.times(tax.rate)?, rules.money)?);
        }
    }
    for tax in draft.taxes.iter().filter(|t| t.tax.method == TaxMethod::Exclusive) {
        taxes.push(line_tax(tax, gross.times(tax.rate)?, rules.money)?);
    }
    let price = match draft.price {
        Some(price) => {
            let gross = without_noise(gross_up(price, &draft.taxes)?);
            Some(round_to(gross, rules.price_decimals, rules.price))
        }
        None => None,
    };
    Ok((gross, taxes, price))
}

/// Algorithm A: each tax of the line is cut to cents; the amount is the net amount plus these taxes.
fn components(draft: &Draft<'_>, rules: RoundingRules) -> Result<Amounts, BillingError> {
    let mut exact = draft.base;
    let mut value = draft.base;
    let mut taxes = Vec::new();
    for layer in layers(&draft.taxes).values() {
        value = value.over(Decimal::ONE.minus(rate_sum(layer)?)?)?;
        for tax in layer {
            let part = line_tax(tax, value.times(tax.rate)?, rules.money)?;
            exact = exact.plus(part.amount.decimal())?;
            taxes.push(part);
        }
    }
    let quantity = match (draft.quantity, &draft.share) {
        (Some(quantity), None) if !quantity.is_zero() => Some(quantity),
        _ => None,
    };
    let price = match quantity {
        Some(quantity) => {
            Some(round_to(without_noise(exact.over(quantity)?), rules.price_decimals, rules.price))
        }
        None => None,
    };
    Ok((exact, taxes, price))
}

/// Algorithm B: the price with taxes is cut, then quantity times price is cut.
fn priced(draft: &Draft<'_>, rules: RoundingRules) -> Result<Amounts, BillingError> {
    let (Some(quantity), Some(price)) = (draft.quantity, draft.price) else {
        return plain(draft, rules);
    };
    let gross = without_noise(gross_up(price, &draft.taxes)?);
    let price = round_to(gross, rules.price_decimals, rules.price);
    let exact = without_noise(Draft::product(quantity, draft.share.as_ref(), price)?);
    // Taxes are taken out of the printed amount, the highest layer first.
    let mut value = Money::from_decimal(exact, rules.money)?.decimal();
    let mut taxes = Vec::new();
    for layer in layers(&draft.taxes).into_values().rev() {
        let whole = value.times(rate_sum(&layer)?)?;
        let cut = Money::from_decimal(whole, rules.money)?;
        let mut left = cut;
        let mut parts = Vec::new();
        for tax in &layer {
            let part = line_tax(tax, value.times(tax.rate)?, Rounding::Truncate)?;
            left = left.checked_sub(part.amount)?;
            parts.push(part);
        }
        // The layer's total is printed in one column: its parts add up to it.
        if let Some(last) = parts.last_mut() {
            last.amount = last.amount.checked_add(left)?;
        }
        value = value.minus(whole)?;
        taxes.splice(0..0, parts);
    }
    Ok((exact, taxes, Some(price)))
}

fn line_tax(
    tax: &RatedTax<'_>,
    amount: Decimal,
    rounding: Rounding,
) -> Result<LineTax, BillingError> {
    let amount = Money::from_decimal(without_noise(amount), rounding)?;
    Ok(LineTax { code: tax.tax.code.clone(), rate: tax.rate, amount })
}

/// The rows by tax and rate; adjusts the lines' taxes so that they add up to them.
fn tax_box(made: &mut [Made<'_, '_>], adjust: bool) -> Result<Vec<TaxRow>, BillingError> {
    let mut keys: Vec<RatedTax<'_>> = Vec::new();
    for tax in made.iter().flat_map(|m| &m.draft.taxes) {
        if !keys.iter().any(|k| k.tax.code == tax.tax.code && k.rate == tax.rate) {
            keys.push(*tax);
        }
    }
    // Highest layer first, since lower ones are computed without it; exclusive taxes after all.
    keys.sort_by_key(|k| (k.tax.method == TaxMethod::Exclusive, std::cmp::Reverse(k.tax.layer)));
    let mut rows = Vec::new();
    for key in &keys {
        rows.push(row(made, key, adjust)?);
    }
    Ok(rows)
}

fn row(
    made: &mut [Made<'_, '_>],
    key: &RatedTax<'_>,
    adjust: bool,
) -> Result<TaxRow, BillingError> {
    let has =
        |line: &Line| line.taxes.iter().position(|t| t.code == key.tax.code && t.rate == key.rate);
    let (mut printed, mut exact) = (Money::ZERO, Decimal::ZERO);
    for m in made.iter().filter(|m| has(&m.line).is_some()) {
        printed = printed.checked_add(m.line.amount)?;
        exact = exact.plus(m.exact)?;
        // The base of a lower layer holds none of the taxes above it. These have been adjusted to
        // their rows already.
        let above = m.draft.taxes.iter().filter(|t| {
            t.tax.method == TaxMethod::Inclusive
                && key.tax.method == TaxMethod::Inclusive
                && t.tax.layer > key.tax.layer
        });
        for tax in above {
            let amount = m
                .line
                .taxes
                .iter()
                .find(|t| t.code == tax.tax.code && t.rate == tax.rate)
                .map_or(Money::ZERO, |t| t.amount);
            printed = printed.checked_sub(amount)?;
            exact = exact.minus(m.exact.times(tax.rate)?)?;
        }
    }
    let base = match key.tax.base {
        TaxBase::Printed => printed.decimal(),
        TaxBase::Exact => exact,
    };
    let tax = without_noise(base.times(key.rate)?);
    let amount = Money::from_decimal(tax, key.tax.rounding)?;
    let lines = Money::sum(
        made.iter()
            .filter_map(|m| has(&m.line).and_then(|i| m.line.taxes.get(i)).map(|t| t.amount)),
    )?;
    let residue = amount.checked_sub(lines)?;
    let first = made.iter_mut().find_map(|m| {
        let index = has(&m.line)?;
        m.line.taxes.get_mut(index)
    });
    if let Some(tax) = first.filter(|_| adjust) {
        tax.amount = tax.amount.checked_add(residue)?;
    }
    Ok(TaxRow {
        code: key.tax.code.clone(),
        label: key.tax.label.clone(),
        inclusive: key.tax.method == TaxMethod::Inclusive,
        base: printed,
        rate: key.rate,
        amount,
    })
}
