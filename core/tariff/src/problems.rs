//! Problems as they are found, by key; lines are looked up at the end.

use std::ops::Range;

use toml::{Spanned, de::DeTable, de::DeValue};

use crate::{TariffError, TariffProblem};

mod json;

#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: Vec<TariffProblem>,
}

impl Problems {
    pub(crate) fn add(
        &mut self,
        key: impl Into<String>,
        problem: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let (key, problem, fix) = (key.into(), problem.into(), fix.into());
        self.found.push(TariffProblem { line: None, key, problem, fix });
    }

    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    /// Everything that was found, with its line in the text.
    pub(crate) fn into_result(mut self, text: Option<&str>) -> Result<(), TariffError> {
        if self.found.is_empty() {
            return Ok(());
        }
        if let Some(text) = text.filter(|text| text.trim_start().starts_with('{')) {
            for problem in &mut self.found {
                problem.line = Some(line_of(text, json::locate(text, &problem.key)));
            }
        } else if let Some(text) = text
            && let Ok(table) = DeTable::parse(text)
        {
            for problem in &mut self.found {
                problem.line = Some(line_of(text, locate(&table, &problem.key).start));
            }
        }
        self.found.sort_by_key(|p| p.line);
        Err(TariffError { problems: self.found })
    }
}

/// What the TOML parser or the form itself refused.
pub(crate) fn from_toml(text: &str, error: &toml::de::Error) -> TariffError {
    let span = error.span();
    let line = span.as_ref().map(|s| line_of(text, s.start));
    let key = span.and_then(|s| key_near(text, s)).unwrap_or_default();
    TariffError { problems: vec![form_problem(line, key, error.message())] }
}

/// What the JSON parser or the form itself refused.
pub(crate) fn from_json(text: &str, error: &serde_json::Error) -> TariffError {
    let line = error.line().max(1);
    let key = text.lines().nth(line.saturating_sub(1)).and_then(key_of_line).unwrap_or_default();
    TariffError { problems: vec![form_problem(Some(line), key, &error.to_string())] }
}

fn form_problem(line: Option<usize>, key: String, message: &str) -> TariffProblem {
    let message = message.trim().replace('\n', " ");
    let (problem, fix) = match message.split_once(", expected ") {
        Some((problem, expected)) => {
            let known = quoted(expected);
            let wrong = quoted(problem);
            match wrong.first().and_then(|w| nearest(w, &known)) {
                Some(near) => (problem.to_owned(), format!("did you mean `{near}`?")),
                None => (problem.to_owned(), format!("it must be {expected}")),
            }
        }
        None => match message.strip_prefix("missing field ") {
            Some(name) => (format!("the key {name} is missing"), format!("add {name}")),
            None => (message, "mend this line".to_owned()),
        },
    };
    TariffProblem { line, key, problem, fix }
}

fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The known word that is nearest to a wrong one, where one is near.
fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|k| (distance(wrong, k), *k))
        .min()
        .filter(|(d, k)| d.saturating_mul(3) <= k.len().max(wrong.len()))
        .map(|(_, k)| k)
}

/// Edit distance (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut before = i;
        let mut next = vec![i.saturating_add(1)];
        for (y, above) in b.iter().zip(row.iter().skip(1)) {
            let left = next.last().copied().unwrap_or(0);
            let change = before.saturating_add(usize::from(x != *y));
            next.push(change.min(left.saturating_add(1)).min(above.saturating_add(1)));
            before = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

fn key_near(text: &str, span: Range<usize>) -> Option<String> {
    let line = line_of(text, span.start);
    text.lines().nth(line.saturating_sub(1)).and_then(key_of_line)
}

fn key_of_line(line: &str) -> Option<String> {
    let key = line.split(['=', ':']).next()?.trim().trim_matches(['"', '[', ']', ' ']);
    (!key.is_empty() && key.len() < 60).then(|| key.to_owned())
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|b| *b == b'\n').count().saturating_add(1)
}

/// The span of the value at this path, or of the nearest thing around it.
fn locate(table: &Spanned<DeTable<'_>>, path: &str) -> Range<usize> {
    let mut at = 0..0;
    let mut here: Option<&DeValue<'_>> = None;
    for part in path.split(['.', '[', ']']).filter(|p| !p.is_empty()) {
        let inner = match here {
            None => Some(table.get_ref()),
            Some(value) => value.as_table(),
        };
        let found = if let Some(table) = inner {
            table.iter().find(|(k, _)| k.get_ref().as_ref() == part).map(|(k, v)| {
                // A key is a better place than its value, save for tables of an array.
                (if v.get_ref().is_array() { v.span() } else { k.span() }, v)
            })
        } else {
            let index: Option<usize> = part.parse().ok();
            index
                .and_then(|i| here.and_then(DeValue::as_array).and_then(|a| a.get(i)))
                .map(|v| (v.span(), v))
        };
        let Some((span, value)) = found else { break };
        at = span;
        here = Some(value.get_ref());
    }
    at
}
