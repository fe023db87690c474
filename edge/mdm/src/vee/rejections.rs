//! What the ledger keeps aside, as findings: a person sees it in one list with everything else.
//!
//! Readings of one channel, one reason and one day are one finding, so that a meter whose clock sits
//! in 2033 for a week is one row. The source's own replacement of a value is no finding to decide about:
//! it becomes an edit in the source's name.

use std::collections::BTreeMap;

use corrente_ledger::{
    AsOf, Decision, QuarantineReason as Aside, Rejected, RejectionReason, Settled,
};
use corrente_metering::{ChannelId, ChannelKind, SourceQuality, Span, Timestamp};
use corrente_registry::{
    channels::{self, ChannelPlace},
    edits::{self, NewEdit},
    findings::{self, FindingState, NewFinding},
    relooks::{self, RelookCause},
};
use corrente_units::Energy;
use corrente_vee::{Evidence, Finding, QuarantineReason, Rule, Severity};
use serde_json::json;

use crate::{Mdm, MdmError, series::empty_if_unknown};

/// Read from the ledger at a time.
const AT_ONCE: usize = 10_000;
/// So many numbers of readings are named by a finding.
const MOST_NAMED: usize = 100;

/// Readings that are kept aside together.
#[derive(Debug)]
struct Together {
    count: usize,
    first: Timestamp,
    last: Timestamp,
    values: (Energy, Energy),
    sequences: Vec<u64>,
}

