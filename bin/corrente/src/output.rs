//! What tools read and print.

use std::{
    fs,
    io::{self, Read, Write, stdin, stdout},
    path::Path,
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

/// Success, or how many of how many differ.
pub(crate) fn differing(bad: usize, of: usize, what: &str) -> Result<(), Failure> {
    if bad == 0 { Ok(()) } else { Err(Failure::new(format!("{bad} of {of} {what}"))) }
}
