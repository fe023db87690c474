//! One home with a meter in a directory of its own.

use std::sync::Arc;

use corrente_clock::BusinessClock;
use corrente_ledger::{Admission, Entry, Ledger, LedgerOptions, SqliteLedger};
use corrente_live::LiveHub;
use corrente_mdm::{
    Compare, Mdm, MdmError, Step, Usage, UsageQuery,
    vee::{
        DayProfile, Validated,
        worklist::{Group, Verdict},
    },
};
use corrente_metering::{
    Calendar, ChannelId, Date, Direction, Quality, Reading, SourceQuality, Span, Timestamp,
    id::{OrganisationId, UsagePointId},
};
use corrente_registry::{
    Registry, RegistryError,
    admin::{self, By},
    agreements,
    findings::{Finding, FindingState},
    invoices::Issued,
    meters::{self, NewChannel, NewMeter},
    multipliers::Multiplier,
    organisations::{self, NewOrganisation},
    tariffs,
    usage_points::{self, NewUsagePoint},
};
use corrente_units::Energy;

const FLAT: &str = include_str!("../../../../tariffs/flat-040.toml");

/// One home with one meter.
pub(crate) struct Home {
    pub(crate) mdm: Mdm,
    pub(crate) registry: Registry,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) clock: BusinessClock,
    pub(crate) calendar: Calendar,
    pub(crate) organisation: OrganisationId,
    pub(crate) point: UsagePointId,
    pub(crate) channel: ChannelId,
    _directory: tempfile::TempDir,
}

impl Home {
    /// A register that reports each quarter of an hour.
    pub(crate) fn new(zone: &str, now: &str) -> Self {
        Self::with(zone, now, 900, NewChannel::import())
    }

