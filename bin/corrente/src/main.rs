//! The one program: server, meter, fleet and the tools around them.

mod cli;
mod failure;
mod fleet;
mod keep;
mod live_line;
mod meter;
mod replay;
mod shutdown;
mod state_file;
mod toml_file;

use std::process::ExitCode;

use clap::Parser;

use crate::{cli::Command, failure::Failure};

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Meter(arguments) => meter::run(arguments),
        Command::Fleet(arguments) => fleet::run(arguments),
        Command::Replay(arguments) => replay::run(arguments),
    }
}

/// The tokio runtime of a command.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::of("cannot start", error))
}
