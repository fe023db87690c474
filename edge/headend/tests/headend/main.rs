//! The head-end over real sockets, with a real registry and ledger.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod bench;
mod line;
mod pace;
mod ports;
mod prototype;
