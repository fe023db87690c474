//! Reads: the window first, then the blocks.
//!
//! That order matters: a day leaves the window after its block is durable, so what is not in the one is
//! in the other, and what is in both is the same reading twice.

use std::sync::{Mutex, PoisonError};

use corrente_metering::{ChannelId, Reading, SourceQuality, Span, Timestamp};
use corrente_units::Energy;
use rusqlite::Connection;

use super::{
    Shared,
    blocks::{self, Stop},
    directory::Place,
    key, schema,
};
use crate::{
    AsOf, DayRevision, LedgerError, QuarantineReason, Rejected, RejectionReason, Revisions,
    codec::{self, Columns, Header},
    day,
    window::DaySpan,
};

/// Connections that are kept open when nobody reads.
const KEPT: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Readers {
    free: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn clear(&self) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Which revisions of a day a read sees.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    span: DaySpan,
    as_of: AsOf<'a>,
}

impl Wanted<'_> {
    /// The days from `first` to `last` that may have blocks, and up to which revision.
    fn days(&self, first: i32, last: i32) -> Vec<DayRevision> {
        match self.as_of {
            AsOf::Now => (first.max(self.span.first)..=last.min(self.span.last))
                .map(|day| DayRevision { day, revision: key::REVISION_MAX })
                .collect(),
            AsOf::Revisions(revisions) => revisions
                .0
                .iter()
                .filter(|one| (first..=last).contains(&one.day))
                .map(|one| DayRevision { revision: one.revision.min(key::REVISION_MAX), ..*one })
                .collect(),
        }
    }
}

