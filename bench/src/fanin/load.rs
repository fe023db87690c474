//! The clients: each sends a message, waits for its acknowledgement, and sends the next.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use corrente_line::v1::{
    BatchReading, ClientMessage, Credential, DEFAULT_CHANNEL, Hello, ServerMessage,
};
use corrente_metering::{Reading, SourceQuality, Timestamp};
use corrente_units::Energy;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::{Barrier, Semaphore},
    task::JoinSet,
};

use super::server::{FIRST_SECOND, SECRET, serial};
use crate::Failure;

/// What a server understands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Spoken {
    /// Line protocol v1.
    Corrente,
    /// MQTT 3.1.1, published with QoS 1.
    Mqtt,
}

/// What the clients saw.
pub(super) struct Load {
    pub(super) elapsed: Duration,
    /// From sending to acknowledgement, sorted.
    pub(super) latencies: Vec<Duration>,
}

/// Connections that are made at the same time: more would overflow the server's queue of them.
const CONNECTING: usize = 64;

/// Connects all, calls `begin`, and loads the server for this time.
pub(super) async fn run(
    address: SocketAddr,
    spoken: Spoken,
    connections: usize,
    time: Duration,
    begin: impl FnOnce(),
) -> Result<Load, Failure> {
    let ready = Arc::new(Barrier::new(connections.saturating_add(1)));
    let connecting = Arc::new(Semaphore::new(CONNECTING));
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for number in 0..connections {
        let (ready, connecting, stop) =
            (Arc::clone(&ready), Arc::clone(&connecting), Arc::clone(&stop));
        clients.spawn(async move {
            let client = {
                let _turn = connecting.acquire().await;
                Client::connect(address, spoken, number).await
            };
            ready.wait().await;
            client?.send(&stop).await
        });
    }
    ready.wait().await;
    begin();
    let start = Instant::now();
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut latencies = Vec::new();
    while let Some(done) = clients.join_next().await {
        latencies.extend(done??);
    }
    let elapsed = start.elapsed();
    latencies.sort_unstable();
    Ok(Load { elapsed, latencies })
}

struct Client {
    stream: TcpStream,
    spoken: Spoken,
    number: usize,
    heard: Vec<u8>,
}

impl Client {
    async fn connect(address: SocketAddr, spoken: Spoken, number: usize) -> Result<Self, Failure> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let hello = match spoken {
            Spoken::Corrente => ClientMessage::Hello(Hello {
                serial: serial(number),
                credential: Credential::Secret(SECRET.to_owned()),
            })
            .to_line(),
            Spoken::Mqtt => mqtt_connect(number),
        };
        stream.write_all(&hello).await?;
        let mut client = Self { stream, spoken, number, heard: Vec::new() };
        match spoken {
            Spoken::Corrente => {
                let answer = client.line().await?;
                if !matches!(answer, ServerMessage::Welcome(_)) {
                    return Err(format!("instead of a welcome: {answer:?}").into());
                }
            }
            // CONNACK: accepted.
            Spoken::Mqtt => client.bytes(&[0x20, 2, 0, 0]).await?,
        }
        Ok(client)
    }

    async fn send(mut self, stop: &AtomicBool) -> Result<Vec<Duration>, Failure> {
        let mut latencies = Vec::new();
        let (mut message, mut expected) = (Vec::new(), Vec::new());
        let mut seq = 0_u32;
        while !stop.load(Ordering::Relaxed) {
            seq = seq.wrapping_add(1);
            message.clear();
            let reading = ClientMessage::Reading {
                channel: DEFAULT_CHANNEL.into(),
                reading: BatchReading {
                    seq: u64::from(seq),
                    reading: Reading {
                        end: Timestamp::from_second(FIRST_SECOND).plus(i64::from(seq)),
                        value: Energy::from_wh(i64::from(seq)),
                        quality: SourceQuality::GOOD,
                    },
                },
                power_w: None,
            };
            reading.encode(&mut message);
            // MQTT numbers its packets from 1 to 65535.
            let packet = u16::try_from(seq % 65_535)?.saturating_add(1);
            if matches!(self.spoken, Spoken::Mqtt) {
                message = mqtt_publish(self.number, packet, &message);
            }
            let sent = Instant::now();
            self.stream.write_all(&message).await?;
            match self.spoken {
                Spoken::Corrente => {
                    expected.clear();
                    ServerMessage::Ack { seq: u64::from(seq) }.encode(&mut expected);
                    self.bytes(&expected).await?;
                }
                Spoken::Mqtt => {
                    let [high, low] = packet.to_be_bytes();
                    self.bytes(&[0x40, 2, high, low]).await?;
                }
            }
            latencies.push(sent.elapsed());
        }
        Ok(latencies)
    }

    async fn line(&mut self) -> Result<ServerMessage, Failure> {
        loop {
            if let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
                let message = ServerMessage::parse(&self.heard[..end])?;
                self.heard.drain(..=end);
                return Ok(message);
            }
            self.more().await?;
        }
    }

    /// Compared as bytes for both: reading an answer should cost the clients nothing.
    async fn bytes(&mut self, expected: &[u8]) -> Result<(), Failure> {
        while self.heard.len() < expected.len() {
            self.more().await?;
        }
        if self.heard.starts_with(expected) {
            self.heard.drain(..expected.len());
            Ok(())
        } else {
            let heard = String::from_utf8_lossy(&self.heard);
            Err(format!("instead of an acknowledgement: {heard:?}").into())
        }
    }

    async fn more(&mut self) -> Result<(), Failure> {
        if self.stream.read_buf(&mut self.heard).await? == 0 {
            return Err("the server closed a connection".into());
        }
        Ok(())
    }
}

/// CONNECT with a clean session (MQTT 3.1.1 §3.1).
fn mqtt_connect(number: usize) -> Vec<u8> {
    let mut body = b"\x00\x04MQTT\x04\x02\x00\x3c".to_vec();
    text(&mut body, &serial(number));
    packet(0x10, &body)
}

/// PUBLISH with QoS 1 (MQTT 3.1.1 §3.3).
fn mqtt_publish(number: usize, id: u16, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(payload.len() + 32);
    text(&mut body, &format!("meters/{}", serial(number)));
    body.extend(id.to_be_bytes());
    body.extend(payload);
    packet(0x32, &body)
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(u16::try_from(text.len()).unwrap_or(0).to_be_bytes());
    out.extend(text.as_bytes());
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    let mut length = body.len();
    loop {
        let digit = u8::try_from(length % 128).unwrap_or(0);
        length /= 128;
        out.push(if length > 0 { digit | 0x80 } else { digit });
        if length == 0 {
            break;
        }
    }
    out.extend(body);
    out
}
