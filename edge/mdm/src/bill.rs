//! The bill of the running period: what it is so far, and what it will probably be.

use std::sync::Arc;

use corrente_billing::{BillingPlan, Line};
use corrente_metering::{
    Date, Direction, EstimationMethod, Interval, Quality, Span, Timestamp,
    assemble::{Piece, profile},
    calendar::next_day,
    id::UsagePointId,
};
use corrente_registry::invoices;
use corrente_tariff::Tariff;
use corrente_units::{Currency, Decimal, Energy, Money};

use crate::{
    Mdm, MdmError,
    cost::provisional,
    expected::{self, WEEKS, back},
    forecast::{Forecast, ForecastDay, Known, forecast},
    period::{BillingPeriod, Step},
    point::Point,
    usage::{live_edge, percent},
};

/// The running bill.
#[derive(Clone, Debug, PartialEq)]
pub struct BillSoFar {
    /// The first civil day.
    pub from: Date,
    /// The first civil day after the period.
    pub until: Date,
    /// The period.
    pub period: Span,
    /// Until when something is known.
    pub known_until: Timestamp,
    /// Which day of the period it is, from 1.
    pub day: i64,
    /// How many days the period has.
    pub days: i64,
    /// Energy so far.
    pub energy: Energy,
    /// What the bill would be if the period ended now.
    pub amount: Money,
    /// The part of it that depends on energy.
    pub energy_amount: Money,
    /// The rest.
    pub fixed_amount: Money,
    /// What the bill will probably be.
    pub projected: Option<Projected>,
    /// The last issued bill.
    pub previous: Option<Money>,
    /// A part of the period so far is missing, so it is at least this.
    pub at_least: bool,
    /// Days or intervals that are estimated.
    pub estimated: usize,
    /// Days or intervals of which something is missing.
    pub missing: usize,
    /// The tariff's name.
    pub tariff: String,
    /// Its version.
    pub tariff_version: String,
    /// The currency.
    pub currency: Currency,
    /// The lines so far.
    pub lines: Vec<Line>,
}

/// What a bill will probably be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Projected {
    /// Energy of the whole period.
    pub energy: Energy,
    /// Most likely.
    pub amount: Money,
    /// The lower end of the 80 % range.
    pub low: Money,
    /// The upper end.
    pub high: Money,
}

impl BillSoFar {
    /// By how many percent the projected bill is above the last one.
    pub fn jump_percent(&self) -> Option<Decimal> {
        percent(self.projected.map(|p| p.amount.minor()), self.previous.map(Money::minor))
    }
}

/// A period's bill with what is known of it.
#[derive(Debug)]
pub(crate) struct PeriodBill {
    pub(crate) plan: BillingPlan,
    pub(crate) energy: Energy,
    pub(crate) energy_amount: Money,
    pub(crate) fixed: Money,
    pub(crate) known: Span,
    intervals: Vec<Interval>,
    pieces: Vec<Piece>,
    tariffs: Vec<Arc<Tariff>>,
}

impl Mdm {
    /// The bill of the running period so far; nothing without a tariff or a first reading.
    ///
    /// # Errors
    /// When a store fails or the tariff cannot rate the energy.
    pub fn bill_so_far(&self, id: UsagePointId) -> Result<Option<BillSoFar>, MdmError> {
        let point = self.point(id)?;
        let now = self.clock.now();
        self.bill_so_far_at(&point, now)
    }

