//! Determinants: what a tariff asks of a period's readings, and nothing else.
//!
//! [`measure`] reads intervals once and leaves a small table of energy by stretch of days and period
//! of the day, with how well it is known. A bill is a function of that table, so that it can be
//! stored with the bill and computed again years later.

use corrente_metering::{Calendar, Date, Interval, Quality, Span, Timestamp};
use corrente_tariff::{
    Tariff,
    tou::{TouSpan, days_between, whole_day},
};
use corrente_units::{Decimal, Energy};
use serde::{Deserialize, Serialize};

use crate::{BillingError, exact::apportion, portion::portions};

mod cuts;
mod demand;
mod series;

pub use demand::{DemandQuantity, DemandWindow};
pub use series::{PricePoint, PriceSeries, SeriesQuantity};

pub(crate) use cuts::cut_days;
pub(crate) use demand::of_blocks;

/// What a bill is computed from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Determinants {
    /// The billed stretch of time.
    pub span: Span,
    /// The first local day.
    pub first: Date,
    /// The first local day after the period.
    pub until: Date,
    /// The registers at both ends, where the meter has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub registers: Vec<RegisterDifference>,
    /// Energy by stretch of days, in order, without gaps.
    pub segments: Vec<Segment>,
    /// Demand by charge.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub demand: Vec<DemandQuantity>,
    /// Energy by interval of a price series.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<SeriesQuantity>,
    /// Which versions of which readings were read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<ReadingRevision>,
    /// Which versions of the load profile were used, of days that differ from what was read: estimated
    /// or edited. A plan without any was made of readings alone, or before plans named them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<ProfileRevision>,
}

/// A stretch of days in which no price changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The first local day.
    pub first: Date,
    /// The first local day after it.
    pub until: Date,
    /// Energy by period of the day, in the order of the tariff; one without a name where the tariff
    /// has none.
    pub quantities: Vec<Quantity>,
}

/// Energy of one period of the day, and how well it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantity {
    /// The period of the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
    /// From the grid, Wh.
    pub import: Energy,
    /// Into the grid, Wh.
    #[serde(default)]
    pub export: Energy,
    /// How well the import is known.
    pub import_quality: QualityShares,
    /// How well the export is known.
    #[serde(default)]
    pub export_quality: QualityShares,
}

/// How much of an energy is measured, estimated, edited; how many intervals are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QualityShares {
    /// Intervals that were measured.
    pub measured: u32,
    /// Intervals that were estimated, or shared between two periods of the day.
    pub estimated: u32,
    /// Intervals that a person edited.
    pub edited: u32,
    /// Intervals of which nothing is known.
    pub missing: u32,
    /// Energy of the estimated ones, Wh.
    pub estimated_wh: i64,
    /// Energy of the edited ones, Wh.
    pub edited_wh: i64,
}

/// A meter's register at both ends of (its part of) the period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterDifference {
    /// The meter's serial number.
    pub meter: String,
    /// Into the grid instead of from it.
    #[serde(default)]
    pub export: bool,
    /// When the first reading was taken.
    pub start_at: Timestamp,
    /// The register then, Wh.
    pub start: Energy,
    /// When the last reading was taken.
    pub end_at: Timestamp,
    /// The register then, Wh.
    pub end: Energy,
    /// One of both readings is an estimate.
    #[serde(default)]
    pub estimated: bool,
    /// What the difference is multiplied by, behind transformers; 1 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constant: Option<Decimal>,
    /// The register began again at 0 in between, after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_over_at: Option<Energy>,
}

impl RegisterDifference {
    /// The energy between both readings, each multiplied and cut to whole Wh; nothing when it does not fit.
    pub fn energy(&self) -> Option<Energy> {
        let rolled = self.rolled_over_at.unwrap_or_default();
        let end = self.times(self.end)?.checked_add(self.times(rolled)?).ok()?;
        end.checked_sub(self.times(self.start)?).ok()
    }

    fn times(&self, shown: Energy) -> Option<Energy> {
        let Some(constant) = self.constant else { return Some(shown) };
        let wh = Decimal::from(shown.wh()).checked_mul(constant)?;
        i64::try_from(wh.trunc()).ok().map(Energy::from_wh)
    }
}

/// Which version of a channel's readings was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingRevision {
    /// The channel's number.
    pub channel: u64,
    /// The first block day read.
    pub first_day: i64,
    /// The last block day read.
    pub last_day: i64,
    /// The highest revision read of any of these days.
    pub revision: u64,
    /// A digest of the intervals, where the caller made one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// A version of a day's load profile that a plan used. It names the edits of the day as well: an edit
/// makes another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileRevision {
    /// The local day.
    pub day: Date,
    /// Its version.
    pub version: u32,
}

