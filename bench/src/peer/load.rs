//! Writing a workload: batches, each acknowledged before its connection sends the next.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    Failure,
    workload::{Sample, Workload},
};

/// Connections that write at the same time.
const WRITERS: usize = 4;
/// Readings in a batch.
const BATCH: usize = 10_000;

/// What was written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loaded {
    /// Readings sent and acknowledged, those that came twice counted twice.
    pub(crate) readings: u64,
    pub(crate) elapsed: Duration,
    /// From a batch's last byte handed to the kernel to its acknowledgement, sorted.
    pub(crate) latencies: Vec<Duration>,
}

/// How fast to write, and until when.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace<'a> {
    /// Readings a second at most.
    pub(crate) per_second: Option<u64>,
    /// Ends the load before its time.
    pub(crate) stop: Option<&'a AtomicBool>,
}

impl Pace<'_> {
    pub(crate) fn is_over(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// Waits until so many readings may have been sent since `started`.
    pub(crate) fn wait(&self, readings: u64, started: Instant) {
        if let Some(per_second) = self.per_second {
            let due = Duration::from_millis(readings.saturating_mul(1000) / per_second.max(1));
            thread::sleep(due.saturating_sub(started.elapsed()));
        }
    }
}

/// Sends a batch and returns when it is acknowledged.
pub(super) type Write = Box<dyn FnMut(&[u8]) -> Result<(), Failure> + Send>;

/// Writes on some connections at once, each with one batch on its way.
pub(super) fn batches(
    workload: &mut Workload,
    quarters: u32,
    pace: &Pace<'_>,
    encode: fn(&[Sample], &mut Vec<u8>),
    connect: impl Fn() -> Result<Write, Failure>,
) -> Result<Loaded, Failure> {
    let writes: Vec<Write> = (0..WRITERS).map(|_| connect()).collect::<Result<_, _>>()?;
    let (give, take) = mpsc::sync_channel::<Vec<u8>>(2 * WRITERS);
    let take = Mutex::new(take);
    let next = || take.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
    let started = Instant::now();
    thread::scope(|scope| {
        let writers: Vec<_> = writes
            .into_iter()
            .map(|mut write| {
                let next = &next;
                scope.spawn(move || -> Result<Vec<Duration>, Failure> {
                    let mut latencies = Vec::new();
                    while let Some(body) = next() {
                        let sent = Instant::now();
                        write(&body)?;
                        latencies.push(sent.elapsed());
                    }
                    Ok(latencies)
                })
            })
            .collect();
        let mut readings = 0;
        let mut samples = Vec::new();
        'all: for _ in 0..quarters {
            samples.clear();
            workload.quarter(&mut samples);
            for batch in samples.chunks(BATCH) {
                if pace.is_over() {
                    break 'all;
                }
                let mut body = Vec::with_capacity(BATCH * 48);
                encode(batch, &mut body);
                pace.wait(readings, started);
                readings += u64::try_from(batch.len())?;
                if give.send(body).is_err() {
                    break 'all;
                }
            }
        }
        drop(give);
        let mut latencies = Vec::new();
        for writer in writers {
            latencies.extend(writer.join().map_err(|_| "a writer panicked")??);
        }
        latencies.sort_unstable();
        Ok(Loaded { readings, elapsed: started.elapsed(), latencies })
    })
}

/// Appends a number in decimal.
pub(super) fn decimal(number: i64, out: &mut Vec<u8>) {
    let mut digits = [0_u8; 20];
    let mut place = digits.len();
    let mut rest = number.unsigned_abs();
    loop {
        place -= 1;
        if let (Some(digit), Ok(value)) = (digits.get_mut(place), u8::try_from(rest % 10)) {
            *digit = b'0' + value;
        }
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(digits.get(place..).unwrap_or_default());
}

/// InfluxDB's line protocol, with times in seconds.
pub(super) fn influx_lines(samples: &[Sample], body: &mut Vec<u8>) {
    for sample in samples {
        body.extend_from_slice(b"wh,m=");
        decimal(sample.meter.into(), body);
        body.extend_from_slice(b" v=");
        decimal(sample.wh, body);
        body.extend_from_slice(b"i ");
        decimal(sample.time, body);
        body.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_write_them() {
        for number in [0, 7, 10, 1_767_225_600, -1, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            decimal(number, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }
}
