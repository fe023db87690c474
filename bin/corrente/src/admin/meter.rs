//! `corrente admin meter`: a meter by hand, and what happens to it after it was registered.

mod create;
mod places;

use clap::{Args, Subcommand};
use corrente_metering::{Calendar, ChannelKind, Direction, Span, Timestamp};
use corrente_registry::{
    RegistryError, admin, channels::NewChannel, clock_corrections::ClockCorrection,
    declarations::Declaration, meters, multipliers::Multiplier, organisations::Organisation,
    point_events::PointEventKind,
};
use serde::Deserialize;
use serde_json::json;

use self::places::{MoveArguments, RemoveArguments, ReplaceArguments};
use super::{
    Directory,
    place::{Place, PlaceArguments, written},
};
use crate::{
    failure::Failure,
    instant::{self, Moment},
    output::print,
};

/// Options of `corrente admin meter`.
#[derive(Debug, Args)]
pub(crate) struct MeterArguments {
    #[command(subcommand)]
    command: Box<MeterCommand>,
}

#[derive(Debug, Subcommand)]
enum MeterCommand {
    /// Registers a meter with one register of imported energy at a usage point, and prints its secret,
    /// once; a token lets a meter register itself
    Create(create::CreateArguments),
    /// A meter's channels with their last readings
    Show {
        #[command(flatten)]
        place: PlaceArguments,
        /// The meter's serial
        serial: String,
    },
    /// Puts a meter in the place of another one and prints its secret, once; in a terminal it asks for what
    /// is not said
    Replace(ReplaceArguments),
    /// Takes a meter to another usage point
    Move(MoveArguments),
    /// Takes a meter away
    Remove(RemoveArguments),
    /// Adds a register, or a channel of intervals, to a meter that stands somewhere
    AddChannel(ChannelArguments),
    /// Notes that supply was cut where a meter stands: no use is as it should be, any use is a finding
    Disconnect(EventArguments),
    /// Notes that supply was given again
    Reconnect(EventArguments),
    /// Multiplies what a dial shows from an instant on: current and voltage transformers
    Multiplier {
        #[command(flatten)]
        directory: Directory,
        /// The meter's serial
        serial: String,
        /// Primary and secondary side: 200/5
        #[arg(long, value_name = "N/M", value_parser = ratio)]
        ratio: (i64, i64),
        /// From when: an instant or a date; now when left out
        #[arg(long, value_name = "WHEN", value_parser = instant::parse)]
        from: Option<Moment>,
    },
    /// Writes down what a meter says of itself, in place of what was written before: validation compares it with
    /// what is registered
    Declare {
        #[command(flatten)]
        directory: Directory,
        /// The meter's serial
        serial: String,
        /// The multiplier on its plate: 200/5
        #[arg(long, value_name = "N/M")]
        multiplier: Option<String>,
        /// The unit in which its values come: Wh, kWh, MWh, varh or m3
        #[arg(long)]
        unit: Option<String>,
    },
    /// Sets how often a meter reports; it hears so when it next connects (a server tells it at once by
    /// PATCH /api/v1/admin/meters/{id})
    Interval {
        #[command(flatten)]
        directory: Directory,
        /// The meter's serial
        serial: String,
        /// 1 to 86400
        seconds: i64,
    },
    /// Says after how many digits of kWh a register begins again at 0
    Digits {
        #[command(flatten)]
        directory: Directory,
        /// The meter's serial
        serial: String,
        /// 3 to 9
        #[arg(long)]
        digits: u8,
        /// The register's name
        #[arg(long, default_value = "import")]
        channel: String,
    },
    /// Says through which concentrator or radio head meters speak: those that fall silent with it are one
    /// row of the findings
    Gateway {
        #[command(flatten)]
        directory: Directory,
        /// The meters' serials
        #[arg(required = true, value_name = "SERIAL")]
        serials: Vec<String>,
        /// Its name; left out where it is no longer known
        #[arg(long, value_name = "NAME")]
        gateway: Option<String>,
    },
    /// Lets readings count that were kept aside because the meter's clock was wrong
    Release {
        #[command(flatten)]
        place: PlaceArguments,
        /// The meter's serial
        serial: String,
        /// How many seconds later than the meter said they were; earlier when negative
        #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
        add_seconds: i64,
        /// Only those that the meter stamped from then on
        #[arg(long, value_name = "WHEN", value_parser = instant::parse, requires = "until")]
        from: Option<Moment>,
        /// And until then
        #[arg(long, value_name = "WHEN", value_parser = instant::parse, requires = "from")]
        until: Option<Moment>,
    },
    /// Puts right what a meter stamped with a wrong clock: the readings are read so many seconds later
    Clock {
        #[command(flatten)]
        directory: Directory,
        /// The meter's serial
        serial: String,
        /// Readings that the meter stamped after this
        #[arg(long, value_name = "WHEN", value_parser = instant::parse)]
        from: Moment,
        /// And until this
        #[arg(long, value_name = "WHEN", value_parser = instant::parse)]
        until: Moment,
        /// How many seconds later they truly were; earlier when negative
        #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
        add_seconds: i64,
    },
}

