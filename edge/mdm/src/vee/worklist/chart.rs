//! What was read and what is believed around a finding.

use corrente_metering::{
    Calendar, Quality, Span,
    calendar::{day_before, next_day},
};
use corrente_registry::findings::Finding;
use corrente_units::Energy;

use super::edit::direction_of;
use crate::{Mdm, MdmError, vee::history};

/// A chart shows at most so many days: the last ones of a long trouble.
const MOST_DAYS: usize = 9;

/// The day of a finding and one on either side.
#[derive(Clone, Debug)]
pub struct Chart {
    /// The usage point's calendar.
    pub calendar: Calendar,
    /// In order of time.
    pub intervals: Vec<ChartInterval>,
}

/// An interval, as it was read and as it is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChartInterval {
    /// When.
    pub span: Span,
    /// What the readings say; nothing where they know nothing.
    pub read: Option<Energy>,
    /// Is a part of it not read?
    pub read_at_least: bool,
    /// What is believed; nothing where it is missing.
    pub believed: Option<Energy>,
    /// How well it is known.
    pub quality: Quality,
    /// Is a part of it missing?
    pub at_least: bool,
}

impl Mdm {
    /// The chart around a finding; nothing where it belongs to no usage point.
    ///
    /// # Errors
    /// When a store fails.
    pub fn finding_chart(&self, finding: &Finding) -> Result<Option<Chart>, MdmError> {
        let Some(id) = finding.usage_point else { return Ok(None) };
        let point = self.point(id)?;
        let calendar = &point.calendar;
        let direction = direction_of(finding);
        let last = next_day(calendar.date_of_reading(finding.until));
        let mut days = vec![last];
        let first = day_before(calendar.date(finding.from));
        while let Some(day) = days.last().map(|day| day_before(*day))
            && day >= first
            && days.len() < MOST_DAYS
        {
            days.push(day);
        }
        let step = history::step(&point, direction);
        let mut boundaries = Vec::new();
        for day in days.iter().rev() {
            let span = calendar.day(*day);
            boundaries.push(span.start);
            boundaries.extend(calendar.steps(span, step).into_iter().map(|step| step.end));
        }
        boundaries.dedup();
        let read = self.raw_pieces(&point.raw(), direction, &boundaries)?;
        let believed = self.pieces(&point, direction, &boundaries)?;
        let intervals = read
            .iter()
            .zip(&believed)
            .map(|(read, believed)| ChartInterval {
                span: believed.span,
                read: read.energy,
                read_at_least: read.at_least(),
                believed: believed.energy,
                quality: believed.quality,
                at_least: believed.at_least(),
            })
            .collect();
        Ok(Some(Chart { calendar: point.calendar, intervals }))
    }
}
