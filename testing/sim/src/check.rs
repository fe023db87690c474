//! Where did every watt-hour of the truth go?

use std::fmt;

use corrente_metering::{EstimationMethod, Interval, Quality, Span};
use corrente_units::Energy;
use corrente_vee::{Basis, Evidence, Outcome, Rule, RuleSet, run};

use crate::{
    Summary,
    house::{House, Kind},
};

/// A watt-hour that is nowhere, or one too many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The seed of the town.
    pub seed: u64,
    /// The house in it.
    pub house: usize,
    /// What is wrong.
    pub what: String,
    /// What was done to the house.
    pub faults: Vec<String>,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}, house {}: {}", self.seed, self.house, self.what)?;
        for fault in &self.faults {
            write!(f, "\n  {fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Complaint {}

/// Runs validation over a house and looks for every watt-hour.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(house: &House) -> Result<Summary, Complaint> {
    let mut rules = RuleSet::standard();
    // Half of the towns estimate nothing that no register closes.
    if house.seed.is_multiple_of(2) {
        rules.parameters.estimators.clear();
    }
    check_outcome(house, &run(&house.history, &rules))
}

/// Looks for every watt-hour in an outcome.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_outcome(house: &House, outcome: &Outcome) -> Result<Summary, Complaint> {
    let complain = |what: String| Complaint {
        seed: house.seed,
        house: house.number,
        what,
        faults: house.faults.clone(),
    };
    let span = house.history.span;
    let mut summary = Summary {
        houses: 1,
        truth_wh: house.truth.energy(span),
        findings: u64::try_from(outcome.findings.len()).unwrap_or(u64::MAX),
        ..Summary::default()
    };
    shape(house, outcome).map_err(complain)?;
    let mut rest = outcome.profile.intervals.as_slice();
    while let Some(first) = rest.first() {
        let class = class(house, outcome, first);
        let same = |i: &&Interval| self::class(house, outcome, i) == class;
        let (stretch, later) = rest.split_at(rest.iter().take_while(same).count());
        rest = later;
        let whole = Span::new(
            first.span().start,
            stretch.last().map_or(first.span().end, |i| i.span().end),
        );
        let truth = house.truth.energy(whole);
        let given: i64 = stretch.iter().filter_map(|i| i.energy().map(Energy::wh)).sum();
        match class {
            Class::Measured => {
                for interval in stretch {
                    let truth = house.truth.energy(interval.span());
                    let said = interval.energy().map_or(0, Energy::wh);
                    if said != truth {
                        let at = interval.span();
                        return Err(complain(format!(
                            "{at:?} measured {said} Wh, truly {truth} Wh"
                        )));
                    }
                }
                summary.measured_wh += truth;
            }
            Class::Summed => {
                // Two dials may close several gaps at once: those are looked at together below.
                let together = house.kind == Kind::IntervalWithDial;
                if !together && closed_inside(outcome, whole) && given != truth {
                    return Err(complain(format!(
                        "{whole:?} closed by registers with {given} Wh, truly {truth} Wh"
                    )));
                }
                summary.summed_wh += truth;
            }
            Class::Estimated => summary.estimated_wh += truth,
            Class::Missing => {
                let listed = outcome.findings.iter().find(|f| {
                    f.rule == Rule::Missing
                        && f.span.start <= whole.start
                        && whole.end <= f.span.end
                });
                match listed.map(|f| &f.evidence) {
                    Some(Evidence::NothingKnown { at_least, .. }) if at_least.wh() <= truth => {}
                    Some(Evidence::NothingKnown { at_least, .. }) => {
                        return Err(complain(format!(
                            "{whole:?} should hold at least {at_least}, truly {truth} Wh"
                        )));
                    }
                    _ => return Err(complain(format!("{whole:?} is missing and not listed"))),
                }
                summary.missing_wh += truth;
            }
            Class::Clock => summary.clock_wh += truth,
        }
    }
    ends(house, outcome).map_err(complain)?;
    dials(house, outcome).map_err(complain)?;
    let sum = summary.measured_wh
        + summary.summed_wh
        + summary.estimated_wh
        + summary.missing_wh
        + summary.clock_wh;
    if sum != summary.truth_wh {
        return Err(complain(format!("{sum} Wh looked at, truly {} Wh", summary.truth_wh)));
    }
    Ok(summary)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Must be the truth.
    Measured,
    /// Must add up to the truth, over the whole stretch.
    Summed,
    /// Is no more than an estimate, and says so.
    Estimated,
    /// Must be listed.
    Missing,
    /// A finding says that the clock was wrong here.
    Clock,
}

