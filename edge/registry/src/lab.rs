//! The prototype's measurers and readings, in its own words. The same values stand in the ledger.

use corrente_metering::{
    ChannelId, Timestamp,
    id::{MeterId, OrganisationId, UsagePointId},
};
use corrente_units::Energy;

use crate::{
    RegistryError, Tx,
    channels::NewChannel,
    meters::{self, NewMeter},
    organisations::Organisation,
    settings,
    usage_points::{self, NewUsagePoint},
    value::{params, row},
};

const NEXT_ID: &str = "lab.next_id";

row! {
    /// A measurer of the prototype.
    pub struct LabMeter {
        /// The prototype's number, as text.
        lab_id: String,
        /// Of which organisation.
        organisation: OrganisationId,
        /// Our meter.
        meter: MeterId,
        /// Its channel.
        channel: ChannelId,
        /// Its usage point.
        usage_point: UsagePointId,
    }
}

row! {
    /// A reading in the prototype's words.
    pub struct LabReading {
        /// Counts a measurer's readings from 1, in order of arrival.
        sequence: i64,
        /// The prototype's date text.
        label: String,
        /// The number as it was sent.
        consumption_text: String,
        /// The instant under which the ledger has it.
        ledger: Timestamp = "ledger_s",
        /// The register.
        energy: Energy = "wh",
    }
}

/// A number that no measurer has had: 1, 2, 3, … It is taken when the transaction commits, and survives
/// a restart. The measurer itself is made by [`register`].
pub fn reserve_id(tx: &mut Tx) -> Result<String, RegistryError> {
    let stored = settings::get(tx, NEXT_ID)?;
    let mut next: u64 = stored.as_deref().unwrap_or("1").parse().map_err(|_| {
        RegistryError::Unreadable { column: "value", found: stored.clone().unwrap_or_default() }
    })?;
    while find(tx, &next.to_string())?.is_some() {
        next += 1;
    }
    settings::set(tx, NEXT_ID, &(next + 1).to_string())?;
    Ok(next.to_string())
}

const FIND: &str = "SELECT * FROM lab_meter WHERE lab_id = $lab_id";

/// The measurer with this number.
pub fn find(tx: &mut Tx, lab_id: &str) -> Result<Option<LabMeter>, RegistryError> {
    tx.row(FIND, params! { lab_id })
}

const LIST: &str = "SELECT * FROM lab_meter ORDER BY created_s, lab_id";

/// All measurers, the oldest first.
pub fn list(tx: &mut Tx) -> Result<Vec<LabMeter>, RegistryError> {
    tx.rows(LIST, &[])
}

const INSERT: &str = "\
INSERT INTO lab_meter (lab_id, organisation, meter, channel, usage_point, created_s)
VALUES ($lab_id, $organisation, $meter, $channel, $usage_point, $now)";

/// The measurer with this number, made with meter, channel, usage point and installation when there is
/// none. It counts as installed since ever, because the prototype's readings carry any time.
pub fn register(
    tx: &mut Tx,
    organisation: &Organisation,
    zone: &str,
    lab_id: &str,
    now: Timestamp,
) -> Result<LabMeter, RegistryError> {
    if let Some(known) = find(tx, lab_id)? {
        return Ok(known);
    }
    let name = free_name(tx, organisation.id, lab_id)?;
    let mut new = NewUsagePoint::named(organisation, &name);
    zone.clone_into(&mut new.zone);
    new.lab_id = Some(lab_id.to_owned());
    let usage_point = usage_points::insert(tx, &new, now)?;
    let meter = meters::insert(
        tx,
        &NewMeter {
            organisation: organisation.id,
            serial: &name,
            secret: None,
            model: Some("prototype"),
            reporting_seconds: 1,
            enrolled_by: None,
        },
        now,
    )?;
    meters::install(tx, meter, usage_point, Timestamp::MIN, None)?;
    let channel = meters::add_channel(tx, meter, &NewChannel::import(), now)?;
    let organisation = organisation.id;
    tx.execute(INSERT, params! { lab_id, organisation, meter, channel, usage_point, now })?;
    Ok(LabMeter { lab_id: lab_id.to_owned(), organisation, meter, channel, usage_point })
}

/// `lab-7`, or `lab-7-2` and so on where an ordinary meter or usage point is called that: it belongs to
/// somebody else, and what anybody may send must never reach it.
fn free_name(
    tx: &mut Tx,
    organisation: OrganisationId,
    lab_id: &str,
) -> Result<String, RegistryError> {
    let plain = format!("lab-{lab_id}");
    let mut name = plain.clone();
    let mut number = 1;
    while meters::by_serial(tx, organisation, &name)?.is_some()
        || usage_points::by_name(tx, organisation, &name)?.is_some()
    {
        number += 1;
        name = format!("{plain}-{number}");
    }
    Ok(name)
}

const APPEND: &str = "\
INSERT INTO lab_reading (lab_id, organisation, sequence, label, consumption_text, ledger_s, wh)
SELECT m.lab_id, m.organisation,
  1 + coalesce((SELECT max(r.sequence) FROM lab_reading r WHERE r.lab_id = m.lab_id), 0),
  $label, $consumption_text, $ledger_s, $wh
FROM lab_meter m WHERE m.lab_id = $lab_id
RETURNING *";

/// Adds a reading and returns it with its sequence number.
pub fn append(
    tx: &mut Tx,
    lab_id: &str,
    label: &str,
    consumption_text: &str,
    ledger: Timestamp,
    energy: Energy,
) -> Result<LabReading, RegistryError> {
    tx.row(APPEND, params! { lab_id, label, consumption_text, ledger_s: ledger, wh: energy })?
        .ok_or_else(|| RegistryError::NotFound { kind: "measurer", name: lab_id.to_owned() })
}

/// Which readings of a measurer. Label texts are in the order of their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Labelled<'a> {
    /// All of them.
    Ever,
    /// Those with this label.
    At(&'a str),
    /// Those with this label or a later one.
    From(&'a str),
    /// Those with this label or an earlier one.
    Until(&'a str),
}

const HISTORY: &str = "SELECT * FROM lab_reading WHERE lab_id = $lab_id ORDER BY sequence";
const HISTORY_AT: &str = "\
SELECT * FROM lab_reading WHERE lab_id = $lab_id AND label = $label ORDER BY sequence";
const HISTORY_FROM: &str = "\
SELECT * FROM lab_reading WHERE lab_id = $lab_id AND label >= $label ORDER BY sequence";
const HISTORY_UNTIL: &str = "\
SELECT * FROM lab_reading WHERE lab_id = $lab_id AND label <= $label ORDER BY sequence";

/// Readings of a measurer, in order of arrival.
pub fn history(
    tx: &mut Tx,
    lab_id: &str,
    wanted: Labelled<'_>,
) -> Result<Vec<LabReading>, RegistryError> {
    match wanted {
        Labelled::Ever => tx.rows(HISTORY, params! { lab_id }),
        Labelled::At(label) => tx.rows(HISTORY_AT, params! { lab_id, label }),
        Labelled::From(label) => tx.rows(HISTORY_FROM, params! { lab_id, label }),
        Labelled::Until(label) => tx.rows(HISTORY_UNTIL, params! { lab_id, label }),
    }
}

const LAST: &str = "\
SELECT * FROM lab_reading WHERE lab_id = $lab_id ORDER BY sequence DESC LIMIT 1";

/// The reading that arrived last.
pub fn last(tx: &mut Tx, lab_id: &str) -> Result<Option<LabReading>, RegistryError> {
    tx.row(LAST, params! { lab_id })
}
