//! What happens to a meter after it was registered: `POST /admin/meters/replace`, `…/multiplier`,
//! `…/digits`, `…/gateway` and `…/release-readings`.

use axum::{Json, extract::State};
use corrente_mdm::{ExchangedRegister, Replacement};
use corrente_registry::{
    admin::{self, Exchange},
    multipliers::Multiplier,
    secrets::Secret,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Change,
    meters::{MeterMade, instant},
    readings::kwh,
};
use crate::{Api, Body, Problem};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(replace_meter))
        .routes(routes!(set_multiplier))
        .routes(routes!(set_digits))
        .routes(routes!(set_gateway))
        .routes(routes!(release_readings))
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

/// Puts a meter in the place of another one, with the same registers. What the dials showed becomes
/// readings, so that nothing is lost between the last and the first register.
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
    Change { by, organisation }: Change,
    Body(given): Body<MeterReplacement>,
) -> Result<(StatusCode, Json<MeterMade>), Problem> {
    let at = instant("at", given.at.as_deref())?.unwrap_or(by.business);
    let from = instant("installed_from", given.installed_from.as_deref())?.unwrap_or(at);
    let dial = |text: Option<String>| {
        text.map(|text| {
            kwh(&text).ok_or_else(|| {
                Problem::field(
                    "registers",
                    format!("`{text}` is not a number of kWh such as 4711.5."),
                )
            })
        })
        .transpose()
    };
    let mut registers = Vec::with_capacity(given.registers.len());
    for register in given.registers {
        registers.push(ExchangedRegister {
            channel: register.channel.unwrap_or_else(|| "import".to_owned()),
            last: dial(register.final_kwh)?,
            first: dial(register.first_kwh)?,
        });
    }
    let serial = given.new_serial.clone();
    let exchange = Exchange {
        organisation,
        old: given.serial,
        new: given.new_serial,
        at,
        from,
        secret: given.secret.map(Secret::given),
        model: given.model,
    };
    let (id, secret) = api.mdm().replace_meter(by, Replacement { exchange, registers }).await?;
    Ok((StatusCode::CREATED, Json(MeterMade::new(id, serial, &secret))))
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

/// A meter whose clock was wrong.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClockRelease {
    /// The meter's serial.
    serial: String,
    /// How many seconds later than the meter said its readings were; earlier when negative.
    add_seconds: i64,
}

/// What became of the readings.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClockReleased {
    /// They count now.
    counted: u64,
    /// They are still out of place, and stay aside.
    left: u64,
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
    Change { by, organisation }: Change,
    Body(given): Body<ClockRelease>,
) -> Result<Json<ClockReleased>, Problem> {
    let released =
        api.mdm().release_quarantined(by, organisation, given.serial, given.add_seconds).await?;
    Ok(Json(ClockReleased { counted: released.counted, left: released.left }))
}
