//! One look at one day.

use std::collections::BTreeSet;

use corrente_metering::{
    ChannelKind, Date, Direction, Interval, LoadProfile, Span, Timestamp,
    assemble::{Piece, profile, weakest},
};
use corrente_registry::{
    clock_samples, edits,
    findings::{self, FindingState, NewFinding},
    point_events,
    profiles::{self, ProfileVersion},
    usage_points::ChannelPeriod,
};
use corrente_units::Energy;
use corrente_vee::{
    Change, Estimator, Finding, GoodRegister, Outcome, PointHistory, Rule, RuleSet, Severity,
    changes, compare_siblings,
};
use serde_json::json;

use super::{
    Cause,
    class::ClassWeeks,
    history,
    history::Past,
    overlay::{self, DayDocument, Directed, Run},
    siblings::{Family, asks_siblings},
    stamp::Stamp,
};
use crate::{Mdm, MdmError, point::Point, series::service};

/// What a look needs to know.
pub(super) struct Look<'a> {
    pub(super) point: &'a Point,
    pub(super) rules: &'a RuleSet,
    pub(super) day: Date,
    pub(super) now: Timestamp,
    /// When something is known: import, export.
    pub(super) known: [Option<Span>; 2],
    /// The day after it is not looked at yet.
    pub(super) last: bool,
    /// The day was looked at before.
    pub(super) again: bool,
    pub(super) cause: Cause,
    pub(super) seen: Option<&'a Stamp>,
    pub(super) current: &'a Stamp,
    pub(super) inputs: &'a Inputs,
}

/// What a look takes beside the usage point's own readings.
pub(super) struct Inputs {
    pub(super) class: ClassWeeks,
    pub(super) family: Family,
}

/// One direction of a day.
struct Flow {
    direction: Direction,
    /// From the first reading to the removal of the last meter.
    known: Span,
    step: i64,
    boundaries: Vec<Timestamp>,
    raw: Vec<Piece>,
    runs: Vec<Run>,
    outcome: Outcome,
}

impl Mdm {
    /// Looks at a day, and stores what differs from the look before. Says whether a version was made,
    /// and how many findings were new.
    pub(super) fn look_at_day(
        &self,
        look: &Look<'_>,
        past: &mut Past<'_>,
    ) -> Result<(bool, usize), MdmError> {
        let flows = self.flows(look, past)?;
        let (id, day) = (look.point.row.id, look.day);
        let span = look.point.calendar.day(day);
        let (versions, known) = self.registry.read_blocking(move |tx| {
            Ok::<_, MdmError>((profiles::of_day(tx, id, day)?, findings::ending_in(tx, id, span)?))
        })?;
        let new = self.new_versions(look, &flows, versions.last())?;
        let mut found = found(look, &flows);
        for (finding, direction) in self.after_removal(look.point, day)? {
            found.push((stored(look, direction, &finding, None), finding.severity));
        }
        if new.is_empty() && found.is_empty() && known.is_empty() {
            return Ok((false, 0));
        }
        let (organisation, now) = (look.point.row.organisation, look.now);
        let made = !new.is_empty();
        let count = self.registry.write_blocking(move |tx| {
            for version in &new {
                profiles::insert(tx, organisation, version)?;
            }
            let keys: BTreeSet<_> = found
                .iter()
                .map(|(f, _)| (f.rule.clone(), f.span, f.channel, way(&f.document)))
                .collect();
            for old in findings::ending_in(tx, id, span)? {
                let span = Span::new(old.from, old.until);
                let key = (old.rule.clone(), span, old.channel, way(&old.document));
                // Those with a source come from elsewhere: the ledger, a balance.
                let ours = old.document.get("source").is_none() && old.rule.parse::<Rule>().is_ok();
                if ours && old.state == FindingState::Open && !keys.contains(&key) {
                    findings::resolve(tx, &old)?;
                }
            }
            let mut count = 0;
            for (finding, _) in &found {
                count += usize::from(findings::upsert(tx, finding, now)?);
            }
            Ok::<_, MdmError>(count)
        })?;
        Ok((made, count))
    }

