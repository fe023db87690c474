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

/// A stage, and the minutes above which it is too slow for people to run it often.
struct Stage {
    name: &'static str,
    minutes: u64,
    run: fn() -> Outcome,
}

const STAGES: [Stage; 7] = [
    Stage { name: "packages", minutes: 10, run: install },
    Stage { name: "format", minutes: 1, run: format },
    Stage { name: "portal", minutes: 5, run: check_portal },
    Stage { name: "lints", minutes: 15, run: lint },
    Stage { name: "rules", minutes: 5, run: rules },
    Stage { name: "rust", minutes: 20, run: rust },
    Stage { name: "browser", minutes: 8, run: browser },
];

pub(crate) fn run(options: &Options) -> Outcome {
    if let Some(only) = &options.only
        && !STAGES.iter().any(|stage| stage.name == only)
    {
        let names: Vec<&str> = STAGES.iter().map(|stage| stage.name).collect();
        return Err(Failure(format!("there is no stage `{only}`: use {}", names.join(", "))));
    }
    let mut table = Vec::new();
    let mut failure = None;
    for stage in &STAGES {
        if options.only.as_ref().is_some_and(|only| only != stage.name) {
            continue;
        }
        println!("\n── {} ──", stage.name);
        let start = Instant::now();
        let outcome = (stage.run)();
        let took = start.elapsed();
        table.push((stage.name, took));
        let slow = took > Duration::from_secs(stage.minutes * 60);
        failure = match outcome {
            Err(failure) => Some(failure),
            Ok(()) if slow => Some(Failure(format!(
                "stage {} took {} s, more than its {} minutes",
                stage.name,
                took.as_secs(),
                stage.minutes
            ))),
            Ok(()) => None,
        };
        if failure.is_some() {
            break;
        }
    }
    println!("\nSeconds per stage:");
    for (name, took) in &table {
        println!("  {name:<9} {:>5}", took.as_secs());
    }
    failure.map_or_else(
        || {
            println!("\nAll of it passed.");
            Ok(())
        },
        Err,
    )
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

fn rust() -> Outcome {
    process::run(process::cargo(&["test", "--workspace", "--quiet"]))
}

/// The built pages served by the real binary, in a real browser.
fn browser() -> Outcome {
    // The whole workspace, as the tests built it: one package alone has other features, so that its
    // dependencies would be built again.
    process::run(process::cargo(&["build", "--quiet", "--workspace", "--bins"]))?;
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
