//! What meters say on a byte stream, as values: no sockets, no clock, no tasks.
//!
//! - [`v1`]: our own line protocol, newline-delimited JSON, both sides of it, and its session as a
//!   state machine (bytes and time in, commands out).
//! - [`lab`]: the unframed JSON of the prototype that Corrente grew out of.
//! - [`detect`]: which protocol a connection speaks, from its first bytes.
//!
//! `docs/protocol.md` is the specification; its examples are tests of this crate.

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

mod decimal;
pub mod detect;
pub mod lab;
pub mod v1;
