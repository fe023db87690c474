//! Traces at a collector that listens here: what was done arrives, and nobody's name does.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use crate::{Town, printed, refused};

/// Takes one connection's batches and hands on what each holds.
fn collect(stream: TcpStream, batches: &mpsc::Sender<Vec<u8>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        // The test may have heard enough.
        drop(batches.send(body));
        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
    }
}

#[test]
fn a_collector_gets_spans_of_requests_and_commits() {
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = collector.local_addr().unwrap();
    let (sender, batches) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in collector.incoming().map_while(Result::ok) {
            let sender = sender.clone();
            std::thread::spawn(move || collect(stream, &sender));
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("corrente.toml");
    let endpoint = format!("http://{address}/v1/traces");
    fs::write(&config, format!("[traces]\nendpoint = \"{endpoint}\"\nsample_percent = 100\n"))
        .unwrap();
    let mut town = Town::start(&["--config", config.to_str().unwrap()]);
    let token = town.token(&["--installed-from", "beginning"]);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let url = format!("{}/api/v1/options", town.server.as_ref().unwrap().url());
    let to = town.address();
    runtime.block_on(async {
        assert_eq!(reqwest::get(url).await.unwrap().status(), 200);
        let meter = crate::kill::client(&to, &token, "SERIAL-OF-SOMEBODY");
        let reading = corrente_meter::NewReading::new(
            corrente_clock::wall_clock(),
            corrente_units::Energy::from_wh(1),
        );
        meter.send(vec![reading]).await.unwrap();
        meter.flushed().await.unwrap();
    });
    town.stop();
    let all: Vec<u8> = batches.try_iter().flatten().collect();
    let has = |words: &str| all.windows(words.len()).any(|window| window == words.as_bytes());
    for words in ["service.name", "GET /api/v1/options", "http.route", "ledger.commit", "readings"]
    {
        assert!(has(words), "{words} is not in {}", all.escape_ascii());
    }
    assert!(!has("SERIAL-OF-SOMEBODY"));
}

#[test]
fn a_collector_that_is_not_there_stops_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("corrente.toml");
    fs::write(&config, "[traces]\nendpoint = \"http://127.0.0.1:9/v1/traces\"\n").unwrap();
    let mut town = Town::start(&["--config", config.to_str().unwrap()]);
    printed(&["health", "--ready", "--connect", &town.address()]);
    town.stop();
    fs::write(&config, "[traces]\nendpoint = \"collector\"\n").unwrap();
    let said = refused(&["serve", "--config", config.to_str().unwrap()]);
    assert!(said.contains("traces.endpoint is `collector`: a web address"), "{said}");
}
