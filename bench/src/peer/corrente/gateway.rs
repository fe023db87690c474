//! One connection that reports for some thousand registers.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Mutex, PoisonError, mpsc as std_mpsc},
    time::{Duration, Instant},
};

use corrente_line::v1::{ClientMessage, Credential, Hello, ServerMessage};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    runtime::Runtime,
    sync::mpsc,
    task::JoinHandle,
};

use super::{SECRET, serial};
use crate::{Failure, peer::load::decimal, workload::Sample};

/// Buffers on their way to the socket before the generator waits.
const BUFFERS: usize = 2;

/// A gateway whose readings are sent by a task.
pub(super) struct Gateway {
    buffer: Vec<u8>,
    seq: i64,
    send: mpsc::Sender<Part>,
    task: JoinHandle<Result<Vec<Duration>, Failure>>,
}

/// Some lines, and the number of the last reading in them.
struct Part {
    lines: Vec<u8>,
    seq: i64,
}

impl Gateway {
    /// Connects on the runtime and says when it is admitted.
    pub(super) fn start(
        runtime: &Runtime,
        address: SocketAddr,
        number: u32,
        ready: std_mpsc::Sender<()>,
    ) -> Self {
        let (send, parts) = mpsc::channel(BUFFERS);
        let task = runtime.spawn(async move {
            let (stream, heard) = connect(address, number).await?;
            ready.send(()).map_err(|_| "nobody waits for this gateway any more")?;
            report(stream, heard, parts).await
        });
        Self { buffer: Vec::new(), seq: 0, send, task }
    }

    /// Adds a line.
    pub(super) fn add(&mut self, register: u32, sample: &Sample) {
        self.seq += 1;
        let out = &mut self.buffer;
        out.extend_from_slice(b"{\"type\":\"reading\",\"seq\":");
        decimal(self.seq, out);
        out.extend_from_slice(b",\"ch\":\"");
        decimal(register.into(), out);
        out.extend_from_slice(b"\",\"t\":");
        decimal(sample.time, out);
        out.extend_from_slice(b",\"wh\":");
        decimal(sample.wh, out);
        out.extend_from_slice(b"}\n");
    }

    /// Hands over what was added.
    pub(super) fn send(&mut self) -> Result<(), Failure> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let next = Vec::with_capacity(self.buffer.capacity());
        let lines = std::mem::replace(&mut self.buffer, next);
        let part = Part { lines, seq: self.seq };
        self.send.blocking_send(part).map_err(|_| "a gateway's connection ended early".into())
    }

    /// Waits until everything is acknowledged; answers how long that took, part by part.
    pub(super) fn finish(self, runtime: &Runtime) -> Result<Vec<Duration>, Failure> {
        drop(self.send);
        runtime.block_on(self.task)?
    }
}

async fn connect(
    address: SocketAddr,
    number: u32,
) -> Result<(TcpStream, BufReader<std::io::Cursor<Vec<u8>>>), Failure> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let hello = ClientMessage::Hello(Hello {
        serial: serial(number),
        credential: Credential::Secret(SECRET.to_owned()),
    });
    stream.write_all(&hello.to_line()).await?;
    let mut heard = Vec::new();
    while !heard.contains(&b'\n') {
        if stream.read_buf(&mut heard).await? == 0 {
            return Err("the server closed a connection".into());
        }
    }
    let end = heard.iter().position(|&byte| byte == b'\n').unwrap_or_default();
    let answer = ServerMessage::parse(heard.get(..end).unwrap_or_default())?;
    if !matches!(answer, ServerMessage::Welcome(_)) {
        return Err(format!("instead of a welcome: {answer:?}").into());
    }
    let rest = heard.get(end + 1..).unwrap_or_default().to_vec();
    Ok((stream, BufReader::new(std::io::Cursor::new(rest))))
}

async fn report(
    stream: TcpStream,
    heard: BufReader<std::io::Cursor<Vec<u8>>>,
    mut parts: mpsc::Receiver<Part>,
) -> Result<Vec<Duration>, Failure> {
    let (read, mut write) = stream.into_split();
    let sent: Mutex<VecDeque<(i64, Instant)>> = Mutex::default();
    let closed = tokio::sync::Notify::new();
    let writing = async {
        while let Some(part) = parts.recv().await {
            // Before the write: its acknowledgement may come before the write ends.
            sent.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push_back((part.seq, Instant::now()));
            write.write_all(&part.lines).await?;
        }
        closed.notify_one();
        Ok::<(), Failure>(())
    };
    let mut latencies = Vec::new();
    let hearing = async {
        let mut lines = BufReader::new(heard.chain(BufReader::new(read)));
        let mut line = Vec::new();
        let mut is_closed = false;
        loop {
            if is_closed && sent.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
                return Ok::<(), Failure>(());
            }
            tokio::select! {
                biased;
                got = lines.read_until(b'\n', &mut line) => {
                    if got? == 0 {
                        return Err("the server closed a connection".into());
                    }
                }
                () = closed.notified(), if !is_closed => {
                    is_closed = true;
                    continue;
                }
            }
            let answer = ServerMessage::parse(line.trim_ascii_end())?;
            let ServerMessage::Ack { seq } = answer else {
                return Err(format!("instead of an acknowledgement: {answer:?}").into());
            };
            let acknowledged = i64::try_from(seq)?;
            line.clear();
            let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
            while let Some(&(seq, since)) = sent.front() {
                if seq > acknowledged {
                    break;
                }
                latencies.push(since.elapsed());
                sent.pop_front();
            }
        }
    };
    let _: ((), ()) = tokio::try_join!(writing, hearing)?;
    Ok(latencies)
}
