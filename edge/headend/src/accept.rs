//! Takes connections in.

use std::{
    io::{Error, ErrorKind, Write as _},
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use corrente_line::v1::{ErrorCode, LineError, ServerMessage};
use tokio::net::{TcpListener, TcpStream};

use crate::{
    Shared,
    connection::{self, Guest},
};

/// How long to wait when the system has no descriptors left.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// Accepts until the head-end stops.
pub(crate) async fn run(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let accepted = tokio::select! {
            () = shared.stopping.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => take(stream, peer, &shared),
            // The peer was gone before we came to it.
            Err(error) if is_of_the_peer(&error) => {}
            Err(error) => {
                tracing::error!(error = %error, "cannot accept connections");
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
}

fn is_of_the_peer(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
    )
}

fn take(stream: TcpStream, peer: SocketAddr, shared: &Arc<Shared>) {
    let counters = &shared.counters;
    let open = counters.connections.load(Ordering::Relaxed);
    let place = (open < u64::from(shared.config.connections))
        .then(|| shared.addresses.take(peer.ip()))
        .flatten();
    let Some(place) = place else {
        say_full(stream);
        let refused = counters.refused.fetch_add(1, Ordering::Relaxed);
        if refused.is_power_of_two() {
            tracing::warn!(peer.address = %peer, refused, "connection limit reached");
        }
        return;
    };
    // Without it small answers wait for an acknowledgement of the network.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    counters.accepted.fetch_add(1, Ordering::Relaxed);
    counters.connections.fetch_add(1, Ordering::Relaxed);
    let shared = Arc::clone(shared);
    let tasks = shared.tasks.clone();
    drop(tasks.spawn(connection::serve(stream, Guest { peer, place, shared })));
}

/// One line for a person or a meter, if it can be sent at once: whoever floods is not waited for.
fn say_full(stream: TcpStream) {
    let error = LineError::new(ErrorCode::Limit, "too many connections: try again later");
    let line = ServerMessage::Error(error).to_line();
    if let Ok(mut stream) = stream.into_std() {
        drop(stream.write(&line));
    }
}
