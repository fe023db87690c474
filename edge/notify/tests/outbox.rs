//! From the outbox of a real registry to a mail server on a real socket.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail like the test itself")]

use corrente_alert::{Message, Moment, RuleKind};
use corrente_metering::{Timestamp, id::OutboxId};
use corrente_notify::{ATTEMPTS, Outbound, Round, Smtp, SmtpConfig, SmtpSecurity, Worker};
use corrente_registry::{
    Registry, RegistryError,
    organisations::{self, NewOrganisation},
    outbox::{self, NewMessage, OutboxState},
    preferences::{self, MailMode, Preference},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};

const NOW: Timestamp = Timestamp::from_second(1_800_000_000);

/// A mail server that answers each recipient in turn, the last answer for ever; says what it was sent.
async fn server(answers: Vec<&'static str>) -> (u16, UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (mails, received) = unbounded_channel();
    tokio::spawn(async move {
        let mut answers = answers.into_iter().peekable();
        loop {
            let Ok((socket, _)) = listener.accept().await else { return };
            let (read, mut write) = socket.into_split();
            let mut lines = BufReader::new(read).lines();
            let mut mail: Option<String> = None;
            if write.write_all(b"220 test ESMTP\r\n").await.is_err() {
                continue;
            }
            while let Ok(Some(line)) = lines.next_line().await {
                let answer = if let Some(text) = &mut mail {
                    if line != "." {
                        text.push_str(&line);
                        text.push('\n');
                        continue;
                    }
                    mails.send(mail.take().unwrap()).unwrap();
                    "250 taken"
                } else if line.starts_with("EHLO") {
                    "250 test"
                } else if line.starts_with("RCPT") {
                    let answer = *answers.peek().unwrap();
                    if answers.len() > 1 {
                        answers.next();
                    }
                    answer
                } else if line.starts_with("DATA") {
                    mail = Some(String::new());
                    "354 go on"
                } else {
                    "250 ok"
                };
                if write.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
                    break;
                }
            }
        }
    });
    (port, received)
}

fn worker(registry: &Registry, port: u16) -> Worker {
    let config = SmtpConfig {
        host: "127.0.0.1".to_owned(),
        port,
        security: SmtpSecurity::None,
        credentials: None,
        from: "Corrente <no-reply@example.org>".to_owned(),
        timeout_seconds: 5,
    };
    let smtp = Smtp::new(&config).unwrap();
    let portal = Some("https://luz.example.org".to_owned());
    Worker::new(registry.clone(), Some(smtp), Outbound::new(true).unwrap(), portal).unwrap()
}

fn registry() -> (tempfile::TempDir, Registry) {
    let directory = tempfile::tempdir().unwrap();
    let registry = Registry::open(directory.path().join("registry.db")).unwrap();
    (directory, registry)
}

async fn enqueue(registry: &Registry, key: &str, language: &str) -> OutboxId {
    enqueue_to(registry, key, language, "email").await
}

async fn enqueue_to(registry: &Registry, key: &str, language: &str, channel: &str) -> OutboxId {
    let (key, language) = (key.to_owned(), language.to_owned());
    let channel = channel.to_owned();
    registry
        .write(move |tx| -> Result<_, RegistryError> {
            let organisation = if let Some(known) = organisations::default_organisation(tx)? {
                known.id
            } else {
                let new = NewOrganisation::named("Luz do Vale", "America/Bahia");
                organisations::insert(tx, &new, NOW)?
            };
            let values = [("number", "000001"), ("amount", "119.04"), ("due", "2026-12-10")];
            let message = Message {
                kind: RuleKind::InvoiceIssued.into(),
                moment: Moment::Started,
                language: language.clone(),
                name: "Ana".to_owned(),
                usage_point: "Home 1".to_owned(),
                currency: "BRL".to_owned(),
                values: values.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            };
            let new = NewMessage {
                organisation,
                channel: channel.clone(),
                recipient: "ana@example.org".to_owned(),
                document: serde_json::to_value(&message).unwrap(),
                idempotency_key: key.clone(),
            };
            outbox::enqueue(tx, &new, NOW)?;
            Ok(outbox::by_key(tx, &key)?.unwrap().id)
        })
        .await
        .unwrap()
}

async fn state(registry: &Registry, id: OutboxId) -> (OutboxState, u32, Timestamp) {
    let row = registry.read(move |tx| outbox::get(tx, id)).await.unwrap().unwrap();
    (row.state, row.attempts, row.next_try)
}

