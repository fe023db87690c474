//! Webhooks, gateways and browsers against real receivers on loopback that fail, hang, redirect, check
//! signatures and decrypt.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail like the test itself")]

use std::time::{Duration, Instant};

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    hmac,
    signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey as Signer},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use corrente_alert::{Message, Moment, RuleKind};
use corrente_metering::{
    Timestamp,
    id::{DestinationId, OutboxId},
};
use corrente_notify::{Outbound, Round, Worker, signature};
use corrente_registry::{
    Registry, RegistryError,
    destinations::{self, DestinationKind, FAILURES_UNTIL_PAUSED, NewDestination},
    organisations::{self, NewOrganisation},
    outbox::{self, NewMessage, OutboxState},
    users::{self, NewUser, Role},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};

const NOW: Timestamp = Timestamp::from_second(1_800_000_000);
const SECRET: &str = "whsec_test";

/// A request as it arrived.
struct Heard {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Heard {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }
}

/// Answers each request in turn, the last answer for ever. An empty answer never comes.
async fn receiver(answers: Vec<&'static str>) -> (String, UnboundedReceiver<Heard>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, heard) = unbounded_channel();
    tokio::spawn(async move {
        let mut answers = answers.into_iter().peekable();
        let mut open = Vec::new();
        loop {
            let Ok((mut socket, _)) = listener.accept().await else { return };
            let mut bytes = Vec::new();
            let (head, length) = loop {
                let mut chunk = [0; 4096];
                let read = socket.read(&mut chunk).await.unwrap();
                bytes.extend_from_slice(&chunk[..read]);
                let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
                let text = String::from_utf8(bytes[..end].to_vec()).unwrap();
                let headers: Vec<(String, String)> = text
                    .lines()
                    .skip(1)
                    .filter_map(|line| line.split_once(": "))
                    .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                    .collect();
                let length: usize = headers
                    .iter()
                    .find(|(name, _)| name == "content-length")
                    .map_or(0, |(_, value)| value.parse().unwrap());
                if bytes.len() >= end + 4 + length {
                    break (headers, end + 4);
                }
            };
            sender.send(Heard { headers: head, body: bytes[length..].to_vec() }).unwrap();
            let answer = *answers.peek().unwrap();
            if answers.len() > 1 {
                answers.next();
            }
            if answer.is_empty() {
                open.push(socket);
                continue;
            }
            let answer =
                format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, heard)
}

struct Home {
    registry: Registry,
    worker: Worker,
    destination: DestinationId,
    _directory: tempfile::TempDir,
}

impl Home {
    async fn new(kind: DestinationKind, address: &str, settings: Value, secret: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let registry = Registry::open(directory.path().join("registry.db")).unwrap();
        let (address, secret) = (address.to_owned(), secret.to_owned());
        let destination = registry
            .write(move |tx| -> Result<_, RegistryError> {
                let new = NewOrganisation::named("Luz do Vale", "America/Bahia");
                let organisation = organisations::insert(tx, &new, NOW)?;
                let user = NewUser {
                    organisation,
                    customer: None,
                    email: "ana@example.org".to_owned(),
                    name: "Ana".to_owned(),
                    role: Role::Customer,
                    password_hash: None,
                    language: Some("en".to_owned()),
                };
                let new = NewDestination {
                    organisation,
                    user: users::insert(tx, &user, NOW)?,
                    kind,
                    label: "My server".to_owned(),
                    address: address.clone(),
                    settings: settings.clone(),
                    secret: secret.clone(),
                };
                destinations::put(tx, &new, NOW).map(|made| made.id)
            })
            .await
            .unwrap();
        let outbound = Outbound::with_timeout(true, Duration::from_millis(400)).unwrap();
        let portal = Some("https://luz.example.org".to_owned());
        let worker = Worker::new(registry.clone(), None, outbound, portal).unwrap();
        Self { registry, worker, destination, _directory: directory }
    }

    async fn enqueue(&self, key: &str) -> OutboxId {
        self.enqueue_with(key, "5400").await
    }

    async fn enqueue_with(&self, key: &str, value: &'static str) -> OutboxId {
        let (key, id) = (key.to_owned(), self.destination);
        self.registry
            .write(move |tx| -> Result<_, RegistryError> {
                let to = destinations::get(tx, id)?.unwrap();
                let values = [
                    ("value", value),
                    ("limit", "5000"),
                    ("unit", "w"),
                    ("per", "hour"),
                    ("from", "2026-11-24"),
                ];
                let message = Message {
                    kind: RuleKind::ExcessiveConsumption.into(),
                    moment: Moment::Started,
                    language: "en".to_owned(),
                    name: "Ana".to_owned(),
                    usage_point: "Home 1".to_owned(),
                    currency: "BRL".to_owned(),
                    values: values.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
                };
                let new = NewMessage {
                    organisation: to.organisation,
                    channel: to.kind.word().to_owned(),
                    recipient: id.to_string(),
                    document: serde_json::to_value(&message).unwrap(),
                    idempotency_key: key.clone(),
                };
                outbox::enqueue(tx, &new, NOW)?;
                Ok(outbox::by_key(tx, &key)?.unwrap().id)
            })
            .await
            .unwrap()
    }

    async fn row(&self, id: OutboxId) -> outbox::OutboxMessage {
        self.registry.read(move |tx| outbox::get(tx, id)).await.unwrap().unwrap()
    }

    async fn destination(&self) -> Option<destinations::Destination> {
        let id = self.destination;
        self.registry.read(move |tx| destinations::get(tx, id)).await.unwrap()
    }
}

const SENT: Round = Round { sent: 1, later: 0, failed: 0 };
const LATER: Round = Round { sent: 0, later: 1, failed: 0 };
const FAILED: Round = Round { sent: 0, later: 0, failed: 1 };

#[tokio::test]
async fn a_webhook_is_signed_dated_and_named_the_same_each_time() {
    let (url, mut heard) = receiver(vec!["503 busy", "200 ok"]).await;
    let home = Home::new(DestinationKind::Webhook, &url, json!({}), SECRET).await;
    let id = home.enqueue("k1").await;
    assert_eq!(home.worker.round(NOW).await.unwrap(), LATER);
    assert_eq!(home.destination().await.unwrap().failures, 1);
    let next = home.row(id).await.next_try;
    assert_eq!(home.worker.round(next).await.unwrap(), SENT);
    assert_eq!(home.destination().await.unwrap().failures, 0);
    for at in [NOW, next] {
        let request = heard.recv().await.unwrap();
        assert_eq!(request.header("corrente-signature"), signature(SECRET, at, &request.body));
        assert_eq!(request.header("idempotency-key"), "k1");
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["kind"], "excessive_consumption");
        assert_eq!(body["title"], "Consumption above your limit: 5,400 W");
        assert_eq!(body["link"], "https://luz.example.org/historic");
        assert_eq!(body["values"]["value"], "5400");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (other, mut reached) = receiver(vec!["200 ok"]).await;
    let answer = format!("302 Found\r\nlocation: {other}").leak();
    let (url, _heard) = receiver(vec![answer]).await;
    let home = Home::new(DestinationKind::Webhook, &url, json!({}), SECRET).await;
    let id = home.enqueue("k1").await;
    assert_eq!(home.worker.round(NOW).await.unwrap(), FAILED);
    let why = home.row(id).await.last_error.unwrap();
    assert!(why.contains("redirects are not followed"), "{why}");
    assert!(reached.try_recv().is_err());
}

#[tokio::test]
async fn a_receiver_that_hangs_keeps_nobody_else_waiting() {
    let (url, _heard) = receiver(vec![""]).await;
    let home = Home::new(DestinationKind::Webhook, &url, json!({}), SECRET).await;
    let id = home.enqueue("k1").await;
    let started = Instant::now();
    assert_eq!(home.worker.round(NOW).await.unwrap(), LATER);
    assert!(started.elapsed() < Duration::from_secs(5));
    let row = home.row(id).await;
    assert_eq!(
        (row.state, row.last_error.as_deref()),
        (OutboxState::Waiting, Some("no answer in time"))
    );
}

#[tokio::test]
async fn a_dead_webhook_is_paused_and_its_owner_is_told_once() {
    let (url, mut heard) = receiver(vec!["500 broken"]).await;
    let home = Home::new(DestinationKind::Webhook, &url, json!({}), SECRET).await;
    for n in 0..FAILURES_UNTIL_PAUSED + 3 {
        home.enqueue(&format!("k{n}")).await;
    }
    home.worker.round(NOW).await.unwrap();
    let paused = home.destination().await.unwrap();
    assert_eq!((paused.paused, paused.failures), (Some(NOW), FAILURES_UNTIL_PAUSED));
    let mut requests = 0;
    while heard.try_recv().is_ok() {
        requests += 1;
    }
    assert_eq!(requests, FAILURES_UNTIL_PAUSED);
    // Those behind are dead letters, and there is one letter to the owner.
    let all = home.registry.read(|tx| outbox::waiting(tx, 100)).await.unwrap();
    let letters: Vec<_> = all.iter().filter(|m| m.channel == "email").collect();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].recipient, "ana@example.org");
    assert_eq!(letters[0].document["kind"], "destination_paused");
    let organisation = paused.organisation;
    let dead = home.registry.read(move |tx| outbox::failed(tx, organisation, 10)).await.unwrap();
    assert_eq!(dead.len(), 3);
    // Its owner lets it go on.
    let id = home.destination;
    home.registry.write(move |tx| destinations::resume(tx, id)).await.unwrap();
    assert_eq!(home.destination().await.unwrap().paused, None);
}

