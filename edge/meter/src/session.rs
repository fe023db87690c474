//! The task behind a [`crate::MeterClient`]: connect, hello, send, take acknowledgements, come back.

use std::{
    borrow::Cow,
    collections::VecDeque,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Buf, BytesMut};
use corrente_line::v1::{
    BatchReading, ClientMessage, Credential, ErrorCode, Hello, LineError, Sample, ServerMessage,
    Welcome,
};
use corrente_metering::{Reading, Timestamp};
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::{mpsc, oneshot, watch},
    time::{sleep_until, timeout},
};
use tokio_rustls::TlsConnector;

use crate::{ClientError, Identity, MeterConfig, MeterState, NewReading, Pending, StateError};

/// More than this waits in the state instead of in the socket's buffer.
const OUT_BYTES: usize = 256 * 1024;
/// The longest line that a server may send.
const IN_BYTES: usize = 64 * 1024;
const CONNECT: Duration = Duration::from_secs(10);

/// How the connection is.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Link {
    /// On the way to the server.
    #[default]
    Connecting,
    /// Welcome.
    Connected,
    /// An attempt failed, or the connection was lost; the next attempt comes.
    Waiting {
        /// What happened.
        reason: String,
        /// When the next attempt begins.
        until: Instant,
    },
    /// It will not come back.
    Stopped {
        /// Why.
        reason: String,
    },
}

/// What there is to know about a running meter.
#[derive(Clone, Debug, Default)]
pub struct LinkState {
    /// The connection.
    pub link: Link,
    /// Highest acknowledged sequence number.
    pub acknowledged: u64,
    /// Readings not acknowledged yet.
    pub pending: usize,
    /// When the last acknowledgement came.
    pub acknowledged_at: Option<Instant>,
    /// How often the server wants readings, in seconds.
    pub interval_seconds: Option<u32>,
    /// The server's business time at the last welcome, and when that was.
    pub server_time: Option<(Timestamp, Instant)>,
    /// The last thing that the server refused for ever.
    pub refused: Option<String>,
}

#[derive(Debug)]
pub(crate) enum Command {
    Send {
        readings: Vec<NewReading>,
        note: Option<Value>,
        answer: oneshot::Sender<Result<u64, StateError>>,
    },
    Sample(Sample),
    Flush(oneshot::Sender<()>),
    Reconnect(Duration),
}

/// Why a connection ended.
#[derive(Debug)]
enum Ended {
    /// The handle is gone.
    Closed,
    /// It will be tried again.
    Lost(String),
    /// The other end asked for it, or a refused reading closed it: come back at once or after a pause.
    Again(Duration),
    /// There is no sense in trying again.
    Fatal(ClientError),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Lost(error.to_string())
    }
}

impl From<StateError> for Ended {
    fn from(error: StateError) -> Self {
        Self::Fatal(error.into())
    }
}

#[derive(Debug)]
pub(crate) struct Session {
    config: MeterConfig,
    state: MeterState,
    commands: mpsc::Receiver<Command>,
    link: watch::Sender<LinkState>,
    flushing: Vec<(u64, oneshot::Sender<()>)>,
    /// Was the meter welcome once? Then a refusal may be a passing fault of the server.
    was_welcome: bool,
    /// The server did not take the secret; the token comes next.
    try_token: bool,
}

impl Session {
    pub(crate) fn new(
        config: MeterConfig,
        state: MeterState,
        commands: mpsc::Receiver<Command>,
        link: watch::Sender<LinkState>,
    ) -> Result<Self, ClientError> {
        if let (Some(identity), Some(path)) = (state.identity(), state.path())
            && identity.serial != config.serial
        {
            return Err(ClientError::State(StateError::OtherMeter {
                path: path.to_owned(),
                found: identity.serial.clone(),
                wanted: config.serial,
            }));
        }
        let kept = state.identity().is_some_and(|identity| identity.secret.is_some());
        if !kept && config.secret.is_none() && config.token.is_none() {
            return Err(ClientError::NoCredential(config.serial));
        }
        link.send_modify(|link| {
            link.pending = state.pending().len();
            link.acknowledged = state.acknowledged();
        });
        Ok(Self {
            config,
            state,
            commands,
            link,
            flushing: Vec::new(),
            was_welcome: false,
            try_token: false,
        })
    }

