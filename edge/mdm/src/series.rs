//! From the ledger to energy between boundaries.

pub(crate) mod clock;
pub(crate) mod multiplied;

use std::num::NonZeroI64;

use corrente_ledger::{AsOf, Ledger, LedgerError};
use corrente_metering::{
    ChannelKind, Direction, Reading, Span, Timestamp,
    assemble::{ChannelPart, Piece, assemble},
};
use corrente_registry::usage_points::ChannelPeriod;
use corrente_units::{Energy, Power};

use crate::{Mdm, MdmError, point::Point};

/// Up to so many readings it is quicker to read a register's whole range than to look up the
/// neighbours of this many boundaries.
const READINGS_PER_LOOKUP: i64 = 300;
/// A boundary between neighbours this far apart is still measured, however quickly the meter is asked
/// to report.
const SHORTEST_GAP_SECONDS: i64 = 1800;

impl Mdm {
    /// The energy of one direction between neighbouring boundaries, which rise, as it was read.
    pub(crate) fn raw_pieces(
        &self,
        point: &Point,
        direction: Direction,
        boundaries: &[Timestamp],
    ) -> Result<Vec<Piece>, MdmError> {
        let gap = |reporting: i64| reporting.saturating_mul(2).max(SHORTEST_GAP_SECONDS);
        self.raw_pieces_within(point, direction, boundaries, gap)
    }

    /// The same, where a boundary between two readings is measured as long as they are not further apart than
    /// `gap` says of the seconds between a meter's reports.
    pub(crate) fn raw_pieces_within(
        &self,
        point: &Point,
        direction: Direction,
        boundaries: &[Timestamp],
        gap: impl Fn(i64) -> i64,
    ) -> Result<Vec<Piece>, MdmError> {
        let (Some(first), Some(last)) = (boundaries.first(), boundaries.last()) else {
            return Ok(Vec::new());
        };
        let wanted = Span::new(*first, *last);
        let mut meters: Vec<(Timestamp, corrente_metering::id::MeterId, Vec<ChannelPart>)> =
            Vec::new();
        for period in point.channels.iter().filter(|c| c.direction == direction) {
            let service = service(period);
            if service.intersect(wanted).is_empty() {
                continue;
            }
            let steps = multiplied::steps(period, service, &later_beside(point, period));
            let mut looked = boundaries.to_vec();
            if steps.len() > 1 {
                looked.extend(steps.iter().skip(1).map(|step| step.span.start));
                looked.retain(|t| wanted.start <= *t && *t <= wanted.end);
                looked.sort();
                looked.dedup();
            }
            let part = ChannelPart {
                kind: period.spec.kind,
                service,
                readings: self.readings_for(point, period, service, &looked)?,
                max_gap_seconds: gap(period.reporting_seconds),
                interval_seconds: period.interval_seconds.and_then(NonZeroI64::new),
                rolls_over_at: period
                    .register_digits
                    .and_then(|digits| 10_i64.checked_pow(u32::from(digits)))
                    .and_then(|kwh| kwh.checked_mul(1000))
                    .map(Energy::from_wh),
                power_max: point.row.power_max_w.map(Power::from_w),
            };
            for step in steps {
                let from = step.span.start;
                let part = multiplied::part(&part, &step);
                match meters.iter_mut().find(|m| m.0 == from && m.1 == period.meter) {
                    Some((_, _, parts)) => parts.push(part),
                    None => meters.push((from, period.meter, vec![part])),
                }
            }
        }
        let meters: Vec<Vec<ChannelPart>> = meters.into_iter().map(|(_, _, parts)| parts).collect();
        Ok(assemble(&meters, boundaries)?)
    }

    /// The readings that decide the energy between the boundaries.
    pub(crate) fn readings_for(
        &self,
        point: &Point,
        period: &ChannelPeriod,
        service: Span,
        boundaries: &[Timestamp],
    ) -> Result<Vec<Reading>, MdmError> {
        let (Some(first), Some(last)) = (boundaries.first(), boundaries.last()) else {
            return Ok(Vec::new());
        };
        let as_of = point.as_of(period.channel);
        let read = Read { ledger: &*self.ledger, as_of, period, service };
        let wanted = Span::new(*first, *last).intersect(service);
        if !period.clock_corrections.is_empty() {
            let mut readings = clock::corrected(read.ledger, as_of, period, wanted)?;
            readings.retain(|r| service.start <= r.end && r.end <= service.end);
            return Ok(readings);
        }
        match period.spec.kind {
            ChannelKind::Interval => {
                Ok(empty_if_unknown(read.ledger.range(period.channel, wanted, as_of))?)
            }
            ChannelKind::Register => {
                let lookups = i64::try_from(boundaries.len()).unwrap_or(i64::MAX);
                let readings = wanted.seconds() / period.reporting_seconds.max(1);
                if readings <= lookups.saturating_mul(READINGS_PER_LOOKUP) {
                    return whole_range(&read, wanted);
                }
                // Between two readings lies their difference only where the register never fell.
                let falls = empty_if_unknown(read.ledger.falls(period.channel, wanted, as_of))?;
                if falls.is_empty() {
                    return neighbours(&read, boundaries);
                }
                let mut all = boundaries.to_vec();
                all.extend(falls.iter().flat_map(|t| [t.plus(-1), *t]));
                let lookups = i64::try_from(all.len()).unwrap_or(i64::MAX);
                if readings <= lookups.saturating_mul(READINGS_PER_LOOKUP) {
                    return whole_range(&read, wanted);
                }
                all.sort();
                all.dedup();
                neighbours(&read, &all)
            }
        }
    }

