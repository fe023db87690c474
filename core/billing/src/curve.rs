//! Money per interval, for charts.

use corrente_metering::{Calendar, Date, Interval, Span};
use corrente_tariff::{Tariff, tou};
use corrente_units::{Decimal, Money, Rounding};

use crate::{
    BillingError, Determinants, Inputs, Measure, PlanKind, PriceSeries,
    determinants::of_blocks,
    exact::Exact,
    portion::portions,
    rate::{Context, flag_on, gross_up, kwh, marginal_prices, series_formula},
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
/// is priced by the instant just before its end; at prices of a series by its seconds at each of them,
/// and one without a price has no amount.
///
/// # Errors
/// As [`crate::plan`].
pub fn energy_costs(
    calendar: &Calendar,
    tariffs: &[&Tariff],
    inputs: &Inputs,
    period: Span,
    intervals: &[Interval],
    series: &[PriceSeries],
) -> Result<Vec<IntervalCost>, BillingError> {
    let first = calendar.date(period.start);
    let until = corrente_metering::calendar::next_day(calendar.date_of_reading(period.end));
    let portions = portions(tariffs, first, until)?;
    let from =
        Measure { calendar, tariffs, span: period, import: intervals, export: &[], series: &[] };
    let demand = portions.iter().flat_map(|portion| of_blocks(&from, portion)).collect();
    let total = intervals.iter().filter_map(Interval::energy).map(corrente_units::Energy::wh).sum();
    let determinants = Determinants { demand, ..Determinants::empty(period, first, until) };
    let context = Context {
        kind: PlanKind::Provisional,
        calendar,
        determinants: &determinants,
        inputs,
        portions,
        total_wh: total,
        days: determinants.days(),
    };
    let (day, cost) = (None, Decimal::ZERO);
    let mut walk = Walk { context: &context, series, day, used: 0, today: 0, cost };
    intervals.iter().map(|interval| walk.step(interval)).collect()
}

struct Walk<'c, 'a> {
    context: &'c Context<'a>,
    series: &'c [PriceSeries],
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
        let Some(market) = self.market(day.tariff, date, period, span)? else {
            return Ok(IntervalCost { span, amount: None });
        };
        price = price.plus(market)?;
        self.cost = self.cost.plus(kwh(energy.wh()).times(price)?)?;
        self.used = self.used.saturating_add(energy.wh());
        self.today = self.today.saturating_add(energy.wh());
        let after = Money::from_decimal(self.cost, Rounding::HalfUp)?;
        Ok(IntervalCost { span, amount: Some(after.checked_sub(before)?) })
    }

    /// The price of the tariff's series with taxes, the mean of the interval's seconds; nothing where a
    /// part of the interval has none.
    fn market(
        &self,
        tariff: &Tariff,
        date: Date,
        period: Option<&String>,
        span: Span,
    ) -> Result<Option<Decimal>, BillingError> {
        let mut sum = Decimal::ZERO;
        for charge in &tariff.file().series {
            let Some(series) = self.series.iter().find(|s| s.name == charge.series) else {
                return Ok(None);
            };
            let (mut seconds, mut priced) = (0_i64, Decimal::ZERO);
            let from = series.points.partition_point(|p| p.span.end <= span.start);
            let within = series.points.iter().skip(from).take_while(|p| p.span.start < span.end);
            for point in within {
                let own = point.span.intersect(span).seconds();
                let price = series_formula(charge, point.price, period, date)?;
                priced = priced.plus(price.times(own.into())?)?;
                seconds = seconds.saturating_add(own);
            }
            if seconds < span.seconds() {
                return Ok(None);
            }
            let mean = priced.over(seconds.max(1).into())?;
            let taxes = self.context.taxes(tariff, charge.taxes.as_deref(), date)?;
            sum = sum.plus(with_taxes(mean, &taxes)?)?;
        }
        Ok(Some(sum))
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

pub(crate) fn with_taxes(
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
