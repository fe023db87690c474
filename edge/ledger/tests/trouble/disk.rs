//! A full disk: nothing is acknowledged that is not durable, and work goes on when there is room.

use std::{fs, path::Path, time::Duration};

use corrente_ledger::{Entry, Ledger, LedgerError, LedgerOptions, SqliteLedger};
use corrente_metering::Timestamp;
use corrente_testkit::SmallDisk;

use crate::load;

fn batch(number: u64) -> Vec<Entry> {
    (0..load::WRITERS).flat_map(|writer| load::batch(writer, number)).collect()
}

fn open(path: &Path, options: LedgerOptions) -> SqliteLedger {
    let ledger = SqliteLedger::open(path, options).unwrap();
    for writer in 0..load::WRITERS {
        ledger.open_channels(&load::channels(writer)).unwrap();
    }
    ledger
}

/// Writes until the disk is full, and then says how many batches were acknowledged. Sealing frees the log
/// and with it some room, so that the first refusal need not be the last.
fn fill(ledger: &SqliteLedger, first: u64) -> u64 {
    let sealed = fill_once(ledger, first, true);
    let filled = fill_once(ledger, sealed, false);
    fill_once(ledger, filled, false)
}

fn fill_once(ledger: &SqliteLedger, first: u64, seals: bool) -> u64 {
    for number in first.. {
        match load::wait(ledger.append(batch(number))) {
            Ok(_) => {}
            Err(LedgerError::Unavailable(_)) => return number,
            Err(other) => panic!("{other}"),
        }
        if seals && number % 60 == 59 {
            let end = load::START + i64::try_from(number).unwrap() * 600;
            match ledger.seal_until(Timestamp::from_second(end)) {
                Ok(_) => {}
                Err(LedgerError::Unavailable(_)) => return number + 1,
                Err(other) => panic!("{other}"),
            }
        }
    }
    unreachable!()
}

#[test]
fn a_full_disk_stops_acknowledgements_and_loses_nothing() {
    for megabytes in [2, 3, 4, 5] {
        let folder = tempfile::TempDir::new().unwrap();
        let Some(_disk) = SmallDisk::mount(folder.path(), megabytes << 20) else {
            println!("skipped: no right to mount a small file system");
            return;
        };
        let path = folder.path().join("ledger.db");
        let ballast = folder.path().join("ballast");
        fs::write(&ballast, vec![7; 700_000]).unwrap();
        let ledger = open(&path, LedgerOptions { checkpoint_bytes: 500_000, ..load::options() });
        let acknowledged = fill(&ledger, 0);
        assert!(acknowledged > 0);
        assert!(!ledger.stats().accepting);
        assert!(ledger.last(load::channels(0)[0].id).unwrap().is_some(), "reads go on");
        // Still full: still refused.
        assert!(matches!(
            load::wait(ledger.append(batch(acknowledged))),
            Err(LedgerError::Unavailable(_))
        ));
        fs::remove_file(&ballast).unwrap();
        // A source tries again until it is heard.
        let resumed = load::wait(async {
            let started = std::time::Instant::now();
            let attempts = async {
                while let Err(error) = ledger.append(batch(acknowledged)).await {
                    let waited = started.elapsed();
                    assert!(waited < Duration::from_secs(20), "{error}");
                    tokio::task::yield_now().await;
                }
            };
            attempts.await;
            started.elapsed()
        });
        assert!(ledger.stats().accepting);
        ledger.close().unwrap();
        drop(ledger);
        let checked = load::check(&path, &[acknowledged + 1; 3]).unwrap();
        println!("{megabytes} MiB: {checked} readings, resumed in {resumed:?}");
    }
}

#[test]
fn a_size_limit_acts_like_a_full_disk() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = open(&path, LedgerOptions { max_bytes: Some(600_000), ..load::options() });
    let acknowledged = fill(&ledger, 0);
    ledger.close().unwrap();
    drop(ledger);
    load::check(&path, &[acknowledged; 3]).unwrap();
    // With more room it goes on where it was.
    let ledger = open(&path, load::options());
    load::wait(ledger.append(batch(acknowledged))).unwrap();
    drop(ledger);
    load::check(&path, &[acknowledged + 1; 3]).unwrap();
}

#[test]
fn closing_a_ledger_that_cannot_write_ends() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = open(&path, LedgerOptions { max_bytes: Some(600_000), ..load::options() });
    fill(&ledger, 0);
    let started = std::time::Instant::now();
    ledger.close().unwrap();
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_read_only_disk_is_named_when_opening() {
    let folder = tempfile::TempDir::new().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path(), 4 << 20) else {
        println!("skipped: no right to mount a small file system");
        return;
    };
    let path = folder.path().join("ledger.db");
    drop(open(&path, load::options()));
    disk.make_read_only().unwrap();
    let error = SqliteLedger::open(&path, load::options()).unwrap_err().to_string();
    assert!(error.contains("read-only") && error.contains("let this user write"), "{error}");
}
