//! Figures as a language writes them.

use rust_decimal::{Decimal, RoundingStrategy};

use crate::text::Texts;

/// A number with at most `decimals` digits behind the sign, thousands apart.
pub(crate) fn number(texts: &Texts, value: Decimal, decimals: u32) -> String {
    let rounded = value.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
    grouped(texts, &rounded.normalize().to_string())
}

/// An amount: "R$ 1.234,50".
pub(crate) fn money(texts: &Texts, currency: &str, value: Decimal) -> String {
    let rounded = value.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    let sign = match currency {
        "BRL" => "R$ ",
        "EUR" => "€ ",
        "GBP" => "£",
        "USD" => "US$ ",
        "AUD" => "A$ ",
        other => return format!("{other} {}", grouped(texts, &format!("{rounded:.2}"))),
    };
    format!("{sign}{}", grouped(texts, &format!("{rounded:.2}")))
}

/// A date given as YYYY-MM-DD.
pub(crate) fn date(texts: &Texts, language: &str, value: &str) -> Option<String> {
    let mut parts = value.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let month = texts.months.get(month.parse::<usize>().ok()?.checked_sub(1)?)?;
    let day: u8 = day.parse().ok()?;
    Some(if language.starts_with("en") {
        format!("{day} {month} {year}")
    } else {
        format!("{day} de {month} de {year}")
    })
}

/// A duration: minutes below two hours, hours below two days, then days.
pub(crate) fn minutes(texts: &Texts, value: Decimal) -> String {
    let (hour, day) = (Decimal::from(60), Decimal::from(60 * 24));
    if value < hour * Decimal::TWO {
        format!("{} min", number(texts, value, 0))
    } else if value < day * Decimal::TWO {
        format!("{} h", number(texts, value / hour, 0))
    } else {
        format!("{} d", number(texts, value / day, 0))
    }
}

fn grouped(texts: &Texts, plain: &str) -> String {
    let (sign, digits) = plain.strip_prefix('-').map_or(("", plain), |digits| ("−", digits));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let mut out = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push_str(&texts.group);
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push_str(&texts.decimal);
        out.push_str(fraction);
    }
    out
}
