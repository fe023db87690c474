//! `cargo xtask test`: every check and test, with the seconds that each stage took.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use clap::Args;

use crate::{Failure, Outcome, generate, layers, packages, portal, process, tidy};

#[derive(Args)]
pub(crate) struct Options {
    /// Run only the stage with this name.
    #[arg(long)]
    only: Option<String>,
}

/// Minutes above which the whole fails: nobody runs what takes longer before each change.
const MINUTES: u64 = 55;

/// A stage, and the minutes above which the table calls it slow. A slow stage alone fails nothing: a
/// busy machine is no reason to refuse a change.
struct Stage {
    name: &'static str,
    minutes: u64,
    run: fn() -> Outcome,
}

const STAGES: [Stage; 8] = [
    Stage { name: "packages", minutes: 10, run: install },
    Stage { name: "format", minutes: 1, run: format },
    Stage { name: "portal", minutes: 5, run: check_portal },
    Stage { name: "lints", minutes: 15, run: lint },
    Stage { name: "rules", minutes: 5, run: rules },
    Stage { name: "build", minutes: 15, run: build },
    Stage { name: "rust", minutes: 12, run: rust },
    Stage { name: "browser", minutes: 8, run: browser },
];

pub(crate) fn run(options: &Options) -> Outcome {
    if let Some(only) = &options.only
        && !STAGES.iter().any(|stage| stage.name == only)
    {
        let names: Vec<&str> = STAGES.iter().map(|stage| stage.name).collect();
        return Err(Failure(format!("there is no stage `{only}`: use {}", names.join(", "))));
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
        outcome = (stage.run)();
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
    if minutes >= MINUTES {
        return Err(Failure(format!(
            "all of it passed, in {minutes} minutes: {MINUTES} are allowed"
        )));
    }
    println!("\nAll of it passed.");
    Ok(())
}

fn install() -> Outcome {
    packages::install(&[
        packages::COMPILER,
        packages::CHROMIUM,
        packages::PYTHON,
        packages::POPPLER,
    ])?;
    portal::install()
}

fn format() -> Outcome {
    process::run(process::cargo(&["fmt", "--all", "--check"]))
}

fn check_portal() -> Outcome {
    process::run(portal::npm(&["run", "check", "--silent"]))?;
    // The build ends with the budgets of what it built.
    portal::build()
}

fn lint() -> Outcome {
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

fn rules() -> Outcome {
    layers::check()?;
    tidy::check()?;
    generate::run(true)
}

fn build() -> Outcome {
    process::run(process::cargo(&["test", "--workspace", "--no-run", "--quiet"]))
}

/// What tests measured is told at the end: a test that passes keeps its words to itself.
fn rust() -> Outcome {
    let figures = process::target_folder()?.join("figures.txt");
    if let Err(error) = std::fs::write(&figures, "") {
        return Err(Failure(format!("{} cannot be written: {error}", figures.display())));
    }
    let mut tests = process::cargo(&["test", "--workspace", "--quiet"]);
    tests.env("CORRENTE_FIGURES", &figures);
    process::run(tests)?;
    let told = std::fs::read_to_string(&figures).unwrap_or_default();
    println!("\nWhat the tests measured (in a debug build, on a busy machine):\n{told}");
    Ok(())
}

/// The built pages served by the real binary, in a real browser.
fn browser() -> Outcome {
    // With the tests, as the stage before built it: without them dependencies have other features and
    // would be built again.
    process::run(process::cargo(&["build", "--quiet", "--workspace", "--bins", "--tests"]))?;
    let city = City::start()?;
    let mut tests = portal::npm(&["run", "e2e", "--silent"]);
    tests
        .env("CORRENTE_URL", &city.url)
        .env("CORRENTE_BIN", process::target_folder()?.join("debug/corrente"));
    process::run(tests)
}

/// A small demo city that ends with its owner.
struct City {
    server: Child,
    url: String,
    data: std::path::PathBuf,
}

impl City {
    fn start() -> Result<Self, Failure> {
        let data = std::env::temp_dir().join(format!("corrente-browser-{}", std::process::id()));
        let binary = process::target_folder()?.join("debug/corrente");
        let mut command = process::command(&binary.to_string_lossy(), &["demo"]);
        command.args(["--listen", "127.0.0.1:0", "--homes", "12", "--data"]).arg(&data);
        let mut server = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Failure(format!("the demo city could not be started: {error}")))?;
        let lines = server.stdout.take().map(BufReader::new).map(BufRead::lines);
        for line in lines.into_iter().flatten().map_while(Result::ok) {
            if let Some(url) = line.strip_prefix("listening on ") {
                return Ok(Self { server, url: url.trim().to_owned(), data });
            }
        }
        server.wait().map_err(|error| Failure(format!("the demo city is gone: {error}")))?;
        Err(Failure("the demo city ended before it was ready".to_owned()))
    }
}

impl Drop for City {
    fn drop(&mut self) {
        if let Err(error) = self.server.kill().and_then(|()| self.server.wait().map(drop)) {
            eprintln!("the demo city could not be ended: {error}");
        }
        if let Err(error) = std::fs::remove_dir_all(&self.data) {
            eprintln!("{} could not be removed: {error}", self.data.display());
        }
    }
}
