//! Signing in and out: `POST`, `DELETE /session`, `POST /session/lab`, `POST /claim`.

use std::net::IpAddr;

use axum::{
    Json,
    extract::{Request, State},
    response::{AppendHeaders, IntoResponse, Response},
};
use corrente_lab::Lab;
use corrente_registry::{
    codes, lab, passwords,
    sessions::{self, NewSession, Owner},
    users::{self, Role, User},
};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::me::{self, Me};
use crate::{
    Api, Body, Code, Identity, Params, Problem, Viewer,
    auth::{
        self, CUSTOMER_SECONDS, OPERATOR_SECONDS, attempts,
        cookie::{self, Transport},
    },
};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(sign_in, sign_out))
        .routes(routes!(sign_in_lab))
        .routes(routes!(claim))
}

/// Where a request came from.
struct Client {
    transport: Transport,
    address: Option<IpAddr>,
    agent: Option<String>,
}

impl Client {
    fn of(api: &Api, request: &Request) -> Self {
        let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        Self {
            transport: cookie::transport(
                api.config(),
                request.extensions(),
                request.uri(),
                request.headers(),
            ),
            address: auth::peer(request.extensions()),
            agent: agent.map(|agent| agent.chars().take(200).collect()),
        }
    }
}

/// An account's address and password.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Credentials {
    /// The account's address.
    email: String,
    /// Its password.
    password: String,
}

/// Signs in. Whether the address or the password was wrong is not told.
#[utoipa::path(
    post,
    path = "/session",
    tag = "session",
    request_body = Credentials,
    responses((status = 200, description = "Signed in; the cookie is set", body = Me)),
    extensions(("x-access" = json!("public"))),
)]
async fn sign_in(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let client = Client::of(&api, &request);
    let old = cookie_of(request.headers());
    let Body(credentials) =
        <Body<Credentials> as axum::extract::FromRequest<()>>::from_request(request, &()).await?;
    refuse_plain(&client)?;
    let user = check_password(&api, &credentials, client.address).await?;
    begin_for(&api, user, &client, old).await
}

/// Looks at the password, after counting the attempt.
async fn check_password(
    api: &Api,
    credentials: &Credentials,
    address: Option<IpAddr>,
) -> Result<User, Problem> {
    let now = corrente_clock::wall_clock();
    let email = credentials.email.clone();
    let (admitted, user) = api
        .registry()
        .write(move |tx| {
            let admitted = attempts::begin(tx, &email, address, now)?;
            Ok::<_, Problem>((admitted, users::by_email(tx, &email)?))
        })
        .await?;
    if !admitted {
        let detail = "Too many attempts to sign in. Wait a quarter of an hour.";
        return Err(
            Problem::new(Code::TooManyAttempts, detail).retry_after(attempts::WINDOW_SECONDS)
        );
    }
    let hash = user.as_ref().and_then(|user| user.password_hash.clone());
    let password = credentials.password.clone();
    let right = {
        let _turn = api.hashing().acquire().await.map_err(|error| Problem::internal(&error))?;
        tokio::task::spawn_blocking(move || passwords::verify(&password, hash.as_deref())).await?
    };
    let user = user
        .filter(|user| right && user.disabled.is_none())
        .ok_or_else(|| Problem::new(Code::WrongCredentials, "Address or password is wrong."))?;
    let email = credentials.email.clone();
    api.registry().write(move |tx| attempts::succeeded(tx, &email, address)).await?;
    Ok(user)
}

/// Ends the session that the browser had, begins one, and answers with it.
async fn begin_for(
    api: &Api,
    user: User,
    client: &Client,
    old: Option<String>,
) -> Result<Response, Problem> {
    let lifetime_seconds = match user.role {
        Role::Customer => CUSTOMER_SECONDS,
        Role::Operator | Role::Admin => OPERATOR_SECONDS,
    };
    begin(api, user.organisation, Owner::User(user.id), lifetime_seconds, client, old).await
}

async fn begin(
    api: &Api,
    organisation: corrente_metering::id::OrganisationId,
    owner: Owner,
    lifetime_seconds: i64,
    client: &Client,
    old: Option<String>,
) -> Result<Response, Problem> {
    let now = corrente_clock::wall_clock();
    let address = client.address.map(|address| address.to_string());
    let agent = client.agent.clone();
    let (secret, identity) = api
        .registry()
        .write(move |tx| {
            if let Some(old) = &old {
                sessions::end(tx, &corrente_registry::secrets::hash(old))?;
            }
            let new = NewSession {
                organisation,
                owner,
                address: address.as_deref(),
                agent: agent.as_deref(),
                lifetime_seconds,
            };
            let secret = sessions::create(tx, &new, now)?;
            let identity = auth::by_session(tx, secret.reveal(), now)?;
            Ok::<_, Problem>((secret, identity))
        })
        .await?;
    let identity = identity.ok_or_else(|| Problem::new(Code::SignedOut, "Sign in again."))?;
    let mut cookies = Vec::new();
    cookies.extend(cookie::begin(secret.reveal(), client.transport));
    if let Identity::User { user, .. } = &identity {
        cookies.extend(me::preference_cookies(user));
    }
    let cookies = AppendHeaders(cookies.into_iter().map(|value| (header::SET_COOKIE, value)));
    Ok((cookies, Json(me::describe(api, identity).await?)).into_response())
}

