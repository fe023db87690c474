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
}

words! { FindingState { Open = "open", Accepted = "accepted", Resolved = "resolved" } }

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
    /// The same key again is the same finding.
    pub idempotency_key: String,
}

const INSERT: &str = "\
INSERT INTO finding (id, organisation, usage_point, channel, rule, from_s, until_s, document, state,
  idempotency_key, created_s)
VALUES ($id, $organisation, $usage_point, $channel, $rule, $from_s, $until_s, $document, 'open',
  $key, $now)
ON CONFLICT (idempotency_key) DO NOTHING";

/// Stores a finding. Says whether it was new.
pub fn insert(tx: &mut Tx, new: &NewFinding, now: Timestamp) -> Result<bool, RegistryError> {
    let id = FindingId::from_uuid(uuid::Uuid::now_v7());
    let made = tx.execute(
        INSERT,
        params! {
            id, organisation: new.organisation, usage_point: new.usage_point, channel: new.channel,
            rule: new.rule, from_s: new.span.start, until_s: new.span.end, document: new.document,
            key: new.idempotency_key, now
        },
    )?;
    Ok(made > 0)
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
