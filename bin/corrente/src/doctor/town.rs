//! What a town needs before its first bill.

use corrente_clock::BusinessClock;
use corrente_metering::Timestamp;
use corrente_registry::{
    Registry, RegistryError, Tx, agreements, meters, organisations, tariffs, usage_points,
    users::{self, Role},
};

use super::Findings;
use crate::failure::Failure;

/// Counts of what a town needs.
struct Town {
    organisation: Option<String>,
    zone: String,
    administrators: usize,
    tariffs: usize,
    points: usize,
    without_tariff: usize,
    meters: usize,
    pix: bool,
}

pub(super) fn look(
    found: &mut Findings,
    registry: &Registry,
    clock: &BusinessClock,
) -> Result<(), Failure> {
    let now = clock.now();
    let town = registry.read_blocking(move |tx| count(tx, now))?;
    let Some(name) = &town.organisation else {
        return found.note("no organisation yet: the first `corrente serve` makes one");
    };
    found.good(&format!(
        "{name} in {}: {} usage points, {} meters, {} tariffs",
        town.zone, town.points, town.meters, town.tariffs
    ))?;
    if town.administrators == 0 {
        found.note("no administrator has a password: `corrente serve` prints a link, `corrente admin user` helps")?;
    }
    if town.without_tariff > 0 {
        found.note(&format!(
            "{} usage points have no tariff now and get no bill: `corrente admin tariff agree`",
            town.without_tariff
        ))?;
    }
    if !town.pix {
        found.note(
            "no PIX key: bills have no payment code; `corrente admin organisation set --pix-key`",
        )?;
    }
    Ok(())
}

fn count(tx: &mut Tx, now: Timestamp) -> Result<Town, RegistryError> {
    let Some(organisation) = organisations::default_organisation(tx)? else {
        return Ok(Town {
            organisation: None,
            zone: String::new(),
            administrators: 0,
            tariffs: 0,
            points: 0,
            without_tariff: 0,
            meters: 0,
            pix: false,
        });
    };
    let points = usage_points::list_all(tx, organisation.id)?;
    let mut without_tariff = 0;
    for point in &points {
        if agreements::at(tx, point.id, now)?.is_none() {
            without_tariff += 1;
        }
    }
    let users = users::list(tx, organisation.id)?;
    Ok(Town {
        administrators: users
            .iter()
            .filter(|user| user.role == Role::Admin && user.password_hash.is_some())
            .count(),
        tariffs: tariffs::list(tx, organisation.id)?.len(),
        points: points.len(),
        without_tariff,
        meters: meters::list(tx, organisation.id)?.len(),
        pix: organisation.pix_key.is_some(),
        zone: organisation.zone,
        organisation: Some(organisation.name),
    })
}
