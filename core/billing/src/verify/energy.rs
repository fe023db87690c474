//! Each charge for energy bills what was measured in its periods of the day: not more, not less.

use std::collections::{BTreeMap, BTreeSet};

use corrente_metering::Date;
use corrente_units::{Decimal, OutOfRange};

use super::Found;
use crate::{BillingPlan, Line, LineGroup, exact::Exact};

/// Beyond this, a plan has more periods of the day than sums of them are looked at.
const MOST_PERIODS: usize = 12;

/// A period of the day and its energy in kWh.
type Cells = Vec<(Option<String>, Decimal)>;

pub(super) fn lines(plan: &BillingPlan, found: &mut Found) -> Result<(), OutOfRange> {
    // Energy that is offset at a price of its own is missing from the lines of the others.
    let offset = plan.lines.iter().filter(|l| l.code == "credits_offset");
    let offset = crate::exact::sum(offset.filter_map(|l| l.quantity))?;
    for tariff in &plan.tariffs {
        let mut by_code: BTreeMap<&str, Vec<&Line>> = BTreeMap::new();
        let inside = |l: &&Line| tariff.first <= l.first && l.first < tariff.until;
        let energy = plan.lines.iter().filter(|l| l.group == LineGroup::Energy);
        for line in energy.filter(inside).filter(|l| l.code != "credits_offset") {
            by_code.entry(line.code.as_str()).or_default().push(line);
        }
        let cells = Measured::of(plan, (tariff.first, tariff.until))?;
        if offset.is_zero() {
            let mut billed = BTreeSet::new();
            for (code, lines) in &by_code {
                charge(code, lines, &cells, &mut billed, found)?;
            }
            let series = plan.lines.iter().any(|l| l.group == LineGroup::Series);
            if !by_code.is_empty() && !series {
                unbilled(&cells, &billed, found);
            }
        } else if plan.tariffs.len() == 1 {
            let import = crate::exact::sum(cells.measured.iter().map(|c| c.1))?;
            let export = crate::exact::sum(cells.export.iter().map(|c| c.1))?;
            for (code, lines) in &by_code {
                let energy = energy_of(lines)?;
                if energy.minus(import.minus(offset)?.max(export))? > Decimal::new(1, 9) {
                    let rule = format!("{energy} kWh must be what is not offset of {import} kWh");
                    found.add(format!("lines of `{code}`"), rule);
                }
            }
        }
    }
    Ok(())
}

/// What was measured under a tariff version: as read on its days, or as its share of the days.
struct Measured {
    measured: Cells,
    by_days: Cells,
    export: Cells,
    export_by_days: Cells,
    days: i64,
}

impl Measured {
    fn of(plan: &BillingPlan, (first, until): (Date, Date)) -> Result<Self, OutOfRange> {
        let days = crate::determinants::days(first, until);
        let cells = |export: bool, whole: bool| -> Result<Cells, OutOfRange> {
            let mut sums: BTreeMap<Option<String>, i64> = BTreeMap::new();
            for segment in &plan.determinants.segments {
                let inside = first <= segment.first && segment.until <= until;
                for quantity in segment.quantities.iter().filter(|_| whole || inside) {
                    let wh = if export { quantity.export.wh() } else { quantity.import.wh() };
                    let sum = sums.entry(quantity.period.clone()).or_default();
                    *sum = sum.saturating_add(wh);
                }
            }
            let mut cells = Vec::new();
            for (period, wh) in sums {
                let mut kwh = Decimal::new(wh, 3);
                if whole {
                    kwh = kwh.times(days.into())?.over(plan.days.max(1).into())?;
                }
                cells.push((period, kwh));
            }
            Ok(cells)
        };
        Ok(Self {
            measured: cells(false, false)?,
            by_days: cells(false, true)?,
            export: cells(true, false)?,
            export_by_days: cells(true, true)?,
            days,
        })
    }

    fn all(&self) -> [(&Cells, bool); 4] {
        let Self { measured, by_days, export, export_by_days, .. } = self;
        [(measured, false), (by_days, false), (export, true), (export_by_days, true)]
    }
}

