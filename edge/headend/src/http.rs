//! HTTP connections, version 1 and 2, handed to the router.

use std::{net::SocketAddr, pin::pin, sync::Arc};

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Request, uri::Scheme},
};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tower::Service as _;

use crate::{
    Shared,
    pace::{Drained, Paced},
    stream::Stream,
};

/// What is read ahead of a request, and the most that its headers may take.
const BUFFER_BYTES: usize = 64 * 1024;
/// Requests at once on a connection of version 2.
const STREAMS: u32 = 128;

/// Serves a connection to its end. Handlers find the peer and the scheme, which says whether the
/// connection is encrypted, in the request's extensions.
pub(crate) async fn serve<S: Stream>(
    stream: S,
    peer: SocketAddr,
    scheme: Scheme,
    shared: &Arc<Shared>,
) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.config.http_headers)
        .max_buf_size(BUFFER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(shared.config.http_headers)
        .keep_alive_timeout(shared.config.stall);
    let router = shared.http.clone();
    let stall = shared.config.stall;
    let stream = Drained::new(stream, stall);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(scheme.clone());
        // A router is always ready.
        router.clone().call(request.map(|body| Body::new(Paced::new(body, stall))))
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        ended = connection.as_mut() => {
            if let Err(error) = ended {
                // The peer went away or spoke no HTTP; hyper has answered where it could.
                tracing::debug!(peer.address = %peer, error, "http connection ended");
            }
            return;
        }
        () = shared.stopping.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    drop(tokio::time::timeout(shared.config.grace, connection).await);
}
