//! Totals over many channels, from the headers of two days; and the check of every block.

use corrente_metering::{ChannelKind, Timestamp};
use corrente_units::Energy;

use super::{
    Shared,
    blocks::{self, Stop},
    key,
};
use crate::{
    AsOf, ChannelTotal, DayTotal, LedgerError,
    codec::{self, Columns},
    day,
};

/// The last register value of a channel in a day: second and Wh.
type Latest = Option<(u32, i64)>;

impl Shared {
    pub(super) fn day_total(&self, day: i32) -> Result<DayTotal, LedgerError> {
        DayTotal::sum(&self.totals(day, day)?)
    }

    pub(super) fn totals(&self, first: i32, last: i32) -> Result<Vec<ChannelTotal>, LedgerError> {
        if first > last {
            return Ok(Vec::new());
        }
        let before = first.saturating_sub(1);
        // Channels with an open day in there are few once the days are sealed: one by one.
        let mut open: Vec<u32> = Vec::new();
        {
            let window = self.window();
            let days: Vec<i32> =
                window.open_days().filter(|day| (before..=last).contains(day)).collect();
            for day in days {
                open.extend(window.open_in(day));
            }
        }
        open.sort_unstable();
        open.dedup();
        // A copy: reads below take the same lock again.
        let specs = self.directory().specs().to_vec();
        let count = specs.len();
        let (closing, opening, sums) = self.read(|connection| {
            let mut closing: Vec<Latest> = vec![None; count];
            let mut opening: Vec<Latest> = vec![None; count];
            let mut sums: Vec<Option<Option<i64>>> = vec![None; count];
            let has_intervals = specs.iter().any(|spec| spec.kind == ChannelKind::Interval);
            scan(connection, before, |slot, header| note(&mut opening, slot, header))?;
            let from = if has_intervals { first } else { last };
            for day in from..=last {
                scan(connection, day, |slot, header| {
                    if day == last {
                        note(&mut closing, slot, header);
                    }
                    let place = usize::try_from(slot).unwrap_or(usize::MAX);
                    if has_intervals && let Some(sum) = sums.get_mut(place) {
                        let so_far = sum.unwrap_or(Some(0));
                        *sum = Some(so_far.zip(header.sum).and_then(|(a, b)| a.checked_add(b)));
                    }
                })?;
            }
            Ok((closing, opening, sums))
        })?;
        let mut totals = Vec::new();
        for (slot, spec) in (0_u32..).zip(&specs) {
            let place = usize::try_from(slot).unwrap_or(usize::MAX);
            let get = |days: &[Latest]| days.get(place).copied().flatten();
            let is_open = open.binary_search(&slot).is_ok();
            let energy = match spec.kind {
                _ if is_open => self.total_of(slot, first, last)?.map(|total| total.energy),
                ChannelKind::Register => match (get(&opening), get(&closing)) {
                    (Some((_, opening)), Some((_, closing))) => {
                        Some(closing.checked_sub(opening).map(Energy::from_wh))
                    }
                    _ => self.total_of(slot, first, last)?.map(|total| total.energy),
                },
                ChannelKind::Interval => {
                    sums.get(place).copied().flatten().map(|sum| sum.map(Energy::from_wh))
                }
            };
            if let Some(energy) = energy {
                totals.push(ChannelTotal { channel: spec.id, energy });
            }
        }
        Ok(totals)
    }

    /// The same for one channel, by its readings; nothing when it has none in these days.
    fn total_of(
        &self,
        slot: u32,
        first: i32,
        last: i32,
    ) -> Result<Option<ChannelTotal>, LedgerError> {
        let Some(spec) = self.directory().spec(slot).copied() else { return Ok(None) };
        let start: Timestamp = day::day_start(first, spec.offset_seconds);
        let end = day::day_end(last, spec.offset_seconds);
        let span = corrente_metering::Span::new(start, end);
        match spec.kind {
            ChannelKind::Register => {
                let closing = self.at_or_before(spec.id, end, AsOf::Now)?;
                let Some(closing) = closing.filter(|reading| span.contains(reading.end)) else {
                    return Ok(None);
                };
                let opening = self.at_or_before(spec.id, start, AsOf::Now)?;
                let energy =
                    opening.and_then(|opening| closing.value.checked_sub(opening.value).ok());
                Ok(Some(ChannelTotal { channel: spec.id, energy }))
            }
            ChannelKind::Interval => {
                let readings = self.range(spec.id, span, AsOf::Now)?;
                if readings.is_empty() {
                    return Ok(None);
                }
                let energy = Energy::sum(readings.iter().map(|reading| reading.value)).ok();
                Ok(Some(ChannelTotal { channel: spec.id, energy }))
            }
        }
    }

    /// Decodes every block there is.
    pub(super) fn verify(&self) -> Result<Vec<LedgerError>, LedgerError> {
        let mut damaged = Vec::new();
        self.read(|connection| {
            let mut statement = connection.prepare_cached(blocks::SELECT)?;
            let mut rows = statement.query([i64::MIN, i64::MAX])?;
            let mut columns = Columns::default();
            while let Some(row) = rows.next()? {
                columns.clear();
                let checked = blocks::row(row).and_then(|(key, header, body)| {
                    codec::decode(key, &header, body, &mut columns).map_err(|_| Stop::Damaged(key))
                });
                match checked {
                    Ok(()) => {}
                    Err(Stop::Damaged(key)) => damaged.push(self.stopped(Stop::Damaged(key))),
                    Err(stop @ Stop::Sqlite(_)) => return Err(stop),
                }
            }
            Ok(())
        })?;
        Ok(damaged)
    }
}

fn note(days: &mut [Latest], slot: u32, header: &codec::Header) {
    let place = usize::try_from(slot).unwrap_or(usize::MAX);
    if let Some(latest) = days.get_mut(place)
        && latest.is_none_or(|(second, _)| second < header.last)
    {
        *latest = Some((header.last, header.last_value));
    }
}

/// Calls `each` with the slot and header of every block of a day, checked.
fn scan(
    connection: &rusqlite::Connection,
    day: i32,
    mut each: impl FnMut(u32, &codec::Header),
) -> Result<(), Stop> {
    let mut statement = connection.prepare_cached(blocks::SELECT)?;
    let mut rows = statement.query([key::first_of(day), key::last_of(day)])?;
    while let Some(row) = rows.next()? {
        let (key, header, body) = blocks::row(row)?;
        codec::verify(key, &header, body).map_err(|_| Stop::Damaged(key))?;
        each(key::parts(key).1, &header);
    }
    Ok(())
}
