//! The mean week of a class of usage points: a shape for those that have no past of their own.
//!
//! A week is made at a moment from what was measured then, holds from the next day on and is never changed. A
//! look at a day takes the one that held on that day, so it gives the same whenever it is repeated.

use std::collections::BTreeMap;

use corrente_metering::{
    Calendar, Date, Direction, Interval, LoadProfile, Quality, Timestamp, calendar::next_day,
    id::OrganisationId,
};
use corrente_registry::{
    admin::{self, By},
    class_profiles::{self, ClassProfileRow},
    organisations, profiles, usage_points,
};
use corrente_vee::{ClassProfile, OwnHistory};
use jiff::ToSpan as _;
use serde::{Deserialize, Serialize};

use super::OWN_DAYS;
use crate::{Mdm, MdmError, point::Point};

/// With fewer usage points the week is that of a few, and tells who they are.
const LEAST_POINTS: usize = 5;
/// More do not make the mean any better.
const MOST_POINTS: usize = 100;
/// A usage point counts with at least so many days that were measured from midnight to midnight.
const LEAST_DAYS: usize = 7;
/// A week is made again after so many days: use changes with the season.
const RENEWED_DAYS: i64 = 28;

/// A class's week as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassWeek {
    /// The week.
    pub profile: ClassProfile,
    /// Of how many usage points it is the mean.
    pub usage_points: usize,
    /// The first day of theirs that counted.
    pub from: Date,
    /// The day before which the last one lies.
    pub until: Date,
}

impl ClassWeek {
    /// Of a row.
    ///
    /// # Errors
    /// When it is no week.
    pub fn of(row: &ClassProfileRow) -> Result<Self, MdmError> {
        Ok(Self::deserialize(&row.document)?)
    }
}

/// The weeks of a usage point's class, each from a day on.
#[derive(Debug, Default)]
pub(super) struct ClassWeeks(Vec<(Date, ClassProfile)>);

impl ClassWeeks {
    /// The week that holds on a day.
    pub(super) fn on(&self, day: Date) -> Option<&ClassProfile> {
        self.0.iter().rfind(|(from, _)| *from <= day).map(|(_, profile)| profile)
    }
}

impl Mdm {
    pub(super) fn class_weeks(&self, point: &Point) -> Result<ClassWeeks, MdmError> {
        let (organisation, class) = (point.row.organisation, point.row.class.clone());
        let rows = self
            .registry
            .read_blocking(move |tx| class_profiles::of_class(tx, organisation, &class))?;
        let mut weeks = Vec::with_capacity(rows.len());
        for row in rows {
            weeks.push((row.valid_from, ClassWeek::of(&row)?.profile));
        }
        Ok(ClassWeeks(weeks))
    }

    /// Makes the weeks of all classes that have none that is new enough, for days from tomorrow on. Says how
    /// many it made.
    ///
    /// # Errors
    /// When a store fails.
    pub fn renew_class_profiles(&self) -> Result<usize, MdmError> {
        let now = self.clock.now();
        let points = self.registry.read_blocking(usage_points::list_everywhere)?;
        let classes: std::collections::BTreeSet<(OrganisationId, String)> =
            points.into_iter().map(|point| (point.organisation, point.class)).collect();
        let mut made = 0;
        for (organisation, class) in classes {
            let of_class = class.clone();
            let (row, known) = self.registry.read_blocking(move |tx| {
                let known = class_profiles::of_class(tx, organisation, &of_class)?;
                Ok::<_, MdmError>((organisations::get(tx, organisation)?, known))
            })?;
            let Some(row) = row else { continue };
            let calendar = Calendar::new(&row.zone).unwrap_or_else(|_| Calendar::utc());
            let tomorrow = next_day(calendar.date(now));
            let fresh = tomorrow.saturating_sub(RENEWED_DAYS.days());
            if known.last().is_some_and(|last| last.valid_from > fresh) {
                continue;
            }
            let Some(new) = self.class_week(organisation, &class, tomorrow)? else { continue };
            let stored = self
                .registry
                .write_blocking(move |tx| class_profiles::insert(tx, organisation, &new))?;
            made += usize::from(stored);
        }
        Ok(made)
    }

