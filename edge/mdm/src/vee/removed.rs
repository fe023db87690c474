//! Readings of a meter after it was taken away: they count nowhere, and nobody would see them.

use std::collections::BTreeSet;

use corrente_ledger::AsOf;
use corrente_metering::{Date, Span, Timestamp};
use corrente_registry::{meters, usage_points::ChannelPeriod};
use corrente_vee::{Evidence, Finding, QuarantineReason, Rule, Severity};

use crate::{Mdm, MdmError, point::Point, series::empty_if_unknown};

impl Mdm {
    /// What a look at a day says of meters that had been taken away by then: on the first day on which
    /// one of them speaks.
    pub(super) fn after_removal(
        &self,
        point: &Point,
        day: Date,
    ) -> Result<Vec<(Finding, corrente_metering::Direction)>, MdmError> {
        let span = point.calendar.day(day);
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for channel in &point.channels {
            let Some(until) = channel.until.filter(|until| *until < span.end) else { continue };
            let (id, as_of) = (channel.channel, AsOf::Now);
            let Some(first) = empty_if_unknown(self.ledger.after(id, until, as_of))? else {
                continue;
            };
            if !span.contains(first.end) || !seen.insert((id, until)) {
                continue;
            }
            let elsewhere = self.stands_again(channel, until)?;
            let aside = Span::new(until, span.end.min(elsewhere));
            let readings = empty_if_unknown(self.ledger.range(id, aside, as_of))?;
            let (Some(first), Some(last)) = (readings.first(), readings.last()) else { continue };
            let evidence = Evidence::OutOfPlace {
                readings: readings.len(),
                first: first.end,
                last: last.end,
                reason: QuarantineReason::AfterRemoval,
            };
            let finding = Finding {
                rule: Rule::Quarantine,
                rule_version: Rule::Quarantine.version(),
                severity: Severity::Warning,
                span: Span::new(until, last.end),
                channel: Some(id),
                evidence,
            };
            found.push((finding, channel.direction));
        }
        Ok(found)
    }

    /// When a meter was put up again after an instant, here or elsewhere; a reading of that very instant
    /// is its first register there.
    fn stands_again(
        &self,
        channel: &ChannelPeriod,
        until: Timestamp,
    ) -> Result<Timestamp, MdmError> {
        let meter = channel.meter;
        let places = self.registry.read_blocking(move |tx| meters::installations(tx, meter))?;
        let next = places.iter().map(|place| place.from).filter(|from| *from >= until).min();
        Ok(next.map_or(Timestamp::MAX, |next| next.plus(-1)))
    }
}
