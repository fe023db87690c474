//! NEM12 and NEM13: the files of the Australian market (AEMO, Meter Data File Format).
//!
//! All times are Australian Eastern Standard Time, UTC+10, without daylight saving. A file that breaks
//! the format is refused as a whole: a wrong interval length shifts every value behind it.

mod interval;
mod register;

use corrente_metering::{
    Calendar, Direction, Timestamp,
    calendar::{Date, DateTime},
};

use crate::{
    FileError, FileReadings, Format, Unit,
    collect::Collector,
    text::{Line, lines},
};

/// The kinds of records.
const RECORDS: &[&str] = &["100", "200", "250", "300", "400", "500", "550", "600", "900"];

/// Is it one of the two? Also a file that is broken enough to lack its heading.
pub(crate) fn looks_like(text: &str) -> Option<Format> {
    for line in lines(text).take(20) {
        let mut fields = line.text.split(',').map(str::trim);
        match (fields.next(), fields.next()) {
            (Some("100"), Some(name)) if name.eq_ignore_ascii_case("NEM13") => {
                return Some(Format::Nem13);
            }
            (Some("100"), Some(name)) if name.to_ascii_uppercase().starts_with("NEM") => {
                return Some(Format::Nem12);
            }
            (Some("200"), Some(_)) if line.text.matches(',').count() >= 8 => {
                return Some(Format::Nem12);
            }
            (Some("250"), Some(_)) if line.text.matches(',').count() >= 20 => {
                return Some(Format::Nem13);
            }
            (_, _) => {}
        }
    }
    None
}

/// A record with the line on which it begins.
pub(super) struct Record {
    pub(super) line: u64,
    pub(super) fields: Vec<String>,
}

impl Record {
    pub(super) fn field(&self, index: usize) -> &str {
        self.fields.get(index).map_or("", String::as_str)
    }
}

/// Why a file is refused: the line and the reason.
pub(super) struct Refusal(pub(super) u64, pub(super) String);

/// Reads a file.
pub(crate) fn read(text: &str, format: Format) -> Result<FileReadings, FileError> {
    let mut collector = Collector::new(format);
    let done = records(text, format).and_then(|records| {
        if format == Format::Nem13 {
            register::read(&records, &mut collector)
        } else {
            interval::read(&records, &mut collector)
        }
    });
    match done {
        Ok(()) => Ok(collector.finish()),
        Err(Refusal(line, reason)) => Err(FileError::Refused { format, line, reason }),
    }
}

/// The records between heading and end. A line that begins with no record's number goes on with the
/// record before it: some files wrap long ones.
fn records(text: &str, format: Format) -> Result<Vec<Record>, Refusal> {
    let name = if format == Format::Nem13 { "NEM13" } else { "NEM12" };
    let mut joined: Vec<(u64, String)> = Vec::new();
    let mut last = 1;
    for Line { number, text } in lines(text) {
        if joined.is_empty() && text.split(',').next().map(str::trim) != Some("100") {
            let found: String = text.chars().take(20).collect();
            return Err(Refusal(
                number,
                format!("the first record must be 100,{name}, not `{found}`"),
            ));
        }
        if text.trim().is_empty() {
            continue;
        }
        last = number;
        let kind = text.split(',').next().unwrap_or_default().trim();
        match joined.last_mut() {
            Some((_, record)) if !RECORDS.contains(&kind) => record.push_str(text.trim()),
            Some(_) | None => joined.push((number, text.trim().to_owned())),
        }
    }
    let mut records: Vec<Record> = joined
        .into_iter()
        .map(|(line, text)| Record {
            line,
            fields: text.split(',').map(|f| f.trim().to_owned()).collect(),
        })
        .collect();
    if records.first().is_none_or(|r| !r.field(1).eq_ignore_ascii_case(name)) {
        return Err(Refusal(1, format!("the heading must name {name}")));
    }
    if records.last().is_none_or(|r| r.field(0) != "900") {
        return Err(Refusal(last, "the last record must be 900: the file is cut off".to_owned()));
    }
    records.pop();
    let mut body = records.split_off(1);
    // Files sent together: another heading after an end.
    body.retain(|r| !matches!(r.field(0), "100" | "900"));
    if body.is_empty() {
        return Err(Refusal(last, "there is no record between heading and end".to_owned()));
    }
    Ok(body)
}

/// `20040201` or `20040201123000` as an instant.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let part = |from: usize, to: usize| text.get(from..to).and_then(|t| t.parse::<i8>().ok());
    let date = date(text.get(..8)?)?;
    let civil: DateTime = match text.len() {
        8 => date.at(0, 0, 0, 0),
        12 | 14 => {
            let second = if text.len() == 14 { part(12, 14)? } else { 0 };
            let time = jiff::civil::Time::new(part(8, 10)?, part(10, 12)?, second, 0).ok()?;
            date.to_datetime(time)
        }
        _ => return None,
    };
    Some(Calendar::utc().instant(civil).plus(-10 * 3600))
}

fn date(text: &str) -> Option<Date> {
    let number = |from: usize, to: usize| text.get(from..to).and_then(|t| t.parse::<i16>().ok());
    let (month, day) = (i8::try_from(number(4, 6)?).ok()?, i8::try_from(number(6, 8)?).ok()?);
    Date::new(number(0, 4)?, month, day).ok()
}

/// Unit and power of ten of a unit of measure, whatever its case; anything else in thousandths.
pub(super) fn unit(text: &str) -> (Unit, i32) {
    match text.to_ascii_uppercase().as_str() {
        "WH" => (Unit::Wh, 0),
        "KWH" => (Unit::Wh, 3),
        "MWH" => (Unit::Wh, 6),
        "VARH" => (Unit::Varh, 0),
        "KVARH" => (Unit::Varh, 3),
        "MVARH" => (Unit::Varh, 6),
        _ => (Unit::Other, 3),
    }
}

/// What the market calls a suffix: E, and K for reactive, is energy to the customer; B, and Q, from
/// the customer.
pub(super) fn direction(suffix: &str) -> Direction {
    match suffix.chars().next() {
        Some('B' | 'b' | 'Q' | 'q') => Direction::Export,
        _ => Direction::Import,
    }
}
