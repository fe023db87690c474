//! Line protocol v1 on a connection: greeting, admission, then [`reporting`].

mod clock;
mod group;
mod reporting;

use std::sync::{Arc, atomic::Ordering};

use corrente_line::v1::{ErrorCode, Hello, LineError, Received, ServerMessage, Session, Welcome};

use crate::{
    Shared,
    connection::Guest,
    directory::{self, Admission},
    stream::{Stream, linger, read_some, write_all},
};

use reporting::Reporting;

/// Serves a connection, beginning with what was read of it. An admitted meter goes on in a task of its
/// own, which is much smaller than what it took to get there.
pub(crate) async fn serve<S: Stream>(mut stream: S, first: Vec<u8>, mut guest: Guest) {
    let shared = Arc::clone(&guest.shared);
    let mut session = Session::new(shared.config.line, shared.now_ms());
    match Box::pin(greet(&mut stream, &mut session, first, &shared)).await {
        Ok(Some(Greeted { meter, enrolled, received })) => {
            guest.place.known();
            tracing::debug!(meter.id = %meter.meter, peer.address = %guest.peer, "meter connected");
            let reporting = Box::new(Reporting::new(stream, session, meter, enrolled, guest));
            drop(shared.tasks.spawn(reporting.run(received)));
        }
        Ok(None) => {}
        Err(error) => refuse(&mut stream, error, &shared).await,
    }
}

/// A meter that was welcomed.
struct Greeted {
    meter: directory::Admitted,
    /// Did it get its secret just now?
    enrolled: bool,
    /// What came behind the hello.
    received: Received,
}

/// Hears the hello, admits the meter and welcomes it.
async fn greet<S: Stream>(
    stream: &mut S,
    session: &mut Session,
    first: Vec<u8>,
    shared: &Shared,
) -> Result<Option<Greeted>, LineError> {
    let hearing = hear(stream, session, first, shared);
    let hello = tokio::select! {
        () = shared.stopping.cancelled() => return Ok(None),
        heard = tokio::time::timeout(shared.config.first_bytes, hearing) => match heard {
            Ok(Some(hello)) => hello?,
            Ok(None) => return Ok(None),
            Err(_) => return Err(LineError::new(ErrorCode::Idle, "no hello came in time")),
        },
    };
    let Admission { admitted, names, secret } = directory::admit(&shared.services, hello).await?;
    let enrolled = secret.is_some();
    let channels = names.iter().cloned().zip(admitted.channels.iter().map(|c| c.id.number()));
    let welcome = ServerMessage::Welcome(Welcome {
        meter: admitted.meter.to_string(),
        secret,
        channels: channels.collect(),
        interval_s: admitted.interval_s,
        time: shared.services.clock.now(),
    });
    if write_all(stream, &welcome.to_line(), shared.config.stall).await.is_err() {
        return Ok(None);
    }
    let received = session.admitted(names.into_iter().map(String::into_boxed_str));
    Ok(Some(Greeted { meter: admitted, enrolled, received }))
}

/// The hello, or why there is none; nothing when the peer went away.
async fn hear<S: Stream>(
    stream: &mut S,
    session: &mut Session,
    first: Vec<u8>,
    shared: &Shared,
) -> Option<Result<Hello, LineError>> {
    let mut bytes = first;
    loop {
        let received = session.receive(&bytes, shared.now_ms());
        if let Some(hello) = received.hello {
            return Some(Ok(hello));
        }
        if let Some(error) = received.end {
            return Some(Err(error));
        }
        bytes = read_some(stream).await.ok()?;
        if bytes.is_empty() {
            return None;
        }
    }
}

async fn refuse<S: Stream>(stream: &mut S, error: LineError, shared: &Shared) {
    shared.counters.errors.fetch_add(1, Ordering::Relaxed);
    let line = ServerMessage::Error(error).to_line();
    if write_all(stream, &line, shared.config.stall).await.is_ok() {
        linger(stream).await;
    }
}
