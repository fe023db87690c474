//! `/admin/billing-rules`: how long a period may be, how long there is to pay.

use axum::{Json, extract::State};
use corrente_mdm::BillingRules;
use corrente_registry::audit;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Change;
use crate::{Api, Body, Operator, Problem};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get_billing_rules, set_billing_rules))
}

/// What an organisation decides about its bills.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BillingRulesDocument {
    /// A whole period has so many days at least.
    fewest_days: i64,
    /// And so many at most.
    most_days: i64,
    /// A bill that ended longer ago is not continued.
    continues_days: i64,
    /// Calendar days from issue to the last day of payment.
    days_to_pay: i64,
    /// The number of the issuer's state (IBGE: 29 is Bahia), for the preview of the key of an NF3e on the
    /// document; null prints none.
    nf3e_state: Option<String>,
}

impl From<BillingRules> for BillingRulesDocument {
    fn from(rules: BillingRules) -> Self {
        Self {
            fewest_days: rules.fewest_days,
            most_days: rules.most_days,
            continues_days: rules.continues_days,
            days_to_pay: rules.days_to_pay,
            nf3e_state: rules.nf3e_state,
        }
    }
}

/// The rules of the organisation's bills.
#[utoipa::path(
    get,
    path = "/admin/billing-rules",
    tag = "admin",
    responses((status = 200, body = BillingRulesDocument)),
    extensions(("x-access" = json!("operator"))),
)]
async fn get_billing_rules(
    State(api): State<Api>,
    Operator(caller): Operator,
) -> Result<Json<BillingRulesDocument>, Problem> {
    let organisation = caller.user.organisation;
    let rules = api.mdm().run(move |mdm| mdm.billing_rules(organisation)).await?;
    Ok(Json(rules.into()))
}

/// Decides the rules of the organisation's bills; what was issued keeps its dates.
#[utoipa::path(
    put,
    path = "/admin/billing-rules",
    tag = "admin",
    request_body = BillingRulesDocument,
    responses((status = 200, body = BillingRulesDocument)),
    extensions(("x-access" = json!("admin"))),
)]
async fn set_billing_rules(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<BillingRulesDocument>,
) -> Result<Json<BillingRulesDocument>, Problem> {
    let rules = BillingRules {
        fewest_days: given.fewest_days,
        most_days: given.most_days,
        continues_days: given.continues_days,
        days_to_pay: given.days_to_pay,
        nf3e_state: given.nf3e_state,
    };
    let decided = rules.clone();
    let before = api
        .mdm()
        .run(move |mdm| {
            let before = mdm.billing_rules(organisation)?;
            mdm.set_billing_rules(organisation, decided)?;
            Ok(before)
        })
        .await?;
    let (before, after) = (serde_json::to_value(before).ok(), serde_json::to_value(&rules).ok());
    api.registry()
        .write(move |tx| {
            audit::write(
                tx,
                &audit::NewEntry {
                    organisation,
                    actor: &by.actor,
                    business: by.business,
                    real: by.real,
                    action: "billing_rules.change",
                    subject: &format!("organisation:{organisation}"),
                    before: before.clone(),
                    after: after.clone(),
                    reason: by.reason.as_deref(),
                    address: by.address.as_deref(),
                },
            )
        })
        .await?;
    Ok(Json(rules.into()))
}
