//! What every handler is given.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Router, middleware};
use corrente_clock::BusinessClock;
use corrente_lab::Lab;
use corrente_ledger::Ledger;
use corrente_live::LiveHub;
use corrente_mdm::Mdm;
use corrente_metering::id::MeterId;
use corrente_notify::{Catalogue, Keys};
use corrente_registry::Registry;
use tokio::sync::Semaphore;

use crate::{
    ApiConfig, Services, auth, headers, health,
    metrics::{self, Metrics},
    openapi, pages,
};

/// Largest body of an ordinary request.
const BODY_BYTES: usize = 1 << 20;
/// Passwords that are hashed at the same time; each takes 19 MiB and a processor.
const HASHING_AT_ONCE: usize = 2;

/// Tells a connected meter how often to report, in seconds. Says whether it is connected.
pub type MeterTeller = Arc<dyn Fn(MeterId, u32) -> bool + Send + Sync>;

/// Who speaks to meters, once there is somebody.
#[derive(Default)]
struct Teller(Mutex<Option<MeterTeller>>);

impl fmt::Debug for Teller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Teller")
    }
}

impl Teller {
    fn set(&self, teller: Option<MeterTeller>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = teller;
    }

    fn get(&self) -> Option<MeterTeller> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The HTTP interface. Clones share it.
#[derive(Clone, Debug)]
pub struct Api {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: ApiConfig,
    services: Services,
    hashing: Semaphore,
    stopping: AtomicBool,
    metrics: Metrics,
    teller: Teller,
}

impl Api {
    /// The interface over these services.
    pub fn new(config: ApiConfig, services: Services) -> Self {
        Self {
            inner: Arc::new(Inner {
                config,
                services,
                hashing: Semaphore::new(HASHING_AT_ONCE),
                stopping: AtomicBool::new(false),
                metrics: Metrics::new(),
                teller: Teller::default(),
            }),
        }
    }

    /// Everything that is answered over HTTP, but for lab mode.
    pub fn router(&self) -> Router {
        let (operations, _) = openapi::operations().split_for_parts();
        let api = operations
            .layer(middleware::from_fn(auth::refuse_cross_site))
            .layer(middleware::from_fn(headers::no_store))
            .layer(middleware::from_fn_with_state(self.clone(), metrics::count))
            .layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES));
        Router::new()
            .merge(api)
            .merge(health::routes())
            .merge(metrics::routes())
            .fallback(pages::serve)
            .method_not_allowed_fallback(pages::serve)
            .with_state(self.clone())
    }

    /// How the interface behaves.
    pub fn config(&self) -> &ApiConfig {
        &self.inner.config
    }

    /// Everything that is not a reading.
    pub fn registry(&self) -> &Registry {
        &self.inner.services.registry
    }

    /// The readings.
    pub fn ledger(&self) -> &Arc<dyn Ledger> {
        &self.inner.services.ledger
    }

    /// Business time.
    pub fn clock(&self) -> &BusinessClock {
        &self.inner.services.clock
    }

    /// What happens now.
    pub fn live(&self) -> &LiveHub {
        &self.inner.services.live
    }

    /// What is believed, billed and alerted.
    pub fn mdm(&self) -> &Mdm {
        &self.inner.services.mdm
    }

    /// The keys of what is sent.
    pub fn keys(&self) -> &Keys {
        &self.inner.services.keys
    }

    /// What alerts say.
    pub fn texts(&self) -> &Catalogue {
        &self.inner.services.texts
    }

    /// The prototype's service, when lab mode is on.
    pub fn lab(&self) -> Option<&Lab> {
        self.inner.services.lab.as_ref()
    }

    /// Says that the server is about to stop: it is not ready any more.
    pub fn set_stopping(&self) {
        self.inner.stopping.store(true, Ordering::Release);
        self.set_source(None);
        self.inner.teller.set(None);
    }

    /// Speaks to meters by the head-end, which starts after this interface. It holds the head-end,
    /// which holds this interface, until [`Api::set_stopping`] lets it go.
    pub fn speak_by(&self, teller: MeterTeller) {
        self.inner.teller.set(Some(teller));
    }

    /// Tells a meter how often to report. Says whether it is connected.
    pub(crate) fn tell_interval(&self, meter: MeterId, seconds: u32) -> bool {
        self.inner.teller.get().is_some_and(|tell| tell(meter, seconds))
    }

    /// Is the server about to stop?
    pub fn is_stopping(&self) -> bool {
        self.inner.stopping.load(Ordering::Acquire)
    }

    /// What is counted.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Permission to hash a password.
    pub(crate) fn hashing(&self) -> &Semaphore {
        &self.inner.hashing
    }
}
