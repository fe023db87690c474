//! `corrente fleet check`: what a fleet sent, judged by rules of its own, against what the ledger holds.
//!
//! The rules are the protocol's, written down a second time: a reading from before the installation or more
//! than five minutes ahead is kept aside; of one time the first value stays; the same value again changes
//! nothing; another value is a conflict. Nothing of the server's code decides here.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use clap::Args;
use corrente_ledger::{AsOf, Ledger, QuarantineReason, RejectionReason};
use corrente_metering::{ChannelId, Span, Timestamp};
use corrente_registry::{Registry, RegistryError, meters};

use super::{
    faults::Fault,
    record::{self, Line},
};
use crate::{failure::Failure, figures::Figures, live_line::grouped, output::print};

/// A clock may be so many seconds ahead (docs/protocol.md).
const AHEAD_SECONDS: i64 = 300;
/// Differences that are printed; all are counted.
const SHOWN: usize = 20;
const AT_ONCE: usize = 5_000;

/// Options of `corrente fleet check`.
#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// What `corrente fleet --record` wrote
    #[arg(long, value_name = "FILE")]
    record: PathBuf,
    /// Data directory of the server; it may be using it
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

/// What is to become of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Stored,
    Duplicate,
    Conflict,
    KeptAside,
}

impl Outcome {
    const ALL: [Self; 4] = [Self::Stored, Self::Duplicate, Self::Conflict, Self::KeptAside];

    const fn word(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
            Self::KeptAside => "kept aside",
        }
    }
}

/// A reading that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
    at: i64,
    t: i64,
    wh: i64,
}

/// What the record says of one meter.
#[derive(Debug, Default)]
struct Meter {
    /// By the meter's own numbers: the order in which the server gets them.
    sent: BTreeMap<u64, Sent>,
    /// Kinds of faults, by the time and value of the reading that they concern.
    faults: BTreeMap<(i64, i64), Fault>,
    resets: Vec<Reset>,
    truth: Option<Truth>,
}

/// A register that fell to zero: at which reading, and by how much.
#[derive(Clone, Copy, Debug)]
struct Reset {
    t: i64,
    wh: i64,
    by: i64,
}

#[derive(Clone, Copy, Debug)]
struct Truth {
    from_wh: i64,
    until_wh: i64,
    acknowledged: bool,
}

/// What the ledger holds of one meter.
#[derive(Debug, Default)]
struct Held {
    stored: BTreeMap<i64, i64>,
    conflicts: BTreeSet<(i64, i64)>,
    aside: BTreeSet<(i64, i64)>,
}

/// What a look found.
#[derive(Debug, Default)]
struct Findings {
    outcomes: BTreeMap<(Option<Fault>, Outcome), u64>,
    faults: BTreeMap<Fault, u64>,
    reported: u64,
    /// Sent and not acknowledged when the fleet ended, and not in the ledger.
    on_the_way: u64,
    different: Vec<String>,
}

/// Compares. The exit code is not 0 where something differs.
pub(super) fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    let mut found = Findings::default();
    let fleet = gather(record::read(&arguments.record)?, &mut found);
    let figures = Figures::open(&arguments.data)?;
    let known = channels(figures.registry(), fleet.keys().cloned().collect())?;
    let mut rejected = rejected(figures.ledger())?;
    for (serial, meter) in &fleet {
        let Some(&(channel, installed)) = known.get(serial) else {
            if !meter.sent.is_empty() {
                found.different.push(format!("{serial}: the registry does not know this meter"));
            }
            continue;
        };
        let mut held = rejected.remove(&channel).unwrap_or_default();
        let always = Span::new(Timestamp::MIN, Timestamp::MAX);
        for reading in figures.ledger().range(channel, always, AsOf::Now)? {
            held.stored.insert(reading.end.second(), reading.value.wh());
        }
        compare(serial, meter, installed, &held, &mut found);
    }
    found.say(fleet.len())?;
    let sent = fleet.values().map(|meter| meter.sent.len()).sum();
    crate::output::differing(found.different.len(), sent, "readings differ from what was sent")
}

fn gather(lines: Vec<Line>, found: &mut Findings) -> BTreeMap<String, Meter> {
    let mut fleet: BTreeMap<String, Meter> = BTreeMap::new();
    for line in lines {
        match line {
            Line::Fault { serial, fault, t, wh, by, at: _ } => {
                *found.faults.entry(fault).or_default() += 1;
                let meter = fleet.entry(serial).or_default();
                if let (Some(t), Some(wh)) = (t, wh) {
                    meter.faults.insert((t, wh), fault);
                    if fault == Fault::Reset {
                        meter.resets.push(Reset { t, wh, by: by.unwrap_or(0) });
                    }
                }
            }
            Line::Sent { at, serial, seq, t, wh } => {
                fleet.entry(serial).or_default().sent.insert(seq, Sent { at, t, wh });
            }
            Line::Truth { serial, from_wh, until_wh, acknowledged, from_t: _, until_t: _ } => {
                fleet.entry(serial).or_default().truth =
                    Some(Truth { from_wh, until_wh, acknowledged });
            }
        }
    }
    fleet
}

