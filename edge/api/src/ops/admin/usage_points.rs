//! `GET` and `POST /admin/usage-points`.

use axum::{Json, extract::State};
use corrente_registry::{
    RegistryError, admin, customers, organisations,
    usage_points::{self, NewUsagePoint, UsagePoint},
};
use corrente_units::Currency;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Change;
use crate::{Api, Body, Operator, Problem};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list_usage_points, create_usage_point))
}

/// A usage point to make; what is left out comes from the organisation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UsagePointRequest {
    /// The recorded name, unique in the organisation.
    name: String,
    /// The customer's number.
    customer: Option<String>,
    /// Postal address.
    address: Option<String>,
    /// Municipality.
    municipality: Option<String>,
    /// IANA zone.
    zone: Option<String>,
    /// ISO 4217.
    currency: Option<String>,
    /// Class of consumer; `residential` when left out.
    class: Option<String>,
    /// 1, 2 or 3; 1 when left out.
    phases: Option<u8>,
}

/// A usage point.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsagePointDocument {
    /// Its id.
    id: String,
    /// The recorded name.
    name: String,
    /// The customer's id.
    customer: Option<String>,
    /// Postal address.
    address: Option<String>,
    /// Municipality.
    municipality: Option<String>,
    /// IANA zone.
    zone: String,
    /// ISO 4217.
    currency: &'static str,
    /// Class of consumer.
    class: String,
    /// 1, 2 or 3.
    phases: u8,
    /// Does the prototype's protocol feed it?
    lab: bool,
}

impl From<UsagePoint> for UsagePointDocument {
    fn from(found: UsagePoint) -> Self {
        Self {
            id: found.id.to_string(),
            name: found.name,
            customer: found.customer.map(|id| id.to_string()),
            address: found.address,
            municipality: found.municipality,
            zone: found.zone,
            currency: found.currency.code(),
            class: found.class,
            phases: found.phases,
            lab: found.lab,
        }
    }
}

/// Usage points.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsagePointList {
    /// By name.
    usage_points: Vec<UsagePointDocument>,
}

/// The organisation's usage points.
#[utoipa::path(
    get,
    path = "/admin/usage-points",
    tag = "admin",
    responses((status = 200, body = UsagePointList)),
    extensions(("x-access" = json!("operator"))),
)]
async fn list_usage_points(
    State(api): State<Api>,
    Operator(caller): Operator,
) -> Result<Json<UsagePointList>, Problem> {
    let organisation = caller.user.organisation;
    let found = api.registry().read(move |tx| usage_points::list_all(tx, organisation)).await?;
    Ok(Json(UsagePointList { usage_points: found.into_iter().map(Into::into).collect() }))
}

/// Makes a usage point.
#[utoipa::path(
    post,
    path = "/admin/usage-points",
    tag = "admin",
    request_body = UsagePointRequest,
    responses((status = 201, body = UsagePointDocument)),
    extensions(("x-access" = json!("admin"))),
)]
async fn create_usage_point(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<UsagePointRequest>,
) -> Result<(StatusCode, Json<UsagePointDocument>), Problem> {
    let currency: Option<Currency> =
        given.currency.as_deref().map(str::parse).transpose().map_err(
            |error: corrente_units::UnknownCurrency| Problem::field("currency", error.to_string()),
        )?;
    let made = api
        .registry()
        .write(move |tx| {
            let organisation =
                organisations::get(tx, organisation)?.ok_or(RegistryError::Reference)?;
            let mut new = NewUsagePoint::named(&organisation, &given.name);
            if let Some(number) = &given.customer {
                let customer =
                    customers::by_number(tx, organisation.id, number)?.ok_or_else(|| {
                        Problem::field("customer", format!("There is no customer `{number}`."))
                    })?;
                new.customer = Some(customer.id);
            }
            new.address.clone_from(&given.address);
            new.municipality = given.municipality.clone().or(new.municipality);
            new.zone = given.zone.clone().unwrap_or(new.zone);
            new.currency = currency.unwrap_or(new.currency);
            new.class = given.class.clone().unwrap_or(new.class);
            new.phases = given.phases.unwrap_or(new.phases);
            let id = admin::create_usage_point(tx, &by, &new)?;
            Ok::<_, Problem>(usage_points::get(tx, id)?.ok_or(RegistryError::Reference)?)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}
