//! `/admin/billing-runs`: prepare, preview, hold and release, approve, issue, close.

use axum::{Json, extract::State};
use corrente_mdm::{Issuing, MdmError, RunDetail, RunRequest, RunSummary};
use corrente_metering::{
    Date,
    id::{BillingRunId, OrganisationId, UsagePointId},
};
use corrente_registry::{
    admin::By,
    audit,
    billing_runs::{self, Run},
    usage_points,
};
use corrente_units::{Decimal, Money, Rounding};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Change;
use crate::{Api, Body, Operator, PathId, Problem};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_billing_runs, prepare_billing_run))
        .routes(routes!(get_billing_run))
        .routes(routes!(preview_billing_run))
        .routes(routes!(prepare_billing_run_again))
        .routes(routes!(hold_in_billing_run))
        .routes(routes!(release_in_billing_run))
        .routes(routes!(approve_billing_run))
        .routes(routes!(issue_billing_run))
        .routes(routes!(close_billing_run))
        .routes(routes!(set_route))
}

/// A run to prepare.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunWanted {
    /// The route; null for the usage points that are on none.
    route: Option<String>,
    /// Recorded name of one usage point: a closing bill of only this one.
    usage_point: Option<String>,
    /// The first day; where it is left out, the day on which most of the last bills ended.
    first: Option<String>,
    /// The first day that is no longer billed.
    until: String,
}

/// Which usage point to hold, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldRequest {
    /// Its recorded name.
    usage_point: String,
    /// Why it is held.
    reason: String,
}

/// Which usage point to release.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseRequest {
    /// Its recorded name.
    usage_point: String,
}

/// The total that the caller saw and approves.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApproveRequest {
    /// The amount, such as `1234.56`.
    total: String,
}

/// A usage point's route.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RouteRequest {
    /// Its recorded name.
    usage_point: String,
    /// The route; null takes it from any, and it is billed by itself each month.
    route: Option<String>,
}

/// Billing runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunList {
    /// The newest first.
    runs: Vec<RunHead>,
}

/// A run in short.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunHead {
    /// Its id.
    id: String,
    /// What people call it.
    number: i64,
    /// The route.
    route: Option<String>,
    /// The first day.
    first: String,
    /// The first day that is no longer billed.
    until: String,
    /// `prepared`, `waiting` for a second person, `approved`, `issuing`, `issued`, `closed`.
    state: &'static str,
    /// Above this total two people approve.
    limit: String,
    /// What was approved.
    approved: Option<String>,
}

/// A run with what it comes to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunDocument {
    #[serde(flatten)]
    run: RunHead,
    /// Who approved it.
    approvals: Vec<ApprovalDocument>,
    /// How far this server is with issuing it; null where it has not begun.
    issuing: Option<IssueDocument>,
    #[serde(flatten)]
    summary: SummaryDocument,
}

/// Somebody's yes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApprovalDocument {
    /// Who.
    person: String,
    /// The total that person saw.
    total: String,
}

/// What a run comes to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SummaryDocument {
    /// Usage points that can be billed.
    ready: usize,
    /// Usage points that cannot.
    exceptions: usize,
    /// Usage points that are held.
    held: usize,
    /// Usage points with their invoice.
    issued: usize,
    /// What the ready and the issued ones come to.
    total: String,
    /// Their energy.
    wh: i64,
    /// The part of it that is estimated.
    estimated_wh: i64,
    /// Of those that had a bill before: what these came to.
    previous: String,
    /// And what they come to now.
    compared: String,
    /// The last run of the same route, and what it came to; null where there is none.
    last_run: Option<LastRunDocument>,
    /// Amounts at parts of a hundred, the least first.
    distribution: Vec<Percentile>,
    /// The 20 largest changes against the last bill.
    largest: Vec<LargestDocument>,
    /// Every usage point.
    usage_points: Vec<ItemDocument>,
}