    pub(crate) async fn run(mut self) -> Result<(), ClientError> {
        loop {
            self.link.send_modify(|link| link.link = Link::Connecting);
            let pause = match self.connection().await {
                Ended::Closed => return Ok(()),
                Ended::Fatal(error) => {
                    let reason = error.to_string();
                    self.link.send_modify(|link| link.link = Link::Stopped { reason });
                    return Err(error);
                }
                Ended::Again(pause) => pause,
                Ended::Lost(reason) => {
                    self.config.statistics.count_failure();
                    let pause = self.config.back_off.failed();
                    let until = Instant::now() + pause;
                    tracing::debug!(meter.serial = self.config.serial, reason, "connection lost");
                    self.link.send_modify(|link| link.link = Link::Waiting { reason, until });
                    pause
                }
            };
            if !self.wait(pause).await {
                return Ok(());
            }
        }
    }

    /// Goes on keeping readings during a pause. Says `false` when the handle is gone.
    async fn wait(&mut self, pause: Duration) -> bool {
        let until = tokio::time::Instant::now() + pause;
        loop {
            let room = self.has_room();
            tokio::select! {
                () = sleep_until(until) => return true,
                command = self.commands.recv(), if room => match command {
                    None => return false,
                    Some(command) => { self.take(command); }
                }
            }
        }
    }

    fn has_room(&self) -> bool {
        self.state.pending().len() < self.config.most_pending
    }

    /// Does what a command asks that needs no connection. Gives back what does.
    fn take(&mut self, command: Command) -> Option<Command> {
        match command {
            Command::Send { readings, note, answer } => {
                let kept = self.state.append(readings, note);
                let pending = self.state.pending().len();
                self.link.send_modify(|link| link.pending = pending);
                // Whoever gave up waiting for the answer does not need it.
                answer.send(kept).ok();
                None
            }
            Command::Flush(answer) => {
                match self.state.pending().back() {
                    None => {
                        answer.send(()).ok();
                    }
                    Some(last) => self.flushing.push((last.sequence, answer)),
                }
                None
            }
            Command::Sample(_) | Command::Reconnect(_) => Some(command),
        }
    }

    async fn connection(&mut self) -> Ended {
        match self.connect().await {
            Ok(connection) => match self.serve(connection).await {
                Ok(never) => match never {},
                Err(ended) => ended,
            },
            Err(ended) => ended,
        }
    }

    /// Connects and says hello, and goes on keeping readings meanwhile.
    async fn connect(&mut self) -> Result<Connection, Ended> {
        let greeting = greet(self.config.address.clone(), self.config.tls.clone(), self.hello()?);
        tokio::pin!(greeting);
        let (connection, answer) = loop {
            let room = self.has_room();
            tokio::select! {
                greeted = &mut greeting => break greeted?,
                command = self.commands.recv(), if room => match command {
                    None => return Err(Ended::Closed),
                    Some(command) => { self.take(command); }
                }
            }
        };
        match answer {
            ServerMessage::Welcome(welcome) => {
                self.welcomed(welcome)?;
                Ok(connection)
            }
            ServerMessage::Error(error) => Err(self.not_welcome(error)),
            ServerMessage::Bye => Err(Ended::Lost("the server is going away".to_owned())),
            ServerMessage::Ack { .. }
            | ServerMessage::Set { .. }
            | ServerMessage::Ping
            | ServerMessage::Pong
            | ServerMessage::Other => {
                Err(Ended::Lost("the server did not answer hello with welcome".to_owned()))
            }
        }
    }

    fn hello(&self) -> Result<Vec<u8>, Ended> {
        let kept = self.state.identity().and_then(|identity| identity.secret.clone());
        let secret = kept.or_else(|| self.config.secret.clone());
        let token = self.config.token.clone();
        let credential = match (secret, token) {
            (Some(secret), _) if !self.try_token => Credential::Secret(secret),
            (_, Some(token)) => Credential::Token {
                token,
                channels: self.config.channels.clone(),
                usage_point: self.config.usage_point.clone(),
            },
            (Some(secret), None) => Credential::Secret(secret),
            (None, None) => {
                let serial = self.config.serial.clone();
                return Err(Ended::Fatal(ClientError::NoCredential(serial)));
            }
        };
        let serial = self.config.serial.clone();
        Ok(ClientMessage::Hello(Hello { serial, credential }).to_line())
    }

