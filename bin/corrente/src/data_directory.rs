//! A data directory: two databases, a lock, and the choice of clock.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    sync::Arc,
};

use corrente_clock::{BusinessClock, ClockMode};
use corrente_ledger::{Ledger, LedgerOptions, SqliteLedger};
use corrente_metering::Timestamp;
use corrente_registry::{Registry, RegistryError, meters, settings};

use crate::failure::Failure;

pub(crate) const REGISTRY: &str = "registry.db";
pub(crate) const LEDGER: &str = "ledger.db";
const CLOCK: &str = "clock.mode";
const CLOCK_REACHED: &str = "clock.reached_s";

/// An open data directory. Nobody else opens it while this lives.
#[derive(Debug)]
pub(crate) struct DataDirectory {
    pub(crate) registry: Registry,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) clock: BusinessClock,
    _lock: File,
}

impl DataDirectory {
    /// Opens the directory, makes it when it is missing, and settles which clock it runs by.
    pub(crate) fn open(
        path: &Path,
        mode: ClockMode,
        options: LedgerOptions,
    ) -> Result<Self, Failure> {
        make(path)?;
        Self::open_locked(path, lock(path)?, Some(mode), options)
    }

    /// Opens a directory that must be there already, by the clock that it has.
    pub(crate) fn open_existing(path: &Path) -> Result<Self, Failure> {
        if !path.join(REGISTRY).exists() {
            return Err(no_data(path));
        }
        Self::open_locked(path, lock(path)?, None, LedgerOptions::default())
    }

    /// With the lock in hand, so that no server of an older version works on what is brought to the
    /// newest schema here.
    fn open_locked(
        path: &Path,
        lock: File,
        mode: Option<ClockMode>,
        options: LedgerOptions,
    ) -> Result<Self, Failure> {
        for name in [REGISTRY, LEDGER] {
            private(&path.join(name))?;
        }
        let registry = Registry::open(path.join(REGISTRY))?;
        let mode = match mode {
            Some(mode) => mode,
            None => registry.read_blocking(stored_clock)?.unwrap_or(ClockMode::Real),
        };
        let clock = settle_clock(&registry, path, mode)?;
        let ledger: Arc<dyn Ledger> = Arc::new(SqliteLedger::open(&path.join(LEDGER), options)?);
        // A channel is made in the registry first: after a crash in between, the ledger learns of it here.
        let specs = registry.read_blocking(meters::all_channel_specs)?;
        ledger.open_channels(&specs)?;
        Ok(Self { registry, ledger, clock, _lock: lock })
    }

    /// Keeps how far a simulated clock has run, so that business time never runs backwards.
    pub(crate) fn keep_clock(&self) -> Result<(), Failure> {
        if !self.clock.is_simulated() {
            return Ok(());
        }
        let now = self.clock.now().second().to_string();
        Ok(self.registry.write_blocking(move |tx| settings::set(tx, CLOCK_REACHED, &now))?)
    }
}

/// Is a server, or another program of ours, using the directory now?
pub(crate) fn in_use(path: &Path) -> bool {
    File::open(path.join("lock")).is_ok_and(|lock| lock.try_lock_shared().is_err())
}

/// The registry of a directory that may be in use by a running server: commands of an administrator
/// work beside it. A server of another version is left in peace; without a server the directory is brought
/// to this program's schema first.
pub(crate) fn open_registry(path: &Path) -> Result<(Registry, BusinessClock), Failure> {
    let registry = match look_at_registry(path) {
        Ok(opened) => return Ok(opened),
        Err(Look::Failed(failure)) => return Err(failure),
        Err(Look::Older(why)) if in_use(path) => {
            return Err(Failure::of(
                "a server of an older version is using this directory: stop it, or use its own version of \
                 this command",
                why,
            ));
        }
        Err(Look::Older(_)) => {
            let _lock = lock(path)?;
            Registry::open(path.join(REGISTRY))?
        }
    };
    with_clock(registry)
}

/// Why a registry cannot be looked at as it is.
#[derive(Debug)]
pub(crate) enum Look {
    /// It has an older schema, in a sentence.
    Older(String),
    /// Something else.
    Failed(Failure),
}

/// The registry of a directory, which is left as it is.
pub(crate) fn look_at_registry(path: &Path) -> Result<(Registry, BusinessClock), Look> {
    let file = path.join(REGISTRY);
    if !file.exists() {
        return Err(Look::Failed(no_data(path)));
    }
    match Registry::open_as_is(file) {
        Ok(registry) => with_clock(registry).map_err(Look::Failed),
        Err(error @ RegistryError::Older { .. }) => Err(Look::Older(error.to_string())),
        Err(error) => Err(Look::Failed(error.into())),
    }
}

fn with_clock(registry: Registry) -> Result<(Registry, BusinessClock), Failure> {
    let mode = registry.read_blocking(stored_clock)?.unwrap_or(ClockMode::Real);
    let clock = match mode {
        ClockMode::Real => BusinessClock::real(),
        ClockMode::Simulated { .. } => BusinessClock::stopped_at(
            registry.read_blocking(reached)?.unwrap_or_else(|| BusinessClock::new(mode).now()),
        ),
    };
    Ok((registry, clock))
}

/// Makes a file that is not there yet, for this user's eyes alone.
fn private(file: &Path) -> Result<(), Failure> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(Failure::of(format!("cannot make {}", file.display()), error))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

fn no_data(path: &Path) -> Failure {
    Failure::new(format!(
        "{}: no data directory of Corrente there (`corrente serve --data {}` makes one)",
        path.display(),
        path.display()
    ))
}