/// A channel, why, and the day of the readings by its standard time.
type Key = (ChannelId, &'static str, i64);

impl Mdm {
    /// Makes findings of what the ledger keeps aside and nobody decided about, and edits of the sources' own
    /// replacements. What was decided since resolves its finding. However often it is done, it gives the same.
    ///
    /// # Errors
    /// When a store fails.
    pub fn show_rejections(&self) -> Result<(), MdmError> {
        let mut places: BTreeMap<ChannelId, Option<ChannelPlace>> = BTreeMap::new();
        let mut groups: BTreeMap<Key, Together> = BTreeMap::new();
        let mut after = 0;
        loop {
            let page = self.ledger.unsettled(after, AT_ONCE)?;
            let Some(last) = page.last() else { break };
            after = last.sequence;
            for rejected in page {
                let number = rejected.channel;
                if let std::collections::btree_map::Entry::Vacant(place) = places.entry(number) {
                    let at = rejected.reading.end;
                    let found =
                        self.registry.read_blocking(move |tx| channels::place(tx, number, at))?;
                    place.insert(found);
                }
                let Some(place) = places.get(&number).and_then(Option::as_ref) else { continue };
                if self.replaced(place, &rejected)? {
                    continue;
                }
                add(&mut groups, place, &rejected);
            }
        }
        let now = self.clock.now();
        let new: Vec<NewFinding> = groups
            .iter()
            .filter_map(|(key, together)| {
                let place = places.get(&key.0).and_then(Option::as_ref)?;
                Some(stored(place, key, together))
            })
            .collect();
        self.registry.write_blocking(move |tx| {
            for finding in &new {
                findings::upsert(tx, finding, now)?;
            }
            let known = |key: &str| new.iter().any(|finding| finding.idempotency_key == key);
            for (id, key) in findings::keys_of(tx, "ledger:", FindingState::Open)? {
                if !known(&key) {
                    findings::set_state(tx, id, FindingState::Resolved)?;
                }
            }
            Ok::<_, MdmError>(())
        })
    }

    /// Makes an edit of a value with which the source replaced its own. Says whether it was one.
    fn replaced(&self, place: &ChannelPlace, rejected: &Rejected) -> Result<bool, MdmError> {
        let RejectionReason::Conflict { kept } = rejected.reason else { return Ok(false) };
        let (Some(point), true) =
            (place.usage_point, rejected.reading.quality == SourceQuality::SUBSTITUTED)
        else {
            return Ok(false);
        };
        let (t, value) = (rejected.reading.end, rejected.reading.value);
        let mut parts: Vec<(Span, Energy)> = Vec::new();
        match place.kind {
            ChannelKind::Interval => {
                let length = place.interval_seconds.unwrap_or(1800);
                parts.push((Span::new(t.plus(-length), t), value));
            }
            ChannelKind::Register => {
                // The stretches on both sides of the register that was replaced.
                let before = empty_if_unknown(self.ledger.at_or_before(
                    rejected.channel,
                    t.plus(-1),
                    AsOf::Now,
                ))?;
                let after = empty_if_unknown(self.ledger.after(rejected.channel, t, AsOf::Now))?;
                if let Some(before) = before {
                    parts.push((Span::new(before.end, t), value.checked_sub(before.value)?));
                }
                if let Some(after) = after {
                    parts.push((Span::new(t, after.end), after.value.checked_sub(value)?));
                }
            }
        }
        let now = self.clock.now();
        let (actor, channel) = (format!("source:{}", place.serial), rejected.channel);
        let organisation = place.organisation;
        let evidence = Evidence::Replaced { before: kept, after: value };
        let found = Finding {
            rule: Rule::FinalReplacement,
            rule_version: Rule::FinalReplacement.version(),
            severity: Severity::Warning,
            span: Span::new(t.plus(-1), t),
            channel: Some(channel),
            evidence,
        };
        let sequence = rejected.sequence;
        self.registry.write_blocking(move |tx| {
            for (span, energy) in &parts {
                let edit = NewEdit {
                    organisation,
                    usage_point: point,
                    channel,
                    span: *span,
                    energy: (*energy).max(Energy::ZERO),
                    actor: actor.clone(),
                    reason: found.evidence.to_string(),
                };
                if edits::insert_once(tx, &edit, now)? {
                    relooks::ask(tx, point, *span, RelookCause::Edit, now)?;
                }
            }
            let new = NewFinding {
                organisation,
                usage_point: Some(point),
                channel: Some(channel),
                rule: found.rule.name().to_owned(),
                span: found.span,
                document: json!({
                    "source": "replacement",
                    "finding": found,
                    "sentence": found.evidence.to_string(),
                    "suggestion": found.suggestion(),
                    "readings": [sequence],
                }),
                effect_wh: value.checked_sub(kept).ok().map(Energy::wh),
                idempotency_key: format!("replacement:{sequence}"),
            };
            findings::insert(tx, &new, now)?;
            Ok::<_, MdmError>(())
        })?;
        // The edit is stored: the reading has had its say. After a crash in between it is the same again.
        match self.ledger.settle(sequence, Decision::Drop)? {
            Settled::Done | Settled::Already | Settled::Conflict | Settled::Unknown => Ok(true),
        }
    }
}

fn add(groups: &mut BTreeMap<Key, Together>, place: &ChannelPlace, rejected: &Rejected) {
    let t = rejected.reading.end;
    let (word, kept) = match rejected.reason {
        RejectionReason::Conflict { kept } => ("conflict", kept),
        RejectionReason::Quarantine(Aside::BeforeInstallation) => ("before", Energy::ZERO),
        RejectionReason::Quarantine(Aside::InFuture) => ("future", Energy::ZERO),
    };
    let key = (rejected.channel, word, day_of(t, place.offset_seconds));
    let together = groups.entry(key).or_insert(Together {
        count: 0,
        first: t,
        last: t,
        values: (kept, rejected.reading.value),
        sequences: Vec::new(),
    });
    together.count += 1;
    together.first = together.first.min(t);
    together.last = together.last.max(t);
    if together.sequences.len() < MOST_NAMED {
        together.sequences.push(rejected.sequence);
    }
}

fn stored(place: &ChannelPlace, key: &Key, together: &Together) -> NewFinding {
    let (channel, word, day) = *key;
    // The whole day, so that neighbouring days of one trouble touch.
    let span = day_span(day, place.offset_seconds);
    let aside = |reason| {
        let evidence = Evidence::OutOfPlace {
            readings: together.count,
            first: together.first,
            last: together.last,
            reason,
        };
        (Rule::Quarantine, evidence)
    };
    let (rule, evidence) = match word {
        "before" => aside(QuarantineReason::BeforeInstallation),
        "future" => aside(QuarantineReason::Future),
        _ => {
            let (kept, other) = together.values;
            (Rule::Duplicate, Evidence::Conflict { kept, other })
        }
    };
    let several = rule == Rule::Duplicate && together.count > 1;
    let sentence = if several {
        format!("{} readings of the day, the first: {evidence}", together.count)
    } else {
        evidence.to_string()
    };
    let finding = Finding {
        rule,
        rule_version: rule.version(),
        severity: Severity::Warning,
        span,
        channel: Some(channel),
        evidence,
    };
    NewFinding {
        organisation: place.organisation,
        usage_point: place.usage_point,
        channel: Some(channel),
        rule: rule.name().to_owned(),
        span,
        document: json!({
            "source": "ledger",
            "finding": finding,
            "sentence": sentence,
            "suggestion": finding.suggestion(),
            "meter": place.serial,
            "readings": together.sequences,
            "count": together.count,
        }),
        effect_wh: None,
        idempotency_key: format!("ledger:{}:{word}:{day}", channel.number()),
    }
}

/// The day in which an instant closes, counted since 1970 in the channel's standard time.
fn day_of(t: Timestamp, offset_seconds: i32) -> i64 {
    t.second().saturating_sub(1).saturating_add(i64::from(offset_seconds)).div_euclid(86_400)
}

fn day_span(day: i64, offset_seconds: i32) -> Span {
    let start = day.saturating_mul(86_400).saturating_sub(i64::from(offset_seconds));
    Span::new(Timestamp::from_second(start), Timestamp::from_second(start.saturating_add(86_400)))
}
