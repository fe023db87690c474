//! The client against a server that this test plays, word by word.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::Duration;

use corrente_line::v1::{ClientMessage, Credential, ErrorCode, LineError, ServerMessage, Welcome};
use corrente_meter::{
    ClientError, Identity, Link, MeterClient, MeterConfig, MeterState, NewReading, register_channel,
};
use corrente_metering::Timestamp;
use corrente_units::Energy;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{
        TcpListener,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

struct Peer {
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
}

impl Peer {
    async fn accept(listener: &TcpListener) -> Self {
        let (reader, writer) = listener.accept().await.unwrap().0.into_split();
        Self { lines: BufReader::new(reader).lines(), writer }
    }

    async fn line(&mut self) -> String {
        self.lines.next_line().await.unwrap().unwrap()
    }

    async fn say(&mut self, message: ServerMessage) {
        self.writer.write_all(&message.to_line()).await.unwrap();
    }

    async fn credential(&mut self) -> Credential {
        let line = self.line().await;
        let ClientMessage::Hello(hello) = ClientMessage::parse(line.as_bytes()).unwrap() else {
            panic!("expected hello: {line}")
        };
        hello.credential
    }

    async fn welcome(&mut self, secret: Option<&str>) {
        self.say(ServerMessage::Welcome(Welcome {
            meter: "01928000-0000-7000-8000-000000000001".to_owned(),
            secret: secret.map(str::to_owned),
            channels: [("import".to_owned(), 1)].into(),
            interval_s: 10,
            time: Timestamp::from_second(1_764_000_000),
        }))
        .await;
    }

    /// The sequence numbers of the next line.
    async fn sequences(&mut self) -> Vec<u64> {
        let line = self.line().await;
        match ClientMessage::parse(line.as_bytes()).unwrap() {
            ClientMessage::Reading { reading, .. } => vec![reading.seq],
            ClientMessage::Batch { readings, .. } => readings.iter().map(|r| r.seq).collect(),
            ClientMessage::Hello(_)
            | ClientMessage::Sample(_)
            | ClientMessage::Ping
            | ClientMessage::Pong => panic!("expected readings: {line}"),
        }
    }
}

fn reading(n: i64) -> NewReading {
    NewReading::new(Timestamp::from_second(1_764_000_000 + n), Energy::from_wh(n))
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

fn quick(mut config: MeterConfig) -> MeterConfig {
    config.back_off = config.back_off.between(Duration::from_millis(5), Duration::from_millis(20));
    config
}

fn enrolling(address: &str) -> MeterConfig {
    quick(MeterConfig::enrol(address, "M-1", "t", register_channel("import")))
}

#[tokio::test]
async fn what_was_not_acknowledged_is_sent_again_over_a_new_connection() {
    let (listener, address) = listener().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("meter.state");
    let meter = MeterClient::start(enrolling(&address), MeterState::open(&path).unwrap()).unwrap();
    let mut peer = Peer::accept(&listener).await;
    assert!(matches!(peer.credential().await, Credential::Token { .. }));
    assert_eq!(meter.send(vec![reading(1), reading(2), reading(3)]).await.unwrap(), 3);
    peer.welcome(Some("secret")).await;
    assert_eq!(peer.sequences().await, [1, 2, 3]);
    peer.say(ServerMessage::Ack { seq: 2 }).await;
    let mut link = meter.link();
    link.wait_for(|link| link.acknowledged == 2).await.unwrap();
    drop(peer);
    let mut peer = Peer::accept(&listener).await;
    assert_eq!(peer.credential().await, Credential::Secret("secret".to_owned()));
    peer.welcome(None).await;
    assert_eq!(peer.sequences().await, [3]);
    // An acknowledgement beyond what was sent on this connection covers nothing more.
    peer.say(ServerMessage::Ack { seq: 99 }).await;
    meter.flushed().await.unwrap();
    assert_eq!(meter.send(vec![reading(4)]).await.unwrap(), 4);
    assert_eq!(peer.sequences().await, [4]);
    meter.close().await.unwrap();
    let state = MeterState::open(&path).unwrap();
    assert_eq!(state.pending().len(), 1);
    assert_eq!(state.identity().unwrap().secret.as_deref(), Some("secret"));
}

#[tokio::test]
async fn readings_are_kept_while_there_is_no_server() {
    let (listener, address) = listener().await;
    drop(listener);
    let meter = MeterClient::start(enrolling(&address), MeterState::in_memory()).unwrap();
    let mut link = meter.link();
    link.wait_for(|link| matches!(link.link, Link::Waiting { .. })).await.unwrap();
    meter.send(vec![reading(1)]).await.unwrap();
    let listener = TcpListener::bind(&address).await.unwrap();
    let mut peer = Peer::accept(&listener).await;
    peer.credential().await;
    peer.welcome(Some("s")).await;
    assert_eq!(peer.sequences().await, [1]);
}

#[tokio::test]
async fn a_server_that_forgot_the_meter_gets_the_token() {
    let (listener, address) = listener().await;
    let identity = Identity { serial: "M-1".to_owned(), secret: Some("old".to_owned()) };
    let meter = MeterClient::start(enrolling(&address), MeterState::of(identity)).unwrap();
    let mut peer = Peer::accept(&listener).await;
    assert_eq!(peer.credential().await, Credential::Secret("old".to_owned()));
    let refusal = || LineError::new(ErrorCode::NotAdmitted, "unknown serial");
    peer.say(ServerMessage::Error(refusal())).await;
    let mut peer = Peer::accept(&listener).await;
    assert!(matches!(peer.credential().await, Credential::Token { .. }));
    peer.say(ServerMessage::Error(refusal())).await;
    meter.link().wait_for(|link| matches!(link.link, Link::Stopped { .. })).await.unwrap();
    let error = meter.close().await.unwrap_err();
    assert!(matches!(&error, ClientError::Refused { code, .. } if code == "not_admitted"));
    assert!(error.to_string().contains("unknown serial"));
}

#[tokio::test]
async fn a_reading_refused_for_ever_does_not_hold_up_the_next() {
    let (listener, address) = listener().await;
    let meter = MeterClient::start(enrolling(&address), MeterState::in_memory()).unwrap();
    meter.send(vec![reading(1), reading(2), reading(3)]).await.unwrap();
    let mut peer = Peer::accept(&listener).await;
    peer.credential().await;
    peer.welcome(Some("s")).await;
    assert_eq!(peer.sequences().await, [1, 2, 3]);
    peer.say(ServerMessage::Error(LineError::field("wh", "too large").of_reading(2))).await;
    let mut peer = Peer::accept(&listener).await;
    peer.credential().await;
    peer.welcome(None).await;
    assert_eq!(peer.sequences().await, [1, 3]);
    peer.say(ServerMessage::Ack { seq: 3 }).await;
    meter.flushed().await.unwrap();
    assert_eq!((meter.statistics().refused(), meter.statistics().acknowledged()), (1, 2));
    assert!(meter.link().borrow().refused.as_ref().unwrap().contains("too large"));
}

#[tokio::test]
async fn settings_and_pings_of_the_server_are_obeyed() {
    let (listener, address) = listener().await;
    let meter = MeterClient::start(enrolling(&address), MeterState::in_memory()).unwrap();
    let mut peer = Peer::accept(&listener).await;
    peer.credential().await;
    peer.welcome(Some("s")).await;
    peer.say(ServerMessage::Ping).await;
    assert_eq!(ClientMessage::parse(peer.line().await.as_bytes()).unwrap(), ClientMessage::Pong);
    peer.say(ServerMessage::Set { interval_s: 5 }).await;
    meter.link().wait_for(|link| link.interval_seconds == Some(5)).await.unwrap();
}

#[tokio::test]
async fn a_silent_server_is_left() {
    let (listener, address) = listener().await;
    let mut config = enrolling(&address);
    config.silence = Duration::from_millis(60);
    let meter = MeterClient::start(config, MeterState::in_memory()).unwrap();
    let mut peer = Peer::accept(&listener).await;
    peer.credential().await;
    peer.welcome(Some("s")).await;
    assert_eq!(ClientMessage::parse(peer.line().await.as_bytes()).unwrap(), ClientMessage::Ping);
    let mut again = Peer::accept(&listener).await;
    assert_eq!(again.credential().await, Credential::Secret("s".to_owned()));
    drop(meter);
}

#[tokio::test]
async fn a_state_of_another_meter_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = MeterState::open(&dir.path().join("meter.state")).unwrap();
    state.identify(Identity { serial: "M-2".to_owned(), secret: None }).unwrap();
    let error = MeterClient::start(enrolling("127.0.0.1:1"), state).unwrap_err().to_string();
    assert!(error.contains("M-2") && error.contains("--state"), "{error}");
}
