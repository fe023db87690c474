//! What happened at usage points: supply cut and given again, tamper flags.

use corrente_metering::{
    Timestamp,
    id::{PointEventId, UsagePointId},
};

use crate::{
    RegistryError, Tx,
    value::{params, row, words},
};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PointEventKind {
    /// Supply was cut.
    Disconnected,
    /// Supply was given again.
    Reconnected,
    /// The meter raised a tamper flag.
    Tamper,
}

words! { PointEventKind {
    Disconnected = "disconnected", Reconnected = "reconnected", Tamper = "tamper"
} }

row! {
    /// Something that happened at a usage point.
    pub struct PointEvent {
        /// What.
        kind: PointEventKind,
        /// The protocol's code of a tamper flag.
        code: Option<u16>,
        /// When.
        at: Timestamp = "at_s",
    }
}

/// What a new event is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPointEvent {
    /// At which usage point.
    pub usage_point: UsagePointId,
    /// What.
    pub kind: PointEventKind,
    /// The protocol's code of a tamper flag.
    pub code: Option<u16>,
    /// When.
    pub at: Timestamp,
    /// Who entered it.
    pub actor: String,
    /// Why.
    pub reason: Option<String>,
}

const INSERT: &str = "\
INSERT INTO point_event (id, organisation, usage_point, kind, code, at_s, actor, reason, created_s)
SELECT $id, organisation, id, $kind, $code, $at_s, $actor, $reason, $now
FROM usage_point WHERE id = $usage_point
ON CONFLICT (usage_point, kind, at_s) DO NOTHING";

/// Stores an event. Says whether it was new.
pub fn insert(tx: &mut Tx, new: &NewPointEvent, now: Timestamp) -> Result<bool, RegistryError> {
    let id = PointEventId::from_uuid(uuid::Uuid::now_v7());
    let made = tx.execute(
        INSERT,
        params! {
            id, kind: new.kind, code: new.code, at_s: new.at, actor: new.actor, reason: new.reason,
            now, usage_point: new.usage_point
        },
    )?;
    Ok(made > 0)
}

const OF: &str =
    "SELECT kind, code, at_s FROM point_event WHERE usage_point = $usage_point ORDER BY at_s, id";

/// What happened at a usage point, in order of time.
pub fn of(tx: &mut Tx, usage_point: UsagePointId) -> Result<Vec<PointEvent>, RegistryError> {
    tx.rows(OF, params! { usage_point })
}
