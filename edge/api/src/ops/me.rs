//! `GET` and `PATCH /me`: who is signed in, and what they may see.

use axum::{
    Json,
    extract::State,
    response::{AppendHeaders, IntoResponse, Response},
};
use corrente_ledger::{AsOf, LedgerError};
use corrente_metering::{ChannelId, Span, Timestamp};
use corrente_registry::{
    RegistryError, meters, usage_points,
    usage_points::UsagePoint,
    users::{self, User},
};
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Api, Body, CurrentUser, Identity, Problem, Viewer, auth::cookie, view::rfc3339};

/// Languages of the portal.
pub(crate) const LANGUAGES: [&str; 3] = ["pt-BR", "en", "es"];
/// Themes of the portal; without one it follows the device.
pub(crate) const THEMES: [&str; 2] = ["light", "dark"];
/// How many usage points are listed; an operator looks for the others.
const MOST_LISTED: usize = 200;

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get_me, patch_me))
}

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// The user; null in a lab session.
    user: Option<MeUser>,
    /// The measurer's number in a lab session.
    lab_id: Option<String>,
    /// What the caller may see, at most 200 of them.
    usage_points: Vec<MeUsagePoint>,
    /// Are there more usage points than are listed?
    more: bool,
    /// Business time.
    now: String,
}

/// The user who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeUser {
    /// Its id.
    id: String,
    /// Name.
    name: String,
    /// Address to sign in with.
    email: String,
    /// `customer`, `operator` or `admin`.
    role: &'static str,
    /// Language of the pages; null follows the device.
    language: Option<String>,
    /// `light` or `dark`; null follows the device.
    theme: Option<String>,
}

/// A usage point, in short.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeUsagePoint {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// Postal address.
    address: Option<String>,
    /// IANA zone.
    zone: String,
    /// ISO 4217.
    currency: &'static str,
    /// The meter that stands there.
    meter_serial: Option<String>,
    /// Does the prototype's protocol feed it?
    lab: bool,
    /// When the first reading was measured.
    first_reading: Option<String>,
    /// When the last reading was measured.
    last_reading: Option<String>,
}

/// The portal's language of this tag, whatever its region.
pub(crate) fn language_of(tag: &str) -> Option<&'static str> {
    let code = |tag: &str| tag.split('-').next().map(str::to_ascii_lowercase);
    LANGUAGES.into_iter().find(|language| code(language) == code(tag.trim()))
}

/// Who is signed in, and what they may see.
#[utoipa::path(
    get,
    path = "/me",
    tag = "session",
    responses((status = 200, body = Me)),
    extensions(("x-access" = json!("viewer"))),
)]
async fn get_me(State(api): State<Api>, Viewer(identity): Viewer) -> Result<Json<Me>, Problem> {
    Ok(Json(describe(&api, identity).await?))
}

/// What to change; what is left out stays, null follows the device.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "a field that is null differs from one that is left out")]
pub(crate) struct MeChange {
    /// `pt-BR` or `en`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    language: Option<Option<String>>,
    /// `light` or `dark`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    theme: Option<Option<String>>,
}

/// Tells a field that is null from one that is left out.
#[expect(clippy::option_option, reason = "a field that is null differs from one that is left out")]
fn given<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(input).map(Some)
}

/// Changes how the pages look for this user.
#[utoipa::path(
    patch,
    path = "/me",
    tag = "session",
    request_body = MeChange,
    responses((status = 200, body = Me)),
    extensions(("x-access" = json!("user"))),
)]
async fn patch_me(
    State(api): State<Api>,
    CurrentUser { user, identity }: CurrentUser,
    Body(change): Body<MeChange>,
) -> Result<Response, Problem> {
    check("language", change.language.as_ref(), &LANGUAGES)?;
    check("theme", change.theme.as_ref(), &THEMES)?;
    let user = api
        .registry()
        .write(move |tx| {
            if let Some(language) = &change.language {
                users::set_language(tx, user.id, language.as_deref())?;
            }
            if let Some(theme) = &change.theme {
                users::set_theme(tx, user.id, theme.as_deref())?;
            }
            users::get(tx, user.id)?.ok_or(RegistryError::Reference)
        })
        .await?;
    let cookies = AppendHeaders(
        preference_cookies(&user).into_iter().map(|value| (header::SET_COOKIE, value)),
    );
    let identity = match identity {
        Identity::User { token, session, .. } => Identity::User { user, token, session },
        lab @ Identity::Lab { .. } => lab,
    };
    Ok((cookies, Json(describe(&api, identity).await?)).into_response())
}

