//! Benchmarks, each with its own workload; one line per figure: `name = value unit (R x peer)`.

mod billing;
mod cpu;
mod engine;
mod fanin;
mod figure;
mod http;
mod late;
mod ledger;
mod memory;
mod pages;
mod peer;
mod town;
mod workload;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// Benchmarks of Corrente.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// A month's run from the ledger's quarter hours to stored plans, and PDFs of them.
    Billing(billing::Options),
    /// The ledger's engine in this process: append, seal, query, replay.
    Engine(engine::Options),
    /// Corrente over TCP beside VictoriaMetrics, InfluxDB and PostgreSQL where they are installed.
    Ledger(ledger::Options),
    /// What open days take in memory, with a million channels.
    Memory(memory::Options),
    /// A month that thousands of meters send late into sealed days, beside live readings.
    Late(late::Options),
    /// Many connections with one reading a message, beside Mosquitto with QoS 1.
    Fanin(fanin::Options),
    /// What the pages ask of the API, with a year of ten thousand homes, while meters report.
    Pages(pages::Options),
    /// The server of `fanin`, which starts it by itself.
    #[command(hide = true)]
    FaninServer(fanin::ServerOptions),
    /// The server whose ledger `ledger` asks, which starts it by itself.
    #[command(hide = true)]
    LedgerServer(peer::ServerOptions),
}

/// Where a bench keeps its files.
#[derive(Clone, Debug, clap::Args)]
struct Place {
    /// Folder for the files of the run; a temporary one, deleted afterwards, when not given. Choose a
    /// disk that is worth measuring.
    #[arg(long)]
    folder: Option<PathBuf>,
}

impl Place {
    /// A folder that is deleted afterwards.
    fn temporary(&self) -> std::io::Result<tempfile::TempDir> {
        match &self.folder {
            Some(folder) => tempfile::TempDir::new_in(folder),
            None => tempfile::TempDir::new(),
        }
    }
}

/// What a bench can fail with: it only has to be readable.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.bench {
        Bench::Billing(options) => billing::run(&options),
        Bench::Engine(options) => engine::run(&options),
        Bench::Fanin(options) => fanin::run(&options),
        Bench::FaninServer(options) => fanin::run_server(&options),
        Bench::Ledger(options) => ledger::run(&options),
        Bench::Pages(options) => pages::run(&options),
        Bench::LedgerServer(options) => peer::run_server(&options),
        Bench::Memory(options) => memory::run(&options),
        Bench::Late(options) => late::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            figure::complain(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}
