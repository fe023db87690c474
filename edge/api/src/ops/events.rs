//! Stretches of time: what any of them cost, and those that a person gave a name.
#![expect(unused_qualifications, reason = "the macro of the document writes whole paths")]

use axum::{Json, extract::State};
use corrente_mdm::Stretch;
use corrente_metering::{Calendar, Span, id::NamedStretchId};
use corrente_registry::{
    RegistryError,
    named_stretches::{self, NamedStretch, NewNamedStretch},
};
use corrente_units::{Energy, Money};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::shown;
use crate::{Api, Body, OwnUsagePoint, Params, PathId, Problem, Viewer};

const LONGEST_NAME: usize = 60;

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(get_stretch))
        .routes(routes!(get_events, create_event))
        .routes(routes!(remove_event))
}

/// Which stretch.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct StretchQuestion {
    /// Beginning: RFC 3339, or a civil date or time of the usage point.
    from: String,
    /// End, which is no longer part of it.
    to: String,
}

/// What a stretch took and cost.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StretchDocument {
    /// Beginning.
    from: String,
    /// End.
    to: String,
    /// Its length in seconds.
    seconds: i64,
    /// Wh; null when nothing is known.
    wh: Option<i64>,
    /// What its energy cost.
    amount: Option<String>,
    /// Something is missing, so it was at least this.
    at_least: bool,
    /// The mean power over its known part.
    mean_w: Option<i64>,
    /// What is always on, by the four weeks before; null when they say too little.
    always_on_w: Option<i64>,
    /// Wh above what is always on.
    above_wh: Option<i64>,
    /// The share of the cost that falls on it.
    above_amount: Option<String>,
}

/// A stretch with its name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NamedEvent {
    /// Its id.
    id: String,
    /// What a person calls it.
    name: String,
    #[serde(flatten)]
    stretch: StretchDocument,
}

/// All stretches of one name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventSummary {
    /// The name.
    name: String,
    /// How often.
    times: usize,
    /// Wh of a usual one: the mean of those that are known.
    mean_wh: Option<i64>,
    /// What a usual one costs.
    mean_amount: Option<String>,
    /// The cheapest.
    least_amount: Option<String>,
    /// When the cheapest one was.
    least_at: Option<String>,
    /// When the last one was.
    last: String,
}

/// The named stretches of a usage point.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Events {
    /// Each, the newest first.
    events: Vec<NamedEvent>,
    /// By name, the one of the newest first.
    names: Vec<EventSummary>,
}

/// A stretch to keep under a name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventRequest {
    /// What to call it, 1 to 60 characters.
    name: String,
    /// Beginning: RFC 3339, or a civil time of the usage point.
    from: String,
    /// End.
    to: String,
}

/// What a stretch took and cost, and how much of it was above what is always on.
#[utoipa::path(
    get,
    path = "/usage-points/{id}/stretch",
    tag = "usage",
    params(("id" = String, Path, description = "The usage point"), StretchQuestion),
    responses((status = 200, body = StretchDocument)),
    extensions(("x-access" = json!("viewer"))),
)]
async fn get_stretch(
    State(api): State<Api>,
    own: OwnUsagePoint,
    Params(question): Params<StretchQuestion>,
) -> Result<Json<StretchDocument>, Problem> {
    let calendar = Calendar::new(&own.point.zone).unwrap_or_else(|_| Calendar::utc());
    let span = span(&calendar, &question.from, &question.to)?;
    let id = own.point.id;
    let stretch = api.mdm().run(move |mdm| mdm.stretch(id, span)).await?;
    Ok(Json(StretchDocument::new(&calendar, &stretch)))
}

/// The stretches that were given a name.
#[utoipa::path(
    get,
    path = "/usage-points/{id}/events",
    tag = "usage",
    params(("id" = String, Path, description = "The usage point")),
    responses((status = 200, body = Events)),
    extensions(("x-access" = json!("viewer"))),
)]
async fn get_events(State(api): State<Api>, own: OwnUsagePoint) -> Result<Json<Events>, Problem> {
    let calendar = Calendar::new(&own.point.zone).unwrap_or_else(|_| Calendar::utc());
    let id = own.point.id;
    let found = api.mdm().run(move |mdm| mdm.named_stretches(id)).await?;
    let names = summaries(&calendar, &found);
    let events = found.iter().map(|(row, stretch)| NamedEvent::new(&calendar, row, stretch));
    Ok(Json(Events { events: events.collect(), names }))
}

