//! Dirt thrown at the port while honest meters report: they go on being acknowledged, and the
//! server's memory stays bounded.
//!
//! `CORRENTE_HOSTILE_SECONDS` and `CORRENTE_HONEST_METERS` make it longer and larger.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[path = "headend/bench.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod bench;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bench::{Bench, Client, NOW, reading};
use corrente_metering::Timestamp;
use corrente_registry::{
    RegistryError, Tx,
    channels::NewChannel,
    meters::{self, NewMeter},
    organisations,
    usage_points::{self, NewUsagePoint},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, interval, timeout},
};

/// How long one attacker's connection is used.
const ATTACK: Duration = Duration::from_secs(2);

fn setting(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn resident_megabytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<usize>().ok()).unwrap_or(0) / 1024
}

/// Registers so many meters with one import register each, `H-0` and so on, and this secret.
async fn register(bench: &Bench, count: u32, secret: &'static str) {
    let make = move |tx: &mut Tx| -> Result<(), RegistryError> {
        let now = Timestamp::from_second(NOW);
        let Some(organisation) = organisations::default_organisation(tx)? else {
            return Ok(());
        };
        for n in 0..count {
            let serial = format!("H-{n}");
            let place = NewUsagePoint::named(&organisation, &serial);
            let place = usage_points::insert(tx, &place, now)?;
            let meter = NewMeter {
                organisation: organisation.id,
                serial: &serial,
                secret: Some(secret),
                model: None,
                reporting_seconds: 1,
                enrolled_by: None,
            };
            let meter = meters::insert(tx, &meter, now)?;
            meters::install(tx, meter, place, Timestamp::from_second(NOW - 86_400), None)?;
            meters::add_channel(tx, meter, &NewChannel::import(), now)?;
        }
        Ok(())
    };
    bench.registry.write(make).await.unwrap();
}

/// What is thrown: a first piece, and what follows again and again with a pause before each.
struct Dirt {
    name: &'static str,
    connections: usize,
    first: Vec<u8>,
    again: Vec<u8>,
    pause: Duration,
}

fn dirt(secret: &str) -> Vec<Dirt> {
    let slow = Duration::from_millis(150);
    let at_once = Duration::ZERO;
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()[0]
    })
    .take(64 * 1024)
    .collect();
    let hello =
        format!("{{\"type\":\"hello\",\"v\":1,\"serial\":\"H-0\",\"secret\":\"{secret}\"}}\n");
    let batch: Vec<String> = (1..=5000).map(|n| format!("[{n},{},{n}]", NOW - n)).collect();
    let batch = format!("{{\"type\":\"batch\",\"readings\":[{}]}}\n", batch.join(","));
    let tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec();
    let new = |name, connections, first: &[u8], again: &[u8], pause| Dirt {
        name,
        connections,
        first: first.to_vec(),
        again: again.to_vec(),
        pause,
    };
    vec![
        new("slow headers", 100, b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"a", slow),
        new("slow hello", 100, b"{\"type\":\"hello\",\"serial\":\"", b"a", slow),
        new("silence", 100, b"", b"", slow),
        new("half-open TLS", 100, &tls, b"", slow),
        new("noise inside TLS", 4, &tls, &noise, at_once),
        new("noise", 4, &noise, &noise, at_once),
        new("noise after a hello", 2, hello.as_bytes(), &noise, at_once),
        new("endless line", 4, hello.as_bytes(), &vec![b'x'; 64 * 1024], at_once),
        new("nesting", 4, &b"{\"a\":".repeat(5000), &b"[".repeat(5000), at_once),
        new("nesting after a hello", 4, hello.as_bytes(), &b"[[[[\n".repeat(100), at_once),
        new("pings", 2, hello.as_bytes(), &b"{\"type\":\"ping\"}\n".repeat(1000), at_once),
        new("flood of readings", 2, hello.as_bytes(), batch.as_bytes(), at_once),
        new("hellos that are wrong", 8, &hello.replace(secret, "no").into_bytes(), b"", slow),
        new("endless headers", 2, b"GET / HTTP/1.1\r\n", &b"X: y\r\n".repeat(1000), at_once),
        new("lab noise", 4, b"{\"id\": [", &b"}{]".repeat(1000), at_once),
    ]
}

/// Throws it until told to stop, from one connection after the other.
async fn attack(to: SocketAddr, dirt: Arc<Vec<Dirt>>, kind: usize, stop: Arc<AtomicBool>) {
    let Some(Dirt { first, again, pause, .. }) = dirt.get(kind) else { return };
    while !stop.load(Ordering::Relaxed) {
        let Ok(mut stream) = TcpStream::connect(to).await else {
            tokio::task::yield_now().await;
            continue;
        };
        let throwing = async {
            let mut heard = [0; 4096];
            stream.write_all(first).await?;
            while !stop.load(Ordering::Relaxed) {
                tokio::time::sleep(*pause).await;
                stream.write_all(again).await?;
                // An attacker does not care what it hears, but a full buffer would stop it.
                while stream.try_read(&mut heard).is_ok_and(|count| count > 0) {}
                tokio::task::yield_now().await;
            }
            std::io::Result::Ok(())
        };
        drop(timeout(ATTACK, throwing).await);
        // Waits for the server to have done with it, as an attacker with few descriptors must.
        drop(timeout(Duration::from_millis(50), stream.read(&mut [0; 64])).await);
    }
}

