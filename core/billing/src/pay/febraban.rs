//! The bar code of utility bills (FEBRABAN, *arrecadação*, version 07 of 2023): 44 digits in the bars
//! and a line of 48 digits for people, in four blocks with a check digit each.
//!
//! Position 3 says whether the value is an amount and by which modulus all five check digits are
//! made: 6 and 7 by modulus 10, 8 and 9 by modulus 11.

use corrente_units::Money;
use serde::Serialize;

use super::modulus::{modulus_10, remainder_11};

/// Why a code is not a bar code of a utility bill.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FebrabanError {
    /// The line of a bank slip, which is another kind of code.
    #[error("47 digits are the line of a bank slip (boleto), not of a utility bill, which has 48")]
    BankSlip,
    /// Neither 44 nor 48 digits.
    #[error("the code has {found} digits: a bar code has 44 and its line 48")]
    Length {
        /// Digits found.
        found: usize,
    },
    /// Something else than digits, blanks, dots and dashes.
    #[error("`{found}` is no digit")]
    NotADigit {
        /// The character.
        found: char,
    },
    /// Not a code of this kind.
    #[error("the first digit is {found}, but codes of utility bills begin with 8")]
    Product {
        /// The digit.
        found: char,
    },
    /// An unknown way to read the value.
    #[error("the third digit is {found}: 6, 7, 8 or 9 say what the value is")]
    ValueId {
        /// The digit.
        found: char,
    },
    /// The general check digit is wrong.
    #[error("the check digit in position 4 is {found}, but {expected} belongs there")]
    CheckDigit {
        /// What is there.
        found: char,
        /// What belongs there.
        expected: u32,
    },
    /// A block's check digit is wrong.
    #[error("the check digit of block {block} is {found}, but {expected} belongs there")]
    BlockCheckDigit {
        /// The block, from 1.
        block: usize,
        /// What is there.
        found: char,
        /// What belongs there.
        expected: u32,
    },
    /// A part to build from does not fit.
    #[error("the {field} must be {rule}")]
    Field {
        /// Which one.
        field: &'static str,
        /// What it must be.
        rule: &'static str,
    },
}

/// The parts of a bar code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BarCode {
    /// The segment: 3 for electricity and gas.
    pub segment: u8,
    /// What the value is: 6 or 8 an amount in reais, 7 or 9 a quantity of a currency.
    pub value_id: u8,
    /// The value in cents.
    pub value: Money,
    /// The company's number with FEBRABAN, 4 digits; 8 in segment 6.
    pub company: String,
    /// The company's own field: 25 digits, 21 in segment 6.
    pub free: String,
}

impl BarCode {
    /// The 44 digits of the bars.
    ///
    /// # Errors
    /// When a part does not fit into its field.
    pub fn digits(&self) -> Result<String, FebrabanError> {
        let field = |field, rule| FebrabanError::Field { field, rule };
        if !self.known_segment() {
            return Err(field("segment", "1 to 7 or 9"));
        }
        if !(6..=9).contains(&self.value_id) {
            return Err(field("value id", "6, 7, 8 or 9"));
        }
        let value = format!("{:011}", self.value.minor());
        if self.value.minor() < 0 || value.len() != 11 {
            return Err(field("amount", "from 0 to 999999999.99"));
        }
        let company = if self.segment == 6 { 8 } else { 4 };
        let digits =
            |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(&self.company, company) {
            return Err(field("company", "4 digits (8 in segment 6)"));
        }
        if !digits(&self.free, 29_usize.saturating_sub(company)) {
            return Err(field("free field", "25 digits (21 in segment 6)"));
        }
        let head = format!("8{}{}", self.segment, self.value_id);
        let tail = format!("{value}{}{}", self.company, self.free);
        Ok(with_check_digit(&head, &tail, self.value_id))
    }

    /// The 44 digits of a code that was read, also of a segment that is not in the list.
    pub fn bars(&self) -> String {
        let head = format!("8{}{}", self.segment, self.value_id);
        let tail = format!("{:011}{}{}", self.value.minor(), self.company, self.free);
        with_check_digit(&head, &tail, self.value_id)
    }

