//! Billing runs: prepare, preview, hold, approve, issue, close.
//!
//! What each step may do is narrow. *Prepare* looks at every usage point and notes what keeps it from
//! being billed. *Preview* computes every bill and writes nothing. *Approve* stores the plans, names the
//! total that was seen, and needs two people above the limit. *Issue* computes nothing any more: it
//! gives each stored plan its number, and can be killed and started again at any moment.

mod evaluate;
mod issue;
mod period;
mod summary;

use std::collections::HashSet;

use corrente_billing::{BillingPlan, verify};
use corrente_metering::{
    Date,
    id::{BillingRunId, OrganisationId, UsagePointId},
};
use corrente_registry::{
    Tx,
    billing_runs::{self, Approval, Item, ItemState, NewRun, Run, RunState},
    organisations, plans, settings, usage_points,
};
use corrente_units::Money;

use crate::{Mdm, MdmError};
use evaluate::Evaluated;

pub(crate) use issue::IssuingRuns;
pub use issue::{Issuing, Progress};
pub use summary::{Largest, RunSummary};

/// Up to this total one person's approval is enough, where the organisation has not decided: 100,000 of
/// the currency.
const DEFAULT_LIMIT: Money = Money::from_minor(10_000_000);

/// What a run is to bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRequest {
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// Which route; nothing for the usage points without one.
    pub route: Option<String>,
    /// A closing bill of only this usage point.
    pub usage_point: Option<UsagePointId>,
    /// The first day; where it is left out, the day on which most of the last bills ended, or a month
    /// before the end.
    pub first: Option<Date>,
    /// The first day that is no longer billed.
    pub until: Date,
}

/// A run with the people who approved it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDetail {
    /// The run.
    pub run: Run,
    /// Who approved it.
    pub approvals: Vec<Approval>,
    /// What it comes to, by what was noted when it was prepared.
    pub summary: RunSummary,
}

impl Mdm {
    /// Makes a run and looks at each of its usage points.
    ///
    /// # Errors
    /// When the days do not fit or a store fails. A usage point that cannot be billed is an exception
    /// in the run.
    pub fn prepare_run(&self, request: &RunRequest) -> Result<RunDetail, MdmError> {
        let _span = tracing::info_span!(target: "corrente::trace", "billing.prepare").entered();
        let (first, whole_days) = self.days_of(request)?;
        let now = self.clock.now();
        let new = NewRun {
            organisation: request.organisation,
            route: request.route.clone(),
            usage_point: request.usage_point,
            first,
            until: request.until,
            whole_days,
            limit: self.approval_limit(request.organisation)?,
        };
        let run = self.registry.write_blocking(move |tx| billing_runs::insert(tx, &new, now))?;
        self.look_at(&run, self.points_of(&run)?)?;
        self.run_detail(run.id)
    }

    /// Looks at each usage point of a run again: readings that came, findings that were mended.
    ///
    /// # Errors
    /// When the run is approved already.
    pub fn prepare_run_again(&self, id: BillingRunId) -> Result<RunDetail, MdmError> {
        let run = self.stored_run(id)?;
        in_state(&run, &[RunState::Prepared], "only a run that nobody approved is prepared again")?;
        let (points, _) = self.open_and_kept(&run)?;
        self.look_at(&run, points)?;
        self.run_detail(id)
    }

    /// What the run would issue, computed now. Nothing is written.
    ///
    /// # Errors
    /// When a store fails.
    pub fn preview_run(&self, id: BillingRunId) -> Result<RunSummary, MdmError> {
        let run = self.stored_run(id)?;
        let open = [RunState::Prepared];
        in_state(&run, &open, "its bills are stored; look at the run itself")?;
        let (points, mut items) = self.open_and_kept(&run)?;
        self.evaluate_run(&run, points, &mut |evaluated: Vec<Evaluated>| {
            items.extend(evaluated.into_iter().map(|one| one.item));
            Ok(())
        })?;
        self.summary(&run, &items)
    }

    /// Keeps a usage point back, or lets it go on. Approvals of the run end: its total has changed.
    ///
    /// # Errors
    /// When the run is being issued, or the usage point is not in it.
    pub fn hold_in_run(
        &self,
        id: BillingRunId,
        usage_point: UsagePointId,
        hold: Option<&str>,
    ) -> Result<(), MdmError> {
        let run = self.stored_run(id)?;
        let open = [RunState::Prepared, RunState::Waiting, RunState::Approved];
        in_state(&run, &open, "nothing can be held any more")?;
        let (now, hold) = (self.clock.now(), hold.map(str::to_owned));
        let released = hold.is_none();
        let of_run = run.clone();
        self.registry.write_blocking(move |tx| {
            let changed = match &hold {
                Some(reason) => billing_runs::hold(tx, id, usage_point, reason)?,
                None => billing_runs::release(tx, id, usage_point)?,
            };
            if !changed {
                let what = if hold.is_some() { "that can be held" } else { "that is held" };
                return Err(MdmError::Invalid {
                    field: "usage_point",
                    reason: format!("the run has no such usage point {what}"),
                });
            }
            if run.state != RunState::Prepared {
                billing_runs::withdraw(tx, id)?;
                billing_runs::set_state(tx, &run, RunState::Prepared, None, now)?;
            }
            Ok(())
        })?;
        if released {
            // It may be an exception: its state is what it is now.
            self.look_at(&of_run, vec![usage_point])?;
        }
        Ok(())
    }

