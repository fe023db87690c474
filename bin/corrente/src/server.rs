//! A running server: the stores, what works on them, and the one port.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use corrente_api::{Api, ApiConfig, DeliveryConfig, DemoAccount, Metric, MetricSource};
use corrente_headend::{Headend, HeadendConfig, Running, tls::Certificate};
use corrente_lab::{Lab, LabConfig};
use corrente_ledger::LedgerOptions;
use corrente_live::LiveHub;
use corrente_mdm::Mdm;
use corrente_registry::{
    RegistryError,
    admin::{self, By},
    organisations::{self, NewOrganisation},
    users,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    data_directory::DataDirectory,
    failure::Failure,
    mail,
    settings::{LedgerSettings, Settings},
};

/// What a demo adds to a server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Demo {
    /// The accounts that the sign-in page shows.
    pub(crate) accounts: Vec<DemoAccount>,
}

/// A server that listens. [`Server::shutdown`] ends it.
#[derive(Debug)]
pub(crate) struct Server {
    data: Arc<DataDirectory>,
    running: Running,
    api: Api,
    certificate: Option<Arc<Certificate>>,
    encrypted: bool,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// Meter data management, for whoever works beside the server in the same process.
    pub(crate) mdm: Mdm,
}

impl Server {
    /// Starts everything over an open data directory.
    ///
    /// To be called on a tokio runtime.
    pub(crate) fn start(
        settings: &Settings,
        data: DataDirectory,
        demo: Option<Demo>,
    ) -> Result<Self, Failure> {
        let data = Arc::new(data);
        first_organisation(settings, &data)?;
        let live = LiveHub::new();
        let (registry, ledger, clock) =
            (data.registry.clone(), Arc::clone(&data.ledger), data.clock.clone());
        let mdm = Mdm::new(registry.clone(), Arc::clone(&ledger), clock.clone(), live.clone());
        let lab = lab(settings, &data, &live)?;

        let api = Api::new(
            ApiConfig {
                demo: demo.is_some(),
                demo_accounts: demo.unwrap_or_default().accounts,
                insecure_http: settings.server.insecure_http,
                behind_tls: settings.server.behind_tls,
                delivery: DeliveryConfig {
                    private_targets: settings.mail.private_targets,
                    mail_server: settings.mail.host.is_some(),
                    ..DeliveryConfig::default()
                },
                ..ApiConfig::default()
            },
            corrente_api::Services {
                registry: registry.clone(),
                ledger: Arc::clone(&ledger),
                clock: clock.clone(),
                live: live.clone(),
                mdm: mdm.clone(),
                keys: mail::keys(&settings.mail, &registry)?,
                texts: mail::texts()?,
                lab: lab.clone(),
            },
        );
        let http = match &lab {
            Some(lab) => lab.over(api.router()),
            None => api.router(),
        };

        let certificate = certificate(settings)?;
        let mut headend = HeadendConfig::new(settings.server.listen);
        let limits = &settings.limits;
        headend.connections = limits.connections;
        headend.connections_per_address = limits.connections_per_address;
        headend.strangers_per_address = limits.strangers_per_address;
        headend.readings_per_second = limits.readings_per_second;
        headend.readings_burst = limits.readings_burst;
        if let Some(certificate) = &certificate {
            let tls = certificate.server_config();
            headend.tls =
                Some(tls.map_err(|error| Failure::of("the certificate cannot be used", error))?);
        }
        let encrypted = certificate.is_some();
        let services = corrente_headend::Services { ledger, registry, clock, live, lab };
        let running = Headend::bind(headend, services, http)?;
        api.count_from(figures(running.headend()));
        let headend = running.headend();
        api.speak_by(Arc::new(move |meter, seconds| headend.set_interval(meter, seconds)));

        let server = Self {
            data,
            running,
            api,
            certificate,
            encrypted,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            mdm,
        };
        server.warn(settings);
        server.start_jobs(settings)?;
        Ok(server)
    }

