//! How a command ends when it does not succeed: one sentence that says what to do, and an exit code.

use std::{fmt::Display, process::ExitCode};

/// A failure, for the person at the terminal.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// Exit code 1 and this sentence.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 1 }
    }

    /// This exit code and this sentence.
    pub(crate) fn with_code(message: impl Into<String>, code: u8) -> Self {
        Self { message: message.into(), code }
    }

    /// The same sentence with what was being done in front.
    pub(crate) fn of(doing: impl Display, error: impl Display) -> Self {
        Self::new(format!("{doing}: {error}"))
    }

    /// Prints the sentence to standard error.
    #[expect(
        clippy::print_stderr,
        reason = "this is the one place that tells a person of a failure"
    )]
    pub(crate) fn report(&self) -> ExitCode {
        eprintln!("corrente: {}", self.message);
        ExitCode::from(self.code)
    }
}

/// An error with its causes, as one sentence.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // Some errors repeat their cause themselves.
        if !said.contains(&more) {
            said.push_str(": ");
            said.push_str(&more);
        }
        cause = error.source();
    }
    said
}

impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// Errors of our crates say in one sentence what to do.
macro_rules! sentences {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::new(error.to_string())
            }
        })*
    };
}

sentences! {
    corrente_headend::HeadendError,
    corrente_lab::LabError,
    corrente_ledger::LedgerError,
    corrente_mdm::MdmError,
    corrente_meter::ClientError,
    corrente_meter::StateError,
    corrente_registry::RegistryError,
}
