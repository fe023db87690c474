//! Readings that a meter stamped with a wrong clock, where they truly belong.

use corrente_ledger::{AsOf, Ledger};
use corrente_metering::{Reading, Span, Timestamp};
use corrente_registry::usage_points::ChannelPeriod;

use super::empty_if_unknown;
use crate::MdmError;

/// By how much the clock was off at most.
fn most_seconds(period: &ChannelPeriod) -> i64 {
    let by = period.clock_corrections.iter().map(|c| c.add_seconds.saturating_abs());
    by.max().unwrap_or(0)
}

/// A span in which everything is that truly belongs into this one.
pub(crate) fn widened(period: &ChannelPeriod, span: Span) -> Span {
    let most = most_seconds(period);
    Span::new(span.start.plus(-most), span.end.plus(most))
}

/// When a reading was truly taken.
fn truly(period: &ChannelPeriod, t: Timestamp) -> Timestamp {
    let correction = period.clock_corrections.iter().find(|c| c.span.contains(t));
    correction.map_or(t, |correction| t.plus(correction.add_seconds))
}

/// The readings of a span and its neighbours, each when it was truly taken. Of two that fall together the
/// one that was stamped right stays.
pub(super) fn corrected(
    ledger: &dyn Ledger,
    as_of: AsOf<'_>,
    period: &ChannelPeriod,
    span: Span,
) -> Result<Vec<Reading>, MdmError> {
    let wide = widened(period, span);
    let mut found: Vec<(bool, Reading)> = Vec::new();
    let mut take = |reading: Reading| {
        let end = truly(period, reading.end);
        found.push((end != reading.end, Reading { end, ..reading }));
    };
    if let Some(before) = empty_if_unknown(ledger.at_or_before(period.channel, wide.start, as_of))?
    {
        take(before);
    }
    empty_if_unknown(ledger.range(period.channel, wide, as_of))?.into_iter().for_each(&mut take);
    if wide.end < Timestamp::MAX
        && let Some(after) = empty_if_unknown(ledger.after(period.channel, wide.end, as_of))?
    {
        take(after);
    }
    found.sort_by_key(|(moved, reading)| (reading.end, *moved));
    found.dedup_by_key(|(_, reading)| reading.end);
    Ok(found.into_iter().map(|(_, reading)| reading).collect())
}
