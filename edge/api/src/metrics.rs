//! `/metrics`: figures for Prometheus.
//!
//! Every name stands in [`Metric`] and nowhere else. No label ever names a meter, a usage point or a
//! person: there may be a million of them, and who watches the server need not know them.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{FromRequestParts, MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};
use corrente_registry::counts;
use http::{header, request::Parts};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, text},
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::ConstGauge,
        histogram::Histogram,
    },
    registry::Registry,
};
use tracing::Instrument as _;

use crate::{Api, Operator, Problem, auth};

/// A figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Requests of the API, by operation, method and status.
    HttpRequests,
    /// How long requests of the API took.
    HttpSeconds,
    /// Connections of every protocol that are open.
    Connections,
    /// Meters of the line protocol that are connected.
    MetersConnected,
    /// Connections accepted.
    ConnectionsAccepted,
    /// Connections closed at once because a limit was reached.
    ConnectionsRefused,
    /// Connections that ended with an error line.
    ConnectionErrors,
    /// Readings acknowledged.
    ReadingsAcknowledged,
    /// Readings that the ledger had already.
    ReadingsDuplicate,
    /// Readings whose time was taken by another value.
    ReadingsConflict,
    /// Readings that were kept aside.
    ReadingsQuarantined,
    /// Channels that the ledger knows.
    LedgerChannels,
    /// Readings in memory for the open days.
    LedgerWindowReadings,
    /// Memory of the open days.
    LedgerWindowBytes,
    /// Memory of the open days for each channel.
    LedgerWindowBytesPerChannel,
    /// Readings made durable.
    LedgerReadings,
    /// Group commits.
    LedgerCommits,
    /// Blocks written.
    LedgerBlocks,
    /// Does the ledger take readings?
    LedgerAccepting,
    /// Customers in the registry.
    Customers,
    /// Usage points in the registry.
    UsagePoints,
    /// Meters in the registry.
    Meters,
    /// Users in the registry.
    Users,
    /// Invoices that wait for payment.
    InvoicesOpen,
    /// Messages that wait to be sent.
    OutboxWaiting,
    /// Messages that were given up.
    OutboxFailed,
    /// Findings that nobody looked at.
    FindingsOpen,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 27] = [
        Self::HttpRequests,
        Self::HttpSeconds,
        Self::Connections,
        Self::MetersConnected,
        Self::ConnectionsAccepted,
        Self::ConnectionsRefused,
        Self::ConnectionErrors,
        Self::ReadingsAcknowledged,
        Self::ReadingsDuplicate,
        Self::ReadingsConflict,
        Self::ReadingsQuarantined,
        Self::LedgerChannels,
        Self::LedgerWindowReadings,
        Self::LedgerWindowBytes,
        Self::LedgerWindowBytesPerChannel,
        Self::LedgerReadings,
        Self::LedgerCommits,
        Self::LedgerBlocks,
        Self::LedgerAccepting,
        Self::Customers,
        Self::UsagePoints,
        Self::Meters,
        Self::Users,
        Self::InvoicesOpen,
        Self::OutboxWaiting,
        Self::OutboxFailed,
        Self::FindingsOpen,
    ];

    /// Its name; Prometheus adds `_total` to a counter.
    pub const fn name(self) -> &'static str {
        self.words().0
    }

    /// What it counts.
    pub const fn help(self) -> &'static str {
        self.words().1
    }

    const fn words(self) -> (&'static str, &'static str, Kind) {
        use Kind::{Counter, Gauge, Histogram};
        match self {
            Self::HttpRequests => {
                ("corrente_http_requests", "Requests of the API, by operation and status", Counter)
            }
            Self::HttpSeconds => {
                ("corrente_http_request_seconds", "How long requests of the API took", Histogram)
            }
            Self::Connections => {
                ("corrente_connections", "Open connections of every protocol", Gauge)
            }
            Self::MetersConnected => {
                ("corrente_meters_connected", "Connected meters of the line protocol", Gauge)
            }
            Self::ConnectionsAccepted => {
                ("corrente_connections_accepted", "Connections accepted", Counter)
            }
            Self::ConnectionsRefused => {
                ("corrente_connections_refused", "Connections closed at a limit", Counter)
            }
            Self::ConnectionErrors => {
                ("corrente_connection_errors", "Connections that ended with an error line", Counter)
            }
            Self::ReadingsAcknowledged => {
                ("corrente_readings_acknowledged", "Readings durable and acknowledged", Counter)
            }
            Self::ReadingsDuplicate => {
                ("corrente_readings_duplicate", "Readings that the ledger had already", Counter)
            }
            Self::ReadingsConflict => (
                "corrente_readings_conflict",
                "Readings whose time was taken by another value",
                Counter,
            ),
            Self::ReadingsQuarantined => {
                ("corrente_readings_quarantined", "Readings kept aside", Counter)
            }
            Self::LedgerChannels => {
                ("corrente_ledger_channels", "Channels that the ledger knows", Gauge)
            }
            Self::LedgerWindowReadings => {
                ("corrente_ledger_window_readings", "Readings in memory for the open days", Gauge)
            }
            Self::LedgerWindowBytes => {
                ("corrente_ledger_window_bytes", "Memory of the open days", Gauge)
            }
            Self::LedgerWindowBytesPerChannel => (
                "corrente_ledger_window_bytes_per_channel",
                "Memory of the open days for each channel",
                Gauge,
            ),
            Self::LedgerReadings => ("corrente_ledger_readings", "Readings made durable", Counter),
            Self::LedgerCommits => ("corrente_ledger_commits", "Group commits", Counter),
            Self::LedgerBlocks => ("corrente_ledger_blocks", "Blocks written", Counter),
            Self::LedgerAccepting => {
                ("corrente_ledger_accepting", "1 while the ledger takes readings", Gauge)
            }
            Self::Customers => ("corrente_customers", "Customers", Gauge),
            Self::UsagePoints => ("corrente_usage_points", "Usage points", Gauge),
            Self::Meters => ("corrente_meters", "Meters", Gauge),
            Self::Users => ("corrente_users", "Users", Gauge),
            Self::InvoicesOpen => {
                ("corrente_invoices_open", "Invoices that wait for payment", Gauge)
            }
            Self::OutboxWaiting => {
                ("corrente_outbox_waiting", "Messages that wait to be sent", Gauge)
            }
            Self::OutboxFailed => ("corrente_outbox_failed", "Messages that were given up", Gauge),
            Self::FindingsOpen => {
                ("corrente_findings_open", "Findings that nobody looked at", Gauge)
            }
        }
    }
}

