//! One invoice for whoever has the link: made, taken back and opened.
//!
//! The link is signed and ends by itself; who made it, or anybody else who sees the invoice, can take it
//! back before.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use corrente_document::Language;
use corrente_metering::id::InvoiceShareId;
use corrente_registry::invoice_shares;
use http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{invoice_document::pdf_of, invoices::own_invoice};
use crate::{Api, Code, CurrentUser, PathId, Problem};

/// A link holds for so long, in real time.
const SHARE_SECONDS: i64 = 14 * 86_400;

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(share_invoice, revoke_invoice_links))
        .routes(routes!(open_shared_invoice))
}

/// A link that shows an invoice.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvoiceLink {
    /// The path of the link on this server.
    path: String,
    /// Until when it holds.
    until: String,
}

/// Makes a link that shows this invoice to whoever has it, for two weeks.
#[utoipa::path(
    post,
    path = "/invoices/{id}/links",
    tag = "invoices",
    params(("id" = String, Path, description = "The invoice")),
    responses((status = 201, body = InvoiceLink)),
    extensions(("x-access" = json!("user"))),
)]
async fn share_invoice(
    State(api): State<Api>,
    caller: CurrentUser,
    PathId(id): PathId<String>,
) -> Result<(StatusCode, Json<InvoiceLink>), Problem> {
    let row = own_invoice(&api, &caller.identity, &id).await?;
    let now = corrente_clock::wall_clock();
    let (organisation, user) = (caller.user.organisation, caller.user.id);
    let share = api
        .registry()
        .write(move |tx| {
            let until = now.plus(SHARE_SECONDS);
            invoice_shares::insert(tx, organisation, row.id, user, now, until)
        })
        .await?;
    let token = api.keys().share_token(&share.id.to_string());
    let path = format!("/api/v1/shared-invoices/{token}");
    Ok((StatusCode::CREATED, Json(InvoiceLink { path, until: share.until.civil().to_string() })))
}

/// Takes back every link to this invoice.
#[utoipa::path(
    delete,
    path = "/invoices/{id}/links",
    tag = "invoices",
    params(("id" = String, Path, description = "The invoice")),
    responses((status = 204)),
    extensions(("x-access" = json!("user"))),
)]
async fn revoke_invoice_links(
    State(api): State<Api>,
    caller: CurrentUser,
    PathId(id): PathId<String>,
) -> Result<StatusCode, Problem> {
    let row = own_invoice(&api, &caller.identity, &id).await?;
    api.registry().write(move |tx| invoice_shares::revoke(tx, row.id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The invoice of a link, as a document.
#[utoipa::path(
    get,
    path = "/shared-invoices/{token}",
    tag = "invoices",
    params(("token" = String, Path, description = "From the link")),
    responses((status = 200, body = Vec<u8>, content_type = "application/pdf")),
    extensions(("x-access" = json!("public"))),
)]
async fn open_shared_invoice(
    State(api): State<Api>,
    PathId(token): PathId<String>,
) -> Result<Response, Problem> {
    let gone = || {
        let detail = "This link does not hold any more: ask for a new one.";
        Problem::new(Code::NotFound, detail)
    };
    let id: InvoiceShareId =
        api.keys().shared_id(&token).and_then(|id| id.parse().ok()).ok_or_else(gone)?;
    let now = corrente_clock::wall_clock();
    let share = api.registry().read(move |tx| invoice_shares::get(tx, id, now)).await?;
    let share = share.ok_or_else(gone)?;
    let (number, pdf) = pdf_of(&api, share.invoice, None::<Language>).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/pdf".to_owned()),
        (header::CONTENT_DISPOSITION, format!("inline; filename=\"{number}.pdf\"")),
        (header::HeaderName::from_static("x-robots-tag"), "noindex".to_owned()),
    ];
    Ok((headers, pdf).into_response())
}
