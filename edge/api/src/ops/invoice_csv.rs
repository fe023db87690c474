//! One invoice as CSV: all that is needed to compute it again with a calculator.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use corrente_mdm::InvoiceDetail;
use corrente_units::{Decimal, Money};
use http::header;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::invoices::own_invoice;
use crate::{Api, PathId, Problem, Viewer};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get_invoice_csv))
}

/// The invoice's lines as CSV (RFC 4180), amounts and prices with a decimal point. Of a line
/// `quantity × share × price = base`, exactly, and `amount` is the base with the taxes inside it. Taxes and
/// the total are lines of their own; a correction ends with what was billed before and the difference.
#[utoipa::path(
    get,
    path = "/invoices/{id}/document.csv",
    tag = "invoices",
    params(("id" = String, Path, description = "The invoice")),
    responses((status = 200, body = String, content_type = "text/csv")),
    extensions(("x-access" = json!("viewer"))),
)]
async fn get_invoice_csv(
    State(api): State<Api>,
    Viewer(identity): Viewer,
    PathId(id): PathId<String>,
) -> Result<Response, Problem> {
    let row = own_invoice(&api, &identity, &id).await?;
    let detail = api
        .mdm()
        .run(move |mdm| mdm.invoice(row.id))
        .await?
        .ok_or_else(|| Problem::not_found("invoice"))?;
    let number = &detail.summary.invoice.number;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{number}.csv\"")),
    ];
    Ok((headers, csv(&detail)).into_response())
}

const COLUMNS: [&str; 16] = [
    "invoice",
    "corrects",
    "first",
    "until",
    "kind",
    "code",
    "label",
    "quantity",
    "unit",
    "share",
    "price",
    "price_with_taxes",
    "base",
    "rate",
    "taxes",
    "amount",
];

/// A row under way: columns by name, empty ones left out.
type Cells = Vec<(&'static str, String)>;

fn csv(detail: &InvoiceDetail) -> String {
    let plan = &detail.plan;
    let corrects = detail.corrected.as_ref().map(|c| c.number.clone()).unwrap_or_default();
    let head = |first: String, until: String, kind: &str, code: &str, label: &str| -> Cells {
        vec![
            ("invoice", detail.summary.invoice.number.clone()),
            ("corrects", corrects.clone()),
            ("first", first),
            ("until", until),
            ("kind", kind.to_owned()),
            ("code", code.to_owned()),
            ("label", label.to_owned()),
        ]
    };
    let mut text = COLUMNS.join(",") + "\r\n";
    for line in &plan.lines {
        let (first, until) = (line.first.to_string(), line.until.to_string());
        let mut cells = head(first, until, "line", &line.code, &line.label);
        let plain = |value: Option<Decimal>| {
            value.map(|value| value.normalize().to_string()).unwrap_or_default()
        };
        let share = line.share.as_ref().map(|share| format!("{}/{}", share.part, share.of));
        let taxes: Vec<String> =
            line.taxes.iter().map(|tax| format!("{} {}", tax.code, tax.amount)).collect();
        cells.extend([
            ("quantity", plain(line.quantity)),
            ("unit", line.unit.clone().unwrap_or_default()),
            ("share", share.unwrap_or_default()),
            ("price", plain(line.price)),
            ("price_with_taxes", plain(line.price_with_taxes)),
            ("base", line.base.normalize().to_string()),
            ("taxes", taxes.join("; ")),
            ("amount", line.amount.to_string()),
        ]);
        push(&mut text, &cells);
    }
    let (first, until) = (plan.first.to_string(), plan.until.to_string());
    for tax in &plan.tax_box {
        let kind = if tax.inclusive { "tax included" } else { "tax added" };
        let mut cells = head(first.clone(), until.clone(), kind, &tax.code, &tax.label);
        cells.extend([
            ("base", tax.base.to_string()),
            ("rate", tax.rate.normalize().to_string()),
            ("amount", tax.amount.to_string()),
        ]);
        push(&mut text, &cells);
    }
    let sums = match &detail.corrected {
        None => vec![("total", plan.totals.total)],
        Some(corrected) => vec![
            ("total", corrected.after),
            ("billed before", corrected.before),
            ("difference", detail.summary.invoice.amount),
        ],
    };
    for (kind, amount) in sums {
        let mut cells = head(first.clone(), until.clone(), kind, kind, "");
        cells.push(("amount", Money::to_string(&amount)));
        push(&mut text, &cells);
    }
    text
}

fn push(text: &mut String, cells: &Cells) {
    let value = |column: &&str| {
        let found = cells.iter().find(|(name, _)| name == column);
        quoted(found.map(|(_, value)| value.as_str()).unwrap_or_default())
    };
    let row: Vec<String> = COLUMNS.iter().map(value).collect();
    text.push_str(&row.join(","));
    text.push_str("\r\n");
}

/// A cell; in quotes where its text could be taken for more than one.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
