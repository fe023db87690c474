//! The window: in memory, per channel, the readings of the days that are not sealed. Pure.
//!
//! It answers "now" and "today", and tells new readings from duplicates and conflicts. A reading is
//! eight bytes: its second in the day, its value as difference to the day's first, its quality.
//!
//! Between [`Window::begin`] and [`Window::commit`] the readings of a group commit are in it and not shown:
//! those behind the others of their day stand above a mark, those in between wait in a list.

use std::{
    collections::{BTreeMap, HashMap},
    ops::RangeInclusive,
};

use corrente_metering::{Reading, SourceQuality, Span, Timestamp};
use corrente_units::Energy;

use crate::{codec::Columns, day};

/// No block day: the channel has no open day.
const NO_DAY: i32 = i32::MIN;
const SECOND_SHIFT: u32 = 47;
const DELTA_SHIFT: u32 = 8;
const DELTA_BITS: u32 = SECOND_SHIFT - DELTA_SHIFT;
const DELTA_BIAS: i64 = 1 << (DELTA_BITS - 1);
/// What an allocation costs beside its bytes.
const ALLOCATION: usize = 16;

/// What became of a reading that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    New,
    Duplicate,
    Conflict { kept: i64 },
}

/// What the sealed blocks of a channel and day hold; asked only for days that have blocks.
pub(crate) trait Sealed {
    /// The last second that is in a block, 0 when there is none.
    fn last_second(&mut self, slot: u32, day: i32) -> u32;
    /// The value that a block holds at this second.
    fn value_at(&mut self, slot: u32, day: i32, second: u32) -> Option<i64>;
}

/// First and last block day of a channel that is sealed. Empty when `first > last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DaySpan {
    pub(crate) first: i32,
    pub(crate) last: i32,
}

impl DaySpan {
    pub(crate) const EMPTY: Self = Self { first: i32::MAX, last: i32::MIN };

    pub(crate) fn contains(self, day: i32) -> bool {
        self.first <= day && day <= self.last
    }

    pub(crate) fn extend(&mut self, day: i32) {
        self.first = self.first.min(day);
        self.last = self.last.max(day);
    }
}

#[derive(Debug)]
struct Day {
    cells: Vec<u64>,
    base: i64,
    /// The group commit that last added cells at the end, and how many there were before it.
    epoch: u64,
    shown: u32,
    day: i32,
    /// The last second that is in a sealed block.
    sealed_last: u32,
    /// The last second in the cells, 0 without any: the common case need not look at them.
    last: u32,
}

impl Day {
    const NONE: Self = Self {
        cells: Vec::new(),
        base: 0,
        epoch: 0,
        shown: 0,
        day: NO_DAY,
        sealed_last: 0,
        last: 0,
    };

    fn new(day: i32, base: i64, sealed_last: u32) -> Self {
        Self { base, day, sealed_last, ..Self::NONE }
    }

    fn last_second(&self) -> u32 {
        self.last
    }

    fn visible(&self, pending: u64) -> &[u64] {
        if pending != 0 && self.epoch == pending {
            let shown = usize::try_from(self.shown).unwrap_or(usize::MAX);
            self.cells.get(..shown).unwrap_or_default()
        } else {
            &self.cells
        }
    }

    /// Makes room for one more and says by how many bytes memory grew.
    fn reserve(&mut self) -> usize {
        let capacity = self.cells.capacity();
        if self.cells.len() < capacity {
            return 0;
        }
        // Exactly 96 fit: a day of quarter hours.
        let more = match capacity {
            0 => 8,
            8..32 => capacity,
            32..128 => 32,
            _ => capacity / 2,
        };
        self.cells.reserve_exact(more);
        let grown = (self.cells.capacity() - capacity) * size_of::<u64>();
        if capacity == 0 { grown + ALLOCATION } else { grown }
    }
}

/// Exactly one line of the processor's cache: under load each reading costs one from memory.
#[derive(Debug)]
#[repr(align(64))]
struct Channel {
    /// The latest open day. Without one there are no older ones either.
    tail: Day,
    /// The others, rising.
    #[expect(clippy::box_collection, reason = "nearly always absent: eight bytes instead of 24")]
    older: Option<Box<Vec<Day>>>,
}