    pub(crate) fn with(zone: &str, now: &str, reporting: i64, channel: NewChannel) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let registry = Registry::open(directory.path().join("registry.db")).unwrap();
        let file = directory.path().join("ledger.db");
        let ledger: Arc<dyn Ledger> =
            Arc::new(SqliteLedger::open(&file, LedgerOptions::default()).unwrap());
        let calendar = Calendar::new(zone).unwrap();
        let clock = BusinessClock::stopped_at(calendar.instant(now.parse().unwrap()));
        let zone = zone.to_owned();
        let (organisation, point, channel) = registry
            .write_blocking(move |tx| -> Result<_, RegistryError> {
                let long_ago = Timestamp::from_second(0);
                let new = NewOrganisation::named("Luz do Vale", &zone);
                let organisation = organisations::insert(tx, &new, long_ago)?;
                let row = organisations::get(tx, organisation)?.unwrap();
                let point =
                    usage_points::insert(tx, &NewUsagePoint::named(&row, "Home"), long_ago)?;
                let new = NewMeter {
                    organisation,
                    serial: "M-1",
                    secret: None,
                    model: None,
                    reporting_seconds: reporting,
                    enrolled_by: None,
                };
                let meter = meters::insert(tx, &new, long_ago)?;
                meters::install(tx, meter, point, long_ago, None)?;
                let from = "2000-01-01".parse().unwrap();
                let flat = tariffs::insert_version(tx, organisation, "flat", from, FLAT, long_ago)?;
                agreements::insert(tx, point, flat.tariff, long_ago)?;
                let channel = meters::add_channel(tx, meter, &channel, long_ago)?;
                Ok((organisation, point, channel))
            })
            .unwrap();
        let specs = registry.read_blocking(meters::all_channel_specs).unwrap();
        ledger.open_channels(&specs).unwrap();
        let mdm = Mdm::new(registry.clone(), Arc::clone(&ledger), clock.clone(), LiveHub::new());
        Self {
            mdm,
            registry,
            ledger,
            clock,
            calendar,
            organisation,
            point,
            channel,
            _directory: directory,
        }
    }

    pub(crate) fn at(&self, civil: &str) -> Timestamp {
        self.calendar.instant(civil.parse().unwrap())
    }

    pub(crate) fn day(&self, day: &str) -> Date {
        self.calendar.date(self.at(&format!("{day}T12:00")))
    }

    pub(crate) async fn read(&self, readings: impl IntoIterator<Item = (Timestamp, i64)>) {
        let entries = readings
            .into_iter()
            .map(|(end, wh)| Entry {
                channel: self.channel,
                reading: Reading { end, value: Energy::from_wh(wh), quality: SourceQuality::GOOD },
                admission: Admission::Accept,
            })
            .collect();
        self.ledger.append(entries).await.unwrap();
    }

    pub(crate) async fn read_of(
        &self,
        readings: impl IntoIterator<Item = (ChannelId, Timestamp, i64)>,
    ) {
        let entries = readings
            .into_iter()
            .map(|(channel, end, wh)| Entry {
                channel,
                reading: Reading { end, value: Energy::from_wh(wh), quality: SourceQuality::GOOD },
                admission: Admission::Accept,
            })
            .collect();
        self.ledger.append(entries).await.unwrap();
    }

    /// Puts a meter in the place of the first one, and gives its channel.
    pub(crate) fn exchange(&self, at: Timestamp, from: Timestamp) -> ChannelId {
        let (by, organisation) = (self.by(), self.organisation);
        let channels = self
            .registry
            .write_blocking(move |tx| {
                let exchange = admin::Exchange {
                    organisation,
                    old: "M-1".to_owned(),
                    new: "M-2".to_owned(),
                    at,
                    from,
                    secret: None,
                    model: None,
                };
                admin::exchange_meter(tx, &by, &exchange)?;
                let access = meters::access_by_serial(tx, organisation, "M-2")?.unwrap();
                Ok::<_, RegistryError>(access.channels)
            })
            .unwrap();
        let specs: Vec<_> = channels.iter().map(meters::ChannelRow::spec).collect();
        self.ledger.open_channels(&specs).unwrap();
        channels[0].number
    }

    /// A dial beside the intervals of the meter, which only compares.
    pub(crate) fn add_dial(&self) -> ChannelId {
        let dial = NewChannel { name: "dial".to_owned(), ..NewChannel::import() };
        let whose = (self.organisation, "M-1");
        self.mdm.add_channel(&self.by(), whose, (dial, true), Timestamp::from_second(0)).unwrap();
        let organisation = self.organisation;
        let meter = self
            .registry
            .read_blocking(move |tx| meters::access_by_serial(tx, organisation, "M-1"))
            .unwrap()
            .unwrap();
        meter.channels.iter().find(|channel| channel.name == "dial").unwrap().number
    }

    /// After how many digits of kWh the dial begins again.
    pub(crate) fn set_digits(&self, digits: u8) {
        let (by, organisation) = (self.by(), self.organisation);
        self.registry
            .write_blocking(move |tx| {
                admin::set_digits(tx, &by, organisation, "M-1", ("import", digits))
            })
            .unwrap();
    }

    /// A register of 100 Wh a quarter from one instant to another, without the quarters in `but`.
    pub(crate) async fn steady(&self, from: &str, to: &str, but: &[(&str, &str)]) {
        let (from, to) = (self.at(from), self.at(to));
        let holes: Vec<Span> =
            but.iter().map(|(a, b)| Span::new(self.at(a), self.at(b).plus(-1))).collect();
        let quarters = (0..=to.since(from) / 900).map(|n| (from.plus(n * 900), 5000 + n * 100));
        self.read(quarters.filter(|(t, _)| !holes.iter().any(|hole| hole.contains(*t)))).await;
    }

    pub(crate) fn validate(&self) -> Validated {
        self.mdm.validate(self.point).unwrap()
    }

    pub(crate) fn profile(&self, day: &str, version: Option<u32>) -> DayProfile {
        self.mdm.day_profile(self.point, Direction::Import, self.day(day), version).unwrap()
    }

    pub(crate) fn usage(&self, from: &str, to: &str, step: Step) -> Usage {
        let query = UsageQuery {
            span: Span::new(self.at(from), self.at(to)),
            step: Some(step),
            compare: Compare::Nothing,
            max_points: None,
            whole: false,
        };
        self.mdm.usage(self.point, query).unwrap()
    }

    pub(crate) fn worklist(&self) -> Vec<Group> {
        self.mdm.worklist(self.organisation, FindingState::Open).unwrap()
    }

    /// The open findings of a rule.
    pub(crate) fn found(&self, rule: &str) -> Vec<Finding> {
        let groups = self.worklist();
        let ids = groups.iter().filter(|group| group.rule == rule).flat_map(|g| &g.findings);
        ids.map(|id| self.mdm.finding(self.organisation, *id).unwrap().finding).collect()
    }

    /// A person's word on a finding.
    pub(crate) fn decide(&self, finding: &Finding, verdict: Verdict) {
        let shown = self.mdm.finding(self.organisation, finding.id).unwrap();
        let mut by = self.by();
        by.reason = Some("read from the display on site".to_owned());
        self.mdm.decide(&by, &shown, verdict).unwrap();
    }

    pub(crate) fn by(&self) -> By {
        By::command_line(self.clock.now(), self.clock.now())
    }

    /// What the connection carries.
    pub(crate) fn set_power_limit(&self, watts: Option<i64>) {
        let (by, organisation) = (self.by(), self.organisation);
        let set = move |tx: &mut corrente_registry::Tx| {
            admin::set_power_limit(tx, &by, organisation, "Home", watts)
        };
        self.registry.write_blocking(set).unwrap();
    }

    /// What the dial is multiplied by, from an instant on.
    pub(crate) fn multiply(&self, from: &str, numerator: i64, denominator: i64) {
        let (by, organisation) = (self.by(), self.organisation);
        let new = Multiplier { from: self.at(from), numerator, denominator };
        let set = move |tx: &mut corrente_registry::Tx| {
            admin::set_multiplier(tx, &by, organisation, "M-1", new)
        };
        self.registry.write_blocking(set).unwrap();
    }

    /// Energy and whether it is only the least, over a span.
    pub(crate) fn total(&self, from: &str, to: &str, step: Step) -> (Option<i64>, bool) {
        let total = self.usage(from, to, step).total;
        (total.energy.map(Energy::wh), total.at_least)
    }

    /// The energy of a month's invoice, or why there is none.
    pub(crate) fn bill(&self, month: &str) -> Result<i64, String> {
        match self.mdm.issue_invoice(self.point, month.parse().unwrap()) {
            Ok(issued) => {
                let (Issued::Issued(id) | Issued::Exists(id)) = issued;
                let invoice = self.mdm.invoice(id).unwrap().unwrap();
                Ok(invoice.summary.invoice.energy.unwrap().wh())
            }
            Err(MdmError::NotYet { reason }) => Err(reason),
            Err(error) => panic!("{error}"),
        }
    }
}

/// What a profile says, one line per stretch of the same quality.
pub(crate) fn shown(profile: &DayProfile) -> Vec<String> {
    let mut stretches: Vec<(String, Timestamp, i64)> = Vec::new();
    for interval in &profile.intervals {
        let quality = match interval.quality {
            Quality::Measured => "measured".to_owned(),
            Quality::Estimated { .. } => {
                format!("estimated by {}", interval.estimate.unwrap().0.name())
            }
            Quality::Edited => "edited".to_owned(),
            Quality::Missing => "missing".to_owned(),
        };
        let wh = interval.energy.map_or(0, Energy::wh);
        match stretches.last_mut() {
            Some((last, until, sum)) if *last == quality => {
                *until = interval.span.end;
                *sum += wh;
            }
            _ => stretches.push((quality, interval.span.end, wh)),
        }
    }
    stretches
        .into_iter()
        .map(|(quality, until, wh)| {
            let until = profile.calendar.datetime(until).time();
            format!("{quality} {wh} Wh until {}", until.strftime("%H:%M"))
        })
        .collect()
}
