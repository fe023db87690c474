//! The power fails: writes that were not synced are dropped, torn or reordered.
//!
//! A small library put before libc notes every write, truncation and sync of a writing process, with
//! its acknowledgements in between. From that a disk is made as it may look after a power cut at any
//! moment: for each file what was synced, and of the rest any part, in sectors of 512 bytes.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{kill, load};

const SECTOR: usize = 512;

/// One thing that the process did to a file.
enum Act {
    Write {
        offset: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        length: usize,
    },
    Sync,
    /// The ledger syncs the folder after it was made; later nothing depends on a file being gone.
    Unlink,
}

struct Noted {
    file: String,
    act: Act,
}

/// Builds the library with the C compiler that built SQLite too.
fn shim(folder: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trouble/shim.c");
    let library = folder.join("shim.so");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let built = Command::new(compiler)
        .args(["-O1", "-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .args(["-ldl", "-pthread"])
        .status();
    built.is_ok_and(|status| status.success()).then_some(library)
}

fn parse(mut bytes: &[u8]) -> Vec<Noted> {
    let mut acts = Vec::new();
    // kind, length of the name, 8 bytes of offset or length, 4 bytes of data length, name, data
    while let Some((head, rest)) = bytes.split_first_chunk::<14>() {
        let number = |bytes: &[u8]| {
            bytes.iter().rev().fold(0_usize, |number, &byte| number << 8 | usize::from(byte))
        };
        let (name, data) = (usize::from(head[1]), number(&head[10..14]));
        let (file, rest) = rest.split_at(name);
        let (data, rest) = rest.split_at(data);
        let place = number(&head[2..10]);
        let act = match head[0] {
            b'w' => Act::Write { offset: place, bytes: data.to_vec() },
            b't' => Act::Truncate { length: place },
            b'u' => Act::Unlink,
            _ => Act::Sync,
        };
        acts.push(Noted { file: String::from_utf8(file.to_vec()).unwrap(), act });
        bytes = rest;
    }
    acts
}

fn apply(content: &mut Vec<u8>, act: &Act) {
    match act {
        Act::Write { offset, bytes } => {
            let end = offset + bytes.len();
            if content.len() < end {
                content.resize(end, 0);
            }
            content[*offset..end].copy_from_slice(bytes);
        }
        Act::Truncate { length } => content.resize(*length, 0),
        Act::Sync | Act::Unlink => {}
    }
}

/// Applies an act that was not synced as a disk may have done it.
fn apply_in_part(content: &mut Vec<u8>, act: &Act, mode: u64, random: &mut Random) {
    match (mode, act) {
        // Nothing of it.
        (0, _) => {}
        // Each sector for itself.
        (2, Act::Write { offset, bytes }) => {
            for (number, sector) in bytes.chunks(SECTOR).enumerate() {
                if random.below(3) > 0 {
                    let offset = offset + number * SECTOR;
                    apply(content, &Act::Write { offset, bytes: sector.to_vec() });
                }
            }
        }
        // Each act whole or not at all, in any order.
        _ => {
            if random.below(2) == 0 {
                apply(content, act);
            }
        }
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[derive(Default)]
struct Disk {
    synced: Vec<u8>,
    pending: Vec<usize>,
}

#[test]
fn nothing_acknowledged_is_lost_when_the_power_fails() {
    let folder = tempfile::TempDir::new().unwrap();
    let Some(shim) = shim(folder.path()) else {
        println!("skipped: no C compiler");
        return;
    };
    let written = folder.path().join("written");
    fs::create_dir(&written).unwrap();
    let trace = folder.path().join("trace");
    let status = kill::child(&written, &[0, 0, 0], 260)
        .env("LD_PRELOAD", &shim)
        .env("CORRENTE_TRACE", &trace)
        .env("CORRENTE_TRACE_FOLDER", &written)
        .status()
        .unwrap();
    assert!(status.success());
    let acts = parse(&fs::read(&trace).unwrap());
    let syncs = acts.iter().filter(|noted| matches!(noted.act, Act::Sync)).count();
    assert!(syncs > 10, "the library saw only {syncs} syncs");
    let of_file = acts.iter().filter(|noted| noted.file == "ledger.db").count();
    assert!(of_file > 10, "no checkpoint was seen");

    let cuts = 90;
    let seed = 0x5eed_1234_5678_9abc;
    let mut random = Random(seed);
    let mut disks: BTreeMap<&str, Disk> = BTreeMap::new();
    let mut moments: Vec<usize> = (0..cuts)
        .map(|_| usize::try_from(random.below(u64::try_from(acts.len()).unwrap())).unwrap())
        .collect();
    moments.sort_unstable();
    let mut moments = moments.into_iter().peekable();
    let mut checked = 0;
    for (number, noted) in acts.iter().enumerate() {
        while moments.next_if_eq(&number).is_some() {
            let mode = random.below(3);
            let target = folder.path().join("cut");
            fs::create_dir(&target).unwrap();
            for (&name, disk) in &disks {
                let mut content = disk.synced.clone();
                for &act in &disk.pending {
                    // The test's own note of acknowledgements is not on the disk that fails.
                    let mode = if name == "acks" { u64::MAX } else { mode };
                    if mode == u64::MAX {
                        apply(&mut content, &acts[act].act);
                    } else {
                        apply_in_part(&mut content, &acts[act].act, mode, &mut random);
                    }
                }
                fs::write(target.join(name), content).unwrap();
            }
            let next = load::acknowledged(&fs::read(target.join("acks")).unwrap_or_default());
            checked += load::check(&target.join("ledger.db"), &next)
                .unwrap_or_else(|error| panic!("cut before act {number}, mode {mode}: {error}"));
            fs::remove_dir_all(&target).unwrap();
        }
        let disk = disks.entry(&noted.file).or_default();
        match noted.act {
            Act::Sync => {
                for act in disk.pending.drain(..) {
                    apply(&mut disk.synced, &acts[act].act);
                }
            }
            Act::Unlink => {
                disks.remove(&*noted.file);
            }
            Act::Write { .. } | Act::Truncate { .. } => disk.pending.push(number),
        }
    }
    println!("{cuts} power cuts among {} acts, {checked} readings checked", acts.len());
}
