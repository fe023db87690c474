//! A town in a registry: homes with a meter, a register and the white tariff.

use corrente_ledger::{Ledger as _, SqliteLedger};
use corrente_metering::{
    ChannelKind, Date, Direction, Span, Timestamp,
    id::{OrganisationId, TariffId, UsagePointId},
};
use corrente_registry::{
    Registry, RegistryError, Tx, agreements, billing_runs,
    meters::{self, NewChannel, NewMeter},
    organisations::{self, NewOrganisation},
    profiles::{self, ProfileState},
    tariffs,
    usage_points::{self, NewUsagePoint},
};

use crate::{Failure, engine};

pub(crate) const ZONE: &str = "America/Bahia";
/// Three periods of the day, holidays, flags, taxes inside the price.
const TARIFF: &str = include_str!("../../tariffs/example-white.toml");

/// Makes an organisation with so many homes, whose meters are there from the given instant on. Those on a route
/// are billed by runs, those on none by themselves.
pub(crate) fn build(
    registry: &Registry,
    homes: u32,
    from: Timestamp,
    route: Option<&'static str>,
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
            some.clone().try_for_each(|number| {
                let point = home(tx, (organisation, tariff), number, from)?;
                billing_runs::set_route(tx, point, route)
            })
        })?;
    }
    Ok(organisation)
}

fn home(
    tx: &mut Tx,
    (organisation, tariff): (OrganisationId, TariffId),
    number: u32,
    from: Timestamp,
) -> Result<UsagePointId, RegistryError> {
    let row = organisations::get(tx, organisation)?.ok_or(RegistryError::Reference)?;
    let new = NewUsagePoint::named(&row, &format!("Rua {number}"));
    let point = usage_points::insert(tx, &new, from)?;
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
    if channel == engine::channel(number) { Ok(point) } else { Err(RegistryError::Reference) }
}

/// Notes that validation has looked at these homes' days before `until` and found nothing: so it is in a town
/// whose server has run for as long. To look at millions of days would take longer than what is measured.
pub(crate) fn looked_at(
    registry: &Registry,
    ledger: &SqliteLedger,
    homes: &[UsagePointId],
    (span, until): (Span, Date),
) -> Result<(), Failure> {
    for some in homes.chunks(1000) {
        let found = registry.read_blocking(|tx| {
            let home = |id: &UsagePointId| {
                let row = usage_points::get(tx, *id)?.ok_or(RegistryError::Reference)?;
                Ok((row, usage_points::channels(tx, *id, span)?))
            };
            some.iter().map(home).collect::<Result<Vec<_>, RegistryError>>()
        })?;
        let mut states = Vec::with_capacity(found.len());
        for (home, channels) in found {
            let mut stretches = Vec::new();
            for channel in channels {
                let seen = ledger.revisions(channel.channel, span)?.0;
                let runs = seen.chunk_by(|a, b| a.revision == b.revision && a.day + 1 == b.day);
                stretches.extend(runs.filter_map(|run| {
                    let (first, last) = (run.first()?, run.last()?);
                    Some(serde_json::json!({
                        "channel": channel.channel.number(), "first": first.day, "last": last.day,
                        "revision": first.revision,
                    }))
                }));
            }
            let state = ProfileState {
                usage_point: home.id,
                validated_until: until,
                rule_set: "standard 1".to_owned(),
                revisions: serde_json::Value::Array(stretches),
            };
            states.push((home.organisation, state));
        }
        registry.write_blocking(move |tx| {
            states.iter().try_for_each(|(of, state)| profiles::set_state(tx, *of, state, span.end))
        })?;
    }
    Ok(())
}
