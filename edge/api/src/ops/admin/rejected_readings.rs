//! `GET /admin/rejected-readings`, `POST /admin/rejected-readings/{id}`: readings that are stored and do
//! not count until a person says so.

use axum::{Json, extract::State};
use corrente_ledger::Decision;
use corrente_mdm::RejectedReading;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Change;
use crate::{Api, Body, Operator, Params, PathId, Problem};

/// Readings in one answer, unless fewer are asked for.
const MOST: usize = 1000;

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_rejected_readings))
        .routes(routes!(decide_rejected_reading))
}

#[derive(Debug, Deserialize)]
struct RejectedQuery {
    limit: Option<usize>,
    cursor: Option<u64>,
}

/// A reading that does not count.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RejectedReadingDocument {
    /// Its number.
    id: String,
    /// Serial of the meter.
    meter: String,
    /// Name of the channel.
    channel: String,
    /// The end of what was measured.
    t: String,
    /// Wh: the register, or the interval's energy.
    value_wh: i64,
    /// `conflict` (another value had this time first), `before_installation` or `in_future`.
    reason: &'static str,
    /// Conflict: the value that counts, in Wh.
    kept_wh: Option<i64>,
}

impl From<RejectedReading> for RejectedReadingDocument {
    fn from(found: RejectedReading) -> Self {
        Self {
            id: found.sequence.to_string(),
            meter: found.meter,
            channel: found.channel,
            t: found.t.to_string(),
            value_wh: found.value.wh(),
            reason: found.reason,
            kept_wh: found.kept.map(corrente_units::Energy::wh),
        }
    }
}

/// Readings that do not count.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RejectedReadingList {
    /// The oldest first.
    readings: Vec<RejectedReadingDocument>,
    /// The cursor of the next page; null at the end.
    next: Option<String>,
}

/// What is to become of a reading.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum WrittenDecision {
    /// It counts from now on. Only for readings that were kept aside.
    Release,
    /// It never counts.
    Drop,
}

/// A decision about a reading.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecisionRequest {
    /// What is to become of it.
    decision: WrittenDecision,
    /// Why, for the audit log.
    reason: Option<String>,
}

/// What became of a decision.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DecisionMade {
    /// `done`, or `already`: somebody decided before, and that stays.
    outcome: &'static str,
}

/// The organisation's readings that do not count and about which nobody decided yet.
#[utoipa::path(
    get,
    path = "/admin/rejected-readings",
    tag = "admin",
    params(
        ("limit" = Option<usize>, Query, description = "How many, at most 1000"),
        ("cursor" = Option<u64>, Query, description = "`next` of the page before"),
    ),
    responses((status = 200, body = RejectedReadingList)),
    extensions(("x-access" = json!("operator"))),
)]
async fn list_rejected_readings(
    State(api): State<Api>,
    Operator(caller): Operator,
    Params(ask): Params<RejectedQuery>,
) -> Result<Json<RejectedReadingList>, Problem> {
    let organisation = caller.user.organisation;
    let (after, limit) = (ask.cursor.unwrap_or_default(), ask.limit.unwrap_or(100).min(MOST));
    let page = api.mdm().run(move |mdm| mdm.rejected_readings(organisation, after, limit)).await?;
    Ok(Json(RejectedReadingList {
        readings: page.readings.into_iter().map(Into::into).collect(),
        next: page.next.map(|next| next.to_string()),
    }))
}

/// Lets a reading count from now on, or never. The decision stays.
#[utoipa::path(
    post,
    path = "/admin/rejected-readings/{id}",
    tag = "admin",
    params(("id" = String, Path, description = "The reading's number")),
    request_body = DecisionRequest,
    responses((status = 200, body = DecisionMade)),
    extensions(("x-access" = json!("admin"))),
)]
async fn decide_rejected_reading(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    PathId(id): PathId<String>,
    Body(given): Body<DecisionRequest>,
) -> Result<Json<DecisionMade>, Problem> {
    let sequence: u64 = id.parse().map_err(|_| Problem::not_found("rejected reading"))?;
    let by = corrente_registry::admin::By { reason: given.reason, ..by };
    let decision = match given.decision {
        WrittenDecision::Release => Decision::Release,
        WrittenDecision::Drop => Decision::Drop,
    };
    let decided =
        api.mdm().run(move |mdm| mdm.decide_reading(organisation, by, sequence, decision)).await?;
    Ok(Json(DecisionMade { outcome: if decided { "done" } else { "already" } }))
}
