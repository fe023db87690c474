//! `corrente replay`: recorded interval data as meters that report it over real sockets.

mod decimal;
mod map;
mod report;
mod rows;

use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Args;
use corrente_meter::{
    Identity, MeterClient, MeterConfig, NewReading, Statistics, interval_channel,
};
use corrente_metering::Timestamp;
use corrente_units::Energy;
use tokio::{
    sync::{Mutex, Semaphore, mpsc},
    task::JoinSet,
    time::{interval, sleep_until},
};

use crate::{
    failure::Failure,
    keep::Keep,
    live_line::{LiveLine, brief, grouped},
    replay::{
        map::Map,
        report::{Report, Tally},
        rows::{Recorded, Row},
    },
    shutdown::asked_to_stop,
    state_file,
};

/// Files that are read and sent at the same time. Each holds its rows in memory meanwhile.
const FILES_AT_ONCE: usize = 8;
/// Readings that one meter has on their way.
const ON_THEIR_WAY: usize = 8_000;
/// Readings handed to a meter at a time.
const CHUNK: usize = 2_000;

/// Options of `corrente replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    /// CSV files, or gzip of them; a folder stands for the .csv and .csv.gz files in it
    #[arg(required = true, value_name = "FILES")]
    files: Vec<PathBuf>,
    /// What the columns mean: a TOML file (docs/replay.md)
    #[arg(long, value_name = "MAP.toml")]
    map: PathBuf,
    /// The server, as HOST:PORT
    #[arg(
        long,
        value_name = "HOST:PORT",
        default_value = "localhost:4005",
        env = "CORRENTE_CONNECT"
    )]
    connect: String,
    /// Encrypts, and trusts the certificates in this PEM file (the server's own, or its issuer's)
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Enrolment token, needed for meters that have not been here before; it must allow installation
    /// from before the first row (`corrente admin token create --installed-from …`)
    #[arg(long, env = "CORRENTE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Secrets of meters that were registered beforehand: what `corrente admin import` printed
    #[arg(long, value_name = "FILE")]
    secrets: Option<PathBuf>,
    /// `max`, as fast as the server acknowledges, or how many times faster than it was recorded
    #[arg(long, value_name = "max|N", default_value = "max")]
    speed: Speed,
    /// Where the secrets of the replayed meters are kept
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Reads and counts, and sends nothing
    #[arg(long)]
    dry_run: bool,
}

/// How fast time passes.
#[derive(Clone, Copy, Debug)]
enum Speed {
    /// As fast as it is acknowledged.
    Most,
    /// Recorded seconds per second.
    Times(NonZeroU32),
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Most);
        }
        text.trim_start_matches(['×', 'x'])
            .parse()
            .map(Self::Times)
            .map_err(|_| "type max, or a whole number such as 3600 (an hour a second)".to_owned())
    }
}

/// Replays the files.
pub(crate) fn run(arguments: ReplayArguments) -> Result<(), Failure> {
    crate::log::start_for_tool()?;
    let map = Arc::new(Map::read(&arguments.map)?);
    let files = files(&arguments.files)?;
    crate::runtime()?.block_on(replay(arguments, map, files))
}

/// What all meters of a replay share.
struct Shared {
    arguments: ReplayArguments,
    map: Arc<Map>,
    keep: Mutex<Keep>,
    statistics: Arc<Statistics>,
    identities: mpsc::UnboundedSender<Identity>,
    meters: Mutex<BTreeMap<String, Arc<MeterClient>>>,
    report: Mutex<Report>,
}

