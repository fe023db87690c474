//! What every engine does, case by case.

use std::{path::Path, thread};

use corrente_ledger::{
    Admission, Appended, AsOf, DayTotal, Decision, Entry, Ledger, LedgerError, PowerSample,
    QuarantineReason, Rejected, RejectionReason, Revisions, Settled,
};
use corrente_metering::{
    ChannelId, ChannelKind, ChannelSpec, Reading, SourceQuality, Span, Timestamp,
};
use corrente_units::Energy;

/// An empty store of an engine, which can be opened again after it was closed.
pub(crate) trait Store {
    fn open(&self) -> Box<dyn Ledger>;
    fn open_backup(&self, backup: &Path) -> Box<dyn Ledger>;
    fn folder(&self) -> &Path;
    /// Hours for which it keeps samples of power.
    fn power_hours(&self) -> i64;
}

type Case = (&'static str, fn(&dyn Store));

pub(crate) const CASES: &[Case] = &[
    ("readings come back in order of time", readings_come_back_in_order_of_time),
    ("a resent reading is a duplicate", a_resent_reading_is_a_duplicate),
    ("the first of two values stays", the_first_of_two_values_stays),
    ("late readings make a new revision", late_readings_make_a_new_revision),
    ("sealing changes no answer", sealing_changes_no_answer),
    ("each offset has its own block day", each_offset_has_its_own_block_day),
    ("a reopened ledger answers the same", a_reopened_ledger_answers_the_same),
    ("quarantined readings wait for a person", quarantined_readings_wait_for_a_person),
    ("totals are what the readings say", totals_are_what_the_readings_say),
    ("a backup is a ledger of its own", a_backup_is_a_ledger_of_its_own),
    ("unknown channels are refused whole", unknown_channels_are_refused_whole),
    ("a closed ledger says so", a_closed_ledger_says_so),
    ("many writers at once lose nothing", many_writers_at_once_lose_nothing),
    ("reads during sealing miss nothing", reads_during_sealing_miss_nothing),
    ("samples of power are kept for a while", samples_of_power_are_kept_for_a_while),
    ("odd values and qualities are kept", odd_values_and_qualities_are_kept),
];

pub(crate) const DAY: i64 = 86_400;
/// Midnight UTC of block day 20,000.
pub(crate) const START: i64 = 20_000 * DAY;
const FAR: Span = Span::new(Timestamp::MIN, Timestamp::MAX);

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second)
}

pub(crate) fn id(number: u64) -> ChannelId {
    ChannelId::from_number(number)
}

pub(crate) fn register(number: u64, offset_seconds: i32) -> ChannelSpec {
    ChannelSpec { id: id(number), kind: ChannelKind::Register, offset_seconds }
}

pub(crate) fn reading(second: i64, wh: i64) -> Reading {
    Reading { end: at(second), value: Energy::from_wh(wh), quality: SourceQuality::GOOD }
}

pub(crate) fn entry(channel: u64, second: i64, wh: i64) -> Entry {
    Entry { channel: id(channel), reading: reading(second, wh), admission: Admission::Accept }
}

pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn append(ledger: &dyn Ledger, entries: Vec<Entry>) -> Appended {
    wait(ledger.append(entries)).unwrap()
}

fn all(ledger: &dyn Ledger, channel: u64) -> Vec<(i64, i64)> {
    pairs(&ledger.range(id(channel), FAR, AsOf::Now).unwrap())
}

fn pairs(readings: &[Reading]) -> Vec<(i64, i64)> {
    readings.iter().map(|reading| (reading.end.second(), reading.value.wh())).collect()
}

fn fresh(store: &dyn Store) -> Box<dyn Ledger> {
    let ledger = store.open();
    ledger.open_channels(&[register(1, 0)]).unwrap();
    ledger
}

