//! `POST /admin/agreements`.

use axum::{Json, extract::State};
use corrente_metering::Date;
use corrente_registry::{admin, tariffs, usage_points};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Change;
use crate::{Api, Body, Problem};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(create_agreement))
}

/// A usage point on a tariff.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgreementRequest {
    /// The usage point's recorded name.
    usage_point: String,
    /// The tariff's code.
    tariff: String,
    /// From the beginning of this day, in the usage point's zone.
    from: String,
}

/// An agreement that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgreementMade {
    /// Its id.
    id: String,
}

/// Puts a usage point on a tariff from a day on. What held before ends there; what was agreed for later
/// is replaced.
#[utoipa::path(
    post,
    path = "/admin/agreements",
    tag = "admin",
    request_body = AgreementRequest,
    responses((status = 201, body = AgreementMade)),
    extensions(("x-access" = json!("admin"))),
)]
async fn create_agreement(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<AgreementRequest>,
) -> Result<(StatusCode, Json<AgreementMade>), Problem> {
    let from: Date = given.from.parse().map_err(|_| {
        Problem::field("from", format!("`{}` is not a date such as 2026-11-23.", given.from))
    })?;
    let id = api
        .registry()
        .write(move |tx| {
            let (place, tariff) = (&given.usage_point, &given.tariff);
            if usage_points::by_name(tx, organisation, place)?.is_none() {
                let detail = format!("There is no usage point `{place}`.");
                return Err(Problem::field("usage_point", detail));
            }
            if tariffs::by_name(tx, organisation, tariff)?.is_none() {
                let detail = format!("There is no tariff `{tariff}`: store its file first.");
                return Err(Problem::field("tariff", detail));
            }
            Ok(admin::agree(tx, &by, organisation, place, tariff, from)?)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(AgreementMade { id: id.to_string() })))
}
