//! Invoices: the list, one with its lines, and its PIX code as a picture.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use corrente_billing::{Change, LineGroup};
use corrente_metering::{Calendar, id::InvoiceId};
use corrente_registry::invoices::{self, InvoiceRow};
use corrente_units::{Decimal, Money};
use http::header;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::invoice_document::typed;
use crate::{Api, Identity, OwnUsagePoint, PathId, Problem, Viewer};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(get_invoices))
        .routes(routes!(get_invoice))
        .routes(routes!(get_pix_picture))
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
    /// `open`, `paid`, or `credit`: an amount below zero that the next bill takes off.
    state: &'static str,
    /// By how many percent it is above the invoice before.
    change_percent: Option<String>,
    /// What came to be known later: documents for the difference, in the order in which they were issued.
    corrections: Vec<CorrectionHead>,
}

/// A correction of an invoice in short.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CorrectionHead {
    /// Its id: it is an invoice of its own.
    id: String,
    /// Its number on paper.
    number: String,
    /// When it was issued.
    issued: String,
    /// The last day of payment.
    due: String,
    /// The difference; below zero for a credit.
    amount: String,
    /// `open`, `paid`, `credit`.
    state: &'static str,
    /// Why, in the words of who did it.
    reason: Option<String>,
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
    /// The registers of the first meter; null where it has none.
    meter: Option<Meter>,
    /// The registers of every meter of the period: two after an exchange.
    meters: Vec<Meter>,
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
    /// The line that people type instead of scanning it: four blocks with their check digits.
    bar_code_line: Option<String>,
    /// The day on which the meter is read next, as far as it can be said.
    next_reading: String,
    /// Wh of it that are estimated.
    estimated_wh: i64,
    /// The part of it that a person entered, Wh.
    edited_wh: i64,
    /// Up to thirteen months, the oldest first.
    history: Vec<Month>,
    /// The invoices that it can be compared with.
    comparison: Comparison,
    /// Digest of what it was computed from.
    plan_digest: String,
    /// What it corrects; null for a bill.
    corrected: Option<CorrectedDocument>,
    /// The flags of the period, also those without a surcharge.
    flags: Vec<FlagDocument>,
    /// The key that an NF3e of it would have: a preview, which is no fiscal document.
    nf3e_key_preview: Option<String>,
    /// What the bill knows beside its figures: `energy_estimated`, `tariff_changed`, ….
    notes: Vec<String>,
}

/// A flag and its days.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FlagDocument {
    /// Its name in the tariff's words.
    flag: String,
    /// The first day.
    from: String,
    /// The first day without it.
    until: String,
}

/// What a correction corrects.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CorrectedDocument {
    /// The invoice's id.
    invoice: String,
    /// Its number.
    number: String,
    /// Why, in the words of who did it.
    reason: String,
    /// What the period came to until then.
    before: String,
    /// What it comes to.
    after: String,
    /// The difference by line; they add up to the amount.
    lines: Vec<DifferenceDocument>,
}

/// How a line differs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DifferenceDocument {
    /// The charge; `tax_added` for the sum of taxes on top of the lines.
    code: String,
    label: String,
    quantity_before: Option<String>,
    quantity_after: Option<String>,
    before: String,
    after: String,
    difference: String,
}

impl DifferenceDocument {
    pub(crate) fn new(line: &corrente_mdm::LineDifference) -> Self {
        Self {
            code: line.code.clone(),
            label: line.label.clone(),
            quantity_before: line.quantity_before.map(|quantity| quantity.normalize().to_string()),
            quantity_after: line.quantity_after.map(|quantity| quantity.normalize().to_string()),
            before: line.before.to_string(),
            after: line.after.to_string(),
            difference: line.difference.to_string(),
        }
    }
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
    /// Energy into the grid instead of from it.
    export: bool,
    start_wh: i64,
    end_wh: i64,
    start_at: String,
    end_at: String,
    /// One of both readings is an estimate.
    estimated: bool,
    /// What the difference is multiplied by, behind transformers.
    constant: String,
    /// The energy between both readings.
    wh: Option<i64>,
}

/// How well the energy is known, in days or intervals.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Quality {
    measured: u32,
    estimated: u32,
    /// Entered by a person.
    edited: u32,
    missing: u32,
}

/// A line of a bill: `quantity × share × price_without_taxes = base`, exactly; `amount` is the base with
/// the taxes inside it, cut to cents as the tariff says.
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
    /// Per unit, without taxes.
    price_without_taxes: Option<String>,
    /// Only this part of the quantity counts.
    share: Option<ShareDocument>,
    /// Before the taxes inside it.
    base: String,
    amount: String,
    /// Its taxes; all lines of a tax add up to its row of the tax box.
    taxes: Vec<LineTaxDocument>,
    /// Its first day.
    first: String,
    /// The first day that is no longer part of it.
    until: String,
    /// The period of the day, in the tariff's own word; null when it is of none.
    period: Option<String>,
    /// The block of the quantity that it prices, or that decides it; null when there is none.
    block: Option<BlockDocument>,
    /// Days, clause: what else makes it this line. Null when nothing does.
    explanation: Option<String>,
}

