//! The worklist: findings that wait for a person, grouped by cause, and what the person decides.

use std::collections::{BTreeMap, BTreeSet};

use corrente_metering::{
    Date, Direction, Span, Timestamp,
    calendar::next_day,
    id::{FindingId, OrganisationId, UsagePointId},
};
use corrente_registry::{
    RegistryError,
    admin::By,
    edits::NewEdit,
    findings::{self, Finding, FindingState},
    usage_points,
};
use corrente_units::Energy;
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::Cause;
use crate::{Mdm, MdmError};

/// More findings than this are not looked at for one list.
const MOST: u32 = 20_000;

/// Findings of one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The rule.
    pub rule: String,
    /// When the trouble began, RFC 3339.
    pub from: String,
    /// When it ended.
    pub until: String,
    /// How many usage points it concerns.
    pub usage_points: usize,
    /// What the suggested values add to what was read, Wh; nothing where nothing is suggested.
    pub effect_wh: Option<i64>,
    /// What a person could do.
    pub suggestion: Json,
    /// One of them in a sentence.
    pub sentence: String,
    /// The findings.
    pub findings: Vec<FindingId>,
}

/// A finding as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownFinding {
    /// The finding.
    pub finding: Finding,
    /// The usage point's recorded name.
    pub usage_point: Option<String>,
}

/// What a person decides about a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it should be; suggested values stand.
    Accept,
    /// The stretch had this energy.
    Edit {
        /// How much.
        energy: Energy,
        /// The stretch; the finding's own where nothing is said.
        span: Option<Span>,
    },
    /// Somebody has to look on site, or ask the source again.
    SendBack,
}

impl Mdm {
    /// What waits for a person, grouped by cause; the groups with most usage points first.
    ///
    /// # Errors
    /// When the registry fails.
    pub fn worklist(
        &self,
        organisation: OrganisationId,
        state: FindingState,
    ) -> Result<Vec<Group>, MdmError> {
        let found = self
            .registry
            .read_blocking(move |tx| findings::in_state(tx, organisation, state, MOST))?;
        let mut groups: BTreeMap<(String, i64, i64), (BTreeSet<UsagePointId>, Group)> =
            BTreeMap::new();
        for finding in found {
            let hour = |t: Timestamp| t.second().div_euclid(3600);
            let key = (finding.rule.clone(), hour(finding.from), hour(finding.until));
            let (points, group) = groups.entry(key).or_insert_with(|| {
                let group = Group {
                    rule: finding.rule.clone(),
                    from: finding.from.to_string(),
                    until: finding.until.to_string(),
                    usage_points: 0,
                    effect_wh: None,
                    suggestion: finding.document.get("suggestion").cloned().unwrap_or_default(),
                    sentence: sentence(&finding),
                    findings: Vec::new(),
                };
                (BTreeSet::new(), group)
            });
            points.extend(finding.usage_point);
            group.usage_points = points.len();
            if let Some(effect) = finding.document.get("effect_wh").and_then(Json::as_i64) {
                group.effect_wh = Some(group.effect_wh.unwrap_or(0).saturating_add(effect));
            }
            group.findings.push(finding.id);
        }
        let mut groups: Vec<Group> = groups.into_values().map(|(_, group)| group).collect();
        groups
            .sort_by(|a, b| b.usage_points.cmp(&a.usage_points).then_with(|| b.from.cmp(&a.from)));
        Ok(groups)
    }

    /// One finding of an organisation.
    ///
    /// # Errors
    /// When the registry fails or there is no such finding.
    pub fn finding(
        &self,
        organisation: OrganisationId,
        id: FindingId,
    ) -> Result<ShownFinding, MdmError> {
        let shown = self.registry.read_blocking(move |tx| {
            let Some(finding) = findings::get(tx, id)? else { return Ok(None) };
            let point = match finding.usage_point {
                Some(point) => usage_points::get(tx, point)?,
                None => None,
            };
            let usage_point = point.map(|point| point.name);
            Ok::<_, RegistryError>(Some(ShownFinding { finding, usage_point }))
        })?;
        shown
            .filter(|shown| shown.finding.organisation == organisation)
            .ok_or_else(|| MdmError::NotFound { kind: "finding", id: id.to_string() })
    }

