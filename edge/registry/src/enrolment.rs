//! Enrolment: how a meter that nobody registered comes in, by a token.

use corrente_metering::{
    Timestamp,
    id::{CustomerId, EnrolmentTokenId, MeterId, OrganisationId, TariffId, UsagePointId},
};

use crate::{
    RegistryError, Tx, agreements,
    channels::NewChannel,
    meters::{self, DEFAULT_REPORTING_SECONDS, MeterAccess, NewMeter},
    organisations,
    secrets::{self, Secret},
    usage_points::{self, NewUsagePoint},
    value::{params, row},
};

row! {
    /// An enrolment token, without its secret.
    pub struct EnrolmentToken {
        /// Its id.
        id: EnrolmentTokenId,
        /// Of which organisation.
        organisation: OrganisationId,
        /// What it is for, in the words of who made it.
        label: String,
        /// The one usage point that it is for.
        usage_point: Option<UsagePointId>,
        /// Who gets the usage points that are made.
        customer: Option<CustomerId>,
        /// The tariff of the usage points that are made.
        tariff: Option<TariffId>,
        /// From when meters count as installed, when earlier than their enrolment.
        installed_from: Option<Timestamp> = "installed_from_s",
        /// How many more meters; nothing means without limit.
        uses_left: Option<i64>,
        /// May a serial that came in by it come in again, and get a new secret?
        again: bool,
        /// Until when.
        expires: Option<Timestamp> = "expires_s",
        /// Since when it is refused.
        revoked: Option<Timestamp> = "revoked_s",
        /// When it was made, business time.
        created: Timestamp = "created_s",
    }
}

/// What a new token is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// What it is for.
    pub label: String,
    /// The one usage point that it is for; else one is made for each meter.
    pub usage_point: Option<UsagePointId>,
    /// Who gets the usage points that are made.
    pub customer: Option<CustomerId>,
    /// The tariff of the usage points that are made.
    pub tariff: Option<TariffId>,
    /// From when meters count as installed, for backfill.
    pub installed_from: Option<Timestamp>,
    /// How many meters; nothing means without limit.
    pub uses: Option<i64>,
    /// May a serial that came in by it come in again? For simulated fleets; a person who holds such a
    /// token can take over each meter that came in by it.
    pub again: bool,
    /// Until when.
    pub expires: Option<Timestamp>,
}

impl NewToken {
    /// One without limits, for tests and the demo.
    pub fn open(organisation: OrganisationId, label: &str) -> Self {
        Self {
            organisation,
            label: label.to_owned(),
            usage_point: None,
            customer: None,
            tariff: None,
            installed_from: None,
            uses: None,
            again: true,
            expires: None,
        }
    }

    /// One for a single meter at this usage point.
    pub fn for_usage_point(
        organisation: OrganisationId,
        usage_point: UsagePointId,
        label: &str,
    ) -> Self {
        Self {
            usage_point: Some(usage_point),
            uses: Some(1),
            again: false,
            ..Self::open(organisation, label)
        }
    }
}

/// Why a meter is not let in.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentRefusal {
    /// There is no such token, or it was revoked.
    #[error("this enrolment token is not known: ask the utility for a new one")]
    UnknownToken,
    /// Its time is over.
    #[error("this enrolment token has expired: ask the utility for a new one")]
    Expired,
    /// It was for fewer meters.
    #[error("this enrolment token has been used up: ask the utility for a new one")]
    UsedUp,
    /// The serial is registered already.
    #[error("a meter with serial `{0}` is registered already: connect with its secret")]
    SerialTaken(String),
    /// A meter stands there.
    #[error("a meter stands at usage point `{0}` already: end its installation first")]
    Occupied(String),
    /// The token is for another usage point.
    #[error("this enrolment token is for another usage point than `{0}`")]
    OtherUsagePoint(String),
    /// A meter needs at least one channel, and each name once.
    #[error("channels: {0}")]
    Channels(&'static str),
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

const INSERT: &str = "\
INSERT INTO enrolment_token (id, organisation, token_hash, label, usage_point, customer, tariff,
  installed_from_s, uses_left, again, expires_s, revoked_s, created_s)
VALUES ($id, $organisation, $token_hash, $label, $usage_point, $customer, $tariff,
  $installed_from, $uses_left, $again, $expires, NULL, $now)";

/// Makes a token and returns its text, which is stored nowhere and shown once.
pub fn create(tx: &mut Tx, new: &NewToken, now: Timestamp) -> Result<Secret, RegistryError> {
    let secret = Secret::random("enrol");
    create_with(tx, new, &secret, now)?;
    Ok(secret)
}

