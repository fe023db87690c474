//! A small town behind the interface, and people who call it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use corrente_api::{Api, ApiConfig, DeliveryConfig, Services};
use corrente_clock::BusinessClock;
use corrente_lab::{Lab, LabConfig};
use corrente_ledger::{Admission, Entry, Ledger, LedgerOptions, QuarantineReason, SqliteLedger};
use corrente_live::LiveHub;
use corrente_mdm::Mdm;
use corrente_metering::{
    Calendar, Date, Reading, SourceQuality, Span, Timestamp,
    id::{
        AlertEventId, CustomerId, DestinationId, InvoiceId, NamedStretchId, OrganisationId,
        UsagePointId,
    },
};
use corrente_notify::{Catalogue, Keys};
use corrente_registry::{
    Registry, RegistryError, Tx,
    admin::{self, By, RegisteredMeter},
    alerts,
    channels::NewChannel,
    customers,
    customers::NewCustomer,
    destinations::{self, DestinationKind, NewDestination},
    lab,
    named_stretches::{self, NewNamedStretch},
    organisations::{self, NewOrganisation},
    passwords,
    usage_points::{self, NewUsagePoint},
    users::{self, NewUser, Role},
};
use corrente_units::Energy;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) const NOW: Timestamp = Timestamp::from_second(1_790_000_000);
pub(crate) const PASSWORD: &str = "uma senha longa";

/// The flat price of the prototype.
pub(crate) const TARIFF: &str = include_str!("../../../../tariffs/flat-040.toml");

/// The town.
pub(crate) struct Town {
    pub(crate) registry: Registry,
    pub(crate) mdm: Mdm,
    pub(crate) keys: Arc<Keys>,
    pub(crate) router: Router,
    pub(crate) organisation: OrganisationId,
    pub(crate) ana_home: UsagePointId,
    pub(crate) ana_invoice: InvoiceId,
    pub(crate) ana_alert: AlertEventId,
    ledger: Arc<dyn Ledger>,
    pub(crate) ana_destination: DestinationId,
    /// From where requests come: a program on this machine.
    pub(crate) peer: SocketAddr,
    pub(crate) ana_event: NamedStretchId,
    pub(crate) live: LiveHub,
    _directory: tempfile::TempDir,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The cookies that it sets, as a browser sends them back.
    pub(crate) fn cookies(&self) -> String {
        self.headers
            .get_all(header::SET_COOKIE)
            .iter()
            .map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join("; ")
    }
}

impl Town {
    pub(crate) fn new() -> Self {
        Self::build(ApiConfig::default(), true)
    }

    /// One without lab mode.
    pub(crate) fn with(config: ApiConfig) -> Self {
        Self::build(config, false)
    }

    fn build(config: ApiConfig, lab: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let registry = Registry::open(directory.path().join("registry.db")).unwrap();
        let ledger =
            SqliteLedger::open(&directory.path().join("ledger.db"), LedgerOptions::default())
                .unwrap();
        let hash = passwords::hash(PASSWORD).unwrap();
        let (organisation, ana_home, ana_alert, ana_destination, ana_event) =
            registry.write_blocking(move |tx| settle(tx, &hash)).unwrap();
        let ledger: Arc<dyn Ledger> = Arc::new(ledger);
        let (clock, live) = (BusinessClock::stopped_at(NOW), LiveHub::new());
        let lab = lab.then(|| {
            let config = LabConfig {
                allow: Vec::new(),
                trust_loopback: true,
                zone: "America/Bahia".to_owned(),
            };
            let (registry, ledger) = (registry.clone(), Arc::clone(&ledger));
            Lab::new(config, registry, ledger, clock.clone(), live.clone()).unwrap()
        });
        let mdm = Mdm::new(registry.clone(), Arc::clone(&ledger), clock.clone(), live.clone());
        let ana_invoice = bill(&registry, &ledger, &mdm, ana_home);
        let kept = Arc::clone(&ledger);
        let shared = mdm.clone();
        let heard = live.clone();
        let keys = registry.write_blocking(|tx| Keys::load(tx, "https://example.org")).unwrap();
        let keys = Arc::new(keys);
        let of_town = Arc::clone(&keys);
        let texts = Catalogue::built_in().unwrap();
        let services =
            Services { registry: registry.clone(), ledger, clock, live, mdm, keys, texts, lab };
        let config = ApiConfig {
            delivery: DeliveryConfig {
                test_patience: Duration::from_millis(20),
                ..config.delivery
            },
            ..config
        };
        let router = Api::new(config, services).router();
        Self {
            registry,
            mdm: shared,
            keys: of_town,
            router,
            organisation,
            ana_home,
            ana_invoice,
            ana_alert,
            ledger: kept,
            ana_destination,
            peer: SocketAddr::from(([127, 0, 0, 1], 50_000)),
            ana_event,
            live: heard,
            _directory: directory,
        }
    }

