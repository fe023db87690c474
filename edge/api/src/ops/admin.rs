//! Operations with which a town is set up, under `/admin`. Operators read, administrators change, and
//! every change is a line of the audit log.

mod agreements;
mod audit;
mod billing_rules;
mod billing_runs;
mod customers;
mod findings;
mod import;
mod meter_life;
mod meter_places;
mod meters;
mod organisation;
mod outbox;
mod parents;
mod prices;
mod readings;
mod rejected_readings;
mod rule_sets;
mod tariffs;
mod tokens;
mod usage_points;
mod users;

use axum::extract::FromRequestParts;
use corrente_metering::id::OrganisationId;
use corrente_registry::admin::By;
use http::request::Parts;
use utoipa_axum::router::OpenApiRouter;

use crate::{Admin, Api, CurrentUser, Operator, Problem, auth};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(organisation::routes())
        .merge(customers::routes())
        .merge(usage_points::routes())
        .merge(meters::routes())
        .merge(meter_life::routes())
        .merge(meter_places::routes())
        .merge(rule_sets::routes())
        .merge(parents::routes())
        .merge(tariffs::routes())
        .merge(agreements::routes())
        .merge(tokens::routes())
        .merge(users::routes())
        .merge(rejected_readings::routes())
        .merge(import::routes())
        .merge(readings::routes())
        .merge(findings::routes())
        .merge(billing_runs::routes())
        .merge(prices::routes())
        .merge(billing_rules::routes())
        .merge(audit::routes())
        .merge(outbox::routes())
}

/// An administrator who changes something, as the audit log tells it.
pub(crate) struct Change {
    pub(crate) by: By,
    pub(crate) organisation: OrganisationId,
}

impl FromRequestParts<Api> for Change {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let Admin(caller) = Admin::from_request_parts(parts, api).await?;
        let by = by(&caller, parts, api);
        Ok(Self { by, organisation: caller.user.organisation })
    }
}

/// An operator who does a day's work, as the audit log tells it.
struct Clerk {
    by: By,
    organisation: OrganisationId,
}

impl FromRequestParts<Api> for Clerk {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let Operator(caller) = Operator::from_request_parts(parts, api).await?;
        let by = by(&caller, parts, api);
        Ok(Self { by, organisation: caller.user.organisation })
    }
}

fn by(caller: &CurrentUser, parts: &Parts, api: &Api) -> By {
    By {
        actor: caller.identity.actor(),
        business: api.clock().now(),
        real: corrente_clock::wall_clock(),
        address: auth::peer(&parts.extensions).map(|address| address.to_string()),
        reason: None,
    }
}
