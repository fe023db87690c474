//! The worklist: findings that wait for a person, grouped by cause, and what the person decides.

mod chart;
mod edit;
mod groups;

use std::collections::BTreeSet;

use corrente_metering::{
    Span,
    id::{FindingId, OrganisationId, UsagePointId},
};
use corrente_registry::{
    RegistryError,
    admin::{self, By, Decided},
    findings::{self, Finding, FindingState},
    usage_points,
};
use corrente_units::Energy;
use serde_json::{Value as Json, json};

use crate::{Mdm, MdmError};

pub use self::{
    chart::{Chart, ChartInterval},
    groups::{Group, WorklistPage, WorklistQuery},
};

/// A finding as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownFinding {
    /// The finding.
    pub finding: Finding,
    /// The usage point's recorded name.
    pub usage_point: Option<String>,
}

/// What a person decides about findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it should be; suggested values stand.
    Accept,
    /// The stretch had this energy.
    Edit {
        /// How much.
        energy: Energy,
        /// The stretch; the findings' own where nothing is said.
        span: Option<Span>,
    },
    /// Somebody has to look on site, or ask the source again.
    SendBack,
}

/// Which findings a decision is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// These.
    Findings(Vec<FindingId>),
    /// All of a group in this state, by the key that a list gave it.
    Group(String, FindingState),
}

/// What a decision did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Findings that stand elsewhere than before.
    pub findings: usize,
    /// Usage points of which days were looked at again.
    pub usage_points: usize,
}

impl Mdm {
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

    /// Decides about one finding, as [`Mdm::decide_all`] does about several.
    ///
    /// # Errors
    /// When a store fails, there is no such finding, or an edit does not fit.
    pub fn decide(&self, by: &By, shown: &ShownFinding, verdict: Verdict) -> Result<(), MdmError> {
        self.decide_about(by, vec![shown.finding.clone()], verdict)?;
        Ok(())
    }

    /// Decides about findings in one transaction, with a line of the audit log for each; an edit makes the
    /// next version of its days. The same decision again changes nothing.
    ///
    /// # Errors
    /// When a store fails, there are no such findings, or an edit does not fit.
    pub fn decide_all(
        &self,
        by: &By,
        organisation: OrganisationId,
        which: &Which,
        verdict: Verdict,
    ) -> Result<Done, MdmError> {
        let found = match which {
            Which::Findings(ids) => ids
                .iter()
                .map(|id| Ok(self.finding(organisation, *id)?.finding))
                .collect::<Result<Vec<_>, MdmError>>()?,
            Which::Group(key, state) => self.findings_of_group(organisation, *state, key)?,
        };
        if found.is_empty() {
            let reason = "name at least one finding, or a group".to_owned();
            return Err(MdmError::Invalid { field: "ids", reason });
        }
        self.decide_about(by, found, verdict)
    }

    fn decide_about(
        &self,
        by: &By,
        found: Vec<Finding>,
        verdict: Verdict,
    ) -> Result<Done, MdmError> {
        let mut decided = Decided {
            state: FindingState::Accepted,
            action: "finding.accept",
            made: None,
            edits: Vec::new(),
        };
        match verdict {
            Verdict::Accept => {}
            Verdict::SendBack => {
                (decided.state, decided.action) = (FindingState::Returned, "finding.send_back");
            }
            Verdict::Edit { energy, span } => {
                let (edits, span) = self.edits_for(by, &found, energy, span)?;
                (decided.state, decided.action) = (FindingState::Resolved, "finding.edit");
                decided.made = Some(json!({
                    "from": span.start.to_string(),
                    "until": span.end.to_string(),
                    "energy_wh": energy.wh(),
                }));
                decided.edits = edits;
            }
        }
        let points: BTreeSet<UsagePointId> =
            decided.edits.iter().map(|edit| edit.usage_point).collect();
        let by = by.clone();
        let findings = self
            .registry
            .write_blocking(move |tx| admin::decide_findings(tx, &by, &found, &decided))?;
        for point in &points {
            self.validate_days(*point)?;
        }
        Ok(Done { findings, usage_points: points.len() })
    }
}

/// The finding in a sentence.
pub fn sentence(finding: &Finding) -> String {
    let text = finding.document.get("sentence").and_then(Json::as_str).unwrap_or_default();
    format!("{}: {text}", finding.rule)
}
