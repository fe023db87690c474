//! An admitted meter: its readings go to the ledger, and what is durable is acknowledged.
//!
//! One append is on its way at a time. What is read meanwhile becomes the next group, up to a limit;
//! then nothing more is read, and the network tells the meter to wait. While nothing happens the task
//! holds no buffer.

use std::{
    future::{Future as _, poll_fn},
    io,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, ready},
};

use corrente_ledger::{Appended, LedgerError, PowerSample};
use corrente_line::v1::{Acknowledgements, Received, ServerMessage, Session, TokenBucket};
use corrente_live::LiveReading;
use corrente_metering::Timestamp;
use corrente_registry::clock_samples;
use futures_util::future::BoxFuture;
use tokio::time::Sleep;

use super::{
    clock::ClockWatch,
    group::{Group, is_meter, live_sample},
};
use crate::{
    connection::Guest,
    directory::{self, Admitted, storing_failed},
    links::Link,
    stream::{Stream, linger, poll_take},
};

/// Readings that may wait behind an append before reading from the socket stops.
const WAITING_READINGS: usize = 20_000;
/// Bytes that may wait to be sent before reading from the socket stops.
const WAITING_BYTES: usize = 16 * 1024;
/// The rest of a line must come with at least so many bytes a second.
const LINE_BYTES_PER_SECOND: usize = 1000;

/// A connection of an admitted meter.
pub(super) struct Reporting<S> {
    stream: S,
    guest: Guest,
    session: Session,
    meter: Admitted,
    /// Did it enrol on this connection, and has said nothing since that shows that it heard its secret?
    enrolled: bool,
    link: Arc<Link>,
    bucket: TokenBucket,
    acks: Acknowledgements,
    clock: ClockWatch,
    /// Read, and not yet given to the ledger.
    waiting: Group,
    append: Option<Box<Append>>,
    out: Vec<u8>,
    /// How much of `out` is sent.
    sent: usize,
    flushed: bool,
    timer: Pin<Box<Sleep>>,
    /// Was the timer polled since it was set? Then it wakes the task by itself.
    armed: bool,
    /// When the peer last took something off `out`, while there is something.
    stalled_ms: Option<u64>,
    /// When the line began whose end has not come.
    partial_ms: Option<u64>,
    /// Until when a flooder is not read.
    throttled_ms: u64,
    /// Nothing more is read, once it is something.
    ending: Option<Ending>,
}

/// What is left to say when all is acknowledged.
enum Ending {
    Say(ServerMessage),
    Nothing,
}

/// A group on its way.
struct Append {
    done: BoxFuture<'static, Result<Appended, LedgerError>>,
    live: Vec<LiveReading>,
    power: Vec<PowerSample>,
}

/// How a connection ends.
enum End {
    /// All is said: close in a way that lets the peer read it.
    Orderly,
    /// The peer is gone, or was cut off.
    Cut,
}

impl<S: Stream> Reporting<S> {
    pub(super) fn new(
        stream: S,
        session: Session,
        meter: Admitted,
        enrolled: bool,
        guest: Guest,
    ) -> Self {
        let shared = &guest.shared;
        let now_ms = shared.now_ms();
        let config = &shared.config;
        let deadline = session.deadline_ms();
        Self {
            stream,
            session,
            link: shared.links.add(meter.meter),
            meter,
            enrolled,
            bucket: TokenBucket::new(config.readings_per_second, config.readings_burst, now_ms),
            acks: Acknowledgements::default(),
            clock: ClockWatch::default(),
            waiting: Group::default(),
            append: None,
            out: Vec::new(),
            sent: 0,
            flushed: true,
            timer: Box::pin(tokio::time::sleep_until(shared.instant(deadline))),
            armed: false,
            stalled_ms: None,
            partial_ms: None,
            throttled_ms: 0,
            ending: None,
            guest,
        }
    }

    /// Goes on until the connection ends. `received` is what came behind the hello.
    pub(super) async fn run(mut self: Box<Self>, received: Received) {
        let now_ms = self.guest.shared.now_ms();
        self.take(received, now_ms);
        let end = poll_fn(|cx| self.poll(cx)).await;
        self.guest.shared.links.remove(self.meter.meter, &self.link);
        if matches!(end, End::Orderly) {
            Box::pin(linger(&mut self.stream)).await;
        }
    }

