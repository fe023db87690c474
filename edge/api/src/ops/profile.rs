//! `GET /usage-points/{id}/profile`: a day's load profile, each interval with where it comes from.
#![expect(unused_qualifications, reason = "the macro of the document writes whole paths")]

use axum::{Json, extract::State};
use corrente_mdm::{
    export::quality_word,
    vee::{Cause, Change, DayProfile, ShownInterval},
};
use corrente_metering::{Calendar, Date, Direction, Interval, Quality, calendar::day_before};
use corrente_units::Energy;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Api, OwnUsagePoint, Params, Problem};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get_profile)).routes(routes!(get_profile_changes))
}

/// Which profile.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileQuestion {
    /// The civil day; yesterday when left out.
    day: Option<String>,
    /// `import` when left out, or `export`.
    direction: Option<String>,
    /// Which version; the latest when left out.
    version: Option<u32>,
}

/// A day's load profile.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Profile {
    /// The civil day.
    day: String,
    /// Which version this is; null before the day was validated.
    version: Option<u32>,
    /// The intervals, in order of time.
    intervals: Vec<ProfileInterval>,
    /// The stored versions, the oldest first; none where the day is as it was read.
    versions: Vec<ProfileVersion>,
}

/// An interval.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProfileInterval {
    /// Beginning.
    from: String,
    /// End.
    to: String,
    /// Wh; null when it is missing.
    wh: Option<i64>,
    /// `measured`, `estimated`, `edited` or `missing`.
    quality: &'static str,
    /// A part of it is missing, so it was at least this.
    at_least: bool,
    /// How an estimate was made: `scalar_spread`, `linear_interpolation`, `averaging`, …
    method: Option<&'static str>,
    /// From what it was made.
    #[schema(value_type = Option<Object>)]
    basis: Option<serde_json::Value>,
    /// Who edited it, and why.
    edit: Option<ProfileEdit>,
}

/// An edit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProfileEdit {
    /// Who.
    who: String,
    /// Why.
    why: String,
    /// When.
    at: String,
}

/// A version of a day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProfileVersion {
    /// Its number.
    version: u32,
    /// The rules that made it.
    rule_set: String,
    /// The mean week of its class that it was given for gaps, by name; null where there was none.
    class_profile: Option<String>,
    /// `first`, `late_readings`, `edit`, `meter_life` or `rule_set`.
    cause: &'static str,
    /// When it was made.
    created: String,
    /// What differs from the version before.
    changes: Vec<ProfileChange>,
}

/// An interval that two versions see differently.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProfileChange {
    /// Beginning.
    from: String,
    /// End.
    to: String,
    /// Wh before; null when it was missing.
    before_wh: Option<i64>,
    /// How well it was known before.
    before_quality: Option<&'static str>,
    /// Wh since; null when it is missing.
    after_wh: Option<i64>,
    /// How well it is known since.
    after_quality: Option<&'static str>,
}

/// A day's load profile: what is believed, how well each interval is known and where it comes from, and
/// what changed between its versions.
#[utoipa::path(
    get,
    path = "/usage-points/{id}/profile",
    tag = "usage",
    params(("id" = String, Path, description = "The usage point"), ProfileQuestion),
    responses((status = 200, body = Profile)),
    extensions(("x-access" = json!("viewer"))),
)]
async fn get_profile(
    State(api): State<Api>,
    own: OwnUsagePoint,
    Params(question): Params<ProfileQuestion>,
) -> Result<Json<Profile>, Problem> {
    let calendar = Calendar::new(&own.point.zone).unwrap_or_else(|_| Calendar::utc());
    let day = day(&api, &calendar, question.day.as_deref())?;
    let direction = direction(question.direction.as_deref())?;
    let id = own.point.id;
    let version = question.version;
    let profile = api.mdm().run(move |mdm| mdm.day_profile(id, direction, day, version)).await?;
    Ok(Json(Profile::new(&profile)))
}

/// Which versions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileChangesQuestion {
    /// The civil day; yesterday when left out.
    day: Option<String>,
    /// `import` when left out, or `export`.
    direction: Option<String>,
    /// The older version; 1 when left out.
    from: Option<u32>,
    /// The newer version; the latest when left out.
    to: Option<u32>,
}

/// What differs between two versions of a day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProfileChanges {
    /// The civil day.
    day: String,
    /// The older version.
    from: u32,
    /// The newer version.
    to: u32,
    /// The intervals that the two see differently, in order of time.
    changes: Vec<ProfileChange>,
}

