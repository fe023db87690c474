//! The one program: server, meter, fleet and the tools around them.

mod admin;
mod bill;
mod cli;
mod data_directory;
mod demo;
mod doctor;
mod export;
mod failure;
mod figures;
mod fleet;
mod health;
mod import;
mod instant;
mod keep;
mod live_line;
mod log;
mod mail;
mod meter;
mod output;
mod pay;
mod remote;
mod replay;
mod serve;
mod server;
mod settings;
mod shutdown;
mod state_file;
mod tariff;
mod toml_file;
mod traces;

use std::{path::Path, process::ExitCode, sync::Arc};

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
    if matches!(
        command,
        Command::Serve(_) | Command::Demo(_) | Command::Fleet(_) | Command::Replay(_)
    ) {
        // A file for each connection: what the limit allows in the end shows where they are counted.
        corrente_headend::descriptors::raise();
    }
    match command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Demo(arguments) => demo::run(arguments),
        Command::Meter(arguments) => meter::run(arguments),
        Command::Fleet(arguments) => fleet::run(arguments),
        Command::Replay(arguments) => replay::run(arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Export(arguments) => export::run(arguments),
        Command::Admin(arguments) => admin::run(arguments),
        Command::Bill(arguments) => bill::run(arguments),
        Command::Tariff(arguments) => tariff::run(arguments),
        Command::Pay(arguments) => pay::run(arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
        Command::Health(arguments) => health::run(arguments),
    }
}

/// TLS towards a server, where a file of trusted certificates is given.
fn trust(certificates: Option<&Path>) -> Result<Option<Arc<rustls::ClientConfig>>, Failure> {
    certificates
        .map(corrente_meter::trusting)
        .transpose()
        .map_err(|error| Failure::of("--tls-ca", error))
}

/// The tokio runtime of a command.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::of("cannot start", error))
}
