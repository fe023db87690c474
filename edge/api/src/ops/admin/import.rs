//! `POST /admin/import`: a town from CSV files, all of them or nothing.

use axum::{
    Json,
    extract::{DefaultBodyLimit, State},
};
use corrente_registry::admin::{self, ImportFile, ImportKind, ImportRefusal};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Change;
use crate::{Api, Body, FileMistake, Problem};

/// A town of a hundred thousand homes in one request.
const IMPORT_BYTES: usize = 64 << 20;

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(import_town)).layer(DefaultBodyLimit::max(IMPORT_BYTES))
}

/// The texts of CSV files; each may be left out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportRequest {
    /// Columns `number`, `name`; may have `document`, `email`, `phone`, `address`, `language`.
    customers: Option<String>,
    /// Columns `name`; may have `customer`, `address`, `municipality`, `zone`, `class`, `phases`.
    usage_points: Option<String>,
    /// Columns `serial`, `usage_point`; may have `model`, `reporting_seconds`, `installed_from`,
    /// `secret`, `kind`, `interval_seconds`, `register_digits`, `export`.
    meters: Option<String>,
    /// Columns `usage_point`, `tariff`, `from`.
    agreements: Option<String>,
}

/// A meter's secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportedMeter {
    /// The meter.
    serial: String,
    /// Its secret. It is shown this once and stored nowhere.
    secret: String,
}

/// A customer's one-time code.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportedCode {
    /// The customer's number.
    number: String,
    /// Address to sign in with.
    email: String,
    /// The code. It is shown this once and stored nowhere.
    code: String,
}

/// What was imported.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportAnswer {
    /// Customers made.
    customers: usize,
    /// Usage points made.
    usage_points: usize,
    /// Agreements made.
    agreements: usize,
    /// Meters registered, with their secrets.
    meters: Vec<ImportedMeter>,
    /// Users made for customers with an e-mail address, with their codes.
    codes: Vec<ImportedCode>,
}

/// Imports a town. With one mistake nothing is imported; `mistakes` names each by file, line and column.
#[utoipa::path(
    post,
    path = "/admin/import",
    tag = "admin",
    request_body = ImportRequest,
    responses((status = 201, body = ImportAnswer)),
    extensions(("x-access" = json!("admin"))),
)]
async fn import_town(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<ImportRequest>,
) -> Result<(StatusCode, Json<ImportAnswer>), Problem> {
    let files: Vec<ImportFile> = [
        (ImportKind::Customers, "customers", given.customers),
        (ImportKind::UsagePoints, "usage_points", given.usage_points),
        (ImportKind::Meters, "meters", given.meters),
        (ImportKind::Agreements, "agreements", given.agreements),
    ]
    .into_iter()
    .filter_map(|(kind, name, text)| {
        text.map(|text| ImportFile { kind, name: name.to_owned(), text })
    })
    .collect();
    let done = api
        .registry()
        .write(move |tx| admin::import(tx, &by, organisation, &files))
        .await
        .map_err(refused)?;
    let answer = ImportAnswer {
        customers: done.customers,
        usage_points: done.usage_points,
        agreements: done.agreements,
        meters: done
            .meters
            .into_iter()
            .map(|made| ImportedMeter {
                serial: made.serial,
                secret: made.secret.reveal().to_owned(),
            })
            .collect(),
        codes: done
            .codes
            .into_iter()
            .map(|made| ImportedCode {
                number: made.number,
                email: made.email,
                code: made.code.reveal().to_owned(),
            })
            .collect(),
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

pub(super) fn refused(refusal: ImportRefusal) -> Problem {
    match refusal {
        ImportRefusal::Registry(error) => error.into(),
        ImportRefusal::Mistakes(mistakes) => Problem::mistakes(
            mistakes
                .into_iter()
                .map(|mistake| FileMistake {
                    file: mistake.file,
                    line: mistake.line,
                    column: mistake.column,
                    message: mistake.message,
                    fix: mistake.fix,
                })
                .collect(),
        ),
    }
}
