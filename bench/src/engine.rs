//! The engine alone: what a reading costs before sockets, parsing and authentication.

use std::{
    path::Path,
    process,
    time::{Duration, Instant},
};

use corrente_ledger::{Admission, AsOf, Entry, Ledger, LedgerOptions, SqliteLedger};
use corrente_metering::{
    ChannelId, ChannelKind, ChannelSpec, Reading, SourceQuality, Span, Timestamp,
};
use corrente_units::Energy;

use crate::{
    Failure, Place, cpu,
    figure::{self, Figure, float},
    workload::{DAY_SECONDS, QUARTERS, START, Sample, Workload},
};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Meters with one register each.
    #[arg(long, default_value_t = 100_000)]
    meters: u32,
    /// Days of 96 readings.
    #[arg(long, default_value_t = 30)]
    days: u32,
    /// Readings in a batch.
    #[arg(long, default_value_t = 1000)]
    batch: usize,
    /// Done in a minute: three days.
    #[arg(long)]
    quick: bool,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let temporary = tempfile::TempDir::new()?;
    let folder = options.place.folder.as_deref().unwrap_or(temporary.path());
    let days = if options.quick { 3 } else { options.days };
    let path = folder.join("engine.db");
    if path.exists() {
        return Err(format!("{} exists already: choose another folder", path.display()).into());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
    let ledger = SqliteLedger::open(&path, LedgerOptions::default())?;
    ledger.open_channels(&specs(options.meters))?;

    let written =
        runtime.block_on(write(&ledger, Workload::new(options.meters, 42), options.batch, days))?;
    written.print();
    queries(&ledger, options.meters, days)?;

    ledger.close()?;
    drop(ledger);
    let started = Instant::now();
    let ledger = SqliteLedger::open(&path, LedgerOptions::default())?;
    let replay = started.elapsed();
    let replayed = ledger.stats().window_readings;
    Figure::new("engine.replay.readings", float(replayed) / 1e6, "million").print();
    Figure::new("engine.replay.time", replay.as_secs_f64(), "s").print();
    let window = ledger.stats().window_bytes;
    Figure::new("engine.window.per_channel", float(window) / f64::from(options.meters), "B")
        .print();

    let started = Instant::now();
    let before = cpu::of_threads(process::id());
    ledger.seal_until(Timestamp::MAX)?;
    let used = cpu::of_threads(process::id()).saturating_sub(before);
    Figure::new("engine.seal.time", started.elapsed().as_secs_f64(), "s").print();
    Figure::new(
        "engine.seal.cpu",
        used.as_secs_f64() / (float(replayed) / 1e6),
        "s per million readings",
    )
    .print();
    ledger.compact()?;
    ledger.close()?;
    drop(ledger);
    let bytes = size(&path);
    Figure::new("engine.bytes_per_reading", float(bytes) / float(written.new), "B").print();
    Figure::new("engine.peak_memory", float(cpu::peak_memory(process::id())) / 1e6, "MB").print();
    Ok(())
}

/// A register for each meter.
pub(crate) fn specs(meters: u32) -> Vec<ChannelSpec> {
    (0..meters)
        .map(|meter| ChannelSpec {
            id: channel(meter),
            kind: ChannelKind::Register,
            offset_seconds: 0,
        })
        .collect()
}

pub(crate) fn channel(meter: u32) -> ChannelId {
    ChannelId::from_number(u64::from(meter) + 1)
}

pub(crate) fn entry(sample: Sample) -> Entry {
    Entry {
        channel: channel(sample.meter),
        reading: Reading {
            end: Timestamp::from_second(sample.time),
            value: Energy::from_wh(sample.wh),
            quality: SourceQuality::GOOD,
        },
        admission: Admission::Accept,
    }
}

fn size(path: &Path) -> u64 {
    let wal = path.with_extension("db-wal");
    [path, &wal].iter().filter_map(|path| path.metadata().ok()).map(|data| data.len()).sum()
}

#[derive(Debug, Default)]
pub(crate) struct Written {
    readings: u64,
    new: u64,
    wall: Duration,
    cpu: Duration,
    latencies: Vec<Duration>,
    commits: u64,
}

impl Written {
    pub(crate) fn readings(&self) -> u64 {
        self.readings
    }

    fn print(&self) {
        let million = float(self.readings) / 1e6;
        Figure::new("engine.append.readings", million, "million").print();
        Figure::new("engine.append.rate", million / self.wall.as_secs_f64(), "million/s").print();
        Figure::new("engine.append.cpu", self.cpu.as_secs_f64() / million, "s per million").print();
        Figure::new("engine.append.group", float(self.readings) / float(self.commits), "readings")
            .print();
        for (name, q) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
            let latency = figure::quantile(&self.latencies, q);
            Figure::millis(format!("engine.append.acknowledged.{name}"), latency).print();
        }
    }
}