impl Channel {
    const NEW: Self = Self { tail: Day::NONE, older: None };

    fn older(&self) -> &[Day] {
        self.older.as_deref().map_or(&[], Vec::as_slice)
    }

    fn days(&self) -> impl DoubleEndedIterator<Item = &Day> {
        self.older().iter().chain((self.tail.day != NO_DAY).then_some(&self.tail))
    }

    fn day(&self, day: i32) -> Option<&Day> {
        if self.tail.day == day {
            return Some(&self.tail);
        }
        let older = self.older();
        older.binary_search_by_key(&day, |d| d.day).ok().and_then(|place| older.get(place))
    }

    fn day_mut(&mut self, day: i32) -> Option<&mut Day> {
        if self.tail.day == day {
            return Some(&mut self.tail);
        }
        let older = self.older.as_deref_mut()?;
        let place = older.binary_search_by_key(&day, |d| d.day).ok()?;
        older.get_mut(place)
    }

    /// Adds a day that is not there.
    fn insert(&mut self, new: Day) {
        if self.tail.day < new.day {
            let tail = std::mem::replace(&mut self.tail, new);
            if tail.day != NO_DAY {
                self.older.get_or_insert_default().push(tail);
            }
        } else {
            let older = self.older.get_or_insert_default();
            let place = older.partition_point(|d| d.day < new.day);
            older.insert(place, new);
        }
    }

    fn remove(&mut self, day: i32) -> Option<Day> {
        if self.tail.day == day {
            let next = self.older.as_deref_mut().and_then(Vec::pop).unwrap_or(Day::NONE);
            let removed = std::mem::replace(&mut self.tail, next);
            self.drop_empty();
            return Some(removed);
        }
        let older = self.older.as_deref_mut()?;
        let place = older.binary_search_by_key(&day, |d| d.day).ok()?;
        let removed = older.remove(place);
        self.drop_empty();
        Some(removed)
    }

    fn drop_empty(&mut self) {
        if self.older.as_deref().is_some_and(Vec::is_empty) {
            self.older = None;
        }
    }
}

/// A reading that waits for its commit because others of its day come after it.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    value: i64,
    slot: u32,
    day: i32,
    second: u32,
    quality: u8,
}

#[derive(Debug, Default)]
pub(crate) struct Window {
    channels: Vec<Channel>,
    spans: Vec<DaySpan>,
    /// Which channels have which day open. May name one whose day is gone again.
    open: BTreeMap<i32, Vec<u32>>,
    /// Those that are on their way into blocks: their readings are still here.
    sealing: BTreeMap<i32, Vec<u32>>,
    /// Values that are too far from their day's first for a cell.
    wide: BTreeMap<(u32, i32, u32), i64>,
    /// The group commit under way, 0 when there is none.
    pending: u64,
    groups: u64,
    waiting: Vec<Waiting>,
    waiting_values: HashMap<(u32, i32, u32), i64>,
    /// Days with so many readings that they should be cut into a block before their end.
    full: Vec<(i32, u32)>,
    /// How many readings that is.
    cut_at: usize,
    readings: usize,
    bytes: usize,
}

impl Window {
    pub(crate) fn new(cut_at: usize) -> Self {
        Self { cut_at: cut_at.max(2), ..Self::default() }
    }

    pub(crate) fn add_channel(&mut self, sealed: DaySpan) {
        self.channels.push(Channel::NEW);
        self.spans.push(sealed);
        self.bytes += size_of::<Channel>() + size_of::<DaySpan>();
    }