#[derive(Debug, Args)]
struct ChannelArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// The meter's serial
    serial: String,
    /// The channel's name, unique in the meter
    #[arg(long)]
    name: String,
    /// register or interval
    #[arg(long, default_value = "register", value_parser = ["register", "interval"])]
    kind: String,
    /// import or export
    #[arg(long, default_value = "import", value_parser = ["import", "export"])]
    direction: String,
    /// Length of an interval channel's intervals
    #[arg(long, value_name = "SECONDS")]
    interval_seconds: Option<i64>,
    /// Digits of kWh after which a register begins again at 0
    #[arg(long)]
    digits: Option<u8>,
    /// It is the dial beside intervals of the same energy: in no total, it only compares
    #[arg(long)]
    check: bool,
    /// Since when it measures: an instant or a date; now when left out
    #[arg(long, value_name = "WHEN", value_parser = instant::parse)]
    from: Option<Moment>,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

#[derive(Debug, Args)]
struct EventArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// The meter's serial
    serial: String,
    /// When: an instant or a date; now when left out
    #[arg(long, value_name = "WHEN", value_parser = instant::parse)]
    at: Option<Moment>,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

fn ratio(text: &str) -> Result<(i64, i64), String> {
    let (numerator, denominator) = text.split_once('/').unwrap_or((text, "1"));
    let number = |text: &str| text.trim().parse::<i64>().ok().filter(|number| *number > 0);
    number(numerator)
        .zip(number(denominator))
        .ok_or_else(|| "give two whole numbers as in 200/5".to_owned())
}

pub(super) fn run(arguments: MeterArguments) -> Result<(), Failure> {
    match *arguments.command {
        MeterCommand::Create(arguments) => create::run(&arguments),
        MeterCommand::Show { place, serial } => places::show(&place, &serial),
        MeterCommand::Replace(arguments) => places::replace(&arguments),
        MeterCommand::Move(arguments) => places::move_meter(&arguments),
        MeterCommand::Remove(arguments) => places::remove(&arguments),
        MeterCommand::AddChannel(arguments) => add_channel(&arguments),
        MeterCommand::Disconnect(arguments) => event(&arguments, PointEventKind::Disconnected),
        MeterCommand::Reconnect(arguments) => event(&arguments, PointEventKind::Reconnected),
        MeterCommand::Multiplier { directory, serial, ratio: (numerator, denominator), from } => {
            directory.write(move |tx, by, organisation| {
                let from = at(from.as_ref(), organisation, by.business).unwrap_or(by.business);
                let new = Multiplier { from, numerator, denominator };
                Ok(admin::set_multiplier(tx, by, organisation.id, &serial, new)?)
            })
        }
        MeterCommand::Declare { directory, serial, multiplier, unit } => {
            directory.write(move |tx, by, organisation| {
                let new = Declaration::read(multiplier.as_deref(), unit.as_deref())?;
                Ok(admin::declare(tx, by, organisation.id, &serial, new)?)
            })
        }
        MeterCommand::Interval { directory, serial, seconds } => {
            directory.write(move |tx, by, organisation| {
                let meter = meters::by_serial(tx, organisation.id, &serial)?.ok_or_else(|| {
                    RegistryError::NotFound { kind: "meter", name: serial.clone() }
                })?;
                Ok(admin::set_reporting(tx, by, &meter, seconds)?)
            })
        }
        MeterCommand::Digits { directory, serial, digits, channel } => {
            directory.write(move |tx, by, organisation| {
                Ok(admin::set_digits(tx, by, organisation.id, &serial, (&channel, digits))?)
            })
        }
        MeterCommand::Gateway { directory, serials, gateway } => {
            directory.write(move |tx, by, organisation| {
                for serial in &serials {
                    admin::set_gateway(tx, by, organisation.id, serial, gateway.as_deref())?;
                }
                Ok(())
            })
        }
        MeterCommand::Release { place, serial, add_seconds, from, until } => {
            release(&place, serial, add_seconds, from.as_ref().zip(until.as_ref()))
        }
        MeterCommand::Clock { directory, serial, from, until, add_seconds } => {
            directory.write(move |tx, by, organisation| {
                let instant = |moment| at(Some(moment), organisation, by.business);
                let (Some(from), Some(until)) = (instant(&from), instant(&until)) else {
                    return Ok(());
                };
                let new = ClockCorrection { span: Span::new(from, until), add_seconds };
                Ok(admin::set_clock(tx, by, organisation.id, &serial, new)?)
            })
        }
    }
}

