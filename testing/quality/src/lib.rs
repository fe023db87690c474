//! How good the alert rules and the forecast are: measured on simulated homes whose events are known,
//! and on real homes where their readings are at hand.
//!
//! ```text
//! cargo run --release -p corrente-quality -- town       simulated homes with labelled events
//! cargo run --release -p corrente-quality -- london     alerts and forecast error of sixty real homes
//! cargo run --release -p corrente-quality -- speed      all rules over 100,000 homes, one day
//! ```
//!
//! The rules are those of the server (`corrente_alert`), fed once a day with whole days and, for limits
//! of consumption, once an hour.

pub mod forecast;
pub mod home;
pub mod london;
pub mod look;
pub mod months;
pub mod report;
pub mod speed;
pub mod town;
