//! Where a meter stands, and what its dials show when that changes.

use std::io::{IsTerminal as _, stdin};

use clap::Args;
use corrente_mdm::{ExchangedRegister, LastReading, MeterRegisters, Replacement};
use corrente_metering::{ChannelKind, Direction, Timestamp};
use corrente_registry::admin::{Exchange, Move};
use corrente_units::{Decimal, Energy};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::{
    admin::place::{Place, PlaceArguments, written},
    failure::Failure,
    instant::{self, Moment},
    output::print,
    remote::{Remote, encoded},
};

/// Options of `corrente admin meter replace`.
#[derive(Debug, Args)]
pub(super) struct ReplaceArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// The serial of the meter that goes
    serial: String,
    /// The serial of the meter that comes
    #[arg(long, value_name = "SERIAL")]
    with: String,
    /// When: an instant or a date; now when left out
    #[arg(long, value_name = "WHEN", value_parser = instant::parse)]
    at: Option<Moment>,
    /// From when the new one stands there, when that was later
    #[arg(long, value_name = "WHEN", value_parser = instant::parse)]
    installed_from: Option<Moment>,
    #[command(flatten)]
    dials: DialArguments,
    /// Says what would be done, and does nothing
    #[arg(long)]
    dry_run: bool,
    /// Asks for each register and shows what was read last, as it does in a terminal when none is given
    #[arg(long)]
    ask: bool,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Options of `corrente admin meter move`.
#[derive(Debug, Args)]
pub(super) struct MoveArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// The meter's serial
    serial: String,
    /// The recorded name of the usage point to which it goes
    #[arg(long, value_name = "NAME")]
    to: String,
    /// When it was taken away: an instant or a date; now when left out
    #[arg(long, value_name = "WHEN", value_parser = instant::parse)]
    at: Option<Moment>,
    /// From when it stands there, when that was later
    #[arg(long, value_name = "WHEN", value_parser = instant::parse)]
    installed_from: Option<Moment>,
    #[command(flatten)]
    dials: DialArguments,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Options of `corrente admin meter remove`.
#[derive(Debug, Args)]
pub(super) struct RemoveArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// The meter's serial
    serial: String,
    /// When: an instant or a date; now when left out
    #[arg(long, value_name = "WHEN", value_parser = instant::parse)]
    at: Option<Moment>,
    #[command(flatten)]
    dials: DialArguments,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// What dials showed.
#[derive(Clone, Debug, Args)]
struct DialArguments {
    /// The last register of the meter that goes
    #[arg(long = "final", value_name = "KWH")]
    last: Option<Decimal>,
    /// The first register of the meter that comes
    #[arg(long, value_name = "KWH")]
    first: Option<Decimal>,
    /// The register's name, for --final and --first
    #[arg(long, default_value = "import")]
    channel: String,
    /// A register of several: NAME=FINAL/FIRST, either of the two may be left out; once for each
    #[arg(long = "register", value_name = "NAME=FINAL/FIRST", value_parser = register)]
    registers: Vec<Dial>,
}

/// A register as a person writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Dial {
    channel: String,
    last: Option<Decimal>,
    first: Option<Decimal>,
}

fn register(text: &str) -> Result<Dial, String> {
    let wrong = || format!("`{text}` is not NAME=FINAL/FIRST, such as peak=4711.5/0");
    let (channel, values) = text.split_once('=').ok_or_else(wrong)?;
    let (last, first) = values.split_once('/').unwrap_or((values, ""));
    let number = |text: &str| match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| wrong()),
    };
    Ok(Dial { channel: channel.trim().to_owned(), last: number(last)?, first: number(first)? })
}

impl DialArguments {
    fn dials(&self) -> Vec<Dial> {
        let one = Dial { channel: self.channel.clone(), last: self.last, first: self.first };
        let given = self.last.is_some() || self.first.is_some();
        given.then_some(one).into_iter().chain(self.registers.iter().cloned()).collect()
    }
}

fn energy(kwh: Decimal) -> Result<Energy, Failure> {
    let wh = kwh.checked_mul(Decimal::ONE_THOUSAND).map(|wh| wh.trunc());
    wh.filter(|wh| !wh.is_sign_negative())
        .and_then(|wh| i64::try_from(wh).ok())
        .map(Energy::from_wh)
        .ok_or_else(|| Failure::new(format!("{kwh} kWh is nothing that a dial shows")))
}

fn exchanged(dials: &[Dial]) -> Result<Vec<ExchangedRegister>, Failure> {
    dials
        .iter()
        .map(|dial| {
            Ok(ExchangedRegister {
                channel: dial.channel.clone(),
                last: dial.last.map(energy).transpose()?,
                first: dial.first.map(energy).transpose()?,
            })
        })
        .collect()
}

