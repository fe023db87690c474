//! What a process did to its files, and the disk as a power cut may leave it.
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

const SECTOR: usize = 512;

/// One thing that the process did to a file.
pub(crate) enum Act {
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

pub(crate) struct Noted {
    pub(crate) file: String,
    pub(crate) act: Act,
}

/// Builds the library with the C compiler that built SQLite too.
pub(crate) fn shim(folder: &Path) -> Option<PathBuf> {
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

pub(crate) fn parse(mut bytes: &[u8]) -> Vec<Noted> {
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

pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
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

/// Every file of the disk, act by act.
#[derive(Default)]
pub(crate) struct Disks<'a>(BTreeMap<&'a str, Disk>);

impl<'a> Disks<'a> {
    /// The act with this number happens.
    pub(crate) fn take(&mut self, acts: &'a [Noted], number: usize) {
        let noted = &acts[number];
        let disk = self.0.entry(&noted.file).or_default();
        match noted.act {
            Act::Sync => {
                for act in disk.pending.drain(..) {
                    apply(&mut disk.synced, &acts[act].act);
                }
            }
            Act::Unlink => {
                self.0.remove(&*noted.file);
            }
            Act::Write { .. } | Act::Truncate { .. } => disk.pending.push(number),
        }
    }

    /// The power fails now: writes to a new folder what is left. Of what was not synced mode 0 leaves
    /// nothing, mode 1 any acts, mode 2 any sectors.
    pub(crate) fn cut(&self, acts: &[Noted], target: &Path, mode: u64, random: &mut Random) {
        fs::create_dir(target).unwrap();
        for (&name, disk) in &self.0 {
            let mut content = disk.synced.clone();
            for &act in &disk.pending {
                // The test's own note of acknowledgements is not on the disk that fails.
                if name == "acks" {
                    apply(&mut content, &acts[act].act);
                } else {
                    apply_in_part(&mut content, &acts[act].act, mode, random);
                }
            }
            fs::write(target.join(name), content).unwrap();
        }
    }
}