    pub(crate) fn bill_so_far_at(
        &self,
        point: &Point,
        now: Timestamp,
    ) -> Result<Option<BillSoFar>, MdmError> {
        let Some(known) = self.known_span(point, Direction::Import)? else { return Ok(None) };
        let calendar = &point.calendar;
        let period = BillingPeriod::at(calendar, now, known.start);
        if period.span.start >= now {
            return Ok(None);
        }
        let Some(bill) = self.bill_of(point, &period, now)? else { return Ok(None) };
        let id = point.row.id;
        let previous = self
            .registry
            .read_blocking(move |tx| invoices::list(tx, id))?
            .into_iter()
            .find(|i| {
                i.state != invoices::InvoiceState::Cancelled && i.period_end <= period.span.start
            })
            .map(|invoice| invoice.amount);
        let projected = self.project(point, &period, &bill)?;
        let version = bill.plan.tariffs.last();
        let first = calendar.date(period.span.start);
        let today = calendar.date_of_reading(now);
        Ok(Some(BillSoFar {
            from: first,
            until: next_day(calendar.date_of_reading(period.span.end)),
            period: period.span,
            known_until: bill.known.end,
            day: i64::from((today - first).get_days()) + 1,
            days: period.days,
            energy: bill.energy,
            amount: bill.plan.totals.total,
            energy_amount: bill.energy_amount,
            fixed_amount: bill.fixed,
            projected,
            previous,
            at_least: bill.pieces.iter().any(|p| p.missing_seconds > 0),
            estimated: bill
                .pieces
                .iter()
                .filter(|p| matches!(p.quality, Quality::Estimated { .. } | Quality::Edited))
                .count(),
            missing: bill.pieces.iter().filter(|p| p.missing_seconds > 0).count(),
            tariff: version.map(|v| v.name.clone()).unwrap_or_default(),
            tariff_version: version.map(|v| v.version.clone()).unwrap_or_default(),
            currency: point.row.currency,
            lines: bill.plan.lines,
        }))
    }

    /// What a period's bill is by what is known at `now`; nothing without a tariff.
    pub(crate) fn bill_of(
        &self,
        point: &Point,
        period: &BillingPeriod,
        now: Timestamp,
    ) -> Result<Option<PeriodBill>, MdmError> {
        let tariffs = point.tariffs(&self.tariffs, period.span)?;
        if tariffs.is_empty() {
            return Ok(None);
        }
        let known = self.known_span(point, Direction::Import)?;
        // At the very beginning nothing may be known yet; a bill of one second has the fixed charges.
        let end = live_edge(known, now, point).min(period.span.end).max(period.span.start.plus(1));
        let span = Span::new(period.span.start, end);
        let pieces = self.billing_intervals(point, Direction::Import, span, &tariffs)?;
        let begun = known.is_some_and(|known| known.end > span.start);
        let intervals = if begun { profile(&pieces).intervals } else { Vec::new() };
        let plan = provisional(point, period, &intervals, span, &tariffs)?;
        let energy_amount = energy_amount(point, period, &intervals, &tariffs)?;
        let fixed = plan.totals.total.checked_sub(energy_amount)?;
        let energy = Energy::sum(intervals.iter().filter_map(Interval::energy))?;
        let pieces = if begun { pieces } else { Vec::new() };
        Ok(Some(PeriodBill {
            plan,
            energy,
            energy_amount,
            fixed,
            known: span,
            intervals,
            pieces,
            tariffs,
        }))
    }

    /// The whole period's bill as a range.
    fn project(
        &self,
        point: &Point,
        period: &BillingPeriod,
        bill: &PeriodBill,
    ) -> Result<Option<Projected>, MdmError> {
        let Some(rest) = self.forecast_rest(point, period, bill)? else { return Ok(None) };
        let ahead = Span::new(bill.known.end, period.span.end);
        let amount = |energy: Energy| -> Result<Money, MdmError> {
            let mut intervals = bill.intervals.clone();
            intervals.extend(spread(point, ahead, energy));
            let span = Span::new(period.span.start, period.span.end);
            let plan = provisional(point, period, &intervals, span, &bill.tariffs)?;
            Ok(plan.totals.total)
        };
        Ok(Some(Projected {
            energy: bill.energy.checked_add(rest.likely)?,
            amount: amount(rest.likely)?,
            low: amount(rest.low)?,
            high: amount(rest.high)?,
        }))
    }