/// What [`measure`] reads.
#[derive(Clone, Copy, Debug)]
pub struct Measure<'a> {
    /// The usage point's calendar.
    pub calendar: &'a Calendar,
    /// The tariff's versions, in order, that together cover the period.
    pub tariffs: &'a [&'a Tariff],
    /// The period.
    pub span: Span,
    /// Energy from the grid, in order of time. One interval for the whole period where only a
    /// register's difference is known.
    pub import: &'a [Interval],
    /// Energy into the grid, in order of time.
    pub export: &'a [Interval],
    /// Prices by interval that the tariff asks for.
    pub series: &'a [PriceSeries],
}

/// The tariff's view of time in a period. Many usage points share it: make it once per tariff and
/// period, and measure each point with it.
#[derive(Clone, Debug)]
pub struct TimeTable {
    span: Span,
    first: Date,
    until: Date,
    segments: Vec<(Date, Date, Vec<Option<String>>)>,
    /// Consecutive stretches with the segment and the period of the day that they belong to.
    stretches: Vec<(usize, TouSpan)>,
}

impl TimeTable {
    /// The table of a period under these tariff versions.
    ///
    /// # Errors
    /// When the versions do not cover the period, or a holiday year is missing.
    pub fn new(calendar: &Calendar, tariffs: &[&Tariff], span: Span) -> Result<Self, BillingError> {
        if span.is_empty() {
            return Err(BillingError::EmptyPeriod);
        }
        let first = calendar.date(span.start);
        let until = corrente_metering::calendar::next_day(calendar.date_of_reading(span.end));
        let mut segments = Vec::new();
        let mut stretches = Vec::new();
        for portion in portions(tariffs, first, until)? {
            let tou = portion.tariff.tou();
            let names: Vec<Option<String>> =
                tou.map_or_else(|| vec![None], |t| t.periods().iter().cloned().map(Some).collect());
            for (from, to) in cut_days(portion.tariff, portion.first, portion.until) {
                let index = segments.len();
                segments.push((from, to, names.clone()));
                for date in days_between(from, to) {
                    let day = match tou {
                        None => vec![whole_day(calendar, date)],
                        Some(tou) => tou.day(calendar, date, portion.tariff.day_kind(date)?),
                    };
                    stretches.extend(day.into_iter().filter_map(|s| {
                        let span = s.span.intersect(span);
                        (!span.is_empty()).then_some((index, TouSpan { span, ..s }))
                    }));
                }
            }
        }
        Ok(Self { span, first, until, segments, stretches })
    }

    fn empty_segments(&self) -> Vec<Segment> {
        let named =
            |name: &Option<String>| Quantity { period: name.clone(), ..Quantity::default() };
        self.segments
            .iter()
            .map(|(first, until, names)| Segment {
                first: *first,
                until: *until,
                quantities: names.iter().map(named).collect(),
            })
            .collect()
    }

    /// Adds the intervals to the cells, in one pass. Both are in order of time.
    fn add(&self, cells: &mut [Segment], intervals: &[Interval], export: bool) {
        let mut at = 0_usize;
        for interval in intervals {
            let span = interval.span();
            while self.stretches.get(at).is_some_and(|(_, s)| s.span.end <= span.start) {
                at = at.saturating_add(1);
            }
            let Some(here) = self.stretches.get(at) else { break };
            if here.1.span.start <= span.start && span.end <= here.1.span.end {
                add_to(cells, *here, interval.energy(), interval.quality(), export);
                continue;
            }
            self.add_shared(cells, at, interval, export);
        }
    }

    /// An interval over several stretches is shared by time: an estimate, save where all of it falls
    /// into one cell.
    fn add_shared(&self, cells: &mut [Segment], at: usize, interval: &Interval, export: bool) {
        let span = interval.span();
        let mut parts: Vec<(usize, TouSpan)> = self
            .stretches
            .iter()
            .skip(at)
            .take_while(|(_, s)| s.span.start < span.end)
            .map(|(segment, s)| (*segment, TouSpan { span: s.span.intersect(span), ..*s }))
            .collect();
        let mut weights: Vec<i64> = parts.iter().map(|(_, s)| s.span.seconds()).collect();
        let inside: i64 = weights.iter().sum();
        weights.push(span.seconds().saturating_sub(inside));
        let one_cell =
            parts.windows(2).all(|w| matches!(w, [a, b] if a.0 == b.0 && a.1.period == b.1.period));
        let quality = match interval.quality() {
            Quality::Measured if !one_cell || inside < span.seconds() => Quality::Estimated {
                method: corrente_metering::EstimationMethod::RegisterDifference,
            },
            quality @ (Quality::Measured
            | Quality::Estimated { .. }
            | Quality::Edited
            | Quality::Missing) => quality,
        };
        if one_cell && inside == span.seconds() {
            parts.truncate(1);
            weights = vec![1];
        }
        let energies = interval.energy().map(|e| apportion(e.wh(), &weights));
        for (i, part) in parts.into_iter().enumerate() {
            let energy = energies.as_ref().and_then(|e| e.get(i)).map(|wh| Energy::from_wh(*wh));
            add_to(cells, part, energy, quality, export);
        }
    }

