//! What a usage point measures against what those behind it measure.

use std::collections::{BTreeMap, btree_map::Entry};

use corrente_metering::{
    Date, Direction, Interval, LoadProfile, Span, Timestamp, calendar::day_before, id::UsagePointId,
};
use corrente_registry::{
    findings::{self, FindingState, NewFinding},
    parents::{self, Parentage},
    profiles,
};
use corrente_units::{Decimal, Energy, Price};
use corrente_vee::{DayBalance, Finding, Member, Rule, RuleSet, balance};
use jiff::ToSpan as _;
use serde_json::json;

use crate::{Mdm, MdmError, point::Point};

/// The job looks so many days back: late readings of older ones change the answer, not the findings.
const DAYS_BACK: i64 = 35;

/// A usage point against those behind it, day by day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointBalance {
    /// The recorded name of the parent.
    pub parent: String,
    /// The currency of amounts.
    pub currency: String,
    /// The days, in order of time.
    pub days: Vec<BalanceDay>,
}

/// A day of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceDay {
    /// The sums.
    pub sums: DayBalance,
    /// Usage points that lay behind the parent all day.
    pub children: usize,
    /// The loss is more than usual, or negative by more than is forgiven.
    pub unusual: bool,
}

impl Mdm {
    /// A usage point's balance from the first civil day to before the second. Energy is what was taken
    /// less what was given back. A loss is worth the mean price of the parent's energy on that day, or of
    /// a child's where the parent has no tariff.
    ///
    /// # Errors
    /// When a store fails or there is no such usage point.
    pub fn balance(
        &self,
        id: UsagePointId,
        (from, until): (Date, Date),
    ) -> Result<PointBalance, MdmError> {
        let point = self.point(id)?;
        let (days, _) = self.balance_of(&point, (from, until))?;
        Ok(PointBalance {
            parent: point.row.name.clone(),
            currency: point.row.currency.code().to_owned(),
            days,
        })
    }

    fn balance_of(
        &self,
        point: &Point,
        (from, until): (Date, Date),
    ) -> Result<(Vec<BalanceDay>, Vec<Finding>), MdmError> {
        if until <= from {
            let reason = format!("{until} is not after {from}");
            return Err(MdmError::Invalid { field: "to", reason });
        }
        let id = point.row.id;
        let children = self.registry.read_blocking(move |tx| parents::children(tx, id))?;
        if children.is_empty() {
            let reason = format!("nothing lies behind `{}`", point.row.name);
            return Err(MdmError::Invalid { field: "usage_point", reason });
        }
        let calendar = &point.calendar;
        let cut = calendar.cut_days(calendar.days(from, until));
        let mut boundaries: Vec<Timestamp> = cut.iter().map(|day| day.start).collect();
        boundaries.extend(cut.last().map(|day| day.end));
        let own = self.net_days(point, &boundaries)?;
        let mut members: BTreeMap<UsagePointId, (Point, LoadProfile)> = BTreeMap::new();
        for child in &children {
            if let Entry::Vacant(member) = members.entry(child.child) {
                let point = self.point(child.child)?;
                let profile = self.net_days(&point, &boundaries)?;
                member.insert((point, profile));
            }
        }
        let mut priced = self.day_prices(point, &boundaries)?;
        for (member, _) in members.values() {
            if priced.iter().any(Option::is_some) {
                break;
            }
            priced = self.day_prices(member, &boundaries)?;
        }
        let rules = self.rules_of(point)?;
        let (mut days, mut found) = (Vec::with_capacity(cut.len()), Vec::new());
        for (n, day) in cut.iter().enumerate() {
            let behind: Vec<Member<'_>> = children
                .iter()
                .filter(|child| lies_behind(child, *day))
                .filter_map(|child| members.get(&child.child))
                .map(|(member, profile)| Member { name: &member.row.name, profile })
                .collect();
            let parent = Member { name: &point.row.name, profile: &own };
            let rules: &RuleSet = rules.on(calendar.date(day.start));
            let price = priced.get(n).copied().flatten();
            let one = balance(parent, &behind, *day, calendar, rules, price);
            let unusual = !one.findings.is_empty() && !behind.is_empty();
            days.extend(one.days.into_iter().map(|sums| BalanceDay {
                sums,
                children: behind.len(),
                unusual,
            }));
            if !behind.is_empty() {
                found.extend(one.findings);
            }
        }
        Ok((days, found))
    }

