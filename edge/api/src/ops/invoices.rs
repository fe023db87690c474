//! Invoices: the list, one with its lines, and its PIX code as a picture.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use corrente_billing::Change;
use corrente_metering::{Calendar, id::InvoiceId};
use corrente_registry::invoices::{self, InvoiceRow};
use corrente_units::{Decimal, Money};
use http::header;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Api, Identity, OwnUsagePoint, PathId, Problem, Viewer};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(get_invoices))
        .routes(routes!(get_invoice))
        .routes(routes!(get_pix_picture))
        .routes(routes!(get_invoice_csv))
}

/// Invoices, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Invoices {
    /// They.
    invoices: Vec<InvoiceSummary>,
}

/// An invoice in short.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvoiceSummary {
    /// Its id.
    id: String,
    /// Its number on paper.
    number: String,
    /// The first day.
    from: String,
    /// The first day that is no longer part of it.
    to: String,
    /// When it was issued.
    issued: String,
    /// The last day of payment.
    due: String,
    /// What is to be paid.
    amount: String,
    /// ISO 4217.
    currency: &'static str,
    /// Wh that it bills.
    wh: Option<i64>,
    /// Its days.
    days: i64,
    /// `open`, `paid`, `cancelled`.
    state: &'static str,
    /// By how many percent it is above the invoice before.
    change_percent: Option<String>,
}

/// One invoice with all that is printed on it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Invoice {
    #[serde(flatten)]
    summary: InvoiceSummary,
    /// Who owes it; null for a usage point without a customer.
    customer: Option<Party>,
    /// Who issued it.
    issuer: Issuer,
    /// Where the energy was used.
    usage_point: Place,
    /// The meter's registers; null where the meter has none.
    meter: Option<Meter>,
    /// How well the energy is known, in days or intervals.
    quality: Quality,
    /// The lines.
    lines: Vec<Line>,
    /// The tax box.
    taxes: Vec<Tax>,
    /// What is to be paid.
    total: String,
    /// How to pay it by PIX.
    pix: Option<Pix>,
    /// The 44 digits of its bar code.
    bar_code: Option<String>,
    /// The day on which the meter is read next, as far as it can be said.
    next_reading: String,
    /// Wh of it that are estimated.
    estimated_wh: i64,
    /// Up to thirteen months, the oldest first.
    history: Vec<Month>,
    /// The invoices that it can be compared with.
    comparison: Comparison,
    /// Digest of what it was computed from.
    plan_digest: String,
}

/// A person or company.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Party {
    name: String,
    address: Option<String>,
}

/// Who issued it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Issuer {
    name: String,
    /// Tax number.
    document: Option<String>,
    address: Option<String>,
}

/// Where the energy was used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Place {
    id: String,
    name: String,
    address: Option<String>,
}

/// The meter's registers at both ends.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Meter {
    serial: String,
    start_wh: i64,
    end_wh: i64,
    start_at: String,
    end_at: String,
}

/// How well the energy is known, in days or intervals.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Quality {
    measured: u32,
    estimated: u32,
    missing: u32,
}

/// A line of a bill: quantity × price = amount.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Line {
    /// The charge.
    code: String,
    /// Its name in the tariff's words.
    label: String,
    /// `energy`, `fixed`, `flag`, `lighting`, ….
    group: String,
    quantity: Option<String>,
    unit: Option<String>,
    /// Per unit, with the taxes that are inside the amount.
    price: Option<String>,
    amount: String,
    /// Block, period of the day, days, clause: what makes it this line. Null when nothing does.
    explanation: Option<String>,
}

/// A row of the tax box.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tax {
    name: String,
    base: String,
    /// A fraction: 0.205 is 20.5 %.
    rate: String,
    amount: String,
    /// Is it inside the lines' amounts?
    included: bool,
}

/// How to pay by PIX.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Pix {
    /// The text to copy.
    payload: String,
    payee: String,
    key: String,
    city: String,
    txid: Option<String>,
    amount: String,
}

