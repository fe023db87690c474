//! How a person is told: e-mail at once or once a day, quiet hours, and other destinations.

use std::time::Duration;

use axum::{Json, extract::State};
use corrente_alert::{DeliveryTopic, Message, Moment, Topic};
use corrente_metering::id::{DestinationId, OutboxId};
use corrente_notify::{BrowserKeys, GatewaySettings, Outbound};
use corrente_registry::{
    RegistryError, Tx,
    destinations::{self, Destination, DestinationKind, NewDestination},
    organisations,
    outbox::{self, NewMessage, OutboxState},
    preferences::{self, MailMode, Preference},
    secrets::Secret,
    usage_points,
    users::User,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Api, Body, CurrentUser, PathId, Problem};

const LOOK: Duration = Duration::from_millis(150);
const LONGEST_LABEL: usize = 80;
const LONGEST_ADDRESS: usize = 2_000;

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(get_delivery, put_delivery))
        .routes(routes!(test_mail))
        .routes(routes!(create_destination))
        .routes(routes!(remove_destination))
        .routes(routes!(resume_destination))
        .routes(routes!(test_destination))
}

/// How a person is told.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Delivery {
    /// Where e-mail goes.
    email: String,
    /// Has the server a mail server? Without one e-mail waits.
    mail_server: bool,
    /// `now`, `daily` or `off`.
    mail: &'static str,
    /// Quiet hours; null for none.
    quiet: Option<Quiet>,
    /// The key with which a browser agrees to be told, in base64url.
    push_key: String,
    /// May destinations be in the server's own network?
    private_targets: bool,
    /// Where else.
    destinations: Vec<DestinationDocument>,
}

/// Hours in which nothing goes to people, in the civil time of the home.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Quiet {
    /// From this minute after midnight: 22:00 is 1320.
    from_minute: u16,
    /// Until this minute, which is no longer quiet.
    until_minute: u16,
}

/// How a person wants to be told by e-mail.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveryChange {
    /// `now`, `daily` or `off`.
    mail: String,
    /// Quiet hours; null for none.
    quiet: Option<Quiet>,
}

/// A destination, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DestinationDocument {
    /// Its id.
    id: String,
    /// `webhook`, `gateway` or `push`.
    kind: &'static str,
    /// What its owner calls it.
    label: String,
    /// Where it is; of a browser only its push service.
    address: String,
    /// Is nothing sent to it, after repeated failures?
    paused: bool,
    /// Why the last attempt failed.
    last_error: Option<String>,
}

/// A destination to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DestinationRequest {
    /// `webhook`, `gateway` or `push`.
    kind: String,
    /// What to call it.
    label: String,
    /// A URL; of a browser its endpoint.
    address: String,
    /// How a gateway wants its messages.
    #[schema(value_type = Option<Object>)]
    gateway: Option<serde_json::Value>,
    /// The keys that a browser made.
    #[schema(value_type = Option<Object>)]
    keys: Option<serde_json::Value>,
}

/// A destination that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DestinationMade {
    /// The destination.
    destination: DestinationDocument,
    /// What signs a webhook's messages. It is shown this once.
    secret: Option<String>,
}

/// What came of a test.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tested {
    /// `sent`, `waiting` to be tried again, or `failed`.
    state: &'static str,
    /// Why it has not arrived.
    error: Option<String>,
}

impl From<Destination> for DestinationDocument {
    fn from(found: Destination) -> Self {
        let address = match found.kind {
            // The rest of an endpoint is as good as a password for pestering its browser.
            DestinationKind::Push => found
                .address
                .split_once("://")
                .and_then(|(_, rest)| rest.split('/').next())
                .unwrap_or_default()
                .to_owned(),
            DestinationKind::Webhook | DestinationKind::Gateway => found.address,
        };
        Self {
            id: found.id.to_string(),
            kind: found.kind.word(),
            label: found.label,
            address,
            paused: found.paused.is_some(),
            last_error: found.last_error,
        }
    }
}

/// How the caller is told.
#[utoipa::path(
    get,
    path = "/me/delivery",
    tag = "delivery",
    responses((status = 200, body = Delivery)),
    extensions(("x-access" = json!("user"))),
)]
async fn get_delivery(
    State(api): State<Api>,
    caller: CurrentUser,
) -> Result<Json<Delivery>, Problem> {
    Ok(Json(delivery(&api, caller.user).await?))
}

