//! What goes wrong in a fleet, on purpose and from a seed, and the record of it.

use std::{collections::BTreeMap, str::FromStr, time::Duration};

use corrente_metering::Timestamp;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

use super::record::Happened;

/// One fault in so many readings of a meter.
const ONE_IN: u64 = 25;
/// A storm may break out at each full so many seconds, and does so one time in three.
const STORM_SECONDS: i64 = 30;
const STORM_ONE_IN: u64 = 3;
/// A meter's clock drifts up to so many seconds: less than what counts as the future.
const MOST_DRIFT: i64 = 240;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fault {
    /// The connection breaks.
    Drop,
    /// Readings are held back and come late, in one batch.
    Late,
    /// A reading is sent twice, under two sequence numbers.
    Duplicate,
    /// The meter's clock goes wrong by some seconds, and stays so.
    Drift,
    /// One reading has a time far from now.
    Jump,
    /// The register falls to zero and counts on.
    Reset,
    /// The whole fleet loses its connections at once.
    Storm,
}

impl Fault {
    const ALL: [Self; 7] = [
        Self::Drop,
        Self::Late,
        Self::Duplicate,
        Self::Drift,
        Self::Jump,
        Self::Reset,
        Self::Storm,
    ];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Late => "late",
            Self::Duplicate => "duplicate",
            Self::Drift => "drift",
            Self::Jump => "jump",
            Self::Reset => "reset",
            Self::Storm => "storm",
        }
    }
}

/// Which kinds may happen: none, unless some are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds(Vec<Fault>);

impl FromStr for Kinds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self(Fault::ALL.to_vec()));
        }
        let mut kinds = Vec::new();
        for word in text.split(',').map(str::trim) {
            let fault = Fault::ALL.into_iter().find(|fault| fault.word() == word);
            kinds.push(fault.ok_or_else(|| {
                format!(
                    "`{word}` is no fault: give all, or some of {}",
                    Fault::ALL.map(Fault::word).join(",")
                )
            })?);
        }
        Ok(Self(kinds))
    }
}

/// The faults of one meter.
#[derive(Debug)]
pub(super) struct Faults {
    kinds: Kinds,
    seed: u64,
    random: ChaCha8Rng,
    /// Seconds by which the meter's clock is ahead.
    pub(super) drift: i64,
    /// What the register had counted when it was reset.
    pub(super) base: i64,
    held: u32,
    storms: Option<i64>,
}

/// What is to be done with a reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Action {
    pub(super) t: i64,
    pub(super) wh: i64,
    /// Keep it for later instead of sending it.
    pub(super) hold: bool,
    pub(super) twice: bool,
    pub(super) reconnect: Option<Duration>,
    /// What went wrong just now.
    pub(super) happened: Option<Happened>,
}

impl Faults {
    /// Of the meter with this number, whose clock and register may be wrong already.
    pub(super) fn new(kinds: Kinds, seed: u64, number: u32, base: i64, drift: i64) -> Self {
        let random = ChaCha8Rng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9) ^ u64::from(number));
        Self { kinds, seed, random, drift, base, held: 0, storms: None }
    }

    /// What becomes of the reading `wh` at the true time `now`.
    pub(super) fn next(&mut self, now: Timestamp, wh: i64) -> Action {
        let mut action =
            Action { t: now.second() + self.drift, wh: wh - self.base, ..Action::default() };
        if self.held > 0 {
            self.held -= 1;
            action.hold = self.held > 0;
            return action;
        }
        if self.storm(now) {
            action.reconnect = Some(Duration::from_millis(self.below(3_000)));
            action.happened = Some(Happened { fault: Fault::Storm, by: None });
            return action;
        }
        if self.below(ONE_IN) != 0 || self.kinds.0.is_empty() {
            return action;
        }
        let pick = self.below(self.kinds.0.len() as u64);
        let Some(fault) = usize::try_from(pick).ok().and_then(|at| self.kinds.0.get(at)).copied()
        else {
            return action;
        };
        let by = match fault {
            Fault::Storm => return action,
            Fault::Drop => {
                let pause = self.below(5_000);
                action.reconnect = Some(Duration::from_millis(pause));
                None
            }
            Fault::Late => {
                self.held = 3 + u32::try_from(self.below(6)).unwrap_or(0);
                action.hold = true;
                Some(i64::from(self.held) + 1)
            }
            Fault::Duplicate => {
                action.twice = true;
                Some(1)
            }
            Fault::Drift => {
                let by = i64::try_from(self.below(61)).unwrap_or(0) - 30;
                self.drift = (self.drift + by).clamp(-MOST_DRIFT, MOST_DRIFT);
                Some(self.drift)
            }
            Fault::Jump => {
                let hours = 1 + i64::try_from(self.below(9_600)).unwrap_or(0);
                let by = if self.below(2) == 0 { hours * 3600 } else { -hours * 3600 };
                action.t += by;
                Some(by)
            }
            Fault::Reset => {
                let lost = wh - self.base;
                self.base = wh;
                action.wh = 0;
                Some(-lost)
            }
        };
        action.happened = Some(Happened { fault, by });
        action
    }

    /// All meters of a fleet agree on when a storm breaks out.
    fn storm(&mut self, now: Timestamp) -> bool {
        let window = now.second().div_euclid(STORM_SECONDS);
        if !self.kinds.0.contains(&Fault::Storm) || self.storms == Some(window) {
            return false;
        }
        let first = self.storms.replace(window).is_none();
        let mut dice = ChaCha8Rng::seed_from_u64(self.seed ^ window.unsigned_abs());
        !first && dice.next_u64().is_multiple_of(STORM_ONE_IN)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.random.next_u64() % limit.max(1)
    }
}

