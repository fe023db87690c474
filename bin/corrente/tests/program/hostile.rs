//! Dirt at the real program's HTTP interface: nested, endless and oversized bodies, while a meter reports.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use corrente_meter::NewReading;
use corrente_units::Energy;

use crate::{Town, kill::client};

const PATIENCE: Duration = Duration::from_secs(20);

/// Says it and gives the status of the answer, 0 when the connection was closed without one.
fn status(to: SocketAddr, head: &str, body: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    // Whoever is refused early may find nobody to write to.
    drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)));
    let mut answer = [0; 64];
    let count = stream.read(&mut answer).unwrap_or(0);
    let text = String::from_utf8_lossy(&answer[..count]).into_owned();
    text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

fn resident_megabytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1024
}

#[test]
fn bodies_of_every_kind_are_refused_while_a_meter_reports() {
    let town = Town::start(&[]);
    let to: SocketAddr = town.address().parse().unwrap();
    let token = town.token(&[]);
    let pid = town.server.as_ref().unwrap().pid();
    let head = |path: &str, length: usize| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Connection: close\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let chunked = "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: \
                   application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let meter = runtime.block_on(async { client(&town.address(), &token, "H-1") });
    let report = |n: i64| {
        let begun = Instant::now();
        runtime.block_on(async {
            let reading = NewReading::new(corrente_clock::wall_clock(), Energy::from_wh(n));
            meter.send(vec![reading]).await.unwrap();
            tokio::time::timeout(PATIENCE, meter.flushed()).await.unwrap().unwrap();
        });
        begun.elapsed()
    };
    report(1);
    let before = resident_megabytes(pid);
    let mut longest = Duration::ZERO;
    for round in 0..6_i64 {
        let depth = 1_000 << round;
        let nested = [&b"{\"email\":"[..], &b"[".repeat(depth), &b"]".repeat(depth), b"}"].concat();
        for path in ["/api/v1/session", "/api/v1/claim", "/api/v1/admin/users", "/meter/data"] {
            let answered = status(to, &head(path, nested.len()), &nested);
            assert!((400..500).contains(&answered), "{path}: {answered} for nesting of {depth}");
        }
        let huge = status(to, &head("/api/v1/session", 8 << 30), &vec![b' '; 2 << 20]);
        // Whoever sends on may find the connection reset before the answer was read.
        assert!(matches!(huge, 0 | 400 | 413), "{huge} for eight gigabytes");
        let endless = format!("{:x}\r\n{}\r\n", 1 << 20, " ".repeat(1 << 20)).repeat(8);
        let endless = status(to, chunked, endless.as_bytes());
        assert!(matches!(endless, 0 | 400 | 413), "{endless} for a body without an end");
        for noise in
            [&b"\xff\xfe\x00"[..], b"{\"email\":1e999999}", b"{\"email\":\"\\ud800\"}", b""]
        {
            let answered = status(to, &head("/api/v1/session", noise.len()), noise);
            assert!((400..500).contains(&answered), "{answered} for {noise:?}");
        }
        longest = longest.max(report(round + 2));
    }
    let grown = resident_megabytes(pid).saturating_sub(before);
    corrente_testkit::figure(&format!(
        "hostile bodies: the longest acknowledgement beside them took {} ms, memory grew by {grown} MB",
        longest.as_millis()
    ));
    assert!(longest < Duration::from_secs(1), "{longest:?}");
    assert!(grown < 128, "memory grew by {grown} MB");
}
