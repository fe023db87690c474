//! Line protocol, version 1: one JSON object a line, over TCP or TLS.
//!
//! A meter says [`ClientMessage`]s, a head-end says [`ServerMessage`]s. Both can be encoded and
//! parsed here, so that the meter client and the head-end never disagree about a comma.
//! [`Session`] is the head-end's side of a connection as a state machine.

mod ack;
mod bucket;
mod encode;
mod error;
mod message;
mod names;
mod parse;
mod scan;
mod session;

pub use ack::Acknowledgements;
pub use bucket::TokenBucket;
pub use error::{ErrorCode, LineError};
pub use message::{
    BatchReading, Channel, ClientMessage, Credential, Hello, PhaseValues, Sample, ServerMessage,
    Welcome,
};
pub use session::{ChannelReading, Limits, Received, Session};

/// The version that this module speaks.
pub const VERSION: u64 = 1;
/// The longest line in bytes, without its newline.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;
/// The longest `hello` line in bytes: before it, nobody knows who is asking for memory.
pub const MAX_HELLO_BYTES: usize = 16 * 1024;
/// The most readings in one batch.
pub const MAX_BATCH_READINGS: usize = 10_000;
/// The most channels that one meter may declare.
pub const MAX_CHANNELS: usize = 16;
/// The largest whole number on the wire: JSON numbers of every language carry it exactly (2^53 - 1).
pub const MAX_INTEGER: i64 = 9_007_199_254_740_991;
/// The name of a reading's channel when the message has none.
pub const DEFAULT_CHANNEL: &str = "import";
