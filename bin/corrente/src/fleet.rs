//! `corrente fleet`: many simulated households in one process, each with a connection of its own.

mod check;
mod faults;
mod home;
mod record;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::{Args, Subcommand};
use corrente_clock::BusinessClock;
use corrente_meter::{Identity, Statistics};
use corrente_metering::Calendar;
use tokio::{sync::mpsc, task::JoinSet, time::interval};
use tokio_util::sync::CancellationToken;

use crate::{
    failure::Failure,
    fleet::{faults::Kinds, home::Home, record::Recorder},
    keep::Keep,
    live_line::{LiveLine, brief, grouped},
    shutdown::asked_to_stop,
    state_file,
};

/// Options of `corrente fleet`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct FleetArguments {
    #[command(subcommand)]
    command: Option<FleetCommand>,
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
    /// Enrolment token, needed for meters that have not been here before
    #[arg(long, env = "CORRENTE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// How many meters
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    meters: u32,
    /// Seconds from one reading of a meter to its next
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    interval: u32,
    /// What the households are drawn from: the same seed gives the same homes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What the serial numbers begin with
    #[arg(long, default_value = "F")]
    prefix: String,
    /// Zone of the homes
    #[arg(long, default_value = "America/Bahia")]
    zone: String,
    /// Stops after so many seconds
    #[arg(long, value_name = "SECONDS")]
    duration: Option<u64>,
    /// New connections a second while the fleet starts
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    ramp: u32,
    /// What goes wrong on purpose: all, or some of drop,late,duplicate,drift,jump,reset,storm
    #[arg(long, value_name = "KINDS")]
    faults: Option<Kinds>,
    /// Where faults, readings and the truth are written down, one JSON object a line, for `fleet check`
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Where secrets and registers of the fleet are kept
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum FleetCommand {
    /// Compares what a fleet sent with what the ledger holds of it
    Check(check::CheckArguments),
}

/// Runs the fleet until it is stopped.
pub(crate) fn run(mut arguments: FleetArguments) -> Result<(), Failure> {
    if let Some(FleetCommand::Check(check)) = arguments.command.take() {
        return check::run(&check);
    }
    crate::log::start_for_tool()?;
    crate::runtime()?.block_on(fleet(arguments))
}

async fn fleet(arguments: FleetArguments) -> Result<(), Failure> {
    let calendar = Calendar::new(&arguments.zone).map_err(|error| Failure::of("--zone", error))?;
    let path = match &arguments.state {
        Some(path) => path.clone(),
        None => state_file::folder()?.join(format!(
            "{}.json",
            state_file::file_name(&format!("fleet-{}", arguments.prefix), &arguments.connect)
        )),
    };
    let mut keep = Keep::open(path)?;
    let statistics = Arc::<Statistics>::default();
    let (identities, mut identified) = mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    let clock = BusinessClock::real();
    let mut record = Recorder::open(arguments.record.as_deref())?;
    let wanted = arguments.record.is_some() || arguments.faults.is_some();
    let (lines, mut recorded) = mpsc::unbounded_channel();
    let mut meters = Vec::new();
    for number in 1..=arguments.meters {
        let lines = wanted.then(|| lines.clone());
        meters.push(Home::new(number, &arguments, &calendar, &mut keep, clock.now(), lines));
    }
    drop(lines);
    // From here on each register is known for ever: the households are functions of time.
    keep.save()?;
    let mut homes = JoinSet::new();
    let tls = crate::trust(arguments.tls_ca.as_deref())?;
    for mut home in meters {
        home.config.tls.clone_from(&tls);
        home.config.statistics = Arc::clone(&statistics);
        home.config.identities = Some(identities.clone());
        homes.spawn(home.live(clock.clone(), stop.clone()));
    }
    drop(identities);

    let mut asked = asked_to_stop()?;
    let mut line = LiveLine::new();
    let mut beat = interval(Duration::from_secs(1));
    let begun = Instant::now();
    let mut registers = Vec::new();
    let mut failed: Option<Failure> = None;
    let deadline = arguments.duration.map(Duration::from_secs);
    loop {
        tokio::select! {
            () = &mut asked => break,
            _ = beat.tick() => {
                line.show(&summary(&statistics, arguments.meters, begun));
                if deadline.is_some_and(|deadline| begun.elapsed() >= deadline) {
                    break;
                }
            }
            identity = identified.recv() => if let Some(identity) = identity {
                take_identities(&mut keep, identity, &mut identified);
                keep.save()?;
            },
            Some(line) = recorded.recv() => record.write(&line)?,
            ended = homes.join_next() => match ended {
                None => break,
                Some(Ok(Ok(shown))) => registers.push(shown),
                Some(Ok(Err(error))) => failed = Some(error),
                Some(Err(panicked)) => failed = Some(Failure::of("a meter's task ended", panicked)),
            }
        }
        if failed.is_some() {
            break;
        }
    }
    let last = summary(&statistics, arguments.meters, begun);
    stop.cancel();
    while let Some(ended) = homes.join_next().await {
        if let Ok(Ok(shown)) = ended {
            registers.push(shown);
        }
    }
    while let Ok(identity) = identified.try_recv() {
        keep.identity(identity);
    }
    while let Ok(line) = recorded.try_recv() {
        record.write(&line)?;
    }
    record.close()?;
    for shown in registers {
        keep.register(&shown.serial, shown.t, shown.wh);
        keep.wrong(&shown.serial, shown.base, shown.drift);
    }
    keep.save()?;
    line.clear();
    say(&last);
    if arguments.faults.is_some() {
        say(&format!("faults: {}", record.counted.said()));
    }
    failed.map_or(Ok(()), Err)
}

fn take_identities(keep: &mut Keep, first: Identity, more: &mut mpsc::UnboundedReceiver<Identity>) {
    keep.identity(first);
    while let Ok(next) = more.try_recv() {
        keep.identity(next);
    }
}

fn summary(statistics: &Statistics, meters: u32, begun: Instant) -> String {
    let latency = statistics.latency();
    format!(
        "{} s · connected {} of {} · sent {} · acknowledged {} · ack p50 {} p99 {} · refused {} · connections lost {}",
        begun.elapsed().as_secs(),
        grouped(statistics.connected()),
        grouped(u64::from(meters)),
        grouped(statistics.sent()),
        grouped(statistics.acknowledged()),
        brief(latency.percentile(50)),
        brief(latency.percentile(99)),
        statistics.refused(),
        statistics.failures(),
    )
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
fn say(text: &str) {
    println!("{text}");
}