impl Shared {
    /// Runs a read on a connection of its own.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Stop>,
    ) -> Result<T, LedgerError> {
        let free = self.readers.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match free {
            Some(connection) => connection,
            None => schema::connect_reader(&self.path).map_err(|error| self.failed(&error))?,
        };
        let result = read(&connection).map_err(|stop| self.stopped(stop));
        let mut free = self.readers.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT {
            free.push(connection);
        }
        result
    }

    fn failed(&self, error: &rusqlite::Error) -> LedgerError {
        schema::unusable(&self.path, error)
    }

    pub(super) fn stopped(&self, stop: Stop) -> LedgerError {
        match stop {
            Stop::Sqlite(error) => self.failed(&error),
            Stop::Damaged(key) => {
                let (day, slot, revision) = key::parts(key);
                let channel = self
                    .directory()
                    .spec(slot)
                    .map_or(ChannelId::from_number(u64::MAX), |spec| spec.id);
                tracing::error!(channel.id = %channel, block.day = day, "block is damaged");
                LedgerError::Damaged { channel, day, revision }
            }
        }
    }

    pub(super) fn place(&self, channel: ChannelId) -> Result<Place, LedgerError> {
        self.directory().place(channel).ok_or(LedgerError::UnknownChannel(channel))
    }

    /// The block days that a read of a span may find something in.
    pub(super) fn days(
        sealed: DaySpan,
        as_of: AsOf<'_>,
        span: Span,
        offset: i32,
    ) -> Vec<DayRevision> {
        let (first, last) = days_of(span, offset);
        Wanted { span: sealed, as_of }.days(first, last)
    }

    pub(super) fn range(
        &self,
        channel: ChannelId,
        span: Span,
        as_of: AsOf<'_>,
    ) -> Result<Vec<Reading>, LedgerError> {
        let place = self.place(channel)?;
        let mut readings = Vec::new();
        if span.is_empty() {
            return Ok(readings);
        }
        let sealed = {
            let window = self.window();
            if matches!(as_of, AsOf::Now) {
                window.collect(place.slot, place.offset, span, &mut readings);
            }
            window.span(place.slot)
        };
        let (first, last) = days_of(span, place.offset);
        let days = Wanted { span: sealed, as_of }.days(first, last);
        if days.is_empty() {
            return Ok(readings);
        }
        let open = std::mem::take(&mut readings);
        self.read(|connection| {
            let mut columns = Columns::default();
            each_block(connection, &days, place.slot, |day, key, header, body| {
                columns.clear();
                codec::decode(key, header, body, &mut columns).map_err(|_| Stop::Damaged(key))?;
                push(&columns, day, place.offset, span, &mut readings);
                Ok(())
            })
        })?;
        readings.extend(open);
        if !readings.is_sorted_by(|a, b| a.end < b.end) {
            readings.sort_by_key(|reading| reading.end);
            readings.dedup_by_key(|reading| reading.end);
        }
        Ok(readings)
    }

    pub(super) fn at_or_before(
        &self,
        channel: ChannelId,
        t: Timestamp,
        as_of: AsOf<'_>,
    ) -> Result<Option<Reading>, LedgerError> {
        let place = self.place(channel)?;
        let (mut best, sealed) = {
            let window = self.window();
            let open = match as_of {
                AsOf::Now => window.at_or_before(place.slot, place.offset, t),
                AsOf::Revisions(_) => None,
            };
            (open, window.span(place.slot))
        };
        let (wanted, second) = day::split(t, place.offset);
        // Days before the one of the open candidate hold nothing later.
        let from = best.map_or(i32::MIN, |reading| day::block_day(reading.end, place.offset));
        let days = Days::new(&Wanted { span: sealed, as_of }, from, wanted);
        if days.is_empty() {
            return Ok(best);
        }
        self.read(|connection| {
            for one in days.rev() {
                let limit = if one.day == wanted { second } else { u32::MAX };
                let mut found: Option<(u32, i64, u8)> = None;
                blocks::each(
                    connection,
                    one.day,
                    place.slot,
                    one.revision,
                    |key, header, body| {
                        if header.first > limit || found.is_some_and(|(at, ..)| at >= header.last) {
                            return codec::verify(key, header, body)
                                .map_err(|_| Stop::Damaged(key));
                        }
                        let last = latest(key, header, body, limit)?;
                        if last.is_some_and(|last| found.is_none_or(|found| found.0 < last.0)) {
                            found = last;
                        }
                        Ok(())
                    },
                )?;
                if let Some(found) = found {
                    let reading = reading(one.day, found, place.offset);
                    if best.is_none_or(|best| best.end < reading.end) {
                        best = Some(reading);
                    }
                    break;
                }
            }
            Ok(best)
        })
    }

    pub(super) fn after(
        &self,
        channel: ChannelId,
        t: Timestamp,
        as_of: AsOf<'_>,
    ) -> Result<Option<Reading>, LedgerError> {
        let place = self.place(channel)?;
        let (mut best, sealed) = {
            let window = self.window();
            let open = match as_of {
                AsOf::Now => window.after(place.slot, place.offset, t),
                AsOf::Revisions(_) => None,
            };
            (open, window.span(place.slot))
        };
        let (wanted, second) = day::split(t, place.offset);
        let upto = best.map_or(i32::MAX, |reading| day::block_day(reading.end, place.offset));
        let days = Days::new(&Wanted { span: sealed, as_of }, wanted, upto);
        if days.is_empty() {
            return Ok(best);
        }
        self.read(|connection| {
            for one in days {
                let limit = if one.day == wanted { second } else { 0 };
                let mut found: Option<(u32, i64, u8)> = None;
                blocks::each(
                    connection,
                    one.day,
                    place.slot,
                    one.revision,
                    |key, header, body| {
                        if header.last <= limit || found.is_some_and(|(at, ..)| at <= header.first)
                        {
                            return codec::verify(key, header, body)
                                .map_err(|_| Stop::Damaged(key));
                        }
                        let first = earliest(key, header, body, limit)?;
                        if first.is_some_and(|first| found.is_none_or(|found| first.0 < found.0)) {
                            found = first;
                        }
                        Ok(())
                    },
                )?;
                if let Some(found) = found {
                    let reading = reading(one.day, found, place.offset);
                    if best.is_none_or(|best| reading.end < best.end) {
                        best = Some(reading);
                    }
                    break;
                }
            }
            Ok(best)
        })
    }

    pub(super) fn revisions(
        &self,
        channel: ChannelId,
        span: Span,
    ) -> Result<Revisions, LedgerError> {
        let place = self.place(channel)?;
        if span.is_empty() {
            return Ok(Revisions::default());
        }
        let sealed = self.window().span(place.slot);
        let (first, last) = days_of(span, place.offset);
        let days = Wanted { span: sealed, as_of: AsOf::Now }.days(first, last);
        self.read(|connection| {
            let mut revisions = Vec::new();
            in_snapshot(connection, days.len() > 1, || {
                for one in &days {
                    let revision = blocks::last_revision(connection, one.day, place.slot)?;
                    if revision > 0 {
                        revisions.push(DayRevision { day: one.day, revision });
                    }
                }
                Ok(())
            })?;
            Ok(Revisions(revisions))
        })
    }

    pub(super) fn rejected(
        &self,
        after: u64,
        limit: usize,
        only_open: bool,
    ) -> Result<Vec<Rejected>, LedgerError> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = "SELECT sequence, slot, time, value, quality, reason, kept FROM rejected \
                   WHERE sequence > ?1 AND (?3 = 0 OR decision IS NULL) ORDER BY sequence LIMIT ?2";
        self.read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query(rusqlite::params![after, limit, only_open])?;
            let mut rejected = Vec::new();
            while let Some(row) = rows.next()? {
                let Some(channel) = self.directory().spec(row.get(1)?).map(|spec| spec.id) else {
                    continue;
                };
                rejected.push(Rejected {
                    sequence: row.get::<_, i64>(0)?.cast_unsigned(),
                    channel,
                    reading: Reading {
                        end: Timestamp::from_second(row.get(2)?),
                        value: Energy::from_wh(row.get(3)?),
                        quality: SourceQuality(row.get(4)?),
                    },
                    reason: match row.get::<_, i64>(5)? {
                        1 => RejectionReason::Quarantine(QuarantineReason::BeforeInstallation),
                        2 => RejectionReason::Quarantine(QuarantineReason::InFuture),
                        _ => RejectionReason::Conflict { kept: Energy::from_wh(row.get(6)?) },
                    },
                });
            }
            Ok(rejected)
        })
    }
}