fn make(path: &Path) -> Result<(), Failure> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
        Failure::new(format!(
            "{}: the data directory cannot be made ({error}); choose another with --data, or make it for this user",
            path.display()
        ))
    })
}

fn lock(path: &Path) -> Result<File, Failure> {
    let name = path.join("lock");
    let open = |name: &Path| -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(name)
    };
    let mut file = open(&name).map_err(|error| {
        Failure::new(format!(
            "{}: the data directory cannot be written ({error}); choose another with --data, or give it to this user",
            path.display()
        ))
    })?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Who holds it is only for the sentence.
            drop(file.read_to_string(&mut holder));
            let holder = holder.trim();
            let holder =
                if holder.is_empty() { String::new() } else { format!(" (process {holder})") };
            return Err(Failure::new(format!(
                "{}: another corrente{holder} is using this data directory; stop it, or choose another with --data",
                path.display()
            )));
        }
        Err(TryLockError::Error(error)) => {
            return Err(Failure::of(format!("cannot lock {}", path.display()), error));
        }
    }
    let noted = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    noted.map_err(|error| {
        Failure::new(format!(
            "{}: the data directory cannot be written ({error}); make room on the disk or choose another with --data",
            path.display()
        ))
    })?;
    Ok(file)
}

fn stored_clock(tx: &mut corrente_registry::Tx) -> Result<Option<ClockMode>, RegistryError> {
    Ok(settings::get(tx, CLOCK)?.and_then(|text| serde_json::from_str(&text).ok()))
}

fn reached(tx: &mut corrente_registry::Tx) -> Result<Option<Timestamp>, RegistryError> {
    let text = settings::get(tx, CLOCK_REACHED)?;
    Ok(text.and_then(|text| text.parse().ok()).map(Timestamp::from_second))
}

fn settle_clock(
    registry: &Registry,
    path: &Path,
    mode: ClockMode,
) -> Result<BusinessClock, Failure> {
    let refuse = |has: &str, wanted: &str, fix: &str| {
        Err(Failure::new(format!(
            "{}: this data directory runs in {has} time and cannot go on in {wanted} time; {fix}",
            path.display()
        )))
    };
    let mode = match (registry.read_blocking(stored_clock)?, mode) {
        (Some(ClockMode::Real), ClockMode::Simulated { .. }) => {
            return refuse(
                "real",
                "simulated",
                "leave --simulate-clock out, or choose an empty --data",
            );
        }
        (Some(ClockMode::Simulated { .. }), ClockMode::Real) => {
            return refuse(
                "simulated",
                "real",
                "give --simulate-clock as before, or choose an empty --data",
            );
        }
        (Some(ClockMode::Simulated { .. }), ClockMode::Simulated { start, factor }) => {
            // It goes on where it stopped: business time never runs backwards.
            let reached = registry.read_blocking(reached)?.unwrap_or(start);
            ClockMode::Simulated { start: start.max(reached), factor }
        }
        (Some(ClockMode::Real) | None, mode) => mode,
    };
    let text = serde_json::to_string(&mode)
        .map_err(|error| Failure::of("cannot keep the clock", error))?;
    registry.write_blocking(move |tx| settings::set(tx, CLOCK, &text))?;
    Ok(BusinessClock::new(mode))
}

/// `START@FACTOR`: an RFC 3339 instant and business seconds per real second.
pub(crate) fn parse_clock(text: &str) -> Result<ClockMode, Failure> {
    let wrong = || {
        Failure::new(format!(
            "clock.simulate is `{text}`: START@FACTOR is expected, for example 2026-01-01T00:00:00Z@60"
        ))
    };
    let (start, factor) = text.rsplit_once('@').ok_or_else(wrong)?;
    let start: jiff::Timestamp = start.parse().map_err(|_| wrong())?;
    let factor: u32 = factor.parse().ok().filter(|f| (1..=86_400).contains(f)).ok_or_else(wrong)?;
    Ok(ClockMode::Simulated { start: start.into(), factor })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path, mode: ClockMode) -> Result<DataDirectory, String> {
        DataDirectory::open(path, mode, LedgerOptions::default()).map_err(|f| f.to_string())
    }

    #[test]
    fn one_process_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/data");
        let first = open(&path, ClockMode::Real).unwrap();
        let error = open(&path, ClockMode::Real).unwrap_err();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(first);
        open(&path, ClockMode::Real).unwrap();
    }

    #[test]
    fn the_clock_stays_as_it_was_chosen() {
        let dir = tempfile::tempdir().unwrap();
        let simulated = parse_clock("2026-01-01T00:00:00Z@60").unwrap();
        let (real, simulation) = (dir.path().join("real"), dir.path().join("simulated"));
        drop(open(&real, ClockMode::Real).unwrap());
        let error = open(&real, simulated).unwrap_err();
        assert!(error.contains("real time and cannot go on in simulated time"), "{error}");
        let first = open(&simulation, simulated).unwrap();
        assert!(first.clock.advance(86_400));
        first.keep_clock().unwrap();
        drop(first);
        assert!(open(&simulation, ClockMode::Real).unwrap_err().contains("--simulate-clock"));
        let again = open(&simulation, simulated).unwrap();
        assert!(again.clock.now().to_string().starts_with("2026-01-02"), "{}", again.clock.now());
    }

    #[test]
    fn a_wrong_clock_says_what_is_expected() {
        for text in ["", "2026-01-01", "2026-01-01T00:00:00Z@0", "2026-01-01T00:00:00Z@x", "now@60"]
        {
            let error = parse_clock(text).unwrap_err().to_string();
            assert!(error.contains("2026-01-01T00:00:00Z@60"), "{text}: {error}");
        }
    }
}
