//! A meter's side of line protocol v1: what `corrente meter`, `fleet` and `replay` send readings with.
//!
//! A [`MeterClient`] keeps its identity and every reading that the server has not acknowledged in a
//! [`MeterState`], on disk where a path is given. It connects, says hello, sends, takes the cumulative
//! acknowledgements, and after a lost connection comes back with growing pauses and sends again what
//! was not acknowledged; the server's ledger makes that harmless. Nothing is dropped: when the state
//! is as large as it may become, [`MeterClient::send`] waits.
//!
//! ```no_run
//! # async fn example() -> Result<(), corrente_meter::ClientError> {
//! use corrente_meter::{MeterClient, MeterConfig, MeterState, NewReading, register_channel};
//! use corrente_metering::Timestamp;
//! use corrente_units::Energy;
//!
//! let state = MeterState::open("meter.state".as_ref())?;
//! let config = MeterConfig::enrol("127.0.0.1:4005", "M-1", "token", register_channel("import"));
//! let meter = MeterClient::start(config, state)?;
//! meter.send(vec![NewReading::new(Timestamp::from_second(1_764_000_000), Energy::from_wh(12_000))]).await?;
//! meter.flushed().await?;
//! meter.close().await
//! # }
//! ```

mod backoff;
mod client;
mod config;
mod error;
mod journal;
mod session;
mod state;
mod statistics;
mod tls;

pub use backoff::BackOff;
pub use client::MeterClient;
pub use config::{MeterConfig, interval_channel, register_channel};
pub use corrente_line::v1::Channel;
pub use error::{ClientError, StateError};
pub use session::{Link, LinkState};
pub use state::{Identity, MeterState, NewReading, Pending};
pub use statistics::{Latency, Statistics};
pub use tls::{TlsError, trusting};
