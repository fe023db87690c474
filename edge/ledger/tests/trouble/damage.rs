//! A flipped bit is found, named, and never served as a figure.

use std::fs;

use corrente_ledger::{AsOf, Entry, Ledger, LedgerError, SqliteLedger};
use corrente_metering::{Span, Timestamp};
use rusqlite::Connection;

use crate::load;

const FAR: Span = Span::new(Timestamp::MIN, Timestamp::MAX);

fn batch(number: u64) -> Vec<Entry> {
    load::batch(0, number)
}

#[test]
fn a_flipped_bit_in_a_block_is_named() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("ledger.db");
    let victim = load::channels(0)[4].id;
    let ledger = SqliteLedger::open(&path, load::options()).unwrap();
    ledger.open_channels(&load::channels(0)).unwrap();
    for number in 1..300 {
        load::wait(ledger.append(batch(number))).unwrap();
    }
    ledger.seal_until(Timestamp::MAX).unwrap();
    let total = ledger.day_total(20_000).unwrap();
    drop(ledger);

    // The body of one block, found again in the bytes of the file.
    let database = Connection::open(&path).unwrap();
    let body: Vec<u8> = database
        .query_row(
            "SELECT body FROM block WHERE key = ?1",
            [20_000_i64 << 40 | 4 << 13 | 1],
            |row| row.get(0),
        )
        .unwrap();
    drop(database);
    let whole = fs::read(&path).unwrap();
    // An old page may hold another copy that nobody reads: flip them all.
    let windows = whole.windows(body.len()).enumerate();
    let places: Vec<usize> =
        windows.filter(|(_, window)| *window == body).map(|(place, _)| place).collect();
    assert!(!places.is_empty());

    for bit in [0, 5, 37, body.len() * 4, body.len() * 8 - 1] {
        let mut damaged = whole.clone();
        for place in &places {
            damaged[place + bit / 8] ^= 1 << (bit % 8);
        }
        fs::write(&path, &damaged).unwrap();
        let ledger = SqliteLedger::open(&path, load::options()).unwrap();
        let is_named = |error: &LedgerError| {
            matches!(
                error,
                LedgerError::Damaged { channel, day: 20_000, revision: 1 } if *channel == victim
            )
        };
        assert!(is_named(&ledger.range(victim, FAR, AsOf::Now).unwrap_err()));
        let noon = Timestamp::from_second(load::START + 43_200);
        assert!(is_named(&ledger.at_or_before(victim, noon, AsOf::Now).unwrap_err()));
        assert!(is_named(&ledger.after(victim, noon, AsOf::Now).unwrap_err()));
        // What the day comes to stands elsewhere too, under a checksum of its own.
        assert_eq!(ledger.day_total(20_000).unwrap(), total);
        let found = ledger.verify().unwrap();
        assert!(found.len() == 1 && is_named(&found[0]));
        // Its other days, and the other channels, are fine.
        let day_after = Span::new(Timestamp::from_second(load::START + 86_400), FAR.end);
        assert!(!ledger.range(victim, day_after, AsOf::Now).unwrap().is_empty());
        assert!(!ledger.range(load::channels(0)[5].id, FAR, AsOf::Now).unwrap().is_empty());
        // And the ledger goes on taking what comes, also late into that day.
        load::wait(ledger.append(batch(7))).unwrap();
        load::wait(ledger.append(batch(301))).unwrap();
    }
}

#[test]
fn a_flipped_bit_in_the_list_of_sealed_days_is_mended() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = SqliteLedger::open(&path, load::options()).unwrap();
    ledger.open_channels(&load::channels(0)).unwrap();
    for number in 1..300 {
        load::wait(ledger.append(batch(number))).unwrap();
    }
    ledger.seal_until(Timestamp::MAX).unwrap();
    let channel = load::channels(0)[1].id;
    let before = ledger.range(channel, FAR, AsOf::Now).unwrap();
    drop(ledger);
    let database = Connection::open(&path).unwrap();
    let flip = "UPDATE sealed_days SET days = zeroblob(length(days))";
    assert_eq!(database.execute(flip, []).unwrap(), 1);
    drop(database);
    let ledger = SqliteLedger::open(&path, load::options()).unwrap();
    assert_eq!(ledger.range(channel, FAR, AsOf::Now).unwrap(), before);
}

#[test]
fn a_flipped_bit_in_what_days_come_to_is_mended() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = SqliteLedger::open(&path, load::options()).unwrap();
    ledger.open_channels(&load::channels(0)).unwrap();
    for number in 1..300 {
        load::wait(ledger.append(batch(number))).unwrap();
    }
    ledger.seal_until(Timestamp::MAX).unwrap();
    let before = ledger.totals(20_000, 20_001).unwrap();
    drop(ledger);
    let database = Connection::open(&path).unwrap();
    let flip =
        "UPDATE day_end SET ends = CAST(substr(ends, 1, 20) || x'ff' || substr(ends, 22) AS BLOB)";
    assert!(database.execute(flip, []).unwrap() > 1);
    drop(database);
    let ledger = SqliteLedger::open(&path, load::options()).unwrap();
    assert_eq!(ledger.totals(20_000, 20_001).unwrap(), before);
    // A late reading writes the row anew.
    load::wait(ledger.append(batch(7))).unwrap();
    load::wait(ledger.append(batch(290))).unwrap();
    ledger.seal_until(Timestamp::MAX).unwrap();
    assert_eq!(ledger.totals(20_000, 20_001).unwrap(), before);
}

#[test]
fn a_flipped_bit_in_the_log_is_named_when_opening() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = SqliteLedger::open(&path, load::options()).unwrap();
    ledger.open_channels(&load::channels(0)).unwrap();
    load::wait(ledger.append(batch(1))).unwrap();
    drop(ledger);
    let database = Connection::open(&path).unwrap();
    let flip =
        "UPDATE log SET batch = CAST(substr(batch, 1, 20) || x'ff' || substr(batch, 22) AS BLOB)";
    // One row for each block day: the channels stand in two zones.
    assert_eq!(database.execute(flip, []).unwrap(), 2);
    drop(database);
    let error = SqliteLedger::open(&path, load::options()).unwrap_err().to_string();
    assert!(error.contains("damaged") && error.contains("backup"), "{error}");
}
