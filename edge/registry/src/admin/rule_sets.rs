//! Rule sets of validation, and which usage points they are for.

use corrente_metering::{Span, Timestamp, id::OrganisationId};
use serde_json::json;

use super::{By, calendar_of};
use crate::{
    RegistryError, Tx,
    class_profiles::{self, ClassProfileRow},
    organisations::check_zone,
    relooks,
    rule_sets::{self, NewRuleSet, STANDARD},
    usage_points,
};

/// Stores a version of a group's rule set; the days of its usage points from its first day on are looked
/// at again. The same version again changes nothing, with another text it is refused. Says whether it was
/// new. That the file can work is for the caller to check.
pub fn store_rule_set(tx: &mut Tx, by: &By, new: &NewRuleSet) -> Result<bool, RegistryError> {
    let known = rule_sets::of_group(tx, new.organisation, &new.group)?;
    if let Some(last) = known.last() {
        if let Some(same) = known.iter().find(|known| known.version == new.version)
            && same.content == new.content
            && same.valid_from == new.valid_from
        {
            return Ok(false);
        }
        if new.version <= last.version {
            let next = last.version.saturating_add(1);
            let reason = format!(
                "version {} of `{}` is stored already and is never changed: write version = {next}",
                last.version, new.group
            );
            return Err(RegistryError::Invalid { field: "version", reason });
        }
    }
    rule_sets::insert(tx, new, by.business)?;
    for (point, zone) in rule_sets::members(tx, new.organisation, &new.group)? {
        let from = check_zone(&zone)?.midnight(new.valid_from);
        let span = Span::new(from, Timestamp::MAX);
        relooks::ask(tx, point, span, rule_sets::CAUSE, by.business)?;
    }
    let after = json!({
        "group": new.group, "version": new.version, "valid_from": new.valid_from.to_string(),
    });
    let subject = format!("rule_set:{}", new.group);
    by.note(tx, new.organisation, "rule_set.store", &subject, (None, Some(after)))?;
    Ok(true)
}

/// Puts a usage point, by its recorded name, into a group of rule sets, or out of all. Its days are looked
/// at again, as far as the rules of the two groups go back.
pub fn set_rule_group(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    name: &str,
    group: Option<&str>,
) -> Result<(), RegistryError> {
    let point = usage_points::by_name(tx, organisation, name)?
        .ok_or_else(|| RegistryError::NotFound { kind: "usage point", name: name.to_owned() })?;
    if point.vee_group.as_deref() == group {
        return Ok(());
    }
    let mut from = None;
    for group in [point.vee_group.as_deref(), group] {
        let group = group.unwrap_or(STANDARD);
        let known = rule_sets::of_group(tx, organisation, group)?;
        if known.is_empty() && group != STANDARD {
            let reason = format!("there is no rule set `{group}`: store one first");
            return Err(RegistryError::Invalid { field: "group", reason });
        }
        let first = known.iter().map(|known| known.valid_from).min();
        from = match (from, first) {
            (Some(a), Some(b)) => Some(Ord::min(a, b)),
            (one, other) => one.or(other),
        };
    }
    rule_sets::set_group(tx, point.id, group)?;
    if let Some(from) = from {
        let span = Span::new(calendar_of(&point)?.midnight(from), Timestamp::MAX);
        relooks::ask(tx, point.id, span, rule_sets::CAUSE, by.business)?;
    }
    let before = json!({"group": point.vee_group});
    let after = json!({"usage_point": name, "group": group});
    let subject = format!("usage_point:{}", point.id);
    let change = (Some(before), Some(after));
    by.note(tx, organisation, "usage_point.rule_group", &subject, change)
}

/// Stores the mean week of a class for days from one on; those of its usage points that were looked at are
/// looked at again.
pub fn store_class_profile(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    new: &ClassProfileRow,
) -> Result<(), RegistryError> {
    if !class_profiles::insert(tx, organisation, new)? {
        let reason = format!(
            "class `{}` has a profile from {} on, which is never changed: begin it on another day",
            new.class, new.valid_from
        );
        return Err(RegistryError::Invalid { field: "valid_from", reason });
    }
    for point in usage_points::list_all(tx, organisation)? {
        if point.class == new.class {
            let from = calendar_of(&point)?.midnight(new.valid_from);
            let span = Span::new(from, Timestamp::MAX);
            relooks::ask(tx, point.id, span, rule_sets::CAUSE, by.business)?;
        }
    }
    let after = json!({"class": new.class, "valid_from": new.valid_from.to_string()});
    let subject = format!("class:{}", new.class);
    by.note(tx, organisation, "class_profile.store", &subject, (None, Some(after)))
}
