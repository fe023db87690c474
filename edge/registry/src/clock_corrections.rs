//! Corrections of what meters stamped with a wrong clock.

use corrente_metering::{
    Span, Timestamp,
    id::{MeterId, OrganisationId, UsagePointId},
};

use crate::{
    RegistryError, Tx,
    value::{params, row},
};

/// Readings that a meter stamped in a span were truly so many seconds later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockCorrection {
    /// As the meter stamped them.
    pub span: Span,
    /// Later by so many seconds; earlier when negative.
    pub add_seconds: i64,
}

row! {
    struct CorrectionRow {
        meter: MeterId,
        from_s: Timestamp,
        until_s: Timestamp,
        add_seconds: i64,
    }
}

const SET: &str = "\
INSERT INTO clock_correction (meter, organisation, from_s, until_s, add_seconds, actor, reason, created_s)
VALUES ($meter, $organisation, $from_s, $until_s, $add_seconds, $actor, $reason, $now)
ON CONFLICT (meter, from_s) DO UPDATE SET until_s = excluded.until_s,
  add_seconds = excluded.add_seconds, actor = excluded.actor, reason = excluded.reason";

/// Corrects what a meter stamped in a span; a correction that begins at the same instant is replaced.
pub(crate) fn set(
    tx: &mut Tx,
    (organisation, meter): (OrganisationId, MeterId),
    new: ClockCorrection,
    (actor, reason): (&str, Option<&str>),
    now: Timestamp,
) -> Result<(), RegistryError> {
    tx.execute(
        SET,
        params! {
            meter, organisation, from_s: new.span.start, until_s: new.span.end,
            add_seconds: new.add_seconds, actor, reason, now
        },
    )?;
    Ok(())
}

const OF_METER: &str = "\
SELECT meter, from_s, until_s, add_seconds FROM clock_correction WHERE meter = $meter ORDER BY from_s";

/// The corrections of a meter, in order of time.
pub(crate) fn of_meter(tx: &mut Tx, meter: MeterId) -> Result<Vec<ClockCorrection>, RegistryError> {
    let rows: Vec<CorrectionRow> = tx.rows(OF_METER, params! { meter })?;
    Ok(rows.into_iter().map(|row| correction(&row)).collect())
}

const AT_USAGE_POINT: &str = "\
SELECT DISTINCT c.meter, c.from_s, c.until_s, c.add_seconds
FROM clock_correction c JOIN installation i ON i.meter = c.meter
WHERE i.usage_point = $usage_point ORDER BY c.meter, c.from_s";

/// The corrections of all meters that ever stood at a usage point, in order of time.
pub(crate) fn at_usage_point(
    tx: &mut Tx,
    usage_point: UsagePointId,
) -> Result<Vec<(MeterId, ClockCorrection)>, RegistryError> {
    let rows: Vec<CorrectionRow> = tx.rows(AT_USAGE_POINT, params! { usage_point })?;
    Ok(rows.into_iter().map(|row| (row.meter, correction(&row))).collect())
}

fn correction(row: &CorrectionRow) -> ClockCorrection {
    ClockCorrection { span: Span::new(row.from_s, row.until_s), add_seconds: row.add_seconds }
}