    pub(crate) fn readings(&self) -> usize {
        self.readings
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn span(&self, slot: u32) -> DaySpan {
        at(slot).and_then(|slot| self.spans.get(slot)).copied().unwrap_or(DaySpan::EMPTY)
    }

    pub(crate) fn spans(&self) -> &[DaySpan] {
        &self.spans
    }

    /// Starts a group: what is offered from here on is not shown before [`Window::commit`].
    pub(crate) fn begin(&mut self) {
        self.groups += 1;
        self.pending = self.groups;
    }

    /// Shows the group's readings: they are durable.
    pub(crate) fn commit(&mut self) {
        self.pending = 0;
        let mut waiting = std::mem::take(&mut self.waiting);
        for one in waiting.drain(..) {
            self.put(one);
        }
        self.waiting = waiting;
        self.waiting_values.clear();
    }

    /// Looks at the channels of some readings that are offered next. Their places in memory are far
    /// apart; asked for together they come together.
    pub(crate) fn warm(&self, slots: impl Iterator<Item = u32>) {
        let seen = slots
            .filter_map(|slot| self.channels.get(at(slot)?))
            .fold(0, |seen, channel| seen ^ channel.tail.last);
        std::hint::black_box(seen);
    }

    /// Takes a reading unless its time is taken.
    pub(crate) fn offer(
        &mut self,
        slot: u32,
        day: i32,
        second: u32,
        value: i64,
        quality: u8,
        sealed: &mut impl Sealed,
    ) -> Offered {
        let Some(channel) = at(slot).and_then(|slot| self.channels.get_mut(slot)) else {
            return Offered::Duplicate;
        };
        let tail = &mut channel.tail;
        if tail.day == day && second > tail.last_second() && second > tail.sealed_last {
            let delta = value.wrapping_sub(tail.base);
            if let Some(cell) = pack(second, delta, quality) {
                if self.pending != 0 && tail.epoch != self.pending {
                    tail.epoch = self.pending;
                    tail.shown = u32::try_from(tail.cells.len()).unwrap_or(u32::MAX);
                }
                self.bytes += tail.reserve();
                tail.cells.push(cell);
                tail.last = second;
                self.readings += 1;
                if tail.cells.len() == self.cut_at {
                    self.full.push((day, slot));
                }
                return Offered::New;
            }
        }
        self.offer_elsewhere(Waiting { value, slot, day, second, quality }, sealed)
    }

    fn offer_elsewhere(&mut self, one: Waiting, sealed: &mut impl Sealed) -> Offered {
        let Waiting { value, slot, day, second, .. } = one;
        let known = at(slot).and_then(|slot| self.channels.get(slot)).and_then(|c| c.day(day));
        let sealed_last = match known {
            Some(known) => known.sealed_last,
            None if self.span(slot).contains(day) => sealed.last_second(slot, day),
            None => 0,
        };
        let taken = known
            .and_then(|known| {
                let place = known.cells.binary_search_by_key(&second, |&c| cell_second(c)).ok()?;
                self.value(slot, known, *known.cells.get(place)?)
            })
            .or_else(|| {
                if self.waiting_values.is_empty() {
                    return None;
                }
                self.waiting_values.get(&(slot, day, second)).copied()
            })
            .or_else(
                || {
                    if second <= sealed_last { sealed.value_at(slot, day, second) } else { None }
                },
            );
        if let Some(kept) = taken {
            return if kept == value { Offered::Duplicate } else { Offered::Conflict { kept } };
        }
        let behind = known.is_none_or(|known| second > known.last_second());
        if known.is_none() {
            let Some(channel) = at(slot).and_then(|slot| self.channels.get_mut(slot)) else {
                return Offered::Duplicate;
            };
            channel.insert(Day::new(day, value, sealed_last));
            self.open.entry(day).or_default().push(slot);
            self.bytes += size_of::<u32>();
        }
        if behind || self.pending == 0 {
            self.put(one);
        } else {
            self.waiting_values.insert((slot, day, second), value);
            self.waiting.push(one);
        }
        Offered::New
    }

    /// Puts a reading whose day exists and whose time is free into its place.
    fn put(&mut self, one: Waiting) {
        let Waiting { value, slot, day, second, quality } = one;
        let pending = self.pending;
        let Some(target) =
            at(slot).and_then(|slot| self.channels.get_mut(slot)).and_then(|c| c.day_mut(day))
        else {
            return;
        };
        let cell = pack(second, value.wrapping_sub(target.base), quality);
        if cell.is_none() {
            self.wide.insert((slot, day, second), value);
        }
        let cell = cell.unwrap_or_else(|| wide_cell(second, quality));
        let place = target.cells.partition_point(|&c| cell_second(c) < second);
        if pending != 0 && target.epoch != pending {
            target.epoch = pending;
            target.shown = u32::try_from(target.cells.len()).unwrap_or(u32::MAX);
        }
        self.bytes += target.reserve();
        target.cells.insert(place, cell);
        target.last = target.last.max(second);
        self.readings += 1;
        if target.cells.len() == self.cut_at {
            self.full.push((day, slot));
        }
    }

    fn value(&self, slot: u32, day: &Day, cell: u64) -> Option<i64> {
        match cell_delta(cell) {
            Some(delta) => Some(day.base.wrapping_add(delta)),
            None => self.wide.get(&(slot, day.day, cell_second(cell))).copied(),
        }
    }

    fn reading(&self, slot: u32, offset: i32, day: &Day, cell: u64) -> Option<Reading> {
        Some(Reading {
            end: day::join(day.day, cell_second(cell), offset),
            value: Energy::from_wh(self.value(slot, day, cell)?),
            quality: SourceQuality(cell_quality(cell)),
        })
    }

    /// Adds the shown readings in the span, in order of time.
    pub(crate) fn collect(&self, slot: u32, offset: i32, span: Span, out: &mut Vec<Reading>) {
        let Some(channel) = at(slot).and_then(|slot| self.channels.get(slot)) else { return };
        for day in channel.days() {
            if day::day_end(day.day, offset) <= span.start
                || day::day_start(day.day, offset) >= span.end
            {
                continue;
            }
            let cells = day.visible(self.pending).iter();
            out.extend(
                cells
                    .filter_map(|&cell| self.reading(slot, offset, day, cell))
                    .filter(|reading| span.contains(reading.end)),
            );
        }
    }

    /// The latest shown reading at or before `t`.
    pub(crate) fn at_or_before(&self, slot: u32, offset: i32, t: Timestamp) -> Option<Reading> {
        let channel = at(slot).and_then(|slot| self.channels.get(slot))?;
        let (wanted, second) = day::split(t, offset);
        channel.days().rev().filter(|day| day.day <= wanted).find_map(|day| {
            let cells = day.visible(self.pending);
            let end = if day.day == wanted {
                cells.partition_point(|&cell| cell_second(cell) <= second)
            } else {
                cells.len()
            };
            let cell = *cells.get(end.checked_sub(1)?)?;
            self.reading(slot, offset, day, cell)
        })
    }

    /// The earliest shown reading after `t`.
    pub(crate) fn after(&self, slot: u32, offset: i32, t: Timestamp) -> Option<Reading> {
        let channel = at(slot).and_then(|slot| self.channels.get(slot))?;
        let (wanted, second) = day::split(t, offset);
        channel.days().filter(|day| day.day >= wanted).find_map(|day| {
            let cells = day.visible(self.pending);
            let start = if day.day == wanted {
                cells.partition_point(|&cell| cell_second(cell) <= second)
            } else {
                0
            };
            self.reading(slot, offset, day, *cells.get(start)?)
        })
    }

    /// The days that are open and that nobody is sealing.
    pub(crate) fn open_days(&self) -> impl Iterator<Item = i32> {
        self.open.keys().copied()
    }

    /// The first of the days that are open or on their way into blocks.
    pub(crate) fn oldest_day(&self) -> Option<i32> {
        let first = |days: &BTreeMap<i32, Vec<u32>>| days.keys().next().copied();
        match (first(&self.open), first(&self.sealing)) {
            (Some(open), Some(sealing)) => Some(open.min(sealing)),
            (one, other) => one.or(other),
        }
    }

    /// The channels that have readings of these days here; may name one twice, or one whose day is gone.
    pub(crate) fn open_in(&self, days: RangeInclusive<i32>) -> impl Iterator<Item = u32> {
        let open = self.open.range(days.clone()).chain(self.sealing.range(days));
        open.flat_map(|(_, slots)| slots).copied()
    }

    /// Second and value of the last shown reading of a channel in a day.
    pub(crate) fn last_in(&self, slot: u32, day: i32) -> Option<(u32, i64)> {
        let day = at(slot).and_then(|slot| self.channels.get(slot))?.day(day)?;
        let cell = *day.visible(self.pending).last()?;
        Some((cell_second(cell), self.value(slot, day, cell)?))
    }

    pub(crate) fn is_open(&self, day: i32) -> bool {
        self.open.contains_key(&day)
    }

    /// Takes the channels of a day for which `wanted` holds out of the list of open days, sorted. Their
    /// readings stay until [`Window::sealed`], and count as open until [`Window::sealing_ended`].
    pub(crate) fn take_open(&mut self, day: i32, wanted: impl Fn(u32) -> bool) -> Vec<u32> {
        let Some(slots) = self.open.remove(&day) else { return Vec::new() };
        let (mut taken, left): (Vec<u32>, Vec<u32>) =
            slots.into_iter().partition(|&slot| wanted(slot));
        if !left.is_empty() {
            self.open.insert(day, left);
        }
        taken.sort_unstable();
        self.sealing.entry(day).or_default().extend(&taken);
        taken
    }

    /// What was taken of this day is in blocks, or back in the list.
    pub(crate) fn sealing_ended(&mut self, day: i32) {
        if let Some(slots) = self.sealing.remove(&day) {
            self.bytes = self.bytes.saturating_sub(slots.len() * size_of::<u32>());
        }
    }

    /// The inverse of [`Window::take_open`], for channels that could not be sealed.
    pub(crate) fn put_back(&mut self, day: i32, slots: Vec<u32>) {
        if !slots.is_empty() {
            self.bytes += slots.len() * size_of::<u32>();
            self.open.entry(day).or_default().extend(slots);
        }
    }

    /// Days that should be cut early; asked between groups.
    pub(crate) fn take_full(&mut self) -> Vec<(i32, u32)> {
        std::mem::take(&mut self.full)
    }

    pub(crate) fn has_full(&self) -> bool {
        !self.full.is_empty()
    }

    /// All readings of a day, for its block. Only between groups.
    pub(crate) fn columns(&self, slot: u32, day: i32, out: &mut Columns) {
        out.clear();
        let day = at(slot).and_then(|slot| self.channels.get(slot)).and_then(|c| c.day(day));
        let Some(day) = day else { return };
        for &cell in &day.cells {
            if let Some(value) = self.value(slot, day, cell) {
                out.push(cell_second(cell), value, cell_quality(cell));
            }
        }
    }

    /// The day's readings are in a block: drops them here. A day that was `cut` goes on.
    pub(crate) fn sealed(&mut self, slot: u32, day: i32, cut: bool) {
        let Some(place) = at(slot) else { return };
        let Some(channel) = self.channels.get_mut(place) else { return };
        let freed = if cut {
            let Some(day) = channel.day_mut(day) else { return };
            day.sealed_last = day.sealed_last.max(day.last_second());
            day.epoch = 0;
            day.last = 0;
            std::mem::take(&mut day.cells)
        } else {
            let Some(day) = channel.remove(day) else { return };
            day.cells
        };
        self.readings = self.readings.saturating_sub(freed.len());
        if freed.capacity() > 0 {
            let bytes = freed.capacity() * size_of::<u64>() + ALLOCATION;
            self.bytes = self.bytes.saturating_sub(bytes);
        }
        if !self.wide.is_empty() {
            let of_day = (slot, day, 0)..=(slot, day, u32::MAX);
            let keys: Vec<_> = self.wide.range(of_day).map(|(&key, _)| key).collect();
            for key in keys {
                self.wide.remove(&key);
            }
        }
        if let Some(span) = self.spans.get_mut(place)
            && !freed.is_empty()
        {
            span.extend(day);
        }
    }
}

fn at(slot: u32) -> Option<usize> {
    usize::try_from(slot).ok()
}

fn pack(second: u32, delta: i64, quality: u8) -> Option<u64> {
    let biased = delta.checked_add(DELTA_BIAS)?;
    // 0 is kept for values that do not fit.
    if biased <= 0 || biased >= 1 << DELTA_BITS {
        return None;
    }
    Some(wide_cell(second, quality) | biased.cast_unsigned() << DELTA_SHIFT)
}

fn wide_cell(second: u32, quality: u8) -> u64 {
    u64::from(second) << SECOND_SHIFT | u64::from(quality)
}

fn cell_second(cell: u64) -> u32 {
    u32::try_from(cell >> SECOND_SHIFT).unwrap_or_default()
}

fn cell_delta(cell: u64) -> Option<i64> {
    let biased = cell >> DELTA_SHIFT & ((1 << DELTA_BITS) - 1);
    (biased != 0).then(|| biased.cast_signed() - DELTA_BIAS)
}

fn cell_quality(cell: u64) -> u8 {
    cell.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing is sealed.
    struct Nothing;

    impl Sealed for Nothing {
        fn last_second(&mut self, _: u32, _: i32) -> u32 {
            0
        }
        fn value_at(&mut self, _: u32, _: i32, _: u32) -> Option<i64> {
            None
        }
    }

    fn window() -> Window {
        let mut window = Window::new(1000);
        window.add_channel(DaySpan::EMPTY);
        window
    }

    fn shown(window: &Window) -> Vec<(i64, i64)> {
        let mut out = Vec::new();
        window.collect(0, 0, Span::new(Timestamp::MIN, Timestamp::MAX), &mut out);
        out.iter().map(|reading| (reading.end.second(), reading.value.wh())).collect()
    }

    #[test]
    fn nothing_is_shown_before_its_commit() {
        let mut window = window();
        window.begin();
        assert_eq!(window.offer(0, 10, 900, 5, 0, &mut Nothing), Offered::New);
        assert_eq!(shown(&window), []);
        assert_eq!(window.at_or_before(0, 0, Timestamp::MAX), None);
        window.commit();
        assert_eq!(shown(&window), [(864_900, 5)]);
        window.begin();
        assert_eq!(window.offer(0, 10, 2700, 9, 0, &mut Nothing), Offered::New);
        assert_eq!(window.offer(0, 10, 1800, 7, 0, &mut Nothing), Offered::New);
        assert_eq!(window.offer(0, 10, 1800, 7, 0, &mut Nothing), Offered::Duplicate);
        assert_eq!(window.offer(0, 10, 1800, 8, 0, &mut Nothing), Offered::Conflict { kept: 7 });
        assert_eq!(window.offer(0, 10, 2700, 8, 0, &mut Nothing), Offered::Conflict { kept: 9 });
        assert_eq!(shown(&window), [(864_900, 5)]);
        window.commit();
        assert_eq!(shown(&window), [(864_900, 5), (865_800, 7), (866_700, 9)]);
    }

    #[test]
    fn values_far_from_the_first_are_kept() {
        let mut window = window();
        for (second, value) in [(10, 0), (20, i64::MAX), (30, i64::MIN), (15, 1 << 40), (40, 3)] {
            assert_eq!(window.offer(0, 1, second, value, 1, &mut Nothing), Offered::New);
        }
        let values: Vec<i64> = shown(&window).iter().map(|&(_, value)| value).collect();
        assert_eq!(values, [0, 1 << 40, i64::MAX, i64::MIN, 3]);
        assert_eq!(
            window.offer(0, 1, 20, 7, 0, &mut Nothing),
            Offered::Conflict { kept: i64::MAX }
        );
    }

    #[test]
    fn days_come_and_go_in_any_order() {
        let mut window = window();
        for day in [5, 3, 9, 4] {
            window.offer(0, day, 100, i64::from(day), 0, &mut Nothing);
        }
        let values = |window: &Window| -> Vec<i64> {
            shown(window).iter().map(|&(_, value)| value).collect()
        };
        assert_eq!(values(&window), [3, 4, 5, 9]);
        window.sealed(0, 9, false);
        window.sealed(0, 4, false);
        assert_eq!(values(&window), [3, 5]);
        assert_eq!(window.span(0), DaySpan { first: 4, last: 9 });
        window.offer(0, 7, 100, 7, 0, &mut Nothing);
        assert_eq!(values(&window), [3, 5, 7]);
        for day in [3, 5, 7] {
            window.sealed(0, day, false);
        }
        assert_eq!((window.readings(), values(&window)), (0, vec![]));
    }

    #[test]
    fn a_day_of_quarter_hours_is_about_nine_hundred_bytes() {
        let mut window = window();
        for n in 1..=96_u32 {
            window.offer(0, 1, n * 900, i64::from(n) * 100, 0, &mut Nothing);
        }
        assert!(window.bytes() < 900, "{}", window.bytes());
        assert_eq!(size_of::<Channel>(), 64);
    }
}
