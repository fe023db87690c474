//! Validation over a usage point's days: what is believed, in versions, with what was found.
//!
//! A local day is looked at once the day after it is sealed, and again when a late reading made another
//! revision of it, or of a day near it. A look that gives another profile is the next version of the
//! day; nothing that was measured is changed, a version holds only what differs from the readings (its
//! [`overlay`]). The looks take only readings and edits, never what an earlier look estimated, so that
//! a fresh computation gives the same.

mod balance;
mod class;
mod history;
mod look;
pub(crate) mod overlay;
mod rejections;
mod removed;
pub mod rules;
mod shown;
mod siblings;
pub(crate) mod stamp;
mod sums;
pub mod worklist;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, Weak},
};

use corrente_metering::{
    Calendar, Date, Direction, Span, Timestamp,
    calendar::{day_before, next_day},
    id::UsagePointId,
};
use corrente_registry::{
    findings,
    profiles::{self, ProfileState},
    relooks::{self, Relook, RelookCause},
};
use corrente_vee::Severity;
use jiff::ToSpan as _;

use self::{
    history::{AROUND_SECONDS, Past},
    stamp::Stamp,
};
use crate::{Mdm, MdmError, point::Point, series::empty_if_unknown};

pub use corrente_vee::Change;

pub use self::balance::{BalanceDay, PointBalance};
pub use self::class::ClassWeek;
pub use self::shown::{DayProfile, DayVersion, ShownInterval};

/// A day is looked at so long after the end of the day that follows it: then both are sealed.
const SETTLED_SECONDS: i64 = 4 * 3600;
/// So many new days are looked at in one go, so that a long backfill does not hold up the others.
const MOST_DAYS: i64 = 14;
/// So many days are looked at again in one go.
const MOST_RELOOKS: usize = 60;
/// So many days before a day are its own past.
const OWN_DAYS: i64 = 28;

/// What a look at a usage point did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validated {
    /// Days that were looked at.
    pub days: usize,
    /// Versions that were made.
    pub versions: usize,
    /// Findings that were new.
    pub findings: usize,
    /// More days wait for the next look.
    pub more: bool,
}

/// Why a version was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The first look at the day.
    First,
    /// Readings came later.
    LateReadings,
    /// A person edited it.
    Edit,
    /// Something about the meter was entered.
    MeterLife,
    /// Other rules apply.
    RuleSet,
}

impl From<RelookCause> for Cause {
    fn from(cause: RelookCause) -> Self {
        match cause {
            RelookCause::Edit => Self::Edit,
            RelookCause::MeterLife => Self::MeterLife,
            RelookCause::RuleSet => Self::RuleSet,
        }
    }
}

impl Mdm {
    /// Looks at the days of a usage point that are settled, and again at those about which something
    /// new came.
    ///
    /// # Errors
    /// When a store fails.
    pub fn validate(&self, id: UsagePointId) -> Result<Validated, MdmError> {
        self.ledger.seal_until(self.clock.now().plus(-crate::jobs::SEAL_AFTER_SECONDS))?;
        let mut sum = Validated::default();
        loop {
            let step = self.validate_days(id)?;
            sum.days += step.days;
            sum.versions += step.versions;
            sum.findings += step.findings;
            if !step.more {
                return Ok(sum);
            }
        }
    }

    /// One stretch of new days, the days that changed, and those that somebody asked for.
    pub(crate) fn validate_days(&self, id: UsagePointId) -> Result<Validated, MdmError> {
        self.validate_days_through(id, None)
    }

    /// Looks at the days of a span now, also at those that are not settled yet: what is billed has been
    /// looked at. What comes later is another look. Says whether there was anything to look at.
    pub(crate) fn validate_span(&self, point: &Point, span: Span) -> Result<bool, MdmError> {
        let id = point.row.id;
        let through = next_day(point.calendar.date_of_reading(span.end));
        let (state, asked) = self.registry.read_blocking(move |tx| {
            Ok::<_, MdmError>((profiles::state(tx, id)?, relooks::of(tx, id)?))
        })?;
        let looked = state.filter(|state| state.validated_until >= through && asked.is_empty());
        if let Some(state) = looked {
            let near = Span::new(span.start.plus(-AROUND_SECONDS), span.end.plus(AROUND_SECONDS));
            let family = self.family(point, &self.rules_of(point)?)?;
            let seen = Stamp::from_json(&state.revisions)?;
            let mut current = self.stamp(point, near)?;
            self.stamp_family(&mut current, &family, near)?;
            let mut channels = current.channels();
            if channels.all(|channel| current.changed_since(&seen, channel).is_empty()) {
                return Ok(false);
            }
        }
        while self.validate_days_through(id, Some(through))?.more {}
        Ok(true)
    }