/// Days in order, without a list where they are simply consecutive.
enum Days {
    Range(std::ops::RangeInclusive<i32>),
    List(std::vec::IntoIter<DayRevision>),
}

impl Days {
    fn new(wanted: &Wanted<'_>, first: i32, last: i32) -> Self {
        match wanted.as_of {
            AsOf::Now => Self::Range(first.max(wanted.span.first)..=last.min(wanted.span.last)),
            AsOf::Revisions(_) => Self::List(wanted.days(first, last).into_iter()),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Range(range) => range.is_empty(),
            Self::List(list) => list.as_slice().is_empty(),
        }
    }
}

fn whole(day: i32) -> DayRevision {
    DayRevision { day, revision: key::REVISION_MAX }
}

impl Iterator for Days {
    type Item = DayRevision;

    fn next(&mut self) -> Option<DayRevision> {
        match self {
            Self::Range(range) => range.next().map(whole),
            Self::List(list) => list.next(),
        }
    }
}

impl DoubleEndedIterator for Days {
    fn next_back(&mut self) -> Option<DayRevision> {
        match self {
            Self::Range(range) => range.next_back().map(whole),
            Self::List(list) => list.next_back(),
        }
    }
}

/// First and last block day of a span that is not empty.
fn days_of(span: Span, offset: i32) -> (i32, i32) {
    (day::block_day(span.start.plus(1), offset), day::block_day(span.end, offset))
}

/// Runs several statements on one state of the database, which also spares looking it up each time.
pub(super) fn in_snapshot(
    connection: &Connection,
    is_needed: bool,
    read: impl FnOnce() -> Result<(), Stop>,
) -> Result<(), Stop> {
    if !is_needed {
        return read();
    }
    connection.prepare_cached("BEGIN")?.execute([])?;
    let result = read();
    connection.prepare_cached("COMMIT")?.execute([])?;
    result
}

/// Calls `each`, with the day, for the blocks of a channel on these days, as one state of the database has them.
pub(super) fn each_block(
    connection: &Connection,
    days: &[DayRevision],
    slot: u32,
    mut each: impl FnMut(i32, i64, &Header, &[u8]) -> Result<(), Stop>,
) -> Result<(), Stop> {
    in_snapshot(connection, days.len() > 1, || {
        days.iter().try_for_each(|one| {
            blocks::each(connection, one.day, slot, one.revision, |key, header, body| {
                each(one.day, key, header, body)
            })
        })
    })
}

fn push(columns: &Columns, day: i32, offset: i32, span: Span, out: &mut Vec<Reading>) {
    let cells = columns.seconds.iter().zip(&columns.values).zip(&columns.qualities);
    out.extend(
        cells
            .map(|((&second, &value), &quality)| reading(day, (second, value, quality), offset))
            .filter(|reading| span.contains(reading.end)),
    );
}

fn reading(day: i32, (second, value, quality): (u32, i64, u8), offset: i32) -> Reading {
    Reading {
        end: day::join(day, second, offset),
        value: Energy::from_wh(value),
        quality: SourceQuality(quality),
    }
}

/// The last reading of a block at or before a second.
fn latest(
    key: i64,
    header: &Header,
    body: &[u8],
    limit: u32,
) -> Result<Option<(u32, i64, u8)>, Stop> {
    if header.last <= limit && header.plain_quality {
        codec::verify(key, header, body).map_err(|_| Stop::Damaged(key))?;
        return Ok(Some((header.last, header.last_value, 0)));
    }
    let mut columns = Columns::default();
    codec::decode(key, header, body, &mut columns).map_err(|_| Stop::Damaged(key))?;
    let end = columns.seconds.partition_point(|&second| second <= limit);
    Ok(end.checked_sub(1).and_then(|place| cell(&columns, place)))
}

/// The first reading of a block after a second.
fn earliest(
    key: i64,
    header: &Header,
    body: &[u8],
    limit: u32,
) -> Result<Option<(u32, i64, u8)>, Stop> {
    if header.first > limit && header.plain_quality {
        codec::verify(key, header, body).map_err(|_| Stop::Damaged(key))?;
        return Ok(Some((header.first, header.first_value, 0)));
    }
    let mut columns = Columns::default();
    codec::decode(key, header, body, &mut columns).map_err(|_| Stop::Damaged(key))?;
    let start = columns.seconds.partition_point(|&second| second <= limit);
    Ok(cell(&columns, start))
}

fn cell(columns: &Columns, place: usize) -> Option<(u32, i64, u8)> {
    Some((
        *columns.seconds.get(place)?,
        *columns.values.get(place)?,
        *columns.qualities.get(place)?,
    ))
}
