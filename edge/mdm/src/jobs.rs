//! What happens by itself: days are sealed, invoices are issued, alerts are looked at.
//!
//! Three loops run side by side. The clock's loop wakes when business time has moved to another hour. The
//! loop of alerts hears each reading: a usage point that passes the register or the power at which a
//! limit lies is looked at at once, the others now and then, so that a flood of readings costs a
//! bounded share of the machine. The third validates days in what is left.

use std::{
    collections::HashMap,
    sync::PoisonError,
    time::{Duration, Instant},
};

use corrente_live::{LiveEvent, LiveWhat};
use corrente_metering::{Direction, Timestamp, id::UsagePointId};
use corrente_registry::{
    RegistryError,
    findings::{self, NewFinding},
    invoices::{self, Issued},
    payments,
    payments::NewPayment,
    usage_points,
};
use corrente_units::Energy;
use jiff::ToSpan as _;
use tokio::sync::broadcast::error::RecvError;

use crate::{Mdm, MdmError, alerts::Watch, period::BillingPeriod, point::Point};

/// How often business time is looked at.
const CLOCK: Duration = Duration::from_millis(500);
/// How often waiting usage points are looked at.
const ROUND: Duration = Duration::from_millis(100);
/// A usage point that reports is looked at about so often, whatever it reports.
const AGAIN: Duration = Duration::from_secs(15);
/// And never more often than this.
const REST: Duration = Duration::from_millis(500);
/// Looking may take so much of each round.
const SHARE: Duration = Duration::from_millis(60);
/// A day is sealed so long after its end: late readings make revisions of it all the same.
pub(crate) const SEAL_AFTER_SECONDS: i64 = 2 * 3600;
/// The name of the finding about an invoice that has to wait; no rule of validation.
const INVOICE_WAITS: &str = "invoice_waits";
/// Invoices are made for so many months back.
const MONTHS_BACK: i64 = 13;

impl Mdm {
    /// Runs until `shutdown` ends.
    pub async fn run_jobs(&self, shutdown: impl Future<Output = ()> + Send) {
        if let Err(error) = self.store_dials().await {
            tracing::error!(%error, "what dials showed is not in the ledger yet");
        }
        tokio::select! {
            () = shutdown => {}
            () = self.clock_loop() => {}
            () = self.alert_loop() => {}
            () = self.validation_loop() => {}
        }
    }

    async fn clock_loop(&self) {
        let mut hour = None;
        let mut ticks = tokio::time::interval(CLOCK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let now = self.clock.now();
            let current = now.second().div_euclid(3600);
            if hour == Some(current) {
                continue;
            }
            hour = Some(current);
            if let Err(error) = self.run(move |mdm| mdm.hourly(now)).await {
                tracing::error!(%error, "hourly jobs failed and are tried again in an hour");
            }
        }
    }

    /// What is done each hour of business time.
    ///
    /// # Errors
    /// When a store fails; what fails for one usage point is logged and stops no other.
    pub fn hourly(&self, now: Timestamp) -> Result<(), MdmError> {
        self.ledger.seal_until(now.plus(-SEAL_AFTER_SECONDS))?;
        self.ledger.forget_power(now)?;
        let points = self.registry.read_blocking(usage_points::list_everywhere)?;
        for point in points {
            let id = point.id;
            if let Err(error) = self.issue_due_invoices(id, now) {
                tracing::error!(%error, usage_point.id = %id, "invoices cannot be issued");
            }
            if let Err(error) = self.evaluate_alerts(id) {
                tracing::error!(%error, usage_point.id = %id, "alerts cannot be looked at");
            }
        }
        Ok(())
    }