    fn flows(&self, look: &Look<'_>, past: &mut Past<'_>) -> Result<Vec<Flow>, MdmError> {
        let span = look.point.calendar.day(look.day);
        let id = look.point.row.id;
        let (edits, events, clocks) = self.registry.read_blocking(move |tx| {
            let clocks = clock_samples::at_usage_point(tx, id, span)?;
            Ok::<_, MdmError>((edits::during(tx, id, span)?, point_events::of(tx, id)?, clocks))
        })?;
        let events: Vec<_> = events.iter().map(history::event).collect();
        let raw_point = look.point.raw();
        let mut flows = Vec::new();
        for (direction, known) in [Direction::Import, Direction::Export].into_iter().zip(look.known)
        {
            // A channel that has never said anything is not missing.
            let Some(known) = known.filter(|known| known.start < span.end) else { continue };
            let lanes = history::lanes(look.point, direction, span);
            if lanes.is_empty() {
                continue;
            }
            let until = lanes.iter().flatten().map(|channel| service(channel).end).max();
            let known = Span::new(known.start, until.unwrap_or(known.end));
            let step = history::step(look.point, direction);
            let mut outcome: Option<Outcome> = None;
            let mut cells: Vec<Option<Interval>> = Vec::new();
            for lane in &lanes {
                let own = if lanes.len() == 1 { past.before(look.day, direction)? } else { None };
                let mut history = self.lane_history(&raw_point, lane, (span, step), &edits, own)?;
                history.now = look.now;
                history.events.clone_from(&events);
                for (meter, channel) in history.meters.iter_mut().zip(lane) {
                    meter.clock = history::clock_of(channel, &clocks);
                }
                let mut one = if lanes.len() == 1 && direction == Direction::Import {
                    self.run_among_others(look, history, (span, step))?
                } else {
                    corrente_vee::run(&history, look.rules)
                };
                // Before a register was added, or after it went, nothing of it is missing.
                let served = history::served(lane);
                one.findings.retain(|finding| {
                    finding.rule != Rule::Missing || !finding.span.intersect(served).is_empty()
                });
                cells = beside(cells, &one.profile, served, lanes.len());
                outcome = Some(match outcome {
                    None => one,
                    Some(mut all) => {
                        all.findings.extend(one.findings);
                        all.estimates.extend(one.estimates);
                        all
                    }
                });
            }
            let Some(mut outcome) = outcome else { continue };
            let dials = self.dials(look.point, direction, span)?;
            if !dials.is_empty() {
                let known = |(cell, own): (&Option<Interval>, &Interval)| {
                    cell.unwrap_or(Interval::missing(own.span()))
                };
                let intervals = cells.iter().zip(&outcome.profile.intervals).map(known).collect();
                let whole = (span, &look.point.calendar);
                let flow = LoadProfile { intervals };
                outcome.findings.extend(compare_siblings(&flow, &dials, whole, look.rules));
            }
            let mut boundaries = vec![span.start];
            boundaries.extend(outcome.profile.intervals.iter().map(|cell| cell.span().end));
            let raw = self.raw_pieces(&raw_point, direction, &boundaries)?;
            let believed = |span| believed(&lanes, &outcome, span);
            let runs = overlay::runs(direction, &cells, &raw, &outcome.findings, believed)?;
            flows.push(Flow { direction, known, step, boundaries, raw, runs, outcome });
        }
        Ok(flows)
    }

