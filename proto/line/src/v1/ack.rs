//! Which acknowledgement may be sent when.

use std::collections::VecDeque;

/// Keeps the promise of `ack n`: every reading up to `n` that was sent on this connection is durable.
///
/// Readings are appended in groups, in the order in which they came. A meter usually numbers them
/// rising; one that does not still never gets an acknowledgement that covers a reading on its way.
#[derive(Debug, Default)]
pub struct Acknowledgements {
    /// Lowest and highest number of what was read and is not yet on its way.
    waiting: Option<(u64, u64)>,
    /// The same of each group on its way, oldest first.
    groups: VecDeque<(u64, u64)>,
    /// The highest number that is durable.
    durable: u64,
}

impl Acknowledgements {
    /// Readings with these numbers were read and wait for the next group.
    pub fn received(&mut self, numbers: impl IntoIterator<Item = u64>) {
        self.waiting = numbers.into_iter().fold(self.waiting, |range, n| {
            Some(range.map_or((n, n), |(low, high)| (low.min(n), high.max(n))))
        });
    }

    /// All that waits is on its way as one group.
    pub fn sent(&mut self) {
        self.groups.extend(self.waiting.take());
    }

    /// The oldest group became durable: the number that may be acknowledged now, if any.
    pub fn durable(&mut self) -> Option<u64> {
        let (_, high) = self.groups.pop_front()?;
        self.durable = self.durable.max(high);
        if self.groups.is_empty() {
            // An idle connection holds no memory for groups.
            self.groups = VecDeque::new();
        }
        let lowest = self.groups.iter().chain(&self.waiting).map(|(low, _)| *low).min();
        let seq = lowest.map_or(self.durable, |low| self.durable.min(low.saturating_sub(1)));
        (seq > 0).then_some(seq)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn send(acks: &mut Acknowledgements, numbers: &[u64]) {
        acks.received(numbers.iter().copied());
        acks.sent();
    }

    #[test]
    fn an_acknowledgement_never_covers_what_is_on_its_way() {
        let mut acks = Acknowledgements::default();
        send(&mut acks, &[1, 2, 3]);
        send(&mut acks, &[4, 5]);
        assert_eq!(acks.durable(), Some(3));
        acks.received([2]);
        assert_eq!(acks.durable(), Some(1), "2 was sent again and waits");
        acks.sent();
        assert_eq!(acks.durable(), Some(5));
        assert_eq!(acks.durable(), None);
    }

    #[test]
    fn a_resent_reading_is_acknowledged_again() {
        let mut acks = Acknowledgements::default();
        send(&mut acks, &[7]);
        assert_eq!(acks.durable(), Some(7));
        send(&mut acks, &[6]);
        assert_eq!(acks.durable(), Some(7));
    }

    proptest! {
        /// Each step: numbers that are read, whether they are sent on, whether a group becomes durable.
        #[test]
        fn the_promise_holds_in_any_order(
            steps in prop::collection::vec(
                (prop::collection::vec(1_u64..30, 0..4), any::<bool>(), any::<bool>()), 1..40),
        ) {
            let mut acks = Acknowledgements::default();
            let mut waiting = Vec::new();
            let mut groups = VecDeque::new();
            for (numbers, send, done) in steps {
                acks.received(numbers.iter().copied());
                waiting.extend(numbers);
                if send && !waiting.is_empty() {
                    acks.sent();
                    groups.push_back(std::mem::take(&mut waiting));
                }
                if done {
                    let said = acks.durable();
                    prop_assert!(groups.pop_front().is_some() || said.is_none());
                    let seq = said.unwrap_or(0);
                    prop_assert!(groups.iter().flatten().chain(&waiting).all(|n| *n > seq));
                }
            }
        }
    }
}
