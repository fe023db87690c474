//! The intervals of a final bill: what is known and what validation estimated, and nothing that a bill
//! would know better than the page.

use std::borrow::Cow;

use corrente_metering::{Direction, Interval, Quality, Span, assemble::Piece};

use crate::{Mdm, MdmError, point::Point};

/// More than this part of a period is never estimated; somebody has to look first.
const MOST_MISSING_PERCENT: i64 = 40;

impl Mdm {
    /// The intervals of a period of which everything is known or estimated by name.
    ///
    /// # Errors
    /// [`MdmError::NotYet`] where something is missing that validation could not estimate, or where too
    /// little of the period was read.
    pub(crate) fn settled(
        &self,
        point: &Point,
        direction: Direction,
        pieces: &[Piece],
        span: Span,
    ) -> Result<Vec<Interval>, MdmError> {
        self.refuse_guess(point, direction, pieces, span)?;
        let mut missing = pieces.iter().filter(|piece| piece.missing_seconds > 0);
        let Some(first) = missing.next() else {
            return Ok(corrente_metering::assemble::profile(pieces).intervals);
        };
        let more = missing.map(|piece| piece.missing_seconds).sum::<i64>();
        let minutes = (first.missing_seconds + more + 59) / 60;
        Err(MdmError::NotYet {
            reason: format!(
                "{minutes} minutes are missing from {} on, and no rule can estimate them: enter \
                 what was used, with a reason",
                point.calendar.rfc3339(first.span.start)
            ),
        })
    }

    /// Refuses a period of which too little was read, also where validation has estimated it since. What
    /// a person entered counts as known.
    fn refuse_guess(
        &self,
        point: &Point,
        direction: Direction,
        pieces: &[Piece],
        span: Span,
    ) -> Result<(), MdmError> {
        let read = if point.overlaid_days(span).is_none() {
            Cow::Borrowed(pieces)
        } else {
            let mut boundaries: Vec<_> = pieces.iter().map(|p| p.span.start).collect();
            boundaries.extend(pieces.last().map(|p| p.span.end));
            Cow::Owned(self.raw_pieces(&point.raw(), direction, &boundaries)?)
        };
        let missing: i64 = read
            .iter()
            .zip(pieces)
            .filter(|(_, believed)| believed.quality != Quality::Edited)
            .map(|(read, _)| read.missing_seconds)
            .sum();
        if missing * 100 <= span.seconds() * MOST_MISSING_PERCENT {
            return Ok(());
        }
        Err(MdmError::NotYet {
            reason: format!(
                "{} of {} hours are missing, too many to be estimated",
                missing / 3600,
                span.seconds() / 3600
            ),
        })
    }
}
