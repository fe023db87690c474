//! What is wrong with a tariff file, where, and what to do about it.

use std::fmt;

/// A tariff file was refused. It lists everything that was found, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", list(.problems))]
pub struct TariffError {
    /// What was found; never empty.
    pub problems: Vec<TariffProblem>,
}

/// One thing that is wrong with a tariff file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TariffProblem {
    /// The line, counted from 1, where it is known.
    pub line: Option<usize>,
    /// The key, as a path: `energy[1].blocks[0].price`.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub fix: String,
}

impl fmt::Display for TariffProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key)?;
        }
        write!(f, "{}; {}", self.problem, self.fix)
    }
}

fn list(problems: &[TariffProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