fn readings_come_back_in_order_of_time(store: &dyn Store) {
    let ledger = fresh(store);
    assert_eq!(ledger.last(id(1)).unwrap(), None);
    let seconds = [START + 900, START + 2700, START + 1800, START + DAY + 5, START - DAY];
    let entries = seconds.iter().map(|&second| entry(1, second, second)).collect();
    assert_eq!(append(&*ledger, entries), Appended { new: 5, ..Appended::default() });
    let mut sorted = seconds;
    sorted.sort_unstable();
    assert_eq!(all(&*ledger, 1), sorted.map(|second| (second, second)));
    // (start, end]
    let span = Span::new(at(START + 900), at(START + 2700));
    assert_eq!(
        pairs(&ledger.range(id(1), span, AsOf::Now).unwrap()),
        [(START + 1800, START + 1800), (START + 2700, START + 2700)]
    );
    let one = |found: Option<Reading>| found.map(|reading| reading.end.second());
    let before = |t| one(ledger.at_or_before(id(1), at(t), AsOf::Now).unwrap());
    let after = |t| one(ledger.after(id(1), at(t), AsOf::Now).unwrap());
    assert_eq!(before(START + 899), Some(START - DAY));
    assert_eq!(before(START + 900), Some(START + 900));
    assert_eq!(before(START - DAY - 1), None);
    assert_eq!(after(START + 900), Some(START + 1800));
    assert_eq!(after(START + 2700), Some(START + DAY + 5));
    assert_eq!(after(START + DAY + 5), None);
    assert_eq!(one(ledger.last(id(1)).unwrap()), Some(START + DAY + 5));
}

fn a_resent_reading_is_a_duplicate(store: &dyn Store) {
    let ledger = fresh(store);
    let twice = vec![entry(1, START + 900, 5), entry(1, START + 900, 5)];
    assert_eq!(
        append(&*ledger, twice.clone()),
        Appended { new: 1, duplicates: 1, ..Appended::default() }
    );
    let again = Appended { duplicates: 2, ..Appended::default() };
    assert_eq!(append(&*ledger, twice.clone()), again);
    assert_eq!(ledger.seal_until(at(START + DAY)).unwrap(), 1);
    assert_eq!(append(&*ledger, twice), again);
    assert_eq!(ledger.seal_until(at(START + DAY)).unwrap(), 0, "there was nothing new to seal");
    assert_eq!(all(&*ledger, 1), [(START + 900, 5)]);
    assert_eq!(ledger.rejected(0, 10).unwrap(), []);
}

fn the_first_of_two_values_stays(store: &dyn Store) {
    let ledger = fresh(store);
    let entries =
        vec![entry(1, START + 900, 5), entry(1, START + 900, 6), entry(1, START + 1800, 7)];
    assert_eq!(append(&*ledger, entries), Appended { new: 2, conflicts: 1, ..Appended::default() });
    ledger.seal_until(at(START + DAY)).unwrap();
    // Against a sealed day; and the same conflict again, which is stored once.
    for _ in 0..2 {
        let appended = append(&*ledger, vec![entry(1, START + 1800, 8)]);
        assert_eq!(appended, Appended { conflicts: 1, ..Appended::default() });
    }
    assert_eq!(all(&*ledger, 1), [(START + 900, 5), (START + 1800, 7)]);
    let rejected = ledger.rejected(0, 10).unwrap();
    let short = |one: &Rejected| (one.reading.end.second(), one.reading.value.wh(), one.reason);
    let kept = |wh| RejectionReason::Conflict { kept: Energy::from_wh(wh) };
    assert_eq!(
        rejected.iter().map(short).collect::<Vec<_>>(),
        [(START + 900, 6, kept(5)), (START + 1800, 8, kept(7))]
    );
    assert_eq!(ledger.rejected(rejected[0].sequence, 10).unwrap(), rejected[1..]);
    assert_eq!(ledger.rejected(0, 1).unwrap(), rejected[..1]);
    let settled = ledger.settle(rejected[0].sequence, Decision::Release).unwrap();
    assert_eq!(settled, Settled::Conflict, "the first stays");
}