/// The run before.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LastRunDocument {
    /// What people call it.
    number: i64,
    /// The first day.
    first: String,
    /// The first day that was no longer billed.
    until: String,
    /// How many invoices it issued.
    bills: i64,
    /// What they came to.
    total: String,
    /// Their energy.
    wh: i64,
    /// By how much this run is above it.
    difference: Option<String>,
}

/// So many of a hundred bills come to at most this amount.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Percentile {
    /// 0 to 100.
    percent: u8,
    /// The amount.
    amount: String,
}

/// A large change against the last bill.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LargestDocument {
    /// The usage point.
    usage_point: String,
    /// The last bill.
    previous: String,
    /// This one.
    amount: String,
    /// The difference.
    change: String,
}

/// A usage point in a run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ItemDocument {
    /// Its recorded name.
    usage_point: String,
    /// `ready`, `exception`, `held`, `issued`.
    state: &'static str,
    /// Why it is held or an exception.
    reason: Option<String>,
    /// Energy of its period.
    wh: i64,
    /// The part of it that is estimated.
    estimated_wh: i64,
    /// Open findings in the period.
    findings: i64,
    /// What its bill comes to.
    amount: String,
    /// The last bill.
    previous: Option<String>,
    /// Its invoice.
    invoice: Option<String>,
}

/// How far issuing is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IssueDocument {
    /// Invoices issued since it began.
    issued: usize,
    /// Usage points that turned out to be billed already.
    exceptions: usize,
    /// Plans that had no invoice when it began.
    of: usize,
    /// Is it still at work?
    running: bool,
    /// Why it ended early; issue it again, and it goes on.
    error: Option<String>,
}

impl IssueDocument {
    fn new(issuing: Issuing) -> Self {
        Self {
            issued: issuing.progress.issued,
            exceptions: issuing.progress.exceptions,
            of: issuing.of,
            running: issuing.running,
            error: issuing.error,
        }
    }
}

impl RunHead {
    fn new(run: &Run) -> Self {
        Self {
            id: run.id.to_string(),
            number: run.number,
            route: run.route.clone(),
            first: run.first.to_string(),
            until: run.until.to_string(),
            state: run.state.word(),
            limit: run.limit.to_string(),
            approved: run.total.map(|total| total.to_string()),
        }
    }
}

impl SummaryDocument {
    fn new(summary: &RunSummary) -> Self {
        let largest = |one: &corrente_mdm::Largest| LargestDocument {
            usage_point: one.name.clone(),
            previous: one.previous.to_string(),
            amount: one.amount.to_string(),
            change: one.change.to_string(),
        };
        let item = |(name, item): &(String, billing_runs::Item)| ItemDocument {
            usage_point: name.clone(),
            state: item.state.word(),
            reason: item.reason.clone(),
            wh: item.energy.wh(),
            estimated_wh: item.estimated.wh(),
            findings: item.findings,
            amount: item.amount.to_string(),
            previous: item.previous.map(|amount| amount.to_string()),
            invoice: item.invoice.map(|id| id.to_string()),
        };
        Self {
            ready: summary.ready,
            exceptions: summary.exceptions,
            held: summary.held,
            issued: summary.issued,
            total: summary.total.to_string(),
            wh: summary.energy.wh(),
            estimated_wh: summary.estimated.wh(),
            previous: summary.previous.to_string(),
            compared: summary.compared.to_string(),
            last_run: summary.last_run.as_ref().map(|last| LastRunDocument {
                number: last.number,
                first: last.first.to_string(),
                until: last.until.to_string(),
                bills: last.bills,
                total: last.total.to_string(),
                wh: last.energy.wh(),
                difference: summary
                    .total
                    .checked_sub(last.total)
                    .ok()
                    .map(|difference| difference.to_string()),
            }),
            distribution: summary
                .distribution
                .iter()
                .map(|(percent, amount)| Percentile {
                    percent: *percent,
                    amount: amount.to_string(),
                })
                .collect(),
            largest: summary.largest.iter().map(largest).collect(),
            usage_points: summary.items.iter().map(item).collect(),
        }
    }
}

