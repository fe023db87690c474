//! A process that writes under full load and says what was acknowledged, and the check of what it left.
//!
//! The load is a function of (writer, batch), so that whoever checks knows each reading that was sent.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    sync::Mutex,
    thread,
};

use corrente_ledger::{Admission, AsOf, Entry, Ledger, LedgerError, LedgerOptions, SqliteLedger};
use corrente_metering::{
    ChannelId, ChannelKind, ChannelSpec, Reading, SourceQuality, Span, Timestamp,
};
use corrente_units::Energy;

pub(crate) const WRITERS: u64 = 3;
const CHANNELS_EACH: u64 = 30;
/// Midnight UTC of block day 20,000.
pub(crate) const START: i64 = 20_000 * 86_400;

pub(crate) fn options() -> LedgerOptions {
    LedgerOptions {
        seal_slice: 16,
        // Often, so that a death in the middle of one is likely.
        checkpoint_bytes: 1 << 20,
        cut_readings: 200,
        ..LedgerOptions::default()
    }
}

pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// The channels of a writer. Intervals, so that a reading that is counted twice shows in a sum.
pub(crate) fn channels(writer: u64) -> Vec<ChannelSpec> {
    (writer * CHANNELS_EACH..(writer + 1) * CHANNELS_EACH)
        .map(|number| ChannelSpec {
            id: ChannelId::from_number(number),
            kind: ChannelKind::Interval,
            offset_seconds: if number % 2 == 0 { 0 } else { -10_800 },
        })
        .collect()
}

/// A batch: the newest interval of each channel, and for some a late one of the day before.
pub(crate) fn batch(writer: u64, number: u64) -> Vec<Entry> {
    let time = START + i64::try_from(number).unwrap() * 600;
    let mut entries = Vec::new();
    for spec in channels(writer) {
        let channel = spec.id.number();
        let skips = |number: u64| (number + channel).is_multiple_of(7);
        if !skips(number) {
            entries.push(entry(spec.id, time));
        }
        // What was skipped comes a day later, into a day that may be sealed by then.
        if number >= 200 && skips(number - 200) {
            entries.push(entry(spec.id, time - 200 * 600));
        }
    }
    entries
}

fn entry(channel: ChannelId, time: i64) -> Entry {
    // Any function of the two will do.
    let mixed = (time.cast_unsigned() ^ channel.number() << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let reading = Reading {
        end: Timestamp::from_second(time),
        value: Energy::from_wh(i64::try_from(mixed >> 52).unwrap()),
        quality: SourceQuality::GOOD,
    };
    Entry { channel, reading, admission: Admission::Accept }
}

/// Writes batches from `next[writer]` on, up to `upto`, seals on the way, and notes each acknowledged batch as a
/// line "writer number" in one write.
pub(crate) fn run(folder: &Path, next: &[u64], upto: u64) {
    let ledger = SqliteLedger::open(&folder.join("ledger.db"), options()).unwrap();
    let acks: File =
        OpenOptions::new().create(true).append(true).open(folder.join("acks")).unwrap();
    let acks = Mutex::new(acks);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (ledger, acks) = (&ledger, &acks);
            let first = next[usize::try_from(writer).unwrap()];
            scope.spawn(move || {
                ledger.open_channels(&channels(writer)).unwrap();
                for number in first..upto {
                    wait(ledger.append(batch(writer, number))).unwrap();
                    let line = format!("{writer} {number}\n");
                    acks.lock().unwrap().write_all(line.as_bytes()).unwrap();
                    if writer == 0 && number % 50 == 49 {
                        let end = START + i64::try_from(number).unwrap() * 600;
                        ledger.seal_until(Timestamp::from_second(end)).unwrap();
                    }
                }
            });
        }
    });
}

/// For each writer the number behind the last acknowledged batch. A line that was cut is none.
pub(crate) fn acknowledged(acks: &[u8]) -> Vec<u64> {
    let mut next = vec![0; usize::try_from(WRITERS).unwrap()];
    for line in acks.split_inclusive(|&byte| byte == b'\n') {
        let Some(line) = line.strip_suffix(b"\n") else { continue };
        let mut numbers =
            std::str::from_utf8(line).unwrap().split(' ').map(|n| n.parse::<u64>().unwrap());
        let (writer, number) = (numbers.next().unwrap(), numbers.next().unwrap());
        next[usize::try_from(writer).unwrap()] = number + 1;
    }
    next
}

/// Every acknowledged reading is there once, and nothing that was not sent.
pub(crate) fn check(path: &Path, next: &[u64]) -> Result<u64, LedgerError> {
    let ledger = SqliteLedger::open(path, options())?;
    let mut checked = 0;
    for (writer, &next) in (0..WRITERS).zip(next) {
        let known = ledger.channels()?;
        if !channels(writer).iter().all(|spec| known.contains(spec)) {
            assert_eq!(next, 0, "channels of an acknowledged batch are gone");
            continue;
        }
        // What is under way may be there or not, but only whole.
        let (mut certain, mut possible) = (BTreeMap::new(), BTreeMap::new());
        for number in 0..=next {
            for Entry { channel, reading, .. } in batch(writer, number) {
                let readings = if number < next { &mut certain } else { &mut possible };
                readings.insert((channel, reading.end), reading.value);
            }
        }
        let (mut found_certain, mut found_possible) = (0, 0);
        let far = Span::new(Timestamp::MIN, Timestamp::MAX);
        for spec in channels(writer) {
            let readings = ledger.range(spec.id, far, AsOf::Now)?;
            assert!(readings.is_sorted_by(|a, b| a.end < b.end));
            for reading in &readings {
                let at = (spec.id, reading.end);
                if let Some(value) = certain.get(&at) {
                    assert_eq!(reading.value, *value);
                    found_certain += 1;
                } else {
                    assert_eq!(Some(&reading.value), possible.get(&at), "nobody sent {at:?}");
                    found_possible += 1;
                }
            }
        }
        assert_eq!(found_certain, certain.len(), "acknowledged readings of {writer} are gone");
        assert!(
            found_possible == 0 || found_possible == possible.len(),
            "a batch is there in part: {found_possible} of {}",
            possible.len()
        );
        checked += u64::try_from(found_certain).unwrap();
    }
    check_once(&ledger)?;
    assert!(ledger.verify()?.is_empty());
    Ok(checked)
}

/// The sums in the headers of the blocks count nothing twice.
pub(crate) fn check_once(ledger: &SqliteLedger) -> Result<(), LedgerError> {
    let (first, last) = (19_990, 20_100);
    let totals = ledger.totals(first, last)?;
    for total in totals {
        let specs = ledger.channels()?;
        let spec = specs.iter().find(|spec| spec.id == total.channel).unwrap();
        let start = ledger.day_span(spec.id, first)?.start;
        let span = Span::new(start, ledger.day_span(spec.id, last)?.end);
        let readings = ledger.range(spec.id, span, AsOf::Now)?;
        let sum = Energy::sum(readings.iter().map(|reading| reading.value)).unwrap();
        assert_eq!(total.energy, Some(sum), "channel {}", spec.id);
    }
    Ok(())
}