    fn validate_days_through(
        &self,
        id: UsagePointId,
        through: Option<Date>,
    ) -> Result<Validated, MdmError> {
        // Two looks at once would give two versions one number.
        let lock = self.validating.of(id);
        let _one = lock.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let point = self.point(id)?;
        let now = self.clock.now();
        let both = [Direction::Import, Direction::Export];
        let [import, export] = both.map(|direction| self.known_span(&point, direction));
        let by_direction = [import?, export?];
        let Some(known) = hull(by_direction) else { return Ok(Validated::default()) };
        let calendar = &point.calendar;
        let first = calendar.date(known.start);
        // The last day that is over for long enough, and the one before it is settled.
        let settled = day_before(calendar.date(now.plus(-SETTLED_SECONDS)));
        let settled = through.map_or(settled, |through| settled.max(through));
        let state = self.registry.read_blocking(move |tx| profiles::state(tx, id))?;
        let seen = state.as_ref().map(|state| Stamp::from_json(&state.revisions)).transpose()?;
        let from = state.as_ref().map_or(first, |state| state.validated_until.max(first));
        let until = settled.min(from.saturating_add(MOST_DAYS.days())).max(from);
        let whole =
            Span::new(known.start.plus(-86_400), calendar.midnight(settled).plus(2 * 86_400));
        let rules = self.rules_of(&point)?;
        let inputs =
            look::Inputs { class: self.class_weeks(&point)?, family: self.family(&point, &rules)? };
        let mut current = self.stamp(&point, whole)?;
        self.stamp_family(&mut current, &inputs.family, whole)?;
        let asked = self.registry.read_blocking(move |tx| relooks::of(tx, id))?;
        let (again, reached) = days_asked_for(&asked, calendar, (first, until));
        let mut days: BTreeSet<Date> = again.keys().copied().collect();
        if let Some(seen) = &seen {
            days.extend(self.touched(&point, seen, &current, (first, from))?);
        }
        if from < until {
            days.extend(self.open_gap(&point, (first, from))?);
        }
        let mut day = from;
        while day < until {
            days.insert(day);
            day = next_day(day);
        }
        let more = until < settled || reached.is_some();
        let mut done = Validated { more, ..Validated::default() };
        let mut past = Past::new(self, &point, &rules, now);
        for day in days {
            let look = look::Look {
                point: &point,
                rules: rules.on(day),
                day,
                now,
                known: by_direction,
                last: next_day(day) >= until,
                again: state.is_some() && day < from,
                cause: again.get(&day).copied().unwrap_or(Cause::LateReadings),
                seen: seen.as_ref(),
                current: &current,
                inputs: &inputs,
            };
            let (version, findings) = self.look_at_day(&look, &mut past)?;
            done.days += 1;
            done.versions += usize::from(version);
            done.findings += findings;
        }
        let organisation = point.row.organisation;
        let state = ProfileState {
            usage_point: id,
            validated_until: until,
            rule_set: format!("{} {}", rules.last().name, rules.last().version),
            revisions: current.to_json(),
        };
        let looked = reached.map_or(Timestamp::MAX, |day| calendar.midnight(day));
        self.registry.write_blocking(move |tx| {
            asked.iter().try_for_each(|asked| relooks::done(tx, asked.id, looked))?;
            profiles::set_state(tx, organisation, &state, now)
        })?;
        Ok(done)
    }

