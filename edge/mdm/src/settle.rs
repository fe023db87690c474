//! The intervals of a final bill: what is known, and an estimate with its name for what is not.

use corrente_metering::{Direction, EstimationMethod, Interval, Quality, Span, assemble::Piece};
use corrente_units::Energy;

use crate::{
    Mdm, MdmError,
    expected::{Past, WEEKS, back},
    point::Point,
};

/// More than this part of a period is never estimated; somebody has to look first.
const MOST_MISSING_PERCENT: i64 = 40;

impl Mdm {
    /// Fills what is missing by the own average of the same weekday and time, and where there is none
    /// by the mean of what is known of the period. What was known stays.
    pub(crate) fn settled(
        &self,
        point: &Point,
        direction: Direction,
        pieces: &[Piece],
        span: Span,
    ) -> Result<Vec<Interval>, MdmError> {
        let missing: i64 = pieces.iter().map(|p| p.missing_seconds).sum();
        self.refuse_guess(point, direction, pieces, span)?;
        if missing == 0 {
            return Ok(corrente_metering::assemble::profile(pieces).intervals);
        }
        let past = self.past_like(point, direction, pieces)?;
        let known = Energy::sum(pieces.iter().filter_map(|p| p.energy))?;
        let known_seconds = span.seconds().saturating_sub(missing).max(1);
        Ok(pieces
            .iter()
            .map(|piece| {
                let quality = piece.quality;
                match piece.energy {
                    Some(energy) if piece.missing_seconds == 0 => {
                        Interval::known(piece.span, energy, quality)
                    }
                    energy => {
                        let usual = past
                            .usual(point.calendar.datetime(piece.span.start))
                            .map(|usual| usual.mean);
                        let mean = mean(known, known_seconds, piece.missing_seconds);
                        let estimate = match (energy, usual) {
                            // Known in part: never less than that.
                            (Some(known), Some(usual)) => known.max(usual),
                            (Some(known), None) => known.checked_add(mean).unwrap_or(known),
                            (None, Some(usual)) => usual,
                            (None, None) => mean,
                        };
                        let method = EstimationMethod::OwnAverage;
                        Interval::known(piece.span, estimate, Quality::Estimated { method })
                    }
                }
            })
            .collect())
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
        let mut boundaries: Vec<_> = pieces.iter().map(|p| p.span.start).collect();
        boundaries.extend(pieces.last().map(|p| p.span.end));
        let read = self.raw_pieces(&point.raw(), direction, &boundaries)?;
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

    /// The past in the same steps as the pieces.
    fn past_like(
        &self,
        point: &Point,
        direction: Direction,
        pieces: &[Piece],
    ) -> Result<Past, MdmError> {
        let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else {
            return Ok(Past::new(&point.calendar, std::iter::empty()));
        };
        let calendar = &point.calendar;
        let mut boundaries: Vec<_> = (1..=WEEKS)
            .flat_map(|weeks| {
                pieces
                    .iter()
                    .filter(|p| p.missing_seconds > 0)
                    .flat_map(move |p| [p.span.start, p.span.end])
                    .map(move |t| back(calendar, t, weeks * 7))
            })
            .collect();
        boundaries.extend([back(calendar, first.span.start, WEEKS * 7), last.span.end]);
        boundaries.sort();
        boundaries.dedup();
        let past = self.pieces(point, direction, &boundaries)?;
        Ok(Past::new(calendar, past.iter()))
    }
}

fn mean(known: Energy, known_seconds: i64, seconds: i64) -> Energy {
    let wh = i128::from(known.wh()) * i128::from(seconds) / i128::from(known_seconds);
    Energy::from_wh(i64::try_from(wh).unwrap_or(i64::MAX))
}
