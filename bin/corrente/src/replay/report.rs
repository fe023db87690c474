//! What a replay did, meter by meter.

use std::{collections::BTreeMap, time::Duration};

use corrente_meter::Statistics;
use corrente_metering::Timestamp;

use super::rows::Recorded;
use crate::live_line::grouped;

/// The replay so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) files: usize,
    pub(super) meters: BTreeMap<String, Tally>,
}

/// What was sent of one meter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    readings: u64,
    wh: i64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    missing: u64,
    repeated: u64,
    contradicting: u64,
}

impl Tally {
    pub(super) fn of(recorded: &Recorded) -> Self {
        Self {
            readings: recorded.rows.len() as u64,
            wh: recorded.rows.iter().fold(0, |sum: i64, row| sum.saturating_add(row.wh)),
            first: recorded.rows.first().map(|row| row.end),
            last: recorded.rows.last().map(|row| row.end),
            missing: recorded.missing,
            repeated: recorded.repeated,
            contradicting: recorded.contradicting,
        }
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        Self {
            readings: self.readings + other.readings,
            wh: self.wh.saturating_add(other.wh),
            first: self.first.into_iter().chain(other.first).min(),
            last: self.last.max(other.last),
            missing: self.missing + other.missing,
            repeated: self.repeated + other.repeated,
            contradicting: self.contradicting + other.contradicting,
        }
    }
}

impl Report {
    /// Prints a line per meter, comma separated so that a program can check it, and the sum.
    #[expect(clippy::print_stdout, clippy::print_stderr, reason = "the result of the command")]
    pub(super) fn print(&self, statistics: &Statistics, took: Duration) {
        println!("usage_point,readings,wh,first,last,missing,repeated,contradicting");
        let text = |t: Option<Timestamp>| t.map_or_else(String::new, |t| t.to_string());
        for (id, tally) in &self.meters {
            println!(
                "{id},{},{},{},{},{},{},{}",
                tally.readings,
                tally.wh,
                text(tally.first),
                text(tally.last),
                tally.missing,
                tally.repeated,
                tally.contradicting
            );
        }
        let sum = self.meters.values().fold(Tally::default(), |sum, tally| sum.plus(tally));
        eprintln!(
            "{} meters, {} readings, {} Wh; {} rows without a value skipped; {} acknowledged in {}.{} s",
            self.meters.len(),
            grouped(sum.readings),
            grouped(u64::try_from(sum.wh).unwrap_or(0)),
            sum.missing,
            grouped(statistics.acknowledged()),
            took.as_secs(),
            took.subsec_millis() / 100
        );
    }
}
