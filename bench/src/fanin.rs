//! Many connections, one reading a message, one acknowledgement a reading: Corrente after its fsync,
//! beside Mosquitto with QoS 1 where that is installed (which writes nothing to disk).

mod load;
mod peer;
mod server;

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::{
    Failure, Place, cpu,
    figure::{Figure, quantile, say},
};
use load::{Load, Spoken};

pub(crate) use server::{ServerOptions, run as run_server};

/// Options of `bench fanin`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Connections at once; the limit of open files must allow it.
    #[arg(long, default_value_t = 15_000)]
    connections: usize,
    /// Seconds that each peer is loaded.
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// A short run: 2,000 connections, 4 seconds.
    #[arg(long)]
    quick: bool,
    /// Put server and clients on one processor each.
    #[arg(long)]
    pin: bool,
    #[command(flatten)]
    place: Place,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let (connections, seconds) =
        if options.quick { (2000, 4) } else { (options.connections, options.seconds) };
    let time = Duration::from_secs(seconds);
    if options.pin {
        pin(std::process::id(), "1")?;
    }
    let temporary = tempfile::TempDir::new()?;
    let folder = options.place.folder.as_deref().unwrap_or(temporary.path());

    let corrente = measure("fanin.corrente", ours(folder, connections)?, options, time)?;
    let Some(mosquitto) = peer::mosquitto(folder)? else {
        say("fanin.mosquitto: skipped, mosquitto is not installed (apt install mosquitto)");
        corrente.print(&[]);
        return Ok(());
    };
    let mosquitto = measure("fanin.mosquitto", (mosquitto, connections), options, time)?;
    mosquitto.print(&[]);
    corrente.print(&[("mosquitto QoS 1", &mosquitto)]);
    Ok(())
}

/// A process under load, where it listens and what it speaks.
struct Server {
    process: Child,
    address: SocketAddr,
    spoken: Spoken,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; either way nobody needs it any more.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn ours(folder: &Path, connections: usize) -> Result<(Server, usize), Failure> {
    let mut process = Command::new(std::env::current_exe()?)
        .arg("fanin-server")
        .args(["--meters", &connections.to_string()])
        .arg("--folder")
        .arg(folder)
        .stdout(Stdio::piped())
        .spawn()?;
    let output = process.stdout.take().ok_or("the server has no output")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let address = line.trim().parse().map_err(|_| format!("the server said `{line}`"))?;
    Ok((Server { process, address, spoken: Spoken::Corrente }, connections))
}

fn pin(process: u32, processor: &str) -> Result<(), Failure> {
    let done = Command::new("taskset")
        .args(["-a", "-c", "-p", processor, &process.to_string()])
        .stdout(Stdio::null())
        .status()?;
    if done.success() { Ok(()) } else { Err("taskset failed".into()) }
}

/// What a peer did.
struct Outcome {
    name: &'static str,
    load: Load,
    per_second: f64,
    cpu_per_million: f64,
    peak_memory: u64,
}

fn measure(
    name: &'static str,
    (server, connections): (Server, usize),
    options: &Options,
    time: Duration,
) -> Result<Outcome, Failure> {
    let process = server.process.id();
    if options.pin {
        pin(process, "0")?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let before = std::cell::Cell::new(Duration::ZERO);
    let load =
        runtime.block_on(load::run(server.address, server.spoken, connections, time, || {
            before.set(cpu::of_threads(process));
        }))?;
    let used = cpu::of_threads(process).saturating_sub(before.get());
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let messages = load.latencies.len() as f64;
    Ok(Outcome {
        name,
        per_second: messages / load.elapsed.as_secs_f64(),
        cpu_per_million: used.as_secs_f64() * 1e6 / messages,
        peak_memory: cpu::peak_memory(process),
        load,
    })
}

impl Outcome {
    fn print(&self, peers: &[(&str, &Self)]) {
        let named = |what: &str| format!("{}.{what}", self.name);
        let mut speed = Figure::new(named("acknowledged"), self.per_second, "messages/s");
        let mut cpu = Figure::new(named("server_cpu"), self.cpu_per_million, "s/million");
        for (peer, other) in peers {
            speed = speed.beside(self.per_second / other.per_second, peer);
            cpu = cpu.beside(self.cpu_per_million / other.cpu_per_million, peer);
        }
        speed.print();
        cpu.print();
        for (what, share) in [("p50", 0.5), ("p99", 0.99)] {
            let time = quantile(&self.load.latencies, share);
            Figure::millis(named(what), time).print();
        }
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        Figure::new(named("peak_memory"), self.peak_memory as f64 / 1e6, "MB").print();
    }
}
