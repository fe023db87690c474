//! Corrente: the release binary, spoken to in its line protocol.
//!
//! The readings come over gateways, each a connection with some thousand registers: a line a reading,
//! many lines a write, acknowledged up to a number after they are durable.

mod gateway;
mod questions;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::Stdio,
    sync::mpsc as std_mpsc,
    time::Instant,
};

use corrente_ledger::{AsOf, Ledger, LedgerOptions, SqliteLedger};
use corrente_metering::{ChannelKind, Direction, Span, Timestamp};
use corrente_registry::{
    Registry, RegistryError, Tx,
    channels::NewChannel,
    meters::{self, NewMeter},
    organisations::{self, NewOrganisation},
    usage_points::{self, NewUsagePoint},
};

use super::{Asker, Loaded, Pace, Peer, Program};
use crate::{
    Failure, cpu,
    workload::{START, Sample, Workload},
};

pub(crate) use questions::{ServerOptions, run as run_server};

/// Connections at once.
const GATEWAYS: u32 = 64;
/// Business time of the server: after every reading, so that none is from the future, and not so close
/// to a full hour that one ends in the run.
const NOW: &str = "2026-03-10T00:05:00Z@1";
const SECRET: &str = "bench-gateway";

/// What listens on the data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Served {
    /// `corrente serve`, as people run it.
    Binary,
    /// The same head-end and ledger in this program, with the questions that a bench asks over HTTP.
    Questions,
}

/// Corrente on a data directory of its own.
pub(crate) struct Corrente {
    binary: PathBuf,
    folder: PathBuf,
    meters: u32,
    window_mib: u32,
    served: Served,
    program: Option<Program>,
}

impl Corrente {
    pub(crate) fn new(folder: &Path, meters: u32, window_mib: u32) -> Result<Self, Failure> {
        let binary = std::env::current_exe()?.with_file_name("corrente");
        let served = if binary.exists() { Served::Binary } else { Served::Questions };
        let folder = folder.to_owned();
        Ok(Self { binary, folder, meters, window_mib, served, program: None })
    }

    /// The ledger's file.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.folder.join("ledger.db")
    }

    /// Is it the program that people run? Else it was not built, and its head-end and ledger run in this
    /// one.
    pub(crate) fn is_binary(&self) -> bool {
        self.served == Served::Binary
    }

    /// From the next start on its ledger can be asked over HTTP without a session.
    pub(crate) const fn ask_directly(&mut self) {
        self.served = Served::Questions;
    }

    fn options(&self) -> LedgerOptions {
        let window_mib = usize::try_from(self.window_mib).unwrap_or(usize::MAX);
        LedgerOptions { window_bytes: window_mib << 20, ..LedgerOptions::default() }
    }

    fn make(&self) -> Result<(), Failure> {
        fs::create_dir_all(&self.folder)?;
        let registry = Registry::open(self.folder.join("registry.db"))?;
        let meters = self.meters;
        registry.write_blocking(move |tx| register(tx, meters))?;
        Ok(())
    }
}

/// Registers of a gateway.
fn of_gateway(meters: u32) -> u32 {
    meters.div_ceil(GATEWAYS).max(1)
}

fn serial(gateway: u32) -> String {
    format!("G-{gateway}")
}

/// Registers get the numbers 1, 2, … in the order of the meters that they stand for.
fn register(tx: &mut Tx, count: u32) -> Result<(), RegistryError> {
    let now = Timestamp::from_second(START);
    organisations::insert(tx, &NewOrganisation::named("Bench", "UTC"), now)?;
    let Some(organisation) = organisations::default_organisation(tx)? else { return Ok(()) };
    let each = of_gateway(count);
    for gateway in 0..count.div_ceil(each) {
        let serial = serial(gateway);
        let place = usage_points::insert(tx, &NewUsagePoint::named(&organisation, &serial), now)?;
        let meter = NewMeter {
            organisation: organisation.id,
            serial: &serial,
            secret: Some(SECRET),
            model: None,
            reporting_seconds: 900,
            enrolled_by: None,
        };
        let meter = meters::insert(tx, &meter, now)?;
        meters::install(tx, meter, place, Timestamp::from_second(0), None)?;
        for name in 0..each.min(count - gateway * each) {
            let channel = NewChannel {
                name: name.to_string(),
                kind: ChannelKind::Register,
                direction: Direction::Import,
                interval_seconds: None,
                register_digits: None,
            };
            meters::add_channel_in_zone(tx, meter, &channel, "UTC", now)?;
        }
    }
    Ok(())
}