fn class(house: &House, outcome: &Outcome, interval: &Interval) -> Class {
    if house.kind == Kind::WrongClock && clock_is_known_wrong(outcome, interval.span()) {
        return Class::Clock;
    }
    match interval.quality() {
        Quality::Measured => Class::Measured,
        Quality::Missing => Class::Missing,
        Quality::Edited => Class::Estimated,
        Quality::Estimated { method } => {
            let by_register = matches!(
                method,
                EstimationMethod::RegisterDifference
                    | EstimationMethod::RegisterDifferenceByProfile
            );
            if by_register { Class::Summed } else { estimated(outcome, interval) }
        }
    }
}

/// An estimate counts as one only where the outcome lists it with what it was made of.
fn estimated(outcome: &Outcome, interval: &Interval) -> Class {
    let listed = outcome.estimates.iter().any(|e| {
        !matches!(e.basis, Basis::Registers { .. }) && !e.span.intersect(interval.span()).is_empty()
    });
    if listed { Class::Estimated } else { Class::Measured }
}

fn clock_is_known_wrong(outcome: &Outcome, span: Span) -> bool {
    outcome.findings.iter().any(|f| {
        // The finding spans its samples; the pieces around them are touched as well.
        let around = Span::new(f.span.start.plus(-90_000), f.span.end.plus(90_000));
        f.rule == Rule::ClockDrift && !around.intersect(span).is_empty()
    })
}

/// The profile covers the span without holes, and missing has no energy.
fn shape(house: &House, outcome: &Outcome) -> Result<(), String> {
    let mut at = house.history.span.start;
    for interval in &outcome.profile.intervals {
        if interval.span().start != at {
            return Err(format!("the profile has a hole or an overlap at {at}"));
        }
        at = interval.span().end;
        if interval.energy().is_some_and(|e| e.wh() < 0) {
            return Err(format!("{:?} is negative", interval.span()));
        }
    }
    if at == house.history.span.end { Ok(()) } else { Err(format!("the profile ends at {at}")) }
}

/// Even under a wrong clock the registers' own differences are kept: between the first and the last
/// good register of a segment on the grid, the known intervals add up to the difference.
fn ends(house: &House, outcome: &Outcome) -> Result<(), String> {
    let intervals = &outcome.profile.intervals;
    let span = house.history.span;
    for segment in &outcome.segments {
        let on_grid = |at| intervals.binary_search_by_key(&at, |i| i.span().end).is_ok();
        let mut inside =
            segment.iter().filter(|r| r.at == span.start || (span.contains(r.at) && on_grid(r.at)));
        let Some(first) = inside.next() else { continue };
        let last = inside.next_back().unwrap_or(first);
        let from = intervals.partition_point(|i| i.span().start < first.at);
        let until = intervals.partition_point(|i| i.span().end <= last.at);
        let between = intervals.get(from..until).unwrap_or_default();
        let aligned = between.first().is_some_and(|i| i.span().start == first.at)
            && between.last().is_some_and(|i| i.span().end == last.at);
        if !aligned {
            continue;
        }
        let sum: Option<i64> =
            between.iter().map(|i| i.energy().map(Energy::wh)).sum::<Option<i64>>();
        let difference = last.total.wh() - first.total.wh();
        if sum != Some(difference) {
            return Err(format!(
                "from {} to {} the register counts {difference} Wh, the intervals {sum:?}",
                first.at, last.at
            ));
        }
    }
    Ok(())
}

