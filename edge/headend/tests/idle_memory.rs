//! What an idle meter costs: memory of the server per connection, with its clients in a process of
//! their own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[path = "headend/bench.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod bench;

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use bench::Bench;
use corrente_headend::tls::Certificate;
use tempfile::TempDir;
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};

/// Where the clients connect, what they say and how they see the certificate; set for their process.
const CLIENTS: &str = "CORRENTE_TEST_CLIENTS";
const CONNECTIONS: usize = 1500;

/// Not a test of its own: the clients' process, when it is told to be that.
#[test]
fn clients() {
    let Ok(told) = std::env::var(CLIENTS) else { return };
    let mut told = told.lines();
    corrente_headend::descriptors::raise();
    let (address, secret, chain) = (told.next().unwrap(), told.next().unwrap(), told.next());
    let hello =
        format!("{{\"type\":\"hello\",\"v\":1,\"serial\":\"M-1\",\"secret\":\"{secret}\"}}\n");
    let tls = chain.map(|chain| {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(chain).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().unwrap();
        Arc::new(config.with_root_certificates(roots).with_no_client_auth())
    });
    let mut plain = Vec::new();
    let mut secure = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut stream = TcpStream::connect(address).unwrap();
        if let Some(config) = &tls {
            let name = ServerName::try_from("localhost").unwrap();
            let session = ClientConnection::new(Arc::clone(config), name).unwrap();
            let mut stream = StreamOwned::new(session, stream);
            greet(&mut stream, &hello);
            secure.push(stream);
        } else {
            greet(&mut stream, &hello);
            plain.push(stream);
        }
    }
    println!("connected");
    // Until the parent closes our input.
    let mut end = Vec::new();
    std::io::stdin().read_to_end(&mut end).unwrap();
}

fn greet(stream: &mut (impl std::io::Read + std::io::Write), hello: &str) {
    stream.write_all(hello.as_bytes()).unwrap();
    let mut answer = [0; 4096];
    let count = stream.read(&mut answer).unwrap();
    assert!(answer[..count].starts_with(b"{\"type\":\"welcome\""));
}

fn start_clients(address: &str, secret: &str, chain: Option<&str>) -> Child {
    let told = [Some(address), Some(secret), chain].into_iter().flatten().collect::<Vec<_>>();
    let mut clients = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "clients", "--nocapture"])
        .env(CLIENTS, told.join("\n"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(clients.stdout.take().unwrap()).lines();
    assert!(lines.by_ref().map_while(Result::ok).any(|line| line.ends_with("connected")));
    std::thread::spawn(move || lines.count());
    clients
}

fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// One round: in a second one the memory of the first would be used again, and nothing be seen.
async fn measure(bench: &Bench, secret: &str, chain: Option<&str>) -> usize {
    let before = resident_bytes();
    let address = bench.running.local_addr.to_string();
    let (secret, chain) = (secret.to_owned(), chain.map(str::to_owned));
    let clients =
        tokio::task::spawn_blocking(move || start_clients(&address, &secret, chain.as_deref()));
    let mut clients = clients.await.unwrap();
    let open = usize::try_from(bench.headend.statistics().connections).unwrap();
    assert!(open >= CONNECTIONS);
    let cost = resident_bytes().saturating_sub(before) / CONNECTIONS;
    drop(clients.stdin.take());
    tokio::task::spawn_blocking(move || clients.wait()).await.unwrap().unwrap();
    cost
}

#[test]
fn an_idle_meter_costs_little() {
    if !cfg!(target_os = "linux") {
        println!("skipped: reads /proc");
        return;
    }
    corrente_headend::descriptors::raise();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let directory = TempDir::new().unwrap();
        let (chain, key) = (directory.path().join("chain.pem"), directory.path().join("key.pem"));
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&chain, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let tls = Certificate::from_files(&chain, &key).unwrap().server_config().unwrap();
        let bench = Bench::with(|config| config.tls = Some(tls)).await;
        let (meter, secret) = bench.enrol("M-1").await;
        drop(meter);
        let plain = measure(&bench, &secret, None).await;
        let secure = measure(&bench, &secret, chain.to_str()).await;
        corrente_testkit::figure(&format!(
            "idle meters: {plain} bytes of memory per plain connection, {secure} with TLS"
        ));
        assert!(plain < 4096, "{plain} bytes per idle plain connection");
        assert!(secure < 12 * 1024, "{secure} bytes per idle TLS connection");
    });
}
