//! Other measurements of a usage point's flow: the one that it lies behind with the others behind that, and
//! dials beside its registers.

use std::collections::{BTreeMap, BTreeSet};

use corrente_ledger::AsOf;
use corrente_metering::{
    ChannelId, ChannelKind, Direction, Interval, LoadProfile, Quality, Span, Timestamp,
    id::UsagePointId,
};
use corrente_registry::{
    RegistryError,
    parents::{self, Parentage},
    usage_points::ChannelPeriod,
};
use corrente_vee::{Estimator, Outcome, Sibling, SiblingRole};

use super::{history, rules::Rules, stamp::Stamp};
use crate::{
    Mdm, MdmError,
    point::Point,
    series::{empty_if_unknown, service},
};

/// With more others behind one parent what is lost on the way is more than one of them uses.
const MOST_BESIDE: usize = 32;

/// What a usage point lay behind, in order of time, with the others behind it.
pub(super) struct Family {
    links: Vec<Link>,
    members: BTreeMap<UsagePointId, Member>,
}

struct Link {
    own: Parentage,
    others: Vec<Parentage>,
}

struct Member {
    point: Point,
    rules: Rules,
}

fn span(parentage: &Parentage) -> Span {
    Span::new(parentage.from, parentage.until.unwrap_or(Timestamp::MAX))
}

fn covers(parentage: &Parentage, day: Span) -> bool {
    span(parentage).intersect(day) == day
}

/// Does an estimate of it hang on what a sibling would say better?
pub(super) fn asks_siblings(outcome: &Outcome) -> bool {
    outcome.profile.missing_count() > 0
        || outcome.estimates.iter().any(|estimate| match estimate.estimator {
            Estimator::LinearInterpolation
            | Estimator::Averaging
            | Estimator::OwnProfile
            | Estimator::ProxyDay
            | Estimator::ClassProfile
            | Estimator::Subtraction => true,
            Estimator::ScalarSpread
            | Estimator::Gap
            | Estimator::RegisterFromInterval
            | Estimator::Proration
            | Estimator::PersonEdit => false,
        })
}

impl Mdm {
    /// The family of a usage point; an empty one where its rules never subtract.
    pub(super) fn family(&self, point: &Point, rules: &Rules) -> Result<Family, MdmError> {
        let mut family = Family { links: Vec::new(), members: BTreeMap::new() };
        if !rules.estimate_by(Estimator::Subtraction) {
            return Ok(family);
        }
        let id = point.row.id;
        let (links, points) = self.registry.read_blocking(move |tx| {
            let (mut links, mut points) = (Vec::new(), BTreeMap::new());
            for own in parents::of(tx, id)? {
                let others: Vec<Parentage> = parents::children(tx, own.parent)?
                    .into_iter()
                    .filter(|o| o.child != id && !span(o).intersect(span(&own)).is_empty())
                    .collect();
                if others.len() > MOST_BESIDE {
                    continue;
                }
                for member in others.iter().map(|other| other.child).chain([own.parent]) {
                    if let Some(point) = Point::load(tx, member)? {
                        points.insert(member, point);
                    }
                }
                links.push(Link { own, others });
            }
            Ok::<_, RegistryError>((links, points))
        })?;
        family.links = links;
        for (id, point) in points {
            let rules = self.rules_of(&point)?;
            family.members.insert(id, Member { point, rules });
        }
        Ok(family)
    }

    /// Adds the revisions of a family's readings, as far as they concern the usage point.
    pub(super) fn stamp_family(
        &self,
        stamp: &mut Stamp,
        family: &Family,
        wanted: Span,
    ) -> Result<(), MdmError> {
        for link in &family.links {
            let own = span(&link.own).intersect(wanted);
            let parent = [(link.own.parent, own)];
            let others = link.others.iter().map(|other| (other.child, span(other).intersect(own)));
            for (id, near) in others.chain(parent).filter(|(_, near)| !near.is_empty()) {
                if let Some(member) = family.members.get(&id) {
                    stamp.merge(self.stamp(&member.point, near)?);
                }
            }
        }
        Ok(())
    }

