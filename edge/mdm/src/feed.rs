//! What a bill is fed with beside readings and tariffs: what earlier bills left (credits, demands), what the
//! market's prices were, what late payments cost, what a correction gives back.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use corrente_billing::{
    BillingPlan, CreditBatch, Inputs, Item, PricePoint, PriceSeries, late_items,
};
use corrente_metering::{
    Calendar, Date, Span, Timestamp, calendar::next_day, id::OrganisationId, id::UsagePointId,
};
use corrente_registry::{
    RegistryError, Tx, index_values,
    invoices::{self, PaidLate},
    payments, plans, price_series,
};
use corrente_tariff::Tariff;
use corrente_units::{Decimal, Money};
use jiff::ToSpan as _;

use crate::{Mdm, MdmError, period::BillingPeriod, point::Point};

/// The code of what a credit takes off a bill.
pub(crate) const CREDIT: &str = "credit";

/// Price series over the billing periods that were asked for last: usage points of one route share them.
#[derive(Debug, Default)]
pub(crate) struct Prices {
    known: Mutex<HashMap<PricesKey, Arc<PriceSeries>>>,
}

/// Organisation, name, period, when the newest price came, how many there are.
type PricesKey = (OrganisationId, String, Span, Timestamp, i64);

/// More are forgotten together.
const MOST_SERIES: usize = 64;

/// What is asked of the registry about a usage point.
#[derive(Clone, Debug)]
struct Wanted {
    organisation: OrganisationId,
    usage_point: UsagePointId,
    calendar: Calendar,
    /// The period's start.
    start: Timestamp,
    /// As things stood then.
    at: Timestamp,
    /// So many earlier plans.
    plans: u32,
    /// The tariff whose rules for late payments hold.
    late: Option<Arc<Tariff>>,
}

impl Mdm {
    /// What a period's bill is made from, beside readings and tariffs, as things stood at `at`.
    pub(crate) fn inputs(
        &self,
        point: &Point,
        period: &BillingPeriod,
        tariffs: &[Arc<Tariff>],
        at: Timestamp,
    ) -> Result<Inputs, MdmError> {
        let back = periods_back(tariffs);
        let credits = point.feeds_in() || tariffs.iter().any(|t| t.file().credits.is_some());
        let wanted = Wanted {
            organisation: point.row.organisation,
            usage_point: point.row.id,
            calendar: point.calendar.clone(),
            start: period.span.start,
            at,
            plans: back.max(u32::from(credits)),
            late: tariffs.last().filter(|t| t.file().late.is_some()).cloned(),
        };
        let (documents, items) = self.registry.read_blocking(move |tx| {
            let documents = match wanted.plans {
                0 => Vec::new(),
                plans => invoices::earlier_plans(tx, wanted.usage_point, wanted.start, plans)?,
            };
            Ok::<_, MdmError>((documents, items(tx, &wanted)?))
        })?;
        let earlier = documents
            .iter()
            .map(|document| serde_json::from_str(document))
            .collect::<Result<Vec<BillingPlan>, _>>()?;
        Ok(Inputs {
            earlier_demand_w: if back > 0 { demands(&earlier) } else { BTreeMap::new() },
            credits: earlier.first().map(left_over).unwrap_or_default(),
            items,
            ..point.inputs(period.part_of_days)
        })
    }

    /// The prices by interval that these tariffs ask for. A series without any price in the span is left
    /// out: whoever needs it says so.
    pub(crate) fn series(
        &self,
        point: &Point,
        tariffs: &[Arc<Tariff>],
        span: Span,
    ) -> Result<Vec<PriceSeries>, MdmError> {
        let mut names: Vec<String> = tariffs
            .iter()
            .flat_map(|tariff| tariff.file().series.iter().map(|charge| charge.series.clone()))
            .collect();
        names.sort();
        names.dedup();
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            let series = self.price_series(point.row.organisation, &name, span)?;
            found.extend(series.map(|series| PriceSeries::clone(&series)));
        }
        Ok(found)
    }

    fn price_series(
        &self,
        organisation: OrganisationId,
        name: &str,
        span: Span,
    ) -> Result<Option<Arc<PriceSeries>>, MdmError> {
        let wanted = name.to_owned();
        let summary = self
            .registry
            .read_blocking(move |tx| price_series::summary(tx, organisation, &wanted, span))?;
        let Some(summary) = summary else { return Ok(None) };
        let key = (organisation, name.to_owned(), span, summary.loaded, summary.prices);
        {
            let known = self.prices.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(series) = known.get(&key) {
                return Ok(Some(Arc::clone(series)));
            }
        }
        let wanted = name.to_owned();
        let rows = self
            .registry
            .read_blocking(move |tx| price_series::within(tx, organisation, &wanted, span))?;
        let point = |row: price_series::Price| PricePoint {
            span: Span::new(row.start, row.end),
            price: row.price,
        };
        let series = Arc::new(PriceSeries {
            name: summary.name,
            version: summary.loaded.to_string(),
            points: rows.into_iter().map(point).collect(),
        });
        let mut known = self.prices.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_SERIES {
            known.clear();
        }
        known.insert(key, Arc::clone(&series));
        Ok(Some(series))
    }
}

