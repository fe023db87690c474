//! Usage points: the places where energy is used and billed, and who may see them.

use corrente_metering::{
    ChannelId, ChannelKind, ChannelSpec, Direction, Span, Timestamp,
    id::{AccountId, CustomerId, MeterId, OrganisationId, UsagePointId},
};
use corrente_units::{Currency, Decimal};

use crate::{
    RegistryError, Tx, accounts,
    clock_corrections::{self, ClockCorrection},
    declarations::{self, Declaration},
    multipliers::{self, Multiplier},
    organisations::check_zone,
    users::{Role, User},
    value::{params, row},
};

row! {
    /// A usage point.
    pub struct UsagePoint {
        /// Its id.
        id: UsagePointId,
        /// Of which organisation.
        organisation: OrganisationId,
        /// Whose; nobody's yet when a meter enrolled by token.
        customer: Option<CustomerId>,
        /// Invoiced with which account.
        account: Option<AccountId>,
        /// The recorded name, unique in the organisation; on exports.
        name: String,
        /// Postal address.
        address: Option<String>,
        /// Municipality.
        municipality: Option<String>,
        /// IANA zone: cuts its days and months.
        zone: String,
        /// Currency of its bills.
        currency: Currency,
        /// Class of consumer: `residential`, `commercial`, …
        class: String,
        /// 1, 2 or 3 phases.
        phases: u8,
        /// Was it made by the prototype's protocol?
        lab: bool,
        /// The prototype's number.
        lab_id: Option<String>,
        /// The round on which it is read and billed; without one it is billed by itself each month.
        route: Option<String>,
        /// The group whose rule sets apply; those of `standard` where nothing is said.
        vee_group: Option<String>,
        /// What the connection carries in W, where that is known.
        power_max_w: Option<i64>,
        /// The regime of credits for energy that it feeds in, in the tariff's word.
        credit_regime: Option<String>,
        /// Contracted demand in kW.
        contracted_kw: Option<Decimal>,
        /// Meters that a charge per meter counts; nothing means 1.
        meters: Option<u32>,
        /// When it was made, business time.
        created: Timestamp = "created_s",
    }
}

/// What a new usage point is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUsagePoint {
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// Whose.
    pub customer: Option<CustomerId>,
    /// The recorded name, unique in the organisation.
    pub name: String,
    /// Postal address.
    pub address: Option<String>,
    /// Municipality.
    pub municipality: Option<String>,
    /// IANA zone.
    pub zone: String,
    /// Currency.
    pub currency: Currency,
    /// Class of consumer.
    pub class: String,
    /// Phases.
    pub phases: u8,
    /// What the connection carries in W, where that is known.
    pub power_max_w: Option<i64>,
    /// The prototype's number, for one made by its protocol.
    pub lab_id: Option<String>,
    /// What a tariff may ask of it.
    pub terms: Terms,
}

/// What a tariff may ask of a usage point beside class and phases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The regime of credits for energy that it feeds in, in the tariff's word: `gd2`.
    pub credit_regime: Option<String>,
    /// Contracted demand in kW.
    pub contracted_kw: Option<Decimal>,
    /// Meters that a charge per meter counts; nothing means 1.
    pub meters: Option<u32>,
}

impl Terms {
    fn check(&self) -> Result<(), RegistryError> {
        if let Some(kw) = self.contracted_kw.filter(|kw| *kw < Decimal::ZERO) {
            let reason = format!("{kw} is below zero: write the contracted kW, such as 30 or 12.5");
            return Err(RegistryError::Invalid { field: "contracted_kw", reason });
        }
        if self.meters == Some(0) {
            let reason = "0 is no number of meters: leave it out for one".to_owned();
            return Err(RegistryError::Invalid { field: "meters", reason });
        }
        if self.credit_regime.as_deref().is_some_and(|word| word.trim().is_empty()) {
            let reason = "it is empty: write the regime's code in the tariff file".to_owned();
            return Err(RegistryError::Invalid { field: "credit_regime", reason });
        }
        Ok(())
    }
}

