//! Alerts: what was seen, reading it, and the rules.

use axum::{Json, extract::State};
use corrente_alert::RuleKind;
use corrente_mdm::{Refusal, ShownRule};
use corrente_metering::{Calendar, id::AlertEventId};
use corrente_registry::alerts;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::words::{AlertWords, AlertWriter, WordsQuestion};
use crate::{Api, Body, OwnUsagePoint, Params, PathId, Problem, Viewer};

/// A rule is silent for at most a year.
const MOST_MUTED_HOURS: u16 = 8784;

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(get_alerts))
        .routes(routes!(read_alert))
        .routes(routes!(put_alert_rule))
        .routes(routes!(preview_alert_rule))
        .routes(routes!(mute_alert_rule))
}

/// Everything about a usage point's alerts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Alerts {
    /// What was seen, the latest first.
    events: Vec<AlertEvent>,
    /// The rules that hold.
    rules: Vec<AlertRule>,
}

/// Something that a rule saw.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertEvent {
    /// Its id.
    id: String,
    /// The kind of the rule.
    kind: String,
    /// When it began.
    at: String,
    /// When it was over.
    until: Option<String>,
    /// `active` or `over`.
    state: &'static str,
    /// Did a person read it?
    read: bool,
    /// What it says to a person, in the language that was asked for.
    words: AlertWords,
    /// Figures by name, as decimal strings: value, limit, unit, projected, previous, …, of what was told
    /// last. `moment` is `started`, `worse` or `over`.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    values: serde_json::Value,
}

/// A rule that holds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertRule {
    /// Its id.
    id: String,
    /// Its kind.
    kind: &'static str,
    /// Is it watched?
    enabled: bool,
    /// How it is set.
    #[schema(value_type = Object)]
    parameters: serde_json::Value,
    /// Until when what it sees is told nowhere but on the page; null when it is told.
    muted_until: Option<String>,
}

/// What a rule would have told.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertPreview {
    /// When it would have told in the last 30 days, the oldest first.
    times: Vec<String>,
    /// Of so many of those days something is known.
    days: usize,
    /// Why such a rule is refused: it would always or never tell here.
    refusal: Option<AlertRefusal>,
}

/// Why a rule is refused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertRefusal {
    /// `always`: it would have told on nearly every day. `never`: all that was ever used lies far below.
    /// `every_bill`: each bill passes it at its beginning.
    code: &'static str,
    /// The same in a sentence.
    reason: String,
    /// On so many days it would have told.
    told: Option<usize>,
    /// The highest value that was seen, in the rule's unit.
    highest: Option<String>,
}

impl From<Refusal> for AlertRefusal {
    fn from(refusal: Refusal) -> Self {
        Self {
            code: refusal.code(),
            reason: refusal.to_string(),
            told: refusal.told(),
            highest: refusal.highest().map(|highest| highest.to_string()),
        }
    }
}

/// A rule to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertPreviewRequest {
    /// How it would be set; the usual parameters when left out.
    #[schema(value_type = Option<Object>)]
    parameters: Option<serde_json::Value>,
}

/// How long a rule is silent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertMute {
    /// For so many hours, at most 8784; with 0 it speaks again.
    hours: u16,
}

/// How to set a rule.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertRuleChange {
    /// Is it watched?
    enabled: bool,
    /// How it is set; the usual parameters when left out.
    #[schema(value_type = Option<Object>)]
    parameters: Option<serde_json::Value>,
}

impl AlertEvent {
    pub(crate) fn new(calendar: &Calendar, event: &alerts::AlertEvent, words: AlertWords) -> Self {
        Self {
            id: event.id.to_string(),
            kind: event.kind.clone(),
            at: calendar.rfc3339(event.at),
            until: event.until.map(|until| calendar.rfc3339(until)),
            state: if event.until.is_some() { "over" } else { "active" },
            read: event.read.is_some(),
            words,
            values: event.document.clone(),
        }
    }
}

impl From<ShownRule> for AlertRule {
    fn from(rule: ShownRule) -> Self {
        Self {
            id: rule.id.to_string(),
            kind: rule.kind.word(),
            enabled: rule.enabled,
            parameters: rule.parameters,
            muted_until: rule.muted_until,
        }
    }
}

/// A usage point's alerts and rules.
#[utoipa::path(
    get,
    path = "/usage-points/{id}/alerts",
    tag = "alerts",
    params(("id" = String, Path, description = "The usage point"), WordsQuestion),
    responses((status = 200, body = Alerts)),
    extensions(("x-access" = json!("viewer"))),
)]
async fn get_alerts(
    State(api): State<Api>,
    own: OwnUsagePoint,
    Params(question): Params<WordsQuestion>,
) -> Result<Json<Alerts>, Problem> {
    let id = own.point.id;
    let asked = question.language.as_deref();
    let writer = AlertWriter::new(&api, &own.identity, own.point, asked).await?;
    let found = api.mdm().run(move |mdm| mdm.alerts(id)).await?;
    Ok(Json(Alerts {
        events: found.events.iter().map(|event| writer.event(event)).collect(),
        rules: found.rules.into_iter().map(AlertRule::from).collect(),
    }))
}

