//! `GET /openapi.json`: what this server can do, for programs.

use std::sync::LazyLock;

use axum::Json;
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Api, openapi};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get_openapi))
}

/// This document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "server",
    responses((status = 200, description = "The OpenAPI 3.1 document", body = Value)),
    extensions(("x-access" = json!("public"))),
)]
async fn get_openapi() -> Json<&'static Value> {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(openapi::document);
    Json(&DOCUMENT)
}
