//! Edits: what a person decided about a stretch of time. Nothing raw is changed by one.

use corrente_metering::{
    ChannelId, Span, Timestamp,
    id::{EditId, OrganisationId, UsagePointId},
};
use corrente_units::Energy;

use crate::{
    RegistryError, Tx,
    value::{params, row},
};

row! {
    /// An edit.
    pub struct EditRow {
        /// Its id.
        id: EditId,
        /// Of which usage point.
        usage_point: UsagePointId,
        /// Of which channel.
        channel: ChannelId,
        /// It begins after this instant.
        from: Timestamp = "from_s",
        /// Its last instant.
        until: Timestamp = "until_s",
        /// The energy of the stretch.
        energy: Option<Energy> = "energy_wh",
        /// Who.
        actor: String,
        /// Why.
        reason: String,
        /// When.
        created: Timestamp = "created_s",
    }
}

/// What a new edit is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEdit {
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// Of which usage point.
    pub usage_point: UsagePointId,
    /// Of which channel: its direction is that of the edit.
    pub channel: ChannelId,
    /// Which stretch.
    pub span: Span,
    /// Its energy.
    pub energy: Energy,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
}

const INSERT: &str = "\
INSERT INTO edit (id, organisation, usage_point, channel, from_s, until_s, energy_wh, actor, reason,
  created_s)
VALUES ($id, $organisation, $usage_point, $channel, $from_s, $until_s, $energy, $actor, $reason, $now)";

const LATEST: &str = "\
SELECT * FROM edit
WHERE usage_point = $usage_point AND channel = $channel AND from_s = $from_s AND until_s = $until_s
ORDER BY created_s DESC, id DESC LIMIT 1";

/// Stores an edit, unless it says what the latest one of this stretch says: then it is a request that
/// came twice, and false is answered.
pub fn insert_once(tx: &mut Tx, new: &NewEdit, now: Timestamp) -> Result<bool, RegistryError> {
    let latest: Option<EditRow> = tx.row(
        LATEST,
        params! {
            usage_point: new.usage_point, channel: new.channel, from_s: new.span.start,
            until_s: new.span.end
        },
    )?;
    let same = latest.filter(|latest| {
        latest.energy == Some(new.energy)
            && latest.actor == new.actor
            && latest.reason == new.reason
    });
    if same.is_some() {
        return Ok(false);
    }
    insert(tx, new, now)?;
    Ok(true)
}

/// Stores an edit.
pub fn insert(tx: &mut Tx, new: &NewEdit, now: Timestamp) -> Result<EditId, RegistryError> {
    let id = EditId::from_uuid(uuid::Uuid::now_v7());
    tx.execute(
        INSERT,
        params! {
            id, organisation: new.organisation, usage_point: new.usage_point, channel: new.channel,
            from_s: new.span.start, until_s: new.span.end, energy: new.energy, actor: new.actor,
            reason: new.reason, now
        },
    )?;
    Ok(id)
}

const DURING: &str = "\
SELECT * FROM edit
WHERE usage_point = $usage_point AND from_s < $end_s AND until_s > $start_s
ORDER BY created_s, id";

/// The edits that touch a span, in the order in which they were made.
pub fn during(
    tx: &mut Tx,
    usage_point: UsagePointId,
    span: Span,
) -> Result<Vec<EditRow>, RegistryError> {
    tx.rows(DURING, params! { usage_point, start_s: span.start, end_s: span.end })
}
