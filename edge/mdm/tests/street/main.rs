//! A street of homes: its worklist, its rules, its losses, what its meters said twice.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail like the test itself")]

mod balance;
mod class;
mod inputs;
mod rejections;
mod replay;
mod rules;
mod siblings;
mod sums;
mod worklist;

use std::sync::Arc;

use corrente_clock::BusinessClock;
use corrente_ledger::{Admission, Entry, Ledger, LedgerOptions, SqliteLedger};
use corrente_live::LiveHub;
use corrente_mdm::{
    Mdm,
    vee::{DayProfile, worklist::Group},
};
use corrente_metering::{
    Calendar, ChannelKind, Direction, Reading, SourceQuality, Timestamp,
    id::{OrganisationId, UsagePointId},
};
use corrente_registry::{
    Registry, RegistryError,
    admin::{self, By, RegisteredMeter},
    channels::{ChannelRow, NewChannel},
    findings::FindingState,
    meters,
    organisations::{self, NewOrganisation},
    usage_points::{self, NewUsagePoint},
};
use corrente_units::Energy;

const LONG_AGO: Timestamp = Timestamp::from_second(0);

struct Street {
    mdm: Mdm,
    registry: Registry,
    ledger: Arc<dyn Ledger>,
    calendar: Calendar,
    clock: BusinessClock,
    organisation: OrganisationId,
    _directory: tempfile::TempDir,
}

impl Street {
    fn new(now: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let registry = Registry::open(directory.path().join("registry.db")).unwrap();
        let file = directory.path().join("ledger.db");
        let ledger: Arc<dyn Ledger> =
            Arc::new(SqliteLedger::open(&file, LedgerOptions::default()).unwrap());
        let calendar = Calendar::new("America/Bahia").unwrap();
        let clock = BusinessClock::stopped_at(calendar.instant(now.parse().unwrap()));
        let organisation = registry
            .write_blocking(|tx| {
                let new = NewOrganisation::named("Luz do Vale", "America/Bahia");
                organisations::insert(tx, &new, LONG_AGO)
            })
            .unwrap();
        let mdm = Mdm::new(registry.clone(), Arc::clone(&ledger), clock.clone(), LiveHub::new());
        Self { mdm, registry, ledger, calendar, clock, organisation, _directory: directory }
    }

    fn at(&self, civil: &str) -> Timestamp {
        self.calendar.instant(civil.parse().unwrap())
    }

    fn by(&self, reason: &str) -> By {
        let now = self.clock.now();
        By { reason: Some(reason.to_owned()), ..By::command_line(now, now) }
    }

    /// A usage point with a meter that reports each hour through this gateway.
    fn home(
        &self,
        name: &str,
        gateway: Option<&str>,
        channels: &[&str],
    ) -> (UsagePointId, Vec<ChannelRow>) {
        let channels: Vec<NewChannel> = channels
            .iter()
            .map(|name| NewChannel { name: (*name).to_owned(), ..NewChannel::import() })
            .collect();
        self.home_with(name, gateway, &channels)
    }

    /// A usage point with a meter that gives the energy of each hour.
    fn home_by_the_hour(&self, name: &str) -> (UsagePointId, ChannelRow) {
        let channel = NewChannel {
            kind: ChannelKind::Interval,
            interval_seconds: Some(3600),
            ..NewChannel::import()
        };
        let (point, mut channels) = self.home_with(name, None, &[channel]);
        (point, channels.remove(0))
    }

    fn home_with(
        &self,
        name: &str,
        gateway: Option<&str>,
        channels: &[NewChannel],
    ) -> (UsagePointId, Vec<ChannelRow>) {
        let (organisation, by) = (self.organisation, self.by("set up"));
        let (name, gateway) = (name.to_owned(), gateway.map(str::to_owned));
        let channels = channels.to_vec();
        let made = self
            .registry
            .write_blocking(move |tx| -> Result<_, RegistryError> {
                let row = organisations::get(tx, organisation)?.unwrap();
                let point = usage_points::insert(tx, &NewUsagePoint::named(&row, &name), LONG_AGO)?;
                let new = RegisteredMeter {
                    organisation,
                    serial: name.clone(),
                    model: None,
                    reporting_seconds: 3600,
                    secret: None,
                    channels: channels.clone(),
                    usage_point: point,
                    installed_from: LONG_AGO,
                };
                admin::register_meter(tx, &by, &new)?;
                admin::set_gateway(tx, &by, organisation, &name, gateway.as_deref())?;
                let access = meters::access_by_serial(tx, organisation, &name)?.unwrap();
                Ok((point, access.channels))
            })
            .unwrap();
        let specs: Vec<_> = made.1.iter().map(ChannelRow::spec).collect();
        self.ledger.open_channels(&specs).unwrap();
        made
    }

    /// Readings of so much each hour until it falls silent.
    fn hours(&self, channel: &ChannelRow, wh: i64, from: &str, until: &str) -> Vec<Entry> {
        let (from, until) = (self.at(from), self.at(until));
        (0..=until.since(from) / 3600)
            .map(|n| Entry {
                channel: channel.number,
                reading: Reading {
                    end: from.plus(n * 3600),
                    value: Energy::from_wh(5000 + n * wh),
                    quality: SourceQuality::GOOD,
                },
                admission: Admission::Accept,
            })
            .collect()
    }

    /// Readings of an hour's energy each, from the first hour's end to the last one's.
    fn each_hour(&self, channel: &ChannelRow, wh: i64, from: &str, until: &str) -> Vec<Entry> {
        let mut entries = self.hours(channel, 0, from, until);
        for entry in &mut entries {
            entry.reading.value = Energy::from_wh(wh);
        }
        entries
    }

    /// The profile of what a usage point took on a day.
    fn profile(&self, point: UsagePointId, day: &str) -> DayProfile {
        self.mdm.day_profile(point, Direction::Import, day.parse().unwrap(), None).unwrap()
    }

    fn rows(&self, rule: &str) -> Vec<Group> {
        self.open().into_iter().filter(|group| group.rule == rule).collect()
    }

    fn open(&self) -> Vec<Group> {
        self.mdm.worklist(self.organisation, FindingState::Open).unwrap()
    }
}