impl RunDocument {
    fn new(detail: &RunDetail) -> Self {
        let approval = |one: &billing_runs::Approval| ApprovalDocument {
            person: one.person.clone(),
            total: one.total.to_string(),
        };
        Self {
            run: RunHead::new(&detail.run),
            approvals: detail.approvals.iter().map(approval).collect(),
            issuing: None,
            summary: SummaryDocument::new(&detail.summary),
        }
    }
}

/// The organisation's billing runs.
#[utoipa::path(
    get,
    path = "/admin/billing-runs",
    tag = "admin",
    responses((status = 200, body = RunList)),
    extensions(("x-access" = json!("operator"))),
)]
async fn list_billing_runs(
    State(api): State<Api>,
    Operator(caller): Operator,
) -> Result<Json<RunList>, Problem> {
    let organisation = caller.user.organisation;
    let runs = api.mdm().run(move |mdm| mdm.runs(organisation)).await?;
    Ok(Json(RunList { runs: runs.iter().map(RunHead::new).collect() }))
}

/// Makes a run and looks at each of its usage points: can it be billed, how much is estimated, what was
/// found. Nothing is issued.
#[utoipa::path(
    post,
    path = "/admin/billing-runs",
    tag = "admin",
    request_body = RunWanted,
    responses((status = 201, body = RunDocument)),
    extensions(("x-access" = json!("admin"))),
)]
async fn prepare_billing_run(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<RunWanted>,
) -> Result<(StatusCode, Json<RunDocument>), Problem> {
    let usage_point = match &given.usage_point {
        Some(name) => Some(named(&api, organisation, name).await?),
        None => None,
    };
    let request = RunRequest {
        organisation,
        route: given.route,
        usage_point,
        first: given.first.as_deref().map(|text| date("first", text)).transpose()?,
        until: date("until", &given.until)?,
    };
    let detail = api.mdm().run(move |mdm| mdm.prepare_run(&request)).await?;
    note(&api, by, &detail.run, "billing_run.prepare").await?;
    Ok((StatusCode::CREATED, Json(RunDocument::new(&detail))))
}

/// A run with what was noted when it was prepared, and with its invoices.
#[utoipa::path(
    get,
    path = "/admin/billing-runs/{id}",
    tag = "admin",
    params(("id" = String, Path, description = "The run")),
    responses((status = 200, body = RunDocument)),
    extensions(("x-access" = json!("operator"))),
)]
async fn get_billing_run(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathId(id): PathId<String>,
) -> Result<Json<RunDocument>, Problem> {
    let id = own(&api, caller.user.organisation, &id).await?.id;
    let (detail, issuing) =
        api.mdm().run(move |mdm| Ok((mdm.run_detail(id)?, mdm.issuing(id)))).await?;
    let issuing = issuing.map(IssueDocument::new);
    Ok(Json(RunDocument { issuing, ..RunDocument::new(&detail) }))
}

/// What the run would issue, computed now. Nothing is written.
#[utoipa::path(
    get,
    path = "/admin/billing-runs/{id}/preview",
    tag = "admin",
    params(("id" = String, Path, description = "The run")),
    responses((status = 200, body = SummaryDocument)),
    extensions(("x-access" = json!("operator"))),
)]
async fn preview_billing_run(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathId(id): PathId<String>,
) -> Result<Json<SummaryDocument>, Problem> {
    let id = own(&api, caller.user.organisation, &id).await?.id;
    let summary = api.mdm().run(move |mdm| mdm.preview_run(id)).await?;
    Ok(Json(SummaryDocument::new(&summary)))
}

/// Looks at each usage point of a run again.
#[utoipa::path(
    post,
    path = "/admin/billing-runs/{id}/prepare",
    tag = "admin",
    params(("id" = String, Path, description = "The run")),
    responses((status = 200, body = RunDocument)),
    extensions(("x-access" = json!("admin"))),
)]
async fn prepare_billing_run_again(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    PathId(id): PathId<String>,
) -> Result<Json<RunDocument>, Problem> {
    let id = own(&api, organisation, &id).await?.id;
    let detail = api.mdm().run(move |mdm| mdm.prepare_run_again(id)).await?;
    note(&api, by, &detail.run, "billing_run.prepare_again").await?;
    Ok(Json(RunDocument::new(&detail)))
}

