//! What the city's meters have read so far: generated, and stored through the ledger like any reading.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use corrente_household::SimulatedRegister;
use corrente_ledger::{Admission, Entry, Ledger, LedgerError};
use corrente_metering::{Reading, SourceQuality, Timestamp};
use corrente_units::Energy;
use tokio::task::{JoinError, JoinSet};

use super::{
    city::Story,
    settle::{City, Device, HISTORY_SECONDS, SettledHome},
};

/// Days before today that are kept at [`HISTORY_SECONDS`]; older ones are hourly.
const FINE_DAYS: i64 = 65;
/// Readings in one batch for the ledger.
const BATCH: usize = 10_000;

/// Why the history could not be stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HistoryError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("a task of the demo ended: {0}")]
    Task(#[from] JoinError),
}

/// Stores what is missing between each meter's last reading and `until`; `progress` counts homes.
/// Returns the number of readings.
pub(crate) async fn write(
    city: &Arc<City>,
    ledger: &Arc<dyn Ledger>,
    until: Timestamp,
    progress: Arc<AtomicU64>,
) -> Result<u64, HistoryError> {
    let lanes = std::thread::available_parallelism().map_or(2, usize::from);
    let mut tasks = JoinSet::new();
    for lane in 0..lanes {
        let (city, ledger, progress) = (city.clone(), ledger.clone(), progress.clone());
        let runtime = tokio::runtime::Handle::current();
        tasks.spawn_blocking(move || {
            let mut written = 0;
            let mut batch = Vec::with_capacity(BATCH);
            for home in city.homes.iter().skip(lane).step_by(lanes) {
                for device in &home.devices {
                    let after = ledger.last(device.channel)?.map(|last| last.end);
                    for reading in readings(&city, home, device, after, until) {
                        batch.push(Entry {
                            channel: device.channel,
                            reading,
                            admission: Admission::Accept,
                        });
                        if batch.len() == BATCH {
                            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
                            written += runtime.block_on(ledger.append(full))?.new;
                        }
                    }
                }
                progress.fetch_add(1, Ordering::Relaxed);
            }
            written += runtime.block_on(ledger.append(batch))?.new;
            Ok::<u64, HistoryError>(written)
        });
    }
    let mut written = 0;
    while let Some(lane) = tasks.join_next().await {
        written += lane??;
    }
    Ok(written)
}

/// A device's readings after `after` (from its first day where there are none) up to `until`.
fn readings<'a>(
    city: &'a City,
    home: &'a SettledHome,
    device: &'a Device,
    after: Option<Timestamp>,
    until: Timestamp,
) -> impl Iterator<Item = Reading> + 'a {
    let end = device.until.map_or(until, |removed| removed.min(until));
    let fine_from = until.plus(-FINE_DAYS * 86_400);
    let mut register = register(city, home, device);
    let mut next = Some(device.from);
    std::iter::from_fn(move || {
        loop {
            let t = next.take().filter(|t| *t <= end)?;
            let step = if t < fine_from { 3600 } else { HISTORY_SECONDS };
            // A removed meter closes its life with a reading, whatever the hour.
            next = Some(match device.until {
                Some(removed) if t < removed => t.plus(step).min(removed),
                _ => t.plus(step),
            });
            let value = register.advance_to(t);
            let known = after.is_some_and(|after| t <= after);
            if !known && !home.home.silent(&city.calendar, city.made_on, t) {
                return Some(Reading { end: t, value, quality: SourceQuality::GOOD });
            }
        }
    })
}

/// The device's register at the start of its life.
pub(crate) fn register(city: &City, home: &SettledHome, device: &Device) -> SimulatedRegister {
    let is_second = home.home.story == Story::Exchange && device.until.is_none();
    let shows = if is_second { Energy::ZERO } else { home.home.first_register() };
    home.home.household(&city.calendar, city.made_on).register(device.from, shows)
}
