//! Agreements: which usage point is on which tariff, and when.

use corrente_metering::{
    Span, Timestamp,
    id::{AgreementId, TariffId, UsagePointId},
};

use crate::{
    RegistryError, Tx,
    value::{params, row},
};

row! {
    /// A usage point on a tariff.
    pub struct Agreement {
        /// Its id.
        id: AgreementId,
        /// The usage point.
        usage_point: UsagePointId,
        /// The tariff.
        tariff: TariffId,
        /// From when.
        from: Timestamp = "from_s",
        /// Until when; nothing while it holds.
        until: Option<Timestamp> = "until_s",
    }
}

const END_BEFORE: &str = "\
UPDATE agreement SET until_s = $from_s
WHERE usage_point = $usage_point AND from_s < $from_s AND (until_s IS NULL OR until_s > $from_s)";
const DROP_AFTER: &str = "\
DELETE FROM agreement WHERE usage_point = $usage_point AND from_s >= $from_s";
const INSERT: &str = "\
INSERT INTO agreement (id, organisation, usage_point, tariff, from_s, until_s)
SELECT $id, organisation, id, $tariff, $from_s, NULL FROM usage_point WHERE id = $usage_point";

/// Puts a usage point on a tariff from this instant on. What held before ends there, and what was agreed
/// for later is replaced.
pub fn insert(
    tx: &mut Tx,
    usage_point: UsagePointId,
    tariff: TariffId,
    from: Timestamp,
) -> Result<AgreementId, RegistryError> {
    let id = AgreementId::from_uuid(uuid::Uuid::now_v7());
    tx.execute(DROP_AFTER, params! { usage_point, from_s: from })?;
    tx.execute(END_BEFORE, params! { usage_point, from_s: from })?;
    if tx.execute(INSERT, params! { id, usage_point, tariff, from_s: from })? == 0 {
        return Err(RegistryError::NotFound { kind: "usage point", name: usage_point.to_string() });
    }
    Ok(id)
}

const AT: &str = "\
SELECT * FROM agreement
WHERE usage_point = $usage_point AND from_s <= $t AND (until_s IS NULL OR until_s > $t)";

/// What holds at this instant.
pub fn at(
    tx: &mut Tx,
    usage_point: UsagePointId,
    t: Timestamp,
) -> Result<Option<Agreement>, RegistryError> {
    tx.row(AT, params! { usage_point, t })
}

const DURING: &str = "\
SELECT * FROM agreement
WHERE usage_point = $usage_point AND from_s < $end_s AND (until_s IS NULL OR until_s > $start_s)
ORDER BY from_s";

/// What holds in some part of the span, in order of time.
pub fn during(
    tx: &mut Tx,
    usage_point: UsagePointId,
    span: Span,
) -> Result<Vec<Agreement>, RegistryError> {
    tx.rows(DURING, params! { usage_point, start_s: span.start, end_s: span.end })
}
