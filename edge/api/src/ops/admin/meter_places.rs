//! Where a meter stands, and what its dials show when that changes: `POST /admin/meters/replace`, `…/move`
//! and `…/remove`, and `GET /admin/meters/registers`.
#![expect(unused_qualifications, reason = "the macro of the document writes whole paths")]

use axum::{Json, extract::State};
use corrente_mdm::{ExchangedRegister, Replacement};
use corrente_metering::{ChannelKind, Direction, Timestamp, id::OrganisationId};
use corrente_registry::{
    admin::{Exchange, Move},
    secrets::Secret,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Change,
    meters::{MeterMade, instant},
    readings::kwh,
};
use crate::{Api, Body, Operator, Params, Problem};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(replace_meter))
        .routes(routes!(rehearse_replacement))
        .routes(routes!(move_meter))
        .routes(routes!(remove_meter))
        .routes(routes!(meter_registers))
}

/// A meter that takes the place of another one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeterReplacement {
    /// The serial of the meter that goes.
    serial: String,
    /// The serial of the meter that comes.
    new_serial: String,
    /// When the old one was taken away, RFC 3339; now when left out.
    at: Option<String>,
    /// From when the new one stands there; at once when left out.
    installed_from: Option<String>,
    /// What the dials showed, register by register.
    #[serde(default)]
    registers: Vec<ReplacedRegister>,
    /// The new meter's secret, when the maker set one; else one is made.
    secret: Option<String>,
    /// Maker and model of the new meter.
    model: Option<String>,
    /// Why, for the audit log.
    reason: Option<String>,
}

/// What the dials of a register showed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplacedRegister {
    /// The register's name; `import` when left out.
    channel: Option<String>,
    /// The old meter's last register, kWh.
    final_kwh: Option<String>,
    /// The new meter's first one, kWh.
    first_kwh: Option<String>,
}

impl MeterReplacement {
    fn replacement(
        self,
        organisation: OrganisationId,
        now: Timestamp,
    ) -> Result<Replacement, Problem> {
        let at = instant("at", self.at.as_deref())?.unwrap_or(now);
        let exchange = Exchange {
            organisation,
            old: self.serial,
            new: self.new_serial,
            at,
            from: instant("installed_from", self.installed_from.as_deref())?.unwrap_or(at),
            secret: self.secret.map(Secret::given),
            model: self.model,
        };
        Ok(Replacement { exchange, registers: registers(self.registers)? })
    }
}

fn registers(given: Vec<ReplacedRegister>) -> Result<Vec<ExchangedRegister>, Problem> {
    let dial = |text: Option<String>| {
        text.map(|text| {
            kwh(&text).ok_or_else(|| {
                let detail = format!("`{text}` is not a number of kWh such as 4711.5.");
                Problem::field("registers", detail)
            })
        })
        .transpose()
    };
    given
        .into_iter()
        .map(|register| {
            Ok(ExchangedRegister {
                channel: register.channel.unwrap_or_else(|| "import".to_owned()),
                last: dial(register.final_kwh)?,
                first: dial(register.first_kwh)?,
            })
        })
        .collect()
}

/// Puts a meter in the place of another one, with the same registers. What the dials showed becomes
/// readings, so that nothing is lost between the last and the first register. The same request again is
/// answered with a new secret, as long as the new meter has not been heard of.
#[utoipa::path(
    post,
    path = "/admin/meters/replace",
    tag = "admin",
    request_body = MeterReplacement,
    responses((status = 201, body = MeterMade)),
    extensions(("x-access" = json!("admin"))),
)]
async fn replace_meter(
    State(api): State<Api>,
    Change { mut by, organisation }: Change,
    Body(mut given): Body<MeterReplacement>,
) -> Result<(StatusCode, Json<MeterMade>), Problem> {
    by.reason = given.reason.take();
    let serial = given.new_serial.clone();
    let replacement = given.replacement(organisation, by.business)?;
    let (id, secret) = api.mdm().replace_meter(by, replacement).await?;
    Ok((StatusCode::CREATED, Json(MeterMade::new(id, serial, &secret))))
}