/// Reports every second until told to stop, and gives the microseconds to each acknowledgement.
async fn report(to: SocketAddr, n: u32, secret: &str, stop: Arc<AtomicBool>) -> Vec<u64> {
    let mut meter = Client::new(TcpStream::connect(to).await.unwrap());
    meter
        .say(&format!(
            "{{\"type\":\"hello\",\"v\":1,\"serial\":\"H-{n}\",\"secret\":\"{secret}\"}}\n"
        ))
        .await;
    assert!(meter.line().await.starts_with("{\"type\":\"welcome\""));
    let mut latencies = Vec::new();
    // Meters do not report in step.
    let start = Instant::now() + Duration::from_millis(u64::from(n % 1000));
    let mut tick = tokio::time::interval_at(start, Duration::from_secs(1));
    let mut seq = 0;
    while !stop.load(Ordering::Relaxed) {
        tick.tick().await;
        seq += 1;
        let sent = Instant::now();
        meter.say(&reading(seq, -3600 + seq.cast_signed(), 1000)).await;
        assert_eq!(meter.line().await, format!("{{\"type\":\"ack\",\"seq\":{seq}}}"));
        latencies.push(u64::try_from(sent.elapsed().as_micros()).unwrap());
    }
    latencies
}

#[test]
fn honest_meters_go_on_while_dirt_is_thrown() {
    const SECRET: &str = "honest";
    // Both ends of each connection are in this process.
    corrente_headend::descriptors::raise();
    let (seconds, honest) =
        (setting("CORRENTE_HOSTILE_SECONDS", 4), setting("CORRENTE_HONEST_METERS", 1000));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let directory = tempfile::TempDir::new().unwrap();
        let tls = tls(&directory);
        let bench = Bench::with(|config| {
            config.tls = Some(tls);
            config.first_bytes = Duration::from_secs(1);
            config.readings_per_second = 10_000;
            config.readings_burst = 10_000;
        })
        .await;
        register(&bench, honest, SECRET).await;
        let to = bench.running.local_addr;
        let stop = Arc::new(AtomicBool::new(false));
        let dirt = Arc::new(dirt(SECRET));

        let mut meters = JoinSet::new();
        for n in 0..honest {
            let stop = Arc::clone(&stop);
            meters.spawn(async move { report(to, n, SECRET, stop).await });
        }
        let before = resident_megabytes();
        let peak = Arc::new(AtomicU64::new(0));
        let mut attackers = JoinSet::new();
        for (kind, thrown) in dirt.iter().enumerate() {
            println!("{} connections: {}", thrown.connections, thrown.name);
            for _ in 0..thrown.connections {
                attackers.spawn(attack(to, Arc::clone(&dirt), kind, Arc::clone(&stop)));
            }
        }
        let mut watch = interval(Duration::from_millis(100));
        for _ in 0..seconds * 10 {
            watch.tick().await;
            peak.fetch_max(resident_megabytes() as u64, Ordering::Relaxed);
        }
        stop.store(true, Ordering::Relaxed);
        let mut latencies: Vec<u64> = meters.join_all().await.concat();
        attackers.shutdown().await;

        latencies.sort_unstable();
        let at = |per_mille: usize| latencies[(latencies.len() - 1) * per_mille / 1000] / 1000;
        let grown = peak.load(Ordering::Relaxed).saturating_sub(before as u64);
        let statistics = bench.headend.statistics();
        corrente_testkit::figure(&format!(
            "hostile: {} readings of {honest} honest meters acknowledged under attack; p50 {} ms, p99 {} ms, \
             longest {} ms; memory grew by {grown} MB; {} connections accepted, {} ended with an error, {} \
             readings in all",
            latencies.len(),
            at(500),
            at(990),
            at(1000),
            statistics.accepted,
            statistics.errors,
            statistics.readings,
        ));
        assert!(latencies.len() >= honest as usize, "each meter was heard");
        assert!(at(990) < 1000, "p99 of {} ms", at(990));
        assert!(grown < 256, "memory grew by {grown} MB");
        // And afterwards all is as it was.
        let (mut meter, _) = bench.enrol("M-after").await;
        meter.say(&reading(1, 0, 1)).await;
        assert_eq!(meter.line().await, "{\"type\":\"ack\",\"seq\":1}");
    });
}

fn tls(directory: &tempfile::TempDir) -> Arc<rustls::ServerConfig> {
    let (chain, key) = (directory.path().join("chain.pem"), directory.path().join("key.pem"));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&chain, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let certificate = corrente_headend::tls::Certificate::from_files(&chain, &key).unwrap();
    certificate.server_config().unwrap()
}
