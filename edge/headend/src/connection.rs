//! From a new connection to its protocol.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
};

use axum::http::uri::Scheme;
use corrente_line::{
    detect::{Detected, detect},
    v1::{ErrorCode, LineError, ServerMessage},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::{
    Shared,
    addresses::Place,
    http, lab, line,
    stream::{Rewound, Stream, linger, read_some, write_all},
};

/// A fatal `handshake_failure` alert (RFC 8446 §6), for TLS where there is none: the peer's own library
/// then says so, where a line of JSON would puzzle it.
const NO_TLS_HERE: [u8; 7] = [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28];

/// What a connection turned out to be, with what was read so far.
struct Beginning {
    detected: Detected,
    bytes: Vec<u8>,
}

/// Who is connected; counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) peer: SocketAddr,
    pub(crate) place: Place,
    pub(crate) shared: Arc<Shared>,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.shared.counters.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves a connection: to its end, or until a smaller task goes on with it.
pub(crate) async fn serve(mut stream: TcpStream, guest: Guest) {
    let shared = Arc::clone(&guest.shared);
    let shared = &shared;
    let peer = guest.peer;
    let Some(beginning) = begin(&mut stream, peer, shared).await else { return };
    if beginning.detected != Detected::Tls {
        dispatch(stream, beginning, Scheme::HTTP, guest).await;
        return;
    }
    let Some(tls) = &shared.config.tls else {
        drop(write_all(&mut stream, &NO_TLS_HERE, shared.config.stall).await);
        linger(&mut stream).await;
        return;
    };
    let acceptor = TlsAcceptor::from(Arc::clone(tls));
    // The handshake and what follows are larger than a plain connection: they get memory of their own.
    Box::pin(async move {
        let handshake = acceptor.accept(Rewound::new(beginning.bytes, stream));
        let mut stream = tokio::select! {
            () = shared.stopping.cancelled() => return,
            done = tokio::time::timeout(shared.config.first_bytes, handshake) => match done {
                Ok(Ok(stream)) => stream,
                // rustls has told the peer why; half-open ones end here too.
                Ok(Err(_)) | Err(_) => return,
            },
        };
        let Some(beginning) = begin(&mut stream, peer, shared).await else { return };
        if beginning.detected == Detected::Tls {
            refuse(&mut stream, "TLS inside TLS is not spoken here", shared).await;
            return;
        }
        dispatch(stream, beginning, Scheme::HTTPS, guest).await;
    })
    .await;
}

/// Reads until it is clear what is spoken. `None` when the connection is over.
async fn begin<S: Stream>(stream: &mut S, peer: SocketAddr, shared: &Shared) -> Option<Beginning> {
    let lab = shared.services.lab.as_ref().is_some_and(|lab| lab.allows(peer.ip()));
    let mut bytes = Vec::new();
    let listening = async {
        loop {
            let more = read_some(stream).await.ok()?;
            if more.is_empty() {
                return None;
            }
            bytes.extend_from_slice(&more);
            match detect(&bytes, lab) {
                Detected::NeedMore => {}
                decided @ (Detected::Tls
                | Detected::Http
                | Detected::Line
                | Detected::Lab
                | Detected::Unknown) => return Some(decided),
            }
        }
    };
    let heard = tokio::select! {
        () = shared.stopping.cancelled() => return None,
        heard = tokio::time::timeout(shared.config.first_bytes, listening) => heard,
    };
    match heard {
        Ok(detected) => detected.map(|detected| Beginning { detected, bytes }),
        Err(_) if lab && !bytes.is_empty() => Some(Beginning { detected: Detected::Lab, bytes }),
        Err(_) => {
            refuse(stream, "nothing that could be understood came in time", shared).await;
            None
        }
    }
}

async fn dispatch<S: Stream>(
    mut stream: S,
    beginning: Beginning,
    scheme: Scheme,
    mut guest: Guest,
) {
    let Beginning { detected, bytes } = beginning;
    let shared = Arc::clone(&guest.shared);
    match detected {
        Detected::Line => line::serve(stream, bytes, guest).await,
        Detected::Http => {
            guest.place.known();
            // Far larger than a meter's connection.
            let stream = Rewound::new(bytes, stream);
            Box::pin(http::serve(stream, guest.peer, scheme, &shared)).await;
        }
        Detected::Lab => {
            guest.place.known();
            Box::pin(lab::serve(stream, bytes, &shared)).await;
        }
        Detected::Tls | Detected::Unknown | Detected::NeedMore => {
            refuse(&mut stream, "expected HTTP, TLS or a JSON object", &shared).await;
        }
    }
}

/// Says why in a line of JSON, which a person with a terminal can read, and closes.
async fn refuse<S: Stream>(stream: &mut S, reason: &'static str, shared: &Shared) {
    shared.counters.errors.fetch_add(1, Ordering::Relaxed);
    let error = LineError::new(ErrorCode::BadJson, reason);
    let line = ServerMessage::Error(error).to_line();
    if write_all(stream, &line, shared.config.stall).await.is_ok() {
        linger(stream).await;
    }
}
