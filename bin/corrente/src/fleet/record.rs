//! The record of a fleet: what went wrong on purpose, what was sent, and what was true. One JSON object a
//! line.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, BufWriter, Write as _},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::faults::{Counted, Fault};
use crate::failure::Failure;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Happened {
    pub(super) fault: Fault,
    /// Seconds, readings or watt-hours by which it went wrong.
    pub(super) by: Option<i64>,
}

/// A line of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line {
    /// Something went wrong on purpose.
    Fault {
        /// Epoch seconds at which it happened, by the fleet's true clock.
        at: i64,
        serial: String,
        fault: Fault,
        /// Time and value of the reading concerned, as they are sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        t: Option<i64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wh: Option<i64>,
        /// Seconds, readings or watt-hours by which it went wrong.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<i64>,
    },
    /// A reading was handed to the meter's client, which sends until it is acknowledged.
    Sent {
        /// When, by the true clock.
        at: i64,
        serial: String,
        /// The meter's number of the reading.
        seq: u64,
        /// Time and value as the meter says them.
        t: i64,
        wh: i64,
    },
    /// What a meter should have said: its true register at its first and at its last reading.
    Truth {
        serial: String,
        from_t: i64,
        from_wh: i64,
        until_t: i64,
        until_wh: i64,
        /// Whether all that was sent was acknowledged before the fleet ended.
        acknowledged: bool,
    },
}

/// Writes the record, where one is asked for, and counts the faults.
pub(super) struct Recorder {
    out: Option<BufWriter<File>>,
    pub(super) counted: Counted,
}

impl Recorder {
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let out = match path {
            None => None,
            Some(path) => Some(BufWriter::new(File::create(path).map_err(|error| {
                Failure::of(format!("cannot write {}", path.display()), error)
            })?)),
        };
        Ok(Self { out, counted: Counted::default() })
    }

    pub(super) fn write(&mut self, line: &Line) -> Result<(), Failure> {
        if let Line::Fault { fault, .. } = line {
            self.counted.add(*fault);
        }
        let Some(out) = &mut self.out else { return Ok(()) };
        serde_json::to_writer(&mut *out, line)
            .map_err(std::io::Error::from)
            .and_then(|()| out.write_all(b"\n"))
            .map_err(|error| Failure::of("cannot write the record", error))
    }

    pub(super) fn close(&mut self) -> Result<(), Failure> {
        match &mut self.out {
            None => Ok(()),
            Some(out) => out.flush().map_err(|error| Failure::of("cannot write the record", error)),
        }
    }
}

/// The lines of a record.
pub(super) fn read(path: &Path) -> Result<Vec<Line>, Failure> {
    let cannot =
        |error: std::io::Error| Failure::of(format!("cannot read {}", path.display()), error);
    let file = BufReader::new(File::open(path).map_err(cannot)?);
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(file.lines()) {
        let line = line.map_err(cannot)?;
        lines.push(serde_json::from_str(&line).map_err(|error| {
            Failure::new(format!(
                "{}:{number}: no line of a fleet's record ({error}); `corrente fleet --record` writes one",
                path.display()
            ))
        })?);
    }
    Ok(lines)
}
