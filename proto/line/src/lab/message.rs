//! What a prototype's meter or page asks.

use std::{borrow::Cow, collections::BTreeMap};

use corrente_units::Energy;
use jiff::civil::DateTime;
use serde_json::value::RawValue;

use super::Python;
use crate::decimal::{self, DecimalError};

/// One message of the raw socket.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// A meter asks for an id.
    Identity,
    /// A reading.
    Spent(Spent),
    /// The readings around an instant.
    Historic(Historic),
    /// A type that the prototype did not know: answered `None`.
    Unknown,
}

/// A reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Spent {
    /// Whose.
    pub id: Id,
    /// The register.
    pub consumption: Consumption,
    /// When, in civil time.
    pub label: Label,
}

/// A question for readings.
#[derive(Clone, Debug, PartialEq)]
pub struct Historic {
    /// Whose.
    pub id: Id,
    /// Which.
    pub which: Which,
    /// Around when.
    pub label: Label,
}

/// Which readings around an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those at the instant.
    At,
    /// At or after it (`/historic/upper`).
    From,
    /// At or before it (`/historic/lower`).
    Until,
}

/// A meter's id: `[A-Za-z0-9_-]{1,64}`, sent as a text or as an integer. Both name the same meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Id {
    text: String,
    integer: bool,
}

impl Id {
    /// The id with this text.
    pub fn from_text(text: &str) -> Result<Self, RequestError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self { text: text.to_owned(), integer: false })
        } else {
            Err(RequestError::Id)
        }
    }

    /// Its text, whichever way it was sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As it came: `3` for an integer, `'3'` for a text.
    pub fn echo(&self) -> Python {
        if self.integer { Python::Int(self.text.clone()) } else { Python::Text(self.text.clone()) }
    }
}

/// A register in kilowatt-hours, in the text in which it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Consumption {
    text: String,
    value: f64,
    wh: i64,
}

impl Consumption {
    /// A register from the text of a number.
    pub fn from_text(text: &str) -> Result<Self, RequestError> {
        let text = text.trim();
        let wh = decimal::thousandths(text).map_err(|error| match error {
            DecimalError::NotANumber => RequestError::Consumption,
            DecimalError::TooLarge => RequestError::ConsumptionRange,
        })?;
        let value: f64 = text.parse().map_err(|_| RequestError::Consumption)?;
        // A negative number that is less than half a watt-hour is no register either.
        if text.len() > 64 || value < 0.0 || wh > crate::v1::MAX_INTEGER {
            return Err(RequestError::ConsumptionRange);
        }
        Ok(Self { text: text.to_owned(), value, wh })
    }

    /// The text in which it came.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whole watt-hours, half to even.
    pub const fn register_wh(&self) -> i64 {
        self.wh
    }

    /// The same as an energy.
    pub const fn energy(&self) -> Energy {
        Energy::from_wh(self.wh)
    }

    /// Is the integer part of the number that was sent, as Python's float has it, at least this
    /// whole number?
    pub fn reaches_kwh(&self, whole: f64) -> bool {
        self.value >= whole
    }

    /// The number as a Python float.
    pub const fn float(&self) -> Python {
        Python::Float(self.value)
    }

    /// The prototype's bill: the register × 0.4, rounded to two decimals as Python's `round` does.
    #[expect(
        clippy::float_arithmetic,
        reason = "an answer of the prototype, to be the same to the last digit; no bill of ours"
    )]
    pub fn invoice(&self) -> Python {
        let product = format!("{:.2}", self.value * 0.4);
        Python::Float(product.parse().unwrap_or(self.value))
    }
}

/// A civil date and time without a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    text: String,
    civil: DateTime,
}

impl Label {
    /// A label from `YYYY-MM-DD HH:MM:SS`.
    pub fn from_text(text: &str) -> Result<Self, RequestError> {
        let shape = "dddd-dd-dd dd:dd:dd";
        let fits = text.len() == shape.len()
            && text.bytes().zip(shape.bytes()).all(|(b, form)| match form {
                b'd' => b.is_ascii_digit(),
                _ => b == form,
            });
        let civil = if fits { text.parse().ok() } else { None };
        // A leap second is a label that no clock of ours can show; `jiff` would take it as 59.
        match civil {
            Some(civil) if !text.ends_with(":60") => Ok(Self { text: text.to_owned(), civil }),
            _ => Err(RequestError::Label),
        }
    }

    /// The text in which it came.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The civil date and time.
    pub const fn civil(&self) -> DateTime {
        self.civil
    }
}

