//! Alerts: rules of usage points, what they saw, and who is told.
//!
//! A step of a rule's machine, the event that it makes and the messages that it causes are one
//! transaction, so that a crash between decision and delivery loses nothing and tells nothing twice.
//! Open pages hear of it after the commit.

use std::{collections::BTreeMap, sync::PoisonError};

use corrente_alert::{Notice, Phase, Rule, RuleKind, State};
use corrente_billing::why_changed;
use corrente_live::LiveNotice;
use corrente_metering::{
    Calendar, ChannelKind, Direction, Timestamp,
    id::{AlertRuleId, InvoiceId, UsagePointId},
};
use corrente_registry::{
    RegistryError,
    alerts::{self, AlertEvent, AlertRule},
};
use corrente_units::{Decimal, Energy};
use serde_json::{Value as Json, json};

use crate::{
    Mdm, MdmError,
    facts::{Facts, Measured},
    point::Point,
    series::empty_if_unknown,
    telling::Telling,
};

/// Events that a page shows.
const MOST_EVENTS: u32 = 200;

/// Everything about a usage point's alerts.
#[derive(Clone, Debug)]
pub struct AlertsView {
    /// What was seen, the latest first.
    pub events: Vec<AlertEvent>,
    /// The rules that hold.
    pub rules: Vec<ShownRule>,
}

/// A rule that holds.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownRule {
    /// Its id.
    pub id: AlertRuleId,
    /// Its kind.
    pub kind: RuleKind,
    /// Is it watched?
    pub enabled: bool,
    /// How it is set.
    pub parameters: Json,
    /// Until when it is seen on the page alone, RFC 3339 of the usage point.
    pub muted_until: Option<String>,
}

/// When a usage point has to be looked at again at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watch {
    /// The register at which a limit is passed.
    pub(crate) register: Option<Energy>,
    /// The power above which one is.
    pub(crate) power_w: Option<i64>,
}

/// What a look at one rule came to.
struct Step {
    rule: AlertRuleId,
    kind: RuleKind,
    /// Seen on the page alone.
    muted: bool,
    state: State,
    notices: Vec<(Notice, BTreeMap<String, String>)>,
}

impl Mdm {
    /// A usage point's events and rules.
    ///
    /// # Errors
    /// When the registry fails or there is no such usage point.
    pub fn alerts(&self, id: UsagePointId) -> Result<AlertsView, MdmError> {
        let point = self.point(id)?;
        let rules = self.rules(&point)?;
        let events = self.registry.read_blocking(move |tx| alerts::events(tx, id, MOST_EVENTS))?;
        let now = self.clock.now();
        let mut rules: Vec<ShownRule> =
            rules.into_iter().filter_map(|rule| shown(&point.calendar, rule, now)).collect();
        rules.sort_by_key(|rule| rule.kind);
        Ok(AlertsView { events, rules })
    }

    /// Sets a usage point's own rule. It is looked at at once.
    ///
    /// # Errors
    /// [`MdmError::Invalid`] for a rule that would always or never tell.
    pub fn put_alert_rule(
        &self,
        id: UsagePointId,
        kind: RuleKind,
        parameters: Json,
        enabled: bool,
    ) -> Result<ShownRule, MdmError> {
        let rule = checked_rule(kind, &parameters)?;
        let now = self.clock.now();
        if enabled {
            let preview = self.preview_rule(id, &rule)?;
            if let Some(reason) = preview.refusal {
                let reason = reason.to_string();
                return Err(MdmError::Invalid { field: preview.field, reason });
            }
        }
        let stored = write_rule(&rule)?;
        let row = self.registry.write_blocking(move |tx| -> Result<_, RegistryError> {
            // What the rule saw as it was set before is over.
            alerts::end_events(tx, id, kind.word(), now)?;
            let row = alerts::put_rule(tx, id, kind.word(), &stored, enabled, now)?;
            alerts::put_state(tx, row.id, id, &json!({}), now)?;
            Ok(row)
        })?;
        self.evaluate_alerts(id)?;
        let point = self.point(id)?;
        shown(&point.calendar, row, now)
            .ok_or_else(|| MdmError::NotFound { kind: "alert rule", id: kind.to_string() })
    }

    /// Keeps a rule silent for so many hours of business time: what it sees stands on the page and is
    /// told nowhere else. With none it speaks again.
    ///
    /// # Errors
    /// When the registry fails or there is no such usage point.
    pub fn mute_alert_rule(
        &self,
        id: UsagePointId,
        kind: RuleKind,
        hours: u16,
    ) -> Result<ShownRule, MdmError> {
        let point = self.point(id)?;
        let now = self.clock.now();
        let until = (hours > 0).then(|| now.plus(i64::from(hours) * 3600));
        let missing = || MdmError::NotFound { kind: "alert rule", id: kind.to_string() };
        let rule = self
            .rules(&point)?
            .into_iter()
            .find(|rule| rule.kind == kind.word())
            .ok_or_else(missing)?;
        let row = self.registry.write_blocking(move |tx| -> Result<_, RegistryError> {
            if rule.usage_point.is_some() {
                return alerts::mute(tx, id, rule.id, until);
            }
            // The organisation's rule goes on for the others; this point's own begins where it stands.
            let word = kind.word();
            let own = alerts::put_rule(tx, id, word, &rule.parameters, rule.enabled, now)?;
            if let Some(state) = alerts::state(tx, rule.id, id)? {
                alerts::put_state(tx, own.id, id, &state, now)?;
            }
            alerts::mute(tx, id, own.id, until)
        })?;
        row.and_then(|row| shown(&point.calendar, row, now)).ok_or_else(missing)
    }

