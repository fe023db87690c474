//! Figures and dates as a language writes them: `1.234,50`, `1,234.50`.

use corrente_metering::{Date, calendar::DateTime};
use corrente_units::{Currency, Decimal, Rounding, round_to};

/// How a language writes figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figures {
    /// `1.234,50`, `31/12/2026`: Brazilian Portuguese, Spanish.
    Comma,
    /// `1,234.50`, `31 Dec 2026`: English.
    Point,
}

impl Figures {
    /// How the language of this tag writes figures: `pt-BR`, `en`, `es`.
    pub fn of_tag(tag: &str) -> Self {
        if tag.starts_with("en") { Self::Point } else { Self::Comma }
    }

    /// A number exactly as it is, thousands apart.
    pub fn exact(self, value: Decimal) -> String {
        self.grouped(&value.to_string())
    }

    /// A number with exactly `decimals` digits behind the point, half up: for reading, not for billing.
    pub fn fixed(self, value: Decimal, decimals: u32) -> String {
        let rounded = round_to(value, decimals, Rounding::HalfUp);
        let places = usize::try_from(decimals).unwrap_or(0);
        self.grouped(&format!("{rounded:.places$}"))
    }

    /// A number with at most `decimals` digits behind the point, thousands apart.
    pub fn at_most(self, value: Decimal, decimals: u32) -> String {
        let rounded = round_to(value, decimals, Rounding::HalfUp);
        self.grouped(&rounded.normalize().to_string())
    }

    /// A duration: minutes below two hours, hours below two days, then days.
    pub fn minutes(self, value: Decimal) -> String {
        let (hour, day) = (Decimal::from(60), Decimal::from(60 * 24));
        if value < hour * Decimal::TWO {
            format!("{} min", self.at_most(value, 0))
        } else if value < day * Decimal::TWO {
            format!("{} h", self.at_most(value / hour, 0))
        } else {
            format!("{} d", self.at_most(value / day, 0))
        }
    }

    /// A day with its month in words, of which January is the first: `1 de novembro de 2026`,
    /// `1 November 2026`.
    pub fn long_date(self, date: Date, months: &[String]) -> Option<String> {
        let index = usize::try_from(date.month()).ok()?.checked_sub(1)?;
        let (day, month, year) = (date.day(), months.get(index)?, date.year());
        Some(match self {
            Self::Comma => format!("{day} de {month} de {year}"),
            Self::Point => format!("{day} {month} {year}"),
        })
    }

    /// An amount with its currency's sign: `R$ 1.234,50`, `R$1,234.50`.
    pub fn money(self, currency: Currency, value: Decimal) -> String {
        let sign = match currency {
            Currency::Brl => "R$",
            Currency::Eur => "€",
            Currency::Gbp => "£",
            Currency::Usd => "US$",
            Currency::Aud => "A$",
        };
        let space = match self {
            Self::Comma => " ",
            Self::Point => "",
        };
        let text = self.fixed(value, 2);
        match text.strip_prefix('−') {
            Some(positive) => format!("−{sign}{space}{positive}"),
            None => format!("{sign}{space}{text}"),
        }
    }

    /// A rate given as a fraction: 0.205 is `20,5 %`.
    pub fn percent(self, fraction: Decimal) -> String {
        format!("{} %", self.exact((fraction * Decimal::ONE_HUNDRED).normalize()))
    }

    /// A day.
    pub fn date(self, date: Date) -> String {
        match self {
            Self::Comma => format!("{:02}/{:02}/{}", date.day(), date.month(), date.year()),
            Self::Point => format!("{} {} {}", date.day(), english_month(date), date.year()),
        }
    }

    /// A day and a time of day to the minute.
    pub fn datetime(self, at: DateTime) -> String {
        format!("{} {:02}:{:02}", self.date(at.date()), at.hour(), at.minute())
    }

    /// A month in a few letters: `11/26`, `Nov 26`.
    pub fn month(self, date: Date) -> String {
        let year = date.year().rem_euclid(100);
        match self {
            Self::Comma => format!("{:02}/{year:02}", date.month()),
            Self::Point => format!("{} {year:02}", english_month(date)),
        }
    }

    fn grouped(self, plain: &str) -> String {
        let (group, point) = match self {
            Self::Comma => ('.', ','),
            Self::Point => (',', '.'),
        };
        let (sign, digits) = plain.strip_prefix('-').map_or(("", plain), |digits| ("−", digits));
        let (whole, fraction) =
            digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
        let mut out = String::from(sign);
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at).is_multiple_of(3) {
                out.push(group);
            }
            out.push(digit);
        }
        if let Some(fraction) = fraction {
            out.push(point);
            out.push_str(fraction);
        }
        out
    }
}

fn english_month(date: Date) -> &'static str {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let index = usize::try_from(date.month()).unwrap_or(1) - 1;
    NAMES.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn each_language_writes_its_way() {
        for (figures, money, price, rate) in [
            (Figures::Comma, "R$ 1.234.567,80", "0,70502958", "20,5 %"),
            (Figures::Point, "R$1,234,567.80", "0.70502958", "20.5 %"),
        ] {
            assert_eq!(figures.money(Currency::Brl, decimal("1234567.8")), money);
            assert_eq!(figures.exact(decimal("0.70502958")), price);
            assert_eq!(figures.percent(decimal("0.2050")), rate);
        }
        assert_eq!(Figures::Point.money(Currency::Gbp, decimal("-3")), "−£3.00");
        assert_eq!(Figures::Comma.money(Currency::Gbp, decimal("-3")), "−£ 3,00");
        for (value, text) in [("312.449", "312,4"), ("1240.00", "1.240"), ("-0.25", "−0,3")] {
            assert_eq!(Figures::Comma.at_most(decimal(value), 1), text);
        }
        for (value, text) in
            [("119", "119 min"), ("120", "2 h"), ("2880", "2 d"), ("90000", "63 d")]
        {
            assert_eq!(Figures::Point.minutes(decimal(value)), text);
        }
    }

    #[test]
    fn days_and_months() {
        let day = corrente_metering::calendar::next_day(
            corrente_metering::Calendar::utc().date(corrente_metering::Timestamp::from_second(0)),
        );
        assert_eq!(Figures::Comma.date(day), "02/01/1970");
        assert_eq!(Figures::Point.date(day), "2 Jan 1970");
        assert_eq!(Figures::Point.month(day), "Jan 70");
    }
}
