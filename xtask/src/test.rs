//! `cargo xtask test`: every check and test, with the seconds that each stage took.

use std::time::{Duration, Instant};

use clap::Args;

use crate::{
    Failure, Outcome, city::City, generate, layers, packages, portal, process, tidy, torture,
};

#[derive(Args)]
pub(crate) struct Options {
    /// Run only the stage with this name.
    #[arg(long)]
    only: Option<String>,
    /// So many times the usual kills, seeds and cases of what is tried at random.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    budget: u32,
}

/// What is tried at random, and how often at a budget of 1.
const AT_RANDOM: [(&str, u32); 5] = [
    ("CORRENTE_SIM_SEEDS", 1000),
    ("CORRENTE_RATING_CASES", 1000),
    ("CORRENTE_FUZZ_ROUNDS", 100),
    ("CORRENTE_HOSTILE_SECONDS", 4),
    ("PROPTEST_CASES", 256),
];
/// Kills of the server, and as many of the ledger alone, at a budget of 1.
const KILLS: u32 = 20;

/// Minutes above which the whole fails: nobody runs what takes longer before each change.
const MINUTES: u64 = 55;

/// A stage, and the minutes above which the table calls it slow. A slow stage alone fails nothing: a
/// busy machine is no reason to refuse a change.
struct Stage {
    name: &'static str,
    minutes: u64,
    run: fn(budget: u32) -> Outcome,
}

const STAGES: [Stage; 9] = [
    Stage { name: "packages", minutes: 10, run: install },
    Stage { name: "format", minutes: 1, run: format },
    Stage { name: "portal", minutes: 5, run: check_portal },
    Stage { name: "lints", minutes: 15, run: lint },
    Stage { name: "rules", minutes: 5, run: rules },
    Stage { name: "build", minutes: 15, run: build },
    Stage { name: "rust", minutes: 12, run: rust },
    Stage { name: "crash", minutes: 5, run: crash },
    Stage { name: "browser", minutes: 8, run: browser },
];

pub(crate) fn run(options: &Options) -> Outcome {
    if let Some(only) = &options.only
        && !STAGES.iter().any(|stage| stage.name == only)
    {
        let names: Vec<&str> = STAGES.iter().map(|stage| stage.name).collect();
        return Err(Failure(format!("there is no stage `{only}`: use {}", names.join(", "))));
    }
    if options.budget > 1 {
        println!("Kills, seeds and cases: {} times the usual", options.budget);
    }
    let begin = Instant::now();
    let mut table = Vec::new();
    let mut outcome = Ok(());
    for stage in &STAGES {
        if options.only.as_ref().is_some_and(|only| only != stage.name) {
            continue;
        }
        println!("\n── {} ──", stage.name);
        let start = Instant::now();
        outcome = (stage.run)(options.budget);
        table.push((stage, start.elapsed()));
        if outcome.is_err() {
            break;
        }
    }
    println!("\nSeconds per stage:");
    for (stage, took) in &table {
        let slow = *took > Duration::from_secs(stage.minutes * 60);
        let note =
            if slow { format!("  above its {} minutes", stage.minutes) } else { String::new() };
        println!("  {:<9} {:>5}{note}", stage.name, took.as_secs());
    }
    outcome?;
    let minutes = begin.elapsed().as_secs() / 60;
    if minutes >= MINUTES && options.budget == 1 {
        return Err(Failure(format!(
            "all of it passed, in {minutes} minutes: {MINUTES} are allowed"
        )));
    }
    println!("\nAll of it passed.");
    Ok(())
}

fn install(_: u32) -> Outcome {
    packages::install(&[
        packages::COMPILER,
        packages::CHROMIUM,
        packages::PYTHON,
        packages::MAIL,
        packages::POPPLER,
        packages::TMUX,
    ])?;
    portal::install()
}

fn format(_: u32) -> Outcome {
    process::run(process::cargo(&["fmt", "--all", "--check"]))
}

fn check_portal(_: u32) -> Outcome {
    process::run(portal::npm(&["run", "check", "--silent"]))?;
    // The build ends with the budgets of what it built.
    portal::build()
}

fn lint(_: u32) -> Outcome {
    process::run(process::cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "--deny",
        "warnings",
    ]))
}

fn rules(_: u32) -> Outcome {
    layers::check()?;
    tidy::check()?;
    generate::run(true)
}

fn build(_: u32) -> Outcome {
    process::run(process::cargo(&["test", "--workspace", "--no-run", "--quiet"]))
}

/// What tests measured is told at the end: a test that passes keeps its words to itself.
fn rust(budget: u32) -> Outcome {
    let figures = process::target_folder()?.join("figures.txt");
    if let Err(error) = std::fs::write(&figures, "") {
        return Err(Failure(format!("{} cannot be written: {error}", figures.display())));
    }
    let mut tests = process::cargo(&["test", "--workspace", "--quiet", "--"]);
    // They have a stage of their own.
    for kills in torture::KILL_TESTS {
        tests.args(["--skip", kills.name]);
    }
    for (name, times) in AT_RANDOM {
        tests.env(name, times.saturating_mul(budget).to_string());
    }
    tests.env("CORRENTE_FIGURES", &figures);
    process::run(tests)?;
    let told = std::fs::read_to_string(&figures).unwrap_or_default();
    println!("\nWhat the tests measured (in a debug build, on a busy machine):\n{told}");
    Ok(())
}

/// The server, and the ledger alone, killed at any moment.
fn crash(budget: u32) -> Outcome {
    torture::kill(KILLS.saturating_mul(budget))
}

/// The built pages served by the real binary, in a real browser.
fn browser(_: u32) -> Outcome {
    // With the tests, as the stage before built it: without them dependencies have other features and
    // would be built again.
    process::run(process::cargo(&["build", "--quiet", "--workspace", "--bins", "--tests"]))?;
    let binary = process::target_folder()?.join("debug/corrente");
    let city = City::start(&binary, &["--homes", "12"])?;
    println!(
        "Built binaries to a page with data: {:.1} s (12 homes, without optimisation)",
        city.took.as_secs_f64()
    );
    let mut tests = portal::npm(&["run", "e2e", "--silent"]);
    tests.env("CORRENTE_URL", &city.url).env("CORRENTE_BIN", &binary);
    process::run(tests)
}
