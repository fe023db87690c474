//! A town whose true consumption is known, and what VEE makes of the little that arrives.
//!
//! [`Town::build`] makes houses from a seed: a truth in steps of five minutes, a meter life, and the
//! readings that arrive after losses, delays, repetitions, corruption, exchanges, resets, rollovers and
//! wrong clocks, in zones and weeks whose clocks are changed. [`check`] runs validation over a house and
//! asks of every watt-hour of the truth where it went: into an interval, into a listed gap, or into
//! something that a finding explains. [`Sabotage`] spoils a finished outcome, to see that the checker
//! sees it.

mod check;
mod house;
mod random;

pub use check::{Complaint, Sabotage, check, check_outcome, sabotage};
pub use house::{House, Kind, Town};

/// Runs this many towns, beginning with a seed.
///
/// # Errors
/// The first complaint, whose sentence begins with its seed.
pub fn run_seeds(from: u64, count: u64) -> Result<Summary, Complaint> {
    let mut summary = Summary::default();
    for seed in from..from.saturating_add(count) {
        for house in Town::build(seed).houses {
            summary.add(&check(&house)?);
        }
    }
    Ok(summary)
}

/// Where the truth went, in Wh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Houses that were looked at.
    pub houses: u64,
    /// The truth.
    pub truth_wh: i64,
    /// In measured intervals, watt-hour by watt-hour.
    pub measured_wh: i64,
    /// In intervals whose sum two registers close.
    pub summed_wh: i64,
    /// In stretches that were estimated without a register, and say so.
    pub estimated_wh: i64,
    /// In listed gaps.
    pub missing_wh: i64,
    /// Under a clock that a finding calls wrong.
    pub clock_wh: i64,
    /// Findings of all rules.
    pub findings: u64,
}

impl Summary {
    fn add(&mut self, other: &Self) {
        self.houses += other.houses;
        self.truth_wh += other.truth_wh;
        self.measured_wh += other.measured_wh;
        self.summed_wh += other.summed_wh;
        self.estimated_wh += other.estimated_wh;
        self.missing_wh += other.missing_wh;
        self.clock_wh += other.clock_wh;
        self.findings += other.findings;
    }
}
