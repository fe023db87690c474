//! Alert rules, their state, and what they saw.

use corrente_metering::{
    Timestamp,
    id::{AlertEventId, AlertRuleId, OrganisationId, UsagePointId},
};
use serde_json::Value as Json;

use crate::{
    RegistryError, Tx,
    value::{params, row},
};

row! {
    /// A rule: an organisation's default, or a usage point's own.
    pub struct AlertRule {
        /// Its id.
        id: AlertRuleId,
        /// Of which organisation.
        organisation: OrganisationId,
        /// Of which usage point; nothing for the organisation's default.
        usage_point: Option<UsagePointId>,
        /// What it watches: `excessive_consumption`, `bill_jump`, …
        kind: String,
        /// How it is set.
        parameters: Json,
        /// Is it watched?
        enabled: bool,
        /// Until when, business time, it is seen on the page and told nowhere else.
        muted_until: Option<Timestamp> = "muted_until_s",
    }
}

row! {
    /// Something that a rule saw.
    pub struct AlertEvent {
        /// Its id.
        id: AlertEventId,
        /// Of which organisation.
        organisation: OrganisationId,
        /// At which usage point.
        usage_point: UsagePointId,
        /// What kind of rule saw it.
        kind: String,
        /// When it began, business time.
        at: Timestamp = "at_s",
        /// When it was over; nothing while it lasts.
        until: Option<Timestamp> = "until_s",
        /// What was seen, as values.
        document: Json,
        /// When a person read it.
        read: Option<Timestamp> = "read_s",
    }
}

const PUT_DEFAULT: &str = "\
INSERT INTO alert_rule (id, organisation, scope, usage_point, kind, parameters, enabled, changed_s)
VALUES ($id, $organisation, $organisation, NULL, $kind, $parameters, $enabled, $now)
ON CONFLICT (scope, kind) DO UPDATE
SET parameters = $parameters, enabled = $enabled, changed_s = $now
RETURNING *";

/// Sets an organisation's default rule.
pub fn put_default(
    tx: &mut Tx,
    organisation: OrganisationId,
    kind: &str,
    parameters: &Json,
    enabled: bool,
    now: Timestamp,
) -> Result<AlertRule, RegistryError> {
    let id = AlertRuleId::from_uuid(uuid::Uuid::now_v7());
    tx.row(PUT_DEFAULT, params! { id, organisation, kind, parameters, enabled, now })?
        .ok_or(RegistryError::Reference)
}

const PUT_RULE: &str = "\
INSERT INTO alert_rule (id, organisation, scope, usage_point, kind, parameters, enabled, changed_s)
SELECT $id, organisation, id, id, $kind, $parameters, $enabled, $now
FROM usage_point WHERE id = $usage_point
ON CONFLICT (scope, kind) DO UPDATE
SET parameters = $parameters, enabled = $enabled, changed_s = $now
RETURNING *";

/// Sets a usage point's own rule, which then stands in for the organisation's default.
pub fn put_rule(
    tx: &mut Tx,
    usage_point: UsagePointId,
    kind: &str,
    parameters: &Json,
    enabled: bool,
    now: Timestamp,
) -> Result<AlertRule, RegistryError> {
    let id = AlertRuleId::from_uuid(uuid::Uuid::now_v7());
    tx.row(PUT_RULE, params! { id, usage_point, kind, parameters, enabled, now })?
        .ok_or(RegistryError::Reference)
}

const RULES_FOR: &str = "\
SELECT r.* FROM alert_rule r JOIN usage_point u ON u.id = $usage_point
WHERE r.scope = u.id
   OR (r.scope = u.organisation AND NOT EXISTS
        (SELECT 1 FROM alert_rule own WHERE own.scope = u.id AND own.kind = r.kind))
ORDER BY r.kind";

const MUTE: &str = "\
UPDATE alert_rule SET muted_until_s = $until WHERE id = $id AND usage_point = $usage_point
RETURNING *";

/// Keeps a usage point's own rule silent until then, or lets it speak again.
pub fn mute(
    tx: &mut Tx,
    usage_point: UsagePointId,
    id: AlertRuleId,
    until: Option<Timestamp>,
) -> Result<Option<AlertRule>, RegistryError> {
    tx.row(MUTE, params! { id, usage_point, until })
}

/// The rules that hold for a usage point: its own, and the organisation's where it has none.
pub fn rules_for(tx: &mut Tx, usage_point: UsagePointId) -> Result<Vec<AlertRule>, RegistryError> {
    tx.rows(RULES_FOR, params! { usage_point })
}

