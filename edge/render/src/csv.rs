//! Usage as comma-separated values (RFC 4180).

use std::{borrow::Cow, io::Write};

use corrente_units::{Energy, Money};

/// One step of one usage point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRow {
    /// The usage point's recorded name.
    pub usage_point: String,
    /// The step's beginning, RFC 3339.
    pub period_start: String,
    /// Its end.
    pub period_end: String,
    /// How much is known; an empty field when nothing is.
    pub energy: Option<Energy>,
    /// How well it is known.
    pub quality: &'static str,
    /// What it cost, where that is asked for.
    pub amount: Option<Money>,
}

/// Is there a column of amounts?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amounts {
    /// Yes.
    With,
    /// No.
    Without,
}

/// Writes a header line and a line a row: `usage_point,period_start,period_end,wh,quality` and
/// `amount` where it is asked for.
///
/// # Errors
/// When the writer fails.
pub fn usage(
    to: impl Write,
    rows: impl IntoIterator<Item = UsageRow>,
    amounts: Amounts,
) -> Result<(), csv::Error> {
    let mut file = UsageFile::begin(to, amounts)?;
    rows.into_iter().try_for_each(|row| file.write(&row))?;
    file.end()
}

/// The same for rows that come one after the other, from whoever may fail between them.
pub struct UsageFile<W: Write> {
    file: csv::Writer<W>,
    amounts: Amounts,
}

impl<W: Write> std::fmt::Debug for UsageFile<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UsageFile").field("amounts", &self.amounts).finish_non_exhaustive()
    }
}

impl<W: Write> UsageFile<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn begin(to: W, amounts: Amounts) -> Result<Self, csv::Error> {
        let mut file = csv::Writer::from_writer(to);
        let mut header = vec!["usage_point", "period_start", "period_end", "wh", "quality"];
        if amounts == Amounts::With {
            header.push("amount");
        }
        file.write_record(&header)?;
        Ok(Self { file, amounts })
    }

    /// Writes a line.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn write(&mut self, row: &UsageRow) -> Result<(), csv::Error> {
        let wh = row.energy.map(|energy| energy.wh().to_string()).unwrap_or_default();
        let amount = row.amount.map(|amount| amount.to_string()).unwrap_or_default();
        let name = harmless(&row.usage_point);
        let mut record = vec![&*name, &row.period_start, &row.period_end, &wh, row.quality];
        if self.amounts == Amounts::With {
            record.push(&amount);
        }
        self.file.write_record(&record)
    }

    /// Hands on what is still in memory.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn end(mut self) -> Result<(), csv::Error> {
        Ok(self.file.flush()?)
    }
}

/// A name that a spreadsheet would take for a formula gets an apostrophe before it.
pub fn harmless(name: &str) -> Cow<'_, str> {
    if name.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{name}"))
    } else {
        Cow::Borrowed(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_energy_is_an_empty_field_and_a_formula_is_none() {
        let row = |usage_point: &str, energy: Option<i64>, quality| UsageRow {
            usage_point: usage_point.to_owned(),
            period_start: "2026-11-01T00:00:00-03:00".to_owned(),
            period_end: "2026-11-02T00:00:00-03:00".to_owned(),
            energy: energy.map(Energy::from_wh),
            quality,
            amount: energy.map(|wh| Money::from_minor(wh / 10)),
        };
        let rows = [row("Rua A, 12", Some(9600), "measured"), row("=1+1", None, "missing")];
        let mut file = Vec::new();
        usage(&mut file, rows.clone(), Amounts::Without).unwrap();
        let text = String::from_utf8(file).unwrap();
        assert_eq!(
            text,
            "usage_point,period_start,period_end,wh,quality\n\
             \"Rua A, 12\",2026-11-01T00:00:00-03:00,2026-11-02T00:00:00-03:00,9600,measured\n\
             '=1+1,2026-11-01T00:00:00-03:00,2026-11-02T00:00:00-03:00,,missing\n"
        );
        let mut file = Vec::new();
        usage(&mut file, rows, Amounts::With).unwrap();
        assert!(String::from_utf8(file).unwrap().contains(",9600,measured,9.60\n"));
    }
}
