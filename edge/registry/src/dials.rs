//! What dials showed, on its way into the ledger.

use corrente_metering::{
    ChannelId, Timestamp,
    id::{DialReadingId, OrganisationId},
};
use corrente_units::Energy;

use crate::{
    RegistryError, Tx,
    value::{params, row},
};

row! {
    /// What a dial showed.
    pub struct DialReading {
        /// Its id.
        id: DialReadingId,
        /// Of which channel.
        channel: ChannelId,
        /// When.
        at: Timestamp = "at_s",
        /// What it showed.
        value: Energy = "value_wh",
    }
}

const INSERT: &str = "\
INSERT INTO dial_reading (id, organisation, channel, at_s, value_wh, created_s)
VALUES ($id, $organisation, $channel, $at_s, $value, $now)";

/// Writes down what a dial showed, in the transaction of what happened to its meter.
pub(crate) fn insert(
    tx: &mut Tx,
    organisation: OrganisationId,
    channel: ChannelId,
    (at, value): (Timestamp, Energy),
    now: Timestamp,
) -> Result<(), RegistryError> {
    let id = DialReadingId::from_uuid(uuid::Uuid::now_v7());
    tx.execute(INSERT, params! { id, organisation, channel, at_s: at, value, now })?;
    Ok(())
}

const WAITING: &str = "SELECT * FROM dial_reading ORDER BY id";

/// What is not known to be in the ledger yet, of all organisations.
pub fn waiting(tx: &mut Tx) -> Result<Vec<DialReading>, RegistryError> {
    tx.rows(WAITING, &[])
}

const DONE: &str = "DELETE FROM dial_reading WHERE id = $id";

/// Notes that the ledger has it.
pub fn done(tx: &mut Tx, id: DialReadingId) -> Result<(), RegistryError> {
    tx.execute(DONE, params! { id })?;
    Ok(())
}
