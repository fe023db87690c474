//! `GET /admin/audit`: who did what.

use axum::{Json, extract::State};
use corrente_registry::audit;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Admin, Api, Params, Problem};

/// Lines in one answer, unless fewer are asked for.
const MOST: u32 = 1000;

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list_audit))
}

#[derive(Debug, Deserialize)]
struct AuditQuery {
    limit: Option<u32>,
}

/// A line of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    /// Who: a user, a token, or the command line.
    actor: String,
    /// When, business time.
    business_time: String,
    /// When, real time.
    real_time: String,
    /// What was done.
    action: String,
    /// To what.
    subject: String,
    /// How it was.
    before: Option<Value>,
    /// How it is.
    after: Option<Value>,
    /// Why.
    reason: Option<String>,
    /// From which address.
    address: Option<String>,
}

/// Lines of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditList {
    /// The newest first.
    entries: Vec<AuditEntry>,
}

/// The latest lines of the organisation's audit log.
#[utoipa::path(
    get,
    path = "/admin/audit",
    tag = "admin",
    params(("limit" = Option<u32>, Query, description = "How many, at most 1000")),
    responses((status = 200, body = AuditList)),
    extensions(("x-access" = json!("admin"))),
)]
async fn list_audit(
    State(api): State<Api>,
    Admin(caller): Admin,
    Params(ask): Params<AuditQuery>,
) -> Result<Json<AuditList>, Problem> {
    let organisation = caller.user.organisation;
    let limit = ask.limit.unwrap_or(100).min(MOST);
    let found = api.registry().read(move |tx| audit::list(tx, organisation, limit)).await?;
    let entries = found
        .into_iter()
        .map(|entry| AuditEntry {
            actor: entry.actor,
            business_time: entry.business.to_string(),
            real_time: entry.real.to_string(),
            action: entry.action,
            subject: entry.subject,
            before: entry.before,
            after: entry.after,
            reason: entry.reason,
            address: entry.address,
        })
        .collect();
    Ok(Json(AuditList { entries }))
}
