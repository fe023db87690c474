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
pub const ALERT_FROM_KWH: f64 = 300.0;

/// The alert text for a register.
///
/// The number as it was sent is judged: rounded to whole watt-hours first, 299.9996 would be 300.
pub fn alert(consumption: &Consumption) -> &'static str {
    if consumption.reaches_kwh(ALERT_FROM_KWH) {
        "Your energy consumption is above the recommended"
    } else {
        "Your energy consumption is within the recommended"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_integer_part_of_the_number_that_was_sent_is_judged() {
        for (text, said) in [
            ("0", "within"),
            ("299", "within"),
            ("299.9994", "within"),
            ("299.9996", "within"),
            ("299.99999999", "within"),
            // Python reads this as 300.0.
            ("299.99999999999999999", "above"),
            ("300", "above"),
            ("300.0", "above"),
            ("3e2", "above"),
            ("300.0001", "above"),
            ("9007199254740.991", "above"),
        ] {
            let alert = alert(&Consumption::from_text(text).unwrap());
            assert_eq!(
                alert,
                format!("Your energy consumption is {said} the recommended"),
                "{text}"
            );
        }
    }
}
