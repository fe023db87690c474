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

/// Where the schema says in words what may stand there, beyond its type.
const EXPECTED: &str = "x-expected";

/// Names of `[server]` may leave the section out: `CORRENTE_LISTEN`.
const SHORT: &str = "server";

/// Single settings by their path, `server.listen`.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    values: Vec<Single>,
}

#[derive(Debug)]
struct Single {
    path: String,
    value: toml::Value,
    /// The variable that it comes from, where it is one.
    variable: Option<String>,
}

impl Overlay {
    /// Sets one.
    pub(crate) fn set(&mut self, path: &str, value: impl Into<toml::Value>) {
        let (path, value) = (path.to_owned(), value.into());
        self.values.push(Single { path, value, variable: None });
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
            let named = format!("the variable {name}");
            let value = key.kind.parse(&text).ok_or_else(|| key.refusal(&named, &text))?;
            let path = key.path();
            overlay.values.push(Single { path, value, variable: Some(named) });
        }
        Ok(overlay)
    }

    /// Writes the values into a table. A value that its setting does not take is refused by the name
    /// under which it was given.
    pub(super) fn lay_over(self, table: &mut Table) -> Result<(), Failure> {
        let keys = keys();
        for Single { path, value, variable } in self.values {
            let (section, name) = path.split_once('.').unwrap_or((path.as_str(), ""));
            if let Some(key) = keys.iter().find(|key| key.path() == path)
                && !key.takes(&value)
            {
                return Err(key.refusal(variable.as_deref().unwrap_or(&path), &shown(&value)));
            }
            let inner = table.entry(section).or_insert_with(|| toml::Value::Table(Table::new()));
            if let toml::Value::Table(inner) = inner {
                inner.insert(name.to_owned(), value);
            }
        }
        Ok(())
    }
}

/// A value in a file that its setting does not take: where it stands, and what is said of it.
#[derive(Debug)]
pub(super) struct WrongValue {
    pub(super) place: Vec<String>,
    pub(super) failure: Failure,
}

/// The first value in a table that its setting does not take.
pub(super) fn wrong_value(table: &Table) -> Option<WrongValue> {
    for key in keys() {
        let section = &key.section;
        match table.get(section) {
            None => {}
            Some(toml::Value::Table(inner)) => {
                if let Some(value) = inner.get(&key.name).filter(|value| !key.takes(value)) {
                    let failure = key.refusal(&key.path(), &shown(value));
                    return Some(WrongValue { place: vec![key.section, key.name], failure });
                }
            }
            Some(other) => {
                let failure = Failure::new(format!(
                    "{section} is `{}`: expected a section, [{section}], with settings below it",
                    shown(other)
                ));
                return Some(WrongValue { place: vec![key.section], failure });
            }
        }
    }
    None
}

/// A value as a person wrote it, a text without its quotes.
fn shown(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// One setting, as the structs describe it.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) section: String,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) says: String,
    pub(super) preset: Value,
    /// What may stand there, in words.
    pub(super) expected: String,
    least: Option<u64>,
    most: Option<u64>,
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

    /// The sentence about a value that may not stand there; `named` is how the setting was given.
    pub(super) fn refusal(&self, named: &str, value: &str) -> Failure {
        Failure::new(format!("{named} is `{value}`: expected {}", self.expected))
    }

    /// Can this value stand there?
    fn takes(&self, value: &toml::Value) -> bool {
        let inner = Table::from_iter([(self.name.clone(), value.clone())]);
        let table = Table::from_iter([(self.section.clone(), toml::Value::Table(inner))]);
        table.try_into::<Settings>().is_ok() && self.holds(value.as_integer())
    }

    /// Is this number within its limits? What is no number has none.
    fn holds(&self, number: Option<i64>) -> bool {
        number.is_none_or(|number| {
            u64::try_from(number).is_ok_and(|number| {
                self.least.is_none_or(|least| number >= least)
                    && self.most.is_none_or(|most| number <= most)
            })
        })
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

    /// What may stand there, in words, where the schema says no more.
    fn expected(self, least: Option<u64>, most: Option<u64>) -> String {
        match (self, least, most) {
            (Self::Number, Some(least), Some(most)) => {
                format!("a whole number from {least} to {most}")
            }
            (Self::Number, Some(least), None) => format!("a whole number, at least {least}"),
            (Self::Number, None, _) => "a whole number".to_owned(),
            (Self::Text, ..) => "a text".to_owned(),
            (Self::Truth, ..) => "true or false".to_owned(),
            (Self::List, ..) => "a list".to_owned(),
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
            let bound = |name: &str| described.get(name).and_then(Value::as_u64);
            let largest = match described.get("format").and_then(Value::as_str) {
                Some("uint32") => Some(u64::from(u32::MAX)),
                _ => None,
            };
            let (least, most) = (bound("minimum"), bound("maximum").or(largest));
            let expected = described
                .get(EXPECTED)
                .and_then(Value::as_str)
                .map(str::to_owned)
                .or_else(|| one_of(&described))
                .unwrap_or_else(|| kind.expected(least, most));
            let section = section.clone();
            keys.push(Key { section, name, kind, says, preset, expected, least, most });
        }
    }
    keys
}

/// The words of an enumeration.
fn one_of(described: &Value) -> Option<String> {
    let words: Vec<String> = described
        .get("oneOf")?
        .as_array()?
        .iter()
        .filter_map(|one| Some(format!("`{}`", one.get("const")?.as_str()?)))
        .collect();
    Some(format!("one of {}", words.join(", ")))
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
