//! The city while it lives: each home's meter on a socket of its own, speaking line protocol v1.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use corrente_clock::BusinessClock;
use corrente_meter::{ClientError, MeterClient, MeterConfig, MeterState, NewReading, Statistics};
use tokio::task::JoinSet;

use super::{
    history,
    settle::{City, Device, LIVE_SECONDS, SettledHome},
};

/// The meters that report. Dropping it silences them.
#[derive(Debug)]
pub(crate) struct Street {
    _meters: JoinSet<Result<(), ClientError>>,
}

/// Connects every meter that is installed now and lets it report.
///
/// Meters report every [`LIVE_SECONDS`], spread over that time so that they do not all speak at once.
pub(crate) fn open(city: &Arc<City>, server: SocketAddr, clock: &BusinessClock) -> Street {
    let statistics = Arc::new(Statistics::default());
    let mut meters = JoinSet::new();
    for home in &city.homes {
        for device in home.devices.iter().filter(|device| device.until.is_none()) {
            meters.spawn(report(
                city.clone(),
                home.clone(),
                device.clone(),
                server,
                clock.clone(),
                statistics.clone(),
            ));
        }
    }
    Street { _meters: meters }
}

async fn report(
    city: Arc<City>,
    home: SettledHome,
    device: Device,
    server: SocketAddr,
    clock: BusinessClock,
    statistics: Arc<Statistics>,
) -> Result<(), ClientError> {
    let config = MeterConfig {
        statistics,
        ..MeterConfig::with_secret(&server.to_string(), &device.serial, &device.secret)
    };
    let client = MeterClient::start(config, MeterState::in_memory())?;
    // Counting from the first day on takes a moment: off the threads that answer people.
    let mut register = {
        let (city, home, device, now) = (city.clone(), home.clone(), device.clone(), clock.now());
        tokio::task::spawn_blocking(move || {
            let mut register = history::register(&city, &home, &device);
            register.advance_to(now);
            register
        })
        .await
        .map_err(|error| ClientError::Stopped(error.to_string()))?
    };
    let period = Duration::from_secs(LIVE_SECONDS.unsigned_abs());
    let offset = period.mul_f64(f64::from(u32::try_from(home.home.index % 97).unwrap_or(0)) / 97.0);
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + offset, period);
    loop {
        ticks.tick().await;
        let now = clock.now();
        let value = register.advance_to(now);
        let reading = NewReading { power: Some(register.power()), ..NewReading::new(now, value) };
        client.send(vec![reading]).await?;
    }
}