async fn replay(
    arguments: ReplayArguments,
    map: Arc<Map>,
    files: Vec<PathBuf>,
) -> Result<(), Failure> {
    let path = match &arguments.state {
        Some(path) => path.clone(),
        None => state_file::folder()?
            .join(format!("{}.json", state_file::file_name("replay", &arguments.connect))),
    };
    let (identities, mut identified) = mpsc::unbounded_channel();
    let mut keep = Keep::open(path)?;
    if let Some(file) = &arguments.secrets {
        keep.secrets(file)?;
    }
    let count = files.len();
    let speed = arguments.speed;
    let shared = Arc::new(Shared {
        map,
        keep: Mutex::new(keep),
        statistics: Arc::default(),
        identities,
        meters: Mutex::default(),
        report: Mutex::default(),
        arguments,
    });
    let mut work = {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            match speed {
                Speed::Most => as_fast_as_acknowledged(&shared, files).await,
                Speed::Times(times) => paced(&shared, files, times.get()).await,
            }
        })
    };
    let mut stop = asked_to_stop()?;
    let mut line = LiveLine::new();
    let mut beat = interval(Duration::from_millis(500));
    let begun = Instant::now();
    let ended = loop {
        tokio::select! {
            ended = &mut work => break ended.unwrap_or_else(|e| Err(Failure::of("the replay ended", e))),
            Some(identity) = identified.recv() => {
                let mut keep = shared.keep.lock().await;
                keep.identity(identity);
                keep.save()?;
            }
            _ = beat.tick() => line.show(&progress(&shared, count, begun).await),
            () = &mut stop => {
                work.abort();
                break Err(Failure::new(
                    "stopped before the end; start it again to send the rest: what the server has, it knows",
                ));
            }
        }
    };
    let mut keep = shared.keep.lock().await;
    while let Ok(identity) = identified.try_recv() {
        keep.identity(identity);
    }
    keep.save()?;
    line.clear();
    ended?;
    let report = shared.report.lock().await;
    report.print(&shared.statistics, begun.elapsed());
    if shared.statistics.refused() > 0 {
        return Err(Failure::new(format!(
            "the server refused {} readings for ever; the log of this command has them (CORRENTE_LOG=warn)",
            shared.statistics.refused()
        )));
    }
    Ok(())
}

