//! Benchmarks, each with its own workload; one line per figure: `name = value unit (R x peer)`.

mod cpu;
mod engine;
mod fanin;
mod figure;
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
    /// The ledger's engine in this process: append, seal, query, replay.
    Engine(engine::Options),
    /// Many connections with one reading a message, beside Mosquitto with QoS 1.
    Fanin(fanin::Options),
    /// The server of `fanin`, which starts it by itself.
    #[command(hide = true)]
    FaninServer(fanin::ServerOptions),
}

/// Where a bench keeps its files.
#[derive(Clone, Debug, clap::Args)]
struct Place {
    /// Folder for the files of the run; a temporary one, deleted afterwards, when not given. Choose a
    /// disk that is worth measuring.
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// What a bench can fail with: it only has to be readable.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.bench {
        Bench::Engine(options) => engine::run(&options),
        Bench::Fanin(options) => fanin::run(&options),
        Bench::FaninServer(options) => fanin::run_server(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            figure::complain(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}
