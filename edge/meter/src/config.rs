//! Whom to connect to, as whom.

use std::{sync::Arc, time::Duration};

use corrente_line::v1::{Channel, DEFAULT_CHANNEL};
use corrente_metering::{ChannelKind, Direction};

use tokio::sync::mpsc;

use crate::{BackOff, Identity, Statistics};

/// The channels of a meter that counts imported energy.
pub fn register_channel(name: &str) -> Vec<Channel> {
    vec![Channel { name: name.to_owned(), ..Channel::import_register() }]
}

/// The channels of a source that gives imported energy by intervals of so many seconds.
pub fn interval_channel(name: &str, seconds: u32) -> Vec<Channel> {
    vec![Channel {
        name: name.to_owned(),
        kind: ChannelKind::Interval,
        direction: Direction::Import,
        interval_s: Some(seconds),
    }]
}

/// How a meter connects.
#[derive(Clone, Debug)]
pub struct MeterConfig {
    /// `host:port` of the server.
    pub address: String,
    /// With it, the connection is encrypted and the server's certificate checked.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// The serial printed on the meter.
    pub serial: String,
    /// A secret agreed beforehand. One that the state holds from an enrolment goes before it.
    pub secret: Option<String>,
    /// The token with which the meter enrols when it has no secret, or when the server does not know
    /// it (any more).
    pub token: Option<String>,
    /// What it offers when it enrols.
    pub channels: Vec<Channel>,
    /// The name of the usage point that an enrolment makes.
    pub usage_point: Option<String>,
    /// Pauses between attempts.
    pub back_off: BackOff,
    /// Readings that may wait for their acknowledgement before [`crate::MeterClient::send`] waits.
    pub most_pending: usize,
    /// Readings in one line of the protocol.
    pub batch: usize,
    /// After so long without a word from the server, the connection counts as lost. The meter pings
    /// at a third of it.
    pub silence: Duration,
    /// Who wants to know who the meter turned out to be: a program that keeps the secrets of many.
    pub identities: Option<mpsc::UnboundedSender<Identity>>,
    /// Counters, shared where many meters run in one program.
    pub statistics: Arc<Statistics>,
}

impl MeterConfig {
    /// A meter that enrols with a token.
    pub fn enrol(address: &str, serial: &str, token: &str, channels: Vec<Channel>) -> Self {
        let mut config = Self::new(address, serial);
        config.token = Some(token.to_owned());
        config.channels = channels;
        config
    }

    /// A meter that was registered beforehand.
    pub fn with_secret(address: &str, serial: &str, secret: &str) -> Self {
        let mut config = Self::new(address, serial);
        config.secret = Some(secret.to_owned());
        config
    }

    /// A meter whose secret is in its state.
    pub fn new(address: &str, serial: &str) -> Self {
        Self {
            address: address.to_owned(),
            tls: None,
            serial: serial.to_owned(),
            secret: None,
            token: None,
            channels: register_channel(DEFAULT_CHANNEL),
            usage_point: None,
            back_off: BackOff::new(
                serial.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
                    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
                }),
            ),
            most_pending: 1_000_000,
            batch: 1_000,
            silence: Duration::from_secs(90),
            identities: None,
            statistics: Arc::default(),
        }
    }
}