impl Peer for Corrente {
    fn name(&self) -> &'static str {
        "corrente"
    }

    fn title(&self) -> String {
        format!("Corrente {}", env!("CARGO_PKG_VERSION"))
    }

    fn start(&mut self, processors: Option<&str>) -> Result<(), Failure> {
        if !self.folder.join("registry.db").exists() {
            self.make()?;
        }
        let program = match self.served {
            Served::Binary => self.binary.clone(),
            Served::Questions => std::env::current_exe()?,
        };
        let mut command = cpu::command(&program.to_string_lossy(), processors);
        match self.served {
            Served::Binary => command
                .args(["serve", "--listen", "127.0.0.1:0", "--simulate-clock", NOW, "--data"])
                .env("CORRENTE_LOG_LEVEL", "warn")
                .env("CORRENTE_LEDGER_WINDOW_MIB", self.window_mib.to_string())
                .arg(&self.folder),
            Served::Questions => command
                .arg("ledger-server")
                .args(["--window-mib", &self.window_mib.to_string(), "--data"])
                .arg(&self.folder),
        };
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or("the server has no output")?;
        let mut lines = BufReader::new(output);
        let mut line = String::new();
        let address = loop {
            line.clear();
            if lines.read_line(&mut line)? == 0 {
                return Err(format!("{command:?} ended before it listened").into());
            }
            if let Some((_, address)) = line.trim().split_once("listening on http://") {
                break address.parse()?;
            }
        };
        // Its later lines find a reader.
        std::thread::spawn(move || drop(std::io::copy(&mut lines, &mut std::io::sink())));
        self.program = Some(Program::of(child, address));
        Ok(())
    }

    fn program(&self) -> Result<&Program, Failure> {
        self.program.as_ref().ok_or_else(|| "Corrente does not run".into())
    }

    fn kill(&mut self) -> Result<(), Failure> {
        self.program.take().map_or(Ok(()), Program::kill)
    }

    fn stop(&mut self) -> Result<(), Failure> {
        self.program.take().map_or(Ok(()), |program| program.stop("-TERM"))
    }

    fn load(
        &self,
        workload: &mut Workload,
        quarters: u32,
        pace: &Pace<'_>,
    ) -> Result<Loaded, Failure> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let address = self.program()?.address;
        let each = of_gateway(self.meters);
        let count = self.meters.div_ceil(each);
        // One open hand per gateway: the buffer that is filled, and those on their way.
        let (ready, is_ready) = std_mpsc::channel();
        let mut gateways = Vec::new();
        for number in 0..count {
            gateways.push(gateway::Gateway::start(&runtime, address, number, ready.clone()));
        }
        drop(ready);
        for _ in 0..count {
            is_ready.recv().map_err(|_| "a gateway was not admitted")?;
        }
        let started = Instant::now();
        let mut readings = 0;
        let mut samples: Vec<Sample> = Vec::new();
        for _ in 0..quarters {
            if pace.is_over() {
                break;
            }
            samples.clear();
            workload.quarter(&mut samples);
            for sample in &samples {
                let place = usize::try_from(sample.meter / each)?;
                if let Some(gateway) = gateways.get_mut(place) {
                    gateway.add(sample.meter % each, sample);
                }
            }
            readings += u64::try_from(samples.len())?;
            for gateway in &mut gateways {
                gateway.send()?;
            }
            pace.wait(readings, started);
        }
        let mut latencies = Vec::new();
        for gateway in gateways {
            latencies.extend(gateway.finish(&runtime)?);
        }
        latencies.sort_unstable();
        Ok(Loaded { readings, elapsed: started.elapsed(), latencies })
    }

    /// Seals all that is open, and gives space that is free back: in this process, which is what the
    /// server does by itself hour by hour.
    fn settle(&mut self) -> Result<(), Failure> {
        self.stop()?;
        let ledger = SqliteLedger::open(&self.ledger(), self.options())?;
        ledger.seal_until(Timestamp::MAX)?;
        ledger.compact()?;
        ledger.close()?;
        Ok(())
    }

    fn size(&self) -> Result<u64, Failure> {
        let mut bytes = cpu::bytes_on_disk(&self.ledger())?;
        let log = self.folder.join("ledger.db-wal");
        if log.exists() {
            bytes += cpu::bytes_on_disk(&log)?;
        }
        Ok(bytes)
    }

    /// Looks into the file of a server that was stopped or killed, beside any other.
    fn count(&self) -> Result<u64, Failure> {
        let copy = tempfile::TempDir::new_in(&self.folder)?;
        for name in ["ledger.db", "ledger.db-wal"] {
            let from = self.folder.join(name);
            if from.exists() {
                fs::copy(from, copy.path().join(name))?;
            }
        }
        let ledger = SqliteLedger::open(&copy.path().join("ledger.db"), self.options())?;
        let all = Span::new(Timestamp::MIN, Timestamp::MAX);
        let mut count = 0;
        for spec in ledger.channels()? {
            count += ledger.range(spec.id, all, AsOf::Now)?.len();
        }
        ledger.close()?;
        Ok(u64::try_from(count)?)
    }

    fn counts_running(&self) -> bool {
        false
    }

    fn forget(&mut self) -> Result<(), Failure> {
        Ok(fs::remove_dir_all(&self.folder)?)
    }

    fn asker(&self) -> Result<Box<dyn Asker>, Failure> {
        questions::asker(self.program()?.address)
    }
}