#[tokio::test]
async fn who_is_shut_for_a_moment_is_tried_again() {
    for answer in ["401 Unauthorized", "403 Forbidden", "429 Too Many Requests"] {
        let (url, _heard) = receiver(vec![answer, "200 ok"]).await;
        let home = Home::new(DestinationKind::Webhook, &url, json!({}), SECRET).await;
        let id = home.enqueue("k1").await;
        assert_eq!(home.worker.round(NOW).await.unwrap(), LATER, "{answer}");
        let next = home.row(id).await.next_try;
        assert_eq!(home.worker.round(next).await.unwrap(), SENT, "{answer}");
    }
}

#[tokio::test]
async fn what_has_no_words_is_not_the_receivers_failure() {
    let (url, mut heard) = receiver(vec!["200 ok"]).await;
    let home = Home::new(DestinationKind::Webhook, &url, json!({}), SECRET).await;
    let id = home.enqueue_with("k1", "no number").await;
    assert_eq!(home.worker.round(NOW).await.unwrap(), FAILED);
    let why = home.row(id).await.last_error.unwrap();
    assert!(why.contains("`{value}`"), "{why}");
    assert_eq!(home.destination().await.unwrap().failures, 0);
    assert!(heard.try_recv().is_err());
}

#[tokio::test]
async fn letters_that_cannot_leave_keep_no_webhook_waiting() {
    let (url, mut heard) = receiver(vec!["200 ok"]).await;
    let home = Home::new(DestinationKind::Webhook, &url, json!({}), SECRET).await;
    let first = home.enqueue("first").await;
    let row = home.row(first).await;
    // Older than the webhook, and more than are taken at a time.
    home.registry
        .write(move |tx| -> Result<_, RegistryError> {
            for n in 0..1_000 {
                let new = NewMessage {
                    organisation: row.organisation,
                    channel: "email".to_owned(),
                    recipient: format!("{}@example.org", n % 250),
                    document: row.document.clone(),
                    idempotency_key: format!("letter {n}"),
                };
                outbox::enqueue(tx, &new, NOW.plus(-3600))?;
            }
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(home.worker.round(NOW).await.unwrap(), SENT);
    assert_eq!(heard.recv().await.unwrap().header("idempotency-key"), "first");
}

#[tokio::test]
async fn a_thousand_messages_to_one_keep_nobody_else_waiting() {
    let (slow, _) = receiver(vec!["500 broken"]).await;
    let home = Home::new(DestinationKind::Webhook, &slow, json!({}), SECRET).await;
    for n in 0..1_000 {
        home.enqueue(&format!("slow {n}")).await;
    }
    let row = home.destination().await.unwrap();
    let (url, mut heard) = receiver(vec!["200 ok"]).await;
    let other = home
        .registry
        .write(move |tx| -> Result<_, RegistryError> {
            let new = NewDestination {
                organisation: row.organisation,
                user: row.user,
                kind: DestinationKind::Webhook,
                label: "Another".to_owned(),
                address: url.clone(),
                settings: json!({}),
                secret: SECRET.to_owned(),
            };
            destinations::put(tx, &new, NOW).map(|made| made.id)
        })
        .await
        .unwrap();
    let other = Home { destination: other, ..home };
    other.enqueue("quick").await;
    assert_eq!(other.worker.round(NOW).await.unwrap().sent, 1);
    assert_eq!(heard.recv().await.unwrap().header("idempotency-key"), "quick");
}

#[tokio::test]
async fn a_gateway_gets_its_own_format() {
    let (url, mut heard) = receiver(vec!["202 taken"]).await;
    let settings = json!({
        "content_type": "application/x-www-form-urlencoded",
        "body": "To=%2B5571999990000&Body={text}",
        "header": "authorization: Basic dXNlcjpwYXNz",
    });
    let home = Home::new(DestinationKind::Gateway, &url, settings, "").await;
    home.enqueue("k1").await;
    assert_eq!(home.worker.round(NOW).await.unwrap(), SENT);
    let request = heard.recv().await.unwrap();
    assert_eq!(request.header("authorization"), "Basic dXNlcjpwYXNz");
    let body = String::from_utf8(request.body).unwrap();
    assert!(
        body.starts_with("To=%2B5571999990000&Body=Consumption+above+your+limit%3A+5%2C400+W%0A"),
        "{body}"
    );
}

fn decode(text: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        context.update(part);
    }
    context.sign().as_ref().to_vec()
}

/// A browser: what it would make of a body, RFC 8291 from the receiver's side.
fn decrypt(own: &PrivateKey, auth: &[u8], body: &[u8]) -> Vec<u8> {
    let (salt, rest) = body.split_at(16);
    let (size, rest) = rest.split_at(4);
    assert_eq!(u32::from_be_bytes(size.try_into().unwrap()), 4096);
    let (theirs, sealed) = rest[1..].split_at(usize::from(rest[0]));
    let peer = UnparsedPublicKey::new(&ECDH_P256, theirs);
    let shared = agree(own, peer, (), |secret| Ok(secret.to_vec())).unwrap();
    let ours = own.compute_public_key().unwrap();
    let ikm = mac(&mac(auth, &[&shared]), &[b"WebPush: info\0", ours.as_ref(), theirs, &[1]]);
    let prk = mac(salt, &[&ikm]);
    let key = &mac(&prk, &[b"Content-Encoding: aes128gcm\0", &[1]])[..16];
    let nonce = &mac(&prk, &[b"Content-Encoding: nonce\0", &[1]])[..12];
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, key).unwrap());
    let mut open = sealed.to_vec();
    let nonce = Nonce::try_assume_unique_for_key(nonce).unwrap();
    let plain = key.open_in_place(nonce, Aad::empty(), &mut open).unwrap();
    assert_eq!(plain.last(), Some(&2));
    plain[..plain.len() - 1].to_vec()
}