/// How often each kind happened.
#[derive(Debug, Default)]
pub(super) struct Counted(BTreeMap<Fault, u64>);

impl Counted {
    pub(super) fn add(&mut self, fault: Fault) {
        *self.0.entry(fault).or_default() += 1;
    }

    pub(super) fn said(&self) -> String {
        let said: Vec<String> =
            self.0.iter().map(|(fault, count)| format!("{} {count}", fault.word())).collect();
        if said.is_empty() { "none".to_owned() } else { said.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(seed: u64, kinds: &str) -> (Vec<Action>, Vec<Happened>) {
        let mut faults = Faults::new(kinds.parse().unwrap(), seed, 1, 0, 0);
        let actions: Vec<Action> = (0..2_000_i64)
            .map(|n| faults.next(Timestamp::from_second(1_800_000_000 + n * 10), 1_000 + n))
            .collect();
        let happened = actions.iter().filter_map(|action| action.happened).collect();
        (actions, happened)
    }

    #[test]
    fn the_same_seed_does_the_same_and_all_of_it_is_recorded() {
        let (actions, lines) = walk(7, "all");
        assert_eq!(walk(7, "all").0, actions);
        assert_ne!(walk(8, "all").0, actions);
        for fault in Fault::ALL {
            assert!(lines.iter().any(|line| line.fault == fault), "{fault:?} never happened");
        }
        let twice = actions.iter().filter(|action| action.twice).count();
        assert_eq!(twice, lines.iter().filter(|line| line.fault == Fault::Duplicate).count());
        let reconnects = actions.iter().filter(|action| action.reconnect.is_some()).count();
        let broken = lines.iter().filter(|line| matches!(line.fault, Fault::Drop | Fault::Storm));
        assert_eq!(reconnects, broken.count());
    }

    #[test]
    fn a_late_batch_is_held_and_then_sent() {
        let (actions, lines) = walk(3, "late");
        let held = actions.iter().filter(|action| action.hold).count();
        let said: i64 = lines.iter().filter_map(|line| line.by).sum();
        // The walk may end while a batch is held.
        let left = said - i64::try_from(held + lines.len()).unwrap();
        assert!((0..10).contains(&left), "{left}");
        assert!(actions.iter().all(|action| !action.twice && action.reconnect.is_none()));
    }

    #[test]
    fn what_is_wrong_stays_wrong_over_a_restart() {
        let now = Timestamp::from_second(1_800_000_000);
        let mut faults = Faults::new(Kinds::default(), 1, 1, 900, -30);
        let action = faults.next(now, 1_000);
        assert_eq!((action.t, action.wh), (now.second() - 30, 100));
        let (actions, _) = walk(7, "reset,drift");
        let mut faults = Faults::new("reset,drift".parse().unwrap(), 7, 1, 0, 0);
        let last = (0..2_000_i64)
            .map(|n| faults.next(Timestamp::from_second(1_800_000_000 + n * 10), 1_000 + n))
            .last();
        assert_eq!(last, actions.last().copied());
        let mut again = Faults::new(Kinds::default(), 7, 1, faults.base, faults.drift);
        let next = again.next(Timestamp::from_second(1_800_020_000), 3_000);
        assert_eq!(next.wh, 3_000 - faults.base);
        assert_eq!(next.t, 1_800_020_000 + faults.drift);
        assert!(faults.base > 0 && faults.drift != 0);
    }

    #[test]
    fn an_unknown_fault_says_which_there_are() {
        let said = "drop,fire".parse::<Kinds>().unwrap_err();
        assert!(said.contains("`fire`") && said.contains("drop,late,duplicate"), "{said}");
    }
}