    /// Where it answers: `http://127.0.0.1:4005`.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.encrypted { "https" } else { "http" };
        format!("{scheme}://{}", self.running.local_addr)
    }

    /// The address of its port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.running.local_addr
    }

    /// A link with which the first administrator chooses a password, while there is none.
    pub(crate) fn first_administrator(
        &self,
        settings: &Settings,
    ) -> Result<Option<String>, Failure> {
        let email = settings.organisation.administrator.clone();
        let by = By::command_line(self.data.clock.now(), corrente_clock::wall_clock());
        let code = self.data.registry.write_blocking(move |tx| -> Result<_, RegistryError> {
            let Some(organisation) = organisations::default_organisation(tx)? else {
                return Ok(None);
            };
            if users::has_administrator(tx)? {
                return Ok(None);
            }
            admin::first_administrator(tx, &by, organisation.id, &email, "Administrator").map(Some)
        })?;
        Ok(code.map(|code| format!("{}/claim/{}", self.link(), code.reveal())))
    }

    /// Where a browser on this machine finds it: a server that listens on every address has no name.
    fn link(&self) -> String {
        if self.running.local_addr.ip().is_unspecified() {
            let scheme = if self.encrypted { "https" } else { "http" };
            return format!("{scheme}://localhost:{}", self.running.local_addr.port());
        }
        self.url()
    }

    /// Reads the certificate again; the old one goes on when that fails.
    pub(crate) fn reload(&self) {
        let Some(certificate) = &self.certificate else { return };
        match certificate.reload() {
            Ok(()) => tracing::info!("certificate read again"),
            Err(error) => {
                tracing::error!(%error, "certificate not read again, the old one goes on");
            }
        }
    }

    /// Stops accepting, makes durable what is on its way, and closes the data directory.
    pub(crate) async fn shutdown(self) -> Result<(), Failure> {
        tracing::info!("shutting down");
        self.api.set_stopping();
        self.stop.cancel();
        self.running.shutdown().await;
        self.tasks.close();
        if tokio::time::timeout(Duration::from_secs(5), self.tasks.wait()).await.is_err() {
            tracing::warn!("background jobs cut off at shutdown");
        }
        let data = self.data;
        let closed = tokio::task::spawn_blocking(move || {
            data.keep_clock()?;
            data.ledger.close().map_err(Failure::from)
        });
        closed.await.map_err(|error| Failure::of("shutting down", error))?
    }

    fn warn(&self, settings: &Settings) {
        let listen = self.running.local_addr.ip();
        if settings.lab.enabled {
            tracing::warn!(
                lab.allow = ?settings.lab.allow,
                "lab mode is on: nothing in the prototype's protocol is authenticated"
            );
        }
        if settings.server.insecure_http && !listen.is_loopback() && !self.encrypted {
            tracing::warn!("plain HTTP from other machines is allowed: passwords travel readable");
        }
        if self.data.clock.is_simulated() {
            tracing::warn!(
                clock.now = %self.data.clock.now(),
                clock.factor = self.data.clock.factor(),
                "business time is simulated"
            );
        }
    }

    fn start_jobs(&self, settings: &Settings) -> Result<(), Failure> {
        let (mdm, stop) = (self.mdm.clone(), self.stop.clone());
        drop(self.tasks.spawn(async move { mdm.run_jobs(stop.cancelled()).await }));
        let worker = mail::worker(&settings.mail, self.data.registry.clone())?;
        let stop = self.stop.clone();
        drop(self.tasks.spawn(async move { worker.run(stop.cancelled()).await }));
        if self.data.clock.is_simulated() {
            let (data, stop) = (Arc::clone(&self.data), self.stop.clone());
            drop(self.tasks.spawn(async move {
                while stop
                    .run_until_cancelled(tokio::time::sleep(Duration::from_secs(10)))
                    .await
                    .is_some()
                {
                    let data = Arc::clone(&data);
                    let kept = tokio::task::spawn_blocking(move || data.keep_clock()).await;
                    if let Ok(Err(error)) = kept {
                        tracing::warn!(%error, "the simulated clock was not kept");
                    }
                }
            }));
        }
        Ok(())
    }
}

/// The head-end's figures, under the names of `/metrics`.
fn figures(headend: Headend) -> MetricSource {
    Arc::new(move || {
        let counted = headend.statistics();
        vec![
            (Metric::Connections, counted.connections),
            (Metric::MetersConnected, counted.meters),
            (Metric::ConnectionsAccepted, counted.accepted),
            (Metric::ConnectionsRefused, counted.refused),
            (Metric::ConnectionErrors, counted.errors),
            (Metric::ReadingsAcknowledged, counted.readings),
            (Metric::ReadingsDuplicate, counted.duplicates),
            (Metric::ReadingsConflict, counted.conflicts),
            (Metric::ReadingsQuarantined, counted.quarantined),
        ]
    })
}

/// An empty registry gets the organisation that everything belongs to.
fn first_organisation(settings: &Settings, data: &DataDirectory) -> Result<(), Failure> {
    let new = NewOrganisation::named(&settings.organisation.name, &settings.organisation.zone);
    let now = data.clock.now();
    let made: Result<(), RegistryError> = data.registry.write_blocking(move |tx| {
        if organisations::default_organisation(tx)?.is_none() {
            organisations::insert(tx, &new, now)?;
        }
        Ok(())
    });
    Ok(made?)
}

fn lab(settings: &Settings, data: &DataDirectory, live: &LiveHub) -> Result<Option<Lab>, Failure> {
    if !settings.lab.enabled {
        return Ok(None);
    }
    let config = LabConfig {
        allow: settings.lab.allow.clone(),
        trust_loopback: !settings.server.behind_tls,
        zone: settings.lab.zone.clone(),
    };
    let (registry, ledger) = (data.registry.clone(), Arc::clone(&data.ledger));
    Ok(Some(Lab::new(config, registry, ledger, data.clock.clone(), live.clone())?))
}

fn certificate(settings: &Settings) -> Result<Option<Arc<Certificate>>, Failure> {
    let (Some(cert), Some(key)) = (&settings.tls.cert, &settings.tls.key) else { return Ok(None) };
    Certificate::from_files(cert, key).map(Some).map_err(|error| Failure::of("TLS", error))
}

/// The ledger's options.
pub(crate) fn ledger_options(settings: &LedgerSettings) -> LedgerOptions {
    LedgerOptions {
        group_time: Duration::from_millis(u64::from(settings.group_milliseconds)),
        window_bytes: usize::try_from(settings.window_mib).unwrap_or(1536).saturating_mul(1 << 20),
        power_hours: settings.power_hours,
        ..LedgerOptions::default()
    }
}
