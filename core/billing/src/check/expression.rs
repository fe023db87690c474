//! Formulas as published beside bills and rates: `t/((1-icms)*(1-pis-cofins))`,
//! `round(max(scale*(0.4+0.9*[18<=h<21]+0.15*cos(2pi*d/365)),0.05),4)`.
//!
//! Exact decimals; sine and cosine to some 20 digits. A number before a name or a parenthesis
//! multiplies; `[a<=x<b]` is 1 where it holds and 0 elsewhere.

use std::collections::BTreeMap;

use corrente_units::{Decimal, Rounding, round_to};

/// π to 28 decimals.
const PI: Decimal = Decimal::from_parts(1102470953, 185874565, 1703060790, false, 28);
/// 2π to 28 decimals.
const TWO_PI: Decimal = Decimal::from_parts(2204941906, 371749130, 3406121580, false, 28);
/// π/2 to 28 decimals.
const HALF_PI: Decimal = Decimal::from_parts(2698719124, 92937282, 851530395, false, 28);

/// Why a formula cannot be read or evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ExpressionError {
    #[error("the formula cannot be read at `{rest}`")]
    Syntax { rest: String },
    #[error("the formula names `{0}`, which is not among its inputs")]
    UnknownName(String),
    #[error("the formula divides by zero or leaves the range of numbers")]
    OutOfRange,
    #[error(
        "the formula is nested more than {MOST_NESTED} deep or has more than {MOST_PARTS} parts"
    )]
    TooLarge,
}

/// How deep parentheses, brackets and signs may stand in each other.
const MOST_NESTED: usize = 32;
/// Numbers, names and operators: printed formulas have some dozens. It also bounds how deep an evaluation goes.
const MOST_PARTS: usize = 100;
const LONGEST_NAME: usize = 64;

#[derive(Clone, Debug)]
pub(crate) enum Expression {
    Number(Decimal),
    Name(String),
    Negative(Box<Self>),
    Binary(char, Box<Self>, Box<Self>),
    Call(String, Vec<Self>),
    /// Bounds with "or equal" of each: `[a<=x<b]`.
    Within {
        terms: Vec<Self>,
        or_equal: Vec<bool>,
    },
}

impl Expression {
    pub(crate) fn parse(text: &str) -> Result<Self, ExpressionError> {
        let mut parser = Parser { rest: text.trim(), nested: 0, parts: 0 };
        let expression = parser.sum()?;
        parser.skip();
        if parser.rest.is_empty() { Ok(expression) } else { Err(parser.error()) }
    }

    /// The names that it asks for.
    pub(crate) fn names(&self) -> std::collections::BTreeSet<&str> {
        match self {
            Self::Number(_) => std::collections::BTreeSet::new(),
            Self::Name(name) => [name.as_str()].into(),
            Self::Negative(inner) => inner.names(),
            Self::Binary(_, a, b) => a.names().into_iter().chain(b.names()).collect(),
            Self::Call(_, terms) | Self::Within { terms, .. } => {
                terms.iter().flat_map(Self::names).collect()
            }
        }
    }

    pub(crate) fn evaluate(
        &self,
        names: &BTreeMap<String, Decimal>,
    ) -> Result<Decimal, ExpressionError> {
        let range = ExpressionError::OutOfRange;
        match self {
            Self::Number(number) => Ok(*number),
            Self::Name(name) if name == "pi" => Ok(PI),
            Self::Name(name) => {
                names.get(name).copied().ok_or_else(|| ExpressionError::UnknownName(name.clone()))
            }
            Self::Negative(inner) => Decimal::ZERO.checked_sub(inner.evaluate(names)?).ok_or(range),
            Self::Binary(operator, a, b) => {
                let (a, b) = (a.evaluate(names)?, b.evaluate(names)?);
                match operator {
                    '+' => a.checked_add(b),
                    '-' => a.checked_sub(b),
                    '*' => a.checked_mul(b),
                    _ => a.checked_div(b),
                }
                .ok_or(range)
            }
            Self::Call(name, arguments) => {
                let values =
                    arguments.iter().map(|a| a.evaluate(names)).collect::<Result<Vec<_>, _>>()?;
                call(name, &values)
            }
            Self::Within { terms, or_equal } => {
                let values =
                    terms.iter().map(|t| t.evaluate(names)).collect::<Result<Vec<_>, _>>()?;
                let holds = values.windows(2).zip(or_equal).all(|(pair, equal)| match pair {
                    [a, b] => a < b || (*equal && a == b),
                    _ => false,
                });
                Ok(if holds { Decimal::ONE } else { Decimal::ZERO })
            }
        }
    }
}

