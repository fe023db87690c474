//! Which days a run bills, and which of them each usage point.

use std::collections::{BTreeMap, HashSet};

use corrente_metering::{Date, Span, Timestamp, calendar::next_day, id::UsagePointId};
use corrente_registry::billing_runs::{self, Run};
use jiff::ToSpan as _;

use super::RunRequest;
use crate::{
    Mdm, MdmError, period::BillingPeriod, point::Point, rules::BillingRules, series::service,
};

impl Mdm {
    /// The first day of a run, and the days of a whole period where it is a closing bill.
    pub(super) fn days_of(&self, request: &RunRequest) -> Result<(Date, Option<i64>), MdmError> {
        let calendar = self.organisation_calendar(request.organisation)?;
        let until = calendar.midnight(request.until);
        let organisation = request.organisation;
        let last = self
            .registry
            .read_blocking(move |tx| billing_runs::last_invoices(tx, organisation, until))?;
        let run = Run {
            // Only what decides which usage points belong to it.
            route: request.route.clone(),
            usage_point: request.usage_point,
            ..empty(request)
        };
        let mine: HashSet<UsagePointId> = self.points_of(&run)?.into_iter().collect();
        if mine.is_empty() {
            let reason = match &request.route {
                Some(route) => format!("no usage point is on route `{route}`"),
                None => "no usage point is without a route".to_owned(),
            };
            return Err(MdmError::Invalid { field: "route", reason });
        }
        let mut ends: BTreeMap<Date, usize> = BTreeMap::new();
        for (point, end, _) in &last {
            if mine.contains(point) {
                *ends.entry(calendar.date(*end)).or_default() += 1;
            }
        }
        let usual = ends.into_iter().max_by_key(|(date, count)| (*count, *date));
        let first = request
            .first
            .or_else(|| usual.map(|(date, _)| date))
            .unwrap_or_else(|| request.until.saturating_sub(1.month()));
        let days = days_between(first, request.until);
        let closing = request.usage_point.is_some();
        let BillingRules { fewest_days, most_days, .. } = self.billing_rules(organisation)?;
        if days < 1 || (!closing && !(fewest_days..=most_days).contains(&days)) {
            return Err(MdmError::Invalid {
                field: "until",
                reason: format!(
                    "from {first} until before {} are {days} days; a period has {fewest_days} to \
                     {most_days}: give other days",
                    request.until
                ),
            });
        }
        let month = i64::from(first.days_in_month());
        Ok((first, closing.then_some(month).filter(|whole| days < *whole)))
    }
}

fn empty(request: &RunRequest) -> Run {
    Run {
        id: corrente_metering::id::BillingRunId::from_uuid(uuid::Uuid::nil()),
        organisation: request.organisation,
        number: 0,
        route: None,
        usage_point: None,
        first: request.until,
        until: request.until,
        whole_days: None,
        state: billing_runs::RunState::Prepared,
        limit: corrente_units::Money::ZERO,
        total: None,
        created: Timestamp::MIN,
        changed: Timestamp::MIN,
    }
}

/// What a run bills of a usage point: from its last bill, or the run's first day, or the first reading of
/// someone who moved in, to the run's end or the last day of the meter.
pub(super) fn of_point(
    point: &Point,
    run: &Run,
    last: Option<Timestamp>,
    known: Span,
    rules: &BillingRules,
) -> Result<BillingPeriod, MdmError> {
    let calendar = &point.calendar;
    let (first, until) = (calendar.midnight(run.first), calendar.midnight(run.until));
    let oldest = first.plus(-rules.continues_days * 86_400);
    let start = last.filter(|end| *end >= oldest).unwrap_or(first).max(known.start);
    let gone = point.channels.iter().map(|channel| service(channel).end).max();
    let end = gone.map_or(until, |gone| gone.min(until));
    if start >= end {
        return Err(MdmError::Invalid {
            field: "period",
            reason: format!(
                "nothing is left to bill before {}: billed or known only from {}",
                run.until,
                calendar.rfc3339(start)
            ),
        });
    }
    let begins = calendar.date(start);
    let days = days_between(begins, next_day(calendar.date_of_reading(end)));
    let whole = run.whole_days.unwrap_or_else(|| days_between(run.first, run.until));
    let part = start > first || end < until || run.whole_days.is_some();
    let (fewest, most) = (rules.fewest_days, rules.most_days);
    if !part && !(fewest..=most).contains(&days) {
        return Err(MdmError::Invalid {
            field: "period",
            reason: format!(
                "{days} days since the last bill; a period has {fewest} to {most}: bill \
                 this usage point by itself"
            ),
        });
    }
    Ok(BillingPeriod {
        month: begins.first_of_month(),
        span: Span::new(start, end),
        part_of_days: (part && days < whole).then_some(whole),
        days,
    })
}

fn days_between(first: Date, until: Date) -> i64 {
    i64::from((until - first).get_days())
}
