//! Money per interval, for charts.

use corrente_metering::{Calendar, Date, Interval, Span};
use corrente_tariff::{Tariff, tou};
use corrente_units::{Decimal, Energy, Money, Rounding};

use crate::{
    BillingError, Determinants, Inputs, Measure, PlanKind, PriceSeries,
    determinants::of_blocks,
    exact::Exact,
    portion::portions,
    rate::{Context, Used, flag_on, gross_up, kwh, marginal_prices, series_formula},
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
/// the order of time from the start of `period`, and an interval in which one ends has both prices; hand in the
/// intervals from that start. An interval is priced by the instant just before its end, so it should
/// lie in one day and one period of the day; at prices of a series by its seconds at each of them, and
/// one without a price has no amount.
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
    let total = Energy::sum(intervals.iter().filter_map(Interval::energy))?.wh();
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
    let mut walk = Walk { context: &context, series, day, used: Vec::new(), cost };
    intervals.iter().map(|interval| walk.step(interval)).collect()
}

struct Walk<'c, 'a> {
    context: &'c Context<'a>,
    series: &'c [PriceSeries],
    day: Option<Day<'a>>,
    used: Vec<Used<'a>>,
    cost: Decimal,
}

/// What stays the same over a day.
struct Day<'a> {
    date: Date,
    tariff: &'a Tariff,
    stretches: Vec<tou::TouSpan>,
    flags: Decimal,
    /// The price with taxes that was asked for last.
    price: Option<Price>,
}

/// What a kWh costs with taxes and flags, without the market's part of it.
#[derive(Clone, Copy)]
struct Price {
    /// Where it stands among the tariff's periods of the day.
    period: Option<usize>,
    per_kwh: Decimal,
    /// For so much more energy it holds, Wh.
    room_wh: i64,
}

impl<'a> Walk<'_, 'a> {
    fn step(&mut self, interval: &Interval) -> Result<IntervalCost, BillingError> {
        let span = interval.span();
        let Some(energy) = interval.energy() else {
            return Ok(IntervalCost { span, amount: None });
        };
        let date = self.context.calendar.date_of_reading(span.end);
        let mut day = match self.day.take() {
            Some(day) if day.date == date => day,
            _ => {
                self.used.iter_mut().for_each(|used| used.today_wh = 0);
                self.make_day(date)?
            }
        };
        let amount = self.amount(&mut day, span, energy.wh())?;
        self.day = Some(day);
        Ok(IntervalCost { span, amount })
    }

    fn amount(
        &mut self,
        day: &mut Day<'a>,
        span: Span,
        energy_wh: i64,
    ) -> Result<Option<Money>, BillingError> {
        let index = tou::find(&day.stretches, span.end).map(|stretch| stretch.period);
        let tariff = day.tariff;
        let period = index.and_then(|index| tariff.tou()?.periods().get(index));
        let Some(market) = self.market(tariff, day.date, period, span)? else {
            return Ok(None);
        };
        let before = Money::from_decimal(self.cost, Rounding::HalfUp)?;
        let mut left = energy_wh;
        while left != 0 {
            let mut price = match day.price {
                Some(known) if known.period == index && known.room_wh > 0 => known,
                _ => self.price(day, index, period)?,
            };
            let part = left.min(price.room_wh);
            self.cost = self.cost.plus(kwh(part).times(price.per_kwh.plus(market)?)?)?;
            self.add(period, part);
            left = left.saturating_sub(part);
            price.room_wh = price.room_wh.saturating_sub(part);
            // Energy that is taken back may lead into the block before.
            day.price = (part > 0).then_some(price);
        }
        let after = Money::from_decimal(self.cost, Rounding::HalfUp)?;
        Ok(Some(after.checked_sub(before)?))
    }

    fn add(&mut self, period: Option<&'a String>, wh: i64) {
        if let Some(used) = self.used.iter_mut().find(|used| used.period == period) {
            used.in_period_wh = used.in_period_wh.saturating_add(wh);
            used.today_wh = used.today_wh.saturating_add(wh);
        } else {
            self.used.push(Used { period, in_period_wh: wh, today_wh: wh });
        }
    }

    /// What the next energy costs in a period of the day.
    fn price(
        &self,
        day: &Day<'a>,
        index: Option<usize>,
        period: Option<&String>,
    ) -> Result<Price, BillingError> {
        let marginal = marginal_prices(self.context, day.tariff, day.date, period, &self.used)?;
        let mut per_kwh = day.flags;
        for (charge, price) in marginal.prices {
            let taxes = self.context.taxes(day.tariff, charge.taxes.as_deref(), day.date)?;
            per_kwh = per_kwh.plus(with_taxes(price, &taxes)?)?;
        }
        Ok(Price { period: index, per_kwh, room_wh: marginal.room_wh })
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
        Ok(Day { date, tariff, stretches, flags, price: None })
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
