//! `cargo xtask demo`: from a clone to a living city.

use std::{os::unix::process::CommandExt, process::Stdio, time::Duration};

use clap::Args;

use crate::{Failure, Outcome, city::City, packages, portal, process};

#[derive(Args)]
pub(crate) struct Options {
    /// What to hand on to `corrente demo`, for example `-- --listen 0.0.0.0:4005 --homes 50`.
    #[arg(last = true)]
    rest: Vec<String>,
    /// Starts a city aside, says how long it takes until a resident has a page with data, ends it, and
    /// fails above 20 seconds.
    #[arg(long)]
    check: bool,
}

/// What a visitor waits at most, from built binaries to a page with data.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn run(options: &Options) -> Outcome {
    packages::install(&[packages::COMPILER])?;
    println!("① The portal: packages and pages");
    portal::install()?;
    portal::build()?;
    println!("② The server (the first build takes some minutes)");
    process::run(process::cargo(&["build", "--release", "--package", "corrente"]))?;
    println!("③ The city");
    let binary = process::target_folder()?.join("release/corrente");
    if options.check {
        let rest: Vec<&str> = options.rest.iter().map(String::as_str).collect();
        let took = City::start(&binary, &rest)?.took;
        println!("Built binaries to a page with data: {:.1} s", took.as_secs_f64());
        if took > PATIENCE {
            return Err(Failure(format!("{} s are allowed", PATIENCE.as_secs())));
        }
        return Ok(());
    }
    let mut demo = process::command(&binary.to_string_lossy(), &["demo"]);
    demo.args(&options.rest).stdin(Stdio::inherit());
    // The demo takes this process's place, so that Ctrl-C and signals reach it alone.
    let error = demo.exec();
    Err(Failure(format!("{} could not be started: {error}", binary.display())))
}
