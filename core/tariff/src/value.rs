//! The small values of a tariff file: exact amounts, days, and amounts that change on a date.

use std::{borrow::Cow, fmt};

use corrente_metering::Date;
use corrente_units::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, value::MapAccessDeserializer},
};

/// An exact decimal, written as a number (`0.40`) or in quotes (`"0.40"`).
///
/// A number in TOML or JSON passes through binary floating point on its way here, which keeps 15
/// digits exactly; longer amounts must stand in quotes, and a file that forgets it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(pub Decimal);

/// A day of the civil calendar, written as a TOML date (`2026-04-22`) or in quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub Date);

/// An amount that may change on dates: one amount, or a list of `{ from, value }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated {
    steps: Vec<DatedStep>,
}

/// From this day on, this value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatedStep {
    /// The first day.
    pub from: Day,
    /// The value from that day on, or `"unknown"`: days without a known value cannot be billed.
    pub value: StepValue,
}

/// A value, or that it is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepValue {
    /// Known.
    Known(Amount),
    /// Not known yet, or not any more.
    Unknown,
}

/// How an unknown value is written.
const UNKNOWN: &str = "unknown";

impl StepValue {
    /// The value where it is known.
    pub const fn known(self) -> Option<Decimal> {
        match self {
            Self::Known(amount) => Some(amount.0),
            Self::Unknown => None,
        }
    }
}

impl<'de> Deserialize<'de> for StepValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StepVisitor)
    }
}

impl Serialize for StepValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(amount) => amount.serialize(serializer),
            Self::Unknown => serializer.serialize_str(UNKNOWN),
        }
    }
}

impl JsonSchema for StepValue {
    fn schema_name() -> Cow<'static, str> {
        "StepValue".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let amount = generator.subschema_for::<Amount>();
        json_schema!({
            "description": "An exact decimal, or \"unknown\": days under it cannot be billed.",
            "anyOf": [amount, { "const": "unknown" }]
        })
    }
}

struct StepVisitor;

impl de::Visitor<'_> for StepVisitor {
    type Value = StepValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal number such as 0.40 or \"0.40\", or \"unknown\"")
    }

    fn visit_i64<E: de::Error>(self, v: i64) -> Result<StepValue, E> {
        AmountVisitor.visit_i64(v).map(StepValue::Known)
    }

    fn visit_u64<E: de::Error>(self, v: u64) -> Result<StepValue, E> {
        AmountVisitor.visit_u64(v).map(StepValue::Known)
    }

    fn visit_f64<E: de::Error>(self, v: f64) -> Result<StepValue, E> {
        AmountVisitor.visit_f64(v).map(StepValue::Known)
    }

    fn visit_str<E: de::Error>(self, v: &str) -> Result<StepValue, E> {
        if v == UNKNOWN {
            return Ok(StepValue::Unknown);
        }
        AmountVisitor.visit_str(v).map(StepValue::Known)
    }
}

impl Dated {
    /// The same value on each day.
    pub fn constant(value: Decimal) -> Self {
        Self {
            steps: vec![DatedStep { from: Day(Date::MIN), value: StepValue::Known(Amount(value)) }],
        }
    }

    /// Values from dates on, in order of their dates.
    pub fn from_steps(steps: Vec<DatedStep>) -> Self {
        Self { steps }
    }

    /// The value on this day; nothing before the first step and where it is unknown.
    pub fn on(&self, date: Date) -> Option<Decimal> {
        self.step_on(date)?.value.known()
    }

    /// Does a step, be it an unknown value, say something about this day?
    pub fn covers(&self, date: Date) -> bool {
        self.step_on(date).is_some()
    }

    fn step_on(&self, date: Date) -> Option<&DatedStep> {
        self.steps.iter().rev().find(|s| s.from.0 <= date)
    }

    /// The days on which the value changes.
    pub fn changes(&self) -> impl Iterator<Item = Date> + '_ {
        self.steps.iter().map(|s| s.from.0).filter(|d| *d != Date::MIN)
    }

    /// All steps, in the order of the file.
    pub fn steps(&self) -> &[DatedStep] {
        &self.steps
    }
}

fn amount_from_f64(value: f64) -> Result<Decimal, String> {
    let text = value.to_string();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits > 16 || !value.is_finite() {
        return Err(format!("`{text}` has more digits than a bare number keeps: put it in quotes"));
    }
    text.parse().map_err(|_| format!("`{text}` is not a decimal number"))
}