fn cookie_of(headers: &HeaderMap) -> Option<String> {
    cookie::named(headers, "__Host-sid").or_else(|| cookie::named(headers, "sid"))
}

fn refuse_plain(client: &Client) -> Result<(), Problem> {
    if client.transport == Transport::Refused {
        return Err(Problem::new(
            Code::InsecureTransport,
            "Sessions travel encrypted only: use https, or start the server with --insecure-http.",
        ));
    }
    Ok(())
}

/// A measurer's number.
#[derive(Deserialize, ToSchema)]
pub(crate) struct LabIdentification {
    /// The number, as the prototype's page asks for it.
    id: String,
}

/// Opens a session that sees one lab meter and nothing else. Only in lab mode, and only from where lab
/// mode is allowed.
#[utoipa::path(
    post,
    path = "/session/lab",
    tag = "session",
    request_body = LabIdentification,
    responses(
        (status = 200, description = "The cookie is set", body = Me),
        (status = 404, description = "No measurer of this number has sent anything"),
    ),
    extensions(("x-access" = json!("public"))),
)]
async fn sign_in_lab(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let client = Client::of(&api, &request);
    let old = cookie_of(request.headers());
    let Body(given) =
        <Body<LabIdentification> as axum::extract::FromRequest<()>>::from_request(request, &())
            .await?;
    let allowed = |lab: &Lab| client.address.is_some_and(|address| lab.allows(address));
    if !api.lab().is_some_and(allowed) {
        return Err(Problem::not_found("lab mode"));
    }
    refuse_plain(&client)?;
    let id = given.id.trim().to_owned();
    let meter = api
        .registry()
        .read(move |tx| {
            let spoke = lab::last(tx, &id)?.is_some();
            Ok::<_, Problem>(lab::find(tx, &id)?.filter(|_| spoke))
        })
        .await?
        .ok_or_else(|| {
            Problem::new(
                Code::UnknownMeasurer,
                "Non-existent identification. Confirm that this meter exists.",
            )
        })?;
    let owner = Owner::Lab(meter.usage_point);
    begin(&api, meter.organisation, owner, CUSTOMER_SECONDS, &client, old).await
}

/// Which sessions to end.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct SignOut {
    /// All sessions of this user, on every device?
    #[serde(default)]
    all: bool,
}

/// Signs out. Signing out twice is no mistake.
#[utoipa::path(
    delete,
    path = "/session",
    tag = "session",
    params(("all" = Option<bool>, Query, description = "All sessions of this user, on every device?")),
    responses((status = 204, description = "Signed out")),
    extensions(("x-access" = json!("public"))),
)]
async fn sign_out(
    State(api): State<Api>,
    Params(ask): Params<SignOut>,
    viewer: Result<Viewer, Problem>,
) -> Result<Response, Problem> {
    match viewer {
        Ok(Viewer(
            Identity::User { session: Some(session), .. } | Identity::Lab { session, .. },
        )) => {
            api.registry()
                .write(move |tx| match (ask.all, session.user) {
                    (true, Some(user)) => sessions::end_all(tx, user).map(|_| ()),
                    _ => sessions::end(tx, &session.id),
                })
                .await?;
        }
        Ok(Viewer(Identity::User { session: None, .. })) => {
            return Err(Problem::new(
                Code::Forbidden,
                "A token has no session: revoke the token instead.",
            ));
        }
        Err(problem) if problem.code() == Code::SignedOut => {}
        Err(problem) => return Err(problem),
    }
    let cookies = AppendHeaders(cookie::end().map(|value| (header::SET_COOKIE, value)));
    Ok((StatusCode::NO_CONTENT, cookies).into_response())
}

/// A one-time code and the password that is chosen with it.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Claim {
    /// The code, from a letter or a link.
    code: String,
    /// The new password.
    password: String,
}

/// Chooses a password with a one-time code, and signs in.
#[utoipa::path(
    post,
    path = "/claim",
    tag = "session",
    request_body = Claim,
    responses((status = 200, description = "Signed in; the cookie is set", body = Me)),
    extensions(("x-access" = json!("public"))),
)]
async fn claim(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let client = Client::of(&api, &request);
    let old = cookie_of(request.headers());
    let Body(given) =
        <Body<Claim> as axum::extract::FromRequest<()>>::from_request(request, &()).await?;
    refuse_plain(&client)?;
    let now = corrente_clock::wall_clock();
    let invalid = || {
        Problem::new(Code::InvalidCode, "The code is unknown, used or expired: ask for a new one.")
    };
    let code = given.code.trim().to_owned();
    // Nobody may keep the server hashing without a code.
    let known = {
        let code = code.clone();
        api.registry().read(move |tx| codes::find(tx, &code, now)).await?
    };
    known.ok_or_else(invalid)?;
    let hash = hash_password(&api, given.password).await?;
    let user = api
        .registry()
        .write(move |tx| codes::redeem(tx, &code, &hash, now))
        .await?
        .ok_or_else(invalid)?;
    begin_for(&api, user, &client, old).await
}

/// Hashes a password, a few at a time and outside the async runtime's threads.
pub(crate) async fn hash_password(api: &Api, password: String) -> Result<String, Problem> {
    let _turn = api.hashing().acquire().await.map_err(|error| Problem::internal(&error))?;
    Ok(tokio::task::spawn_blocking(move || passwords::hash(&password)).await??)
}
