//! `GET /admin/outbox/failed`, `POST /admin/outbox/{id}/again`: messages that were given up.

use axum::{Json, extract::State};
use corrente_metering::id::OutboxId;
use corrente_registry::outbox;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Change;
use crate::{Api, Operator, PathId, Problem};

const MOST: u32 = 200;

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list_failed)).routes(routes!(try_again))
}

/// A message that was given up.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FailedMessage {
    /// Its id.
    id: String,
    /// How it was to go.
    channel: String,
    /// To whom: an e-mail address, or a destination's id.
    recipient: String,
    /// What it is about.
    kind: Option<String>,
    /// How often it was tried.
    attempts: u32,
    /// Why it was given up.
    error: Option<String>,
}

/// Messages that were given up.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FailedMessages {
    /// The latest first.
    messages: Vec<FailedMessage>,
}

/// The organisation's messages that were given up.
#[utoipa::path(
    get,
    path = "/admin/outbox/failed",
    tag = "admin",
    responses((status = 200, body = FailedMessages)),
    extensions(("x-access" = json!("operator"))),
)]
async fn list_failed(
    State(api): State<Api>,
    Operator(caller): Operator,
) -> Result<Json<FailedMessages>, Problem> {
    let organisation = caller.user.organisation;
    let found = api.registry().read(move |tx| outbox::failed(tx, organisation, MOST)).await?;
    let messages = found
        .into_iter()
        .map(|message| FailedMessage {
            id: message.id.to_string(),
            channel: message.channel,
            recipient: message.recipient,
            kind: message.document.get("kind").and_then(|kind| kind.as_str()).map(str::to_owned),
            attempts: message.attempts,
            error: message.last_error,
        })
        .collect();
    Ok(Json(FailedMessages { messages }))
}

/// Tries a message again that was given up.
#[utoipa::path(
    post,
    path = "/admin/outbox/{id}/again",
    tag = "admin",
    params(("id" = String, Path, description = "The message")),
    responses((status = 204, description = "It waits again.")),
    extensions(("x-access" = json!("admin"))),
)]
async fn try_again(
    State(api): State<Api>,
    Change { organisation, by }: Change,
    PathId(id): PathId<String>,
) -> Result<StatusCode, Problem> {
    let unknown = || Problem::not_found("message that was given up");
    let id: OutboxId = id.parse().map_err(|_| unknown())?;
    let found =
        api.registry().write(move |tx| outbox::again(tx, organisation, id, by.real)).await?;
    if found { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}