    /// Three readings of Ana's meter that nobody believes yet; their numbers.
    pub(crate) async fn keep_aside(&self) -> [u64; 3] {
        let home = self.ana_home;
        let all = Span::new(Timestamp::MIN, Timestamp::MAX);
        let channels = self.registry.read(move |tx| usage_points::channels(tx, home, all)).await;
        let channels: Result<_, RegistryError> = channels;
        let channel = channels.unwrap()[0].channel;
        let entry = |t, reason| Entry {
            channel,
            reading: Reading {
                end: Timestamp::from_second(t),
                value: Energy::from_wh(t % 1000),
                quality: SourceQuality::GOOD,
            },
            admission: Admission::Quarantine(reason),
        };
        let entries = vec![
            entry(2_000_000_001, QuarantineReason::InFuture),
            entry(1, QuarantineReason::BeforeInstallation),
            entry(2_000_000_002, QuarantineReason::InFuture),
        ];
        self.ledger.append(entries).await.unwrap();
        let kept = self.ledger.unsettled(0, 10).unwrap();
        std::array::from_fn(|place| kept[place].sequence)
    }

    /// The ledger takes no more readings, as with a full disk.
    pub(crate) fn stop_storing(&self) {
        self.ledger.close().unwrap();
    }

    /// Sends a request; each header as `name: value`.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: Option<Value>,
    ) -> Answer {
        let (status, headers, body) = self.open(method, path, headers, body).await;
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer { status, headers, body: String::from_utf8_lossy(&bytes).into_owned() }
    }

    /// Sends a request and leaves the body unread, which may have no end.
    pub(crate) async fn open(
        &self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: Option<Value>,
    ) -> (StatusCode, HeaderMap, Body) {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|header| header.starts_with("host:")) {
            request = request.header("host", "localhost:4005");
        }
        for header in headers {
            let (name, value) = header.split_once(": ").unwrap();
            request = request.header(name, value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = request
            .header("content-type", "application/json")
            .extension(ConnectInfo(self.peer))
            .body(body)
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status, parts.headers, body)
    }

    /// Signs in and returns the cookies.
    pub(crate) async fn sign_in(&self, email: &str) -> String {
        let body = json!({"email": email, "password": PASSWORD});
        let answer = self.send("POST", "/api/v1/session", &[], Some(body)).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.cookies()
    }
}

/// Ana with a home, an invoice and an alert; Bia with a home; an operator and an administrator; a lab
/// meter; and an operator of another organisation.
fn settle(
    tx: &mut Tx,
    hash: &str,
) -> Result<
    (OrganisationId, UsagePointId, AlertEventId, DestinationId, NamedStretchId),
    RegistryError,