/// The channel of each meter, and from when it stands where it stands.
fn channels(
    registry: &Registry,
    serials: Vec<String>,
) -> Result<BTreeMap<String, (ChannelId, i64)>, Failure> {
    Ok(registry.read_blocking(move |tx| -> Result<_, RegistryError> {
        let mut known = BTreeMap::new();
        for serial in &serials {
            if let Some(access) = meters::find_by_serial(tx, serial)?
                && let Some(channel) = access.channels.first()
            {
                let installed = access.installed_from.second();
                known.insert(serial.clone(), (channel.number, installed));
            }
        }
        Ok(known)
    })?)
}

fn rejected(ledger: &dyn Ledger) -> Result<BTreeMap<ChannelId, Held>, Failure> {
    let mut held: BTreeMap<ChannelId, Held> = BTreeMap::new();
    let mut after = 0;
    loop {
        let some = ledger.rejected(after, AT_ONCE)?;
        let Some(last) = some.last() else { return Ok(held) };
        after = last.sequence;
        for one in some {
            let meter = held.entry(one.channel).or_default();
            let reading = (one.reading.end.second(), one.reading.value.wh());
            match one.reason {
                RejectionReason::Conflict { .. } => meter.conflicts.insert(reading),
                RejectionReason::Quarantine(
                    QuarantineReason::BeforeInstallation | QuarantineReason::InFuture,
                ) => meter.aside.insert(reading),
            };
        }
    }
}

fn compare(serial: &str, meter: &Meter, installed: i64, held: &Held, found: &mut Findings) {
    let mut first: BTreeMap<i64, i64> = BTreeMap::new();
    // A fleet that was here before: what it sent then stands in another record.
    let begun = meter.sent.values().map(|sent| sent.at).min().unwrap_or(i64::MAX);
    let said: BTreeSet<i64> = meter.sent.values().map(|sent| sent.t).collect();
    let was_here = held.stored.range(..begun).any(|(t, _)| !said.contains(t));
    let all_arrived = meter.truth.is_some_and(|truth| truth.acknowledged);
    for sent in meter.sent.values() {
        let (t, wh) = (sent.t, sent.wh);
        let outcome = if t < installed || t > sent.at + AHEAD_SECONDS {
            Outcome::KeptAside
        } else {
            match first.get(&t) {
                None if was_here && held.conflicts.contains(&(t, wh)) => Outcome::Conflict,
                None => Outcome::Stored,
                Some(value) if *value == wh => Outcome::Duplicate,
                Some(_) => Outcome::Conflict,
            }
        };
        let there = match outcome {
            Outcome::Stored | Outcome::Duplicate => held.stored.get(&t) == Some(&wh),
            Outcome::Conflict => held.conflicts.contains(&(t, wh)),
            Outcome::KeptAside => held.aside.contains(&(t, wh)),
        };
        let nowhere = !held.stored.contains_key(&t)
            && !held.conflicts.contains(&(t, wh))
            && !held.aside.contains(&(t, wh));
        if !there && nowhere && !all_arrived {
            found.on_the_way += 1;
            continue;
        }
        if outcome == Outcome::Stored {
            first.insert(t, wh);
        }
        let fault = meter.faults.get(&(t, wh)).copied();
        *found.outcomes.entry((fault, outcome)).or_default() += 1;
        if !there {
            let holds = held
                .stored
                .get(&t)
                .map_or_else(|| "nothing".to_owned(), |value| format!("{value} Wh"));
            found.different.push(format!(
                "{serial}: {wh} Wh at {} should be {}, and the ledger holds {holds} there",
                Timestamp::from_second(t),
                outcome.word()
            ));
        }
    }
    found.reported += u64::from(!first.is_empty());
    // Whatever else stands there since the fleet began was sent by nobody.
    for (t, wh) in held.stored.range(begun..).filter(|(t, _)| !was_here && !first.contains_key(t)) {
        found.different.push(format!(
            "{serial}: the ledger holds {wh} Wh at {}, which was not sent",
            Timestamp::from_second(*t)
        ));
    }
    adds_up(serial, meter, found);
}

/// The last value is the first one, what was truly used since, and what the register lost: else the
/// record itself is wrong.
fn adds_up(serial: &str, meter: &Meter, found: &mut Findings) {
    let (Some(truth), Some(first), Some(last)) =
        (meter.truth, meter.sent.values().next(), meter.sent.values().last())
    else {
        return;
    };
    let used = truth.until_wh - truth.from_wh;
    // What was lost at the first reading was lost before its value.
    let after = meter.resets.iter().filter(|reset| (reset.t, reset.wh) != (first.t, first.wh));
    let lost: i64 = after.map(|reset| reset.by).sum();
    if last.wh - first.wh != used + lost {
        found.different.push(format!(
            "{serial}: the record does not add up: from {} to {} Wh, {used} used, {lost} by resets",
            first.wh, last.wh
        ));
    }
}

