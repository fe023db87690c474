//! Setting up a town: organisation, customers, usage points, meters, tariffs, agreements, tokens, users.
//!
//! Each function does one thing and writes the line of the audit log that tells it, in one transaction.
//! The command line and the API call the same ones; what differs is [`By`].

mod findings;
mod import;
mod meter_life;
mod parents;
mod prices;
mod rule_sets;

use corrente_metering::{
    Calendar, Date, Span, Timestamp,
    id::{
        AgreementId, CustomerId, EnrolmentTokenId, MeterId, OrganisationId, UsagePointId, UserId,
    },
};
use corrente_tariff::Tariff;
use serde_json::{Value as Json, json};

pub use self::import::{
    ImportFile, ImportKind, ImportMistake, ImportRefusal, Imported, MeterSecret, SignInCode, import,
};
pub use self::{
    findings::{Decided, decide_findings},
    meter_life::{
        Exchange, Move, add_channel, add_check_register, declare, exchange_meter, move_meter,
        note_event, note_field_readings, note_release, remove_meter, set_clock, set_digits,
        set_gateway, set_multiplier, set_reporting, write_dials,
    },
    parents::set_parent,
    prices::{load_index, load_prices},
    rule_sets::{set_rule_group, store_class_profile, store_rule_set},
};
use crate::{
    RegistryError, Tx, agreements, api_tokens, audit,
    channels::NewChannel,
    codes::{self, Purpose},
    customers::{self, NewCustomer},
    enrolment::{self, NewToken},
    meters::{self, NewMeter},
    organisations::{self, NewOrganisation},
    relooks::{self, RelookCause},
    secrets::Secret,
    sessions, tariffs,
    tariffs::TariffVersion,
    usage_points::{self, NewUsagePoint, Terms, UsagePoint},
    users::{self, NewUser, Role, User},
};

/// How long a one-time code can be used, in seconds: two weeks, because some travel on paper.
pub const CODE_SECONDS: i64 = 14 * 86_400;
/// How long the first administrator's link can be used: a day.
pub const FIRST_ADMIN_SECONDS: i64 = 86_400;

/// Who does it, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// `user:<id>`, `token:<id>`, `command line`.
    pub actor: String,
    /// Business time.
    pub business: Timestamp,
    /// Real time.
    pub real: Timestamp,
    /// From which address.
    pub address: Option<String>,
    /// Why, in the words of who does it.
    pub reason: Option<String>,
}

impl By {
    /// Somebody at the server's own command line.
    pub fn command_line(business: Timestamp, real: Timestamp) -> Self {
        Self { actor: "command line".to_owned(), business, real, address: None, reason: None }
    }

    fn note(
        &self,
        tx: &mut Tx,
        organisation: OrganisationId,
        action: &str,
        subject: &str,
        change: (Option<Json>, Option<Json>),
    ) -> Result<(), RegistryError> {
        let (before, after) = change;
        audit::write(
            tx,
            &audit::NewEntry {
                organisation,
                actor: &self.actor,
                business: self.business,
                real: self.real,
                action,
                subject,
                before,
                after,
                reason: self.reason.as_deref(),
                address: self.address.as_deref(),
            },
        )
    }
}

/// Makes an organisation.
pub fn create_organisation(
    tx: &mut Tx,
    by: &By,
    new: &NewOrganisation,
) -> Result<OrganisationId, RegistryError> {
    let id = organisations::insert(tx, new, by.business)?;
    let after = json!({"name": new.name, "zone": new.zone});
    by.note(tx, id, "organisation.create", &format!("organisation:{id}"), (None, Some(after)))?;
    Ok(id)
}

/// Changes an organisation.
pub fn change_organisation(
    tx: &mut Tx,
    by: &By,
    id: OrganisationId,
    new: &NewOrganisation,
) -> Result<(), RegistryError> {
    let before = organisations::get(tx, id)?;
    let before = before.map(|o| json!({"name": o.name, "zone": o.zone, "pix_key": o.pix_key}));
    organisations::update(tx, id, new)?;
    let after = json!({"name": new.name, "zone": new.zone, "pix_key": new.pix_key});
    by.note(tx, id, "organisation.change", &format!("organisation:{id}"), (before, Some(after)))
}

/// Makes a customer.
pub fn create_customer(
    tx: &mut Tx,
    by: &By,
    new: &NewCustomer,
) -> Result<CustomerId, RegistryError> {
    let id = customers::insert(tx, new, by.business)?;
    let after = json!({"number": new.number});
    let subject = format!("customer:{id}");
    by.note(tx, new.organisation, "customer.create", &subject, (None, Some(after)))?;
    Ok(id)
}

