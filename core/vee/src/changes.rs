//! What changed between two versions of a load profile.

use corrente_metering::{Interval, LoadProfile, Span};
use serde::{Deserialize, Serialize};

/// An interval that two versions see differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Which.
    pub span: Span,
    /// The older version's view, if it had one.
    pub before: Option<Interval>,
    /// The newer version's view, if it has one.
    pub after: Option<Interval>,
}

/// What changed from one version of a profile to the next, in order of time.
pub fn changes(before: &LoadProfile, after: &LoadProfile) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut old = before.intervals.iter().copied().peekable();
    let mut new = after.intervals.iter().copied().peekable();
    loop {
        let key = |i: &Interval| (i.span().start, i.span().end);
        let (a, b) = match (old.peek(), new.peek()) {
            (None, None) => return changes,
            (Some(a), Some(b)) if key(a) == key(b) => (old.next(), new.next()),
            (Some(a), Some(b)) if key(a) < key(b) => (old.next(), None),
            (Some(_), None) => (old.next(), None),
            (_, Some(_)) => (None, new.next()),
        };
        if a != b
            && let Some(interval) = a.or(b)
        {
            changes.push(Change { span: interval.span(), before: a, after: b });
        }
    }
}

#[cfg(test)]
mod tests {
    use corrente_metering::{Quality, Timestamp};
    use corrente_units::Energy;

    use super::*;

    #[test]
    fn only_what_differs_is_listed() {
        let span = |n: i64| Span::new(Timestamp::from_second(n), Timestamp::from_second(n + 1));
        let known = |n, wh| Interval::known(span(n), Energy::from_wh(wh), Quality::Measured);
        let before =
            LoadProfile { intervals: vec![known(0, 5), Interval::missing(span(1)), known(2, 7)] };
        let after =
            LoadProfile { intervals: vec![known(0, 5), known(1, 6), known(2, 8), known(3, 1)] };
        let listed = changes(&before, &after);
        assert_eq!(listed.iter().map(|c| c.span.start.second()).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(listed[2].before, None);
        assert!(changes(&after, &after).is_empty());
    }
}