/// Do the registers that close this stretch lie in it? Where one lies beyond (outside the profile, or in
/// an interval of which another part is missing), the stretch shares a difference with what is there.
fn closed_inside(outcome: &Outcome, stretch: Span) -> bool {
    outcome.estimates.iter().all(|e| {
        let shared = e.span.intersect(stretch);
        shared.is_empty() || shared == e.span
    })
}

/// Where two dials close the gaps between them, the intervals between the dials are the truth.
fn dials(house: &House, outcome: &Outcome) -> Result<(), String> {
    for estimate in &outcome.estimates {
        let Basis::Registers { span, .. } = estimate.basis else { continue };
        if house.kind != Kind::IntervalWithDial {
            continue;
        }
        let intervals = outcome.profile.intervals.iter();
        let inside = intervals.filter(|i| i.span().intersect(span) == i.span());
        let sum: Option<i64> = inside.map(|i| i.energy().map(Energy::wh)).sum();
        let truth = house.truth.energy(span);
        if sum != Some(truth) {
            return Err(format!("between dials {span:?} there are {sum:?} Wh, truly {truth} Wh"));
        }
    }
    Ok(())
}

/// A way to spoil an outcome, which [`check_outcome`] must notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// A watt-hour less in a measured interval.
    TakeOne,
    /// A watt-hour more in a stretch that registers close.
    AddToSum,
    /// The gap is no longer listed.
    HideGap,
    /// The gap is filled with zero and called measured, as some programs do.
    ZeroForMissing,
    /// An interval is left out.
    DropInterval,
}

impl Sabotage {
    /// All of them.
    pub const ALL: &[Self] =
        &[Self::TakeOne, Self::AddToSum, Self::HideGap, Self::ZeroForMissing, Self::DropInterval];
}

/// The outcome, spoilt; nothing when there is nothing of the kind in it.
pub fn sabotage(house: &House, outcome: &Outcome, how: Sabotage) -> Option<Outcome> {
    let mut spoilt = outcome.clone();
    let intervals = &mut spoilt.profile.intervals;
    match how {
        Sabotage::TakeOne => {
            let found = intervals.iter_mut().rev().find(|i| {
                class(house, outcome, i) == Class::Measured && i.energy() > Some(Energy::ZERO)
            })?;
            let less = Energy::from_wh(found.energy()?.wh() - 1);
            *found = Interval::known(found.span(), less, found.quality());
        }
        Sabotage::AddToSum => {
            // One that two registers inside the profile close: beyond its edge nobody can say.
            let closed = |i: &Interval| {
                let mut by = outcome.estimates.iter().filter(|e| {
                    matches!(e.basis, Basis::Registers { .. })
                        && !e.span.intersect(i.span()).is_empty()
                });
                by.all(|e| e.span.intersect(house.history.span) == e.span)
                    && outcome.profile.intervals.iter().all(|other| {
                        let near = other.span().end == i.span().start
                            || other.span().start == i.span().end;
                        !near
                            || matches!(
                                class(house, outcome, other),
                                Class::Summed | Class::Measured
                            )
                    })
            };
            let found = intervals
                .iter_mut()
                .find(|i| class(house, outcome, i) == Class::Summed && closed(i))?;
            let more = Energy::from_wh(found.energy()?.wh() + 1);
            *found = Interval::known(found.span(), more, found.quality());
        }
        Sabotage::HideGap => {
            let gap = |i: &&Interval| class(house, outcome, i) == Class::Missing;
            let hidden = intervals.iter().find(gap)?.span();
            spoilt
                .findings
                .retain(|f| f.rule != Rule::Missing || f.span.intersect(hidden).is_empty());
        }
        Sabotage::ZeroForMissing => {
            let found = intervals.iter_mut().find(|i| {
                class(house, outcome, i) == Class::Missing && house.truth.energy(i.span()) > 0
            })?;
            *found = Interval::known(found.span(), Energy::ZERO, Quality::Measured);
        }
        Sabotage::DropInterval => {
            let middle = intervals.len() / 2;
            if intervals.is_empty() {
                return None;
            }
            intervals.remove(middle);
        }
    }
    Some(spoilt)
}
