//! Energy from text, without a binary fraction in between.

use rust_decimal::{Decimal, RoundingStrategy};

use super::map::Unit;

/// Watt-hours to the nearest, half to even; `None` when the text is no number or out of range.
pub(super) fn watt_hours(text: &str, unit: Unit, decimal_comma: bool) -> Option<i64> {
    let text =
        if decimal_comma { text.replace('.', "").replace(',', ".") } else { text.to_owned() };
    let number = text.parse::<Decimal>().ok().or_else(|| Decimal::from_scientific(&text).ok())?;
    let factor = match unit {
        Unit::Wh => Decimal::ONE,
        Unit::Kwh => Decimal::ONE_THOUSAND,
        Unit::Mwh => Decimal::from(1_000_000),
    };
    let wh = number
        .checked_mul(factor)?
        .round_dp_with_strategy(0, RoundingStrategy::MidpointNearestEven);
    i64::try_from(wh).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energies_are_rounded_from_their_text() {
        for (text, unit, comma, wh) in [
            ("0.247", Unit::Kwh, false, Some(247)),
            ("1.0779999", Unit::Kwh, false, Some(1078)),
            ("0.0005", Unit::Kwh, false, Some(0)),
            ("0.0015", Unit::Kwh, false, Some(2)),
            ("0.0025", Unit::Kwh, false, Some(2)),
            ("0.00250000001", Unit::Kwh, false, Some(3)),
            ("-0.3", Unit::Kwh, false, Some(-300)),
            ("1.234,5", Unit::Wh, true, Some(1234)),
            ("0,125", Unit::Kwh, true, Some(125)),
            ("2e-3", Unit::Mwh, false, Some(2000)),
            ("0.28999999999999998", Unit::Kwh, false, Some(290)),
            ("Null", Unit::Kwh, false, None),
            ("", Unit::Kwh, false, None),
            ("1 2", Unit::Kwh, false, None),
            ("99999999999999999999999999", Unit::Mwh, false, None),
        ] {
            assert_eq!(watt_hours(text, unit, comma), wh, "{text}");
        }
    }
}