    /// The rules that hold, with the organisation's defaults made where they are missing.
    fn rules(&self, point: &Point) -> Result<Vec<AlertRule>, MdmError> {
        let id = point.row.id;
        let rules = self.registry.read_blocking(move |tx| alerts::rules_for(tx, id))?;
        if RuleKind::ALL.iter().all(|kind| rules.iter().any(|rule| rule.kind == kind.word())) {
            return Ok(rules);
        }
        let (organisation, now) = (point.row.organisation, self.clock.now());
        self.registry.write_blocking(move |tx| {
            let rules = alerts::rules_for(tx, id)?;
            for kind in RuleKind::ALL {
                if rules.iter().all(|rule| rule.kind != kind.word()) {
                    let parameters = write_rule(&kind.default_rule())?;
                    let on = kind.on_by_default();
                    alerts::put_default(tx, organisation, kind.word(), &parameters, on, now)?;
                }
            }
            Ok::<_, MdmError>(alerts::rules_for(tx, id)?)
        })
    }

    /// Looks at all rules of a usage point now, and tells what there is to tell.
    ///
    /// # Errors
    /// When a store fails or there is no such usage point.
    pub fn evaluate_alerts(&self, id: UsagePointId) -> Result<Vec<AlertEvent>, MdmError> {
        let _one_look = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let point = self.point(id)?;
        let now = self.clock.now();
        let rules = self.rules(&point)?;
        let mut facts = Facts::new(self, &point, now)?;
        let mut steps = Vec::new();
        let mut watch = Watch::default();
        for row in rules.into_iter().filter(|row| row.enabled) {
            let Ok(kind) = row.kind.parse::<RuleKind>() else { continue };
            let rule = match read_rule(kind, &row.parameters) {
                Ok(rule) => rule,
                Err(error) => {
                    tracing::warn!(%error, alert.rule = %row.id, "alert rule cannot be read");
                    continue;
                }
            };
            let measured = match facts.of(&rule) {
                Ok(measured) => measured,
                // A tariff that cannot rate this month silences one rule, not the others.
                Err(MdmError::Billing(error)) => {
                    tracing::warn!(%error, usage_point.id = %id, "alert rule cannot be measured");
                    continue;
                }
                Err(error) => return Err(error),
            };
            let rule_id = row.id;
            let muted = row.muted_until.is_some_and(|until| now < until);
            let before: State = self
                .registry
                .read_blocking(move |tx| alerts::state(tx, rule_id, id))?
                .and_then(|state| serde_json::from_value(state).ok())
                .unwrap_or_default();
            let (step, stands) = advance(rule_id, &rule, &before, measured, muted);
            self.watch(&mut watch, &point, &rule, &stands)?;
            if let Some(mut step) = step {
                for (notice, values) in &mut step.notices {
                    if !matches!(notice, Notice::Over { .. }) {
                        self.explain(&mut facts, step.kind, values)?;
                    }
                }
                steps.push(step);
            }
        }
        self.watches.lock().unwrap_or_else(PoisonError::into_inner).insert(id, watch);
        if steps.is_empty() { Ok(Vec::new()) } else { self.tell(&point, steps, now) }
    }

    /// Adds why a bill differs from an earlier one. Only what is told is explained: that reads plans.
    fn explain(
        &self,
        facts: &mut Facts<'_>,
        kind: RuleKind,
        values: &mut BTreeMap<String, String>,
    ) -> Result<(), MdmError> {
        let id = |name: &str| values.get(name).and_then(|id| id.parse::<InvoiceId>().ok());
        let change = match kind {
            RuleKind::BillJump | RuleKind::BillJumpYear => {
                let before = match id("previous_invoice") {
                    Some(before) => self.invoice(before)?,
                    None => None,
                };
                let likely = facts.bill()?.and_then(|bill| bill.likely.as_ref());
                let pair = before.zip(likely);
                pair.map(|(before, likely)| why_changed(&before.plan, likely)).transpose()?
            }
            RuleKind::InvoiceIssued => match id("invoice") {
                Some(invoice) => self.invoice(invoice)?.and_then(|detail| detail.why),
                None => None,
            },
            RuleKind::ExcessiveConsumption
            | RuleKind::ForecastOverBudget
            | RuleKind::AlwaysOn
            | RuleKind::UnusualDay
            | RuleKind::MeterSilent
            | RuleKind::InvoiceDue
            | RuleKind::InvoiceOverdue
            | RuleKind::InvoicePaid => None,
        };
        if let Some((cause, amount)) = change.and_then(|change| change.parts.first().copied()) {
            values.insert("cause".to_owned(), cause.word().to_owned());
            values.insert("cause_amount".to_owned(), amount.to_string());
        }
        Ok(())
    }

