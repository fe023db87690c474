//! Ctrl-C and SIGTERM.

use std::{future::Future, pin::Pin};

use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;

/// Ends when somebody asks the program to stop. Signals are caught from this call on.
pub(crate) fn asked_to_stop() -> Result<Pin<Box<dyn Future<Output = ()> + Send>>, Failure> {
    let listen =
        |kind| signal(kind).map_err(|error| Failure::of("cannot listen for signals", error));
    let (mut interrupt, mut terminate) =
        (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(Box::pin(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }))
}
