//! How much was used, in steps: the answer behind every chart.

use corrente_metering::{
    Calendar, Quality, Span, Timestamp,
    assemble::{Piece, weakest},
    id::UsagePointId,
};
use corrente_units::{Currency, Decimal, Energy, Money, Rounding, round_to};
use jiff::ToSpan as _;

use crate::{
    Mdm, MdmError, cost::Costed, expected::back, period::Step, point::Point, tariff::PriceLevel,
};

/// More steps than this are never answered at once.
pub const MOST_POINTS: usize = 20_000;
/// So many where the question does not say.
const USUAL_POINTS: usize = 750;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageQuery {
    /// The span.
    pub span: Span,
    /// The step; nothing lets the span and `max_points` choose it.
    pub step: Option<Step>,
    /// What to compare it with.
    pub compare: Compare,
    /// At most so many steps; the next longer step is taken when there would be more.
    pub max_points: Option<usize>,
    /// Also what the whole bill says of each step: its share of what is charged beside energy, its
    /// periods of the day, and what the usual energy would have cost.
    pub whole: bool,
}

/// What a span is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compare {
    /// Nothing.
    #[default]
    Nothing,
    /// The span of the same kind before it: the day, the week, the month before.
    Previous,
    /// The same span a year earlier.
    Year,
}

/// How much was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The usage point's calendar.
    pub calendar: Calendar,
    /// The currency of the amounts.
    pub currency: Currency,
    /// The span that was asked for.
    pub span: Span,
    /// The step that was taken.
    pub step: Step,
    /// Step by step, up to now: what has not happened yet is not missing.
    pub intervals: Vec<UsageInterval>,
    /// All of it.
    pub total: UsageTotal,
    /// What would have been usual for the steps, where all of them have a past.
    pub expected: Option<Energy>,
    /// What is charged beside energy, when the span is made of whole billing periods (the last one may
    /// still run).
    pub fixed: Option<Money>,
    /// The span that it is compared with.
    pub compare: Option<Compared>,
    /// The difference to it.
    pub change: Option<Change>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageInterval {
    /// When.
    pub span: Span,
    /// How much; nothing when it is missing.
    pub energy: Option<Energy>,
    /// What that cost.
    pub amount: Option<Money>,
    /// How well it is known.
    pub quality: Quality,
    /// A part of the step is missing, so it was at least this.
    pub at_least: bool,
    /// What would have been usual.
    pub expected: Option<Energy>,
    /// Its share of what is charged beside energy.
    pub fixed: Option<Money>,
    /// What the usual energy would have cost, with the same share.
    pub expected_amount: Option<Money>,
    /// How its energy falls on the periods of the day; empty where the tariff has none.
    pub parts: Vec<Part>,
}

impl UsageInterval {
    /// What its energy cost, with its share of what is charged beside energy.
    pub fn whole_amount(&self) -> Option<Money> {
        whole_amount(self.amount, self.fixed)
    }
}

/// Energy of a step in one period of the day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The period, in the tariff's own word.
    pub period: String,
    /// How dear it is.
    pub level: PriceLevel,
    /// How much.
    pub energy: Energy,
    /// What that cost.
    pub amount: Option<Money>,
}

/// A sum of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageTotal {
    /// How much is known; nothing when nothing is.
    pub energy: Option<Energy>,
    /// What that cost.
    pub amount: Option<Money>,
    /// Their share of what is charged beside energy.
    pub fixed: Option<Money>,
    /// A part is missing, so it was at least this.
    pub at_least: bool,
    /// Steps that were measured.
    pub measured: usize,
    /// Steps that were estimated or edited.
    pub estimated: usize,
    /// Steps of which something is missing.
    pub missing: usize,
}

impl UsageTotal {
    /// What the energy cost, with the share of what is charged beside it.
    pub fn whole_amount(&self) -> Option<Money> {
        whole_amount(self.amount, self.fixed)
    }
}

fn whole_amount(energy: Option<Money>, fixed: Option<Money>) -> Option<Money> {
    match (energy, fixed) {
        (Some(energy), Some(fixed)) => energy.checked_add(fixed).ok(),
        (energy, fixed) => energy.or(fixed),
    }
}

/// The span that another one is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// When.
    pub span: Span,
    /// Step by step.
    pub intervals: Vec<UsageInterval>,
    /// All of it.
    pub total: UsageTotal,
}

