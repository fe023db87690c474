//! A program that is killed between decision and delivery, and between an answer and its mark: nothing is
//! lost, and what comes twice comes under one key.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
};

use corrente_alert::RuleKind;
use corrente_clock::wall_clock;
use corrente_metering::Timestamp;
use corrente_notify::{Outbound, Worker};
use corrente_registry::{
    RegistryError,
    destinations::{self, DestinationKind, NewDestination},
    outbox::{self, OutboxState},
    usage_points,
    users::{self, NewUser, Role},
};
use serde_json::json;

use crate::home::Home;

const DIRECTORY: &str = "CORRENTE_TEST_ALERTS";
const NOW: &str = "2026-10-21T12:00";

/// Not a test of its own: the program that is killed. It decides, says so, and delivers.
#[test]
fn the_program_that_is_killed() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let home = Home::open(Path::new(&directory), NOW);
    home.mdm.evaluate_alerts(home.point).unwrap();
    let mut out = std::io::stderr();
    writeln!(out, "decided").unwrap();
    // Whoever watches says when to go on.
    let mut word = String::new();
    std::io::stdin().read_line(&mut word).unwrap();
    let outbound = Outbound::new(true).unwrap();
    let worker = Worker::new(home.registry.clone(), None, outbound, None).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let soon = wall_clock().plus(60);
    let round = runtime.block_on(worker.round(soon)).unwrap();
    writeln!(out, "sent {}", round.sent).unwrap();
}

struct Program {
    child: Child,
    said: std::io::Lines<BufReader<std::process::ChildStderr>>,
}

impl Program {
    fn start(directory: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::the_program_that_is_killed", "--nocapture"])
            .env(DIRECTORY, directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, said }
    }

    fn hear(&mut self, word: &str) -> String {
        self.said.by_ref().map(Result::unwrap).find(|line| line.starts_with(word)).unwrap()
    }

    fn go_on(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
    }

    /// Stops it where it stands, so that it takes notice of nothing more.
    fn freeze(&self) {
        let frozen = Command::new("kill").args(["-STOP", &self.child.id().to_string()]).status();
        assert!(frozen.unwrap().success());
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Waits for a request; its idempotency key, and the socket to answer on.
fn request(receiver: &TcpListener) -> (String, TcpStream) {
    let (mut socket, _) = receiver.accept().unwrap();
    let mut heard = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = socket.read(&mut buffer).unwrap();
        heard.extend(&buffer[..count]);
        let text = String::from_utf8_lossy(&heard).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let value = |name: &str| {
            let line = head.lines().find(|line| line.to_lowercase().starts_with(name)).unwrap();
            line.split_once(": ").unwrap().1.to_owned()
        };
        if body.len() >= value("content-length").parse().unwrap() {
            return (value("idempotency-key"), socket);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_killed_loses_no_message_and_repeats_it_under_its_key() {
    let directory = tempfile::tempdir().unwrap();
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", receiver.local_addr().unwrap());
    Home::settle(directory.path());
    {
        let home = Home::open(directory.path(), "2026-10-20T12:00");
        home.read("2026-10-01T00:00", 1_000).await;
        home.read("2026-10-20T12:00", 300_000).await;
        let point = home.point;
        home.registry
            .write_blocking(move |tx| -> Result<_, RegistryError> {
                let point = usage_points::get(tx, point)?.unwrap();
                let now = Timestamp::from_second(0);
                let user = NewUser {
                    organisation: point.organisation,
                    customer: point.customer,
                    email: "ana@example.org".to_owned(),
                    name: "Ana".to_owned(),
                    role: Role::Customer,
                    password_hash: None,
                    language: Some("en".to_owned()),
                };
                let new = NewDestination {
                    organisation: point.organisation,
                    user: users::insert(tx, &user, now)?,
                    kind: DestinationKind::Webhook,
                    label: "My server".to_owned(),
                    address: url.clone(),
                    settings: json!({}),
                    secret: "whsec_1".to_owned(),
                };
                destinations::put(tx, &new, now).map(drop)
            })
            .unwrap();
        assert_eq!(home.mdm.evaluate_alerts(home.point).unwrap(), []);
        home.go_to(NOW);
        home.read(NOW, 301_001).await;
    }
    // After the decision, before anything was sent.
    let mut program = Program::start(directory.path());
    program.hear("decided");
    program.kill();
    // After the receiver had it and answered, before that was written down.
    let mut program = Program::start(directory.path());
    program.hear("decided");
    program.go_on();
    let (first, mut socket) = request(&receiver);
    program.freeze();
    socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    program.kill();
    // And then it runs to its end.
    let mut program = Program::start(directory.path());
    program.hear("decided");
    program.go_on();
    let (second, mut socket) = request(&receiver);
    socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    assert_eq!(program.hear("sent"), "sent 1");
    assert!(program.child.wait().unwrap().success());
    assert_eq!(first, second, "the receiver can tell that it is the same");

    let home = Home::open(directory.path(), NOW);
    let view = home.mdm.alerts(home.point).unwrap();
    assert_eq!(view.events.len(), 1, "it was seen once");
    assert_eq!(view.events[0].kind, RuleKind::ExcessiveConsumption.word());
    let row = home.registry.read_blocking(move |tx| outbox::by_key(tx, &first)).unwrap().unwrap();
    assert_eq!(row.state, OutboxState::Sent);
    // The letter waits for a mail server; nothing else was written.
    let waiting: BTreeSet<String> =
        home.messages().into_iter().map(|(row, _)| row.channel).collect();
    assert_eq!(waiting, BTreeSet::from(["email".to_owned()]));
}