/// A month of the history.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Month {
    /// YYYY-MM.
    month: String,
    wh: Option<i64>,
    amount: String,
}

/// The invoices that it can be compared with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Comparison {
    previous: Option<Other>,
    last_year: Option<Other>,
}

/// Another invoice's amount.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Other {
    amount: String,
    /// By how many percent this invoice is above it.
    percent: Option<String>,
    /// What makes the difference, the largest cause first; they add up to it.
    causes: Vec<Cause>,
}

/// A cause of the difference between two invoices.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Cause {
    /// `use`, `days`, `mix`, `price`, `flag`, `taxes`, `estimate`, `fixed`, `demand`, `discount`,
    /// `minimum`, `credits`, `lighting`, `other`.
    cause: &'static str,
    /// What it adds; negative when it takes off.
    amount: String,
}

/// A usage point's invoices, the newest first.
#[utoipa::path(
    get,
    path = "/usage-points/{id}/invoices",
    tag = "invoices",
    params(("id" = String, Path, description = "The usage point")),
    responses((status = 200, body = Invoices)),
    extensions(("x-access" = json!("viewer"))),
)]
async fn get_invoices(
    State(api): State<Api>,
    own: OwnUsagePoint,
) -> Result<Json<Invoices>, Problem> {
    let id = own.point.id;
    let calendar = Calendar::new(&own.point.zone).unwrap_or_else(|_| Calendar::utc());
    let found = api.mdm().run(move |mdm| mdm.invoices(id)).await?;
    let invoices = found.iter().map(|i| InvoiceSummary::new(&calendar, i)).collect();
    Ok(Json(Invoices { invoices }))
}

/// One invoice with all that is printed on it.
#[utoipa::path(
    get,
    path = "/invoices/{id}",
    tag = "invoices",
    params(("id" = String, Path, description = "The invoice")),
    responses((status = 200, body = Invoice)),
    extensions(("x-access" = json!("viewer"))),
)]
async fn get_invoice(
    State(api): State<Api>,
    Viewer(identity): Viewer,
    PathId(id): PathId<String>,
) -> Result<Json<Invoice>, Problem> {
    let row = own_invoice(&api, &identity, &id).await?;
    let detail = api
        .mdm()
        .run(move |mdm| mdm.invoice(row.id))
        .await?
        .ok_or_else(|| Problem::not_found("invoice"))?;
    Ok(Json(Invoice::new(&detail)))
}

/// The invoice's PIX code as a picture.
#[utoipa::path(
    get,
    path = "/invoices/{id}/pix.svg",
    tag = "invoices",
    params(("id" = String, Path, description = "The invoice")),
    responses((status = 200, body = String, content_type = "image/svg+xml")),
    extensions(("x-access" = json!("viewer"))),
)]
async fn get_pix_picture(
    State(api): State<Api>,
    Viewer(identity): Viewer,
    PathId(id): PathId<String>,
) -> Result<Response, Problem> {
    let row = own_invoice(&api, &identity, &id).await?;
    let payload = row.pix_payload.ok_or_else(|| Problem::not_found("PIX code"))?;
    let picture = corrente_render::qr_svg(&payload).map_err(|error| Problem::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], picture).into_response())
}

/// The invoice's lines as CSV (RFC 4180), amounts and prices with a decimal point, and taxes and total as
/// lines of their own.
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

const COLUMNS: &str = "invoice,first,until,kind,code,label,quantity,unit,price,amount\r\n";