    /// A run over one lane with the week of the class, and with the others behind the same parent where an
    /// estimate can be made of them: to read all of them for each day would be too much.
    fn run_among_others(
        &self,
        look: &Look<'_>,
        mut history: PointHistory,
        day: (Span, i64),
    ) -> Result<Outcome, MdmError> {
        history.class = look.inputs.class.on(look.day).cloned();
        let alone = corrente_vee::run(&history, look.rules);
        let subtracts = look.rules.parameters.estimators.contains(&Estimator::Subtraction);
        if !subtracts || look.point.feeds_in() || !asks_siblings(&alone) {
            return Ok(alone);
        }
        history.siblings = self.siblings(&look.inputs.family, day, look.now)?;
        if history.siblings.is_empty() {
            return Ok(alone);
        }
        Ok(corrente_vee::run(&history, look.rules))
    }

    /// The versions to store: none where nothing differs; two where the first one was only what was
    /// read, and had no row.
    fn new_versions(
        &self,
        look: &Look<'_>,
        flows: &[Flow],
        last: Option<&ProfileVersion>,
    ) -> Result<Vec<ProfileVersion>, MdmError> {
        let runs: Vec<Run> = flows.iter().flat_map(|flow| flow.runs.iter().cloned()).collect();
        let before = match (last, look.seen) {
            (None, _) if !look.again => None,
            (None, seen) => {
                let stamp = seen.cloned().unwrap_or_default();
                Some((0, stamp, Vec::new()))
            }
            (Some(last), _) => {
                let document = DayDocument::of(last)?;
                Some((last.version, Stamp::from_json(&document.revisions)?, document.runs))
            }
        };
        let version = |number: u32, document: &DayDocument| -> Result<ProfileVersion, MdmError> {
            Ok(ProfileVersion {
                usage_point: look.point.row.id,
                day: look.day,
                version: number,
                document: serde_json::to_value(document)?,
                created: look.now,
            })
        };
        let mut document = DayDocument {
            rule_set: format!("{} {}", look.rules.name, look.rules.version),
            cause: Cause::First,
            revisions: look.current.to_json(),
            class_profile: look.inputs.class.on(look.day).map(|class| class.name.clone()),
            runs,
            estimates: estimates(flows),
            changes: Vec::new(),
        };
        let Some((number, stamp, old_runs)) = before else {
            return if document.runs.is_empty() {
                Ok(Vec::new())
            } else {
                Ok(vec![version(1, &document)?])
            };
        };
        let old_point = look.point.at(stamp.clone());
        for flow in flows {
            let own: Vec<Run> =
                old_runs.iter().filter(|run| run.direction == flow.direction).cloned().collect();
            let old = self.laid_over(&old_point, flow.direction, &flow.boundaries, &own)?;
            let new =
                self.laid_over(&look.point.raw(), flow.direction, &flow.boundaries, &flow.runs)?;
            let differing: Vec<Change> = changes(&profile(&old), &profile(&new));
            let direction = flow.direction;
            document.changes.extend(differing.into_iter().map(|what| Directed { direction, what }));
        }
        if document.changes.is_empty() {
            return Ok(Vec::new());
        }
        document.cause = look.cause;
        let mut new = Vec::new();
        if number == 0 {
            let first = DayDocument {
                rule_set: document.rule_set.clone(),
                cause: Cause::First,
                revisions: stamp.to_json(),
                class_profile: None,
                runs: Vec::new(),
                estimates: Vec::new(),
                changes: Vec::new(),
            };
            new.push(version(1, &first)?);
        }
        new.push(version(number.max(1) + 1, &document)?);
        Ok(new)
    }
}

/// What the registers that the rules believe say of a span, Wh; nothing where none spans it. Multiplied ones
/// are rounded from another start than the readings, and say nothing either.
fn believed(lanes: &[Vec<&ChannelPeriod>], outcome: &Outcome, span: Span) -> Option<i64> {
    let [lane] = lanes else { return None };
    if lane.iter().any(|c| c.spec.kind != ChannelKind::Register || !c.multipliers.is_empty()) {
        return None;
    }
    outcome.segments.iter().find_map(|segment| {
        let at = |t| GoodRegister::total_at(segment, t);
        at(span.end)?.checked_sub(at(span.start)?).ok().map(Energy::wh)
    })
}