/// A block of energy or demand. It has at least one end.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BlockDocument {
    /// Above so many; null from zero on.
    from: Option<String>,
    /// Up to so many; null without an end.
    until: Option<String>,
    /// `kWh` or `kW`.
    unit: &'static str,
}

/// A part of something: 18 of 31 days.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShareDocument {
    part: i64,
    of: i64,
    /// `days` or `wh`.
    unit: String,
}

/// A tax on a line.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineTaxDocument {
    code: String,
    /// A fraction: 0.205 is 20.5 %.
    rate: String,
    amount: String,
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
            corrections: summary
                .corrections
                .iter()
                .map(|row| CorrectionHead {
                    id: row.id.to_string(),
                    number: row.number.clone(),
                    issued: calendar.rfc3339(row.issued),
                    due: row.due.to_string(),
                    amount: row.amount.to_string(),
                    state: row.state.word(),
                    reason: row.reason.clone(),
                })
                .collect(),
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
            meter: detail.meterages.iter().find(|m| !m.export).map(|m| Meter::new(&calendar, m)),
            meters: detail.meterages.iter().map(|m| Meter::new(&calendar, m)).collect(),
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
            bar_code_line: invoice.bar_code.as_deref().and_then(|digits| typed(digits).ok()),
            next_reading: detail.next_reading.to_string(),
            estimated_wh: detail.plan.totals.estimated_wh,
            edited_wh: detail.plan.determinants.import_quality().edited_wh,
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
            corrected: detail.corrected.as_ref().map(|corrected| CorrectedDocument {
                invoice: corrected.invoice.to_string(),
                number: corrected.number.clone(),
                reason: corrected.reason.clone(),
                before: corrected.before.to_string(),
                after: corrected.after.to_string(),
                lines: corrected.lines.iter().map(DifferenceDocument::new).collect(),
            }),
            flags: detail
                .flags
                .iter()
                .map(|(flag, from, until)| FlagDocument {
                    flag: flag.clone(),
                    from: from.to_string(),
                    until: until.to_string(),
                })
                .collect(),
            nf3e_key_preview: detail.nf3e_key.clone(),
            notes: detail.plan.notes.iter().map(|note| note.code.clone()).collect(),
        }
    }
}

impl Meter {
    fn new(calendar: &Calendar, meter: &corrente_mdm::Meterage) -> Self {
        Self {
            serial: meter.serial.clone(),
            export: meter.export,
            start_wh: meter.start.wh(),
            end_wh: meter.end.wh(),
            start_at: calendar.rfc3339(meter.start_at),
            end_at: calendar.rfc3339(meter.end_at),
            estimated: meter.estimated,
            constant: meter.constant.normalize().to_string(),
            wh: meter.energy.map(corrente_units::Energy::wh),
        }
    }
}

impl BlockDocument {
    fn new(block: &str, group: LineGroup) -> Option<Self> {
        let (from, until) = block.split_once("..")?;
        let bound = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let unit = if group == LineGroup::Demand { "kW" } else { "kWh" };
        let (from, until) = (bound(from).filter(|from| from != "0"), bound(until));
        (from.is_some() || until.is_some()).then_some(Self { from, until, unit })
    }
}

impl Line {
    pub(crate) fn new(line: &corrente_billing::Line) -> Self {
        let mut parts: Vec<String> = Vec::new();
        // The flag stands in the line's name.
        parts.extend(line.detail.clone().filter(|_| line.group != LineGroup::Flag));
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
            price_without_taxes: line.price.map(|price| price.to_string()),
            share: line.share.as_ref().map(|share| ShareDocument {
                part: share.part,
                of: share.of,
                unit: share.unit.clone(),
            }),
            base: line.base.to_string(),
            taxes: line
                .taxes
                .iter()
                .map(|tax| LineTaxDocument {
                    code: tax.code.clone(),
                    rate: tax.rate.to_string(),
                    amount: tax.amount.to_string(),
                })
                .collect(),
            amount: line.amount.to_string(),
            first: line.first.to_string(),
            until: line.until.to_string(),
            period: line.period.clone(),
            block: line.block.as_deref().and_then(|block| BlockDocument::new(block, line.group)),
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
    let mut sum = Quality { measured: 0, estimated: 0, edited: 0, missing: 0 };
    for quantity in plan.determinants.segments.iter().flat_map(|segment| &segment.quantities) {
        let shares = quantity.import_quality;
        sum.measured = sum.measured.saturating_add(shares.measured);
        sum.estimated = sum.estimated.saturating_add(shares.estimated);
        sum.edited = sum.edited.saturating_add(shares.edited);
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
