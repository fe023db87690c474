//! `cargo xtask golden`: freezes a data directory of this version, so that later ones prove that they open it.
//!
//! Every version is given the same two homes, the same readings and the same month, by its own commands.
//! What is kept is small: `registry.db.gz`, `ledger.db.gz`, and what `export usage`, `export bills` and
//! `bill replay` say of it.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use clap::Args;

use crate::{Failure, Outcome, process};

/// Where they are kept.
const FOLDER: &str = "testing/golden";
/// The bills of May 2026 are due to be made.
const CLOCK: [&str; 2] = ["--simulate-clock", "2026-06-02T12:00:00Z@1"];
const PATIENCE: Duration = Duration::from_mins(1);
/// Where the schema's number stands in an SQLite file.
const SCHEMA_AT: usize = 60;

const TARIFF: &str = r#"form = "corrente.tariff/1"
code = "golden"
version = "1"
name = "Golden"
currency = "BRL"
valid_from = 2020-01-01

[[energy]]
code = "energy"
label = "Energy"
price = 0.62

[[fixed]]
code = "standing"
label = "Standing charge"
per = "month"
price = 9.90
"#;

const MAP: &str = r#"[columns]
id = "meter"
time = "hour"
value = "kwh"

[time]
format = "%Y-%m-%d %H:%M"
zone = "America/Bahia"
label = "start"

[value]
unit = "kWh"

[meter]
interval_seconds = 3600
"#;

#[derive(Args)]
pub(crate) struct Options {
    /// Let this program make the data, of an older version for example, instead of the one at hand.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// The program that makes the data, and where.
struct Maker {
    program: PathBuf,
    folder: PathBuf,
}

pub(crate) fn run(options: &Options) -> Outcome {
    // With the tests, as they build it: without them dependencies have other features.
    let build = ["build", "--quiet", "--package", "corrente", "--bins", "--tests"];
    process::run(process::cargo(&build))?;
    let target = process::target_folder()?;
    let own = target.join("debug/corrente");
    let program = options.binary.clone().unwrap_or_else(|| own.clone());
    let folder = target.join("golden");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| said(&folder, &error))?;
    }
    fs::create_dir_all(&folder).map_err(|error| said(&folder, &error))?;
    let maker = Maker { program, folder };
    maker.town()?;
    let data = maker.folder.join("data");
    let (registry, ledger) = (schema(&data.join("registry.db"))?, schema(&data.join("ledger.db"))?);
    let kept = process::root().join(FOLDER).join(format!("registry-{registry}-ledger-{ledger}"));
    fs::create_dir_all(&kept).map_err(|error| said(&kept, &error))?;
    for name in ["registry.db", "ledger.db"] {
        // Packed before anything newer has opened it.
        let packed = Command::new("gzip")
            .args(["-9", "--no-name", "--stdout"])
            .arg(data.join(name))
            .output()
            .map_err(|error| said(Path::new("gzip"), &error))?;
        write(&kept.join(format!("{name}.gz")), &packed.stdout)?;
    }
    // What is to be expected of it is said by the version at hand, and looked at by whoever commits it.
    let now = Maker { program: own, folder: maker.folder };
    let usage = ["export", "usage", "--from", "2026-05-01", "--to", "2026-05-31", "--step", "day"];
    write(&kept.join("usage.csv"), now.output(&usage)?.as_bytes())?;
    write(&kept.join("bills.csv"), now.output(&["export", "bills"])?.as_bytes())?;
    let mut replayed = String::new();
    for number in ["000001", "000002"] {
        replayed.push_str(&now.output(&["bill", "replay", number])?);
    }
    write(&kept.join("replay.txt"), replayed.as_bytes())?;
    println!("Frozen in {}: look at its figures and commit it.", kept.display());
    Ok(())
}