    /// Makes the week of a class now, for days from the given one on; those that were looked at already are
    /// looked at again.
    ///
    /// # Errors
    /// When too little was measured, when there is one for that day already, or when a store fails.
    pub fn make_class_profile(
        &self,
        by: &By,
        organisation: OrganisationId,
        class: &str,
        valid_from: Date,
    ) -> Result<ClassWeek, MdmError> {
        let Some(new) = self.class_week(organisation, class, valid_from)? else {
            let reason = format!(
                "fewer than {LEAST_POINTS} usage points of class `{class}` have {LEAST_DAYS} days that \
                 were measured and looked at: there is no mean week yet"
            );
            return Err(MdmError::Invalid { field: "class", reason });
        };
        let week = ClassWeek::of(&new)?;
        let by = by.clone();
        self.registry
            .write_blocking(move |tx| admin::store_class_profile(tx, &by, organisation, &new))?;
        Ok(week)
    }

    /// The mean week of a class as it was measured last.
    fn class_week(
        &self,
        organisation: OrganisationId,
        class: &str,
        valid_from: Date,
    ) -> Result<Option<ClassProfileRow>, MdmError> {
        let points = self
            .registry
            .read_blocking(move |tx| usage_points::list_all(tx, organisation))?
            .into_iter()
            .filter(|point| point.class == class);
        // Ordered by something that says nothing about them.
        let by_id: BTreeMap<_, _> = points.map(|point| (point.id, point)).collect();
        let every = by_id.len().div_ceil(MOST_POINTS).max(1);
        let (mut weeks, mut from, mut until) = (Vec::new(), None, None);
        for id in by_id.into_keys().step_by(every) {
            let point = self.point(id)?;
            let state = self.registry.read_blocking(move |tx| profiles::state(tx, id))?;
            // What nobody has looked at yet is no yardstick.
            let Some(last) = state.map(|state| state.validated_until) else { continue };
            let first = last.saturating_sub(OWN_DAYS.days());
            let own = self.own_weeks(&point, last)?;
            if own.day_count() < LEAST_DAYS {
                continue;
            }
            weeks.push(own);
            from = Some(from.map_or(first, |from: Date| from.min(first)));
            until = Some(until.map_or(last, |until: Date| until.max(last)));
        }
        let (Some(from), Some(until)) = (from, until) else { return Ok(None) };
        let name = format!("{class} {valid_from}");
        let Some(profile) =
            ClassProfile::mean(&name, &weeks).filter(|_| weeks.len() >= LEAST_POINTS)
        else {
            return Ok(None);
        };
        let week = ClassWeek { profile, usage_points: weeks.len(), from, until };
        Ok(Some(ClassProfileRow {
            class: class.to_owned(),
            valid_from,
            document: serde_json::to_value(week)?,
            created: self.clock.now(),
        }))
    }

    /// The hours of a usage point's weeks before a day that were measured.
    fn own_weeks(&self, point: &Point, until: Date) -> Result<OwnHistory, MdmError> {
        let from = until.saturating_sub(OWN_DAYS.days());
        let span = point.calendar.days(from, until);
        let mut boundaries: Vec<Timestamp> = vec![span.start];
        while let Some(last) = boundaries.last().copied().filter(|last| *last < span.end) {
            boundaries.push(last.plus(3600).min(span.end));
        }
        let intervals = self
            .pieces(point, Direction::Import, &boundaries)?
            .iter()
            .filter(|piece| piece.missing_seconds == 0 && piece.quality == Quality::Measured)
            .filter_map(|piece| Some(Interval::known(piece.span, piece.energy?, piece.quality)))
            .collect();
        Ok(OwnHistory::from_profile(&LoadProfile { intervals }, &point.calendar))
    }
}
