//! The data directory, its disk and its ledger.

use std::{fs, path::Path};

use corrente_ledger::SqliteLedger;

use super::Findings;
use crate::{
    data_directory::{LEDGER, in_use},
    failure::Failure,
};

/// Free bytes below which nothing is written much longer.
const FULL: u64 = 64 << 20;
/// Free bytes below which somebody should think of a larger disk: a backup has no room either.
const NARROW: u64 = 1 << 30;

/// Says whether a server is using the directory.
pub(super) fn look(found: &mut Findings, path: &Path) -> Result<bool, Failure> {
    if !path.is_dir() {
        found.bad(
            &format!("{} is no directory", path.display()),
            "`corrente serve --data` makes one, or give the right one",
        )?;
        return Ok(false);
    }
    let probe = path.join("doctor.probe");
    match fs::write(&probe, b"probe").and_then(|()| fs::remove_file(&probe)) {
        Ok(()) => found.good(&format!("{} can be written", path.display()))?,
        Err(error) => found.bad(
            &format!("{} cannot be written ({error})", path.display()),
            "give it to the user of the server, or make room on the disk",
        )?,
    }
    space(found, path)?;
    let running = in_use(path);
    let process = fs::read_to_string(path.join("lock")).unwrap_or_default();
    if running {
        found.good(&format!("a server is using it (process {})", process.trim()))?;
    } else {
        found.note("no server is using it")?;
    }
    Ok(running)
}

fn space(found: &mut Findings, path: &Path) -> Result<(), Failure> {
    let Ok(disk) = rustix::fs::statvfs(path) else { return Ok(()) };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let said = format!("{} MB are free on its disk", free >> 20);
    match Room::of(free) {
        Room::Enough => found.good(&said),
        Room::Narrow => found.note(&format!("{said}: make room, or plan a larger one")),
        Room::Full => found.bad(&said, "make room before readings are refused"),
    }
}

/// How much room there is.
#[derive(Debug, PartialEq, Eq)]
enum Room {
    Enough,
    Narrow,
    Full,
}

impl Room {
    const fn of(free: u64) -> Self {
        match free {
            0..FULL => Self::Full,
            FULL..NARROW => Self::Narrow,
            _ => Self::Enough,
        }
    }
}

/// The ledger's file.
pub(super) fn ledger(found: &mut Findings, path: &Path) -> Result<(), Failure> {
    let file = path.join(LEDGER);
    if !file.exists() {
        return if path.is_dir() {
            found.bad(
                &format!("there is no {LEDGER} in {}", path.display()),
                "restore it from a backup, or let `corrente serve` make one if nothing was ever read",
            )
        } else {
            Ok(())
        };
    }
    match SqliteLedger::look(&file) {
        Err(error) => found.wrong(&error.to_string()),
        Ok(ledger) => found.good(&format!(
            "ledger: {} channels, {} blocks, {} kB, schema {}{}",
            ledger.channels,
            ledger.blocks,
            ledger.bytes / 1024,
            ledger.schema,
            if ledger.read_whole { ", every page read" } else { "; too large to read as a whole" }
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_full_before_it_is_full() {
        for (free, room) in
            [(0, Room::Full), (FULL - 1, Room::Full), (FULL, Room::Narrow), (NARROW, Room::Enough)]
        {
            assert_eq!(Room::of(free), room, "{free}");
        }
    }
}