    /// A person's yes to a total. The first one computes and stores the plans; above the run's limit a
    /// second person has to agree.
    ///
    /// # Errors
    /// When the total is not what the person saw, the same person approves twice, or the run is past it.
    pub fn approve_run(
        &self,
        id: BillingRunId,
        person: &str,
        seen: Money,
    ) -> Result<RunDetail, MdmError> {
        let run = self.stored_run(id)?;
        let open = [RunState::Prepared, RunState::Waiting];
        in_state(&run, &open, "it needs no approval any more")?;
        let total = match (run.state, run.total) {
            (RunState::Waiting, Some(total)) => total,
            _ => self.store_plans(&run, seen)?,
        };
        if total != seen {
            return Err(MdmError::Invalid {
                field: "total",
                reason: format!("the run comes to {total}, not to {seen}: look at it again"),
            });
        }
        let (now, person) = (self.clock.now(), person.to_owned());
        self.registry.write_blocking(move |tx| {
            if !billing_runs::approve(tx, id, &person, total, now)? {
                return Err(MdmError::Invalid {
                    field: "person",
                    reason: format!("{person} approved it already; a second person has to"),
                });
            }
            let people = billing_runs::approvals(tx, id)?.len();
            let enough = total <= run.limit || people >= 2;
            let state = if enough { RunState::Approved } else { RunState::Waiting };
            if !billing_runs::set_state(tx, &run, state, Some(total), now)? {
                return Err(changed_meanwhile(&run));
            }
            Ok(())
        })?;
        self.run_detail(id)
    }

    /// Ends a run. What is held or an exception is left to the next one.
    ///
    /// # Errors
    /// When approved plans have no invoice yet.
    pub fn close_run(&self, id: BillingRunId) -> Result<RunDetail, MdmError> {
        let run = self.stored_run(id)?;
        let open = [RunState::Prepared, RunState::Waiting, RunState::Issued];
        in_state(&run, &open, "issue it first")?;
        let now = self.clock.now();
        self.registry.write_blocking(move |tx| {
            if !billing_runs::set_state(tx, &run, RunState::Closed, run.total, now)? {
                return Err(changed_meanwhile(&run));
            }
            Ok(())
        })?;
        self.run_detail(id)
    }

    /// A run with who approved it and what it comes to.
    ///
    /// # Errors
    /// When there is no such run.
    pub fn run_detail(&self, id: BillingRunId) -> Result<RunDetail, MdmError> {
        let run = self.stored_run(id)?;
        let (approvals, items) = self.registry.read_blocking(move |tx| {
            Ok::<_, MdmError>((billing_runs::approvals(tx, id)?, billing_runs::items(tx, id)?))
        })?;
        let summary = self.summary(&run, &items)?;
        Ok(RunDetail { run, approvals, summary })
    }

    /// An organisation's runs, the newest first.
    ///
    /// # Errors
    /// When the registry fails.
    pub fn runs(&self, organisation: OrganisationId) -> Result<Vec<Run>, MdmError> {
        Ok(self.registry.read_blocking(move |tx| billing_runs::list(tx, organisation))?)
    }

    /// The run that people call by this number.
    ///
    /// # Errors
    /// When there is no such run.
    pub fn run_by_number(
        &self,
        organisation: OrganisationId,
        number: i64,
    ) -> Result<Run, MdmError> {
        self.registry
            .read_blocking(move |tx| billing_runs::by_number(tx, organisation, number))?
            .ok_or_else(|| MdmError::NotFound { kind: "billing run", id: number.to_string() })
    }

    /// Above which total two people approve.
    ///
    /// # Errors
    /// When the registry fails.
    pub fn approval_limit(&self, organisation: OrganisationId) -> Result<Money, MdmError> {
        let key = limit_key(organisation);
        let text = self.registry.read_blocking(move |tx| settings::get(tx, &key))?;
        let minor = text.and_then(|text| text.parse().ok());
        Ok(minor.map_or(DEFAULT_LIMIT, Money::from_minor))
    }

    /// Decides above which total two people approve; runs that exist keep theirs.
    ///
    /// # Errors
    /// When the registry fails.
    pub fn set_approval_limit(
        &self,
        organisation: OrganisationId,
        limit: Money,
    ) -> Result<(), MdmError> {
        let (key, value) = (limit_key(organisation), limit.minor().to_string());
        Ok(self.registry.write_blocking(move |tx| settings::set(tx, &key, &value))?)
    }

    fn stored_run(&self, id: BillingRunId) -> Result<Run, MdmError> {
        self.registry
            .read_blocking(move |tx| billing_runs::get(tx, id))?
            .ok_or_else(|| MdmError::NotFound { kind: "billing run", id: id.to_string() })
    }

