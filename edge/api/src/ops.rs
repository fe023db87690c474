//! The operations, one file each, or the few of one noun.

mod get_openapi;
pub(crate) mod me;
mod options;
mod session;

use utoipa_axum::router::OpenApiRouter;

use crate::Api;

/// All operations, under paths below `/api/v1`.
pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(get_openapi::routes())
        .merge(options::routes())
        .merge(session::routes())
        .merge(me::routes())
}
