//! Prices by interval and values of indices, out of CSV files: all of a file or nothing.
//!
//! The separator is a comma or a semicolon, whichever the header has. Instants carry their offset from UTC:
//! a local hour exists twice when clocks go back.

use corrente_metering::{Timestamp, id::OrganisationId};
use corrente_units::Decimal;
use serde_json::json;

use super::{
    By,
    import::{ImportMistake, ImportRefusal},
};
use crate::{
    RegistryError, Tx,
    index_values::{self, IndexValue},
    price_series::{self, Loaded, Price},
};

/// Loads prices of a series: `start`, `price`, and `end` where an interval does not end with the next one's
/// start. An interval that has a price gets the new one; plans hold the prices that they used.
pub fn load_prices(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    name: &str,
    (file, text): (&str, &str),
) -> Result<Loaded, ImportRefusal> {
    if name.trim().is_empty() {
        let reason = "it is empty: write the name that tariff files call".to_owned();
        return Err(RegistryError::Invalid { field: "name", reason }.into());
    }
    let mut sheet = Sheet::read(file, text, &["start", "price"], &["end"])?;
    let mut rows: Vec<(u64, Timestamp, Option<Timestamp>, Decimal)> = Vec::new();
    for n in 0..sheet.rows.len() {
        let start = sheet.instant(n, "start");
        let end = if sheet.value(n, "end").is_empty() { None } else { sheet.instant(n, "end") };
        let price = sheet.decimal(n, "price");
        if let (Some(start), Some(price)) = (start, price) {
            rows.push((sheet.line(n), start, end, price));
        }
    }
    rows.sort_by_key(|row| row.1);
    let starts: Vec<Timestamp> = rows.iter().map(|row| row.1).collect();
    // The last interval is as long as the one before.
    let step = starts.windows(2).last().and_then(|pair| match pair {
        [a, b] => Some(b.since(*a)),
        _ => None,
    });
    let mut loaded = Loaded::default();
    for (n, (line, start, end, price)) in rows.into_iter().enumerate() {
        let next = starts.get(n + 1).copied().or_else(|| step.map(|step| start.plus(step)));
        let Some(end) = end.or(next) else {
            sheet.mistake(line, "end", "one price alone has no end", "add a column end");
            continue;
        };
        let put = price_series::put(
            tx,
            organisation,
            name,
            &Price { start, end, price },
            by.business,
            &mut loaded,
        );
        sheet.keep(line, put)?;
    }
    sheet.done()?;
    let after = json!({"added": loaded.added, "changed": loaded.changed, "same": loaded.same});
    let subject = format!("price_series:{name}");
    by.note(tx, organisation, "price_series.load", &subject, (None, Some(after)))?;
    Ok(loaded)
}

/// Loads months of an index: `month` as 2026-10 and `change` as a fraction.
pub fn load_index(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    name: &str,
    (file, text): (&str, &str),
) -> Result<Loaded, ImportRefusal> {
    let mut sheet = Sheet::read(file, text, &["month", "change"], &[])?;
    let mut loaded = Loaded::default();
    for n in 0..sheet.rows.len() {
        let (line, text) = (sheet.line(n), sheet.value(n, "month"));
        let month = format!("{text}-01").parse().or_else(|_| text.parse());
        let Ok(month) = month else {
            let message = format!("`{text}` is not a month");
            sheet.mistake(line, "month", &message, "write it as 2026-10");
            continue;
        };
        let Some(change) = sheet.decimal(n, "change") else { continue };
        let new = IndexValue { name: name.to_owned(), month, change };
        let put = index_values::put(tx, organisation, &new, by.business, &mut loaded);
        sheet.keep(line, put)?;
    }
    sheet.done()?;
    let after = json!({"added": loaded.added, "changed": loaded.changed, "same": loaded.same});
    let subject = format!("index_value:{name}");
    by.note(tx, organisation, "index_value.load", &subject, (None, Some(after)))?;
    Ok(loaded)
}

/// A file's lines by column, and what is wrong with them.
struct Sheet {
    file: String,
    columns: Vec<String>,
    rows: Vec<(u64, Vec<String>)>,
    mistakes: Vec<ImportMistake>,
}