/// Sets how the caller is told by e-mail, and when nothing is.
#[utoipa::path(
    put,
    path = "/me/delivery",
    tag = "delivery",
    request_body = DeliveryChange,
    responses((status = 200, body = Delivery)),
    extensions(("x-access" = json!("user"))),
)]
async fn put_delivery(
    State(api): State<Api>,
    caller: CurrentUser,
    Body(change): Body<DeliveryChange>,
) -> Result<Json<Delivery>, Problem> {
    let mail = MailMode::ALL
        .into_iter()
        .find(|mode| mode.word() == change.mail)
        .ok_or_else(|| Problem::field("mail", "It must be now, daily or off."))?;
    if let Some(quiet) = change.quiet
        && (quiet.from_minute >= 1440
            || quiet.until_minute >= 1440
            || quiet.from_minute == quiet.until_minute)
    {
        let detail = "Use two different minutes after midnight, 0 to 1439.";
        return Err(Problem::field("quiet", detail));
    }
    let quiet_minutes = change.quiet.map(|quiet| (quiet.from_minute, quiet.until_minute));
    let preference = Preference { mail, quiet_minutes };
    let user = caller.user.clone();
    let now = api.clock().now();
    api.registry()
        .write(move |tx| preferences::put(tx, user.organisation, &user.email, preference, now))
        .await?;
    Ok(Json(delivery(&api, caller.user).await?))
}

async fn delivery(api: &Api, user: User) -> Result<Delivery, Problem> {
    let email = user.email.clone();
    let (preference, found) = api
        .registry()
        .read(move |tx| -> Result<_, RegistryError> {
            Ok((preferences::get(tx, &user.email)?, destinations::list(tx, user.id)?))
        })
        .await?;
    let quiet = preference
        .quiet_minutes
        .map(|(from_minute, until_minute)| Quiet { from_minute, until_minute });
    Ok(Delivery {
        email,
        mail_server: api.config().delivery.mail_server,
        mail: preference.mail.word(),
        quiet,
        push_key: api.keys().push().public(),
        private_targets: api.config().delivery.private_targets,
        destinations: found.into_iter().map(Into::into).collect(),
    })
}

/// Makes a destination of the caller's. A webhook's secret is answered this once.
#[utoipa::path(
    post,
    path = "/me/destinations",
    tag = "delivery",
    request_body = DestinationRequest,
    responses((status = 201, body = DestinationMade)),
    extensions(("x-access" = json!("user"))),
)]
async fn create_destination(
    State(api): State<Api>,
    caller: CurrentUser,
    Body(given): Body<DestinationRequest>,
) -> Result<(StatusCode, Json<DestinationMade>), Problem> {
    let label = given.label.trim().to_owned();
    if label.is_empty() || label.chars().count() > LONGEST_LABEL {
        return Err(Problem::field("label", "Use 1 to 80 signs, to tell it from the others."));
    }
    if given.address.len() > LONGEST_ADDRESS {
        return Err(Problem::field("address", "It is longer than 2000 signs."));
    }
    let url = Outbound::check(&given.address, api.config().delivery.private_targets)
        .map_err(|error| Problem::field("address", format!("{error}.")))?;
    let (mut settings, mut secret, mut shown) = (serde_json::json!({}), String::new(), None);
    let kind = match given.kind.as_str() {
        "webhook" => {
            let made = Secret::random("whsec");
            made.reveal().clone_into(&mut secret);
            shown = Some(secret.clone());
            DestinationKind::Webhook
        }
        "gateway" => {
            let gateway = given.gateway.unwrap_or_default();
            let read: GatewaySettings = serde_json::from_value(gateway.clone())
                .map_err(|error| Problem::field("gateway", format!("{error}.")))?;
            read.check().map_err(|why| Problem::field("gateway", format!("{why}.")))?;
            settings = gateway;
            DestinationKind::Gateway
        }
        "push" => {
            let keys: BrowserKeys = serde_json::from_value(given.keys.unwrap_or_default())
                .map_err(|error| Problem::field("keys", format!("{error}.")))?;
            if !keys.are_valid() {
                let detail = "They are not the keys of a push subscription.";
                return Err(Problem::field("keys", detail));
            }
            secret = serde_json::to_string(&keys).unwrap_or_default();
            DestinationKind::Push
        }
        _ => return Err(Problem::field("kind", "It must be webhook, gateway or push.")),
    };
    let new = NewDestination {
        organisation: caller.user.organisation,
        user: caller.user.id,
        kind,
        label,
        address: url.to_string(),
        settings,
        secret,
    };
    let now = corrente_clock::wall_clock();
    let made = api.registry().write(move |tx| destinations::put(tx, &new, now)).await?;
    let made = DestinationMade { destination: made.into(), secret: shown };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Removes a destination of the caller's.
#[utoipa::path(
    delete,
    path = "/me/destinations/{id}",
    tag = "delivery",
    params(("id" = String, Path, description = "The destination")),
    responses((status = 204, description = "It is gone.")),
    extensions(("x-access" = json!("user"))),
)]
async fn remove_destination(
    State(api): State<Api>,
    caller: CurrentUser,
    PathId(id): PathId<String>,
) -> Result<StatusCode, Problem> {
    let own = own(&api, &caller, &id).await?;
    api.registry().write(move |tx| destinations::remove(tx, own.id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets a paused destination of the caller's go on.
#[utoipa::path(
    post,
    path = "/me/destinations/{id}/resume",
    tag = "delivery",
    params(("id" = String, Path, description = "The destination")),
    responses((status = 204, description = "It is told again.")),
    extensions(("x-access" = json!("user"))),
)]
async fn resume_destination(
    State(api): State<Api>,
    caller: CurrentUser,
    PathId(id): PathId<String>,
) -> Result<StatusCode, Problem> {
    let own = own(&api, &caller, &id).await?;
    api.registry().write(move |tx| destinations::resume(tx, own.id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a test to a destination of the caller's, and answers what came of it.
#[utoipa::path(
    post,
    path = "/me/destinations/{id}/test",
    tag = "delivery",
    params(("id" = String, Path, description = "The destination")),
    responses((status = 200, body = Tested)),
    extensions(("x-access" = json!("user"))),
)]
async fn test_destination(
    State(api): State<Api>,
    caller: CurrentUser,
    PathId(id): PathId<String>,
) -> Result<Json<Tested>, Problem> {
    let own = own(&api, &caller, &id).await?;
    Ok(Json(test(&api, caller.user, own.kind.word(), own.id.to_string()).await?))
}

/// Sends a test to the caller's mailbox, and answers what came of it.
#[utoipa::path(
    post,
    path = "/me/delivery/test",
    tag = "delivery",
    responses((status = 200, body = Tested)),
    extensions(("x-access" = json!("user"))),
)]
async fn test_mail(State(api): State<Api>, caller: CurrentUser) -> Result<Json<Tested>, Problem> {
    if !api.config().delivery.mail_server {
        let error = Some("this server has no mail server yet".to_owned());
        return Ok(Json(Tested { state: "waiting", error }));
    }
    let email = caller.user.email.clone();
    Ok(Json(test(&api, caller.user, "email", email).await?))
}

