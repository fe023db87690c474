//! The unframed JSON of the prototype that Corrente grew out of, for a class room or a bench.
//!
//! A message is one JSON object; nothing separates it from the next ([`Splitter`]). [`Request`] says
//! what it asks, and [`Python`] writes the answer as the prototype's server wrote it: a dictionary
//! with single quotes on the raw socket, `json.dumps` over HTTP.

mod message;
mod python;
mod splitter;

pub use message::{Consumption, Historic, Id, Label, Request, RequestError, Spent, Which};
pub use python::Python;
pub use splitter::{MAX_DEPTH, MAX_OBJECT_BYTES, Piece, Splitter};

/// The register's whole kilowatt-hours from which the prototype warned.
pub const ALERT_FROM_KWH: i64 = 300;

/// The alert text for a register.
pub fn alert(consumption: &Consumption) -> &'static str {
    // Registers are never negative, so dividing cuts towards zero as Python's `int` does.
    if consumption.register_wh().wrapping_div(1000) >= ALERT_FROM_KWH {
        "Your energy consumption is above the recommended"
    } else {
        "Your energy consumption is within the recommended"
    }
}
