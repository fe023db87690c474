//! The registry on real files.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "it/admin.rs"]
mod admin;
#[path = "it/billing.rs"]
mod billing;
#[path = "it/corpus.rs"]
mod corpus;
#[path = "it/engine.rs"]
mod engine;
#[path = "it/enrolment.rs"]
mod enrolment;
#[path = "it/people.rs"]
mod people;
#[path = "it/privacy.rs"]
mod privacy;
#[path = "it/town.rs"]
mod town;