impl NewUsagePoint {
    /// A residential one on one phase, in the zone and currency of its organisation.
    pub fn named(organisation: &crate::organisations::Organisation, name: &str) -> Self {
        Self {
            organisation: organisation.id,
            customer: None,
            name: name.to_owned(),
            address: None,
            municipality: organisation.municipality.clone(),
            zone: organisation.zone.clone(),
            currency: organisation.currency,
            class: "residential".to_owned(),
            phases: 1,
            power_max_w: None,
            lab_id: None,
            terms: Terms::default(),
        }
    }
}

const INSERT: &str = "\
INSERT INTO usage_point (id, organisation, customer, account, name, address, municipality, zone,
  currency, class, phases, power_max_w, lab, lab_id, credit_regime, contracted_kw, meters, created_s)
VALUES ($id, $organisation, $customer, $account, $name, $address, $municipality, $zone,
  $currency, $class, $phases, $power_max_w, $lab, $lab_id, $credit_regime, $contracted_kw, $meters, $now)";

/// Makes a usage point; a customer's goes onto the customer's first account.
pub fn insert(
    tx: &mut Tx,
    new: &NewUsagePoint,
    now: Timestamp,
) -> Result<UsagePointId, RegistryError> {
    check_zone(&new.zone)?;
    if !(1..=3).contains(&new.phases) {
        let reason = format!("{} is not 1, 2 or 3", new.phases);
        return Err(RegistryError::Invalid { field: "phases", reason });
    }
    check_power_limit(new.power_max_w)?;
    new.terms.check()?;
    let account = match new.customer {
        Some(customer) => accounts::list(tx, customer)?.first().map(|account| account.id),
        None => None,
    };
    let id = UsagePointId::from_uuid(uuid::Uuid::now_v7());
    tx.execute(
        INSERT,
        params! {
            id, organisation: new.organisation, customer: new.customer, account, name: new.name,
            address: new.address, municipality: new.municipality, zone: new.zone,
            currency: new.currency, class: new.class, phases: new.phases,
            power_max_w: new.power_max_w,
            lab: new.lab_id.is_some(), lab_id: new.lab_id, credit_regime: new.terms.credit_regime,
            contracted_kw: new.terms.contracted_kw, meters: new.terms.meters, now
        },
    )?;
    Ok(id)
}

/// More than a power station feeds in is a slip of the keyboard.
const MOST_POWER_W: i64 = 1_000_000_000;

fn check_power_limit(power_max_w: Option<i64>) -> Result<(), RegistryError> {
    match power_max_w.filter(|w| !(1..=MOST_POWER_W).contains(w)) {
        None => Ok(()),
        Some(w) => Err(RegistryError::Invalid {
            field: "power_max_w",
            reason: format!("{w} is not between 1 and {MOST_POWER_W} W"),
        }),
    }
}

const SET_POWER_LIMIT: &str = "UPDATE usage_point SET power_max_w = $power_max_w WHERE id = $id";

/// Says what a connection carries, in W; nothing where that is not known. Days that were looked at are
/// looked at again.
pub(crate) fn set_power_limit(
    tx: &mut Tx,
    id: UsagePointId,
    power_max_w: Option<i64>,
) -> Result<(), RegistryError> {
    check_power_limit(power_max_w)?;
    tx.execute(SET_POWER_LIMIT, params! { id, power_max_w })?;
    Ok(())
}

const GET: &str = "SELECT * FROM usage_point WHERE id = $id";

/// One usage point, whoever asks: for jobs. What a person may see is [`visible_to`].
pub fn get(tx: &mut Tx, id: UsagePointId) -> Result<Option<UsagePoint>, RegistryError> {
    tx.row(GET, params! { id })
}

const BY_NAME: &str =
    "SELECT * FROM usage_point WHERE organisation = $organisation AND name = $name";

/// The usage point with this recorded name.
pub fn by_name(
    tx: &mut Tx,
    organisation: OrganisationId,
    name: &str,
) -> Result<Option<UsagePoint>, RegistryError> {
    tx.row(BY_NAME, params! { organisation, name })
}

const LIST_ALL: &str =
    "SELECT * FROM usage_point WHERE organisation = $organisation ORDER BY name, id";

