//! Validation over a usage point's days: what is believed, in versions, with what was found.
//!
//! A local day is looked at once the day after it is sealed, and again when a late reading made another
//! revision of it, or of a day near it. A look that gives another profile is the next version of the
//! day; nothing that was measured is changed, a version holds only what differs from the readings (its
//! [`overlay`]). The looks take only readings and edits, never what an earlier look estimated, so that
//! a fresh computation gives the same.

mod balance;
mod history;
mod look;
pub(crate) mod overlay;
mod rejections;
pub mod rules;
mod shown;
pub(crate) mod stamp;
mod sums;
pub mod worklist;

use std::collections::{BTreeMap, BTreeSet};

use corrente_metering::{
    Calendar, Date, Direction, Span, Timestamp,
    calendar::{day_before, next_day},
    id::UsagePointId,
};
use corrente_registry::{
    profiles::{self, ProfileState},
    relooks::{self, Relook, RelookCause},
};
use jiff::ToSpan as _;

use self::{history::Past, stamp::Stamp};
use crate::{Mdm, MdmError, point::Point, series::empty_if_unknown};

pub use corrente_vee::Change;

pub use self::balance::{BalanceDay, PointBalance};
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
        // Two looks at once would give two versions one number.
        let _one = self.validating.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let point = self.point(id)?;
        let now = self.clock.now();
        let Some(known) = self.known_any(&point)? else { return Ok(Validated::default()) };
        let calendar = &point.calendar;
        let first = calendar.date(known.start);
        // The last day that is over for long enough, and the one before it is settled.
        let settled = day_before(calendar.date(now.plus(-SETTLED_SECONDS)));
        let state = self.registry.read_blocking(move |tx| profiles::state(tx, id))?;
        let seen = state.as_ref().map(|state| Stamp::from_json(&state.revisions)).transpose()?;
        let from = state.as_ref().map_or(first, |state| state.validated_until.max(first));
        let until = settled.min(from.saturating_add(MOST_DAYS.days())).max(from);
        let whole =
            Span::new(known.start.plus(-86_400), calendar.midnight(settled).plus(2 * 86_400));
        let current = self.stamp(&point, whole)?;
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
        let rules = self.rules_of(&point)?;
        let more = until < settled || reached.is_some();
        let mut done = Validated { more, ..Validated::default() };
        let mut past = Past::new(self, &point);
        for day in days {
            let look = look::Look {
                point: &point,
                rules: rules.on(day),
                day,
                now,
                again: state.is_some() && day < from,
                cause: again.get(&day).copied().unwrap_or(Cause::LateReadings),
                seen: seen.as_ref(),
                current: &current,
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
        for channel in &point.channels {
            for block in current.changed_since(seen, channel.channel) {
                let Span { start, end } = self.ledger.day_span(channel.channel, block)?;
                let (before, after) = self.around(channel.channel, start, end)?;
                let mut day = calendar.date(before.unwrap_or(start).plus(-1)).max(first);
                let last = calendar
                    .date_of_reading(after.unwrap_or(end))
                    .max(calendar.date_of_reading(end))
                    .saturating_add(OWN_DAYS.days());
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

    /// When something is known, in any direction.
    fn known_any(&self, point: &Point) -> Result<Option<Span>, MdmError> {
        let import = self.known_span(point, Direction::Import)?;
        let export = self.known_span(point, Direction::Export)?;
        Ok(match (import, export) {
            (Some(a), Some(b)) => Some(Span::new(a.start.min(b.start), a.end.max(b.end))),
            (one, other) => one.or(other),
        })
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
