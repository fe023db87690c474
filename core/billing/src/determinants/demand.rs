//! Demand: the highest mean power of windows of a period.

use std::collections::{BTreeMap, BTreeSet};

use corrente_metering::{Date, Interval, Span, Timestamp};
use corrente_tariff::{
    Tariff,
    file::DemandCharge,
    tou::{TouSpan, days_between, find},
};
use corrente_units::Power;
use serde::{Deserialize, Serialize};

use super::Measure;
use crate::{
    BillingError,
    portion::{Portion, portions},
};

/// The windows that decide a demand charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemandQuantity {
    /// The charge's code.
    pub charge: String,
    /// The first day of the tariff version that asks.
    pub first: Date,
    /// The highest windows, highest first; as many as the charge bills.
    pub windows: Vec<DemandWindow>,
    /// Windows that could not be judged because energy is missing.
    pub windows_missing: u32,
}

/// A window and its mean power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemandWindow {
    /// When it ended.
    pub end: Timestamp,
    /// Mean power, W.
    pub mean: Power,
}

pub(super) fn measure(
    from: &Measure<'_>,
    first: Date,
    until: Date,
) -> Result<Vec<DemandQuantity>, BillingError> {
    let mut quantities = Vec::new();
    for portion in portions(from.tariffs, first, until)? {
        quantities.extend(of_blocks(from, &portion));
        let charges = &portion.tariff.file().demand;
        if charges.is_empty() {
            continue;
        }
        let stretches = stretches(from, portion.tariff, portion.first, portion.until)?;
        let names = portion.tariff.demand_tou().map_or(&[][..], |t| t.periods());
        let days = from.calendar.days(portion.first, portion.until).intersect(from.span);
        let mut by_width: BTreeMap<u32, Windows> = BTreeMap::new();
        for charge in charges {
            let windows = by_width
                .entry(charge.window_minutes)
                .or_insert_with(|| Windows::of(from.import, days, charge.window_minutes));
            quantities.push(pick(from, charge, portion.first, windows, &stretches, names));
        }
    }
    Ok(quantities)
}

/// The whole period's highest demand for the charges for energy whose blocks end at so many kWh per kW.
pub(crate) fn of_blocks(from: &Measure<'_>, portion: &Portion<'_>) -> Vec<DemandQuantity> {
    let mut quantities = Vec::new();
    for charge in &portion.tariff.file().energy {
        let Some(minutes) = charge.demand_window_minutes() else { continue };
        let windows = Windows::of(from.import, from.span, minutes);
        let highest = windows.known.iter().max_by_key(|w| (w.mean, std::cmp::Reverse(w.end)));
        quantities.push(DemandQuantity {
            charge: charge.code.clone(),
            first: portion.first,
            windows: highest.copied().into_iter().collect(),
            windows_missing: windows.missing,
        });
    }
    quantities
}

fn stretches(
    from: &Measure<'_>,
    tariff: &Tariff,
    first: Date,
    until: Date,
) -> Result<Vec<TouSpan>, BillingError> {
    let Some(tou) = tariff.demand_tou() else { return Ok(Vec::new()) };
    let mut stretches = Vec::new();
    for date in days_between(first, until) {
        stretches.extend(tou.day(from.calendar, date, tariff.day_kind(date)?));
    }
    Ok(stretches)
}

struct Windows {
    /// End and mean power of the windows that are fully known.
    known: Vec<DemandWindow>,
    missing: u32,
}

impl Windows {
    /// Windows lie on multiples of their width after the hour, as meters form them. An interval
    /// longer than the window is one window of its own length.
    fn of(intervals: &[Interval], days: Span, minutes: u32) -> Self {
        let width = i64::from(minutes).saturating_mul(60);
        let mut windows = Self { known: Vec::new(), missing: 0 };
        let mut open: Option<(Timestamp, i64, i64)> = None;
        for interval in intervals.iter().filter(|i| days.contains(i.span().end)) {
            let span = interval.span();
            let seconds = span.seconds();
            let Some(energy) = interval.energy() else {
                windows.missing = windows.missing.saturating_add(1);
                open = None;
                continue;
            };
            if seconds >= width {
                windows.push(span.end, energy.wh(), seconds);
                open = None;
                continue;
            }
            let end = window_end(span.end, width);
            let (wh, covered) = match open {
                Some((e, wh, covered)) if e == end => (wh, covered),
                _ => (0, 0),
            };
            let (wh, covered) = (wh.saturating_add(energy.wh()), covered.saturating_add(seconds));
            if covered >= width {
                windows.push(end, wh, covered);
                open = None;
            } else {
                open = Some((end, wh, covered));
            }
        }
        windows
    }

    fn push(&mut self, end: Timestamp, wh: i64, seconds: i64) {
        let mean = wh.saturating_mul(3600).checked_div(seconds).unwrap_or(0);
        self.known.push(DemandWindow { end, mean: Power::from_w(mean) });
    }
}

/// The end of the window in which an interval that ends at `t` lies.
fn window_end(t: Timestamp, width: i64) -> Timestamp {
    let before = t.second().saturating_sub(1);
    let window = before.checked_div_euclid(width).unwrap_or(0).saturating_add(1);
    Timestamp::from_second(window.saturating_mul(width))
}

fn pick(
    from: &Measure<'_>,
    charge: &DemandCharge,
    first: Date,
    windows: &Windows,
    stretches: &[TouSpan],
    names: &[String],
) -> DemandQuantity {
    let counts = |window: &DemandWindow| {
        let month = from.calendar.date_of_reading(window.end).month();
        let in_month =
            charge.months.is_empty() || charge.months.iter().any(|m| i8::try_from(*m) == Ok(month));
        let in_period = charge.periods.is_empty()
            || find(stretches, window.end)
                .and_then(|s| names.get(s.period))
                .is_some_and(|name| charge.periods.contains(name));
        in_month && in_period
    };
    let mut chosen: Vec<DemandWindow> = windows.known.iter().copied().filter(counts).collect();
    chosen.sort_by_key(|w| (std::cmp::Reverse(w.mean), w.end));
    if charge.top_on_different_days {
        let mut days = BTreeSet::new();
        chosen.retain(|w| days.insert(from.calendar.date_of_reading(w.end)));
    }
    chosen.truncate(usize::try_from(charge.top).unwrap_or(1));
    DemandQuantity {
        charge: charge.code.clone(),
        first,
        windows: chosen,
        windows_missing: windows.missing,
    }
}
