//! Why a bill differs from another one: causes in money that add up exactly.
//!
//! Energy charges are taken apart one by one, with `q` the energy, `d` the days, `p` the mean price
//! with taxes, before (0) and after (1):
//!
//! - days: `G0 × (d1 − d0) / d0`, the old bill's rate of use over the other number of days;
//! - use: `(q1 − q0 × d1/d0) × p0`, of which the share that rests on estimated energy is `estimate`;
//! - mix: the same prices, but other hours or blocks;
//! - price: the new energy at new list prices less old list prices;
//! - taxes: what is left of the charge, since only the taxes' share of the price is.
//!
//! Every other group of lines is a cause of its own.

use std::collections::{BTreeMap, BTreeSet};

use corrente_units::{Decimal, Money, OutOfRange, Rounding};
use serde::{Deserialize, Serialize};

use crate::{BillingPlan, Line, LineGroup, exact::Exact};

/// A reason for a different amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// More or less energy per day.
    Use,
    /// More or fewer days.
    Days,
    /// Other hours of the day, or other blocks.
    Mix,
    /// Other prices.
    Price,
    /// Another flag.
    Flag,
    /// Other tax rates.
    Taxes,
    /// The part of the change in use that rests on estimated energy.
    Estimate,
    /// Charges by time.
    Fixed,
    /// Charges per kW.
    Demand,
    /// Social discounts.
    Discount,
    /// The least that is billed.
    Minimum,
    /// Credits of distributed generation.
    Credits,
    /// Street lighting.
    Lighting,
    /// Fine, interest, compensation and the like.
    Other,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Use,
        Self::Days,
        Self::Mix,
        Self::Price,
        Self::Flag,
        Self::Taxes,
        Self::Estimate,
        Self::Fixed,
        Self::Demand,
        Self::Discount,
        Self::Minimum,
        Self::Credits,
        Self::Lighting,
        Self::Other,
    ];

    /// Its word in the API and in documents.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Use => "use",
            Self::Days => "days",
            Self::Mix => "mix",
            Self::Price => "price",
            Self::Flag => "flag",
            Self::Taxes => "taxes",
            Self::Estimate => "estimate",
            Self::Fixed => "fixed",
            Self::Demand => "demand",
            Self::Discount => "discount",
            Self::Minimum => "minimum",
            Self::Credits => "credits",
            Self::Lighting => "lighting",
            Self::Other => "other",
        }
    }
}

/// The difference between two bills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The earlier bill's total.
    pub before: Money,
    /// The later bill's total.
    pub after: Money,
    /// What each cause contributed, largest first; they add up to `after − before`. Causes that
    /// contributed nothing are left out.
    pub parts: Vec<(Cause, Money)>,
}

/// Takes the difference of two bills apart.
///
/// # Errors
/// When a figure does not fit.
pub fn why_changed(before: &BillingPlan, after: &BillingPlan) -> Result<Change, OutOfRange> {
    let mut parts: BTreeMap<Cause, Decimal> = BTreeMap::new();
    let codes: BTreeSet<&str> = [before, after]
        .iter()
        .flat_map(|plan| plan.lines.iter().filter(|l| is_energy(l)).map(|l| l.code.as_str()))
        .collect();
    for code in codes {
        energy(&Charge::of(before, code)?, &Charge::of(after, code)?, &mut parts)?;
    }
    for (plan, sign) in [(before, Decimal::NEGATIVE_ONE), (after, Decimal::ONE)] {
        for line in plan.lines.iter().filter(|l| !is_energy(l)) {
            add(&mut parts, cause(line.group), gross(plan, line)?.times(sign)?)?;
        }
    }
    let (old, new) = (before.totals.total, after.totals.total);
    Ok(Change { before: old, after: new, parts: rounded(parts, new.checked_sub(old)?)? })
}

fn is_energy(line: &Line) -> bool {
    matches!(line.group, LineGroup::Energy | LineGroup::Series)
}

fn cause(group: LineGroup) -> Cause {
    match group {
        LineGroup::Energy | LineGroup::Series => Cause::Use,
        LineGroup::Demand => Cause::Demand,
        LineGroup::Fixed => Cause::Fixed,
        LineGroup::Flag => Cause::Flag,
        LineGroup::Discount => Cause::Discount,
        LineGroup::Minimum => Cause::Minimum,
        LineGroup::Credit => Cause::Credits,
        LineGroup::Lighting => Cause::Lighting,
        LineGroup::Other => Cause::Other,
    }
}

fn add(
    parts: &mut BTreeMap<Cause, Decimal>,
    cause: Cause,
    amount: Decimal,
) -> Result<(), OutOfRange> {
    let part = parts.entry(cause).or_default();
    *part = part.plus(amount)?;
    Ok(())
}

