//! Findings: what validation saw and a person should see.

use corrente_metering::{
    ChannelId, Span, Timestamp,
    id::{FindingId, OrganisationId, UsagePointId},
};

use crate::{
    RegistryError, Tx,
    value::{params, row, words},
};

/// Where a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FindingState {
    /// Nobody has looked.
    Open,
    /// A person says that it is as it should be.
    Accepted,
    /// It was mended.
    Resolved,
    /// Somebody has to look on site, or ask the source again.
    Returned,
}

impl FindingState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Open, Self::Accepted, Self::Resolved, Self::Returned];

    /// Its word in the API and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted => "accepted",
            Self::Resolved => "resolved",
            Self::Returned => "returned",
        }
    }

    /// The state with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

words! { FindingState {
    Open = "open", Accepted = "accepted", Resolved = "resolved", Returned = "returned"
} }

row! {
    /// A finding.
    pub struct Finding {
        /// Its id.
        id: FindingId,
        /// Of which organisation.
        organisation: OrganisationId,
        /// Of which usage point, where there is one.
        usage_point: Option<UsagePointId>,
        /// Of which channel.
        channel: Option<ChannelId>,
        /// The rule that saw it.
        rule: String,
        /// It begins after this instant.
        from: Timestamp = "from_s",
        /// Its last instant.
        until: Timestamp = "until_s",
        /// What was seen.
        document: serde_json::Value,
        /// Where it stands.
        state: FindingState,
    }
}

/// What a new finding is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct NewFinding {
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// Of which usage point.
    pub usage_point: Option<UsagePointId>,
    /// Of which channel.
    pub channel: Option<ChannelId>,
    /// The rule.
    pub rule: String,
    /// When.
    pub span: Span,
    /// What was seen.
    pub document: serde_json::Value,
    /// What the suggested values add to what was read, Wh.
    pub effect_wh: Option<i64>,
    /// The same key again is the same finding.
    pub idempotency_key: String,
}

const INSERT: &str = "\
INSERT INTO finding (id, organisation, usage_point, channel, rule, from_s, until_s, document, effect_wh,
  state, idempotency_key, created_s)
VALUES ($id, $organisation, $usage_point, $channel, $rule, $from_s, $until_s, $document, $effect_wh,
  'open', $key, $now)
ON CONFLICT (idempotency_key) DO NOTHING";

/// Stores a finding. Says whether it was new.
pub fn insert(tx: &mut Tx, new: &NewFinding, now: Timestamp) -> Result<bool, RegistryError> {
    let id = FindingId::from_uuid(uuid::Uuid::now_v7());
    let made = tx.execute(
        INSERT,
        params! {
            id, organisation: new.organisation, usage_point: new.usage_point, channel: new.channel,
            rule: new.rule, from_s: new.span.start, until_s: new.span.end, document: new.document,
            effect_wh: new.effect_wh, key: new.idempotency_key, now
        },
    )?;
    Ok(made > 0)
}

const BY_KEY: &str = "SELECT * FROM finding WHERE idempotency_key = $key";

const REFRESH: &str = "\
UPDATE finding SET document = $document, effect_wh = $effect_wh, state = $state,
  decided_s = CASE WHEN $state = 'open' THEN NULL ELSE decided_s END
WHERE id = $id";

/// Stores a finding, or what is seen now where it is known already. Says whether it was new.
///
/// What a person accepted or mended is open again when something else is seen now, and what went away by
/// itself when it comes back.
pub fn upsert(tx: &mut Tx, new: &NewFinding, now: Timestamp) -> Result<bool, RegistryError> {
    if insert(tx, new, now)? {
        return Ok(true);
    }
    let Some(known) =
        by_key(tx, &new.idempotency_key)?.filter(|known| known.document != new.document)
    else {
        return Ok(false);
    };
    let seen = |document: &serde_json::Value| document.pointer("/finding/evidence").cloned();
    let again = gone(&known) || seen(&known.document) != seen(&new.document);
    let decided = matches!(known.state, FindingState::Accepted | FindingState::Resolved);
    let state = if decided && again { FindingState::Open } else { known.state };
    let effect_wh = new.effect_wh;
    tx.execute(REFRESH, params! { id: known.id, document: new.document, effect_wh, state })?;
    Ok(false)
}

/// Where it is noted that a finding went away by itself.
const GONE: &str = "gone";

const GONE_NOW: &str = "UPDATE finding SET document = $document, state = $state WHERE id = $id";

fn gone(finding: &Finding) -> bool {
    finding.document.get(GONE).is_some()
}

/// Notes that a finding is not seen any more, and that no person has mended it.
pub fn resolve(tx: &mut Tx, finding: &Finding) -> Result<(), RegistryError> {
    let mut document = finding.document.clone();
    if let Some(fields) = document.as_object_mut() {
        fields.insert(GONE.to_owned(), true.into());
    }
    let state = FindingState::Resolved;
    tx.execute(GONE_NOW, params! { id: finding.id, document, state })?;
    Ok(())
}

const GET: &str = "SELECT * FROM finding WHERE id = $id";

/// One finding.
pub fn get(tx: &mut Tx, id: FindingId) -> Result<Option<Finding>, RegistryError> {
    tx.row(GET, params! { id })
}

