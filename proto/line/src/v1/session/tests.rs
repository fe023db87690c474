use proptest::prelude::*;

use super::*;

const HELLO: &str = "{\"type\":\"hello\",\"v\":1,\"serial\":\"M-1\",\"secret\":\"s\"}\n";

fn session() -> Session {
    Session::new(Limits { idle_ms: 1000 }, 0)
}

/// Feeds the pieces, admits when asked, and writes down what came out.
fn run(pieces: &[&[u8]]) -> String {
    let mut session = session();
    let mut out = String::new();
    for piece in pieces {
        let mut received = session.receive(piece, 1);
        loop {
            write_down(&received, &mut out);
            if received.hello.is_none() {
                break;
            }
            received = session.admitted(["import".into(), "export".into()]);
        }
    }
    out
}

fn write_down(received: &Received, out: &mut String) {
    use std::fmt::Write as _;
    if let Some(hello) = &received.hello {
        writeln!(out, "hello {}", hello.serial).unwrap();
    }
    for r in &received.readings {
        writeln!(out, "{} #{} {}", r.channel, r.seq, r.reading.value).unwrap();
    }
    for s in &received.samples {
        writeln!(out, "{} W", s.power_w).unwrap();
    }
    out.push_str(str::from_utf8(&received.reply).unwrap());
    if let Some(error) = &received.end {
        writeln!(out, "end {error}").unwrap();
    }
}

fn check(rest: &str, expected: &str) {
    let text = format!("{HELLO}{rest}");
    assert_eq!(run(&[text.as_bytes()]), format!("hello M-1\n{expected}"), "{rest}");
}

#[test]
fn lines_become_commands() {
    check("", "");
    check(
        "{\"type\":\"reading\",\"seq\":1,\"t\":1,\"wh\":5}\r\n\n{\"type\":\"sample\",\"t\":1,\"w\":9}\n{\"type\":\"ping\"}\n",
        "0 #1 5 Wh\n9 W\n{\"type\":\"pong\"}\n",
    );
    check(
        "{\"type\":\"batch\",\"ch\":\"export\",\"readings\":[[1,1,5],[2,2,6]]}\n{\"type\":\"read",
        "1 #1 5 Wh\n1 #2 6 Wh\n",
    );
    check(
        "{\"type\":\"reading\",\"seq\":1,\"t\":1,\"wh\":5}\nnoise\n{\"type\":\"reading\",\"seq\":2,\"t\":2,\"wh\":5}\n",
        "0 #1 5 Wh\nend bad_json: expected one JSON object a line, at column 2\n",
    );
    check(
        "{\"type\":\"reading\",\"ch\":\"gas\",\"seq\":1,\"t\":1,\"wh\":5}\n",
        "end unknown_channel, ch: this meter has no channel `gas`\n",
    );
    check(HELLO, "end bad_order: this connection has had its hello\n");
    assert_eq!(
        run(&[b"{\"type\":\"ping\"}\n"]),
        "end bad_order: the first line of a connection must be a hello\n"
    );
}

#[test]
fn lines_have_a_greatest_length() {
    let long = "x".repeat(MAX_LINE_BYTES);
    check(&format!("{{{long}"), "end too_long: a line has at most 1 MiB\n");
    check(&format!("{{{long}\n"), "end too_long: a line has at most 1 MiB\n");
    let hello = vec![b'x'; MAX_HELLO_BYTES + 1];
    assert_eq!(run(&[&hello]), "end too_long: a hello line has at most 16 KiB\n");
}

#[test]
fn no_memory_is_held_between_lines() {
    let mut session = session();
    drop(session.receive(HELLO.as_bytes(), 0));
    drop(session.admitted(["import".into()]));
    drop(session.receive(b"{\"type\":\"reading\",\"seq\":1,\"t\":1,", 1));
    assert!(session.partial_bytes() > 0);
    assert_eq!(session.receive(b"\"wh\":5}\n", 2).readings.len(), 1);
    assert_eq!(session.partial.capacity(), 0);
}

#[test]
fn a_silent_meter_is_asked_and_then_given_up() {
    let mut session = session();
    drop(session.receive(HELLO.as_bytes(), 100));
    drop(session.admitted(["import".into()]));
    assert_eq!(session.deadline_ms(), 600);
    assert!(session.on_time(599).reply.is_empty());
    assert_eq!(session.on_time(600).reply, b"{\"type\":\"ping\"}\n");
    assert_eq!(session.deadline_ms(), 1100);
    drop(session.receive(b"{\"type\":\"pong\"}\n", 700));
    assert_eq!(session.deadline_ms(), 1200);
    drop(session.on_time(1200));
    assert_eq!(session.on_time(1700).end.unwrap().code, ErrorCode::Idle);
    assert!(session.receive(HELLO.as_bytes(), 1800).hello.is_none());
}

fn conversation() -> String {
    format!(
        "{HELLO}{}\n{}\n{}\n{}\n",
        r#"{"type":"reading","seq":1,"ch":"import","t":1764000000,"wh":123456,"w":1240}"#,
        r#"{"type":"batch","ch":"export","readings":[[2,1764000000,1],[3,1764000900,2,1]]}"#,
        r#"{"type":"ping"}"#,
        r#"{"type":"reading", "seq": 4, "t": 1764000010, "wh": 123460}"#,
    )
}

#[test]
fn it_is_the_same_however_the_bytes_are_cut() {
    let text = conversation();
    let bytes = text.as_bytes();
    let expected = run(&[bytes]);
    assert_eq!(expected.lines().count(), 6);
    let sort = |s: &str| {
        // A ping is answered at once, not in the order of the readings around it.
        let mut lines: Vec<_> = s.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    for cut in 0..=bytes.len() {
        let (a, b) = bytes.split_at(cut);
        assert_eq!(sort(&run(&[a, b])), sort(&expected), "cut at {cut}");
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(sort(&run(&single)), sort(&expected));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..8),
        admitted in any::<bool>(),
    ) {
        let mut session = session();
        if admitted {
            drop(session.receive(HELLO.as_bytes(), 0));
            drop(session.admitted(["import".into()]));
        }
        for (n, piece) in pieces.iter().enumerate() {
            drop(session.receive(piece, n as u64));
        }
    }
}
