//! Meters that come back after a month: everything again, half of it new, into days that are sealed.
//! Live readings go on meanwhile, and have to be acknowledged in time.

use std::{
    fs, process,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use corrente_ledger::{Appended, Ledger, LedgerOptions, SqliteLedger};
use corrente_metering::Timestamp;

use crate::{
    Failure, Place, cpu, engine,
    figure::{Figure, float, quantile},
    workload::{DAY_SECONDS, QUARTER, QUARTERS, START, Sample},
};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Meters that send their month again.
    #[arg(long, default_value_t = 10_000)]
    meters: u32,
    /// Days of that month.
    #[arg(long, default_value_t = 30)]
    days: u32,
    /// Meters that report live meanwhile.
    #[arg(long, default_value_t = 100_000)]
    live: u32,
    /// Memory in MiB for the window.
    #[arg(long, default_value_t = 256)]
    window_mib: usize,
    /// 1,000 meters.
    #[arg(long)]
    quick: bool,
}

/// A register that anyone can compute: rising, and different for each meter.
fn sample(meter: u32, quarter: u32) -> Sample {
    let mixed = (u64::from(meter) << 32 | u64::from(quarter)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let jitter = i64::try_from(mixed >> 56).unwrap_or_default();
    Sample {
        meter,
        time: START + i64::from(quarter) * QUARTER,
        wh: i64::from(meter) * 1000 + i64::from(quarter) * 300 + jitter,
    }
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let late = if options.quick { options.meters / 10 } else { options.meters };
    let temporary = options.place.temporary()?;
    let path = temporary.path().join("late.db");
    let settings =
        LedgerOptions { window_bytes: options.window_mib << 20, ..LedgerOptions::default() };
    let ledger = SqliteLedger::open(&path, settings)?;
    ledger.open_channels(&engine::specs(late + options.live))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build()?;

    // The month as it was: every second reading of the meters that will come back.
    let quarters = options.days * QUARTERS;
    for quarter in (2..=quarters).step_by(2) {
        let entries = (0..late).map(|meter| engine::entry(sample(meter, quarter))).collect();
        runtime.block_on(ledger.append(entries))?;
    }
    let end = START + i64::from(options.days) * DAY_SECONDS;
    ledger.seal_until(Timestamp::from_second(end))?;
    ledger.compact()?;
    let (sealed_bytes, before) = (cpu::bytes_on_disk(&path)?, written());
    let memory_before = cpu::peak_memory(process::id());

    let stop = AtomicBool::new(false);
    let started = Instant::now();
    let (done, mut live) = thread::scope(|scope| {
        let live = scope.spawn(|| report_live(&ledger, late, options.live, quarters, &stop));
        let done = resend(&ledger, late, quarters);
        stop.store(true, Ordering::Relaxed);
        (done, live.join())
    });
    let took = started.elapsed();
    let (done, peak_window) = done?;
    let live = live.as_mut().map_err(|_| "the live load panicked")?.as_mut();
    let live = live.map_err(|error| error.to_string())?;
    ledger.seal_until(Timestamp::from_second(end))?;
    ledger.close()?;
    let written = written().saturating_sub(before);
    live.sort_unstable();

    let sent = done.new + done.duplicates;
    Figure::new("late.readings", float(sent) / 1e6, "million").print();
    Figure::new("late.new", float(done.new) / 1e6, "million").print();
    Figure::new("late.rate", float(sent) / 1e6 / took.as_secs_f64(), "million/s").print();
    Figure::new("late.window.peak", float(peak_window) / 1e6, "MB").print();
    let grown = cpu::peak_memory(process::id()).saturating_sub(memory_before);
    Figure::new("late.process.grown", float(grown) / 1e6, "MB").print();
    Figure::new("late.written_per_new_reading", float(written) / float(done.new), "B").print();
    let stored = cpu::bytes_on_disk(&path)?.saturating_sub(sealed_bytes).max(1);
    Figure::new("late.write_amplification", float(written) / float(stored), "x stored").print();
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
        Figure::millis(format!("late.live.acknowledged.{name}"), quantile(live, share)).print();
    }
    Ok(())
}

/// Bytes that this process had the disk write.
fn written() -> u64 {
    let io = fs::read_to_string(format!("/proc/{}/io", process::id())).unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes:"));
    line.and_then(|rest| rest.trim().parse().ok()).unwrap_or_default()
}

/// Meter by meter, as meters do it that kept a month: a thousand readings at a time.
fn resend(ledger: &SqliteLedger, late: u32, quarters: u32) -> Result<(Appended, u64), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
    let (mut sum, mut peak) = (Appended::default(), 0);
    // Some of them at once.
    for meters in (0..late).collect::<Vec<_>>().chunks(16) {
        let all: Vec<u32> = (1..=quarters).collect();
        for some in all.chunks(1000) {
            let waiting: Vec<_> = meters
                .iter()
                .map(|&meter| {
                    let entries = some.iter().map(|&q| engine::entry(sample(meter, q))).collect();
                    runtime.spawn(ledger.append(entries))
                })
                .collect();
            for one in waiting {
                let appended = runtime.block_on(one)??;
                sum.new += appended.new;
                sum.duplicates += appended.duplicates;
            }
        }
        peak = peak.max(ledger.stats().window_bytes);
    }
    Ok((sum, peak))
}

/// A reading of each meter every ten seconds of real time, a hundred at a time.
fn report_live(
    ledger: &SqliteLedger,
    late: u32,
    live: u32,
    quarters: u32,
    stop: &AtomicBool,
) -> Result<Vec<Duration>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (mut latencies, started) = (Vec::new(), Instant::now());
    let meters: Vec<u32> = (late..late + live).collect();
    let mut sent = 0_u64;
    for quarter in quarters + 1.. {
        for some in meters.chunks(100) {
            if stop.load(Ordering::Relaxed) {
                return Ok(latencies);
            }
            let entries = some.iter().map(|&meter| engine::entry(sample(meter, quarter))).collect();
            let asked = Instant::now();
            runtime.block_on(ledger.append(entries))?;
            latencies.push(asked.elapsed());
            sent += 100;
            let due = Duration::from_millis(sent.saturating_mul(10_000) / u64::from(live.max(1)));
            thread::sleep(due.saturating_sub(started.elapsed()));
        }
    }
    Ok(latencies)
}
