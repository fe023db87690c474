//! What a person decides about a finding.

use serde_json::{Value as Json, json};

use super::By;
use crate::{
    RegistryError, Tx,
    edits::{self, NewEdit},
    findings::{self, Finding, FindingState},
};

/// Stores a decision, the edit that it makes, and the line of the audit log that tells both. `told` is
/// the action's name and what it made.
pub fn decide_finding(
    tx: &mut Tx,
    by: &By,
    finding: &Finding,
    state: FindingState,
    told: (&str, Option<Json>),
    edit: Option<&NewEdit>,
) -> Result<(), RegistryError> {
    if let Some(edit) = edit {
        edits::insert(tx, edit, by.business)?;
    }
    findings::set_state(tx, finding.id, state)?;
    let (action, made) = told;
    let before = json!({"rule": finding.rule, "state": finding.state.word()});
    let after = json!({"state": state.word(), "edit": made});
    let subject = format!("finding:{}", finding.id);
    by.note(tx, finding.organisation, action, &subject, (Some(before), Some(after)))
}
