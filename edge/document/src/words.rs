//! The words of a language.

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

    /// A note of the plan in this language; its English text where it is not translated.
    pub(crate) fn note(&self, code: &str, english: &str) -> String {
        let key = format!("note.{code}");
        self.0.get(&key).and_then(Value::as_str).unwrap_or(english).to_owned()
    }
}
