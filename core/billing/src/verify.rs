//! A second program that looks at finished plans and knows only what must hold of any of them. It
//! shares no code with rating: a plan that it rejects is not issued.

use corrente_units::{Decimal, Energy, Money, OutOfRange};

use crate::{BillingPlan, Line, LineGroup, PLAN_FORM, exact::Exact};

mod energy;

/// Something that must hold of a plan and does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The place: `lines[2].base`.
    pub path: String,
    /// What must hold, with the figures.
    pub rule: String,
}

/// Everything that does not hold; empty for a sound plan.
pub fn verify(plan: &BillingPlan) -> Vec<Violation> {
    let mut found = Found(Vec::new());
    // Figures that do not even fit are a violation of their own.
    if let Err(error) = all(plan, &mut found) {
        found.add("", error.to_string());
    }
    found.0
}

struct Found(Vec<Violation>);

impl Found {
    fn add(&mut self, path: impl Into<String>, rule: impl Into<String>) {
        self.0.push(Violation { path: path.into(), rule: rule.into() });
    }

    fn equal<T: PartialEq + std::fmt::Display>(&mut self, path: &str, what: &str, a: T, b: T) {
        if a != b {
            self.add(path, format!("{a} must be {what}, {b}"));
        }
    }
}

fn all(plan: &BillingPlan, found: &mut Found) -> Result<(), OutOfRange> {
    found.equal("form", "the known form", plan.form.as_str(), PLAN_FORM);
    period(plan, found);
    energy(plan, found)?;
    for (index, line) in plan.lines.iter().enumerate() {
        product(&format!("lines[{index}]"), line, found)?;
    }
    taxes(plan, found)?;
    totals(plan, found)
}

fn period(plan: &BillingPlan, found: &mut Found) {
    let hours = plan.first.duration_until(plan.until).as_hours();
    let days = hours.checked_div(24).unwrap_or(0);
    found.equal("days", "the days from `first` to `until`", plan.days, days);
    let mut at = plan.first;
    for (index, segment) in plan.determinants.segments.iter().enumerate() {
        if segment.first != at || segment.until <= segment.first {
            found.add(
                format!("determinants.segments[{index}]"),
                format!("must begin on {at}, where the one before ended, and have a day"),
            );
        }
        at = segment.until;
    }
    found.equal("determinants.segments", "the period's end at their end", at, plan.until);
    let mut at = plan.first;
    for (index, tariff) in plan.tariffs.iter().enumerate() {
        if tariff.first != at {
            found.add(format!("tariffs[{index}].first"), format!("must be {at}"));
        }
        at = tariff.until;
    }
    found.equal("tariffs", "the period's end at their end", at, plan.until);
    for (index, line) in plan.lines.iter().enumerate() {
        if line.first < plan.first || line.until > plan.until || line.until <= line.first {
            found.add(format!("lines[{index}]"), "must lie inside the period");
        }
    }
}

/// Conservation: what is billed is what was measured, and what the registers say.
fn energy(plan: &BillingPlan, found: &mut Found) -> Result<(), OutOfRange> {
    let cells = || plan.determinants.segments.iter().flat_map(|s| &s.quantities);
    let import: i64 = cells().map(|q| q.import.wh()).sum();
    let export: i64 = cells().map(|q| q.export.wh()).sum();
    found.equal("totals.import_wh", "the sum of the determinants", plan.totals.import_wh, import);
    found.equal("totals.export_wh", "the sum of the determinants", plan.totals.export_wh, export);
    for exported in [false, true] {
        let mut registers =
            plan.determinants.registers.iter().filter(|r| r.export == exported).peekable();
        if registers.peek().is_none() {
            continue;
        }
        let difference: i64 =
            registers.map(|r| r.energy().map_or(0, Energy::wh)).fold(0, i64::saturating_add);
        let energy = if exported { export } else { import };
        found.equal("determinants.registers", "the energy of the period", difference, energy);
    }
    if plan.totals.estimated_wh > import {
        found.add("totals.estimated_wh", "must not be more than the energy");
    }
    if let Some(credits) = &plan.credits {
        let used: i64 = credits.used_wh.values().fold(0, |a, b| a.saturating_add(*b));
        let given: i64 = plan.inputs.credits.iter().map(|b| b.wh).fold(export, i64::saturating_add);
        let after: i64 = credits.remaining.iter().map(|b| b.wh).fold(0, i64::saturating_add);
        let out = used.saturating_add(after).saturating_add(credits.expired_wh);
        found.equal("credits", "credits before and what was fed in", out, given);
        if used > import {
            found.add("credits.used_wh", "must not be more than the energy from the grid");
        }
    }
    energy::lines(plan, found)
}

