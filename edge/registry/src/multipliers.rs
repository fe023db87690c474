//! Multipliers: what a meter's dial is multiplied by, from which instant.

use corrente_metering::{
    Timestamp,
    id::{MeterId, OrganisationId, UsagePointId},
};

use crate::{
    RegistryError, Tx,
    value::{params, row},
};

/// A ratio of whole numbers, such as a current transformer's 200/5, from an instant on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Multiplier {
    /// From when.
    pub from: Timestamp,
    /// Primary side.
    pub numerator: i64,
    /// Secondary side.
    pub denominator: i64,
}

row! {
    struct MultiplierRow {
        meter: MeterId,
        from: Timestamp = "from_s",
        numerator: i64,
        denominator: i64,
    }
}

const SET: &str = "\
INSERT INTO meter_multiplier (meter, organisation, from_s, numerator, denominator, created_s)
VALUES ($meter, $organisation, $from_s, $numerator, $denominator, $now)
ON CONFLICT (meter, from_s) DO UPDATE SET numerator = excluded.numerator,
  denominator = excluded.denominator";

/// Multiplies a meter's dial from an instant on.
pub(crate) fn set(
    tx: &mut Tx,
    organisation: OrganisationId,
    meter: MeterId,
    new: Multiplier,
    now: Timestamp,
) -> Result<(), RegistryError> {
    tx.execute(
        SET,
        params! {
            meter, organisation, from_s: new.from, numerator: new.numerator,
            denominator: new.denominator, now
        },
    )?;
    Ok(())
}

const AT_USAGE_POINT: &str = "\
SELECT DISTINCT m.meter, m.from_s, m.numerator, m.denominator
FROM meter_multiplier m JOIN installation i ON i.meter = m.meter
WHERE i.usage_point = $usage_point ORDER BY m.meter, m.from_s";

/// The multipliers of all meters that ever stood at a usage point, in order of time.
pub(crate) fn at_usage_point(
    tx: &mut Tx,
    usage_point: UsagePointId,
) -> Result<Vec<(MeterId, Multiplier)>, RegistryError> {
    let rows: Vec<MultiplierRow> = tx.rows(AT_USAGE_POINT, params! { usage_point })?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let MultiplierRow { meter, from, numerator, denominator } = row;
            (meter, Multiplier { from, numerator, denominator })
        })
        .collect())
}
