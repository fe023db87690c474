//! The HTTP interface: REST under `/api/v1` with its OpenAPI document, health, and the portal's pages.
//!
//! # How to add an operation
//!
//! One file under `ops/` is one operation, or the few of one noun: request, answer, handler, and a
//! `routes()` that `ops.rs` merges. The handler's `#[utoipa::path]` names who may call it:
//!
//! ```text
//! #[utoipa::path(
//!     get,
//!     path = "/usage-points/{id}/home",
//!     tag = "usage",
//!     params(("id" = String, Path, description = "The usage point")),
//!     responses((status = 200, body = Home)),
//!     extensions(("x-access" = json!("viewer"))),
//! )]
//! async fn get_home(State(api): State<Api>, own: OwnUsagePoint) -> Result<Json<Home>, Problem> { … }
//!
//! pub(crate) fn routes() -> OpenApiRouter<Api> {
//!     OpenApiRouter::new().routes(routes!(get_home))
//! }
//! ```
//!
//! `x-access` is one of [`access::Access`], and the extractor must agree with it: `OwnUsagePoint` or
//! `Viewer` (a user or a lab session), `CurrentUser`, `Operator`, `Admin`. A test calls every operation
//! of the document as a stranger, another customer, a lab session and an operator, and fails on an
//! operation that says nothing. Run the tests with `UPDATE=1` to write `openapi.json` anew.

pub mod access;
mod auth;
mod config;
mod headers;
mod health;
mod metrics;
mod openapi;
mod ops;
mod pages;
mod problem;
mod state;
mod view;

pub use auth::{Admin, CurrentUser, Identity, Operator, OwnUsagePoint, Viewer};
pub use config::{ApiConfig, DeliveryConfig, DemoAccount, Services};
pub use metrics::{Metric, MetricSource};
pub use openapi::document as openapi_document;
pub use problem::{Body, Code, FileMistake, Params, PathId, Problem, ProblemDocument};
pub use state::{Api, MeterTeller};
