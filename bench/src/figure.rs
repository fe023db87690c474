//! How figures are printed.

use std::{fmt, time::Duration};

/// One line that a script can read: `name = value unit (R x peer)`.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    ratios: Vec<(f64, String)>,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, ratios: Vec::new() }
    }

    pub(crate) fn micros(name: impl Into<String>, time: Duration) -> Self {
        Self::new(name, time.as_secs_f64() * 1e6, "us")
    }

    pub(crate) fn millis(name: impl Into<String>, time: Duration) -> Self {
        Self::new(name, time.as_secs_f64() * 1e3, "ms")
    }

    /// The same figure with its ratio to a peer's.
    pub(crate) fn beside(mut self, ratio: f64, peer: &str) -> Self {
        self.ratios.push((ratio, peer.to_owned()));
        self
    }

    pub(crate) fn print(&self) {
        say(&self.to_string());
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = match self.value.abs() {
            value if value >= 1000.0 => 0,
            value if value >= 10.0 => 1,
            _ => 3,
        };
        write!(f, "{} = {:.digits$} {}", self.name, self.value, self.unit)?;
        for (ratio, peer) in &self.ratios {
            write!(f, " ({ratio:.2} x {peer})")?;
        }
        Ok(())
    }
}

#[expect(clippy::print_stdout, reason = "printing figures is what a bench is for")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

pub(crate) fn complain(line: &str) {
    eprintln!("bench: {line}");
}

/// The share `q` of the sorted times lies at or below the answer.
pub(crate) fn quantile(sorted: &[Duration], q: f64) -> Duration {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a place in a short list"
    )]
    let place = ((sorted.len() as f64) * q) as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// A number for a ratio; exact enough.
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
pub(crate) fn float(number: u64) -> f64 {
    number as f64
}