    /// What was taken less what was given back, by day; missing where a part of it is.
    fn net_days(&self, point: &Point, boundaries: &[Timestamp]) -> Result<LoadProfile, MdmError> {
        let gives = point.channels.iter().any(|c| c.direction == Direction::Export);
        let import = self.pieces(point, Direction::Import, boundaries)?;
        let export =
            if gives { self.pieces(point, Direction::Export, boundaries)? } else { Vec::new() };
        let intervals = import
            .iter()
            .enumerate()
            .map(|(n, piece)| {
                let given = export.get(n);
                let whole =
                    piece.missing_seconds == 0 && given.is_none_or(|g| g.missing_seconds == 0);
                let given = given.and_then(|given| given.energy).unwrap_or(Energy::ZERO);
                match piece.energy.and_then(|energy| energy.checked_sub(given).ok()) {
                    Some(net) if whole => Interval::known(piece.span, net, piece.quality),
                    Some(_) | None => Interval::missing(piece.span),
                }
            })
            .collect();
        Ok(LoadProfile { intervals })
    }

    /// What a kilowatt-hour cost on each day, on average.
    fn day_prices(
        &self,
        point: &Point,
        boundaries: &[Timestamp],
    ) -> Result<Vec<Option<Price>>, MdmError> {
        let Some(known) = self.known_span(point, Direction::Import)? else {
            return Ok(vec![None; boundaries.len()]);
        };
        let costed = self.costed(point, boundaries, known.start)?;
        Ok(costed
            .pieces
            .iter()
            .zip(&costed.amounts)
            .map(|(piece, amount)| {
                let kwh = piece.energy?.kwh();
                if kwh <= Decimal::ZERO { None } else { (*amount)?.decimal().checked_div(kwh) }
            })
            .collect())
    }

    /// Compares every parent with those behind it, over the days that were looked at, and keeps the
    /// findings.
    ///
    /// # Errors
    /// When the registry fails; what fails for one parent is logged and stops no other.
    pub fn balance_parents(&self) -> Result<(), MdmError> {
        for id in self.registry.read_blocking(parents::everywhere)? {
            if let Err(error) = self.balance_parent(id) {
                tracing::error!(%error, usage_point.id = %id, "the balance cannot be made");
            }
        }
        Ok(())
    }

    fn balance_parent(&self, id: UsagePointId) -> Result<(), MdmError> {
        let point = self.point(id)?;
        // So far all of them were looked at.
        let looked = self.registry.read_blocking(move |tx| {
            let mut until = profiles::state(tx, id)?.map(|state| state.validated_until);
            for child in parents::children(tx, id)? {
                let of_child = profiles::state(tx, child.child)?.map(|s| s.validated_until);
                until = until.zip(of_child).map(|(a, b)| a.min(b));
            }
            Ok::<_, MdmError>(until)
        })?;
        let today = point.calendar.date(self.clock.now());
        let Some(until) = looked.map(|until| until.min(today)) else { return Ok(()) };
        let from = until.saturating_sub(DAYS_BACK.days());
        let (_, found) = self.balance_of(&point, (from.min(day_before(until)), until))?;
        let new: Vec<NewFinding> = found.iter().map(|finding| stored(&point, finding)).collect();
        let span = point.calendar.days(from, until);
        let now = self.clock.now();
        self.registry.write_blocking(move |tx| {
            for old in findings::ending_in(tx, id, span)? {
                let ours = old.rule == Rule::ParentChildren.name();
                let gone = !new.iter().any(|n| (n.span.start, n.span.end) == (old.from, old.until));
                if ours && gone && old.state == FindingState::Open {
                    findings::set_state(tx, old.id, FindingState::Resolved)?;
                }
            }
            for finding in &new {
                findings::upsert(tx, finding, now)?;
            }
            Ok(())
        })
    }
}

/// Did it lie behind its parent all day?
fn lies_behind(child: &Parentage, day: Span) -> bool {
    child.from <= day.start && child.until.is_none_or(|until| day.end <= until)
}

fn stored(point: &Point, finding: &Finding) -> NewFinding {
    let id = point.row.id;
    let from = finding.span.start.second();
    NewFinding {
        organisation: point.row.organisation,
        usage_point: Some(id),
        channel: None,
        rule: finding.rule.name().to_owned(),
        span: finding.span,
        document: json!({
            "source": "balance",
            "finding": finding,
            "sentence": finding.evidence.to_string(),
            "suggestion": finding.suggestion(),
        }),
        effect_wh: None,
        idempotency_key: format!("balance:{id}:{from}"),
    }
}
