//! Meters that report their register every quarter of an hour: seeded, and the same for every peer.
//!
//! Readings arrive in order of time, within a quarter in an order that has nothing to do with the
//! meter's number. One in a hundred comes one to eight quarters late, one in a thousand comes twice.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// Seconds of a day.
pub(crate) const DAY_SECONDS: i64 = 86_400;
pub(crate) const QUARTER: i64 = 900;
pub(crate) const QUARTERS: u32 = 96;
/// 2026-01-01T00:00:00Z.
pub(crate) const START: i64 = 1_767_225_600;

/// One reading: meter, seconds since the epoch, Wh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) meter: u32,
    pub(crate) time: i64,
    pub(crate) wh: i64,
}

#[derive(Debug)]
pub(crate) struct Workload {
    meters: u32,
    /// The first quarter begins here.
    start: i64,
    registers: Vec<i64>,
    /// Mean Wh of a quarter above the base load, by meter.
    means: Vec<u16>,
    random: ChaCha8Rng,
    quarter: u32,
    late: Vec<(u32, Sample)>,
    /// Quantiles of the exponential distribution with mean 256.
    shape: Vec<u32>,
}

impl Workload {
    pub(crate) fn new(meters: u32, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let registers = (0..meters).map(|_| i64::from(random.next_u32() % 40_000_000)).collect();
        let means = (0..meters)
            .map(|_| u16::try_from(30 + random.next_u32() % 120).unwrap_or(90))
            .collect();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 2000"
        )]
        let shape = (0..1024)
            .map(|n| (-256.0 * (1.0 - (f64::from(n) + 0.5) / 1024.0).ln()) as u32)
            .collect();
        Self { meters, start: START, registers, means, random, quarter: 0, late: Vec::new(), shape }
    }

    /// The same meters from another instant on.
    pub(crate) fn starting(self, start: i64) -> Self {
        Self { start, ..self }
    }

    pub(crate) const fn start(&self) -> i64 {
        self.start
    }

    /// Different readings that were given out.
    pub(crate) fn given(&self) -> u64 {
        let waiting = u64::try_from(self.late.len()).unwrap_or_default();
        u64::from(self.quarter) * u64::from(self.meters) - waiting
    }

    /// Readings of the next quarter as they arrive, behind what `out` holds. New ones only: what comes late or
    /// twice is there once more or not yet.
    pub(crate) fn quarter(&mut self, out: &mut Vec<Sample>) {
        self.quarter += 1;
        let quarter = self.quarter;
        let time = self.start + i64::from(quarter) * QUARTER;
        let before = out.len();
        let hour = quarter / 4 % 24;
        // More in the evening, less at night.
        let of_day = match hour {
            0..6 => 40,
            6..17 => 90,
            _ => 150,
        };
        for meter in order(self.meters) {
            let place = usize::try_from(meter).unwrap_or(usize::MAX);
            let dice = self.random.next_u32();
            let mean = u32::from(self.means.get(place).copied().unwrap_or(90)) * of_day / 100;
            let draw = self.shape.get(usize::try_from(dice % 1024).unwrap_or(0)).copied();
            let used = 12 + draw.unwrap_or(256) * mean / 256;
            let Some(register) = self.registers.get_mut(place) else { continue };
            *register += i64::from(used);
            let sample = Sample { meter, time, wh: *register };
            match dice >> 10 & 0x3ff {
                0..10 => self.late.push((quarter + 1 + (dice >> 20) % 8, sample)),
                10 => out.extend([sample, sample]),
                _ => out.push(sample),
            }
        }
        // The late ones come somewhere in between.
        let spread = (out.len() - before).max(1);
        let due: Vec<Sample> = {
            let (due, waiting): (Vec<_>, Vec<_>) =
                std::mem::take(&mut self.late).into_iter().partition(|&(when, _)| when <= quarter);
            self.late = waiting;
            due.into_iter().map(|(_, sample)| sample).collect()
        };
        for (number, sample) in due.into_iter().enumerate() {
            let place = before + (number * 97) % spread;
            let last = out.len();
            out.push(sample);
            out.swap(place, last);
        }
    }
}

/// All meters, each once, in an order that jumps.
fn order(meters: u32) -> impl Iterator<Item = u32> {
    // A step without a common divisor visits each of them.
    let step = (0..meters)
        .map(|n| meters / 3 * 2 + 1 + n)
        .find(|&step| gcd(step, meters) == 1)
        .unwrap_or(1);
    let mut at = 0;
    (0..meters).map(move |_| {
        at = u32::try_from((u64::from(at) + u64::from(step)) % u64::from(meters.max(1)))
            .unwrap_or(0);
        at
    })
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn everything_arrives_and_little_of_it_late_or_twice() {
        let mut workload = Workload::new(1000, 1);
        let mut samples = Vec::new();
        for _ in 0..200 {
            workload.quarter(&mut samples);
        }
        let distinct: HashSet<(u32, i64)> =
            samples.iter().map(|sample| (sample.meter, sample.time)).collect();
        let twice = samples.len() - distinct.len();
        assert!((100..300).contains(&twice), "{twice}");
        assert!(distinct.len() > 199_000, "{}", distinct.len());
        let mut newest = START;
        let late = samples.iter().filter(|sample| {
            newest = newest.max(sample.time);
            sample.time < newest
        });
        assert!((1000..3500).contains(&late.count()));
    }
}
