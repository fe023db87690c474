//! Days that are to be looked at again: written with what makes it necessary, removed by the look.

use corrente_metering::{
    Span, Timestamp,
    id::{RelookId, UsagePointId},
};

use crate::{
    RegistryError, Tx,
    value::{params, row, words},
};

/// Why days are looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RelookCause {
    /// A person edited them.
    Edit,
    /// Something about the meter was entered: an exchange, a transformer, a cut of supply.
    MeterLife,
    /// Other rules apply.
    RuleSet,
}

words! { RelookCause { Edit = "edit", MeterLife = "meter_life", RuleSet = "rule_set" } }

row! {
    /// A stretch whose days are to be looked at again.
    pub struct Relook {
        /// Its id.
        id: RelookId,
        /// From when.
        from: Timestamp = "from_s",
        /// Until when.
        until: Timestamp = "until_s",
        /// Why.
        cause: RelookCause,
    }
}

const ASK: &str = "\
INSERT INTO relook (id, organisation, usage_point, from_s, until_s, cause, created_s)
SELECT $id, organisation, id, $from_s, $until_s, $cause, $now FROM usage_point WHERE id = $usage_point";

/// Asks for another look at the days of a stretch.
pub fn ask(
    tx: &mut Tx,
    usage_point: UsagePointId,
    span: Span,
    cause: RelookCause,
    now: Timestamp,
) -> Result<(), RegistryError> {
    let id = RelookId::from_uuid(uuid::Uuid::now_v7());
    tx.execute(
        ASK,
        params! { id, from_s: span.start, until_s: span.end, cause, now, usage_point },
    )?;
    Ok(())
}

const OF: &str = "SELECT * FROM relook WHERE usage_point = $usage_point ORDER BY id";

/// What is to be looked at again at a usage point.
pub fn of(tx: &mut Tx, usage_point: UsagePointId) -> Result<Vec<Relook>, RegistryError> {
    tx.rows(OF, params! { usage_point })
}

const DONE: &str = "DELETE FROM relook WHERE id = $id AND until_s <= $until_s";
const GO_ON: &str = "UPDATE relook SET from_s = $until_s WHERE id = $id AND from_s < $until_s";

/// Notes that the days up to an instant were looked at again.
pub fn done(tx: &mut Tx, relook: RelookId, until: Timestamp) -> Result<(), RegistryError> {
    if tx.execute(DONE, params! { id: relook, until_s: until })? == 0 {
        tx.execute(GO_ON, params! { id: relook, until_s: until })?;
    }
    Ok(())
}
