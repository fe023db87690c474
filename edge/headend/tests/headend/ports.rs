//! One port for everything: HTTP, TLS, and what is none of what is spoken here.

use std::sync::Arc;

use corrente_headend::{Headend, HeadendError, tls::Certificate};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName},
    },
};

use crate::bench::{Bench, Client, reading};

#[tokio::test]
async fn http_is_handed_to_the_router_and_kept_open() {
    let bench = Bench::new().await;
    let mut client = bench.connect().await;
    let who = "GET /who HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_eq!(client.http(who).await, (200, "127.0.0.1".to_owned()));
    assert_eq!(client.http(&who.replace("who", "other")).await, (200, "the portal".to_owned()));
    let heard = {
        client.say("GET / HTTP/1.1\r\nbad header\r\n\r\n").await;
        client.rest().await
    };
    assert!(heard.starts_with("HTTP/1.1 400 "), "{heard}");
}

#[tokio::test]
async fn what_is_not_spoken_here_is_told_so() {
    let bench = Bench::start(false, |_| {}).await;
    for bytes in [b"\x00\x01\x02".as_slice(), b"SSH-2.0-x\r\n", b"\xff\xff\xff\xff", b"[1]"] {
        let mut client = bench.connect().await;
        client.send(bytes).await;
        assert_eq!(
            client.rest().await,
            "{\"type\":\"error\",\"code\":\"bad_json\",\"reason\":\"expected HTTP, TLS or a JSON object\"}\n"
        );
    }
    let mut client = bench.connect().await;
    client.send(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00").await;
    assert_eq!(client.rest().await.as_bytes()[..2], [0x15, 0x03], "a TLS alert");
    // Outside lab mode the prototype's message is a line of JSON that says no hello.
    let mut client = bench.connect().await;
    client.say("{\"id\": 0}\n").await;
    assert!(client.rest().await.contains("\"field\":\"type\""));
}

#[tokio::test]
async fn a_busy_port_is_named() {
    let bench = Bench::new().await;
    let again = bench.services();
    let config = corrente_headend::HeadendConfig::new(bench.running.local_addr);
    let error = Headend::bind(config, again, axum::Router::new()).unwrap_err();
    assert!(matches!(error, HeadendError::InUse(_)));
    assert!(error.to_string().contains("choose another address"), "{error}");
}

struct Authority {
    certificate: Arc<Certificate>,
    roots: RootCertStore,
    directory: TempDir,
}

fn issue(directory: &TempDir) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(directory.path().join("chain.pem"), made.cert.pem()).unwrap();
    std::fs::write(directory.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

fn authority() -> Authority {
    let directory = TempDir::new().unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(issue(&directory)).unwrap();
    let (chain, key) = (directory.path().join("chain.pem"), directory.path().join("key.pem"));
    let certificate = Certificate::from_files(&chain, &key).unwrap();
    Authority { certificate, roots, directory }
}

async fn connect(
    bench: &Bench,
    roots: &RootCertStore,
) -> std::io::Result<Client<TlsStream<TcpStream>>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots.clone())
        .with_no_client_auth();
    let stream = TcpStream::connect(bench.running.local_addr).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    Ok(Client::new(stream))
}

#[tokio::test]
async fn tls_and_plain_connections_share_the_port() {
    let authority = authority();
    let tls = authority.certificate.server_config().unwrap();
    let bench = Bench::with(|config| config.tls = Some(tls)).await;
    let (mut plain, secret) = bench.enrol("M-1").await;

    let mut meter = connect(&bench, &authority.roots).await.unwrap();
    meter
        .say(&format!(
            "{{\"type\":\"hello\",\"v\":1,\"serial\":\"M-1\",\"secret\":\"{secret}\"}}\n"
        ))
        .await;
    assert!(meter.line().await.starts_with("{\"type\":\"welcome\""));
    meter.say(&reading(1, 0, 1000)).await;
    assert_eq!(meter.line().await, r#"{"type":"ack","seq":1}"#);
    plain.say(&reading(2, 10, 1000)).await;
    assert_eq!(plain.line().await, r#"{"type":"ack","seq":2}"#);

    let mut browser = connect(&bench, &authority.roots).await.unwrap();
    let answer = browser.http("GET /who HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(answer, (200, "127.0.0.1".to_owned()));
    // Sessions depend on it: a browser keeps their cookie only when the connection is encrypted.
    let ask = "GET /scheme HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_eq!(browser.http(ask).await, (200, "https".to_owned()));
    assert_eq!(bench.connect().await.http(ask).await, (200, "http".to_owned()));
    let mut prototype = connect(&bench, &authority.roots).await.unwrap();
    prototype.say("{\"id\": 0}").await;
    prototype.expect("1").await;
}

#[tokio::test]
async fn a_certificate_is_replaced_while_the_server_runs() {
    let authority = authority();
    let tls = authority.certificate.server_config().unwrap();
    let bench = Bench::with(|config| config.tls = Some(tls)).await;
    let mut roots = RootCertStore::empty();
    roots.add(issue(&authority.directory)).unwrap();
    assert!(connect(&bench, &roots).await.is_err());
    authority.certificate.reload().unwrap();
    assert!(connect(&bench, &roots).await.is_ok());
    std::fs::write(authority.directory.path().join("key.pem"), "nothing").unwrap();
    let error = authority.certificate.reload().unwrap_err();
    assert!(error.to_string().contains("key.pem"), "{error}");
    assert!(connect(&bench, &roots).await.is_ok(), "the old one goes on");
}
