//! Two tasks that write, so that many readings share a commit and each gets a second of its own: one
//! puts them into the ledger, and behind it one puts them into the registry and answers.

use std::{collections::BTreeMap, sync::Arc};

use corrente_clock::BusinessClock;
use corrente_ledger::{Admission, Entry, Ledger};
use corrente_line::lab::Spent;
use corrente_live::{LiveHub, LiveReading};
use corrente_metering::{Calendar, ChannelSpec, Reading, SourceQuality, Timestamp};
use corrente_registry::{
    Registry, Tx,
    channels::{self, ChannelRow},
    lab::{self as table, LabMeter},
    organisations::{self, NewOrganisation},
};
use tokio::sync::{mpsc, oneshot};

use crate::{LabError, place::Places};

/// Readings that share a commit at most.
const GROUP: usize = 512;
/// Readings that wait at most; a sender of one more waits itself.
const WAITING: usize = 1024;
/// Measurers at most: whoever is let in can make new ones without being asked who it is.
const MEASURERS: usize = 10_000;

#[derive(Debug)]
pub(crate) struct Store {
    jobs: mpsc::Sender<Job>,
}

#[derive(Debug)]
struct Job {
    spent: Spent,
    reply: Reply,
}

type Reply = oneshot::Sender<Result<(), LabError>>;

impl Store {
    pub(crate) fn start(
        calendar: Calendar,
        registry: Registry,
        ledger: Arc<dyn Ledger>,
        clock: BusinessClock,
        live: LiveHub,
    ) -> Self {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let (durable, recorded) = mpsc::channel(WAITING);
        let writer = Writer {
            places: Places::new(calendar.clone(), Arc::clone(&ledger)),
            calendar,
            registry: registry.clone(),
            ledger,
            clock,
            live,
            meters: BTreeMap::new(),
            durable,
        };
        // Each ends when the one before it is gone.
        drop(tokio::spawn(writer.run(waiting)));
        drop(tokio::spawn(record(registry, recorded)));
        Self { jobs }
    }

    /// Stores a reading; it is durable when this returns `Ok`.
    pub(crate) async fn put(&self, spent: Spent) -> Result<(), LabError> {
        let (reply, result) = oneshot::channel();
        self.jobs.send(Job { spent, reply }).await.map_err(|_| LabError::NotStored)?;
        result.await.unwrap_or(Err(LabError::NotStored))
    }
}

struct Writer {
    calendar: Calendar,
    registry: Registry,
    ledger: Arc<dyn Ledger>,
    clock: BusinessClock,
    live: LiveHub,
    places: Places,
    meters: BTreeMap<String, LabMeter>,
    durable: mpsc::Sender<(Placed, Reply)>,
}

/// A reading with its place in the ledger.
struct Placed {
    spent: Spent,
    meter: LabMeter,
    reading: Reading,
}

impl Writer {
    async fn run(mut self, mut waiting: mpsc::Receiver<Job>) {
        let mut jobs = Vec::with_capacity(GROUP);
        while waiting.recv_many(&mut jobs, GROUP).await > 0 {
            let mut replies = Vec::with_capacity(jobs.len());
            let mut group = Vec::with_capacity(jobs.len());
            for job in jobs.drain(..) {
                match self.meter(job.spent.id.as_str()).await {
                    Ok(meter) => {
                        group.push((job.spent, meter));
                        replies.push(job.reply);
                    }
                    Err(error) => answer(job.reply, Err(error)),
                }
            }
            match self.store(group).await {
                Ok(placed) => {
                    for item in placed.into_iter().zip(replies) {
                        // The other task ends after this one.
                        drop(self.durable.send(item).await);
                    }
                }
                Err(error) => {
                    not_stored(&error, replies);
                    self.places.forget();
                    self.meters.clear();
                }
            }
        }
    }

