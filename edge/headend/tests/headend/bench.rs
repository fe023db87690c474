//! A head-end of one's own, and a client that speaks bytes.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    http::uri::Scheme,
    routing::{get, post},
};
use corrente_clock::BusinessClock;
use corrente_headend::{Headend, HeadendConfig, Running, Services};
use corrente_lab::{Lab, LabConfig};
use corrente_ledger::{AsOf, Ledger, LedgerOptions, SqliteLedger};
use corrente_live::LiveHub;
use corrente_metering::{ChannelId, Span, Timestamp, id::MeterId};
use corrente_registry::{
    Registry, RegistryError,
    enrolment::{self, NewToken},
    meters,
    organisations::{self, NewOrganisation},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// Business time of these tests: 2025-11-24T16:00:00Z.
pub(crate) const NOW: i64 = 1_764_000_000;
const PATIENCE: Duration = Duration::from_secs(20);
/// More than the buffers between two sockets hold.
const LARGE: usize = 64 << 20;

pub(crate) struct Bench {
    pub(crate) running: Running,
    pub(crate) headend: Headend,
    pub(crate) registry: Registry,
    pub(crate) ledger: Arc<SqliteLedger>,
    pub(crate) clock: BusinessClock,
    pub(crate) live: LiveHub,
    pub(crate) token: String,
    _directory: TempDir,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut HeadendConfig)) -> Self {
        Self::start(true, change).await
    }

    pub(crate) async fn start(lab: bool, change: impl FnOnce(&mut HeadendConfig)) -> Self {
        let directory = TempDir::new().unwrap();
        let (registry, ledger) = open(directory.path());
        let clock = BusinessClock::stopped_at(Timestamp::from_second(NOW));
        let live = LiveHub::new();
        let token = registry
            .write(|tx| -> Result<_, RegistryError> {
                let now = Timestamp::from_second(NOW);
                let new = NewOrganisation::named("Vila Corrente", "America/Bahia");
                let organisation = organisations::insert(tx, &new, now)?;
                let new = NewToken {
                    installed_from: Some(Timestamp::from_second(NOW - 86_400)),
                    ..NewToken::open(organisation, "tests")
                };
                enrolment::create(tx, &new, now)
            })
            .await
            .unwrap();
        let shared: Arc<dyn Ledger> = ledger.clone();
        let lab = lab.then(|| {
            let config = LabConfig {
                allow: Vec::new(),
                trust_loopback: true,
                zone: "America/Bahia".to_owned(),
            };
            let (clock, live) = (clock.clone(), live.clone());
            Lab::new(config, registry.clone(), Arc::clone(&shared), clock, live).unwrap()
        });
        let app = Router::new()
            .route("/who", get(who))
            .route("/scheme", get(scheme))
            .route("/count", post(|body: Bytes| async move { body.len().to_string() }))
            .route("/large", get(|| async { vec![0_u8; LARGE] }))
            .route("/beats", get(|| async { Body::from_stream(beats()) }))
            .fallback(|| async { "the portal" });
        let app = lab.as_ref().map_or_else(|| app.clone(), |lab| lab.over(app.clone()));
        let mut config = HeadendConfig::new("127.0.0.1:0".parse().unwrap());
        change(&mut config);
        let services = Services {
            ledger: shared,
            registry: registry.clone(),
            clock: clock.clone(),
            live: live.clone(),
            lab,
        };
        let running = Headend::bind(config, services, app).unwrap();
        let headend = running.headend();
        let token = token.reveal().to_owned();
        Self { running, headend, registry, ledger, clock, live, token, _directory: directory }
    }

    pub(crate) async fn connect(&self) -> Client<TcpStream> {
        let stream = TcpStream::connect(self.running.local_addr).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Client::new(stream)
    }

    /// A meter that has just enrolled with one import register, and its secret.
    pub(crate) async fn enrol(&self, serial: &str) -> (Client<TcpStream>, String) {
        let mut meter = self.connect().await;
        let token = &self.token;
        meter
            .say(&format!(
                "{{\"type\":\"hello\",\"v\":1,\"serial\":\"{serial}\",\"token\":\"{token}\"}}\n"
            ))
            .await;
        let welcome = meter.line().await;
        assert!(welcome.starts_with(r#"{"type":"welcome","v":1,"meter":""#), "{welcome}");
        let secret = between(&welcome, r#""secret":""#, "\"").to_owned();
        (meter, secret)
    }

    /// A token that lets one meter in, once.
    pub(crate) async fn token_for_one(&self) -> String {
        let token = self
            .registry
            .write(|tx| -> Result<_, RegistryError> {
                let organisation = organisations::default_organisation(tx)?.unwrap().id;
                let once =
                    NewToken { uses: Some(1), again: false, ..NewToken::open(organisation, "one") };
                enrolment::create(tx, &once, Timestamp::from_second(NOW))
            })
            .await;
        token.unwrap().reveal().to_owned()
    }

    /// What a second head-end would work with.
    pub(crate) fn services(&self) -> Services {
        Services {
            ledger: self.ledger.clone(),
            registry: self.registry.clone(),
            clock: self.clock.clone(),
            live: self.live.clone(),
            lab: None,
        }
    }

    pub(crate) async fn meter(&self, serial: &'static str) -> MeterId {
        let found = self
            .registry
            .read(move |tx| -> Result<_, RegistryError> { meters::find_by_serial(tx, serial) })
            .await;
        found.unwrap().unwrap().meter
    }

    /// Every accepted reading of a channel: seconds after [`NOW`] and Wh.
    pub(crate) fn stored(&self, channel: u64) -> Vec<(i64, i64)> {
        let always = Span::new(Timestamp::MIN, Timestamp::MAX);
        let channel = ChannelId::from_number(channel);
        let readings = self.ledger.range(channel, always, AsOf::Now).unwrap();
        readings.into_iter().map(|r| (r.end.second() - NOW, r.value.wh())).collect()
    }

    /// The samples of power that are kept, as seconds after NOW and watts.
    pub(crate) fn power(&self, channel: u64) -> Vec<(i64, i64)> {
        let always = Span::new(Timestamp::MIN, Timestamp::MAX);
        let kept = self.ledger.power(ChannelId::from_number(channel), always).unwrap();
        kept.into_iter().map(|sample| (sample.t.second() - NOW, sample.watts)).collect()
    }
}

/// A stream of events that beats ten times a second and never ends.
fn beats() -> impl futures_util::Stream<Item = std::io::Result<Bytes>> {
    let interval = tokio::time::interval(Duration::from_millis(100));
    futures_util::stream::unfold(interval, |mut interval| async move {
        interval.tick().await;
        Some((Ok(Bytes::from_static(b": beat\n")), interval))
    })
}

async fn scheme(Extension(scheme): Extension<Scheme>) -> String {
    scheme.to_string()
}

async fn who(ConnectInfo(peer): ConnectInfo<SocketAddr>) -> String {
    peer.ip().to_string()
}

fn open(directory: &Path) -> (Registry, Arc<SqliteLedger>) {
    let registry = Registry::open(directory.join("registry.db")).unwrap();
    let ledger =
        SqliteLedger::open(&directory.join("ledger.db"), LedgerOptions::default()).unwrap();
    (registry, Arc::new(ledger))
}

pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split_once(after).unwrap().0
}

/// A `reading` line: seconds after [`NOW`].
pub(crate) fn reading(seq: u64, after_now: i64, wh: i64) -> String {
    let t = NOW + after_now;
    format!("{{\"type\":\"reading\",\"seq\":{seq},\"ch\":\"import\",\"t\":{t},\"wh\":{wh}}}\n")
}

/// A peer that speaks and hears bytes, and waits for nothing longer than [`PATIENCE`].
pub(crate) struct Client<S> {
    pub(crate) stream: S,
    heard: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, heard: Vec::new() }
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.send(text.as_bytes()).await;
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next line, without its newline.
    pub(crate) async fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.heard.iter().position(|b| *b == b'\n') {
                let rest = self.heard.split_off(end + 1);
                let line = std::mem::replace(&mut self.heard, rest);
                return String::from_utf8(line[..end].to_vec()).unwrap();
            }
            assert!(self.more().await, "closed: {}", String::from_utf8_lossy(&self.heard));
        }
    }

    /// The next bytes, as many as in `expected`, which they must be.
    pub(crate) async fn expect(&mut self, expected: &str) {
        while self.heard.len() < expected.len() {
            let heard = String::from_utf8_lossy(&self.heard).into_owned();
            assert!(self.more().await, "closed after {heard}, expected {expected}");
        }
        let rest = self.heard.split_off(expected.len());
        let heard = std::mem::replace(&mut self.heard, rest);
        assert_eq!(String::from_utf8_lossy(&heard), expected);
    }

    /// The next byte, a digit.
    pub(crate) async fn digit(&mut self) -> String {
        while self.heard.is_empty() {
            assert!(self.more().await);
        }
        String::from_utf8(self.heard.drain(..1).collect()).unwrap()
    }

    /// The next bytes up to and with this one.
    pub(crate) async fn until(&mut self, end: char) -> String {
        loop {
            if let Some(at) = self.heard.iter().position(|b| char::from(*b) == end) {
                return String::from_utf8(self.heard.drain(..=at).collect()).unwrap();
            }
            assert!(self.more().await);
        }
    }

    /// Everything up to the end of the connection, as text.
    pub(crate) async fn rest(&mut self) -> String {
        while self.more().await {}
        String::from_utf8_lossy(&std::mem::take(&mut self.heard)).into_owned()
    }

    /// The answer to an HTTP request: status and body, by its length.
    pub(crate) async fn http(&mut self, request: &str) -> (u16, String) {
        self.say(request).await;
        let head_end = loop {
            if let Some(end) = self.heard.windows(4).position(|w| w == b"\r\n\r\n") {
                break end;
            }
            assert!(self.more().await, "closed: {}", String::from_utf8_lossy(&self.heard));
        };
        let head = String::from_utf8(self.heard.drain(..head_end + 4).collect()).unwrap();
        let status = between(&head, " ", " ").parse().unwrap();
        let length = if head.contains("content-length: ") {
            between(&head, "content-length: ", "\r\n").parse().unwrap()
        } else {
            0
        };
        while self.heard.len() < length {
            assert!(self.more().await);
        }
        (status, String::from_utf8(self.heard.drain(..length).collect()).unwrap())
    }

    /// The next so many bytes.
    pub(crate) async fn skip(&mut self, count: usize) {
        let mut left = count;
        while left > 0 {
            assert!(!self.heard.is_empty() || self.more().await, "closed, {left} bytes early");
            let some = left.min(self.heard.len());
            self.heard.drain(..some);
            left -= some;
        }
    }

    async fn more(&mut self) -> bool {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.heard)).await;
        // A connection that was cut off is over as well.
        read.expect("an answer in time").is_ok_and(|count| count > 0)
    }
}