fn late_readings_make_a_new_revision(store: &dyn Store) {
    let ledger = fresh(store);
    let day = Span::new(at(START), at(START + DAY));
    append(&*ledger, vec![entry(1, START + 900, 1), entry(1, START + 2700, 3)]);
    assert_eq!(ledger.revisions(id(1), day).unwrap(), Revisions::default());
    ledger.seal_until(at(START + DAY)).unwrap();
    let first = ledger.revisions(id(1), day).unwrap();
    assert_eq!(first.0.len(), 1);
    let late = vec![entry(1, START + 1800, 2), entry(1, START + 900, 1), entry(1, START + DAY, 9)];
    let appended = append(&*ledger, late);
    assert_eq!(appended, Appended { new: 2, duplicates: 1, ..Appended::default() });
    let whole = [(START + 900, 1), (START + 1800, 2), (START + 2700, 3), (START + DAY, 9)];
    assert_eq!(all(&*ledger, 1), whole, "late readings count now, sealed or not");
    assert_eq!(ledger.revisions(id(1), day).unwrap(), first);
    assert_eq!(ledger.seal_until(at(START + DAY)).unwrap(), 1);
    let second = ledger.revisions(id(1), day).unwrap();
    assert!(second.0[0].revision > first.0[0].revision);
    let as_of = |revisions: &Revisions| {
        pairs(&ledger.range(id(1), day, AsOf::Revisions(revisions)).unwrap())
    };
    assert_eq!(as_of(&first), [(START + 900, 1), (START + 2700, 3)]);
    assert_eq!(as_of(&second), whole);
    assert_eq!(as_of(&Revisions::default()), []);
    let last = |revisions: &Revisions| {
        let found = ledger.at_or_before(id(1), Timestamp::MAX, AsOf::Revisions(revisions));
        found.unwrap().map(|reading| reading.value.wh())
    };
    assert_eq!((last(&first), last(&second)), (Some(3), Some(9)));
    let next = |revisions: &Revisions| {
        let found = ledger.after(id(1), at(START + 900), AsOf::Revisions(revisions));
        found.unwrap().map(|reading| reading.value.wh())
    };
    assert_eq!((next(&first), next(&second)), (Some(3), Some(2)));
}

fn sealing_changes_no_answer(store: &dyn Store) {
    let ledger = store.open();
    ledger.open_channels(&[register(1, -10_800), register(2, 19_800)]).unwrap();
    let seconds: Vec<i64> = (0..300).map(|n| START + n * 977).collect();
    for channel in [1, 2] {
        append(&*ledger, seconds.iter().map(|&s| entry(channel, s, s / 3)).collect());
    }
    let probe = || {
        let mut answers = Vec::new();
        for channel in [1, 2] {
            for t in (START - 5000..START + 300_000).step_by(7001) {
                let span = Span::new(at(t), at(t + 50_000));
                answers.push((
                    ledger.range(id(channel), span, AsOf::Now).unwrap(),
                    ledger.at_or_before(id(channel), at(t), AsOf::Now).unwrap(),
                    ledger.after(id(channel), at(t), AsOf::Now).unwrap(),
                    ledger.last(id(channel)).unwrap(),
                ));
            }
        }
        answers
    };
    let open = probe();
    for end in [START + DAY, START + 2 * DAY, START + 9 * DAY] {
        ledger.seal_until(at(end)).unwrap();
        assert_eq!(probe(), open);
    }
    assert_eq!(ledger.stats().window_readings, 0);
}

fn each_offset_has_its_own_block_day(store: &dyn Store) {
    let ledger = store.open();
    // UTC, Brasília, India (half an hour), Nepal (three quarters), Newfoundland.
    let offsets = [0, -10_800, 19_800, 20_700, -12_600];
    let hours = |hours: i64, minutes: i64| START + hours * 3600 + minutes * 60;
    let midnights = [hours(0, 0), hours(3, 0), hours(-5, -30), hours(-5, -45), hours(3, 30)];
    let specs: Vec<ChannelSpec> =
        (1..).zip(offsets).map(|(number, offset)| register(number, offset)).collect();
    ledger.open_channels(&specs).unwrap();
    assert_eq!(ledger.channels().unwrap(), specs);
    for (channel, midnight) in (1..).zip(midnights) {
        append(&*ledger, vec![entry(channel, midnight, 1), entry(channel, midnight + 1, 2)]);
        let day = ledger.day_span(id(channel), 20_000).unwrap();
        assert_eq!(day, Span::new(at(midnight), at(midnight + DAY)));
    }
    // East to west, each midnight seals the day that it closes, and no other channel's.
    let mut order: Vec<(u64, i64)> = (1..).zip(midnights).collect();
    order.sort_by_key(|&(_, midnight)| midnight);
    for (place, &(channel, midnight)) in order.iter().enumerate() {
        ledger.seal_until(at(midnight - 1)).unwrap();
        for &(later, _) in &order[place..] {
            assert_eq!(ledger.revisions(id(later), FAR).unwrap(), Revisions::default());
        }
        ledger.seal_until(at(midnight)).unwrap();
        let revisions = ledger.revisions(id(channel), FAR).unwrap();
        assert_eq!(revisions.0.iter().map(|one| one.day).collect::<Vec<_>>(), [19_999]);
        let sealed = ledger.range(id(channel), FAR, AsOf::Revisions(&revisions)).unwrap();
        assert_eq!(pairs(&sealed), [(midnight, 1)], "midnight closes its day");
    }
}

