//! What happens to a meter where it stands: `POST /admin/meters/multiplier`, `…/declaration`, `…/digits`, `…/gateway`,
//! `…/channels`, `…/events`, `…/clock` and `…/release-readings`.

use axum::{Json, extract::State};
use corrente_metering::{Span, Timestamp};
use corrente_registry::{
    admin, clock_corrections::ClockCorrection, declarations::Declaration, multipliers::Multiplier,
    point_events::PointEventKind,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Change,
    meters::{ChannelRequest, instant},
};
use crate::{Api, Body, Problem};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(set_multiplier))
        .routes(routes!(declare))
        .routes(routes!(set_digits))
        .routes(routes!(set_gateway))
        .routes(routes!(add_channel))
        .routes(routes!(note_event))
        .routes(routes!(set_clock))
        .routes(routes!(release_readings))
}

/// A multiplier.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeterMultiplier {
    /// The meter's serial.
    serial: String,
    /// From when, RFC 3339; now when left out.
    from: Option<String>,
    /// Primary side of the transformer: 200 of 200/5.
    numerator: i64,
    /// Secondary side: 5.
    denominator: i64,
}

/// Multiplies what a meter's dial shows from an instant on.
#[utoipa::path(
    post,
    path = "/admin/meters/multiplier",
    tag = "admin",
    request_body = MeterMultiplier,
    responses((status = 204, description = "It holds from then on")),
    extensions(("x-access" = json!("admin"))),
)]
async fn set_multiplier(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<MeterMultiplier>,
) -> Result<StatusCode, Problem> {
    let from = instant("from", given.from.as_deref())?.unwrap_or(by.business);
    let new = Multiplier { from, numerator: given.numerator, denominator: given.denominator };
    api.registry()
        .write(move |tx| admin::set_multiplier(tx, &by, organisation, &given.serial, new))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a meter says of itself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeterDeclaration {
    /// The meter's serial.
    serial: String,
    /// The multiplier on its plate, or that it uses: `200/5` or `40`; left out where it says none.
    multiplier: Option<String>,
    /// The unit in which its values come: Wh, kWh, MWh, varh or m3; left out where it says none.
    unit: Option<String>,
}

/// Writes down what a meter says of itself, in place of what was written before. Where it is not what is
/// registered, each day has an error of the rule `multiplier` or `unit`.
#[utoipa::path(
    post,
    path = "/admin/meters/declaration",
    tag = "admin",
    request_body = MeterDeclaration,
    responses((status = 204, description = "It is compared")),
    extensions(("x-access" = json!("admin"))),
)]
async fn declare(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<MeterDeclaration>,
) -> Result<StatusCode, Problem> {
    let new = Declaration::read(given.multiplier.as_deref(), given.unit.as_deref())?;
    api.registry()
        .write(move |tx| admin::declare(tx, &by, organisation, &given.serial, new))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The digits of a dial.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeterDigits {
    /// The meter's serial.
    serial: String,
    /// The register's name; `import` when left out.
    channel: Option<String>,
    /// Digits of kWh, after which it begins again at 0: 3 to 9.
    digits: u8,
}

/// Says after how many digits a register begins again at 0.
#[utoipa::path(
    post,
    path = "/admin/meters/digits",
    tag = "admin",
    request_body = MeterDigits,
    responses((status = 204, description = "It is known")),
    extensions(("x-access" = json!("admin"))),
)]
async fn set_digits(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<MeterDigits>,
) -> Result<StatusCode, Problem> {
    api.registry()
        .write(move |tx| {
            let channel = given.channel.as_deref().unwrap_or("import");
            admin::set_digits(tx, &by, organisation, &given.serial, (channel, given.digits))
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The gateway of meters.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeterGateway {
    /// The meters' serials.
    serials: Vec<String>,
    /// The concentrator or radio head that they speak through; null where that is not known.
    gateway: Option<String>,
}

/// Says through which gateway meters speak: those that fall silent with it are one row of the worklist.
#[utoipa::path(
    post,
    path = "/admin/meters/gateway",
    tag = "admin",
    request_body = MeterGateway,
    responses((status = 204, description = "It is known")),
    extensions(("x-access" = json!("admin"))),
)]
async fn set_gateway(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<MeterGateway>,
) -> Result<StatusCode, Problem> {
    api.registry()
        .write(move |tx| {
            let gateway = given.gateway.as_deref();
            given
                .serials
                .iter()
                .try_for_each(|serial| admin::set_gateway(tx, &by, organisation, serial, gateway))
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A channel that is added to a meter.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddedChannel {
    /// The meter's serial.
    serial: String,
    /// The channel.
    channel: ChannelRequest,
    /// Is it the dial beside intervals of the same energy? Then it is in no total, and only compares.
    #[serde(default)]
    check: bool,
    /// Since when it measures, RFC 3339; now when left out. Before that nothing of it is missing.
    from: Option<String>,
    /// Why, for the audit log.
    reason: Option<String>,
}

/// Adds a channel to a meter that stands somewhere: from an instant on it counts beside the others.
#[utoipa::path(
    post,
    path = "/admin/meters/channels",
    tag = "admin",
    request_body = AddedChannel,
    responses((status = 204, description = "It takes readings")),
    extensions(("x-access" = json!("admin"))),
)]
async fn add_channel(
    State(api): State<Api>,
    Change { mut by, organisation }: Change,
    Body(given): Body<AddedChannel>,
) -> Result<StatusCode, Problem> {
    let from = instant("from", given.from.as_deref())?.unwrap_or(by.business);
    by.reason = given.reason;
    let (serial, channel) = (given.serial, (given.channel.into(), given.check));
    api.mdm().run(move |mdm| mdm.add_channel(&by, (organisation, &serial), channel, from)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Something that happened where a meter stands.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeterEvent {
    /// The meter's serial.
    serial: String,
    /// `disconnected` (supply was cut), `reconnected` (it was given again) or `tamper`.
    kind: String,
    /// The protocol's code of a tamper flag.
    code: Option<u16>,
    /// When, RFC 3339; now when left out.
    at: Option<String>,
    /// Why.
    reason: Option<String>,
}

/// Notes that supply was cut or given again where a meter stands, or a tamper flag. While supply is cut no
/// use is as it should be, and any use is a finding.
#[utoipa::path(
    post,
    path = "/admin/meters/events",
    tag = "admin",
    request_body = MeterEvent,
    responses((status = 204, description = "It is noted")),
    extensions(("x-access" = json!("admin"))),
)]
async fn note_event(
    State(api): State<Api>,
    Change { mut by, organisation }: Change,
    Body(given): Body<MeterEvent>,
) -> Result<StatusCode, Problem> {
    let at = instant("at", given.at.as_deref())?.unwrap_or(by.business);
    let kind = match given.kind.as_str() {
        "disconnected" => PointEventKind::Disconnected,
        "reconnected" => PointEventKind::Reconnected,
        "tamper" => PointEventKind::Tamper,
        other => {
            let detail = format!("`{other}` is not disconnected, reconnected or tamper.");
            return Err(Problem::field("kind", detail));
        }
    };
    by.reason = given.reason;
    let (serial, code) = (given.serial, given.code);
    api.mdm()
        .run(move |mdm| mdm.note_event(&by, (organisation, &serial), (kind, code, at)))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A meter whose clock was wrong.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClockRelease {
    /// The meter's serial.
    serial: String,
    /// How many seconds later than the meter said its readings were; earlier when negative.
    add_seconds: i64,
    /// Only those that the meter stamped from then on, RFC 3339; all when left out.
    from: Option<String>,
    /// And until then.
    until: Option<String>,
    /// Why, for the audit log.
    reason: Option<String>,
}

/// A correction of a meter's clock.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClockCorrectionRequest {
    /// The meter's serial.
    serial: String,
    /// Readings that the meter stamped after this instant, RFC 3339, …
    from: String,
    /// … and until this one …
    until: String,
    /// … were truly so many seconds later; earlier when negative.
    add_seconds: i64,
    /// Why.
    reason: Option<String>,
}

/// What became of the readings.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClockReleased {
    /// They count now.
    counted: u64,
    /// They are still out of place, and stay aside.
    left: u64,
}

/// Puts right what a meter stamped with a wrong clock. The readings stay as they came; they are read as
/// so many seconds later, and the days since are looked at again.
#[utoipa::path(
    post,
    path = "/admin/meters/clock",
    tag = "admin",
    request_body = ClockCorrectionRequest,
    responses((status = 204, description = "They are read so")),
    extensions(("x-access" = json!("admin"))),
)]
async fn set_clock(
    State(api): State<Api>,
    Change { mut by, organisation }: Change,
    Body(given): Body<ClockCorrectionRequest>,
) -> Result<StatusCode, Problem> {
    let from = instant("from", Some(&given.from))?.unwrap_or(Timestamp::MIN);
    let until = instant("until", Some(&given.until))?.unwrap_or(Timestamp::MAX);
    by.reason = given.reason;
    let new = ClockCorrection { span: Span::new(from, until), add_seconds: given.add_seconds };
    api.registry()
        .write(move |tx| admin::set_clock(tx, &by, organisation, &given.serial, new))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets the readings of a meter count that were kept aside because its clock was wrong. As they came
/// they stay stored.
#[utoipa::path(
    post,
    path = "/admin/meters/release-readings",
    tag = "admin",
    request_body = ClockRelease,
    responses((status = 200, body = ClockReleased)),
    extensions(("x-access" = json!("admin"))),
)]
async fn release_readings(
    State(api): State<Api>,
    Change { mut by, organisation }: Change,
    Body(given): Body<ClockRelease>,
) -> Result<Json<ClockReleased>, Problem> {
    let span = match (&given.from, &given.until) {
        (None, None) => None,
        (from, until) => {
            let from = instant("from", from.as_deref())?.unwrap_or(Timestamp::MIN);
            let until = instant("until", until.as_deref())?.unwrap_or(Timestamp::MAX);
            Some(Span::new(from, until))
        }
    };
    by.reason = given.reason;
    let moved = (given.add_seconds, span);
    let released = api.mdm().release_quarantined(by, organisation, given.serial, moved).await?;
    Ok(Json(ClockReleased { counted: released.counted, left: released.left }))
}
