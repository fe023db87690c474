//! Versions of load profiles by day, and how far validation has come.

use corrente_metering::{
    Date, Timestamp,
    id::{OrganisationId, UsagePointId},
};

use crate::{
    RegistryError, Tx,
    value::{params, row},
};

row! {
    /// How far validation has come at a usage point.
    pub struct ProfileState {
        /// The usage point.
        usage_point: UsagePointId,
        /// The first day that was not looked at yet.
        validated_until: Date,
        /// The rules that were used last, by name and version.
        rule_set: String,
        /// Which revisions of the readings were seen.
        revisions: serde_json::Value,
    }
}

row! {
    /// A version of a day's load profile.
    pub struct ProfileVersion {
        /// The usage point.
        usage_point: UsagePointId,
        /// The local day.
        day: Date,
        /// Its number, from 1.
        version: u32,
        /// Where it differs from what was read, why it was made, and as of which revisions.
        document: serde_json::Value,
        /// When it was made.
        created: Timestamp = "created_s",
    }
}

const STATE: &str = "SELECT * FROM profile_state WHERE usage_point = $usage_point";

/// How far validation has come.
pub fn state(
    tx: &mut Tx,
    usage_point: UsagePointId,
) -> Result<Option<ProfileState>, RegistryError> {
    tx.row(STATE, params! { usage_point })
}

const SET_STATE: &str = "\
INSERT INTO profile_state (usage_point, organisation, validated_until, rule_set, revisions, changed_s)
VALUES ($usage_point, $organisation, $validated_until, $rule_set, $revisions, $now)
ON CONFLICT (usage_point) DO UPDATE SET validated_until = excluded.validated_until,
  rule_set = excluded.rule_set, revisions = excluded.revisions, changed_s = excluded.changed_s";

/// Writes how far validation has come.
pub fn set_state(
    tx: &mut Tx,
    organisation: OrganisationId,
    state: &ProfileState,
    now: Timestamp,
) -> Result<(), RegistryError> {
    tx.execute(
        SET_STATE,
        params! {
            usage_point: state.usage_point, organisation, validated_until: state.validated_until,
            rule_set: state.rule_set, revisions: state.revisions, now
        },
    )?;
    Ok(())
}

const INSERT: &str = "\
INSERT INTO profile_overlay (organisation, usage_point, day, version, document, created_s)
VALUES ($organisation, $usage_point, $day, $version, $document, $now)";

/// Stores a version of a day.
pub fn insert(
    tx: &mut Tx,
    organisation: OrganisationId,
    new: &ProfileVersion,
) -> Result<(), RegistryError> {
    tx.execute(
        INSERT,
        params! {
            organisation, usage_point: new.usage_point, day: new.day, version: new.version,
            document: new.document, now: new.created
        },
    )?;
    Ok(())
}

const OF_DAY: &str = "\
SELECT * FROM profile_overlay WHERE usage_point = $usage_point AND day = $day ORDER BY version";

/// All versions of a day, the oldest first.
pub fn of_day(
    tx: &mut Tx,
    usage_point: UsagePointId,
    day: Date,
) -> Result<Vec<ProfileVersion>, RegistryError> {
    tx.rows(OF_DAY, params! { usage_point, day })
}

const LATEST: &str = "\
SELECT o.* FROM profile_overlay o
WHERE o.usage_point = $usage_point AND o.day >= $from_day AND o.day < $until_day
  AND o.version = (SELECT max(version) FROM profile_overlay l
                   WHERE l.usage_point = o.usage_point AND l.day = o.day)
ORDER BY o.day";

/// The latest version of each day from the first to before the second, where there is one.
pub fn latest(
    tx: &mut Tx,
    usage_point: UsagePointId,
    from: Date,
    until: Date,
) -> Result<Vec<ProfileVersion>, RegistryError> {
    tx.rows(LATEST, params! { usage_point, from_day: from, until_day: until })
}

row! {
    struct Day {
        day: Date,
    }
}

const DAYS: &str =
    "SELECT DISTINCT day FROM profile_overlay WHERE usage_point = $usage_point ORDER BY day";

/// The days of which there is a version beside what was read.
pub fn days(tx: &mut Tx, usage_point: UsagePointId) -> Result<Vec<Date>, RegistryError> {
    let days: Vec<Day> = tx.rows(DAYS, params! { usage_point })?;
    Ok(days.into_iter().map(|day| day.day).collect())
}
