//! `GET` and `POST /admin/tariffs`.

use axum::{Json, extract::State};
use corrente_registry::{
    admin,
    tariffs::{self, TariffVersion},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Change;
use crate::{Api, Body, Operator, Problem};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list_tariffs, store_tariff))
}

/// A tariff file to store.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TariffRequest {
    /// The text of the tariff file (TOML).
    content: String,
}

/// A version of a tariff.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TariffVersionDocument {
    /// Its id.
    id: String,
    /// Counts the versions from 1.
    number: i64,
    /// First day on which it holds.
    valid_from: String,
    /// SHA-256 of the file.
    digest: String,
}

impl From<TariffVersion> for TariffVersionDocument {
    fn from(found: TariffVersion) -> Self {
        Self {
            id: found.id.to_string(),
            number: found.number,
            valid_from: found.valid_from.to_string(),
            digest: found.digest,
        }
    }
}

/// A tariff over all its versions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TariffDocument {
    /// Its id.
    id: String,
    /// Its code: what agreements name.
    code: String,
    /// In the order in which they came.
    versions: Vec<TariffVersionDocument>,
}

/// Tariffs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TariffList {
    /// By code.
    tariffs: Vec<TariffDocument>,
}

/// The organisation's tariffs.
#[utoipa::path(
    get,
    path = "/admin/tariffs",
    tag = "admin",
    responses((status = 200, body = TariffList)),
    extensions(("x-access" = json!("operator"))),
)]
async fn list_tariffs(
    State(api): State<Api>,
    Operator(caller): Operator,
) -> Result<Json<TariffList>, Problem> {
    let organisation = caller.user.organisation;
    let tariffs = api
        .registry()
        .read(move |tx| {
            let mut found = Vec::new();
            for tariff in tariffs::list(tx, organisation)? {
                let versions = tariffs::versions(tx, tariff.id)?;
                found.push(TariffDocument {
                    id: tariff.id.to_string(),
                    code: tariff.name,
                    versions: versions.into_iter().map(Into::into).collect(),
                });
            }
            Ok::<_, Problem>(found)
        })
        .await?;
    Ok(Json(TariffList { tariffs }))
}

/// Stores a tariff file as a version of the tariff that its `code` names. The same file again changes
/// nothing.
#[utoipa::path(
    post,
    path = "/admin/tariffs",
    tag = "admin",
    request_body = TariffRequest,
    responses((status = 201, body = TariffVersionDocument)),
    extensions(("x-access" = json!("admin"))),
)]
async fn store_tariff(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<TariffRequest>,
) -> Result<(StatusCode, Json<TariffVersionDocument>), Problem> {
    let made = api
        .registry()
        .write(move |tx| admin::store_tariff(tx, &by, organisation, &given.content))
        .await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}
