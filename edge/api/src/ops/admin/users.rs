//! `GET`, `POST /admin/users`, `POST /admin/users/{id}/code`, `PUT /admin/users/{id}/disabled`.

use axum::{Json, extract::State};
use corrente_metering::id::UserId;
use corrente_registry::{
    admin, customers,
    users::{self, NewUser, Role, User},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Change;
use crate::{Api, Body, Operator, PathId, Problem};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_users, create_user))
        .routes(routes!(create_sign_in_code))
        .routes(routes!(set_user_disabled))
}

/// A user to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserRequest {
    /// Address to sign in with.
    email: String,
    /// Name.
    name: String,
    /// `customer`, `operator` or `admin`.
    role: String,
    /// The customer's number, for the role customer.
    customer: Option<String>,
    /// Language of the pages.
    language: Option<String>,
}

/// A user that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserMade {
    /// Its id.
    id: String,
    /// The one-time code with which the user chooses a password at `/claim/` and the code. It is shown
    /// this once and stored nowhere.
    code: String,
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserDocument {
    /// Its id.
    id: String,
    /// Address to sign in with.
    email: String,
    /// Name.
    name: String,
    /// `customer`, `operator` or `admin`.
    role: &'static str,
    /// The customer's id.
    customer: Option<String>,
    /// Has the user chosen a password?
    ready: bool,
    /// Is signing in refused?
    disabled: bool,
}

impl From<User> for UserDocument {
    fn from(found: User) -> Self {
        Self {
            id: found.id.to_string(),
            email: found.email,
            name: found.name,
            role: found.role.word(),
            customer: found.customer.map(|id| id.to_string()),
            ready: found.password_hash.is_some(),
            disabled: found.disabled.is_some(),
        }
    }
}

/// Users.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserList {
    /// By address.
    users: Vec<UserDocument>,
}

/// The organisation's users.
#[utoipa::path(
    get,
    path = "/admin/users",
    tag = "admin",
    responses((status = 200, body = UserList)),
    extensions(("x-access" = json!("operator"))),
)]
async fn list_users(
    State(api): State<Api>,
    Operator(caller): Operator,
) -> Result<Json<UserList>, Problem> {
    let organisation = caller.user.organisation;
    let found = api.registry().read(move |tx| users::list(tx, organisation)).await?;
    Ok(Json(UserList { users: found.into_iter().map(Into::into).collect() }))
}

/// Makes a user, and answers with a code with which the user chooses a password.
#[utoipa::path(
    post,
    path = "/admin/users",
    tag = "admin",
    request_body = UserRequest,
    responses((status = 201, body = UserMade)),
    extensions(("x-access" = json!("admin"))),
)]
async fn create_user(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<UserRequest>,
) -> Result<(StatusCode, Json<UserMade>), Problem> {
    let role = [Role::Customer, Role::Operator, Role::Admin]
        .into_iter()
        .find(|role| role.word() == given.role)
        .ok_or_else(|| {
            let detail = format!("`{}` is not customer, operator or admin.", given.role);
            Problem::field("role", detail)
        })?;
    let (id, code) = api
        .registry()
        .write(move |tx| {
            let customer = match &given.customer {
                Some(number) => {
                    let found = customers::by_number(tx, organisation, number)?;
                    let missing =
                        || Problem::field("customer", format!("There is no customer `{number}`."));
                    Some(found.ok_or_else(missing)?.id)
                }
                None => None,
            };
            let new = NewUser {
                organisation,
                customer,
                email: given.email.clone(),
                name: given.name.clone(),
                role,
                password_hash: None,
                language: given.language.clone(),
            };
            Ok::<_, Problem>(admin::create_user(tx, &by, &new)?)
        })
        .await?;
    let made = UserMade { id: id.to_string(), code: code.reveal().to_owned() };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Makes a new code for a user who forgot the password.
#[utoipa::path(
    post,
    path = "/admin/users/{id}/code",
    tag = "admin",
    params(("id" = String, Path, description = "The user's id")),
    responses((status = 201, body = UserMade)),
    extensions(("x-access" = json!("admin"))),
)]
async fn create_sign_in_code(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    PathId(id): PathId<UserId>,
) -> Result<(StatusCode, Json<UserMade>), Problem> {
    let code =
        api.registry().write(move |tx| admin::create_code(tx, &by, organisation, id)).await?;
    let made = UserMade { id: id.to_string(), code: code.reveal().to_owned() };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Whether a user is refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Disabled {
    /// Is signing in refused?
    disabled: bool,
}

/// Refuses a user from now on, or lets the user in again. The user's sessions end.
#[utoipa::path(
    put,
    path = "/admin/users/{id}/disabled",
    tag = "admin",
    params(("id" = String, Path, description = "The user's id")),
    request_body = Disabled,
    responses((status = 204, description = "Done")),
    extensions(("x-access" = json!("admin"))),
)]
async fn set_user_disabled(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    PathId(id): PathId<UserId>,
    Body(given): Body<Disabled>,
) -> Result<StatusCode, Problem> {
    api.registry()
        .write(move |tx| admin::set_user_disabled(tx, &by, organisation, id, given.disabled))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
