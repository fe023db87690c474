//! What happens to a meter after it was registered.

use corrente_metering::{
    Timestamp,
    id::{MeterId, OrganisationId},
};
use serde_json::json;

use super::{By, RegisteredMeter};
use crate::{
    RegistryError, Tx,
    channels::{self, NewChannel},
    meters::{self, Meter},
    multipliers::{self, Multiplier},
    secrets::Secret,
};

/// Adds a channel to a meter that stands at a usage point.
pub fn add_channel(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    serial: &str,
    new: &NewChannel,
) -> Result<(), RegistryError> {
    let meter = by_serial(tx, organisation, serial)?;
    let number = meters::add_channel(tx, meter.id, new, by.business)?;
    let after = json!({"serial": serial, "channel": new.name, "number": number.number()});
    let subject = format!("meter:{}", meter.id);
    by.note(tx, organisation, "meter.add_channel", &subject, (None, Some(after)))
}

/// One meter in the place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// The serial of the meter that goes.
    pub old: String,
    /// The serial of the meter that comes.
    pub new: String,
    /// When the old one was taken away.
    pub at: Timestamp,
    /// From when the new one stands there: not before that.
    pub from: Timestamp,
    /// The new one's secret, when the maker set one; else one is made.
    pub secret: Option<Secret>,
    /// Maker and model of the new one.
    pub model: Option<String>,
}

/// Takes a meter away and puts a new one with the same channels in its place.
pub fn exchange_meter(
    tx: &mut Tx,
    by: &By,
    exchange: &Exchange,
) -> Result<(MeterId, Secret), RegistryError> {
    if exchange.from < exchange.at {
        let reason = "the new meter cannot stand there before the old one is gone".to_owned();
        return Err(RegistryError::Invalid { field: "installed_from", reason });
    }
    let access = meters::access_by_serial(tx, exchange.organisation, &exchange.old)?
        .ok_or_else(|| RegistryError::NotFound { kind: "meter", name: exchange.old.clone() })?;
    let usage_point = access.usage_point.ok_or_else(|| RegistryError::Invalid {
        field: "serial",
        reason: format!("meter `{}` stands nowhere", exchange.old),
    })?;
    let channels = access
        .channels
        .into_iter()
        .map(|channel| NewChannel {
            name: channel.name,
            kind: channel.kind,
            direction: channel.direction,
            interval_seconds: channel.interval_seconds,
            register_digits: channel.register_digits,
        })
        .collect();
    super::remove_meter(tx, by, exchange.organisation, &exchange.old, exchange.at)?;
    let new = RegisteredMeter {
        organisation: exchange.organisation,
        serial: exchange.new.clone(),
        model: exchange.model.clone(),
        reporting_seconds: access.reporting_seconds,
        secret: exchange.secret.clone(),
        channels,
        usage_point,
        installed_from: exchange.from,
    };
    super::register_meter(tx, by, &new)
}

/// Says after how many digits of kWh a meter's register begins again at 0.
pub fn set_digits(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    serial: &str,
    (channel, digits): (&str, u8),
) -> Result<(), RegistryError> {
    if !(3..=9).contains(&digits) {
        let reason = format!("{digits} is not 3 to 9");
        return Err(RegistryError::Invalid { field: "digits", reason });
    }
    let meter = by_serial(tx, organisation, serial)?;
    if !channels::set_digits(tx, meter.id, channel, digits)? {
        let name = channel.to_owned();
        return Err(RegistryError::NotFound { kind: "register", name });
    }
    let after = json!({"serial": serial, "channel": channel, "digits": digits});
    let subject = format!("meter:{}", meter.id);
    by.note(tx, organisation, "meter.set_digits", &subject, (None, Some(after)))
}

/// Multiplies what a meter's dial shows from an instant on: current and voltage transformers.
pub fn set_multiplier(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    serial: &str,
    new: Multiplier,
) -> Result<(), RegistryError> {
    let sane = 1..=1_000_000;
    if !sane.contains(&new.numerator) || !sane.contains(&new.denominator) {
        let reason = "give a ratio of whole numbers such as 200/5".to_owned();
        return Err(RegistryError::Invalid { field: "ratio", reason });
    }
    let meter = by_serial(tx, organisation, serial)?;
    multipliers::set(tx, organisation, meter.id, new, by.business)?;
    let after = json!({
        "serial": serial, "from": new.from.to_string(),
        "ratio": format!("{}/{}", new.numerator, new.denominator),
    });
    let subject = format!("meter:{}", meter.id);
    by.note(tx, organisation, "meter.set_multiplier", &subject, (None, Some(after)))
}

/// Says through which concentrator or radio head a meter speaks; nothing where that is not known.
pub fn set_gateway(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    serial: &str,
    gateway: Option<&str>,
) -> Result<(), RegistryError> {
    if gateway.is_some_and(|name| name.trim().is_empty() || name.len() > 128) {
        let reason = "give it 1 to 128 bytes, or leave it out".to_owned();
        return Err(RegistryError::Invalid { field: "gateway", reason });
    }
    let meter = by_serial(tx, organisation, serial)?;
    if meter.gateway.as_deref() == gateway {
        return Ok(());
    }
    meters::set_gateway(tx, meter.id, gateway)?;
    let before = json!({"gateway": meter.gateway});
    let after = json!({"serial": serial, "gateway": gateway});
    let subject = format!("meter:{}", meter.id);
    by.note(tx, organisation, "meter.set_gateway", &subject, (Some(before), Some(after)))
}

/// Writes into the audit log that readings that were kept aside count now, moved by so many seconds.
pub fn note_release(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    serial: &str,
    (add_seconds, readings): (i64, usize),
) -> Result<(), RegistryError> {
    let meter = by_serial(tx, organisation, serial)?;
    let after = json!({"serial": serial, "add_seconds": add_seconds, "readings": readings});
    let subject = format!("meter:{}", meter.id);
    by.note(tx, organisation, "meter.release_readings", &subject, (None, Some(after)))
}

fn by_serial(
    tx: &mut Tx,
    organisation: OrganisationId,
    serial: &str,
) -> Result<Meter, RegistryError> {
    meters::by_serial(tx, organisation, serial)?
        .ok_or_else(|| RegistryError::NotFound { kind: "meter", name: serial.to_owned() })
}