fn release(
    place: &PlaceArguments,
    serial: String,
    add_seconds: i64,
    ends: Option<(&Moment, &Moment)>,
) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Released {
        counted: u64,
        left: u64,
    }
    let released = match place.own()? {
        Place::Server(server) => {
            let (from, until) = (ends.map(|ends| ends.0), ends.map(|ends| ends.1));
            let body = json!({
                "serial": serial,
                "add_seconds": add_seconds,
                "from": written(&server, from)?,
                "until": written(&server, until)?,
            });
            server.post("/admin/meters/release-readings", &body)?
        }
        Place::Here(here) => {
            let done = crate::runtime()?.block_on(here.mdm.release_quarantined(
                here.by(None),
                here.organisation.id,
                serial,
                (add_seconds, ends.map(|(from, until)| Span::new(here.at(from), here.at(until)))),
            ))?;
            Released { counted: done.counted, left: done.left }
        }
    };
    print(&format!("{} count now, {} stay aside\n", released.counted, released.left))
}

fn add_channel(arguments: &ChannelArguments) -> Result<(), Failure> {
    match arguments.place.own()? {
        Place::Server(server) => {
            let from = written(&server, arguments.from.as_ref())?;
            let body = json!({
                "serial": arguments.serial,
                "from": from,
                "reason": arguments.reason,
                "check": arguments.check,
                "channel": {
                    "name": arguments.name,
                    "kind": arguments.kind,
                    "direction": arguments.direction,
                    "interval_seconds": arguments.interval_seconds,
                    "register_digits": arguments.digits,
                },
            });
            server.tell("POST", "/admin/meters/channels", &body)
        }
        Place::Here(here) => {
            let register = arguments.kind == "register";
            let import = arguments.direction == "import";
            let new = NewChannel {
                name: arguments.name.clone(),
                kind: if register { ChannelKind::Register } else { ChannelKind::Interval },
                direction: if import { Direction::Import } else { Direction::Export },
                interval_seconds: arguments.interval_seconds,
                register_digits: arguments.digits,
            };
            let by = here.by(arguments.reason.clone());
            let from = here.at_or_now(arguments.from.as_ref());
            let whose = (here.organisation.id, arguments.serial.as_str());
            Ok(here.mdm.add_channel(&by, whose, (new, arguments.check), from)?)
        }
    }
}

fn event(arguments: &EventArguments, kind: PointEventKind) -> Result<(), Failure> {
    match arguments.place.own()? {
        Place::Server(server) => {
            let word = match kind {
                PointEventKind::Disconnected => "disconnected",
                PointEventKind::Reconnected => "reconnected",
                PointEventKind::Tamper => "tamper",
            };
            let body = json!({
                "serial": arguments.serial,
                "kind": word,
                "at": written(&server, arguments.at.as_ref())?,
                "reason": arguments.reason,
            });
            server.tell("POST", "/admin/meters/events", &body)
        }
        Place::Here(here) => {
            let by = here.by(arguments.reason.clone());
            let at = here.at_or_now(arguments.at.as_ref());
            let whose = (here.organisation.id, arguments.serial.as_str());
            Ok(here.mdm.note_event(&by, whose, (kind, None, at))?)
        }
    }
}

fn at(moment: Option<&Moment>, organisation: &Organisation, now: Timestamp) -> Option<Timestamp> {
    let calendar = Calendar::new(&organisation.zone).unwrap_or_else(|_| Calendar::utc());
    moment.map(|moment| moment.at(&calendar, now))
}
