//! E-mail against a peer that speaks SMTP on a real socket.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail like the test itself")]

use corrente_notify::{DeliveryError, Letter, Smtp, SmtpConfig, SmtpConfigError, SmtpSecurity};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    task::JoinHandle,
};

fn config(port: u16) -> SmtpConfig {
    SmtpConfig {
        host: "127.0.0.1".to_owned(),
        port,
        security: SmtpSecurity::None,
        credentials: None,
        from: "Corrente <no-reply@example.org>".to_owned(),
        timeout_seconds: 5,
    }
}

fn letter() -> Letter {
    Letter {
        subject: "Consumo acima do limite: 312,4 kWh".to_owned(),
        body: "Olá Ana,\n\n.uma linha com ponto\n".to_owned(),
        html: None,
        unsubscribe: None,
    }
}

/// Answers one connection; `rcpt` is its answer to the recipient. Returns all that was said to it.
async fn server(rcpt: &'static str) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let (read, mut write) = socket.into_split();
        let mut lines = BufReader::new(read).lines();
        let mut heard = String::new();
        let mut in_data = false;
        write.write_all(b"220 test ESMTP\r\n").await.unwrap();
        while let Ok(Some(line)) = lines.next_line().await {
            heard.push_str(&line);
            heard.push('\n');
            let answer = match line.get(..4) {
                _ if in_data && line == "." => {
                    in_data = false;
                    "250 2.0.0 taken\r\n".to_owned()
                }
                _ if in_data => continue,
                Some("EHLO") => "250-test\r\n250 8BITMIME\r\n".to_owned(),
                Some("RCPT") => format!("{rcpt}\r\n"),
                Some("DATA") => {
                    in_data = true;
                    "354 go on\r\n".to_owned()
                }
                Some("QUIT") => {
                    write.write_all(b"221 bye\r\n").await.unwrap();
                    break;
                }
                _ => "250 ok\r\n".to_owned(),
            };
            write.write_all(answer.as_bytes()).await.unwrap();
            if heard.ends_with(".\n") && !in_data && answer.starts_with("250 2.0.0") {
                break;
            }
            if answer.starts_with('5') || answer.starts_with('4') {
                break;
            }
        }
        heard
    });
    (port, task)
}

#[tokio::test]
async fn a_letter_arrives_with_subject_id_and_text() {
    let (port, heard) = server("250 2.1.5 ok").await;
    let smtp = Smtp::new(&config(port)).unwrap();
    smtp.send("Ana <ana@example.org>", "alert:1:started", &letter()).await.unwrap();
    let heard = heard.await.unwrap();
    assert!(heard.contains("MAIL FROM:<no-reply@example.org>"), "{heard}");
    assert!(heard.contains("RCPT TO:<ana@example.org>"), "{heard}");
    assert!(heard.contains("Message-ID: <alert-1-started@example.org>"), "{heard}");
    assert!(heard.contains("Subject: Consumo acima do limite"), "{heard}");
    assert!(heard.contains("Content-Type: text/plain; charset=utf-8"), "{heard}");
}

#[tokio::test]
async fn a_refused_recipient_is_never_tried_again_and_a_busy_server_later() {
    let (port, _) = server("550 5.1.1 no such mailbox").await;
    let answer = Smtp::new(&config(port)).unwrap().send("x@example.org", "k", &letter()).await;
    assert!(matches!(&answer, Err(DeliveryError::Never(why)) if why.contains("550")), "{answer:?}");

    let (port, _) = server("451 4.3.0 try later").await;
    let answer = Smtp::new(&config(port)).unwrap().send("x@example.org", "k", &letter()).await;
    assert!(matches!(&answer, Err(DeliveryError::Later(_))), "{answer:?}");

    // Nobody listens: the port was just given back.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let answer = Smtp::new(&config(closed)).unwrap().send("x@example.org", "k", &letter()).await;
    assert!(matches!(&answer, Err(DeliveryError::Later(_))), "{answer:?}");
}

#[tokio::test]
async fn what_cannot_work_is_said_at_once() {
    let bad = SmtpConfig { from: "nobody".to_owned(), ..config(25) };
    assert!(matches!(Smtp::new(&bad), Err(SmtpConfigError::From(_))));
    let bad = SmtpConfig { credentials: Some(("u".to_owned(), "p".to_owned())), ..config(25) };
    assert!(matches!(Smtp::new(&bad), Err(SmtpConfigError::PasswordInTheClear)));
    let shown = format!(
        "{:?}",
        SmtpConfig { credentials: Some(("u".to_owned(), "p4ss".to_owned())), ..config(25) }
    );
    assert!(!shown.contains("p4ss"), "{shown}");
}