/// Keeps a usage point back. Approvals of the run end, since its total changes.
#[utoipa::path(
    post,
    path = "/admin/billing-runs/{id}/hold",
    tag = "admin",
    params(("id" = String, Path, description = "The run")),
    request_body = HoldRequest,
    responses((status = 200, body = RunDocument)),
    extensions(("x-access" = json!("admin"))),
)]
async fn hold_in_billing_run(
    State(api): State<Api>,
    Change { mut by, organisation }: Change,
    PathId(id): PathId<String>,
    Body(given): Body<HoldRequest>,
) -> Result<Json<RunDocument>, Problem> {
    let id = own(&api, organisation, &id).await?.id;
    let point = named(&api, organisation, &given.usage_point).await?;
    by.reason = Some(given.reason.clone());
    let detail = api
        .mdm()
        .run(move |mdm| {
            mdm.hold_in_run(id, point, Some(&given.reason))?;
            mdm.run_detail(id)
        })
        .await?;
    note(&api, by, &detail.run, "billing_run.hold").await?;
    Ok(Json(RunDocument::new(&detail)))
}

/// Lets a usage point that was kept back go on. Approvals of the run end.
#[utoipa::path(
    post,
    path = "/admin/billing-runs/{id}/release",
    tag = "admin",
    params(("id" = String, Path, description = "The run")),
    request_body = ReleaseRequest,
    responses((status = 200, body = RunDocument)),
    extensions(("x-access" = json!("admin"))),
)]
async fn release_in_billing_run(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    PathId(id): PathId<String>,
    Body(given): Body<ReleaseRequest>,
) -> Result<Json<RunDocument>, Problem> {
    let id = own(&api, organisation, &id).await?.id;
    let point = named(&api, organisation, &given.usage_point).await?;
    let detail = api
        .mdm()
        .run(move |mdm| {
            mdm.hold_in_run(id, point, None)?;
            mdm.run_detail(id)
        })
        .await?;
    note(&api, by, &detail.run, "billing_run.release").await?;
    Ok(Json(RunDocument::new(&detail)))
}

/// The caller's yes to a total. The first one stores the plans; above the run's limit a second person has
/// to agree.
#[utoipa::path(
    post,
    path = "/admin/billing-runs/{id}/approve",
    tag = "admin",
    params(("id" = String, Path, description = "The run")),
    request_body = ApproveRequest,
    responses((status = 200, body = RunDocument)),
    extensions(("x-access" = json!("admin"))),
)]
async fn approve_billing_run(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    PathId(id): PathId<String>,
    Body(given): Body<ApproveRequest>,
) -> Result<Json<RunDocument>, Problem> {
    let id = own(&api, organisation, &id).await?.id;
    let wrong =
        || Problem::field("total", format!("`{}` is no amount such as 1234.56.", given.total));
    let amount: Decimal = given.total.parse().map_err(|_| wrong())?;
    let total = Money::from_decimal(amount, Rounding::Truncate).map_err(|_| wrong())?;
    let person = by.actor.clone();
    let detail = api.mdm().run(move |mdm| mdm.approve_run(id, &person, total)).await?;
    note(&api, by, &detail.run, "billing_run.approve").await?;
    Ok(Json(RunDocument::new(&detail)))
}

/// Begins to issue what was approved, and answers at once; the run says how far it is. A server that ended
/// early is simply asked again: it goes on where it stopped, and no usage point gets two invoices.
#[utoipa::path(
    post,
    path = "/admin/billing-runs/{id}/issue",
    tag = "admin",
    params(("id" = String, Path, description = "The run")),
    responses((status = 202, body = IssueDocument)),
    extensions(("x-access" = json!("admin"))),
)]
async fn issue_billing_run(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    PathId(id): PathId<String>,
) -> Result<(StatusCode, Json<IssueDocument>), Problem> {
    let run = own(&api, organisation, &id).await?;
    let id = run.id;
    let begun = api.mdm().run(move |mdm| mdm.start_issue(id)).await?;
    note(&api, by, &run, "billing_run.issue").await?;
    Ok((StatusCode::ACCEPTED, Json(IssueDocument::new(begun))))
}

