//! What happens to a meter after it was registered.

use corrente_metering::{
    ChannelId, ChannelKind, Span, Timestamp,
    id::{MeterId, OrganisationId, UsagePointId},
};
use corrente_units::Energy;
use serde_json::json;

use super::{By, RegisteredMeter};
use crate::{
    RegistryError, Tx,
    channels::{self, NewChannel},
    clock_corrections::{self, ClockCorrection},
    declarations::{self, Declaration, DeclaredUnit},
    dials,
    meters::{self, Installation, Meter},
    multipliers::{self, Multiplier},
    point_events::{self, NewPointEvent, PointEventKind},
    relooks::{self, RelookCause},
    secrets::Secret,
    usage_points,
};

/// Adds a register that only compares: the dial beside intervals.
pub fn add_check_register(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    serial: &str,
    (new, from): (&NewChannel, Timestamp),
) -> Result<ChannelId, RegistryError> {
    if new.kind != ChannelKind::Register {
        let reason = "only a register compares: leave intervals out".to_owned();
        return Err(RegistryError::Invalid { field: "kind", reason });
    }
    let number = add_channel(tx, by, organisation, serial, (new, from))?;
    channels::set_checks(tx, number)?;
    Ok(number)
}

/// Adds a channel that measures from an instant on to a meter that stands at a usage point.
pub fn add_channel(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    serial: &str,
    (new, from): (&NewChannel, Timestamp),
) -> Result<ChannelId, RegistryError> {
    let meter = by_serial(tx, organisation, serial)?;
    if channels::of_meter(tx, meter.id)?.iter().any(|known| known.name == new.name) {
        let reason = format!("meter `{serial}` has a channel `{}` already", new.name);
        return Err(RegistryError::Invalid { field: "name", reason });
    }
    let number = meters::add_channel(tx, meter.id, new, by.business)?;
    channels::set_from(tx, number, from)?;
    look_again(tx, by, meter.id, from)?;
    let after = json!({
        "serial": serial, "channel": new.name, "number": number.number(), "from": from.to_string(),
    });
    let subject = format!("meter:{}", meter.id);
    by.note(tx, organisation, "meter.add_channel", &subject, (None, Some(after)))?;
    Ok(number)
}

/// Asks for another look at the days since an instant, where a meter stood then.
fn look_again(tx: &mut Tx, by: &By, meter: MeterId, from: Timestamp) -> Result<(), RegistryError> {
    for stood in meters::installations(tx, meter)? {
        let until = stood.until.unwrap_or(Timestamp::MAX);
        if from < until {
            // The day before ends where this begins.
            let span = Span::new(from.plus(-86_400), Timestamp::MAX);
            relooks::ask(tx, stood.usage_point, span, RelookCause::MeterLife, by.business)?;
        }
    }
    Ok(())
}

/// The installation in which a meter stood at an instant.
fn stood(tx: &mut Tx, meter: &Meter, at: Timestamp) -> Result<Installation, RegistryError> {
    meters::installations(tx, meter.id)?
        .into_iter()
        .rfind(|stood| stood.from <= at && stood.until.is_none_or(|until| at <= until))
        .ok_or_else(|| RegistryError::Invalid {
            field: "serial",
            reason: format!("meter `{}` stands nowhere then", meter.serial),
        })
}

/// Ends the installation of a meter, before another one is put in its place.
pub fn remove_meter(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    serial: &str,
    until: Timestamp,
) -> Result<(), RegistryError> {
    let meter = by_serial(tx, organisation, serial)?;
    look_again(tx, by, meter.id, until)?;
    if !meters::remove(tx, meter.id, until)? {
        let reason = "the meter stands nowhere then".to_owned();
        return Err(RegistryError::Invalid { field: "until", reason });
    }
    let after = json!({"serial": serial, "until": until.to_string()});
    let subject = format!("meter:{}", meter.id);
    by.note(tx, organisation, "meter.remove", &subject, (None, Some(after)))
}

/// A meter that goes to another usage point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// The meter's serial.
    pub serial: String,
    /// The name of the usage point to which it goes.
    pub to: String,
    /// When it was taken away.
    pub at: Timestamp,
    /// From when it stands there: not before that.
    pub from: Timestamp,
}

