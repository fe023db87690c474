//! The edits that a person's figure makes.

use corrente_metering::{Direction, Span};
use corrente_registry::{
    admin::By, edits::NewEdit, findings::Finding, usage_points::ChannelPeriod,
};
use corrente_units::Energy;
use corrente_vee::spread;
use serde_json::Value as Json;

use crate::{Mdm, MdmError, point::Point, series::service, vee::history};

/// So far back it is looked which register runs how fast.
const WEIGHT_SECONDS: i64 = 28 * 86_400;

impl Mdm {
    /// The edits that give the stretch of these findings its energy: one for each register that measured
    /// it, and the stretch.
    pub(super) fn edits_for(
        &self,
        by: &By,
        found: &[Finding],
        energy: Energy,
        span: Option<Span>,
    ) -> Result<(Vec<NewEdit>, Span), MdmError> {
        let invalid = |field, reason: &str| MdmError::Invalid { field, reason: reason.to_owned() };
        let reason = by.reason.clone().filter(|reason| !reason.trim().is_empty());
        let reason = reason.ok_or_else(|| invalid("reason", "an edit needs a reason"))?;
        let first = found.first().ok_or_else(|| invalid("ids", "name a finding"))?;
        let point = first.usage_point.ok_or_else(|| {
            invalid("finding", "it belongs to no usage point that could be edited")
        })?;
        let direction = direction_of(first);
        if found.iter().any(|f| f.usage_point != Some(point) || direction_of(f) != direction) {
            return Err(invalid(
                "verdict",
                "one energy cannot be that of several usage points: edit them one by one",
            ));
        }
        let span = span.unwrap_or_else(|| {
            Span::new(
                found.iter().map(|f| f.from).min().unwrap_or(first.from),
                found.iter().map(|f| f.until).max().unwrap_or(first.until),
            )
        });
        if span.is_empty() || energy < Energy::ZERO {
            return Err(invalid(
                "energy",
                "give an energy that is not negative, for a stretch of time",
            ));
        }
        let point = self.point(point)?;
        let channel = Some(first.channel).filter(|one| found.iter().all(|f| f.channel == *one));
        let lanes: Vec<Vec<&ChannelPeriod>> = history::lanes(&point, direction, span)
            .into_iter()
            .filter(|lane| {
                channel.flatten().is_none_or(|one| lane.iter().any(|c| c.channel == one))
            })
            .collect();
        if lanes.is_empty() {
            return Err(invalid("finding", "no meter stood there then"));
        }
        let mut edits = Vec::with_capacity(lanes.len());
        for (lane, share) in
            lanes.iter().zip(self.shares(&point, direction, &lanes, (span, energy))?)
        {
            let covering = lane.iter().find(|c| !service(c).intersect(span).is_empty());
            let Some(channel) = covering.or(lane.first()) else { continue };
            edits.push(NewEdit {
                organisation: point.row.organisation,
                usage_point: point.row.id,
                channel: channel.channel,
                span,
                energy: share,
                actor: by.actor.clone(),
                reason: reason.clone(),
            });
        }
        Ok((edits, span))
    }

    /// How much of an energy falls to each of the registers side by side: as much as it had of the weeks
    /// before, or equal parts where that is not known.
    fn shares(
        &self,
        point: &Point,
        direction: Direction,
        lanes: &[Vec<&ChannelPeriod>],
        (span, energy): (Span, Energy),
    ) -> Result<Vec<Energy>, MdmError> {
        if lanes.len() == 1 {
            return Ok(vec![energy]);
        }
        let before = [span.start.plus(-WEIGHT_SECONDS), span.start];
        let mut weights = Vec::with_capacity(lanes.len());
        for lane in lanes {
            let pieces = self.raw_pieces(&point.of_channels(lane), direction, &before)?;
            let known = pieces.first().and_then(|piece| piece.energy);
            weights.push(known.map_or(0, Energy::wh).max(0));
        }
        if weights.iter().all(|weight| *weight == 0) {
            weights.fill(1);
        }
        Ok(spread(energy.wh(), &weights).into_iter().map(Energy::from_wh).collect())
    }
}

pub(super) fn direction_of(finding: &Finding) -> Direction {
    let export = finding.document.get("direction").and_then(Json::as_str) == Some("export");
    if export { Direction::Export } else { Direction::Import }
}
