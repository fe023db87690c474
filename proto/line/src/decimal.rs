//! Decimal texts of JSON numbers, exactly: a binary float would already have rounded once.

use std::cmp::Ordering;

/// A text that is no decimal number, or one that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecimalError {
    NotANumber,
    TooLarge,
}

/// The value × 1000 as a whole number, half to even below it: kWh → Wh, V → mV, A → mA.
///
/// Takes what JSON takes, and also `+1`, `1.` and `.5` as Python's `float` does.
pub(crate) fn thousandths(text: &str) -> Result<i64, DecimalError> {
    let number = Number::parse(text).ok_or(DecimalError::NotANumber)?;
    let magnitude = number.magnitude_times_thousand()?;
    let value = if number.negative { magnitude.checked_neg() } else { Some(magnitude) };
    value.ok_or(DecimalError::TooLarge)
}

struct Number<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Number<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (negative, rest) = match bytes.split_first() {
            Some((b'-', rest)) => (true, rest),
            Some((b'+', rest)) => (false, rest),
            _ => (false, bytes),
        };
        let (whole, rest) = split_digits(rest);
        let (fraction, rest) = match rest.split_first() {
            Some((b'.', rest)) => split_digits(rest),
            _ => (&[][..], rest),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let exponent = match rest.split_first() {
            None => 0,
            Some((b'e' | b'E', exponent)) => parse_exponent(exponent)?,
            Some(_) => return None,
        };
        Some(Self { negative, whole, fraction, exponent })
    }

    fn magnitude_times_thousand(&self) -> Result<i64, DecimalError> {
        // The decimal point stands after this many digits of `whole` and `fraction` together.
        let length = i64::try_from(self.whole.len()).map_err(|_| DecimalError::TooLarge)?;
        let point = length.saturating_add(self.exponent).saturating_add(3);
        let digits = || self.whole.iter().chain(self.fraction).map(|d| d.wrapping_sub(b'0'));

        let mut value = 0_i64;
        let mut position = 0_i64;
        let mut dropped = digits();
        while position < point {
            let Some(digit) = dropped.next() else {
                if value == 0 {
                    return Ok(0);
                }
                value = value.checked_mul(10).ok_or(DecimalError::TooLarge)?;
                position = position.saturating_add(1);
                continue;
            };
            value = value
                .checked_mul(10)
                .and_then(|v| v.checked_add(i64::from(digit)))
                .ok_or(DecimalError::TooLarge)?;
            position = position.saturating_add(1);
        }
        if point < 0 {
            // At least one zero stands between the point and the first digit: less than a tenth.
            return Ok(value);
        }
        let up = match dropped.next().unwrap_or(0).cmp(&5) {
            Ordering::Less => false,
            Ordering::Greater => true,
            Ordering::Equal => dropped.any(|d| d != 0) || value.wrapping_rem(2) != 0,
        };
        if up { value.checked_add(1).ok_or(DecimalError::TooLarge) } else { Ok(value) }
    }
}

fn split_digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let count = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    bytes.split_at_checked(count).unwrap_or((bytes, &[]))
}

fn parse_exponent(bytes: &[u8]) -> Option<i64> {
    let (negative, digits) = match bytes.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, bytes),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0_i64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value.saturating_mul(10).saturating_add(i64::from(digit.wrapping_sub(b'0')));
    }
    Some(if negative { value.saturating_neg() } else { value })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_become_thousandths_half_to_even() {
        for (text, expected) in [
            ("12.0", Ok(12_000)),
            ("13", Ok(13_000)),
            ("0.0005", Ok(0)),
            ("0.0015", Ok(2)),
            ("0.0025", Ok(2)),
            ("0.00250000000000000000000000000001", Ok(3)),
            ("0.0004999999999999999999", Ok(0)),
            ("0.00051", Ok(1)),
            ("0.00005", Ok(0)),
            ("0.00009", Ok(0)),
            ("-1.5", Ok(-1500)),
            ("-0.0", Ok(0)),
            ("1e3", Ok(1_000_000)),
            ("1.5E-3", Ok(2)),
            ("2.5e-3", Ok(2)),
            (".5", Ok(500)),
            ("1.", Ok(1000)),
            ("+1", Ok(1000)),
            ("0e999999999999999999999", Ok(0)),
            ("1e-999999999999999999999", Ok(0)),
            ("1e16", Err(DecimalError::TooLarge)),
            ("1e999999999999999999999", Err(DecimalError::TooLarge)),
            ("9223372036854775.807", Ok(i64::MAX)),
            ("9223372036854775.8075", Err(DecimalError::TooLarge)),
            ("", Err(DecimalError::NotANumber)),
            (".", Err(DecimalError::NotANumber)),
            ("-", Err(DecimalError::NotANumber)),
            ("1e", Err(DecimalError::NotANumber)),
            ("1_000", Err(DecimalError::NotANumber)),
            ("nan", Err(DecimalError::NotANumber)),
            ("0x10", Err(DecimalError::NotANumber)),
            ("1.2.3", Err(DecimalError::NotANumber)),
        ] {
            assert_eq!(thousandths(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whole_thousandths_come_back(value in -9_000_000_000_000_000_i64..9_000_000_000_000_000) {
            let sign = if value < 0 { "-" } else { "" };
            let text = format!("{sign}{}.{:03}", value.abs() / 1000, value.abs() % 1000);
            prop_assert_eq!(thousandths(&text), Ok(value));
            prop_assert_eq!(thousandths(&format!("{value}e-3")), Ok(value));
        }
    }
}
