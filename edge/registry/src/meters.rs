//! Meters and their installations over time.

use corrente_metering::{
    Calendar, ChannelId, ChannelSpec, Timestamp,
    id::{EnrolmentTokenId, InstallationId, MeterId, OrganisationId, UsagePointId},
};

pub use crate::channels::{ChannelRow, NewChannel};
use crate::{
    RegistryError, Tx, channels, secrets, usage_points,
    value::{params, row},
};

/// How often a meter reports when nobody said otherwise, in seconds.
pub const DEFAULT_REPORTING_SECONDS: i64 = 10;

row! {
    /// A meter.
    pub struct Meter {
        /// Its id.
        id: MeterId,
        /// Of which organisation.
        organisation: OrganisationId,
        /// What stands on its plate, unique in the organisation.
        serial: String,
        /// Hash of its secret; a meter without one cannot connect.
        secret_hash: Option<String>,
        /// Maker and model.
        model: Option<String>,
        /// How often it reports.
        reporting_seconds: i64,
        /// The token that it enrolled with.
        enrolled_by: Option<EnrolmentTokenId>,
        /// The concentrator or radio head that it speaks through, where that is known.
        gateway: Option<String>,
    }
}

row! {
    /// A meter at a usage point from one instant to another.
    pub struct Installation {
        /// Its id.
        id: InstallationId,
        /// The meter.
        meter: MeterId,
        /// The usage point.
        usage_point: UsagePointId,
        /// From when.
        from: Timestamp = "from_s",
        /// Until when; nothing while it stands.
        until: Option<Timestamp> = "until_s",
    }
}

/// What a new meter is made of.
#[derive(Clone, Debug)]
pub struct NewMeter<'a> {
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// What stands on its plate.
    pub serial: &'a str,
    /// Its secret in plain text; only the hash is stored.
    pub secret: Option<&'a str>,
    /// Maker and model.
    pub model: Option<&'a str>,
    /// How often it reports.
    pub reporting_seconds: i64,
    /// The token that it enrols with.
    pub enrolled_by: Option<EnrolmentTokenId>,
}

/// What the head-end needs to know to let a meter in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterAccess {
    /// The meter.
    pub meter: MeterId,
    /// Its serial.
    pub serial: String,
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// Where it stands now.
    pub usage_point: Option<UsagePointId>,
    /// Since when it stands somewhere: readings before are quarantined. With no installation the end
    /// of time.
    pub installed_from: Timestamp,
    /// Hash of its secret.
    pub secret_hash: Option<String>,
    /// How often it reports.
    pub reporting_seconds: i64,
    /// Its channels.
    pub channels: Vec<ChannelRow>,
}

const INSERT: &str = "\
INSERT INTO meter (id, organisation, serial, secret_hash, model, reporting_seconds, enrolled_by,
  created_s)
VALUES ($id, $organisation, $serial, $secret_hash, $model, $reporting_seconds, $enrolled_by, $now)";

/// Makes a meter.
pub fn insert(tx: &mut Tx, new: &NewMeter<'_>, now: Timestamp) -> Result<MeterId, RegistryError> {
    if new.serial.trim().is_empty() || new.serial.len() > 128 {
        let reason = "it must have 1 to 128 bytes".to_owned();
        return Err(RegistryError::Invalid { field: "serial", reason });
    }
    check_reporting(new.reporting_seconds)?;
    let id = MeterId::from_uuid(uuid::Uuid::now_v7());
    tx.execute(
        INSERT,
        params! {
            id, organisation: new.organisation, serial: new.serial,
            secret_hash: new.secret.map(secrets::hash), model: new.model,
            reporting_seconds: new.reporting_seconds, enrolled_by: new.enrolled_by, now
        },
    )?;
    Ok(id)
}

fn check_reporting(seconds: i64) -> Result<(), RegistryError> {
    if (1..=86_400).contains(&seconds) {
        return Ok(());
    }
    let reason = format!("{seconds} is not 1 to 86400");
    Err(RegistryError::Invalid { field: "reporting_seconds", reason })
}

const GET: &str = "SELECT * FROM meter WHERE id = $id";

/// One meter.
pub fn get(tx: &mut Tx, id: MeterId) -> Result<Option<Meter>, RegistryError> {
    tx.row(GET, params! { id })
}

