//! Corrente as people run it beside its peers: the same readings, on the same machine, in the same run.

mod questions;
mod report;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use corrente_ledger::{Ledger, LedgerOptions, SqliteLedger};

use crate::{
    Failure, Place, cpu,
    figure::{float, quantile, say},
    peer::{Corrente, Influx, Loaded, Pace, Peer, Postgres, Victoria},
    workload::{QUARTERS, Workload},
};
use questions::Asked;
use report::Report;

const SEED: u64 = 42;
/// Quarters that are written before a peer is killed.
const KILLED_AFTER: u32 = 10;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Meters with one register each.
    #[arg(long, default_value_t = 100_000)]
    meters: u32,
    /// Days of 96 readings that Corrente gets.
    #[arg(long, default_value_t = 30)]
    days: u32,
    /// Days that its peers get: the first ones of the same workload.
    #[arg(long, default_value_t = 2)]
    peer_days: u32,
    /// Memory in MiB for Corrente's open days.
    #[arg(long, default_value_t = 384)]
    window_mib: u32,
    /// Leave the peers out.
    #[arg(long)]
    alone: bool,
    /// Done in a minute: 10,000 meters, two days, one for the peers.
    #[arg(long)]
    quick: bool,
    /// Writes a report there.
    #[arg(long)]
    report: Option<PathBuf>,
}

impl Options {
    /// The same, shortened when it has to be quick.
    fn settled(&self) -> Self {
        let mut options = self.clone();
        if options.quick {
            options.meters = options.meters.min(10_000);
            options.days = 2;
            options.peer_days = 1;
        }
        options
    }
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let options = &options.settled();
    let temporary = options.place.temporary()?;
    let folder = temporary.path();
    let mut report = Report::new(options, folder);

    let ours = corrente(options, folder)?;
    report.corrente(&ours);
    if !options.alone {
        for make in [victoria, influx, postgres] {
            match make(folder) {
                Ok(mut peer) => match measured(&mut *peer, options, options.peer_days) {
                    Ok(outcome) => report.peer(&outcome, &ours),
                    Err(error) => report.missing(peer.name(), &error.to_string()),
                },
                Err(missing) => report.missing(missing, "not installed"),
            }
        }
    }
    report.print();
    if let Some(path) = &options.report {
        fs::write(path, report.text())?;
        say(&format!("report: {}", path.display()));
    }
    Ok(())
}

type Made = Result<Box<dyn Peer>, &'static str>;

fn victoria(folder: &Path) -> Made {
    Victoria::find(folder)
        .map(|peer| Box::new(peer) as Box<dyn Peer>)
        .ok_or("victoria_metrics (apt install victoria-metrics)")
}

fn influx(folder: &Path) -> Made {
    Influx::find(folder)
        .map(|peer| Box::new(peer) as Box<dyn Peer>)
        .ok_or("influxdb (apt install influxdb)")
}

fn postgres(folder: &Path) -> Made {
    Postgres::find(folder)
        .map(|peer| Box::new(peer) as Box<dyn Peer>)
        .ok_or("postgresql (apt install postgresql)")
}

/// What a peer did.
struct Outcome {
    name: &'static str,
    title: String,
    days: u32,
    pinned: Ingest,
    bytes_per_reading: f64,
    peak_memory: u64,
    /// Readings acknowledged before SIGKILL, and of these found afterwards.
    survived: (u64, u64),
    asked: Vec<Asked>,
}

/// What writing cost.
#[derive(Clone, Debug)]
struct Ingest {
    loaded: Loaded,
    /// Of the server, until the last acknowledgement.
    cpu: Duration,
    /// The same with what it takes to settle.
    settled: Duration,
}

impl Ingest {
    fn millions(&self) -> f64 {
        float(self.loaded.readings) / 1e6
    }

    fn rate(&self) -> f64 {
        self.millions() / self.loaded.elapsed.as_secs_f64()
    }

    fn cpu_per_million(&self) -> f64 {
        self.cpu.as_secs_f64() / self.millions()
    }

    fn settled_per_million(&self) -> f64 {
        self.settled.as_secs_f64() / self.millions()
    }

    fn acknowledged(&self, share: f64) -> Duration {
        quantile(&self.loaded.latencies, share)
    }
}

/// Puts this program onto one processor, or back onto all of them.
fn pin_client(alone: bool) -> Result<(), Failure> {
    let processors = if alone { "1".to_owned() } else { cpu::all_processors() };
    cpu::pin(std::process::id(), &processors)
}

fn ingest(peer: &dyn Peer, workload: &mut Workload, days: u32) -> Result<Ingest, Failure> {
    let process = peer.program()?.id();
    let before = cpu::of_tree(process);
    let loaded = peer.load(workload, days * QUARTERS, &Pace::default())?;
    let cpu = cpu::of_tree(process).saturating_sub(before);
    Ok(Ingest { loaded, cpu, settled: cpu })
}

