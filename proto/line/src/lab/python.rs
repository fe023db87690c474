//! Values as Python prints them.

use std::fmt::Write as _;

/// A Python value that can be printed in the two forms that the prototype used.
#[derive(Clone, Debug, PartialEq)]
pub enum Python {
    /// `None`, `null`.
    None,
    /// `True`, `true`.
    Bool(bool),
    /// An integer, in its digits.
    Int(String),
    /// A float: `13.0`, `1e+16`.
    Float(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Self>),
    /// A dictionary in the order of its making.
    Dict(Vec<(&'static str, Self)>),
}

impl Python {
    /// A dictionary with one entry that says what was wrong.
    pub fn error(reason: &str) -> Self {
        Self::Dict(vec![("error", Self::Text(reason.to_owned()))])
    }

    /// As `repr` writes it, single quotes and all.
    pub fn repr(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, &Form { none: "None", yes: "True", no: "False", text: repr_text });
        out
    }

    /// As `json.dumps` writes it: `, ` and `: ` as separators, non-ASCII escaped.
    pub fn json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, &Form { none: "null", yes: "true", no: "false", text: json_text });
        out
    }

    fn write(&self, out: &mut String, form: &Form) {
        match self {
            Self::None => out.push_str(form.none),
            Self::Bool(true) => out.push_str(form.yes),
            Self::Bool(false) => out.push_str(form.no),
            Self::Int(digits) => out.push_str(digits),
            Self::Float(value) => out.push_str(&float(*value)),
            Self::Text(text) => (form.text)(out, text),
            Self::List(items) => {
                out.push('[');
                for (n, item) in items.iter().enumerate() {
                    out.push_str(if n > 0 { ", " } else { "" });
                    item.write(out, form);
                }
                out.push(']');
            }
            Self::Dict(entries) => {
                out.push('{');
                for (n, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if n > 0 { ", " } else { "" });
                    (form.text)(out, key);
                    out.push_str(": ");
                    value.write(out, form);
                }
                out.push('}');
            }
        }
    }
}

struct Form {
    none: &'static str,
    yes: &'static str,
    no: &'static str,
    text: fn(&mut String, &str),
}

/// The shortest digits that read back as the same float, in Python's choice of notation.
fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value.is_sign_negative() { "-inf" } else { "inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) =
        mantissa.strip_prefix('-').map_or(("", mantissa), |mantissa| ("-", mantissa));
    let digits = mantissa.replace('.', "");
    if !(-4..16).contains(&exponent) {
        let point = if mantissa.contains('.') { mantissa } else { digits.as_str() };
        let exponent_sign = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{point}e{exponent_sign}{:02}", exponent.unsigned_abs());
    }
    let Ok(whole) = usize::try_from(exponent) else {
        let zeros = usize::try_from(exponent.unsigned_abs()).unwrap_or(1).saturating_sub(1);
        return format!("{sign}0.{}{digits}", "0".repeat(zeros));
    };
    let whole = whole.saturating_add(1);
    match digits.split_at_checked(whole) {
        Some((before, after)) if !after.is_empty() => format!("{sign}{before}.{after}"),
        _ => format!("{sign}{digits}{}.0", "0".repeat(whole.saturating_sub(digits.len()))),
    }
}

fn repr_text(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => write!(out, "\\x{:02x}", u32::from(c)).unwrap_or(()),
            c => out.push(c),
        }
    }
    out.push(quote);
}

fn json_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}").unwrap_or(());
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn floats_as_python_prints_them() {
        for (value, expected) in [
            (13.0, "13.0"),
            (12.5, "12.5"),
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (0.1 + 0.2, "0.30000000000000004"),
            (120.4, "120.4"),
            (1e15, "1000000000000000.0"),
            (9999999999999998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (1.5e16, "1.5e+16"),
            (123456789012345680000.0, "1.2345678901234568e+20"),
            (1e100, "1e+100"),
            (0.0001, "0.0001"),
            (0.00012345, "0.00012345"),
            (0.00001, "1e-05"),
            (-1.5e-7, "-1.5e-07"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
        ] {
            assert_eq!(float(value), expected);
        }
    }

    #[test]
    fn values_in_both_forms() {
        let value = Python::Dict(vec![
            ("alert", Python::Text("it's \"so\"\n\u{e9}\u{1f600}".to_owned())),
            ("id", Python::Int("3".to_owned())),
            ("list", Python::List(vec![Python::Float(1.0), Python::None, Python::Bool(true)])),
        ]);
        assert_eq!(
            value.repr(),
            "{'alert': 'it\\'s \"so\"\\n\u{e9}\u{1f600}', 'id': 3, 'list': [1.0, None, True]}"
        );
        assert_eq!(
            value.json(),
            r#"{"alert": "it's \"so\"\n\u00e9\ud83d\ude00", "id": 3, "list": [1.0, null, true]}"#
        );
        assert_eq!(Python::Text("it's".to_owned()).repr(), "\"it's\"");
    }

    proptest! {
        #[test]
        fn a_printed_float_reads_back(value in any::<f64>().prop_filter("finite", |v| v.is_finite())) {
            let printed = float(value);
            prop_assert_eq!(printed.parse::<f64>().unwrap().to_bits(), value.to_bits());
            prop_assert!(printed.contains(['.', 'e']));
        }
    }
}
