//! What people want to know, asked one after the other.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{
    Failure,
    figure::quantile,
    peer::{Pace, Peer, Question},
    workload::{DAY_SECONDS, QUARTERS, START, Workload},
};

/// Longest that one kind of question is asked.
const TIME: Duration = Duration::from_secs(6);
/// Readings a second that come while it is asked: a city of nine million meters.
pub(super) const MEANWHILE: u64 = 500_000;

/// One kind of question.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) what: &'static str,
    /// Sorted.
    times: Vec<Duration>,
    /// Answers to the last one.
    pub(super) answers: usize,
}

impl Asked {
    pub(super) fn quantile(&self, share: f64) -> Duration {
        quantile(&self.times, share)
    }

    pub(super) fn count(&self) -> usize {
        self.times.len()
    }
}

/// Asks a running peer; `busy` while it takes the readings that follow.
pub(super) fn ask(
    peer: &dyn Peer,
    workload: &mut Workload,
    meters: u32,
    days: u32,
    busy: bool,
) -> Result<Vec<Asked>, Failure> {
    let stop = AtomicBool::new(false);
    let quarters = if busy { 1000 * QUARTERS } else { 0 };
    thread::scope(|scope| {
        let pace = Pace { per_second: Some(MEANWHILE), stop: Some(&stop) };
        let load = scope.spawn(move || peer.load(workload, quarters, &pace));
        if busy {
            thread::sleep(Duration::from_secs(1));
        }
        let asked = questions(peer, meters, days);
        stop.store(true, Ordering::Relaxed);
        load.join().map_err(|_| "the load panicked")??;
        asked
    })
}

/// Name, how often to ask, and what of a meter.
type Kind<'a> = (&'static str, u32, &'a dyn Fn(u32) -> Question);

fn questions(peer: &dyn Peer, meters: u32, days: u32) -> Result<Vec<Asked>, Failure> {
    let end = START + i64::from(days) * DAY_SECONDS;
    let since = |days: i64| (end - days * DAY_SECONDS).max(START);
    let (day, month) = (since(1), since(30));
    // Before the first day there is no register to subtract.
    let city = if days > 1 { day } else { START };
    let whole = (month + DAY_SECONDS).min(city);
    let questions: [Kind<'_>; 5] = [
        ("last", 3000, &|meter| Question::Last { meter }),
        ("day", 3000, &|meter| Question::Range { meter, start: day, end }),
        ("month", 2000, &|meter| Question::Range { meter, start: month, end }),
        ("city_day", 5, &|_| Question::City { start: city, end }),
        ("everybodys_month", 3, &|_| Question::Everybody { start: whole, end }),
    ];
    let mut asker = peer.asker()?;
    let mut asked = Vec::new();
    for (what, rounds, question) in questions {
        let begun = Instant::now();
        let (mut times, mut answers) = (Vec::new(), 0);
        for round in 0..rounds {
            let meter = u32::try_from(u64::from(round) * 7_919_717 % u64::from(meters))?;
            let started = Instant::now();
            answers = asker.ask(question(meter))?;
            times.push(started.elapsed());
            if begun.elapsed() > TIME {
                break;
            }
        }
        times.sort_unstable();
        asked.push(Asked { what, times, answers });
    }
    Ok(asked)
}
