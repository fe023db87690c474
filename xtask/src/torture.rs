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
            // The real server over its sockets, then the engine alone, which dies in stranger places.
            for (package, test, name) in [
                ("corrente", "program", "kill::every_acknowledged_reading_survives_kill_9"),
                ("corrente-ledger", "trouble", "kill::nothing_acknowledged_is_lost_when_killed"),
            ] {
                let mut torture = process::cargo(&["test", "--package", package, "--test", test]);
                torture.args(["--", "--exact", name, "--nocapture"]);
                torture.env("CORRENTE_KILLS", options.kills.to_string());
                process::run(torture)?;
            }
            Ok(())
        }
    }
}
