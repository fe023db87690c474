//! `GET` and `POST /admin/usage-points`, `POST /admin/usage-points/power-limit`.

use axum::{Json, extract::State};
use corrente_registry::{
    RegistryError, admin, customers, organisations,
    usage_points::{self, NewUsagePoint, Terms, UsagePoint},
};
use corrente_units::Currency;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Change;
use crate::{Api, Body, Operator, Problem};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_usage_points, create_usage_point))
        .routes(routes!(set_power_limit))
        .routes(routes!(set_terms))
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
    /// What the connection carries in W, where that is known.
    power_max_w: Option<i64>,
    /// The regime of credits for energy that it feeds in, in the tariff's word: `gd2`.
    credit_regime: Option<String>,
    /// Contracted demand in kW, a decimal.
    contracted_kw: Option<String>,
    /// Meters that a charge per meter counts; 1 when left out.
    meters: Option<u32>,
}

/// What a tariff may ask of a usage point; what is left out is taken away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TermsRequest {
    /// The recorded name.
    usage_point: String,
    /// The regime of credits for energy that it feeds in, in the tariff's word: `gd2`.
    credit_regime: Option<String>,
    /// Contracted demand in kW, a decimal.
    contracted_kw: Option<String>,
    /// Meters that a charge per meter counts; 1 when left out.
    meters: Option<u32>,
}

fn terms(
    credit_regime: Option<&String>,
    contracted_kw: Option<&String>,
    meters: Option<u32>,
) -> Result<Terms, Problem> {
    let contracted_kw = contracted_kw.map(|text| text.parse()).transpose().map_err(|_| {
        Problem::field("contracted_kw", "It is no number of kW such as 30 or 12.5.")
    })?;
    Ok(Terms { credit_regime: credit_regime.cloned(), contracted_kw, meters })
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
    /// What the connection carries in W, where that is known.
    power_max_w: Option<i64>,
    /// Does the prototype's protocol feed it?
    lab: bool,
    /// The round on which it is read and billed.
    route: Option<String>,
    /// The regime of credits for energy that it feeds in, in the tariff's word: `gd2`.
    credit_regime: Option<String>,
    /// Contracted demand in kW, a decimal.
    contracted_kw: Option<String>,
    /// Meters that a charge per meter counts; 1 when left out.
    meters: Option<u32>,
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
            power_max_w: found.power_max_w,
            lab: found.lab,
            route: found.route,
            credit_regime: found.credit_regime,
            contracted_kw: found.contracted_kw.map(|kw| kw.to_string()),
            meters: found.meters,
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
    let terms = terms(given.credit_regime.as_ref(), given.contracted_kw.as_ref(), given.meters)?;
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
            new.power_max_w = given.power_max_w;
            new.terms = terms.clone();
            let id = admin::create_usage_point(tx, &by, &new)?;
            Ok::<_, Problem>(usage_points::get(tx, id)?.ok_or(RegistryError::Reference)?)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// What a connection carries.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PowerLimit {
    /// The usage point's recorded name.
    usage_point: String,
    /// In W; `null` where nobody knows.
    #[schema(required)]
    power_max_w: Option<i64>,
}

/// Says what a connection carries: more than that is not believed. Days that were validated are looked
/// at again.
#[utoipa::path(
    post,
    path = "/admin/usage-points/power-limit",
    tag = "admin",
    request_body = PowerLimit,
    responses((status = 204, description = "It holds for all days")),
    extensions(("x-access" = json!("admin"))),
)]
async fn set_power_limit(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<PowerLimit>,
) -> Result<StatusCode, Problem> {
    api.registry()
        .write(move |tx| {
            let limit = given.power_max_w;
            admin::set_power_limit(tx, &by, organisation, &given.usage_point, limit)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says what a tariff may ask of a usage point: regime of credits, contracted power, meters. Bills that were
/// issued keep what they were made from.
#[utoipa::path(
    put,
    path = "/admin/usage-points/terms",
    tag = "admin",
    request_body = TermsRequest,
    responses((status = 200, body = UsagePointDocument)),
    extensions(("x-access" = json!("admin"))),
)]
async fn set_terms(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<TermsRequest>,
) -> Result<Json<UsagePointDocument>, Problem> {
    let terms = terms(given.credit_regime.as_ref(), given.contracted_kw.as_ref(), given.meters)?;
    let changed = api
        .registry()
        .write(move |tx| {
            let id = admin::set_terms(tx, &by, organisation, &given.usage_point, &terms)?;
            Ok::<_, Problem>(usage_points::get(tx, id)?.ok_or(RegistryError::Reference)?)
        })
        .await?;
    Ok(Json(changed.into()))
}
