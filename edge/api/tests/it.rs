//! The interface over a real registry and ledger, called as HTTP.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "it/admin.rs"]
mod admin;
#[path = "it/alerts.rs"]
mod alerts;
#[path = "it/billing.rs"]
mod billing;
#[path = "it/delivery.rs"]
mod delivery;
#[path = "it/document.rs"]
mod document;
#[path = "it/everyone_else.rs"]
mod everyone_else;
#[path = "it/meter_life.rs"]
mod meter_life;
#[path = "it/pages.rs"]
mod pages;
#[path = "it/session.rs"]
mod session;
#[path = "it/town.rs"]
mod town;
#[path = "it/usage.rs"]
mod usage;
#[path = "it/validation.rs"]
mod validation;
