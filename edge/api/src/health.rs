//! `/health/live` and `/health/ready`: for whoever starts, stops and balances servers.

use axum::{Json, Router, extract::State, response::IntoResponse, routing::get};
use corrente_registry::settings;
use http::StatusCode;
use serde::Serialize;

use crate::Api;

pub(crate) fn routes() -> Router<Api> {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready))
}

/// The process answers.
async fn live() -> &'static str {
    "ok\n"
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is one check, for a program to read")]
struct Readiness {
    ready: bool,
    registry: bool,
    ledger: bool,
    stopping: bool,
}

/// The server can do its work: the registry answers and the ledger takes readings.
async fn ready(State(api): State<Api>) -> impl IntoResponse {
    let registry = api.registry().read(|tx| settings::get(tx, "health")).await.is_ok();
    let ledger = api.ledger().stats().accepting;
    let stopping = api.is_stopping();
    let ready = registry && ledger && !stopping;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, registry, ledger, stopping }))
}
