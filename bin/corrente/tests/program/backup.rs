//! Backup beside a server under load, restore, and what is refused.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::FileExt as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use corrente_ledger::{AsOf, Ledger, LedgerOptions, SqliteLedger};
use corrente_meter::NewReading;
use corrente_metering::{Span, Timestamp};
use corrente_registry::{Registry, meters};
use corrente_units::Energy;

use crate::{Town, kill::client, printed, refused};

const METERS: usize = 4;
const BACKUPS: usize = 3;

/// The n-th reading of each meter: across some days.
fn reading(n: i64) -> NewReading {
    NewReading::new(Timestamp::from_second(1_700_000_000 + n * 60), Energy::from_wh(n * 3))
}

/// The readings of each meter in a data directory, by serial.
fn readings(data: &Path) -> Vec<BTreeSet<i64>> {
    let registry = Registry::open(data.join("registry.db")).unwrap();
    let ledger = SqliteLedger::open(&data.join("ledger.db"), LedgerOptions::default()).unwrap();
    (0..METERS)
        .map(|meter| {
            let serial = format!("B-{meter}");
            let found = registry.read_blocking(move |tx| meters::find_by_serial(tx, &serial));
            let access = found.unwrap().expect("each reading's meter is in the copy");
            let all = Span::new(Timestamp::MIN, Timestamp::MAX);
            let stored = ledger.range(access.channels[0].number, all, AsOf::Now).unwrap();
            stored
                .into_iter()
                .map(|stored| {
                    let n = (stored.end.second() - 1_700_000_000) / 60;
                    assert_eq!(stored.value.wh(), n * 3, "another value than the meter said");
                    n
                })
                .collect()
        })
        .collect()
}

#[test]
fn a_backup_under_load_has_all_that_was_acknowledged_before_it() {
    let mut town = Town::start(&[]);
    let token = town.token(&["--installed-from", "beginning"]);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let (address, told) = (town.address(), Arc::clone(&stop));
    let (progress, mut acknowledged) = tokio::sync::watch::channel(0_i64);
    // Each meter sends without a pause, forty readings at a time.
    let load = runtime.spawn(async move {
        let clients: Vec<_> =
            (0..METERS).map(|meter| client(&address, &token, &format!("B-{meter}"))).collect();
        let mut sent = 0_i64;
        while !told.load(Ordering::Relaxed) {
            for client in &clients {
                client.send((sent..sent + 40).map(reading).collect()).await.unwrap();
            }
            sent += 40;
            for client in &clients {
                client.flushed().await.unwrap();
            }
            progress.send_replace(sent);
        }
        sent
    });
    let mut known = Vec::new();
    for round in 0..BACKUPS {
        // The load goes on between one backup and the next.
        let before = runtime.block_on(async {
            let goal = *acknowledged.borrow() + 400;
            *acknowledged.wait_for(|sent| *sent >= goal).await.unwrap()
        });
        let backup = town.path(&format!("backup-{round}"));
        printed(&["admin", "backup", "--data", &town.data(), "--to", backup.to_str().unwrap()]);
        known.push((before, *acknowledged.borrow(), backup));
    }
    stop.store(true, Ordering::Relaxed);
    let sent = runtime.block_on(load).unwrap();
    town.stop();
    let original = readings(Path::new(&town.data()));
    assert!(original.iter().all(|meter| meter.iter().copied().eq(0..sent)));
    for (before, after, backup) in known {
        let restored = backup.with_extension("restored");
        let (from, to) = (backup.to_str().unwrap(), restored.to_str().unwrap());
        printed(&["admin", "restore", "--from", from, "--data", to]);
        for (meter, original) in readings(&restored).iter().zip(&original) {
            assert!((0..before).all(|n| meter.contains(&n)), "acknowledged before the backup");
            assert!(meter.is_subset(original), "nothing is in it that nobody sent");
        }
        println!("acknowledged {before} before the backup, {after} after it, {sent} in the end");
    }
}

#[test]
fn what_must_not_be_restored_is_refused_in_one_sentence() {
    let mut town = Town::start(&[]);
    let backup = town.path("backup");
    let backup = backup.to_str().unwrap();
    printed(&["admin", "backup", "--data", &town.data(), "--to", backup]);
    let said = refused(&["admin", "restore", "--from", backup, "--data", &town.data()]);
    assert!(said.contains("a server is using this directory"), "{said}");
    town.stop();
    let said = refused(&["admin", "restore", "--from", backup, "--data", &town.data()]);
    assert!(said.contains("has to be a new or an empty folder"), "{said}");

    // A backup that a newer version made.
    let registry = fs::OpenOptions::new().write(true).open(Path::new(backup).join("registry.db"));
    // The schema's number stands at byte 60 of an SQLite file.
    registry.unwrap().write_all_at(&999_u32.to_be_bytes(), 60).unwrap();
    let target = town.path("target");
    let said = refused(&["admin", "restore", "--from", backup, "--data", target.to_str().unwrap()]);
    assert!(said.contains("nothing was restored") && said.contains("newer version"), "{said}");
    assert_eq!(fs::read_dir(&target).unwrap().count(), 0, "nothing is left of it");
    let half = town.path("half");
    fs::create_dir(&half).unwrap();
    let said = refused(&[
        "admin",
        "restore",
        "--from",
        half.to_str().unwrap(),
        "--data",
        target.to_str().unwrap(),
    ]);
    assert!(said.contains("there is no ledger.db in it"), "{said}");
}