fn check(
    field: &'static str,
    value: Option<&Option<String>>,
    allowed: &[&str],
) -> Result<(), Problem> {
    match value {
        Some(Some(word)) if !allowed.contains(&word.as_str()) => {
            Err(Problem::field(field, format!("`{word}` is not one of {}.", allowed.join(", "))))
        }
        _ => Ok(()),
    }
}

/// The two cookies that tell the server how to write this user's page.
pub(crate) fn preference_cookies(user: &User) -> Vec<HeaderValue> {
    [("lang", &user.language), ("theme", &user.theme)]
        .into_iter()
        .filter_map(|(name, value)| cookie::preference(name, value.as_deref()))
        .collect()
}

/// Describes a caller.
pub(crate) async fn describe(api: &Api, identity: Identity) -> Result<Me, Problem> {
    let now = api.clock().now();
    let who = identity.clone();
    let (points, more) = api
        .registry()
        .read(move |tx| {
            let mut points = who.usage_points(tx)?;
            let more = points.len() > MOST_LISTED;
            points.truncate(MOST_LISTED);
            let mut described = Vec::with_capacity(points.len());
            for point in points {
                let always = Span::new(Timestamp::MIN, Timestamp::MAX);
                let channels: Vec<ChannelId> = usage_points::channels(tx, point.id, always)?
                    .iter()
                    .map(|period| period.channel)
                    .collect();
                let stands = meters::at_usage_point(tx, point.id)?
                    .into_iter()
                    .find(|installation| installation.until.is_none());
                let serial = match stands {
                    Some(stands) => meters::get(tx, stands.meter)?.map(|meter| meter.serial),
                    None => None,
                };
                described.push((point, serial, channels));
            }
            Ok::<_, Problem>((described, more))
        })
        .await?;
    let ledger = std::sync::Arc::clone(api.ledger());
    let usage_points = tokio::task::spawn_blocking(move || {
        points
            .into_iter()
            .map(|(point, serial, channels)| {
                let (first, last) = known(&*ledger, &channels)?;
                Ok(summary(point, serial, first, last))
            })
            .collect::<Result<Vec<_>, LedgerError>>()
    })
    .await??;
    let (user, lab_id) = match &identity {
        Identity::User { user, .. } => (Some(user), None),
        Identity::Lab { .. } => (None, lab_id(api, &identity).await?),
    };
    Ok(Me {
        user: user.map(|user| MeUser {
            id: user.id.to_string(),
            name: user.name.clone(),
            email: user.email.clone(),
            role: user.role.word(),
            language: user.language.clone(),
            theme: user.theme.clone(),
        }),
        lab_id,
        now: rfc3339(usage_points.first().map_or("UTC", |point| point.zone.as_str()), now),
        usage_points,
        more,
    })
}

async fn lab_id(api: &Api, identity: &Identity) -> Result<Option<String>, Problem> {
    let identity = identity.clone();
    let points = api.registry().read(move |tx| identity.usage_points(tx)).await?;
    Ok(points.into_iter().find_map(|point| point.lab_id))
}

/// The instants of the first and the last reading of these channels.
fn known(
    ledger: &dyn corrente_ledger::Ledger,
    channels: &[ChannelId],
) -> Result<(Option<Timestamp>, Option<Timestamp>), LedgerError> {
    let (mut first, mut last) = (None, None);
    for channel in channels {
        // A channel without readings may be unknown to the ledger.
        let latest = match ledger.last(*channel) {
            Err(LedgerError::UnknownChannel(_)) => continue,
            answer => answer?,
        };
        let Some(latest) = latest else { continue };
        let earliest = ledger.after(*channel, Timestamp::MIN, AsOf::Now)?;
        let earliest = earliest.map_or(latest.end, |reading| reading.end);
        first = Some(first.map_or(earliest, |known: Timestamp| known.min(earliest)));
        last = Some(last.map_or(latest.end, |known: Timestamp| known.max(latest.end)));
    }
    Ok((first, last))
}

fn summary(
    point: UsagePoint,
    meter_serial: Option<String>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
) -> MeUsagePoint {
    MeUsagePoint {
        id: point.id.to_string(),
        first_reading: first.map(|t| rfc3339(&point.zone, t)),
        last_reading: last.map(|t| rfc3339(&point.zone, t)),
        name: point.name,
        address: point.address,
        zone: point.zone,
        currency: point.currency.code(),
        meter_serial,
        lab: point.lab,
    }
}