fn measured(peer: &mut dyn Peer, options: &Options, days: u32) -> Result<Outcome, Failure> {
    say(&format!("… {}", peer.title()));
    measure(peer, options, days)
}

/// Everything that is asked of a peer.
fn measure(peer: &mut dyn Peer, options: &Options, days: u32) -> Result<Outcome, Failure> {
    let survived = survives(peer, options.meters)?;
    peer.start(Some("0"))?;
    pin_client(true)?;
    let mut workload = Workload::new(options.meters, SEED);
    let mut pinned = ingest(peer, &mut workload, days)?;
    let process = peer.program()?.id();
    let peak_memory = cpu::peak_memory(process);
    let before = cpu::of_tree(process);
    pin_client(false)?;
    cpu::pin_family(process, None)?;
    peer.settle()?;
    pinned.settled += cpu::of_tree(process).saturating_sub(before);
    let bytes_per_reading = float(peer.size()?) / float(workload.given());
    let asked = questions::ask(peer, &mut workload, options.meters, days, false)?;
    peer.stop()?;
    Ok(Outcome {
        name: peer.name(),
        title: peer.title(),
        days,
        pinned,
        bytes_per_reading,
        peak_memory,
        survived,
        asked,
    })
}

/// Kills a peer as soon as all is acknowledged, and counts what is left. It is empty afterwards.
fn survives(peer: &mut dyn Peer, meters: u32) -> Result<(u64, u64), Failure> {
    peer.start(None)?;
    let mut workload = Workload::new(meters, SEED);
    peer.load(&mut workload, KILLED_AFTER, &Pace::default())?;
    peer.kill()?;
    if peer.counts_running() {
        peer.start(None)?;
    }
    let found = peer.count()?;
    if peer.counts_running() {
        peer.stop()?;
    }
    peer.forget()?;
    Ok((workload.given(), found))
}

/// What only Corrente is asked.
struct Ours {
    outcome: Outcome,
    unpinned: Ingest,
    /// Readings in the log and how long a start with them took.
    replay: (u64, Duration),
    window_bytes_per_meter: f64,
    asked_while_ingesting: Vec<Asked>,
    /// Did the release binary serve, or this program with the same head-end and ledger?
    is_binary: bool,
}

fn corrente(options: &Options, folder: &Path) -> Result<Ours, Failure> {
    let make = |name: &str| Corrente::new(&folder.join(name), options.meters, options.window_mib);
    say("… corrente: kill -9");
    let mut peer = make("killed")?;
    let is_binary = peer.is_binary();
    let survived = survives(&mut peer, options.meters)?;

    say("… corrente: server and client on both processors");
    let mut peer = make("unpinned")?;
    peer.start(None)?;
    let mut workload = Workload::new(options.meters, SEED);
    let unpinned = ingest(&peer, &mut workload, options.days.min(3))?;
    peer.kill()?;
    peer.forget()?;

    say("… corrente: server and client on one processor each");
    let mut peer = make("corrente")?;
    peer.start(Some("0"))?;
    pin_client(true)?;
    let mut workload = Workload::new(options.meters, SEED);
    let mut pinned = ingest(&peer, &mut workload, options.days)?;
    let process = peer.program()?.id();
    let peak_memory = cpu::peak_memory(process);
    peer.kill()?;
    pin_client(false)?;

    say("… corrente: a start with the log of the open days, and sealing them");
    let started = Instant::now();
    let settings = LedgerOptions {
        window_bytes: usize::try_from(options.window_mib)? << 20,
        ..LedgerOptions::default()
    };
    let ledger = SqliteLedger::open(&peer.ledger(), settings)?;
    let opened = started.elapsed();
    let stats = ledger.stats();
    ledger.close()?;
    drop(ledger);
    let before = cpu::of_tree(std::process::id());
    peer.settle()?;
    pinned.settled += cpu::of_tree(std::process::id()).saturating_sub(before);
    let bytes_per_reading = float(peer.size()?) / float(workload.given());

    say("… corrente: questions");
    peer.ask_directly();
    peer.start(None)?;
    let asked = questions::ask(&peer, &mut workload, options.meters, options.days, false)?;
    let asked_while_ingesting =
        questions::ask(&peer, &mut workload, options.meters, options.days, true)?;
    peer.stop()?;
    let outcome = Outcome {
        name: peer.name(),
        title: peer.title(),
        days: options.days,
        pinned,
        bytes_per_reading,
        peak_memory,
        survived,
        asked,
    };
    peer.forget()?;
    let per_meter = float(stats.window_bytes) / f64::from(options.meters);
    Ok(Ours {
        outcome,
        unpinned,
        replay: (stats.window_readings, opened),
        window_bytes_per_meter: per_meter,
        asked_while_ingesting,
        is_binary,
    })
}
