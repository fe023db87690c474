//! Any stretch of time: what it took, what that cost, and how much of it was above what is always on.

use corrente_alert::measure::DayOfUse;
use corrente_metering::{Date, Direction, Span, Timestamp, id::UsagePointId};
use corrente_registry::named_stretches::{self, NamedStretch};
use corrente_units::{Decimal, Energy, Money, Rounding};
use jiff::ToSpan as _;

use crate::{Mdm, MdmError, point::Point, usage::live_edge};

/// A stretch is at most so long.
const LONGEST_SECONDS: i64 = 800 * 86_400;
/// What is always on is looked for in so many days before.
const BASE_DAYS: i64 = 28;
/// With fewer whole days nothing is said about it.
const LEAST_BASE_DAYS: usize = 5;

/// What a stretch took and cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// When.
    pub span: Span,
    /// How much; nothing when nothing is known.
    pub energy: Option<Energy>,
    /// What its energy cost.
    pub amount: Option<Money>,
    /// A part is missing, so it was at least this.
    pub at_least: bool,
    /// The mean power over its known part, in watts.
    pub mean_w: Option<i64>,
    /// What is always on, in watts: the median of the lowest hours of the whole days of four weeks before.
    pub always_on_w: Option<i64>,
    /// The energy above that.
    pub above: Option<Energy>,
    /// The share of the cost that falls on it.
    pub above_amount: Option<Money>,
}

impl Mdm {
    /// What a stretch took and cost.
    ///
    /// # Errors
    /// When it is empty or too long, a store fails, or there is no such usage point.
    pub fn stretch(&self, id: UsagePointId, span: Span) -> Result<Stretch, MdmError> {
        let point = self.point(id)?;
        let base = self.always_on_before(&point, span.start)?;
        self.stretch_of(&point, span, base)
    }

    /// The named stretches of a usage point, the newest first, with what each took.
    ///
    /// # Errors
    /// When a store fails or there is no such usage point.
    pub fn named_stretches(
        &self,
        id: UsagePointId,
    ) -> Result<Vec<(NamedStretch, Stretch)>, MdmError> {
        let point = self.point(id)?;
        let named = self.registry.read_blocking(move |tx| named_stretches::list(tx, id))?;
        let mut base: Option<(Date, Option<i64>)> = None;
        let mut found = Vec::with_capacity(named.len());
        for row in named {
            let date = point.calendar.date(row.from);
            let always_on = match base {
                Some((known, watts)) if known == date => watts,
                _ => self.always_on_before(&point, row.from)?,
            };
            base = Some((date, always_on));
            let stretch = self.stretch_of(&point, Span::new(row.from, row.until), always_on)?;
            found.push((row, stretch));
        }
        Ok(found)
    }

    fn stretch_of(
        &self,
        point: &Point,
        span: Span,
        always_on_w: Option<i64>,
    ) -> Result<Stretch, MdmError> {
        if span.is_empty() || span.seconds() > LONGEST_SECONDS {
            let reason = "the end must be after the beginning, by at most 800 days".to_owned();
            return Err(MdmError::Invalid { field: "to", reason });
        }
        let now = self.clock.now();
        let known = self.known_span(point, Direction::Import)?;
        let live = live_edge(known, now, point);
        let mut stretch = Stretch {
            span,
            energy: None,
            amount: None,
            at_least: false,
            mean_w: None,
            always_on_w,
            above: None,
            above_amount: None,
        };
        let happened = Span::new(span.start, span.end.min(live));
        if happened.is_empty() {
            return Ok(stretch);
        }
        let known_from = known.map_or(now, |known| known.start);
        let costed = self.costed(point, &[happened.start, happened.end], known_from)?;
        let Some(piece) = costed.pieces.first() else { return Ok(stretch) };
        let Some(energy) = piece.energy else { return Ok(stretch) };
        let seconds = happened.seconds().saturating_sub(piece.missing_seconds).max(1);
        stretch.energy = Some(energy);
        stretch.amount = costed.amounts.first().copied().flatten();
        stretch.at_least = piece.missing_seconds > 0;
        stretch.mean_w = Some(energy.wh().saturating_mul(3600) / seconds);
        if let Some(base_w) = always_on_w {
            let base = base_w.saturating_mul(seconds) / 3600;
            let above = energy.wh().saturating_sub(base).max(0);
            stretch.above = Some(Energy::from_wh(above));
            stretch.above_amount = stretch.amount.and_then(|a| part_of(a, above, energy.wh()));
        }
        Ok(stretch)
    }

    /// What is always on, in watts, by the four weeks before the day of `t`.
    fn always_on_before(&self, point: &Point, t: Timestamp) -> Result<Option<i64>, MdmError> {
        let calendar = &point.calendar;
        let until = calendar.date(t.min(self.clock.now()));
        let days = calendar.days(until.saturating_sub(BASE_DAYS.days()), until);
        let days = self.days_of_use(point, days)?;
        Ok(median_low(&days))
    }
}

fn median_low(days: &[DayOfUse]) -> Option<i64> {
    let mut lowest: Vec<i64> = days.iter().filter_map(|day| day.lowest_hour_wh).collect();
    if lowest.len() < LEAST_BASE_DAYS {
        return None;
    }
    lowest.sort_unstable();
    lowest.get(lowest.len() / 2).copied()
}

/// The part of an amount that `part` of `whole` has; nothing of an empty whole.
fn part_of(amount: Money, part: i64, whole: i64) -> Option<Money> {
    let product = amount.decimal().checked_mul(Decimal::from(part))?;
    Money::from_decimal(product.checked_div(Decimal::from(whole))?, Rounding::HalfUp).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_an_amount_is_its_share_of_the_energy() {
        let cents =
            |minor, part, whole| part_of(Money::from_minor(minor), part, whole).map(Money::minor);
        assert_eq!(cents(100, 2, 3), Some(67));
        assert_eq!(cents(100, 0, 3), Some(0));
        assert_eq!(cents(100, 0, 0), None);
    }
}