#[tokio::test]
async fn a_browser_can_read_what_its_push_service_cannot_and_checks_who_signed() {
    let (url, mut heard) = receiver(vec!["201 Created", "410 Gone"]).await;
    let own = PrivateKey::generate(&ECDH_P256).unwrap();
    let auth = [7; 16];
    let public = own.compute_public_key().unwrap();
    let keys = json!({
        "p256dh": BASE64_URL_SAFE_NO_PAD.encode(public.as_ref()),
        "auth": BASE64_URL_SAFE_NO_PAD.encode(auth),
    });
    let home = Home::new(DestinationKind::Push, &url, json!({}), &keys.to_string()).await;
    home.enqueue("k1").await;
    assert_eq!(home.worker.round(NOW).await.unwrap(), SENT);
    let request = heard.recv().await.unwrap();
    assert_eq!(request.header("content-encoding"), "aes128gcm");
    assert!(!String::from_utf8_lossy(&request.body).contains("5,400"));
    let told: Value = serde_json::from_slice(&decrypt(&own, &auth, &request.body)).unwrap();
    assert_eq!(told["title"], "Consumption above your limit: 5,400 W");
    assert_eq!(told["link"], "/historic");

    let authorization = request.header("authorization").strip_prefix("vapid t=").unwrap();
    let (token, key) = authorization.split_once(", k=").unwrap();
    assert_eq!(key, home.worker.keys().push().public());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    Signer::new(&ECDSA_P256_SHA256_FIXED, decode(key))
        .verify(signed.as_bytes(), &decode(signature))
        .unwrap();
    let claims: Value = serde_json::from_slice(&decode(signed.split_once('.').unwrap().1)).unwrap();
    assert_eq!(claims["aud"], url.trim_end_matches("/hook"));
    assert_eq!(claims["sub"], "https://luz.example.org");
    assert!(claims["exp"].as_i64().unwrap() <= NOW.plus(86_400).second());

    // The browser is gone: nobody needs to hear of that.
    home.enqueue("k2").await;
    assert_eq!(home.worker.round(NOW).await.unwrap(), FAILED);
    assert_eq!(home.destination().await, None);
}

#[tokio::test]
async fn without_permission_nothing_is_sent_into_the_own_network() {
    let (url, mut heard) = receiver(vec!["200 ok"]).await;
    let home = Home::new(DestinationKind::Webhook, &url, json!({}), SECRET).await;
    let strict = Outbound::new(false).unwrap();
    let worker = Worker::new(home.registry.clone(), None, strict, None).unwrap();
    home.enqueue("k1").await;
    assert_eq!(worker.round(NOW).await.unwrap(), FAILED);
    assert!(heard.try_recv().is_err());
}
