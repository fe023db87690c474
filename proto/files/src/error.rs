//! Why a file is not read.

use crate::Format;

/// Why a file is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It is of no known format.
    #[error("not a known format; nearest is {}: {what}", .nearest.map_or("none", Format::title))]
    Unrecognised {
        /// The format that it resembles most.
        nearest: Option<Format>,
        /// What did not fit.
        what: String,
    },
    /// It breaks a rule of its format in a way that leaves the rest in doubt.
    #[error("line {line}: {reason} ({})", .format.title())]
    Refused {
        /// Its format.
        format: Format,
        /// The line, counted from 1.
        line: u64,
        /// Which rule, and what stands there.
        reason: String,
    },
}
