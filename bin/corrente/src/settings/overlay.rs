//! Settings that come from variables and flags.

use schemars::schema_for;
use serde_json::Value;
use toml::Table;

use super::Settings;
use crate::{failure::Failure, toml_file};

/// Variables of the program that are no settings of the server.
const OTHERS: [&str; 5] = [
    "CORRENTE_CONNECT",
    "CORRENTE_TOKEN",
    "CORRENTE_SECRET",
    "CORRENTE_CONFIG",
    "CORRENTE_SHARED_DATA",
];

/// Names of `[server]` may leave the section out: `CORRENTE_LISTEN`.
const SHORT: &str = "server";

/// Single settings by their path, `server.listen`.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    values: Vec<(String, toml::Value)>,
}

impl Overlay {
    /// Sets one.
    pub(crate) fn set(&mut self, path: &str, value: impl Into<toml::Value>) {
        self.values.push((path.to_owned(), value.into()));
    }

    /// Sets one where there is something to set.
    pub(crate) fn set_some(&mut self, path: &str, value: Option<impl Into<toml::Value>>) {
        if let Some(value) = value {
            self.set(path, value);
        }
    }

    /// What the variables of the environment set.
    pub(super) fn from_variables(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Failure> {
        let keys = keys();
        let mut overlay = Self::default();
        for (name, text) in variables {
            if !name.starts_with("CORRENTE_") || OTHERS.contains(&name.as_str()) || text.is_empty()
            {
                continue;
            }
            let Some(key) = keys.iter().find(|key| key.is_named(&name)) else {
                let known: Vec<String> = keys.iter().map(Key::variable).collect();
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                // Other programs and tests have variables of our name; a slip of the keyboard is refused.
                let Some(near) = toml_file::slip_of(&name, &known) else { continue };
                return Err(Failure::new(format!(
                    "the variable {name} is no setting: did you mean `{near}`?"
                )));
            };
            let value = key.kind.parse(&text).ok_or_else(|| {
                Failure::new(format!(
                    "the variable {name} is `{text}`: {} is expected",
                    key.kind.expected()
                ))
            })?;
            overlay.set(&key.path(), value);
        }
        Ok(overlay)
    }

    /// Writes the values into a table.
    pub(super) fn lay_over(self, table: &mut Table) {
        for (path, value) in self.values {
            let (section, key) = path.split_once('.').unwrap_or((path.as_str(), ""));
            let inner = table.entry(section).or_insert_with(|| toml::Value::Table(Table::new()));
            if let toml::Value::Table(inner) = inner {
                inner.insert(key.to_owned(), value);
            }
        }
    }
}

/// One setting, as the structs describe it.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) section: String,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) says: String,
    pub(super) preset: Value,
}

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Truth,
    List,
}

impl Key {
    pub(super) fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    pub(super) fn variable(&self) -> String {
        format!("CORRENTE_{}_{}", self.section.to_uppercase(), self.name.to_uppercase())
    }

    fn is_named(&self, variable: &str) -> bool {
        variable == self.variable()
            || (self.section == SHORT
                && variable == format!("CORRENTE_{}", self.name.to_uppercase()))
    }
}

impl Kind {
    fn parse(self, text: &str) -> Option<toml::Value> {
        Some(match self {
            Self::Text => toml::Value::String(text.to_owned()),
            Self::Number => toml::Value::Integer(text.trim().parse().ok()?),
            Self::Truth => toml::Value::Boolean(match text.trim() {
                "true" | "1" | "yes" => true,
                "false" | "0" | "no" => false,
                _ => return None,
            }),
            Self::List => toml::Value::Array(
                text.split(',').map(|item| toml::Value::String(item.trim().to_owned())).collect(),
            ),
        })
    }

    pub(super) const fn expected(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a whole number",
            Self::Truth => "true or false",
            Self::List => "a list with commas",
        }
    }
}

/// All settings in the order of the structs.
pub(super) fn keys() -> Vec<Key> {
    let schema = Value::from(schema_for!(Settings));
    let presets = serde_json::to_value(Settings::default()).unwrap_or_default();
    let mut keys = Vec::new();
    for (section, described) in properties(&schema, &schema) {
        for (name, described) in properties(&schema, &described) {
            let preset =
                presets.pointer(&format!("/{section}/{name}")).cloned().unwrap_or_default();
            let kind = match (described.get("type"), &preset) {
                (_, Value::Bool(_)) => Kind::Truth,
                (_, Value::Number(_)) => Kind::Number,
                (_, Value::Array(_)) => Kind::List,
                (_, Value::Null | Value::String(_) | Value::Object(_)) => Kind::Text,
            };
            let says =
                described.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
            keys.push(Key { section: section.clone(), name, kind, says, preset });
        }
    }
    keys
}

/// What a section is for.
pub(super) fn sections() -> Vec<(String, String)> {
    let schema = Value::from(schema_for!(Settings));
    properties(&schema, &schema)
        .into_iter()
        .map(|(name, described)| {
            let says = described.get("description").and_then(Value::as_str).unwrap_or_default();
            (name, says.to_owned())
        })
        .collect()
}

fn properties(root: &Value, of: &Value) -> Vec<(String, Value)> {
    let resolve = |value: &Value| {
        let named = value
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|name| root.pointer(name.trim_start_matches('#')).cloned());
        named.unwrap_or_else(|| value.clone())
    };
    resolve(of)
        .get("properties")
        .and_then(Value::as_object)
        .map(|fields| fields.iter().map(|(name, value)| (name.clone(), resolve(value))).collect())
        .unwrap_or_default()
}
