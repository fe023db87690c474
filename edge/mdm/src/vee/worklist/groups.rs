//! Findings of one cause in one row.
//!
//! Findings of one rule at one usage point that touch are one outage: a meter that is silent for a week
//! gives a finding a day and is one trouble. Outages are of one cause when they have the rule, the place
//! (the gateway of the meters, or else the route on which they are read) and the hours of beginning and
//! end in common.

use std::collections::{BTreeMap, HashMap};

use corrente_metering::{
    ChannelId, Timestamp,
    id::{FindingId, OrganisationId, UsagePointId},
};
use corrente_registry::{
    RegistryError, Tx,
    findings::{self, Brief, Finding, FindingState},
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::sentence;
use crate::{Mdm, MdmError};

/// So many findings of a group are named; a decision by the group's key is about all of them.
const MOST_NAMED: usize = 100;

/// Findings of one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Names the group, for a decision about all of it. An outage that goes on changes its key.
    pub key: String,
    /// The rule.
    pub rule: String,
    /// What the usage points have in common: `gateway G-7`, `route 12`; nothing where that is not known.
    pub place: Option<String>,
    /// When the trouble began, RFC 3339.
    pub from: String,
    /// When it ended.
    pub until: String,
    /// How many usage points it concerns.
    pub usage_points: usize,
    /// How many findings it has.
    pub count: usize,
    /// What the suggested values add to what was read, Wh; nothing where nothing is suggested.
    pub effect_wh: Option<i64>,
    /// What a person could do.
    pub suggestion: Json,
    /// One of them in a sentence.
    pub sentence: String,
    /// The first hundred findings.
    pub findings: Vec<FindingId>,
}

/// Which groups are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorklistQuery {
    /// In which state the findings are.
    pub state: FindingState,
    /// Only of this rule.
    pub rule: Option<String>,
    /// Behind this place in the list: [`WorklistPage::next`] of the page before.
    pub cursor: Option<String>,
    /// At most so many groups.
    pub limit: usize,
}

/// Some groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorklistPage {
    /// Those that concern most usage points first.
    pub groups: Vec<Group>,
    /// The cursor of the next page; nothing at the end.
    pub next: Option<String>,
}

/// A group while the findings go by.
#[derive(Debug)]
struct Open {
    from: Timestamp,
    until: Timestamp,
    usage_points: usize,
    last_point: Option<UsagePointId>,
    count: usize,
    effect_wh: Option<i64>,
    findings: Vec<FindingId>,
}

/// Neighbouring findings of one usage point.
#[derive(Debug)]
struct Outage {
    rule: String,
    usage_point: Option<UsagePointId>,
    channel: Option<ChannelId>,
    from: Timestamp,
    until: Timestamp,
    effect_wh: Option<i64>,
    findings: Vec<FindingId>,
}

impl Outage {
    fn new(brief: &Brief) -> Self {
        Self {
            rule: brief.rule.clone(),
            usage_point: brief.usage_point,
            channel: brief.channel,
            from: brief.from,
            until: brief.until,
            effect_wh: None,
            findings: Vec::new(),
        }
    }

    fn goes_on_in(&self, brief: &Brief) -> bool {
        self.rule == brief.rule
            && self.usage_point == brief.usage_point
            && self.channel == brief.channel
            && brief.from <= self.until
    }

    fn add(&mut self, brief: &Brief) {
        self.until = self.until.max(brief.until);
        self.effect_wh = sum(self.effect_wh, brief.effect_wh);
        self.findings.push(brief.id);
    }
}

fn sum(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        (one, other) => one.or(other),
    }
}

/// What usage points have in common, by usage point.
type Places = HashMap<UsagePointId, String>;

fn places(tx: &mut Tx, organisation: OrganisationId) -> Result<Places, RegistryError> {
    let places = findings::places(tx, organisation)?;
    Ok(places
        .into_iter()
        .filter_map(|place| {
            let gateway = place.gateway.map(|gateway| format!("gateway {gateway}"));
            let common = gateway.or_else(|| place.route.map(|route| format!("route {route}")))?;
            Some((place.usage_point, common))
        })
        .collect())
}

/// Hands on every outage with the key of its group.
fn each_outage(
    tx: &mut Tx,
    organisation: OrganisationId,
    state: FindingState,
    mut take: impl FnMut(String, &Outage, Option<&str>),
) -> Result<(), RegistryError> {
    let places = places(tx, organisation)?;
    let mut close = |outage: &Outage| {
        let hour = |t: Timestamp| t.second().div_euclid(3600);
        let place = outage.usage_point.and_then(|point| places.get(&point)).map(String::as_str);
        let key = format!(
            "{}:{}:{}:{}",
            outage.rule,
            hour(outage.from),
            hour(outage.until),
            place.unwrap_or_default()
        );
        take(key, outage, place);
    };
    let mut open: Option<Outage> = None;
    findings::each_in_state(tx, organisation, state, |brief| {
        if open.as_ref().is_none_or(|outage| !outage.goes_on_in(&brief))
            && let Some(outage) = open.replace(Outage::new(&brief))
        {
            close(&outage);
        }
        if let Some(outage) = &mut open {
            outage.add(&brief);
        }
    })?;
    if let Some(outage) = open {
        close(&outage);
    }
    Ok(())
}