    /// Looks at the days of all usage points each hour, a stretch of one usage point at a time, and rests
    /// for thrice as long, so that a long backfill leaves the machine to those who wait for an answer.
    async fn validation_loop(&self) {
        let mut hour = None;
        let mut ticks = tokio::time::interval(CLOCK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let current = self.clock.now().second().div_euclid(3600);
            if hour == Some(current) {
                continue;
            }
            hour = Some(current);
            if let Err(error) = self.run(Self::show_rejections).await {
                tracing::error!(%error, "what the ledger keeps aside cannot be shown");
            }
            let points = self.registry.read(usage_points::list_everywhere).await;
            let points = points.inspect_err(|error| {
                tracing::error!(%error, "days cannot be validated and are tried again in an hour");
            });
            for id in points.unwrap_or_default().into_iter().map(|point| point.id) {
                let mut more = true;
                while more {
                    let started = Instant::now();
                    let looked = self
                        .run(move |mdm| mdm.validate_days(id))
                        .await
                        .inspect_err(|error| {
                            tracing::error!(%error, usage_point.id = %id, "days cannot be validated");
                        });
                    more = looked.is_ok_and(|looked| looked.more);
                    tokio::time::sleep(started.elapsed() * 3).await;
                }
            }
            if let Err(error) = self.run(Self::renew_class_profiles).await {
                tracing::error!(%error, "the mean weeks of classes cannot be made");
            }
            if let Err(error) = self.run(Self::check_sums).await {
                tracing::error!(%error, "dials cannot be compared with the intervals beside them");
            }
            if let Err(error) = self.run(Self::balance_parents).await {
                tracing::error!(%error, "parents cannot be compared with what lies behind them");
            }
        }
    }

    /// Issues the invoices of the months that are over: those after the last invoice, or the last month
    /// where there is none yet, so that a backfill of old readings is not billed by itself. Says how
    /// many.
    ///
    /// # Errors
    /// When a store fails.
    pub fn issue_due_invoices(&self, id: UsagePointId, now: Timestamp) -> Result<usize, MdmError> {
        let point = self.point(id)?;
        // A usage point on a route is billed by the runs of its route.
        if point.row.route.is_some() {
            return Ok(0);
        }
        let Some(known) = self.known_span(&point, Direction::Import)? else { return Ok(0) };
        let calendar = &point.calendar;
        let this_month = calendar.date(now).first_of_month();
        let last = self
            .registry
            .read_blocking(move |tx| invoices::list(tx, id))?
            .into_iter()
            .next()
            .map(|invoice| calendar.date(invoice.period_end));
        let mut month = last
            .unwrap_or_else(|| this_month.saturating_sub(1.month()))
            .max(this_month.saturating_sub(MONTHS_BACK.months()))
            .max(calendar.date(known.start).first_of_month())
            .first_of_month();
        let mut count = 0;
        loop {
            let period = BillingPeriod::of_month(calendar, month, known.start);
            if period.span.end > now.min(known.end) {
                break;
            }
            let tariffs = point.tariffs(&self.tariffs, period.span)?;
            if !tariffs.is_empty() {
                match self.issue_invoice(id, month) {
                    Ok(Issued::Issued(_)) => {
                        count += 1;
                        self.note_waiting(&point, &period, None)?;
                    }
                    Ok(Issued::Exists(_)) => {}
                    Err(error @ (MdmError::NotYet { .. } | MdmError::Billing(_))) => {
                        tracing::warn!(%error, usage_point.id = %id, "invoice has to wait");
                        self.note_waiting(&point, &period, Some(&error.to_string()))?;
                    }
                    Err(error) => return Err(error),
                }
            }
            month = period.next_month();
        }
        Ok(count)
    }

    /// Puts an invoice that has to wait on the worklist, with what it waits for; or takes it off.
    fn note_waiting(
        &self,
        point: &Point,
        period: &BillingPeriod,
        reason: Option<&str>,
    ) -> Result<(), MdmError> {
        let key = format!("{INVOICE_WAITS}:{}:{}", point.row.id, period.month);
        let now = self.clock.now();
        let new = reason.map(|reason| NewFinding {
            organisation: point.row.organisation,
            usage_point: Some(point.row.id),
            channel: None,
            rule: INVOICE_WAITS.to_owned(),
            span: period.span,
            document: serde_json::json!({ "sentence": reason }),
            effect_wh: None,
            idempotency_key: key.clone(),
        });
        Ok(self.registry.write_blocking(move |tx| {
            if let Some(new) = &new {
                findings::upsert(tx, new, now)?;
            } else if let Some(known) = findings::by_key(tx, &key)? {
                findings::resolve(tx, &known)?;
            }
            Ok::<_, RegistryError>(())
        })?)
    }

