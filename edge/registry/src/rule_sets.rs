//! Rule sets of validation: files by group of usage points, each version from a day on.

use corrente_metering::{
    Date, Timestamp,
    id::{OrganisationId, RuleSetId, UsagePointId},
};

use crate::{
    RegistryError, Tx,
    relooks::RelookCause,
    value::{params, row},
};

/// The group of usage points that are in none.
pub const STANDARD: &str = "standard";

row! {
    /// A version of a rule set.
    pub struct RuleSetRow {
        /// For which group of usage points.
        group: String = "group_name",
        /// Its version.
        version: u32,
        /// The first day that it is for.
        valid_from: Date,
        /// The file.
        content: String,
        /// When it was stored.
        created: Timestamp = "created_s",
    }
}

/// What a new version is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRuleSet {
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// For which group: the rule set's name.
    pub group: String,
    /// Its version, as the file says it.
    pub version: u32,
    /// The first day that it is for.
    pub valid_from: Date,
    /// The file.
    pub content: String,
}

const INSERT: &str = "\
INSERT INTO rule_set (id, organisation, group_name, version, valid_from, content, created_s)
VALUES ($id, $organisation, $group_name, $version, $valid_from, $content, $now)";

/// Stores a version.
pub(crate) fn insert(tx: &mut Tx, new: &NewRuleSet, now: Timestamp) -> Result<(), RegistryError> {
    let id = RuleSetId::from_uuid(uuid::Uuid::now_v7());
    tx.execute(
        INSERT,
        params! {
            id, organisation: new.organisation, group_name: new.group, version: new.version,
            valid_from: new.valid_from, content: new.content, now
        },
    )?;
    Ok(())
}

const OF_GROUP: &str = "\
SELECT * FROM rule_set WHERE organisation = $organisation AND group_name = $group_name
ORDER BY version";

/// All versions of a group's rule set, the oldest first.
pub fn of_group(
    tx: &mut Tx,
    organisation: OrganisationId,
    group: &str,
) -> Result<Vec<RuleSetRow>, RegistryError> {
    tx.rows(OF_GROUP, params! { organisation, group_name: group })
}

const LIST: &str =
    "SELECT * FROM rule_set WHERE organisation = $organisation ORDER BY group_name, version";

/// All rule sets of an organisation, by group and version.
pub fn list(tx: &mut Tx, organisation: OrganisationId) -> Result<Vec<RuleSetRow>, RegistryError> {
    tx.rows(LIST, params! { organisation })
}

row! {
    struct Member {
        id: UsagePointId,
        zone: String,
    }
}

const MEMBERS: &str = "\
SELECT id, zone FROM usage_point
WHERE organisation = $organisation AND coalesce(vee_group, 'standard') = $group_name ORDER BY id";

/// The usage points of a group with their zones.
pub(crate) fn members(
    tx: &mut Tx,
    organisation: OrganisationId,
    group: &str,
) -> Result<Vec<(UsagePointId, String)>, RegistryError> {
    let members: Vec<Member> = tx.rows(MEMBERS, params! { organisation, group_name: group })?;
    Ok(members.into_iter().map(|member| (member.id, member.zone)).collect())
}

const SET_GROUP: &str = "UPDATE usage_point SET vee_group = $group_name WHERE id = $id";

/// Puts a usage point into a group, or out of all.
pub(crate) fn set_group(
    tx: &mut Tx,
    id: UsagePointId,
    group: Option<&str>,
) -> Result<(), RegistryError> {
    tx.execute(SET_GROUP, params! { id, group_name: group })?;
    Ok(())
}

/// What the looks are told that a rule set makes necessary.
pub(crate) const CAUSE: RelookCause = RelookCause::RuleSet;
