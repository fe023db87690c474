//! One household of a fleet, its meter, and what goes wrong with it.

use std::time::Duration;

use corrente_clock::BusinessClock;
use corrente_household::{Household, HouseholdKind, SimulatedRegister};
use corrente_meter::{MeterClient, MeterConfig, NewReading};
use corrente_metering::{Calendar, Timestamp};
use corrente_units::Energy;
use tokio::{
    sync::mpsc,
    time::{interval, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    FleetArguments,
    faults::{Fault, Faults},
    record::{Happened, Line},
};
use crate::{failure::Failure, keep::Keep};

/// How long a meter that leaves waits for its last acknowledgements.
const FLUSH: Duration = Duration::from_secs(2);
/// The same when somebody will compare what was sent with what was stored.
const FLUSH_RECORDED: Duration = Duration::from_secs(15);

/// How a meter was left.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) serial: String,
    pub(super) t: i64,
    pub(super) wh: i64,
    pub(super) base: i64,
    pub(super) drift: i64,
}

/// One household and its meter.
pub(super) struct Home {
    serial: String,
    faults: Faults,
    held: Vec<NewReading>,
    /// Where everything that is sent is written down, when a record is wanted.
    record: Option<mpsc::UnboundedSender<Line>>,
    /// The true register at the first reading.
    first: Option<(i64, i64)>,
    acknowledged: bool,
    pub(super) config: MeterConfig,
    state: corrente_meter::MeterState,
    register: SimulatedRegister,
    every: Duration,
    /// When it connects, and at which part of its interval it reports.
    delay: Duration,
    phase: Duration,
}

impl Home {
    pub(super) fn new(
        number: u32,
        arguments: &FleetArguments,
        calendar: &Calendar,
        keep: &mut Keep,
        now: Timestamp,
        record: Option<mpsc::UnboundedSender<Line>>,
    ) -> Self {
        let serial = format!("{}-{}-{number:05}", arguments.prefix, arguments.seed);
        let kind = HouseholdKind::of_town(u64::from(number));
        let seed = arguments.seed.wrapping_mul(1_000_003).wrapping_add(u64::from(number));
        let household = Household::new(seed, kind, calendar.clone());
        // A register goes on where it stood; a new one has counted before it came here.
        let kept = keep.meter(&serial).and_then(|kept| kept.register);
        let (t, wh) = kept.unwrap_or_else(|| {
            let scattered = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 9_000_000;
            (now.second(), 1_000_000_i64.saturating_add_unsigned(scattered))
        });
        if kept.is_none() {
            keep.register(&serial, t, wh);
        }
        let mut register = household.register(Timestamp::from_second(t), Energy::from_wh(wh));
        register.advance_to(now);
        let mut config = MeterConfig::new(&arguments.connect, &serial);
        config.token.clone_from(&arguments.token);
        config.usage_point = Some(format!("{kind} {number:05}"));
        let first = u64::try_from(now.second()).unwrap_or(0).saturating_mul(1000);
        let state = keep.state(&serial).numbered_from(first);
        let every = Duration::from_secs(u64::from(arguments.interval));
        let phase = every.mul_f64(f64::from(number % 997) / 997.0);
        let delay = Duration::from_secs_f64(f64::from(number) / f64::from(arguments.ramp));
        // What was wrong with it yesterday is wrong today, also when nothing more is to go wrong.
        let (base, drift) = keep.meter(&serial).map_or((0, 0), |kept| (kept.base, kept.drift));
        let kinds = arguments.faults.clone().unwrap_or_default();
        let faults = Faults::new(kinds, arguments.seed, number, base, drift);
        Self {
            serial,
            faults,
            held: Vec::new(),
            record,
            first: None,
            acknowledged: false,
            config,
            state,
            register,
            every,
            delay,
            phase,
        }
    }

    /// Reports until it is told to stop, and says what the register then shows.
    pub(super) async fn live(
        mut self,
        clock: BusinessClock,
        stop: CancellationToken,
    ) -> Result<Shown, Failure> {
        tokio::select! {
            () = sleep(self.delay) => {}
            () = stop.cancelled() => return Ok(self.shown()),
        }
        let client = MeterClient::start(self.config.clone(), self.state)?;
        self.state = corrente_meter::MeterState::in_memory();
        let mut due = interval(self.every);
        due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        sleep(self.phase).await;
        loop {
            tokio::select! {
                _ = due.tick() => self.report(&client, clock.now()).await?,
                () = client.ended() => {
                    return client.close().await.map(|()| self.shown()).map_err(Failure::from);
                }
                () = stop.cancelled() => break,
            }
        }
        // What was held back comes now, and what is on its way may still arrive.
        let held = std::mem::take(&mut self.held);
        self.send(&client, held, clock.now()).await?;
        let patience = if self.record.is_some() { FLUSH_RECORDED } else { FLUSH };
        self.acknowledged = tokio::time::timeout(patience, client.flushed()).await.is_ok();
        client.close().await?;
        Ok(self.shown())
    }

    /// Reads the register and sends what the faults let through.
    async fn report(&mut self, client: &MeterClient, t: Timestamp) -> Result<(), Failure> {
        if t <= self.register.at() {
            return Ok(());
        }
        let mut reading = NewReading::new(t, self.register.advance_to(t));
        reading.power = Some(self.register.power());
        self.first.get_or_insert((t.second(), reading.value.wh()));
        let action = self.faults.next(t, reading.value.wh());
        reading.end = Timestamp::from_second(action.t);
        reading.value = Energy::from_wh(action.wh);
        if let Some(Happened { fault, by }) = action.happened {
            let about = (fault != Fault::Storm).then_some((action.t, action.wh));
            self.note(Line::Fault {
                at: t.second(),
                serial: self.serial.clone(),
                fault,
                t: about.map(|(t, _)| t),
                wh: about.map(|(_, wh)| wh),
                by,
            });
        }
        if action.twice {
            self.held.push(reading.clone());
        }
        self.held.push(reading);
        if !action.hold {
            let held = std::mem::take(&mut self.held);
            self.send(client, held, t).await?;
        }
        if let Some(pause) = action.reconnect {
            client.reconnect(pause).await?;
        }
        Ok(())
    }

    async fn send(
        &self,
        client: &MeterClient,
        readings: Vec<NewReading>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        if readings.is_empty() {
            return Ok(());
        }
        let said: Vec<(i64, i64)> =
            readings.iter().map(|reading| (reading.end.second(), reading.value.wh())).collect();
        let last = client.send(readings).await?;
        let first = last.saturating_sub(said.len() as u64).saturating_add(1);
        for (seq, (t, wh)) in (first..).zip(said) {
            self.note(Line::Sent { at: now.second(), serial: self.serial.clone(), seq, t, wh });
        }
        Ok(())
    }

    fn note(&self, line: Line) {
        if let Some(record) = &self.record {
            // The record ends with the fleet.
            record.send(line).ok();
        }
    }

    /// The register as it truly is, and what is wrong with what the meter says of it.
    fn shown(&self) -> Shown {
        let (t, wh) = (self.register.at().second(), self.register.shows().wh());
        if let Some((from_t, from_wh)) = self.first {
            self.note(Line::Truth {
                serial: self.serial.clone(),
                from_t,
                from_wh,
                until_t: t,
                until_wh: wh,
                acknowledged: self.acknowledged,
            });
        }
        Shown {
            serial: self.serial.clone(),
            t,
            wh,
            base: self.faults.base,
            drift: self.faults.drift,
        }
    }
}
