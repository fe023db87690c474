//! `GET` and `POST /admin/meters`, `PATCH /admin/meters/{id}`.

use axum::{
    Json,
    extract::{Path, State},
};
use corrente_metering::{ChannelKind, Direction, Timestamp, id::MeterId};
use corrente_registry::{
    admin::{self, RegisteredMeter},
    channels::NewChannel,
    meters::{self, DEFAULT_REPORTING_SECONDS},
    secrets::Secret,
    usage_points,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Change;
use crate::{Api, Body, Operator, Problem};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list_meters, register_meter)).routes(routes!(change_meter))
}

/// A channel of a meter.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelRequest {
    /// Its name, unique in the meter.
    name: String,
    /// `register` or `interval`.
    #[schema(value_type = String)]
    kind: ChannelKind,
    /// `import` or `export`.
    #[schema(value_type = String)]
    direction: Direction,
    /// Length of an interval channel's intervals.
    interval_seconds: Option<i64>,
    /// Digits of kWh after which a register begins again at 0.
    register_digits: Option<u8>,
}

impl From<ChannelRequest> for NewChannel {
    fn from(channel: ChannelRequest) -> Self {
        Self {
            name: channel.name,
            kind: channel.kind,
            direction: channel.direction,
            interval_seconds: channel.interval_seconds,
            register_digits: channel.register_digits,
        }
    }
}

/// A meter to register.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeterRequest {
    /// What stands on its plate, unique in the organisation.
    serial: String,
    /// The usage point's recorded name.
    usage_point: String,
    /// Maker and model.
    model: Option<String>,
    /// How often it reports; 10 when left out.
    reporting_seconds: Option<i64>,
    /// Its secret, when the maker set one; else one is made.
    secret: Option<String>,
    /// From when it stands there, RFC 3339; now when left out.
    installed_from: Option<String>,
    /// Its channels; one register of imported energy when left out.
    channels: Option<Vec<ChannelRequest>>,
}

/// A meter that was registered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeterMade {
    /// Its id.
    id: String,
    /// Its serial.
    serial: String,
    /// Its secret. It is shown this once and stored nowhere.
    secret: String,
}

/// A meter.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeterDocument {
    /// Its id.
    id: String,
    /// Its serial.
    serial: String,
    /// Maker and model.
    model: Option<String>,
    /// How often it reports.
    reporting_seconds: i64,
    /// The id of the usage point where it stands.
    usage_point: Option<String>,
    /// The concentrator or radio head that it speaks through, where that is known.
    gateway: Option<String>,
}

/// Meters.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeterList {
    /// By serial.
    meters: Vec<MeterDocument>,
}

/// The organisation's meters.
#[utoipa::path(
    get,
    path = "/admin/meters",
    tag = "admin",
    responses((status = 200, body = MeterList)),
    extensions(("x-access" = json!("operator"))),
)]
async fn list_meters(
    State(api): State<Api>,
    Operator(caller): Operator,
) -> Result<Json<MeterList>, Problem> {
    let organisation = caller.user.organisation;
    let meters = api
        .registry()
        .read(move |tx| {
            let mut found = Vec::new();
            for meter in meters::list(tx, organisation)? {
                let stands = meters::installations(tx, meter.id)?;
                let here = stands.last().filter(|last| last.until.is_none());
                found.push(MeterDocument {
                    id: meter.id.to_string(),
                    serial: meter.serial,
                    model: meter.model,
                    reporting_seconds: meter.reporting_seconds,
                    usage_point: here.map(|here| here.usage_point.to_string()),
                    gateway: meter.gateway,
                });
            }
            Ok::<_, Problem>(found)
        })
        .await?;
    Ok(Json(MeterList { meters }))
}

pub(super) fn instant(
    field: &'static str,
    text: Option<&str>,
) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let parsed: jiff::Timestamp = text.parse().map_err(|_| {
        Problem::field(field, format!("`{text}` is not a time such as 2026-11-23T00:00:00-03:00."))
    })?;
    Ok(Some(parsed.into()))
}

/// Registers a meter at a usage point, and answers with its secret.
#[utoipa::path(
    post,
    path = "/admin/meters",
    tag = "admin",
    request_body = MeterRequest,
    responses((status = 201, body = MeterMade)),
    extensions(("x-access" = json!("admin"))),
)]
async fn register_meter(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<MeterRequest>,
) -> Result<(StatusCode, Json<MeterMade>), Problem> {
    let installed_from =
        instant("installed_from", given.installed_from.as_deref())?.unwrap_or(by.business);
    let channels: Vec<NewChannel> = given.channels.map_or_else(
        || vec![NewChannel::import()],
        |channels| channels.into_iter().map(Into::into).collect(),
    );
    let serial = given.serial.clone();
    let (id, secret) = api
        .registry()
        .write(move |tx| {
            let name = &given.usage_point;
            let point = usage_points::by_name(tx, organisation, name)?.ok_or_else(|| {
                Problem::field("usage_point", format!("There is no usage point `{name}`."))
            })?;
            let new = RegisteredMeter {
                organisation,
                serial: given.serial.clone(),
                model: given.model.clone(),
                reporting_seconds: given.reporting_seconds.unwrap_or(DEFAULT_REPORTING_SECONDS),
                secret: given.secret.clone().map(Secret::given),
                channels: channels.clone(),
                usage_point: point.id,
                installed_from,
            };
            Ok::<_, Problem>(admin::register_meter(tx, &by, &new)?)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(MeterMade::new(id, serial, &secret))))
}

/// What changes at a meter.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeterChange {
    /// How often it reports: every 1 to 86400 seconds.
    reporting_seconds: u32,
}

/// A meter that was changed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeterChanged {
    /// Its id.
    id: String,
    /// Its serial.
    serial: String,
    /// How often it reports.
    reporting_seconds: u32,
    /// Was it connected, and told at once? Else it is told when it connects.
    told: bool,
}

/// Changes how often a meter reports. One that is connected is told at once.
#[utoipa::path(
    patch,
    path = "/admin/meters/{id}",
    tag = "admin",
    params(("id" = String, Path, description = "The meter")),
    request_body = MeterChange,
    responses((status = 200, body = MeterChanged)),
    extensions(("x-access" = json!("admin"))),
)]
async fn change_meter(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Path(id): Path<String>,
    Body(given): Body<MeterChange>,
) -> Result<Json<MeterChanged>, Problem> {
    let unknown = || Problem::not_found("meter");
    let id: MeterId = id.parse().map_err(|_| unknown())?;
    let seconds = given.reporting_seconds;
    let meter = api
        .registry()
        .write(move |tx| {
            let meter = meters::get(tx, id)?
                .filter(|meter| meter.organisation == organisation)
                .ok_or_else(unknown)?;
            admin::set_reporting(tx, &by, &meter, i64::from(seconds))?;
            Ok::<_, Problem>(meter)
        })
        .await?;
    let told = api.tell_interval(id, seconds);
    let (id, serial) = (id.to_string(), meter.serial);
    Ok(Json(MeterChanged { id, serial, reporting_seconds: seconds, told }))
}

impl MeterMade {
    pub(super) fn new(id: MeterId, serial: String, secret: &Secret) -> Self {
        Self { id: id.to_string(), serial, secret: secret.reveal().to_owned() }
    }
}
