//! A town in a registry: homes with a meter, a register and the white tariff.

use corrente_metering::{
    ChannelKind, Date, Direction, Timestamp,
    id::{OrganisationId, TariffId},
};
use corrente_registry::{
    Registry, RegistryError, Tx, agreements, billing_runs,
    meters::{self, NewChannel, NewMeter},
    organisations::{self, NewOrganisation},
    tariffs,
    usage_points::{self, NewUsagePoint},
};

use crate::{Failure, engine};

pub(crate) const ZONE: &str = "America/Bahia";
/// The route that all its homes are on.
pub(crate) const ROUTE: &str = "bench";
/// Three periods of the day, holidays, flags, taxes inside the price.
const TARIFF: &str = include_str!("../../tariffs/example-white.toml");

/// Makes an organisation with so many homes, whose meters are there from the given instant on.
pub(crate) fn build(
    registry: &Registry,
    homes: u32,
    from: Timestamp,
) -> Result<OrganisationId, Failure> {
    let (organisation, tariff) = registry.write_blocking(|tx| -> Result<_, RegistryError> {
        let now = Timestamp::from_second(0);
        let id = organisations::insert(tx, &NewOrganisation::named("Bench", ZONE), now)?;
        tariffs::insert_version(tx, id, "white", Date::constant(2023, 1, 1), TARIFF, now)?;
        let tariff = tariffs::by_name(tx, id, "white")?.ok_or(RegistryError::Reference)?;
        Ok((id, tariff.id))
    })?;
    for first in (0..homes).step_by(5000) {
        let some = first..homes.min(first.saturating_add(5000));
        registry.write_blocking(move |tx| -> Result<_, RegistryError> {
            some.clone().try_for_each(|number| home(tx, (organisation, tariff), number, from))
        })?;
    }
    Ok(organisation)
}

fn home(
    tx: &mut Tx,
    (organisation, tariff): (OrganisationId, TariffId),
    number: u32,
    from: Timestamp,
) -> Result<(), RegistryError> {
    let row = organisations::get(tx, organisation)?.ok_or(RegistryError::Reference)?;
    let new = NewUsagePoint::named(&row, &format!("Rua {number}"));
    let point = usage_points::insert(tx, &new, from)?;
    billing_runs::set_route(tx, point, Some(ROUTE))?;
    agreements::insert(tx, point, tariff, Timestamp::from_second(0))?;
    let serial = format!("M-{number}");
    let meter = NewMeter {
        organisation,
        serial: &serial,
        secret: None,
        model: None,
        reporting_seconds: 900,
        enrolled_by: None,
    };
    let meter = meters::insert(tx, &meter, from)?;
    meters::install(tx, meter, point, from, None)?;
    let channel = NewChannel {
        name: "import".to_owned(),
        kind: ChannelKind::Register,
        direction: Direction::Import,
        interval_seconds: None,
        register_digits: None,
    };
    let channel = meters::add_channel(tx, meter, &channel, from)?;
    if channel == engine::channel(number) { Ok(()) } else { Err(RegistryError::Reference) }
}
