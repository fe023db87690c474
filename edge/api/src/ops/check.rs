//! Tariff files, paper bills and payment codes of anybody, checked: `/tariffs/…`, `/bills/check`,
//! `/codes/check`. Nothing of it is stored.

use axum::{Json, extract::State};
use corrente_billing::check::{check_bills, check_code};
use corrente_mdm::simulate::SimulationQuery;
use corrente_tariff::{Tariff, TariffError, explain, urdb};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Api, Body, CurrentUser, Operator, Problem};

/// So many codes are checked by one request.
const MOST_CODES: usize = 1000;

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(check_tariff))
        .routes(routes!(explain_tariff))
        .routes(routes!(simulate_tariff))
        .routes(routes!(import_urdb))
        .routes(routes!(check_paper_bills))
        .routes(routes!(check_codes))
}

/// A file's text.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TextRequest {
    /// The text of the file.
    content: String,
}

/// What a tariff file is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TariffReport {
    /// Nothing is wrong with it.
    sound: bool,
    /// Its code.
    code: Option<String>,
    /// Its version.
    version: Option<String>,
    /// Its first day.
    valid_from: Option<String>,
    /// Everything that is wrong with it.
    problems: Vec<TariffMistake>,
}

/// One thing that is wrong with a tariff file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TariffMistake {
    /// The line, the first one is 1, where it is known.
    line: Option<usize>,
    /// The key, as a path: `energy[1].price`.
    key: String,
    /// What is wrong.
    problem: String,
    /// What to do.
    fix: String,
}

/// A tariff in words.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Explanation {
    /// The text.
    text: String,
}

/// A tariff to try on what customers really used.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SimulationRequest {
    /// The text of the tariff file.
    content: String,
    /// Recorded names of the usage points; all of them when left out.
    #[serde(default)]
    usage_points: Vec<String>,
    /// So many whole months back; 12 when left out.
    last: Option<i64>,
}

/// What a tariff would have changed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SimulationDocument {
    /// Months that were rated under both tariffs.
    bills: usize,
    /// Usage points that would pay less.
    winners: usize,
    /// Usage points that would pay more.
    losers: usize,
    /// What all paid.
    revenue_before: String,
    /// What all would have paid.
    revenue_after: String,
    /// Usage points, the largest gain first.
    outcomes: Vec<OutcomeDocument>,
    /// Usage points of which nothing could be compared, with the reason.
    left_out: Vec<LeftOut>,
}

/// A usage point under both tariffs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OutcomeDocument {
    /// Its recorded name.
    usage_point: String,
    before: String,
    after: String,
    difference: String,
}

/// A usage point of which nothing could be compared.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LeftOut {
    /// Its recorded name.
    usage_point: String,
    /// Why.
    reason: String,
}

/// A rate of OpenEI's database as a tariff file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UrdbDocument {
    /// The tariff file (TOML).
    content: String,
    /// What was left out and decides amounts.
    left_out: Vec<String>,
    /// What to know.
    notes: Vec<String>,
}

/// Reports on bills or codes, each as the command line prints it with `--json`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reports {
    /// How many differ, or are not sound.
    differing: usize,
    /// One for each, in order.
    #[schema(value_type = Vec<Object>)]
    reports: Vec<serde_json::Value>,
}

/// Codes to check.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodesRequest {
    /// PIX codes, FEBRABAN bar codes, NF3e keys and addresses.
    codes: Vec<String>,
}

/// Says whether a tariff file is sound: line, key, problem and fix of every mistake.
#[utoipa::path(
    post,
    path = "/tariffs/check",
    tag = "tariffs",
    request_body = TextRequest,
    responses((status = 200, body = TariffReport)),
    extensions(("x-access" = json!("user"))),
)]
async fn check_tariff(_: CurrentUser, Body(given): Body<TextRequest>) -> Json<TariffReport> {
    Json(match Tariff::parse(&given.content) {
        Ok(tariff) => TariffReport {
            sound: true,
            code: Some(tariff.code().to_owned()),
            version: Some(tariff.version().to_owned()),
            valid_from: Some(tariff.valid_from().to_string()),
            problems: Vec::new(),
        },
        Err(TariffError { problems }) => TariffReport {
            sound: false,
            code: None,
            version: None,
            valid_from: None,
            problems: problems
                .into_iter()
                .map(|p| TariffMistake { line: p.line, key: p.key, problem: p.problem, fix: p.fix })
                .collect(),
        },
    })
}

/// A tariff file in words.
#[utoipa::path(
    post,
    path = "/tariffs/explain",
    tag = "tariffs",
    request_body = TextRequest,
    responses((status = 200, body = Explanation)),
    extensions(("x-access" = json!("user"))),
)]
async fn explain_tariff(
    _: CurrentUser,
    Body(given): Body<TextRequest>,
) -> Result<Json<Explanation>, Problem> {
    Ok(Json(Explanation { text: explain(&sound(&given.content)?) }))
}

