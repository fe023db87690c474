//! The city's people, meters and contracts, in one transaction.

use corrente_metering::{
    Calendar, ChannelId, Date, Timestamp,
    id::{MeterId, OrganisationId, TariffId, UsagePointId},
};
use corrente_registry::{
    Registry, RegistryError, Tx, agreements, channels::NewChannel, customers, enrolment, meters,
    organisations, passwords, secrets::Secret, settings, tariffs, usage_points, users,
};
use corrente_units::Currency;

use super::city::{self, Account, DISTRIBUTOR, Home, MUNICIPALITY, Story, ZONE};

/// The tariff of the city's homes, with example prices.
const TARIFF: &str = include_str!("../../../../tariffs/example-b1.toml");
/// A contract begins with the tariff's first version, long before the city.
const TARIFF_NAME: &str = "Residencial B1 (exemplo)";
/// The token with which a visitor's own meter comes in. It exists on a demo's data directory alone.
pub(crate) const VISITOR_TOKEN: &str = "demo-visitor";
/// How often a home's meter keeps a reading of its history, in seconds.
pub(crate) const HISTORY_SECONDS: i64 = 900;
/// How often a home's meter reports while the city lives, in seconds.
pub(crate) const LIVE_SECONDS: i64 = 10;

const FIRST_DAY: &str = "demo.first_day";
const MADE_ON: &str = "demo.made_on";

/// A meter at a home, from one instant to another.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) serial: String,
    pub(crate) secret: String,
    pub(crate) channel: ChannelId,
    pub(crate) from: Timestamp,
    pub(crate) until: Option<Timestamp>,
}

/// A home with its place in the registry.
#[derive(Clone, Debug)]
pub(crate) struct SettledHome {
    pub(crate) home: Home,
    pub(crate) usage_point: UsagePointId,
    pub(crate) devices: Vec<Device>,
}

/// The city as it stands in the registry.
#[derive(Clone, Debug)]
pub(crate) struct City {
    pub(crate) homes: Vec<SettledHome>,
    pub(crate) calendar: Calendar,
    /// The day on which the first meters were read.
    pub(crate) first_day: Date,
    /// The day on which the demo was made: its stories are told from there.
    pub(crate) made_on: Date,
}

/// Settles a city of this size whose history begins on `first_day`, or finds the one that is there.
pub(crate) fn settle(
    registry: &Registry,
    count: u64,
    first_day: Date,
    now: Timestamp,
) -> Result<City, SettleError> {
    let calendar = Calendar::new(ZONE)?;
    let found = registry.read_blocking(|tx| {
        Ok::<_, RegistryError>((settings::get(tx, FIRST_DAY)?, settings::get(tx, MADE_ON)?))
    })?;
    let is_new = found.0.is_none();
    let (first_day, made_on) = match found {
        (Some(first), Some(made)) => (first.parse()?, made.parse()?),
        (first, _) => (first.map_or(Ok(first_day), |f| f.parse())?, calendar.date(now)),
    };
    let plan = Plan { calendar: calendar.clone(), first_day, made_on, now };
    let homes = city::homes(count);
    let password = passwords::hash(city::PASSWORD)?;
    let homes = registry.write_blocking(move |tx| {
        if is_new {
            settings::set(tx, FIRST_DAY, &first_day.to_string())?;
            settings::set(tx, MADE_ON, &made_on.to_string())?;
            plan.found(tx, &password)?;
        }
        let organisation =
            organisations::default_organisation(tx)?.ok_or_else(|| missing("organisation"))?.id;
        let tariff =
            tariffs::by_name(tx, organisation, TARIFF_NAME)?.ok_or_else(|| missing("tariff"))?.id;
        let homes = homes
            .iter()
            .map(|home| plan.move_in(tx, organisation, tariff, home))
            .collect::<Result<Vec<_>, RegistryError>>()?;
        if is_new {
            plan.expect_visitors(tx, organisation, tariff, homes.first())?;
        }
        Ok::<_, RegistryError>(homes)
    })?;
    Ok(City { homes, calendar, first_day, made_on })
}