impl Maker {
    /// Two homes: their readings of May, one of them contradicted later, and their bills.
    fn town(&self) -> Outcome {
        let hours = |meter: &str, kwh: &str| {
            let hours = (1..=31).flat_map(|day| (0..24).map(move |hour| (day, hour)));
            let rows: Vec<String> = hours
                .map(|(day, hour)| format!("{meter},2026-05-{day:02} {hour:02}:00,{kwh}\n"))
                .collect();
            format!("meter,hour,kwh\n{}", rows.concat())
        };
        for (name, text) in [
            ("tariff.toml", TARIFF),
            ("map.toml", MAP),
            ("customers.csv", "number,name,email\n1,Ana,ana@example.org\n2,Rui,rui@example.org\n"),
            ("points.csv", "name,customer\nG-1,1\nG-2,2\n"),
            (
                "agreements.csv",
                "usage_point,tariff,from\nG-1,golden,2026-05-01\nG-2,golden,2026-05-01\n",
            ),
            ("one.csv", &hours("G-1", "0.125")),
            ("two.csv", &hours("G-2", "0.250")),
            ("contradiction.csv", "meter,hour,kwh\nG-1,2026-05-07 07:00,0.999\n"),
        ] {
            write(&self.folder.join(name), text.as_bytes())?;
        }
        let mut server = self.serve()?;
        self.output(&[
            "admin",
            "organisation",
            "set",
            "--name",
            "Golden",
            "--zone",
            "America/Bahia",
        ])?;
        self.output(&["admin", "tariff", "add", "tariff.toml"])?;
        self.output(&[
            "admin",
            "import",
            "--customers",
            "customers.csv",
            "--usage-points",
            "points.csv",
            "--agreements",
            "agreements.csv",
        ])?;
        for (point, file) in [("G-1", "one.csv"), ("G-2", "two.csv")] {
            let from = ["--installed-from", "2026-05-01"];
            let token = [&["admin", "token", "create", "--usage-point", point][..], &from].concat();
            let token = self.output(&token)?;
            self.replay(&server, file, Some(token.trim()))?;
        }
        self.replay(&server, "contradiction.csv", None)?;
        server.stop()?;
        // Bills of a month that is over are made when the server starts.
        let mut server = self.serve()?;
        let begun = Instant::now();
        while self.output(&["bill", "replay", "000002"]).is_err() {
            if begun.elapsed() > PATIENCE {
                return Err(Failure("no bills were made".to_owned()));
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        server.stop()
    }

    fn replay(&self, server: &Server, file: &str, token: Option<&str>) -> Outcome {
        let mut replay =
            self.command(&["replay", file, "--map", "map.toml", "--state", "replay.json"]);
        replay.args(["--connect", &server.address]);
        if let Some(token) = token {
            replay.args(["--token", token]);
        }
        process::output(replay).map(drop)
    }

    fn serve(&self) -> Result<Server, Failure> {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0", "--data", "data"]);
        let mut child = command
            .args(CLOCK)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| said(&self.program, &error))?;
        let lines = child.stdout.take().map(BufReader::new).map(BufRead::lines);
        for line in lines.into_iter().flatten().map_while(Result::ok) {
            if let Some(url) = line.strip_prefix("listening on http://") {
                return Ok(Server { child, address: url.trim().to_owned() });
            }
        }
        Err(Failure(format!("{} did not come up", self.program.display())))
    }

    /// What a command says of the directory.
    fn output(&self, arguments: &[&str]) -> Result<String, Failure> {
        let mut command = self.command(arguments);
        command.args(["--data", "data"]);
        process::output(command)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = process::command(&self.program.to_string_lossy(), arguments);
        command.current_dir(&self.folder);
        command
    }
}

/// A server that ends with its owner.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn stop(&mut self) -> Outcome {
        process::run(process::command("kill", &[&self.child.id().to_string()]))?;
        let ended = self.child.wait().map_err(|error| said(Path::new("the server"), &error))?;
        if ended.success() { Ok(()) } else { Err(Failure(format!("the server ended: {ended}"))) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has usually ended.
        if self.child.kill().is_ok() {
            self.child.wait().ok();
        }
    }
}

fn schema(file: &Path) -> Result<u32, Failure> {
    let bytes = fs::read(file).map_err(|error| said(file, &error))?;
    bytes
        .get(SCHEMA_AT..)
        .and_then(<[u8]>::first_chunk)
        .map(|number| u32::from_be_bytes(*number))
        .ok_or_else(|| Failure(format!("{} is too short", file.display())))
}

fn write(path: &Path, bytes: &[u8]) -> Outcome {
    fs::write(path, bytes).map_err(|error| said(path, &error))
}

fn said(path: &Path, error: &std::io::Error) -> Failure {
    Failure(format!("{}: {error}", path.display()))
}
