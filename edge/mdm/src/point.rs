//! A usage point with what is needed to look at it: its calendar, its channels over time, its tariffs.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use corrente_billing::{Customer, Inputs, Phases, TimeTable};
use corrente_ledger::AsOf;
use corrente_metering::{
    Calendar, ChannelId, ChannelKind, Date, Direction, Span, Timestamp,
    calendar::{day_before, next_day},
    id::{TariffId, UsagePointId},
};
use corrente_registry::{
    RegistryError, Tx, agreements, profiles,
    tariffs::{self, TariffVersion},
    usage_points::{self, ChannelPeriod, UsagePoint},
};
use corrente_tariff::{Tariff, value::Day};

use crate::{Mdm, MdmError, vee::stamp::Stamp};

/// A usage point that is being looked at.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) row: UsagePoint,
    pub(crate) calendar: Calendar,
    pub(crate) channels: Vec<ChannelPeriod>,
    /// Registers that only compare, beside intervals.
    pub(crate) checks: Vec<ChannelPeriod>,
    /// Days of which a version differs from what was read.
    pub(crate) overlaid: BTreeSet<Date>,
    /// As of which revisions it is read; now where nothing is said.
    as_of: Option<Arc<Stamp>>,
    /// In which versions its days are; the latest ones where nothing is said.
    pub(crate) versions: Option<Arc<BTreeMap<Date, u32>>>,
    agreements: Vec<AgreedTariff>,
}

#[derive(Clone, Debug)]
struct AgreedTariff {
    from: Timestamp,
    until: Option<Timestamp>,
    versions: Vec<TariffVersion>,
}

/// Tariffs that were read once. A version never changes, so its digest is its name for ever.
#[derive(Debug, Default)]
pub(crate) struct TariffCache {
    parsed: Mutex<HashMap<String, Arc<Tariff>>>,
}

impl TariffCache {
    pub(crate) fn get(
        &self,
        version: &TariffVersion,
        until: Option<Date>,
    ) -> Result<Arc<Tariff>, MdmError> {
        let key = match until {
            None => version.digest.clone(),
            Some(until) => format!("{} {until}", version.digest),
        };
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = parsed.get(&key) {
            return Ok(Arc::clone(known));
        }
        let mut tariff = Tariff::parse(&version.content)?;
        if let Some(until) = until
            && tariff.valid_until().is_none_or(|own| own > until)
        {
            // A later version replaces this one without having said so in its file.
            let mut file = tariff.file().clone();
            file.valid_until = Some(Day(until));
            tariff = Tariff::from_file(file)?;
        }
        let tariff = Arc::new(tariff);
        parsed.insert(key, Arc::clone(&tariff));
        Ok(tariff)
    }
}

/// The hours of tariffs over the billing periods that were asked for last: usage points of one route
/// share them.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    known: Mutex<HashMap<TableKey, Arc<TimeTable>>>,
}

/// Digests of the tariff versions, zone, period.
type TableKey = (Vec<String>, String, Span);

/// More are forgotten together.
const MOST_TABLES: usize = 256;

impl Tables {
    pub(crate) fn get(
        &self,
        calendar: &Calendar,
        tariffs: &[&Tariff],
        span: Span,
    ) -> Result<Arc<TimeTable>, MdmError> {
        let digests = tariffs.iter().map(|tariff| tariff.digest().to_owned()).collect();
        let key: TableKey = (digests, calendar.name().to_owned(), span);
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(table) = known.get(&key) {
                return Ok(Arc::clone(table));
            }
        }
        let table = Arc::new(TimeTable::new(calendar, tariffs, span)?);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_TABLES {
            known.clear();
        }
        known.insert(key, Arc::clone(&table));
        Ok(table)
    }
}

impl Point {
    /// The usage point with everything that concerns it in any time.
    pub(crate) fn load(tx: &mut Tx, id: UsagePointId) -> Result<Option<Self>, RegistryError> {
        let Some(row) = usage_points::get(tx, id)? else { return Ok(None) };
        let calendar = Calendar::new(&row.zone).unwrap_or_else(|_| Calendar::utc());
        let ever = Span::new(Timestamp::MIN, Timestamp::MAX);
        let channels = usage_points::channels(tx, id, ever)?;
        let checks = usage_points::check_registers(tx, id, ever)?;
        let overlaid = profiles::days(tx, id)?.into_iter().collect();
        let mut versions: HashMap<TariffId, Vec<TariffVersion>> = HashMap::new();
        let mut agreed = Vec::new();
        for agreement in agreements::during(tx, id, ever)? {
            let known = if let Some(known) = versions.get(&agreement.tariff) {
                known.clone()
            } else {
                let found = versions_that_hold(tx, agreement.tariff)?;
                versions.insert(agreement.tariff, found.clone());
                found
            };
            agreed.push(AgreedTariff {
                from: agreement.from,
                until: agreement.until,
                versions: known,
            });
        }
        let (as_of, versions) = (None, None);
        Ok(Some(Self {
            row,
            calendar,
            channels,
            checks,
            overlaid,
            as_of,
            versions,
            agreements: agreed,
        }))
    }

