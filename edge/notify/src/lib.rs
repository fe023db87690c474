//! Telling people: from the outbox of the registry to a mailbox, a program, a gateway or a browser.
//!
//! A message is written into the outbox in the transaction of its cause and delivered afterwards, at
//! least once: after a crash between delivery and the mark, it is delivered again with the same
//! message id. What fails is tried again with growing waits; what can never work, or failed too
//! often, stays as a dead letter with its reason.
//!
//! A slow receiver keeps only its own messages waiting. A destination that fails again and again is
//! paused, and its owner is told once.

mod backoff;
mod gateway;
mod html;
mod keys;
mod outbound;
mod push;
mod smtp;
mod text;
mod webhook;
mod worker;

pub use backoff::{ATTEMPTS, wait_seconds};
pub use gateway::GatewaySettings;
pub use keys::{Keys, KeysError};
pub use outbound::{AddressError, Outbound, http_client};
pub use push::{BrowserKeys, PushKey};
pub use smtp::{DeliveryError, Smtp, SmtpConfig, SmtpConfigError, SmtpSecurity};
pub use text::{Catalogue, Letter, TextError, Texts, Words};
pub use webhook::signature;
pub use worker::{Round, Worker, WorkerError, contact};
