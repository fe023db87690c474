//! Killed at any moment under full load: what was acknowledged is there, once.

use std::{
    env, fs,
    ops::Range,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use crate::load;

const FOLDER: &str = "CORRENTE_TROUBLE_FOLDER";
const NEXT: &str = "CORRENTE_TROUBLE_NEXT";
const UPTO: &str = "CORRENTE_TROUBLE_UPTO";
/// How often to kill; more on demand.
const KILLS: &str = "CORRENTE_KILLS";
/// Kills of one ledger. All of it is read after each, so that another one begins before that takes long.
const KILLS_EACH: u64 = 25;

/// This program again, as the one that writes.
pub(crate) fn child(folder: &Path, next: &[u64], upto: u64) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    let next: Vec<String> = next.iter().map(u64::to_string).collect();
    command
        .args(["--exact", "kill::writes_when_told_to", "--nocapture"])
        .env(FOLDER, folder)
        .env(NEXT, next.join(","))
        .env(UPTO, upto.to_string())
        .stdout(Stdio::null());
    command
}

/// The child's part. Without a folder in the environment there is nothing to do.
#[test]
fn writes_when_told_to() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let next: Vec<u64> =
        env::var(NEXT).unwrap().split(',').map(|number| number.parse().unwrap()).collect();
    load::run(Path::new(&folder), &next, env::var(UPTO).unwrap().parse().unwrap());
}

#[test]
fn nothing_acknowledged_is_lost_when_killed() {
    let kills: u64 = env::var(KILLS).ok().and_then(|n| n.parse().ok()).unwrap_or(20);
    let mut checked = 0;
    for first in (0..kills).step_by(usize::try_from(KILLS_EACH).unwrap()) {
        checked += kill_one(first..kills.min(first + KILLS_EACH));
    }
    println!("{kills} kills, {checked} acknowledged readings, none lost and none twice");
    assert!(checked > 0, "nothing was written: the test is too short for this machine");
}

/// Kills the writer of one ledger again and again, and answers how many readings it holds in the end.
fn kill_one(kills: Range<u64>) -> u64 {
    let folder = tempfile::TempDir::new().unwrap();
    let acks = folder.path().join("acks");
    let ledger = folder.path().join("ledger.db");
    let mut next = vec![0; usize::try_from(load::WRITERS).unwrap()];
    let mut checked = 0;
    for kill in kills {
        let mut writer: Child = child(folder.path(), &next, u64::MAX).spawn().unwrap();
        // The moment is random by nature; this only spreads it over start, replay and full load.
        let moment = Duration::from_millis(20 + kill.wrapping_mul(7919) % 380);
        thread::sleep(moment);
        writer.kill().unwrap();
        writer.wait().unwrap();
        // A machine under load may not have started writing yet.
        let noted = fs::read(&acks).unwrap_or_default();
        next = load::acknowledged(&noted);
        if ledger.exists() {
            checked = load::check(&ledger, &next).unwrap();
        }
    }
    checked
}
