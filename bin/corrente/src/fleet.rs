//! `corrente fleet`: many simulated households in one process, each with a connection of its own.

mod faults;

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Args;
use corrente_clock::BusinessClock;
use corrente_household::{Household, HouseholdKind, SimulatedRegister};
use corrente_meter::{Identity, MeterClient, MeterConfig, NewReading, Statistics};
use corrente_metering::{Calendar, Timestamp};
use corrente_units::Energy;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{interval, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::{
    failure::Failure,
    fleet::faults::{Counted, Faults, Kinds, Recorded},
    keep::Keep,
    live_line::{LiveLine, brief, grouped},
    shutdown::asked_to_stop,
    state_file,
};

/// Options of `corrente fleet`.
#[derive(Debug, Args)]
pub(crate) struct FleetArguments {
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
    /// Where the faults are recorded, one JSON object a line
    #[arg(long, value_name = "FILE", requires = "faults")]
    record: Option<PathBuf>,
    /// Where secrets and registers of the fleet are kept
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

/// Runs the fleet until it is stopped.
pub(crate) fn run(arguments: FleetArguments) -> Result<(), Failure> {
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
    let mut meters = Vec::new();
    for number in 1..=arguments.meters {
        let home = Home::new(number, &arguments, &calendar, &mut keep, clock.now());
        meters.push(home);
    }
    // From here on each register is known for ever: the households are functions of time.
    keep.save()?;
    let mut record = FaultRecord::open(arguments.record.as_deref())?;
    let (faults, mut faulted) = mpsc::unbounded_channel();
    let mut homes = JoinSet::new();
    let tls = crate::trust(arguments.tls_ca.as_deref())?;
    for mut home in meters {
        home.config.tls.clone_from(&tls);
        if let Some(kinds) = arguments.faults.clone() {
            home.faults =
                Some(Faults::new(&home.serial, kinds, arguments.seed, home.number, faults.clone()));
        }
        home.config.statistics = Arc::clone(&statistics);
        home.config.identities = Some(identities.clone());
        homes.spawn(home.live(clock.clone(), stop.clone()));
    }
    drop((identities, faults));

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
            Some(fault) = faulted.recv() => record.write(&fault)?,
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
    while let Ok(fault) = faulted.try_recv() {
        record.write(&fault)?;
    }
    record.close()?;
    for (serial, t, wh) in registers {
        keep.register(&serial, t, wh);
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

/// The record of what went wrong on purpose.
struct FaultRecord {
    out: Option<BufWriter<File>>,
    counted: Counted,
}

impl FaultRecord {
    fn open(path: Option<&std::path::Path>) -> Result<Self, Failure> {
        let cannot = |path: &std::path::Path, error| {
            Failure::of(format!("cannot write {}", path.display()), error)
        };
        let out = match path {
            None => None,
            Some(path) => {
                Some(BufWriter::new(File::create(path).map_err(|error| cannot(path, error))?))
            }
        };
        Ok(Self { out, counted: Counted::default() })
    }

    fn write(&mut self, fault: &Recorded) -> Result<(), Failure> {
        self.counted.add(fault.fault);
        let Some(out) = &mut self.out else { return Ok(()) };
        serde_json::to_writer(&mut *out, fault)
            .map_err(std::io::Error::from)
            .and_then(|()| out.write_all(b"\n"))
            .map_err(|error| Failure::of("cannot write the record", error))
    }

    fn close(&mut self) -> Result<(), Failure> {
        match &mut self.out {
            None => Ok(()),
            Some(out) => out.flush().map_err(|error| Failure::of("cannot write the record", error)),
        }
    }
}

/// One household and its meter.
struct Home {
    number: u32,
    serial: String,
    faults: Option<Faults>,
    held: Vec<NewReading>,
    config: MeterConfig,
    state: corrente_meter::MeterState,
    register: SimulatedRegister,
    every: Duration,
    /// When it connects, and at which part of its interval it reports.
    delay: Duration,
    phase: Duration,
}

impl Home {
    fn new(
        number: u32,
        arguments: &FleetArguments,
        calendar: &Calendar,
        keep: &mut Keep,
        now: Timestamp,
    ) -> Self {
        let serial = format!("{}-{}-{number:05}", arguments.prefix, arguments.seed);
        let kind = HouseholdKind::of_town(u64::from(number));
        let seed = arguments.seed.wrapping_mul(1_000_003).wrapping_add(u64::from(number));
        let household = Household::new(seed, kind, calendar.clone());
        // A register goes on where it stood; a new one has counted before it came here.
        let kept = keep.meter(&serial).and_then(|kept| kept.register);
        let (t, wh) = kept.unwrap_or_else(|| {
            let scattered = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 9_000_000;
            (now.second(), 1_000_000_i64.saturating_add_unsigned(scattered))
        });
        if kept.is_none() {
            keep.register(&serial, t, wh);
        }
        let mut register = household.register(Timestamp::from_second(t), Energy::from_wh(wh));
        register.advance_to(now);
        let mut config = MeterConfig::new(&arguments.connect, &serial);
        config.token.clone_from(&arguments.token);
        config.usage_point = Some(format!("{kind} {number:05}"));
        let first = u64::try_from(now.second()).unwrap_or(0).saturating_mul(1000);
        let state = keep.state(&serial).numbered_from(first);
        let every = Duration::from_secs(u64::from(arguments.interval));
        let phase = every.mul_f64(f64::from(number % 997) / 997.0);
        let delay = Duration::from_secs_f64(f64::from(number) / f64::from(arguments.ramp));
        let (faults, held) = (None, Vec::new());
        Self { number, serial, faults, held, config, state, register, every, delay, phase }
    }

    /// Reports until it is told to stop, and says what the register then shows.
    async fn live(
        mut self,
        clock: BusinessClock,
        stop: CancellationToken,
    ) -> Result<(String, i64, i64), Failure> {
        tokio::select! {
            () = sleep(self.delay) => {}
            () = stop.cancelled() => return Ok(self.shown()),
        }
        let client = MeterClient::start(self.config.clone(), self.state)?;
        self.state = corrente_meter::MeterState::in_memory();
        let mut due = interval(self.every);
        due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        sleep(self.phase).await;
        loop {
            tokio::select! {
                _ = due.tick() => self.report(&client, clock.now()).await?,
                () = client.ended() => {
                    return client.close().await.map(|()| self.shown()).map_err(Failure::from);
                }
                () = stop.cancelled() => break,
            }
        }
        // What was held back comes now, and what is on its way may still arrive.
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            client.send(held).await?;
        }
        drop(tokio::time::timeout(Duration::from_secs(2), client.flushed()).await);
        client.close().await?;
        Ok(self.shown())
    }

    /// Reads the register and sends what the faults let through.
    async fn report(&mut self, client: &MeterClient, t: Timestamp) -> Result<(), Failure> {
        if t <= self.register.at() {
            return Ok(());
        }
        let mut reading = NewReading::new(t, self.register.advance_to(t));
        reading.power = Some(self.register.power());
        let Some(faults) = &mut self.faults else {
            client.send(vec![reading]).await?;
            return Ok(());
        };
        let action = faults.next(t, reading.value.wh());
        reading.end = Timestamp::from_second(action.t);
        reading.value = Energy::from_wh(action.wh);
        if action.twice {
            self.held.push(reading.clone());
        }
        self.held.push(reading);
        if !action.hold {
            client.send(std::mem::take(&mut self.held)).await?;
        }
        if let Some(pause) = action.reconnect {
            client.reconnect(pause).await?;
        }
        Ok(())
    }

    fn shown(&self) -> (String, i64, i64) {
        (self.serial.clone(), self.register.at().second(), self.register.shows().wh())
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
