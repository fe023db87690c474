//! Raw readings, as the meters sent them.

use corrente_ledger::AsOf;
use corrente_metering::{ChannelKind, Direction, SourceQuality, Span, Timestamp, id::UsagePointId};
use corrente_registry::usage_points::ChannelPeriod;
use corrente_units::Energy;

use crate::{
    Mdm, MdmError,
    series::{empty_if_unknown, service},
};

/// More readings than this are never answered at once.
const MOST: usize = 5_000;
const DAY_SECONDS: i64 = 86_400;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadingQuery {
    /// Readings in this span; the last day where nothing is said.
    pub span: Option<Span>,
    /// Or the one at this instant, or else the last one before it.
    pub at: Option<Timestamp>,
    /// In which order.
    pub order: ReadingOrder,
    /// At most so many, and those of the last instant all together.
    pub limit: usize,
    /// Where the page before ended: only what lies behind this instant, in the order that is asked for.
    pub behind: Option<Timestamp>,
}

/// In which order readings are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadingOrder {
    /// The oldest first.
    #[default]
    Ascending,
    /// The newest first.
    Descending,
}

/// A reading as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownReading {
    /// The end of what was measured.
    pub t: Timestamp,
    /// The register, or the interval's energy.
    pub value: Energy,
    /// Which of the two.
    pub kind: ChannelKind,
    /// The channel's name.
    pub channel: String,
    /// Which way the energy flows.
    pub direction: Direction,
    /// The source's own word.
    pub quality: SourceQuality,
}

/// Some readings in the order that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadingPage {
    /// They.
    pub readings: Vec<ShownReading>,
    /// Where the next page begins: behind this instant. Nothing at the end.
    pub next: Option<Timestamp>,
}

impl Mdm {
    /// Raw readings of all channels, in order of time.
    ///
    /// # Errors
    /// When a store fails or there is no such usage point.
    pub fn readings(&self, id: UsagePointId, query: ReadingQuery) -> Result<ReadingPage, MdmError> {
        let point = self.point(id)?;
        let now = self.clock.now();
        let limit = query.limit.clamp(1, MOST);
        let mut readings = Vec::new();
        if let Some(at) = query.at {
            for channel in &point.channels {
                let found =
                    empty_if_unknown(self.ledger.at_or_before(channel.channel, at, AsOf::Now))?;
                let inside =
                    |t: Timestamp| service(channel).start <= t && t <= service(channel).end;
                readings.extend(found.filter(|r| inside(r.end)).map(|r| shown(channel, &r)));
            }
            // Of the meters that were here one after the other, the one that stood here last.
            let latest = readings.iter().map(|r: &ShownReading| r.t).max();
            readings.retain(|r| Some(r.t) == latest);
            return Ok(ReadingPage { readings, next: None });
        }
        let span = query.span.unwrap_or(Span::new(now.plus(-86_400), now));
        let span = match (query.order, query.behind) {
            (_, None) => span,
            (ReadingOrder::Ascending, Some(t)) => Span::new(t.max(span.start), span.end),
            (ReadingOrder::Descending, Some(t)) => Span::new(span.start, t.plus(-1).min(span.end)),
        };
        for channel in &point.channels {
            let wanted = span.intersect(service(channel));
            if wanted.is_empty() {
                continue;
            }
            match query.order {
                ReadingOrder::Ascending => self.forwards(channel, wanted, limit, &mut readings)?,
                ReadingOrder::Descending => {
                    self.backwards(channel, wanted, limit, &mut readings)?;
                }
            }
        }
        match query.order {
            ReadingOrder::Ascending => {
                readings.sort_by(|a, b| (a.t, &a.channel).cmp(&(b.t, &b.channel)));
            }
            ReadingOrder::Descending => {
                readings.sort_by(|a, b| (b.t, &a.channel).cmp(&(a.t, &b.channel)));
            }
        }
        let next = cut(&mut readings, limit);
        Ok(ReadingPage { readings, next })
    }