fn csv(detail: &corrente_mdm::InvoiceDetail) -> String {
    let (plan, number) = (&detail.plan, &detail.summary.invoice.number);
    let mut text = COLUMNS.to_owned();
    for line in &plan.lines {
        let price = line.price_with_taxes.or(line.price);
        push(
            &mut text,
            &[
                number.clone(),
                line.first.to_string(),
                line.until.to_string(),
                "line".to_owned(),
                line.code.clone(),
                line.label.clone(),
                line.quantity.map(|q| q.normalize().to_string()).unwrap_or_default(),
                line.unit.clone().unwrap_or_default(),
                price.map(|p| p.normalize().to_string()).unwrap_or_default(),
                line.amount.to_string(),
            ],
        );
    }
    let (first, until) = (plan.first.to_string(), plan.until.to_string());
    for tax in &plan.tax_box {
        let kind = if tax.inclusive { "tax included" } else { "tax added" };
        let percent = tax.rate.checked_mul(Decimal::ONE_HUNDRED).unwrap_or_default();
        push(
            &mut text,
            &[
                number.clone(),
                first.clone(),
                until.clone(),
                kind.to_owned(),
                tax.code.clone(),
                tax.label.clone(),
                tax.base.to_string(),
                plan.currency.code().to_owned(),
                format!("{} %", percent.normalize()),
                tax.amount.to_string(),
            ],
        );
    }
    let total = plan.totals.total.to_string();
    let mut last = vec![number.clone(), first, until, "total".to_owned()];
    last.extend(["total", "", "", "", ""].map(str::to_owned));
    last.push(total);
    push(&mut text, &last);
    text
}