/// So many earlier periods some charge's ratchet looks back at.
fn periods_back(tariffs: &[Arc<Tariff>]) -> u32 {
    let charges = tariffs.iter().flat_map(|tariff| tariff.file().demand.iter());
    charges.filter_map(|charge| Some(charge.ratchet.as_ref()?.periods_back)).max().unwrap_or(0)
}

/// What each charge measured in earlier periods, the newest first: the mean of the windows that it counts,
/// the highest of a period's tariff versions.
fn demands(earlier: &[BillingPlan]) -> BTreeMap<String, Vec<i64>> {
    let mut found: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for plan in earlier {
        let mut highest: BTreeMap<&str, i64> = BTreeMap::new();
        for demand in &plan.determinants.demand {
            let count = i64::try_from(demand.windows.len()).unwrap_or(i64::MAX).max(1);
            let sum = demand.windows.iter().fold(0_i64, |sum, w| sum.saturating_add(w.mean.w()));
            let measured = highest.entry(demand.charge.as_str()).or_default();
            *measured = (*measured).max(sum / count);
        }
        for (charge, watts) in highest {
            found.entry(charge.to_owned()).or_default().push(watts);
        }
    }
    found
}

/// The credits that a bill left to the next one. A tariff that knows no credits keeps what there was.
pub(crate) fn left_over(plan: &BillingPlan) -> Vec<CreditBatch> {
    match &plan.credits {
        Some(balance) => balance.remaining.clone(),
        None => plan.inputs.credits.clone(),
    }
}

/// What other documents put on the next bill, each once: what paying late cost, and credits.
fn items(tx: &mut Tx, wanted: &Wanted) -> Result<Vec<Item>, MdmError> {
    let mut found = Vec::new();
    if let Some(tariff) = &wanted.late {
        for paid in invoices::paid_late(tx, wanted.usage_point, wanted.at)? {
            found.extend(late(tx, wanted, tariff, &paid)?);
        }
    }
    for credit in invoices::open_credits(tx, wanted.usage_point, wanted.at)? {
        found.push(Item {
            code: CREDIT.to_owned(),
            label: "Crédito".to_owned(),
            amount: credit.amount,
            about: Some(credit.number),
            clause: None,
        });
    }
    Ok(found)
}

/// What paying this invoice late cost, as far as no bill has it yet.
fn late(
    tx: &mut Tx,
    wanted: &Wanted,
    tariff: &Tariff,
    invoice: &PaidLate,
) -> Result<Vec<Item>, MdmError> {
    let date = |t: Timestamp| wanted.calendar.date(t);
    if date(invoice.last_payment) <= invoice.due {
        return Ok(Vec::new());
    }
    let mut sum = Money::ZERO;
    let mut paid = None;
    for payment in payments::list(tx, invoice.id)? {
        sum = sum.checked_add(payment.amount)?;
        if paid.is_none() && sum >= invoice.amount {
            paid = Some(date(payment.paid));
        }
    }
    let Some(paid) = paid.filter(|paid| *paid > invoice.due) else { return Ok(Vec::new()) };
    let billed = invoices::billed_items(tx, invoice.id)?;
    let Some(stored) = plans::get(tx, invoice.plan)? else { return Ok(Vec::new()) };
    let plan: BillingPlan = serde_json::from_str(&stored.document)?;
    let index_change = match tariff.file().late.as_ref().and_then(|late| late.index.as_ref()) {
        Some(index) => index_change(tx, wanted.organisation, index, invoice.due, paid)?,
        None => None,
    };
    let overdue =
        corrente_billing::Overdue { plan: &plan, due: invoice.due, until: paid, index_change };
    let items = late_items(tariff, &overdue)?.into_iter();
    Ok(items
        .filter(|item| billed.iter().all(|(code, _)| *code != item.code))
        .map(|item| Item { about: Some(invoice.number.clone()), ..item })
        .collect())
}

/// What an index rose by from the day after `due` to `paid`: each month by its share of days, compounded.
/// Nothing while one of the months is not known: the correction waits for a later bill.
fn index_change(
    tx: &mut Tx,
    organisation: OrganisationId,
    name: &str,
    due: Date,
    paid: Date,
) -> Result<Option<Decimal>, RegistryError> {
    let (mut day, mut factor) = (next_day(due), Decimal::ONE);
    while day <= paid {
        let month = day.first_of_month();
        let last = month.last_of_month().min(paid);
        let Some(change) = index_values::get(tx, organisation, name, month)? else {
            return Ok(None);
        };
        let days = Decimal::from(i64::from(last.day()) - i64::from(day.day()) + 1);
        let share = change * days / Decimal::from(i64::from(month.days_in_month()));
        factor *= Decimal::ONE + share;
        day = month.saturating_add(1.month());
    }
    Ok(Some((factor - Decimal::ONE).round_dp(12)))
}
