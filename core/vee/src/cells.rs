//! The grid of the load profile, filled piece by piece.

use corrente_metering::{Calendar, EstimationMethod, Interval, Quality, Span, Timestamp};
use corrente_units::Energy;

use crate::spread::spread;

/// How a piece of energy is known. The weakest of its pieces decides for an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Known {
    Measured,
    Estimated(EstimationMethod),
    Edited,
}

impl Known {
    pub(crate) fn quality(self) -> Quality {
        match self {
            Self::Measured => Quality::Measured,
            Self::Estimated(method) => Quality::Estimated { method },
            Self::Edited => Quality::Edited,
        }
    }
}

/// One interval in the making.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(crate) span: Span,
    /// What is known of it so far, in Wh.
    pub(crate) wh: i64,
    /// Of how many of its seconds.
    pub(crate) covered: i64,
    pub(crate) known: Known,
    /// What a person says of it.
    pub(crate) edited: Option<i64>,
    /// The edit has taken its share of a register difference.
    pub(crate) settled: bool,
}

impl Cell {
    pub(crate) fn complete(&self) -> bool {
        self.covered >= self.span.seconds()
    }

    pub(crate) fn value(&self) -> Option<i64> {
        self.edited.or_else(|| self.complete().then_some(self.wh))
    }

    pub(crate) fn interval(&self) -> Interval {
        match (self.edited, self.complete()) {
            (Some(wh), _) => Interval::known(self.span, Energy::from_wh(wh), Quality::Edited),
            (None, true) => {
                Interval::known(self.span, Energy::from_wh(self.wh), self.known.quality())
            }
            (None, false) => Interval::missing(self.span),
        }
    }

    fn add(&mut self, seconds: i64, wh: i64, known: Known) {
        self.wh = self.wh.saturating_add(wh);
        self.covered = self.covered.saturating_add(seconds);
        self.known = self.known.max(known);
    }
}

/// An edit leaves less than nothing for the rest of a register difference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EditMismatch {
    pub(crate) edited: i64,
}

/// The cells of a span in order of time.
#[derive(Debug)]
pub(crate) struct Grid {
    pub(crate) cells: Vec<Cell>,
    /// What has been covered in order of time, also outside the grid.
    covered: Vec<Span>,
    cursor: usize,
}

impl Grid {
    pub(crate) fn new(span: Span, step_seconds: i64, calendar: &Calendar) -> Self {
        // Each day anew from its midnight, so that a day that is half an hour longer or shorter does
        // not shift the intervals of all days after it.
        let days = if step_seconds > 3600 || span.seconds() <= 93_600 {
            vec![span]
        } else {
            calendar.cut_days(span)
        };
        let step = step_seconds.max(1);
        let expected = span.seconds().checked_div(step).and_then(|n| usize::try_from(n).ok());
        let mut cells = Vec::with_capacity(expected.unwrap_or(0).saturating_add(1));
        for day in days {
            let mut start = day.start;
            while start < day.end {
                let end = start.plus(step).min(day.end);
                cells.push(Cell {
                    span: Span::new(start, end),
                    wh: 0,
                    covered: 0,
                    known: Known::Measured,
                    edited: None,
                    settled: false,
                });
                start = end;
            }
        }
        Self { cells, covered: Vec::new(), cursor: 0 }
    }

    /// The index of the first cell that ends after `t`.
    fn find(&mut self, t: Timestamp) -> usize {
        let here = |cells: &[Cell], index: usize| {
            cells.get(index).is_some_and(|c| c.span.start <= t && t < c.span.end)
        };
        for index in [self.cursor, self.cursor.saturating_add(1)] {
            if here(&self.cells, index) {
                self.cursor = index;
                return index;
            }
        }
        self.cursor = self.cells.partition_point(|c| c.span.end <= t);
        self.cursor
    }

    /// Does the span lie in one cell, or outside all of them?
    pub(crate) fn in_one_cell(&mut self, span: Span) -> bool {
        let index = self.find(span.start);
        match self.cells.get(index) {
            Some(cell) => {
                span.end <= cell.span.start
                    || (cell.span.start <= span.start && span.end <= cell.span.end)
            }
            None => true,
        }
    }

    /// Adds energy that lies in one cell.
    pub(crate) fn add_whole(&mut self, span: Span, wh: i64, known: Known) {
        self.cover(span);
        let index = self.find(span.start);
        if let Some(cell) = self.cells.get_mut(index)
            && cell.span.start <= span.start
        {
            cell.add(span.seconds(), wh, known);
        }
    }