impl Findings {
    fn say(&self, meters: usize) -> Result<(), Failure> {
        print(&format!(
            "{} of {} meters reported\n",
            grouped(self.reported),
            grouped(meters as u64)
        ))?;
        print(&format!("{:<12} {:>9}", "", "faults"))?;
        for outcome in Outcome::ALL {
            print(&format!(" {:>10}", outcome.word()))?;
        }
        print("\n")?;
        let kinds = std::iter::once(None).chain(self.faults.keys().copied().map(Some));
        for kind in kinds {
            let name = kind.map_or("(none)", Fault::word);
            let faults = kind.and_then(|fault| self.faults.get(&fault)).copied().unwrap_or(0);
            print(&format!("{name:<12} {:>9}", grouped(faults)))?;
            for outcome in Outcome::ALL {
                let count = self.outcomes.get(&(kind, outcome)).copied().unwrap_or(0);
                print(&format!(" {:>10}", grouped(count)))?;
            }
            print("\n")?;
        }
        if self.on_the_way > 0 {
            print(&format!(
                "{} were not acknowledged when the fleet ended, and are not there\n",
                grouped(self.on_the_way)
            ))?;
        }
        for difference in self.different.iter().take(SHOWN) {
            print(&format!("DIFFERS {difference}\n"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn sent(readings: &[(i64, i64)]) -> Meter {
        let sent = (1..)
            .zip(readings)
            .map(|(seq, &(after, wh))| (seq, Sent { at: NOW + 60, t: NOW + after, wh }));
        let truth = Truth { from_wh: 0, until_wh: 0, acknowledged: true };
        Meter { sent: sent.collect(), truth: Some(truth), ..Meter::default() }
    }

    fn held(stored: &[(i64, i64)], conflicts: &[(i64, i64)], aside: &[(i64, i64)]) -> Held {
        let at = |&(after, wh): &(i64, i64)| (NOW + after, wh);
        Held {
            stored: stored.iter().map(at).collect(),
            conflicts: conflicts.iter().map(at).collect(),
            aside: aside.iter().map(at).collect(),
        }
    }

    /// A time and value twice is a duplicate, another value a conflict, a far time is kept aside.
    #[test]
    fn each_difference_is_found() {
        let meter = sent(&[(10, 1), (10, 1), (10, 2), (-900, 3), (9_000, 4), (70, 1)]);
        let good = held(&[(10, 1), (70, 1)], &[(10, 2)], &[(-900, 3), (9_000, 4)]);
        let look = |meter: &Meter, held: &Held| {
            let mut found = Findings::default();
            compare("F-1", meter, NOW, held, &mut found);
            found
        };
        let found = look(&meter, &good);
        assert_eq!(found.different, Vec::<String>::new());
        let count = |outcome| found.outcomes.get(&(None, outcome)).copied().unwrap_or(0);
        assert_eq!(Outcome::ALL.map(count), [2, 1, 1, 2]);
        for (held, said) in [
            (held(&[(10, 1)], &[(10, 2)], &[(-900, 3), (9_000, 4)]), "1 Wh at"),
            (held(&[(10, 2), (70, 1)], &[(10, 2)], &[(-900, 3), (9_000, 4)]), "holds 2 Wh there"),
            (held(&[(10, 1), (70, 1)], &[], &[(-900, 3), (9_000, 4)]), "should be conflict"),
            (held(&[(10, 1), (70, 1)], &[(10, 2)], &[(-900, 3)]), "should be kept aside"),
            (
                held(&[(10, 1), (70, 1), (80, 5)], &[(10, 2)], &[(-900, 3), (9_000, 4)]),
                "which was not sent",
            ),
        ] {
            let found = look(&meter, &held);
            assert!(found.different.iter().any(|one| one.contains(said)), "{said}: {found:?}");
        }
        let mut cut = sent(&[(10, 1), (70, 1)]);
        cut.truth = Some(Truth { from_wh: 0, until_wh: 0, acknowledged: false });
        let found = look(&cut, &held(&[(10, 1)], &[], &[]));
        assert_eq!((found.different.len(), found.on_the_way), (0, 1));
        let mut wrong = sent(&[(10, 1), (70, 9)]);
        wrong.truth = Some(Truth { from_wh: 0, until_wh: 5, acknowledged: true });
        let found = look(&wrong, &held(&[(10, 1), (70, 9)], &[], &[]));
        assert!(found.different[0].contains("does not add up"), "{found:?}");
    }
}