    /// The meter with this id, made when it is new.
    async fn meter(&mut self, id: &str) -> Result<LabMeter, LabError> {
        if let Some(known) = self.meters.get(id) {
            return Ok(known.clone());
        }
        let (asked, zone, now) = (id.to_owned(), self.calendar.name().to_owned(), self.clock.now());
        let (meter, last, specs) = self
            .registry
            .write(move |tx| -> Result<_, LabError> {
                let meter = find_or_make(tx, &asked, &zone, now)?;
                let last = table::last(tx, &asked)?;
                let specs: Vec<ChannelSpec> =
                    channels::of_meter(tx, meter.meter)?.iter().map(ChannelRow::spec).collect();
                Ok((meter, last, specs))
            })
            .await?;
        self.ledger.open_channels(&specs)?;
        if let Some(last) = last {
            self.places.remember(meter.channel, last.ledger);
        }
        self.meters.insert(id.to_owned(), meter.clone());
        Ok(meter)
    }

    async fn store(&mut self, group: Vec<(Spent, LabMeter)>) -> Result<Vec<Placed>, LabError> {
        let mut placed = Vec::with_capacity(group.len());
        for (spent, meter) in group {
            let end = self.places.next(meter.channel, spent.label.civil())?;
            let value = spent.consumption.energy();
            let reading = Reading { end, value, quality: SourceQuality::GOOD };
            placed.push(Placed { spent, meter, reading });
        }
        // First the ledger, then the registry: a crash in between leaves a reading that the meter was
        // never told about, and no answer about a reading that the ledger does not have.
        let entries = placed
            .iter()
            .map(|p| Entry {
                channel: p.meter.channel,
                reading: p.reading,
                // The prototype's clock and rate are a class room's: nothing is kept aside.
                admission: Admission::Accept,
            })
            .collect();
        self.ledger.append(entries).await?;
        self.places.durable();
        for p in &placed {
            self.live.publish(LiveReading {
                channel: p.meter.channel,
                usage_point: Some(p.meter.usage_point),
                meter: p.meter.meter,
                t: p.reading.end,
                register: Some(p.reading.value),
                power_w: None,
                volts_mv: [None; 3],
                amps_ma: [None; 3],
            });
        }
        Ok(placed)
    }
}

/// Keeps what the ledger has in the prototype's own words, and answers.
async fn record(registry: Registry, mut durable: mpsc::Receiver<(Placed, Reply)>) {
    let mut group = Vec::with_capacity(GROUP);
    while durable.recv_many(&mut group, GROUP).await > 0 {
        let (placed, replies): (Vec<Placed>, Vec<Reply>) = group.drain(..).unzip();
        let write = move |tx: &mut Tx| -> Result<(), LabError> {
            for p in &placed {
                table::append(
                    tx,
                    &p.meter.lab_id,
                    p.spent.label.as_str(),
                    p.spent.consumption.as_str(),
                    p.reading.end,
                    p.reading.value,
                )?;
            }
            Ok(())
        };
        match registry.write(write).await {
            Ok(()) => replies.into_iter().for_each(|reply| answer(reply, Ok(()))),
            Err(error) => not_stored(&error, replies),
        }
    }
}

fn not_stored(error: &LabError, replies: Vec<Reply>) {
    tracing::error!(error = %error, readings = replies.len(), "lab readings not stored");
    for reply in replies {
        answer(reply, Err(LabError::NotStored));
    }
}

fn find_or_make(tx: &mut Tx, id: &str, zone: &str, now: Timestamp) -> Result<LabMeter, LabError> {
    if let Some(known) = table::find(tx, id)? {
        return Ok(known);
    }
    if table::list(tx)?.len() >= MEASURERS {
        return Err(LabError::Full(MEASURERS));
    }
    let organisation = if let Some(organisation) = organisations::default_organisation(tx)? {
        organisation
    } else {
        let new = NewOrganisation::named("Corrente lab", zone);
        let made = organisations::insert(tx, &new, now)?;
        organisations::get(tx, made)?.ok_or(LabError::NotStored)?
    };
    Ok(table::register(tx, &organisation, zone, id, now)?)
}

fn answer(reply: Reply, outcome: Result<(), LabError>) {
    // The connection that asked may be gone; the reading is stored all the same.
    drop(reply.send(outcome));
}
