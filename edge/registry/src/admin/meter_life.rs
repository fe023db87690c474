//! What happens to a meter after it was registered.

use corrente_metering::id::OrganisationId;
use serde_json::json;

use super::By;
use crate::{
    RegistryError, Tx,
    channels::NewChannel,
    meters::{self, Meter},
};

/// Adds a channel to a meter that stands at a usage point.
pub fn add_channel(
    tx: &mut Tx,
    by: &By,
    organisation: OrganisationId,
    serial: &str,
    new: &NewChannel,
) -> Result<(), RegistryError> {
    let meter = by_serial(tx, organisation, serial)?;
    let number = meters::add_channel(tx, meter.id, new, by.business)?;
    let after = json!({"serial": serial, "channel": new.name, "number": number.number()});
    let subject = format!("meter:{}", meter.id);
    by.note(tx, organisation, "meter.add_channel", &subject, (None, Some(after)))
}

fn by_serial(
    tx: &mut Tx,
    organisation: OrganisationId,
    serial: &str,
) -> Result<Meter, RegistryError> {
    meters::by_serial(tx, organisation, serial)?
        .ok_or_else(|| RegistryError::NotFound { kind: "meter", name: serial.to_owned() })
}
