//! What the interface is told, and the services that it calls.

use std::{sync::Arc, time::Duration};

use corrente_clock::BusinessClock;
use corrente_lab::Lab;
use corrente_ledger::Ledger;
use corrente_live::LiveHub;
use corrente_mdm::Mdm;
use corrente_notify::{Catalogue, Keys};
use corrente_registry::Registry;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the interface behaves.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// Names this build, so that a page notices that the server is newer.
    pub build: String,
    /// Is this the demo?
    pub demo: bool,
    /// The demo's accounts, shown on the sign-in page.
    pub demo_accounts: Vec<DemoAccount>,
    /// May sessions travel without encryption from other machines?
    pub insecure_http: bool,
    /// Does somebody in front of this server encrypt?
    pub behind_tls: bool,
    /// How messages leave this server.
    pub delivery: DeliveryConfig,
    /// After so long a silence an open page is told that the connection stands.
    pub heartbeat: Duration,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            build: env!("CARGO_PKG_VERSION").to_owned(),
            demo: false,
            demo_accounts: Vec::new(),
            insecure_http: false,
            behind_tls: false,
            delivery: DeliveryConfig::default(),
            heartbeat: Duration::from_secs(15),
        }
    }
}

/// How messages leave this server.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryConfig {
    /// May they be sent into the server's own network?
    pub private_targets: bool,
    /// Is there a mail server?
    pub mail_server: bool,
    /// A person waits so long for the outcome of a test message.
    pub test_patience: Duration,
}

impl Default for DeliveryConfig {
    fn default() -> Self {
        let test_patience = Duration::from_secs(12);
        Self { private_targets: false, mail_server: false, test_patience }
    }
}

/// An account of the demo, with its password: only ever of a fictional town.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DemoAccount {
    /// Where to sign in with.
    pub email: String,
    /// Its password.
    pub password: String,
    /// Whose it is.
    pub name: String,
    /// What it shows.
    pub note: String,
}

/// What the interface calls.
#[derive(Clone, Debug)]
pub struct Services {
    /// Everything that is not a reading.
    pub registry: Registry,
    /// The readings.
    pub ledger: Arc<dyn Ledger>,
    /// Business time.
    pub clock: BusinessClock,
    /// What happens now.
    pub live: LiveHub,
    /// What is believed, billed and alerted.
    pub mdm: Mdm,
    /// The keys of what is sent.
    pub keys: Arc<Keys>,
    /// What alerts say.
    pub texts: Catalogue,
    /// The prototype's service, when lab mode is on.
    pub lab: Option<Lab>,
}
