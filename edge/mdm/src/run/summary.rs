//! What a run comes to: totals, distribution, the largest changes, exceptions.

use std::collections::HashMap;

use corrente_metering::id::UsagePointId;
use corrente_registry::{
    billing_runs::{self, Item, ItemState, LastRun, Run},
    usage_points,
};
use corrente_units::{Energy, Money};

use crate::{Mdm, MdmError};

/// So many of the largest changes are shown.
const LARGEST: usize = 20;
/// Parts of a hundred at which the distribution is read.
const PARTS: [u8; 7] = [0, 10, 25, 50, 75, 90, 100];

/// What a run comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// Usage points that can be billed.
    pub ready: usize,
    /// Usage points that cannot.
    pub exceptions: usize,
    /// Usage points that a person keeps back.
    pub held: usize,
    /// Usage points with their invoice.
    pub issued: usize,
    /// What the ready and the issued ones come to.
    pub total: Money,
    /// Their energy.
    pub energy: Energy,
    /// The part of it that is estimated.
    pub estimated: Energy,
    /// Of those that had an invoice before: what these came to.
    pub previous: Money,
    /// And what they come to now.
    pub compared: Money,
    /// The last run of the same route, and what it came to.
    pub last_run: Option<LastRun>,
    /// Percentile and amount: the least, 10 %, a quarter, half, three quarters, 90 %, the most.
    pub distribution: Vec<(u8, Money)>,
    /// The largest changes against the last invoice, up and down.
    pub largest: Vec<Largest>,
    /// All usage points with their recorded names.
    pub items: Vec<(String, Item)>,
}

/// A large change against the last invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Largest {
    /// The usage point.
    pub usage_point: UsagePointId,
    /// Its recorded name.
    pub name: String,
    /// The last invoice.
    pub previous: Money,
    /// This bill.
    pub amount: Money,
    /// `amount - previous`.
    pub change: Money,
}

impl Mdm {
    pub(super) fn summary(&self, run: &Run, items: &[Item]) -> Result<RunSummary, MdmError> {
        let organisation = run.organisation;
        let of_run = run.clone();
        let (points, last_run) = self.registry.read_blocking(move |tx| {
            let points = usage_points::list_all(tx, organisation)?;
            Ok::<_, MdmError>((points, billing_runs::last_run(tx, &of_run)?))
        })?;
        let names: HashMap<UsagePointId, String> =
            points.into_iter().map(|point| (point.id, point.name)).collect();
        let name = |item: &Item| names.get(&item.usage_point).cloned().unwrap_or_default();
        let count = |state| items.iter().filter(|item| item.state == state).count();
        let bills =
            || items.iter().filter(|i| matches!(i.state, ItemState::Ready | ItemState::Issued));
        let mut amounts: Vec<Money> = bills().map(|item| item.amount).collect();
        amounts.sort();
        let mut largest = Vec::new();
        for item in bills() {
            let Some(previous) = item.previous else { continue };
            let change = item.amount.checked_sub(previous)?;
            let (usage_point, amount) = (item.usage_point, item.amount);
            largest.push(Largest { usage_point, name: name(item), previous, amount, change });
        }
        let previous = Money::sum(largest.iter().map(|one| one.previous))?;
        let compared = Money::sum(largest.iter().map(|one| one.amount))?;
        largest.sort_by_key(|one| std::cmp::Reverse(one.change.minor().unsigned_abs()));
        largest.truncate(LARGEST);
        let mut named: Vec<(String, Item)> =
            items.iter().map(|item| (name(item), item.clone())).collect();
        named.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(RunSummary {
            ready: count(ItemState::Ready),
            exceptions: count(ItemState::Exception),
            held: count(ItemState::Held),
            issued: count(ItemState::Issued),
            total: Money::sum(amounts.iter().copied())?,
            energy: Energy::sum(bills().map(|item| item.energy))?,
            estimated: Energy::sum(bills().map(|item| item.estimated))?,
            previous,
            compared,
            last_run,
            distribution: distribution(&amounts),
            largest,
            items: named,
        })
    }
}

/// Of amounts in order, those at the percentiles.
fn distribution(amounts: &[Money]) -> Vec<(u8, Money)> {
    let last = amounts.len().saturating_sub(1);
    PARTS
        .into_iter()
        .filter_map(|part| Some((part, *amounts.get(last * usize::from(part) / 100)?)))
        .collect()
}