const BY_SERIAL: &str =
    "SELECT * FROM meter WHERE organisation = $organisation AND serial = $serial";

/// The organisation's meter with this serial.
pub fn by_serial(
    tx: &mut Tx,
    organisation: OrganisationId,
    serial: &str,
) -> Result<Option<Meter>, RegistryError> {
    tx.row(BY_SERIAL, params! { organisation, serial })
}

const LIST: &str = "SELECT * FROM meter WHERE organisation = $organisation ORDER BY serial";

/// All meters of an organisation, by serial.
pub fn list(tx: &mut Tx, organisation: OrganisationId) -> Result<Vec<Meter>, RegistryError> {
    tx.rows(LIST, params! { organisation })
}

const EVERY_SERIAL: &str = "SELECT * FROM meter WHERE serial = $serial ORDER BY created_s, id";

/// The meter with this serial; where several organisations have one, the oldest. To let a meter in, use
/// [`authenticate`], which tells them apart by their secrets.
pub fn find_by_serial(tx: &mut Tx, serial: &str) -> Result<Option<MeterAccess>, RegistryError> {
    let found: Option<Meter> = tx.row(EVERY_SERIAL, params! { serial })?;
    found.map(|meter| access(tx, meter)).transpose()
}

/// The organisation's meter with this serial, with its channels and the place where it stands.
pub fn access_by_serial(
    tx: &mut Tx,
    organisation: OrganisationId,
    serial: &str,
) -> Result<Option<MeterAccess>, RegistryError> {
    by_serial(tx, organisation, serial)?.map(|meter| access(tx, meter)).transpose()
}

/// The meter with this serial and secret.
pub fn authenticate(
    tx: &mut Tx,
    serial: &str,
    secret: &str,
) -> Result<Option<MeterAccess>, RegistryError> {
    let found: Vec<Meter> = tx.rows(EVERY_SERIAL, params! { serial })?;
    let matching = found
        .into_iter()
        .find(|meter| secrets::matches(secret, meter.secret_hash.as_deref().unwrap_or_default()));
    matching.map(|meter| access(tx, meter)).transpose()
}

/// Is this the meter's secret? A meter without one has none that matches.
pub fn verify_secret(meter: &MeterAccess, secret: &str) -> bool {
    meter.secret_hash.as_deref().is_some_and(|hash| secrets::matches(secret, hash))
}

const SET_SECRET: &str = "UPDATE meter SET secret_hash = $hash WHERE id = $id";

/// Gives a meter a new secret; the old one is refused from the next connection on.
pub fn set_secret(tx: &mut Tx, id: MeterId, secret: &str) -> Result<(), RegistryError> {
    tx.execute(SET_SECRET, params! { id, hash: secrets::hash(secret) })?;
    Ok(())
}

const SET_REPORTING: &str = "UPDATE meter SET reporting_seconds = $seconds WHERE id = $id";

/// Sets how often a meter reports; it is told so when it connects.
pub fn set_reporting(tx: &mut Tx, id: MeterId, seconds: i64) -> Result<(), RegistryError> {
    check_reporting(seconds)?;
    tx.execute(SET_REPORTING, params! { id, seconds })?;
    Ok(())
}

const SET_GATEWAY: &str = "UPDATE meter SET gateway = $gateway WHERE id = $id";

/// Says through which gateway a meter speaks; nothing where that is no longer known.
pub(crate) fn set_gateway(
    tx: &mut Tx,
    id: MeterId,
    gateway: Option<&str>,
) -> Result<(), RegistryError> {
    tx.execute(SET_GATEWAY, params! { id, gateway })?;
    Ok(())
}

/// A meter with its channels and the place where it stands.
pub(crate) fn access(tx: &mut Tx, meter: Meter) -> Result<MeterAccess, RegistryError> {
    let stands = installations(tx, meter.id)?;
    Ok(MeterAccess {
        meter: meter.id,
        serial: meter.serial,
        organisation: meter.organisation,
        usage_point: stands.last().filter(|last| last.until.is_none()).map(|last| last.usage_point),
        installed_from: stands.first().map_or(Timestamp::MAX, |first| first.from),
        secret_hash: meter.secret_hash,
        reporting_seconds: meter.reporting_seconds,
        channels: channels::of_meter(tx, meter.id)?,
    })
}

