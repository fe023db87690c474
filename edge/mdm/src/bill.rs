//! The bill of the running period: what it is so far, and what it will probably be.

use corrente_alert::{
    forecast::{DayAhead, FORECAST_DAYS, Forecast, forecast},
    measure::DayOfUse,
};
use corrente_billing::{BillingError, BillingPlan, Line};
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
    cost::{Terms, provisional},
    expected::back,
    facts::known_wh,
    period::{BillingPeriod, Step, are_comparable, civil_days},
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
    /// That bill's plan, at its most likely.
    pub likely: Option<BillingPlan>,
    /// The last issued bill.
    pub previous: Option<Money>,
    /// How many days that one was for.
    pub previous_days: Option<i64>,
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
    /// By how many percent the lower end of the projected bill's range is above the last one: nothing
    /// where that was for so many fewer days (a first bill) or more that it says nothing.
    pub fn jump_percent(&self) -> Option<Decimal> {
        self.previous_days.filter(|days| are_comparable(*days, self.days))?;
        self.projected?.at_least_above(self.previous?)
    }
}

impl Projected {
    /// By how many percent the lower end of the range is above another bill: nine of ten bills come out
    /// higher than that.
    pub fn at_least_above(&self, before: Money) -> Option<Decimal> {
        percent(Some(self.low.minor()), Some(before.minor()))
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
    export: Vec<Interval>,
    pieces: Vec<Piece>,
    terms: Terms,
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
            .find(|invoice| invoice.period_end <= period.span.start)
            .map(|invoice| {
                let span = Span::new(invoice.period_start, invoice.period_end);
                (invoice.amount, civil_days(calendar, span))
            });
        let (projected, likely) = self.project(point, &period, &bill)?.unzip();
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
            likely,
            previous: previous.map(|(amount, _)| amount),
            previous_days: previous.map(|(_, days)| days),
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
        let export = if begun && point.feeds_in() {
            let pieces = self.billing_intervals(point, Direction::Export, span, &tariffs)?;
            profile(&pieces).intervals
        } else {
            Vec::new()
        };
        let inputs = self.inputs(point, period, &tariffs, now)?;
        let series = self.series(point, &tariffs, period.span)?;
        let terms = Terms { tariffs, inputs, series };
        let plan = provisional(point, &terms, span, &intervals, &export)?;
        let energy_amount = energy_amount(point, period, &intervals, &terms)?;
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
            export,
            pieces,
            terms,
        }))
    }

    /// The whole period's bill as a range.
    fn project(
        &self,
        point: &Point,
        period: &BillingPeriod,
        bill: &PeriodBill,
    ) -> Result<Option<(Projected, BillingPlan)>, MdmError> {
        let Some(rest) = self.forecast_rest(point, period, bill)? else { return Ok(None) };
        let ahead = Span::new(bill.known.end, period.span.end);
        let mut export = bill.export.clone();
        if !export.is_empty() {
            export.extend(spread(point, ahead, as_before(&bill.export, bill.known, ahead)?));
        }
        let plan = |energy: Energy| -> Result<BillingPlan, MdmError> {
            let mut intervals = bill.intervals.clone();
            intervals.extend(spread(point, ahead, energy));
            let span = Span::new(period.span.start, period.span.end);
            provisional(point, &bill.terms, span, &intervals, &export)
        };
        let likely = match plan(rest.likely) {
            // Nobody knows the market's prices of the days to come.
            Err(MdmError::Billing(
                BillingError::NoPriceAt { .. } | BillingError::NoPriceSeries { .. },
            )) => return Ok(None),
            likely => likely?,
        };
        let projected = Projected {
            energy: bill.energy.checked_add(rest.likely)?,
            amount: likely.totals.total,
            low: plan(rest.low)?.totals.total,
            high: plan(rest.high)?.totals.total,
        };
        Ok(Some((projected, likely)))
    }

    /// What the rest of the period will use, by the whole days before it.
    fn forecast_rest(
        &self,
        point: &Point,
        period: &BillingPeriod,
        bill: &PeriodBill,
    ) -> Result<Option<Forecast>, MdmError> {
        let calendar = &point.calendar;
        let edge = bill.known.end;
        let last = calendar.midnight(calendar.date(edge));
        let first = back(calendar, last, i64::from(FORECAST_DAYS));
        let boundaries = Step::Day.boundaries(calendar, Span::new(first, last));
        let days: Vec<DayOfUse> = self
            .pieces(point, Direction::Import, &boundaries)?
            .iter()
            .map(|piece| DayOfUse {
                date: calendar.date(piece.span.start),
                wh: known_wh(piece),
                lowest_hour_wh: None,
            })
            .collect();
        let ahead: Vec<DayAhead> = calendar
            .cut_days(Span::new(edge, period.span.end))
            .into_iter()
            .map(|day| {
                let date = calendar.date(day.start);
                DayAhead {
                    date,
                    remaining_seconds: day.seconds(),
                    seconds: calendar.day(date).seconds(),
                }
            })
            .collect();
        Ok(forecast(&days, &ahead))
    }
}

/// What depends on energy.
fn energy_amount(
    point: &Point,
    period: &BillingPeriod,
    intervals: &[Interval],
    terms: &Terms,
) -> Result<Money, MdmError> {
    let tariffs: Vec<&Tariff> = terms.tariffs.iter().map(AsRef::as_ref).collect();
    let costs = corrente_billing::energy_costs(
        &point.calendar,
        &tariffs,
        &terms.inputs,
        period.span,
        intervals,
        &terms.series,
    )?;
    Ok(Money::sum(costs.into_iter().filter_map(|cost| cost.amount))?)
}

/// What days to come feed in if they are like those that are known.
fn as_before(export: &[Interval], known: Span, ahead: Span) -> Result<Energy, MdmError> {
    let so_far = Energy::sum(export.iter().filter_map(Interval::energy))?;
    let wh = i128::from(so_far.wh()) * i128::from(ahead.seconds().max(0))
        / i128::from(known.seconds().max(1));
    Ok(Energy::from_wh(i64::try_from(wh).unwrap_or(i64::MAX)))
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
