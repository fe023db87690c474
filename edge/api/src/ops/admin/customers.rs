//! `GET` and `POST /admin/customers`.

use axum::{Json, extract::State};
use corrente_registry::{
    RegistryError, admin,
    customers::{self, Customer, NewCustomer},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Change;
use crate::{Api, Body, Operator, Problem};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list_customers, create_customer))
}

/// A customer to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomerRequest {
    /// The utility's own number, unique in the organisation.
    number: String,
    /// Name.
    name: String,
    /// Tax number.
    document: Option<String>,
    /// Where messages go.
    email: Option<String>,
    /// Telephone.
    phone: Option<String>,
    /// Where bills go.
    address: Option<String>,
    /// Language of messages.
    language: Option<String>,
}

/// A customer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomerDocument {
    /// Its id.
    id: String,
    /// The utility's own number.
    number: String,
    /// Name.
    name: String,
    /// Tax number.
    document: Option<String>,
    /// Where messages go.
    email: Option<String>,
    /// Telephone.
    phone: Option<String>,
    /// Where bills go.
    address: Option<String>,
    /// Language of messages.
    language: Option<String>,
}

impl From<Customer> for CustomerDocument {
    fn from(found: Customer) -> Self {
        Self {
            id: found.id.to_string(),
            number: found.number,
            name: found.name,
            document: found.document,
            email: found.email,
            phone: found.phone,
            address: found.address,
            language: found.language,
        }
    }
}

/// Customers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomerList {
    /// By name.
    customers: Vec<CustomerDocument>,
}

/// The organisation's customers.
#[utoipa::path(
    get,
    path = "/admin/customers",
    tag = "admin",
    responses((status = 200, body = CustomerList)),
    extensions(("x-access" = json!("operator"))),
)]
async fn list_customers(
    State(api): State<Api>,
    Operator(caller): Operator,
) -> Result<Json<CustomerList>, Problem> {
    let organisation = caller.user.organisation;
    let found = api.registry().read(move |tx| customers::list(tx, organisation)).await?;
    Ok(Json(CustomerList { customers: found.into_iter().map(Into::into).collect() }))
}

/// Makes a customer.
#[utoipa::path(
    post,
    path = "/admin/customers",
    tag = "admin",
    request_body = CustomerRequest,
    responses((status = 201, body = CustomerDocument)),
    extensions(("x-access" = json!("admin"))),
)]
async fn create_customer(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<CustomerRequest>,
) -> Result<(StatusCode, Json<CustomerDocument>), Problem> {
    let new = NewCustomer {
        organisation,
        number: given.number,
        name: given.name,
        document: given.document,
        email: given.email,
        phone: given.phone,
        address: given.address,
        language: given.language,
    };
    let made = api
        .registry()
        .write(move |tx| {
            let id = admin::create_customer(tx, &by, &new)?;
            customers::get(tx, id)?.ok_or(RegistryError::Reference)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}
