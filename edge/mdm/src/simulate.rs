//! Another tariff tried on what customers really used: who would win, who would lose, what comes in.

use std::sync::Arc;

use corrente_billing::{
    BillingPlan,
    simulate::{Simulation, compare},
};
use corrente_metering::{
    Date, Direction,
    id::{OrganisationId, UsagePointId},
};
use corrente_registry::usage_points;
use corrente_tariff::{Tariff, TariffFile};
use jiff::ToSpan as _;
use serde_json::Value as Json;

use crate::{Mdm, MdmError, feed::left_over, period::BillingPeriod, point::Point};

/// On what a tariff is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulationQuery {
    /// Whose customers.
    pub organisation: OrganisationId,
    /// Recorded names of the usage points; all of them where the list is empty.
    pub usage_points: Vec<String>,
    /// So many whole months back.
    pub months: i64,
}

/// What came out, usage points by their recorded names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simulated {
    /// The comparison.
    pub simulation: Simulation,
    /// Months that were rated under both tariffs.
    pub bills: usize,
    /// Usage points of which nothing could be compared: name and the last reason.
    pub left_out: Vec<(String, String)>,
}

impl Mdm {
    /// Rates the last whole months of usage points under the tariffs in force and under another one, as
    /// if that one had been in force with its first prices. A month that cannot be rated under both is
    /// left out of both sums.
    ///
    /// # Errors
    /// When a usage point is not known, or a store fails.
    pub fn simulate(
        &self,
        tariff: &Tariff,
        query: &SimulationQuery,
    ) -> Result<Simulated, MdmError> {
        let organisation = query.organisation;
        let mut points: Vec<(String, UsagePointId)> = self
            .registry
            .read_blocking(move |tx| usage_points::list_all(tx, organisation))?
            .into_iter()
            .map(|point| (point.name, point.id))
            .collect();
        for name in &query.usage_points {
            if !points.iter().any(|(known, _)| known == name) {
                return Err(MdmError::NotFound { kind: "usage point", id: name.clone() });
            }
        }
        points
            .retain(|(name, _)| query.usage_points.is_empty() || query.usage_points.contains(name));
        if !(1..=120).contains(&query.months) {
            let reason = format!("{} is not from 1 to 120 months", query.months);
            return Err(MdmError::Invalid { field: "last", reason });
        }
        self.ledger.seal_until(self.clock.now())?;
        let today = self.organisation_calendar(organisation)?.date(self.clock.now());
        let this_month = today.first_of_month();
        let since = this_month.saturating_sub(query.months.months());
        let tried = as_if_since(tariff, since)?;
        let mut pairs: Vec<(BillingPlan, BillingPlan)> = Vec::new();
        let mut left_out = Vec::new();
        for (name, id) in points {
            let found = self.simulate_point(&name, id, &tried, since, query.months)?;
            match found {
                Ok(own) => pairs.extend(own),
                Err(reason) => left_out.push((name, reason)),
            }
        }
        let bills = pairs.len();
        let simulation = compare(pairs.iter().map(|(before, after)| (before, after)))?;
        Ok(Simulated { simulation, bills, left_out })
    }

    /// A usage point's months under both tariffs, or the reason why there is none.
    fn simulate_point(
        &self,
        name: &str,
        id: UsagePointId,
        tried: &Arc<Tariff>,
        since: Date,
        months: i64,
    ) -> Result<Result<Vec<(BillingPlan, BillingPlan)>, String>, MdmError> {
        let point = self.point(id)?;
        let Some(known) = self.known_span(&point, Direction::Import)? else {
            return Ok(Err("there is no reading yet".to_owned()));
        };
        let mut own: Vec<(BillingPlan, BillingPlan)> = Vec::new();
        let mut reason = "its readings begin later".to_owned();
        for n in 0..months {
            let month = since.saturating_add(n.months());
            let period = BillingPeriod::of_month(&point.calendar, month, known.start);
            // A month of which the beginning is not known is a part of one, and none can be compared.
            if period.span.end <= known.start || period.part_of_days.is_some() {
                continue;
            }
            let before = own.last();
            match self.simulate_month(name, &point, &period, known, (tried, before)) {
                Ok(pair) => own.push(pair),
                Err(error @ (MdmError::Registry(_) | MdmError::Ledger(_) | MdmError::Stopping)) => {
                    return Err(error);
                }
                Err(error) => reason = error.to_string(),
            }
        }
        Ok(if own.is_empty() { Err(reason) } else { Ok(own) })
    }

    fn simulate_month(
        &self,
        name: &str,
        point: &Point,
        period: &BillingPeriod,
        known: corrente_metering::Span,
        (tried, earlier): (&Arc<Tariff>, Option<&(BillingPlan, BillingPlan)>),
    ) -> Result<(BillingPlan, BillingPlan), MdmError> {
        self.over(point, period.span, known)?;
        let rated = |tariffs: &[Arc<Tariff>], earlier: Option<&BillingPlan>| {
            let mut inputs = self.inputs(point, period, tariffs, period.span.end)?;
            // Fines and credits of real invoices are no matter of a tariff; credits of own generation go
            // on from month to month under each tariff by itself.
            inputs.items.clear();
            if let Some(earlier) = earlier {
                inputs.credits = left_over(earlier);
            }
            // Nobody replays what was only tried: it names no revisions.
            self.final_plan_by(point, period.span, tariffs, inputs, Vec::new())
        };
        let own = point.tariffs(&self.tariffs, period.span)?;
        let mut before = rated(&own, earlier.map(|(before, _)| before))?;
        let mut after = rated(std::slice::from_ref(tried), earlier.map(|(_, after)| after))?;
        for plan in [&mut before, &mut after] {
            name.clone_into(&mut plan.inputs.usage_point);
        }
        Ok((before, after))
    }
}

/// The tariff as if it had begun on that day, with the prices that it begins with.
fn as_if_since(tariff: &Tariff, since: Date) -> Result<Arc<Tariff>, MdmError> {
    let began = tariff.valid_from();
    if began <= since {
        return Ok(Arc::new(tariff.clone()));
    }
    let mut file = serde_json::to_value(tariff.file())?;
    let since = since.to_string();
    begin_earlier(&mut file, &since);
    if let Some(file) = file.as_object_mut() {
        file.insert("valid_from".to_owned(), since.into());
    }
    let file: TariffFile = serde_json::from_value(file)?;
    Ok(Arc::new(Tariff::from_file(file)?))
}

/// Lists of steps from days on: the first one begins on that day.
fn begin_earlier(value: &mut Json, since: &str) {
    match value {
        Json::Array(list) => {
            let steps = |step: &Json| step.get("from").is_some() && step.get("value").is_some();
            if let Some(first) = list.first_mut().filter(|first| steps(first))
                && first["from"].as_str().is_some_and(|from| from > since)
            {
                first["from"] = since.into();
            }
            for value in list {
                begin_earlier(value, since);
            }
        }
        Json::Object(object) => object.values_mut().for_each(|value| begin_earlier(value, since)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}