/// Records that a person read an alert.
#[utoipa::path(
    post,
    path = "/alerts/{id}/read",
    tag = "alerts",
    params(("id" = String, Path, description = "The alert")),
    responses((status = 204, description = "It counts as read.")),
    extensions(("x-access" = json!("viewer"))),
)]
async fn read_alert(
    State(api): State<Api>,
    Viewer(identity): Viewer,
    PathId(id): PathId<String>,
) -> Result<StatusCode, Problem> {
    let unknown = || Problem::not_found("alert");
    let id: AlertEventId = id.parse().map_err(|_| unknown())?;
    let event =
        api.registry().read(move |tx| alerts::get_event(tx, id)).await?.ok_or_else(unknown)?;
    api.visible_usage_point(&identity, event.usage_point).await.map_err(|_| unknown())?;
    let now = api.clock().now();
    api.registry().write(move |tx| alerts::mark_read(tx, id, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets a usage point's own rule.
#[utoipa::path(
    put,
    path = "/usage-points/{id}/alert-rules/{kind}",
    tag = "alerts",
    params(
        ("id" = String, Path, description = "The usage point"),
        ("kind" = String, Path, description = "The kind of rule, such as `bill_jump`"),
    ),
    request_body = AlertRuleChange,
    responses((status = 200, body = AlertRule)),
    extensions(("x-access" = json!("viewer"))),
)]
async fn put_alert_rule(
    State(api): State<Api>,
    own: OwnUsagePoint,
    path: PathId<(String, String)>,
    Body(change): Body<AlertRuleChange>,
) -> Result<Json<AlertRule>, Problem> {
    let PathId((_, kind)) = path;
    let kind: RuleKind = kind.parse().map_err(|_| Problem::not_found("kind of alert"))?;
    let id = own.point.id;
    let parameters = change.parameters.unwrap_or_else(|| usual_parameters(kind));
    let enabled = change.enabled;
    let rule = api.mdm().run(move |mdm| mdm.put_alert_rule(id, kind, parameters, enabled)).await?;
    Ok(Json(rule.into()))
}

/// What a rule with these parameters would have told in the last 30 days.
#[utoipa::path(
    post,
    path = "/usage-points/{id}/alert-rules/{kind}/preview",
    tag = "alerts",
    params(
        ("id" = String, Path, description = "The usage point"),
        ("kind" = String, Path, description = "The kind of rule, such as `bill_jump`"),
    ),
    request_body = AlertPreviewRequest,
    responses((status = 200, body = AlertPreview)),
    extensions(("x-access" = json!("viewer"))),
)]
async fn preview_alert_rule(
    State(api): State<Api>,
    own: OwnUsagePoint,
    path: PathId<(String, String)>,
    Body(ask): Body<AlertPreviewRequest>,
) -> Result<Json<AlertPreview>, Problem> {
    let PathId((_, kind)) = path;
    let kind: RuleKind = kind.parse().map_err(|_| Problem::not_found("kind of alert"))?;
    let id = own.point.id;
    let parameters = ask.parameters.unwrap_or_else(|| usual_parameters(kind));
    let found = api.mdm().run(move |mdm| mdm.preview_alert_rule(id, kind, &parameters)).await?;
    Ok(Json(AlertPreview {
        times: found.times,
        days: found.days,
        refusal: found.refusal.map(Into::into),
    }))
}

/// Keeps a usage point's rule silent for a while: what it sees stands on the page and is told nowhere
/// else.
#[utoipa::path(
    post,
    path = "/usage-points/{id}/alert-rules/{kind}/mute",
    tag = "alerts",
    params(
        ("id" = String, Path, description = "The usage point"),
        ("kind" = String, Path, description = "The kind of rule, such as `bill_jump`"),
    ),
    request_body = AlertMute,
    responses((status = 200, body = AlertRule)),
    extensions(("x-access" = json!("viewer"))),
)]
async fn mute_alert_rule(
    State(api): State<Api>,
    own: OwnUsagePoint,
    path: PathId<(String, String)>,
    Body(ask): Body<AlertMute>,
) -> Result<Json<AlertRule>, Problem> {
    let PathId((_, kind)) = path;
    let kind: RuleKind = kind.parse().map_err(|_| Problem::not_found("kind of alert"))?;
    if ask.hours > MOST_MUTED_HOURS {
        return Err(Problem::field("hours", "It must be at most 8784, a year."));
    }
    let id = own.point.id;
    let rule = api.mdm().run(move |mdm| mdm.mute_alert_rule(id, kind, ask.hours)).await?;
    Ok(Json(rule.into()))
}

fn usual_parameters(kind: RuleKind) -> serde_json::Value {
    serde_json::to_value(kind.default_rule())
        .ok()
        .and_then(|rule| rule.get("parameters").cloned())
        .unwrap_or_default()
}