fn as_json(dials: &[Dial]) -> Json {
    dials
        .iter()
        .map(|dial| {
            json!({
                "channel": dial.channel,
                "final_kwh": dial.last.map(|kwh| kwh.to_string()),
                "first_kwh": dial.first.map(|kwh| kwh.to_string()),
            })
        })
        .collect()
}

/// A meter's channels, as the server says them.
#[derive(Deserialize)]
struct Answered {
    serial: String,
    usage_point: Option<String>,
    since: Option<String>,
    channels: Vec<AnsweredChannel>,
}

#[derive(Deserialize)]
struct AnsweredChannel {
    channel: String,
    kind: String,
    direction: String,
    last_t: Option<String>,
    last_wh: Option<i64>,
}

fn asked(server: &Remote, serial: &str) -> Result<MeterRegisters, Failure> {
    let said: Answered =
        server.get(&format!("/admin/meters/registers?serial={}", encoded(serial)))?;
    let instant = |text: &String| text.parse::<jiff::Timestamp>().ok().map(Timestamp::from);
    Ok(MeterRegisters {
        serial: said.serial,
        usage_point: said.usage_point,
        since: said.since.as_ref().and_then(instant),
        channels: said
            .channels
            .into_iter()
            .map(|channel| LastReading {
                kind: match channel.kind.as_str() {
                    "interval" => ChannelKind::Interval,
                    _ => ChannelKind::Register,
                },
                direction: match channel.direction.as_str() {
                    "export" => Direction::Export,
                    _ => Direction::Import,
                },
                last: channel
                    .last_t
                    .as_ref()
                    .and_then(instant)
                    .zip(channel.last_wh.map(Energy::from_wh)),
                channel: channel.channel,
            })
            .collect(),
    })
}

fn registers_at(place: &Place, serial: &str) -> Result<MeterRegisters, Failure> {
    match place {
        Place::Server(server) => asked(server, serial),
        Place::Here(here) => Ok(here.mdm.meter_registers(here.organisation.id, serial)?),
    }
}

fn told(meter: &MeterRegisters) -> String {
    let since = meter.since.map_or_else(String::new, |since| format!(" since {since}"));
    let place = meter.usage_point.as_deref().unwrap_or("no usage point");
    let channels: Vec<String> = meter
        .channels
        .iter()
        .map(|channel| {
            let last = channel.last.map_or_else(
                || "never heard of".to_owned(),
                |(t, value)| format!("{} kWh at {t}", value.kwh()),
            );
            format!("  {}: {last}\n", channel.channel)
        })
        .collect();
    format!("{} at {place}{since}\n{}", meter.serial, channels.concat())
}

/// Prints a meter's channels with their last readings.
pub(super) fn show(place: &PlaceArguments, serial: &str) -> Result<(), Failure> {
    print(&told(&registers_at(&place.look()?, serial)?))
}

/// Asks for each register what the two dials show.
fn ask(meter: &MeterRegisters, with: &str) -> Result<Vec<Dial>, Failure> {
    print(&told(meter))?;
    let mut dials = Vec::new();
    for channel in meter.channels.iter().filter(|c| c.kind == ChannelKind::Register) {
        let name = &channel.channel;
        let last = question(&format!("last kWh on the dial `{name}` of {}: ", meter.serial))?;
        let first = question(&format!("first kWh on the dial `{name}` of {with}: "))?;
        dials.push(Dial { channel: name.clone(), last, first });
    }
    Ok(dials)
}

/// A number of kWh; nothing where nobody knows it.
fn question(text: &str) -> Result<Option<Decimal>, Failure> {
    loop {
        print(text)?;
        let mut line = String::new();
        let read = stdin().read_line(&mut line);
        let read = read.map_err(|error| Failure::of("nothing can be asked", error))?;
        if read == 0 || line.trim().is_empty() {
            return Ok(None);
        }
        match line.trim().replace(',', ".").parse() {
            Ok(kwh) => return Ok(Some(kwh)),
            Err(_) => print("give a number such as 4711.5, or nothing where it is not known\n")?,
        }
    }
}