fn a_reopened_ledger_answers_the_same(store: &dyn Store) {
    let ledger = store.open();
    ledger.open_channels(&[register(1, 0), register(1 << 40, -10_800)]).unwrap();
    let mut expected = Vec::new();
    for n in 0..50 {
        let second = START + n * 4000;
        append(&*ledger, vec![entry(1, second, n), entry(1 << 40, second, -n)]);
        expected.push((second, n));
    }
    append(&*ledger, vec![entry(1, START, 77)]);
    ledger.seal_until(at(START + DAY)).unwrap();
    let revisions = ledger.revisions(id(1), FAR).unwrap();
    let rejected = ledger.rejected(0, 10).unwrap();
    assert_eq!(rejected.len(), 1);
    ledger.close().unwrap();
    drop(ledger);
    let ledger = store.open();
    assert_eq!(all(&*ledger, 1), expected);
    assert_eq!(all(&*ledger, 1 << 40).len(), 50);
    assert_eq!(ledger.revisions(id(1), FAR).unwrap(), revisions);
    assert_eq!(ledger.rejected(0, 10).unwrap(), rejected);
    assert_eq!(ledger.stats().channels, 2);
    let resent = vec![entry(1, START + 4000, 1), entry(1, START + 49 * 4000, 49)];
    assert_eq!(append(&*ledger, resent), Appended { duplicates: 2, ..Appended::default() });
    // Known channels stay as they are, whatever they are called now.
    ledger.open_channels(&[register(1, 3600), register(5, 0)]).unwrap();
    assert_eq!(ledger.channels().unwrap()[0], register(1, 0));
    assert_eq!(ledger.stats().channels, 3);
    assert_eq!(all(&*ledger, 5), []);
}

fn quarantined_readings_wait_for_a_person(store: &dyn Store) {
    let ledger = fresh(store);
    let aside = |second, wh, reason| Entry {
        admission: Admission::Quarantine(reason),
        ..entry(1, second, wh)
    };
    let appended = append(
        &*ledger,
        vec![
            aside(0, 1, QuarantineReason::BeforeInstallation),
            aside(START + 900 * DAY, 2, QuarantineReason::InFuture),
            entry(1, START, 3),
            aside(START, 4, QuarantineReason::InFuture),
        ],
    );
    assert_eq!(appended, Appended { new: 1, quarantined: 3, ..Appended::default() });
    assert_eq!(all(&*ledger, 1), [(START, 3)]);
    let waiting = ledger.unsettled(0, 10).unwrap();
    assert_eq!(
        waiting.iter().map(|one| one.reason).collect::<Vec<_>>(),
        [
            RejectionReason::Quarantine(QuarantineReason::BeforeInstallation),
            RejectionReason::Quarantine(QuarantineReason::InFuture),
            RejectionReason::Quarantine(QuarantineReason::InFuture),
        ]
    );
    let settle = |place: usize, decision| ledger.settle(waiting[place].sequence, decision).unwrap();
    assert_eq!(settle(0, Decision::Drop), Settled::Done);
    assert_eq!(settle(0, Decision::Release), Settled::Already);
    assert_eq!(settle(1, Decision::Release), Settled::Done);
    assert_eq!(settle(2, Decision::Release), Settled::Done);
    assert_eq!(ledger.settle(999, Decision::Drop).unwrap(), Settled::Unknown);
    // Released: one counts, the other's time was taken and it is a conflict now.
    assert_eq!(all(&*ledger, 1), [(START, 3), (START + 900 * DAY, 2)]);
    let open = ledger.unsettled(0, 10).unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].reason, RejectionReason::Conflict { kept: Energy::from_wh(3) });
    assert_eq!(ledger.rejected(0, 10).unwrap().len(), 4, "all of them stay stored");
    ledger.close().unwrap();
    drop(ledger);
    let ledger = store.open();
    assert_eq!(all(&*ledger, 1), [(START, 3), (START + 900 * DAY, 2)]);
    assert_eq!(ledger.unsettled(0, 10).unwrap(), open);
}

