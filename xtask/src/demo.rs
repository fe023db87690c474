//! `cargo xtask demo`: from a clone to a living city.

use std::{os::unix::process::CommandExt, process::Stdio};

use clap::Args;

use crate::{Failure, Outcome, packages, portal, process};

#[derive(Args)]
pub(crate) struct Options {
    /// What to hand on to `corrente demo`, for example `-- --listen 0.0.0.0:4005 --homes 50`.
    #[arg(last = true)]
    rest: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Outcome {
    packages::install(&[packages::COMPILER])?;
    println!("① The portal: packages and pages");
    portal::install()?;
    portal::build()?;
    println!("② The server (the first build takes some minutes)");
    process::run(process::cargo(&["build", "--release", "--package", "corrente"]))?;
    println!("③ The city");
    let binary = process::target_folder()?.join("release/corrente");
    let mut demo = process::command(&binary.to_string_lossy(), &["demo"]);
    demo.args(&options.rest).stdin(Stdio::inherit());
    // The demo takes this process's place, so that Ctrl-C and signals reach it alone.
    let error = demo.exec();
    Err(Failure(format!("{} could not be started: {error}", binary.display())))
}
