//! Every decoder against a corpus of good and hostile bytes, cut and changed.
//!
//! A file that once broke something stays in `corpus/`. `CORRENTE_FUZZ_ROUNDS` changes each file more
//! often than the short run of the test command does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]
#![expect(clippy::disallowed_methods, reason = "the corpus is in files")]

use std::{fs, path::Path};

use corrente_line::{
    detect::{Detected, MAX_FIRST_BYTES, detect},
    lab::{Historic, Piece, Request, Spent, Splitter, Which},
    v1::{ClientMessage, Limits, Received, ServerMessage, Session},
};

fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// All that a connection of these pieces leads to, in words.
fn session(pieces: &[&[u8]]) -> Vec<String> {
    let mut session = Session::new(Limits::default(), 0);
    let mut out = Vec::new();
    let mut note = |received: &Received| {
        out.extend(received.hello.iter().map(|hello| format!("hello {}", hello.serial)));
        out.extend(received.readings.iter().map(|reading| format!("{reading:?}")));
        out.extend(received.samples.iter().map(|sample| format!("{sample:?}")));
        out.extend(received.end.iter().map(|error| format!("end {error}")));
    };
    for piece in pieces {
        let received = session.receive(piece, 1);
        note(&received);
        if received.hello.is_some() {
            note(&session.admitted(["import".into(), "export".into()]));
        }
    }
    out
}

fn objects(pieces: &[&[u8]]) -> Vec<Piece> {
    let mut splitter = Splitter::new();
    let mut found = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        while let Some(piece) = splitter.next_piece(&mut rest) {
            let broken = matches!(piece, Piece::TooLong | Piece::TooDeep);
            found.push(piece);
            if broken {
                return found;
            }
        }
    }
    found
}

/// What must hold for any bytes, cut at this place.
fn check(bytes: &[u8], cut: usize) {
    let (a, b) = bytes.split_at(cut.min(bytes.len()));
    let mut whole = session(&[bytes]);
    let mut halves = session(&[a, b]);
    // Of one read, readings come before samples, wherever they stood in it.
    let sorted = |words: &mut Vec<String>| words.sort();
    sorted(&mut whole);
    sorted(&mut halves);
    assert_eq!(halves, whole);
    assert_eq!(objects(&[a, b]), objects(&[bytes]));
    for lab in [false, true] {
        let early = detect(a, lab);
        assert!(
            early == Detected::NeedMore || a.len() > MAX_FIRST_BYTES || early == detect(bytes, lab)
        );
    }
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(message) = ClientMessage::parse(line) {
            let again = message.to_line();
            assert_eq!(ClientMessage::parse(&again[..again.len() - 1]).unwrap(), message);
        }
        drop(ServerMessage::parse(line));
    }
    for piece in objects(&[bytes]) {
        if let Piece::Object(object) = piece {
            drop(Request::parse(&object));
            drop(Spent::parse(&object));
            drop(Historic::parse(&object, Which::At));
        }
    }
}

#[test]
fn each_file_cut_at_each_of_its_first_bytes() {
    let files = corpus();
    assert!(files.len() > 40);
    for (name, bytes) in files {
        println!("{name}");
        for cut in 0..bytes.len().min(400) {
            check(&bytes, cut);
        }
    }
}

#[test]
fn each_file_changed_at_random() {
    let rounds = std::env::var("CORRENTE_FUZZ_ROUNDS");
    let rounds: u32 = rounds.ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    let files = corpus();
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for round in 0..rounds {
        for (name, bytes) in &files {
            let mut changed = bytes.get(..bytes.len().min(4000)).unwrap().to_vec();
            for _ in 0..=random.below(4) {
                random.change(&mut changed, &files);
            }
            let cut = random.below(changed.len() + 1);
            let outcome = std::panic::catch_unwind(|| check(&changed, cut));
            assert!(
                outcome.is_ok(),
                "{name} in round {round}, cut at {cut}: {}",
                changed.escape_ascii()
            );
        }
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }

    fn change(&mut self, bytes: &mut Vec<u8>, files: &[(String, Vec<u8>)]) {
        const WORDS: [&[u8]; 14] = [
            b"\"",
            b"\\",
            b"{",
            b"}",
            b"[",
            b"]",
            b"\n",
            b"-",
            b"e9",
            b"null",
            b"\xff",
            b"\\u0000",
            b"99999999999999999999",
            b",",
        ];
        let place = self.below(bytes.len() + 1);
        match self.below(5) {
            0 if place < bytes.len() => bytes[place] = self.below(256).to_le_bytes()[0],
            1 if place < bytes.len() => {
                bytes.remove(place);
            }
            2 => {
                let word = WORDS[self.below(WORDS.len())];
                bytes.splice(place..place, word.iter().copied());
            }
            3 => bytes.truncate(place),
            _ => {
                let (_, other) = &files[self.below(files.len())];
                let start = self.below(other.len() + 1);
                let end = (start + self.below(60)).min(other.len());
                bytes.splice(place..place, other[start..end].iter().copied());
            }
        }
    }
}
