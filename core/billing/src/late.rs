//! What a late payment costs, as items of the next bill: fine, interest by the day, correction.

use corrente_metering::Date;
use corrente_tariff::Tariff;
use corrente_units::{Decimal, Money, OutOfRange, round_to};

use crate::{BillingPlan, Item, determinants::days, exact::Exact};

/// An invoice that was paid late, or is still open.
#[derive(Clone, Copy, Debug)]
pub struct Overdue<'a> {
    /// The invoice's plan.
    pub plan: &'a BillingPlan,
    /// When it was due.
    pub due: Date,
    /// The day on which it was paid, or until which to count.
    pub until: Date,
    /// The index's change over that time as a fraction, where the tariff names an index.
    pub index_change: Option<Decimal>,
}

/// Fine, interest and monetary correction for a late payment; nothing until the day after the due
/// date. Interest counts calendar days, 30 to the month. Lines that the tariff excludes (street
/// lighting) are not part of the base.
///
/// # Errors
/// When an amount does not fit.
pub fn late_items(tariff: &Tariff, overdue: &Overdue<'_>) -> Result<Vec<Item>, OutOfRange> {
    let Some(late) = &tariff.file().late else { return Ok(Vec::new()) };
    let late_days = days(overdue.due, overdue.until);
    if late_days <= 0 {
        return Ok(Vec::new());
    }
    let excluded = overdue.plan.lines.iter().filter(|l| late.not_on.contains(&l.code));
    let base = overdue
        .plan
        .totals
        .total
        .checked_sub(Money::sum(excluded.map(|l| l.amount))?)?
        .max(Money::ZERO)
        .decimal();
    let rounding = tariff.file().rounding.money;
    let mut items = Vec::new();
    let mut item = |code: &str, label: String, amount: Decimal| -> Result<(), OutOfRange> {
        let amount = Money::from_decimal(round_to(amount, 2, rounding), rounding)?;
        if amount != Money::ZERO {
            let clause = late.clause.clone();
            items.push(Item { code: code.to_owned(), label, amount, about: None, clause });
        }
        Ok(())
    };
    if let Some(fine) = late.fine {
        item("late_fine", "Multa".to_owned(), base.times(fine.0)?)?;
    }
    if let Some(rate) = late.interest_per_month {
        let interest = base.times(rate.0)?.times(late_days.into())?.over(Decimal::from(30))?;
        item("late_interest", "Juros".to_owned(), interest)?;
    }
    if let (Some(index), Some(change)) = (&late.index, overdue.index_change) {
        // A falling index does not make a debt smaller.
        let correction = base.times(change.max(Decimal::ZERO))?;
        item("late_correction", index.clone(), correction)?;
    }
    Ok(items)
}
