//! Totals over many channels, from what their days come to; and the check of every block.

use corrente_metering::{ChannelKind, Timestamp};
use corrente_units::Energy;

use super::{
    Shared,
    blocks::{self, Stop},
    ends,
    read::in_snapshot,
};
use crate::{
    AsOf, ChannelTotal, DayTotal, LedgerError,
    codec::{self, Columns},
    day,
    ends::DayEnd,
};

/// Channels of which the window is asked in one go, while the writer waits.
const STRIDE: usize = 4096;

impl Shared {
    pub(super) fn day_total(&self, day: i32) -> Result<DayTotal, LedgerError> {
        DayTotal::sum(&self.totals(day, day)?)
    }

    /// From what the days come to. The window is asked before the blocks, so that what moves from the one
    /// to the other meanwhile is seen at least once; the later of two last readings is taken, and sums of
    /// channels that were open are made of their readings.
    pub(super) fn totals(&self, first: i32, last: i32) -> Result<Vec<ChannelTotal>, LedgerError> {
        if first > last {
            return Ok(Vec::new());
        }
        let before = first.saturating_sub(1);
        let open = self.open_in(before, last);
        // A copy: reads below take the same lock again.
        let specs = self.directory().specs().to_vec();
        let has_intervals = specs.iter().any(|spec| spec.kind == ChannelKind::Interval);
        let is_register = |slot: u32| {
            let spec = usize::try_from(slot).ok().and_then(|slot| specs.get(slot));
            spec.is_some_and(|spec| spec.kind == ChannelKind::Register)
        };
        let mut opening: Vec<Option<DayEnd>> = vec![None; specs.len()];
        let mut closing: Vec<Option<DayEnd>> = vec![None; specs.len()];
        for slots in open.chunks(STRIDE) {
            let window = self.window();
            for &slot in slots {
                let of_day = |day| {
                    let (second, value) = window.last_in(slot, day)?;
                    Some(DayEnd::Register { second, value })
                };
                if is_register(slot) {
                    note(&mut opening, slot, of_day(before));
                    note(&mut closing, slot, of_day(last));
                }
            }
        }
        self.read(|connection| {
            let directory = self.directory();
            in_snapshot(connection, true, || {
                ends::each(connection, &directory, before, |slot, end| {
                    if is_register(slot) {
                        note(&mut opening, slot, Some(end));
                    }
                })?;
                for day in if has_intervals { first } else { last }..=last {
                    ends::each(connection, &directory, day, |slot, end| {
                        if day == last || !is_register(slot) {
                            note(&mut closing, slot, Some(end));
                        }
                    })?;
                }
                Ok(())
            })
        })?;
        let mut totals = Vec::new();
        for (slot, (spec, ends)) in (0_u32..).zip(specs.iter().zip(opening.iter().zip(&closing))) {
            let energy = match (spec.kind, ends) {
                (
                    ChannelKind::Register,
                    (
                        Some(DayEnd::Register { value: opening, .. }),
                        Some(DayEnd::Register { value: closing, .. }),
                    ),
                ) => Some(closing.checked_sub(*opening).map(Energy::from_wh)),
                (ChannelKind::Interval, (_, closing)) if open.binary_search(&slot).is_err() => {
                    closing.map(|end| match end {
                        DayEnd::Sum(sum) => Some(Energy::from_wh(sum)),
                        DayEnd::Register { .. } | DayEnd::Overflow => None,
                    })
                }
                (ChannelKind::Register | ChannelKind::Interval, _) => {
                    self.total_of(slot, first, last)?.map(|total| total.energy)
                }
            };
            if let Some(energy) = energy {
                totals.push(ChannelTotal { channel: spec.id, energy });
            }
        }
        Ok(totals)
    }

    /// The channels of which the window holds readings of these days, in order.
    fn open_in(&self, first: i32, last: i32) -> Vec<u32> {
        let mut open: Vec<u32> = self.window().open_in(first..=last).collect();
        open.sort_unstable();
        open.dedup();
        open
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

/// Adds what a day comes to by one more source.
fn note(days: &mut [Option<DayEnd>], slot: u32, end: Option<DayEnd>) {
    let known = usize::try_from(slot).ok().and_then(|slot| days.get_mut(slot));
    if let (Some(known), Some(end)) = (known, end) {
        *known = Some(known.map_or(end, |before| before.and(end)));
    }
}
