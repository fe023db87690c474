use proptest::prelude::*;

use super::*;

fn check(line: &str, expected: &str) {
    let said = match ClientMessage::parse(line.as_bytes()) {
        Ok(message) => {
            let again = message.to_line();
            let again = again.strip_suffix(b"\n").unwrap();
            assert_eq!(ClientMessage::parse(again).as_ref(), Ok(&message), "{line}");
            String::from_utf8(again.to_vec()).unwrap()
        }
        Err(error) => match error.seq {
            Some(seq) => format!("{error} (seq {seq})"),
            None => error.to_string(),
        },
    };
    assert_eq!(said, expected, "{line}");
}

#[test]
fn lines_and_what_they_mean() {
    for (line, expected) in [
        (
            r#"{"type":"reading","seq":7,"ch":"import","t":1764000000,"wh":123456,"w":1240,"q":0}"#,
            r#"{"type":"reading","seq":7,"ch":"import","t":1764000000,"wh":123456,"w":1240}"#,
        ),
        (
            r#" { "wh" : 5, "t":1764000000, "seq": 7, "type": "reading", "colour": {"a":[1]} } "#,
            r#"{"type":"reading","seq":7,"ch":"import","t":1764000000,"wh":5}"#,
        ),
        (
            r#"{"type":"reading","seq":7,"ch":"export","t":-1,"wh":0,"w":-40,"q":2}"#,
            r#"{"type":"reading","seq":7,"ch":"export","t":-1,"wh":0,"w":-40,"q":2}"#,
        ),
        (r#"{"type":"reading","seq":7,"t":1764000000}"#, "bad_field, wh: is missing (seq 7)"),
        (r#"{"type":"reading","t":1764000000,"wh":1}"#, "bad_field, seq: is missing"),
        (
            r#"{"type":"reading","seq":0,"t":1764000000,"wh":1}"#,
            "bad_field, seq: expected a whole number from 1 to 9007199254740991",
        ),
        (
            r#"{"type":"reading","seq":7,"t":1764000000,"wh":1.5}"#,
            "bad_field, wh: expected a whole number of watt-hours (seq 7)",
        ),
        (
            r#"{"type":"reading","seq":7,"t":1764000000,"wh":"1"}"#,
            "bad_field, wh: expected a whole number of watt-hours (seq 7)",
        ),
        (
            r#"{"type":"reading","seq":7,"t":1764000000,"wh":-1}"#,
            "bad_field, wh: must not be negative: energy given to the grid has a channel of its own (seq 7)",
        ),
        (
            r#"{"type":"reading","seq":7,"t":1764000000000,"wh":1}"#,
            "bad_field, t: is outside the calendar: seconds are expected, not milliseconds (seq 7)",
        ),
        (
            r#"{"type":"reading","seq":7,"t":1764000000,"wh":1,"q":256}"#,
            "bad_field, q: expected a whole number from 0 to 255 (seq 7)",
        ),
        (
            r#"{"type":"batch","ch":"import","readings":[[7,1764000000,1],[8,1764000900,2,1]]}"#,
            r#"{"type":"batch","ch":"import","readings":[[7,1764000000,1],[8,1764000900,2,1]]}"#,
        ),
        (
            r#"{"type":"batch","readings":[ [7, 1764000000, 1] ]}"#,
            r#"{"type":"batch","ch":"import","readings":[[7,1764000000,1]]}"#,
        ),
        (r#"{"type":"batch","readings":[]}"#, "bad_field, readings: is empty"),
        (
            r#"{"type":"batch","readings":[[7,1764000000]]}"#,
            "bad_field, readings: expected a list of [seq, t, wh] or [seq, t, wh, q]",
        ),
        (
            r#"{"type":"batch","readings":[[7,1764000000,1],[8,null,1]]}"#,
            "bad_field, t: expected whole seconds since 1970-01-01T00:00:00Z (seq 8)",
        ),
        (
            r#"{"type":"sample","t":1764000000,"w":-1240,"v":[230.1,229.95,231],"a":[5.4]}"#,
            r#"{"type":"sample","t":1764000000,"w":-1240,"v":[230.1,229.95,231.0],"a":[5.4]}"#,
        ),
        (
            r#"{"type":"sample","t":1764000000,"w":1,"v":[1,2,3,4]}"#,
            "bad_field, v: expected a list of one to three numbers",
        ),
        (
            r#"{"type":"hello","v":1,"serial":"M-1","secret":"s"}"#,
            r#"{"type":"hello","v":1,"serial":"M-1","secret":"s"}"#,
        ),
        (
            r#"{"type":"hello","v":1,"serial":"M-1","token":"t"}"#,
            r#"{"type":"hello","v":1,"serial":"M-1","token":"t","channels":[{"name":"import","kind":"register"}]}"#,
        ),
        (
            r#"{"type":"hello","v":1,"serial":"M-1","token":"t","usage_point":"MAC000002","channels":[{"name":"import","kind":"interval","interval_s":1800},{"name":"export","direction":"export"}]}"#,
            r#"{"type":"hello","v":1,"serial":"M-1","token":"t","channels":[{"name":"import","kind":"interval","interval_s":1800},{"name":"export","kind":"register","direction":"export"}],"usage_point":"MAC000002"}"#,
        ),
        (
            r#"{"type":"hello","v":2,"serial":"M-1","secret":"s"}"#,
            "bad_version, v: this server speaks version 1",
        ),
        (
            r#"{"type":"hello","v":1,"serial":"M-1"}"#,
            "bad_field, secret: is missing: send the meter's secret, or an enrolment token",
        ),
        (
            r#"{"type":"hello","v":1,"serial":"","secret":"s"}"#,
            "bad_field, serial: expected 1 to 128 characters without control characters",
        ),
        (
            r#"{"type":"hello","v":1,"serial":"M-1","token":"t","channels":[{"name":"a"},{"name":"a"}]}"#,
            "bad_field, channels: two channels have the same name",
        ),
        (r#"{"type":"ping"}"#, r#"{"type":"ping"}"#),
        (
            r#"{"type":"ack","seq":1}"#,
            "unknown_type, type: expected hello, reading, batch, sample, ping or pong",
        ),
        (r#"{"seq":1}"#, "bad_field, type: is missing"),
        ("[1]", "bad_json: expected one JSON object a line, at column 0"),
        (r#"{"type":"ping""#, "bad_json: expected one JSON object a line, at column 14"),
        (r#"{"type":"ping"} x"#, "bad_json: expected one JSON object a line, at column 17"),
    ] {
        check(line, expected);
    }
    assert_eq!(
        ClientMessage::parse(b"{\"type\":\"\xff\"}").unwrap_err().to_string(),
        "bad_json: the line is not UTF-8 text"
    );
}

#[test]
fn a_batch_may_be_large_and_not_larger() {
    for (count, allowed) in [(MAX_BATCH_READINGS, true), (MAX_BATCH_READINGS + 1, false)] {
        let items = vec!["[1,2,3]"; count].join(",");
        let line = format!(r#"{{"type":"batch","readings":[{items}]}}"#);
        assert_eq!(ClientMessage::parse(line.as_bytes()).is_ok(), allowed);
        let nested = format!(r#"{{"type":"x","readings":{}1"#, "[".repeat(1000));
        assert!(ClientMessage::parse(nested.as_bytes()).is_err());
    }
}

#[test]
fn secrets_are_not_printed() {
    for line in [
        r#"{"type":"hello","v":1,"serial":"M-1","secret":"hush"}"#,
        r#"{"type":"hello","v":1,"serial":"M-1","token":"hush"}"#,
    ] {
        assert!(!format!("{:?}", ClientMessage::parse(line.as_bytes()).unwrap()).contains("hush"));
    }
}

#[test]
fn what_the_server_says_comes_back() {
    for message in [
        ServerMessage::Ack { seq: 7 },
        ServerMessage::Set { interval_s: 5 },
        ServerMessage::Ping,
        ServerMessage::Pong,
        ServerMessage::Bye,
        ServerMessage::Error(LineError::field("wh", "is missing").of_reading(7)),
        ServerMessage::Error(LineError::new(ErrorCode::NotAdmitted, "no")),
        ServerMessage::Welcome(Welcome {
            meter: "0191e2c4-0000-7000-8000-000000000001".to_owned(),
            secret: Some("s".to_owned()),
            channels: [("import".to_owned(), 1)].into(),
            interval_s: 10,
            time: Timestamp::from_second(1_764_000_000),
        }),
    ] {
        let line = message.to_line();
        assert_eq!(ServerMessage::parse(line.strip_suffix(b"\n").unwrap()), Ok(message));
    }
    assert_eq!(ServerMessage::parse(br#"{"type":"later","x":1}"#), Ok(ServerMessage::Other));
}

const SPECIFICATION: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol.md"));

#[test]
fn the_examples_of_the_specification_are_understood() {
    let mut seen = 0;
    for line in SPECIFICATION.lines() {
        if let Some(said) = line.strip_prefix("→ ") {
            let understood = ClientMessage::parse(said.as_bytes());
            // One of them shows what a wrong field is answered.
            assert!(understood.is_ok() || said.contains("12.5"), "{said}: {understood:?}");
            seen += 1;
        } else if let Some(said) = line.strip_prefix("← ") {
            let understood = ServerMessage::parse(said.as_bytes());
            assert!(understood.as_ref().is_ok_and(|m| *m != ServerMessage::Other), "{said}");
            seen += 1;
        }
    }
    assert!(seen >= 10, "{seen} examples");
}

#[test]
fn each_error_code_is_in_the_specification() {
    for code in ErrorCode::ALL {
        assert!(SPECIFICATION.contains(&format!("\n| `{code}` |")), "{code} is not documented");
        assert_eq!(ErrorCode::from_wire(code.as_str()), Some(code));
    }
}

fn numbers() -> impl Strategy<Value = BatchReading> {
    (1_u64..=9_007_199_254_740_991, -2_000_000_000_i64..4_000_000_000, 0..=MAX_INTEGER, any::<u8>())
        .prop_map(|(seq, t, wh, q)| BatchReading {
            seq,
            reading: Reading {
                end: Timestamp::from_second(t),
                value: Energy::from_wh(wh),
                quality: SourceQuality(q),
            },
        })
}

proptest! {
    #[test]
    fn both_parsers_agree_on_readings(
        reading in numbers(),
        channel in "[ -~]{0,8}|\\PC{0,4}",
        power_w in prop::option::of(-POWER_W_MAX..=POWER_W_MAX),
    ) {
        let message = ClientMessage::Reading { channel: channel.into(), reading, power_w };
        let line = message.to_line();
        let line = line.strip_suffix(b"\n").unwrap();
        prop_assert_eq!(ClientMessage::parse_carefully(line).unwrap(), message.clone());
        prop_assert_eq!(ClientMessage::parse(line).unwrap(), message);
    }

    #[test]
    fn both_parsers_agree_on_batches(readings in prop::collection::vec(numbers(), 1..40)) {
        let message = ClientMessage::Batch { channel: "import".into(), readings };
        let line = message.to_line();
        let line = line.strip_suffix(b"\n").unwrap();
        prop_assert_eq!(scan(line).unwrap(), message.clone());
        prop_assert_eq!(ClientMessage::parse_carefully(line).unwrap(), message);
    }

    #[test]
    fn the_scanner_takes_nothing_that_the_careful_parser_refuses(
        mut line in prop::sample::select(vec![
            br#"{"type":"reading","seq":7,"ch":"import","t":1764000000,"wh":123456,"w":1240,"q":1}"#.to_vec(),
            br#"{"type":"batch","ch":"import","readings":[[7,1764000000,1],[8,1764000900,2,1]]}"#.to_vec(),
        ]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(
            br#"0123456789-+.eE",:[]{}\ "#.to_vec()), any::<bool>()), 1..4),
    ) {
        for (place, byte, insert) in changes {
            let n = place.index(line.len());
            if insert { line.insert(n, byte) } else { line[n] = byte }
        }
        if let Some(message) = scan(&line) {
            prop_assert_eq!(ClientMessage::parse_carefully(&line), Ok(message));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(ClientMessage::parse(&bytes));
        drop(ServerMessage::parse(&bytes));
    }
}
