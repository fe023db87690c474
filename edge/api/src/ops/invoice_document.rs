//! One invoice as a document: PDF/A in the reader's language.
#![expect(unused_qualifications, reason = "the macro of the document writes whole paths")]

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use corrente_billing::pay::{
    febraban::{self, FebrabanError},
    nf3e,
};
use corrente_document::{
    BarCode, Correction, Facts, Language, Nf3e, Party, Pix, compose, invoice_pdf,
};
use corrente_mdm::{InvoiceDetail, MdmError};
use corrente_metering::{Calendar, id::InvoiceId};
use http::header;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::invoices::own_invoice;
use crate::{Api, Params, PathId, Problem, Viewer};

/// Where the QR codes of real electricity invoice documents lead.
const NF3E_ADDRESS: &str = "https://dfe-portal.svrs.rs.gov.br/nf3e/QRCode";

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get_invoice_document))
}

/// In which language.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DocumentQuestion {
    /// `pt-BR`, `en` or `es`; the issuer's language where it is left out.
    language: Option<String>,
}

/// One invoice as a document: PDF/A-3a that a screen reader can read.
#[utoipa::path(
    get,
    path = "/invoices/{id}/document.pdf",
    tag = "invoices",
    params(("id" = String, Path, description = "The invoice"), DocumentQuestion),
    responses((status = 200, body = Vec<u8>, content_type = "application/pdf")),
    extensions(("x-access" = json!("viewer"))),
)]
async fn get_invoice_document(
    State(api): State<Api>,
    Viewer(identity): Viewer,
    PathId(id): PathId<String>,
    Params(question): Params<DocumentQuestion>,
) -> Result<Response, Problem> {
    let row = own_invoice(&api, &identity, &id).await?;
    let (number, pdf) =
        pdf_of(&api, row.id, question.language.as_deref().map(Language::of_tag)).await?;
    let name = format!("attachment; filename=\"{number}.pdf\"");
    let headers =
        [(header::CONTENT_TYPE, "application/pdf".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, pdf).into_response())
}

/// An invoice's number and its document; in the issuer's language where none is given.
pub(crate) async fn pdf_of(
    api: &Api,
    id: InvoiceId,
    language: Option<Language>,
) -> Result<(String, Vec<u8>), Problem> {
    let detail = api
        .mdm()
        .run(move |mdm| mdm.invoice(id))
        .await?
        .ok_or_else(|| Problem::not_found("invoice"))?;
    let language = language.unwrap_or_else(|| Language::of_tag(&detail.issuer.language));
    let number = detail.summary.invoice.number.clone();
    // Setting a page takes some milliseconds of processor: not on a thread that answers people.
    let pdf = api
        .mdm()
        .run(move |_| Ok::<_, MdmError>(document(&detail, language)))
        .await?
        .map_err(|error| Problem::internal(&*error))?;
    Ok((number, pdf))
}

fn document(
    detail: &InvoiceDetail,
    language: Language,
) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let calendar = Calendar::new(&detail.usage_point.zone)?;
    let invoice = &detail.summary.invoice;
    let (issuer, point) = (&detail.issuer, &detail.usage_point);
    let pix = match &invoice.pix_payload {
        None => None,
        Some(payload) => Some(Pix {
            payload: payload.clone(),
            qr_svg: corrente_render::qr_svg(payload)?,
            payee: issuer.pix_payee.clone().unwrap_or_else(|| issuer.name.clone()),
            txid: invoice.pix_txid.clone().unwrap_or_default(),
        }),
    };
    let barcode = match &invoice.bar_code {
        None => None,
        Some(digits) => {
            Some(BarCode { digits: typed(digits)?, svg: corrente_render::bars_svg(digits)? })
        }
    };
    let customer = detail.customer.as_ref();
    let nf3e = match &detail.nf3e_key {
        None => None,
        Some(key) => Some(Nf3e {
            key: grouped(key),
            // Never the address of production: nobody has authorised such a document.
            qr_svg: corrente_render::qr_svg(&nf3e::read(key)?.qr_address(NF3E_ADDRESS, false))?,
        }),
    };
    let corrects = detail.corrected.as_ref().map(|corrected| Correction {
        number: corrected.number.clone(),
        reason: corrected.reason.clone(),
        before: corrected.before,
        after: corrected.after,
        lines: corrected
            .lines
            .iter()
            .map(|l| (l.code.clone(), l.label.clone(), l.before, l.after, l.difference))
            .collect(),
    });
    let facts = Facts {
        number: invoice.number.clone(),
        corrects,
        amount: invoice.amount,
        issuer: Party {
            name: issuer.name.clone(),
            number: String::new(),
            document: issuer.document.clone(),
            address: [&issuer.address, &issuer.municipality]
                .into_iter()
                .flatten()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(" · "),
        },
        customer: Party {
            name: customer.map_or_else(|| point.name.clone(), |c| c.name.clone()),
            number: customer.map(|c| c.number.clone()).unwrap_or_default(),
            document: customer.and_then(|c| c.document.clone()),
            address: point.address.clone().unwrap_or_default(),
        },
        usage_point: point.name.clone(),
        class: point.class.clone(),
        phases: point.phases,
        issued: calendar.date(invoice.issued),
        due: invoice.due,
        next_reading: Some(detail.next_reading),
        history: detail.history.iter().map(|(month, energy, _)| (*month, *energy)).collect(),
        flags: detail.flags.clone(),
        pix,
        barcode,
        why: detail.why.clone(),
        why_last_year: detail.why_last_year.clone(),
        nf3e,
    };
    Ok(invoice_pdf(&compose(&detail.plan, facts, &calendar, language), language)?)
}

/// A key in groups of four, as it is read out.
fn grouped(key: &str) -> String {
    let groups: Vec<&str> = (0..key.len()).step_by(4).filter_map(|n| key.get(n..n + 4)).collect();
    groups.join(" ")
}

/// The line that people type: four blocks, each with its check digit after a dash.
pub(crate) fn typed(digits: &str) -> Result<String, FebrabanError> {
    let line = febraban::read(digits)?.line()?;
    let blocks: Vec<String> = [0, 12, 24, 36]
        .into_iter()
        .filter_map(|at| {
            Some(format!("{}-{}", line.get(at..at + 11)?, line.get(at + 11..at + 12)?))
        })
        .collect();
    Ok(blocks.join(" "))
}
