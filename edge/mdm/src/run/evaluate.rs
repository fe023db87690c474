//! Every usage point of a run, computed by as many threads as the machine has.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use corrente_billing::BillingPlan;
use corrente_metering::{Direction, Span, Timestamp, id::UsagePointId};
use corrente_registry::billing_runs::{self, Item, ItemState, Run};
use corrente_units::{Energy, Money};

use super::{period, unsound};
use crate::{Mdm, MdmError, period::BillingPeriod, point::Point, rules::BillingRules};

/// Usage points whose results are handed on together: one transaction.
const CHUNK: usize = 256;

/// A usage point as it was seen now.
#[derive(Debug)]
pub(super) struct Evaluated {
    pub(super) item: Item,
    pub(super) plan: Option<BillingPlan>,
}

/// What is known of all usage points of a run at once.
struct Known {
    last: HashMap<UsagePointId, (Timestamp, Money)>,
    findings: HashMap<UsagePointId, i64>,
    rules: BillingRules,
}

impl Mdm {
    /// Computes usage points of a run, and hands the results on in chunks.
    pub(super) fn evaluate_run(
        &self,
        run: &Run,
        mut points: Vec<UsagePointId>,
        sink: &mut (dyn FnMut(Vec<Evaluated>) -> Result<(), MdmError> + Send),
    ) -> Result<(), MdmError> {
        // In the order in which they were made: so lie their readings, and neighbours share pages.
        points.sort_unstable();
        let known = self.known_of(run)?;
        // Only sealed days have a revision that a plan can name.
        self.ledger.seal_until(self.clock.now())?;
        let chunks: Vec<&[UsagePointId]> = points.chunks(CHUNK).collect();
        let next = AtomicUsize::new(0);
        let sink = Mutex::new(sink);
        let failed: Mutex<Option<MdmError>> = Mutex::new(None);
        let work = || {
            while let Some(chunk) = chunks.get(next.fetch_add(1, Ordering::Relaxed)) {
                let done = self.evaluate_chunk(run, chunk, &known).and_then(|evaluated| {
                    let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
                    (*sink)(evaluated)
                });
                if let Err(error) = done {
                    next.store(usize::MAX / 2, Ordering::Relaxed);
                    *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                }
            }
        };
        let threads = thread::available_parallelism().map_or(1, usize::from).min(chunks.len());
        thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(work);
            }
            work();
        });
        failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }

    fn known_of(&self, run: &Run) -> Result<Known, MdmError> {
        let calendar = self.organisation_calendar(run.organisation)?;
        let span = Span::new(calendar.midnight(run.first), calendar.midnight(run.until));
        let organisation = run.organisation;
        let (last, findings) = self.registry.read_blocking(move |tx| {
            let last = billing_runs::last_invoices(tx, organisation, span.end.plus(86_400))?;
            Ok::<_, MdmError>((last, billing_runs::open_findings(tx, organisation, span)?))
        })?;
        Ok(Known {
            last: last.into_iter().map(|(point, end, amount)| (point, (end, amount))).collect(),
            findings: findings.into_iter().collect(),
            rules: self.billing_rules(organisation)?,
        })
    }

    fn evaluate_chunk(
        &self,
        run: &Run,
        points: &[UsagePointId],
        known: &Known,
    ) -> Result<Vec<Evaluated>, MdmError> {
        points.iter().map(|id| self.evaluate(run, *id, known)).collect()
    }

    /// One usage point: a plan, or the reason why there is none. Only a store that fails is an error.
    fn evaluate(&self, run: &Run, id: UsagePointId, known: &Known) -> Result<Evaluated, MdmError> {
        let last = known.last.get(&id);
        let mut item = Item {
            run: run.id,
            usage_point: id,
            state: ItemState::Exception,
            reason: None,
            start: Timestamp::from_second(0),
            end: Timestamp::from_second(0),
            part_of_days: None,
            energy: Energy::ZERO,
            estimated: Energy::ZERO,
            findings: known.findings.get(&id).copied().unwrap_or_default(),
            amount: Money::ZERO,
            previous: last.map(|(_, amount)| *amount),
            plan: None,
            invoice: None,
        };
        let point = self.point(id)?;
        let mut plan = None;
        let end = last.map(|(end, _)| *end);
        match self.plan_of(&point, run, (end, &known.rules), &mut item) {
            Ok(found) => {
                item.reason = unsound(&found);
                if item.reason.is_none() {
                    item.state = ItemState::Ready;
                    item.energy = Energy::from_wh(found.totals.import_wh);
                    item.estimated = Energy::from_wh(found.totals.estimated_wh);
                    item.amount = found.totals.total;
                    plan = Some(found);
                }
            }
            Err(error @ (MdmError::Registry(_) | MdmError::Ledger(_) | MdmError::Stopping)) => {
                return Err(error);
            }
            Err(error) => item.reason = Some(error.to_string()),
        }
        Ok(Evaluated { item, plan })
    }

    fn plan_of(
        &self,
        point: &Point,
        run: &Run,
        (last, rules): (Option<Timestamp>, &BillingRules),
        item: &mut Item,
    ) -> Result<BillingPlan, MdmError> {
        let none = || MdmError::NotYet { reason: "there is no reading yet".to_owned() };
        let known = self.known_span(point, Direction::Import)?.ok_or_else(none)?;
        let period: BillingPeriod = period::of_point(point, run, last, known, rules)?;
        (item.start, item.end) = (period.span.start, period.span.end);
        item.part_of_days = period.part_of_days;
        self.over(point, period.span, known)?;
        self.settled_plan(point, &period, self.clock.now())
    }

    /// A period can be billed once it is over and its last reading has come.
    pub(crate) fn over(&self, point: &Point, span: Span, known: Span) -> Result<(), MdmError> {
        if self.clock.now() < span.end {
            return Err(MdmError::NotYet { reason: "the period is not over".to_owned() });
        }
        if known.end < span.end {
            let last = point.calendar.rfc3339(known.end);
            return Err(MdmError::NotYet { reason: format!("the last reading is of {last}") });
        }
        Ok(())
    }
}