/// Makes a usage point.
pub fn create_usage_point(
    tx: &mut Tx,
    by: &By,
    new: &NewUsagePoint,
) -> Result<UsagePointId, RegistryError> {
    if let Some(customer) = new.customer {
        of_organisation(tx, new.organisation, customer)?;
    }
    let id = usage_points::insert(tx, new, by.business)?;
    let after = json!({"name": new.name, "zone": new.zone, "class": new.class});
    let subject = format!("usage_point:{id}");
    by.note(tx, new.organisation, "usage_point.create", &subject, (None, Some(after)))?;
    Ok(id)
}

/// Says what a tariff may ask of a usage point: regime of credits, contracted power, meters.
pub fn set_terms(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    usage_point: &str,
    terms: &Terms,
) -> Result<UsagePointId, RegistryError> {
    let point = usage_points::by_name(tx, organisation, usage_point)?.ok_or_else(|| {
        RegistryError::NotFound { kind: "usage point", name: usage_point.to_owned() }
    })?;
    usage_points::set_terms(tx, point.id, terms)?;
    let before = json!({
        "credit_regime": point.credit_regime, "meters": point.meters,
        "contracted_kw": point.contracted_kw.map(|kw| kw.to_string()),
    });
    let after = json!({
        "credit_regime": terms.credit_regime, "meters": terms.meters,
        "contracted_kw": terms.contracted_kw.map(|kw| kw.to_string()),
    });
    let subject = format!("usage_point:{}", point.id);
    by.note(tx, organisation, "usage_point.terms", &subject, (Some(before), Some(after)))?;
    Ok(point.id)
}

/// Refuses a customer of another organisation.
fn of_organisation(
    tx: &mut Tx,
    organisation: OrganisationId,
    customer: CustomerId,
) -> Result<(), RegistryError> {
    customers::get(tx, customer)?
        .filter(|found| found.organisation == organisation)
        .map(|_| ())
        .ok_or_else(|| RegistryError::NotFound { kind: "customer", name: customer.to_string() })
}

/// A meter that is registered before it connects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredMeter {
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// What stands on its plate.
    pub serial: String,
    /// Maker and model.
    pub model: Option<String>,
    /// How often it reports.
    pub reporting_seconds: i64,
    /// Its secret, when the maker set one; else one is made.
    pub secret: Option<Secret>,
    /// Its channels.
    pub channels: Vec<NewChannel>,
    /// Where it stands.
    pub usage_point: UsagePointId,
    /// From when.
    pub installed_from: Timestamp,
}

/// Says what a usage point's connection carries, in W, or that nobody knows.
pub fn set_power_limit(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    name: &str,
    power_max_w: Option<i64>,
) -> Result<(), RegistryError> {
    let point = usage_points::by_name(tx, organisation, name)?
        .ok_or_else(|| RegistryError::NotFound { kind: "usage point", name: name.to_owned() })?;
    usage_points::set_power_limit(tx, point.id, power_max_w)?;
    let always = Span::new(Timestamp::MIN, Timestamp::MAX);
    relooks::ask(tx, point.id, always, RelookCause::MeterLife, by.business)?;
    let change = (
        Some(json!({"power_max_w": point.power_max_w})),
        Some(json!({"power_max_w": power_max_w})),
    );
    let subject = format!("usage_point:{}", point.id);
    by.note(tx, organisation, "usage_point.set_power_limit", &subject, change)
}

/// Registers a meter with its channels at a usage point, and returns its secret, which is shown once.
pub fn register_meter(
    tx: &mut Tx,
    by: &By,
    new: &RegisteredMeter,
) -> Result<(MeterId, Secret), RegistryError> {
    let point = usage_point_of(tx, new.organisation, new.usage_point)?;
    let secret = new.secret.clone().unwrap_or_else(|| Secret::random("meter"));
    if secret.reveal().len() < 16 {
        let reason = "it must have at least 16 characters, and be random".to_owned();
        return Err(RegistryError::Invalid { field: "secret", reason });
    }
    let id = meters::insert(
        tx,
        &NewMeter {
            organisation: new.organisation,
            serial: &new.serial,
            secret: Some(secret.reveal()),
            model: new.model.as_deref(),
            reporting_seconds: new.reporting_seconds,
            enrolled_by: None,
        },
        by.business,
    )?;
    meters::install(tx, id, new.usage_point, new.installed_from, None)?;
    for channel in &new.channels {
        meters::add_channel(tx, id, channel, by.business)?;
    }
    let after = json!({"serial": new.serial, "usage_point": point.name});
    let subject = format!("meter:{id}");
    by.note(tx, new.organisation, "meter.register", &subject, (None, Some(after)))?;
    Ok((id, secret))
}

