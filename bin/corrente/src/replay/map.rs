//! What the columns of recorded data mean.

use std::{path::Path, sync::Arc};

use corrente_metering::{Calendar, Timestamp, calendar::DateTime};
use serde::Deserialize;

use crate::{failure::Failure, toml_file};

/// A map as it is written, see `docs/replay.md`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    columns: Columns,
    time: TimeWritten,
    value: Value,
    meter: Meter,
    #[serde(default)]
    file: Layout,
}

/// Where things are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Columns {
    /// Whose value it is; without it the file's name says so.
    pub(super) id: Option<Column>,
    pub(super) time: Column,
    pub(super) value: Column,
}

/// A column by the name in the header, or by its number from 1.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Column {
    Number(usize),
    Name(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimeWritten {
    format: String,
    #[serde(default)]
    zone: Option<String>,
    label: Label,
}

/// Which end of its interval a time names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Label {
    Start,
    End,
}

/// How a value is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Value {
    pub(super) unit: Unit,
    #[serde(default)]
    pub(super) decimal_comma: bool,
    /// Texts that stand for "no value".
    #[serde(default = "missing_words")]
    pub(super) missing: Vec<String>,
}

/// The unit of the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Unit {
    Wh,
    #[serde(rename = "kWh")]
    Kwh,
    #[serde(rename = "MWh")]
    Mwh,
}

/// The meters that come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Meter {
    pub(super) interval_seconds: u32,
    #[serde(default = "import")]
    pub(super) channel: String,
}

/// How the file is laid out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Layout {
    pub(super) delimiter: char,
    pub(super) header: bool,
    /// Lines before the header that are no data.
    pub(super) skip_lines: usize,
}

impl Default for Layout {
    fn default() -> Self {
        Self { delimiter: ',', header: true, skip_lines: 0 }
    }
}

fn missing_words() -> Vec<String> {
    ["", "Null", "NULL", "null", "-"].map(str::to_owned).to_vec()
}

fn import() -> String {
    "import".to_owned()
}

/// A map that has been checked.
#[derive(Debug)]
pub(super) struct Map {
    pub(super) columns: Columns,
    pub(super) value: Value,
    pub(super) meter: Meter,
    pub(super) file: Layout,
    pub(super) delimiter: u8,
    /// The channel's name, shared by all readings.
    pub(super) channel: Arc<str>,
    format: String,
    zone: Zone,
    label: Label,
}

#[derive(Debug)]
enum Zone {
    /// Each time carries its offset.
    Written,
    /// Always this far from UTC, in seconds.
    Fixed(i64),
    /// As the clocks of a place went.
    Place(Calendar),
}

impl Map {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        Self::check(toml_file::read(path)?).map_err(|error| Failure::of(path.display(), error))
    }

    fn check(written: Written) -> Result<Self, String> {
        let TimeWritten { format, zone, label } = written.time;
        let carries_offset =
            ["%z", "%:z", "%Q", "%:Q", "%s"].iter().any(|code| format.contains(code));
        let zone = match zone {
            None if carries_offset => Zone::Written,
            Some(_) if carries_offset => {
                return Err(
                    "time.zone: `time.format` reads an offset from the file; leave the zone out"
                        .to_owned(),
                );
            }
            None => {
                return Err("time.zone is missing: give an IANA name (Europe/London) or a fixed offset (+00:00)".to_owned());
            }
            Some(name) => match fixed_offset(&name) {
                Some(seconds) => Zone::Fixed(seconds),
                None => Zone::Place(Calendar::new(&name).map_err(|error| {
                    format!("time.zone: {error}; or a fixed offset such as +00:00")
                })?),
            },
        };
        let delimiter = u8::try_from(written.file.delimiter)
            .ok()
            .filter(u8::is_ascii)
            .ok_or("file.delimiter must be one ASCII character")?;
        if !(1..=86_400).contains(&written.meter.interval_seconds) {
            return Err(format!(
                "meter.interval_seconds is {}: it must be from 1 to 86400",
                written.meter.interval_seconds
            ));
        }
        let columns = [
            Some(&written.columns.time),
            Some(&written.columns.value),
            written.columns.id.as_ref(),
        ];
        for column in columns.into_iter().flatten() {
            match column {
                Column::Number(0) => return Err("columns: numbers begin at 1".to_owned()),
                Column::Name(name) if !written.file.header => {
                    return Err(format!(
                        "columns: `{name}` is a name, and the file has no header: give its number"
                    ));
                }
                Column::Number(_) | Column::Name(_) => {}
            }
        }
        Ok(Self {
            channel: written.meter.channel.as_str().into(),
            columns: written.columns,
            value: written.value,
            meter: written.meter,
            file: written.file,
            delimiter,
            format,
            zone,
            label,
        })
    }

    /// The end of the interval that a time text names. In the hour that occurs twice the texts are
    /// taken in the order of the file: `after` is the end of the row before.
    pub(super) fn end(&self, text: &str, after: Option<Timestamp>) -> Option<Timestamp> {
        let time = jiff::fmt::strtime::parse(&self.format, text).ok()?;
        let shift = match self.label {
            Label::Start => i64::from(self.meter.interval_seconds),
            Label::End => 0,
        };
        let instant = match &self.zone {
            Zone::Written => Timestamp::from(time.to_timestamp().ok()?),
            Zone::Fixed(seconds) => {
                let civil: DateTime = time.to_datetime().ok()?;
                Timestamp::from(jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()?).plus(-seconds)
            }
            Zone::Place(calendar) => {
                let civil: DateTime = time.to_datetime().ok()?;
                match calendar.instants_if_repeated(civil) {
                    Some((first, second))
                        if after.is_some_and(|after| first.plus(shift) <= after) =>
                    {
                        second
                    }
                    Some((first, _)) => first,
                    None => calendar.instant(civil),
                }
            }
        };
        Some(instant.plus(shift))
    }

    /// The time format, for a sentence.
    pub(super) fn format(&self) -> &str {
        &self.format
    }
}

