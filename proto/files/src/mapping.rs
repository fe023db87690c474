//! The description of a table: which column is the time, which ones are energy.

use corrente_metering::{Calendar, ChannelKind, Direction};
use serde::Deserialize;

use crate::{Unit, collect::Spec};

/// The mapping file is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// It is no TOML, or a key is wrong.
    #[error("the mapping is not understood: {0}")]
    Toml(String),
    /// A value means nothing.
    #[error("the mapping's `{field}` is `{value}`: use {hint}")]
    Value {
        /// Which field.
        field: &'static str,
        /// What stands there.
        value: String,
        /// What may stand there.
        hint: &'static str,
    },
}

/// How a table is read. Written in TOML; `docs/imports.md` explains it with examples.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mapping {
    /// What the table is called, for people.
    pub name: Option<String>,
    /// The zone of its clock (IANA). UTC when nothing is said.
    pub zone: Option<String>,
    /// What separates its fields. Found out from the heading when nothing is said.
    pub delimiter: Option<char>,
    /// Its decimal mark; a point when nothing is said.
    pub decimal: Option<char>,
    /// Texts that stand for "no value", besides an empty field.
    pub missing: Vec<String>,
    /// Headings that must be there for a file to be of this kind, besides the columns used.
    pub header: Vec<String>,
    /// The table has no heading: columns are given by number.
    pub no_header: bool,
    /// The time of a row. Without it, the mapping only changes the zone of a built-in format.
    pub time: Option<TimeColumns>,
    /// The meter of a row.
    pub meter: Option<MeterColumn>,
    /// The source's quality of a row.
    pub quality: Option<QualityColumn>,
    /// Who read the meter.
    pub reader: Option<Column>,
    /// What is measured. Several entries with one name add to one channel.
    #[serde(rename = "channel")]
    pub channels: Vec<ChannelColumn>,
}

/// A column, by its heading or by its number, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Column {
    /// By number, counted from 1.
    Number(usize),
    /// By heading, whatever the case.
    Heading(String),
}

/// Where the time of a row stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeColumns {
    /// Its columns, joined by a blank: a date and a time may stand apart.
    pub columns: Vec<Column>,
    /// How it is written, in strftime's letters; ISO 8601 when nothing is said.
    pub format: Option<String>,
    /// Whether the time stands for the start or the end of an interval. A register's time is always
    /// its end.
    #[serde(default)]
    pub label: Label,
    /// Which day the midnight belongs to.
    #[serde(default)]
    pub midnight: Midnight,
    /// A date without a time means its last instant: a register read that day closes the day.
    #[serde(default)]
    pub day_end: bool,
}

/// What a row's time stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// The end of the interval.
    #[default]
    End,
    /// Its start.
    Start,
}

/// Which day `00:00` carries the date of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Midnight {
    /// The day that begins, as ISO 8601 has it.
    #[default]
    Opens,
    /// The day that ends.
    Closes,
}

/// The meter of a row: a column, or one for the whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MeterColumn {
    /// The column.
    pub column: Option<Column>,
    /// One for the whole file.
    pub value: Option<String>,
}

/// The source's quality of a row.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualityColumn {
    /// The column.
    pub column: Column,
    /// Texts that mean "estimated".
    #[serde(default)]
    pub estimated: Vec<String>,
    /// Texts that mean "substituted".
    #[serde(default)]
    pub substituted: Vec<String>,
}

/// One channel, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelColumn {
    /// Its name; `import` when nothing is said.
    #[serde(default = "import")]
    pub name: String,
    /// Its columns. Where there are several (a tariff each), their sum is the channel's value; empty
    /// ones count as not in use, and a row where all are empty has no value.
    pub columns: Vec<Column>,
    /// `interval` or `register`.
    pub kind: ChannelKind,
    /// `import` or `export`.
    #[serde(default = "import_direction")]
    pub direction: Direction,
    /// `Wh`, `kWh`, `MWh`; kWh when nothing is said.
    pub unit: Option<String>,
    /// Length of an interval: `15m`, `1h`. Needed for intervals.
    pub interval: Option<String>,
    /// Only rows in which a column has a certain text.
    #[serde(rename = "where")]
    pub filter: Option<RowFilter>,
    /// The file may be without these columns.
    #[serde(default)]
    pub optional: bool,
    /// The same energy as another channel: only to compare.
    #[serde(default)]
    pub check: bool,
}