    /// One transaction: states, events, messages. Then open pages.
    fn tell(
        &self,
        point: &Point,
        steps: Vec<Step>,
        now: Timestamp,
    ) -> Result<Vec<AlertEvent>, MdmError> {
        let id = point.row.id;
        let telling = Telling::new(point, now, self.clock.factor());
        let events = self.registry.write_blocking(move |tx| {
            let mut events = Vec::new();
            for step in &steps {
                let state = serde_json::to_value(&step.state)?;
                alerts::put_state(tx, step.rule, id, &state, now)?;
                for (notice, values) in &step.notices {
                    events.push(telling.record(tx, step.kind, notice, values, step.muted)?);
                }
            }
            Ok::<_, MdmError>(events.into_iter().flatten().collect::<Vec<AlertEvent>>())
        })?;
        for event in &events {
            self.live.notify(id, LiveNotice::Alert(event.id));
            let over = event.until.is_some();
            tracing::info!(
                usage_point.id = %id, alert.kind = event.kind, alert.over = over, "alert told"
            );
        }
        Ok(events)
    }

    /// At which register or power the rule has to be looked at at once.
    fn watch(
        &self,
        watch: &mut Watch,
        point: &Point,
        rule: &Rule,
        (value, quiet): &(Option<Decimal>, bool),
    ) -> Result<(), MdmError> {
        let Rule::ExcessiveConsumption(rule) = rule else { return Ok(()) };
        if !*quiet {
            return Ok(());
        }
        match rule.unit {
            corrente_alert::Unit::W => {
                watch.power_w = i64::try_from(rule.threshold.trunc()).ok();
            }
            corrente_alert::Unit::Kwh => {
                let left = value.and_then(|value| rule.threshold.checked_sub(value));
                let left = left
                    .and_then(|kwh| kwh.checked_mul(Decimal::ONE_THOUSAND))
                    .and_then(|wh| i64::try_from(wh.trunc()).ok());
                let standing = point.channels.iter().find(|c| {
                    c.until.is_none()
                        && c.direction == Direction::Import
                        && c.spec.kind == ChannelKind::Register
                });
                let (Some(left), Some(channel)) = (left, standing) else { return Ok(()) };
                let last = empty_if_unknown(self.ledger.last(channel.channel))?;
                watch.register = last.and_then(|l| l.value.checked_add(Energy::from_wh(left)).ok());
            }
            corrente_alert::Unit::Money => {}
        }
        Ok(())
    }
}

/// Runs the machine over the facts. Nothing when nothing changed; and beside it the last value and
/// whether the rule is quiet.
fn advance(
    id: AlertRuleId,
    rule: &Rule,
    before: &State,
    measured: Vec<Measured>,
    muted: bool,
) -> (Option<Step>, (Option<Decimal>, bool)) {
    let machine = rule.machine();
    let mut state = before.clone();
    let mut notices = Vec::new();
    let mut value = None;
    for Measured { fact, values } in measured {
        let (next, told) = machine.step(&state, &fact);
        state = next;
        value = fact.value;
        notices.extend(told.into_iter().map(|notice| (notice, values.clone())));
    }
    let quiet = matches!(state.phase, Phase::Quiet);
    let step =
        (state != *before).then(|| Step { rule: id, kind: rule.kind(), muted, state, notices });
    (step, (value, quiet))
}

fn shown(calendar: &Calendar, rule: AlertRule, now: Timestamp) -> Option<ShownRule> {
    Some(ShownRule {
        id: rule.id,
        kind: rule.kind.parse().ok()?,
        enabled: rule.enabled,
        parameters: rule.parameters,
        muted_until: rule.muted_until.filter(|until| now < *until).map(|t| calendar.rfc3339(t)),
    })
}

/// The rule with these parameters, if it can work at all.
pub(crate) fn checked_rule(kind: RuleKind, parameters: &Json) -> Result<Rule, MdmError> {
    let rule = read_rule(kind, parameters)
        .map_err(|error| MdmError::Invalid { field: "parameters", reason: error.to_string() })?;
    rule.check().map_err(|error| MdmError::Invalid {
        field: error.field,
        reason: error.reason.to_owned(),
    })?;
    Ok(rule)
}

fn read_rule(kind: RuleKind, parameters: &Json) -> Result<Rule, serde_json::Error> {
    serde_json::from_value(json!({ "kind": kind.word(), "parameters": parameters }))
}

fn write_rule(rule: &Rule) -> Result<Json, serde_json::Error> {
    let whole = serde_json::to_value(rule)?;
    Ok(whole.get("parameters").cloned().unwrap_or_else(|| json!({})))
}
