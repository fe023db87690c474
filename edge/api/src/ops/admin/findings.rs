//! The worklist under `/admin/findings`: what validation found and a person should decide.
#![expect(unused_qualifications, reason = "the macro of the document writes whole paths")]

use axum::{Json, extract::State};
use corrente_mdm::vee::worklist::{ShownFinding, Verdict, sentence};
use corrente_metering::{Span, Timestamp, id::FindingId};
use corrente_registry::findings::FindingState;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Clerk, readings::kwh};
use crate::{Api, Body, Operator, Params, PathId, Problem};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_findings))
        .routes(routes!(get_finding))
        .routes(routes!(decide_finding))
}

/// Which findings.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindingsQuestion {
    /// `open` when left out, `returned`, `accepted` or `resolved`.
    state: Option<String>,
}

/// What waits for a person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Worklist {
    /// By cause; those that concern most usage points first.
    groups: Vec<FindingGroup>,
}

/// Findings of one cause.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FindingGroup {
    /// The rule.
    rule: String,
    /// When the trouble began.
    from: String,
    /// When it ended.
    until: String,
    /// How many usage points it concerns.
    usage_points: usize,
    /// What the suggested values add to what was read, Wh; null where nothing is suggested.
    effect_wh: Option<i64>,
    /// What a person could do; `kind` names it.
    #[schema(value_type = Object)]
    suggestion: serde_json::Value,
    /// One of them in a sentence.
    sentence: String,
    /// The ids of the findings.
    findings: Vec<String>,
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
    let word = question.state.as_deref().unwrap_or("open");
    let state = FindingState::from_word(word).ok_or_else(|| {
        Problem::field("state", format!("`{word}` is not open, returned, accepted or resolved."))
    })?;
    let organisation = caller.user.organisation;
    let groups = api.mdm().run(move |mdm| mdm.worklist(organisation, state)).await?;
    let groups = groups
        .into_iter()
        .map(|group| FindingGroup {
            rule: group.rule,
            from: group.from,
            until: group.until,
            usage_points: group.usage_points,
            effect_wh: group.effect_wh,
            suggestion: group.suggestion,
            sentence: group.sentence,
            findings: group.findings.iter().map(ToString::to_string).collect(),
        })
        .collect();
    Ok(Json(Worklist { groups }))
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
    let shown = api.mdm().run(move |mdm| mdm.finding(organisation, id)).await?;
    Ok(Json(FindingDocument::new(&shown)))
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
    let verdict = given.verdict()?;
    by.reason = given.reason;
    api.mdm()
        .run(move |mdm| {
            let shown = mdm.finding(organisation, id)?;
            mdm.decide(&by, &shown, verdict)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Decision {
    fn verdict(&self) -> Result<Verdict, Problem> {
        match self.verdict.as_str() {
            "accept" => Ok(Verdict::Accept),
            "send_back" => Ok(Verdict::SendBack),
            "edit" => {
                let text = self.kwh.as_deref().unwrap_or_default();
                let energy = kwh(text).ok_or_else(|| {
                    Problem::field("kwh", format!("`{text}` is not a number of kWh such as 4.8."))
                })?;
                let instant = |field, text: &Option<String>| {
                    text.as_deref()
                        .map(|text| {
                            text.parse::<jiff::Timestamp>().map(Timestamp::from).map_err(|_| {
                                let detail = format!(
                                    "`{text}` is not a time such as 2026-11-23T00:00:00-03:00."
                                );
                                Problem::field(field, detail)
                            })
                        })
                        .transpose()
                };
                let (from, until) = (instant("from", &self.from)?, instant("until", &self.until)?);
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
}

impl FindingDocument {
    fn new(shown: &ShownFinding) -> Self {
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
        }
    }
}