    /// Decides about a finding, with a line of the audit log; an edit makes the next version of its
    /// days.
    ///
    /// # Errors
    /// When a store fails, there is no such finding, or an edit does not fit.
    pub fn decide(&self, by: &By, shown: &ShownFinding, verdict: Verdict) -> Result<(), MdmError> {
        let finding = shown.finding.clone();
        let (state, action, edit) = match verdict {
            Verdict::Accept => (FindingState::Accepted, "finding.accept", None),
            Verdict::SendBack => (FindingState::Returned, "finding.send_back", None),
            Verdict::Edit { energy, span } => {
                let span = span.unwrap_or(Span::new(finding.from, finding.until));
                (
                    FindingState::Resolved,
                    "finding.edit",
                    Some(self.edit(by, &finding, energy, span)?),
                )
            }
        };
        let point = finding.usage_point;
        let days = edit.as_ref().map(|(_, days)| days.clone()).unwrap_or_default();
        let by = by.clone();
        self.registry.write_blocking(move |tx| {
            let after = edit.as_ref().map(|(edit, _)| {
                json!({
                    "from": edit.span.start.to_string(),
                    "until": edit.span.end.to_string(),
                    "energy_wh": edit.energy.wh(),
                })
            });
            corrente_registry::admin::decide_finding(
                tx,
                &by,
                &finding,
                state,
                (action, after),
                edit.as_ref().map(|(edit, _)| edit),
            )
        })?;
        if let Some(point) = point.filter(|_| !days.is_empty()) {
            self.validate_days(point, &days, Cause::Edit)?;
        }
        Ok(())
    }

    /// An edit and the days that it touches.
    fn edit(
        &self,
        by: &By,
        finding: &Finding,
        energy: Energy,
        span: Span,
    ) -> Result<(NewEdit, BTreeSet<Date>), MdmError> {
        let invalid = |field, reason: &str| MdmError::Invalid { field, reason: reason.to_owned() };
        let reason = by.reason.clone().filter(|reason| !reason.trim().is_empty());
        let reason = reason.ok_or_else(|| invalid("reason", "an edit needs a reason"))?;
        if span.is_empty() || energy < Energy::ZERO {
            return Err(invalid(
                "energy",
                "give an energy that is not negative, for a stretch of time",
            ));
        }
        let point = finding.usage_point.ok_or_else(|| {
            invalid("finding", "it belongs to no usage point that could be edited")
        })?;
        let point = self.point(point)?;
        let export = finding.document.get("direction").and_then(Json::as_str) == Some("export");
        let direction = if export { Direction::Export } else { Direction::Import };
        let channel = point
            .channels
            .iter()
            .rfind(|channel| {
                finding.channel.map_or(channel.direction == direction, |c| c == channel.channel)
            })
            .ok_or_else(|| invalid("finding", "no meter stood there then"))?;
        let calendar = &point.calendar;
        let mut days = BTreeSet::new();
        let mut day = calendar.date(span.start);
        while calendar.midnight(day) < span.end {
            days.insert(day);
            day = next_day(day);
        }
        let edit = NewEdit {
            organisation: point.row.organisation,
            usage_point: point.row.id,
            channel: channel.channel,
            span,
            energy,
            actor: by.actor.clone(),
            reason,
        };
        Ok((edit, days))
    }
}

/// The finding in a sentence.
pub fn sentence(finding: &Finding) -> String {
    let text = finding.document.get("sentence").and_then(Json::as_str).unwrap_or_default();
    format!("{}: {text}", finding.rule)
}
