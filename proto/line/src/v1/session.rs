//! The head-end's side of a connection: bytes and time in, commands out.

use corrente_metering::Reading;

use super::{
    ClientMessage, ErrorCode, Hello, LineError, MAX_HELLO_BYTES, MAX_LINE_BYTES, Sample,
    ServerMessage, names::Names,
};

/// Limits of a connection that a deployment may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A connection is closed after so many milliseconds without a byte; half of that later than the
    /// last byte it is asked whether it is there.
    pub idle_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        // Longer than the longest usual reporting interval, an hour.
        Self { idle_ms: 2 * 60 * 60 * 1000 }
    }
}

/// What came out of some bytes. To be done in the order of the fields.
#[derive(Debug, Default)]
pub struct Received {
    /// A meter introduced itself: look it up, then call [`Session::admitted`] or end the connection.
    pub hello: Option<Hello>,
    /// Readings to store, in the order in which they came.
    pub readings: Vec<ChannelReading>,
    /// Samples to show.
    pub samples: Vec<Sample>,
    /// Bytes to send now.
    pub reply: Vec<u8>,
    /// When what is above is durable and acknowledged, send this and close.
    pub end: Option<LineError>,
}

/// A reading of one of the meter's channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelReading {
    /// Which channel: an index into the names given to [`Session::admitted`].
    pub channel: usize,
    /// The meter's number.
    pub seq: u64,
    /// The reading.
    pub reading: Reading,
    /// Power at that instant in watts, where the meter has it.
    pub power_w: Option<i64>,
}

/// A connection. Between lines it holds no buffer.
#[derive(Debug)]
pub struct Session {
    state: State,
    /// The beginning of a line whose end has not come, or what came behind a `hello`.
    partial: Vec<u8>,
    /// How much of `partial` is known to have no newline.
    searched: usize,
    heard_ms: u64,
    asked: bool,
    limits: Limits,
}

#[derive(Debug)]
enum State {
    /// Nobody knows who it is.
    Greeting,
    /// A hello is being looked up; what comes behind it waits.
    Admitting,
    /// An admitted meter with these channels.
    Reporting(Names),
    /// An error was found: nothing more is read.
    Ended,
}

impl Session {
    /// A new connection. `now_ms` is a monotonic count of milliseconds, here and below.
    pub fn new(limits: Limits, now_ms: u64) -> Self {
        Self {
            state: State::Greeting,
            partial: Vec::new(),
            searched: 0,
            heard_ms: now_ms,
            asked: false,
            limits,
        }
    }

    /// Takes bytes that were read from the connection.
    pub fn receive(&mut self, bytes: &[u8], now_ms: u64) -> Received {
        self.heard_ms = now_ms;
        self.asked = false;
        let mut received = Received::default();
        match self.state {
            State::Ended => {}
            State::Admitting => self.partial.extend_from_slice(bytes),
            State::Greeting | State::Reporting(_) if self.partial.is_empty() => {
                self.take_lines(bytes, &mut received);
            }
            State::Greeting | State::Reporting(_) => {
                self.partial.extend_from_slice(bytes);
                self.take_partial(&mut received);
            }
        }
        received
    }

    /// The meter is admitted and has channels of these names. Takes what came behind its hello.
    pub fn admitted(&mut self, channels: impl IntoIterator<Item = Box<str>>) -> Received {
        self.state = State::Reporting(Names::new(channels));
        let mut received = Received::default();
        self.take_partial(&mut received);
        received
    }

    /// Bytes of a line whose end has not come; 0 between lines.
    pub fn partial_bytes(&self) -> usize {
        self.partial.len()
    }

    /// When [`Session::on_time`] wants to be called.
    pub fn deadline_ms(&self) -> u64 {
        let wait =
            if self.asked { self.limits.idle_ms } else { self.limits.idle_ms.wrapping_div(2) };
        self.heard_ms.saturating_add(wait)
    }

    /// Time has passed: asks a silent meter whether it is there, and gives one up that does not answer.
    pub fn on_time(&mut self, now_ms: u64) -> Received {
        let mut received = Received::default();
        if now_ms < self.deadline_ms() || matches!(self.state, State::Ended) {
            return received;
        }
        if self.asked {
            self.end(
                LineError::new(ErrorCode::Idle, "nothing was heard for too long"),
                &mut received,
            );
        } else {
            self.asked = true;
            if matches!(self.state, State::Reporting(_)) {
                ServerMessage::Ping.encode(&mut received.reply);
            }
        }
        received
    }