    /// Time that no interval covers counts as one missing interval per gap.
    fn add_gaps(&self, cells: &mut [Segment], intervals: &[Interval], export: bool) {
        let mut at = self.span.start;
        let mut gaps = Vec::new();
        for span in intervals.iter().map(Interval::span) {
            if at < span.start {
                gaps.push(Span::new(at, span.start.min(self.span.end)));
            }
            at = at.max(span.end);
        }
        if at < self.span.end {
            gaps.push(Span::new(at, self.span.end));
        }
        for gap in gaps.into_iter().filter(|g| !g.is_empty()) {
            self.add(cells, &[Interval::missing(gap)], export);
        }
    }
}

fn add_to(
    cells: &mut [Segment],
    (segment, tou): (usize, TouSpan),
    energy: Option<Energy>,
    quality: Quality,
    export: bool,
) {
    let Some(cell) = cells.get_mut(segment).and_then(|s| s.quantities.get_mut(tou.period)) else {
        return;
    };
    let wh = energy.map_or(0, Energy::wh);
    let (total, shares) = if export {
        (&mut cell.export, &mut cell.export_quality)
    } else {
        (&mut cell.import, &mut cell.import_quality)
    };
    *total = Energy::from_wh(total.wh().saturating_add(wh));
    let count = match quality {
        Quality::Measured => &mut shares.measured,
        Quality::Estimated { .. } => {
            shares.estimated_wh = shares.estimated_wh.saturating_add(wh);
            &mut shares.estimated
        }
        Quality::Edited => {
            shares.edited_wh = shares.edited_wh.saturating_add(wh);
            &mut shares.edited
        }
        Quality::Missing => &mut shares.missing,
    };
    *count = count.saturating_add(1);
}

/// Reads a period's intervals into determinants.
///
/// # Errors
/// When the tariff versions do not cover the period, a holiday year or a price series is missing.
pub fn measure(from: &Measure<'_>) -> Result<Determinants, BillingError> {
    let table = TimeTable::new(from.calendar, from.tariffs, from.span)?;
    measure_with(&table, from)
}

/// [`measure`] with a time table that was made before, for runs over many usage points.
///
/// # Errors
/// When a price series is missing.
pub fn measure_with(table: &TimeTable, from: &Measure<'_>) -> Result<Determinants, BillingError> {
    let mut segments = table.empty_segments();
    table.add(&mut segments, from.import, false);
    table.add_gaps(&mut segments, from.import, false);
    if !from.export.is_empty() {
        table.add(&mut segments, from.export, true);
        table.add_gaps(&mut segments, from.export, true);
    }
    Ok(Determinants {
        span: table.span,
        first: table.first,
        until: table.until,
        registers: Vec::new(),
        segments,
        demand: demand::measure(from, table.first, table.until)?,
        series: series::measure(from, table.first, table.until)?,
        readings: Vec::new(),
        profiles: Vec::new(),
    })
}

impl Determinants {
    /// Nothing used in these days, for questions about prices.
    pub(crate) fn empty(span: Span, first: Date, until: Date) -> Self {
        Self {
            span,
            first,
            until,
            registers: Vec::new(),
            segments: Vec::new(),
            demand: Vec::new(),
            series: Vec::new(),
            readings: Vec::new(),
            profiles: Vec::new(),
        }
    }

    /// Calendar days of the period.
    pub fn days(&self) -> i64 {
        days(self.first, self.until)
    }

    /// All energy from the grid.
    ///
    /// # Errors
    /// When the sum does not fit.
    pub fn import(&self) -> Result<Energy, corrente_units::OutOfRange> {
        Energy::sum(self.quantities().map(|q| q.import))
    }

    /// All energy into the grid.
    ///
    /// # Errors
    /// When the sum does not fit.
    pub fn export(&self) -> Result<Energy, corrente_units::OutOfRange> {
        Energy::sum(self.quantities().map(|q| q.export))
    }

    /// How well the import is known, over all periods of the day.
    pub fn import_quality(&self) -> QualityShares {
        self.quantities().map(|q| q.import_quality).fold(QualityShares::default(), |a, b| {
            QualityShares {
                measured: a.measured.saturating_add(b.measured),
                estimated: a.estimated.saturating_add(b.estimated),
                edited: a.edited.saturating_add(b.edited),
                missing: a.missing.saturating_add(b.missing),
                estimated_wh: a.estimated_wh.saturating_add(b.estimated_wh),
                edited_wh: a.edited_wh.saturating_add(b.edited_wh),
            }
        })
    }

    fn quantities(&self) -> impl Iterator<Item = &Quantity> {
        self.segments.iter().flat_map(|s| s.quantities.iter())
    }
}

/// Calendar days from the first day to the one before `until`.
pub(crate) fn days(first: Date, until: Date) -> i64 {
    first.duration_until(until).as_hours().checked_div(24).unwrap_or(0)
}
