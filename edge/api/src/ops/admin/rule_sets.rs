//! `GET` and `PUT /admin/rule-sets`, `POST /admin/rule-sets/members`: which rules of validation apply to
//! which usage points.

use axum::{Json, extract::State};
use corrente_mdm::vee::rules::new_rule_set;
use corrente_metering::{Calendar, Date};
use corrente_registry::{
    admin, organisations,
    rule_sets::{self, RuleSetRow},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Change;
use crate::{Api, Body, Operator, Problem};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_rule_sets, put_rule_set))
        .routes(routes!(set_rule_set_members))
}

/// A version of a group's rule set.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleSetDocument {
    /// For which group of usage points; `standard` for those without one.
    group: String,
    /// Its version.
    version: u32,
    /// The first day that it is for.
    valid_from: String,
    /// The file.
    toml: String,
    /// When it was stored.
    created: String,
}

impl From<RuleSetRow> for RuleSetDocument {
    fn from(row: RuleSetRow) -> Self {
        Self {
            group: row.group,
            version: row.version,
            valid_from: row.valid_from.to_string(),
            toml: row.content,
            created: row.created.to_string(),
        }
    }
}

/// Rule sets.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleSetList {
    /// By group and version.
    rule_sets: Vec<RuleSetDocument>,
}

/// A rule set to store.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleSetRequest {
    /// The file: its `name` is the group, its `version` is higher than the last one.
    toml: String,
    /// The first day that it is for; today when left out. Days that were looked at are looked at again.
    valid_from: Option<String>,
}

/// A rule set that is stored.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleSetStored {
    /// Its group.
    group: String,
    /// Its version.
    version: u32,
    /// The first day that it is for.
    valid_from: String,
    /// False when it was stored before.
    new: bool,
}

/// The rule sets of all groups.
#[utoipa::path(
    get,
    path = "/admin/rule-sets",
    tag = "admin",
    responses((status = 200, body = RuleSetList)),
    extensions(("x-access" = json!("operator"))),
)]
async fn list_rule_sets(
    State(api): State<Api>,
    Operator(caller): Operator,
) -> Result<Json<RuleSetList>, Problem> {
    let organisation = caller.user.organisation;
    let found = api.registry().read(move |tx| rule_sets::list(tx, organisation)).await?;
    Ok(Json(RuleSetList { rule_sets: found.into_iter().map(Into::into).collect() }))
}

/// Stores a version of a group's rule set. The days of its usage points from its first day on are looked
/// at again, and each version that comes out of it names the rule set. The same again changes nothing.
#[utoipa::path(
    put,
    path = "/admin/rule-sets",
    tag = "admin",
    request_body = RuleSetRequest,
    responses((status = 200, body = RuleSetStored)),
    extensions(("x-access" = json!("admin"))),
)]
async fn put_rule_set(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<RuleSetRequest>,
) -> Result<Json<RuleSetStored>, Problem> {
    let valid_from: Date = if let Some(text) = &given.valid_from {
        text.parse().map_err(|_| {
            Problem::field("valid_from", format!("`{text}` is not a date such as 2026-11-23."))
        })?
    } else {
        let found = api.registry().read(move |tx| organisations::get(tx, organisation)).await?;
        let zone = found.and_then(|found| Calendar::new(&found.zone).ok());
        zone.unwrap_or_else(Calendar::utc).date(by.business)
    };
    let new = new_rule_set(organisation, &given.toml, valid_from)?;
    let (group, version) = (new.group.clone(), new.version);
    let is_new = api.registry().write(move |tx| admin::store_rule_set(tx, &by, &new)).await?;
    Ok(Json(RuleSetStored { group, version, valid_from: valid_from.to_string(), new: is_new }))
}

/// Usage points that a rule set is for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleSetMembers {
    /// The group; null for the standard rules.
    group: Option<String>,
    /// Recorded names.
    usage_points: Vec<String>,
}

/// Puts usage points into a group of rule sets, or out of all.
#[utoipa::path(
    post,
    path = "/admin/rule-sets/members",
    tag = "admin",
    request_body = RuleSetMembers,
    responses((status = 204, description = "Its rules apply to them")),
    extensions(("x-access" = json!("admin"))),
)]
async fn set_rule_set_members(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<RuleSetMembers>,
) -> Result<StatusCode, Problem> {
    api.registry()
        .write(move |tx| {
            given.usage_points.iter().try_for_each(|name| {
                admin::set_rule_group(tx, &by, organisation, name, given.group.as_deref())
            })
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