    fn take_partial(&mut self, received: &mut Received) {
        let waiting = std::mem::take(&mut self.partial);
        let searched = std::mem::take(&mut self.searched);
        let unsearched = waiting.get(searched..).unwrap_or_default();
        let Some(first) = memchr::memchr(b'\n', unsearched) else {
            self.keep(waiting, received);
            return;
        };
        let end = searched.saturating_add(first);
        let (line, rest) = waiting.split_at_checked(end).unwrap_or((&waiting, &[]));
        self.line(line, received);
        let rest = rest.get(1..).unwrap_or_default();
        self.take_lines(rest, received);
    }

    fn take_lines(&mut self, bytes: &[u8], received: &mut Received) {
        let mut rest = bytes;
        loop {
            match self.state {
                State::Ended => return,
                State::Admitting => {
                    // Searched again once the meter is admitted.
                    self.partial = rest.to_vec();
                    self.searched = 0;
                    return;
                }
                State::Greeting | State::Reporting(_) => {}
            }
            let Some(end) = memchr::memchr(b'\n', rest) else { break };
            let (line, tail) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            self.line(line, received);
            rest = tail.get(1..).unwrap_or_default();
        }
        if !rest.is_empty() {
            self.keep(rest.to_vec(), received);
        }
    }

    /// Keeps the beginning of a line, unless it is already too long.
    fn keep(&mut self, beginning: Vec<u8>, received: &mut Received) {
        if let Err(error) = self.check_length(beginning.len()) {
            self.end(error, received);
            return;
        }
        self.searched = if matches!(self.state, State::Admitting) { 0 } else { beginning.len() };
        self.partial = beginning;
    }

    fn check_length(&self, length: usize) -> Result<(), LineError> {
        let (most, reason) = match self.state {
            State::Greeting => (MAX_HELLO_BYTES, "a hello line has at most 16 KiB"),
            // What waits behind a hello is bounded by one read of the connection.
            State::Admitting | State::Ended => return Ok(()),
            State::Reporting(_) => (MAX_LINE_BYTES, "a line has at most 1 MiB"),
        };
        if length > most { Err(LineError::new(ErrorCode::TooLong, reason)) } else { Ok(()) }
    }

    fn line(&mut self, line: &[u8], received: &mut Received) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        if let Err(error) =
            self.check_length(line.len()).and_then(|()| self.message(line, received))
        {
            self.end(error, received);
        }
    }

    fn message(&mut self, line: &[u8], received: &mut Received) -> Result<(), LineError> {
        let message = ClientMessage::parse(line)?;
        let State::Reporting(channels) = &self.state else {
            let ClientMessage::Hello(hello) = message else {
                return Err(LineError::new(
                    ErrorCode::BadOrder,
                    "the first line of a connection must be a hello",
                ));
            };
            received.hello = Some(hello);
            self.state = State::Admitting;
            return Ok(());
        };
        match message {
            ClientMessage::Reading { channel, reading, power_w } => {
                let channel =
                    index_of(channels, &channel).map_err(|e| e.of_reading(reading.seq))?;
                received.readings.push(ChannelReading {
                    channel,
                    seq: reading.seq,
                    reading: reading.reading,
                    power_w,
                });
            }
            ClientMessage::Batch { channel, readings } => {
                let first = readings.first().map_or(0, |r| r.seq);
                let channel = index_of(channels, &channel).map_err(|e| e.of_reading(first))?;
                received.readings.extend(readings.into_iter().map(|r| ChannelReading {
                    channel,
                    seq: r.seq,
                    reading: r.reading,
                    power_w: None,
                }));
            }
            ClientMessage::Sample(sample) => received.samples.push(sample),
            ClientMessage::Ping => ServerMessage::Pong.encode(&mut received.reply),
            ClientMessage::Pong => {}
            ClientMessage::Hello(_) => {
                return Err(LineError::new(
                    ErrorCode::BadOrder,
                    "this connection has had its hello",
                ));
            }
        }
        Ok(())
    }

    fn end(&mut self, error: LineError, received: &mut Received) {
        self.state = State::Ended;
        self.partial = Vec::new();
        self.searched = 0;
        received.end = Some(error);
    }
}

fn index_of(channels: &Names, name: &str) -> Result<usize, LineError> {
    channels.place(name).ok_or_else(|| LineError {
        code: ErrorCode::UnknownChannel,
        ..LineError::field("ch", format!("this meter has no channel `{}`", printable(name)))
    })
}

fn printable(name: &str) -> String {
    name.chars().take(32).map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests;