#[tokio::test]
async fn a_message_is_written_in_its_language_and_delivered_once() {
    let (_directory, registry) = registry();
    let id = enqueue(&registry, "k1", "pt-BR").await;
    let (port, mut mails) = server(vec!["250 ok"]).await;
    let worker = worker(&registry, port);
    assert_eq!(worker.round(NOW).await.unwrap(), Round { sent: 1, ..Round::default() });
    assert_eq!(worker.round(NOW).await.unwrap(), Round::default());
    let mail = mails.recv().await.unwrap();
    assert!(mail.contains("A sua fatura chegou: R$ 119,04"), "{mail}");
    assert!(mail.contains("Message-ID: <k1@example.org>"), "{mail}");
    assert!(mail.contains("Content-Type: text/html"), "{mail}");
    // One request of the mail program ends the letters, RFC 8058.
    assert!(mail.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"), "{mail}");
    let unfolded = mail.replace('\r', "").replace("\n ", " ");
    let link = unfolded.lines().find(|line| line.starts_with("List-Unsubscribe:")).unwrap();
    let token = link.trim_end_matches('>').split_once("token=").unwrap().1;
    assert_eq!(worker.keys().unsubscribe_address(token).as_deref(), Some("ana@example.org"));
    assert_eq!(worker.keys().unsubscribe_address(&token.replace('.', ".A")), None);
    assert_eq!(state(&registry, id).await.0, OutboxState::Sent);
}

#[tokio::test]
async fn what_fails_waits_and_what_can_never_work_is_a_dead_letter() {
    let (_directory, registry) = registry();
    let id = enqueue(&registry, "k1", "en").await;
    let (port, mut mails) = server(vec!["451 try later", "250 ok"]).await;
    let worker = worker(&registry, port);
    assert_eq!(worker.round(NOW).await.unwrap(), Round { later: 1, ..Round::default() });
    let (waiting, attempts, next) = state(&registry, id).await;
    assert_eq!((waiting, attempts), (OutboxState::Waiting, 1));
    assert!(next > NOW && next <= NOW.plus(10), "{next}");
    // Not before its time, and then it arrives.
    assert_eq!(worker.round(NOW).await.unwrap(), Round::default());
    assert_eq!(worker.round(next).await.unwrap(), Round { sent: 1, ..Round::default() });
    assert!(mails.recv().await.unwrap().contains("Your bill is here"));

    let id = enqueue(&registry, "k2", "en").await;
    let (port, _mails) = server(vec!["550 no such mailbox"]).await;
    let refused = self::worker(&registry, port);
    assert_eq!(refused.round(NOW).await.unwrap(), Round { failed: 1, ..Round::default() });
    assert_eq!(state(&registry, id).await.0, OutboxState::Failed);
}

#[tokio::test]
async fn a_dead_server_makes_a_dead_letter_after_the_last_attempt() {
    let (_directory, registry) = registry();
    let id = enqueue(&registry, "k1", "en").await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let worker = worker(&registry, closed);
    let mut now = NOW;
    for _ in 1..ATTEMPTS {
        assert_eq!(worker.round(now).await.unwrap(), Round { later: 1, ..Round::default() });
        now = state(&registry, id).await.2;
    }
    assert_eq!(worker.round(now).await.unwrap(), Round { failed: 1, ..Round::default() });
    assert_eq!(state(&registry, id).await.1, ATTEMPTS);
}

#[tokio::test]
async fn without_a_mail_server_messages_wait_for_three_days() {
    let (_directory, registry) = registry();
    let id = enqueue(&registry, "k1", "en").await;
    let worker = Worker::new(registry.clone(), None, Outbound::new(true).unwrap(), None).unwrap();
    assert_eq!(worker.round(NOW).await.unwrap(), Round::default());
    assert_eq!(state(&registry, id).await.0, OutboxState::Waiting);
    let late = NOW.plus(3 * 86_400 + 1);
    assert_eq!(worker.round(late).await.unwrap(), Round { failed: 1, ..Round::default() });
}

#[tokio::test]
async fn a_day_of_messages_is_one_letter() {
    let (_directory, registry) = registry();
    let ids = [
        enqueue_to(&registry, "k1", "en", "digest").await,
        enqueue_to(&registry, "k2", "en", "digest").await,
    ];
    let (port, mut mails) = server(vec!["250 ok"]).await;
    let worker = worker(&registry, port);
    assert_eq!(worker.round(NOW).await.unwrap(), Round { sent: 2, ..Round::default() });
    let mail = mails.recv().await.unwrap();
    assert!(mail.contains("Subject: Your alerts of today: 2"), "{mail}");
    assert!(mails.try_recv().is_err());
    for id in ids {
        assert_eq!(state(&registry, id).await.0, OutboxState::Sent);
    }
}

#[tokio::test]
async fn a_letter_of_the_day_leaves_out_what_has_no_words() {
    let (_directory, registry) = registry();
    let good = enqueue_to(&registry, "k1", "en", "digest").await;
    let row = registry.read(move |tx| outbox::get(tx, good)).await.unwrap().unwrap();
    let mut bad = Vec::new();
    for (key, pointer) in [("k0", "/values/due"), ("k2", "/kind")] {
        let mut document = row.document.clone();
        *document.pointer_mut(pointer).unwrap() = "nothing known".into();
        let new = NewMessage {
            organisation: row.organisation,
            channel: "digest".to_owned(),
            recipient: row.recipient.clone(),
            document,
            idempotency_key: key.to_owned(),
        };
        bad.push(
            registry
                .write(move |tx| -> Result<_, RegistryError> {
                    outbox::enqueue(tx, &new, NOW.plus(-1))?;
                    Ok(outbox::by_key(tx, key)?.unwrap().id)
                })
                .await
                .unwrap(),
        );
    }
    let (port, mut mails) = server(vec!["250 ok"]).await;
    let worker = worker(&registry, port);
    assert_eq!(worker.round(NOW).await.unwrap(), Round { sent: 1, later: 0, failed: 2 });
    assert!(mails.recv().await.unwrap().contains("Your bill is here"));
    assert_eq!(state(&registry, good).await.0, OutboxState::Sent);
    for id in bad {
        assert_eq!(state(&registry, id).await.0, OutboxState::Failed);
    }
}

#[tokio::test]
async fn who_unsubscribed_gets_no_letter_that_was_already_waiting() {
    let (_directory, registry) = registry();
    let id = enqueue(&registry, "k1", "en").await;
    let row = registry.read(move |tx| outbox::get(tx, id)).await.unwrap().unwrap();
    let off = Preference { mail: MailMode::Off, quiet_minutes: None };
    registry
        .write(move |tx| preferences::put(tx, row.organisation, "Ana@example.org", off, NOW))
        .await
        .unwrap();
    let (port, mut mails) = server(vec!["250 ok"]).await;
    let worker = worker(&registry, port);
    assert_eq!(worker.round(NOW).await.unwrap(), Round { failed: 1, ..Round::default() });
    assert!(mails.try_recv().is_err());
}