> {
    let new = NewOrganisation {
        pix_key: Some("pix@example.com".to_owned()),
        pix_payee: Some("Vila Corrente".to_owned()),
        pix_city: Some("Feira de Santana".to_owned()),
        ..NewOrganisation::named("Vila", "America/Bahia")
    };
    let id = organisations::insert(tx, &new, NOW)?;
    let organisation = organisations::get(tx, id)?.unwrap();
    let elsewhere = organisations::insert(tx, &NewOrganisation::named("Else", "UTC"), NOW)?;
    let person = |tx: &mut Tx, organisation, email: &str, role, customer| {
        let new = NewUser {
            organisation,
            customer,
            email: email.to_owned(),
            name: email.split('@').next().unwrap().to_owned(),
            role,
            password_hash: Some(hash.to_owned()),
            language: None,
        };
        users::insert(tx, &new, NOW)
    };
    let mut homes = Vec::new();
    for (number, email) in [("1", "ana@example.com"), ("2", "bia@example.com")] {
        let customer: CustomerId =
            customers::insert(tx, &NewCustomer::named(id, number, email), NOW)?;
        let mut home = NewUsagePoint::named(&organisation, &format!("home {number}"));
        home.customer = Some(customer);
        homes.push(usage_points::insert(tx, &home, NOW)?);
        person(tx, id, email, Role::Customer, Some(customer))?;
    }
    person(tx, id, "op@example.com", Role::Operator, None)?;
    person(tx, id, "admin@example.com", Role::Admin, None)?;
    person(tx, elsewhere, "op@elsewhere.example", Role::Admin, None)?;

    lab::register(tx, &organisation, "America/Bahia", "1", NOW)?;
    lab::append(tx, "1", "2023-03-20 10:11:12", "12.0", NOW, Energy::from_wh(12_000))?;
    lab::register(tx, &organisation, "America/Bahia", "silent", NOW)?;

    let home = homes[0];
    let meter = RegisteredMeter {
        organisation: id,
        serial: "A-1".to_owned(),
        model: None,
        reporting_seconds: 900,
        secret: None,
        channels: vec![NewChannel::import()],
        usage_point: home,
        installed_from: Timestamp::MIN,
    };
    let by = By::command_line(NOW, NOW);
    admin::register_meter(tx, &by, &meter)?;
    admin::store_tariff(tx, &by, id, TARIFF)?;
    admin::agree(tx, &by, id, "home 1", "flat-040", "2026-01-01".parse::<Date>().unwrap())?;
    let figures = json!({
        "moment": "started", "value": "15.2", "percent": "18.7", "projected": "1262.40",
        "previous": "1063.50", "cause": "use", "cause_amount": "87.50",
    });
    let alert = alerts::insert_event(tx, home, "bill_jump", NOW, &figures)?;
    let ana = users::by_email(tx, "ana@example.com")?.unwrap();
    let webhook = NewDestination {
        organisation: id,
        user: ana.id,
        kind: DestinationKind::Webhook,
        label: "Ana's server".to_owned(),
        address: "https://example.org/hook".to_owned(),
        settings: json!({}),
        secret: "whsec_1".to_owned(),
    };
    let webhook = destinations::put(tx, &webhook, NOW)?;
    let calendar = Calendar::new("America/Bahia").unwrap();
    let day = calendar.day("2026-08-20".parse::<Date>().unwrap());
    let event = NewNamedStretch {
        organisation: id,
        usage_point: home,
        name: "Guests".to_owned(),
        from: day.start,
        until: day.end,
    };
    let event = named_stretches::insert(tx, &event, NOW)?;
    Ok((id, home, alert.id, webhook.id, event.id))
}

/// August of Ana's home: a kilowatt-hour an hour, and the bill.
fn bill(registry: &Registry, ledger: &Arc<dyn Ledger>, mdm: &Mdm, home: UsagePointId) -> InvoiceId {
    let calendar = Calendar::new("America/Bahia").unwrap();
    let august: Date = "2026-08-01".parse().unwrap();
    let month = calendar.month(august);
    let channel = registry
        .read_blocking(move |tx| usage_points::channels(tx, home, month))
        .unwrap()
        .remove(0);
    ledger.open_channels(&[channel.spec]).unwrap();
    let entries = (0..800)
        .map(|hour| Entry {
            channel: channel.channel,
            reading: Reading {
                end: month.start.plus(hour * 3600),
                value: Energy::from_wh(hour * 1000),
                quality: SourceQuality::GOOD,
            },
            admission: Admission::Accept,
        })
        .collect();
    std::thread::scope(|scope| {
        let append = || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(ledger.append(entries)).unwrap();
        };
        scope.spawn(append).join().unwrap();
    });
    mdm.issue_invoice(home, august).unwrap().id()
}
