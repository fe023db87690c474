//! Telling people: from the outbox of the registry to a mailbox.
//!
//! A message is written into the outbox in the transaction of its cause and delivered afterwards, at
//! least once: after a crash between delivery and the mark, it is delivered again with the same
//! message id. What fails is tried again with growing waits; what can never work, or failed too
//! often, stays as a dead letter with its reason.

mod backoff;
mod format;
mod smtp;
mod text;
mod worker;

pub use backoff::{ATTEMPTS, wait_seconds};
pub use smtp::{DeliveryError, Smtp, SmtpConfig, SmtpConfigError, SmtpSecurity};
pub use text::{Catalogue, Letter, TextError, Texts};
pub use worker::{Round, Worker};