impl Sheet {
    fn read(
        file: &str,
        text: &str,
        needed: &[&str],
        allowed: &[&str],
    ) -> Result<Self, ImportRefusal> {
        let text = text.trim_start_matches('\u{feff}');
        let header = text.lines().next().unwrap_or_default();
        let separator = if header.contains(';') { b';' } else { b',' };
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator)
            .trim(csv::Trim::All)
            .flexible(true)
            .from_reader(text.as_bytes());
        let columns = reader.headers().map(|h| h.iter().map(str::to_lowercase).collect());
        let mut sheet = Self {
            file: file.to_owned(),
            columns: columns.unwrap_or_default(),
            rows: Vec::new(),
            mistakes: Vec::new(),
        };
        let names = needed.iter().chain(allowed).copied().collect::<Vec<_>>().join(", ");
        for column in needed {
            if !sheet.columns.iter().any(|found| found == column) {
                let fix = format!("columns are {names}");
                sheet.mistake(1, column, "the column is missing", &fix);
            }
        }
        for column in sheet.columns.clone() {
            if !needed.iter().chain(allowed).any(|known| *known == column) {
                let fix = format!("columns are {names}");
                sheet.mistake(1, &column, "the column is not known", &fix);
            }
        }
        for record in reader.records() {
            match record {
                Ok(record) if record.iter().all(str::is_empty) => {}
                Ok(record) => {
                    let line = record.position().map_or(0, csv::Position::line);
                    sheet.rows.push((line, record.iter().map(str::to_owned).collect()));
                }
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    sheet.mistake(line, "(line)", &error.to_string(), "save the file as UTF-8 CSV");
                }
            }
        }
        if sheet.rows.is_empty() && sheet.mistakes.is_empty() {
            sheet.mistake(2, "(line)", "the file has no line", "add one below the header");
        }
        if sheet.mistakes.is_empty() {
            Ok(sheet)
        } else {
            Err(ImportRefusal::Mistakes(sheet.mistakes))
        }
    }

    fn mistake(&mut self, line: u64, column: &str, message: &str, fix: &str) {
        self.mistakes.push(ImportMistake {
            file: self.file.clone(),
            line,
            column: column.to_owned(),
            message: message.to_owned(),
            fix: fix.to_owned(),
        });
    }

    fn line(&self, n: usize) -> u64 {
        self.rows.get(n).map_or(0, |row| row.0)
    }

    fn value(&self, n: usize, column: &str) -> String {
        let at = self.columns.iter().position(|known| known == column);
        let row = self.rows.get(n).map(|row| row.1.as_slice()).unwrap_or_default();
        at.and_then(|at| row.get(at)).cloned().unwrap_or_default()
    }

    fn instant(&mut self, n: usize, column: &str) -> Option<Timestamp> {
        let text = self.value(n, column);
        let found = text.parse::<jiff::Timestamp>().ok();
        if found.is_none() {
            let message = format!("`{text}` is not an instant with its offset");
            let fix = "write it as 2026-11-23T14:00:00-03:00 or 2026-11-23T17:00:00Z";
            self.mistake(self.line(n), column, &message, fix);
        }
        found.map(|at| Timestamp::from_second(at.as_second()))
    }

    fn decimal(&mut self, n: usize, column: &str) -> Option<Decimal> {
        let text = self.value(n, column);
        let found = text.parse().ok();
        if found.is_none() {
            let message = format!("`{text}` is not a number");
            self.mistake(self.line(n), column, &message, "write it with a decimal point: -3.51");
        }
        found
    }

    /// Notes what the registry refuses about a line; a registry that fails ends it all.
    fn keep(&mut self, line: u64, put: Result<(), RegistryError>) -> Result<(), RegistryError> {
        match put {
            Err(RegistryError::Invalid { field, reason }) => {
                self.mistake(line, field, &reason, "mend the line, or take it out");
                Ok(())
            }
            put => put,
        }
    }

    fn done(&mut self) -> Result<(), ImportRefusal> {
        let mistakes = std::mem::take(&mut self.mistakes);
        if mistakes.is_empty() { Ok(()) } else { Err(ImportRefusal::Mistakes(mistakes)) }
    }
}