/// Says whether an exchange can be done, and does nothing.
#[utoipa::path(
    post,
    path = "/admin/meters/replace/rehearse",
    tag = "admin",
    request_body = MeterReplacement,
    responses((status = 204, description = "It can be done")),
    extensions(("x-access" = json!("admin"))),
)]
async fn rehearse_replacement(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<MeterReplacement>,
) -> Result<StatusCode, Problem> {
    let replacement = given.replacement(organisation, by.business)?;
    api.mdm().run(move |mdm| mdm.rehearse_replacement(&replacement)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A meter that goes to another usage point.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeterMove {
    /// Its serial.
    serial: String,
    /// The recorded name of the usage point to which it goes.
    usage_point: String,
    /// When it was taken away, RFC 3339; now when left out.
    at: Option<String>,
    /// From when it stands there; at once when left out.
    installed_from: Option<String>,
    /// What its dials showed when it went, and when it came.
    #[serde(default)]
    registers: Vec<ReplacedRegister>,
    /// Why, for the audit log.
    reason: Option<String>,
}

/// Takes a meter to another usage point. Each of the two has what was used there.
#[utoipa::path(
    post,
    path = "/admin/meters/move",
    tag = "admin",
    request_body = MeterMove,
    responses((status = 204, description = "It stands there now")),
    extensions(("x-access" = json!("admin"))),
)]
async fn move_meter(
    State(api): State<Api>,
    Change { mut by, organisation }: Change,
    Body(given): Body<MeterMove>,
) -> Result<StatusCode, Problem> {
    let at = instant("at", given.at.as_deref())?.unwrap_or(by.business);
    let from = instant("installed_from", given.installed_from.as_deref())?.unwrap_or(at);
    by.reason = given.reason;
    let moved = Move { organisation, serial: given.serial, to: given.usage_point, at, from };
    api.mdm().move_meter(by, moved, registers(given.registers)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A meter that is taken away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeterRemoval {
    /// Its serial.
    serial: String,
    /// Until when it stood there, RFC 3339; now when left out.
    until: Option<String>,
    /// What its dials showed last.
    #[serde(default)]
    registers: Vec<LastRegister>,
    /// Why, for the audit log.
    reason: Option<String>,
}

/// What the dial of a register showed last.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LastRegister {
    /// The register's name; `import` when left out.
    channel: Option<String>,
    /// What it showed, kWh.
    final_kwh: String,
}

/// Ends a meter's installation.
#[utoipa::path(
    post,
    path = "/admin/meters/remove",
    tag = "admin",
    request_body = MeterRemoval,
    responses((status = 204, description = "It stands nowhere now")),
    extensions(("x-access" = json!("admin"))),
)]
async fn remove_meter(
    State(api): State<Api>,
    Change { mut by, organisation }: Change,
    Body(given): Body<MeterRemoval>,
) -> Result<StatusCode, Problem> {
    let until = instant("until", given.until.as_deref())?.unwrap_or(by.business);
    by.reason = given.reason;
    let as_exchanged = |last: LastRegister| ReplacedRegister {
        channel: last.channel,
        final_kwh: Some(last.final_kwh),
        first_kwh: None,
    };
    let last = registers(given.registers.into_iter().map(as_exchanged).collect())?
        .into_iter()
        .filter_map(|register| Some((register.channel, register.last?)))
        .collect();
    api.mdm().remove_meter(by, (organisation, given.serial), until, last).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which meter.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegistersQuestion {
    /// Its serial.
    serial: String,
}

/// A meter with the last reading of each channel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeterRegistersDocument {
    /// Its serial.
    serial: String,
    /// The recorded name of the usage point where it stands.
    usage_point: Option<String>,
    /// Since when it stands there.
    since: Option<String>,
    /// Its channels.
    channels: Vec<LastReadingDocument>,
}

/// The last reading of a channel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LastReadingDocument {
    /// The channel's name.
    channel: String,
    /// `register` or `interval`.
    kind: &'static str,
    /// `import` or `export`.
    direction: &'static str,
    /// When it was last heard of; null when it never was.
    last_t: Option<String>,
    /// What it showed, Wh.
    last_wh: Option<i64>,
}

/// A meter's channels with their last readings: what to compare with the dials before an exchange.
#[utoipa::path(
    get,
    path = "/admin/meters/registers",
    tag = "admin",
    params(RegistersQuestion),
    responses((status = 200, body = MeterRegistersDocument)),
    extensions(("x-access" = json!("operator"))),
)]
async fn meter_registers(
    State(api): State<Api>,
    Operator(caller): Operator,
    Params(question): Params<RegistersQuestion>,
) -> Result<Json<MeterRegistersDocument>, Problem> {
    let organisation = caller.user.organisation;
    let found =
        api.mdm().run(move |mdm| mdm.meter_registers(organisation, &question.serial)).await?;
    Ok(Json(MeterRegistersDocument {
        serial: found.serial,
        usage_point: found.usage_point,
        since: found.since.map(|since| since.to_string()),
        channels: found
            .channels
            .into_iter()
            .map(|channel| LastReadingDocument {
                channel: channel.channel,
                kind: match channel.kind {
                    ChannelKind::Register => "register",
                    ChannelKind::Interval => "interval",
                },
                direction: match channel.direction {
                    Direction::Import => "import",
                    Direction::Export => "export",
                },
                last_t: channel.last.map(|(t, _)| t.to_string()),
                last_wh: channel.last.map(|(_, value)| value.wh()),
            })
            .collect(),
    }))
}
