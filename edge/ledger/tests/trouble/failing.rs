//! Each single write, truncation and sync of a whole life of a ledger fails once: nothing is acknowledged
//! that is not durable, nobody panics, work goes on when the failure is over, and everything that was
//! acknowledged is there once.

use std::{
    collections::BTreeMap,
    env, fs,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use corrente_ledger::{
    Admission, Appended, AsOf, Decision, Entry, Ledger, LedgerError, LedgerOptions, PowerSample,
    QuarantineReason, Settled, SqliteLedger,
};
use corrente_metering::{ChannelSpec, Reading, SourceQuality, Span, Timestamp};
use corrente_units::Energy;

use crate::{
    load::{self, START},
    trace::{self, Act, Disks, Noted, Random},
};

const FOLDER: &str = "CORRENTE_FAILING_FOLDER";
/// 1: each act, where the test run takes only some of them.
const EVERY: &str = "CORRENTE_FAIL_EVERY";
/// Scenarios in one test run.
const SAMPLE: usize = 100;
/// At the same time: they mostly wait for their next attempt.
const ABREAST: usize = 6;
const DAY: i64 = 86_400;
/// How long a failure that is over may keep it from working.
const PATIENCE: Duration = Duration::from_secs(30);

const ENOSPC: i32 = 28;
const EIO: i32 = 5;

fn options() -> LedgerOptions {
    LedgerOptions { checkpoint_bytes: 150_000, cut_readings: 50, seal_slice: 3, ..load::options() }
}

fn channels() -> Vec<ChannelSpec> {
    load::channels(0).into_iter().take(6).collect()
}

/// A batch of one minute to the next: `count` readings of each channel from second `from` on.
fn readings(from: i64, count: i64) -> Vec<Entry> {
    let one = |spec: ChannelSpec, n: i64| {
        let seconds = START + from + n * 60;
        let reading = Reading {
            end: Timestamp::from_second(seconds),
            value: Energy::from_wh(seconds % 1009 + i64::try_from(spec.id.number()).unwrap()),
            quality: SourceQuality::GOOD,
        };
        Entry { channel: spec.id, reading, admission: Admission::Accept }
    };
    channels().into_iter().flat_map(|spec| (1..=count).map(move |n| one(spec, n))).collect()
}

/// The batches, in order.
fn batch(number: usize) -> Vec<Entry> {
    match number {
        // A day with more readings than stay in memory.
        0..=3 => readings(i64::try_from(number).unwrap() * 1200, 20),
        // The next day, and what came late for the first, in both of which the same is sent again.
        4 => readings(DAY, 3),
        5 => [readings(DAY + 180, 3), readings(50_000, 2), readings(0, 1)].concat(),
        6 => readings(2 * DAY, 4),
        _ => readings(3 * DAY, 2),
    }
}

const BATCHES: usize = 8;

/// As a source does it: again until it is heard.
fn until<T>(mut attempt: impl FnMut() -> Result<T, LedgerError>) -> T {
    let started = Instant::now();
    let mut last = String::new();
    loop {
        match attempt() {
            Ok(done) => return done,
            Err(LedgerError::Unavailable(why) | LedgerError::Unusable(why)) => {
                assert!(!why.is_empty());
                assert!(started.elapsed() < PATIENCE, "it does not go on: {why}");
                if why != last {
                    eprintln!("refused: {why}");
                    last = why;
                }
            }
            Err(other) => panic!("{other}"),
        }
        thread::yield_now();
    }
}

/// The child's part: a life of a ledger, while something fails.
#[test]
fn lives_when_told_to() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let path = folder.join("ledger.db");
    let mut acks = fs::File::create(folder.join("acks")).unwrap();
    let mut append = |ledger: &SqliteLedger, number: usize| -> Appended {
        let appended = until(|| load::wait(ledger.append(batch(number))));
        std::io::Write::write_all(&mut acks, format!("{number}\n").as_bytes()).unwrap();
        appended
    };
    let seal = |ledger: &SqliteLedger, day: i64| {
        until(|| ledger.seal_until(Timestamp::from_second(START + (day + 1) * DAY + 10_800)));
    };
    let ledger = until(|| SqliteLedger::open(&path, options()));
    until(|| ledger.open_channels(&channels()));
    for number in 0..=4 {
        append(&ledger, number);
    }
    seal(&ledger, 0);
    append(&ledger, 5);
    let conflict = Entry {
        reading: Reading { value: Energy::from_wh(-1), ..readings(0, 1)[0].reading },
        ..readings(0, 1)[0]
    };
    let future = Entry {
        admission: Admission::Quarantine(QuarantineReason::InFuture),
        ..readings(9 * DAY, 1)[0]
    };
    until(|| load::wait(ledger.append(vec![conflict, future])));
    seal(&ledger, 0);
    let kept = until(|| ledger.unsettled(0, 10));
    assert_eq!(kept.len(), 2, "{kept:?}");
    for one in kept {
        let decision =
            if one.reading == future.reading { Decision::Release } else { Decision::Drop };
        let settled = until(|| ledger.settle(one.sequence, decision));
        // An attempt whose commit was not answered may have counted.
        assert!(matches!(settled, Settled::Done | Settled::Already));
    }
    let power =
        PowerSample { channel: channels()[0].id, t: Timestamp::from_second(START), watts: 1 };
    until(|| ledger.keep_power(&[power]));
    until(|| ledger.forget_power(Timestamp::from_second(START + 9 * DAY)));
    until(|| ledger.keep_power(&[power]));
    until(|| ledger.compact());
    // Whatever else fails, a copy is whole or none.
    let copy = folder.join("copy.db");
    until(|| ledger.backup(&copy));
    append(&ledger, 6);
    ledger.close().unwrap();
    drop(ledger);
    let ledger = until(|| SqliteLedger::open(&path, options()));
    append(&ledger, 7);
    seal(&ledger, 2);
    let started = Instant::now();
    while !ledger.stats().accepting {
        assert!(started.elapsed() < PATIENCE, "it does not accept again");
        thread::yield_now();
    }
    ledger.close().unwrap();
}

