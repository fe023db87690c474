//! Logs: to standard error, by level and target.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use crate::{
    failure::Failure,
    settings::{LogFormat, LogSettings},
};

/// Starts logging for the rest of the process.
pub(crate) fn start(settings: &LogSettings) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&settings.level).map_err(|error| {
        Failure::new(format!(
            "configuration: log.level is `{}` ({error}): give error, warn, info, debug or trace, also by \
             target as in `warn,corrente_headend=debug`",
            settings.level
        ))
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    let started = match settings.format {
        LogFormat::Text => builder.with_ansi(stderr().is_terminal()).with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| Failure::of("cannot log", error))
}

/// Logging of a tool: warnings, unless `CORRENTE_LOG_LEVEL` says otherwise.
pub(crate) fn start_for_tool() -> Result<(), Failure> {
    let level = std::env::var("CORRENTE_LOG_LEVEL").unwrap_or_else(|_| "warn".to_owned());
    start(&LogSettings { level, ..LogSettings::default() })
}
