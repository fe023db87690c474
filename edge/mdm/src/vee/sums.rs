//! The dial beside a channel of intervals: between two of its readings they have to add up.
//!
//! Readings inside one day are the business of the day's look; those further apart are compared here.

use corrente_metering::{Reading, Span, id::UsagePointId};
use corrente_registry::{
    findings::{self, FindingState, NewFinding},
    usage_points::{self, ChannelPeriod},
};
use corrente_units::Energy;
use corrente_vee::{Evidence, Finding, Rule, Severity};
use serde_json::json;

use crate::{
    Mdm, MdmError,
    point::Point,
    series::{empty_if_unknown, service},
};

/// So far back readings of a dial are compared.
const BACK_SECONDS: i64 = 100 * 86_400;

impl Mdm {
    /// Compares every register that only compares with the intervals beside it.
    ///
    /// # Errors
    /// When the registry fails; what fails for one usage point is logged and stops no other.
    pub fn check_sums(&self) -> Result<(), MdmError> {
        for id in self.registry.read_blocking(usage_points::with_check_registers)? {
            if let Err(error) = self.check_sums_of(id) {
                tracing::error!(%error, usage_point.id = %id, "a dial cannot be compared");
            }
        }
        Ok(())
    }

    fn check_sums_of(&self, id: UsagePointId) -> Result<(), MdmError> {
        let point = self.point(id)?;
        let now = self.clock.now();
        let mut new = Vec::new();
        for check in &point.checks {
            let near = Span::new(now.plus(-BACK_SECONDS), now).intersect(service(check));
            let before =
                self.ledger.at_or_before(check.channel, near.start, corrente_ledger::AsOf::Now);
            let mut readings: Vec<Reading> = empty_if_unknown(before)?.into_iter().collect();
            let inside = self.ledger.range(check.channel, near, corrente_ledger::AsOf::Now);
            readings.extend(empty_if_unknown(inside)?);
            for (first, last) in readings.iter().zip(readings.iter().skip(1)) {
                new.extend(self.dial_against_intervals(&point, check, (*first, *last))?);
            }
        }
        let prefix = format!("check:{id}:");
        self.registry.write_blocking(move |tx| {
            for finding in &new {
                findings::upsert(tx, finding, now)?;
            }
            for (old, key) in findings::keys_of(tx, &prefix, FindingState::Open)? {
                if !new.iter().any(|finding| finding.idempotency_key == key) {
                    findings::set_state(tx, old, FindingState::Resolved)?;
                }
            }
            Ok::<_, MdmError>(())
        })
    }

    /// A finding, where the intervals between two readings of a dial do not add up to their difference.
    fn dial_against_intervals(
        &self,
        point: &Point,
        check: &ChannelPeriod,
        (first, last): (Reading, Reading),
    ) -> Result<Option<NewFinding>, MdmError> {
        let span = Span::new(first.end, last.end);
        let calendar = &point.calendar;
        if calendar.date(span.start) == calendar.date_of_reading(span.end) {
            return Ok(None);
        }
        // Over the dial's last digit and through a change of transformers, as for any other register. One that
        // was reset says nothing.
        let alone = point.of_channels(&[check]);
        let dial = self.raw_pieces(&alone, check.direction, &[span.start, span.end])?;
        let risen = dial.first().filter(|piece| piece.missing_seconds == 0);
        let Some(rise) = risen.and_then(|piece| piece.energy).map(Energy::wh) else {
            return Ok(None);
        };
        let pieces = self.pieces(point, check.direction, &[span.start, span.end])?;
        let Some(known) = pieces.first().filter(|piece| piece.missing_seconds == 0) else {
            return Ok(None);
        };
        let intervals = known.energy.map_or(0, Energy::wh);
        let rules = self.rules_of(point)?;
        let rules = rules.on(calendar.date(span.end));
        if !rules.has(Rule::SumCheck) || (rise - intervals).abs() <= rules.parameters.sum_check_wh {
            return Ok(None);
        }
        let finding = Finding {
            rule: Rule::SumCheck,
            rule_version: Rule::SumCheck.version(),
            severity: Severity::Error,
            span,
            channel: Some(check.channel),
            evidence: Evidence::SumDiffers {
                registers: Energy::from_wh(rise),
                intervals: Energy::from_wh(intervals),
                edited: false,
            },
        };
        let (from, until) = (span.start.second(), span.end.second());
        Ok(Some(NewFinding {
            organisation: point.row.organisation,
            usage_point: Some(point.row.id),
            channel: finding.channel,
            rule: finding.rule.name().to_owned(),
            span,
            document: json!({
                "source": "check",
                "direction": check.direction,
                "finding": finding,
                "sentence": finding.evidence.to_string(),
                "suggestion": finding.suggestion(),
            }),
            effect_wh: Some(rise - intervals),
            idempotency_key: format!(
                "check:{}:{}:{from}:{until}",
                point.row.id,
                check.channel.number()
            ),
        }))
    }
}