/// Takes a meter from the usage point where it stands to another one.
pub fn move_meter(tx: &mut Tx, by: &By, moved: &Move) -> Result<UsagePointId, RegistryError> {
    if moved.from < moved.at {
        let reason = "it cannot stand there before it was taken away".to_owned();
        return Err(RegistryError::Invalid { field: "installed_from", reason });
    }
    let meter = by_serial(tx, moved.organisation, &moved.serial)?;
    let to = usage_points::by_name(tx, moved.organisation, &moved.to)?
        .ok_or_else(|| RegistryError::NotFound { kind: "usage point", name: moved.to.clone() })?;
    remove_meter(tx, by, moved.organisation, &moved.serial, moved.at)?;
    meters::install(tx, meter.id, to.id, moved.from, None)?;
    let after = json!({
        "serial": moved.serial, "usage_point": to.name, "from": moved.from.to_string(),
    });
    let subject = format!("meter:{}", meter.id);
    by.note(tx, moved.organisation, "meter.move", &subject, (None, Some(after)))?;
    Ok(to.id)
}

/// Writes down what a meter's dials showed; the ledger gets it after the commit.
pub fn write_dials(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    serial: &str,
    (at, dials): (Timestamp, &[(String, Energy)]),
) -> Result<(), RegistryError> {
    let meter = by_serial(tx, organisation, serial)?;
    let channels = channels::of_meter(tx, meter.id)?;
    for (name, value) in dials {
        let channel = channels
            .iter()
            .find(|channel| channel.name == *name)
            .ok_or_else(|| RegistryError::NotFound { kind: "register", name: name.clone() })?;
        dials::insert(tx, organisation, channel.number, (at, *value), by.business)?;
    }
    Ok(())
}

/// Notes what happened at the usage point where a meter stood. The same again changes nothing.
pub fn note_event(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    serial: &str,
    (kind, code, at): (PointEventKind, Option<u16>, Timestamp),
) -> Result<(), RegistryError> {
    let meter = by_serial(tx, organisation, serial)?;
    let place = stood(tx, &meter, at)?;
    let off = point_events::of(tx, place.usage_point)?
        .into_iter()
        .rfind(|event| event.at <= at && event.kind != PointEventKind::Tamper)
        .is_some_and(|event| event.kind == PointEventKind::Disconnected);
    if kind == PointEventKind::Reconnected && !off {
        let reason = "it was not disconnected then".to_owned();
        return Err(RegistryError::Invalid { field: "serial", reason });
    }
    let new = NewPointEvent {
        usage_point: place.usage_point,
        kind,
        code,
        at,
        actor: by.actor.clone(),
        reason: by.reason.clone(),
    };
    if !point_events::insert(tx, &new, by.business)? {
        return Ok(());
    }
    let span = Span::new(at, Timestamp::MAX);
    relooks::ask(tx, place.usage_point, span, RelookCause::MeterLife, by.business)?;
    let action = match kind {
        PointEventKind::Disconnected => "usage_point.disconnect",
        PointEventKind::Reconnected => "usage_point.reconnect",
        PointEventKind::Tamper => "usage_point.tamper",
    };
    let after = json!({"serial": serial, "at": at.to_string(), "code": code});
    let subject = format!("usage_point:{}", place.usage_point);
    by.note(tx, organisation, action, &subject, (None, Some(after)))
}

