//! Usage of all usage points, for files.

use corrente_metering::{Calendar, Date, Direction, Quality, Span, id::UsagePointId};
use corrente_registry::usage_points;
use corrente_units::Energy;

use crate::{Mdm, MdmError, Step};

/// What is exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportQuery {
    /// The first civil day of each usage point's zone.
    pub from: Date,
    /// The first civil day that is no longer part of it.
    pub until: Date,
    /// The step.
    pub step: Step,
    /// Only the usage point of this name.
    pub usage_point: Option<String>,
}

/// One step of one usage point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportRow {
    /// The usage point's recorded name.
    pub usage_point: String,
    /// When.
    pub span: Span,
    /// The step's beginning, RFC 3339 with the usage point's offset.
    pub period_start: String,
    /// Its end.
    pub period_end: String,
    /// How much is known; nothing when nothing is.
    pub energy: Option<Energy>,
    /// `measured`, `estimated`, `edited`, `missing`, or `partial` when a part is missing and the energy is
    /// "at least".
    pub quality: &'static str,
}

/// The word for a quality in the API and in files.
pub const fn quality_word(quality: Quality) -> &'static str {
    match quality {
        Quality::Measured => "measured",
        Quality::Estimated { .. } => "estimated",
        Quality::Edited => "edited",
        Quality::Missing => "missing",
    }
}

/// The usage of all usage points, by name and time, one usage point after the other. Energy taken from
/// the grid; what is fed in is not in it.
///
/// # Errors
/// When the registry cannot list the usage points; errors of one usage point come as its row.
pub fn usage(
    mdm: &Mdm,
    query: ExportQuery,
) -> Result<impl Iterator<Item = Result<Vec<ExportRow>, MdmError>> + use<>, MdmError> {
    if query.until <= query.from {
        let reason = format!("{} is not after {}", query.until, query.from);
        return Err(MdmError::Invalid { field: "to", reason });
    }
    let mut points: Vec<(String, UsagePointId)> = mdm
        .registry
        .read_blocking(usage_points::list_everywhere)?
        .into_iter()
        .map(|point| (point.name, point.id))
        .filter(|(name, _)| query.usage_point.as_ref().is_none_or(|wanted| wanted == name))
        .collect();
    if let Some(name) = &query.usage_point
        && points.is_empty()
    {
        return Err(MdmError::NotFound { kind: "usage point", id: name.clone() });
    }
    points.sort();
    let mdm = mdm.clone();
    Ok(points.into_iter().map(move |(name, id)| rows(&mdm, &name, id, &query)))
}

fn rows(
    mdm: &Mdm,
    name: &str,
    id: UsagePointId,
    query: &ExportQuery,
) -> Result<Vec<ExportRow>, MdmError> {
    let point = mdm.point(id)?;
    let calendar: &Calendar = &point.calendar;
    let span = calendar.days(query.from, query.until);
    let boundaries = query.step.boundaries(calendar, span);
    let pieces = mdm.pieces(&point, Direction::Import, &boundaries)?;
    Ok(pieces
        .into_iter()
        .map(|piece| ExportRow {
            usage_point: name.to_owned(),
            span: piece.span,
            period_start: calendar.rfc3339(piece.span.start),
            period_end: calendar.rfc3339(piece.span.end),
            energy: piece.energy,
            quality: if piece.at_least() { "partial" } else { quality_word(piece.quality) },
        })
        .collect())
}
