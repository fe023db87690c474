//! `GET` and `PUT /admin/rule-sets`, `POST /admin/rule-sets/members`: which rules of validation apply to
//! which usage points; `GET` and `POST /admin/class-profiles`: the mean weeks by which gaps are estimated.

use axum::{Json, extract::State};
use corrente_mdm::vee::{ClassWeek, rules::new_rule_set};
use corrente_metering::{Calendar, Date, Timestamp, id::OrganisationId};
use corrente_registry::{
    admin, class_profiles, organisations,
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
        .routes(routes!(list_class_profiles, make_class_profile))
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
    let valid_from =
        first_day(&api, organisation, given.valid_from.as_deref(), by.business).await?;
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

/// The first day for which something holds; today in the organisation's zone when nothing is said.
async fn first_day(
    api: &Api,
    organisation: OrganisationId,
    given: Option<&str>,
    now: Timestamp,
) -> Result<Date, Problem> {
    if let Some(text) = given {
        return text.parse().map_err(|_| {
            Problem::field("valid_from", format!("`{text}` is not a date such as 2026-11-23."))
        });
    }
    let found = api.registry().read(move |tx| organisations::get(tx, organisation)).await?;
    let zone = found.and_then(|found| Calendar::new(&found.zone).ok());
    Ok(zone.unwrap_or_else(Calendar::utc).date(now))
}

/// The mean week of a class of usage points.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClassProfileDocument {
    /// The class: `residential`.
    class: String,
    /// The first day that it is for.
    valid_from: String,
    /// Relative use by hour of the week, 168 figures from Monday midnight on.
    hours: Vec<i64>,
    /// What a usage point of the class uses on an average day, Wh.
    day_wh: i64,
    /// Of how many usage points it is the mean.
    usage_points: usize,
    /// The first day of theirs that counted.
    from: String,
    /// The day before which the last one lies.
    until: String,
}

impl ClassProfileDocument {
    fn new(class: String, valid_from: Date, week: ClassWeek) -> Self {
        Self {
            class,
            valid_from: valid_from.to_string(),
            hours: week.profile.hours,
            day_wh: week.profile.day_wh,
            usage_points: week.usage_points,
            from: week.from.to_string(),
            until: week.until.to_string(),
        }
    }
}

/// Mean weeks of classes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClassProfileList {
    /// By class and in order of time.
    class_profiles: Vec<ClassProfileDocument>,
}

/// The mean weeks by which gaps of usage points without a past are estimated. One is made by itself every four
/// weeks, for the days after it.
#[utoipa::path(
    get,
    path = "/admin/class-profiles",
    tag = "admin",
    responses((status = 200, body = ClassProfileList)),
    extensions(("x-access" = json!("operator"))),
)]
async fn list_class_profiles(
    State(api): State<Api>,
    Operator(caller): Operator,
) -> Result<Json<ClassProfileList>, Problem> {
    let organisation = caller.user.organisation;
    let found = api.registry().read(move |tx| class_profiles::list(tx, organisation)).await?;
    let class_profiles = found
        .into_iter()
        .map(|row| {
            let week = ClassWeek::of(&row)?;
            Ok(ClassProfileDocument::new(row.class, row.valid_from, week))
        })
        .collect::<Result<_, Problem>>()?;
    Ok(Json(ClassProfileList { class_profiles }))
}

/// A mean week to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClassProfileRequest {
    /// The class.
    class: String,
    /// The first day that it is for; today when left out. Days that were looked at are looked at again.
    valid_from: Option<String>,
}

/// Makes the mean week of a class now, from what its usage points measured in the last four weeks.
#[utoipa::path(
    post,
    path = "/admin/class-profiles",
    tag = "admin",
    request_body = ClassProfileRequest,
    responses((status = 200, body = ClassProfileDocument)),
    extensions(("x-access" = json!("admin"))),
)]
async fn make_class_profile(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<ClassProfileRequest>,
) -> Result<Json<ClassProfileDocument>, Problem> {
    let valid_from =
        first_day(&api, organisation, given.valid_from.as_deref(), by.business).await?;
    let class = given.class.clone();
    let week = api
        .mdm()
        .run(move |mdm| mdm.make_class_profile(&by, organisation, &class, valid_from))
        .await?;
    Ok(Json(ClassProfileDocument::new(given.class, valid_from, week)))
}