/// The difference to the span that it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// In percent with one decimal; negative means less.
    pub percent: Option<Decimal>,
    /// In money; negative means less.
    pub amount: Option<Money>,
}

impl Mdm {
    /// How much was used, in steps.
    ///
    /// # Errors
    /// When the span is empty or has too many steps, or a store fails.
    pub fn usage(&self, id: UsagePointId, query: UsageQuery) -> Result<Usage, MdmError> {
        if query.span.is_empty() {
            let reason = "the end must be after the beginning".to_owned();
            return Err(MdmError::Invalid { field: "to", reason });
        }
        let point = self.point(id)?;
        let calendar = point.calendar.clone();
        let now = self.clock.now();
        let known = self.known_span(&point, corrente_metering::Direction::Import)?;
        let known_from = known.map_or(now, |known| known.start);
        let step = step_for(&calendar, &point, &query)?;
        let live = live_edge(known, now, &point);
        let boundaries = until(step.boundaries(&calendar, query.span), live);
        let costed = self.costed(&point, &boundaries, known_from)?;
        let expected = self.expected(&point, &boundaries, step)?;
        let mut intervals = intervals(costed, &expected, live);
        if query.whole {
            self.allot_fixed(&point, &mut intervals, known_from, now)?;
            self.cost_expected(&point, &mut intervals, known_from, step)?;
        }
        let total = total(&intervals)?;
        let whole_expected = (!expected.is_empty() && expected.iter().all(Option::is_some))
            .then(|| Energy::sum(expected.iter().flatten().copied()))
            .transpose()?;
        let compare = self.compared(&point, &query, step, now, known)?;
        let change = compare.as_ref().map(|other| change(&total, &other.total));
        Ok(Usage {
            currency: point.row.currency,
            span: query.span,
            step,
            fixed: if query.whole {
                total.fixed.filter(|_| whole_months(&calendar, query.span))
            } else {
                self.fixed(&point, query.span, known_from, now)?
            },
            intervals,
            total,
            expected: whole_expected,
            compare,
            change,
            calendar,
        })
    }

    fn compared(
        &self,
        point: &Point,
        query: &UsageQuery,
        step: Step,
        now: Timestamp,
        known: Option<Span>,
    ) -> Result<Option<Compared>, MdmError> {
        let calendar = &point.calendar;
        let span = match query.compare {
            Compare::Nothing => return Ok(None),
            Compare::Previous => before(calendar, query.span),
            Compare::Year => a_year_before(calendar, query.span),
        };
        let known_from = known.map_or(now, |known| known.start);
        // While the span still runs, the other one is cut at the same place, so that like is compared
        // with like.
        let comparable = if query.span.start < now && now < query.span.end {
            match query.compare {
                Compare::Year => a_year_before(calendar, Span::new(query.span.start, now)),
                Compare::Nothing | Compare::Previous => {
                    Span::new(span.start, span.start.plus(now.since(query.span.start)))
                }
            }
        } else {
            span
        };
        let end = comparable.end.min(span.end);
        let live = live_edge(known, now, point);
        let boundaries = until(step.boundaries(calendar, Span::new(span.start, end)), live);
        let costed = self.costed(point, &boundaries, known_from)?;
        let none = vec![None; costed.pieces.len()];
        let mut intervals = intervals(costed, &none, live);
        if query.whole {
            self.allot_fixed(point, &mut intervals, known_from, now)?;
        }
        let total = total(&intervals)?;
        Ok(Some(Compared { span, intervals, total }))
    }

