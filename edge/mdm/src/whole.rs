//! From the cost of energy to the whole bill: what is charged beside energy is allotted to the steps of
//! a chart, so that its bars add up to the bill, and usual energy gets the price it would have had.

use std::sync::Arc;

use corrente_billing::energy_costs;
use corrente_metering::{Interval, Quality, Span, Timestamp};
use corrente_tariff::Tariff;
use corrente_units::{Energy, Money};

use crate::{
    Mdm, MdmError,
    cost::{periods, prices_change_by_time},
    period::{BillingPeriod, Step},
    point::Point,
    usage::UsageInterval,
};

impl Mdm {
    /// Allots to each step its share of what is charged beside energy.
    ///
    /// The share is by time over the known part of the billing period: a running bill is shared over
    /// the time until now, as the bill would be if it ended now. Each share is the rounded sum until
    /// the step's end less that until its start, so the shares of all steps of a period, however it is
    /// cut, add up to the cent.
    pub(crate) fn allot_fixed(
        &self,
        point: &Point,
        intervals: &mut [UsageInterval],
        known_from: Timestamp,
        now: Timestamp,
    ) -> Result<(), MdmError> {
        let Some(span) = covered(intervals) else { return Ok(()) };
        for period in periods(point, span, known_from) {
            if period.span.start >= now {
                break;
            }
            let Some(bill) = self.bill_of(point, &period, now)? else { continue };
            for interval in intervals.iter_mut() {
                let own = interval.span.intersect(bill.known);
                if own.is_empty() {
                    continue;
                }
                let until = share(bill.fixed, bill.known, own.end);
                let before = share(bill.fixed, bill.known, own.start);
                let own = until.checked_sub(before)?;
                interval.fixed = Some(interval.fixed.unwrap_or_default().checked_add(own)?);
            }
        }
        Ok(())
    }

    /// What the usual energy of each step would have cost, with its share of what is charged beside
    /// energy. With prices by the time of the day, days and longer steps are priced hour by hour.
    pub(crate) fn cost_expected(
        &self,
        point: &Point,
        intervals: &mut [UsageInterval],
        known_from: Timestamp,
        step: Step,
    ) -> Result<(), MdmError> {
        let Some(span) = covered(intervals) else { return Ok(()) };
        for period in periods(point, span, known_from) {
            let tariffs = point.tariffs(&self.tariffs, period.span)?;
            if tariffs.is_empty() {
                continue;
            }
            // A step belongs to the period in which it ends.
            let from = intervals.partition_point(|i| i.span.end <= period.span.start);
            let to = intervals.partition_point(|i| i.span.end <= period.span.end);
            let Some(own) = intervals.get_mut(from..to).filter(|own| !own.is_empty()) else {
                continue;
            };
            let usual: Vec<(Span, Option<Energy>)> =
                if step > Step::Hour && prices_change_by_time(&tariffs) {
                    let all = covered(own).unwrap_or(period.span);
                    let hours = Step::Hour.boundaries(&point.calendar, all);
                    let expected = self.expected(point, &hours, Step::Hour)?;
                    let spans = hours.iter().zip(hours.iter().skip(1));
                    spans.map(|(a, b)| Span::new(*a, *b)).zip(expected).collect()
                } else {
                    own.iter().map(|interval| (interval.span, interval.expected)).collect()
                };
            self.rate_usual(point, &period, &tariffs, &usual, own)?;
        }
        Ok(())
    }

    fn rate_usual(
        &self,
        point: &Point,
        period: &BillingPeriod,
        tariffs: &[Arc<Tariff>],
        usual: &[(Span, Option<Energy>)],
        own: &mut [UsageInterval],
    ) -> Result<(), MdmError> {
        let Some((first, _)) = usual.first() else { return Ok(()) };
        let before = Span::new(period.span.start, first.start.max(period.span.start));
        let mut intervals = self.used_before(point, tariffs, before)?;
        let skipped = intervals.len();
        intervals.extend(usual.iter().map(|(span, energy)| {
            energy.map_or(Interval::missing(*span), |energy| {
                Interval::known(*span, energy, Quality::Measured)
            })
        }));
        let inputs = point.inputs(period.part_of_days);
        let series = self.series(point, tariffs, period.span)?;
        let tariffs: Vec<&Tariff> = tariffs.iter().map(AsRef::as_ref).collect();
        let costs =
            energy_costs(&point.calendar, &tariffs, &inputs, period.span, &intervals, &series)?;
        let costs = costs.get(skipped..).unwrap_or_default();
        for interval in own {
            let from = costs.partition_point(|cost| cost.span.end <= interval.span.start);
            let to = costs.partition_point(|cost| cost.span.end <= interval.span.end);
            let within = costs.get(from..to).unwrap_or_default();
            // Where the usual of a part is not known, that of the whole is not either.
            let sum =
                within.iter().try_fold(Money::ZERO, |sum, cost| sum.checked_add(cost.amount?).ok());
            interval.expected_amount = sum
                .filter(|_| interval.expected.is_some() && !within.is_empty())
                .and_then(|sum| sum.checked_add(interval.fixed.unwrap_or_default()).ok());
        }
        Ok(())
    }
}

fn covered(intervals: &[UsageInterval]) -> Option<Span> {
    Some(Span::new(intervals.first()?.span.start, intervals.last()?.span.end))
}

/// How much of `amount` falls on the span until `t`, when it is spread evenly; half up.
fn share(amount: Money, span: Span, t: Timestamp) -> Money {
    let length = i128::from(span.seconds().max(1));
    let passed = i128::from(t.since(span.start)).clamp(0, length);
    let twice = i128::from(amount.minor()) * passed * 2 + length;
    Money::from_minor(i64::try_from(twice.div_euclid(length * 2)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_however_the_span_is_cut() {
        let at = Timestamp::from_second;
        let span = Span::new(at(1_000), at(1_700));
        for minor in [0, 1, 999, 4_321, -250] {
            let amount = Money::from_minor(minor);
            for step in [1, 7, 100, 333] {
                let mut sum = 0;
                let mut from = 900;
                while from < 1_800 {
                    let to = from + step;
                    let part =
                        share(amount, span, at(to)).minor() - share(amount, span, at(from)).minor();
                    sum += part;
                    from = to;
                }
                assert_eq!(sum, minor, "steps of {step} s");
            }
        }
    }
}
