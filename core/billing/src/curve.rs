//! Money per interval, for charts.

use corrente_metering::{Calendar, Date, Interval, Span};
use corrente_tariff::{Tariff, tou};
use corrente_units::{Decimal, Money, Rounding};

use crate::{
    BillingError, Determinants, Inputs, Measure, PlanKind,
    determinants::of_blocks,
    exact::Exact,
    portion::portions,
    rate::{Context, flag_on, gross_up, kwh, marginal_prices},
};

/// What the energy of an interval costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntervalCost {
    /// When.
    pub span: Span,
    /// The amount with taxes, or nothing where the energy is missing.
    pub amount: Option<Money>,
}

/// What the energy of each interval costs, with inclusive and exclusive taxes and flags.
///
/// Only what depends on energy: fixed charges, demand, minimum, lighting, discounts and credits are
/// not in it. Each amount is the cumulative cost at the interval's end less that at its start, each
/// rounded half up, so that the amounts of a stretch add up to its cost to the cent. Blocks fill in
/// the order of time from the start of `period`; hand in its intervals from that start. An interval
/// is priced by the instant just before its end.
///
/// # Errors
/// As [`crate::plan`].
pub fn energy_costs(
    calendar: &Calendar,
    tariffs: &[&Tariff],
    inputs: &Inputs,
    period: Span,
    intervals: &[Interval],
) -> Result<Vec<IntervalCost>, BillingError> {
    let first = calendar.date(period.start);
    let until = corrente_metering::calendar::next_day(calendar.date_of_reading(period.end));
    let portions = portions(tariffs, first, until)?;
    let from =
        Measure { calendar, tariffs, span: period, import: intervals, export: &[], series: &[] };
    let demand = portions.iter().flat_map(|portion| of_blocks(&from, portion)).collect();
    let total = intervals.iter().filter_map(Interval::energy).map(corrente_units::Energy::wh).sum();
    let determinants = Determinants {
        span: period,
        first,
        until,
        registers: Vec::new(),
        segments: Vec::new(),
        demand,
        series: Vec::new(),
        readings: Vec::new(),
        profiles: Vec::new(),
    };
    let context = Context {
        kind: PlanKind::Provisional,
        calendar,
        determinants: &determinants,
        inputs,
        portions,
        total_wh: total,
        days: determinants.days(),
    };
    let mut walk = Walk { context: &context, day: None, used: 0, today: 0, cost: Decimal::ZERO };
    intervals.iter().map(|interval| walk.step(interval)).collect()
}

struct Walk<'c, 'a> {
    context: &'c Context<'a>,
    day: Option<Day<'a>>,
    used: i64,
    today: i64,
    cost: Decimal,
}

/// What stays the same over a day.
struct Day<'a> {
    date: Date,
    tariff: &'a Tariff,
    stretches: Vec<tou::TouSpan>,
    flags: Decimal,
}

impl<'a> Walk<'_, 'a> {
    fn step(&mut self, interval: &Interval) -> Result<IntervalCost, BillingError> {
        let span = interval.span();
        let Some(energy) = interval.energy() else {
            return Ok(IntervalCost { span, amount: None });
        };
        let date = self.context.calendar.date_of_reading(span.end);
        if self.day.as_ref().is_none_or(|d| d.date != date) {
            self.day = Some(self.make_day(date)?);
            self.today = 0;
        }
        let before = Money::from_decimal(self.cost, Rounding::HalfUp)?;
        let Some(day) = &self.day else { return Ok(IntervalCost { span, amount: None }) };
        let period = tou::find(&day.stretches, span.end)
            .and_then(|s| day.tariff.tou().and_then(|t| t.periods().get(s.period)));
        let mut price = day.flags;
        let position = (self.used, self.today);
        for (charge, per_kwh) in marginal_prices(self.context, day.tariff, date, period, position)?
        {
            let taxes = self.context.taxes(day.tariff, charge.taxes.as_deref(), date)?;
            price = price.plus(with_taxes(per_kwh, &taxes)?)?;
        }
        self.cost = self.cost.plus(kwh(energy.wh()).times(price)?)?;
        self.used = self.used.saturating_add(energy.wh());
        self.today = self.today.saturating_add(energy.wh());
        let after = Money::from_decimal(self.cost, Rounding::HalfUp)?;
        Ok(IntervalCost { span, amount: Some(after.checked_sub(before)?) })
    }

    fn make_day(&self, date: Date) -> Result<Day<'a>, BillingError> {
        let portion = self
            .context
            .portions
            .iter()
            .find(|p| p.first <= date && date < p.until)
            .ok_or(BillingError::NoTariff { on: date })?;
        let tariff = portion.tariff;
        let stretches = match tariff.tou() {
            Some(tou) => tou.day(self.context.calendar, date, tariff.day_kind(date)?),
            None => Vec::new(),
        };
        let mut flags = Decimal::ZERO;
        for charge in &tariff.file().flag {
            if charge.exempt_classes.iter().any(|c| c == self.context.class()) {
                continue;
            }
            let flag = flag_on(charge, date)?;
            let price = charge.prices.get(flag).and_then(|p| p.on(date)).unwrap_or_default();
            let price = crate::rate::per_kwh(price, charge.unit)?;
            let taxes = self.context.taxes(tariff, charge.taxes.as_deref(), date)?;
            flags = flags.plus(with_taxes(price, &taxes)?)?;
        }
        Ok(Day { date, tariff, stretches, flags })
    }
}

fn with_taxes(
    price: Decimal,
    taxes: &[crate::rate::RatedTax<'_>],
) -> Result<Decimal, BillingError> {
    let gross = gross_up(price, taxes)?;
    let mut added = Decimal::ZERO;
    for tax in taxes {
        if tax.tax.method == corrente_tariff::file::TaxMethod::Exclusive {
            added = added.plus(gross.times(tax.rate)?)?;
        }
    }
    Ok(gross.plus(added)?)
}
