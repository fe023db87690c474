//! Id, length, value.

use super::PixError;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) id: String,
    pub(super) value: String,
}

impl Field {
    /// The value must have at most 99 characters; callers check that with a name for it.
    pub(super) fn new(id: &str, value: &str) -> Self {
        Self { id: id.to_owned(), value: value.to_owned() }
    }

    pub(super) fn text(&self) -> String {
        format!("{}{:02}{}", self.id, self.value.chars().count(), self.value)
    }
}

/// The fields of a text. Lengths count characters.
pub(super) fn fields(within: &str, text: &str) -> Result<Vec<Field>, PixError> {
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0_usize;
    let mut found = Vec::new();
    let broken = |at: usize, problem| PixError::Structure {
        within: within.to_owned(),
        at: at.saturating_add(1),
        problem,
    };
    let take = |from: usize, count: usize| -> Option<String> {
        chars.get(from..from.checked_add(count)?).map(|c| c.iter().collect())
    };
    while at < chars.len() {
        let id = take(at, 2)
            .filter(|id| id.bytes().all(|b| b.is_ascii_digit()))
            .ok_or_else(|| broken(at, "an id of two digits belongs there"))?;
        let at_length = at.saturating_add(2);
        let length: usize = take(at_length, 2)
            .filter(|l| l.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|l| l.parse().ok())
            .ok_or_else(|| broken(at_length, "a length of two digits belongs there"))?;
        let at_value = at.saturating_add(4);
        if length == 0 {
            return Err(broken(at_length, "a field must not be empty"));
        }
        let value = take(at_value, length)
            .ok_or_else(|| broken(at_length, "the length is longer than what follows"))?;
        found.push(Field { id, value });
        at = at_value.saturating_add(length);
    }
    Ok(found)
}