const INSTALLATIONS: &str = "SELECT * FROM installation WHERE meter = $meter ORDER BY from_s, id";

/// Where a meter stood, in order of time.
pub fn installations(tx: &mut Tx, meter: MeterId) -> Result<Vec<Installation>, RegistryError> {
    tx.rows(INSTALLATIONS, params! { meter })
}

const AT_USAGE_POINT: &str =
    "SELECT * FROM installation WHERE usage_point = $usage_point ORDER BY from_s, id";

/// The meters that stood at a usage point, in order of time.
pub fn at_usage_point(
    tx: &mut Tx,
    usage_point: UsagePointId,
) -> Result<Vec<Installation>, RegistryError> {
    tx.rows(AT_USAGE_POINT, params! { usage_point })
}

const OVERLAPPING: &str = "\
SELECT * FROM installation
WHERE (meter = $meter OR usage_point = $usage_point)
  AND (until_s IS NULL OR until_s > $from_s)
  AND ($until_s IS NULL OR from_s < $until_s)
ORDER BY from_s LIMIT 1";

const INSTALL: &str = "\
INSERT INTO installation (id, organisation, meter, usage_point, from_s, until_s)
SELECT $id, organisation, id, $usage_point, $from_s, $until_s FROM meter WHERE id = $meter";

/// Puts a meter at a usage point. Refused while the meter stands elsewhere, or another meter stands
/// there, in any part of that time: a usage point with two meters would be billed twice.
pub fn install(
    tx: &mut Tx,
    meter: MeterId,
    usage_point: UsagePointId,
    from: Timestamp,
    until: Option<Timestamp>,
) -> Result<InstallationId, RegistryError> {
    if until.is_some_and(|until| until <= from) {
        let reason = "the end must be after the beginning".to_owned();
        return Err(RegistryError::Invalid { field: "until", reason });
    }
    let other: Option<Installation> =
        tx.row(OVERLAPPING, params! { meter, usage_point, from_s: from, until_s: until })?;
    if let Some(other) = other {
        let reason = if other.meter == meter {
            "the meter stands at another usage point then: end that installation first"
        } else {
            "another meter stands at the usage point then: end that installation first"
        };
        return Err(RegistryError::Invalid { field: "installation", reason: reason.to_owned() });
    }
    let id = InstallationId::from_uuid(uuid::Uuid::now_v7());
    if tx.execute(INSTALL, params! { id, meter, usage_point, from_s: from, until_s: until })? == 0 {
        return Err(RegistryError::NotFound { kind: "meter", name: meter.to_string() });
    }
    Ok(id)
}

const REMOVE: &str = "\
UPDATE installation SET until_s = $until_s
WHERE meter = $meter AND until_s IS NULL AND from_s < $until_s";

/// Ends the installation in which a meter stands. Says whether there was one.
pub fn remove(tx: &mut Tx, meter: MeterId, until: Timestamp) -> Result<bool, RegistryError> {
    Ok(tx.execute(REMOVE, params! { meter, until_s: until })? > 0)
}

/// Adds a channel to a meter that stands at a usage point, whose zone it takes.
pub fn add_channel(
    tx: &mut Tx,
    meter: MeterId,
    new: &NewChannel,
    now: Timestamp,
) -> Result<ChannelId, RegistryError> {
    let place = installations(tx, meter)?.pop().ok_or_else(|| RegistryError::Invalid {
        field: "channel",
        reason: "install the meter at a usage point first: its zone decides how readings are kept"
            .to_owned(),
    })?;
    let point = usage_points::get(tx, place.usage_point)?.ok_or(RegistryError::Reference)?;
    add_channel_in_zone(tx, meter, new, &point.zone, now)
}

/// Adds a channel to a meter, in this zone.
pub fn add_channel_in_zone(
    tx: &mut Tx,
    meter: MeterId,
    new: &NewChannel,
    zone: &str,
    now: Timestamp,
) -> Result<ChannelId, RegistryError> {
    let calendar: Calendar = crate::organisations::check_zone(zone)?;
    channels::insert(tx, meter, new, calendar.standard_offset_seconds(now), now)
}

/// What the ledger is told of every channel when it starts.
pub fn all_channel_specs(tx: &mut Tx) -> Result<Vec<ChannelSpec>, RegistryError> {
    Ok(channels::all(tx)?.iter().map(ChannelRow::spec).collect())
}
