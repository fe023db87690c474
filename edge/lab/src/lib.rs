//! Lab mode: the prototype that Corrente grew out of, answered in its own words.
//!
//! Its meter and its page work against this server unmodified but for the address. Its readings stand
//! in the registry, with the texts that it sent, and in the ledger, so that the portal shows them.
//! Nothing in the prototype is authenticated: only peers in [`LabConfig::allow`] are answered, which
//! is this machine unless somebody widens it. `docs/lab.md` tells what was wrong in it.

mod http;
mod place;
mod store;

use std::{net::IpAddr, sync::Arc};

use corrente_clock::BusinessClock;
use corrente_ledger::{Ledger, LedgerError};
use corrente_line::lab::{
    Consumption, Historic, Label, Python, Request, RequestError, Spent, Which, alert,
};
use corrente_live::LiveHub;
use corrente_metering::{Calendar, UnknownZone};
use corrente_registry::{
    Registry, RegistryError,
    lab::{self as table, Labelled},
};
use ipnet::IpNet;

use store::Store;

/// How lab mode is set up.
#[derive(Clone, Debug)]
pub struct LabConfig {
    /// Peers that are answered, beside loopback addresses where `trust_loopback` says so.
    pub allow: Vec<IpNet>,
    /// Are loopback peers this machine's own people? Not behind a reverse proxy on the same machine,
    /// through which everybody comes.
    pub trust_loopback: bool,
    /// IANA name of the zone in which the meters' civil times are.
    pub zone: String,
}

/// Why lab mode could not do something.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The zone is unknown.
    #[error(transparent)]
    Zone(#[from] UnknownZone),
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A group of readings could not be stored; the log says why.
    #[error("the reading could not be stored: try again")]
    NotStored,
    /// There are as many measurers as lab mode keeps.
    #[error("there are {0} measurers already, and lab mode keeps no more")]
    Full(usize),
}

/// The prototype's service. Clones share one.
#[derive(Clone, Debug)]
pub struct Lab {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    allow: Vec<IpNet>,
    trust_loopback: bool,
    registry: Registry,
    store: Store,
}

impl Lab {
    /// Starts the service; it ends with its last clone. To be called on a tokio runtime.
    pub fn new(
        config: LabConfig,
        registry: Registry,
        ledger: Arc<dyn Ledger>,
        clock: BusinessClock,
        live: LiveHub,
    ) -> Result<Self, LabError> {
        let calendar = Calendar::new(&config.zone)?;
        let store = Store::start(calendar, registry.clone(), ledger, clock, live);
        let LabConfig { allow, trust_loopback, zone: _ } = config;
        Ok(Self { inner: Arc::new(Inner { allow, trust_loopback, registry, store }) })
    }

    /// May this peer speak the prototype's protocol?
    pub fn allows(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        (self.inner.trust_loopback && peer.is_loopback())
            || self.inner.allow.iter().any(|net| net.contains(&peer))
    }

    /// Answers one object of the raw socket, as Python prints it. Every object gets an answer.
    pub async fn answer(&self, object: &[u8]) -> Vec<u8> {
        let answer = match Request::parse(object) {
            Ok(request) => self.answer_request(request).await,
            Err(error) => Ok(Self::refusal(error)),
        };
        match answer {
            // The one answer that is no dictionary: the bare digits of the id.
            Ok(Python::Int(digits)) => digits.into_bytes(),
            Ok(value) => value.repr().into_bytes(),
            Err(error) => Python::error(&error.to_string()).repr().into_bytes(),
        }
    }

    /// What a message that was not understood is answered, on the raw socket.
    pub fn answer_error(error: RequestError) -> Vec<u8> {
        Self::refusal(error).repr().into_bytes()
    }

    fn refusal(error: RequestError) -> Python {
        Python::error(&error.to_string())
    }

    async fn answer_request(&self, request: Request) -> Result<Python, LabError> {
        match request {
            Request::Identity => {
                let id: Result<String, LabError> =
                    self.inner.registry.write(|tx| Ok(table::reserve_id(tx)?)).await;
                id.map(Python::Int)
            }
            Request::Spent(spent) => self.spent(spent).await,
            Request::Historic(query) => self.historic(query).await,
            Request::Unknown => Ok(Python::None),
        }
    }

    async fn spent(&self, spent: Spent) -> Result<Python, LabError> {
        let answer = Python::Dict(vec![
            ("alert", Python::Text(alert(&spent.consumption).to_owned())),
            ("id", spent.id.echo()),
            ("consumption", spent.consumption.float()),
            ("datetime", Python::Text(spent.label.as_str().to_owned())),
        ]);
        self.inner.store.put(spent).await?;
        Ok(answer)
    }

    /// The readings around an instant; `None` for an unknown id.
    async fn historic(&self, query: Historic) -> Result<Python, LabError> {
        self.history(query.id.as_str(), Some((query.which, query.label))).await
    }

    /// The readings whose label is wanted, in the order of their arrival; `None` for an unknown id.
    async fn history(&self, id: &str, wanted: Option<(Which, Label)>) -> Result<Python, LabError> {
        let id = id.to_owned();
        let found = self
            .inner
            .registry
            .read(move |tx| -> Result<_, LabError> {
                let Some(last) = table::last(tx, &id)? else { return Ok(None) };
                let labelled = match &wanted {
                    None => Labelled::Ever,
                    Some((Which::At, label)) => Labelled::At(label.as_str()),
                    Some((Which::From, label)) => Labelled::From(label.as_str()),
                    Some((Which::Until, label)) => Labelled::Until(label.as_str()),
                };
                Ok(Some((last, table::history(tx, &id, labelled)?)))
            })
            .await?;
        let Some((last, readings)) = found else { return Ok(Python::None) };
        let alert = Python::Text(alert(&stored(&last.consumption_text)?).to_owned());
        let mut items = Vec::with_capacity(readings.len());
        for reading in readings {
            let float = stored(&reading.consumption_text)?.float();
            items.push(Python::List(vec![float, Python::Text(reading.label)]));
        }
        Ok(Python::Dict(vec![("alert", alert), ("historic", Python::List(items))]))
    }

    async fn last(&self, id: &str) -> Result<Option<Consumption>, LabError> {
        let id = id.to_owned();
        let last = self
            .inner
            .registry
            .read(move |tx| -> Result<_, LabError> { Ok(table::last(tx, &id)?) })
            .await?;
        last.map(|reading| stored(&reading.consumption_text)).transpose()
    }

    async fn invoice(&self, id: &str) -> Result<Python, LabError> {
        Ok(self.last(id).await?.map_or(Python::None, |register| {
            Python::Dict(vec![
                ("alert", Python::Text(alert(&register).to_owned())),
                ("invoice", register.invoice()),
            ])
        }))
    }
}

/// A register that was checked when it was stored.
fn stored(text: &str) -> Result<Consumption, LabError> {
    Consumption::from_text(text).map_err(|_| {
        LabError::Registry(RegistryError::Unreadable {
            column: "consumption_text",
            found: text.to_owned(),
        })
    })
}