    fn welcomed(&mut self, welcome: Welcome) -> Result<(), Ended> {
        let known = self.state.identity().is_some();
        if welcome.secret.is_some() || !known {
            let serial = self.config.serial.clone();
            let secret = welcome.secret.or_else(|| self.config.secret.clone());
            let identity = Identity { serial, secret };
            if let Some(identities) = &self.config.identities {
                // Whoever asked may have gone; the state below has it all the same.
                identities.send(identity.clone()).ok();
            }
            self.state.identify(identity)?;
        }
        self.was_welcome = true;
        self.try_token = false;
        self.config.back_off.succeeded();
        self.link.send_modify(|link| {
            link.link = Link::Connected;
            link.interval_seconds = Some(welcome.interval_s);
            link.server_time = Some((welcome.time, Instant::now()));
        });
        Ok(())
    }

    fn not_welcome(&mut self, error: LineError) -> Ended {
        match error.code {
            ErrorCode::NotAdmitted if self.config.token.is_some() && !self.try_token => {
                // The secret may be of a server that was set up anew: enrol.
                self.try_token = true;
                Ended::Again(Duration::ZERO)
            }
            ErrorCode::NotAdmitted
            | ErrorCode::BadField
            | ErrorCode::BadVersion
            | ErrorCode::BadJson
            | ErrorCode::BadOrder
            | ErrorCode::UnknownType
            | ErrorCode::UnknownChannel
                if !self.was_welcome =>
            {
                Ended::Fatal(refusal(&error))
            }
            ErrorCode::NotAdmitted
            | ErrorCode::BadField
            | ErrorCode::BadVersion
            | ErrorCode::BadJson
            | ErrorCode::BadOrder
            | ErrorCode::UnknownType
            | ErrorCode::UnknownChannel
            | ErrorCode::TooLong
            | ErrorCode::Limit
            | ErrorCode::Idle
            | ErrorCode::Unavailable => {
                self.try_token = false;
                Ended::Lost(error.to_string())
            }
        }
    }

    async fn serve(&mut self, connection: Connection) -> Result<std::convert::Infallible, Ended> {
        let _connected = self.config.statistics.welcomed();
        let Connection { mut reader, mut writer, mut read } = connection;
        let mut flight = Flight::default();
        let mut out = BytesMut::new();
        let mut heard = tokio::time::Instant::now();
        let mut pinged = false;
        // What was written may wait inside TLS until it is flushed.
        let mut unflushed = false;
        // What came behind the welcome.
        self.hear(&mut read, &mut out, &mut flight)?;
        loop {
            self.fill(&mut out, &mut flight);
            let room = self.has_room();
            let quiet = heard + if pinged { self.config.silence } else { self.config.silence / 3 };
            tokio::select! {
                // Acknowledgements first: they make room.
                biased;
                got = reader.read_buf(&mut read) => {
                    if got? == 0 {
                        return Err(Ended::Lost("the server closed the connection".to_owned()));
                    }
                    heard = tokio::time::Instant::now();
                    pinged = false;
                    self.hear(&mut read, &mut out, &mut flight)?;
                }
                wrote = write_on(&mut writer, &mut out), if out.has_remaining() || unflushed => {
                    unflushed = wrote?;
                    if out.is_empty() {
                        // An idle meter holds no buffer.
                        out = BytesMut::new();
                    }
                }
                command = self.commands.recv(), if room => match command {
                    None => return Err(Ended::Closed),
                    Some(command) => match self.take(command) {
                        Some(Command::Sample(sample)) if out.len() < OUT_BYTES => {
                            put(&mut out, &ClientMessage::Sample(sample));
                        }
                        Some(Command::Reconnect(pause)) => return Err(Ended::Again(pause)),
                        Some(_) | None => {}
                    }
                },
                () = sleep_until(quiet) => {
                    if pinged {
                        return Err(Ended::Lost("the server has gone silent".to_owned()));
                    }
                    pinged = true;
                    put(&mut out, &ClientMessage::Ping);
                }
            }
        }
    }

