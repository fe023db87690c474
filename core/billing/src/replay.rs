//! A stored plan, computed again.

use corrente_metering::Calendar;
use corrente_tariff::Tariff;

use crate::{BillingError, BillingInput, BillingPlan, plan};

/// Where a plan and its replay differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The place: `lines[2].amount`.
    pub path: String,
    /// What is stored.
    pub stored: String,
    /// What comes out now.
    pub replayed: String,
}

/// Computes a plan again from what it holds and its tariff versions. An empty list says "equal".
///
/// # Errors
/// When it cannot be computed any more, for instance because a tariff version was not given.
pub fn replay(
    stored: &BillingPlan,
    calendar: &Calendar,
    tariffs: &[&Tariff],
) -> Result<Vec<Difference>, BillingError> {
    let used: Vec<&Tariff> = tariffs
        .iter()
        .copied()
        .filter(|t| stored.tariffs.iter().any(|s| s.digest == t.digest()))
        .collect();
    let again = plan(&BillingInput {
        kind: stored.kind,
        calendar,
        tariffs: &used,
        determinants: stored.determinants.clone(),
        inputs: stored.inputs.clone(),
    })?;
    let mut differences = compare_plans(stored, &again);
    // Another version of the time-zone database is no difference unless an amount follows from it.
    differences.retain(|d| d.path != "zone_database");
    Ok(differences)
}

/// Where two plans differ.
pub fn compare_plans(stored: &BillingPlan, again: &BillingPlan) -> Vec<Difference> {
    let mut differences = Vec::new();
    let value = |plan: &BillingPlan| serde_json::to_value(plan).unwrap_or_default();
    compare("", &value(stored), &value(again), &mut differences);
    differences
}

fn compare(
    path: &str,
    stored: &serde_json::Value,
    again: &serde_json::Value,
    differences: &mut Vec<Difference>,
) {
    use serde_json::Value::{Array, Object};
    match (stored, again) {
        (Object(a), Object(b)) => {
            let join = |key: &str| {
                if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
            };
            for (key, value) in a {
                let other = b.get(key).unwrap_or(&serde_json::Value::Null);
                compare(&join(key), value, other, differences);
            }
            for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                compare(&join(key), &serde_json::Value::Null, value, differences);
            }
        }
        (Array(a), Array(b)) if a.len() == b.len() => {
            for (i, (x, y)) in a.iter().zip(b).enumerate() {
                compare(&format!("{path}[{i}]"), x, y, differences);
            }
        }
        (a, b) if a == b => {}
        (a, b) => differences.push(Difference {
            path: path.to_owned(),
            stored: a.to_string(),
            replayed: b.to_string(),
        }),
    }
}