/// All usage points of an organisation, by name.
pub fn list_all(
    tx: &mut Tx,
    organisation: OrganisationId,
) -> Result<Vec<UsagePoint>, RegistryError> {
    tx.rows(LIST_ALL, params! { organisation })
}

const LIST_EVERYWHERE: &str = "SELECT * FROM usage_point ORDER BY organisation, name, id";

/// All usage points of all organisations: for jobs and exports.
pub fn list_everywhere(tx: &mut Tx) -> Result<Vec<UsagePoint>, RegistryError> {
    tx.rows(LIST_EVERYWHERE, &[])
}

const LIST_FOR_CUSTOMER: &str = "\
SELECT * FROM usage_point
WHERE organisation = $organisation AND customer = $customer ORDER BY created_s, name, id";

/// The usage points that this user may see: a customer's own ones in the order in which they came, and
/// for operators all of the organisation.
pub fn list_for_user(tx: &mut Tx, user: &User) -> Result<Vec<UsagePoint>, RegistryError> {
    match (user.role, user.customer) {
        (Role::Operator | Role::Admin, _) => list_all(tx, user.organisation),
        (Role::Customer, Some(customer)) => {
            tx.rows(LIST_FOR_CUSTOMER, params! { organisation: user.organisation, customer })
        }
        (Role::Customer, None) => Ok(Vec::new()),
    }
}

/// The usage point, if this user may see it. What exists and is another's looks the same as what does
/// not exist.
pub fn visible_to(
    tx: &mut Tx,
    user: &User,
    id: UsagePointId,
) -> Result<Option<UsagePoint>, RegistryError> {
    Ok(get(tx, id)?.filter(|point| {
        point.organisation == user.organisation
            && match user.role {
                Role::Operator | Role::Admin => true,
                Role::Customer => user.customer.is_some() && point.customer == user.customer,
            }
    }))
}

const SET_CUSTOMER: &str = "\
UPDATE usage_point SET customer = $customer, account = $account WHERE id = $id";

/// Gives a usage point to a customer.
pub fn set_customer(
    tx: &mut Tx,
    id: UsagePointId,
    customer: CustomerId,
) -> Result<(), RegistryError> {
    let account = accounts::list(tx, customer)?.first().map(|account| account.id);
    if tx.execute(SET_CUSTOMER, params! { id, customer, account })? == 0 {
        return Err(RegistryError::NotFound { kind: "usage point", name: id.to_string() });
    }
    Ok(())
}

const SET_TERMS: &str = "\
UPDATE usage_point SET credit_regime = $credit_regime, contracted_kw = $contracted_kw, meters = $meters
WHERE id = $id";

/// Says what a tariff may ask of a usage point. Bills that were issued keep what they were made from.
pub fn set_terms(tx: &mut Tx, id: UsagePointId, terms: &Terms) -> Result<(), RegistryError> {
    terms.check()?;
    let changed = tx.execute(
        SET_TERMS,
        params! {
            id, credit_regime: terms.credit_regime, contracted_kw: terms.contracted_kw,
            meters: terms.meters
        },
    )?;
    if changed == 0 {
        return Err(RegistryError::NotFound { kind: "usage point", name: id.to_string() });
    }
    Ok(())
}

row! {
    struct ChannelPeriodRow {
        number: ChannelId,
        name: String,
        kind: ChannelKind,
        direction: Direction,
        offset_seconds: i32,
        interval_seconds: Option<i64>,
        register_digits: Option<u8>,
        meter: MeterId,
        serial: String,
        reporting_seconds: i64,
        channel_from_s: Option<Timestamp>,
        from_s: Timestamp,
        until_s: Option<Timestamp>,
    }
}

/// A channel and the time in which it measured a usage point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelPeriod {
    /// The channel.
    pub channel: ChannelId,
    /// What the ledger needs to know of it.
    pub spec: ChannelSpec,
    /// Its name: `import`.
    pub name: String,
    /// Which way its energy flows.
    pub direction: Direction,
    /// The meter.
    pub meter: MeterId,
    /// The meter's serial.
    pub serial: String,
    /// From when the meter stood there, or measured this when it was added later.
    pub from: Timestamp,
    /// Until when; nothing while it stands.
    pub until: Option<Timestamp>,
    /// Length of an interval channel's intervals, where it is known.
    pub interval_seconds: Option<i64>,
    /// Digits of kWh after which a register begins again at 0, where that is known.
    pub register_digits: Option<u8>,
    /// How often the meter reports.
    pub reporting_seconds: i64,
    /// What the dial is multiplied by, in order of time; 1 before the first.
    pub multipliers: Vec<Multiplier>,
    /// What the meter stamped with a wrong clock, in order of time.
    pub clock_corrections: Vec<ClockCorrection>,
    /// What the meter says of itself.
    pub declared: Declaration,
}

