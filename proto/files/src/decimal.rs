//! Whole numbers from decimal text, without a floating point number in between.

/// The text is no number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a number")]
pub struct NotANumber(pub String);

/// `text × 10^power` as a whole number, rounded half to even.
///
/// `decimal` is the decimal mark, `.` or `,`. Blanks around the number, a sign and an exponent are
/// understood; grouping marks are not, because `1.234` would mean two things.
///
/// # Errors
/// When the text is no number or does not fit into 64 bits.
pub fn scaled(text: &str, decimal: char, power: i32) -> Result<i64, NotANumber> {
    parse(text.trim(), decimal, power).ok_or_else(|| NotANumber(text.trim().to_owned()))
}

fn parse(text: &str, decimal: char, power: i32) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, exponent) = match digits.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (whole, fraction) = digits.split_once(decimal).unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut mantissa: i128 = 0;
    // More than 30 digits do not fit; the rest of the fraction only matters as "not nothing".
    let mut dropped: i32 = 0;
    let mut sticky = false;
    for digit in whole.chars().chain(fraction.chars()) {
        let digit = i128::from(digit.to_digit(10)?);
        if mantissa >= 1_000_000_000_000_000_000_000_000_000_000 {
            dropped = dropped.checked_add(1)?;
            sticky |= digit != 0;
        } else {
            mantissa = mantissa.checked_mul(10)?.checked_add(digit)?;
        }
    }
    let behind = i32::try_from(fraction.chars().count()).ok()?;
    let power = power.checked_add(exponent)?.checked_add(dropped)?.checked_sub(behind)?;
    let magnitude = if power >= 0 {
        let factor = 10_i128.checked_pow(u32::try_from(power).ok()?);
        if mantissa == 0 { 0 } else { mantissa.checked_mul(factor?)? }
    } else {
        half_even(mantissa, u32::try_from(power.checked_neg()?).ok()?, sticky)
    };
    let signed = if negative { magnitude.checked_neg()? } else { magnitude };
    i64::try_from(signed).ok()
}

fn half_even(mantissa: i128, places: u32, sticky: bool) -> i128 {
    let Some(divisor) = 10_i128.checked_pow(places) else { return 0 };
    let floor = mantissa.checked_div(divisor).unwrap_or(0);
    let twice = mantissa.checked_rem(divisor).unwrap_or(0).saturating_mul(2);
    let odd = floor.checked_rem(2) == Some(1);
    let up = twice > divisor || (twice == divisor && (sticky || odd));
    if up { floor.saturating_add(1) } else { floor }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_watt_hours_exactly() {
        for (text, wh) in [
            (" 0.219 ", 219),
            ("1.0779999", 1078),
            ("0.0005", 0),
            ("0.0015", 2),
            ("0.00150000000000000000000000000000000000001", 2),
            ("0.00250000000000000000000000000000000000001", 3),
            ("-1.5", -1500),
            ("+.5", 500),
            ("2.", 2000),
            ("1.5e-3", 2),
            ("25E-4", 2),
            ("0", 0),
            ("9223372036854775.807", i64::MAX),
            ("0e99", 0),
            ("1e-99", 0),
        ] {
            assert_eq!(scaled(text, '.', 3), Ok(wh), "{text}");
        }
        assert_eq!(scaled("0,139", ',', 3), Ok(139));
        for text in ["", ".", "-", "1,5", "1.2.3", "kWh", "1e", "9223372036854775.808", "1e99", "٣"]
        {
            assert!(scaled(text, '.', 3).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_printed_comes_back(wh in -9_000_000_000_000_000i64..9_000_000_000_000_000) {
            let sign = if wh < 0 { "-" } else { "" };
            let text = format!("{sign}{}.{:03}", wh.abs() / 1000, wh.abs() % 1000);
            proptest::prop_assert_eq!(scaled(&text, '.', 3), Ok(wh));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}", power in -400i32..400) {
            drop(scaled(&text, '.', power));
        }
    }
}