fn push(text: &mut String, cells: &[String]) {
    let quoted: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
    text.push_str(&quoted.join(","));
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

/// The invoice, if its usage point is the caller's.
pub(crate) async fn own_invoice(
    api: &Api,
    identity: &Identity,
    id: &str,
) -> Result<InvoiceRow, Problem> {
    let unknown = || Problem::not_found("invoice");
    let id: InvoiceId = id.parse().map_err(|_| unknown())?;
    let row = api.registry().read(move |tx| invoices::get(tx, id)).await?.ok_or_else(unknown)?;
    api.visible_usage_point(identity, row.usage_point).await.map_err(|_| unknown())?;
    Ok(row)
}

impl InvoiceSummary {
    pub(crate) fn new(calendar: &Calendar, summary: &corrente_mdm::InvoiceSummary) -> Self {
        let invoice = &summary.invoice;
        Self {
            id: invoice.id.to_string(),
            number: invoice.number.clone(),
            from: summary.from.to_string(),
            to: summary.until.to_string(),
            issued: calendar.rfc3339(invoice.issued),
            due: invoice.due.to_string(),
            amount: invoice.amount.to_string(),
            currency: invoice.currency.code(),
            wh: invoice.energy.map(corrente_units::Energy::wh),
            days: summary.days,
            state: invoice.state.word(),
            change_percent: summary.change_percent.map(|percent| percent.to_string()),
        }
    }
}

impl Invoice {
    fn new(detail: &corrente_mdm::InvoiceDetail) -> Self {
        let calendar = Calendar::new(&detail.usage_point.zone).unwrap_or_else(|_| Calendar::utc());
        let invoice = &detail.summary.invoice;
        let place = &detail.usage_point;
        let issuer = &detail.issuer;
        let other = |amount: Money, why: Option<&Change>| Other {
            percent: percent(invoice.amount, amount),
            amount: amount.to_string(),
            causes: why.map(causes).unwrap_or_default(),
        };
        Self {
            summary: InvoiceSummary::new(&calendar, &detail.summary),
            customer: detail.customer.as_ref().map(|customer| Party {
                name: customer.name.clone(),
                address: customer.address.clone(),
            }),
            issuer: Issuer {
                name: issuer.name.clone(),
                document: issuer.document.clone(),
                address: issuer.address.clone(),
            },
            usage_point: Place {
                id: place.id.to_string(),
                name: place.name.clone(),
                address: place.address.clone(),
            },
            meter: detail.meterage.as_ref().map(|meter| Meter {
                serial: meter.serial.clone(),
                start_wh: meter.start.wh(),
                end_wh: meter.end.wh(),
                start_at: calendar.rfc3339(meter.start_at),
                end_at: calendar.rfc3339(meter.end_at),
            }),
            quality: quality(&detail.plan),
            lines: detail.plan.lines.iter().map(Line::new).collect(),
            taxes: detail
                .plan
                .tax_box
                .iter()
                .map(|tax| Tax {
                    name: tax.label.clone(),
                    base: tax.base.to_string(),
                    rate: tax.rate.to_string(),
                    amount: tax.amount.to_string(),
                    included: tax.inclusive,
                })
                .collect(),
            total: detail.plan.totals.total.to_string(),
            pix: invoice.pix_payload.as_ref().map(|payload| Pix {
                payload: payload.clone(),
                payee: issuer.pix_payee.clone().unwrap_or_else(|| issuer.name.clone()),
                key: issuer.pix_key.clone().unwrap_or_default(),
                city: issuer.pix_city.clone().unwrap_or_default(),
                txid: invoice.pix_txid.clone(),
                amount: invoice.amount.to_string(),
            }),
            bar_code: invoice.bar_code.clone(),
            next_reading: detail.next_reading.to_string(),
            estimated_wh: detail.plan.totals.estimated_wh,
            history: detail
                .history
                .iter()
                .map(|(month, energy, amount)| Month {
                    month: month.to_string().get(..7).unwrap_or_default().to_owned(),
                    wh: energy.map(corrente_units::Energy::wh),
                    amount: amount.to_string(),
                })
                .collect(),
            comparison: Comparison {
                previous: detail.previous.map(|amount| other(amount, detail.why.as_ref())),
                last_year: detail
                    .last_year
                    .map(|amount| other(amount, detail.why_last_year.as_ref())),
            },
            plan_digest: detail.plan.inputs_digest.clone(),
        }
    }
}

impl Line {
    pub(crate) fn new(line: &corrente_billing::Line) -> Self {
        let mut parts: Vec<String> = Vec::new();
        parts.extend(line.period.clone());
        parts.extend(line.block.as_ref().map(|block| format!("{block} kWh")));
        parts.extend(line.detail.clone());
        parts.extend(line.share.as_ref().map(|s| format!("{}/{} {}", s.part, s.of, s.unit)));
        parts.extend(line.clause.clone());
        Self {
            code: line.code.clone(),
            label: line.label.clone(),
            group: serde_json::to_value(line.group)
                .ok()
                .and_then(|group| group.as_str().map(str::to_owned))
                .unwrap_or_default(),
            quantity: line.quantity.map(|quantity| quantity.to_string()),
            unit: line.unit.clone(),
            price: line.price_with_taxes.or(line.price).map(|price| price.to_string()),
            amount: line.amount.to_string(),
            explanation: (!parts.is_empty()).then(|| parts.join(" · ")),
        }
    }
}

fn causes(change: &Change) -> Vec<Cause> {
    let part = |(cause, amount): &(corrente_billing::Cause, Money)| Cause {
        cause: cause.word(),
        amount: amount.to_string(),
    };
    change.parts.iter().map(part).collect()
}

fn quality(plan: &corrente_billing::BillingPlan) -> Quality {
    let mut sum = Quality { measured: 0, estimated: 0, missing: 0 };
    for quantity in plan.determinants.segments.iter().flat_map(|segment| &segment.quantities) {
        let shares = quantity.import_quality;
        sum.measured = sum.measured.saturating_add(shares.measured);
        sum.estimated =
            sum.estimated.saturating_add(shares.estimated).saturating_add(shares.edited);
        sum.missing = sum.missing.saturating_add(shares.missing);
    }
    sum
}

/// By how many percent `now` is above `before`, with one decimal.
fn percent(now: Money, before: Money) -> Option<String> {
    let (now, before) = (now.decimal(), before.decimal());
    if before <= Decimal::ZERO {
        return None;
    }
    let ratio = now.checked_sub(before)?.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(before)?;
    let rounded = corrente_units::round_to(ratio, 1, corrente_units::Rounding::HalfUp);
    Some(rounded.normalize().to_string())
}
