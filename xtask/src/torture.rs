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

/// A test that kills.
pub(crate) struct KillTest {
    test: &'static str,
    pub(crate) name: &'static str,
}

/// The real server over its sockets, then the engine alone, which dies in stranger places.
pub(crate) const KILL_TESTS: [KillTest; 2] = [
    KillTest { test: "program", name: "kill::every_acknowledged_reading_survives_kill_9" },
    KillTest { test: "trouble", name: "kill::nothing_acknowledged_is_lost_when_killed" },
];

pub(crate) fn run(options: &Options) -> Outcome {
    match options.part {
        Part::Ledger => kill(options.kills),
    }
}

/// Kills so many times, and looks for every acknowledged reading.
pub(crate) fn kill(times: u32) -> Outcome {
    for KillTest { test, name } in KILL_TESTS {
        let mut torture = process::cargo(&["test", "--quiet", "--workspace", "--test", test]);
        torture.args(["--", "--exact", name, "--nocapture"]);
        torture.env("CORRENTE_KILLS", times.to_string());
        process::run(torture)?;
    }
    Ok(())
}