    /// What is charged beside energy over whole billing periods.
    fn fixed(
        &self,
        point: &Point,
        span: Span,
        known_from: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Money>, MdmError> {
        if !whole_months(&point.calendar, span) {
            return Ok(None);
        }
        let mut fixed: Option<Money> = None;
        for period in crate::cost::periods(point, span, known_from) {
            if period.span.start >= now {
                break;
            }
            let bill = self.bill_of(point, &period, now)?;
            let Some(bill) = bill else { return Ok(None) };
            fixed = Some(fixed.unwrap_or_default().checked_add(bill.fixed)?);
        }
        Ok(fixed)
    }
}

/// Is the span made of whole civil months, of at most two years?
fn whole_months(calendar: &Calendar, span: Span) -> bool {
    let first = calendar.month(calendar.date(span.start));
    let last = calendar.month(calendar.date_of_reading(span.end));
    first.start == span.start && last.end == span.end && span.seconds() <= 800 * 86_400
}

/// The step to take: the one asked for, unless the source's intervals are longer or there would be too
/// many; otherwise the shortest that gives few enough.
fn step_for(calendar: &Calendar, point: &Point, query: &UsageQuery) -> Result<Step, MdmError> {
    let most = query.max_points.unwrap_or(USUAL_POINTS).clamp(1, MOST_POINTS);
    let shortest = point.interval_seconds().unwrap_or(0);
    let count = |step: Step| step.boundaries(calendar, query.span).len().saturating_sub(1);
    let few = |step: Step| {
        let about = query.span.seconds() / step.seconds();
        usize::try_from(about).is_ok_and(|about| about <= most.saturating_mul(2).saturating_add(2))
            && count(step) <= most
    };
    let from = query.step.unwrap_or(Step::Quarter);
    let limit = if query.step.is_some() && query.max_points.is_none() { MOST_POINTS } else { most };
    let mut steps = Step::ALL.into_iter().filter(|s| *s >= from && s.seconds() >= shortest);
    if query.step.is_some() && query.max_points.is_none() {
        let step = steps.next().unwrap_or(Step::Year);
        let about = query.span.seconds() / step.seconds();
        if usize::try_from(about).is_ok_and(|about| about <= limit) {
            return Ok(step);
        }
        return Err(MdmError::Invalid {
            field: "step",
            reason: format!("that would be {about} steps: take a longer step, or at most {limit}"),
        });
    }
    Ok(steps.find(|step| few(*step)).unwrap_or(Step::Year))
}

/// Without the steps that have not begun.
fn until(mut boundaries: Vec<Timestamp>, edge: Timestamp) -> Vec<Timestamp> {
    let begun = boundaries.partition_point(|b| *b < edge);
    boundaries.truncate(begun.saturating_add(1).max(1));
    boundaries
}

/// The instant until which readings can be asked for: what lies behind it has not been reported yet
/// and is not missing.
pub(crate) fn live_edge(known: Option<Span>, now: Timestamp, point: &Point) -> Timestamp {
    let patience = point
        .channels
        .iter()
        .map(|c| c.reporting_seconds.max(c.interval_seconds.unwrap_or(0)).saturating_mul(3))
        .max()
        .unwrap_or(0)
        .max(600);
    let edge = now.plus(-patience);
    match known {
        // A meter that reports is complete up to its last reading.
        Some(known) if known.end >= edge => known.end.min(now),
        Some(_) | None => now,
    }
}

fn intervals(costed: Costed, expected: &[Option<Energy>], live: Timestamp) -> Vec<UsageInterval> {
    let costs = costed.amounts.into_iter().zip(costed.parts);
    costed
        .pieces
        .into_iter()
        .zip(costs)
        .zip(expected)
        .map(|((piece, (amount, parts)), expected)| UsageInterval {
            span: piece.span,
            energy: piece.energy,
            amount: piece.energy.and(amount),
            quality: piece.quality,
            at_least: missing_before(&piece, live),
            expected: *expected,
            fixed: None,
            expected_amount: None,
            parts: if piece.energy.is_some() { parts } else { Vec::new() },
        })
        .collect()
}

/// Is something of it missing that should be there?
fn missing_before(piece: &Piece, live: Timestamp) -> bool {
    let not_yet = piece.span.end.since(live.max(piece.span.start)).max(0);
    piece.energy.is_some() && piece.missing_seconds > not_yet
}

fn total(intervals: &[UsageInterval]) -> Result<UsageTotal, MdmError> {
    let mut total = UsageTotal {
        energy: None,
        amount: None,
        fixed: None,
        at_least: false,
        measured: 0,
        estimated: 0,
        missing: 0,
    };
    let mut quality = Quality::Missing;
    for interval in intervals {
        match interval.energy {
            Some(energy) => {
                total.energy = Some(total.energy.unwrap_or_default().checked_add(energy)?);
                quality = weakest(quality, interval.quality);
            }
            None => total.missing += 1,
        }
        if let Some(amount) = interval.amount {
            total.amount = Some(total.amount.unwrap_or_default().checked_add(amount)?);
        }
        if let Some(fixed) = interval.fixed {
            total.fixed = Some(total.fixed.unwrap_or_default().checked_add(fixed)?);
        }
        match interval.quality {
            Quality::Missing => {}
            _ if interval.at_least => total.missing += 1,
            Quality::Measured => total.measured += 1,
            Quality::Estimated { .. } | Quality::Edited => total.estimated += 1,
        }
    }
    total.at_least = total.energy.is_some() && total.missing > 0;
    Ok(total)
}

fn change(now: &UsageTotal, before: &UsageTotal) -> Change {
    Change {
        percent: percent(now.energy.map(Energy::wh), before.energy.map(Energy::wh)),
        amount: now.amount.zip(before.amount).and_then(|(n, b)| n.checked_sub(b).ok()),
    }
}

/// By how many percent `now` is above `before`, with one decimal.
pub(crate) fn percent(now: Option<i64>, before: Option<i64>) -> Option<Decimal> {
    let (now, before) = (Decimal::from(now?), Decimal::from(before?));
    if before <= Decimal::ZERO {
        return None;
    }
    let ratio = now.checked_sub(before)?.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(before)?;
    Some(round_to(ratio, 1, Rounding::HalfUp).normalize())
}

/// The span of the same kind before this one: whole months before whole months, otherwise as many
/// civil days before, otherwise as many seconds.
fn before(calendar: &Calendar, span: Span) -> Span {
    let (from, to) = (calendar.datetime(span.start), calendar.datetime(span.end));
    let midnights =
        calendar.midnight(from.date()) == span.start && calendar.midnight(to.date()) == span.end;
    if !midnights {
        return Span::new(span.start.plus(-span.seconds()), span.start);
    }
    if from.day() == 1 && to.day() == 1 {
        let months = (i64::from(to.year()) - i64::from(from.year())) * 12 + i64::from(to.month())
            - i64::from(from.month());
        let start = from.date().saturating_sub(months.months());
        return Span::new(calendar.midnight(start), span.start);
    }
    let days = i64::from((to.date() - from.date()).get_days());
    Span::new(back(calendar, span.start, days), span.start)
}

/// The same span a year earlier; single days and weeks keep their weekday (52 weeks).
fn a_year_before(calendar: &Calendar, span: Span) -> Span {
    if span.seconds() <= 8 * 86_400 {
        return Span::new(back(calendar, span.start, 364), back(calendar, span.end, 364));
    }
    let year = |t: Timestamp| {
        let civil = calendar.datetime(t);
        calendar.instant(civil.checked_sub(1.year()).unwrap_or(civil))
    };
    Span::new(year(span.start), year(span.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_span_before_is_of_the_same_kind() {
        let calendar = Calendar::new("America/Bahia").unwrap();
        let at = |text: &str| calendar.instant(text.parse().unwrap());
        for (from, to, before_from, year_from) in [
            ("2026-03-01T00:00", "2026-04-01T00:00", "2026-02-01T00:00", "2025-03-01T00:00"),
            ("2026-01-01T00:00", "2027-01-01T00:00", "2025-01-01T00:00", "2025-01-01T00:00"),
            ("2026-11-16T00:00", "2026-11-23T00:00", "2026-11-09T00:00", "2025-11-17T00:00"),
            ("2026-11-16T00:00", "2026-11-17T00:00", "2026-11-15T00:00", "2025-11-17T00:00"),
            ("2026-11-16T10:00", "2026-11-16T12:00", "2026-11-16T08:00", "2025-11-17T10:00"),
        ] {
            let span = Span::new(at(from), at(to));
            let previous = before(&calendar, span);
            assert_eq!(calendar.datetime(previous.start), before_from.parse().unwrap(), "{from}");
            assert_eq!(previous.end, span.start);
            let year = a_year_before(&calendar, span);
            assert_eq!(calendar.datetime(year.start), year_from.parse().unwrap(), "{from}");
        }
    }

    #[test]
    fn percents_are_exact_and_none_against_nothing() {
        let shown = |now, before| percent(now, before).map(|p| p.to_string());
        assert_eq!(shown(Some(88), Some(100)), Some("-12".to_owned()));
        assert_eq!(shown(Some(1), Some(3)), Some("-66.7".to_owned()));
        assert_eq!(shown(Some(1), Some(0)), None);
        assert_eq!(shown(None, Some(3)), None);
    }
}
