//! Simulated households: what a home or a shop takes from the grid, minute by minute, from a seed.
//!
//! A [`Household`] answers for any instant without replaying what came before: each local day is drawn
//! from its own stream of random numbers, so that two years of history and "now" come from the same
//! function, on every machine the same. Shapes follow the type of household, the weekday and the
//! season; the weather of a day is shared by all homes of a zone, as in a real town.
//!
//! ```
//! use corrente_household::{Household, HouseholdKind};
//! use corrente_metering::{Calendar, Timestamp};
//!
//! let bahia = Calendar::new("America/Bahia").unwrap();
//! let home = Household::new(7, HouseholdKind::Family, bahia);
//! let mut register = home.register(Timestamp::from_second(1_764_000_000), Default::default());
//! let after_an_hour = register.advance_to(Timestamp::from_second(1_764_003_600));
//! assert!(after_an_hour.wh() > 20);
//! ```
//!
//! To add an appliance, write a function in `appliances.rs` that puts its blocks on a [`DayCurve`] and
//! call it from the kinds that own one. To add a kind, add it to [`HouseholdKind`] and give it habits
//! in `habits.rs`.

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

mod appliances;
mod curve;
mod draw;
mod habits;
mod household;
mod kind;
mod register;
mod weather;

pub use curve::DayCurve;
pub use household::{Extra, Household};
pub use kind::{HouseholdKind, UnknownKind};
pub use register::SimulatedRegister;
pub use weather::Climate;