/// Stores a tariff file as a version of the tariff that its `code` names. The same file again changes
/// nothing; one that begins on the same day as another takes its place; one that claims days of another
/// is refused.
pub fn store_tariff(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    content: &str,
) -> Result<TariffVersion, RegistryError> {
    let tariff = Tariff::parse(content)?;
    let from = tariff.valid_from();
    refuse_overlap(tx, organisation, &tariff)?;
    let version =
        tariffs::insert_version(tx, organisation, tariff.code(), from, content, by.business)?;
    let after = json!({
        "code": tariff.code(), "version": tariff.version(), "valid_from": from.to_string(),
        "digest": version.digest,
    });
    let subject = format!("tariff_version:{}", version.id);
    by.note(tx, organisation, "tariff.store", &subject, (None, Some(after)))?;
    Ok(version)
}

fn refuse_overlap(
    tx: &mut Tx,
    organisation: OrganisationId,
    tariff: &Tariff,
) -> Result<(), RegistryError> {
    let Some(row) = tariffs::by_name(tx, organisation, tariff.code())? else { return Ok(()) };
    // Of versions from the same day the last counts.
    let mut others = std::collections::BTreeMap::new();
    for version in tariffs::versions(tx, row.id)? {
        let other = Tariff::parse(&version.content)?;
        if other.valid_from() != tariff.valid_from() {
            others.insert((other.valid_from(), std::cmp::Reverse(version.number)), other);
        }
    }
    let mut known: Vec<&Tariff> = Vec::new();
    for other in others.values() {
        if known.last().is_none_or(|last| last.valid_from() != other.valid_from()) {
            known.push(other);
        }
    }
    known.push(tariff);
    let own =
        |o: &&corrente_tariff::Overlap| o.first == tariff.version() || o.second == tariff.version();
    match corrente_tariff::overlaps(&known).iter().find(own) {
        Some(overlap) => {
            Err(RegistryError::Invalid { field: "valid_until", reason: overlap.to_string() })
        }
        None => Ok(()),
    }
}

/// Puts a usage point on a tariff from the beginning of this day, in the usage point's zone. The names
/// are the recorded ones.
pub fn agree(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    usage_point: &str,
    tariff: &str,
    from: Date,
) -> Result<AgreementId, RegistryError> {
    let point = usage_points::by_name(tx, organisation, usage_point)?.ok_or_else(|| {
        RegistryError::NotFound { kind: "usage point", name: usage_point.to_owned() }
    })?;
    let tariff_row = tariffs::by_name(tx, organisation, tariff)?
        .ok_or_else(|| RegistryError::NotFound { kind: "tariff", name: tariff.to_owned() })?;
    let instant = calendar_of(&point)?.midnight(from);
    let id = agreements::insert(tx, point.id, tariff_row.id, instant)?;
    let after = json!({"usage_point": point.name, "tariff": tariff, "from": from.to_string()});
    by.note(tx, organisation, "agreement.create", &format!("agreement:{id}"), (None, Some(after)))?;
    Ok(id)
}

pub(crate) fn calendar_of(point: &UsagePoint) -> Result<Calendar, RegistryError> {
    organisations::check_zone(&point.zone)
}

fn usage_point_of(
    tx: &mut Tx,
    organisation: OrganisationId,
    id: UsagePointId,
) -> Result<UsagePoint, RegistryError> {
    usage_points::get(tx, id)?
        .filter(|point| point.organisation == organisation)
        .ok_or_else(|| RegistryError::NotFound { kind: "usage point", name: id.to_string() })
}

/// Makes an enrolment token and returns its text, which is shown once.
pub fn create_token(
    tx: &mut Tx,
    by: &By,
    new: &NewToken,
) -> Result<(EnrolmentTokenId, Secret), RegistryError> {
    if let Some(usage_point) = new.usage_point {
        usage_point_of(tx, new.organisation, usage_point)?;
    }
    if let Some(customer) = new.customer {
        of_organisation(tx, new.organisation, customer)?;
    }
    let secret = Secret::random("enrol");
    let id = enrolment::create_with(tx, new, &secret, by.business)?;
    let after = json!({"label": new.label, "uses": new.uses});
    let subject = format!("enrolment_token:{id}");
    by.note(tx, new.organisation, "enrolment_token.create", &subject, (None, Some(after)))?;
    Ok((id, secret))
}

/// Refuses an enrolment token from now on.
pub fn revoke_token(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    id: EnrolmentTokenId,
) -> Result<(), RegistryError> {
    if !enrolment::revoke(tx, organisation, id, by.business)? {
        return Err(RegistryError::NotFound { kind: "enrolment token", name: id.to_string() });
    }
    let subject = format!("enrolment_token:{id}");
    by.note(tx, organisation, "enrolment_token.revoke", &subject, (None, None))
}

/// Notes what a person decided about a reading that the ledger keeps aside; the ledger does it next.
pub fn decide_reading(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    sequence: u64,
    action: &str,
    reading: Json,
) -> Result<(), RegistryError> {
    by.note(
        tx,
        organisation,
        action,
        &format!("rejected_reading:{sequence}"),
        (Some(reading), None),
    )
}