    /// Does all that can be done now.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.link.register(cx.waker());
        // What is done below takes less than a millisecond: one look at the clock is enough.
        let now_ms = self.guest.shared.now_ms();
        loop {
            let mut moved = self.hear_from_inside();
            moved |= self.poll_append(cx);
            match self.poll_write(cx, now_ms) {
                Ok(wrote) => moved |= wrote,
                Err(_) => return Poll::Ready(End::Cut),
            }
            match self.poll_read(cx, now_ms) {
                Ok(read) => moved |= read,
                Err(_) if self.append.is_none() && self.waiting.is_empty() => {
                    return Poll::Ready(End::Cut);
                }
                // The peer is gone, but what it sent goes to the ledger all the same.
                Err(_) => self.end(Ending::Nothing),
            }
            match self.poll_time(cx, now_ms) {
                Poll::Ready(Some(end)) => return Poll::Ready(end),
                Poll::Ready(None) => moved = true,
                Poll::Pending => {}
            }
            let unsent = self.out.len();
            if self.finish() {
                return Poll::Ready(End::Orderly);
            }
            if !moved && self.out.len() == unsent {
                return Poll::Pending;
            }
        }
    }

    /// Settings to pass on, and the end of the server.
    fn hear_from_inside(&mut self) -> bool {
        if let Some(interval_s) = self.link.take_interval() {
            self.say(&ServerMessage::Set { interval_s });
        }
        if self.link.is_stopped() && self.ending.is_none() {
            self.end(Ending::Say(ServerMessage::Bye));
            return true;
        }
        false
    }

    fn poll_append(&mut self, cx: &mut Context<'_>) -> bool {
        if self.append.is_none() && !self.waiting.is_empty() {
            self.acks.sent();
            let Group { entries, live, power } = std::mem::take(&mut self.waiting);
            let done = self.guest.shared.services.ledger.append(entries);
            self.append = Some(Box::new(Append { done, live, power }));
        }
        let Some(append) = &mut self.append else { return false };
        let Poll::Ready(outcome) = append.done.as_mut().poll(cx) else { return false };
        let live = std::mem::take(&mut append.live);
        let power = std::mem::take(&mut append.power);
        self.append = None;
        match outcome {
            Ok(appended) => {
                self.guest.shared.counters.appended(appended);
                for reading in live {
                    self.guest.shared.services.live.publish(reading);
                }
                self.keep_power(&power);
                self.acks.encode_durable(&mut self.out);
            }
            Err(error) => {
                // Nothing of it is acknowledged, nor of what waits behind it.
                self.waiting = Group::default();
                self.ending = Some(Ending::Say(ServerMessage::Error(storing_failed(&error))));
            }
        }
        true
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, now_ms: u64) -> io::Result<bool> {
        let mut moved = false;
        while let Some(rest) = self.out.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut self.stream).poll_write(cx, rest) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => {
                    self.sent = self.sent.saturating_add(count);
                    self.flushed = false;
                    self.stalled_ms = None;
                    moved = true;
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => {
                    self.stalled_ms.get_or_insert(now_ms);
                    return Ok(moved);
                }
            }
        }
        if self.sent > 0 {
            self.out = Vec::new();
            self.sent = 0;
        }
        if !self.flushed {
            match Pin::new(&mut self.stream).poll_flush(cx) {
                Poll::Ready(done) => {
                    done?;
                    self.flushed = true;
                    self.stalled_ms = None;
                }
                Poll::Pending => {
                    self.stalled_ms.get_or_insert(now_ms);
                }
            }
        }
        Ok(moved)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, now_ms: u64) -> io::Result<bool> {
        if self.ending.is_some()
            || self.waiting.entries.len() >= WAITING_READINGS
            || self.out.len() >= WAITING_BYTES
            || now_ms < self.throttled_ms
        {
            return Ok(false);
        }
        let session = &mut self.session;
        let read = poll_take(&mut self.stream, cx, |bytes| {
            (!bytes.is_empty()).then(|| session.receive(bytes, now_ms))
        });
        match read {
            Poll::Pending => Ok(false),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Ready(Ok(Some(received))) => {
                if self.enrolled && !received.readings.is_empty() {
                    self.enrolled = false;
                    let (shared, meter) = (Arc::clone(&self.guest.shared), self.meter.meter);
                    let confirm = async move { directory::confirm(&shared.services, meter).await };
                    drop(self.guest.shared.tasks.spawn(confirm));
                }
                self.take(received, now_ms);
                self.partial_ms = match (self.session.partial_bytes(), self.partial_ms) {
                    (0, _) => None,
                    (_, Some(since)) => Some(since),
                    (_, None) => Some(now_ms),
                };
                Ok(true)
            }
            Poll::Ready(Ok(None)) => {
                self.end(Ending::Nothing);
                Ok(true)
            }
        }
    }

    /// Looks at the limits of time, and sets the timer to the next one.
    fn poll_time(&mut self, cx: &mut Context<'_>, now_ms: u64) -> Poll<Option<End>> {
        let stall_ms =
            u64::try_from(self.guest.shared.config.stall.as_millis()).unwrap_or(u64::MAX);
        let stalled = self.stalled_ms.map(|since| since.saturating_add(stall_ms));
        let unfinished = self.partial_ms.map(|since| {
            let allowed = self.session.partial_bytes().saturating_mul(1000) / LINE_BYTES_PER_SECOND;
            let allowed = u64::try_from(allowed).unwrap_or(u64::MAX);
            since.saturating_add(stall_ms).saturating_add(allowed)
        });
        if stalled.is_some_and(|at| at <= now_ms) || unfinished.is_some_and(|at| at <= now_ms) {
            self.guest.shared.counters.errors.fetch_add(1, Ordering::Relaxed);
            tracing::info!(meter.id = %self.meter.meter, "slow meter cut off");
            return Poll::Ready(Some(End::Cut));
        }
        // What a flooder is made to wait for is no silence.
        let throttled = Some(self.throttled_ms).filter(|at| *at > now_ms);
        let silent = if self.ending.is_some() { u64::MAX } else { self.session.deadline_ms() };
        if silent <= now_ms && throttled.is_none() {
            let received = self.session.on_time(now_ms);
            self.take(received, now_ms);
            return Poll::Ready(None);
        }
        let next = [stalled, unfinished, throttled].into_iter().flatten().min();
        let next = next.map_or(silent, |at| if throttled.is_some() { at } else { at.min(silent) });
        // A day is far enough for a timer, and never overflows it.
        let at = self.guest.shared.instant(next.min(now_ms.saturating_add(86_400_000)));
        // Usually the deadline moved on since the timer was set: it is set again when it fires.
        if at < self.timer.deadline() {
            self.timer.as_mut().reset(at);
            self.armed = false;
        }
        if self.armed && !self.timer.is_elapsed() {
            return Poll::Pending;
        }
        self.armed = true;
        ready!(self.timer.as_mut().poll(cx));
        self.timer.as_mut().reset(at);
        self.armed = false;
        Poll::Ready(None)
    }

    /// Is all said and done?
    fn finish(&mut self) -> bool {
        if self.append.is_some() || !self.waiting.is_empty() {
            return false;
        }
        let Some(ending) = &mut self.ending else { return false };
        if let Ending::Say(message) = std::mem::replace(ending, Ending::Nothing) {
            if let ServerMessage::Error(error) = &message {
                self.guest.shared.counters.errors.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(meter.id = %self.meter.meter, error = %error, "meter refused");
            }
            self.say(&message);
            return false;
        }
        self.out.is_empty() && self.flushed
    }

    /// Samples are kept where that is possible: nobody waits for them.
    fn keep_power(&self, samples: &[PowerSample]) {
        if samples.is_empty() {
            return;
        }
        if let Err(error) = self.guest.shared.services.ledger.keep_power(samples) {
            tracing::debug!(meter.id = %self.meter.meter, %error, "samples of power are not kept");
        }
    }

    fn take(&mut self, received: Received, now_ms: u64) {
        let Received { hello: _, readings, samples, reply, end } = received;
        let now = self.guest.shared.services.clock.now();
        self.acks.received(readings.iter().map(|r| r.seq));
        self.waiting.add(&self.meter, now, &readings);
        if is_meter(&self.meter)
            && let Some(newest) = readings.iter().map(|r| r.reading.end).max()
        {
            self.watch_clock(newest, now);
        }
        let mut power = Vec::with_capacity(samples.len());
        for reading in samples.iter().filter_map(|sample| live_sample(&self.meter, now, sample)) {
            let LiveReading { channel, t, power_w, .. } = reading;
            power.extend(power_w.map(|watts| PowerSample { channel, t, watts }));
            self.guest.shared.services.live.publish(reading);
        }
        self.keep_power(&power);
        self.out.extend_from_slice(&reply);
        // A message without a reading costs about as much; each of them is answered.
        let count = readings.len().saturating_add(samples.len()).saturating_add(reply.len() / 16);
        if count > 0 {
            let wait = self.bucket.take(count, now_ms);
            self.throttled_ms = now_ms.saturating_add(wait);
        }
        if let Some(error) = end {
            self.end(Ending::Say(ServerMessage::Error(error)));
        }
    }

    /// Writes down how far the meter's clock is off, where it is: validation shows it.
    fn watch_clock(&mut self, newest: Timestamp, now: Timestamp) {
        let services = &self.guest.shared.services;
        let pace = (self.meter.interval_s, services.clock.factor());
        let Some(ahead) = self.clock.hear(newest, now, pace) else { return };
        let (registry, meter) = (services.registry.clone(), self.meter.meter);
        let note = async move {
            let noted = registry.write(move |tx| clock_samples::note(tx, meter, now, ahead)).await;
            if let Err(error) = noted {
                tracing::warn!(meter.id = %meter, error = %error, "the clock's error is not noted");
            }
        };
        drop(self.guest.shared.tasks.spawn(note));
    }

    /// Nothing more is read; what was read is stored and acknowledged.
    fn end(&mut self, ending: Ending) {
        if self.ending.is_none() {
            self.partial_ms = None;
            self.ending = Some(ending);
        }
    }

    fn say(&mut self, message: &ServerMessage) {
        message.encode(&mut self.out);
    }
}
