//! The operations, one file each, or the few of one noun.

mod admin;
mod alerts;
mod delivery;
mod get_openapi;
mod home;
mod invoice_document;
mod invoices;
mod live;
pub(crate) mod me;
mod options;
mod profile;
mod readings;
mod session;
mod shown;
mod unsubscribe;
mod usage;

use utoipa_axum::router::OpenApiRouter;

use crate::Api;

/// All operations, under paths below `/api/v1`.
pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(get_openapi::routes())
        .merge(options::routes())
        .merge(session::routes())
        .merge(me::routes())
        .merge(home::routes())
        .merge(usage::routes())
        .merge(profile::routes())
        .merge(readings::routes())
        .merge(live::routes())
        .merge(invoices::routes())
        .merge(invoice_document::routes())
        .merge(alerts::routes())
        .merge(delivery::routes())
        .merge(unsubscribe::routes())
        .merge(admin::routes())
}