/// What was acknowledged is there once, and of the rest at most the batch that was under way, and only
/// whole.
fn check(path: &Path, acknowledged: usize) -> Result<(), LedgerError> {
    if acknowledged == 0 && !path.exists() {
        return Ok(());
    }
    let ledger = SqliteLedger::open(path, options())?;
    let known = ledger.channels()?;
    if known.is_empty() {
        assert_eq!(acknowledged, 0, "the channels are gone");
        return Ok(());
    }
    let released = readings(9 * DAY, 1)[0].reading;
    let all = Span::new(Timestamp::MIN, Timestamp::MAX);
    let mut stored = BTreeMap::new();
    for spec in channels() {
        let readings = ledger.range(spec.id, all, AsOf::Now)?;
        assert!(readings.is_sorted_by(|a, b| a.end < b.end), "a reading is there twice");
        for reading in readings {
            if reading != released {
                stored.insert((spec.id, reading.end), reading.value);
            }
        }
    }
    let sent = |upto: usize| -> BTreeMap<_, _> {
        let entries = (0..upto).flat_map(batch);
        entries.map(|entry| ((entry.channel, entry.reading.end), entry.reading.value)).collect()
    };
    let (certain, possible) = (sent(acknowledged), sent((acknowledged + 1).min(BATCHES)));
    assert!(
        stored == certain || stored == possible,
        "{} readings are stored, {acknowledged} batches with {} readings were acknowledged",
        stored.len(),
        certain.len()
    );
    load::check_once(&ledger)?;
    let damaged = ledger.verify()?;
    assert!(damaged.is_empty(), "{damaged:?}");
    Ok(())
}

fn acknowledged(acks: &[u8]) -> usize {
    acks.split(|&byte| byte == b'\n').count() - 1
}

struct Failure {
    from: usize,
    count: usize,
    errno: i32,
}

