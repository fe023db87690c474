//! Which usage points lie behind which other one: flats behind a building's meter, houses behind a
//! transformer.

use corrente_metering::{
    Timestamp,
    id::{ParentageId, UsagePointId},
};

use crate::{
    RegistryError, Tx,
    value::{params, row},
};

row! {
    /// A usage point behind another one, for a time.
    pub struct Parentage {
        /// The usage point that lies behind.
        child: UsagePointId,
        /// The one that measures it as well.
        parent: UsagePointId,
        /// From when.
        from: Timestamp = "from_s",
        /// Until when; nothing while it lasts.
        until: Option<Timestamp> = "until_s",
    }
}

const END: &str = "\
UPDATE usage_point_parent SET until_s = $at_s
WHERE child = $child AND (until_s IS NULL OR until_s > $at_s) AND from_s < $at_s";
const DROP_LATER: &str = "DELETE FROM usage_point_parent WHERE child = $child AND from_s >= $at_s";

/// Ends what a usage point lies behind, from an instant on.
pub(crate) fn end(tx: &mut Tx, child: UsagePointId, at: Timestamp) -> Result<(), RegistryError> {
    tx.execute(DROP_LATER, params! { child, at_s: at })?;
    tx.execute(END, params! { child, at_s: at })?;
    Ok(())
}

const INSERT: &str = "\
INSERT INTO usage_point_parent (id, organisation, child, parent, from_s, created_s)
SELECT $id, organisation, id, $parent, $from_s, $now FROM usage_point WHERE id = $child";

/// Puts a usage point behind another one from an instant on.
pub(crate) fn insert(
    tx: &mut Tx,
    (child, parent): (UsagePointId, UsagePointId),
    from: Timestamp,
    now: Timestamp,
) -> Result<(), RegistryError> {
    let id = ParentageId::from_uuid(uuid::Uuid::now_v7());
    tx.execute(INSERT, params! { id, parent, from_s: from, now, child })?;
    Ok(())
}

const CHILDREN: &str = "\
SELECT * FROM usage_point_parent WHERE parent = $parent ORDER BY from_s, id";

/// What lay behind a usage point, in order of time.
pub fn children(tx: &mut Tx, parent: UsagePointId) -> Result<Vec<Parentage>, RegistryError> {
    tx.rows(CHILDREN, params! { parent })
}

const OF: &str = "SELECT * FROM usage_point_parent WHERE child = $child ORDER BY from_s, id";

/// What a usage point lay behind, in order of time.
pub fn of(tx: &mut Tx, child: UsagePointId) -> Result<Vec<Parentage>, RegistryError> {
    tx.rows(OF, params! { child })
}

row! {
    struct Parent {
        parent: UsagePointId,
    }
}

const PARENTS: &str = "SELECT DISTINCT parent FROM usage_point_parent ORDER BY parent";

/// Every usage point behind which another one ever lay, of all organisations.
pub fn everywhere(tx: &mut Tx) -> Result<Vec<UsagePointId>, RegistryError> {
    let parents: Vec<Parent> = tx.rows(PARENTS, &[])?;
    Ok(parents.into_iter().map(|parent| parent.parent).collect())
}
