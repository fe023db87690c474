//! The tariff of a usage point, for people: today's hours in their colours, what a kWh costs in each,
//! and the days that are different.

use std::{collections::BTreeMap, sync::Arc};

use corrente_billing::energy_prices;
use corrente_metering::{Calendar, Date, Span, Timestamp, calendar::next_day, id::UsagePointId};
use corrente_tariff::{Tariff, tou};
use corrente_units::{Currency, Decimal};
use jiff::ToSpan as _;

use crate::{Mdm, MdmError, period::BillingPeriod, point::Point};

/// The days whose hours are shown, from today on.
const DAYS: i64 = 8;
/// Holidays are shown so far ahead.
const HOLIDAY_DAYS: i64 = 366;

/// How dear a period of the day is among those of its tariff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PriceLevel {
    /// The cheapest.
    OffPeak,
    /// Neither.
    Shoulder,
    /// The dearest.
    Peak,
}

impl PriceLevel {
    /// The word in the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::OffPeak => "off_peak",
            Self::Shoulder => "shoulder",
            Self::Peak => "peak",
        }
    }
}

/// A tariff as a customer looks at it.
#[derive(Clone, Debug)]
pub struct ShownTariff {
    /// The version that holds today.
    pub tariff: Arc<Tariff>,
    /// The usage point's calendar.
    pub calendar: Calendar,
    /// The currency.
    pub currency: Currency,
    /// Now.
    pub now: Timestamp,
    /// What a kWh costs.
    pub prices: Vec<PeriodPrice>,
    /// Today and the days after it; empty where all hours are alike.
    pub days: Vec<ShownDay>,
    /// The holidays of the next twelve months, where the tariff's hours know them.
    pub holidays: Vec<Date>,
}

/// What a kWh costs in a period of the day and a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeriodPrice {
    /// The period of the day, in the tariff's own word; nothing where it has none.
    pub period: Option<String>,
    /// How dear it is.
    pub level: PriceLevel,
    /// From this kWh of the bill on.
    pub from_kwh: Decimal,
    /// Without taxes.
    pub net: Decimal,
    /// With them.
    pub with_taxes: Decimal,
}

/// A day and its hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownDay {
    /// The day.
    pub date: Date,
    /// Is it a holiday of the tariff's list?
    pub holiday: bool,
    /// Its stretches in order.
    pub hours: Vec<ShownHours>,
}

/// Hours of one price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownHours {
    /// When.
    pub span: Span,
    /// The period, in the tariff's own word.
    pub period: String,
    /// How dear it is.
    pub level: PriceLevel,
}

/// The period of the day that runs now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeriodNow {
    /// In the tariff's own word.
    pub name: String,
    /// How dear it is.
    pub level: PriceLevel,
    /// When another one begins; nothing where none does within a week.
    pub until: Option<Timestamp>,
}

/// The levels of a tariff's periods of the day, by their names.
pub(crate) type Levels = BTreeMap<String, PriceLevel>;

impl Mdm {
    /// The tariff of a usage point as of today; nothing where none is agreed.
    ///
    /// # Errors
    /// When a store fails, there is no such usage point, or the tariff cannot say its prices.
    pub fn shown_tariff(&self, id: UsagePointId) -> Result<Option<ShownTariff>, MdmError> {
        let point = self.point(id)?;
        let now = self.clock.now();
        let calendar = &point.calendar;
        let today = calendar.date(now);
        let period = BillingPeriod::at(calendar, now, Timestamp::MIN);
        let tariffs = point.tariffs(&self.tariffs, period.span)?;
        let Some(tariff) = tariffs.iter().find(|tariff| tariff.covers(today)).cloned() else {
            return Ok(None);
        };
        let versions: Vec<&Tariff> = tariffs.iter().map(AsRef::as_ref).collect();
        let inputs = point.inputs(period.part_of_days);
        let prices = energy_prices(calendar, &versions, &inputs, period.span, today)?;
        let levels = levels(&prices);
        let level = |name: &str| levels.get(name).copied().unwrap_or(PriceLevel::OffPeak);
        let prices = prices
            .into_iter()
            .map(|price| PeriodPrice {
                level: price.period.as_deref().map_or(PriceLevel::OffPeak, level),
                period: price.period,
                from_kwh: price.from_kwh,
                net: price.net,
                with_taxes: price.with_taxes,
            })
            .collect();
        let mut days = Vec::new();
        let mut date = today;
        while tariff.tou().is_some() && i64::from((date - today).get_days()) < DAYS {
            // The hours of a year whose holidays are not known yet cannot be said.
            let Ok(kind) = tariff.day_kind(date) else { break };
            let hours = hours(calendar, &tariff, date).unwrap_or_default();
            let hours = hours
                .into_iter()
                .map(|(span, period)| ShownHours { span, level: level(&period), period })
                .collect();
            days.push(ShownDay { date, holiday: kind.holiday, hours });
            date = next_day(date);
        }
        let known = tariff.tou().is_some_and(tou::Tou::knows_holidays);
        let last = today.checked_add(HOLIDAY_DAYS.days()).unwrap_or(Date::MAX);
        let holidays = tariff
            .file()
            .holidays
            .iter()
            .flat_map(|year| year.dates.iter().map(|day| day.0))
            .filter(|date| known && today <= *date && *date < last)
            .collect();
        Ok(Some(ShownTariff {
            tariff,
            currency: point.row.currency,
            now,
            prices,
            days,
            holidays,
            calendar: point.calendar,
        }))
    }
}