/// Figures that somebody else counts, such as the head-end.
pub type MetricSource = Arc<dyn Fn() -> Vec<(Metric, u64)> + Send + Sync>;

/// What is counted while requests run.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Vec<(&'static str, String)>, Counter>,
    seconds: Histogram,
    source: Mutex<Option<MetricSource>>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::default();
        let requests = Family::default();
        let seconds = Histogram::new([0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0]);
        registry.register(
            Metric::HttpRequests.name(),
            Metric::HttpRequests.help(),
            requests.clone(),
        );
        registry.register(Metric::HttpSeconds.name(), Metric::HttpSeconds.help(), seconds.clone());
        Self { registry, requests, seconds, source: Mutex::default() }
    }
}

impl Metrics {
    fn source(&self) -> Option<MetricSource> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Api {
    /// Adds the figures of the head-end, which starts after this interface. It holds the head-end, which
    /// holds this interface, until [`Api::set_stopping`] lets it go.
    pub fn count_from(&self, source: MetricSource) {
        self.set_source(Some(source));
    }

    pub(crate) fn set_source(&self, source: Option<MetricSource>) {
        *self.metrics().source.lock().unwrap_or_else(PoisonError::into_inner) = source;
    }
}

pub(crate) fn routes() -> Router<Api> {
    Router::new().route("/metrics", get(metrics))
}

/// Counts a request of the API.
pub(crate) async fn count(State(api): State<Api>, request: Request, next: Next) -> Response {
    let begun = std::time::Instant::now();
    let operation = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "(none)".to_owned(), |path| path.as_str().to_owned());
    let method = request.method().as_str().to_owned();
    let span = tracing::info_span!(
        target: "corrente::trace",
        "http.request",
        otel.name = %format_args!("{method} {operation}"),
        otel.kind = "server",
        http.request.method = %method,
        http.route = %operation,
        http.response.status_code = tracing::field::Empty,
    );
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    let status = response.status().as_str().to_owned();
    let labels = vec![("operation", operation), ("method", method), ("status", status)];
    let metrics = api.metrics();
    metrics.requests.get_or_create(&labels).inc();
    metrics.seconds.observe(begun.elapsed().as_secs_f64());
    response
}

