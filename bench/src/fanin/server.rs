//! The head-end in a process of its own, with meters that are registered beforehand.

use std::{path::PathBuf, sync::Arc};

use corrente_clock::BusinessClock;
use corrente_headend::{Headend, HeadendConfig, Services};
use corrente_ledger::{LedgerOptions, SqliteLedger};
use corrente_live::LiveHub;
use corrente_metering::Timestamp;
use corrente_registry::{
    Registry, RegistryError, Tx,
    channels::NewChannel,
    meters::{self, NewMeter},
    organisations::{self, NewOrganisation},
    usage_points::{self, NewUsagePoint},
};

use crate::{Failure, figure::say};

/// Business time of the run stands still here, and readings are before it.
const NOW: i64 = 1_764_000_000;
/// Readings come once a (business) second from here.
pub(super) const FIRST_SECOND: i64 = NOW - 20 * 86_400;
pub(super) const SECRET: &str = "fan-in";

/// The serial of a meter.
pub(super) fn serial(number: usize) -> String {
    format!("F-{number}")
}

/// Options of `bench fanin-server`.
#[derive(Debug, clap::Args)]
pub(crate) struct ServerOptions {
    #[arg(long)]
    meters: usize,
    #[arg(long)]
    folder: PathBuf,
}

/// Serves until it is killed; prints its address when it is ready.
pub(crate) fn run(options: &ServerOptions) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let registry = Registry::open(options.folder.join("fanin-registry.db"))?;
        let meters = options.meters;
        registry.write(move |tx| register(tx, meters)).await?;
        let path = options.folder.join("fanin-ledger.db");
        let ledger = Arc::new(SqliteLedger::open(&path, LedgerOptions::default())?);
        let services = Services {
            ledger,
            registry,
            clock: BusinessClock::stopped_at(Timestamp::from_second(NOW)),
            live: LiveHub::new(),
            lab: None,
        };
        let config = HeadendConfig::new(([127, 0, 0, 1], 0).into());
        let running = Headend::bind(config, services, axum::Router::new())?;
        say(&running.local_addr.to_string());
        std::future::pending::<()>().await;
        Ok(())
    })
}

fn register(tx: &mut Tx, count: usize) -> Result<(), RegistryError> {
    let now = Timestamp::from_second(NOW);
    let new = NewOrganisation::named("Fan-in", "America/Bahia");
    organisations::insert(tx, &new, now)?;
    let Some(organisation) = organisations::default_organisation(tx)? else { return Ok(()) };
    for number in 0..count {
        let serial = serial(number);
        let place = usage_points::insert(tx, &NewUsagePoint::named(&organisation, &serial), now)?;
        let meter = NewMeter {
            organisation: organisation.id,
            serial: &serial,
            secret: Some(SECRET),
            model: None,
            reporting_seconds: 1,
            enrolled_by: None,
        };
        let meter = meters::insert(tx, &meter, now)?;
        meters::install(tx, meter, place, Timestamp::from_second(0), None)?;
        meters::add_channel(tx, meter, &NewChannel::import(), now)?;
    }
    Ok(())
}
