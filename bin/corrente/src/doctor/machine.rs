//! The machine: its clock, its limits.

use std::fs;

use corrente_clock::wall_clock;
use corrente_metering::{Calendar, Timestamp};

use super::Findings;
use crate::failure::Failure;

/// Before this instant (2024-01-01) a machine's clock is certainly wrong.
const EARLIEST: Timestamp = Timestamp::from_second(1_704_067_200);
/// Descriptors below which a fleet of meters is refused too early.
const DESCRIPTORS: u64 = 4_096;

pub(super) fn look(found: &mut Findings, connections: u32) -> Result<(), Failure> {
    let now = wall_clock();
    if now < EARLIEST {
        found.bad(
            &format!("the clock of this machine says {now}"),
            "set it, for example with NTP",
        )?;
    } else {
        found.good(&format!("clock: {now}; time zones: {}", Calendar::database_version()))?;
    }
    match descriptors() {
        Some(limit) if limit < DESCRIPTORS.min(u64::from(connections)) => found.note(&format!(
            "a process may open {limit} files at most: each meter needs one; raise it with `ulimit -Hn` or \
             LimitNOFILE"
        )),
        Some(limit) => found.good(&format!("a process may open {limit} files")),
        None => Ok(()),
    }
}

/// The hard limit: the server raises its own to it.
fn descriptors() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(4)?.parse().ok()
}
