//! What tests share: the real server as a process, and the folder of real meter data where it is.

mod server;

use std::path::{Path, PathBuf};

pub use server::{Server, ServerError};

/// The folder of real meter data, where this machine has it: `CORRENTE_SHARED_DATA`, or
/// `../shared/data` beside the repository. A test that finds none says that it was skipped.
pub fn shared_data() -> Option<PathBuf> {
    let beside = || Some(repository()?.parent()?.join("shared/data"));
    std::env::var_os("CORRENTE_SHARED_DATA")
        .map(PathBuf::from)
        .or_else(beside)
        .filter(|folder| folder.is_dir())
}

/// The folder of billing facts and test vectors, likewise.
pub fn shared_vectors() -> Option<PathBuf> {
    shared_data()?.parent().map(|shared| shared.join("domain/vectors")).filter(|f| f.is_dir())
}

/// The root of the repository.
pub fn repository() -> Option<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.parent()
}
