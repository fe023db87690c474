//! Billing plans: immutable documents, found by their digest.

use corrente_metering::{
    Timestamp,
    id::{PlanId, UsagePointId},
};

use crate::{
    RegistryError, Tx,
    value::{params, row},
};

row! {
    /// A stored plan.
    pub struct PlanRow {
        /// Its id.
        id: PlanId,
        /// Of which usage point.
        usage_point: UsagePointId,
        /// The document as the billing crate wrote it.
        document: String,
        /// The document's digest, as the billing crate makes it.
        digest: String,
        /// When it was stored, business time.
        created: Timestamp = "created_s",
    }
}

const INSERT: &str = "\
INSERT INTO billing_plan (id, organisation, usage_point, document, digest, created_s)
SELECT $id, organisation, id, $document, $digest, $now FROM usage_point WHERE id = $usage_point";
const BY_DIGEST: &str = "\
SELECT * FROM billing_plan WHERE usage_point = $usage_point AND digest = $digest LIMIT 1";

/// Stores a plan. The same plan again changes nothing and returns the id that it has.
pub fn insert(
    tx: &mut Tx,
    usage_point: UsagePointId,
    document: &str,
    digest: &str,
    now: Timestamp,
) -> Result<PlanId, RegistryError> {
    if let Some(known) = tx.row::<PlanRow>(BY_DIGEST, params! { usage_point, digest })? {
        return Ok(known.id);
    }
    let id = PlanId::from_uuid(uuid::Uuid::now_v7());
    if tx.execute(INSERT, params! { id, usage_point, document, digest, now })? == 0 {
        return Err(RegistryError::NotFound { kind: "usage point", name: usage_point.to_string() });
    }
    Ok(id)
}

const GET: &str = "SELECT * FROM billing_plan WHERE id = $id";

/// One plan.
pub fn get(tx: &mut Tx, id: PlanId) -> Result<Option<PlanRow>, RegistryError> {
    tx.row(GET, params! { id })
}
