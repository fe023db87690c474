//! The words of a language.

use corrente_billing::LineGroup;
use serde_json::{Map, Value};

use crate::Language;

/// The words of one language, from its file.
#[derive(Debug)]
pub(crate) struct Words(Map<String, Value>);

impl Words {
    pub(crate) fn of(language: Language) -> Self {
        // The files are compiled in, and a test reads each of them.
        Self(serde_json::from_str(language.words()).unwrap_or_default())
    }

    /// The word of this key; the key itself where there is none, so that a gap shows.
    pub(crate) fn get(&self, key: &str) -> String {
        self.0.get(key).and_then(Value::as_str).unwrap_or(key).to_owned()
    }

    /// A class of consumers in this language; the word itself where it is not translated.
    pub(crate) fn class(&self, class: &str) -> String {
        let key = format!("class.{class}");
        self.0.get(&key).and_then(Value::as_str).unwrap_or(class).to_owned()
    }

    /// A line that no tariff names, in this language: a fine, a credit; else the tariff's own name, in which
    /// the code of a flag (`vermelha_1`) is written out.
    pub(crate) fn line(&self, code: &str, label: &str) -> String {
        let key = format!("line.{code}");
        if let Some(translated) = self.0.get(&key).and_then(Value::as_str) {
            return translated.to_owned();
        }
        match label.rsplit_once(' ') {
            Some((name, flag)) if flag.contains('_') => format!("{name} {}", self.flag(flag)),
            _ => label.to_owned(),
        }
    }

    /// A flag's name with a capital; the tariff's word where it is not translated.
    pub(crate) fn flag(&self, flag: &str) -> String {
        let key = format!("flag.{}", flag.to_lowercase().replace('-', "_"));
        self.0.get(&key).and_then(Value::as_str).unwrap_or(flag).to_owned()
    }

    /// A period of the day; the tariff's word where it is not translated.
    pub(crate) fn period(&self, period: &str) -> String {
        let key = format!("period.{period}");
        self.0.get(&key).and_then(Value::as_str).unwrap_or(period).to_owned()
    }

    /// Why a quantity is another one than was measured.
    pub(crate) fn detail(&self, detail: &str) -> String {
        let key = format!("detail.{detail}");
        self.0.get(&key).and_then(Value::as_str).unwrap_or(detail).to_owned()
    }

    /// A unit, of one or of more.
    pub(crate) fn unit(&self, unit: &str, count: i64) -> String {
        let number = if count == 1 { "one" } else { "more" };
        let key = format!("unit.{}.{number}", unit.trim_end_matches('s'));
        self.0.get(&key).and_then(Value::as_str).unwrap_or(unit).to_owned()
    }

    /// A block: `0..100` is said as a stretch with its unit.
    pub(crate) fn block(&self, block: &str, group: LineGroup) -> String {
        let unit = if group == LineGroup::Demand { "kW" } else { "kWh" };
        match block.split_once("..") {
            Some(("" | "0", until)) if !until.is_empty() => {
                format!("{} {until} {unit}", self.get("up_to"))
            }
            Some((from, "")) => format!("{} {from} {unit}", self.get("above")),
            Some((from, until)) => format!("{from} – {until} {unit}"),
            None => block.to_owned(),
        }
    }

    /// A note of the plan in this language; its English text where it is not translated.
    pub(crate) fn note(&self, code: &str, english: &str) -> String {
        let key = format!("note.{code}");
        self.0.get(&key).and_then(Value::as_str).unwrap_or(english).to_owned()
    }
}