fn energy_of(lines: &[&Line]) -> Result<Decimal, OutOfRange> {
    let mut sum = Decimal::ZERO;
    for line in lines {
        let mut energy = line.quantity.unwrap_or_default();
        if let Some(share) = line.share.as_ref().filter(|share| share.of > 0) {
            energy = energy.times(share.part.into())?.over(share.of.into())?;
        }
        sum = sum.plus(energy)?;
    }
    Ok(sum)
}

/// The lines of a charge add up to the energy of some of the periods of the day, and those that name
/// a period to that period's.
fn charge(
    code: &str,
    lines: &[&Line],
    cells: &Measured,
    billed: &mut BTreeSet<Option<String>>,
    found: &mut Found,
) -> Result<(), OutOfRange> {
    let energy = energy_of(lines)?;
    // Shares are fractions: the last of 28 digits may be off.
    let near = |a: Decimal, b: Decimal, most: Decimal| {
        a.minus(b).is_ok_and(|difference| difference.abs() <= most)
    };
    let exact = Decimal::new(1, 9);
    // Blocks of a day are shared among the periods in whole watt-hours.
    let blocks = lines.iter().any(|l| l.block.is_some() && l.share.is_none());
    let most = if blocks { Decimal::new(cells.days.saturating_mul(3), 3) } else { exact };
    if cells.measured.len() <= MOST_PERIODS {
        let sums = cells.all().into_iter().find_map(|(cells, export)| {
            subset(cells, |sum| near(energy, sum, most)).map(|periods| (periods, export))
        });
        let Some((periods, export)) = sums else {
            let known: Vec<String> =
                cells.measured.iter().map(|c| c.1.normalize().to_string()).collect();
            let rule = format!(
                "{} kWh must be the energy of its periods of the day, of {}",
                energy.normalize(),
                known.join(" and ")
            );
            found.add(format!("lines of `{code}`"), rule);
            return Ok(());
        };
        if !export {
            billed.extend(periods);
        }
    }
    if lines.iter().any(|l| l.period.is_none()) {
        return Ok(());
    }
    let periods: BTreeSet<&Option<String>> = lines.iter().map(|l| &l.period).collect();
    for period in periods {
        let own: Vec<&Line> = lines.iter().copied().filter(|l| l.period == *period).collect();
        let energy = energy_of(&own)?;
        let holds = cells.all().into_iter().any(|(cells, _)| {
            cells.iter().any(|(name, kwh)| name == period && near(energy, *kwh, most))
        });
        if !holds {
            let period = period.as_deref().unwrap_or_default();
            let rule = format!("{} kWh must be the energy of `{period}`", energy.normalize());
            found.add(format!("lines of `{code}`"), rule);
        }
    }
    Ok(())
}

/// The most periods of the day whose energy together is what is wanted.
fn subset(cells: &Cells, wanted: impl Fn(Decimal) -> bool) -> Option<Vec<Option<String>>> {
    let count = 1_usize.checked_shl(u32::try_from(cells.len()).ok()?)?;
    let chosen = |mask: usize| {
        cells.iter().enumerate().filter(move |(bit, _)| {
            mask.checked_shr(u32::try_from(*bit).unwrap_or(0)).is_some_and(|m| m & 1 == 1)
        })
    };
    let sum = |mask: usize| crate::exact::sum(chosen(mask).map(|(_, cell)| cell.1)).ok();
    let fits = (0..count).filter(|mask| sum(*mask).is_some_and(&wanted));
    let most = fits.max_by_key(|mask| mask.count_ones())?;
    Some(chosen(most).map(|(_, cell)| cell.0.clone()).collect())
}

/// Energy of a period of the day that no charge bills.
fn unbilled(cells: &Measured, billed: &BTreeSet<Option<String>>, found: &mut Found) {
    if cells.measured.len() > MOST_PERIODS {
        return;
    }
    for (period, kwh) in &cells.measured {
        if !kwh.is_zero() && !billed.contains(period) {
            let name = period.as_deref().unwrap_or("all hours");
            found.add("lines", format!("no charge bills the {} kWh of {name}", kwh.normalize()));
        }
    }
}