/// A line's amount with the taxes on top of it.
fn gross(plan: &BillingPlan, line: &Line) -> Result<Decimal, OutOfRange> {
    let mut amount = line.amount.decimal();
    for tax in &line.taxes {
        if plan.tax_box.iter().any(|r| !r.inclusive && r.code == tax.code && r.rate == tax.rate) {
            amount = amount.plus(tax.amount.decimal())?;
        }
    }
    Ok(amount)
}

/// A charge for energy in one of the bills.
struct Charge {
    energy: Decimal,
    base: Decimal,
    gross: Decimal,
    days: Decimal,
    /// The share of the bill's energy that is estimated.
    estimated: Decimal,
    /// Energy and base by period of the day and block.
    cells: BTreeMap<(Option<String>, Option<String>), (Decimal, Decimal)>,
}

impl Charge {
    fn of(plan: &BillingPlan, code: &str) -> Result<Self, OutOfRange> {
        let import = Decimal::from(plan.totals.import_wh);
        let estimated = if import.is_zero() {
            Decimal::ZERO
        } else {
            Decimal::from(plan.totals.estimated_wh).over(import)?
        };
        let mut charge = Self {
            energy: Decimal::ZERO,
            base: Decimal::ZERO,
            gross: Decimal::ZERO,
            days: plan.days.into(),
            estimated,
            cells: BTreeMap::new(),
        };
        for line in plan.lines.iter().filter(|l| is_energy(l) && l.code == code) {
            let mut energy = line.quantity.unwrap_or_default();
            if let Some(share) = &line.share {
                energy = energy.times(share.part.into())?.over(share.of.into())?;
            }
            charge.energy = charge.energy.plus(energy)?;
            charge.base = charge.base.plus(line.base)?;
            charge.gross = charge.gross.plus(gross(plan, line)?)?;
            let key = (line.period.clone(), line.block.clone());
            let cell = charge.cells.entry(key).or_default();
            cell.0 = cell.0.plus(energy)?;
            cell.1 = cell.1.plus(line.base)?;
        }
        Ok(charge)
    }
}

fn energy(
    old: &Charge,
    new: &Charge,
    parts: &mut BTreeMap<Cause, Decimal>,
) -> Result<(), OutOfRange> {
    let difference = new.gross.minus(old.gross)?;
    if old.energy.is_zero() || old.base.is_zero() || old.days.is_zero() {
        // Nothing to compare with: a new charge is a matter of price, new use one of use.
        let cause = if old.cells.is_empty() { Cause::Price } else { Cause::Use };
        return add(parts, cause, difference);
    }
    if new.cells.is_empty() {
        return add(parts, Cause::Price, difference);
    }
    let price = old.gross.over(old.energy)?;
    let factor = old.gross.over(old.base)?;
    let days = old.gross.times(new.days.minus(old.days)?)?.over(old.days)?;
    let same_use = old.energy.times(new.days)?.over(old.days)?;
    let all_use = new.energy.minus(same_use)?.times(price)?;
    let estimate = all_use.times(new.estimated)?;
    let mut at_old_prices = Decimal::ZERO;
    for (key, (energy, base)) in &new.cells {
        let before = old.cells.get(key).filter(|(energy, _)| !energy.is_zero());
        let value = match before {
            Some((old_energy, old_base)) => energy.times(old_base.over(*old_energy)?)?,
            None => *base,
        };
        at_old_prices = at_old_prices.plus(value)?;
    }
    let mix = at_old_prices.times(factor)?.minus(new.energy.times(price)?)?;
    let prices = new.base.minus(at_old_prices)?.times(factor)?;
    let taxes = new.gross.minus(new.base.times(factor)?)?;
    for (cause, amount) in [
        (Cause::Days, days),
        (Cause::Use, all_use.minus(estimate)?),
        (Cause::Estimate, estimate),
        (Cause::Mix, mix),
        (Cause::Price, prices),
        (Cause::Taxes, taxes),
    ] {
        add(parts, cause, amount)?;
    }
    Ok(())
}

/// Whole cents that add up to the difference: the largest part takes what rounding left over.
fn rounded(
    parts: BTreeMap<Cause, Decimal>,
    difference: Money,
) -> Result<Vec<(Cause, Money)>, OutOfRange> {
    let mut cents: Vec<(Cause, Money)> = Vec::new();
    for (cause, amount) in parts {
        cents.push((cause, Money::from_decimal(amount, Rounding::HalfEven)?));
    }
    cents.sort_by_key(|(cause, amount)| (std::cmp::Reverse(amount.minor().abs()), *cause));
    let left = difference.checked_sub(Money::sum(cents.iter().map(|c| c.1))?)?;
    match cents.first_mut() {
        Some(first) => first.1 = first.1.checked_add(left)?,
        None if left != Money::ZERO => cents.push((Cause::Other, left)),
        None => {}
    }
    cents.retain(|(_, amount)| *amount != Money::ZERO);
    Ok(cents)
}