    /// More than `limit` readings of the span from its beginning on, or all of them.
    fn forwards(
        &self,
        channel: &ChannelPeriod,
        wanted: Span,
        limit: usize,
        readings: &mut Vec<ShownReading>,
    ) -> Result<(), MdmError> {
        let (mut from, mut taken) = (wanted.start, 0);
        // A day at a time, so that a page never decodes a year.
        while from < wanted.end && taken <= limit {
            let next = empty_if_unknown(self.ledger.after(channel.channel, from, AsOf::Now))?;
            let Some(next) = next.filter(|next| next.end <= wanted.end) else { break };
            let begin = from.max(next.end.plus(-1));
            let end = begin.plus(DAY_SECONDS).min(wanted.end);
            let span = Span::new(begin, end);
            let found = empty_if_unknown(self.ledger.range(channel.channel, span, AsOf::Now))?;
            taken += found.len();
            readings.extend(found.iter().map(|r| shown(channel, r)));
            from = end;
        }
        Ok(())
    }

    /// More than `limit` readings of the span from its end back, or all of them.
    fn backwards(
        &self,
        channel: &ChannelPeriod,
        wanted: Span,
        limit: usize,
        readings: &mut Vec<ShownReading>,
    ) -> Result<(), MdmError> {
        let (mut until, mut taken) = (wanted.end, 0);
        while until > wanted.start && taken <= limit {
            let last =
                empty_if_unknown(self.ledger.at_or_before(channel.channel, until, AsOf::Now))?;
            let Some(last) = last.filter(|last| last.end > wanted.start) else { break };
            let begin = last.end.plus(-DAY_SECONDS).max(wanted.start);
            let span = Span::new(begin, last.end);
            let found = empty_if_unknown(self.ledger.range(channel.channel, span, AsOf::Now))?;
            taken += found.len();
            readings.extend(found.iter().map(|r| shown(channel, r)));
            until = begin;
        }
        Ok(())
    }
}

/// Cuts a page to its size, with the instant behind which the next one begins.
fn cut(readings: &mut Vec<ShownReading>, limit: usize) -> Option<Timestamp> {
    let over = readings.get(limit)?.t;
    // Readings of one instant stay together, since the cursor is an instant: those that do not fit go
    // to the next page, or make this one longer when they are all that it has.
    let begin = readings.iter().position(|r| r.t == over).unwrap_or(limit);
    let end = if begin > 0 {
        begin
    } else {
        readings.iter().position(|r| r.t != over).unwrap_or(readings.len())
    };
    let more = end < readings.len();
    readings.truncate(end);
    readings.last().map(|r| r.t).filter(|_| more)
}

fn shown(channel: &ChannelPeriod, reading: &corrente_metering::Reading) -> ShownReading {
    ShownReading {
        t: reading.end,
        value: reading.value,
        kind: channel.spec.kind,
        channel: channel.name.clone(),
        direction: channel.direction,
        quality: reading.quality,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Readings at these instants, cut to the limit: how many stay, and where the next page begins.
    fn check(instants: &[i64], limit: usize, expected: (usize, Option<i64>)) {
        let mut readings: Vec<ShownReading> = instants
            .iter()
            .map(|t| ShownReading {
                t: Timestamp::from_second(*t),
                value: Energy::ZERO,
                kind: ChannelKind::Register,
                channel: "import".to_owned(),
                direction: Direction::Import,
                quality: SourceQuality::GOOD,
            })
            .collect();
        let next = cut(&mut readings, limit);
        let found = (readings.len(), next.map(Timestamp::second));
        assert_eq!(found, expected, "{instants:?} cut to {limit}");
    }

    #[test]
    fn readings_of_one_instant_are_on_one_page() {
        check(&[1, 2, 3], 3, (3, None));
        check(&[1, 2, 3], 2, (2, Some(2)));
        check(&[1, 2, 2, 3], 2, (1, Some(1)));
        check(&[1, 1, 1, 2], 2, (3, Some(1)));
        check(&[1, 1, 1], 2, (3, None));
        check(&[3, 3, 2, 2, 1], 3, (2, Some(3)));
    }
}
