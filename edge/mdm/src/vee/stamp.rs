//! Which revisions of which readings were seen.

use std::collections::BTreeMap;

use corrente_ledger::{AsOf, DayRevision, Revisions};
use corrente_metering::{ChannelId, Span};
use serde::{Deserialize, Serialize};

use crate::{
    Mdm, MdmError,
    point::Point,
    series::{empty_if_unknown, service},
};

static NOTHING: Revisions = Revisions(Vec::new());

/// The revisions of a usage point's channels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp(BTreeMap<ChannelId, Revisions>);

/// A stretch of block days in one revision, as it is stored.
#[derive(Serialize, Deserialize)]
struct Stretch {
    channel: u64,
    first: i32,
    last: i32,
    revision: u32,
}

impl Stamp {
    /// As of when a channel is read.
    pub(crate) fn as_of(&self, channel: ChannelId) -> AsOf<'_> {
        AsOf::Revisions(self.0.get(&channel).unwrap_or(&NOTHING))
    }

    /// Adds block days in a revision.
    pub(crate) fn add(&mut self, channel: ChannelId, (first, last): (i32, i32), revision: u32) {
        let days = &mut self.0.entry(channel).or_default().0;
        for day in first..=last {
            if !days.iter().any(|known| known.day == day) {
                days.push(DayRevision { day, revision });
            }
        }
        days.sort_by_key(|known| known.day);
    }

    /// Adds the block days of another stamp.
    pub(super) fn merge(&mut self, other: Self) {
        for (channel, revisions) in other.0 {
            let days = &mut self.0.entry(channel).or_default().0;
            days.extend(revisions.0);
            days.sort_by_key(|day| day.day);
            days.dedup_by_key(|day| day.day);
        }
    }

    /// The channels of which it knows something.
    pub(super) fn channels(&self) -> impl Iterator<Item = ChannelId> + '_ {
        self.0.keys().copied()
    }

    /// The block days of which there is another revision than before, none any more, or one for the first
    /// time.
    pub(super) fn differing(&self, before: &Self, channel: ChannelId) -> Vec<i32> {
        let gone = before.changed_since(self, channel);
        let mut days = self.changed_since(before, channel);
        days.extend(gone);
        days.sort_unstable();
        days.dedup();
        days
    }

    /// The block days of which there is another revision than before.
    pub(super) fn changed_since(&self, before: &Self, channel: ChannelId) -> Vec<i32> {
        let known: BTreeMap<i32, u32> = before
            .0
            .get(&channel)
            .unwrap_or(&NOTHING)
            .0
            .iter()
            .map(|day| (day.day, day.revision))
            .collect();
        let now = &self.0.get(&channel).unwrap_or(&NOTHING).0;
        now.iter()
            .filter(|day| known.get(&day.day) != Some(&day.revision))
            .map(|day| day.day)
            .collect()
    }

    pub(super) fn to_json(&self) -> serde_json::Value {
        let mut stretches: Vec<Stretch> = Vec::new();
        for (channel, revisions) in &self.0 {
            let channel = channel.number();
            for DayRevision { day, revision } in &revisions.0 {
                match stretches.last_mut() {
                    Some(last)
                        if last.channel == channel
                            && last.revision == *revision
                            && last.last + 1 == *day =>
                    {
                        last.last = *day;
                    }
                    _ => stretches.push(Stretch {
                        channel,
                        first: *day,
                        last: *day,
                        revision: *revision,
                    }),
                }
            }
        }
        serde_json::json!(stretches)
    }

    pub(super) fn from_json(document: &serde_json::Value) -> Result<Self, MdmError> {
        let stretches = Vec::<Stretch>::deserialize(document)?;
        let mut stamp = Self::default();
        for stretch in stretches {
            let channel = ChannelId::from_number(stretch.channel);
            let days = (stretch.first..=stretch.last)
                .map(|day| DayRevision { day, revision: stretch.revision });
            stamp.0.entry(channel).or_default().0.extend(days);
        }
        Ok(stamp)
    }
}

impl Mdm {
    /// The revisions that a read of this span sees now.
    pub(super) fn stamp(&self, point: &Point, span: Span) -> Result<Stamp, MdmError> {
        let mut stamp = Stamp::default();
        for channel in point.channels.iter().chain(&point.checks) {
            let service = service(channel);
            // A meter that was taken away may go on speaking: that is seen as well.
            let end = service.end.plus(2 * 86_400);
            let wanted = span.intersect(Span::new(service.start.plus(-86_400), end));
            if !wanted.is_empty() {
                let found = empty_if_unknown(self.ledger.revisions(channel.channel, wanted))?;
                stamp.0.insert(channel.channel, found);
            }
        }
        Ok(stamp)
    }
}
