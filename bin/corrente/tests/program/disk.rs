//! A full disk: one sentence at the start, and while running nothing is acknowledged that is not durable.

use std::{fs, path::Path, time::Duration};

use corrente_ledger::{AsOf, Ledger, LedgerOptions, SqliteLedger};
use corrente_meter::{Link, NewReading};
use corrente_metering::{Span, Timestamp};
use corrente_registry::{Registry, meters};
use corrente_testkit::SmallDisk;
use corrente_units::Energy;

use crate::{Town, kill::client, printed, refused, run};

/// Room for a server's files and little more.
const BYTES: u64 = 24 << 20;
const PATIENCE: Duration = Duration::from_mins(2);

/// A town whose data directory is a small disk, before its server starts. The disk goes first.
#[expect(clippy::print_stdout, reason = "says that it was skipped")]
fn small_town() -> Option<(Town, SmallDisk)> {
    let town = Town::without_server();
    fs::create_dir(town.data()).unwrap();
    let disk = SmallDisk::mount(Path::new(&town.data()), BYTES);
    if disk.is_none() {
        println!("SKIPPED: no right to mount a small file system");
    }
    Some((town, disk?))
}

#[test]
fn a_disk_that_is_full_at_the_start_is_one_sentence() {
    let Some((mut town, disk)) = small_town() else { return };
    disk.fill().unwrap();
    let said = refused(&["serve", "--data", &town.data(), "--listen", "127.0.0.1:0"]);
    assert!(said.contains("make room"), "{said}");
    // With room it starts as if nothing had been.
    disk.empty().unwrap();
    town.serve(&[]);
    town.stop();
    // And a directory that is in use already.
    disk.fill().unwrap();
    let said = refused(&["serve", "--data", &town.data(), "--listen", "127.0.0.1:0"]);
    assert!(said.contains("has space"), "{said}");
    drop(disk);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_costs_no_reading() {
    let Some((mut town, disk)) = small_town() else { return };
    town.serve(&[]);
    town.listen = town.address();
    let token = town.token(&["--installed-from", "beginning"]);
    let meter = client(&town.address(), &token, "D-1");
    let mut sent = 0;
    let mut more = |count: i64| -> Vec<NewReading> {
        let first = sent;
        sent += count;
        let end = |n: i64| Timestamp::from_second(1_700_000_000 + n * 60);
        (first..sent).map(|n| NewReading::new(end(n), Energy::from_wh(n))).collect()
    };
    meter.send(more(100)).await.unwrap();
    tokio::time::timeout(PATIENCE, meter.flushed()).await.unwrap().unwrap();

    disk.fill().unwrap();
    // The files of the server have a little room inside; when that is gone, the meter is sent away.
    let mut link = meter.link();
    let sent_away = async {
        loop {
            let refused = matches!(&link.borrow_and_update().link, Link::Waiting { reason, .. } if reason.contains("stored"));
            if refused {
                return;
            }
            meter.send(more(500)).await.unwrap();
            tokio::select! {
                () = async { drop(meter.flushed().await) } => {}
                changed = link.changed() => changed.unwrap(),
            }
        }
    };
    tokio::time::timeout(PATIENCE, sent_away).await.unwrap();
    let acknowledged = meter.statistics().acknowledged();
    // It says so to whoever asks. An attempt may find a little room left, and the next one none.
    let ready = ["health", "--ready", "--connect", &town.address()];
    let asked = std::time::Instant::now();
    while run(&ready).status.success() {
        assert!(asked.elapsed() < PATIENCE, "it says that it stores");
    }

    disk.empty().unwrap();
    tokio::time::timeout(PATIENCE, meter.flushed()).await.unwrap().unwrap();
    assert!(meter.statistics().acknowledged() > acknowledged, "the kept ones arrived");
    printed(&ready);
    meter.close().await.unwrap();
    town.stop();

    let data = Path::new(&town.data()).to_owned();
    let registry = Registry::open(data.join("registry.db")).unwrap();
    let ledger = SqliteLedger::open(&data.join("ledger.db"), LedgerOptions::default()).unwrap();
    let access = registry.read_blocking(|tx| meters::find_by_serial(tx, "D-1")).unwrap().unwrap();
    let all = Span::new(Timestamp::MIN, Timestamp::MAX);
    let stored = ledger.range(access.channels[0].spec().id, all, AsOf::Now).unwrap();
    let values: Vec<i64> = stored.into_iter().map(|reading| reading.value.wh()).collect();
    assert_eq!(values, (0..sent).collect::<Vec<_>>());
    drop(disk);
}