fn amount_from_str(text: &str) -> Result<Decimal, String> {
    Decimal::from_str_exact(text.trim())
        .map_err(|_| format!("`{text}` is not a decimal number such as \"0.40\""))
}

struct AmountVisitor;

impl de::Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal number such as 0.40 or \"0.40\"")
    }

    fn visit_i64<E: de::Error>(self, v: i64) -> Result<Amount, E> {
        Ok(Amount(v.into()))
    }

    fn visit_u64<E: de::Error>(self, v: u64) -> Result<Amount, E> {
        Ok(Amount(v.into()))
    }

    fn visit_f64<E: de::Error>(self, v: f64) -> Result<Amount, E> {
        amount_from_f64(v).map(Amount).map_err(E::custom)
    }

    fn visit_str<E: de::Error>(self, v: &str) -> Result<Amount, E> {
        amount_from_str(v).map(Amount).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl JsonSchema for Amount {
    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An exact decimal: 0.40 or \"0.40\" (in quotes beyond 15 digits).",
            "anyOf": [
                { "type": "number" },
                { "type": "string", "pattern": r"^[+-]?[0-9]+(\.[0-9]+)?$" }
            ]
        })
    }
}

struct DayVisitor;

impl<'de> de::Visitor<'de> for DayVisitor {
    type Value = Day;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a day such as 2026-04-22")
    }

    fn visit_str<E: de::Error>(self, v: &str) -> Result<Day, E> {
        v.parse().map(Day).map_err(|_| E::custom(format!("`{v}` is no day such as 2026-04-22")))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Day, A::Error> {
        let written = toml::value::Datetime::deserialize(MapAccessDeserializer::new(map))?;
        match (written.date, written.time) {
            (Some(_), None) => self.visit_str(&written.to_string()),
            _ => Err(de::Error::custom(format!("`{written}` has a time: a day is enough here"))),
        }
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DayVisitor)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl JsonSchema for Day {
    fn schema_name() -> Cow<'static, str> {
        "Day".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A day: 2026-04-22 (a bare date in TOML, in quotes in JSON).",
            "type": "string",
            "format": "date"
        })
    }
}

struct DatedVisitor;

impl<'de> de::Visitor<'de> for DatedVisitor {
    type Value = Dated;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal number, or a list of { from = 2026-04-22, value = 0.40 }")
    }

    fn visit_i64<E: de::Error>(self, v: i64) -> Result<Dated, E> {
        Ok(Dated::constant(v.into()))
    }

    fn visit_u64<E: de::Error>(self, v: u64) -> Result<Dated, E> {
        Ok(Dated::constant(v.into()))
    }

    fn visit_f64<E: de::Error>(self, v: f64) -> Result<Dated, E> {
        amount_from_f64(v).map(Dated::constant).map_err(E::custom)
    }

    fn visit_str<E: de::Error>(self, v: &str) -> Result<Dated, E> {
        amount_from_str(v).map(Dated::constant).map_err(E::custom)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Dated, A::Error> {
        let mut steps: Vec<DatedStep> = Vec::new();
        while let Some(step) = seq.next_element::<DatedStep>()? {
            if steps.last().is_some_and(|last| last.from >= step.from) {
                return Err(de::Error::custom(format!(
                    "the steps are not in order of their dates at {}",
                    step.from.0
                )));
            }
            steps.push(step);
        }
        if steps.is_empty() {
            return Err(de::Error::custom("an empty list of dated values"));
        }
        Ok(Dated { steps })
    }
}

impl<'de> Deserialize<'de> for Dated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DatedVisitor)
    }
}

impl Serialize for Dated {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.steps.as_slice() {
            [only] if only.from.0 == Date::MIN => only.value.serialize(serializer),
            steps => serializer.collect_seq(steps),
        }
    }
}

impl JsonSchema for Dated {
    fn schema_name() -> Cow<'static, str> {
        "Dated".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let amount = generator.subschema_for::<Amount>();
        let step = generator.subschema_for::<DatedStep>();
        json_schema!({
            "description": "An amount, or a list of amounts with the day from which each holds.",
            "anyOf": [amount, { "type": "array", "items": step, "minItems": 1 }]
        })
    }
}