/// Puts a meter in the place of another one.
pub(super) fn replace(arguments: &ReplaceArguments) -> Result<(), Failure> {
    let place = if arguments.dry_run { arguments.place.look()? } else { arguments.place.own()? };
    let mut dials = arguments.dials.dials();
    let guided = arguments.ask || (dials.is_empty() && stdin().is_terminal());
    let meter = registers_at(&place, &arguments.serial)?;
    if guided {
        dials = ask(&meter, &arguments.with)?;
    }
    let rehearsed = || {
        print(&format!("{}{} can take its place; nothing was done\n", told(&meter), arguments.with))
    };
    match &place {
        Place::Server(server) => {
            let body = json!({
                "serial": arguments.serial,
                "new_serial": arguments.with,
                "at": written(server, arguments.at.as_ref())?,
                "installed_from": written(server, arguments.installed_from.as_ref())?,
                "registers": as_json(&dials),
                "reason": arguments.reason,
            });
            if arguments.dry_run {
                server.tell("POST", "/admin/meters/replace/rehearse", &body)?;
                return rehearsed();
            }
            let made: Json = server.post("/admin/meters/replace", &body)?;
            print(&format!("{}\n", made["secret"].as_str().unwrap_or_default()))
        }
        Place::Here(here) => {
            let gone = here.at_or_now(arguments.at.as_ref());
            let replacement = Replacement {
                exchange: Exchange {
                    organisation: here.organisation.id,
                    old: arguments.serial.clone(),
                    new: arguments.with.clone(),
                    at: gone,
                    from: arguments.installed_from.as_ref().map_or(gone, |from| here.at(from)),
                    secret: None,
                    model: None,
                },
                registers: exchanged(&dials)?,
            };
            if arguments.dry_run {
                here.mdm.rehearse_replacement(&replacement)?;
                return rehearsed();
            }
            let by = here.by(arguments.reason.clone());
            let (_, secret) =
                crate::runtime()?.block_on(here.mdm.replace_meter(by, replacement))?;
            print(&format!("{}\n", secret.reveal()))
        }
    }
}

/// Takes a meter to another usage point.
pub(super) fn move_meter(arguments: &MoveArguments) -> Result<(), Failure> {
    let dials = arguments.dials.dials();
    match arguments.place.own()? {
        Place::Server(server) => {
            let body = json!({
                "serial": arguments.serial,
                "usage_point": arguments.to,
                "at": written(&server, arguments.at.as_ref())?,
                "installed_from": written(&server, arguments.installed_from.as_ref())?,
                "registers": as_json(&dials),
                "reason": arguments.reason,
            });
            server.tell("POST", "/admin/meters/move", &body)
        }
        Place::Here(here) => {
            let at = here.at_or_now(arguments.at.as_ref());
            let moved = Move {
                organisation: here.organisation.id,
                serial: arguments.serial.clone(),
                to: arguments.to.clone(),
                at,
                from: arguments.installed_from.as_ref().map_or(at, |from| here.at(from)),
            };
            let by = here.by(arguments.reason.clone());
            let registers = exchanged(&dials)?;
            Ok(crate::runtime()?.block_on(here.mdm.move_meter(by, moved, registers))?)
        }
    }
}

/// Takes a meter away.
pub(super) fn remove(arguments: &RemoveArguments) -> Result<(), Failure> {
    let dials = arguments.dials.dials();
    if dials.iter().any(|dial| dial.first.is_some()) {
        return Err(Failure::new("--first belongs to a meter that comes: give --final alone"));
    }
    match arguments.place.own()? {
        Place::Server(server) => {
            let registers: Vec<Json> = dials
                .iter()
                .filter_map(|dial| {
                    let kwh = dial.last?.to_string();
                    Some(json!({"channel": dial.channel, "final_kwh": kwh}))
                })
                .collect();
            let body = json!({
                "serial": arguments.serial,
                "until": written(&server, arguments.at.as_ref())?,
                "registers": registers,
                "reason": arguments.reason,
            });
            server.tell("POST", "/admin/meters/remove", &body)
        }
        Place::Here(here) => {
            let until = here.at_or_now(arguments.at.as_ref());
            let last = exchanged(&dials)?
                .into_iter()
                .filter_map(|register| Some((register.channel, register.last?)))
                .collect();
            let by = here.by(arguments.reason.clone());
            let whose = (here.organisation.id, arguments.serial.clone());
            Ok(crate::runtime()?.block_on(here.mdm.remove_meter(by, whose, until, last))?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_as_people_write_them() {
        let dial = |last: Option<&str>, first: Option<&str>| Dial {
            channel: "peak".to_owned(),
            last: last.map(|kwh| kwh.parse().unwrap()),
            first: first.map(|kwh| kwh.parse().unwrap()),
        };
        for (text, expected) in [
            ("peak=4711.5/0", dial(Some("4711.5"), Some("0"))),
            ("peak=4711.5", dial(Some("4711.5"), None)),
            ("peak=/3", dial(None, Some("3"))),
        ] {
            assert_eq!(register(text).unwrap(), expected, "{text}");
        }
        for text in ["peak", "peak=much/0"] {
            assert!(register(text).unwrap_err().contains("peak=4711.5/0"), "{text}");
        }
    }
}