fn call(name: &str, values: &[Decimal]) -> Result<Decimal, ExpressionError> {
    match (name, values) {
        ("max", [first, rest @ ..]) => Ok(rest.iter().fold(*first, |a, b| a.max(*b))),
        ("min", [first, rest @ ..]) => Ok(rest.iter().fold(*first, |a, b| a.min(*b))),
        ("round", [value, digits]) => {
            let digits = u32::try_from(*digits).map_err(|_| ExpressionError::OutOfRange)?;
            Ok(round_to(*value, digits, Rounding::HalfEven))
        }
        ("trunc", [value, digits]) => {
            let digits = u32::try_from(*digits).map_err(|_| ExpressionError::OutOfRange)?;
            Ok(round_to(*value, digits, Rounding::Truncate))
        }
        ("sin", [x]) => sine(*x),
        ("cos", [x]) => sine(x.checked_add(HALF_PI).ok_or(ExpressionError::OutOfRange)?),
        _ => Err(ExpressionError::UnknownName(name.to_owned())),
    }
}

/// The Taylor series after reduction to half a turn.
fn sine(x: Decimal) -> Result<Decimal, ExpressionError> {
    let range = || ExpressionError::OutOfRange;
    let mut x = x.checked_rem(TWO_PI).ok_or_else(range)?;
    if x > PI {
        x = x.checked_sub(TWO_PI).ok_or_else(range)?;
    } else if x < Decimal::ZERO.checked_sub(PI).ok_or_else(range)? {
        x = x.checked_add(TWO_PI).ok_or_else(range)?;
    }
    let square = x.checked_mul(x).ok_or_else(range)?;
    let mut term = x;
    let mut sum = x;
    for n in (2_u32..60).step_by(2) {
        let divisor = Decimal::from(n).checked_mul(n.saturating_add(1).into());
        term = term
            .checked_mul(square)
            .and_then(|t| t.checked_div(divisor?))
            .and_then(|t| Decimal::ZERO.checked_sub(t))
            .ok_or_else(range)?;
        if term.is_zero() {
            break;
        }
        sum = sum.checked_add(term).ok_or_else(range)?;
    }
    Ok(sum)
}

struct Parser<'t> {
    rest: &'t str,
    nested: usize,
    parts: usize,
}

