//! Channels and raw readings.

use corrente_units::Energy;
use serde::{Deserialize, Serialize};

use crate::{ChannelId, Timestamp};

/// What the values of a channel mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// A cumulative register: the value is the counter at that instant.
    Register,
    /// The energy of the interval that ends at that instant, for sources without a register. Made
    /// into a register, a gap in such a source would turn into zero consumption.
    Interval,
}

/// Which way the energy of a channel flows, seen from the usage point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the grid to the customer (OBIS 1.8.x).
    Import,
    /// From the customer to the grid (OBIS 2.8.x).
    Export,
}

/// What the ledger needs to know about a channel before its first reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelSpec {
    /// Its surrogate id, made by the registry.
    pub id: ChannelId,
    /// What its values mean.
    pub kind: ChannelKind,
    /// Standard (winter) offset of its zone from UTC in seconds, east positive, fixed for ever: it
    /// cuts storage into block days and nothing that people see or pay.
    pub offset_seconds: i32,
}

/// The source's own word on a value, as a small code.
///
/// 0 is "good" or "said nothing". Codes are the protocol's or file format's business; the ledger only
/// keeps them.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SourceQuality(pub u8);

impl SourceQuality {
    /// Measured, or the source has no such word.
    pub const GOOD: Self = Self(0);
    /// The source calls the value its own estimate.
    pub const ESTIMATED: Self = Self(1);
    /// The source calls the value a substitute or a final replacement.
    pub const SUBSTITUTED: Self = Self(2);
}

/// One raw reading as the source sent it. It is never changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reading {
    /// When: the end of what was measured.
    pub end: Timestamp,
    /// The counter, or the interval's energy, by the channel's [`ChannelKind`].
    pub value: Energy,
    /// What the source says of it.
    pub quality: SourceQuality,
}
