//! Which protocol a connection speaks, decided by a pure function from its first bytes: on the raw
//! connection and again inside TLS. MQTT, DLMS and others join here.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::value::RawValue;

use crate::lab::{Piece, Splitter};

/// The most bytes that are needed to tell: the longest first object and some space before it.
pub const MAX_FIRST_BYTES: usize = 17 * 1024;

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detected {
    /// Not to be told yet.
    NeedMore,
    /// A TLS handshake begins.
    Tls,
    /// An HTTP request, version 1 or 2, begins.
    Http,
    /// The line protocol. What it says may still be wrong: its session answers.
    Line,
    /// The prototype's unframed JSON.
    Lab,
    /// None of these.
    Unknown,
}

/// Methods of HTTP/1.1 (RFC 9110 §9, RFC 5789) and the beginning of HTTP/2's preface (RFC 9113 §3.4).
const HTTP_BEGINNINGS: [&[u8]; 10] = [
    b"GET ",
    b"HEAD ",
    b"POST ",
    b"PUT ",
    b"DELETE ",
    b"CONNECT ",
    b"OPTIONS ",
    b"TRACE ",
    b"PATCH ",
    b"PRI * HTTP/2.0\r\n",
];

/// Messages of the line protocol: a connection that begins with one of them is answered by it.
const LINE_TYPES: [&str; 6] = ["hello", "reading", "batch", "sample", "ping", "pong"];

/// What do these first bytes begin? `lab` says whether this peer may speak the prototype's protocol.
pub fn detect(bytes: &[u8], lab: bool) -> Detected {
    match bytes {
        [] | [0x16] => return Detected::NeedMore,
        // A handshake record of any version from SSL 3 to TLS 1.3 (RFC 8446 §5.1).
        [0x16, 0x03, ..] => return Detected::Tls,
        _ => {}
    }
    for beginning in HTTP_BEGINNINGS {
        if bytes.starts_with(beginning) {
            return Detected::Http;
        }
        if beginning.starts_with(bytes) {
            return Detected::NeedMore;
        }
    }
    let text = bytes.trim_ascii_start();
    match text.first() {
        None if bytes.len() < MAX_FIRST_BYTES => Detected::NeedMore,
        Some(b'{') => detect_object(text, lab),
        // Text that is no object: the prototype's meter waits for some answer.
        Some(b' '..=b'~') if lab => Detected::Lab,
        _ => Detected::Unknown,
    }
}

fn detect_object(text: &[u8], lab: bool) -> Detected {
    if !lab {
        // Only one protocol here begins with an object; its session has limits of its own.
        return Detected::Line;
    }
    let mut rest = text;
    match Splitter::new().next_piece(&mut rest) {
        Some(Piece::Object(object)) if is_line_message(&object) => Detected::Line,
        Some(Piece::Object(_) | Piece::Noise) => Detected::Lab,
        Some(Piece::TooLong | Piece::TooDeep) => Detected::Unknown,
        None => Detected::NeedMore,
    }
}

fn is_line_message(object: &[u8]) -> bool {
    let fields: Option<BTreeMap<Cow<'_, str>, &RawValue>> = serde_json::from_slice(object).ok();
    let kind: Option<String> =
        fields.and_then(|fields| serde_json::from_str(fields.get("type")?.get()).ok());
    kind.is_some_and(|kind| LINE_TYPES.contains(&kind.as_str()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CASES: [(&[u8], Detected, Detected); 21] = {
        use Detected::{Http, Lab, Line, NeedMore, Tls, Unknown};
        [
            // First bytes; outside lab mode; in lab mode.
            (b"", NeedMore, NeedMore),
            (b"\x16\x03\x01\x02\x00\x01", Tls, Tls),
            (b"\x16\x04", Unknown, Unknown),
            (b"GET / HTTP/1.1\r\n", Http, Http),
            (b"OPTIONS * HTTP/1.1\r\n", Http, Http),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Http, Http),
            (b"P", NeedMore, NeedMore),
            (b"GARBAGE", Unknown, Lab),
            (b"\r\n\r\n", NeedMore, NeedMore),
            (b"\x00\x01\x02", Unknown, Unknown),
            (b"{\"type\":\"hello\",\"v\":1}\n", Line, Line),
            (b" {\"serial\": \"{\", \"type\": \"hello\"}", Line, Line),
            (b"{\"type\":\"hello\",\"v\":1", Line, NeedMore),
            (b"{\"type\":\"hello\",\"v\":1\n", Line, NeedMore),
            (b"{\"id\": 0}", Line, Lab),
            (b"{\"id\": 0}{\"type\":\"hello\"}", Line, Lab),
            (b"{\"id\": \"1\", \"type\": \"/spent\"}", Line, Lab),
            (b"{'id': 0}", Line, Lab),
            (b"{\"id: 0}\n", Line, Lab),
            (b"[1]", Unknown, Lab),
            (b"\xff\xfe{", Unknown, Unknown),
        ]
    };

    #[test]
    fn first_bytes_tell_the_protocol() {
        for (bytes, plain, lab) in CASES {
            let shown = String::from_utf8_lossy(bytes);
            assert_eq!(detect(bytes, false), plain, "{shown}");
            assert_eq!(detect(bytes, true), lab, "{shown}, lab");
        }
        let deep = b"{\"a\":".repeat(100);
        assert_eq!(detect(&deep, true), Detected::Unknown);
        let long = [b"{\"a\":\"".as_slice(), &b"x".repeat(MAX_FIRST_BYTES)].concat();
        assert_eq!(detect(&long, true), Detected::Unknown);
        assert_eq!(detect(&b" ".repeat(MAX_FIRST_BYTES), true), Detected::Unknown);
    }

    #[test]
    fn a_decision_does_not_depend_on_how_much_more_is_there() {
        for (bytes, plain, lab) in CASES {
            for (in_lab, decision) in [(false, plain), (true, lab)] {
                for cut in 0..bytes.len() {
                    let early = detect(&bytes[..cut], in_lab);
                    assert!(early == Detected::NeedMore || early == decision, "{cut} of {bytes:?}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_decided_in_bounded_space(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            beginning in prop::sample::select(vec!["", "{", "GET", "{\"type\":\"hello\","]),
            lab in any::<bool>(),
        ) {
            let mut text = beginning.as_bytes().to_vec();
            text.extend_from_slice(&bytes);
            std::hint::black_box(detect(&text, lab));
            text.resize(MAX_FIRST_BYTES + 100, b'x');
            prop_assert_ne!(detect(&text, lab), Detected::NeedMore);
        }
    }
}