/// Why the city could not be settled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettleError {
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error(transparent)]
    Zone(#[from] corrente_metering::UnknownZone),
    #[error("the demo's data directory holds a date that is none: {0}")]
    Date(#[from] jiff::Error),
}

struct Plan {
    calendar: Calendar,
    first_day: Date,
    made_on: Date,
    now: Timestamp,
}

impl Plan {
    /// The distributor, its tariff and its operator.
    fn found(&self, tx: &mut Tx, password: &str) -> Result<(), RegistryError> {
        let organisation = organisations::insert(
            tx,
            &organisations::NewOrganisation {
                document: Some("00.000.000/0001-91".to_owned()),
                address: Some("Avenida da Estação, 1".to_owned()),
                municipality: Some(MUNICIPALITY.to_owned()),
                currency: Currency::Brl,
                language: "pt-BR".to_owned(),
                pix_key: Some("pagamentos@luzdovale.example".to_owned()),
                pix_payee: Some(DISTRIBUTOR.to_uppercase()),
                pix_city: Some(MUNICIPALITY.to_uppercase()),
                ..organisations::NewOrganisation::named(DISTRIBUTOR, ZONE)
            },
            self.now,
        )?;
        // No company has this number, as the distributor does not exist.
        organisations::set_febraban(tx, organisation, Some("9999"))?;
        let valid_from = self.first_day.first_of_year();
        tariffs::insert_version(tx, organisation, TARIFF_NAME, valid_from, TARIFF, self.now)?;
        user(tx, organisation, &city::OPERATOR, None, users::Role::Operator, password, self.now)?;
        Ok(())
    }

    /// A visitor's own meter is a further home of the first resident, who sees it and hears of it.
    fn expect_visitors(
        &self,
        tx: &mut Tx,
        organisation: OrganisationId,
        tariff: TariffId,
        first: Option<&SettledHome>,
    ) -> Result<(), RegistryError> {
        let point = first.map(|home| usage_points::get(tx, home.usage_point)).transpose()?;
        let new = enrolment::NewToken {
            tariff: Some(tariff),
            customer: point.flatten().and_then(|point| point.customer),
            again: true,
            ..enrolment::NewToken::open(organisation, "Visitors of the demo")
        };
        enrolment::create_with(tx, &new, &Secret::given(VISITOR_TOKEN), self.now).map(drop)
    }

    /// A home with its customer, contract and meters; when it has moved in already, as it stands.
    fn move_in(
        &self,
        tx: &mut Tx,
        organisation: OrganisationId,
        tariff: TariffId,
        home: &Home,
    ) -> Result<SettledHome, RegistryError> {
        let name = format!("Casa {:03}", home.index + 1);
        let devices = self.device_lives(home);
        if let Some(point) = usage_points::by_name(tx, organisation, &name)? {
            let devices = devices
                .into_iter()
                .map(|life| find_device(tx, life))
                .collect::<Result<Vec<_>, RegistryError>>()?;
            return Ok(SettledHome { home: home.clone(), usage_point: point.id, devices });
        }
        let customer = customers::insert(
            tx,
            &customers::NewCustomer {
                email: Some(home.email.clone()),
                address: Some(home.address.clone()),
                ..customers::NewCustomer::named(
                    organisation,
                    &format!("{}", 700_001 + home.index),
                    &home.customer,
                )
            },
            self.now,
        )?;
        let owner = organisations::get(tx, organisation)?.ok_or_else(|| missing("organisation"))?;
        let usage_point = usage_points::insert(
            tx,
            &usage_points::NewUsagePoint {
                customer: Some(customer),
                address: Some(home.address.clone()),
                ..usage_points::NewUsagePoint::named(&owner, &name)
            },
            self.now,
        )?;
        let first = self.calendar.midnight(self.first_day);
        agreements::insert(tx, usage_point, tariff, first)?;
        let devices = devices
            .into_iter()
            .map(|life| self.install(tx, organisation, usage_point, life))
            .collect::<Result<Vec<_>, RegistryError>>()?;
        if let Some(account) = [city::ANA, city::BRUNO].iter().find(|a| a.email == home.email) {
            let password = passwords::hash(city::PASSWORD)?;
            let role = users::Role::Customer;
            user(tx, organisation, account, Some(customer), role, &password, self.now)?;
        }
        Ok(SettledHome { home: home.clone(), usage_point, devices })
    }

    /// Which meters the home has had: one, or two where the meter was exchanged.
    fn device_lives(&self, home: &Home) -> Vec<Life> {
        let first = self.calendar.midnight(self.first_day);
        let serial = home.serial.clone();
        if home.story != Story::Exchange {
            return vec![Life { serial, from: first, until: None }];
        }
        // At ten in the morning, some weeks before the demo was made.
        let exchange = self.calendar.midnight(self.made_on).plus(-40 * 86_400 + 10 * 3600);
        vec![
            Life { serial: format!("{serial}-A"), from: first, until: Some(exchange) },
            Life { serial, from: exchange, until: None },
        ]
    }

    fn install(
        &self,
        tx: &mut Tx,
        organisation: OrganisationId,
        usage_point: UsagePointId,
        life: Life,
    ) -> Result<Device, RegistryError> {
        let secret = life.secret();
        let meter: MeterId = meters::insert(
            tx,
            &meters::NewMeter {
                organisation,
                serial: &life.serial,
                secret: Some(&secret),
                model: Some("Corrente demo"),
                reporting_seconds: LIVE_SECONDS,
                enrolled_by: None,
            },
            self.now,
        )?;
        meters::install(tx, meter, usage_point, life.from, life.until)?;
        let channel = meters::add_channel_in_zone(
            tx,
            meter,
            &NewChannel { interval_seconds: Some(HISTORY_SECONDS), ..NewChannel::import() },
            ZONE,
            self.now,
        )?;
        Ok(Device { serial: life.serial, secret, channel, from: life.from, until: life.until })
    }
}

/// A meter's time at a home.
struct Life {
    serial: String,
    from: Timestamp,
    until: Option<Timestamp>,
}

impl Life {
    /// The meter's secret: the demo's meters are made anew from their serials at each start.
    fn secret(&self) -> String {
        format!("demo-secret-of-{}", self.serial)
    }
}

/// Something that the demo made is gone from its data directory.
fn missing(kind: &'static str) -> RegistryError {
    RegistryError::NotFound { kind, name: "demo".to_owned() }
}

fn find_device(tx: &mut Tx, life: Life) -> Result<Device, RegistryError> {
    let access = meters::find_by_serial(tx, &life.serial)?.ok_or_else(|| missing("meter"))?;
    let channel = access.channels.first().ok_or_else(|| missing("channel"))?.number;
    let secret = life.secret();
    Ok(Device { serial: life.serial, secret, channel, from: life.from, until: life.until })
}

fn user(
    tx: &mut Tx,
    organisation: OrganisationId,
    account: &Account,
    customer: Option<corrente_metering::id::CustomerId>,
    role: users::Role,
    password_hash: &str,
    now: Timestamp,
) -> Result<(), RegistryError> {
    users::insert(
        tx,
        &users::NewUser {
            organisation,
            customer,
            email: account.email.to_owned(),
            name: account.name.to_owned(),
            role,
            password_hash: Some(password_hash.to_owned()),
            language: None,
        },
        now,
    )?;
    Ok(())
}
