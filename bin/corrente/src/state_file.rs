//! Where a meter's state lies when nobody says: one file per server, and a further one for each meter
//! that runs beside another.

use std::{
    env,
    path::{Path, PathBuf},
};

use corrente_meter::{MeterState, StateError};

use crate::failure::Failure;

/// The folder for state files: `$XDG_STATE_HOME/corrente`, or `~/.local/state/corrente`.
pub(crate) fn folder() -> Result<PathBuf, Failure> {
    let given = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".local/state"));
    given.or_else(home).map(|folder| folder.join("corrente")).ok_or_else(|| {
        Failure::new(
            "neither XDG_STATE_HOME nor HOME is set: say with --state where to keep the state",
        )
    })
}

/// A name for a file out of `host:port` and the like.
pub(crate) fn file_name(prefix: &str, server: &str) -> String {
    let server: String = server
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' })
        .collect();
    format!("{prefix}-{server}")
}

/// Opens the state in `given`, or the first that is free of those kept for this server.
pub(crate) fn open(given: Option<&Path>, server: &str) -> Result<MeterState, Failure> {
    if let Some(path) = given {
        return Ok(MeterState::open(path)?);
    }
    let folder = folder()?;
    let name = file_name("meter", server);
    let mut number = 1;
    loop {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        match MeterState::open(&folder.join(format!("{name}{suffix}.state"))) {
            Err(StateError::InUse { .. }) if number < 1000 => number += 1,
            opened => return Ok(opened?),
        }
    }
}
