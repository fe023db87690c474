//! Issuing: each approved plan gets its number and becomes an invoice, exactly once.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use corrente_metering::{Calendar, id::BillingRunId, id::UsagePointId};
use corrente_registry::{
    Tx,
    billing_runs::{self, Item, ItemState, Run, RunState},
    invoices::Issued,
    usage_points,
};

use super::{changed_meanwhile, in_state};
use crate::{
    Mdm, MdmError,
    invoice::{Bill, write_invoice},
};

/// Invoices of one transaction: after a kill either all of them are there or none.
const BATCH: u32 = 100;

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Invoices issued by this call.
    pub issued: usize,
    /// Usage points that turned out to be billed already.
    pub exceptions: usize,
}

/// How far issuing a run in this program is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issuing {
    /// Invoices that were issued and exceptions.
    pub progress: Progress,
    /// Plans that had no invoice when it began.
    pub of: usize,
    /// Is it still at work?
    pub running: bool,
    /// Why it ended early; the run goes on when it is issued again.
    pub error: Option<String>,
}

/// Runs that were issued since this program started.
#[derive(Debug, Default)]
pub(crate) struct IssuingRuns {
    runs: Mutex<HashMap<BillingRunId, Issuing>>,
}

impl IssuingRuns {
    fn with<T>(&self, of: impl FnOnce(&mut HashMap<BillingRunId, Issuing>) -> T) -> T {
        of(&mut self.runs.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Mdm {
    /// Begins to issue a run beside everything else, and says how far it is; a run that is being issued
    /// goes on as it is. Call it inside the async runtime.
    ///
    /// # Errors
    /// When the run is not approved or a store fails.
    pub fn start_issue(&self, id: BillingRunId) -> Result<Issuing, MdmError> {
        let run = self.stored_run(id)?;
        let open = [RunState::Approved, RunState::Issuing, RunState::Issued];
        in_state(&run, &open, "it has to be approved first")?;
        let items = self.registry.read_blocking(move |tx| billing_runs::items(tx, id))?;
        let ready = |item: &&Item| item.state == ItemState::Ready && item.plan.is_some();
        let begun =
            Issuing { of: items.iter().filter(ready).count(), running: true, ..Issuing::default() };
        let first = self.issuing.with(|runs| {
            let known = runs.get(&id).filter(|known| known.running).cloned();
            if known.is_none() {
                runs.insert(id, begun.clone());
            }
            known
        });
        if let Some(known) = first {
            return Ok(known);
        }
        let mdm = self.clone();
        // It may be cut off at any moment: the next call goes on where it stopped.
        drop(tokio::task::spawn_blocking(move || {
            let ended = mdm.issue_run(id, &mut |progress| {
                mdm.issuing.with(|runs| runs.entry(id).or_default().progress = progress);
            });
            if let Err(error) = &ended {
                tracing::error!(%error, billing_run.id = %id, "a run could not be issued to its end");
            }
            mdm.issuing.with(|runs| {
                let known = runs.entry(id).or_default();
                known.running = false;
                known.error = ended.err().map(|error| error.to_string());
            });
        }));
        Ok(begun)
    }

    /// How far this program is with issuing a run; nothing where it has not begun.
    pub fn issuing(&self, id: BillingRunId) -> Option<Issuing> {
        self.issuing.with(|runs| runs.get(&id).cloned())
    }

    /// Issues what was approved, and goes on where a killed call stopped. Two calls at once share the
    /// work; numbers have no gaps and no usage point gets two invoices.
    ///
    /// # Errors
    /// When the run is not approved or a store fails; what was issued stays.
    pub fn issue_run(
        &self,
        id: BillingRunId,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Progress, MdmError> {
        let _span = tracing::info_span!(
            target: "corrente::trace",
            "billing.issue",
            billing_run.id = %id,
        )
        .entered();
        let mut run = self.stored_run(id)?;
        let open = [RunState::Approved, RunState::Issuing, RunState::Issued];
        in_state(&run, &open, "it has to be approved first")?;
        let mut done = Progress::default();
        if run.state == RunState::Issued {
            return Ok(done);
        }
        run = self.move_run(run, RunState::Issuing)?;
        loop {
            let (made, exceptions) = self.issue_batch(&run)?;
            if made.is_empty() && exceptions == 0 {
                break;
            }
            done.issued += made.len();
            done.exceptions += exceptions;
            // Messages go out by the same rule as for any other invoice; what a kill leaves undone
            // here is done by the hourly look.
            for usage_point in made {
                if let Err(error) = self.evaluate_alerts(usage_point) {
                    tracing::error!(%error, usage_point.id = %usage_point, "alerts cannot be looked at");
                }
            }
            progress(done);
        }
        self.move_run(run, RunState::Issued)?;
        Ok(done)
    }

    fn move_run(&self, run: Run, state: RunState) -> Result<Run, MdmError> {
        if run.state == state {
            return Ok(run);
        }
        let now = self.clock.now();
        self.registry.write_blocking(move |tx| {
            let moved = billing_runs::set_state(tx, &run, state, run.total, now)?;
            let found = billing_runs::get(tx, run.id)?;
            // Another call may have moved it just so.
            found
                .filter(|found| moved || found.state == state || found.state == RunState::Issued)
                .ok_or_else(|| changed_meanwhile(&run))
        })
    }

    /// The next plans of the run, in one transaction.
    fn issue_batch(&self, run: &Run) -> Result<(Vec<UsagePointId>, usize), MdmError> {
        let (id, mdm) = (run.id, self.clone());
        self.registry.write_blocking(move |tx| {
            let (mut made, mut exceptions) = (Vec::new(), 0);
            for item in billing_runs::next_items(tx, id, BATCH)? {
                match mdm.issue_item(tx, &item) {
                    Ok(()) => made.push(item.usage_point),
                    Err(error @ (MdmError::BilledAlready { .. } | MdmError::ItemBilled { .. })) => {
                        billing_runs::set_exception(tx, &item, &error.to_string())?;
                        exceptions += 1;
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok((made, exceptions))
        })
    }

    fn issue_item(&self, tx: &mut Tx, item: &Item) -> Result<(), MdmError> {
        let missing = |kind| MdmError::NotFound { kind, id: item.usage_point.to_string() };
        let point = usage_points::get(tx, item.usage_point)?
            .ok_or_else(|| missing("usage point of the run"))?;
        let calendar = Calendar::new(&point.zone).unwrap_or_else(|_| Calendar::utc());
        let bill = Bill {
            plan: item.plan.ok_or_else(|| missing("plan of the run"))?,
            span: item.period(),
            issued: self.issued_at(self.clock.now(), item.end),
            energy: item.energy,
            amount: item.amount,
            whole_days: item.part_of_days,
        };
        match write_invoice(tx, &point, &calendar, &bill)? {
            Issued::Issued(invoice) | Issued::Exists(invoice) => {
                Ok(billing_runs::set_issued(tx, item, invoice)?)
            }
        }
    }
}
