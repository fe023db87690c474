//! `corrente meter`: a meter in the terminal.

mod menu;
mod plain;
mod register;
mod screen;
mod ticker;

use std::{io::IsTerminal, path::PathBuf, time::Duration};

use clap::Args;
use corrente_meter::{MeterClient, MeterConfig, MeterState, register_channel};
use rust_decimal::Decimal;
use tokio::time::timeout;

use crate::{
    failure::Failure,
    meter::{register::Register, ticker::Ticker},
    state_file,
};

/// Options of `corrente meter`.
#[derive(Debug, Args)]
pub(crate) struct MeterArguments {
    /// The server, as HOST:PORT
    #[arg(
        long,
        value_name = "HOST:PORT",
        default_value = "localhost:4005",
        env = "CORRENTE_CONNECT"
    )]
    connect: String,
    /// Encrypts, and trusts the certificates in this PEM file (the server's own, or its issuer's)
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Enrolment token, needed the first time
    #[arg(long, env = "CORRENTE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Serial number of the meter; without it the one in the state, or a new one
    #[arg(long)]
    serial: Option<String>,
    /// Secret of a meter that was registered beforehand
    #[arg(long, requires = "serial", env = "CORRENTE_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// Name of the usage point that an enrolment makes
    #[arg(long)]
    usage_point: Option<String>,
    /// Where the meter keeps its identity, register and unacknowledged readings
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Consumption per tick of one second in kWh (0.001 is 3.6 kW); without it as it was last time
    #[arg(long, value_name = "KWH_PER_TICK", value_parser = register::parse_rate)]
    rate: Option<Decimal>,
    /// Seconds from one reading to the next; without it what the server asks for
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    interval: Option<u32>,
    /// Menu line by line instead of a screen
    #[arg(long)]
    plain: bool,
}

/// Runs the meter until it is left.
pub(crate) fn run(arguments: MeterArguments) -> Result<(), Failure> {
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    crate::runtime()?.block_on(async {
        if arguments.plain || !terminal {
            plain::run(arguments).await
        } else {
            screen::run(arguments).await
        }
    })
}

/// A meter that has been switched on.
struct Meter {
    client: MeterClient,
    ticker: Ticker,
    serial: String,
    state_path: Option<PathBuf>,
}

impl Meter {
    fn start(arguments: &MeterArguments) -> Result<Self, Failure> {
        let state = state_file::open(arguments.state.as_deref(), &arguments.connect)?;
        let serial = serial(arguments, &state)?;
        let mut register = Register::restore(state.note());
        if let Some(rate) = arguments.rate {
            register.set_rate(rate);
        }
        let mut config = MeterConfig::new(&arguments.connect, &serial);
        config.tls = crate::trust(arguments.tls_ca.as_deref())?;
        config.token.clone_from(&arguments.token);
        config.secret.clone_from(&arguments.secret);
        config.usage_point.clone_from(&arguments.usage_point);
        config.channels = register_channel("import");
        let state_path = state.path().map(PathBuf::from);
        let client = MeterClient::start(config, state)?;
        let ticker = Ticker::new(register, arguments.interval);
        Ok(Self { client, ticker, serial, state_path })
    }

    /// Sends a last reading, gives it a moment to arrive, and says what is left for the next time.
    async fn stop(mut self) -> Result<String, Failure> {
        self.ticker.send(&self.client).await?;
        let arrived =
            timeout(Duration::from_secs(2), self.client.flushed()).await.is_ok_and(|r| r.is_ok());
        let pending = self.client.link().borrow().pending;
        self.client.close().await?;
        let file =
            self.state_path.map_or_else(String::new, |path| format!(" in {}", path.display()));
        Ok(if arrived {
            format!("Meter {} off. Everything is acknowledged; its state is{file}.", self.serial)
        } else {
            format!("Meter {} off. {pending} readings wait{file} for the next start.", self.serial)
        })
    }
}

fn serial(arguments: &MeterArguments, state: &MeterState) -> Result<String, Failure> {
    if let Some(serial) = &arguments.serial {
        return Ok(serial.clone());
    }
    if let Some(identity) = state.identity() {
        return Ok(identity.serial.clone());
    }
    if arguments.token.is_none() {
        return Err(Failure::new(
            "this meter is new here: give --token TOKEN to enrol it (`corrente admin token create` \
             makes one), or --serial and --secret of a registered one",
        ));
    }
    let mut bytes = [0_u8; 4];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::of("cannot draw a serial number", error))?;
    Ok(format!("M-{:08X}", u32::from_be_bytes(bytes)))
}
