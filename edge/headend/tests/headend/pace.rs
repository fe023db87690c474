//! HTTP peers that are slow on purpose: with a body, and with reading.

use std::time::Duration;

use tokio::time::{Instant, interval, timeout};

use crate::bench::Bench;

const STALL: Duration = Duration::from_millis(500);

async fn bench() -> Bench {
    Bench::with(|config| config.stall = STALL).await
}

fn post(length: usize) -> String {
    format!("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n")
}

#[tokio::test]
async fn a_body_that_drips_is_ended() {
    let bench = bench().await;
    for (accepted, dripping) in (1..).zip([true, false]) {
        let mut client = bench.connect().await;
        client.say(&post(100_000)).await;
        let begun = Instant::now();
        let mut look = interval(Duration::from_millis(5));
        while bench.headend.statistics().accepted < accepted {
            look.tick().await;
        }
        if dripping {
            let mut drops = interval(Duration::from_millis(50));
            while bench.headend.statistics().connections > 0 {
                drops.tick().await;
                assert!(begun.elapsed() < Duration::from_secs(15), "it goes on");
                // In the end the connection is gone.
                drop(tokio::io::AsyncWriteExt::write_all(&mut client.stream, b"x").await);
            }
        } else {
            let answer = client.rest().await;
            assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
        }
        assert!(begun.elapsed() >= STALL, "it had its time");
    }
}

#[tokio::test]
async fn a_body_that_comes_steadily_is_taken() {
    let bench = bench().await;
    let mut client = bench.connect().await;
    client.say(&post(20 * 2048)).await;
    let begun = Instant::now();
    let mut pieces = interval(Duration::from_millis(100));
    for _ in 0..19 {
        pieces.tick().await;
        client.send(&[b'x'; 2048]).await;
    }
    assert!(begun.elapsed() > STALL * 3);
    assert_eq!(client.http(&"x".repeat(2048)).await, (200, "40960".to_owned()));
}

#[tokio::test]
async fn who_does_not_read_is_cut_off() {
    let bench = bench().await;
    let mut client = bench.connect().await;
    client.say("GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut look = interval(Duration::from_millis(20));
    let gone = async {
        while bench.headend.statistics().connections == 0 {
            look.tick().await;
        }
        while bench.headend.statistics().connections > 0 {
            look.tick().await;
        }
    };
    timeout(Duration::from_secs(15), gone).await.unwrap();
}

#[tokio::test]
async fn an_event_stream_that_is_read_goes_on() {
    let bench = bench().await;
    let mut client = bench.connect().await;
    client.say("GET /beats HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let begun = Instant::now();
    while begun.elapsed() < STALL * 4 {
        client.skip(64).await;
    }
    assert_eq!(bench.headend.statistics().connections, 1);
}
