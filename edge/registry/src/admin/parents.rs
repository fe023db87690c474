//! Which usage point lies behind which other one.

use corrente_metering::{Timestamp, id::OrganisationId};
use serde_json::json;

use super::By;
use crate::{
    RegistryError, Tx, parents,
    usage_points::{self, UsagePoint},
};

/// Puts a usage point behind another one from an instant on, or behind none. The names are the recorded
/// ones.
pub fn set_parent(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    (child, parent): (&str, Option<&str>),
    from: Timestamp,
) -> Result<(), RegistryError> {
    let child = named(tx, organisation, child)?;
    let parent = parent.map(|parent| named(tx, organisation, parent)).transpose()?;
    parents::end(tx, child.id, from)?;
    if let Some(parent) = &parent {
        // Up from the new parent nobody may lie behind the child: energy would go round.
        let mut above = vec![parent.id];
        while let Some(point) = above.pop() {
            if point == child.id {
                let reason = format!("`{}` lies behind `{}` itself", parent.name, child.name);
                return Err(RegistryError::Invalid { field: "parent", reason });
            }
            above.extend(
                parents::of(tx, point)?
                    .into_iter()
                    .filter(|above| above.until.is_none_or(|until| until > from))
                    .map(|above| above.parent),
            );
        }
        parents::insert(tx, (child.id, parent.id), from, by.business)?;
    }
    let after = json!({
        "usage_point": child.name, "parent": parent.map(|parent| parent.name),
        "from": from.to_string(),
    });
    let subject = format!("usage_point:{}", child.id);
    by.note(tx, organisation, "usage_point.parent", &subject, (None, Some(after)))
}

fn named(
    tx: &mut Tx,
    organisation: OrganisationId,
    name: &str,
) -> Result<UsagePoint, RegistryError> {
    usage_points::by_name(tx, organisation, name)?
        .ok_or_else(|| RegistryError::NotFound { kind: "usage point", name: name.to_owned() })
}
