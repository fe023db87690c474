//! Meter data files: bytes in, channels with readings out.
//!
//! [`read`] finds out what a file is and reads all of it; [`inspect`] says what it would read. Both
//! are pure. A row that cannot be read becomes a [`Problem`] with its line and the reason, and the
//! other rows are read; a file that breaks the rules of its format as a whole (NEM12) is refused with
//! the line and the reason.
//!
//! Energies come exactly from the decimal text, rounded half to even to the watt-hour where the text
//! is finer; a floating point number is never in between.
//!
//! # How to add a format
//!
//! A table with a column for the time needs no code: it is a [`Mapping`], and the built-in ones are
//! mapping files in `src/mappings/` that a user could have written. Anything else is a module with a
//! function from text to [`FileReadings`], a variant of [`Format`], and a line in `detect.rs`.

#![cfg_attr(
    not(test),
    deny(
        clippy::float_arithmetic,
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::indexing_slicing,
        clippy::panic,
        missing_docs
    )
)]

mod collect;
mod decimal;
mod detect;
mod error;
mod format;
mod green_button;
mod mapping;
mod nem;
mod report;
mod table;
mod text;
mod wall;
mod wide;

pub use collect::{ColumnSum, Conflict, FileChannel, FileReadings, Problem, Unit};
pub use decimal::{NotANumber, scaled};
pub use error::FileError;
pub use format::Format;
pub use mapping::{
    ChannelColumn, Column, Label, Mapping, MappingError, MeterColumn, Midnight, QualityColumn,
    RowFilter, TimeColumns,
};
pub use report::{ChannelReport, FileReport, inspect};

/// Reads a meter data file.
///
/// `file_name` only helps to name what is read (and to see a `.gz`); `mapping` describes a table that
/// no built-in format knows, or gives a built-in format another time zone.
///
/// # Errors
/// When the file is of no known format, or breaks the rules of its format as a whole.
pub fn read(
    bytes: &[u8],
    file_name: &str,
    mapping: Option<&Mapping>,
) -> Result<FileReadings, FileError> {
    let text = text::decode(bytes)?;
    let mut readings = detect::read(&text, mapping)?;
    file_name.clone_into(&mut readings.file_name);
    Ok(readings)
}
