//! Every decoder against a corpus of good and hostile bytes, cut and changed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::path::Path;

use corrente_line::{
    detect::{Detected, MAX_FIRST_BYTES, detect},
    lab::{Historic, Piece, Request, Spent, Splitter, Which},
    v1::{ClientMessage, Limits, Received, ServerMessage, Session},
};
use corrente_testkit::fuzz::Corpus;

fn corpus() -> Corpus {
    Corpus::of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus"))
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
fn whatever_the_bytes_are_each_decoder_answers() {
    assert!(corpus().files().len() > 40);
    corpus().try_all(check);
}

#[test]
fn each_file_in_two_pieces_cut_anywhere() {
    for (name, bytes) in corpus().files() {
        println!("{name}");
        for cut in 0..bytes.len().min(400) {
            check(bytes, cut);
        }
    }
}