/// Makes a user, and a one-time code with which the user chooses a password.
pub fn create_user(tx: &mut Tx, by: &By, new: &NewUser) -> Result<(UserId, Secret), RegistryError> {
    match (new.role, new.customer) {
        (Role::Customer, None) => {
            let reason = "a user of role customer needs a customer".to_owned();
            return Err(RegistryError::Invalid { field: "customer", reason });
        }
        (_, Some(customer)) => of_organisation(tx, new.organisation, customer)?,
        (Role::Operator | Role::Admin, None) => {}
    }
    let id = users::insert(tx, new, by.business)?;
    let after = json!({"role": new.role.word()});
    let subject = format!("user:{id}");
    by.note(tx, new.organisation, "user.create", &subject, (None, Some(after)))?;
    let code = code_for(tx, by, new.organisation, id, Purpose::SignIn, CODE_SECONDS)?;
    Ok((id, code))
}

/// Makes a new one-time code for a user: for a forgotten password.
pub fn create_code(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    user: UserId,
) -> Result<Secret, RegistryError> {
    user_of(tx, organisation, user)?;
    by.note(tx, organisation, "user.code", &format!("user:{user}"), (None, None))?;
    code_for(tx, by, organisation, user, Purpose::SignIn, CODE_SECONDS)
}

/// Sets a user's password by its hash, from [`crate::passwords::hash`], and ends the user's sessions: who
/// knew the old one is out.
pub fn set_password(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    user: UserId,
    hash: &str,
) -> Result<(), RegistryError> {
    user_of(tx, organisation, user)?;
    users::set_password(tx, user, hash)?;
    sessions::end_all(tx, user)?;
    by.note(tx, organisation, "user.password", &format!("user:{user}"), (None, None))
}

/// Makes an API token of a user, and returns its text, which is shown once.
pub fn create_api_token(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    user: UserId,
    label: &str,
    scope: api_tokens::Scope,
) -> Result<Secret, RegistryError> {
    user_of(tx, organisation, user)?;
    let (id, secret) = api_tokens::create(tx, user, label, scope, None, by.real)?;
    let after = json!({"label": label, "scope": scope.word()});
    by.note(tx, organisation, "api_token.create", &format!("api_token:{id}"), (None, Some(after)))?;
    Ok(secret)
}

/// Refuses a user from now on, or lets the user in again, and ends the user's sessions.
pub fn set_user_disabled(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    user: UserId,
    disabled: bool,
) -> Result<(), RegistryError> {
    user_of(tx, organisation, user)?;
    users::set_disabled(tx, user, disabled.then_some(by.business))?;
    sessions::end_all(tx, user)?;
    let action = if disabled { "user.disable" } else { "user.enable" };
    by.note(tx, organisation, action, &format!("user:{user}"), (None, None))
}

fn user_of(tx: &mut Tx, organisation: OrganisationId, id: UserId) -> Result<User, RegistryError> {
    users::get(tx, id)?
        .filter(|user| user.organisation == organisation)
        .ok_or_else(|| RegistryError::NotFound { kind: "user", name: id.to_string() })
}

fn code_for(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    user: UserId,
    purpose: Purpose,
    seconds: i64,
) -> Result<Secret, RegistryError> {
    codes::create(tx, organisation, purpose, Some(user), by.real.plus(seconds), by.real)
}

/// Makes the first administrator, and the code of the link with which the password is chosen. Once an
/// administrator has a password this is refused; until then it may be asked for again, and gives the
/// user of this address a new code.
pub fn first_administrator(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    email: &str,
    name: &str,
) -> Result<Secret, RegistryError> {
    let everyone = users::list(tx, organisation)?;
    let mut admins = everyone.iter().filter(|user| user.role == Role::Admin);
    if admins.any(|user| user.password_hash.is_some() && user.disabled.is_none()) {
        return Err(RegistryError::Invalid {
            field: "administrator",
            reason: "there is one already, who can make others".to_owned(),
        });
    }
    let email = users::normal_email(email);
    let known = everyone.iter().find(|user| user.email == email);
    if let Some(known) = known
        && known.role != Role::Admin
    {
        let reason = format!("`{email}` is a user of role {}", known.role.word());
        return Err(RegistryError::Invalid { field: "email", reason });
    }
    let id = match known {
        Some(known) => known.id,
        None => users::insert(
            tx,
            &NewUser {
                organisation,
                customer: None,
                email,
                name: name.to_owned(),
                role: Role::Admin,
                password_hash: None,
                language: None,
            },
            by.business,
        )?,
    };
    by.note(tx, organisation, "user.first_administrator", &format!("user:{id}"), (None, None))?;
    code_for(tx, by, organisation, id, Purpose::FirstAdmin, FIRST_ADMIN_SECONDS)
}
