//! The package and the archive as somebody else meets them: installed, started, removed. What stays is the
//! data.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::{Release, tree};
use crate::{Failure, Outcome, process};

/// Where a package may leave something, looked at one level deep; `/etc` and the units wholly.
const WATCHED: [&str; 9] = [
    "/opt",
    "/srv",
    "/usr/bin",
    "/usr/lib",
    "/usr/share",
    "/usr/share/doc",
    "/var/cache",
    "/var/lib",
    "/var/log",
];
const WATCHED_WHOLLY: [&str; 2] = ["/etc", "/lib/systemd/system"];
const DATA: &str = "/var/lib/corrente";

pub(super) fn run(release: &Release, archive: &Path, package: &Path) -> Outcome {
    unpacked(release, archive)?;
    if Path::new(DATA).exists() {
        return Err(Failure(format!(
            "{DATA} is there already: this check is for a machine on which Corrente is not used"
        )));
    }
    let before = files();
    process::run(dpkg(&["--install"], package))?;
    let outcome = installed();
    // Whatever came of it, the package goes again.
    process::run(process::command("dpkg", &["--remove", "corrente"]))?;
    outcome?;
    let config = Path::new("/etc/corrente/corrente.toml");
    if !config.is_file() {
        return Err(Failure("removing took the configuration, which only a purge may".to_owned()));
    }
    process::run(process::command("dpkg", &["--purge", "corrente"]))?;
    let left: Vec<String> =
        files().difference(&before).map(|path| path.display().to_string()).collect();
    let data = ["", "/ledger.db", "/registry.db"].map(|name| format!("{DATA}{name}"));
    let strange: Vec<&String> = left.iter().filter(|path| !path.starts_with(DATA)).collect();
    if !strange.is_empty() || data.iter().any(|path| !left.contains(path)) {
        return Err(Failure(format!("after a purge there should be the data alone: {left:?}")));
    }
    println!("After a purge there is left:\n  {}", left.join("\n  "));
    tree::remove(Path::new(DATA))?;
    println!("Installed, started, removed: only the data stayed.");
    Ok(())
}

/// The archive's program runs from where it was unpacked.
fn unpacked(release: &Release, archive: &Path) -> Outcome {
    let folder = release.folder.join("unpacked");
    tree::make_empty(&folder)?;
    let mut tar = process::command("tar", &["--extract", "--gzip", "--file"]);
    tar.arg(archive).arg("--directory").arg(&folder);
    process::run(tar)?;
    let program = folder.join(release.name()).join("corrente");
    let linked = process::output({
        let mut file = process::command("file", &["--brief"]);
        file.arg(&program);
        file
    })?;
    println!("The program: {}", linked.trim());
    process::run(process::command(&program.to_string_lossy(), &["--version"]))?;
    tree::remove(&folder)
}

fn installed() -> Outcome {
    if process::exists("systemd-analyze") {
        process::run(process::command(
            "systemd-analyze",
            &["verify", "/lib/systemd/system/corrente.service"],
        ))?;
    }
    let connect = "127.0.0.1:4993";
    let server = Service::start(connect)?;
    process::run(process::command(
        "/usr/bin/corrente",
        &["health", "--ready", "--wait", "30", "--connect", connect],
    ))?;
    process::run(process::command(
        "/usr/bin/corrente",
        &["admin", "tariff", "add", "--data", DATA, "/usr/share/corrente/tariffs/flat-040.toml"],
    ))?;
    server.stop()
}

/// What the unit runs, on a machine where no systemd does.
struct Service(Child);

impl Service {
    fn start(listen: &str) -> Result<Self, Failure> {
        let mut serve = process::command("/usr/bin/corrente", &["serve", "--listen", listen]);
        serve.args(["--config", "/etc/corrente/corrente.toml", "--data", DATA]);
        let child = serve.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        child
            .map(Self)
            .map_err(|error| Failure(format!("/usr/bin/corrente could not be started: {error}")))
    }

    fn stop(mut self) -> Outcome {
        process::run(process::command("kill", &[&self.0.id().to_string()]))?;
        match self.0.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Failure(format!("the server ended with {status}"))),
            Err(error) => Err(Failure(format!("the server cannot be waited for: {error}"))),
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // After `stop` it is gone already.
        if matches!(self.0.try_wait(), Ok(None)) && self.0.kill().is_ok() {
            drop(self.0.wait());
        }
    }
}

fn dpkg(arguments: &[&str], package: &Path) -> Command {
    let mut dpkg = process::command("dpkg", arguments);
    dpkg.arg(package);
    dpkg
}

/// Every path in the watched folders.
fn files() -> BTreeSet<PathBuf> {
    let mut found: BTreeSet<PathBuf> = WATCHED.iter().flat_map(entries).collect();
    let mut folders: Vec<PathBuf> = WATCHED_WHOLLY.iter().map(PathBuf::from).collect();
    folders.push(PathBuf::from(DATA));
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            if path.is_dir() && !path.is_symlink() {
                folders.push(path.clone());
            }
            found.insert(path);
        }
    }
    found
}

/// A folder that is not there, or cannot be read, has nothing of ours.
fn entries(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}
