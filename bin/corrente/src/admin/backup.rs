//! `corrente admin backup` and `restore`.

use std::{
    fs::{self, DirBuilder, Permissions},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use clap::Args;
use corrente_ledger::SqliteLedger;
use corrente_registry::Registry;

use crate::{
    data_directory::{DataDirectory, LEDGER, REGISTRY, in_use},
    failure::Failure,
    output::print,
};

/// Of files: when people were at home, and what they paid, is for the owner of the directory alone.
const PRIVATE: u32 = 0o600;
/// Of folders.
const PRIVATE_FOLDER: u32 = 0o700;

/// Options of `corrente admin backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupArguments {
    /// Data directory; a server may be using it
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// New folder for the backup
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

/// Options of `corrente admin restore`.
#[derive(Debug, Args)]
pub(crate) struct RestoreArguments {
    /// Folder of the backup
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// New data directory
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

/// Copies both databases while a server may go on working.
pub(super) fn backup(arguments: &BackupArguments) -> Result<(), Failure> {
    let (data, to) = (&arguments.data, &arguments.to);
    present(data)?;
    make_new(to, "the backup")?;
    // The ledger first: each channel of its readings is then in the registry's copy.
    SqliteLedger::copy_of(&data.join(LEDGER), &to.join(LEDGER))?;
    Registry::copy_of(&data.join(REGISTRY), &to.join(REGISTRY))?;
    // What is said to be copied is on the disk, names and all.
    for path in [to.join(REGISTRY), to.clone()] {
        let synced = fs::File::open(&path).and_then(|file| file.sync_all());
        synced.map_err(|error| Failure::of(format!("cannot write {}", path.display()), error))?;
    }
    print(&format!("{} copied to {}\n", data.display(), to.display()))
}

/// Makes a data directory of a backup, and opens it once to see that it is whole.
pub(super) fn restore(arguments: &RestoreArguments) -> Result<(), Failure> {
    let (from, data) = (&arguments.from, &arguments.data);
    present(from)?;
    if in_use(data) {
        return Err(Failure::new(format!(
            "{}: a server is using this directory; stop it and restore into a new one",
            data.display()
        )));
    }
    make_new(data, "the data directory")?;
    copy(from, data).and_then(|()| DataDirectory::open_existing(data).map(drop)).map_err(
        |failure| {
            empty(data);
            Failure::of(format!("nothing was restored from {}", from.display()), failure)
        },
    )?;
    print(&format!("{} restored from {}\n", data.display(), from.display()))
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    for name in [LEDGER, REGISTRY] {
        let target = to.join(name);
        let copied = fs::copy(from.join(name), &target)
            .and_then(|_| fs::set_permissions(&target, Permissions::from_mode(PRIVATE)));
        copied.map_err(|error| {
            Failure::of(format!("cannot copy {name} to {}", to.display()), error)
        })?;
    }
    Ok(())
}

/// Takes away what a restore left that did not succeed: the folder was empty before.
fn empty(path: &Path) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if let Err(error) = fs::remove_file(entry.path()) {
            tracing::warn!(%error, path = %entry.path().display(), "left by a failed restore");
        }
    }
}

fn present(path: &Path) -> Result<(), Failure> {
    for name in [LEDGER, REGISTRY] {
        if !path.join(name).is_file() {
            return Err(Failure::new(format!("{}: there is no {name} in it", path.display())));
        }
    }
    Ok(())
}

fn make_new(path: &Path, what: &str) -> Result<(), Failure> {
    let empty = fs::read_dir(path).map(|mut entries| entries.next().is_none());
    if matches!(empty, Ok(false)) {
        return Err(Failure::new(format!(
            "{}: {what} has to be a new or an empty folder, so that nothing is overwritten",
            path.display()
        )));
    }
    DirBuilder::new()
        .recursive(true)
        .mode(PRIVATE_FOLDER)
        .create(path)
        .map_err(|error| Failure::of(format!("cannot make {}", path.display()), error))
}
