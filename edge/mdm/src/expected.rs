//! What is usual: the own past on the same weekday at the same time.

use std::collections::HashMap;

use corrente_metering::{
    Calendar, Date, Direction, Span, Timestamp, assemble::Piece, calendar::DateTime,
};
use corrente_units::Energy;
use jiff::ToSpan as _;

use crate::{Mdm, MdmError, period::Step, point::Point};

/// So many weeks are looked back.
pub(crate) const WEEKS: i64 = 8;
/// With fewer known weeks nothing is said.
const AT_LEAST: usize = 4;

/// A usual value with the range in which most of the past lay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The mean.
    pub mean: Energy,
    /// The second lowest of the past weeks.
    pub low: Energy,
    /// The second highest.
    pub high: Energy,
}

/// The mean, and the values inside the two extremes; nothing with fewer than four.
pub(crate) fn usual(mut past: Vec<i64>) -> Option<Expected> {
    if past.len() < AT_LEAST {
        return None;
    }
    past.sort_unstable();
    let count = i64::try_from(past.len()).ok()?;
    let sum = past.iter().try_fold(0_i64, |sum, wh| sum.checked_add(*wh))?;
    let low = past.get(1).copied()?;
    let high = past.get(past.len().saturating_sub(2)).copied()?;
    Some(Expected {
        mean: Energy::from_wh(sum.div_euclid(count)),
        low: Energy::from_wh(low),
        high: Energy::from_wh(high),
    })
}

/// Known energy of a row of equal steps, by the civil time at which they begin.
#[derive(Debug)]
pub(crate) struct Past {
    by_start: HashMap<DateTime, i64>,
}

impl Past {
    /// Remembers what is known completely.
    pub(crate) fn new<'a>(calendar: &Calendar, pieces: impl Iterator<Item = &'a Piece>) -> Self {
        let by_start = pieces
            .filter(|p| p.missing_seconds == 0)
            .filter_map(|p| Some((calendar.datetime(p.span.start), p.energy?.wh())))
            .collect();
        Self { by_start }
    }

    /// What is usual for the step that begins at this civil time.
    pub(crate) fn usual(&self, start: DateTime) -> Option<Expected> {
        let past = (1..=WEEKS)
            .filter_map(|weeks| {
                let before = start.checked_sub((weeks * 7).days()).ok()?;
                self.by_start.get(&before).copied()
            })
            .collect();
        usual(past)
    }
}

impl Mdm {
    /// The past before and during a span in steps of at most a day.
    pub(crate) fn past(&self, point: &Point, span: Span, step: Step) -> Result<Past, MdmError> {
        let calendar = &point.calendar;
        let step = step.min(Step::Day);
        let before = back(calendar, span.start, WEEKS * 7);
        let boundaries = step.boundaries(calendar, Span::new(before, span.end));
        let pieces = self.pieces(point, Direction::Import, &boundaries)?;
        Ok(Past::new(calendar, pieces.iter()))
    }

    /// What is usual for each step of the boundaries, as the sum over its days where it is longer than
    /// a day. Nothing for a year, and nothing where one of the days has no past.
    pub(crate) fn expected(
        &self,
        point: &Point,
        boundaries: &[Timestamp],
        step: Step,
    ) -> Result<Vec<Option<Energy>>, MdmError> {
        let steps = boundaries.iter().zip(boundaries.iter().skip(1));
        let (Some(first), Some(last)) = (boundaries.first(), boundaries.last()) else {
            return Ok(Vec::new());
        };
        if step == Step::Year {
            return Ok(steps.map(|_| None).collect());
        }
        let calendar = &point.calendar;
        let past = self.past(point, Span::new(*first, *last), step)?;
        Ok(steps
            .map(|(start, end)| {
                if step <= Step::Day {
                    return past.usual(calendar.datetime(*start)).map(|usual| usual.mean);
                }
                let days = calendar.cut_days(Span::new(*start, *end));
                days.iter().try_fold(Energy::ZERO, |sum, day| {
                    let usual = past.usual(calendar.datetime(day.start))?;
                    sum.checked_add(usual.mean).ok()
                })
            })
            .collect())
    }

    /// What is usual until a moment of a day: the same weekday until the same civil time.
    pub(crate) fn usual_until(
        &self,
        point: &Point,
        date: Date,
        until: Timestamp,
    ) -> Result<Option<Expected>, MdmError> {
        let calendar = &point.calendar;
        let time = calendar.datetime(until).time();
        let mut known = Vec::new();
        for weeks in 1..=WEEKS {
            let Ok(day) = date.checked_sub((weeks * 7).days()) else { continue };
            let boundaries = [calendar.midnight(day), calendar.instant(day.to_datetime(time))];
            if boundaries[1] <= boundaries[0] {
                continue;
            }
            for piece in self.pieces(point, Direction::Import, &boundaries)? {
                if piece.missing_seconds == 0 {
                    known.extend(piece.energy.map(Energy::wh));
                }
            }
        }
        Ok(usual(known))
    }
}

/// The same civil time so many days before.
pub(crate) fn back(calendar: &Calendar, t: Timestamp, days: i64) -> Timestamp {
    let civil = calendar.datetime(t);
    civil.checked_sub(days.days()).map_or(Timestamp::MIN, |before| calendar.instant(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_needs_four_weeks_and_leaves_the_extremes_out_of_its_range() {
        assert_eq!(usual(vec![1, 2, 3]), None);
        let usual = usual(vec![100, 9_000, 120, 110, 0]).unwrap();
        assert_eq!(usual.mean, Energy::from_wh(1866));
        assert_eq!((usual.low.wh(), usual.high.wh()), (100, 120));
    }
}
