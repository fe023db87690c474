//! The worklist under `/admin/findings`: what validation found and a person should decide.
#![expect(unused_qualifications, reason = "the macro of the document writes whole paths")]

use axum::{Json, extract::State};
use corrente_mdm::{
    export::quality_word,
    vee::worklist::{
        Chart, Group, ShownFinding, Verdict, Which, WorklistPage, WorklistQuery, sentence,
    },
};
use corrente_metering::{Span, id::FindingId};
use corrente_registry::findings::FindingState;
use corrente_units::Energy;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Clerk, meters::instant, readings::kwh};
use crate::{Api, Body, Operator, Params, PathId, Problem};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_findings))
        .routes(routes!(get_finding))
        .routes(routes!(decide_finding))
        .routes(routes!(decide_findings))
}

/// Groups in one answer, unless fewer are asked for.
const MOST_GROUPS: usize = 500;

/// Which findings.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindingsQuestion {
    /// `open` when left out, `returned`, `accepted` or `resolved`.
    state: Option<String>,
    /// Only of this rule.
    rule: Option<String>,
    /// How many groups, at most 500; 100 when left out.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// What waits for a person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Worklist {
    /// By cause; those that concern most usage points first.
    groups: Vec<FindingGroup>,
    /// The cursor of the next page; null at the end.
    next: Option<String>,
}

/// Findings of one cause.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FindingGroup {
    /// Names the group, for a decision about all of it. An outage that goes on changes its key.
    key: String,
    /// The rule.
    rule: String,
    /// What the usage points have in common: `gateway G-7`, `route 12`; null where that is not known.
    place: Option<String>,
    /// When the trouble began.
    from: String,
    /// When it ended.
    until: String,
    /// How many usage points it concerns.
    usage_points: usize,
    /// How many findings it has: neighbouring days of one trouble are several.
    count: usize,
    /// What the suggested values add to what was read, Wh; null where nothing is suggested.
    effect_wh: Option<i64>,
    /// What a person could do; `kind` names it.
    #[schema(value_type = Object)]
    suggestion: serde_json::Value,
    /// One of them in a sentence.
    sentence: String,
    /// The ids of the first hundred findings.
    findings: Vec<String>,
}

impl From<Group> for FindingGroup {
    fn from(group: Group) -> Self {
        Self {
            key: group.key,
            rule: group.rule,
            place: group.place,
            from: group.from,
            until: group.until,
            usage_points: group.usage_points,
            count: group.count,
            effect_wh: group.effect_wh,
            suggestion: group.suggestion,
            sentence: group.sentence,
            findings: group.findings.iter().map(ToString::to_string).collect(),
        }
    }
}

/// A finding.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FindingDocument {
    /// Its id.
    id: String,
    /// The usage point's id.
    usage_point: Option<String>,
    /// The usage point's recorded name.
    usage_point_name: Option<String>,
    /// The rule.
    rule: String,
    /// When the trouble began.
    from: String,
    /// When it ended.
    until: String,
    /// `open`, `returned`, `accepted` or `resolved`.
    state: &'static str,
    /// What was seen, in a sentence.
    sentence: String,
    /// What the suggested values add to what was read, Wh.
    effect_wh: Option<i64>,
    /// The numbers behind it.
    #[schema(value_type = Object)]
    evidence: serde_json::Value,
    /// What a person could do; `kind` names it.
    #[schema(value_type = Object)]
    suggestion: serde_json::Value,
    /// The day of the finding and one on either side, as read and as believed.
    chart: Vec<FindingChartInterval>,
}

/// An interval around a finding.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FindingChartInterval {
    /// Beginning.
    from: String,
    /// End.
    to: String,
    /// What the readings say, Wh; null where they know nothing.
    read_wh: Option<i64>,
    /// A part of it was not read, so it was at least this.
    read_at_least: bool,
    /// What is believed, Wh; null where it is missing.
    wh: Option<i64>,
    /// `measured`, `estimated`, `edited` or `missing`.
    quality: &'static str,
    /// A part of it is missing, so it was at least this.
    at_least: bool,
}

