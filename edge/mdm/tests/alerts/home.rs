//! A home with a meter, a tariff and a customer, on real files.

use std::{path::Path, sync::Arc};

use corrente_alert::{Message, RuleKind};
use corrente_clock::BusinessClock;
use corrente_ledger::{Admission, Entry, Ledger, LedgerOptions, SqliteLedger};
use corrente_live::{LiveHub, LiveReading};
use corrente_mdm::Mdm;
use corrente_metering::{
    Calendar, ChannelId, Reading, SourceQuality, Timestamp,
    id::{MeterId, UsagePointId},
};
use corrente_registry::{
    Registry, RegistryError, agreements, customers,
    customers::NewCustomer,
    meters::{self, NewChannel, NewMeter},
    organisations::{self, NewOrganisation},
    outbox::{self, OutboxMessage},
    tariffs,
    usage_points::{self, NewUsagePoint},
};
use corrente_units::Energy;

const FLAT: &str = include_str!("../../../../tariffs/flat-040.toml");

pub(crate) struct Home {
    pub(crate) mdm: Mdm,
    pub(crate) registry: Registry,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) clock: BusinessClock,
    pub(crate) live: LiveHub,
    pub(crate) calendar: Calendar,
    pub(crate) point: UsagePointId,
    pub(crate) meter: MeterId,
    pub(crate) channel: ChannelId,
    /// Where it is, unless somebody else ends that.
    _directory: Option<tempfile::TempDir>,
}

impl Home {
    /// A new home in a directory that ends with it.
    pub(crate) fn new(now: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self::settle(directory.path());
        let home = Self::open(directory.path(), now);
        Self { _directory: Some(directory), ..home }
    }

    /// Makes the home's data directory.
    pub(crate) fn settle(directory: &Path) {
        let registry = Registry::open(directory.join("registry.db")).unwrap();
        registry
            .write_blocking(move |tx| -> Result<_, RegistryError> {
                let long_ago = Timestamp::from_second(0);
                let new = NewOrganisation::named("Luz do Vale", "America/Bahia");
                let organisation = organisations::insert(tx, &new, long_ago)?;
                let row = organisations::get(tx, organisation)?.unwrap();
                let ana = NewCustomer {
                    email: Some("ana@example.org".to_owned()),
                    ..NewCustomer::named(organisation, "1", "Ana")
                };
                let customer = customers::insert(tx, &ana, long_ago)?;
                let new = NewUsagePoint {
                    customer: Some(customer),
                    ..NewUsagePoint::named(&row, "Home 1")
                };
                let point = usage_points::insert(tx, &new, long_ago)?;
                let from = "2000-01-01".parse().unwrap();
                let version =
                    tariffs::insert_version(tx, organisation, "flat", from, FLAT, long_ago)?;
                agreements::insert(tx, point, version.tariff, long_ago)?;
                let new = NewMeter {
                    organisation,
                    serial: "M-1",
                    secret: None,
                    model: None,
                    reporting_seconds: 900,
                    enrolled_by: None,
                };
                let meter = meters::insert(tx, &new, long_ago)?;
                meters::install(tx, meter, point, long_ago, None)?;
                meters::add_channel(tx, meter, &NewChannel::import(), long_ago)?;
                Ok(())
            })
            .unwrap();
    }

    /// The home of a directory, as a program finds it that starts on it.
    pub(crate) fn open(directory: &Path, now: &str) -> Self {
        let registry = Registry::open(directory.join("registry.db")).unwrap();
        let path = directory.join("ledger.db");
        let ledger: Arc<dyn Ledger> =
            Arc::new(SqliteLedger::open(&path, LedgerOptions::default()).unwrap());
        let calendar = Calendar::new("America/Bahia").unwrap();
        let clock = BusinessClock::stopped_at(calendar.instant(now.parse().unwrap()));
        let specs = registry.read_blocking(meters::all_channel_specs).unwrap();
        ledger.open_channels(&specs).unwrap();
        let (point, meter, channel) = registry
            .read_blocking(|tx| -> Result<_, RegistryError> {
                let point = usage_points::list_everywhere(tx)?.remove(0);
                let meter = meters::list(tx, point.organisation)?.remove(0);
                let channel = meters::all_channel_specs(tx)?.remove(0).id;
                Ok((point.id, meter.id, channel))
            })
            .unwrap();
        let live = LiveHub::new();
        let mdm = Mdm::new(registry.clone(), Arc::clone(&ledger), clock.clone(), live.clone());
        Self {
            mdm,
            registry,
            ledger,
            clock,
            live,
            calendar,
            point,
            meter,
            channel,
            _directory: None,
        }
    }

    pub(crate) fn at(&self, civil: &str) -> Timestamp {
        self.calendar.instant(civil.parse().unwrap())
    }

    pub(crate) fn go_to(&self, civil: &str) {
        let seconds = self.at(civil).since(self.clock.now());
        assert!(self.clock.advance(u32::try_from(seconds).unwrap()));
    }

    pub(crate) async fn read(&self, civil: &str, wh: i64) {
        self.read_at(self.at(civil), wh).await;
    }

    pub(crate) async fn read_at(&self, end: Timestamp, wh: i64) {
        let value = Energy::from_wh(wh);
        let reading = Reading { end, value, quality: SourceQuality::GOOD };
        let entry = Entry { channel: self.channel, reading, admission: Admission::Accept };
        self.ledger.append(vec![entry]).await.unwrap();
        self.live.publish(LiveReading {
            channel: self.channel,
            usage_point: Some(self.point),
            meter: self.meter,
            t: end,
            register: Some(value),
            power_w: None,
            volts_mv: [None; 3],
            amps_ma: [None; 3],
        });
    }

    pub(crate) fn messages(&self) -> Vec<(OutboxMessage, Message)> {
        self.registry
            .read_blocking(|tx| outbox::waiting(tx, 1000))
            .unwrap()
            .into_iter()
            .map(|row| (row.clone(), serde_json::from_value(row.document).unwrap()))
            .collect()
    }

    /// Registers each hour from one civil time to another, so much more each hour; the last of them.
    pub(crate) async fn hours(&self, from: &str, until: &str, wh: i64, register: i64) -> i64 {
        let (from, until) = (self.at(from), self.at(until));
        let ends = (1..).map(|n| (n, from.plus(n * 3600))).take_while(|(_, end)| *end <= until);
        let entries: Vec<Entry> = ends
            .map(|(n, end)| Entry {
                channel: self.channel,
                reading: Reading {
                    end,
                    value: Energy::from_wh(register + n * wh),
                    quality: SourceQuality::GOOD,
                },
                admission: Admission::Accept,
            })
            .collect();
        let last = entries.last().unwrap().reading.value.wh();
        self.ledger.append(entries).await.unwrap();
        last
    }

    /// Sets a rule of the home.
    pub(crate) fn set(&self, kind: RuleKind, parameters: serde_json::Value) {
        self.mdm.put_alert_rule(self.point, kind, parameters, true).unwrap();
    }
}