/// Gives a stretch a name.
#[utoipa::path(
    post,
    path = "/usage-points/{id}/events",
    tag = "usage",
    params(("id" = String, Path, description = "The usage point")),
    request_body = EventRequest,
    responses((status = 201, body = NamedEvent)),
    extensions(("x-access" = json!("viewer"))),
)]
async fn create_event(
    State(api): State<Api>,
    own: OwnUsagePoint,
    Body(request): Body<EventRequest>,
) -> Result<(StatusCode, Json<NamedEvent>), Problem> {
    let calendar = Calendar::new(&own.point.zone).unwrap_or_else(|_| Calendar::utc());
    let span = span(&calendar, &request.from, &request.to)?;
    let name = request.name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        let detail = format!("Give it a name of 1 to {LONGEST_NAME} characters.");
        return Err(Problem::field("name", detail));
    }
    let id = own.point.id;
    // Priced first: a stretch that cannot be is not kept.
    let stretch = api.mdm().run(move |mdm| mdm.stretch(id, span)).await?;
    let new = NewNamedStretch {
        organisation: own.point.organisation,
        usage_point: id,
        name,
        from: span.start,
        until: span.end,
    };
    let now = corrente_clock::wall_clock();
    let row = api.registry().write(move |tx| named_stretches::insert(tx, &new, now)).await?;
    Ok((StatusCode::CREATED, Json(NamedEvent::new(&calendar, &row, &stretch))))
}

/// Forgets a name; the readings of its stretch stay.
#[utoipa::path(
    delete,
    path = "/events/{id}",
    tag = "usage",
    params(("id" = String, Path, description = "The named stretch")),
    responses((status = 204)),
    extensions(("x-access" = json!("viewer"))),
)]
async fn remove_event(
    State(api): State<Api>,
    Viewer(identity): Viewer,
    PathId(id): PathId<String>,
) -> Result<StatusCode, Problem> {
    let unknown = || Problem::not_found("named stretch");
    let id: NamedStretchId = id.parse().map_err(|_| unknown())?;
    let row = api.registry().read(move |tx| named_stretches::get(tx, id)).await?;
    let row = row.ok_or_else(unknown)?;
    api.visible_usage_point(&identity, row.usage_point).await.map_err(|_| unknown())?;
    api.registry()
        .write(move |tx| -> Result<bool, RegistryError> { named_stretches::remove(tx, id) })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn span(calendar: &Calendar, from: &str, to: &str) -> Result<Span, Problem> {
    let from = shown::instant(calendar, "from", from)?;
    Ok(Span::new(from, shown::instant(calendar, "to", to)?))
}

impl StretchDocument {
    fn new(calendar: &Calendar, stretch: &Stretch) -> Self {
        Self {
            from: calendar.rfc3339(stretch.span.start),
            to: calendar.rfc3339(stretch.span.end),
            seconds: stretch.span.seconds(),
            wh: stretch.energy.map(Energy::wh),
            amount: stretch.amount.map(|amount| amount.to_string()),
            at_least: stretch.at_least,
            mean_w: stretch.mean_w,
            always_on_w: stretch.always_on_w,
            above_wh: stretch.above.map(Energy::wh),
            above_amount: stretch.above_amount.map(|amount| amount.to_string()),
        }
    }
}

impl NamedEvent {
    fn new(calendar: &Calendar, row: &NamedStretch, stretch: &Stretch) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.name.clone(),
            stretch: StretchDocument::new(calendar, stretch),
        }
    }
}

/// The stretches by their names, whatever their capitals.
fn summaries(calendar: &Calendar, found: &[(NamedStretch, Stretch)]) -> Vec<EventSummary> {
    let mut groups: Vec<(String, Vec<&(NamedStretch, Stretch)>)> = Vec::new();
    for one in found {
        let key = one.0.name.to_lowercase();
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, members)) => members.push(one),
            None => groups.push((key, vec![one])),
        }
    }
    groups
        .into_iter()
        .filter_map(|(_, members)| {
            // The newest is the first, and its spelling is the one that is shown.
            let (newest, _) = members.first()?;
            let energies: Vec<i64> =
                members.iter().filter_map(|(_, s)| s.energy.map(Energy::wh)).collect();
            let amounts: Vec<i64> =
                members.iter().filter_map(|(_, s)| s.amount.map(Money::minor)).collect();
            let least =
                members.iter().filter(|(_, s)| s.amount.is_some()).min_by_key(|(_, s)| s.amount);
            Some(EventSummary {
                name: newest.name.clone(),
                times: members.len(),
                mean_wh: mean(&energies),
                mean_amount: mean(&amounts).map(|minor| Money::from_minor(minor).to_string()),
                least_amount: least.and_then(|(_, s)| s.amount).map(|amount| amount.to_string()),
                least_at: least.map(|(row, _)| calendar.rfc3339(row.from)),
                last: calendar.rfc3339(newest.from),
            })
        })
        .collect()
}

/// The mean, rounded half up; nothing of nothing.
fn mean(values: &[i64]) -> Option<i64> {
    let count = i64::try_from(values.len()).ok().filter(|count| *count > 0)?;
    let sum = values.iter().fold(0_i64, |sum, value| sum.saturating_add(*value));
    Some(sum.saturating_mul(2).saturating_add(count).div_euclid(count.saturating_mul(2)))
}
