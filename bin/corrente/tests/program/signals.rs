//! Signals to the real process, with meters and a page connected: SIGTERM ends it soon and loses nothing, SIGHUP
//! reads the certificate again.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use corrente_ledger::{AsOf, Ledger, LedgerOptions, SqliteLedger};
use corrente_meter::{
    MeterClient, MeterConfig, MeterState, NewReading, register_channel, trusting,
};
use corrente_metering::{Span, Timestamp};
use corrente_registry::{Registry, meters};
use corrente_units::Energy;

use crate::{Town, kill::client, printed};

const METERS: usize = 20;
/// What shutting down may take, with meters that never stop sending and a page that never closes.
const SOON: Duration = Duration::from_secs(12);

fn reading(n: i64) -> NewReading {
    NewReading::new(Timestamp::from_second(1_700_000_000 + n * 60), Energy::from_wh(n))
}

#[test]
fn sigterm_ends_it_within_seconds_and_loses_nothing() {
    let mut town = Town::start(&[]);
    let (data, token) = (town.data(), town.token(&["--installed-from", "beginning"]));
    let url = town.server.as_ref().unwrap().url().to_owned();
    let create = ["admin", "user", "create", "--data", &data, "--email", "a@x.example"];
    printed(&[&create[..], &["--name", "Ana", "--role", "operator"]].concat());
    let token_for = ["admin", "user", "api-token", "--data", &data, "a@x.example"];
    let api = printed(&[&token_for[..], &["--scope", "admin"]].concat());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let clients: Vec<MeterClient> = runtime.block_on(async {
        (0..METERS).map(|n| client(&town.address(), &token, &format!("T-{n}"))).collect()
    });
    // Each has been heard, and goes on sending without a pause.
    runtime.block_on(async {
        for client in &clients {
            client.send((0..10).map(reading).collect()).await.unwrap();
            client.flushed().await.unwrap();
        }
    });
    let (page, point) = runtime.block_on(async {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let ask = |path: String| http.get(format!("{url}/api/v1{path}")).bearer_auth(api.trim());
        let points = ask("/admin/usage-points".to_owned()).send().await.unwrap();
        let points: serde_json::Value = points.json().await.unwrap();
        let point = points["usage_points"][0]["id"].as_str().unwrap().to_owned();
        let mut page = ask(format!("/live?usage_point={point}")).send().await.unwrap();
        assert_eq!(page.status(), 200);
        let first = page.chunk().await.unwrap().unwrap();
        assert!(first.starts_with(b"event: hello"), "{}", first.escape_ascii());
        (page, point)
    });
    assert!(!point.is_empty());
    let senders: Vec<_> = clients
        .into_iter()
        .map(|client| {
            runtime.spawn(async move {
                let mut sent = 10;
                // Until the server is gone and nothing more can be on its way.
                while client.send((sent..sent + 20).map(reading).collect()).await.is_ok() {
                    sent += 20;
                    let said = tokio::time::timeout(Duration::from_secs(1), client.flushed()).await;
                    if said.is_err() {
                        break;
                    }
                }
                client
            })
        })
        .collect();
    let begun = Instant::now();
    town.stop();
    assert!(begun.elapsed() < SOON, "it took {:?}", begun.elapsed());
    let told = runtime.block_on(async {
        let mut told = Vec::new();
        let mut page = page;
        while let Ok(Some(chunk)) = page.chunk().await {
            told.extend_from_slice(&chunk);
        }
        String::from_utf8_lossy(&told).into_owned()
    });
    assert!(told.contains("event: bye"), "{told}");
    let clients: Vec<MeterClient> = runtime.block_on(async {
        let mut clients = Vec::new();
        for sender in senders {
            clients.push(sender.await.unwrap());
        }
        clients
    });
    let acknowledged: Vec<u64> =
        clients.iter().map(|client| client.statistics().acknowledged()).collect();
    assert!(acknowledged.iter().all(|count| *count >= 10));
    for (n, (stored, acknowledged)) in
        stored(Path::new(&data)).into_iter().zip(acknowledged).enumerate()
    {
        let numbers: Vec<i64> = stored.iter().map(|(number, _)| *number).collect();
        assert!((0..).zip(&numbers).all(|(n, number)| n == *number), "T-{n}: {numbers:?}");
        assert!(numbers.len() as u64 >= acknowledged, "T-{n}: {acknowledged} were acknowledged");
    }
    drop(clients);
}

/// What the ledger holds of each meter: numbers of readings, and their values.
fn stored(data: &Path) -> Vec<Vec<(i64, i64)>> {
    let registry = Registry::open(data.join("registry.db")).unwrap();
    let ledger = SqliteLedger::open(&data.join("ledger.db"), LedgerOptions::default()).unwrap();
    (0..METERS)
        .map(|n| {
            let serial = format!("T-{n}");
            let access = registry.read_blocking(move |tx| meters::find_by_serial(tx, &serial));
            let channel = access.unwrap().unwrap().channels[0].number;
            let always = Span::new(Timestamp::MIN, Timestamp::MAX);
            let readings = ledger.range(channel, always, AsOf::Now).unwrap();
            let number = |end: Timestamp| (end.second() - 1_700_000_000) / 60;
            readings.into_iter().map(|r| (number(r.end), r.value.wh())).collect()
        })
        .collect()
}

#[test]
fn sighup_reads_the_certificate_again_and_old_connections_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let issue = |trusted: &str| {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        fs::write(&cert, made.cert.pem()).unwrap();
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let trusted = dir.path().join(trusted);
        fs::write(&trusted, made.cert.pem()).unwrap();
        trusted
    };
    let old = issue("old.pem");
    let options = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let town = Town::start(&options);
    let token = town.token(&["--installed-from", "beginning"]);
    let port = town.address().rsplit_once(':').unwrap().1.to_owned();
    let connect = |serial: &str, trusted: &Path| {
        let address = format!("localhost:{port}");
        let mut config = MeterConfig::enrol(&address, serial, &token, register_channel("import"));
        config.back_off =
            config.back_off.between(Duration::from_millis(5), Duration::from_millis(50));
        config.tls = Some(trusting(trusted).unwrap());
        MeterClient::start(config, MeterState::in_memory()).unwrap()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let first = connect("S-1", &old);
        let heard = async |meter: &MeterClient, n: i64| {
            meter.send(vec![reading(n)]).await.unwrap();
            let heard = tokio::time::timeout(Duration::from_secs(20), meter.flushed()).await;
            heard.expect("acknowledged in time").unwrap();
        };
        heard(&first, 1).await;
        let new = issue("new.pem");
        // It trusts what is not served yet, and comes in once the signal was heeded.
        let second = connect("S-2", &new);
        second.send(vec![reading(1)]).await.unwrap();
        let refused = tokio::time::timeout(Duration::from_millis(500), second.flushed()).await;
        assert!(refused.is_err(), "the new certificate is not served before the signal");
        let pid = town.server.as_ref().unwrap().pid().to_string();
        let sent = std::process::Command::new("kill").args(["-HUP", &pid]).status().unwrap();
        assert!(sent.success());
        heard(&second, 2).await;
        heard(&first, 2).await;
        assert_eq!(first.statistics().failures(), 0, "the old connection goes on");
    });
}