/// The period of the day that runs at `now`; nothing where the tariff has none.
pub(crate) fn period_now(
    point: &Point,
    tariffs: &[Arc<Tariff>],
    period: &BillingPeriod,
    now: Timestamp,
) -> Option<PeriodNow> {
    let calendar = &point.calendar;
    let today = calendar.date(now);
    let tariff = tariffs.iter().find(|tariff| tariff.covers(today))?;
    let mut day = hours(calendar, tariff, today)?;
    let mut from = day.iter().position(|(span, _)| span.contains(now.plus(1)))?;
    let name = day.get(from)?.1.clone();
    let mut until = None;
    let mut date = today;
    while until.is_none() && i64::from((date - today).get_days()) < DAYS {
        let other = day.iter().skip(from).find(|(_, other)| *other != name);
        until = other.map(|(span, _)| span.start);
        date = next_day(date);
        from = 0;
        let Some(next) = hours(calendar, tariff, date) else { break };
        day = next;
    }
    let levels = levels_on(point, tariffs, period, today);
    let level = levels.get(&name).copied().unwrap_or(PriceLevel::OffPeak);
    Some(PeriodNow { name, level, until })
}

/// How dear the periods of the day are on a day of a billing period.
pub(crate) fn levels_on(
    point: &Point,
    tariffs: &[Arc<Tariff>],
    period: &BillingPeriod,
    on: Date,
) -> Levels {
    let versions: Vec<&Tariff> = tariffs.iter().map(AsRef::as_ref).collect();
    let inputs = point.inputs(period.part_of_days);
    energy_prices(&point.calendar, &versions, &inputs, period.span, on)
        .map(|prices| levels(&prices))
        .unwrap_or_default()
}

fn levels(prices: &[corrente_billing::EnergyPrice]) -> Levels {
    let first = prices.iter().filter(|price| price.from_kwh.is_zero());
    let by_name: BTreeMap<&String, Decimal> =
        first.filter_map(|price| Some((price.period.as_ref()?, price.with_taxes))).collect();
    let least = by_name.values().min().copied().unwrap_or_default();
    let most = by_name.values().max().copied().unwrap_or_default();
    by_name
        .into_iter()
        .map(|(name, price)| {
            let level = if price == least {
                PriceLevel::OffPeak
            } else if price == most {
                PriceLevel::Peak
            } else {
                PriceLevel::Shoulder
            };
            (name.clone(), level)
        })
        .collect()
}

/// A day's stretches with their periods; nothing where the tariff has none or the day's kind is not
/// known.
pub(crate) fn hours(
    calendar: &Calendar,
    tariff: &Tariff,
    date: Date,
) -> Option<Vec<(Span, String)>> {
    let tou = tariff.tou()?;
    let kind = tariff.day_kind(date).ok()?;
    let name = |period: usize| tou.periods().get(period).cloned().unwrap_or_default();
    Some(tou.day(calendar, date, kind).into_iter().map(|s| (s.span, name(s.period))).collect())
}