row! {
    struct StateRow {
        state: Json,
    }
}

const STATE: &str =
    "SELECT state FROM alert_state WHERE rule = $rule AND usage_point = $usage_point";

/// The state that a rule was left in at a usage point.
pub fn state(
    tx: &mut Tx,
    rule: AlertRuleId,
    usage_point: UsagePointId,
) -> Result<Option<Json>, RegistryError> {
    Ok(tx.row::<StateRow>(STATE, params! { rule, usage_point })?.map(|row| row.state))
}

const PUT_STATE: &str = "\
INSERT INTO alert_state (organisation, rule, usage_point, state, changed_s)
SELECT organisation, $rule, id, $state, $now FROM usage_point WHERE id = $usage_point
ON CONFLICT (rule, usage_point) DO UPDATE SET state = $state, changed_s = $now";

/// Leaves a rule in this state at a usage point.
pub fn put_state(
    tx: &mut Tx,
    rule: AlertRuleId,
    usage_point: UsagePointId,
    state: &Json,
    now: Timestamp,
) -> Result<(), RegistryError> {
    tx.execute(PUT_STATE, params! { rule, usage_point, state, now })?;
    Ok(())
}

const INSERT_EVENT: &str = "\
INSERT INTO alert_event (id, organisation, usage_point, kind, at_s, until_s, document, read_s)
SELECT $id, organisation, id, $kind, $at, NULL, $document, NULL
FROM usage_point WHERE id = $usage_point
RETURNING *";

/// Records that a rule saw something.
pub fn insert_event(
    tx: &mut Tx,
    usage_point: UsagePointId,
    kind: &str,
    at: Timestamp,
    document: &Json,
) -> Result<AlertEvent, RegistryError> {
    let id = AlertEventId::from_uuid(uuid::Uuid::now_v7());
    tx.row(INSERT_EVENT, params! { id, usage_point, kind, at, document })?
        .ok_or(RegistryError::Reference)
}

const END_EVENTS: &str = "\
UPDATE alert_event SET until_s = $until
WHERE usage_point = $usage_point AND kind = $kind AND until_s IS NULL";

/// Records that what a rule saw is over. Says how many events ended.
pub fn end_events(
    tx: &mut Tx,
    usage_point: UsagePointId,
    kind: &str,
    until: Timestamp,
) -> Result<usize, RegistryError> {
    tx.execute(END_EVENTS, params! { usage_point, kind, until })
}

const PUT_DOCUMENT: &str = "UPDATE alert_event SET document = $document WHERE id = $id";

/// Records what is to be said of an event from now on.
pub fn put_document(tx: &mut Tx, id: AlertEventId, document: &Json) -> Result<(), RegistryError> {
    tx.execute(PUT_DOCUMENT, params! { id, document })?;
    Ok(())
}

const EVENTS: &str = "\
SELECT * FROM alert_event WHERE usage_point = $usage_point
ORDER BY at_s DESC, id DESC LIMIT $limit";

/// A usage point's events, the latest first.
pub fn events(
    tx: &mut Tx,
    usage_point: UsagePointId,
    limit: u32,
) -> Result<Vec<AlertEvent>, RegistryError> {
    tx.rows(EVENTS, params! { usage_point, limit })
}

const UNREAD: &str = "\
SELECT * FROM alert_event WHERE usage_point = $usage_point AND read_s IS NULL
ORDER BY at_s DESC, id DESC LIMIT $limit";

/// A usage point's events that nobody has read, the latest first.
pub fn unread(
    tx: &mut Tx,
    usage_point: UsagePointId,
    limit: u32,
) -> Result<Vec<AlertEvent>, RegistryError> {
    tx.rows(UNREAD, params! { usage_point, limit })
}

const GET_EVENT: &str = "SELECT * FROM alert_event WHERE id = $id";

/// One event, whoever asks; who may see it is decided by its usage point.
pub fn get_event(tx: &mut Tx, id: AlertEventId) -> Result<Option<AlertEvent>, RegistryError> {
    tx.row(GET_EVENT, params! { id })
}

const MARK_READ: &str = "UPDATE alert_event SET read_s = $now WHERE id = $id AND read_s IS NULL";

/// Records that a person read an event; the first time counts.
pub fn mark_read(tx: &mut Tx, id: AlertEventId, now: Timestamp) -> Result<(), RegistryError> {
    tx.execute(MARK_READ, params! { id, now })?;
    Ok(())
}
