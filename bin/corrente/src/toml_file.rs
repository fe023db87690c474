//! TOML files that people write: what is wrong in them is said with the line, and an unknown key with
//! the nearest known one.

use std::{fs, path::Path};

use serde::de::DeserializeOwned;
use toml::de::DeTable;

use crate::failure::Failure;

/// Reads a file into `T`, whose structs deny unknown fields.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    parse(&text(path)?).map_err(|error| Failure::of(path.display(), error))
}

/// The text of a file.
pub(crate) fn text(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path)
        .map_err(|error| Failure::of(format!("cannot read {}", path.display()), error))
}

/// The line on which a value stands: `["server", "listen"]`.
pub(crate) fn line_of(text: &str, place: &[String]) -> usize {
    let Ok(table) = DeTable::parse(text) else { return 1 };
    let mut names = place.iter();
    let mut found = names.next().and_then(|name| table.get_ref().get(name.as_str()));
    for name in names {
        found = found.and_then(|inner| inner.get_ref().get(name.as_str()));
    }
    line_at(text, found.map_or(0, |value| value.span().start))
}

/// The line of a byte.
fn line_at(text: &str, byte: usize) -> usize {
    text.get(..byte).unwrap_or_default().matches('\n').count() + 1
}

/// The same from a text. The error is a sentence with the line.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| {
        let line = line_at(text, error.span().map_or(0, |span| span.start));
        format!("line {line}: {}", explain(error.message()))
    })
}

/// Makes "unknown field `a`, expected one of `b`, `c`" a sentence with a suggestion.
pub(crate) fn explain(message: &str) -> String {
    let Some(rest) = message.strip_prefix("unknown field ") else {
        return message.to_owned();
    };
    let names: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
    let Some((unknown, known)) = names.split_first() else { return message.to_owned() };
    unknown_key(unknown, known)
}

/// A sentence on a key that nobody knows.
pub(crate) fn unknown_key(unknown: &str, known: &[&str]) -> String {
    let all = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match nearest(unknown, known) {
        Some(near) => {
            format!("unknown key `{unknown}`: did you mean `{near}`? Allowed here: {all}")
        }
        None if known.is_empty() => format!("unknown key `{unknown}`: nothing is allowed here"),
        None => format!("unknown key `{unknown}`. Allowed here: {all}"),
    }
}

/// The known word that was probably meant.
fn nearest<'a>(unknown: &str, known: &[&'a str]) -> Option<&'a str> {
    near(unknown, known)
        .filter(|(distance, name)| *distance <= name.len().max(unknown.len()) / 2)
        .map(|(_, name)| name)
}

/// The known word of which this one is a slip of the keyboard: at most three letters differ.
pub(crate) fn slip_of<'a>(unknown: &str, known: &[&'a str]) -> Option<&'a str> {
    near(unknown, known).filter(|(distance, _)| *distance <= 3).map(|(_, name)| name)
}

fn near<'a>(unknown: &str, known: &[&'a str]) -> Option<(usize, &'a str)> {
    known.iter().map(|name| (distance(unknown, name), *name)).min()
}

/// How many letters must be put in, taken out or changed to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row.first().copied().unwrap_or(0);
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (slot, b) in row.iter_mut().skip(1).zip(&other) {
            let above = *slot;
            left = (above + 1).min(left + 1).min(diagonal + usize::from(a != *b));
            diagonal = above;
            *slot = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        #[expect(dead_code, reason = "only its name matters here")]
        listen: Option<String>,
        #[expect(dead_code, reason = "only its name matters here")]
        max_connections: Option<u32>,
    }

    #[test]
    fn an_unknown_key_gets_the_nearest_known_one() {
        let said = parse::<Settings>("# town\nlisten = \"a\"\nmax_conections = 3\n").unwrap_err();
        assert!(
            said.starts_with(
                "line 3: unknown key `max_conections`: did you mean `max_connections`"
            ),
            "{said}"
        );
        let said = parse::<Settings>("colour = 1").unwrap_err();
        assert!(
            said.contains("unknown key `colour`. Allowed here: `listen`, `max_connections`"),
            "{said}"
        );
        let said = parse::<Settings>("\nmax_connections = \"many\"").unwrap_err();
        assert!(said.starts_with("line 2: ") && said.contains("u32"), "{said}");
    }

    #[test]
    fn distances() {
        for (one, other, letters) in
            [("", "abc", 3), ("listen", "listen", 0), ("lisen", "listen", 1), ("ab", "ba", 2)]
        {
            assert_eq!(distance(one, other), letters, "{one} {other}");
        }
    }
}
