//! The head-end and the ledger in this program, with what a bench asks over HTTP beside them. What
//! `corrente serve` answers over HTTP needs a session and asks the registry too; this asks the ledger
//! alone, as the peers are asked.

use std::{path::PathBuf, sync::Arc};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use corrente_clock::BusinessClock;
use corrente_headend::{Headend, HeadendConfig, Services};
use corrente_ledger::{AsOf, Ledger, LedgerError, LedgerOptions, SqliteLedger};
use corrente_live::LiveHub;
use corrente_metering::{ChannelId, Reading, Span, Timestamp};
use corrente_registry::Registry;

use crate::{
    Failure,
    figure::say,
    http::Http,
    peer::{Asker, Question, load::decimal},
    workload::{DAY_SECONDS, START},
};

/// A year after the workload begins: nothing is from the future.
const NOW: i64 = START + 365 * DAY_SECONDS;

/// Options of `bench ledger-server`.
#[derive(Debug, clap::Args)]
pub(crate) struct ServerOptions {
    #[arg(long)]
    data: PathBuf,
    #[arg(long)]
    window_mib: usize,
}

/// Serves until it is killed; prints its address when it is ready.
pub(crate) fn run(options: &ServerOptions) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let registry = Registry::open(options.data.join("registry.db"))?;
        let settings =
            LedgerOptions { window_bytes: options.window_mib << 20, ..LedgerOptions::default() };
        let ledger: Arc<dyn Ledger> =
            Arc::new(SqliteLedger::open(&options.data.join("ledger.db"), settings)?);
        let http = Router::new()
            .route("/last/{meter}", get(last))
            .route("/range/{meter}/{start}/{end}", get(range))
            .route("/city/{first}/{last}", get(city))
            .route("/everybody/{first}/{last}", get(everybody))
            .with_state(Arc::clone(&ledger));
        let services = Services {
            ledger,
            registry,
            clock: BusinessClock::stopped_at(Timestamp::from_second(NOW)),
            live: LiveHub::new(),
            lab: None,
        };
        let config = HeadendConfig::new(([127, 0, 0, 1], 0).into());
        let running = Headend::bind(config, services, http)?;
        say(&format!("listening on http://{}", running.local_addr));
        std::future::pending::<()>().await;
        Ok(())
    })
}

type Store = State<Arc<dyn Ledger>>;
type Answer = Result<Vec<u8>, (StatusCode, String)>;

/// Reading from files may wait: on a thread where that is allowed.
async fn blocking(ask: impl FnOnce() -> Result<Vec<u8>, LedgerError> + Send + 'static) -> Answer {
    let failed = |error: String| (StatusCode::INTERNAL_SERVER_ERROR, error);
    let answered = tokio::task::spawn_blocking(ask).await.map_err(|e| failed(e.to_string()))?;
    answered.map_err(|error| failed(error.to_string()))
}

fn channel(meter: u64) -> ChannelId {
    ChannelId::from_number(meter + 1)
}

fn list(readings: &[Reading]) -> Vec<u8> {
    let mut out = Vec::with_capacity(readings.len() * 24 + 2);
    out.push(b'[');
    for (place, reading) in readings.iter().enumerate() {
        out.extend_from_slice(if place == 0 { b"[" } else { b",[" });
        decimal(reading.end.second(), &mut out);
        out.push(b',');
        decimal(reading.value.wh(), &mut out);
        out.push(b']');
    }
    out.push(b']');
    out
}

async fn last(State(ledger): Store, Path(meter): Path<u64>) -> Answer {
    blocking(move || {
        let last = ledger.last(channel(meter))?;
        Ok(list(last.as_slice()))
    })
    .await
}

async fn range(State(ledger): Store, Path((meter, start, end)): Path<(u64, i64, i64)>) -> Answer {
    blocking(move || {
        let span = Span::new(Timestamp::from_second(start), Timestamp::from_second(end));
        Ok(list(&ledger.range(channel(meter), span, AsOf::Now)?))
    })
    .await
}

async fn city(State(ledger): Store, Path((first, last)): Path<(i32, i32)>) -> Answer {
    blocking(move || {
        let mut total = ledger.day_total(first)?;
        for day in first + 1..=last {
            let next = ledger.day_total(day)?;
            total.energy = total.energy.checked_add(next.energy).unwrap_or(total.energy);
        }
        Ok(format!("[[{},{}]]", total.channels, total.energy.wh()).into_bytes())
    })
    .await
}

async fn everybody(State(ledger): Store, Path((first, last)): Path<(i32, i32)>) -> Answer {
    blocking(move || {
        let totals = ledger.totals(first, last)?;
        let mut out = Vec::with_capacity(totals.len() * 16 + 2);
        out.push(b'[');
        for (place, total) in totals.iter().enumerate() {
            out.extend_from_slice(if place == 0 { b"[" } else { b",[" });
            decimal(total.channel.number().cast_signed(), &mut out);
            out.push(b',');
            decimal(total.energy.map_or(-1, corrente_units::Energy::wh), &mut out);
            out.push(b']');
        }
        out.push(b']');
        Ok(out)
    })
    .await
}

/// Asks such a server.
pub(super) fn asker(address: std::net::SocketAddr) -> Result<Box<dyn Asker>, Failure> {
    Ok(Box::new(Questions(Http::connect(address)?)))
}

struct Questions(Http);

impl Asker for Questions {
    fn ask(&mut self, question: Question) -> Result<usize, Failure> {
        let days = |start: i64, end: i64| (start / DAY_SECONDS, end / DAY_SECONDS - 1);
        let path = match question {
            Question::Last { meter } => format!("/last/{meter}"),
            Question::Range { meter, start, end } => format!("/range/{meter}/{start}/{end}"),
            Question::City { start, end } => {
                let (first, last) = days(start, end);
                format!("/city/{first}/{last}")
            }
            Question::Everybody { start, end } => {
                let (first, last) = days(start, end);
                format!("/everybody/{first}/{last}")
            }
        };
        let answer = self.0.get(&path)?;
        Ok(answer.split(|&byte| byte == b']').count().saturating_sub(2))
    }
}