fn chart(chart: Option<&Chart>) -> Vec<FindingChartInterval> {
    let Some(chart) = chart else { return Vec::new() };
    chart
        .intervals
        .iter()
        .map(|interval| FindingChartInterval {
            from: chart.calendar.rfc3339(interval.span.start),
            to: chart.calendar.rfc3339(interval.span.end),
            read_wh: interval.read.map(Energy::wh),
            read_at_least: interval.read_at_least,
            wh: interval.believed.map(Energy::wh),
            quality: quality_word(interval.quality),
            at_least: interval.at_least,
        })
        .collect()
}

/// What a person decides.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decision {
    /// `accept` (it is as it should be, suggested values stand), `edit`, or `send_back` (somebody has to
    /// look on site, or ask the source again).
    verdict: String,
    /// Why; an edit needs it.
    reason: Option<String>,
    /// The energy of the stretch, in kWh, for an edit.
    kwh: Option<String>,
    /// Beginning of an edit, RFC 3339; the finding's own when left out.
    from: Option<String>,
    /// Its end.
    until: Option<String>,
}

/// What a person decides about several findings.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupDecision {
    /// The findings.
    ids: Option<Vec<String>>,
    /// Or all of a group, by its key.
    group: Option<String>,
    /// In which state the group's findings are; `open` when left out.
    state: Option<String>,
    /// `accept`, `edit` or `send_back`. An edit is of one usage point; its findings may be several days
    /// of one trouble.
    verdict: String,
    /// Why; an edit needs it.
    reason: Option<String>,
    /// The energy of the stretch, in kWh, for an edit.
    kwh: Option<String>,
    /// Beginning of an edit, RFC 3339; that of the findings when left out.
    from: Option<String>,
    /// Its end.
    until: Option<String>,
}

/// What a decision did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DecisionsMade {
    /// Findings that stand elsewhere than before; 0 when the same was decided before.
    findings: usize,
    /// Usage points of which days were looked at again.
    usage_points: usize,
}

/// What waits for a person, grouped by cause.
#[utoipa::path(
    get,
    path = "/admin/findings",
    tag = "admin",
    params(FindingsQuestion),
    responses((status = 200, body = Worklist)),
    extensions(("x-access" = json!("operator"))),
)]
async fn list_findings(
    State(api): State<Api>,
    Operator(caller): Operator,
    Params(question): Params<FindingsQuestion>,
) -> Result<Json<Worklist>, Problem> {
    let query = WorklistQuery {
        state: state(question.state.as_deref())?,
        rule: question.rule,
        cursor: question.cursor,
        limit: question.limit.unwrap_or(100).clamp(1, MOST_GROUPS),
    };
    let organisation = caller.user.organisation;
    let WorklistPage { groups, next } =
        api.mdm().run(move |mdm| mdm.worklist_page(organisation, query)).await?;
    Ok(Json(Worklist { groups: groups.into_iter().map(Into::into).collect(), next }))
}

fn state(word: Option<&str>) -> Result<FindingState, Problem> {
    let word = word.unwrap_or("open");
    FindingState::from_word(word).ok_or_else(|| {
        Problem::field("state", format!("`{word}` is not open, returned, accepted or resolved."))
    })
}

/// One finding with its numbers.
#[utoipa::path(
    get,
    path = "/admin/findings/{id}",
    tag = "admin",
    params(("id" = String, Path, description = "The finding")),
    responses((status = 200, body = FindingDocument)),
    extensions(("x-access" = json!("operator"))),
)]
async fn get_finding(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathId(id): PathId<FindingId>,
) -> Result<Json<FindingDocument>, Problem> {
    let organisation = caller.user.organisation;
    let (shown, around) = api
        .mdm()
        .run(move |mdm| {
            let shown = mdm.finding(organisation, id)?;
            let chart = mdm.finding_chart(&shown.finding)?;
            Ok((shown, chart))
        })
        .await?;
    Ok(Json(FindingDocument::new(&shown, around.as_ref())))
}

