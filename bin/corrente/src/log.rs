//! Logs: to standard error, by level and target; and traces, where a collector is configured.

use std::io::{IsTerminal, stderr};

use tracing::Level;
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::Targets, fmt, layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{
    failure::Failure,
    settings::{LogFormat, LogSettings, TraceSettings},
    traces::{self, Traces},
};

/// Starts logging for the rest of the process, and traces for as long as the answer lives.
pub(crate) fn start(
    settings: &LogSettings,
    traces: &TraceSettings,
) -> Result<Option<Traces>, Failure> {
    let filter = EnvFilter::try_new(&settings.level).map_err(|error| {
        Failure::new(format!(
            "configuration: log.level is `{}` ({error}): give error, warn, info, debug or trace, also by \
             target as in `warn,corrente_headend=debug`",
            settings.level
        ))
    })?;
    // Spans of traces would stand in front of each line.
    let quiet = format!("{}=off", traces::TARGET);
    let filter = match quiet.parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    };
    let lines = fmt::layer().with_writer(stderr);
    let lines = match settings.format {
        LogFormat::Text => lines.with_ansi(stderr().is_terminal()).with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let (way, spans) = Traces::open(traces)?.map_or((None, None), |(way, tracer)| {
        let spans = tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_filter(Targets::new().with_target(traces::TARGET, Level::INFO));
        (Some(way), Some(spans))
    });
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(spans)
        .try_init()
        .map_err(|error| Failure::of("cannot log", error))?;
    Ok(way)
}

/// Logging of a tool: warnings, unless `CORRENTE_LOG_LEVEL` says otherwise.
pub(crate) fn start_for_tool() -> Result<(), Failure> {
    let level = std::env::var("CORRENTE_LOG_LEVEL").unwrap_or_else(|_| "warn".to_owned());
    start(&LogSettings { level, ..LogSettings::default() }, &TraceSettings::default()).map(drop)
}
