//! Channels: the registers and interval streams of meters, each with the small number under which the
//! ledger keeps its readings.

use corrente_metering::{
    ChannelId, ChannelKind, ChannelSpec, Direction, Timestamp,
    id::{MeterId, OrganisationId, UsagePointId},
};

use crate::{
    RegistryError, Tx,
    value::{params, row},
};

row! {
    /// A channel of a meter.
    pub struct ChannelRow {
        /// Its number.
        number: ChannelId,
        /// Its name, unique in the meter: `import`.
        name: String,
        /// What its values mean.
        kind: ChannelKind,
        /// Which way its energy flows.
        direction: Direction,
        /// Standard offset of its zone, fixed for ever.
        offset_seconds: i32,
        /// Length of an interval channel's intervals, where it is known.
        interval_seconds: Option<i64>,
        /// Digits of kWh after which a register begins again at 0, where that is known.
        register_digits: Option<u8>,
        /// Since when it measures, where it was added to a meter that stood there.
        from: Option<Timestamp> = "from_s",
        /// Is it a register that only compares?
        checks: Option<bool>,
    }
}

impl ChannelRow {
    /// What the ledger needs to know.
    pub fn spec(&self) -> ChannelSpec {
        ChannelSpec { id: self.number, kind: self.kind, offset_seconds: self.offset_seconds }
    }
}

/// What a new channel is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewChannel {
    /// Its name, unique in the meter.
    pub name: String,
    /// What its values mean.
    pub kind: ChannelKind,
    /// Which way its energy flows.
    pub direction: Direction,
    /// Length of an interval channel's intervals.
    pub interval_seconds: Option<i64>,
    /// Digits of kWh after which a register begins again at 0.
    pub register_digits: Option<u8>,
}

impl NewChannel {
    /// The one channel of a simple meter: a register of imported energy.
    pub fn import() -> Self {
        Self {
            name: "import".to_owned(),
            kind: ChannelKind::Register,
            direction: Direction::Import,
            interval_seconds: None,
            register_digits: None,
        }
    }
}

const INSERT: &str = "\
INSERT INTO channel (organisation, meter, name, kind, direction, offset_seconds, interval_seconds,
  register_digits, created_s)
SELECT organisation, id, $name, $kind, $direction, $offset_seconds, $interval_seconds,
  $register_digits, $now
FROM meter WHERE id = $meter
RETURNING number";

row! {
    struct Number {
        number: ChannelId,
    }
}

/// Adds a channel to a meter. `offset_seconds` is the standard offset of the usage point's zone.
pub(crate) fn insert(
    tx: &mut Tx,
    meter: MeterId,
    new: &NewChannel,
    offset_seconds: i32,
    now: Timestamp,
) -> Result<ChannelId, RegistryError> {
    let made: Option<Number> = tx.row(
        INSERT,
        params! {
            meter, name: new.name, kind: new.kind, direction: new.direction, offset_seconds,
            interval_seconds: new.interval_seconds, register_digits: new.register_digits, now
        },
    )?;
    made.map(|made| made.number)
        .ok_or_else(|| RegistryError::NotFound { kind: "meter", name: meter.to_string() })
}

const SET_DIGITS: &str = "\
UPDATE channel SET register_digits = $digits
WHERE meter = $meter AND name = $name AND kind = 'register'";

/// Says after how many digits a register begins again. Says whether there is such a register.
pub(crate) fn set_digits(
    tx: &mut Tx,
    meter: MeterId,
    name: &str,
    digits: u8,
) -> Result<bool, RegistryError> {
    Ok(tx.execute(SET_DIGITS, params! { meter, name, digits })? > 0)
}

const SET_CHECKS: &str =
    "UPDATE channel SET checks = 1 WHERE number = $number AND kind = 'register'";

/// Says that a register only compares.
pub(crate) fn set_checks(tx: &mut Tx, number: ChannelId) -> Result<(), RegistryError> {
    tx.execute(SET_CHECKS, params! { number })?;
    Ok(())
}

const SET_FROM: &str = "UPDATE channel SET from_s = $from_s WHERE number = $number";

/// Says since when a channel measures.
pub(crate) fn set_from(
    tx: &mut Tx,
    number: ChannelId,
    from: Timestamp,
) -> Result<(), RegistryError> {
    tx.execute(SET_FROM, params! { number, from_s: from })?;
    Ok(())
}

const OF_METER: &str = "SELECT * FROM channel WHERE meter = $meter ORDER BY number";

/// The channels of a meter.
pub fn of_meter(tx: &mut Tx, meter: MeterId) -> Result<Vec<ChannelRow>, RegistryError> {
    tx.rows(OF_METER, params! { meter })
}

const ALL: &str = "SELECT * FROM channel ORDER BY number";

/// All channels of all meters: what the ledger is told when it starts.
pub fn all(tx: &mut Tx) -> Result<Vec<ChannelRow>, RegistryError> {
    tx.rows(ALL, &[])
}

row! {
    /// Whose register a channel is, in the words that people use.
    pub struct ChannelOwner {
        /// Its number.
        number: ChannelId,
        /// Its name.
        name: String,
        /// Serial of its meter.
        serial: String,
    }
}

row! {
    /// Where a channel measures.
    pub struct ChannelPlace {
        /// Its number.
        number: ChannelId,
        /// Of which organisation.
        organisation: OrganisationId,
        /// What its values mean.
        kind: ChannelKind,
        /// Standard offset of its zone.
        offset_seconds: i32,
        /// Length of an interval channel's intervals, where it is known.
        interval_seconds: Option<i64>,
        /// Serial of its meter.
        serial: String,
        /// Where the meter stood then, or stands now.
        usage_point: Option<UsagePointId>,
    }
}

const PLACE: &str = "\
SELECT c.number, c.organisation, c.kind, c.offset_seconds, c.interval_seconds, m.serial,
  (SELECT i.usage_point FROM installation i WHERE i.meter = c.meter
   ORDER BY CASE WHEN i.from_s <= $at_s AND (i.until_s IS NULL OR i.until_s >= $at_s)
     THEN 0 ELSE 1 END, i.from_s DESC LIMIT 1) AS usage_point
FROM channel c JOIN meter m ON m.id = c.meter WHERE c.number = $number";

/// Where a channel measured at an instant; where its meter came last, when it stood nowhere then.
pub fn place(
    tx: &mut Tx,
    number: ChannelId,
    at: Timestamp,
) -> Result<Option<ChannelPlace>, RegistryError> {
    tx.row(PLACE, params! { number, at_s: at })
}

const OWNER: &str = "\
SELECT c.number, c.name, m.serial FROM channel c JOIN meter m ON m.id = c.meter
WHERE c.number = $number AND c.organisation = $organisation";

/// Whose channel this is; nothing when it belongs to another organisation.
pub fn owner(
    tx: &mut Tx,
    organisation: OrganisationId,
    number: ChannelId,
) -> Result<Option<ChannelOwner>, RegistryError> {
    tx.row(OWNER, params! { organisation, number })
}
