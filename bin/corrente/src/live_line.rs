//! One line that is written over again while something goes on; in a file, a line now and then.

use std::{
    io::{IsTerminal, Write, stderr},
    time::{Duration, Instant},
};

/// Lines in a file come this far apart.
const APART: Duration = Duration::from_secs(10);

/// The line, on standard error.
#[derive(Debug)]
pub(crate) struct LiveLine {
    terminal: bool,
    printed: Option<Instant>,
}

impl LiveLine {
    pub(crate) fn new() -> Self {
        Self { terminal: stderr().is_terminal(), printed: None }
    }

    /// Shows this text in place of the one before.
    pub(crate) fn show(&mut self, text: &str) {
        if self.terminal {
            // A progress line that cannot be written is no reason to stop.
            drop(write!(stderr(), "\r\x1b[2K{text}").and_then(|()| stderr().flush()));
        } else if self.printed.is_none_or(|printed| printed.elapsed() >= APART) {
            self.printed = Some(Instant::now());
            // As above.
            drop(writeln!(stderr(), "{text}"));
        }
    }

    /// Clears the line, for what is printed next.
    pub(crate) fn clear(&mut self) {
        if self.terminal {
            // As above.
            drop(write!(stderr(), "\r\x1b[2K").and_then(|()| stderr().flush()));
        }
    }
}

/// A count with its thousands set apart: `1 234 567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A short duration as people say it.
pub(crate) fn brief(duration: Option<Duration>) -> String {
    match duration {
        None => "–".to_owned(),
        Some(d) if d < Duration::from_millis(1) => format!("{} µs", d.as_micros()),
        Some(d) if d < Duration::from_secs(10) => format!("{} ms", d.as_millis()),
        Some(d) => format!("{} s", d.as_secs()),
    }
}