fn totals_are_what_the_readings_say(store: &dyn Store) {
    let ledger = store.open();
    let interval = |number| ChannelSpec { kind: ChannelKind::Interval, ..register(number, 0) };
    let specs = [register(1, 0), register(2, 0), interval(3), register(4, 0), interval(5)];
    ledger.open_channels(&specs).unwrap();
    let mut entries = Vec::new();
    for n in 0..=12 {
        // Every six hours from midnight on: channel 1 gains 10 each time, 3 has 7 each.
        entries.push(entry(1, START + n * 21_600, 1000 + n * 10));
        entries.push(entry(3, START + n * 21_600, 7));
    }
    // Channel 2 has no value before its first day; 4 falls.
    entries.push(entry(2, START + 500, 5));
    entries.push(entry(4, START - 500, 50));
    entries.push(entry(4, START + 500, 20));
    append(&*ledger, entries);
    let total = |channel| {
        move |totals: &[corrente_ledger::ChannelTotal]| {
            totals.iter().find(|one| one.channel == id(channel)).map(|one| one.energy)
        }
    };
    let check = || {
        let day = ledger.totals(20_000, 20_000).unwrap();
        let wh = |wh| Some(Some(Energy::from_wh(wh)));
        assert_eq!(total(1)(&day), wh(40));
        assert_eq!(total(2)(&day), Some(None));
        assert_eq!(total(3)(&day), wh(28));
        assert_eq!(total(4)(&day), wh(-30));
        assert_eq!(total(5)(&day), None);
        let month = ledger.totals(20_000, 20_002).unwrap();
        assert_eq!((total(1)(&month), total(3)(&month)), (wh(120), wh(84)));
        let sum = ledger.day_total(20_000).unwrap();
        assert_eq!((sum.energy.wh(), sum.channels, sum.unclear), (68, 2, 2));
    };
    check();
    for end in [START, START + DAY, START + 2 * DAY, START + 9 * DAY] {
        ledger.seal_until(at(end)).unwrap();
        check();
    }
    append(&*ledger, vec![entry(3, START + 1, 0), entry(1, START + 1, 1000)]);
    check();
    ledger.seal_until(at(START + 9 * DAY)).unwrap();
    check();
}

fn a_backup_is_a_ledger_of_its_own(store: &dyn Store) {
    let ledger = fresh(store);
    append(&*ledger, (1..100).map(|n| entry(1, START + n * 3000, n)).collect());
    ledger.seal_until(at(START + DAY)).unwrap();
    let path = store.folder().join("backup.db");
    let before = all(&*ledger, 1);
    ledger.backup(&path).unwrap();
    append(&*ledger, vec![entry(1, START + 1, 0)]);
    assert!(matches!(ledger.backup(&path), Err(LedgerError::Unusable(_))), "it exists");
    let copy = store.open_backup(&path);
    assert_eq!(all(&*copy, 1), before);
    append(&*copy, vec![entry(1, START + 2, 0)]);
    assert_eq!(all(&*copy, 1).len(), all(&*ledger, 1).len());
    assert_eq!(copy.verify().unwrap().len(), 0);
}

