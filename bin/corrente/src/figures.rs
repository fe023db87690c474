//! A data directory for tools that only read it: beside a running server from a copy of its ledger.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use corrente_clock::BusinessClock;
use corrente_ledger::{Ledger, LedgerOptions, SqliteLedger};
use corrente_live::LiveHub;
use corrente_mdm::Mdm;
use corrente_registry::Registry;

use crate::{
    data_directory::{DataDirectory, in_use, open_registry},
    failure::Failure,
};

/// What a tool computes figures from.
#[derive(Debug)]
pub(crate) struct Figures {
    registry: Registry,
    clock: BusinessClock,
    ledger: Arc<dyn Ledger>,
    /// Held so that no server starts on the directory meanwhile.
    _own: Option<DataDirectory>,
    _copy: Option<Copy>,
}

/// A folder that goes when it is dropped.
#[derive(Debug)]
struct Copy(PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        // It lies in the folder for temporary files: what stays is swept with it.
        drop(fs::remove_dir_all(&self.0));
    }
}

impl Figures {
    /// Opens the directory, or a copy of its ledger as of now when a server is using it.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        if !in_use(path) {
            let data = DataDirectory::open_existing(path)?;
            return Ok(Self {
                registry: data.registry.clone(),
                clock: data.clock.clone(),
                ledger: Arc::clone(&data.ledger),
                _own: Some(data),
                _copy: None,
            });
        }
        let (registry, clock) = open_registry(path)?;
        let folder = std::env::temp_dir().join(format!("corrente-{}", std::process::id()));
        fs::create_dir(&folder)
            .map_err(|error| Failure::of(format!("cannot make {}", folder.display()), error))?;
        let copy = Copy(folder);
        let file = copy.0.join("ledger.db");
        SqliteLedger::copy_of(&path.join("ledger.db"), &file)?;
        let ledger: Arc<dyn Ledger> =
            Arc::new(SqliteLedger::open(&file, LedgerOptions::default())?);
        Ok(Self { registry, clock, ledger, _own: None, _copy: Some(copy) })
    }

    /// The registry.
    pub(crate) const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The readings.
    pub(crate) fn ledger(&self) -> &dyn Ledger {
        self.ledger.as_ref()
    }

    /// Meter data management over it.
    pub(crate) fn mdm(&self) -> Mdm {
        let (registry, ledger) = (self.registry.clone(), Arc::clone(&self.ledger));
        Mdm::new(registry, ledger, self.clock.clone(), LiveHub::new())
    }
}