/// Appends day by day, while the day before is sealed. The last day stays open.
pub(crate) async fn write(
    ledger: &SqliteLedger,
    mut workload: Workload,
    batch: usize,
    days: u32,
) -> Result<Written, Failure> {
    let mut written = Written::default();
    let mut samples = Vec::new();
    for day in 0..days {
        for quarter in 0..QUARTERS {
            samples.clear();
            workload.quarter(&mut samples);
            let batches: Vec<Vec<Entry>> = samples
                .chunks(batch)
                .map(|chunk| chunk.iter().map(|&sample| entry(sample)).collect())
                .collect();
            written.readings += u64::try_from(samples.len())?;
            let before = cpu::of_threads(process::id());
            let started = Instant::now();
            // Some batches under way at once, as from some connections.
            let mut waiting = std::collections::VecDeque::new();
            for batch in batches {
                if waiting.len() >= 32
                    && let Some((since, done)) = waiting.pop_front()
                {
                    note(&mut written, since, done).await?;
                }
                waiting.push_back((Instant::now(), tokio::spawn(ledger.append(batch))));
            }
            for (since, done) in waiting {
                note(&mut written, since, done).await?;
            }
            // Two hours after midnight the day before is sealed, beside the readings that follow.
            if quarter == 8 && day > 0 {
                let end = workload.start() + i64::from(day) * DAY_SECONDS;
                ledger.seal_until(Timestamp::from_second(end))?;
            }
            written.wall += started.elapsed();
            written.cpu += cpu::of_threads(process::id()).saturating_sub(before);
        }
    }
    written.commits = ledger.stats().commits;
    written.new = ledger.stats().appended;
    written.latencies.sort_unstable();
    Ok(written)
}

async fn note(
    written: &mut Written,
    since: Instant,
    done: tokio::task::JoinHandle<Result<corrente_ledger::Appended, corrente_ledger::LedgerError>>,
) -> Result<(), Failure> {
    done.await??;
    written.latencies.push(since.elapsed());
    Ok(())
}

fn queries(ledger: &SqliteLedger, meters: u32, days: u32) -> Result<(), Failure> {
    let rounds = 5000_u32;
    let time = |ask: &dyn Fn(ChannelId) -> Result<(), Failure>| -> Result<Vec<Duration>, Failure> {
        let mut times = Vec::new();
        for round in 0..rounds {
            let meter = u32::try_from(u64::from(round) * 7_919_717 % u64::from(meters))?;
            let started = Instant::now();
            ask(channel(meter))?;
            times.push(started.elapsed());
        }
        times.sort_unstable();
        Ok(times)
    };
    let print = |name: &str, times: &[Duration]| {
        Figure::micros(format!("engine.query.{name}.p50"), figure::quantile(times, 0.5)).print();
        Figure::micros(format!("engine.query.{name}.p99"), figure::quantile(times, 0.99)).print();
    };
    let end = START + i64::from(days - 1) * DAY_SECONDS;
    let span = |days: i64| {
        Span::new(Timestamp::from_second(end - days * DAY_SECONDS), Timestamp::from_second(end))
    };
    let last = time(&|channel| {
        ledger.last(channel)?.ok_or("no reading")?;
        Ok(())
    })?;
    print("last", &last);
    let range = |span: Span| {
        move |channel| {
            let readings = ledger.range(channel, span, AsOf::Now)?;
            if readings.is_empty() { Err("no readings".into()) } else { Ok(()) }
        }
    };
    print("day", &time(&range(span(1)))?);
    print("month", &time(&range(span(30)))?);

    let sealed = i32::try_from(START / DAY_SECONDS)? + i32::try_from(days)? - 2;
    let started = Instant::now();
    let total = ledger.day_total(sealed)?;
    Figure::millis("engine.query.city_day", started.elapsed()).print();
    Figure::new("engine.query.city_day.channels", float(total.channels), "channels").print();
    let first = (sealed - 29).max(sealed - i32::try_from(days)? + 3);
    let started = Instant::now();
    let month = ledger.totals(first, sealed)?;
    Figure::millis("engine.query.everybodys_month", started.elapsed()).print();
    Figure::new(
        "engine.query.everybodys_month.channels",
        float(u64::try_from(month.len())?),
        "channels",
    )
    .print();
    Ok(())
}