fn samples_of_power_are_kept_for_a_while(store: &dyn Store) {
    const HOUR: i64 = 3600;
    let kept = store.power_hours() * HOUR;
    let ledger = fresh(store);
    ledger.open_channels(&[register(400, 0)]).unwrap();
    let sample = |channel: u64, second: i64, watts: i64| PowerSample {
        channel: id(channel),
        t: at(second),
        watts,
    };
    let start = START + 10;
    // Energy beside it, which nothing of this touches.
    let energy: Vec<Entry> = (0..6).map(|n| entry(1, start + n * HOUR, n)).collect();
    append(&*ledger, energy);
    let before = all(&*ledger, 1);
    // Out of order, another channel at the same instants, negative, huge, and one instant twice.
    let mut samples: Vec<PowerSample> =
        (0..6).rev().map(|n| sample(1, start + n * HOUR, 100 + n)).collect();
    samples.push(sample(400, start, -2300));
    samples.push(sample(1, start + 1, i64::MAX));
    samples.push(sample(1, start + 5 * HOUR, 7));
    ledger.keep_power(&samples).unwrap();
    let expected = |from: i64| -> Vec<(i64, i64)> {
        let of_hours = (0..6).map(|n| (start + n * HOUR, if n == 5 { 7 } else { 100 + n }));
        let mut all: Vec<(i64, i64)> = of_hours.chain([(start + 1, i64::MAX)]).collect();
        all.sort_unstable();
        all.retain(|(t, _)| *t >= from);
        all
    };
    let power = |ledger: &dyn Ledger, channel: u64, span: Span| -> Vec<(i64, i64)> {
        let found = ledger.power(id(channel), span).unwrap();
        assert!(found.iter().all(|one| one.channel == id(channel)));
        found.into_iter().map(|one| (one.t.second(), one.watts)).collect()
    };
    let check = |ledger: &dyn Ledger, from: i64| {
        assert_eq!(power(ledger, 1, FAR), expected(from));
        assert_eq!(all(ledger, 1), before);
        let one = Span::new(at(start + 4 * HOUR), at(start + 5 * HOUR));
        assert_eq!(power(ledger, 1, one), [(start + 5 * HOUR, 7)]);
    };
    check(&*ledger, 0);
    assert_eq!(power(&*ledger, 400, FAR), [(start, -2300)]);
    ledger.close().unwrap();
    let ledger = store.open();
    check(&*ledger, 0);
    ledger.keep_power(&[sample(400, start + 60, 1)]).unwrap();
    // Young enough to the last second of the hour.
    ledger.forget_power(at(START + HOUR - 1 + kept)).unwrap();
    check(&*ledger, 0);
    ledger.forget_power(at(START + 2 * HOUR + kept)).unwrap();
    check(&*ledger, START + 2 * HOUR);
    assert_eq!(power(&*ledger, 400, FAR), []);
    ledger.seal_until(at(START + 2 * DAY)).unwrap();
    check(&*ledger, START + 2 * HOUR);
    let copy = store.folder().join("power.db");
    ledger.backup(&copy).unwrap();
    check(&*store.open_backup(&copy), START + 2 * HOUR);
    ledger.forget_power(at(START + 9 * DAY + kept)).unwrap();
    assert_eq!(power(&*ledger, 1, FAR), []);
    assert_eq!(all(&*ledger, 1), before);
    let unknown = ledger.keep_power(&[sample(999, start, 1)]);
    assert!(matches!(unknown, Err(LedgerError::UnknownChannel(_))));
    ledger.close().unwrap();
    assert!(matches!(ledger.keep_power(&samples), Err(LedgerError::Closed)));
    assert!(matches!(ledger.power(id(1), FAR), Err(LedgerError::Closed)));
    assert!(matches!(ledger.forget_power(at(START)), Err(LedgerError::Closed)));
}

fn unknown_channels_are_refused_whole(store: &dyn Store) {
    let ledger = fresh(store);
    let refused = wait(ledger.append(vec![entry(1, START, 1), entry(2, START, 1)]));
    assert!(matches!(refused, Err(LedgerError::UnknownChannel(channel)) if channel == id(2)));
    assert_eq!(all(&*ledger, 1), []);
    assert!(matches!(ledger.last(id(2)), Err(LedgerError::UnknownChannel(_))));
    assert_eq!(append(&*ledger, vec![]), Appended::default());
}

fn a_closed_ledger_says_so(store: &dyn Store) {
    let ledger = fresh(store);
    append(&*ledger, vec![entry(1, START, 1)]);
    assert!(ledger.stats().accepting);
    ledger.close().unwrap();
    ledger.close().unwrap();
    assert!(!ledger.stats().accepting);
    let refused = wait(ledger.append(vec![entry(1, START, 1)]));
    assert!(matches!(refused, Err(LedgerError::Closed)));
    assert!(matches!(ledger.last(id(1)), Err(LedgerError::Closed)));
    assert!(matches!(ledger.open_channels(&[register(9, 0)]), Err(LedgerError::Closed)));
    assert!(matches!(ledger.seal_until(at(START)), Err(LedgerError::Closed)));
}