/// What differs between any two versions of a day's load profile.
#[utoipa::path(
    get,
    path = "/usage-points/{id}/profile/changes",
    tag = "usage",
    params(("id" = String, Path, description = "The usage point"), ProfileChangesQuestion),
    responses((status = 200, body = ProfileChanges)),
    extensions(("x-access" = json!("viewer"))),
)]
async fn get_profile_changes(
    State(api): State<Api>,
    own: OwnUsagePoint,
    Params(question): Params<ProfileChangesQuestion>,
) -> Result<Json<ProfileChanges>, Problem> {
    let calendar = Calendar::new(&own.point.zone).unwrap_or_else(|_| Calendar::utc());
    let day = day(&api, &calendar, question.day.as_deref())?;
    let direction = direction(question.direction.as_deref())?;
    let (id, from, to) = (own.point.id, question.from.unwrap_or(1), question.to);
    let (to, changes) = api
        .mdm()
        .run(move |mdm| {
            let latest = mdm.day_profile(id, direction, day, None)?.version.unwrap_or(1);
            let to = to.unwrap_or(latest);
            Ok((to, mdm.day_changes(id, direction, day, (from, to))?))
        })
        .await?;
    let changes = changes.iter().map(|change| ProfileChange::new(&calendar, change)).collect();
    Ok(Json(ProfileChanges { day: day.to_string(), from, to, changes }))
}

/// The civil day of this text; yesterday without one.
fn day(api: &Api, calendar: &Calendar, text: Option<&str>) -> Result<Date, Problem> {
    match text {
        None => Ok(day_before(calendar.date(api.clock().now()))),
        Some(text) => text.parse().map_err(|_| {
            Problem::field("day", format!("`{text}` is not a date such as 2026-11-23."))
        }),
    }
}

/// `import` or `export`.
pub(super) fn direction(word: Option<&str>) -> Result<Direction, Problem> {
    match word {
        None | Some("import") => Ok(Direction::Import),
        Some("export") => Ok(Direction::Export),
        Some(other) => {
            let detail = format!("`{other}` is neither import nor export.");
            Err(Problem::field("direction", detail))
        }
    }
}

impl Profile {
    fn new(profile: &DayProfile) -> Self {
        let calendar = &profile.calendar;
        Self {
            day: profile.day.to_string(),
            version: profile.version,
            intervals: profile
                .intervals
                .iter()
                .map(|i| ProfileInterval::new(calendar, i))
                .collect(),
            versions: profile
                .versions
                .iter()
                .map(|version| ProfileVersion {
                    version: version.version,
                    rule_set: version.rule_set.clone(),
                    class_profile: version.class_profile.clone(),
                    cause: match version.cause {
                        Cause::First => "first",
                        Cause::LateReadings => "late_readings",
                        Cause::Edit => "edit",
                        Cause::MeterLife => "meter_life",
                        Cause::RuleSet => "rule_set",
                    },
                    created: calendar.rfc3339(version.created),
                    changes: version
                        .changes
                        .iter()
                        .map(|change| ProfileChange::new(calendar, change))
                        .collect(),
                })
                .collect(),
        }
    }
}

impl ProfileChange {
    fn new(calendar: &Calendar, change: &Change) -> Self {
        Self {
            from: calendar.rfc3339(change.span.start),
            to: calendar.rfc3339(change.span.end),
            before_wh: wh(change.before),
            before_quality: change.before.map(|i| quality_word(i.quality())),
            after_wh: wh(change.after),
            after_quality: change.after.map(|i| quality_word(i.quality())),
        }
    }
}

fn wh(interval: Option<Interval>) -> Option<i64> {
    interval.and_then(|interval| interval.energy()).map(Energy::wh)
}

impl ProfileInterval {
    fn new(calendar: &Calendar, interval: &ShownInterval) -> Self {
        let estimated = matches!(interval.quality, Quality::Estimated { .. });
        let estimate = interval.estimate.filter(|_| estimated);
        Self {
            from: calendar.rfc3339(interval.span.start),
            to: calendar.rfc3339(interval.span.end),
            wh: interval.energy.map(Energy::wh),
            quality: quality_word(interval.quality),
            at_least: interval.at_least,
            method: estimate.map(|(estimator, _)| estimator.name()),
            basis: estimate.and_then(|(_, basis)| serde_json::to_value(basis).ok()),
            edit: interval.edit.as_ref().map(|edit| ProfileEdit {
                who: edit.actor.clone(),
                why: edit.reason.clone(),
                at: calendar.rfc3339(edit.created),
            }),
        }
    }
}
