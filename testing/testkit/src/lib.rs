//! What tests share: the real server as a process, and the folder of real meter data where it is.

pub mod fuzz;
mod server;
mod small_disk;

use std::{
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
};

pub use server::{Server, ServerError};
pub use small_disk::SmallDisk;

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

/// Tells a figure that a test measured: on standard output, which a test that passes keeps to itself, and
/// at the end of the file that `CORRENTE_FIGURES` names, which `cargo xtask test` prints.
#[expect(clippy::print_stdout, reason = "a test talks to its terminal")]
pub fn figure(text: &str) {
    println!("{text}");
    let Some(path) = std::env::var_os("CORRENTE_FIGURES") else { return };
    let written = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|mut file| file.write_all(format!("{text}\n").as_bytes()));
    if let Err(error) = written {
        println!("{} cannot be written: {error}", path.display());
    }
}

/// The root of the repository.
pub fn repository() -> Option<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.parent()
}