/// Makes a token with a text that the caller chose: for a demo whose commands stand in its README.
pub fn create_with(
    tx: &mut Tx,
    new: &NewToken,
    secret: &Secret,
    now: Timestamp,
) -> Result<EnrolmentTokenId, RegistryError> {
    let id = EnrolmentTokenId::from_uuid(uuid::Uuid::now_v7());
    tx.execute(
        INSERT,
        params! {
            id, organisation: new.organisation, token_hash: secret.hash(), label: new.label,
            usage_point: new.usage_point, customer: new.customer, tariff: new.tariff,
            installed_from: new.installed_from, uses_left: new.uses, again: new.again,
            expires: new.expires, now
        },
    )?;
    Ok(id)
}

const LIST: &str = "\
SELECT * FROM enrolment_token WHERE organisation = $organisation ORDER BY created_s, id";

/// The tokens of an organisation, the oldest first.
pub fn list(
    tx: &mut Tx,
    organisation: OrganisationId,
) -> Result<Vec<EnrolmentToken>, RegistryError> {
    tx.rows(LIST, params! { organisation })
}

const REVOKE: &str = "\
UPDATE enrolment_token SET revoked_s = $now
WHERE id = $id AND organisation = $organisation AND revoked_s IS NULL";

/// Refuses the token from now on. Says whether there was one to refuse.
pub fn revoke(
    tx: &mut Tx,
    organisation: OrganisationId,
    id: EnrolmentTokenId,
    now: Timestamp,
) -> Result<bool, RegistryError> {
    Ok(tx.execute(REVOKE, params! { organisation, id, now })? > 0)
}

/// What a meter says when it asks to come in.
#[derive(Clone, Debug)]
pub struct Redemption<'a> {
    /// The token's text.
    pub token: &'a str,
    /// The meter's serial.
    pub serial: &'a str,
    /// The recorded name of the usage point, for recorded data. It is made when there is none.
    pub usage_point: Option<&'a str>,
    /// The meter's channels.
    pub channels: &'a [NewChannel],
    /// Business time.
    pub now: Timestamp,
}

const BY_HASH: &str = "\
SELECT * FROM enrolment_token WHERE token_hash = $hash AND revoked_s IS NULL";
const USE_ONCE: &str = "\
UPDATE enrolment_token SET uses_left = uses_left - 1 WHERE id = $id AND uses_left IS NOT NULL";

/// Would this be let in? Only reads, so that whoever tries out tokens never holds up those who write;
/// [`redeem`] looks again.
pub fn check(tx: &mut Tx, ask: &Redemption<'_>) -> Result<(), EnrolmentRefusal> {
    look(tx, ask).map(|_| ())
}

/// The token, and the meter of this serial where it may come in again.
fn look(
    tx: &mut Tx,
    ask: &Redemption<'_>,
) -> Result<(EnrolmentToken, Option<MeterId>), EnrolmentRefusal> {
    let token: EnrolmentToken = tx
        .row(BY_HASH, params! { hash: secrets::hash(ask.token) })?
        .ok_or(EnrolmentRefusal::UnknownToken)?;
    if token.expires.is_some_and(|expires| expires < ask.now) {
        return Err(EnrolmentRefusal::Expired);
    }
    check_channels(ask.channels)?;
    if let Some(known) = meters::by_serial(tx, token.organisation, ask.serial)? {
        let same_token = known.enrolled_by == Some(token.id);
        if !same_token || !(token.again || is_unconfirmed(tx, known.id)?) {
            return Err(EnrolmentRefusal::SerialTaken(ask.serial.to_owned()));
        }
        return Ok((token, Some(known.id)));
    }
    if token.uses_left.is_some_and(|left| left < 1) {
        return Err(EnrolmentRefusal::UsedUp);
    }
    Ok((token, None))
}

/// Lets a meter in: makes the meter with its channels, and the usage point where the token names none,
/// and installs it from now (or from when the token says). Returns the meter and its secret, which is
/// stored nowhere and shown once.
///
/// Until [`confirm`] the same serial may come in by the same token again: a server that died before its
/// answer arrived leaves no meter outside.
pub fn redeem(
    tx: &mut Tx,
    ask: &Redemption<'_>,
) -> Result<(MeterAccess, Secret), EnrolmentRefusal> {
    let (token, known) = look(tx, ask)?;
    let secret = Secret::random("meter");
    if let Some(known) = known {
        return again(tx, ask, known, &secret).map(|access| (access, secret));
    }
    tx.execute(USE_ONCE, params! { id: token.id })?;

    let usage_point = place(tx, &token, ask)?;
    let meter = meters::insert(
        tx,
        &NewMeter {
            organisation: token.organisation,
            serial: ask.serial,
            secret: Some(secret.reveal()),
            model: None,
            reporting_seconds: DEFAULT_REPORTING_SECONDS,
            enrolled_by: Some(token.id),
        },
        ask.now,
    )?;
    let from = token.installed_from.map_or(ask.now, |from| from.min(ask.now));
    meters::install(tx, meter, usage_point, from, None)?;
    for channel in ask.channels {
        meters::add_channel(tx, meter, channel, ask.now)?;
    }
    if !token.again {
        let (organisation, now) = (token.organisation, ask.now);
        tx.execute(WAIT_FOR_USE, params! { meter, organisation, token: token.id, now })?;
    }
    Ok((load(tx, meter)?, secret))
}