    /// The same as it was read, without what validation made of it.
    pub(crate) fn raw(&self) -> Self {
        Self { overlaid: BTreeSet::new(), ..self.clone() }
    }

    /// The same as some of its channels read it.
    pub(crate) fn of_channels(&self, channels: &[&ChannelPeriod]) -> Self {
        Self { channels: channels.iter().map(|c| (*c).clone()).collect(), ..self.raw() }
    }

    /// The same as these revisions had it, without what validation made of it.
    pub(crate) fn at(&self, stamp: Stamp) -> Self {
        Self { as_of: Some(Arc::new(stamp)), ..self.raw() }
    }

    /// The same with these versions of its days.
    pub(crate) fn with_versions(&self, versions: BTreeMap<Date, u32>) -> Self {
        let overlaid = versions.keys().copied().collect();
        Self { overlaid, versions: Some(Arc::new(versions)), ..self.clone() }
    }

    /// The days that decide what is believed of a span, where one of them differs from what was read.
    pub(crate) fn overlaid_days(&self, span: Span) -> Option<Range<Date>> {
        if self.overlaid.is_empty() {
            return None;
        }
        let from = day_before(self.calendar.date(span.start));
        let until = next_day(self.calendar.date_of_reading(span.end));
        self.overlaid.range(from..until).next().map(|_| from..until)
    }

    /// As of when a channel is read.
    pub(crate) fn as_of(&self, channel: ChannelId) -> AsOf<'_> {
        self.as_of.as_ref().map_or(AsOf::Now, |stamp| stamp.as_of(channel))
    }

    /// The tariff versions that cover the span, in order; none where nothing was agreed.
    ///
    /// A bill has one tariff: the one agreed at the end of the span.
    pub(crate) fn tariffs(
        &self,
        cache: &TariffCache,
        span: Span,
    ) -> Result<Vec<Arc<Tariff>>, MdmError> {
        let first = self.calendar.date(span.start);
        let last = self.calendar.date_of_reading(span.end);
        let at = span.end.plus(-1);
        let Some(agreed) = self
            .agreements
            .iter()
            .rfind(|a| a.from <= at && a.until.is_none_or(|until| until > at))
            // What was used before the agreement began is billed by the first one there is.
            .or_else(|| self.agreements.first().filter(|a| a.from > at))
        else {
            return Ok(Vec::new());
        };
        let mut covering = Vec::new();
        for (n, version) in agreed.versions.iter().enumerate() {
            let next = agreed.versions.get(n + 1).map(|next| next.valid_from);
            if version.valid_from > last || next.is_some_and(|next| next <= first) {
                continue;
            }
            covering.push(cache.get(version, next)?);
        }
        Ok(covering)
    }

    /// The shortest step in seconds at which its energy is known by itself: the longest interval of its
    /// interval channels; nothing for registers, which can be cut anywhere.
    pub(crate) fn interval_seconds(&self) -> Option<i64> {
        self.channels
            .iter()
            .filter(|c| c.direction == Direction::Import && c.spec.kind == ChannelKind::Interval)
            .map(|c| c.interval_seconds.unwrap_or(1800).max(1))
            .max()
    }

    /// Does it feed energy into the grid?
    pub(crate) fn feeds_in(&self) -> bool {
        self.channels.iter().any(|channel| channel.direction == Direction::Export)
    }

    /// What the registry says of it that a bill is made from.
    pub(crate) fn inputs(&self, part_of_days: Option<i64>) -> Inputs {
        Inputs {
            usage_point: self.row.id.to_string(),
            customer: Customer {
                class: Some(self.row.class.clone()),
                phases: match self.row.phases {
                    1 => Some(Phases::Single),
                    2 => Some(Phases::Two),
                    3 => Some(Phases::Three),
                    _ => None,
                },
                contracted_kw: self.row.contracted_kw,
                meters: self.row.meters,
                credit_regime: self.row.credit_regime.clone(),
            },
            part_of_days,
            ..Inputs::default()
        }
    }
}

/// A tariff's versions in order of date; of versions with one date the newest holds.
pub(crate) fn versions_that_hold(
    tx: &mut Tx,
    tariff: TariffId,
) -> Result<Vec<TariffVersion>, RegistryError> {
    let mut found = tariffs::versions(tx, tariff)?;
    found.sort_by_key(|v| (v.valid_from, v.number));
    let mut holds: Vec<TariffVersion> = Vec::new();
    for version in found {
        if holds.last().is_some_and(|last| last.valid_from == version.valid_from) {
            holds.pop();
        }
        holds.push(version);
    }
    Ok(holds)
}

impl Mdm {
    /// The usage point, read in one transaction.
    pub(crate) fn point(&self, id: UsagePointId) -> Result<Point, MdmError> {
        self.registry
            .read_blocking(move |tx| Point::load(tx, id))?
            .ok_or_else(|| MdmError::NotFound { kind: "usage point", id: id.to_string() })
    }
}