    /// Refuses to bill a span about which a finding is open that says that energy is unknown or does not
    /// add up.
    pub(crate) fn refuse_open_findings(&self, point: &Point, span: Span) -> Result<(), MdmError> {
        let id = point.row.id;
        let open = self.registry.read_blocking(move |tx| findings::open_over(tx, id, span))?;
        let error = serde_json::json!(Severity::Error);
        let holds = |finding: &&findings::Finding| {
            finding.document.pointer("/finding/severity") == Some(&error)
        };
        let mut held = open.iter().filter(holds);
        let Some(first) = held.next() else { return Ok(()) };
        let more = match held.count() {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let calendar = &point.calendar;
        Err(MdmError::NotYet {
            reason: format!(
                "a finding has to be decided first: {} from {} until {}{more}",
                worklist::sentence(first),
                calendar.rfc3339(first.from),
                calendar.rfc3339(first.until)
            ),
        })
    }

    /// The days that late readings can have changed: those between the readings around each new
    /// revision, and the days whose own past they are.
    fn touched(
        &self,
        point: &Point,
        seen: &Stamp,
        current: &Stamp,
        (first, until): (Date, Date),
    ) -> Result<BTreeSet<Date>, MdmError> {
        let calendar = &point.calendar;
        let mut days = BTreeSet::new();
        let own = point.channels.iter().chain(&point.checks).map(|channel| {
            let channel = channel.channel;
            (channel, current.changed_since(seen, channel), OWN_DAYS)
        });
        // What others measured is no past of this one's, but may come or go with what it lies behind.
        let others = siblings::of_others(point, [seen, current]).into_iter();
        let others = others.map(|channel| (channel, current.differing(seen, channel), 0));
        for (channel, blocks, past_days) in own.chain(others) {
            for block in blocks {
                let Span { start, end } = self.ledger.day_span(channel, block)?;
                let (before, after) = self.around(channel, start, end)?;
                // A look at a day sees the readings of a day before and after it.
                let before = before.unwrap_or(start).plus(-1).min(start.plus(-AROUND_SECONDS));
                let mut day = calendar.date(before).max(first);
                let last = calendar
                    .date_of_reading(after.unwrap_or(end))
                    .max(calendar.date_of_reading(end))
                    .saturating_add(past_days.days());
                while day <= last && day < until {
                    days.insert(day);
                    day = next_day(day);
                }
            }
        }
        Ok(days)
    }

    /// The days of a gap that new readings close.
    fn open_gap(
        &self,
        point: &Point,
        (first, from): (Date, Date),
    ) -> Result<BTreeSet<Date>, MdmError> {
        let calendar = &point.calendar;
        let start = calendar.midnight(from);
        let mut days = BTreeSet::new();
        for channel in point.channels.iter().filter(|c| c.until.is_none_or(|until| until > start)) {
            let (before, _) = self.around(channel.channel, start, start)?;
            let Some(before) = before.filter(|before| start.since(*before) > SETTLED_SECONDS)
            else {
                continue;
            };
            let mut day = calendar.date(before).max(first);
            while day < from {
                days.insert(day);
                day = next_day(day);
            }
        }
        Ok(days)
    }

    /// The readings around a stretch.
    fn around(
        &self,
        channel: corrente_metering::ChannelId,
        start: Timestamp,
        end: Timestamp,
    ) -> Result<(Option<Timestamp>, Option<Timestamp>), MdmError> {
        use corrente_ledger::AsOf::Now;
        let before = empty_if_unknown(self.ledger.at_or_before(channel, start, Now))?;
        let after = empty_if_unknown(self.ledger.after(channel, end, Now))?;
        Ok((before.map(|r| r.end), after.map(|r| r.end)))
    }
}

/// One lock for each usage point whose days are being validated.
#[derive(Debug, Default)]
pub(crate) struct Validating(Mutex<HashMap<UsagePointId, Weak<Mutex<()>>>>);

impl Validating {
    fn of(&self, id: UsagePointId) -> Arc<Mutex<()>> {
        let mut locks = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(held) = locks.get(&id).and_then(Weak::upgrade) {
            return held;
        }
        // Those that nobody holds any more.
        locks.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::default();
        locks.insert(id, Arc::downgrade(&lock));
        lock
    }
}

/// When something is known, in any direction.
fn hull([import, export]: [Option<Span>; 2]) -> Option<Span> {
    match (import, export) {
        (Some(a), Some(b)) => Some(Span::new(a.start.min(b.start), a.end.max(b.end))),
        (one, other) => one.or(other),
    }
}

/// The days that are asked for between the first one and the first that was not looked at yet, with their
/// causes, and the day from which the next go has to go on.
fn days_asked_for(
    asked: &[Relook],
    calendar: &Calendar,
    (first, until): (Date, Date),
) -> (BTreeMap<Date, Cause>, Option<Date>) {
    let mut days: BTreeMap<Date, RelookCause> = BTreeMap::new();
    for asked in asked {
        let mut day = calendar.date(asked.from).max(first);
        while day < until && calendar.midnight(day) < asked.until {
            let cause = days.entry(day).or_insert(asked.cause);
            *cause = asked.cause.min(*cause);
            day = next_day(day);
        }
    }
    let reached = days.keys().nth(MOST_RELOOKS).copied();
    let days = days
        .into_iter()
        .filter(|(day, _)| reached.is_none_or(|reached| *day < reached))
        .map(|(day, cause)| (day, cause.into()))
        .collect();
    (days, reached)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_usage_point_has_a_lock_of_its_own() {
        let validating = Validating::default();
        let [a, b] =
            ["0191e2c4-0000-7000-8000-00000000000a", "0191e2c4-0000-7000-8000-00000000000b"]
                .map(|id| id.parse::<UsagePointId>().unwrap());
        let lock = validating.of(a);
        let _held = lock.lock().unwrap();
        assert!(
            validating.of(a).try_lock().is_err(),
            "two looks would give two versions one number"
        );
        assert!(validating.of(b).try_lock().is_ok());
        assert_eq!(validating.0.lock().unwrap().len(), 2);
    }

    #[test]
    fn locks_that_nobody_holds_are_forgotten() {
        let validating = Validating::default();
        for n in 0..10 {
            let id = format!("0191e2c4-0000-7000-8000-00000000000{n}").parse().unwrap();
            drop(validating.of(id));
        }
        assert_eq!(validating.0.lock().unwrap().len(), 1);
    }
}
