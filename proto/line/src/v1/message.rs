//! The messages, as values.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use corrente_metering::{ChannelKind, Direction, Reading, Timestamp};

use super::LineError;

/// What a meter says.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientMessage<'a> {
    /// Who it is; the first line of a connection.
    Hello(Hello),
    /// One reading.
    Reading {
        /// The channel's name.
        channel: Cow<'a, str>,
        /// Sequence number and reading.
        reading: BatchReading,
        /// Power at that instant in watts, where the meter has it.
        power_w: Option<i64>,
    },
    /// Many readings of one channel.
    Batch {
        /// The channel's name.
        channel: Cow<'a, str>,
        /// The readings, in the order sent.
        readings: Vec<BatchReading>,
    },
    /// A power sample that is shown live and not stored as a reading.
    Sample(Sample),
    /// Are you there?
    Ping,
    /// The answer to a ping.
    Pong,
}

/// A reading with its meter's own, persistent, rising number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchReading {
    /// Sequence number, at least 1.
    pub seq: u64,
    /// The reading.
    pub reading: Reading,
}

/// Who a meter is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Its serial number.
    pub serial: String,
    /// How it proves that.
    pub credential: Credential,
}

/// How a meter proves who it is.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// The secret that was given to it.
    Secret(String),
    /// A token with which it enrols, once; it is answered with a secret.
    Token {
        /// The token's text.
        token: String,
        /// The channels that it has; never empty (one import register when it named none).
        channels: Vec<Channel>,
        /// The name of its usage point, where recorded data is replayed.
        usage_point: Option<String>,
    },
}

/// Secrets stay out of logs.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(_) => f.write_str("Secret(…)"),
            Self::Token { channels, usage_point, .. } => f
                .debug_struct("Token")
                .field("channels", channels)
                .field("usage_point", usage_point)
                .finish_non_exhaustive(),
        }
    }
}

/// A channel that an enrolling meter declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its name within the meter, `[a-z0-9_.-]{1,32}`.
    pub name: String,
    /// What its values mean.
    pub kind: ChannelKind,
    /// Which way its energy flows.
    pub direction: Direction,
    /// Seconds from one reading to the next, where that is fixed.
    pub interval_s: Option<u32>,
}

impl Channel {
    /// The import register that a meter has when it names no channel.
    pub fn import_register() -> Self {
        Self {
            name: super::DEFAULT_CHANNEL.to_owned(),
            kind: ChannelKind::Register,
            direction: Direction::Import,
            interval_s: None,
        }
    }
}

/// Up to three phases, in thousandths of the unit (mV, mA).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhaseValues([Option<i64>; 3]);

impl PhaseValues {
    /// The values of phase 1 to 3; what is beyond the third is left out.
    pub fn from_slice(values: &[i64]) -> Self {
        let mut phases = [None; 3];
        for (phase, value) in phases.iter_mut().zip(values) {
            *phase = Some(*value);
        }
        Self(phases)
    }

    /// The values of the phases that are known, in order.
    pub fn iter(self) -> impl Iterator<Item = i64> {
        self.0.into_iter().flatten()
    }

    /// Phases 1 to 3.
    pub const fn phases(self) -> [Option<i64>; 3] {
        self.0
    }

    /// Is none known?
    pub fn is_empty(self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}

/// What is being used at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub t: Timestamp,
    /// Power in watts; negative when the place gives energy to the grid.
    pub power_w: i64,
    /// Voltage per phase in millivolts.
    pub volts_mv: PhaseValues,
    /// Current per phase in milliamperes.
    pub amps_ma: PhaseValues,
}

/// What a head-end says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerMessage {
    /// The meter is admitted.
    Welcome(Welcome),
    /// Every reading up to this number that was sent on this connection is durable.
    Ack {
        /// The sequence number.
        seq: u64,
    },
    /// Something was wrong; the connection ends.
    Error(LineError),
    /// Report every so many seconds from now on.
    Set {
        /// Seconds from one reading to the next.
        interval_s: u32,
    },
    /// Are you there?
    Ping,
    /// The answer to a ping.
    Pong,
    /// The server goes away; connect again in a while.
    Bye,
    /// A message of a later version: to be ignored.
    Other,
}

/// What an admitted meter needs to know.
#[derive(Clone, PartialEq, Eq)]
pub struct Welcome {
    /// The meter's id, a UUID.
    pub meter: String,
    /// Its secret; only after enrolment, and never again.
    pub secret: Option<String>,
    /// Its channels by name, with their numbers.
    pub channels: BTreeMap<String, u64>,
    /// Seconds from one reading to the next.
    pub interval_s: u32,
    /// Business time at the server.
    pub time: Timestamp,
}

/// Secrets stay out of logs.
impl fmt::Debug for Welcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Welcome")
            .field("meter", &self.meter)
            .field("secret", &self.secret.as_ref().map(|_| "…"))
            .field("channels", &self.channels)
            .field("interval_s", &self.interval_s)
            .field("time", &self.time)
            .finish()
    }
}
