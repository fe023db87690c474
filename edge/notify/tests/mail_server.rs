//! E-mail to a mail server that others wrote: aiosmtpd, from Debian's python3-aiosmtpd.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail like the test itself")]

use std::{
    io::ErrorKind,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use corrente_alert::{Message, Moment, RuleKind};
use corrente_notify::{Catalogue, Smtp, SmtpConfig, SmtpSecurity};

/// A mail server that keeps what it takes in a maildir, and ends with the test.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Nothing when there is no aiosmtpd on this machine.
    fn start(mails: &Path) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let started = Command::new("aiosmtpd")
            .args(["-n", "-u", "-c", "aiosmtpd.handlers.Mailbox", "-l"])
            .arg(format!("127.0.0.1:{port}"))
            .arg(mails)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match started {
            Ok(child) => Some(Self { child, port }),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => panic!("aiosmtpd cannot be started: {error}"),
        }
    }

    async fn ready(&self) {
        let until = Instant::now() + Duration::from_secs(30);
        while tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            assert!(Instant::now() < until, "aiosmtpd does not listen");
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn new_mails(mails: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(mails.join("new")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn a_real_mail_server_takes_letters_in_every_language() {
    let directory = tempfile::tempdir().unwrap();
    let mails = directory.path().join("mails");
    let Some(server) = Server::start(&mails) else {
        println!("SKIPPED: there is no aiosmtpd; install python3-aiosmtpd");
        return;
    };
    server.ready().await;
    let smtp = Smtp::new(&SmtpConfig {
        host: "127.0.0.1".to_owned(),
        port: server.port,
        security: SmtpSecurity::None,
        credentials: None,
        from: "Luz do Vale <no-reply@example.org>".to_owned(),
        timeout_seconds: 20,
    })
    .unwrap();
    let catalogue = Catalogue::built_in().unwrap();
    let values = [("number", "000001"), ("amount", "1119.04"), ("due", "2026-12-10")];
    for language in ["pt-BR", "en", "es"] {
        let message = Message {
            kind: RuleKind::InvoiceIssued.into(),
            moment: Moment::Started,
            language: language.to_owned(),
            name: "Conceição".to_owned(),
            usage_point: "Casa 1".to_owned(),
            currency: "BRL".to_owned(),
            values: values.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        };
        let unsubscribe = Some("https://luz.example.org/api/v1/unsubscribe?token=x".to_owned());
        let letter =
            catalogue.letter(&[message], Some("https://luz.example.org"), unsubscribe).unwrap();
        smtp.send("ana@example.org", &format!("key:{language}"), &letter).await.unwrap();
    }
    let taken: Vec<String> =
        new_mails(&mails).iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert_eq!(taken.len(), 3);
    for language in ["pt-BR", "en", "es"] {
        let id = format!("Message-ID: <key-{language}@example.org>");
        let mail = taken.iter().find(|mail| mail.contains(&id)).unwrap();
        assert!(mail.contains("Luz do Vale") && mail.contains("<no-reply@example.org>"), "{mail}");
        assert!(mail.contains("multipart/alternative"), "{mail}");
        assert!(mail.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"), "{mail}");
        assert!(mail.contains("119"), "{mail}");
    }
}
