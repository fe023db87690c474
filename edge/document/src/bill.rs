//! What stands on the invoice. Every figure, amount and date is text in the reader's language already;
//! only the history carries watt-hours, for the height of its bars.

use serde::Serialize;

/// The invoice.
#[derive(Clone, Debug, Serialize)]
pub struct Bill {
    /// Its number.
    pub number: String,
    /// What it corrects; nothing for a bill.
    pub corrects: Option<Corrects>,
    /// Who sends it.
    pub issuer: Party,
    /// Who pays it.
    pub customer: Party,
    /// For what place.
    pub usage_point: Place,
    /// Which days.
    pub period: Period,
    /// The day it was issued.
    pub issued: String,
    /// The same day as year, month and day, for the document's own date.
    pub issued_on: (i16, i8, i8),
    /// The day it is due.
    pub due: String,
    /// The day of the next reading, where it is known.
    pub next_reading: Option<String>,
    /// What is to pay, with its currency.
    pub total: String,
    /// The energy of the period, with its unit.
    pub energy: String,
    /// The lines, in order.
    pub lines: Vec<LineRow>,
    /// The taxes that the lines have a column for.
    pub tax_columns: Vec<String>,
    /// What the lines and the taxes on top of them come to.
    pub sum: String,
    /// The tax box.
    pub taxes: Vec<TaxRow>,
    /// The registers.
    pub meters: Vec<MeterRow>,
    /// How many intervals were measured, estimated, missing, in words.
    pub quality: String,
    /// Up to 13 months, the oldest first, the billed one last.
    pub history: Vec<HistoryMonth>,
    /// What the customer should know.
    pub messages: Vec<String>,
    /// How to pay by PIX.
    pub pix: Option<Pix>,
    /// How to pay by bar code.
    pub barcode: Option<BarCode>,
    /// Why it differs from the bill before.
    pub why: Option<Why>,
    /// Why it differs from the bill of the same month a year earlier.
    pub why_last_year: Option<Why>,
    /// A preview of what an NF3e of it would have.
    pub nf3e: Option<Nf3e>,
    /// The plan's fingerprint.
    pub digest: String,
}

/// What a correction corrects.
#[derive(Clone, Debug, Serialize)]
pub struct Corrects {
    /// The number of the invoice.
    pub number: String,
    /// Why, in the words of who did it.
    pub reason: String,
    /// What the period came to until then.
    pub before: String,
    /// What it comes to.
    pub after: String,
    /// The difference, with its sign: what this document is about.
    pub difference: String,
    /// Is it a credit?
    pub credit: bool,
    /// The lines that differ.
    pub lines: Vec<DifferenceRow>,
}

/// A line that differs.
#[derive(Clone, Debug, Serialize)]
pub struct DifferenceRow {
    /// What it is.
    pub label: String,
    /// What it came to.
    pub before: String,
    /// What it comes to.
    pub after: String,
    /// The difference, with its sign.
    pub difference: String,
}

/// A preview of the key and the QR form of an NF3e. It is no fiscal document: issuing one needs the utility's
/// certificate.
#[derive(Clone, Debug, Serialize)]
pub struct Nf3e {
    /// The key in groups of four.
    pub key: String,
    /// The code to scan.
    pub qr_svg: String,
}

/// Why a bill differs from another one.
#[derive(Clone, Debug, Serialize)]
pub struct Why {
    /// What the other bill came to.
    pub before: String,
    /// By how much this one is above it, with its sign.
    pub difference: String,
    /// The causes, the largest first; they add up to the difference.
    pub parts: Vec<WhyPart>,
}

/// A cause of the difference.
#[derive(Clone, Debug, Serialize)]
pub struct WhyPart {
    /// What it is.
    pub cause: String,
    /// What it adds, with its sign.
    pub amount: String,
}

/// A person or a company.
#[derive(Clone, Debug, Serialize)]
pub struct Party {
    /// Its name.
    pub name: String,
    /// Its number at the issuer; empty for the issuer itself.
    pub number: String,
    /// Its tax number.
    pub document: Option<String>,
    /// Its postal address.
    pub address: String,
}

/// The usage point.
#[derive(Clone, Debug, Serialize)]
pub struct Place {
    /// Its recorded name.
    pub name: String,
    /// Its class and phases.
    pub class: String,
}

/// The billed days.
#[derive(Clone, Debug, Serialize)]
pub struct Period {
    /// The first one.
    pub first: String,
    /// The last one.
    pub last: String,
    /// How many.
    pub days: String,
}

/// A line: quantity × price = amount.
#[derive(Clone, Debug, Serialize)]
pub struct LineRow {
    /// What it is.
    pub label: String,
    /// The clause or the share behind it.
    pub note: Option<String>,
    /// How much, with its unit; empty where there is none.
    pub quantity: String,
    /// For how much each, with the taxes inside the amount; empty where there is none.
    pub price: String,
    /// For how much each without taxes; empty where there is none.
    pub net_price: String,
    /// What each tax column's tax comes to.
    pub taxes: Vec<String>,
    /// What it comes to.
    pub amount: String,
}

/// A row of the tax box.
#[derive(Clone, Debug, Serialize)]
pub struct TaxRow {
    /// The tax.
    pub name: String,
    /// Computed from what.
    pub base: String,
    /// At what rate.
    pub rate: String,
    /// What it comes to.
    pub amount: String,
}

/// A register's two readings.
#[derive(Clone, Debug, Serialize)]
pub struct MeterRow {
    /// The meter.
    pub serial: String,
    /// What it showed at the start.
    pub start: String,
    /// When.
    pub start_at: String,
    /// What it showed at the end.
    pub end: String,
    /// When.
    pub end_at: String,
    /// What the difference is multiplied by.
    pub constant: String,
    /// The energy.
    pub energy: String,
}

/// A month of the history.
#[derive(Clone, Debug, Serialize)]
pub struct HistoryMonth {
    /// The month, short.
    pub label: String,
    /// Its energy in words.
    pub kwh: String,
    /// Its energy in watt-hours, for the bar.
    pub wh: i64,
}

/// The PIX payment.
#[derive(Clone, Debug, Serialize)]
pub struct Pix {
    /// The code to copy.
    pub payload: String,
    /// The code to scan.
    pub qr_svg: String,
    /// Who is paid.
    pub payee: String,
    /// The payment's identification.
    pub txid: String,
}

/// The bar code of FEBRABAN's collection standard.
#[derive(Clone, Debug, Serialize)]
pub struct BarCode {
    /// Its digits in blocks, as typed.
    pub digits: String,
    /// Its bars.
    pub svg: String,
}
