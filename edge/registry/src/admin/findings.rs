//! What a person decides about findings.

use serde_json::{Value as Json, json};

use super::By;
use crate::{
    RegistryError, Tx,
    edits::{self, NewEdit},
    findings::{self, Finding, FindingState},
    relooks::{self, RelookCause},
};

/// What was decided, in the words of the audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// Where the findings stand now.
    pub state: FindingState,
    /// The action's name: `finding.accept`.
    pub action: &'static str,
    /// What it made.
    pub made: Option<Json>,
    /// The edits that it makes.
    pub edits: Vec<NewEdit>,
}

/// Stores a decision about findings with the edits that it makes, and a line of the audit log for each
/// finding. The same decision again changes nothing and adds no line. Says how many findings it changed.
pub fn decide_findings(
    tx: &mut Tx,
    by: &By,
    findings: &[Finding],
    decided: &Decided,
) -> Result<usize, RegistryError> {
    for edit in &decided.edits {
        if edits::insert_once(tx, edit, by.business)? {
            relooks::ask(tx, edit.usage_point, edit.span, RelookCause::Edit, by.business)?;
        }
    }
    let mut changed = 0;
    for known in findings {
        let Some(finding) = findings::get(tx, known.id)? else { continue };
        if finding.state == decided.state {
            continue;
        }
        findings::decide(tx, finding.id, decided.state, by.business)?;
        let before = json!({"rule": finding.rule, "state": finding.state.word()});
        let after = json!({"state": decided.state.word(), "edit": decided.made});
        let subject = format!("finding:{}", finding.id);
        let change = (Some(before), Some(after));
        by.note(tx, finding.organisation, decided.action, &subject, change)?;
        changed += 1;
    }
    Ok(changed)
}
