//! Folders as they are to be installed, with the modes that they are to have.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::{Failure, Outcome, process};

/// Mode of what is run.
pub(super) const PROGRAM: u32 = 0o755;
/// Mode of what is read.
pub(super) const FILE: u32 = 0o644;

/// The documents at the root that belong to the book.
const ROOT_DOCUMENTS: [&str; 5] =
    ["README.md", "README.pt-BR.md", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE"];

/// The folder, with nothing in it.
pub(super) fn make_empty(folder: &Path) -> Outcome {
    if folder.exists() {
        remove(folder)?;
    }
    make(folder)
}

pub(super) fn remove(folder: &Path) -> Outcome {
    fs::remove_dir_all(folder).map_err(|error| said(folder, &error))
}

pub(super) fn remove_file(file: &Path) -> Outcome {
    fs::remove_file(file).map_err(|error| said(file, &error))
}

fn make(folder: &Path) -> Outcome {
    fs::create_dir_all(folder).map_err(|error| said(folder, &error))
}

/// Copies a file to its place.
pub(super) fn install(from: &Path, to: &Path, mode: u32) -> Outcome {
    if let Some(folder) = to.parent() {
        make(folder)?;
    }
    fs::copy(from, to).map_err(|error| said(from, &error))?;
    set_mode(to, mode)
}

/// Writes a text to its place.
pub(super) fn write(to: &Path, text: &str, mode: u32) -> Outcome {
    if let Some(folder) = to.parent() {
        make(folder)?;
    }
    fs::write(to, text).map_err(|error| said(to, &error))?;
    set_mode(to, mode)
}

fn set_mode(path: &Path, mode: u32) -> Outcome {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(|error| said(path, &error))
}

/// Copies a folder with all that git knows in it.
pub(super) fn copy(from: &Path, to: &Path) -> Outcome {
    let mut list = process::command("git", &["ls-files", "-z"]);
    list.current_dir(from);
    for name in process::output(list)?.split('\0').filter(|name| !name.is_empty()) {
        install(&from.join(name), &to.join(name), FILE)?;
    }
    Ok(())
}

/// The book: documents and their pictures.
pub(super) fn book(to: &Path) -> Outcome {
    let root = process::root();
    for name in ROOT_DOCUMENTS {
        install(&root.join(name), &to.join(name), FILE)?;
    }
    copy(&root.join("docs"), &to.join("docs"))
}

fn said(path: &Path, error: &std::io::Error) -> Failure {
    Failure(format!("{}: {error}", path.display()))
}
