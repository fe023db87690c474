//! `cargo xtask torture`: kill the real server under load and look for what it had acknowledged.

use clap::{Args, ValueEnum};

use crate::{Outcome, process};

#[derive(Args)]
pub(crate) struct Options {
    /// What to torture.
    part: Part,
    /// How many times to kill it.
    #[arg(long, default_value_t = 20)]
    kills: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Part {
    Ledger,
}

pub(crate) fn run(options: &Options) -> Outcome {
    match options.part {
        Part::Ledger => {
            let mut torture = process::cargo(&["test", "--package", "corrente", "--test", "kill"]);
            torture.args(["--", "--nocapture"]).env("CORRENTE_KILLS", options.kills.to_string());
            process::run(torture)
        }
    }
}
