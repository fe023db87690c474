//! `/invoices/{id}/correction`: what came to be known after an invoice was issued, seen and then issued; and
//! `/invoices/{id}/replay`: the invoice computed again.

use axum::{Json, extract::State};
use corrente_registry::{admin::By, audit, invoices::Issued};
use corrente_units::{Decimal, Money, Rounding};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    admin::Change,
    invoices::{DifferenceDocument, own_invoice},
};
use crate::{Api, Body, Operator, PathId, Problem, Viewer};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(preview_correction, correct_invoice))
        .routes(routes!(replay_invoice))
}

/// What an invoice's correction would be.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CorrectionPreview {
    /// The invoice's number.
    number: String,
    /// What its period came to until now: the invoice and its corrections.
    before: String,
    /// What it comes to by what is known now.
    after: String,
    /// The difference: below zero a credit, above it a further charge.
    difference: String,
    /// Wh of the difference.
    wh: i64,
    /// Is there anything to correct?
    differs: bool,
    /// The difference by line; they add up to it.
    lines: Vec<DifferenceDocument>,
    /// Numbers of later invoices that began with credits of this one: to be corrected next, in this order.
    then_correct: Vec<String>,
}

/// The difference that the caller saw, and why the invoice is corrected.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CorrectionRequest {
    /// The amount, such as `-12.34`.
    difference: String,
    /// Why; it stands on the document.
    reason: String,
}

/// The document of a correction.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CorrectionDocument {
    /// Its id.
    id: String,
    /// Its number.
    number: String,
    /// The difference.
    amount: String,
    /// `issued`, or `exists` when the same was done before.
    outcome: &'static str,
}

/// An invoice, computed again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplayDocument {
    /// Its number.
    number: String,
    /// Nothing differs, and a second program finds the plan sound.
    equal: bool,
    /// Where the plan and its replay differ.
    differences: Vec<ReplayDifference>,
    /// What must hold of any plan and does not hold of this one.
    violations: Vec<String>,
}

/// A difference.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplayDifference {
    /// The place: `lines[2].amount`.
    path: String,
    /// What is stored.
    stored: String,
    /// What comes out now.
    computed: String,
}

/// What an invoice's correction would be by what is known now. Nothing is written.
#[utoipa::path(
    get,
    path = "/invoices/{id}/correction",
    tag = "invoices",
    params(("id" = String, Path, description = "The invoice")),
    responses((status = 200, body = CorrectionPreview)),
    extensions(("x-access" = json!("operator"))),
)]
async fn preview_correction(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathId(id): PathId<String>,
) -> Result<Json<CorrectionPreview>, Problem> {
    let row = own_invoice(&api, &caller.identity, &id).await?;
    let found = api.mdm().run(move |mdm| mdm.preview_correction(row.id)).await?;
    Ok(Json(CorrectionPreview {
        number: found.invoice.number,
        before: found.before.to_string(),
        after: found.after.to_string(),
        difference: found.difference.to_string(),
        wh: found.energy.wh(),
        differs: found.differs,
        lines: found.lines.iter().map(DifferenceDocument::new).collect(),
        then_correct: found.then_correct,
    }))
}

/// Issues an invoice's correction: a document with its own number for the difference. The invoice itself
/// never changes. The same again answers `exists`.
#[utoipa::path(
    post,
    path = "/invoices/{id}/correction",
    tag = "invoices",
    params(("id" = String, Path, description = "The invoice")),
    request_body = CorrectionRequest,
    responses((status = 201, body = CorrectionDocument), (status = 200, body = CorrectionDocument)),
    extensions(("x-access" = json!("admin"))),
)]
async fn correct_invoice(
    State(api): State<Api>,
    Operator(caller): Operator,
    Change { mut by, organisation }: Change,
    PathId(id): PathId<String>,
    Body(given): Body<CorrectionRequest>,
) -> Result<(StatusCode, Json<CorrectionDocument>), Problem> {
    let row = own_invoice(&api, &caller.identity, &id).await?;
    let wrong = || {
        let detail = format!("`{}` is no amount such as -12.34.", given.difference);
        Problem::field("difference", detail)
    };
    let amount: Decimal = given.difference.parse().map_err(|_| wrong())?;
    let seen = Money::from_decimal(amount, Rounding::Truncate).map_err(|_| wrong())?;
    by.reason = Some(given.reason.clone());
    let done = api.mdm().run(move |mdm| mdm.correct_invoice(row.id, seen, &given.reason)).await?;
    let (status, outcome) = match done.issued {
        Issued::Issued(_) => (StatusCode::CREATED, "issued"),
        Issued::Exists(_) => (StatusCode::OK, "exists"),
    };
    if outcome == "issued" {
        note(&api, by, organisation, &row.number, &done).await?;
    }
    let document = CorrectionDocument {
        id: done.issued.id().to_string(),
        number: done.number,
        amount: done.amount.to_string(),
        outcome,
    };
    Ok((status, Json(document)))
}

async fn note(
    api: &Api,
    by: By,
    organisation: corrente_metering::id::OrganisationId,
    corrected: &str,
    done: &corrente_mdm::Correction,
) -> Result<(), Problem> {
    let after = serde_json::json!({
        "corrects": corrected, "number": done.number, "amount": done.amount.to_string(),
    });
    let subject = format!("invoice:{}", done.issued.id());
    api.registry()
        .write(move |tx| {
            audit::write(
                tx,
                &audit::NewEntry {
                    organisation,
                    actor: &by.actor,
                    business: by.business,
                    real: by.real,
                    action: "invoice.correct",
                    subject: &subject,
                    before: None,
                    after: Some(after.clone()),
                    reason: by.reason.as_deref(),
                    address: by.address.as_deref(),
                },
            )
        })
        .await?;
    Ok(())
}

/// Computes an invoice again from its stored plan and the tariff versions that it names.
#[utoipa::path(
    post,
    path = "/invoices/{id}/replay",
    tag = "invoices",
    params(("id" = String, Path, description = "The invoice")),
    responses((status = 200, body = ReplayDocument)),
    extensions(("x-access" = json!("viewer"))),
)]
async fn replay_invoice(
    State(api): State<Api>,
    Viewer(identity): Viewer,
    PathId(id): PathId<String>,
) -> Result<Json<ReplayDocument>, Problem> {
    let row = own_invoice(&api, &identity, &id).await?;
    let found = api.mdm().run(move |mdm| mdm.replay_invoice(row.id)).await?;
    Ok(Json(ReplayDocument {
        equal: found.equal(),
        number: found.number,
        differences: found
            .differences
            .into_iter()
            .map(|d| ReplayDifference { path: d.path, stored: d.stored, computed: d.replayed })
            .collect(),
        violations: found.violations,
    }))
}
