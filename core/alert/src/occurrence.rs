//! Something that happens once.

use rust_decimal::Decimal;

use crate::{Fact, Notice, State};

/// So many subjects are remembered: more than a year of invoices.
pub const REMEMBERED: usize = 24;

/// The machine of something that happens: each subject is told once, whatever comes in between. Whoever
/// drives it offers fewer subjects at a time than [`REMEMBERED`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occurrence;

impl Occurrence {
    /// One step. A fact without a value says that it has not happened.
    pub fn step(self, state: &State, fact: &Fact) -> (State, Vec<Notice>) {
        let mut next = state.clone();
        let Some(value) = fact.value else { return (next, Vec::new()) };
        if value <= Decimal::ZERO || state.subjects.contains(&fact.subject) {
            return (next, Vec::new());
        }
        next.subjects.push(fact.subject.clone());
        if next.subjects.len() > REMEMBERED {
            next.subjects.remove(0);
        }
        (next, vec![Notice::Started { at: fact.at, subject: fact.subject.clone(), value }])
    }
}
