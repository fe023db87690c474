//! The key of an electricity invoice document (NF3e, model 66): 44 characters with a check digit.
//!
//! A city cannot issue such a document without the utility's certificate; reading and verifying a
//! key, and the form of its QR address, is what can be done.

use serde::Serialize;

use super::modulus::remainder_11;

/// Why a text is not the key of an NF3e.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Nf3eError {
    /// Not 44 characters.
    #[error("the key has {found} characters: it must have 44")]
    Length {
        /// Characters found.
        found: usize,
    },
    /// A character that cannot stand in its place.
    #[error("the {field} in the key, `{found}`, must be {rule}")]
    Field {
        /// Which one.
        field: &'static str,
        /// What is there.
        found: String,
        /// What it must be.
        rule: &'static str,
    },
    /// The check digit is wrong.
    #[error("the key's check digit is {found}, but {expected} belongs there")]
    CheckDigit {
        /// What is there.
        found: String,
        /// What belongs there.
        expected: u32,
    },
}

/// The parts of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Nf3eKey {
    /// The state's number (IBGE): 29 is Bahia.
    pub state: String,
    /// Year and month of issue: `2605`.
    pub year_month: String,
    /// The issuer's CNPJ; its first 12 characters may be letters.
    pub issuer: String,
    /// The series.
    pub series: String,
    /// The document's number.
    pub number: String,
    /// 1 normal, 2 off-line contingency.
    pub emission: u8,
    /// The site of the authorisation.
    pub site: u8,
    /// A random code.
    pub code: String,
}

/// The numbers that IBGE gives to Brazil's states.
const STATES: [&str; 27] = [
    "11", "12", "13", "14", "15", "16", "17", "21", "22", "23", "24", "25", "26", "27", "28", "29",
    "31", "32", "33", "35", "41", "42", "43", "50", "51", "52", "53",
];

/// Reads and verifies a key; `NF3e` in front of it is ignored, and so are blanks and small letters.
///
/// # Errors
/// What is wrong with it.
pub fn read(text: &str) -> Result<Nf3eKey, Nf3eError> {
    let key: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    // Letters of a CNPJ are capitals; people type them as they come.
    let key = key.to_ascii_uppercase();
    let key = key.strip_prefix("NF3E").unwrap_or(&key);
    if key.chars().count() != 44 || !key.is_ascii() {
        return Err(Nf3eError::Length { found: key.chars().count() });
    }
    let part = |from: usize, until: usize| key.get(from..until).unwrap_or_default().to_owned();
    let wrong = |field, found: String, rule| Err(Nf3eError::Field { field, found, rule });
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let parsed = Nf3eKey {
        state: part(0, 2),
        year_month: part(2, 6),
        issuer: part(6, 20),
        series: part(22, 25),
        number: part(25, 34),
        emission: part(34, 35).parse().unwrap_or(0),
        site: part(35, 36).parse().unwrap_or(0),
        code: part(36, 43),
    };
    if !STATES.contains(&parsed.state.as_str()) {
        return wrong("state", parsed.state, "the number of a state, such as 29 for Bahia");
    }
    let month: u8 = part(4, 6).parse().unwrap_or(0);
    if !digits(&parsed.year_month) || !(1..=12).contains(&month) {
        return wrong("year and month", parsed.year_month, "four digits, such as 2605");
    }
    let body = |c: u8| c.is_ascii_digit() || c.is_ascii_uppercase();
    let (root, check) = parsed.issuer.split_at_checked(12).unwrap_or_default();
    if !root.bytes().all(body) || !digits(check) {
        return wrong("issuer", parsed.issuer, "a CNPJ: 12 digits or letters and 2 digits");
    }
    if part(20, 22) != "66" {
        return wrong("model", part(20, 22), "66");
    }
    if !digits(&part(22, 44)) {
        return wrong("number", part(22, 43), "digits from the series on");
    }
    if !(1..=2).contains(&parsed.emission) {
        return wrong("kind of emission", part(34, 35), "1 or 2");
    }
    let expected = check_digit(&part(0, 43)).unwrap_or(0);
    let found = part(43, 44);
    if found.parse() != Ok(expected) {
        return Err(Nf3eError::CheckDigit { found, expected });
    }
    Ok(parsed)
}

impl Nf3eKey {
    /// The 44 characters.
    pub fn key(&self) -> String {
        let body = format!(
            "{}{}{}66{}{}{}{}{}",
            self.state,
            self.year_month,
            self.issuer,
            self.series,
            self.number,
            self.emission,
            self.site,
            self.code
        );
        let digit = check_digit(&body).unwrap_or(0);
        format!("{body}{digit}")
    }

    /// The address in the document's QR code, on the state's (or the shared) server.
    pub fn qr_address(&self, base: &str, production: bool) -> String {
        let environment = if production { 1 } else { 2 };
        format!("{base}?chNF3e={}&tpAmb={environment}", self.key())
    }
}

/// Modulus 11 with weights 2 to 9 from the right; remainders 0 and 1 give 0.
fn check_digit(body: &str) -> Option<u32> {
    Some(match remainder_11(body)? {
        0 | 1 => 0,
        rest => 11_u32.saturating_sub(rest),
    })
}