impl<'t> Parser<'t> {
    fn error(&self) -> ExpressionError {
        ExpressionError::Syntax { rest: self.rest.chars().take(20).collect() }
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn peek(&mut self) -> Option<char> {
        self.skip();
        self.rest.chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        if self.peek() == Some(wanted) {
            self.rest = self.rest.get(wanted.len_utf8()..).unwrap_or_default();
            return true;
        }
        false
    }

    fn take_while(&mut self, holds: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|c| !holds(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// One level further in.
    fn inside(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Expression, ExpressionError>,
    ) -> Result<Expression, ExpressionError> {
        if self.nested >= MOST_NESTED {
            return Err(ExpressionError::TooLarge);
        }
        self.nested = self.nested.saturating_add(1);
        let inner = read(self);
        self.nested = self.nested.saturating_sub(1);
        inner
    }

    fn sum(&mut self) -> Result<Expression, ExpressionError> {
        self.inside(Self::terms)
    }

    fn terms(&mut self) -> Result<Expression, ExpressionError> {
        let mut left = self.product()?;
        loop {
            let Some(operator @ ('+' | '-')) = self.peek() else { return Ok(left) };
            self.take(operator);
            left = Expression::Binary(operator, Box::new(left), Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Result<Expression, ExpressionError> {
        let mut left = self.factor()?;
        loop {
            let operator = match self.peek() {
                Some(c @ ('*' | '/')) => {
                    self.take(c);
                    c
                }
                // `2pi(h-7)`: what stands side by side is multiplied.
                Some(c) if c == '(' || c == '[' || c.is_ascii_alphabetic() => '*',
                _ => return Ok(left),
            };
            left = Expression::Binary(operator, Box::new(left), Box::new(self.factor()?));
        }
    }

    fn factor(&mut self) -> Result<Expression, ExpressionError> {
        self.parts = self.parts.saturating_add(1);
        if self.parts > MOST_PARTS {
            return Err(ExpressionError::TooLarge);
        }
        if self.take('-') {
            return Ok(Expression::Negative(Box::new(self.inside(Self::factor)?)));
        }
        if self.take('(') {
            let inner = self.sum()?;
            return if self.take(')') { Ok(inner) } else { Err(self.error()) };
        }
        if self.take('[') {
            return self.within();
        }
        match self.peek() {
            Some(c) if c.is_ascii_digit() => {
                let text = self.take_while(|c| c.is_ascii_digit() || c == '.');
                text.parse().map(Expression::Number).map_err(|_| self.error())
            }
            Some(c) if c.is_ascii_alphabetic() => self.name(),
            _ => Err(self.error()),
        }
    }

    fn name(&mut self) -> Result<Expression, ExpressionError> {
        let name = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_').to_owned();
        if name.len() > LONGEST_NAME {
            return Err(self.error());
        }
        let known = matches!(name.as_str(), "max" | "min" | "round" | "sin" | "cos");
        if !known || !self.take('(') {
            return Ok(Expression::Name(name));
        }
        let mut arguments = vec![self.sum()?];
        while self.take(',') {
            arguments.push(self.sum()?);
        }
        if self.take(')') { Ok(Expression::Call(name, arguments)) } else { Err(self.error()) }
    }

    fn within(&mut self) -> Result<Expression, ExpressionError> {
        let mut terms = vec![self.sum()?];
        let mut or_equal = Vec::new();
        while self.take('<') {
            or_equal.push(self.take('='));
            terms.push(self.sum()?);
        }
        if terms.len() < 2 || !self.take(']') {
            return Err(self.error());
        }
        Ok(Expression::Within { terms, or_equal })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        let names: BTreeMap<String, Decimal> =
            [("h", 18), ("x", 5)].map(|(k, v)| (k.to_owned(), Decimal::from(v))).into();
        Expression::parse(text)
            .and_then(|e| e.evaluate(&names))
            .map_or_else(|e| e.to_string(), |v| v.round_dp(12).normalize().to_string())
    }

    #[test]
    fn formulas_as_they_are_published() {
        assert_eq!(value("2+3*4-6/2"), "11");
        assert_eq!(value("-(1-x)(2)"), "8");
        assert_eq!(value("0.9*[18<=h<21]"), "0.9");
        assert_eq!(value("[18<h<21]"), "0");
        assert_eq!(value("sin(2pi(h-7)/24)"), "0.258819045103");
        assert_eq!(value("cos(2pi*300/365)"), "0.436651231956");
        assert_eq!(value("round(max(1.23456, 0.05), 4)"), "1.2346");
        assert_eq!(value("1/(x-5)"), ExpressionError::OutOfRange.to_string());
        assert!(value("1 +").contains("cannot be read"));
        assert!(value("y").contains("`y`"));
    }

    #[test]
    fn a_formula_that_never_ends_is_refused_and_not_followed() {
        for text in [
            "(".repeat(100_000),
            "-".repeat(100_000),
            "[".repeat(100_000),
            "max(".repeat(100_000),
            "1+".repeat(100_000),
            "2(x)".repeat(100_000),
            "x2".repeat(100_000),
        ] {
            let said = value(&text);
            assert!(said.contains("nested more than") || said.contains("cannot be read"), "{said}");
        }
        let many = vec!["1"; MOST_PARTS].join("+");
        assert_eq!(value(&many), MOST_PARTS.to_string());
        assert_eq!(value(&format!("{}1{}", "(".repeat(30), ")".repeat(30))), "1");
    }

    #[test]
    fn whatever_the_text_is_there_is_an_answer() {
        let corpus = corrente_testkit::fuzz::Corpus::from_texts([
            "2+3*4-6/2",
            "t/((1-icms)*(1-pis-cofins))",
            "round(max(0.05*(0.4+0.9*[18<=h<21]+0.15*cos(2pi*300/365)),0.05),4)",
            "sin(2pi(h-7)/24)",
            "-(1-x)(2)",
        ]);
        corpus.try_all(|bytes, _| {
            if let Ok(text) = std::str::from_utf8(bytes) {
                value(text);
            }
        });
    }
}