async fn own(api: &Api, caller: &CurrentUser, id: &str) -> Result<Destination, Problem> {
    let unknown = || Problem::not_found("destination");
    let id: DestinationId = id.parse().map_err(|_| unknown())?;
    let found = api.registry().read(move |tx| destinations::get(tx, id)).await?;
    found.filter(|found| found.user == caller.user.id).ok_or_else(unknown)
}

/// Puts a test into the outbox and waits for its first attempt.
async fn test(
    api: &Api,
    user: User,
    channel: &'static str,
    recipient: String,
) -> Result<Tested, Problem> {
    let id = api
        .registry()
        .write(move |tx| enqueue_test(tx, &user, channel, &recipient))
        .await?
        .ok_or_else(|| Problem::not_found("message"))?;
    let waiting = async {
        loop {
            let row = api.registry().read(move |tx| outbox::get(tx, id)).await?;
            if let Some(row) = row.filter(|row| row.attempts > 0) {
                return Ok::<_, Problem>(row);
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    Ok(match tokio::time::timeout(api.config().delivery.test_patience, waiting).await {
        Ok(row) => {
            let row = row?;
            let state = match row.state {
                OutboxState::Sent => "sent",
                OutboxState::Waiting => "waiting",
                OutboxState::Failed => "failed",
            };
            Tested { state, error: row.last_error }
        }
        Err(_) => Tested { state: "waiting", error: None },
    })
}

fn enqueue_test(
    tx: &mut Tx,
    user: &User,
    channel: &str,
    recipient: &str,
) -> Result<Option<OutboxId>, RegistryError> {
    let organisation = organisations::get(tx, user.organisation)?;
    let point = usage_points::list_for_user(tx, user)?.into_iter().next();
    let message = Message {
        kind: Topic::Delivery(DeliveryTopic::Test),
        moment: Moment::Started,
        language: user
            .language
            .clone()
            .or_else(|| organisation.as_ref().map(|o| o.language.clone()))
            .unwrap_or_else(|| "pt-BR".to_owned()),
        name: user.name.clone(),
        usage_point: point
            .as_ref()
            .map(|point| point.name.clone())
            .or_else(|| organisation.map(|o| o.name))
            .unwrap_or_default(),
        currency: point.map_or("BRL", |point| point.currency.code()).to_owned(),
        values: std::collections::BTreeMap::new(),
    };
    let document = serde_json::to_value(&message)
        .map_err(|error| RegistryError::Invalid { field: "document", reason: error.to_string() })?;
    let new = NewMessage {
        organisation: user.organisation,
        channel: channel.to_owned(),
        recipient: recipient.to_owned(),
        document,
        idempotency_key: format!("test:{}", uuid::Uuid::now_v7()),
    };
    outbox::enqueue(tx, &new, corrente_clock::wall_clock())?;
    outbox::by_key(tx, &new.idempotency_key).map(|row| row.map(|row| row.id))
}