    /// The first and the last instant about which something is known; nothing when nothing is.
    pub(crate) fn known_span(
        &self,
        point: &Point,
        direction: Direction,
    ) -> Result<Option<Span>, MdmError> {
        let mut known: Option<Span> = None;
        for period in point.channels.iter().filter(|c| c.direction == direction) {
            let service = service(period);
            let before = service.start.plus(-1);
            let first = empty_if_unknown(self.ledger.after(period.channel, before, AsOf::Now))?;
            let last = match period.until {
                None => empty_if_unknown(self.ledger.last(period.channel))?,
                Some(until) => {
                    empty_if_unknown(self.ledger.at_or_before(period.channel, until, AsOf::Now))?
                }
            };
            let (Some(first), Some(last)) = (first, last) else { continue };
            if last.end < service.start || first.end > service.end {
                continue;
            }
            let start = match period.spec.kind {
                ChannelKind::Register => first.end,
                ChannelKind::Interval => {
                    first.end.plus(-period.interval_seconds.unwrap_or(1800)).max(service.start)
                }
            };
            let own = Span::new(start, last.end);
            known =
                Some(known.map_or(own, |k| Span::new(k.start.min(own.start), k.end.max(own.end))));
        }
        Ok(known)
    }
}

/// When registers were added to the meter of a channel: from then on the two count side by side, before
/// the later one is not missing.
fn later_beside(point: &Point, period: &ChannelPeriod) -> Vec<Timestamp> {
    let beside = |c: &&ChannelPeriod| {
        c.meter == period.meter && c.until == period.until && c.direction == period.direction
    };
    let mut cuts: Vec<Timestamp> =
        point.channels.iter().filter(beside).map(|c| c.from).filter(|t| *t > period.from).collect();
    cuts.sort();
    cuts.dedup();
    cuts
}

/// While the meter stands there. A backfilled meter may have readings at the very start.
pub(crate) fn service(period: &ChannelPeriod) -> Span {
    Span::new(period.from, period.until.unwrap_or(Timestamp::MAX))
}

/// A channel that is read.
struct Read<'a> {
    ledger: &'a dyn Ledger,
    as_of: AsOf<'a>,
    period: &'a ChannelPeriod,
    service: Span,
}

fn whole_range(read: &Read<'_>, wanted: Span) -> Result<Vec<Reading>, MdmError> {
    let Read { ledger, as_of, period, service } = *read;
    let mut readings = Vec::new();
    let before = empty_if_unknown(ledger.at_or_before(period.channel, wanted.start, as_of))?;
    readings.extend(before.filter(|r| r.end >= service.start));
    readings.extend(empty_if_unknown(ledger.range(period.channel, wanted, as_of))?);
    if readings.last().is_none_or(|r| r.end < wanted.end) {
        let after = empty_if_unknown(ledger.after(period.channel, wanted.end, as_of))?;
        readings.extend(after.filter(|r| r.end <= service.end));
    }
    Ok(readings)
}

fn neighbours(read: &Read<'_>, boundaries: &[Timestamp]) -> Result<Vec<Reading>, MdmError> {
    let Read { ledger, as_of, period, service } = *read;
    let mut readings: Vec<Reading> = Vec::new();
    let (first, last) = (boundaries.first().copied(), boundaries.last().copied());
    let mut wanted: Vec<Timestamp> = Vec::with_capacity(boundaries.len() + 2);
    wanted.extend(boundaries.iter().filter(|b| service.start <= **b && **b <= service.end));
    // The first and the last register of a meter that came or went in between.
    wanted.extend(Some(service.start).filter(|s| first.is_some_and(|first| first < *s)));
    wanted.extend(Some(service.end).filter(|e| last.is_some_and(|last| *e < last)));
    wanted.sort();
    wanted.dedup();
    let inside = |r: &Reading| service.start <= r.end && r.end <= service.end;
    for boundary in wanted {
        let before = empty_if_unknown(ledger.at_or_before(period.channel, boundary, as_of))?;
        let exact = before.is_some_and(|r| r.end == boundary);
        readings.extend(before.filter(inside));
        if !exact && boundary < Timestamp::MAX {
            readings.extend(
                empty_if_unknown(ledger.after(period.channel, boundary, as_of))?.filter(inside),
            );
        }
    }
    readings.sort();
    readings.dedup();
    Ok(readings)
}

/// A channel that has never had a reading may be unknown to the ledger: there is nothing in it.
pub(crate) fn empty_if_unknown<T: Default>(
    answer: Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    match answer {
        Err(LedgerError::UnknownChannel(_)) => Ok(T::default()),
        answer => answer,
    }
}
