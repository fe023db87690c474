//! A tariff version that has been read and checked.

use std::collections::{BTreeMap, BTreeSet};

use corrente_metering::Date;
use corrente_units::Currency;
use schemars::{Schema, schema_for};
use sha2::{Digest, Sha256};

use crate::{
    TariffError, TariffFile, check,
    problems::{Problems, from_json, from_toml},
    tou::{DayKind, Tou},
};

/// The holidays of a year are not listed in the tariff, but its periods of the day need them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("tariff `{tariff}` lists no holidays for {year}: add a `[[holidays]]` entry for that year")]
pub struct MissingHolidayYear {
    /// The tariff's code.
    pub tariff: String,
    /// The year.
    pub year: i16,
}

/// One version of a tariff, read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tariff {
    file: TariffFile,
    currency: Currency,
    tou: Option<Tou>,
    demand_tou: Option<Tou>,
    holidays: BTreeMap<i16, BTreeSet<Date>>,
    digest: String,
}

impl Tariff {
    /// Reads and checks a tariff file, as TOML, or as JSON when it begins with a brace.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with line, key, problem and fix.
    pub fn parse(text: &str) -> Result<Self, TariffError> {
        if text.trim_start().starts_with('{') {
            let file = serde_json::from_str(text).map_err(|e| from_json(text, &e))?;
            return Self::checked(file, Some(text));
        }
        let file = toml::from_str(text).map_err(|e| from_toml(text, &e))?;
        Self::checked(file, Some(text))
    }

    /// Checks a tariff that was made by a program, such as an import.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn from_file(file: TariffFile) -> Result<Self, TariffError> {
        Self::checked(file, None)
    }

    fn checked(file: TariffFile, text: Option<&str>) -> Result<Self, TariffError> {
        let mut problems = Problems::default();
        let checked = check::check(&file, &mut problems);
        problems.into_result(text)?;
        let form = serde_json::to_vec(&file).unwrap_or_default();
        let digest = hex(&Sha256::digest(form));
        let holidays = file
            .holidays
            .iter()
            .map(|year| (year.year, year.dates.iter().map(|d| d.0).collect()))
            .collect();
        Ok(Self {
            file,
            currency: checked.currency,
            tou: checked.tou,
            demand_tou: checked.demand_tou,
            holidays,
            digest,
        })
    }

    /// What was written.
    pub fn file(&self) -> &TariffFile {
        &self.file
    }

    /// The name that stays the same over all versions.
    pub fn code(&self) -> &str {
        &self.file.code
    }

    /// This version's name.
    pub fn version(&self) -> &str {
        &self.file.version
    }

    /// The currency of its amounts.
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// The first day of this version.
    pub fn valid_from(&self) -> Date {
        self.file.valid_from.0
    }

    /// The first day that it no longer covers.
    pub fn valid_until(&self) -> Option<Date> {
        self.file.valid_until.map(|d| d.0)
    }

    /// Does it cover this day?
    pub fn covers(&self, date: Date) -> bool {
        self.valid_from() <= date && self.valid_until().is_none_or(|until| date < until)
    }

    /// The periods of the day for energy.
    pub fn tou(&self) -> Option<&Tou> {
        self.tou.as_ref()
    }

    /// The periods of the day for demand: its own, or those for energy.
    pub fn demand_tou(&self) -> Option<&Tou> {
        self.demand_tou.as_ref().or(self.tou.as_ref())
    }

    /// SHA-256 of the tariff's content in hex; the same for the same content in TOML and JSON.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What kind of day it is for the periods of the day.
    ///
    /// # Errors
    /// When the tariff distinguishes holidays and does not list that year.
    pub fn day_kind(&self, date: Date) -> Result<DayKind, MissingHolidayYear> {
        let asks = |tou: &Option<Tou>| tou.as_ref().is_some_and(Tou::knows_holidays);
        let holiday = match self.holidays.get(&date.year()) {
            Some(dates) => dates.contains(&date),
            None if !self.holidays.is_empty() || asks(&self.tou) || asks(&self.demand_tou) => {
                return Err(MissingHolidayYear {
                    tariff: self.file.code.clone(),
                    year: date.year(),
                });
            }
            None => false,
        };
        Ok(DayKind { weekday: date.weekday(), holiday })
    }

    /// The tariff as a TOML file, for what was imported; comments of a file that was read are lost.
    ///
    /// # Errors
    /// When the content cannot be written as TOML, which no checked tariff should be.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string_pretty(&self.file)
    }

    /// The JSON schema of a tariff file.
    pub fn schema() -> Schema {
        schema_for!(TariffFile)
    }
}

/// Two versions of one tariff that claim the same day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "versions `{first}` and `{second}` of `{tariff}` both hold on {on}: let `{first}` end there with \
     `valid_until`, or let `{second}` begin later"
)]
pub struct Overlap {
    /// The tariff's code.
    pub tariff: String,
    /// The version that begins first.
    pub first: String,
    /// The other.
    pub second: String,
    /// The first day that both claim.
    pub on: Date,
}

/// The versions among these that claim the same day. A version without an end ends where the next one
/// of its tariff begins.
pub fn overlaps(tariffs: &[&Tariff]) -> Vec<Overlap> {
    let mut sorted = tariffs.to_vec();
    sorted.sort_by_key(|t| (t.code().to_owned(), t.valid_from()));
    let mut found = Vec::new();
    for pair in sorted.windows(2) {
        let [a, b] = pair else { continue };
        let ends_later = a.valid_until().is_some_and(|until| until > b.valid_from());
        let same_day = a.valid_from() == b.valid_from();
        if a.code() == b.code() && a.digest() != b.digest() && (ends_later || same_day) {
            found.push(Overlap {
                tariff: a.code().to_owned(),
                first: a.version().to_owned(),
                second: b.version().to_owned(),
                on: b.valid_from(),
            });
        }
    }
    found
}

/// Bytes as lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string does not fail.
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}
