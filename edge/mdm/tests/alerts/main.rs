//! Alerts on real files: told once, told live, put into the outbox, and over again.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail like the test itself")]

mod figures;
mod home;
mod killed;
mod told;
mod words;
