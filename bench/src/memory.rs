//! What open days take in memory: a million channels with a day of quarter hours.

use std::process;

use corrente_ledger::{Ledger, LedgerOptions, SqliteLedger};

use crate::{
    Failure, Place, cpu, engine,
    figure::{Figure, float, say},
    workload::{QUARTERS, Workload},
};

/// What has to be enough.
const LIMIT: u64 = 2 << 30;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Channels with a register each.
    #[arg(long, default_value_t = 1_000_000)]
    channels: u32,
    /// A tenth of the channels.
    #[arg(long)]
    quick: bool,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let channels = if options.quick { options.channels / 10 } else { options.channels };
    let temporary = options.place.temporary()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
    // Nothing is cut early: what is asked is whether it fits.
    let settings = LedgerOptions { window_bytes: usize::MAX >> 1, ..LedgerOptions::default() };
    let ledger = SqliteLedger::open(&temporary.path().join("memory.db"), settings)?;
    ledger.open_channels(&engine::specs(channels))?;
    let mut workload = Workload::new(channels, 42);
    let (mut samples, mut highest) = (Vec::new(), 0);
    for _ in 0..QUARTERS {
        samples.clear();
        workload.quarter(&mut samples);
        for batch in samples.chunks(10_000) {
            let entries = batch.iter().map(|&sample| engine::entry(sample)).collect();
            runtime.block_on(ledger.append(entries))?;
        }
        highest = highest.max(ledger.stats().window_bytes);
    }
    let stats = ledger.stats();
    let each = float(highest) / f64::from(channels);
    Figure::new("memory.channels", f64::from(channels) / 1e6, "million").print();
    Figure::new("memory.window.readings", float(stats.window_readings) / 1e6, "million").print();
    Figure::new("memory.window.bytes", float(highest) / 1e6, "MB").print();
    Figure::new("memory.window.per_channel", each, "B").print();
    let peak = cpu::peak_memory(process::id());
    Figure::new("memory.process.peak", float(peak) / 1e6, "MB").print();
    ledger.close()?;
    let limit = if options.quick { LIMIT / 10 } else { LIMIT };
    if highest > limit {
        return Err(format!("the window takes {highest} bytes, more than {limit}").into());
    }
    say(&format!("the window fits into {limit} bytes"));
    Ok(())
}
