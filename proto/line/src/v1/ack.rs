//! Which acknowledgement may be sent when.

use std::collections::VecDeque;

/// Keeps the promise of `ack n`: every reading up to `n` that was sent on this connection is durable.
///
/// Readings are appended in groups, in the order in which they came. A meter usually numbers them
/// rising; one that does not still never gets an acknowledgement that covers a reading on its way.
#[derive(Debug, Default)]
pub struct Acknowledgements {
    /// Lowest and highest number of each group on its way, oldest first.
    pending: VecDeque<(u64, u64)>,
    /// The highest number that is durable.
    durable: u64,
}

impl Acknowledgements {
    /// A group of readings with these numbers is on its way. Says nothing for an empty group.
    pub fn sent(&mut self, numbers: impl IntoIterator<Item = u64>) {
        let range = numbers.into_iter().fold(None, |range: Option<(u64, u64)>, n| {
            Some(range.map_or((n, n), |(low, high)| (low.min(n), high.max(n))))
        });
        self.pending.extend(range);
    }

    /// The oldest group became durable: the number that may be acknowledged now, if any.
    pub fn durable(&mut self) -> Option<u64> {
        let (_, high) = self.pending.pop_front()?;
        self.durable = self.durable.max(high);
        if self.pending.is_empty() {
            // An idle connection holds no memory for groups.
            self.pending = VecDeque::new();
        }
        let lowest_on_its_way = self.pending.iter().map(|(low, _)| *low).min();
        let seq =
            lowest_on_its_way.map_or(self.durable, |low| self.durable.min(low.saturating_sub(1)));
        (seq > 0).then_some(seq)
    }

    /// How many groups are on their way.
    pub fn groups(&self) -> usize {
        self.pending.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_acknowledgement_never_covers_what_is_on_its_way() {
        let mut acks = Acknowledgements::default();
        acks.sent([1, 2, 3]);
        acks.sent([4, 5]);
        assert_eq!(acks.durable(), Some(3));
        acks.sent([2]);
        assert_eq!(acks.durable(), Some(1), "2 was sent again and is on its way");
        assert_eq!(acks.durable(), Some(5));
        assert_eq!(acks.durable(), None);
    }

    #[test]
    fn a_resent_reading_is_acknowledged_again() {
        let mut acks = Acknowledgements::default();
        acks.sent([7]);
        assert_eq!(acks.durable(), Some(7));
        acks.sent([6]);
        assert_eq!(acks.durable(), Some(7));
    }

    proptest! {
        #[test]
        fn the_promise_holds_in_any_order(
            groups in prop::collection::vec(prop::collection::vec(1_u64..50, 1..5), 1..12),
            ahead in 1_usize..4,
        ) {
            let mut acks = Acknowledgements::default();
            for n in 0..groups.len() {
                acks.sent(groups[n].iter().copied());
                if acks.groups() >= ahead || n + 1 == groups.len() {
                    while acks.groups() >= ahead.min(groups.len() - n) && acks.groups() > 0 {
                        let seq = acks.durable().unwrap_or(0);
                        let on_their_way = &groups[n + 1 - acks.groups()..=n];
                        prop_assert!(on_their_way.iter().flatten().all(|&n| n > seq));
                    }
                }
            }
        }
    }
}
