//! `tariff simulate`: what another tariff would have cost for the same determinants' intervals.

use corrente_units::{Money, OutOfRange};
use serde::Serialize;

use crate::BillingPlan;

/// A usage point under both tariffs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The usage point.
    pub usage_point: String,
    /// What it paid over all periods.
    pub before: Money,
    /// What it would have paid.
    pub after: Money,
    /// `after − before`.
    pub difference: Money,
}

/// A tariff compared with the one in force, over real history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Simulation {
    /// Usage points, largest gain first.
    pub outcomes: Vec<Outcome>,
    /// How many would pay less.
    pub winners: usize,
    /// How many would pay more.
    pub losers: usize,
    /// What all paid.
    pub revenue_before: Money,
    /// What all would have paid.
    pub revenue_after: Money,
}

/// Sums up pairs of plans (in force, simulated), any number per usage point.
///
/// # Errors
/// When a sum does not fit.
pub fn compare<'a>(
    pairs: impl IntoIterator<Item = (&'a BillingPlan, &'a BillingPlan)>,
) -> Result<Simulation, OutOfRange> {
    let mut points = std::collections::BTreeMap::<&str, (Money, Money)>::new();
    for (before, after) in pairs {
        let sums = points.entry(before.inputs.usage_point.as_str()).or_default();
        sums.0 = sums.0.checked_add(before.totals.total)?;
        sums.1 = sums.1.checked_add(after.totals.total)?;
    }
    let mut simulation = Simulation::default();
    for (usage_point, (before, after)) in points {
        let difference = after.checked_sub(before)?;
        let count = match difference.cmp(&Money::ZERO) {
            std::cmp::Ordering::Less => &mut simulation.winners,
            std::cmp::Ordering::Greater => &mut simulation.losers,
            std::cmp::Ordering::Equal => &mut 0,
        };
        *count = count.saturating_add(1);
        simulation.revenue_before = simulation.revenue_before.checked_add(before)?;
        simulation.revenue_after = simulation.revenue_after.checked_add(after)?;
        let usage_point = usage_point.to_owned();
        simulation.outcomes.push(Outcome { usage_point, before, after, difference });
    }
    simulation.outcomes.sort_by_key(|o| o.difference);
    Ok(simulation)
}