    /// Cuts the span where cells begin and end; each part with the index of its cell.
    pub(crate) fn parts(&mut self, span: Span) -> Vec<(Option<usize>, Span)> {
        let mut parts = Vec::new();
        let mut at = span.start;
        let mut index = self.find(span.start);
        while at < span.end {
            let Some(cell) = self.cells.get(index) else {
                parts.push((None, Span::new(at, span.end)));
                break;
            };
            if at < cell.span.start {
                let end = cell.span.start.min(span.end);
                parts.push((None, Span::new(at, end)));
                at = end;
                continue;
            }
            let end = cell.span.end.min(span.end);
            parts.push((Some(index), Span::new(at, end)));
            at = end;
            index = index.saturating_add(1);
        }
        parts
    }

    /// Spreads a sum over the cells that the span touches, so that it is kept exactly. Whole cells
    /// that a person edited take what the edit says, the others share the rest.
    pub(crate) fn add_spread(
        &mut self,
        span: Span,
        wh: i64,
        known: Known,
        weight: impl Fn(Span) -> i64,
    ) -> Result<(), EditMismatch> {
        let parts = self.parts(span);
        let edit = |cells: &[Cell], part: &(Option<usize>, Span)| {
            let cell = cells.get(part.0?)?;
            cell.edited.filter(|_| cell.span == part.1)
        };
        let fixed: Vec<Option<i64>> = parts.iter().map(|p| edit(&self.cells, p)).collect();
        let edited = fixed.iter().flatten().fold(0_i64, |sum, wh| sum.saturating_add(*wh));
        let rest = wh.saturating_sub(edited);
        let free: Vec<Span> =
            parts.iter().zip(&fixed).filter(|(_, f)| f.is_none()).map(|(p, _)| p.1).collect();
        let any_fixed = free.len() < parts.len();
        let mismatch = any_fixed && (rest < 0 || (rest != 0 && free.is_empty()));
        let mut shares = if mismatch {
            Vec::new()
        } else {
            let mut weights: Vec<i64> = free.iter().map(|s| weight(*s)).collect();
            if weights.iter().all(|w| *w <= 0) {
                weights = free.iter().map(|s| s.seconds()).collect();
            }
            spread(rest, &weights)
        }
        .into_iter();
        for ((index, part), fixed) in parts.into_iter().zip(fixed) {
            let cell = index.and_then(|i| self.cells.get_mut(i));
            if fixed.is_some() {
                if let Some(cell) = cell {
                    cell.settled = true;
                    cell.covered = cell.span.seconds();
                }
                self.cover(part);
            } else if let Some(share) = shares.next() {
                if let Some(cell) = cell {
                    cell.add(part.seconds(), share, known);
                }
                self.cover(part);
            }
        }
        if mismatch { Err(EditMismatch { edited }) } else { Ok(()) }
    }

    fn cover(&mut self, span: Span) {
        match self.covered.last_mut() {
            Some(last) if last.end == span.start => last.end = span.end,
            Some(_) | None => self.covered.push(span),
        }
    }

    /// The stretches of the grid that nothing covers, in order of time.
    pub(crate) fn holes(&mut self) -> Vec<Span> {
        let Some((first, last)) = self.cells.first().zip(self.cells.last()) else {
            return Vec::new();
        };
        let end = last.span.end;
        let mut at = first.span.start;
        self.covered.sort_unstable_by_key(|s| s.start);
        let mut holes = Vec::new();
        for span in &self.covered {
            if span.start > at && at < end {
                holes.push(Span::new(at, span.start.min(end)));
            }
            at = at.max(span.end);
        }
        if at < end {
            holes.push(Span::new(at, end));
        }
        holes
    }

    /// The first and the last instant of what is covered, inside the grid or not.
    pub(crate) fn extent(&self) -> Option<(Timestamp, Timestamp)> {
        let first = self.covered.iter().map(|s| s.start).min()?;
        let last = self.covered.iter().map(|s| s.end).max()?;
        Some((first, last))
    }

    /// What is known inside a span of whole cells and parts of cells, in Wh.
    pub(crate) fn known_in(&mut self, span: Span) -> i64 {
        self.cells
            .iter()
            .filter(|c| span.start <= c.span.start && c.span.end <= span.end)
            .fold(0_i64, |sum, c| sum.saturating_add(c.edited.unwrap_or(c.wh)))
    }
}