/// Two registers side by side: a cell counts where both know it, or where the other one does not
/// measure.
fn beside(
    cells: Vec<Option<Interval>>,
    other: &LoadProfile,
    served: Span,
    lanes: usize,
) -> Vec<Option<Interval>> {
    let measures = |b: &Interval| lanes == 1 || !b.span().intersect(served).is_empty();
    if cells.is_empty() {
        return other.intervals.iter().map(|b| measures(b).then_some(*b)).collect();
    }
    cells
        .into_iter()
        .zip(&other.intervals)
        .map(|(a, b)| {
            if !measures(b) {
                return a;
            }
            let a = a?;
            let sum = a.energy()?.checked_add(b.energy()?).ok()?;
            Some(Interval::known(a.span(), sum, weakest(a.quality(), b.quality())))
        })
        .collect()
}

fn estimates(flows: &[Flow]) -> Vec<Directed<corrente_vee::Estimate>> {
    flows
        .iter()
        .flat_map(|flow| {
            let direction = flow.direction;
            flow.outcome.estimates.iter().map(move |what| Directed { direction, what: *what })
        })
        .collect()
}

/// The findings that end in the day, as they are stored; of the last day that is looked at also those that
/// go on behind it, so that they hold a bill that ends there.
fn found(look: &Look<'_>, flows: &[Flow]) -> Vec<(NewFinding, Severity)> {
    let span = look.point.calendar.day(look.day);
    let mut all = Vec::new();
    for flow in flows {
        for finding in &flow.outcome.findings {
            let ends_here = span.start < finding.span.end && finding.span.end <= span.end
                || look.last && finding.span.start < span.end && finding.span.end > span.end;
            // What explains itself and needs nobody is in the profile, not in the worklist.
            if !ends_here || finding.severity == Severity::Info {
                continue;
            }
            // Before the first reading and after the last meter nothing is missing, but the rest of the
            // interval in which it was.
            let here = finding.span.intersect(flow.known).seconds();
            if finding.rule == Rule::Missing && here < flow.step {
                continue;
            }
            let effect = effect(flow, finding);
            all.push((stored(look, flow.direction, finding, effect), finding.severity));
        }
    }
    all
}

/// Which way the energy of a finding flows, as its document says.
fn way(document: &serde_json::Value) -> Option<String> {
    document.get("direction")?.as_str().map(str::to_owned)
}

fn stored(
    look: &Look<'_>,
    direction: Direction,
    finding: &Finding,
    effect_wh: Option<i64>,
) -> NewFinding {
    let point = look.point.row.id;
    let channel = finding.channel.map_or(0, corrente_metering::ChannelId::number);
    let (from, until) = (finding.span.start.second(), finding.span.end.second());
    let rule = finding.rule.name();
    let way = if direction == Direction::Export { ":export" } else { "" };
    NewFinding {
        organisation: look.point.row.organisation,
        usage_point: Some(point),
        channel: finding.channel,
        rule: rule.to_owned(),
        span: finding.span,
        document: json!({
            "direction": direction,
            "finding": finding,
            "sentence": finding.evidence.to_string(),
            "suggestion": finding.suggestion(),
            "effect_wh": effect_wh,
        }),
        effect_wh,
        idempotency_key: format!("vee:{point}:{channel}:{rule}:{from}:{until}{way}"),
    }
}

/// What the suggested values add to what was read of the finding's stretch, Wh.
fn effect(flow: &Flow, finding: &Finding) -> Option<i64> {
    let mut effect = 0_i64;
    let mut touched = false;
    for cell in flow.runs.iter().flat_map(|run| &run.cells) {
        if cell.span().intersect(finding.span).is_empty() {
            continue;
        }
        let raw = flow.raw.iter().find(|piece| piece.span == cell.span());
        let read = raw.and_then(|piece| piece.energy).map_or(0, Energy::wh);
        effect = effect.saturating_add(cell.energy()?.wh().saturating_sub(read));
        touched = true;
    }
    touched.then_some(effect)
}
