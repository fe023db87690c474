//! Data directories that older versions made (`cargo xtask golden` freezes one): each is opened, gives the same
//! figures, and serves.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Read as _,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use corrente_testkit::Server;
use flate2::read::GzDecoder;

use crate::{Town, binary, printed};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testing/golden");

/// The schemas of registry and ledger in a data directory.
fn schemas(data: &Path) -> (u32, u32) {
    let of = |name: &str| {
        let mut number = [0; 4];
        // Where it stands in an SQLite file.
        File::open(data.join(name)).unwrap().read_exact_at(&mut number, 60).unwrap();
        u32::from_be_bytes(number)
    };
    (of("registry.db"), of("ledger.db"))
}

fn frozen() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.is_dir());
    found.sort();
    found
}

/// Unpacks one, as its version left it.
fn thaw(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in ["registry.db", "ledger.db"] {
        let mut bytes = Vec::new();
        let packed = File::open(from.join(format!("{name}.gz"))).unwrap();
        assert!(packed.metadata().unwrap().len() < 1 << 20, "{} is large", from.display());
        GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
        fs::write(to.join(name), bytes).unwrap();
    }
}

#[test]
fn each_is_opened_and_says_the_same() {
    for golden in frozen() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        thaw(&golden, &data);
        let before = schemas(&data);
        assert!(golden.ends_with(format!("registry-{}-ledger-{}", before.0, before.1)));
        let said = |arguments: &[&str]| {
            printed(&[arguments, &["--data", data.to_str().unwrap()][..]].concat())
        };
        let expected = |name: &str| fs::read_to_string(golden.join(name)).unwrap();
        let usage = said(&[
            "export",
            "usage",
            "--from",
            "2026-05-01",
            "--to",
            "2026-05-31",
            "--step",
            "day",
        ]);
        assert_eq!(usage, expected("usage.csv"), "{}", golden.display());
        // What was put into it, worked out once more.
        let sum = |point: &str| -> i64 {
            let lines = usage.lines().filter(|line| line.starts_with(&format!("{point},")));
            lines.map(|line| line.split(',').nth(3).unwrap().parse::<i64>().unwrap()).sum()
        };
        assert_eq!((sum("G-1"), sum("G-2")), (31 * 24 * 125, 31 * 24 * 250));
        let bills = said(&["export", "bills"]);
        assert_eq!(bills, expected("bills.csv"), "{}", golden.display());
        for (point, amount) in [("G-1", "67.56"), ("G-2", "125.22")] {
            let bill = bills.lines().find(|line| line.contains(&format!(",{point},"))).unwrap();
            assert!(bill.contains(&format!(",{amount},BRL,")), "{bill}");
        }
        let replayed: String =
            ["000001", "000002"].iter().map(|number| said(&["bill", "replay", number])).collect();
        assert_eq!(replayed, expected("replay.txt"), "{}", golden.display());
        let served = ["serve", "--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"];
        let clock = ["--simulate-clock", "2026-06-02T12:00:00Z@1"];
        let server = Server::start(binary(), [&served[..], &clock].concat()).unwrap();
        let address = server.address().unwrap().to_string();
        printed(&["health", "--ready", "--connect", &address]);
        assert!(server.terminate().unwrap().success());
        assert!(schemas(&data) >= before);
    }
}

#[test]
fn the_newest_schema_has_one() {
    let mut town = Town::start(&[]);
    town.stop();
    let (registry, ledger) = schemas(Path::new(&town.data()));
    let mut registries = BTreeSet::new();
    let mut ledgers = BTreeSet::new();
    for golden in frozen() {
        let dir = tempfile::tempdir().unwrap();
        thaw(&golden, dir.path());
        let (one, other) = schemas(dir.path());
        registries.insert(one);
        ledgers.insert(other);
    }
    let fix = "`cargo xtask golden` freezes one of this version: run it before the change lands";
    assert!(registries.contains(&registry), "registry schema {registry} has no directory; {fix}");
    assert!(ledgers.contains(&ledger), "ledger schema {ledger} has no directory; {fix}");
}