    /// The whole and the others on a day: what was measured there, by the rules that apply there. Nothing
    /// where the usage point lay behind none, or one of them feeds energy in.
    pub(super) fn siblings(
        &self,
        family: &Family,
        (day, step): (Span, i64),
        now: Timestamp,
    ) -> Result<Vec<Sibling>, MdmError> {
        let Some(link) = family.links.iter().find(|link| covers(&link.own, day)) else {
            return Ok(Vec::new());
        };
        let touching = || link.others.iter().filter(|o| !span(o).intersect(day).is_empty());
        if touching().any(|other| !covers(other, day)) {
            return Ok(Vec::new());
        }
        let mut siblings = Vec::new();
        let others = touching().map(|other| (other.child, SiblingRole::Beside));
        for (id, role) in [(link.own.parent, SiblingRole::Whole)].into_iter().chain(others) {
            let Some(member) = family.members.get(&id) else { return Ok(Vec::new()) };
            if member.point.feeds_in() {
                return Ok(Vec::new());
            }
            let date = member.point.calendar.date(day.start);
            let rules = member.rules.on(date);
            let profile = self.measured(&member.point.raw(), rules, (day, step), now)?;
            siblings.push(Sibling { name: member.point.row.name.clone(), role, profile });
        }
        Ok(siblings)
    }

    /// The dials beside the registers of a direction that were read inside the day, as check meters of it.
    /// Those beside intervals are compared by `sum_check`, and so are dials that are read less often.
    pub(super) fn dials(
        &self,
        point: &Point,
        direction: Direction,
        day: Span,
    ) -> Result<Vec<Sibling>, MdmError> {
        let mut found = Vec::new();
        for check in point.checks.iter().filter(|c| c.direction == direction) {
            let beside_intervals = |c: &ChannelPeriod| {
                (c.meter, c.direction, c.spec.kind)
                    == (check.meter, direction, ChannelKind::Interval)
            };
            if service(check).intersect(day) != day || point.channels.iter().any(beside_intervals) {
                continue;
            }
            let next = self.ledger.after(check.channel, day.start, AsOf::Now);
            if empty_if_unknown(next)?.is_none_or(|next| next.end >= day.end) {
                continue;
            }
            let alone = point.of_channels(&[check]);
            let pieces = self.raw_pieces(&alone, direction, &[day.start, day.end])?;
            let whole = |p: &&corrente_metering::assemble::Piece| {
                p.missing_seconds == 0 && p.quality == Quality::Measured
            };
            let Some(energy) = pieces.first().filter(whole).and_then(|piece| piece.energy) else {
                continue;
            };
            let intervals = vec![Interval::known(day, energy, Quality::Measured)];
            found.push(Sibling {
                name: format!("{} {}", check.serial, check.name),
                role: SiblingRole::Check,
                profile: LoadProfile { intervals },
            });
        }
        Ok(found)
    }
}

/// The channels of others whose revisions are in one of the stamps.
pub(super) fn of_others(point: &Point, stamps: [&Stamp; 2]) -> BTreeSet<ChannelId> {
    let own: BTreeSet<ChannelId> =
        point.channels.iter().chain(&point.checks).map(|channel| channel.channel).collect();
    let all: BTreeSet<ChannelId> = stamps.into_iter().flat_map(Stamp::channels).collect();
    all.difference(&own).copied().collect()
}

impl Mdm {
    /// What was measured of the energy that a usage point took on a day: what its rules reject or estimate is
    /// missing.
    fn measured(
        &self,
        point: &Point,
        rules: &corrente_vee::RuleSet,
        (day, step): (Span, i64),
        now: Timestamp,
    ) -> Result<LoadProfile, MdmError> {
        let lanes = history::lanes(point, Direction::Import, day);
        let mut sum: Option<Vec<Interval>> = None;
        for lane in &lanes {
            let own = self.measured_lane(point, lane, rules, (day, step), now)?;
            let served = history::served(lane);
            sum = Some(match sum {
                None => own,
                Some(others) => others
                    .iter()
                    .zip(&own)
                    .map(|(a, b)| {
                        if a.span().intersect(served).is_empty() {
                            return *a;
                        }
                        let both = a.energy().zip(b.energy());
                        match both.and_then(|(a, b)| a.checked_add(b).ok()) {
                            Some(both) => Interval::known(a.span(), both, Quality::Measured),
                            None => Interval::missing(a.span()),
                        }
                    })
                    .collect(),
            });
        }
        Ok(LoadProfile { intervals: sum.unwrap_or_default() })
    }
}