const WAIT_FOR_USE: &str = "\
INSERT INTO unconfirmed_enrolment (meter, organisation, token, created_s)
VALUES ($meter, $organisation, $token, $now)";
const UNCONFIRMED: &str = "SELECT meter FROM unconfirmed_enrolment WHERE meter = $meter";
const CONFIRM: &str = "DELETE FROM unconfirmed_enrolment WHERE meter = $meter";

row! {
    struct Unconfirmed {
        meter: MeterId,
    }
}

/// Did this meter enrol by a token that lets each serial in once, and has not used its secret yet?
pub fn is_unconfirmed(tx: &mut Tx, meter: MeterId) -> Result<bool, RegistryError> {
    let found: Option<Unconfirmed> = tx.row(UNCONFIRMED, params! { meter })?;
    Ok(found.is_some_and(|found| found.meter == meter))
}

/// The meter has its secret: from now on its serial is taken. Says whether that is new.
pub fn confirm(tx: &mut Tx, meter: MeterId) -> Result<bool, RegistryError> {
    Ok(tx.execute(CONFIRM, params! { meter })? > 0)
}

/// A meter that came in by this token before gets a new secret and the channels that it lacks.
fn again(
    tx: &mut Tx,
    ask: &Redemption<'_>,
    meter: MeterId,
    secret: &Secret,
) -> Result<MeterAccess, EnrolmentRefusal> {
    meters::set_secret(tx, meter, secret.reveal())?;
    let known = crate::channels::of_meter(tx, meter)?;
    for channel in ask.channels {
        match known.iter().find(|known| known.name == channel.name) {
            Some(same) if same.kind == channel.kind && same.direction == channel.direction => {}
            Some(_) => {
                return Err(EnrolmentRefusal::Channels(
                    "a channel of this name has another kind or direction already",
                ));
            }
            None => {
                meters::add_channel(tx, meter, channel, ask.now)?;
            }
        }
    }
    Ok(load(tx, meter)?)
}

fn load(tx: &mut Tx, meter: MeterId) -> Result<MeterAccess, RegistryError> {
    let meter = meters::get(tx, meter)?.ok_or(RegistryError::Reference)?;
    meters::access(tx, meter)
}

/// The usage point where the meter goes: the token's, the named one, or a new one named like the meter.
fn place(
    tx: &mut Tx,
    token: &EnrolmentToken,
    ask: &Redemption<'_>,
) -> Result<UsagePointId, EnrolmentRefusal> {
    let name = ask.usage_point.unwrap_or(ask.serial);
    let known = match token.usage_point {
        Some(id) => {
            let point = usage_points::get(tx, id)?.ok_or(RegistryError::Reference)?;
            if ask.usage_point.is_some_and(|asked| asked != point.name) {
                return Err(EnrolmentRefusal::OtherUsagePoint(name.to_owned()));
            }
            Some(point)
        }
        None => usage_points::by_name(tx, token.organisation, name)?,
    };
    if let Some(point) = known {
        let occupied =
            meters::at_usage_point(tx, point.id)?.iter().any(|stands| stands.until.is_none());
        return if occupied { Err(EnrolmentRefusal::Occupied(point.name)) } else { Ok(point.id) };
    }
    let organisation =
        organisations::get(tx, token.organisation)?.ok_or(RegistryError::Reference)?;
    let mut new = NewUsagePoint::named(&organisation, name);
    new.customer = token.customer;
    let id = usage_points::insert(tx, &new, ask.now)?;
    if let Some(tariff) = token.tariff {
        let from = token.installed_from.map_or(ask.now, |from| from.min(ask.now));
        agreements::insert(tx, id, tariff, from)?;
    }
    Ok(id)
}

fn check_channels(channels: &[NewChannel]) -> Result<(), EnrolmentRefusal> {
    if channels.is_empty() || channels.len() > 16 {
        return Err(EnrolmentRefusal::Channels("a meter has 1 to 16 channels"));
    }
    for (index, channel) in channels.iter().enumerate() {
        if channel.name.is_empty() || channel.name.len() > 64 {
            return Err(EnrolmentRefusal::Channels("a name has 1 to 64 bytes"));
        }
        if channels[..index].iter().any(|before| before.name == channel.name) {
            return Err(EnrolmentRefusal::Channels("each name may occur once"));
        }
    }
    Ok(())
}