    /// What the rest of the period will use.
    fn forecast_rest(
        &self,
        point: &Point,
        period: &BillingPeriod,
        bill: &PeriodBill,
    ) -> Result<Option<Forecast>, MdmError> {
        let calendar = &point.calendar;
        let edge = bill.known.end;
        // Only what lies before the period: what happens in it is weighed against that.
        let before = Span::new(back(calendar, period.span.start, WEEKS * 7), period.span.start);
        let boundaries = Step::Day.boundaries(calendar, before);
        let pieces = self.pieces(point, Direction::Import, &boundaries)?;
        let whole: Vec<&Piece> = pieces
            .iter()
            .filter(|p| p.missing_seconds == 0)
            .filter(|p| calendar.day(calendar.date(p.span.start)) == p.span)
            .collect();
        let weekdays = Weekdays::new(calendar, &whole);
        let usual = |t: Timestamp| weekdays.usual(calendar.date(t));
        let mut known =
            Known { energy: bill.energy, seconds: bill.known.seconds(), ..Known::default() };
        let mut usual_so_far = Some(Energy::ZERO);
        for day in calendar.cut_days(bill.known) {
            let whole = calendar.day(calendar.date(day.start));
            let part = usual(whole.start).and_then(|energy| {
                let wh = i128::from(energy.wh()) * i128::from(day.seconds())
                    / i128::from(whole.seconds().max(1));
                i64::try_from(wh).ok().map(Energy::from_wh)
            });
            usual_so_far =
                usual_so_far.zip(part).and_then(|(sum, part)| sum.checked_add(part).ok());
        }
        known.usual = usual_so_far;
        known.misses = whole
            .iter()
            .filter_map(|p| p.energy?.wh().checked_sub(usual(p.span.start)?.wh()))
            .collect();
        if known.misses.len() < 5 {
            known.misses = own_misses(&whole);
        }
        let days: Vec<ForecastDay> = calendar
            .cut_days(Span::new(edge, period.span.end))
            .into_iter()
            .map(|day| ForecastDay {
                usual: usual(day.start),
                remaining_seconds: day.seconds(),
                seconds: calendar.day(calendar.date(day.start)).seconds(),
            })
            .collect();
        Ok(forecast(&known, &days))
    }
}

/// What depends on energy.
fn energy_amount(
    point: &Point,
    period: &BillingPeriod,
    intervals: &[Interval],
    tariffs: &[Arc<Tariff>],
) -> Result<Money, MdmError> {
    let tariffs: Vec<&Tariff> = tariffs.iter().map(AsRef::as_ref).collect();
    let inputs = point.inputs(period.part_of_days);
    let costs =
        corrente_billing::energy_costs(&point.calendar, &tariffs, &inputs, period.span, intervals)?;
    Ok(Money::sum(costs.into_iter().filter_map(|cost| cost.amount))?)
}

/// What is usual on each weekday, by whole days.
struct Weekdays {
    days: [Vec<i64>; 7],
}

impl Weekdays {
    fn new(calendar: &corrente_metering::Calendar, days: &[&Piece]) -> Self {
        let mut by_weekday: [Vec<i64>; 7] = Default::default();
        for day in days {
            let at = weekday(calendar.date(day.span.start));
            if let (Some(slot), Some(energy)) = (by_weekday.get_mut(at), day.energy) {
                slot.push(energy.wh());
            }
        }
        Self { days: by_weekday }
    }

    fn usual(&self, date: Date) -> Option<Energy> {
        expected::usual(self.days.get(weekday(date))?.clone()).map(|usual| usual.mean)
    }
}

fn weekday(date: Date) -> usize {
    usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0)
}

/// By how much days missed their own mean, where weekdays have no past yet.
fn own_misses(days: &[&Piece]) -> Vec<i64> {
    let known: Vec<i64> = days
        .iter()
        .filter(|p| p.missing_seconds == 0)
        .filter_map(|p| p.energy.map(Energy::wh))
        .collect();
    let count = i64::try_from(known.len()).unwrap_or(i64::MAX).max(1);
    let mean = known.iter().fold(0_i64, |sum, wh| sum.saturating_add(*wh)) / count;
    known.iter().map(|wh| wh.saturating_sub(mean)).collect()
}

/// An energy spread evenly over hours to come, so that each falls into a period of the day.
fn spread(point: &Point, ahead: Span, energy: Energy) -> Vec<Interval> {
    if ahead.is_empty() {
        return Vec::new();
    }
    let quality = Quality::Estimated { method: EstimationMethod::OwnAverage };
    let total = i128::from(ahead.seconds());
    let share = |t: Timestamp| {
        let wh = i128::from(energy.wh()) * i128::from(t.since(ahead.start)) / total;
        i64::try_from(wh).unwrap_or(i64::MAX)
    };
    let boundaries = Step::Hour.boundaries(&point.calendar, ahead);
    boundaries
        .iter()
        .zip(boundaries.iter().skip(1))
        .map(|(start, end)| {
            let wh = share(*end).saturating_sub(share(*start));
            Interval::known(Span::new(*start, *end), Energy::from_wh(wh), quality)
        })
        .collect()
}
