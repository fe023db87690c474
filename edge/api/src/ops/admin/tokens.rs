//! `GET`, `POST /admin/enrolment-tokens`, `DELETE /admin/enrolment-tokens/{id}`.

use axum::{Json, extract::State};
use corrente_metering::id::EnrolmentTokenId;
use corrente_registry::{
    admin, customers,
    enrolment::{self, EnrolmentToken, NewToken},
    tariffs, usage_points,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Change;
use crate::{Api, Body, Operator, PathId, Problem};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_enrolment_tokens, create_enrolment_token))
        .routes(routes!(revoke_enrolment_token))
}

/// An enrolment token to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenRequest {
    /// What it is for.
    label: String,
    /// Recorded name of the one usage point that it is for; else one is made for each meter.
    usage_point: Option<String>,
    /// Number of the customer who gets the usage points that are made.
    customer: Option<String>,
    /// Code of the tariff of the usage points that are made.
    tariff: Option<String>,
    /// How many meters; 1 when left out.
    uses: Option<i64>,
    /// May a serial that came in by it come in again, and get a new secret? For simulated fleets.
    #[serde(default)]
    again: bool,
    /// Days until it expires; 30 when left out.
    days: Option<i64>,
}

/// An enrolment token that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenMade {
    /// Its id.
    id: String,
    /// Its text. It is shown this once and stored nowhere.
    token: String,
}

/// An enrolment token, without its text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenDocument {
    /// Its id.
    id: String,
    /// What it is for.
    label: String,
    /// How many more meters; null means without limit.
    uses_left: Option<i64>,
    /// Until when; null means without end.
    expires: Option<String>,
    /// Is it refused?
    revoked: bool,
}

impl From<EnrolmentToken> for TokenDocument {
    fn from(found: EnrolmentToken) -> Self {
        Self {
            id: found.id.to_string(),
            label: found.label,
            uses_left: found.uses_left,
            expires: found.expires.map(|t| t.to_string()),
            revoked: found.revoked.is_some(),
        }
    }
}

/// Enrolment tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenList {
    /// The oldest first.
    tokens: Vec<TokenDocument>,
}

/// The organisation's enrolment tokens.
#[utoipa::path(
    get,
    path = "/admin/enrolment-tokens",
    tag = "admin",
    responses((status = 200, body = TokenList)),
    extensions(("x-access" = json!("operator"))),
)]
async fn list_enrolment_tokens(
    State(api): State<Api>,
    Operator(caller): Operator,
) -> Result<Json<TokenList>, Problem> {
    let organisation = caller.user.organisation;
    let found = api.registry().read(move |tx| enrolment::list(tx, organisation)).await?;
    Ok(Json(TokenList { tokens: found.into_iter().map(Into::into).collect() }))
}

/// Makes an enrolment token, and answers with its text.
#[utoipa::path(
    post,
    path = "/admin/enrolment-tokens",
    tag = "admin",
    request_body = TokenRequest,
    responses((status = 201, body = TokenMade)),
    extensions(("x-access" = json!("admin"))),
)]
async fn create_enrolment_token(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<TokenRequest>,
) -> Result<(StatusCode, Json<TokenMade>), Problem> {
    let (uses, days) = (given.uses.unwrap_or(1), given.days.unwrap_or(30));
    if uses < 1 {
        return Err(Problem::field("uses", "It must be 1 or more."));
    }
    if !(1..=3650).contains(&days) {
        return Err(Problem::field("days", "It must be 1 to 3650."));
    }
    let (id, secret) = api
        .registry()
        .write(move |tx| {
            let missing = |field: &'static str, name: &str| {
                Problem::field(field, format!("There is none named `{name}`."))
            };
            let mut new = NewToken {
                uses: Some(uses),
                again: given.again,
                expires: Some(by.business.plus(days * 86_400)),
                ..NewToken::open(organisation, &given.label)
            };
            if let Some(name) = &given.usage_point {
                let found = usage_points::by_name(tx, organisation, name)?;
                new.usage_point = Some(found.ok_or_else(|| missing("usage_point", name))?.id);
            }
            if let Some(number) = &given.customer {
                let found = customers::by_number(tx, organisation, number)?;
                new.customer = Some(found.ok_or_else(|| missing("customer", number))?.id);
            }
            if let Some(code) = &given.tariff {
                let found = tariffs::by_name(tx, organisation, code)?;
                new.tariff = Some(found.ok_or_else(|| missing("tariff", code))?.id);
            }
            Ok::<_, Problem>(admin::create_token(tx, &by, &new)?)
        })
        .await?;
    let made = TokenMade { id: id.to_string(), token: secret.reveal().to_owned() };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Refuses an enrolment token from now on. Meters that came in by it stay.
#[utoipa::path(
    delete,
    path = "/admin/enrolment-tokens/{id}",
    tag = "admin",
    params(("id" = String, Path, description = "The token's id")),
    responses((status = 204, description = "It is refused from now on")),
    extensions(("x-access" = json!("admin"))),
)]
async fn revoke_enrolment_token(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    PathId(id): PathId<EnrolmentTokenId>,
) -> Result<StatusCode, Problem> {
    api.registry().write(move |tx| admin::revoke_token(tx, &by, organisation, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