/// Rates the last whole months of usage points under the tariffs in force and under another one: who would
/// pay less, who more, what would come in. Nothing is written.
#[utoipa::path(
    post,
    path = "/tariffs/simulate",
    tag = "tariffs",
    request_body = SimulationRequest,
    responses((status = 200, body = SimulationDocument)),
    extensions(("x-access" = json!("operator"))),
)]
async fn simulate_tariff(
    State(api): State<Api>,
    Operator(caller): Operator,
    Body(given): Body<SimulationRequest>,
) -> Result<Json<SimulationDocument>, Problem> {
    let tariff = sound(&given.content)?;
    let query = SimulationQuery {
        organisation: caller.user.organisation,
        usage_points: given.usage_points,
        months: given.last.unwrap_or(12),
    };
    let found = api.mdm().run(move |mdm| mdm.simulate(&tariff, &query)).await?;
    let simulation = found.simulation;
    Ok(Json(SimulationDocument {
        bills: found.bills,
        winners: simulation.winners,
        losers: simulation.losers,
        revenue_before: simulation.revenue_before.to_string(),
        revenue_after: simulation.revenue_after.to_string(),
        outcomes: simulation
            .outcomes
            .into_iter()
            .map(|outcome| OutcomeDocument {
                usage_point: outcome.usage_point,
                before: outcome.before.to_string(),
                after: outcome.after.to_string(),
                difference: outcome.difference.to_string(),
            })
            .collect(),
        left_out: found
            .left_out
            .into_iter()
            .map(|(usage_point, reason)| LeftOut { usage_point, reason })
            .collect(),
    }))
}

/// A rate of OpenEI's Utility Rate Database (JSON) as a tariff file, with what it leaves out.
#[utoipa::path(
    post,
    path = "/tariffs/import-urdb",
    tag = "tariffs",
    request_body = TextRequest,
    responses((status = 200, body = UrdbDocument)),
    extensions(("x-access" = json!("operator"))),
)]
async fn import_urdb(
    _: Operator,
    Body(given): Body<TextRequest>,
) -> Result<Json<UrdbDocument>, Problem> {
    let wrong = |error: &dyn std::error::Error| Problem::field("content", sentence(error));
    let imported = urdb::import(&given.content).map_err(|error| wrong(&error))?;
    let tariff = Tariff::from_file(imported.file).map_err(|error| wrong(&error))?;
    let content = tariff.to_toml().map_err(|error| Problem::internal(&error))?;
    Ok(Json(UrdbDocument { content, left_out: imported.left_out, notes: imported.notes }))
}

/// Computes paper bills again and says of each whether it is equal, or which line or tax differs and by how
/// much.
#[utoipa::path(
    post,
    path = "/bills/check",
    tag = "bills",
    request_body = TextRequest,
    responses((status = 200, body = Reports)),
    extensions(("x-access" = json!("user"))),
)]
async fn check_paper_bills(
    _: CurrentUser,
    Body(given): Body<TextRequest>,
) -> Result<Json<Reports>, Problem> {
    let reports =
        check_bills(&given.content).map_err(|error| Problem::field("content", sentence(&error)))?;
    let differing = reports.iter().filter(|report| !report.equal).count();
    Ok(Json(Reports { differing, reports: documents(&reports)? }))
}

/// Explains and verifies PIX codes, FEBRABAN bar codes and NF3e keys.
#[utoipa::path(
    post,
    path = "/codes/check",
    tag = "bills",
    request_body = CodesRequest,
    responses((status = 200, body = Reports)),
    extensions(("x-access" = json!("user"))),
)]
async fn check_codes(
    _: CurrentUser,
    Body(given): Body<CodesRequest>,
) -> Result<Json<Reports>, Problem> {
    if given.codes.len() > MOST_CODES {
        return Err(Problem::field("codes", format!("Send at most {MOST_CODES} at a time.")));
    }
    let reports: Vec<_> = given.codes.iter().map(|code| check_code(code)).collect();
    let differing = reports.iter().filter(|report| !report.valid).count();
    Ok(Json(Reports { differing, reports: documents(&reports)? }))
}

fn documents<T: Serialize>(reports: &[T]) -> Result<Vec<serde_json::Value>, Problem> {
    let documents: Result<Vec<_>, _> = reports.iter().map(serde_json::to_value).collect();
    documents.map_err(|error| Problem::internal(&error))
}

fn sound(content: &str) -> Result<Tariff, Problem> {
    Tariff::parse(content).map_err(|error| Problem::field("content", error.to_string()))
}

/// An error with its causes in one sentence.
fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
