//! What can go wrong.

use std::{io, path::PathBuf};

/// The state file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file could not be read or written.
    #[error("{}: cannot {action} the meter's state: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried: "read", "write", …
        action: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// Another program has the file open.
    #[error(
        "{}: another meter is using this state file; stop it, or give this one its own with --state",
        .path.display()
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A line makes no sense. Nothing was changed.
    #[error(
        "{}: line {line} of the meter's state is damaged ({reason}); restore the file, or move it \
         away and enrol the meter again with a token under a new serial",
        .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The state belongs to another meter.
    #[error(
        "{}: this state belongs to meter `{found}`, not `{wanted}`; give --serial {found}, or another --state",
        .path.display()
    )]
    OtherMeter {
        /// The file.
        path: PathBuf,
        /// The serial in the file.
        found: String,
        /// The serial that was asked for.
        wanted: String,
    },
}

/// The meter cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Its state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The server knows the meter and will not have it, or will not have it with this credential:
    /// trying again would get the same answer.
    #[error("the server refuses the meter ({code}): {reason}")]
    Refused {
        /// The protocol's code.
        code: String,
        /// The server's sentence.
        reason: String,
    },
    /// There is neither a secret in the state nor a credential.
    #[error("meter `{0}` has no credential: give --token to enrol it, or --serial and --secret")]
    NoCredential(String),
    /// The client's task has ended.
    #[error("the meter has stopped: {0}")]
    Stopped(String),
}