/// Only rows in which a column has a certain text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowFilter {
    /// The column.
    pub column: Column,
    /// Its text, whatever the case.
    pub is: String,
}

fn import() -> String {
    "import".to_owned()
}

fn import_direction() -> Direction {
    Direction::Import
}

impl Mapping {
    /// Reads a mapping file.
    ///
    /// # Errors
    /// When it is no TOML, a key is unknown, or a value means nothing.
    pub fn from_toml(text: &str) -> Result<Self, MappingError> {
        let mapping: Self = toml::from_str(text).map_err(|e| MappingError::Toml(e.to_string()))?;
        mapping.calendar()?;
        for channel in &mapping.channels {
            channel.spec()?;
            channel.power()?;
        }
        if mapping.time.is_some() == mapping.channels.is_empty() {
            return Err(MappingError::Value {
                field: "channel",
                value: format!("{} entries", mapping.channels.len()),
                hint: "a [time] table and at least one [[channel]], or neither",
            });
        }
        Ok(mapping)
    }

    /// The calendar of its zone.
    ///
    /// # Errors
    /// When there is no such zone.
    pub fn calendar(&self) -> Result<Calendar, MappingError> {
        let Some(zone) = &self.zone else { return Ok(Calendar::utc()) };
        Calendar::new(zone).map_err(|_| MappingError::Value {
            field: "zone",
            value: zone.clone(),
            hint: "an IANA name such as America/Bahia",
        })
    }
}

impl ChannelColumn {
    pub(crate) fn spec(&self) -> Result<Spec, MappingError> {
        let interval_seconds = self.interval.as_deref().map(seconds).transpose()?;
        if self.kind == ChannelKind::Interval && interval_seconds.is_none() {
            return Err(MappingError::Value {
                field: "interval",
                value: String::new(),
                hint: "a length such as 15m or 1h, which an interval channel needs",
            });
        }
        Ok(Spec {
            kind: self.kind,
            direction: self.direction,
            unit: Unit::Wh,
            check: self.check,
            interval_seconds,
            register_modulus_wh: None,
        })
    }

    /// The power of ten that makes Wh of its unit.
    pub(crate) fn power(&self) -> Result<i32, MappingError> {
        match self.unit.as_deref().unwrap_or("kWh") {
            "Wh" => Ok(0),
            "kWh" => Ok(3),
            "MWh" => Ok(6),
            other => Err(MappingError::Value {
                field: "unit",
                value: other.to_owned(),
                hint: "Wh, kWh or MWh",
            }),
        }
    }
}

fn seconds(text: &str) -> Result<i64, MappingError> {
    let wrong = || MappingError::Value {
        field: "interval",
        value: text.to_owned(),
        hint: "a length such as 30s, 15m, 1h or 1d",
    };
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 86_400,
        _ => return Err(wrong()),
    };
    let number = text.get(..text.len().saturating_sub(1)).and_then(|n| n.parse::<i64>().ok());
    number.filter(|n| (1..=366).contains(n)).map(|n| n.saturating_mul(unit)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_mapping_says_what_is_wrong() {
        for (text, said) in [
            ("zone = \"Feira\"", "America/Bahia"),
            ("colour = 1", "colour"),
            ("[time]\ncolumns = [\"t\"]", "at least one [[channel]]"),
            ("[time]\ncolumns = [1]\n[[channel]]\ncolumns = [2]\nkind = \"interval\"", "15m or 1h"),
            (
                "[time]\ncolumns = [1]\n[[channel]]\ncolumns = [2]\nkind = \"register\"\nunit = \"BTU\"",
                "Wh, kWh or MWh",
            ),
        ] {
            let error = Mapping::from_toml(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