/// Why a message was not understood. Its text is the answer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It is no JSON object.
    #[error("expected a JSON object")]
    NotAnObject,
    /// It is larger than an answer is worth.
    #[error("expected an object of at most 16384 bytes and 32 levels")]
    TooLarge,
    /// The end of an object did not come.
    #[error("the object has no end")]
    Unfinished,
    /// The id is missing or has other characters.
    #[error("id: expected 1 to 64 letters, digits, _ or -")]
    Id,
    /// The consumption is missing or no number.
    #[error("consumption: expected a number of kWh")]
    Consumption,
    /// The consumption is negative or too large.
    #[error("consumption: expected a number of kWh from 0 to 9007199254740.991")]
    ConsumptionRange,
    /// The date is missing or of another form.
    #[error("datetime: expected YYYY-MM-DD HH:MM:SS")]
    Label,
}

impl Request {
    /// Reads a message of the raw socket.
    pub fn parse(object: &[u8]) -> Result<Self, RequestError> {
        let fields = Fields::parse(object)?;
        match fields.text("type").as_deref() {
            Some("/spent") => fields.spent().map(Self::Spent),
            Some("/historic") => fields.historic(Which::At).map(Self::Historic),
            Some("/historic/upper") => fields.historic(Which::From).map(Self::Historic),
            Some("/historic/lower") => fields.historic(Which::Until).map(Self::Historic),
            None if !fields.0.contains_key("type") && fields.id()?.as_str() == "0" => {
                Ok(Self::Identity)
            }
            _ => Ok(Self::Unknown),
        }
    }
}

impl Spent {
    /// Reads the body of `POST /spent`.
    pub fn parse(object: &[u8]) -> Result<Self, RequestError> {
        Fields::parse(object)?.spent()
    }
}

impl Historic {
    /// Reads the body of `POST /historic` and its two sisters.
    pub fn parse(object: &[u8], which: Which) -> Result<Self, RequestError> {
        Fields::parse(object)?.historic(which)
    }
}

struct Fields<'a>(BTreeMap<Text<'a>, &'a RawValue>);

