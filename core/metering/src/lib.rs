//! The words of metering: who is measured where by what, when, and how well it is known.
//!
//! - [`id`]: typed identifiers.
//! - [`time`]: [`Timestamp`] (whole seconds, UTC) and [`Span`], half open on the left: (start, end],
//!   because a reading's time closes its interval.
//! - [`calendar`]: local days, weeks, months, years and billing periods of a zone, of 23, 24 or 25
//!   hours; nothing else in the project makes a date out of a timestamp.
//! - [`channel`]: a register or interval channel of a meter, and its raw [`Reading`]s.
//! - [`assemble`]: readings and boundaries into the energy between them.
//! - [`profile`]: what is believed about a span: intervals with a [`Quality`] each.

#![cfg_attr(
    not(test),
    deny(
        clippy::float_arithmetic,
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::indexing_slicing,
        clippy::panic,
        missing_docs
    )
)]

pub mod assemble;
pub mod calendar;
pub mod channel;
pub mod id;
pub mod profile;
pub mod time;

pub use calendar::{Calendar, Date, UnknownZone};
pub use channel::{ChannelKind, ChannelSpec, Direction, Reading, SourceQuality};
pub use id::{ChannelId, ParseIdError};
pub use profile::{EstimationMethod, Interval, LoadProfile, Quality};
pub use time::{Span, Timestamp};