const CHANNELS: &str = "\
SELECT c.number, c.name, c.kind, c.direction, c.offset_seconds, c.interval_seconds,
  c.register_digits, c.from_s AS channel_from_s, i.meter, m.serial, m.reporting_seconds, i.from_s, i.until_s
FROM installation i
JOIN meter m ON m.id = i.meter
JOIN channel c ON c.meter = i.meter
WHERE i.usage_point = $usage_point AND i.from_s < $end_s
  AND (i.until_s IS NULL OR i.until_s > $start_s)
  AND (c.from_s IS NULL OR i.until_s IS NULL OR c.from_s < i.until_s)
  AND coalesce(c.checks, 0) = $checks
ORDER BY i.from_s, c.number";

/// The channels that measured this usage point in some part of the span, in order of time.
pub fn channels(
    tx: &mut Tx,
    usage_point: UsagePointId,
    span: Span,
) -> Result<Vec<ChannelPeriod>, RegistryError> {
    channels_that(tx, usage_point, span, false)
}

/// The registers that only compare, which stood beside them in some part of the span.
pub fn check_registers(
    tx: &mut Tx,
    usage_point: UsagePointId,
    span: Span,
) -> Result<Vec<ChannelPeriod>, RegistryError> {
    channels_that(tx, usage_point, span, true)
}

row! {
    struct Checked {
        usage_point: UsagePointId,
    }
}

const CHECKED: &str = "\
SELECT DISTINCT i.usage_point FROM installation i JOIN channel c ON c.meter = i.meter
WHERE c.checks = 1 ORDER BY i.usage_point";

/// The usage points that have a register that only compares, of all organisations.
pub fn with_check_registers(tx: &mut Tx) -> Result<Vec<UsagePointId>, RegistryError> {
    let found: Vec<Checked> = tx.rows(CHECKED, &[])?;
    Ok(found.into_iter().map(|found| found.usage_point).collect())
}

fn channels_that(
    tx: &mut Tx,
    usage_point: UsagePointId,
    span: Span,
    checks: bool,
) -> Result<Vec<ChannelPeriod>, RegistryError> {
    let rows: Vec<ChannelPeriodRow> =
        tx.rows(CHANNELS, params! { usage_point, start_s: span.start, end_s: span.end, checks })?;
    let multipliers = multipliers::at_usage_point(tx, usage_point)?;
    let corrections = clock_corrections::at_usage_point(tx, usage_point)?;
    let declared = declarations::at_usage_point(tx, usage_point)?;
    Ok(rows
        .into_iter()
        .map(|row| ChannelPeriod {
            channel: row.number,
            spec: ChannelSpec {
                id: row.number,
                kind: row.kind,
                offset_seconds: row.offset_seconds,
            },
            name: row.name,
            direction: row.direction,
            meter: row.meter,
            serial: row.serial,
            from: row.channel_from_s.map_or(row.from_s, |from| from.max(row.from_s)),
            until: row.until_s,
            interval_seconds: row.interval_seconds,
            register_digits: row.register_digits,
            reporting_seconds: row.reporting_seconds,
            multipliers: multipliers
                .iter()
                .filter(|(meter, _)| *meter == row.meter)
                .map(|(_, multiplier)| *multiplier)
                .collect(),
            clock_corrections: corrections
                .iter()
                .filter(|(meter, _)| *meter == row.meter)
                .map(|(_, correction)| *correction)
                .collect(),
            declared: declared
                .iter()
                .find(|(meter, _)| *meter == row.meter)
                .map(|(_, declared)| *declared)
                .unwrap_or_default(),
        })
        .collect())
}
