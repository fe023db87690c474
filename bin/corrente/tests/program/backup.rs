//! Backup beside a server under load, restore, and what is refused.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{FileExt as _, PermissionsExt as _},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use corrente_ledger::{AsOf, Ledger, LedgerOptions, SqliteLedger};
use corrente_meter::NewReading;
use corrente_metering::{Span, Timestamp};
use corrente_registry::{Registry, meters};
use corrente_testkit::Server;
use corrente_units::Energy;

use crate::{Town, binary, kill::client, printed, refused};

const METERS: usize = 4;
const BACKUPS: usize = 3;
/// The bills of May 2026 are due to be made.
const JUNE: [&str; 2] = ["--simulate-clock", "2026-06-02T12:00:00Z@1"];

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

/// What a registry says of a town: customers, places, people and bills.
fn registry(data: &str) -> String {
    let lists: [&[&str]; 5] = [
        &["admin", "customer", "list"],
        &["admin", "usage-point", "list"],
        &["admin", "user", "list"],
        &["admin", "organisation", "show"],
        &["export", "bills"],
    ];
    lists.iter().map(|list| printed(&[list, &["--data", data][..]].concat())).collect()
}

/// Two homes with hourly readings of May, and their bills.
fn bill_two_homes(town: &mut Town) {
    let data = town.data();
    let tariff = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tariffs/flat-040.toml");
    printed(&["admin", "tariff", "add", "--data", &data, tariff]);
    let first = "2026-05-01";
    let hours: Vec<String> = (1..=31)
        .flat_map(|day| (0..24).map(move |hour| (day, hour)))
        .flat_map(|(day, hour)| {
            ["B-one", "B-two"].map(|meter| format!("{meter},2026-05-{day:02} {hour:02}:00,0.25"))
        })
        .collect();
    let file = |name: &str, text: String| {
        let path = town.path(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let from = format!("{first},interval,3600");
    let (customers, points, meters, agreements, readings, map) = (
        file("customers.csv", "number,name\n1,Ana\n2,Rui\n".to_owned()),
        file("points.csv", "name,customer\nOne,1\nTwo,2\n".to_owned()),
        file(
            "meters.csv",
            format!(
                "serial,usage_point,installed_from,kind,interval_seconds\nB-one,One,{from}\nB-two,Two,{from}\n"
            ),
        ),
        file(
            "agreements.csv",
            format!("usage_point,tariff,from\nOne,flat-040,{first}\nTwo,flat-040,{first}\n"),
        ),
        file("readings.csv", format!("meter,hour,kwh\n{}\n", hours.join("\n"))),
        file(
            "map.toml",
            "[columns]\nid = \"meter\"\ntime = \"hour\"\nvalue = \"kwh\"\n[time]\nformat = \"%Y-%m-%d \
             %H:%M\"\nzone = \"America/Bahia\"\nlabel = \"start\"\n[value]\nunit = \
             \"kWh\"\n[meter]\ninterval_seconds = 3600\n"
                .to_owned(),
        ),
    );
    let secrets = printed(&[
        "admin",
        "import",
        "--data",
        &data,
        "--customers",
        &customers,
        "--usage-points",
        &points,
        "--meters",
        &meters,
        "--agreements",
        &agreements,
    ]);
    let secrets = file("secrets.csv", secrets);
    let (address, state) = (town.address(), town.path("replay.json"));
    printed(&[
        "replay",
        &readings,
        "--map",
        &map,
        "--secrets",
        &secrets,
        "--connect",
        &address,
        "--state",
        state.to_str().unwrap(),
    ]);
    // The bills of a month that is over are made when the server starts.
    town.stop();
    town.serve(&JUNE);
    let bills = || printed(&["export", "bills", "--data", &data]).lines().count();
    let begun = Instant::now();
    while bills() < 3 {
        assert!(begun.elapsed() < Duration::from_mins(1), "no bills were made");
        printed(&["health", "--ready", "--connect", &address]);
    }
}

#[test]
fn a_backup_under_load_has_all_that_was_acknowledged_before_it() {
    let mut town = Town::start(&JUNE);
    bill_two_homes(&mut town);
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
        let after = *acknowledged.borrow();
        // The load goes on while the copy becomes a directory with a server of its own.
        let restored = backup.with_extension("restored");
        let (from, to) = (backup.to_str().unwrap(), restored.to_str().unwrap());
        printed(&["admin", "restore", "--from", from, "--data", to]);
        assert_eq!(registry(to), registry(&town.data()), "the same town");
        let arguments = [&["serve", "--data", to, "--listen", "127.0.0.1:0"][..], &JUNE].concat();
        let second = Server::start(binary(), arguments).unwrap();
        printed(&["health", "--ready", "--connect", &second.address().unwrap().to_string()]);
        assert!(second.terminate().unwrap().success());
        assert!(printed(&["bill", "replay", "000001", "--data", to]).contains(": equal"));
        for (path, mode) in [
            (backup.clone(), 0o700),
            (backup.join("ledger.db"), 0o600),
            (backup.join("registry.db"), 0o600),
            (restored.clone(), 0o700),
            (restored.join("ledger.db"), 0o600),
            (restored.join("registry.db"), 0o600),
        ] {
            let found = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(found, mode, "{}: {found:o}", path.display());
        }
        known.push((before, after, restored));
    }
    stop.store(true, Ordering::Relaxed);
    let sent = runtime.block_on(load).unwrap();
    town.stop();
    let original = readings(Path::new(&town.data()));
    assert!(original.iter().all(|meter| meter.iter().copied().eq(0..sent)));
    for (before, after, restored) in known {
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

    // A backup that a newer version made: of its readings, and of all else.
    let target = town.path("target");
    let to = target.to_str().unwrap();
    let schema = |name: &str| {
        let file = fs::OpenOptions::new().write(true).read(true).open(Path::new(backup).join(name));
        let (file, mut number) = (file.unwrap(), [0; 4]);
        // The schema's number stands at byte 60 of an SQLite file.
        file.read_exact_at(&mut number, 60).unwrap();
        (file, number)
    };
    let (ledger, number) = schema("ledger.db");
    ledger.write_all_at(&999_u32.to_be_bytes(), 60).unwrap();
    let said = refused(&["admin", "restore", "--from", backup, "--data", to]);
    assert!(said.contains("nothing was restored"), "{said}");
    assert!(said.contains("by a newer Corrente (schema 999, this one knows"), "{said}");
    assert_eq!(fs::read_dir(&target).unwrap().count(), 0, "nothing is left of it");
    ledger.write_all_at(&number, 60).unwrap();
    let (registry, _) = schema("registry.db");
    registry.write_all_at(&999_u32.to_be_bytes(), 60).unwrap();
    let said = refused(&["admin", "restore", "--from", backup, "--data", to]);
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
