//! The operations, one file each, or the few of one noun.

mod admin;
mod alerts;
mod check;
mod corrections;
mod delivery;
mod events;
mod get_openapi;
mod home;
mod invoice_csv;
mod invoice_document;
mod invoice_share;
mod invoices;
mod live;
pub(crate) mod me;
mod options;
mod profile;
mod readings;
mod session;
mod shown;
mod tariff;
mod unsubscribe;
mod usage;
mod words;

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
        .merge(tariff::routes())
        .merge(events::routes())
        .merge(live::routes())
        .merge(invoices::routes())
        .merge(invoice_document::routes())
        .merge(invoice_share::routes())
        .merge(invoice_csv::routes())
        .merge(corrections::routes())
        .merge(check::routes())
        .merge(alerts::routes())
        .merge(delivery::routes())
        .merge(unsubscribe::routes())
        .merge(admin::routes())
}
