//! What a person does with this repository: `cargo xtask demo`, `cargo xtask test` and their parts.

#![expect(clippy::print_stdout, reason = "a tool for the terminal talks to its terminal")]

mod bench;
mod build;
mod city;
mod demo;
mod dist;
mod fuzz;
mod generate;
mod golden;
mod layers;
mod packages;
mod portal;
mod process;
mod test;
mod tidy;
mod torture;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rustix::process::{Resource, getrlimit, setrlimit};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Build, show and test Corrente")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what is missing, build portal and server, start the demo city on port 4005.
    Demo(demo::Options),
    /// Install what is missing, build portal and server: `target/release/corrente`.
    Build,
    /// Install what is missing and run every check and test.
    Test(test::Options),
    /// Make what strangers install: an archive with a static program, and a Debian package.
    Dist(dist::Options),
    /// Check that dependencies point down only: bin, edge, proto, core.
    Layers,
    /// Check the repository's own rules: documents, file lengths, licences, words that must not stay.
    Tidy,
    /// Make anew what is generated and committed: the API description, its types, schemas.
    Generate {
        /// Change nothing, fail where something would change.
        #[arg(long)]
        check: bool,
    },
    /// Try the decoders with bytes that nobody wrote, for longer than the tests do.
    Fuzz(fuzz::Options),
    /// Freeze a data directory of this version, for the test that later versions open it.
    Golden(golden::Options),
    /// Measure, beside peers on the same machine in the same run.
    Bench(bench::Options),
    /// Kill the server again and again and count every acknowledged reading.
    Torture(torture::Options),
}

/// Why a task stopped, in a sentence for a person.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Failure(pub(crate) String);

pub(crate) type Outcome = Result<(), Failure>;

/// Thousands of sockets in a test need more files than most systems give at first.
fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        println!("the limit of open files stays as it is: {error}");
    }
}

fn main() -> ExitCode {
    raise_open_files();
    let outcome = match Arguments::parse().task {
        Task::Demo(options) => demo::run(&options),
        Task::Build => build::run(),
        Task::Test(options) => test::run(&options),
        Task::Dist(options) => dist::run(&options),
        Task::Layers => layers::check(),
        Task::Tidy => tidy::check(),
        Task::Generate { check } => generate::run(check),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Golden(options) => golden::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Torture(options) => torture::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\n✗ {failure}");
            ExitCode::FAILURE
        }
    }
}
