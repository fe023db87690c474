//! A home in a real ledger and a real registry.

use std::sync::Arc;

use corrente_clock::BusinessClock;
use corrente_ledger::{Admission, Entry, Ledger, LedgerOptions, QuarantineReason, SqliteLedger};
use corrente_live::LiveHub;
use corrente_mdm::{Compare, Mdm, Step, Usage, UsageQuery};
use corrente_metering::{
    Calendar, ChannelId, Reading, Span, Timestamp,
    id::{OrganisationId, UsagePointId},
};
use corrente_registry::{
    Registry, RegistryError,
    admin::{self, By},
    agreements,
    meters::{self, NewMeter},
    multipliers::Multiplier,
    organisations::{self, NewOrganisation},
    tariffs,
    usage_points::{self, NewUsagePoint},
};

use crate::homes::Home;

const FLAT: &str = include_str!("../../../../tariffs/flat-040.toml");

pub(crate) struct Server {
    pub(crate) mdm: Mdm,
    pub(crate) calendar: Calendar,
    pub(crate) organisation: OrganisationId,
    pub(crate) point: UsagePointId,
    ledger: Arc<dyn Ledger>,
    channels: Vec<Vec<ChannelId>>,
    now: Timestamp,
    _directory: tempfile::TempDir,
}

impl Server {
    pub(crate) fn new(home: &Home, seed: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let registry = Registry::open(directory.path().join("registry.db")).unwrap();
        let options = LedgerOptions::default();
        let ledger: Arc<dyn Ledger> =
            Arc::new(SqliteLedger::open(&directory.path().join("ledger.db"), options).unwrap());
        let calendar = Calendar::new(&home.zone).unwrap();
        // The day after is over too: all days of the span are settled.
        let now = home.span.end.plus(2 * 86_400);
        let clock = BusinessClock::stopped_at(now);
        let (organisation, point, channels) = registry.write_blocking(enter(home, seed)).unwrap();
        let specs = registry.read_blocking(meters::all_channel_specs).unwrap();
        ledger.open_channels(&specs).unwrap();
        let mdm = Mdm::new(registry, Arc::clone(&ledger), clock, LiveHub::new());
        Self { mdm, calendar, organisation, point, ledger, channels, now, _directory: directory }
    }

    /// What comes in at once; what is out of place is kept aside as the listener does.
    pub(crate) async fn read(&self, home: &Home, wave: &[(usize, usize, Reading)]) {
        let admission = |meter: usize, t: Timestamp| {
            if t < home.meters[meter].from {
                Admission::Quarantine(QuarantineReason::BeforeInstallation)
            } else if t > self.now.plus(300) {
                Admission::Quarantine(QuarantineReason::InFuture)
            } else {
                Admission::Accept
            }
        };
        for part in wave.chunks(500) {
            let entries = part.iter().map(|(m, c, reading)| Entry {
                channel: self.channels[*m][*c],
                reading: *reading,
                admission: admission(*m, reading.end),
            });
            self.ledger.append(entries.collect()).await.unwrap();
        }
    }

    pub(crate) fn validate(&self) {
        self.mdm.validate(self.point).unwrap();
    }

    pub(crate) fn usage(&self, span: Span, step: Step) -> Usage {
        let query = UsageQuery {
            span,
            step: Some(step),
            compare: Compare::Nothing,
            max_points: Some(corrente_mdm::MOST_POINTS),
            whole: false,
        };
        self.mdm.usage(self.point, query).unwrap()
    }
}

type Entered = (OrganisationId, UsagePointId, Vec<Vec<ChannelId>>);

fn enter(
    home: &Home,
    seed: u64,
) -> impl Fn(&mut corrente_registry::Tx) -> Result<Entered, RegistryError> + Send + 'static {
    let zone = home.zone.clone();
    let limit = home.power_max_w;
    let meters: Vec<_> = home
        .meters
        .iter()
        .map(|meter| {
            let channels: Vec<_> = meter.channels.iter().map(|c| c.new.clone()).collect();
            (meter.from, meter.until, meter.multipliers.clone(), channels)
        })
        .collect();
    move |tx| {
        let long_ago = Timestamp::from_second(0);
        let new = NewOrganisation::named("Town", &zone);
        let organisation = organisations::insert(tx, &new, long_ago)?;
        let row = organisations::get(tx, organisation)?.unwrap();
        let new = NewUsagePoint { power_max_w: limit, ..NewUsagePoint::named(&row, "Home") };
        let point = usage_points::insert(tx, &new, long_ago)?;
        let valid = "2000-01-01".parse().unwrap();
        let tariff = tariffs::insert_version(tx, organisation, "flat", valid, FLAT, long_ago)?;
        agreements::insert(tx, point, tariff.tariff, long_ago)?;
        let mut numbers = Vec::new();
        for (n, (from, until, multipliers, channels)) in meters.iter().enumerate() {
            let serial = format!("T{seed}-{n}");
            let new = NewMeter {
                organisation,
                serial: &serial,
                secret: None,
                model: None,
                reporting_seconds: 900,
                enrolled_by: None,
            };
            let meter = meters::insert(tx, &new, long_ago)?;
            meters::install(tx, meter, point, *from, *until)?;
            let mut own = Vec::new();
            for channel in channels {
                own.push(meters::add_channel(tx, meter, channel, long_ago)?);
            }
            numbers.push(own);
            let by = By::command_line(long_ago, long_ago);
            for (from, numerator, denominator) in multipliers {
                let (numerator, denominator) = (*numerator, *denominator);
                let new = Multiplier { from: *from, numerator, denominator };
                admin::set_multiplier(tx, &by, organisation, &serial, new)?;
            }
        }
        Ok((organisation, point, numbers))
    }
}