    /// The line of 48 digits that people type.
    ///
    /// # Errors
    /// When a part does not fit into its field.
    pub fn line(&self) -> Result<String, FebrabanError> {
        Ok(line_of(&self.digits()?, self.value_id))
    }

    /// The line of a code that was read, also of a segment that is not in the list.
    pub fn blocks(&self) -> String {
        line_of(&self.bars(), self.value_id)
    }

    /// The segment is one of those that FEBRABAN lists: 1 to 7 and 9.
    pub fn known_segment(&self) -> bool {
        matches!(self.segment, 1..=7 | 9)
    }
}

fn with_check_digit(head: &str, tail: &str, value_id: u8) -> String {
    let digit = check_digit(&format!("{head}{tail}"), value_id).unwrap_or(0);
    format!("{head}{digit}{tail}")
}

fn line_of(bars: &str, value_id: u8) -> String {
    let mut line = String::new();
    for start in [0_usize, 11, 22, 33] {
        let block = bars.get(start..start.saturating_add(11)).unwrap_or_default();
        let digit = check_digit(block, value_id).unwrap_or(0);
        line.push_str(block);
        line.push_str(&digit.to_string());
    }
    line
}

/// Reads and verifies a code: 44 digits, or the line of 48; blanks, dots and dashes are ignored.
///
/// # Errors
/// Which digit is wrong, and what belongs there.
pub fn read(code: &str) -> Result<BarCode, FebrabanError> {
    let mut digits = String::new();
    for c in code.chars().filter(|c| !c.is_whitespace() && *c != '.' && *c != '-') {
        if !c.is_ascii_digit() {
            return Err(FebrabanError::NotADigit { found: c });
        }
        digits.push(c);
    }
    match digits.len() {
        44 => read_bars(&digits),
        47 => Err(FebrabanError::BankSlip),
        48 => read_line(&digits),
        found => Err(FebrabanError::Length { found }),
    }
}

fn read_line(line: &str) -> Result<BarCode, FebrabanError> {
    let value_id = value_id(line)?;
    let mut bars = String::new();
    for (index, start) in [0_usize, 12, 24, 36].into_iter().enumerate() {
        let block = line.get(start..start.saturating_add(11)).unwrap_or_default();
        let found = char_at(line, start.saturating_add(11));
        let expected = check_digit(block, value_id).unwrap_or(0);
        if found.to_digit(10) != Some(expected) {
            let block = index.saturating_add(1);
            return Err(FebrabanError::BlockCheckDigit { block, found, expected });
        }
        bars.push_str(block);
    }
    read_bars(&bars)
}

fn read_bars(bars: &str) -> Result<BarCode, FebrabanError> {
    let product = char_at(bars, 0);
    if product != '8' {
        return Err(FebrabanError::Product { found: product });
    }
    let segment = char_at(bars, 1);
    let value_id = value_id(bars)?;
    let part = |from: usize, until: usize| bars.get(from..until).unwrap_or_default().to_owned();
    let body = format!("{}{}", part(0, 3), part(4, 44));
    let expected = check_digit(&body, value_id).unwrap_or(0);
    let found = char_at(bars, 3);
    if found.to_digit(10) != Some(expected) {
        return Err(FebrabanError::CheckDigit { found, expected });
    }
    let company_ends = if segment == '6' { 23 } else { 19 };
    Ok(BarCode {
        segment: segment.to_digit(10).and_then(|d| u8::try_from(d).ok()).unwrap_or(0),
        value_id,
        value: Money::from_minor(part(4, 15).parse().unwrap_or(0)),
        company: part(15, company_ends),
        free: part(company_ends, 44),
    })
}

fn value_id(digits: &str) -> Result<u8, FebrabanError> {
    match char_at(digits, 2) {
        '6' => Ok(6),
        '7' => Ok(7),
        '8' => Ok(8),
        '9' => Ok(9),
        found => Err(FebrabanError::ValueId { found }),
    }
}

fn char_at(text: &str, index: usize) -> char {
    text.chars().nth(index).unwrap_or(' ')
}

fn check_digit(digits: &str, value_id: u8) -> Option<u32> {
    if value_id <= 7 {
        return modulus_10(digits);
    }
    Some(match remainder_11(digits)? {
        0 | 1 => 0,
        10 => 1,
        rest => 11_u32.saturating_sub(rest),
    })
}