    /// Notes what is seen of these usage points now.
    fn look_at(&self, run: &Run, points: Vec<UsagePointId>) -> Result<(), MdmError> {
        self.evaluate_run(run, points, &mut |evaluated| {
            let items: Vec<Item> = evaluated.into_iter().map(|one| one.item).collect();
            self.registry.write_blocking(move |tx| {
                items.iter().try_for_each(|item| billing_runs::put_item(tx, item))
            })?;
            Ok(())
        })
    }

    /// Computes and stores the plans of everything that can be billed, if they come to the total that was
    /// seen. Says what they come to; of another total nothing is stored but what each usage point comes
    /// to now.
    fn store_plans(&self, run: &Run, seen: Money) -> Result<Money, MdmError> {
        let (points, _) = self.open_and_kept(run)?;
        let now = self.clock.now();
        self.evaluate_run(run, points, &mut |evaluated| {
            let mut documents = Vec::with_capacity(evaluated.len());
            for one in evaluated {
                let document = one.plan.as_ref().map(document).transpose()?;
                documents.push((one.item, document));
            }
            self.registry.write_blocking(move |tx| {
                for (item, document) in &documents {
                    store(tx, item, document.as_ref(), now)?;
                }
                Ok::<_, MdmError>(())
            })
        })?;
        let id = run.id;
        let items = self.registry.read_blocking(move |tx| billing_runs::items(tx, id))?;
        let planned = items.iter().filter(|i| i.plan.is_some() && i.state == ItemState::Ready);
        let total = Money::sum(planned.map(|item| item.amount))?;
        if total != seen {
            // Nobody approved these: a plan that is kept is one that people said yes to.
            self.registry.write_blocking(move |tx| billing_runs::drop_plans(tx, id))?;
        }
        Ok(total)
    }

    /// The usage points that are looked at, and what is held or issued and is not looked at again.
    fn open_and_kept(&self, run: &Run) -> Result<(Vec<UsagePointId>, Vec<Item>), MdmError> {
        let id = run.id;
        let mut kept = self.registry.read_blocking(|tx| billing_runs::items(tx, id))?;
        kept.retain(|item| matches!(item.state, ItemState::Held | ItemState::Issued));
        let of_kept: HashSet<UsagePointId> = kept.iter().map(|item| item.usage_point).collect();
        let mut points = self.points_of(run)?;
        points.retain(|point| !of_kept.contains(point));
        Ok((points, kept))
    }
}

type Document = (String, String);

fn document(plan: &BillingPlan) -> Result<Document, MdmError> {
    Ok((serde_json::to_string(plan)?, plan.inputs_digest.clone()))
}

fn store(
    tx: &mut Tx,
    item: &Item,
    document: Option<&Document>,
    now: corrente_metering::Timestamp,
) -> Result<(), MdmError> {
    let mut item = item.clone();
    if let Some((text, digest)) = document {
        item.plan = Some(plans::insert(tx, item.usage_point, text, digest, now)?);
    }
    Ok(billing_runs::put_item(tx, &item)?)
}

/// What a second program has against a plan, in a sentence.
fn unsound(plan: &BillingPlan) -> Option<String> {
    let found = verify(plan);
    let first = found.first()?;
    Some(format!("the plan is not sound: {}: {}", first.path, first.rule))
}

fn in_state(run: &Run, allowed: &[RunState], reason: &str) -> Result<(), MdmError> {
    if allowed.contains(&run.state) {
        return Ok(());
    }
    Err(MdmError::RunState { state: run.state.word(), reason: reason.to_owned() })
}

fn changed_meanwhile(run: &Run) -> MdmError {
    let reason = "somebody changed it at the same time; look at it again".to_owned();
    MdmError::RunState { state: run.state.word(), reason }
}

fn limit_key(organisation: OrganisationId) -> String {
    format!("billing.two_people_above_minor.{organisation}")
}

impl Mdm {
    pub(crate) fn organisation_calendar(
        &self,
        organisation: OrganisationId,
    ) -> Result<corrente_metering::Calendar, MdmError> {
        let found = self.registry.read_blocking(move |tx| organisations::get(tx, organisation))?;
        let zone = found.map(|organisation| organisation.zone).unwrap_or_default();
        Ok(corrente_metering::Calendar::new(&zone)
            .unwrap_or_else(|_| corrente_metering::Calendar::utc()))
    }

    /// The usage points of a run.
    fn points_of(&self, run: &Run) -> Result<Vec<UsagePointId>, MdmError> {
        let (organisation, route, only) = (run.organisation, run.route.clone(), run.usage_point);
        let all =
            self.registry.read_blocking(move |tx| usage_points::list_all(tx, organisation))?;
        let mine = |point: &usage_points::UsagePoint| match only {
            Some(only) => point.id == only,
            None => point.route == route,
        };
        Ok(all.into_iter().filter(mine).map(|point| point.id).collect())
    }
}