fn product(path: &str, line: &Line, found: &mut Found) -> Result<(), OutOfRange> {
    if let (Some(quantity), Some(price)) = (line.quantity, line.price)
        && line.group != LineGroup::Series
    {
        let mut product = quantity.times(price)?;
        if let Some(share) = &line.share {
            if share.of <= 0 {
                found.add(format!("{path}.share"), "must be a part of something");
                return Ok(());
            }
            product = product.times(share.part.into())?.over(share.of.into())?;
        }
        if product.minus(line.base)?.abs() > Decimal::new(1, 15) {
            found.add(
                format!("{path}.base"),
                format!("{} must be quantity × share × price, {product}", line.base),
            );
        }
    }
    Ok(())
}

fn taxes(plan: &BillingPlan, found: &mut Found) -> Result<(), OutOfRange> {
    for (index, row) in plan.tax_box.iter().enumerate() {
        let path = format!("tax_box[{index}].amount");
        let of_row = |line: &Line| {
            line.taxes
                .iter()
                .filter(|t| t.code == row.code && t.rate == row.rate)
                .map(|t| t.amount)
                .collect::<Vec<_>>()
        };
        let lines = Money::sum(plan.lines.iter().flat_map(of_row))?;
        found.equal(&path, "the sum of the lines' taxes", row.amount, lines);
        // Lines are cut to cents before or after: within a cent for each of them.
        let count = i64::try_from(plan.lines.len()).unwrap_or(i64::MAX);
        let exact = row.base.decimal().times(row.rate)?;
        let off = exact.minus(row.amount.decimal())?.abs();
        if off > Decimal::new(count.saturating_add(1), 2) {
            found.add(path, format!("{} must be base × rate, about {exact}", row.amount));
        }
    }
    for (index, line) in plan.lines.iter().enumerate() {
        let inclusive = line.taxes.iter().filter(|t| {
            plan.tax_box.iter().any(|r| r.inclusive && r.code == t.code && r.rate == t.rate)
        });
        let taxes = Money::sum(inclusive.map(|t| t.amount))?.decimal();
        let off = line.amount.decimal().minus(line.base.plus(taxes)?)?.abs();
        let lines = i64::try_from(plan.lines.len()).unwrap_or(i64::MAX);
        // The first line of a tax takes the residue of the tax box, at most a cent per line and tax.
        let count = i64::try_from(line.taxes.len()).unwrap_or(i64::MAX);
        let most = lines.saturating_add(2).saturating_mul(count).saturating_add(1);
        if off > Decimal::new(most, 2) {
            found.add(
                format!("lines[{index}].amount"),
                format!("{} must be base {} and taxes {taxes}", line.amount, line.base),
            );
        }
    }
    Ok(())
}

fn totals(plan: &BillingPlan, found: &mut Found) -> Result<(), OutOfRange> {
    let lines = Money::sum(plan.lines.iter().map(|l| l.amount))?;
    let rows = |inclusive: bool| {
        Money::sum(plan.tax_box.iter().filter(|r| r.inclusive == inclusive).map(|r| r.amount))
    };
    let (included, added) = (rows(true)?, rows(false)?);
    let totals = &plan.totals;
    found.equal("totals.taxes_included", "the tax box", totals.taxes_included, included);
    found.equal("totals.taxes_added", "the tax box", totals.taxes_added, added);
    let sum = lines.checked_add(added)?;
    found.equal("totals.total", "lines and added taxes", totals.total, sum);
    let groups = Money::sum(totals.by_group.values().copied())?;
    found.equal("totals.by_group", "the sum of the lines", groups, lines);
    for (group, amount) in &totals.by_group {
        let own = plan.lines.iter().filter(|l| l.group == *group).map(|l| l.amount);
        found.equal("totals.by_group", "the sum of its lines", *amount, Money::sum(own)?);
    }
    Ok(())
}