const SET_STATE: &str = "UPDATE finding SET state = $state WHERE id = $id";

/// Says where a finding stands now, of itself.
pub fn set_state(tx: &mut Tx, id: FindingId, state: FindingState) -> Result<(), RegistryError> {
    tx.execute(SET_STATE, params! { id, state })?;
    Ok(())
}

const DECIDE: &str = "UPDATE finding SET state = $state, decided_s = $now WHERE id = $id";

/// Says where a finding stands because a person decided.
pub(crate) fn decide(
    tx: &mut Tx,
    id: FindingId,
    state: FindingState,
    now: Timestamp,
) -> Result<(), RegistryError> {
    tx.execute(DECIDE, params! { id, state, now })?;
    Ok(())
}

row! {
    struct Keyed {
        id: FindingId,
        idempotency_key: String,
    }
}

const KEYS: &str = "\
SELECT id, idempotency_key FROM finding
WHERE state = $state AND idempotency_key >= $first AND idempotency_key < $last";

/// The findings in a state whose keys begin so, of all organisations.
pub fn keys_of(
    tx: &mut Tx,
    prefix: &str,
    state: FindingState,
) -> Result<Vec<(FindingId, String)>, RegistryError> {
    let last = format!("{prefix}\u{10ffff}");
    let keyed: Vec<Keyed> = tx.rows(KEYS, params! { state, first: prefix, last })?;
    Ok(keyed.into_iter().map(|keyed| (keyed.id, keyed.idempotency_key)).collect())
}

row! {
    /// What a list needs to know of a finding.
    pub struct Brief {
        /// Its id.
        id: FindingId,
        /// Of which usage point, where there is one.
        usage_point: Option<UsagePointId>,
        /// Of which channel.
        channel: Option<ChannelId>,
        /// The rule that saw it.
        rule: String,
        /// It begins after this instant.
        from: Timestamp = "from_s",
        /// Its last instant.
        until: Timestamp = "until_s",
        /// What the suggested values add to what was read, Wh.
        effect_wh: Option<i64>,
    }
}

const IN_ORDER: &str = "\
SELECT id, usage_point, channel, rule, from_s, until_s, effect_wh FROM finding
WHERE organisation = $organisation AND state = $state
ORDER BY rule, usage_point, channel, from_s, until_s, id";

/// Hands on every finding of an organisation in a state: by rule, usage point, channel and time, so that
/// those of one outage follow each other.
pub fn each_in_state(
    tx: &mut Tx,
    organisation: OrganisationId,
    state: FindingState,
    take: impl FnMut(Brief),
) -> Result<(), RegistryError> {
    tx.each(IN_ORDER, params! { organisation, state }, take)
}

row! {
    /// What usage points have in common when something goes wrong.
    pub struct Place {
        /// The usage point.
        usage_point: UsagePointId,
        /// The gateway through which its meter speaks.
        gateway: Option<String>,
        /// The round on which it is read.
        route: Option<String>,
    }
}

const PLACES: &str = "\
SELECT u.id AS usage_point, u.route AS route, m.gateway AS gateway
FROM usage_point u
LEFT JOIN installation i ON i.usage_point = u.id AND i.until_s IS NULL
LEFT JOIN meter m ON m.id = i.meter
WHERE u.organisation = $organisation AND (u.route IS NOT NULL OR m.gateway IS NOT NULL)";

/// The usage points of an organisation of which a gateway or a route is known.
pub fn places(tx: &mut Tx, organisation: OrganisationId) -> Result<Vec<Place>, RegistryError> {
    tx.rows(PLACES, params! { organisation })
}

const INSIDE: &str = "\
SELECT * FROM finding
WHERE usage_point = $usage_point AND until_s > $start_s AND until_s <= $end_s
ORDER BY from_s, id";

/// The findings of a usage point that end in a span.
pub fn ending_in(
    tx: &mut Tx,
    usage_point: UsagePointId,
    span: Span,
) -> Result<Vec<Finding>, RegistryError> {
    tx.rows(INSIDE, params! { usage_point, start_s: span.start, end_s: span.end })
}

const OPEN_OVER: &str = "\
SELECT * FROM finding
WHERE usage_point = $usage_point AND state = 'open' AND until_s > $start_s AND from_s < $end_s
ORDER BY from_s, id";

/// The findings of a usage point that touch a span and about which nobody has decided.
pub fn open_over(
    tx: &mut Tx,
    usage_point: UsagePointId,
    span: Span,
) -> Result<Vec<Finding>, RegistryError> {
    tx.rows(OPEN_OVER, params! { usage_point, start_s: span.start, end_s: span.end })
}

/// The finding with this key.
pub fn by_key(tx: &mut Tx, key: &str) -> Result<Option<Finding>, RegistryError> {
    tx.row(BY_KEY, params! { key })
}

const LIST: &str = "\
SELECT * FROM finding WHERE usage_point = $usage_point ORDER BY from_s DESC, id DESC LIMIT $limit";

/// A usage point's findings, the latest first.
pub fn list(
    tx: &mut Tx,
    usage_point: UsagePointId,
    limit: u32,
) -> Result<Vec<Finding>, RegistryError> {
    tx.rows(LIST, params! { usage_point, limit })
}