#[derive(serde::Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl std::borrow::Borrow<str> for Text<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'a> Fields<'a> {
    fn parse(object: &'a [u8]) -> Result<Self, RequestError> {
        serde_json::from_slice(object).map(Self).map_err(|_| RequestError::NotAnObject)
    }

    fn raw(&self, field: &str) -> Option<&'a str> {
        self.0.get(field).map(|value| value.get())
    }

    fn text(&self, field: &str) -> Option<Cow<'a, str>> {
        serde_json::from_str::<Text<'a>>(self.raw(field)?).ok().map(|text| text.0)
    }

    fn id(&self) -> Result<Id, RequestError> {
        if let Some(text) = self.text("id") {
            return Id::from_text(&text);
        }
        let digits = self.raw("id").ok_or(RequestError::Id)?;
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(RequestError::Id);
        }
        Ok(Id { integer: true, ..Id::from_text(digits)? })
    }

    fn consumption(&self) -> Result<Consumption, RequestError> {
        match self.text("consumption") {
            Some(text) => Consumption::from_text(&text),
            None => Consumption::from_text(self.raw("consumption").unwrap_or_default()),
        }
    }

    fn label(&self) -> Result<Label, RequestError> {
        Label::from_text(&self.text("datetime").unwrap_or_default())
    }

    fn spent(&self) -> Result<Spent, RequestError> {
        Ok(Spent { id: self.id()?, consumption: self.consumption()?, label: self.label()? })
    }

    fn historic(&self, which: Which) -> Result<Historic, RequestError> {
        Ok(Historic { id: self.id()?, which, label: self.label()? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(message: &str, expected: &str) {
        let said = match Request::parse(message.as_bytes()) {
            Ok(Request::Identity) => "identity".to_owned(),
            Ok(Request::Unknown) => "unknown".to_owned(),
            Ok(Request::Spent(s)) => format!(
                "{} {} {} Wh at {}",
                s.id.echo().repr(),
                s.consumption.float().repr(),
                s.consumption.register_wh(),
                s.label.as_str()
            ),
            Ok(Request::Historic(h)) => {
                format!("{} {:?} {}", h.id.as_str(), h.which, h.label.as_str())
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(said, expected, "{message}");
    }

    #[test]
    fn messages_and_what_they_ask() {
        for (message, expected) in [
            (r#"{"id": 0}"#, "identity"),
            (r#"{"id": "0"}"#, "identity"),
            (r#"{"id": "abc"}"#, "unknown"),
            (r#"{"id": 1}"#, "unknown"),
            ("{}", "id: expected 1 to 64 letters, digits, _ or -"),
            (
                r#"{"id": "1", "consumption": 12.0, "datetime": "2023-03-20 10:11:12", "type": "/spent"}"#,
                "'1' 12.0 12000 Wh at 2023-03-20 10:11:12",
            ),
            (
                r#"{"id": 3, "consumption": 13, "datetime": "2023-03-20 10:11:12", "type": "/spent"}"#,
                "3 13.0 13000 Wh at 2023-03-20 10:11:12",
            ),
            (
                r#"{"type":"/spent","datetime":"2024-02-29 00:00:00","consumption":" 0.0015 ","id":"a_B-9"}"#,
                "'a_B-9' 0.0015 2 Wh at 2024-02-29 00:00:00",
            ),
            (
                r#"{"id": "1", "datetime": "2023-03-20 10:11:12", "type": "/historic"}"#,
                "1 At 2023-03-20 10:11:12",
            ),
            (
                r#"{"id": 1, "datetime": "2023-03-20 10:11:12", "type": "/historic/upper"}"#,
                "1 From 2023-03-20 10:11:12",
            ),
            (
                r#"{"id": 1, "datetime": "2023-03-20 10:11:12", "type": "/historic/lower"}"#,
                "1 Until 2023-03-20 10:11:12",
            ),
            (r#"{"id": "1", "type": "/invoice"}"#, "unknown"),
            (r#"{"id": "1", "type": 7}"#, "unknown"),
            (
                r#"{"id": "1; x", "consumption": 1, "datetime": "2023-03-20 10:11:12", "type": "/spent"}"#,
                "id: expected 1 to 64 letters, digits, _ or -",
            ),
            (
                r#"{"id": 1.0, "consumption": 1, "datetime": "2023-03-20 10:11:12", "type": "/spent"}"#,
                "id: expected 1 to 64 letters, digits, _ or -",
            ),
            (
                r#"{"id": "1", "consumption": "__import__('os')", "datetime": "2023-03-20 10:11:12", "type": "/spent"}"#,
                "consumption: expected a number of kWh",
            ),
            (
                r#"{"id": "1", "consumption": true, "datetime": "2023-03-20 10:11:12", "type": "/spent"}"#,
                "consumption: expected a number of kWh",
            ),
            (
                r#"{"id": "1", "consumption": -1, "datetime": "2023-03-20 10:11:12", "type": "/spent"}"#,
                "consumption: expected a number of kWh from 0 to 9007199254740.991",
            ),
            (
                r#"{"id": "1", "consumption": 1e300, "datetime": "2023-03-20 10:11:12", "type": "/spent"}"#,
                "consumption: expected a number of kWh from 0 to 9007199254740.991",
            ),
            (
                r#"{"id": "1", "consumption": 1, "datetime": "20/03/2023", "type": "/spent"}"#,
                "datetime: expected YYYY-MM-DD HH:MM:SS",
            ),
            (
                r#"{"id": "1", "consumption": 1, "datetime": "2023-02-29 10:11:12", "type": "/spent"}"#,
                "datetime: expected YYYY-MM-DD HH:MM:SS",
            ),
            (
                r#"{"id": "1", "consumption": 1, "datetime": "2023-02-28T10:11:12", "type": "/spent"}"#,
                "datetime: expected YYYY-MM-DD HH:MM:SS",
            ),
            (
                r#"{"id": "1", "consumption": 1, "datetime": "2016-12-31 23:59:60", "type": "/spent"}"#,
                "datetime: expected YYYY-MM-DD HH:MM:SS",
            ),
            (
                r#"{"id": "1", "consumption": 1, "type": "/spent"}"#,
                "datetime: expected YYYY-MM-DD HH:MM:SS",
            ),
            ("{'id': 0}", "expected a JSON object"),
            ("[0]", "expected a JSON object"),
        ] {
            check(message, expected);
        }
    }

    #[test]
    fn the_invoice_is_the_register_times_forty_hundredths() {
        for (register, invoice) in [
            ("12.0", "4.8"),
            ("10", "4.0"),
            ("301", "120.4"),
            ("0.3", "0.12"),
            ("0", "0.0"),
            ("0.01", "0.0"),
            ("1.0125", "0.41"),
            ("123456789.5", "49382715.8"),
        ] {
            let consumption = Consumption::from_text(register).unwrap();
            assert_eq!(consumption.invoice().repr(), invoice, "{register}");
        }
    }

    #[test]
    fn the_alert_begins_at_three_hundred_whole_kilowatt_hours() {
        for (register, above) in [("299.9994", false), ("300", true), ("301.5", true), ("0", false)]
        {
            let consumption = Consumption::from_text(register).unwrap();
            assert_eq!(crate::lab::alert(&consumption).contains("above"), above, "{register}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(Request::parse(&bytes));
        }

        #[test]
        fn no_field_makes_it_panic(id in ".{0,70}", consumption in "[0-9eE+.-]{0,12}", datetime in ".{0,25}") {
            let message = serde_json::json!({
                "id": id, "consumption": consumption, "datetime": datetime, "type": "/spent"
            });
            drop(Request::parse(message.to_string().as_bytes()));
        }
    }
}