/// One task per file, a few at a time.
async fn as_fast_as_acknowledged(shared: &Arc<Shared>, files: Vec<PathBuf>) -> Result<(), Failure> {
    let places = Arc::new(Semaphore::new(FILES_AT_ONCE));
    let mut tasks = JoinSet::new();
    for path in files {
        let (shared, places) = (Arc::clone(shared), Arc::clone(&places));
        tasks.spawn(async move {
            // The semaphore is never closed; without a place the file would only come early.
            let _place = places.acquire_owned().await;
            let recorded = read(&shared, path).await?;
            for (id, recorded) in recorded {
                shared.count(&id, &recorded).await;
                if shared.arguments.dry_run {
                    continue;
                }
                let meter = shared.meter(&id).await?;
                for rows in recorded.rows.chunks(CHUNK) {
                    meter.send(rows.iter().map(|row| shared.reading(*row)).collect()).await?;
                }
            }
            shared.report.lock().await.files += 1;
            Ok::<(), Failure>(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|error| Failure::of("a file's task ended", error))??;
    }
    shared.finish().await
}

/// All files in memory, in order of time, as fast as `times` the recorded time.
async fn paced(shared: &Arc<Shared>, files: Vec<PathBuf>, times: u32) -> Result<(), Failure> {
    let mut order: Vec<(Timestamp, usize, Row)> = Vec::new();
    let mut meters = Vec::new();
    for path in files {
        for (id, recorded) in read(shared, path).await? {
            shared.count(&id, &recorded).await;
            if !shared.arguments.dry_run {
                meters.push(shared.meter(&id).await?);
                let number = meters.len() - 1;
                order.extend(recorded.rows.iter().map(|row| (row.end, number, *row)));
            }
        }
        shared.report.lock().await.files += 1;
    }
    order.sort_unstable_by_key(|(end, number, _)| (*end, *number));
    let Some((first, _, _)) = order.first().copied() else { return shared.finish().await };
    let begun = tokio::time::Instant::now();
    for (end, number, row) in order {
        let seconds = u64::try_from(end.since(first)).unwrap_or(0);
        sleep_until(begun + Duration::from_millis(seconds.saturating_mul(1000) / u64::from(times)))
            .await;
        if let Some(meter) = meters.get(number) {
            meter.send(vec![shared.reading(row)]).await?;
        }
    }
    shared.finish().await
}

/// Reads one file on a thread for such work.
async fn read(shared: &Arc<Shared>, path: PathBuf) -> Result<BTreeMap<String, Recorded>, Failure> {
    let map = Arc::clone(&shared.map);
    tokio::task::spawn_blocking(move || rows::read(&path, &map))
        .await
        .map_err(|error| Failure::of("reading ended", error))?
}

impl Shared {
    /// The meter of this id, switched on when it is seen for the first time.
    async fn meter(&self, id: &str) -> Result<Arc<MeterClient>, Failure> {
        let mut meters = self.meters.lock().await;
        if let Some(meter) = meters.get(id) {
            return Ok(Arc::clone(meter));
        }
        let mut config = MeterConfig::new(&self.arguments.connect, id);
        config.tls = crate::trust(self.arguments.tls_ca.as_deref())?;
        config.token.clone_from(&self.arguments.token);
        config.usage_point = Some(id.to_owned());
        config.channels =
            interval_channel(&self.map.meter.channel, self.map.meter.interval_seconds);
        config.most_pending = ON_THEIR_WAY;
        config.batch = CHUNK;
        config.statistics = Arc::clone(&self.statistics);
        config.identities = Some(self.identities.clone());
        let state = self.keep.lock().await.state(id);
        let meter = Arc::new(MeterClient::start(config, state)?);
        meters.insert(id.to_owned(), Arc::clone(&meter));
        Ok(meter)
    }

    fn reading(&self, row: Row) -> NewReading {
        let mut reading = NewReading::new(row.end, Energy::from_wh(row.wh));
        reading.channel = Arc::clone(&self.map.channel);
        reading
    }

    async fn count(&self, id: &str, recorded: &Recorded) {
        let mut report = self.report.lock().await;
        let tally = report.meters.entry(id.to_owned()).or_default();
        *tally = tally.plus(&Tally::of(recorded));
    }

    /// Waits until everything is acknowledged, and switches the meters off.
    async fn finish(&self) -> Result<(), Failure> {
        let meters = std::mem::take(&mut *self.meters.lock().await);
        for meter in meters.into_values() {
            meter.flushed().await?;
            if let Some(meter) = Arc::into_inner(meter) {
                meter.close().await?;
            }
        }
        Ok(())
    }
}

async fn progress(shared: &Shared, files: usize, begun: Instant) -> String {
    let statistics = &shared.statistics;
    let seconds = begun.elapsed().as_secs();
    let acknowledged = statistics.acknowledged();
    format!(
        "{seconds} s · files {} of {files} · meters connected {} · sent {} · acknowledged {} ({} a second) · ack p99 {}",
        shared.report.lock().await.files,
        statistics.connected(),
        grouped(statistics.sent()),
        grouped(acknowledged),
        grouped(acknowledged / seconds.max(1)),
        brief(statistics.latency().percentile(99)),
    )
}

/// The files, and those in folders, in order of name.
fn files(given: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in given {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let cannot =
            |error| Failure::of(format!("cannot read the folder {}", path.display()), error);
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path).map_err(cannot)? {
            let entry = entry.map_err(cannot)?.path();
            if is_csv(&entry) {
                inside.push(entry);
            }
        }
        if inside.is_empty() {
            return Err(Failure::new(format!("{}: no .csv or .csv.gz file in it", path.display())));
        }
        inside.sort();
        files.append(&mut inside);
    }
    Ok(files)
}

fn is_csv(path: &Path) -> bool {
    let ends_with =
        |path: &Path, wanted| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(wanted));
    ends_with(path, "csv") || (ends_with(path, "gz") && ends_with(&path.with_extension(""), "csv"))
}
