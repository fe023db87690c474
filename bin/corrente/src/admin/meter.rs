//! `corrente admin meter`: what happens to a meter after it was registered.

use clap::{Args, Subcommand};
use corrente_clock::wall_clock;
use corrente_live::LiveHub;
use corrente_mdm::{ExchangedRegister, Mdm, Replacement};
use corrente_metering::{Calendar, Timestamp};
use corrente_registry::{
    admin::{self, By, Exchange},
    multipliers::Multiplier,
    organisations::Organisation,
};
use corrente_units::{Decimal, Energy};

use super::{Directory, default_organisation};
use crate::{
    data_directory::{DataDirectory, in_use},
    failure::Failure,
    instant::{self, Moment},
    output::print,
};

/// Options of `corrente admin meter`.
#[derive(Debug, Args)]
pub(crate) struct MeterArguments {
    #[command(subcommand)]
    command: MeterCommand,
}

#[derive(Debug, Subcommand)]
enum MeterCommand {
    /// Puts a meter in the place of another one and prints its secret, once; no server may use the
    /// directory (a server has POST /api/v1/admin/meters/replace)
    Replace(ReplaceArguments),
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
        directory: Directory,
        /// The meter's serial
        serial: String,
        /// How many seconds later than the meter said they were; earlier when negative
        #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
        add_seconds: i64,
    },
}

#[derive(Debug, Args)]
struct ReplaceArguments {
    #[command(flatten)]
    directory: Directory,
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
    /// The old meter's last register
    #[arg(long = "final", value_name = "KWH")]
    last: Option<Decimal>,
    /// The new meter's first register
    #[arg(long, value_name = "KWH")]
    first: Option<Decimal>,
    /// The register's name
    #[arg(long, default_value = "import")]
    channel: String,
}

fn ratio(text: &str) -> Result<(i64, i64), String> {
    let (numerator, denominator) = text.split_once('/').unwrap_or((text, "1"));
    let number = |text: &str| text.trim().parse::<i64>().ok().filter(|number| *number > 0);
    number(numerator)
        .zip(number(denominator))
        .ok_or_else(|| "give two whole numbers as in 200/5".to_owned())
}

pub(super) fn run(arguments: MeterArguments) -> Result<(), Failure> {
    match arguments.command {
        MeterCommand::Replace(arguments) => replace(&arguments),
        MeterCommand::Multiplier { directory, serial, ratio: (numerator, denominator), from } => {
            directory.write(move |tx, by, organisation| {
                let from = at(from.as_ref(), organisation, by.business).unwrap_or(by.business);
                let new = Multiplier { from, numerator, denominator };
                Ok(admin::set_multiplier(tx, by, organisation.id, &serial, new)?)
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
        MeterCommand::Release { directory, serial, add_seconds } => {
            let (data, mdm) = own(&directory)?;
            let organisation = data.registry.read_blocking(default_organisation)?.id;
            let by = By::command_line(data.clock.now(), wall_clock());
            let released = crate::runtime()?.block_on(mdm.release_quarantined(
                by,
                organisation,
                serial,
                add_seconds,
            ))?;
            print(&format!("{} count now, {} stay aside\n", released.counted, released.left))
        }
    }
}

fn replace(arguments: &ReplaceArguments) -> Result<(), Failure> {
    let (data, mdm) = own(&arguments.directory)?;
    let organisation = data.registry.read_blocking(default_organisation)?;
    let now = data.clock.now();
    let gone = at(arguments.at.as_ref(), &organisation, now).unwrap_or(now);
    let replacement = Replacement {
        exchange: Exchange {
            organisation: organisation.id,
            old: arguments.serial.clone(),
            new: arguments.with.clone(),
            at: gone,
            from: at(arguments.installed_from.as_ref(), &organisation, now).unwrap_or(gone),
            secret: None,
            model: None,
        },
        registers: vec![ExchangedRegister {
            channel: arguments.channel.clone(),
            last: arguments.last.map(|kwh| energy("--final", kwh)).transpose()?,
            first: arguments.first.map(|kwh| energy("--first", kwh)).transpose()?,
        }],
    };
    let by = By::command_line(now, wall_clock());
    let (_, secret) = crate::runtime()?.block_on(mdm.replace_meter(by, replacement))?;
    print(&format!("{}\n", secret.reveal()))
}

fn at(moment: Option<&Moment>, organisation: &Organisation, now: Timestamp) -> Option<Timestamp> {
    let calendar = Calendar::new(&organisation.zone).unwrap_or_else(|_| Calendar::utc());
    moment.map(|moment| moment.at(&calendar, now))
}

fn energy(option: &str, kwh: Decimal) -> Result<Energy, Failure> {
    let wh = kwh.checked_mul(Decimal::ONE_THOUSAND).map(|wh| wh.trunc());
    wh.filter(|wh| !wh.is_sign_negative())
        .and_then(|wh| i64::try_from(wh).ok())
        .map(Energy::from_wh)
        .ok_or_else(|| Failure::new(format!("{option} {kwh} is nothing that a dial shows")))
}

/// The directory, while no server uses it: what dials showed goes into the ledger.
fn own(directory: &Directory) -> Result<(DataDirectory, Mdm), Failure> {
    let path = &directory.data;
    if in_use(path) {
        return Err(Failure::new(format!(
            "{}: a server is using this directory; it takes this by its API, under /api/v1/admin/meters",
            path.display()
        )));
    }
    let data = DataDirectory::open_existing(path)?;
    let (registry, ledger) = (data.registry.clone(), std::sync::Arc::clone(&data.ledger));
    let mdm = Mdm::new(registry, ledger, data.clock.clone(), LiveHub::new());
    Ok((data, mdm))
}