/// Sets how often a meter reports, in seconds.
pub fn set_reporting(
    tx: &mut Tx,
    by: &By,
    meter: &Meter,
    seconds: i64,
) -> Result<(), RegistryError> {
    meters::set_reporting(tx, meter.id, seconds)?;
    let change = |seconds: i64| json!({"serial": meter.serial, "reporting_seconds": seconds});
    let subject = format!("meter:{}", meter.id);
    let change = (Some(change(meter.reporting_seconds)), Some(change(seconds)));
    by.note(tx, meter.organisation, "meter.set_reporting", &subject, change)
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
    remove_meter(tx, by, exchange.organisation, &exchange.old, exchange.at)?;
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
    for stood in meters::installations(tx, meter.id)? {
        let span = Span::new(stood.from, Timestamp::MAX);
        relooks::ask(tx, stood.usage_point, span, RelookCause::MeterLife, by.business)?;
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
    if !declarations::sane((new.numerator, new.denominator)) {
        let reason = "give a ratio of whole numbers such as 200/5".to_owned();
        return Err(RegistryError::Invalid { field: "ratio", reason });
    }
    let meter = by_serial(tx, organisation, serial)?;
    multipliers::set(tx, organisation, meter.id, new, by.business)?;
    look_again(tx, by, meter.id, new.from)?;
    let after = json!({
        "serial": serial, "from": new.from.to_string(),
        "ratio": format!("{}/{}", new.numerator, new.denominator),
    });
    let subject = format!("meter:{}", meter.id);
    by.note(tx, organisation, "meter.set_multiplier", &subject, (None, Some(after)))
}

/// Writes down what a meter says of itself, in place of what was written before; validation compares it with
/// what is registered.
pub fn declare(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    serial: &str,
    new: Declaration,
) -> Result<(), RegistryError> {
    if new.ratio.is_some_and(|ratio| !declarations::sane(ratio)) {
        let reason = "give a ratio of whole numbers such as 200/5".to_owned();
        return Err(RegistryError::Invalid { field: "declared_multiplier", reason });
    }
    let meter = by_serial(tx, organisation, serial)?;
    declarations::set(tx, (organisation, meter.id), new, by.business)?;
    for stood in meters::installations(tx, meter.id)? {
        let span = Span::new(stood.from, stood.until.unwrap_or(Timestamp::MAX));
        relooks::ask(tx, stood.usage_point, span, RelookCause::MeterLife, by.business)?;
    }
    let after = json!({
        "serial": serial,
        "multiplier": new.ratio.map(|(numerator, denominator)| format!("{numerator}/{denominator}")),
        "unit": new.unit.map(DeclaredUnit::symbol),
    });
    let subject = format!("meter:{}", meter.id);
    by.note(tx, organisation, "meter.declare", &subject, (None, Some(after)))
}

/// Corrects what a meter stamped with a wrong clock in a span.
pub fn set_clock(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    serial: &str,
    new: ClockCorrection,
) -> Result<(), RegistryError> {
    if new.span.is_empty() {
        let reason = "the end must be after the beginning".to_owned();
        return Err(RegistryError::Invalid { field: "until", reason });
    }
    let meter = by_serial(tx, organisation, serial)?;
    let touches = |known: &ClockCorrection| {
        known.span.start != new.span.start && !known.span.intersect(new.span).is_empty()
    };
    if clock_corrections::of_meter(tx, meter.id)?.iter().any(touches) {
        let reason =
            "another correction holds for a part of it: begin it at the same instant".to_owned();
        return Err(RegistryError::Invalid { field: "from", reason });
    }
    let said = (by.actor.as_str(), by.reason.as_deref());
    clock_corrections::set(tx, (organisation, meter.id), new, said, by.business)?;
    let moved = new.span.start.plus(new.add_seconds);
    look_again(tx, by, meter.id, new.span.start.min(moved))?;
    let after = json!({
        "serial": serial, "from": new.span.start.to_string(), "until": new.span.end.to_string(),
        "add_seconds": new.add_seconds,
    });
    let subject = format!("meter:{}", meter.id);
    by.note(tx, organisation, "meter.set_clock", &subject, (None, Some(after)))
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

/// Writes into the audit log who read which dial when.
pub fn note_field_readings(
    tx: &mut Tx,
    by: &By,
    (organisation, serial, channel): (OrganisationId, &str, &str),
    dials: &[(Timestamp, Energy, String)],
) -> Result<(), RegistryError> {
    let meter = by_serial(tx, organisation, serial)?;
    let read: Vec<_> = dials
        .iter()
        .map(|(t, value, reader)| json!({"t": t.to_string(), "wh": value.wh(), "reader": reader}))
        .collect();
    let after = json!({"serial": serial, "channel": channel, "readings": read});
    let subject = format!("meter:{}", meter.id);
    by.note(tx, organisation, "meter.field_reading", &subject, (None, Some(after)))
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
