//! The portal's packages and build.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    Failure, Outcome,
    process::{self, exists, root},
};

/// The oldest Node.js that the portal's tools run on.
const NODE_MAJOR: u32 = 20;

/// `npm` in the portal's folder.
pub(crate) fn npm(arguments: &[&str]) -> Command {
    let mut command = process::command("npm", arguments);
    command.current_dir(folder()).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    command
}

fn folder() -> PathBuf {
    root().join("portal")
}

/// Installs the packages of the lock file when they are not those that are there.
pub(crate) fn install() -> Outcome {
    if !exists("node") || !exists("npm") {
        return Err(Failure(format!(
            "Node.js is missing: install Node.js {NODE_MAJOR} or newer with npm, then call this again"
        )));
    }
    let version = process::output(process::command("node", &["--version"]))?;
    let major = version.trim().trim_start_matches('v').split('.').next().unwrap_or_default();
    if major.parse::<u32>().is_ok_and(|major| major < NODE_MAJOR) {
        return Err(Failure(format!(
            "Node.js {} is too old for the portal: install {NODE_MAJOR} or newer",
            version.trim()
        )));
    }
    let stamp = folder().join("node_modules/.corrente-lock");
    let lock = fs::read(folder().join("package-lock.json"))
        .map_err(|error| Failure(format!("portal/package-lock.json cannot be read: {error}")))?;
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    process::run(npm(&["ci", "--no-audit", "--no-fund", "--loglevel=error"]))?;
    fs::write(&stamp, lock)
        .map_err(|error| Failure(format!("{} cannot be written: {error}", stamp.display())))
}

/// Builds the pages into `portal/dist`, from where the server takes them.
pub(crate) fn build() -> Outcome {
    process::run(npm(&["run", "build", "--silent"]))
}