/// Whoever may read the figures: this machine itself, or an operator. Where somebody in front of this
/// server encrypts, every peer looks like this machine, so that only operators may.
struct Watcher;

impl FromRequestParts<Api> for Watcher {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let local = auth::peer(&parts.extensions).is_some_and(|peer| peer.is_loopback());
        if !local || api.config().behind_tls {
            Operator::from_request_parts(parts, api).await?;
        }
        Ok(Self)
    }
}

/// Figures of this moment.
#[derive(Debug)]
struct Snapshot(Vec<(Metric, u64)>);

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for (metric, value) in &self.0 {
            let (name, help, kind) = metric.words();
            match kind {
                Kind::Counter => {
                    let counter = ConstCounter::new(*value);
                    let kind = counter.metric_type();
                    counter.encode(encoder.encode_descriptor(name, help, None, kind)?)?;
                }
                Kind::Gauge => {
                    let gauge = ConstGauge::new(i64::try_from(*value).unwrap_or(i64::MAX));
                    let kind = gauge.metric_type();
                    gauge.encode(encoder.encode_descriptor(name, help, None, kind)?)?;
                }
                Kind::Histogram => {}
            }
        }
        Ok(())
    }
}

async fn metrics(State(api): State<Api>, _: Watcher) -> Result<Response, Problem> {
    let counts = api.registry().read(counts::all).await?;
    let ledger = api.ledger().stats();
    let number = |count: i64| u64::try_from(count).unwrap_or(0);
    let mut figures = vec![
        (Metric::LedgerChannels, ledger.channels),
        (Metric::LedgerWindowReadings, ledger.window_readings),
        (Metric::LedgerWindowBytes, ledger.window_bytes),
        (Metric::LedgerWindowBytesPerChannel, ledger.window_bytes_per_channel()),
        (Metric::LedgerReadings, ledger.appended),
        (Metric::LedgerCommits, ledger.commits),
        (Metric::LedgerBlocks, ledger.blocks),
        (Metric::LedgerAccepting, u64::from(ledger.accepting)),
        (Metric::Customers, number(counts.customers)),
        (Metric::UsagePoints, number(counts.usage_points)),
        (Metric::Meters, number(counts.meters)),
        (Metric::Users, number(counts.users)),
        (Metric::InvoicesOpen, number(counts.invoices_open)),
        (Metric::OutboxWaiting, number(counts.outbox_waiting)),
        (Metric::OutboxFailed, number(counts.outbox_failed)),
        (Metric::FindingsOpen, number(counts.findings_open)),
    ];
    if let Some(source) = api.metrics().source() {
        figures.extend(source());
    }
    let mut now = Registry::default();
    now.register_collector(Box::new(Snapshot(figures)));
    let mut body = String::new();
    text::encode_registry(&mut body, &now)
        .and_then(|()| text::encode(&mut body, &api.metrics().registry))
        .map_err(|error| Problem::internal(&error))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], body).into_response())
}
