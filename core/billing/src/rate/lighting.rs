//! The contribution to municipal street lighting.

use corrente_tariff::file::{LightingBand, LineMethod};
use corrente_units::Money;

use super::{Context, value_on};
use crate::{BillingError, Line, LineGroup, exact::Exact};

pub(super) fn lines(context: &Context<'_>, lines: &[Line]) -> Result<Vec<Line>, BillingError> {
    let Some(portion) = context.last() else { return Ok(Vec::new()) };
    let file = portion.tariff.file();
    let last_day = context.determinants.until.yesterday().unwrap_or(context.determinants.until);
    let mut found = Vec::new();
    if let Some(lighting) = &file.lighting
        && !context.exempt(&lighting.exempt, last_day)
    {
        let band = band(context, &lighting.band).ok_or_else(|| BillingError::NoBand {
            charge: lighting.code.clone(),
            class: context.class().to_owned(),
        })?;
        let exact = match (&band.amount, band.share) {
            (Some(amount), _) => value_on(amount, last_day, &lighting.code)?,
            (None, Some(share)) => {
                let base = match &lighting.base {
                    Some(base) => value_on(base, last_day, &lighting.code)?,
                    None => energy_amount(lines)?.decimal(),
                };
                base.times(share.0)?
            }
            (None, None) => corrente_units::Decimal::ZERO,
        };
        let capped = band.at_most.map_or(exact, |most| exact.min(most.0));
        let amount = Money::from_decimal(capped, file.rounding.money)?;
        if amount != Money::ZERO {
            let (code, label) = (lighting.code.clone(), lighting.label.clone());
            let mut line = flat(context, code, label, LineGroup::Lighting, amount, file.rounding);
            line.clause.clone_from(&lighting.clause);
            line.block = band.up_to_kwh.map(|u| format!("..{}", u.0.normalize()));
            found.push(line);
        }
    }
    for item in &context.inputs.items {
        let (code, label) = (item.code.clone(), item.label.clone());
        let mut line = flat(context, code, label, LineGroup::Other, item.amount, file.rounding);
        line.detail.clone_from(&item.about);
        line.clause.clone_from(&item.clause);
        found.push(line);
    }
    Ok(found)
}

/// The first band that fits: those of the customer's class before those of all classes.
fn band<'b>(context: &Context<'_>, bands: &'b [LightingBand]) -> Option<&'b LightingBand> {
    let holds = |b: &&LightingBand| b.up_to_kwh.is_none_or(|limit| context.total_kwh() <= limit.0);
    let own = bands.iter().filter(|b| b.class.as_deref() == Some(context.class())).find(holds);
    own.or_else(|| bands.iter().filter(|b| b.class.is_none()).find(holds))
}

fn energy_amount(lines: &[Line]) -> Result<Money, BillingError> {
    let of_energy =
        |l: &&Line| matches!(l.group, LineGroup::Energy | LineGroup::Series | LineGroup::Flag);
    Ok(Money::sum(lines.iter().filter(of_energy).map(|l| l.amount))?)
}

/// A line of an amount that is neither a product nor taxed.
fn flat(
    context: &Context<'_>,
    code: String,
    label: String,
    group: LineGroup,
    amount: Money,
    rules: corrente_tariff::file::RoundingRules,
) -> Line {
    Line {
        code,
        label,
        group,
        first: context.determinants.first,
        until: context.determinants.until,
        period: None,
        block: None,
        detail: None,
        quantity: None,
        unit: None,
        share: None,
        price: None,
        price_with_taxes: None,
        base: amount.decimal(),
        amount,
        taxes: Vec::new(),
        method: LineMethod::Plain,
        rounding: rules.money,
        clause: None,
    }
}
