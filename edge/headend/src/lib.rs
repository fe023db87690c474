//! The head-end: one port, and behind it the line protocol, the prototype's protocol and HTTP.
//!
//! A connection goes through [`corrente_line::detect`] on its raw bytes, and again inside TLS where
//! that is configured. A meter's reading is acknowledged after the ledger made it durable, and while
//! the ledger falls behind nothing more is read from the socket: memory stays bounded, and a flood
//! slows the flooder.
//!
//! What is deliberately absent: the protocols themselves (`proto/line`, pure), what the HTTP routes
//! answer (`edge/api`), and retries (a meter resends what was not acknowledged).

mod accept;
mod addresses;
mod config;
mod connection;
pub mod descriptors;
mod directory;
mod http;
mod lab;
mod line;
mod links;
mod pace;
mod statistics;
mod stream;
pub mod tls;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use corrente_clock::BusinessClock;
use corrente_lab::Lab;
use corrente_ledger::Ledger;
use corrente_live::LiveHub;
use corrente_metering::id::MeterId;
use corrente_registry::Registry;
use tokio::{net::TcpSocket, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use addresses::Addresses;
pub use config::HeadendConfig;
use links::Links;
use statistics::Counters;
pub use statistics::HeadendStatistics;

/// What the head-end works with.
#[derive(Clone, Debug)]
pub struct Services {
    /// Where readings go.
    pub ledger: Arc<dyn Ledger>,
    /// Who is who.
    pub registry: Registry,
    /// Business time.
    pub clock: BusinessClock,
    /// Who watches.
    pub live: LiveHub,
    /// The prototype's service, in lab mode.
    pub lab: Option<Lab>,
}

/// Why the head-end cannot start.
#[derive(Debug, thiserror::Error)]
pub enum HeadendError {
    /// Somebody else has the port.
    #[error(
        "{0} is in use by another program: stop that one, or choose another address with --listen"
    )]
    InUse(SocketAddr),
    /// The system does not let us have the port.
    #[error("no permission to listen on {0}: choose a port from 1024 up with --listen")]
    NotPermitted(SocketAddr),
    /// The machine has no such address.
    #[error("{0} is no address of this machine: choose another one with --listen")]
    NotHere(SocketAddr),
    /// Something else.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl HeadendError {
    fn from_listen(address: SocketAddr, source: std::io::Error) -> Self {
        let kind = source.kind();
        if kind == std::io::ErrorKind::AddrInUse {
            Self::InUse(address)
        } else if kind == std::io::ErrorKind::PermissionDenied {
            Self::NotPermitted(address)
        } else if kind == std::io::ErrorKind::AddrNotAvailable {
            Self::NotHere(address)
        } else {
            Self::Listen { address, source }
        }
    }
}

/// A running head-end. It goes on when this is dropped; [`Running::shutdown`] ends it.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub local_addr: SocketAddr,
    shared: Arc<Shared>,
}

/// A handle on a running head-end.
#[derive(Clone, Debug)]
pub struct Headend {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: HeadendConfig,
    pub(crate) services: Services,
    pub(crate) http: Router,
    pub(crate) links: Links,
    pub(crate) addresses: Addresses,
    pub(crate) counters: Counters,
    pub(crate) stopping: CancellationToken,
    pub(crate) tasks: TaskTracker,
    started: Instant,
}

impl Shared {
    /// Monotonic milliseconds for sessions and limits.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The same as an instant of the timer.
    pub(crate) fn instant(&self, ms: u64) -> Instant {
        self.started + Duration::from_millis(ms)
    }
}

impl Headend {
    /// Listens and serves until [`Running::shutdown`]. `http` answers what is HTTP. To be called on a
    /// tokio runtime.
    pub fn bind(
        mut config: HeadendConfig,
        services: Services,
        http: Router,
    ) -> Result<Running, HeadendError> {
        let address = config.listen;
        let wanted = config.connections;
        config.connections = descriptors::connections(wanted);
        let listener =
            listen(address).map_err(|source| HeadendError::from_listen(address, source))?;
        let local_addr =
            listener.local_addr().map_err(|source| HeadendError::Listen { address, source })?;
        let shared = Arc::new(Shared {
            addresses: Addresses::new(&config),
            config,
            services,
            http,
            links: Links::default(),
            counters: Counters::default(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            started: Instant::now(),
        });
        drop(shared.tasks.spawn(accept::run(listener, Arc::clone(&shared))));
        tracing::info!(listen.address = %local_addr, "head-end listening");
        let connections = shared.config.connections;
        if connections < wanted {
            tracing::warn!(
                connections,
                wanted,
                "fewer connections than configured, by the limit of open files (LimitNOFILE, ulimit -n)"
            );
        }
        Ok(Running { local_addr, shared })
    }

    /// Asks a connected meter to report every so many seconds. Says whether it is connected.
    pub fn set_interval(&self, meter: MeterId, seconds: u32) -> bool {
        self.shared.links.set_interval(meter, seconds)
    }

    /// Is this meter connected now?
    pub fn is_connected(&self, meter: MeterId) -> bool {
        self.shared.links.is_connected(meter)
    }

    /// What it did so far.
    pub fn statistics(&self) -> HeadendStatistics {
        let meters = u64::try_from(self.shared.links.count()).unwrap_or(u64::MAX);
        self.shared.counters.read(meters)
    }
}

impl Running {
    /// A handle.
    pub fn headend(&self) -> Headend {
        Headend { shared: Arc::clone(&self.shared) }
    }

    /// Stops accepting, lets what is on its way become durable and acknowledged, says goodbye and
    /// closes; what is not done after the grace period is cut off.
    pub async fn shutdown(self) {
        let shared = self.shared;
        shared.stopping.cancel();
        shared.links.stop();
        shared.tasks.close();
        if tokio::time::timeout(shared.config.grace, shared.tasks.wait()).await.is_err() {
            tracing::warn!(connections = shared.tasks.len(), "connections cut off at shutdown");
        }
    }
}

fn listen(address: SocketAddr) -> std::io::Result<tokio::net::TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A server that starts again must not wait for the connections of the last one to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(4096)
}
