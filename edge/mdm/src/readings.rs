//! Raw readings, as the meters sent them.

use corrente_ledger::AsOf;
use corrente_metering::{ChannelKind, Direction, SourceQuality, Span, Timestamp, id::UsagePointId};
use corrente_units::Energy;

use crate::{
    Mdm, MdmError,
    series::{empty_if_unknown, service},
};

/// More readings than this are never answered at once.
const MOST: usize = 5_000;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadingQuery {
    /// Readings in this span; the last day where nothing is said.
    pub span: Option<Span>,
    /// Or the one at this instant, or else the last one before it.
    pub at: Option<Timestamp>,
    /// At most so many.
    pub limit: usize,
    /// Only those after this instant: where the page before ended.
    pub after: Option<Timestamp>,
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

/// Some readings in order of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadingPage {
    /// They.
    pub readings: Vec<ShownReading>,
    /// Where the next page begins: after this instant. Nothing at the end.
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
        let from = query.after.map_or(span.start, |after| after.max(span.start));
        for channel in &point.channels {
            let wanted = Span::new(from, span.end).intersect(service(channel));
            if wanted.is_empty() {
                continue;
            }
            let mut cursor = wanted;
            let mut taken = 0;
            // A day at a time, so that a page never decodes a year.
            while cursor.start < wanted.end && taken <= limit {
                let Some(next) =
                    empty_if_unknown(self.ledger.after(channel.channel, cursor.start, AsOf::Now))?
                else {
                    break;
                };
                let begin = cursor.start.max(next.end.plus(-1));
                if begin >= wanted.end {
                    break;
                }
                let end = begin.plus(86_400).min(wanted.end);
                let found = empty_if_unknown(self.ledger.range(
                    channel.channel,
                    Span::new(begin, end),
                    AsOf::Now,
                ))?;
                taken += found.len();
                readings.extend(found.iter().map(|r| shown(channel, r)));
                cursor = Span::new(end, wanted.end);
            }
        }
        readings.sort_by(|a, b| (a.t, &a.channel).cmp(&(b.t, &b.channel)));
        let mut next = None;
        if readings.len() > limit {
            // Readings of one instant stay together: the cursor is an instant.
            let cut = readings.get(limit).map(|r| r.t);
            readings.truncate(limit);
            if readings.first().map(|r| r.t) != cut {
                while readings.last().map(|r| r.t) == cut {
                    readings.pop();
                }
            }
            next = readings.last().map(|r| r.t);
        }
        Ok(ReadingPage { readings, next })
    }
}

fn shown(
    channel: &corrente_registry::usage_points::ChannelPeriod,
    reading: &corrente_metering::Reading,
) -> ShownReading {
    ShownReading {
        t: reading.end,
        value: reading.value,
        kind: channel.spec.kind,
        channel: channel.name.clone(),
        direction: channel.direction,
        quality: reading.quality,
    }
}