/// Lives a life with a failure and answers what it did to its files and what it said.
fn live(folder: &Path, shim: &Path, failure: &Failure) -> (Vec<Noted>, String) {
    let noted = folder.with_extension("trace");
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "failing::lives_when_told_to", "--nocapture"])
        .env(FOLDER, folder)
        .env("LD_PRELOAD", shim)
        .env("CORRENTE_TRACE", &noted)
        .env("CORRENTE_TRACE_FOLDER", folder)
        .env("CORRENTE_FAIL_FROM", failure.from.to_string())
        .env("CORRENTE_FAIL_COUNT", failure.count.to_string())
        .env("CORRENTE_FAIL_ERROR", failure.errno.to_string())
        .stdout(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let Failure { from, count, errno } = failure;
    assert!(
        output.status.success() && !said.contains("panicked"),
        "{count} acts from {from} on fail with {errno}: {said}"
    );
    (trace::parse(&fs::read(&noted).unwrap()), said)
}

/// The power fails as well: when each acknowledgement had been given, and once in between.
fn cut(folder: &Path, acts: &[Noted], random: &mut Random) {
    let mut disks = Disks::default();
    let mut given = 0;
    for number in 0..acts.len() {
        disks.take(acts, number);
        let is_ack = acts[number].file == "acks" && matches!(acts[number].act, Act::Write { .. });
        given += usize::from(is_ack);
        let chance = u64::try_from(acts.len()).unwrap();
        if is_ack && random.below(4) == 0 || random.below(chance) == 0 {
            let target = folder.with_extension("cut");
            let mode = random.below(3);
            disks.cut(acts, &target, mode, random);
            check(&target.join("ledger.db"), given)
                .unwrap_or_else(|error| panic!("cut after act {number}, mode {mode}: {error}"));
            fs::remove_dir_all(&target).unwrap();
        }
    }
}

#[test]
fn any_act_may_fail_and_nothing_acknowledged_is_lost() {
    let folder = tempfile::TempDir::new().unwrap();
    let Some(shim) = trace::shim(folder.path()) else {
        println!("skipped: no C compiler");
        return;
    };
    let lived = |name: String, failure: &Failure| {
        let home = folder.path().join(name);
        fs::create_dir(&home).unwrap();
        let (acts, said) = live(&home, &shim, failure);
        let given = acknowledged(&fs::read(home.join("acks")).unwrap());
        assert_eq!(given, BATCHES);
        check(&home.join("ledger.db"), given).unwrap();
        let copy = home.join("copy.db");
        check(&copy, 6).unwrap();
        (home, acts, said)
    };
    // How many acts there are, with some that only attempts after a failure add.
    let (_, acts, said) = lived("calm".to_owned(), &Failure { from: 0, count: 0, errno: 0 });
    assert_eq!(said.matches("refused").count(), 0, "{said}");
    let total = acts.iter().filter(|noted| noted.file != "acks").count() + 20;
    let every: usize = env::var(EVERY)
        .ok()
        .and_then(|every| every.parse().ok())
        .unwrap_or_else(|| total.div_ceil(SAMPLE))
        .max(1);
    // Another start in each run finds the others in time.
    let shift = usize::try_from(std::process::id()).unwrap();
    let first = shift % every;
    let next = AtomicUsize::new(1 + first);
    let (tried, noticed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..ABREAST {
            scope.spawn(|| {
                loop {
                    let from = next.fetch_add(every, Ordering::Relaxed);
                    if from > total {
                        return;
                    }
                    let turn = shift + tried.fetch_add(1, Ordering::Relaxed);
                    // One act alone, or the disk stays as it is for some attempts.
                    let count = if turn % 3 == 2 { 5 } else { 1 };
                    let errno = if turn % 2 == 0 { ENOSPC } else { EIO };
                    let failure = Failure { from, count, errno };
                    let (home, acts, said) = lived(from.to_string(), &failure);
                    let refusals = said.matches("refused").count();
                    noticed.fetch_add(usize::from(refusals > 0), Ordering::Relaxed);
                    cut(&home, &acts, &mut Random(0x5eed + u64::try_from(from).unwrap()));
                    fs::remove_dir_all(&home).unwrap();
                }
            });
        }
    });
    let (tried, noticed) = (tried.into_inner(), noticed.into_inner());
    println!("{total} acts, one of {every} failed: {tried} lives, {noticed} with refusals");
    assert!(noticed * 4 > tried, "hardly anything was refused: did anything fail?");
}