fn many_writers_at_once_lose_nothing(store: &dyn Store) {
    let ledger = store.open();
    let writers = 8_u64;
    thread::scope(|scope| {
        for writer in 0..writers {
            let ledger = &*ledger;
            scope.spawn(move || {
                ledger.open_channels(&[register(writer, 0)]).unwrap();
                for n in 0..40 {
                    // Each batch also resends half of the one before.
                    let entries =
                        (n * 10 - 5..n * 10 + 10).map(|n| entry(writer, START + n * 60, n));
                    append(ledger, entries.collect());
                    let last = ledger.last(id(writer)).unwrap().unwrap();
                    assert_eq!(last.value.wh(), n * 10 + 9, "what is acknowledged is seen");
                }
            });
        }
    });
    for writer in 0..writers {
        let expected: Vec<(i64, i64)> = (-5..400).map(|n| (START + n * 60, n)).collect();
        assert_eq!(all(&*ledger, writer), expected);
    }
    assert_eq!(ledger.stats().appended, writers * 405);
}

fn reads_during_sealing_miss_nothing(store: &dyn Store) {
    let ledger = store.open();
    let channels = 40_u64;
    let spec = |number: u64| ChannelSpec {
        kind: if number.is_multiple_of(2) { ChannelKind::Interval } else { ChannelKind::Register },
        ..register(number, 0)
    };
    ledger.open_channels(&(0..channels).map(spec).collect::<Vec<_>>()).unwrap();
    let days = 6;
    // Of the odd ones the register, of the even ones the sum of a day is 55.
    for day in 0..days {
        for channel in 0..channels {
            let (start, base) = (START + day * DAY, day * 55 * i64::try_from(channel % 2).unwrap());
            let wh = |n: i64| if channel % 2 == 0 { n } else { base + n * (n + 1) / 2 };
            append(&*ledger, (1..=10).map(|n| entry(channel, start + n * 60, wh(n))).collect());
        }
    }
    let whole = DayTotal {
        energy: Energy::from_wh(55 * i64::try_from(channels).unwrap()),
        channels,
        unclear: 0,
    };
    thread::scope(|scope| {
        let sealing = scope.spawn(|| {
            for day in 1..=days {
                ledger.seal_until(at(START + day * DAY)).unwrap();
            }
        });
        let mut rounds = 0;
        while !sealing.is_finished() || rounds == 0 {
            for channel in 0..channels {
                assert_eq!(all(&*ledger, channel).len(), 60);
                assert!(ledger.last(id(channel)).unwrap().is_some());
            }
            for day in 20_001..20_006 {
                assert_eq!(ledger.day_total(day).unwrap(), whole, "day {day}");
            }
            rounds += 1;
        }
    });
}

fn odd_values_and_qualities_are_kept(store: &dyn Store) {
    let ledger = fresh(store);
    let readings: Vec<Reading> =
        [(1, i64::MAX, 0), (2, i64::MIN, 255), (3, 0, 1), (400, -1, 2), (86_400, 1 << 50, 0)]
            .map(|(second, wh, code)| Reading {
                quality: SourceQuality(code),
                ..reading(START + second, wh)
            })
            .to_vec();
    let entries = readings.iter().map(|&reading| Entry { reading, ..entry(1, 0, 0) }).collect();
    append(&*ledger, entries);
    let check = |ledger: &dyn Ledger| {
        assert_eq!(ledger.range(id(1), FAR, AsOf::Now).unwrap(), readings);
        let found = ledger.at_or_before(id(1), at(START + 2), AsOf::Now).unwrap();
        assert_eq!(found, Some(readings[1]));
        let found = ledger.after(id(1), at(START + 3), AsOf::Now).unwrap();
        assert_eq!(found, Some(readings[3]));
        assert_eq!(ledger.last(id(1)).unwrap(), Some(readings[4]));
    };
    check(&*ledger);
    ledger.close().unwrap();
    drop(ledger);
    let ledger = store.open();
    check(&*ledger);
    ledger.seal_until(at(START + DAY)).unwrap();
    check(&*ledger);
    // Far past and far future are ordinary block days.
    append(
        &*ledger,
        vec![entry(1, Timestamp::MIN.second(), 1), entry(1, Timestamp::MAX.second(), 2)],
    );
    ledger.seal_until(Timestamp::MAX).unwrap();
    assert_eq!(ledger.last(id(1)).unwrap().unwrap().end, Timestamp::MAX);
}
