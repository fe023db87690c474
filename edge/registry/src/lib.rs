//! Everything that Corrente knows and that is not a reading: who is served where, by which meter, on
//! which tariff, what was billed and paid, who signs in, what was done by whom.
//!
//! A [`Registry`] is one SQLite file. What happens in it happens in a transaction:
//!
//! ```no_run
//! # async fn example() -> Result<(), corrente_registry::RegistryError> {
//! use corrente_registry::{Registry, organisations, organisations::NewOrganisation};
//! let registry = Registry::open("data/registry.db")?;
//! let now = corrente_metering::Timestamp::from_second(1_800_000_000);
//! let id = registry
//!     .write(move |tx| {
//!         organisations::insert(tx, &NewOrganisation::named("Vila Corrente", "America/Bahia"), now)
//!     })
//!     .await?;
//! # Ok(()) }
//! ```
//!
//! # How to add an operation
//!
//! Write a function over [`Tx`] in the module of its table, with its SQL as a constant above it: named
//! parameters (`$id`), `ON CONFLICT` and `RETURNING` only in the form that PostgreSQL knows too, no
//! function of one engine. Rows become structs through `row!`, whose fields have the columns' names. A
//! change of the schema is a new file in `migrations/`, never an edit of one that has landed.
//!
//! What is deliberately absent: readings (the ledger has them), clocks (the caller says what time it is),
//! and any type of the engine in a public signature.

pub mod accounts;
pub mod admin;
pub mod agreements;
pub mod alerts;
pub mod api_tokens;
pub mod audit;
pub mod billing_runs;
pub mod channels;
pub mod class_profiles;
pub mod clock_corrections;
pub mod clock_samples;
pub mod codes;
pub mod counts;
pub mod customers;
pub mod declarations;
pub mod destinations;
pub mod dials;
pub mod edits;
mod engine;
pub mod enrolment;
mod error;
pub mod findings;
pub mod index_values;
pub mod invoice_shares;
pub mod invoices;
pub mod lab;
pub mod meters;
mod migrations;
pub mod multipliers;
pub mod named_stretches;
pub mod organisations;
pub mod outbox;
pub mod parents;
pub mod passwords;
pub mod payments;
pub mod plans;
pub mod point_events;
pub mod preferences;
pub mod price_series;
pub mod privacy;
pub mod profiles;
pub mod relooks;
pub mod rule_sets;
pub mod secrets;
pub mod sessions;
pub mod settings;
pub mod sign_in;
pub mod tariffs;
pub mod usage_points;
pub mod users;
mod value;

pub use engine::{Registry, Tx};
pub use error::RegistryError;
