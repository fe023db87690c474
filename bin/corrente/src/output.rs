//! What tools read and print.

use std::{
    fs,
    io::{self, Read, Write, stdin, stdout},
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::failure::Failure;

/// A text file; `-` is standard input.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    let read = if path == Path::new("-") {
        let mut text = String::new();
        stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(path)
    };
    read.map_err(|error| Failure::of(format!("cannot read {}", path.display()), error))
}

/// Prints a value as JSON on standard output.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let mut text =
        serde_json::to_string_pretty(value).map_err(|error| Failure::of("cannot print", error))?;
    text.push('\n');
    print(&text)
}

/// Prints text; a reader that has gone away is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    match stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::of("cannot print", error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Does something with each file; one that cannot be read is named on standard error and keeps no
/// other from its turn. Returns how many could not be read.
#[expect(clippy::print_stderr, reason = "names what went wrong beside the results")]
pub(crate) fn each_file(
    files: &[PathBuf],
    mut turn: impl FnMut(&Path) -> Result<(), Failure>,
) -> usize {
    let mut unread = 0;
    for file in files {
        if let Err(failure) = turn(file) {
            eprintln!("corrente: {failure}");
            unread += 1;
        }
    }
    unread
}

/// Success, or how many of how many differ.
pub(crate) fn differing(bad: usize, of: usize, what: &str) -> Result<(), Failure> {
    differing_or_unread(bad, of, what, 0)
}

/// Success, or how many of how many differ and how many files could not be read.
pub(crate) fn differing_or_unread(
    bad: usize,
    of: usize,
    what: &str,
    unread: usize,
) -> Result<(), Failure> {
    let mut said = Vec::new();
    if bad > 0 {
        said.push(format!("{bad} of {of} {what}"));
    }
    if unread > 0 {
        said.push(format!("{unread} files could not be read"));
    }
    if said.is_empty() { Ok(()) } else { Err(Failure::new(said.join(", "))) }
}
