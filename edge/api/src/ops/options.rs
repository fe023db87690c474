//! `GET /options`: what a page needs to know before anyone has signed in.

use axum::{Json, extract::State};
use corrente_registry::users;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Api, DemoAccount, Problem};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get_options))
}

/// What a page needs to know before anyone has signed in.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own to the page")]
pub(crate) struct Options {
    /// Names this build; a page that was loaded from another one offers to reload.
    build: String,
    /// Is this the demo?
    demo: bool,
    /// Is lab mode on? Then nothing that its meters send is authenticated.
    lab: bool,
    /// Do sessions travel without encryption?
    insecure: bool,
    /// Has nobody chosen the first administrator's password yet? The link for it is on the terminal
    /// where the server was started.
    first_steps: bool,
    /// Accounts to try; empty outside the demo.
    demo_accounts: Vec<DemoAccount>,
    /// Business seconds per real second: 1 but in simulations.
    time_factor: u32,
}

/// What the sign-in page needs.
#[utoipa::path(
    get,
    path = "/options",
    tag = "server",
    responses((status = 200, body = Options)),
    extensions(("x-access" = json!("public"))),
)]
async fn get_options(State(api): State<Api>) -> Result<Json<Options>, Problem> {
    let config = api.config();
    let first_steps = !config.demo && !api.registry().read(users::has_administrator).await?;
    Ok(Json(Options {
        build: config.build.clone(),
        demo: config.demo,
        lab: api.lab().is_some(),
        insecure: config.insecure_http,
        first_steps,
        demo_accounts: config.demo_accounts.clone(),
        time_factor: api.clock().factor(),
    }))
}