    async fn alert_loop(&self) {
        let mut events = self.live.subscribe();
        let mut waiting = Waiting::default();
        let mut rounds = tokio::time::interval(ROUND);
        rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Ok(event) => waiting.hear(&event, |id| self.watch_of(id)),
                    // What was missed is looked at with the next reading, or by the clock.
                    Err(RecvError::Lagged(missed)) => {
                        tracing::debug!(live.missed = missed, "alerts fell behind the readings");
                    }
                    Err(RecvError::Closed) => return,
                },
                _ = rounds.tick() => {
                    let due = waiting.due(Instant::now());
                    if due.is_empty() {
                        continue;
                    }
                    let looked = self.run(move |mdm| Ok(mdm.look(due))).await;
                    waiting.looked(looked.unwrap_or_default());
                }
            }
        }
    }

    /// Looks at the usage points for as long as its share lasts, and says at which it did.
    fn look(&self, due: Vec<UsagePointId>) -> Vec<UsagePointId> {
        let started = Instant::now();
        due.into_iter()
            .take_while(|_| started.elapsed() <= SHARE)
            .inspect(|id| {
                if let Err(error) = self.evaluate_alerts(*id) {
                    tracing::error!(%error, usage_point.id = %id, "alerts cannot be looked at");
                    // It waits for its turn, or each reading past the old watch would fail again.
                    self.watches.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
                }
            })
            .collect()
    }

    fn watch_of(&self, id: UsagePointId) -> Watch {
        let watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        watches.get(&id).copied().unwrap_or_default()
    }

    /// Records a payment, and shows it on open pages.
    ///
    /// # Errors
    /// When the registry fails or there is no such invoice.
    pub fn record_payment(&self, payment: NewPayment) -> Result<payments::Recorded, MdmError> {
        let (now, invoice) = (self.clock.now(), payment.invoice);
        let (recorded, row) = self.registry.write_blocking(move |tx| {
            let recorded = payments::insert(tx, &payment, now)?;
            Ok::<_, MdmError>((recorded, invoices::get(tx, payment.invoice)?))
        })?;
        if let Some(row) = row.filter(|_| recorded == payments::Recorded::Paid) {
            self.live.notify(row.usage_point, corrente_live::LiveNotice::InvoicePaid(invoice));
            self.evaluate_alerts(row.usage_point)?;
        }
        Ok(recorded)
    }
}

/// Which usage points wait to be looked at.
#[derive(Debug, Default)]
struct Waiting {
    points: HashMap<UsagePointId, Waits>,
    urgent: Vec<UsagePointId>,
}

#[derive(Debug, Default)]
struct Waits {
    /// It reported since it was looked at.
    heard: bool,
    urgent: bool,
    looked: Option<Instant>,
}

impl Waiting {
    fn hear(&mut self, event: &LiveEvent, watch_of: impl Fn(UsagePointId) -> Watch) {
        let LiveWhat::Reading { reading, power_w } = &event.what else { return };
        let waits = self.points.entry(event.usage_point).or_default();
        waits.heard = true;
        let passed = |limit: Option<i64>, value: Option<i64>| {
            limit.zip(value).is_some_and(|(limit, value)| value > limit)
        };
        if waits.urgent {
            return;
        }
        // A rule that was set since the last look by this loop has left its watch as well.
        let watch = watch_of(event.usage_point);
        let urgent = waits.looked.is_none()
            || passed(watch.register.map(Energy::wh), reading.register.map(Energy::wh))
            || passed(watch.power_w, *power_w);
        if urgent {
            waits.urgent = true;
            self.urgent.push(event.usage_point);
        }
    }

    fn due(&mut self, now: Instant) -> Vec<UsagePointId> {
        let rested =
            |waits: &Waits, rest| waits.looked.is_none_or(|at| now.duration_since(at) >= rest);
        let mut due: Vec<UsagePointId> = self
            .urgent
            .iter()
            .filter(|id| self.points.get(id).is_some_and(|waits| rested(waits, REST)))
            .copied()
            .collect();
        due.extend(
            self.points
                .iter()
                .filter(|(_, waits)| waits.heard && !waits.urgent && rested(waits, AGAIN))
                .map(|(id, _)| *id),
        );
        due
    }

    fn looked(&mut self, looked: Vec<UsagePointId>) {
        let now = Instant::now();
        for id in looked {
            let waits = Waits { heard: false, urgent: false, looked: Some(now) };
            self.points.insert(id, waits);
        }
        let points = &self.points;
        self.urgent.retain(|id| points.get(id).is_some_and(|waits| waits.urgent));
    }
}