/// Ends a run. What is held or an exception is left to the next one.
#[utoipa::path(
    post,
    path = "/admin/billing-runs/{id}/close",
    tag = "admin",
    params(("id" = String, Path, description = "The run")),
    responses((status = 200, body = RunDocument)),
    extensions(("x-access" = json!("admin"))),
)]
async fn close_billing_run(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    PathId(id): PathId<String>,
) -> Result<Json<RunDocument>, Problem> {
    let id = own(&api, organisation, &id).await?.id;
    let detail = api.mdm().run(move |mdm| mdm.close_run(id)).await?;
    note(&api, by, &detail.run, "billing_run.close").await?;
    Ok(Json(RunDocument::new(&detail)))
}

/// Puts a usage point on a route: it is billed by the route's runs, and no longer by itself each month.
#[utoipa::path(
    put,
    path = "/admin/routes",
    tag = "admin",
    request_body = RouteRequest,
    responses((status = 204)),
    extensions(("x-access" = json!("admin"))),
)]
async fn set_route(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<RouteRequest>,
) -> Result<StatusCode, Problem> {
    let point = named(&api, organisation, &given.usage_point).await?;
    api.registry()
        .write(move |tx| {
            billing_runs::set_route(tx, point, given.route.as_deref())?;
            let after = serde_json::json!({ "route": given.route });
            let subject = format!("usage_point:{point}");
            write_note(tx, &by, organisation, ("usage_point.route", &subject), Some(after))
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn date(field: &'static str, text: &str) -> Result<Date, Problem> {
    text.parse()
        .map_err(|_| Problem::field(field, format!("`{text}` is not a date such as 2026-11-23.")))
}

async fn named(
    api: &Api,
    organisation: OrganisationId,
    name: &str,
) -> Result<UsagePointId, Problem> {
    let wanted = name.to_owned();
    let found =
        api.registry().read(move |tx| usage_points::by_name(tx, organisation, &wanted)).await?;
    found
        .map(|point| point.id)
        .ok_or_else(|| Problem::field("usage_point", format!("There is no usage point `{name}`.")))
}

/// The run, if it is the organisation's.
async fn own(api: &Api, organisation: OrganisationId, id: &str) -> Result<Run, Problem> {
    let unknown = || Problem::not_found("billing run");
    let id: BillingRunId = id.parse().map_err(|_| unknown())?;
    let run = api.registry().read(move |tx| billing_runs::get(tx, id)).await?;
    run.filter(|run| run.organisation == organisation).ok_or_else(unknown)
}

async fn note(api: &Api, by: By, run: &Run, action: &'static str) -> Result<(), Problem> {
    let (organisation, subject) = (run.organisation, format!("billing_run:{}", run.id));
    let after = serde_json::json!({
        "number": run.number, "state": run.state.word(),
        "total": run.total.map(|total| total.to_string()),
    });
    api.registry()
        .write(move |tx| write_note(tx, &by, organisation, (action, &subject), Some(after.clone())))
        .await?;
    Ok(())
}

fn write_note(
    tx: &mut corrente_registry::Tx,
    by: &By,
    organisation: OrganisationId,
    (action, subject): (&str, &str),
    after: Option<serde_json::Value>,
) -> Result<(), MdmError> {
    audit::write(
        tx,
        &audit::NewEntry {
            organisation,
            actor: &by.actor,
            business: by.business,
            real: by.real,
            action,
            subject,
            before: None,
            after,
            reason: by.reason.as_deref(),
            address: by.address.as_deref(),
        },
    )?;
    Ok(())
}