/// `+05:30`, `-03:00`, `Z`, `UTC`, `GMT` as seconds.
fn fixed_offset(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "UTC" | "GMT") {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let number = |digits: &str, most: i64| {
        digits.parse::<i64>().ok().filter(|n| digits.len() == 2 && (0..=most).contains(n))
    };
    Some(sign * (number(hours, 18)? * 3600 + number(minutes, 59)? * 60))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn map(text: &str) -> Result<Map, String> {
        toml_file::parse(text).and_then(Map::check)
    }

    pub(crate) const LONDON: &str = include_str!("../../../../docs/maps/london.toml");

    fn with_zone(zone: &str, label: &str) -> Map {
        map(&LONDON.replace("+00:00", zone).replace("\"start\"", &format!("\"{label}\""))).unwrap()
    }

    #[test]
    fn whatever_the_map_is_it_is_taken_or_refused_with_a_reason() {
        let texts = [
            LONDON,
            "[columns]\ntime = 1\nvalue = 2\n[time]\nformat = \"%s\"\nlabel = \"end\"\n[value]\nunit = \"Wh\"\n[meter]\ninterval_seconds = 60\n",
        ];
        corrente_testkit::fuzz::Corpus::from_texts(texts).try_all(|bytes, _| {
            let Ok(text) = std::str::from_utf8(bytes) else { return };
            match map(text) {
                Ok(map) => {
                    for time in ["2013-01-01 00:00:00", "", "9999-12-31 23:59:60", "1764000000"] {
                        if let Some(end) = map.end(time, None) {
                            assert!(!end.to_string().is_empty());
                        }
                    }
                }
                Err(error) => assert!(!error.is_empty()),
            }
        });
    }

    #[test]
    fn a_label_names_the_start_or_the_end() {
        let end = |map: &Map| map.end("2013-01-01 00:00:00", None).unwrap().to_string();
        assert_eq!(end(&with_zone("+00:00", "start")), "2013-01-01T00:30:00Z");
        assert_eq!(end(&with_zone("+00:00", "end")), "2013-01-01T00:00:00Z");
        assert_eq!(end(&with_zone("-03:00", "end")), "2013-01-01T03:00:00Z");
        assert_eq!(end(&with_zone("America/Bahia", "end")), "2013-01-01T03:00:00Z");
    }

    #[test]
    fn the_hour_that_occurs_twice_is_taken_in_the_order_of_the_file() {
        let map = with_zone("Europe/London", "start");
        let mut after = None;
        let mut ends = Vec::new();
        for text in ["00:30", "01:00", "01:30", "01:00", "01:30", "02:00"] {
            after = map.end(&format!("2013-10-27 {text}:00"), after);
            ends.push(after.unwrap().second());
        }
        assert!(ends.windows(2).all(|pair| pair[1] - pair[0] == 1800), "{ends:?}");
    }

    #[test]
    fn a_wrong_map_says_what_is_wrong() {
        for (from, to, said) in [
            ("format =", "fromat =", "did you mean `format`"),
            ("\"+00:00\"", "\"London\"", "not a time zone"),
            ("\"start\"", "\"begin\"", "expected `start` or `end`"),
            ("\"kWh\"", "\"kW\"", "`kWh`"),
            ("1800", "0", "from 1 to 86400"),
            ("%S\"", "%S%z\"", "leave the zone out"),
        ] {
            let error = map(&LONDON.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(said), "{from} → {to}: {error}");
        }
    }
}
