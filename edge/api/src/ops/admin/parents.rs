//! `POST /admin/usage-points/parents` and `GET /admin/usage-points/{id}/balance`: what a transformer or a
//! building measures against what lies behind it.
#![expect(unused_qualifications, reason = "the macro of the document writes whole paths")]

use axum::{Json, extract::State};
use corrente_mdm::vee::BalanceDay;
use corrente_metering::{Calendar, Date, calendar::next_day, id::UsagePointId};
use corrente_registry::{admin, usage_points};
use corrente_units::Energy;
use http::StatusCode;
use jiff::ToSpan as _;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Change, meters::instant};
use crate::{Api, Body, Operator, Params, PathId, Problem};

/// Days in one answer.
const MOST_DAYS: i32 = 400;

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(set_parent)).routes(routes!(get_balance))
}

/// Usage points that lie behind another one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParentRequest {
    /// Recorded names of those that lie behind.
    usage_points: Vec<String>,
    /// The recorded name of the one that measures them as well; null when they lie behind none.
    parent: Option<String>,
    /// From when, RFC 3339; now when left out.
    from: Option<String>,
}

/// Puts usage points behind another one from an instant on, or behind none.
#[utoipa::path(
    post,
    path = "/admin/usage-points/parents",
    tag = "admin",
    request_body = ParentRequest,
    responses((status = 204, description = "It holds from then on")),
    extensions(("x-access" = json!("admin"))),
)]
async fn set_parent(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<ParentRequest>,
) -> Result<StatusCode, Problem> {
    let from = instant("from", given.from.as_deref())?.unwrap_or(by.business);
    api.registry()
        .write(move |tx| {
            given.usage_points.iter().try_for_each(|child| {
                let pair = (child.as_str(), given.parent.as_deref());
                admin::set_parent(tx, &by, organisation, pair, from)
            })
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which days.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct BalanceQuestion {
    /// The first civil day; a month ago when left out.
    from: Option<String>,
    /// The last civil day; yesterday when left out.
    to: Option<String>,
}

/// A usage point against those behind it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BalanceDocument {
    /// The recorded name of the parent.
    parent: String,
    /// ISO 4217.
    currency: String,
    /// Day by day.
    days: Vec<BalanceDayDocument>,
}

/// A day of it. Energy is what was taken less what was given back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BalanceDayDocument {
    /// The civil day.
    day: String,
    /// What the parent measured, Wh; null where it is not known from midnight to midnight.
    parent_wh: Option<i64>,
    /// What the children measured that are known from midnight to midnight, Wh.
    children_wh: i64,
    /// Usage points that lay behind it all day.
    children: usize,
    /// Names of those that are not known from midnight to midnight.
    unknown: Vec<String>,
    /// Parent less children, Wh; null where one of them is not known.
    loss_wh: Option<i64>,
    /// What the loss is worth at the tariff's mean price of the day; null without one.
    amount: Option<String>,
    /// It is more than usual, or negative by more than is forgiven: a finding tells it.
    unusual: bool,
}

impl From<BalanceDay> for BalanceDayDocument {
    fn from(day: BalanceDay) -> Self {
        Self {
            day: day.sums.date.to_string(),
            parent_wh: day.sums.parent.map(Energy::wh),
            children_wh: day.sums.children.wh(),
            children: day.children,
            unknown: day.sums.unknown,
            loss_wh: day.sums.loss.map(Energy::wh),
            amount: day.sums.amount.map(|amount| amount.decimal().to_string()),
            unusual: day.unusual,
        }
    }
}

/// What a usage point measures against the sum of those behind it, with the loss in energy and money.
#[utoipa::path(
    get,
    path = "/admin/usage-points/{id}/balance",
    tag = "admin",
    params(("id" = String, Path, description = "The parent"), BalanceQuestion),
    responses((status = 200, body = BalanceDocument)),
    extensions(("x-access" = json!("operator"))),
)]
async fn get_balance(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathId(id): PathId<UsagePointId>,
    Params(question): Params<BalanceQuestion>,
) -> Result<Json<BalanceDocument>, Problem> {
    let organisation = caller.user.organisation;
    let point = api
        .registry()
        .read(move |tx| usage_points::get(tx, id))
        .await?
        .filter(|point| point.organisation == organisation)
        .ok_or_else(|| Problem::not_found("usage point"))?;
    let calendar = Calendar::new(&point.zone).unwrap_or_else(|_| Calendar::utc());
    let today = calendar.date(api.clock().now());
    let day = |field, text: &Option<String>, otherwise: Date| match text {
        None => Ok(otherwise),
        Some(text) => text.parse().map_err(|_| {
            Problem::field(field, format!("`{text}` is not a date such as 2026-11-23."))
        }),
    };
    let from = day("from", &question.from, today.saturating_sub(30.days()))?;
    let to = day("to", &question.to, today.saturating_sub(1.day()))?;
    if (to - from).get_days() > MOST_DAYS {
        return Err(Problem::field("to", format!("Ask for at most {MOST_DAYS} days.")));
    }
    let found = api.mdm().run(move |mdm| mdm.balance(id, (from, next_day(to)))).await?;
    Ok(Json(BalanceDocument {
        parent: found.parent,
        currency: found.currency,
        days: found.days.into_iter().map(Into::into).collect(),
    }))
}