    /// Encodes what has not been sent on this connection, as much as the buffer takes.
    fn fill(&self, out: &mut BytesMut, flight: &mut Flight) {
        let pending = self.state.pending();
        while out.len() < OUT_BYTES {
            let first = pending.partition_point(|p| p.sequence <= flight.sent);
            let Some(next) = pending.get(first) else { return };
            let count = pending
                .range(first..)
                .take(self.config.batch.max(1))
                .take_while(|p| p.reading.channel == next.reading.channel)
                .count();
            let channel = Cow::Borrowed(next.reading.channel.as_ref());
            let message = if count == 1 {
                let power_w = next.reading.power.map(corrente_units::Power::w);
                ClientMessage::Reading { channel, reading: numbered(next), power_w }
            } else {
                let readings = pending.range(first..first + count).map(numbered).collect();
                ClientMessage::Batch { channel, readings }
            };
            put(out, &message);
            flight.sent = pending.get(first + count - 1).map_or(flight.sent, |p| p.sequence);
            flight.lines.push_back((flight.sent, Instant::now()));
            self.config.statistics.count_sent(count);
        }
    }

    /// Does what the whole lines in `read` say.
    fn hear(
        &mut self,
        read: &mut BytesMut,
        out: &mut BytesMut,
        flight: &mut Flight,
    ) -> Result<(), Ended> {
        while let Some(message) = next_message(read)? {
            match message {
                ServerMessage::Ack { seq } => self.acknowledged(seq.min(flight.sent), flight)?,
                ServerMessage::Set { interval_s } => {
                    self.link.send_modify(|link| link.interval_seconds = Some(interval_s));
                }
                ServerMessage::Ping => put(out, &ClientMessage::Pong),
                ServerMessage::Error(error) => return Err(self.refused(&error)),
                ServerMessage::Bye => {
                    return Err(Ended::Lost("the server is going away".to_owned()));
                }
                ServerMessage::Pong | ServerMessage::Welcome(_) | ServerMessage::Other => {}
            }
        }
        Ok(())
    }

    fn acknowledged(&mut self, sequence: u64, flight: &mut Flight) -> Result<(), Ended> {
        let now = Instant::now();
        while let Some((last, sent)) = flight.lines.front()
            && *last <= sequence
        {
            self.config.statistics.latency().record(now.duration_since(*sent));
            flight.lines.pop_front();
        }
        let count = self.state.acknowledge(sequence)?;
        self.config.statistics.count_acknowledged(count);
        self.settle(now);
        Ok(())
    }

    /// The server will have nothing more from this connection.
    fn refused(&mut self, error: &LineError) -> Ended {
        if let Some(seq) = error.seq {
            self.config.statistics.count_refused();
            match self.state.refuse(seq) {
                Err(error) => return error.into(),
                Ok(None) => return Ended::Lost(error.to_string()),
                Ok(Some(reading)) => {
                    let said = format!("reading of {}: {error}", reading.reading.end);
                    tracing::warn!(
                        meter.serial = self.config.serial,
                        reading.sequence = seq,
                        reason = %error,
                        "the server refused a reading for ever"
                    );
                    self.link.send_modify(|link| link.refused = Some(said));
                    self.settle(Instant::now());
                    return Ended::Again(Duration::from_millis(50));
                }
            }
        }
        if error.code == ErrorCode::UnknownChannel {
            return Ended::Fatal(refusal(error));
        }
        Ended::Lost(error.to_string())
    }

    /// After an acknowledgement or a refusal: tells whoever waits.
    fn settle(&mut self, now: Instant) {
        let oldest = self.state.pending().front().map(|p| p.sequence);
        for (_, answer) in
            self.flushing.extract_if(.., |(last, _)| oldest.is_none_or(|oldest| oldest > *last))
        {
            // Whoever gave up waiting does not need to know.
            answer.send(()).ok();
        }
        let (pending, acknowledged) = (self.state.pending().len(), self.state.acknowledged());
        self.link.send_modify(|link| {
            link.pending = pending;
            link.acknowledged = acknowledged;
            link.acknowledged_at = Some(now);
        });
    }
}

