//! `GET` and `PUT /admin/organisation`.

use axum::{Json, extract::State};
use corrente_registry::{
    RegistryError, admin,
    organisations::{self, NewOrganisation, Organisation},
};
use corrente_units::Currency;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Change;
use crate::{Api, Body, Operator, Problem};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get_organisation, put_organisation))
}

/// An organisation: who serves, and whom invoices are paid to.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrganisationDocument {
    /// Its name.
    name: String,
    /// Tax number, on invoices.
    document: Option<String>,
    /// Postal address, on invoices.
    address: Option<String>,
    /// Municipality of new usage points.
    municipality: Option<String>,
    /// IANA zone of new usage points.
    zone: String,
    /// ISO 4217, of new usage points.
    currency: String,
    /// Language of messages to people who chose none.
    language: String,
    /// PIX key.
    pix_key: Option<String>,
    /// Payee's name in the PIX code.
    pix_payee: Option<String>,
    /// Payee's city in the PIX code.
    pix_city: Option<String>,
}

impl From<Organisation> for OrganisationDocument {
    fn from(found: Organisation) -> Self {
        Self {
            name: found.name,
            document: found.document,
            address: found.address,
            municipality: found.municipality,
            zone: found.zone,
            currency: found.currency.code().to_owned(),
            language: found.language,
            pix_key: found.pix_key,
            pix_payee: found.pix_payee,
            pix_city: found.pix_city,
        }
    }
}

impl TryFrom<OrganisationDocument> for NewOrganisation {
    type Error = Problem;

    fn try_from(given: OrganisationDocument) -> Result<Self, Problem> {
        let currency: Currency =
            given.currency.parse().map_err(|error: corrente_units::UnknownCurrency| {
                Problem::field("currency", error.to_string())
            })?;
        Ok(Self {
            name: given.name,
            document: given.document,
            address: given.address,
            municipality: given.municipality,
            zone: given.zone,
            currency,
            language: given.language,
            pix_key: given.pix_key,
            pix_payee: given.pix_payee,
            pix_city: given.pix_city,
        })
    }
}

/// The caller's organisation.
#[utoipa::path(
    get,
    path = "/admin/organisation",
    tag = "admin",
    responses((status = 200, body = OrganisationDocument)),
    extensions(("x-access" = json!("operator"))),
)]
async fn get_organisation(
    State(api): State<Api>,
    Operator(caller): Operator,
) -> Result<Json<OrganisationDocument>, Problem> {
    let id = caller.user.organisation;
    let found = api
        .registry()
        .read(move |tx| organisations::get(tx, id)?.ok_or(RegistryError::Reference))
        .await?;
    Ok(Json(found.into()))
}

/// Changes the caller's organisation. Usage points keep the zone and currency that they have.
#[utoipa::path(
    put,
    path = "/admin/organisation",
    tag = "admin",
    request_body = OrganisationDocument,
    responses((status = 200, body = OrganisationDocument)),
    extensions(("x-access" = json!("admin"))),
)]
async fn put_organisation(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<OrganisationDocument>,
) -> Result<Json<OrganisationDocument>, Problem> {
    let new: NewOrganisation = given.try_into()?;
    let found = api
        .registry()
        .write(move |tx| {
            admin::change_organisation(tx, &by, organisation, &new)?;
            organisations::get(tx, organisation)?.ok_or(RegistryError::Reference)
        })
        .await?;
    Ok(Json(found.into()))
}
