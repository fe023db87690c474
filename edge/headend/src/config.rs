//! Limits and addresses.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use corrente_line::v1::Limits;

/// How the head-end listens and what it puts up with.
#[derive(Clone, Debug)]
pub struct HeadendConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// With it, TLS is spoken on the same port beside plain connections.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// How long a connection may take to say what it speaks. The prototype's meter waits three seconds.
    pub first_bytes: Duration,
    /// Connections of one address (of one /64 for IPv6); this machine's own address has no such limit.
    pub connections_per_address: u32,
    /// Of these, connections that have not yet said who they are.
    pub strangers_per_address: u32,
    /// Connections in all.
    pub connections: u32,
    /// Silence after which a meter's connection is closed.
    pub line: Limits,
    /// Readings a second and connection that are taken in the long run; above, reading waits.
    pub readings_per_second: u32,
    /// Readings that may come at once before that.
    pub readings_burst: u32,
    /// How long a peer may take to read what it is sent, to send the rest of a line, or to send the next
    /// 4 KiB of a request's body.
    pub stall: Duration,
    /// How long HTTP clients may take for their request's headers, and be silent between requests.
    pub http_headers: Duration,
    /// How long shutting down may take.
    pub grace: Duration,
}

impl HeadendConfig {
    /// Defaults for this address, without TLS.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            tls: None,
            first_bytes: Duration::from_secs(10),
            connections_per_address: 4096,
            strangers_per_address: 512,
            connections: 100_000,
            line: Limits::default(),
            readings_per_second: 100_000,
            readings_burst: 200_000,
            stall: Duration::from_secs(30),
            http_headers: Duration::from_secs(30),
            grace: Duration::from_secs(5),
        }
    }
}
