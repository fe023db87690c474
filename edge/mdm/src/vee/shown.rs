//! A day's profile as it is shown: each interval with its quality and where it comes from, the versions
//! and what changed between them.

use corrente_metering::{
    Calendar, Date, Direction, Quality, Span, Timestamp,
    assemble::{Piece, profile},
    id::UsagePointId,
};
use corrente_registry::{
    edits::{self, EditRow},
    profiles::{self, ProfileVersion},
};
use corrente_units::Energy;
use corrente_vee::{Basis, Change, Estimator, changes};

use super::{Cause, history, overlay::DayDocument, stamp::Stamp};
use crate::{Mdm, MdmError, point::Point};

/// A day's load profile.
#[derive(Clone, Debug)]
pub struct DayProfile {
    /// The usage point's calendar.
    pub calendar: Calendar,
    /// The day.
    pub day: Date,
    /// Which version this is; 1 where nothing was ever changed, nothing before the day was looked at.
    pub version: Option<u32>,
    /// The intervals.
    pub intervals: Vec<ShownInterval>,
    /// All stored versions; none where the day is as it was read.
    pub versions: Vec<DayVersion>,
}

/// An interval with where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownInterval {
    /// When.
    pub span: Span,
    /// How much; nothing when it is missing.
    pub energy: Option<Energy>,
    /// How well it is known.
    pub quality: Quality,
    /// A part of it is missing, so it was at least this.
    pub at_least: bool,
    /// By which estimator, and from what, where it is estimated.
    pub estimate: Option<(Estimator, Basis)>,
    /// Who edited it, why and when.
    pub edit: Option<EditRow>,
}

/// A version of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayVersion {
    /// Its number.
    pub version: u32,
    /// The rules that made it.
    pub rule_set: String,
    /// The mean week of its class that it was given, by name.
    pub class_profile: Option<String>,
    /// Why it was made.
    pub cause: Cause,
    /// When.
    pub created: Timestamp,
    /// What differs from the version before.
    pub changes: Vec<Change>,
}

impl Mdm {
    /// A day's load profile, the latest version or an older one.
    ///
    /// # Errors
    /// When a store fails or there is no such usage point or version.
    pub fn day_profile(
        &self,
        id: UsagePointId,
        direction: Direction,
        day: Date,
        version: Option<u32>,
    ) -> Result<DayProfile, MdmError> {
        let point = self.point(id)?;
        let span = point.calendar.day(day);
        let (stored, state, edits) = self.registry.read_blocking(move |tx| {
            let stored = profiles::of_day(tx, id, day)?;
            Ok::<_, MdmError>((stored, profiles::state(tx, id)?, edits::during(tx, id, span)?))
        })?;
        let looked = state.is_some_and(|state| day < state.validated_until);
        let latest = stored.last().map(|v| v.version).or(looked.then_some(1));
        let wanted = version.or(latest);
        let pieces = self.version_pieces(&point, direction, (day, span), &stored, wanted)?;
        let document =
            stored.iter().find(|v| Some(v.version) == wanted).map(DayDocument::of).transpose()?;
        let intervals = pieces
            .iter()
            .map(|piece| {
                let estimate = document.iter().flat_map(|d| &d.estimates).find(|e| {
                    e.direction == direction
                        && !e.what.span.intersect(piece.span).is_empty()
                        && matches!(piece.quality, Quality::Estimated { .. })
                });
                let edit = edits.iter().rfind(|edit| {
                    piece.quality == Quality::Edited
                        && !Span::new(edit.from, edit.until).intersect(piece.span).is_empty()
                });
                ShownInterval {
                    span: piece.span,
                    energy: piece.energy,
                    quality: piece.quality,
                    at_least: piece.at_least(),
                    estimate: estimate.map(|e| (e.what.estimator, e.what.basis)),
                    edit: edit.cloned(),
                }
            })
            .collect();
        let versions = stored
            .iter()
            .map(|stored| shown(stored, direction))
            .collect::<Result<_, MdmError>>()?;
        Ok(DayProfile { calendar: point.calendar, day, version: wanted, intervals, versions })
    }

    /// What differs between two versions of a day.
    ///
    /// # Errors
    /// When a store fails or there is no such usage point or version.
    pub fn day_changes(
        &self,
        id: UsagePointId,
        direction: Direction,
        day: Date,
        (from, to): (u32, u32),
    ) -> Result<Vec<Change>, MdmError> {
        let point = self.point(id)?;
        let span = point.calendar.day(day);
        let stored = self.registry.read_blocking(move |tx| profiles::of_day(tx, id, day))?;
        let of =
            |version| self.version_pieces(&point, direction, (day, span), &stored, Some(version));
        Ok(changes(&profile(&of(from)?), &profile(&of(to)?)))
    }

    fn version_pieces(
        &self,
        point: &Point,
        direction: Direction,
        (day, span): (Date, Span),
        stored: &[ProfileVersion],
        version: Option<u32>,
    ) -> Result<Vec<Piece>, MdmError> {
        let step = history::step(point, direction);
        let mut boundaries = vec![span.start];
        boundaries.extend(point.calendar.steps(span, step).into_iter().map(|step| step.end));
        let latest = stored.last().map(|stored| stored.version);
        if version == latest || (stored.is_empty() && version == Some(1)) {
            return self.pieces(point, direction, &boundaries);
        }
        let missing = || MdmError::NotFound {
            kind: "version of the day",
            id: format!("{day} version {}", version.unwrap_or_default()),
        };
        let stored = stored.iter().find(|v| Some(v.version) == version).ok_or_else(missing)?;
        let document = DayDocument::of(stored)?;
        let runs: Vec<_> =
            document.runs.into_iter().filter(|run| run.direction == direction).collect();
        let point = point.at(Stamp::from_json(&document.revisions)?);
        self.laid_over(&point, direction, &boundaries, &runs)
    }
}

fn shown(stored: &ProfileVersion, direction: Direction) -> Result<DayVersion, MdmError> {
    let document = DayDocument::of(stored)?;
    Ok(DayVersion {
        version: stored.version,
        rule_set: document.rule_set,
        class_profile: document.class_profile,
        cause: document.cause,
        created: stored.created,
        changes: document
            .changes
            .into_iter()
            .filter(|change| change.direction == direction)
            .map(|change| change.what)
            .collect(),
    })
}
