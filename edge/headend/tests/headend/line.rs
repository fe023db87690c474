//! Line protocol v1.

use std::time::{Duration, Instant};

use corrente_ledger::Ledger as _;
use corrente_line::v1::Limits;
use corrente_live::LiveWhat;
use corrente_metering::{Span, Timestamp, id::MeterId};
use corrente_registry::{
    RegistryError,
    channels::NewChannel,
    clock_samples,
    enrolment::{self, Redemption},
    meters,
};
use tokio::io::AsyncWriteExt as _;

use crate::bench::{Bench, NOW, between, reading};

#[tokio::test]
async fn a_meter_enrols_reports_and_comes_back_with_its_secret() {
    let bench = Bench::new().await;
    let (mut meter, secret) = bench.enrol("M-1").await;
    meter.say(&reading(1, 0, 1000)).await;
    assert_eq!(meter.line().await, r#"{"type":"ack","seq":1}"#);
    assert_eq!(bench.stored(1), [(0, 1000)], "durable before it is acknowledged");
    drop(meter);

    let mut meter = bench.connect().await;
    meter
        .say(&format!(
            "{{\"type\":\"hello\",\"v\":1,\"serial\":\"M-1\",\"secret\":\"{secret}\"}}\n{}{}",
            reading(1, 0, 1000),
            reading(2, 10, 1010)
        ))
        .await;
    let welcome = meter.line().await;
    assert!(
        welcome
            .ends_with(r#""channels":{"import":1},"interval_s":10,"time":"2025-11-24T16:00:00Z"}"#),
        "{welcome}"
    );
    assert!(!welcome.contains("secret"));
    assert_eq!(meter.line().await, r#"{"type":"ack","seq":2}"#);
    assert_eq!(bench.stored(1), [(0, 1000), (10, 1010)]);
    let statistics = bench.headend.statistics();
    assert_eq!((statistics.readings, statistics.duplicates), (3, 1), "sent again, kept once");
}

/// A stamp that is later than now says that the meter's clock is wrong; validation shows it.
#[tokio::test]
async fn a_clock_that_is_ahead_is_written_down() {
    let bench = Bench::new().await;
    let (mut right, _) = bench.enrol("M-1").await;
    let (mut wrong, _) = bench.enrol("M-2").await;
    right.say(&reading(1, 0, 1000)).await;
    assert_eq!(right.line().await, r#"{"type":"ack","seq":1}"#);
    wrong.say(&reading(1, 200, 1000)).await;
    assert_eq!(wrong.line().await, r#"{"type":"ack","seq":1}"#);
    let seen = async |serial: &'static str| {
        let near = Span::new(Timestamp::from_second(NOW - 10), Timestamp::from_second(NOW + 10));
        let found = bench.registry.read(move |tx| -> Result<_, RegistryError> {
            let access = meters::find_by_serial(tx, serial)?.unwrap();
            clock_samples::at_usage_point(tx, access.usage_point.unwrap(), near)
        });
        found.await.unwrap().into_iter().map(|sample| sample.ahead_seconds).collect::<Vec<_>>()
    };
    tokio::time::timeout(Duration::from_secs(20), async {
        while seen("M-2").await != [200] {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert!(seen("M-1").await.is_empty());
}

#[tokio::test]
async fn who_is_not_known_does_not_come_in() {
    let bench = Bench::new().await;
    let (_meter, _) = bench.enrol("M-1").await;
    for (credential, reason) in [
        (
            r#""serial":"M-1","secret":"wrong""#,
            "no meter with this serial and secret is registered",
        ),
        (
            r#""serial":"M-9","secret":"wrong""#,
            "no meter with this serial and secret is registered",
        ),
        (
            r#""serial":"M-9","token":"wrong""#,
            "this enrolment token is not known: ask the utility for a new one",
        ),
    ] {
        let mut meter = bench.connect().await;
        meter.say(&format!("{{\"type\":\"hello\",\"v\":1,{credential}}}\n")).await;
        assert_eq!(
            meter.rest().await,
            format!("{{\"type\":\"error\",\"code\":\"not_admitted\",\"reason\":\"{reason}\"}}\n")
        );
    }
}

#[tokio::test]
async fn a_meter_that_never_heard_its_welcome_comes_in_again() {
    let bench = Bench::new().await;
    let token = bench.token_for_one().await;
    // What a server leaves behind that dies between the commit and its answer.
    let (redeemed, serial) = (token.clone(), "M-1");
    bench
        .registry
        .write(move |tx| {
            let channels = [NewChannel::import()];
            let now = Timestamp::from_second(NOW);
            let (token, usage_point) = (redeemed.as_str(), None);
            let ask = Redemption { token, serial, usage_point, channels: &channels, now };
            enrolment::redeem(tx, &ask)
        })
        .await
        .unwrap();
    let hello =
        format!("{{\"type\":\"hello\",\"v\":1,\"serial\":\"M-1\",\"token\":\"{token}\"}}\n");
    let mut meter = bench.connect().await;
    meter.say(&hello).await;
    let welcome = meter.line().await;
    let secret = between(&welcome, r#""secret":""#, "\"").to_owned();
    let taken =
        r#""reason":"a meter with serial `M-1` is registered already: connect with its secret""#;

    // Its first reading shows that it has its secret.
    meter.say(&reading(1, 0, 1000)).await;
    assert_eq!(meter.line().await, r#"{"type":"ack","seq":1}"#);
    let id = bench.meter("M-1").await;
    let unconfirmed =
        async || bench.registry.read(move |tx| enrolment::is_unconfirmed(tx, id)).await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), async {
        while unconfirmed().await {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    let mut other = bench.connect().await;
    other.say(&hello).await;
    assert!(other.rest().await.contains(taken));
    let mut again = bench.connect().await;
    again
        .say(&format!(
            "{{\"type\":\"hello\",\"v\":1,\"serial\":\"M-1\",\"secret\":\"{secret}\"}}\n"
        ))
        .await;
    assert!(again.line().await.starts_with(r#"{"type":"welcome""#));
}

#[tokio::test]
async fn the_first_use_of_a_secret_ends_its_token() {
    let bench = Bench::new().await;
    let token = bench.token_for_one().await;
    let hello =
        format!("{{\"type\":\"hello\",\"v\":1,\"serial\":\"M-1\",\"token\":\"{token}\"}}\n");
    let mut meter = bench.connect().await;
    meter.say(&hello).await;
    let welcome = meter.line().await;
    let secret = between(&welcome, r#""secret":""#, "\"").to_owned();
    drop(meter);
    let mut meter = bench.connect().await;
    meter
        .say(&format!(
            "{{\"type\":\"hello\",\"v\":1,\"serial\":\"M-1\",\"secret\":\"{secret}\"}}\n"
        ))
        .await;
    assert!(meter.line().await.starts_with(r#"{"type":"welcome""#));
    let mut other = bench.connect().await;
    other.say(&hello).await;
    assert!(other.rest().await.contains("is registered already"));
}

#[tokio::test]
async fn a_wrong_token_holds_nobody_up_who_writes() {
    let bench = Bench::new().await;
    // The only writer is busy until the end of this test.
    let (busy, (end, ended)) = (bench.registry.clone(), std::sync::mpsc::channel::<()>());
    let (begin, begun) = tokio::sync::oneshot::channel();
    let mut begin = Some(begin);
    let writing = tokio::spawn(async move {
        busy.write(move |_| -> Result<_, RegistryError> {
            begin.take().unwrap().send(()).unwrap();
            ended.recv().unwrap();
            Ok(())
        })
        .await
    });
    begun.await.unwrap();
    for n in 0..50 {
        let mut meter = bench.connect().await;
        meter
            .say(&format!(
                "{{\"type\":\"hello\",\"v\":1,\"serial\":\"M-{n}\",\"token\":\"guess\"}}\n"
            ))
            .await;
        assert!(meter.rest().await.contains("this enrolment token is not known"));
    }
    end.send(()).unwrap();
    writing.await.unwrap().unwrap();
}

#[tokio::test]
async fn batches_and_lines_in_one_segment_are_acknowledged_together() {
    let bench = Bench::new().await;
    let (mut meter, _) = bench.enrol("M-1").await;
    let batch: Vec<String> =
        (1..=5000).map(|n| format!("[{n},{},{n}]", NOW - 80_000 + n * 10)).collect();
    let lines: String = (5001_i64..=5100).map(|n| reading(n.unsigned_abs(), n - 6000, n)).collect();
    meter.say(&format!("{{\"type\":\"batch\",\"readings\":[{}]}}\n{lines}", batch.join(","))).await;
    let mut acks = 0;
    while meter.line().await != r#"{"type":"ack","seq":5100}"# {
        acks += 1;
    }
    assert!(acks < 50, "{acks} acknowledgements for 101 lines");
    assert_eq!(bench.stored(1).len(), 5100);
}

#[tokio::test]
async fn a_wrong_field_is_named_after_what_was_right_is_acknowledged() {
    let bench = Bench::new().await;
    let (mut meter, _) = bench.enrol("M-1").await;
    let wrong = reading(2, 10, 1).replace(":1}", ":-1}");
    meter.say(&format!("{}{wrong}{}", reading(1, 0, 1000), reading(3, 20, 1000))).await;
    assert_eq!(meter.line().await, r#"{"type":"ack","seq":1}"#);
    assert_eq!(
        meter.rest().await,
        "{\"type\":\"error\",\"code\":\"bad_field\",\"field\":\"wh\",\"reason\":\"must not be negative: energy given to the grid has a channel of its own\",\"seq\":2}\n"
    );
    assert_eq!(bench.stored(1), [(0, 1000)]);
}

#[tokio::test]
async fn the_first_of_two_values_stays_and_strange_times_are_kept_aside() {
    let bench = Bench::new().await;
    let (mut meter, _) = bench.enrol("M-1").await;
    for (seq, after_now, wh) in [(1, 0, 7), (2, 0, 8), (3, 301, 9), (4, -86_401, 1), (5, 300, 10)] {
        meter.say(&reading(seq, after_now, wh)).await;
        assert_eq!(meter.line().await, format!("{{\"type\":\"ack\",\"seq\":{seq}}}"));
    }
    assert_eq!(bench.stored(1), [(0, 7), (300, 10)]);
    let statistics = bench.headend.statistics();
    assert_eq!((statistics.conflicts, statistics.quarantined), (1, 2));
    bench.clock.advance(10);
    meter.say(&reading(6, 310, 11)).await;
    meter.line().await;
    assert_eq!(bench.stored(1).len(), 3, "business time has moved on");
}

#[tokio::test]
async fn watchers_hear_of_a_reading_when_it_is_durable() {
    let bench = Bench::new().await;
    let mut events = bench.live.subscribe();
    let (mut meter, _) = bench.enrol("M-1").await;
    meter.say(&reading(1, 0, 1000).replace('}', ",\"w\":1240}")).await;
    let event = events.recv().await.unwrap();
    assert_eq!(bench.stored(1).len(), 1);
    assert!(matches!(event.what, LiveWhat::Reading { power_w: Some(1240), .. }), "{event:?}");
    meter.say(&format!("{{\"type\":\"sample\",\"t\":{NOW},\"w\":-3,\"v\":[229.5]}}\n")).await;
    let event = events.recv().await.unwrap();
    assert!(matches!(event.what, LiveWhat::Reading { power_w: Some(-3), .. }), "{event:?}");
    meter.say(&format!("{{\"type\":\"sample\",\"t\":{},\"w\":70}}\n", NOW + 10)).await;
    meter.say(&format!("{{\"type\":\"sample\",\"t\":{},\"w\":9}}\n", NOW + 9999)).await;
    events.recv().await.unwrap();
    assert_eq!(bench.power(1), [(0, -3), (10, 70)], "kept, but what is far ahead");
}

#[tokio::test]
async fn the_server_pings_sets_and_answers() {
    let bench = Bench::with(|config| config.line = Limits { idle_ms: 600 }).await;
    let (mut meter, _) = bench.enrol("M-1").await;
    let id = bench.meter("M-1").await;
    let nobody: MeterId = "0191e2c4-0000-7000-8000-000000000001".parse().unwrap();
    meter.say("{\"type\":\"ping\"}\n").await;
    assert_eq!(meter.line().await, r#"{"type":"pong"}"#);
    assert!(bench.headend.set_interval(id, 5));
    assert_eq!(meter.line().await, r#"{"type":"set","interval_s":5}"#);
    assert!(!bench.headend.set_interval(nobody, 5));
    // Silent from here on.
    assert_eq!(
        meter.rest().await,
        "{\"type\":\"ping\"}\n{\"type\":\"error\",\"code\":\"idle\",\"reason\":\"nothing was heard for too long\"}\n"
    );
}

#[tokio::test]
async fn long_lines_and_noise_end_a_connection_and_no_other() {
    let bench = Bench::new().await;
    let (mut honest, _) = bench.enrol("M-1").await;
    let long = [b"{".as_slice(), &vec![b'x'; 2 * 1024 * 1024]].concat();
    let noise: Vec<u8> = (0..=255).cycle().take(5000).collect();
    for (bytes, reason) in [
        (long.as_slice(), "a line has at most 1 MiB"),
        (b"\x00\xff\n", "the line is not UTF-8 text"),
        (&noise, "expected one JSON object a line"),
        (b"[[[[[[\n", "expected one JSON object a line"),
        (b"{\"type\":\"reading\"}\n", "is missing"),
    ] {
        let (mut meter, _) = bench.enrol("M-2").await;
        // It may be closed before all of it is sent.
        drop(meter.stream.write_all(bytes).await);
        let heard = meter.rest().await;
        assert!(heard.starts_with("{\"type\":\"error\","), "{heard}");
        assert!(heard.contains(reason), "{heard}");
    }
    honest.say(&reading(1, 0, 1000)).await;
    assert_eq!(honest.line().await, r#"{"type":"ack","seq":1}"#);
}

#[tokio::test]
async fn slow_peers_are_cut() {
    let bench = Bench::with(|config| {
        config.first_bytes = Duration::from_millis(200);
        config.stall = Duration::from_millis(300);
    })
    .await;
    let plain = Bench::start(false, |c| c.first_bytes = Duration::from_millis(200)).await;
    for (beginning, reason) in [
        ("", "nothing that could be understood came in time"),
        ("GE", "nothing that could be understood came in time"),
        ("{\"type\":\"hel", "no hello came in time"),
    ] {
        let mut peer = plain.connect().await;
        peer.say(beginning).await;
        let heard = peer.rest().await;
        assert!(heard.contains(reason), "{heard}");
    }
    // Never ends a line.
    let (mut meter, _) = bench.enrol("M-1").await;
    meter.say("{\"type\":\"reading\",").await;
    assert_eq!(meter.rest().await, "");
    // Never reads what it is sent.
    let (mut meter, _) = bench.enrol("M-2").await;
    let pings = "{\"type\":\"ping\"}\n".repeat(10_000);
    while meter.stream.write_all(pings.as_bytes()).await.is_ok() {}
}

#[tokio::test]
async fn a_peer_that_stops_sending_still_gets_its_acknowledgement() {
    let bench = Bench::new().await;
    let (mut meter, _) = bench.enrol("M-1").await;
    meter.say(&reading(1, 0, 1000)).await;
    meter.stream.shutdown().await.unwrap();
    assert_eq!(meter.rest().await, "{\"type\":\"ack\",\"seq\":1}\n");
}

#[tokio::test]
async fn shutting_down_acknowledges_what_came_and_says_goodbye() {
    let bench = Bench::new().await;
    let (mut meter, _) = bench.enrol("M-1").await;
    meter.say(&reading(1, 0, 1000)).await;
    meter.line().await;
    let (mut silent, _) = bench.enrol("M-2").await;
    let address = bench.running.local_addr;
    tokio::join!(bench.running.shutdown(), async {
        assert_eq!(meter.rest().await, "{\"type\":\"bye\"}\n");
        assert_eq!(silent.rest().await, "{\"type\":\"bye\"}\n");
        drop((meter, silent));
    });
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn nothing_is_acknowledged_that_cannot_be_stored() {
    let bench = Bench::new().await;
    let (mut meter, _) = bench.enrol("M-1").await;
    meter.say(&reading(1, 0, 1000)).await;
    meter.line().await;
    bench.ledger.close().unwrap();
    meter.say(&format!("{}{}", reading(2, 10, 1010), reading(3, 20, 1020))).await;
    assert_eq!(
        meter.rest().await,
        "{\"type\":\"error\",\"code\":\"unavailable\",\"reason\":\"readings cannot be stored now: come back later\"}\n"
    );
    assert_eq!(bench.headend.statistics().readings, 1);
}

#[tokio::test]
async fn a_flood_waits_and_loses_nothing() {
    let bench = Bench::with(|config| {
        config.readings_per_second = 1000;
        config.readings_burst = 100;
    })
    .await;
    let (mut flooder, _) = bench.enrol("M-1").await;
    let (mut calm, _) = bench.enrol("M-2").await;
    let items: Vec<String> = (1..=700).map(|n| format!("[{n},{},{n}]", NOW - 700 + n)).collect();
    let begun = Instant::now();
    flooder.say(&format!("{{\"type\":\"batch\",\"readings\":[{}]}}\n", items.join(","))).await;
    assert_eq!(flooder.line().await, r#"{"type":"ack","seq":700}"#);
    flooder.say("{\"type\":\"ping\"}\n").await;
    calm.say("{\"type\":\"ping\"}\n").await;
    assert_eq!(calm.line().await, r#"{"type":"pong"}"#);
    let calm_after = begun.elapsed();
    assert_eq!(flooder.line().await, r#"{"type":"pong"}"#);
    // 600 more than the burst at 1000 a second.
    assert!(begun.elapsed() >= Duration::from_millis(550), "{:?}", begun.elapsed());
    assert!(calm_after < begun.elapsed());
    assert_eq!(bench.stored(1).len(), 700);
}

#[tokio::test]
async fn a_meter_that_connects_twice_is_spoken_to_where_it_came_last() {
    let bench = Bench::new().await;
    let (mut first, secret) = bench.enrol("M-1").await;
    let id = bench.meter("M-1").await;
    let mut second = bench.connect().await;
    let hello =
        format!("{{\"type\":\"hello\",\"v\":1,\"serial\":\"M-1\",\"secret\":\"{secret}\"}}\n");
    second.say(&hello).await;
    second.line().await;
    // Its task has begun when it answers.
    second.say("{\"type\":\"ping\"}\n").await;
    second.line().await;
    assert!(bench.headend.set_interval(id, 7));
    assert_eq!(second.line().await, r#"{"type":"set","interval_s":7}"#);
    first.say(&reading(1, 0, 1000)).await;
    assert_eq!(first.line().await, r#"{"type":"ack","seq":1}"#);
    second.stream.shutdown().await.unwrap();
    assert_eq!(second.rest().await, "");
    assert!(bench.headend.set_interval(id, 8));
    assert_eq!(first.line().await, r#"{"type":"set","interval_s":8}"#);
}

#[tokio::test]
async fn the_bytes_may_be_cut_anywhere() {
    let bench = Bench::new().await;
    let (_, secret) = bench.enrol("M-1").await;
    let text = format!(
        "{{\"type\":\"hello\",\"v\":1,\"serial\":\"M-1\",\"secret\":\"{secret}\"}}\n{}",
        reading(1, 0, 1000)
    );
    for cut in 0..=text.len() {
        let mut meter = bench.connect().await;
        let (a, b) = text.split_at(cut);
        meter.say(a).await;
        tokio::task::yield_now().await;
        meter.say(b).await;
        assert!(meter.line().await.starts_with("{\"type\":\"welcome\""), "cut at {cut}");
        assert_eq!(meter.line().await, r#"{"type":"ack","seq":1}"#, "cut at {cut}");
    }
    assert_eq!(bench.stored(1), [(0, 1000)]);
}