/// What was written on this connection and is not acknowledged.
#[derive(Debug, Default)]
struct Flight {
    /// Highest sequence number written.
    sent: u64,
    /// Last number of each line, and when it was written.
    lines: VecDeque<(u64, Instant)>,
}

struct Connection {
    reader: Box<dyn AsyncRead + Send + Unpin>,
    writer: Box<dyn AsyncWrite + Send + Unpin>,
    /// What was read and not used.
    read: BytesMut,
}

async fn greet(
    address: String,
    tls: Option<Arc<rustls::ClientConfig>>,
    hello: Vec<u8>,
) -> Result<(Connection, ServerMessage), Ended> {
    let greet = async {
        let mut connection = open(&address, tls).await?;
        connection.writer.write_all(&hello).await?;
        connection.writer.flush().await?;
        loop {
            if let Some(message) = next_message(&mut connection.read)? {
                return Ok((connection, message));
            }
            if connection.reader.read_buf(&mut connection.read).await? == 0 {
                return Err(Ended::Lost("the server closed the connection".to_owned()));
            }
        }
    };
    timeout(CONNECT, greet)
        .await
        .unwrap_or_else(|_| Err(Ended::Lost(format!("no answer within {} s", CONNECT.as_secs()))))
}

async fn open(address: &str, tls: Option<Arc<rustls::ClientConfig>>) -> Result<Connection, Ended> {
    let lost = |error: io::Error| Ended::Lost(format!("{address}: {error}"));
    let stream = TcpStream::connect(address).await.map_err(lost)?;
    stream.set_nodelay(true)?;
    let read = BytesMut::new();
    let Some(tls) = tls else {
        let (reader, writer) = stream.into_split();
        return Ok(Connection { reader: Box::new(reader), writer: Box::new(writer), read });
    };
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
        .map_err(|_| Ended::Lost(format!("`{host}` is no name that TLS can check")))?;
    let stream = TlsConnector::from(tls).connect(name, stream).await.map_err(lost)?;
    let (reader, writer) = tokio::io::split(stream);
    Ok(Connection { reader: Box::new(reader), writer: Box::new(writer), read })
}

/// Writes some of the buffer, or flushes when there is nothing left to write. Says whether there is
/// something to flush.
async fn write_on(writer: &mut (impl AsyncWrite + Unpin), out: &mut BytesMut) -> io::Result<bool> {
    if out.has_remaining() {
        writer.write_buf(out).await.map(|_| true)
    } else {
        writer.flush().await.map(|()| false)
    }
}

/// Takes the next whole line off the buffer.
fn next_message(read: &mut BytesMut) -> Result<Option<ServerMessage>, Ended> {
    let Some(end) = memchr::memchr(b'\n', read) else {
        if read.len() > IN_BYTES {
            return Err(Ended::Lost("the server sent a line without an end".to_owned()));
        }
        if read.is_empty() {
            *read = BytesMut::new();
        }
        return Ok(None);
    };
    let line = read.split_to(end + 1);
    let line = line.get(..end).unwrap_or_default();
    ServerMessage::parse(line.trim_ascii_end())
        .map(Some)
        .map_err(|error| Ended::Lost(format!("the server sent what is no message: {error}")))
}

fn put(out: &mut BytesMut, message: &ClientMessage<'_>) {
    let mut line = Vec::new();
    message.encode(&mut line);
    out.extend_from_slice(&line);
}

fn numbered(pending: &Pending) -> BatchReading {
    let reading = &pending.reading;
    BatchReading {
        seq: pending.sequence,
        reading: Reading { end: reading.end, value: reading.value, quality: reading.quality },
    }
}

fn refusal(error: &LineError) -> ClientError {
    let reason = match &error.field {
        Some(field) => format!("{field}: {}", error.reason),
        None => error.reason.clone().into_owned(),
    };
    ClientError::Refused { code: error.code.as_str().to_owned(), reason }
}