/// Decides about a finding. An edit makes the next version of its days.
#[utoipa::path(
    post,
    path = "/admin/findings/{id}/decision",
    tag = "admin",
    params(("id" = String, Path, description = "The finding")),
    request_body = Decision,
    responses((status = 204, description = "It is decided")),
    extensions(("x-access" = json!("operator"))),
)]
async fn decide_finding(
    State(api): State<Api>,
    Clerk { mut by, organisation }: Clerk,
    PathId(id): PathId<FindingId>,
    Body(given): Body<Decision>,
) -> Result<StatusCode, Problem> {
    let verdict = verdict(&given.verdict, given.kwh.as_deref(), [&given.from, &given.until])?;
    by.reason = given.reason;
    api.mdm()
        .run(move |mdm| {
            let shown = mdm.finding(organisation, id)?;
            mdm.decide(&by, &shown, verdict)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Decides about several findings in one transaction: those that are named, or all of a group. An edit
/// makes the next version of its days. The same decision again changes nothing.
#[utoipa::path(
    post,
    path = "/admin/findings/decisions",
    tag = "admin",
    request_body = GroupDecision,
    responses((status = 200, body = DecisionsMade)),
    extensions(("x-access" = json!("operator"))),
)]
async fn decide_findings(
    State(api): State<Api>,
    Clerk { mut by, organisation }: Clerk,
    Body(given): Body<GroupDecision>,
) -> Result<Json<DecisionsMade>, Problem> {
    let verdict = verdict(&given.verdict, given.kwh.as_deref(), [&given.from, &given.until])?;
    let which = match (given.ids, given.group) {
        (Some(ids), None) => {
            let ids = ids.iter().map(|id| {
                id.parse().map_err(|_| Problem::field("ids", format!("`{id}` is no finding's id.")))
            });
            Which::Findings(ids.collect::<Result<Vec<FindingId>, Problem>>()?)
        }
        (None, Some(key)) => Which::Group(key, state(given.state.as_deref())?),
        (Some(_), Some(_)) | (None, None) => {
            return Err(Problem::field("ids", "Give either `ids` or `group`."));
        }
    };
    by.reason = given.reason;
    let done = api.mdm().run(move |mdm| mdm.decide_all(&by, organisation, &which, verdict)).await?;
    Ok(Json(DecisionsMade { findings: done.findings, usage_points: done.usage_points }))
}

fn verdict(
    word: &str,
    energy: Option<&str>,
    [from, until]: [&Option<String>; 2],
) -> Result<Verdict, Problem> {
    match word {
        "accept" => Ok(Verdict::Accept),
        "send_back" => Ok(Verdict::SendBack),
        "edit" => {
            let text = energy.unwrap_or_default();
            let energy = kwh(text).ok_or_else(|| {
                Problem::field("kwh", format!("`{text}` is not a number of kWh such as 4.8."))
            })?;
            let (from, until) =
                (instant("from", from.as_deref())?, instant("until", until.as_deref())?);
            let span = match (from, until) {
                (Some(from), Some(until)) => Some(Span::new(from, until)),
                (None, None) => None,
                (Some(_), None) | (None, Some(_)) => {
                    return Err(Problem::field("until", "Give both ends, or none."));
                }
            };
            Ok(Verdict::Edit { energy, span })
        }
        other => {
            let detail = format!("`{other}` is not accept, edit or send_back.");
            Err(Problem::field("verdict", detail))
        }
    }
}

impl FindingDocument {
    fn new(shown: &ShownFinding, around: Option<&Chart>) -> Self {
        let finding = &shown.finding;
        let part = |name: &str| finding.document.get(name).cloned().unwrap_or_default();
        Self {
            id: finding.id.to_string(),
            usage_point: finding.usage_point.map(|point| point.to_string()),
            usage_point_name: shown.usage_point.clone(),
            rule: finding.rule.clone(),
            from: finding.from.to_string(),
            until: finding.until.to_string(),
            state: finding.state.word(),
            sentence: sentence(finding),
            effect_wh: part("effect_wh").as_i64(),
            evidence: part("finding"),
            suggestion: part("suggestion"),
            chart: chart(around),
        }
    }
}
