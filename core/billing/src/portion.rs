//! The versions of a tariff over the days of a period.

use corrente_metering::Date;
use corrente_tariff::Tariff;

use crate::BillingError;

/// The days of a period under one tariff version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portion<'a> {
    pub(crate) tariff: &'a Tariff,
    pub(crate) first: Date,
    pub(crate) until: Date,
}

/// Which version covers which days. A version without an end ends where the next begins.
pub(crate) fn portions<'a>(
    tariffs: &[&'a Tariff],
    first: Date,
    until: Date,
) -> Result<Vec<Portion<'a>>, BillingError> {
    let mut found: Vec<Portion<'a>> = Vec::new();
    let mut versions = tariffs.to_vec();
    versions.sort_by_key(|t| t.valid_from());
    let mut at = first;
    for (i, tariff) in versions.iter().enumerate() {
        let next = versions.get(i.saturating_add(1)).map(|n| n.valid_from());
        if let (Some(end), Some(next)) = (tariff.valid_until(), next)
            && next < end
        {
            return Err(BillingError::VersionsOverlap { on: next });
        }
        let end = [tariff.valid_until(), next].into_iter().flatten().min().unwrap_or(until);
        let (from, to) = (tariff.valid_from().max(first), end.min(until));
        if from >= to {
            continue;
        }
        if from > at {
            return Err(BillingError::NoTariff { on: at });
        }
        if let Some(last) = found.last()
            && last.tariff.currency() != tariff.currency()
        {
            return Err(BillingError::CurrencyChanges { on: from });
        }
        found.push(Portion { tariff, first: from, until: to });
        at = to;
    }
    if at < until || found.is_empty() {
        return Err(BillingError::NoTariff { on: at });
    }
    Ok(found)
}