/// The place of a group in the list: most usage points first, then the latest.
type Rank = (std::cmp::Reverse<usize>, std::cmp::Reverse<i64>, String);

fn rank(key: &str, open: &Open) -> Rank {
    use std::cmp::Reverse;
    (Reverse(open.usage_points), Reverse(open.from.second()), key.to_owned())
}

fn cursor_of((points, from, key): &Rank) -> String {
    format!("{}.{}.{key}", points.0, from.0)
}

fn parse_cursor(text: &str) -> Option<Rank> {
    use std::cmp::Reverse;
    let (points, rest) = text.split_once('.')?;
    let (from, key) = rest.split_once('.')?;
    Some((Reverse(points.parse().ok()?), Reverse(from.parse().ok()?), key.to_owned()))
}

impl Mdm {
    /// Everything that waits for a person, grouped by cause; the groups with most usage points first.
    ///
    /// # Errors
    /// When the registry fails.
    pub fn worklist(
        &self,
        organisation: OrganisationId,
        state: FindingState,
    ) -> Result<Vec<Group>, MdmError> {
        let query = WorklistQuery { state, rule: None, cursor: None, limit: usize::MAX };
        Ok(self.worklist_page(organisation, query)?.groups)
    }

    /// A page of what waits for a person.
    ///
    /// # Errors
    /// When the registry fails or the cursor is none.
    pub fn worklist_page(
        &self,
        organisation: OrganisationId,
        query: WorklistQuery,
    ) -> Result<WorklistPage, MdmError> {
        let after = match &query.cursor {
            None => None,
            Some(text) => Some(parse_cursor(text).ok_or_else(|| MdmError::Invalid {
                field: "cursor",
                reason: "give `next` of the page before".to_owned(),
            })?),
        };
        self.registry.read_blocking(move |tx| {
            let mut groups: BTreeMap<String, (Open, String, Option<String>)> = BTreeMap::new();
            each_outage(tx, organisation, query.state, |key, outage, place| {
                if query.rule.as_ref().is_some_and(|wanted| *wanted != outage.rule) {
                    return;
                }
                let (open, _, _) = groups.entry(key).or_insert_with(|| {
                    let open = Open {
                        from: outage.from,
                        until: outage.until,
                        usage_points: 0,
                        last_point: None,
                        count: 0,
                        effect_wh: None,
                        findings: Vec::new(),
                    };
                    (open, outage.rule.clone(), place.map(str::to_owned))
                });
                open.from = open.from.min(outage.from);
                open.until = open.until.max(outage.until);
                // They come usage point by usage point.
                if open.last_point != outage.usage_point {
                    open.usage_points += 1;
                    open.last_point = outage.usage_point;
                }
                open.count += outage.findings.len();
                open.effect_wh = sum(open.effect_wh, outage.effect_wh);
                let room = MOST_NAMED.saturating_sub(open.findings.len());
                open.findings.extend(outage.findings.iter().take(room));
            })?;
            let mut ranked: Vec<_> =
                groups.into_iter().map(|(key, group)| (rank(&key, &group.0), group)).collect();
            ranked.sort_by(|a, b| a.0.cmp(&b.0));
            if let Some(after) = &after {
                ranked.retain(|(rank, _)| rank > after);
            }
            let more = ranked.len() > query.limit;
            ranked.truncate(query.limit);
            let next = ranked.last().filter(|_| more).map(|(rank, _)| cursor_of(rank));
            let groups = ranked
                .into_iter()
                .map(|((_, _, key), (open, rule, place))| shown(tx, key, open, rule, place))
                .collect::<Result<_, RegistryError>>()?;
            Ok::<_, MdmError>(WorklistPage { groups, next })
        })
    }

    /// All findings of a group.
    pub(super) fn findings_of_group(
        &self,
        organisation: OrganisationId,
        state: FindingState,
        key: &str,
    ) -> Result<Vec<Finding>, MdmError> {
        let wanted = key.to_owned();
        let found = self.registry.read_blocking(move |tx| {
            let mut ids = Vec::new();
            each_outage(tx, organisation, state, |key, outage, _| {
                if key == wanted {
                    ids.extend(outage.findings.iter().copied());
                }
            })?;
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                found.extend(findings::get(tx, id)?);
            }
            Ok::<_, RegistryError>(found)
        })?;
        if found.is_empty() {
            return Err(MdmError::NotFound {
                kind: "group of findings (ask for the list again: an outage that goes on changes its key)",
                id: key.to_owned(),
            });
        }
        Ok(found)
    }
}

fn shown(
    tx: &mut Tx,
    key: String,
    open: Open,
    rule: String,
    place: Option<String>,
) -> Result<Group, RegistryError> {
    let first = match open.findings.first() {
        Some(first) => findings::get(tx, *first)?,
        None => None,
    };
    let suggestion = first.as_ref().and_then(|first| first.document.get("suggestion").cloned());
    Ok(Group {
        key,
        rule,
        place,
        from: open.from.to_string(),
        until: open.until.to_string(),
        usage_points: open.usage_points,
        count: open.count,
        effect_wh: open.effect_wh,
        suggestion: suggestion.unwrap_or_default(),
        sentence: first.as_ref().map(sentence).unwrap_or_default(),
        findings: open.findings,
    })
}
