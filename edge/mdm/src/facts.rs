//! What alert rules look at: one value per rule, measured now.

use std::collections::BTreeMap;

use corrente_alert::{
    Budget, Fact, Per, Rule, Unit,
    measure::{self, DayOfUse},
};
use corrente_metering::{Direction, Span, Timestamp, assemble::Piece, calendar::next_day};
use corrente_registry::invoices::{self, InvoiceRow, InvoiceState};
use corrente_units::{Decimal, Energy, Money};
use jiff::ToSpan as _;

use crate::{
    BillSoFar, Mdm, MdmError, Projected,
    period::{BillingPeriod, Step, are_comparable, civil_days},
    point::Point,
    usage::{Compare, UsageQuery, live_edge, percent},
};

/// A power that was measured longer ago says nothing about now.
const POWER_SECONDS: i64 = 3600;
/// A projection from less than this is no reason to worry anybody.
pub(crate) const SHORTEST_PROJECTION_SECONDS: i64 = 5 * 86_400;
/// An invoice older than this is no news.
const NEWS_SECONDS: i64 = 7 * 86_400;
/// An invoice that fell due longer ago is no news either: who owes many is told of the latest.
const OVERDUE_DAYS: i64 = 60;
/// So many invoices are looked at, the latest; what a rule remembers is longer than that.
const MOST_INVOICES: usize = 12;
const _: () = assert!(MOST_INVOICES < corrente_alert::REMEMBERED);

/// A fact with the figures that explain it to a person.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) fact: Fact,
    pub(crate) values: BTreeMap<String, String>,
}

/// One look at a usage point. What several rules need is computed once.
pub(crate) struct Facts<'a> {
    mdm: &'a Mdm,
    point: &'a Point,
    now: Timestamp,
    known: Option<Span>,
    bill: Looked,
    invoices: Option<Vec<InvoiceRow>>,
}

/// The running bill, computed when the first rule asks.
enum Looked {
    NotYet,
    Nothing,
    Found(Box<BillSoFar>),
}

impl<'a> Facts<'a> {
    pub(crate) fn new(mdm: &'a Mdm, point: &'a Point, now: Timestamp) -> Result<Self, MdmError> {
        let known = mdm.known_span(point, Direction::Import)?;
        Ok(Self { mdm, point, now, known, bill: Looked::NotYet, invoices: None })
    }

    /// The facts of a rule: one, or one per invoice.
    pub(crate) fn of(&mut self, rule: &Rule) -> Result<Vec<Measured>, MdmError> {
        let one = match rule {
            Rule::ExcessiveConsumption(rule) => self.excessive(rule.unit, rule.per, rule)?,
            Rule::BillJump(_) => self.bill_jump()?,
            Rule::BillJumpYear(_) => self.bill_jump_year()?,
            Rule::ForecastOverBudget(rule) => self.forecast(rule)?,
            Rule::AlwaysOn(_) => self.always_on()?,
            Rule::UnusualDay(_) => self.unusual_day()?,
            Rule::MeterSilent(_) => self.silence(),
            Rule::InvoiceIssued(_) => {
                let now = self.now;
                return self.each_invoice(|i| {
                    i.state == InvoiceState::Open && now.since(i.issued) < NEWS_SECONDS
                });
            }
            Rule::InvoiceDue(rule) => {
                let today = self.point.calendar.date(self.now);
                let soon = today.saturating_add(i64::from(rule.days_before).days());
                return self.each_invoice(|i| {
                    i.state == InvoiceState::Open && today <= i.due && i.due <= soon
                });
            }
            Rule::InvoiceOverdue(_) => {
                let today = self.point.calendar.date(self.now);
                let since = today.saturating_sub(OVERDUE_DAYS.days());
                return self.each_invoice(|i| {
                    i.state == InvoiceState::Open && since <= i.due && i.due < today
                });
            }
            Rule::InvoicePaid(_) => {
                let now = self.now;
                return self.each_invoice(|i| {
                    i.state == InvoiceState::Paid && now.since(i.issued) < 60 * 86_400
                });
            }
        };
        Ok(vec![one])
    }

    fn measured(&self, subject: impl Into<String>, value: Option<Decimal>) -> Measured {
        let fact = Fact {
            at: self.now,
            day: self.point.calendar.date(self.now),
            subject: subject.into(),
            value,
        };
        Measured { fact, values: BTreeMap::new() }
    }

    fn period(&self) -> Option<BillingPeriod> {
        let known = self.known?;
        let period = BillingPeriod::at(&self.point.calendar, self.now, known.start);
        (period.span.start < self.now).then_some(period)
    }

    /// Energy known of a span, up to the last reading.
    fn energy(&self, span: Span) -> Result<Option<Energy>, MdmError> {
        let end = live_edge(self.known, self.now, self.point).min(span.end);
        if end <= span.start {
            return Ok(None);
        }
        let pieces = self.mdm.pieces(self.point, Direction::Import, &[span.start, end])?;
        Ok(pieces.first().and_then(|piece| piece.energy))
    }

    pub(crate) fn bill(&mut self) -> Result<Option<&BillSoFar>, MdmError> {
        if matches!(self.bill, Looked::NotYet) {
            let found = self.mdm.bill_so_far_at(self.point, self.now)?;
            self.bill = found.map_or(Looked::Nothing, |bill| Looked::Found(Box::new(bill)));
        }
        Ok(match &self.bill {
            Looked::Found(bill) => Some(bill),
            Looked::NotYet | Looked::Nothing => None,
        })
    }

    fn excessive(
        &mut self,
        unit: Unit,
        per: Per,
        rule: &corrente_alert::Excessive,
    ) -> Result<Measured, MdmError> {
        let calendar = &self.point.calendar;
        let today = calendar.date(self.now);
        let civil = calendar.datetime(self.now);
        let (span, subject) = match per {
            Per::Bill => match self.period() {
                Some(period) => (period.span, period.month.to_string()),
                None => return Ok(self.measured("", None)),
            },
            Per::Day => (calendar.day(today), today.to_string()),
            Per::Hour => {
                let start = calendar.instant(today.at(civil.hour(), 0, 0, 0));
                (Span::new(start, start.plus(3600)), format!("{today} {:02}h", civil.hour()))
            }
        };
        let value = match unit {
            Unit::Kwh => self.energy(span)?.map(Energy::kwh),
            Unit::W => self
                .mdm
                .live
                .snapshot(self.point.row.id)
                .filter(|live| live.power_at.is_some_and(|at| self.now.since(at) <= POWER_SECONDS))
                .and_then(|live| live.power_w)
                .map(Decimal::from),
            Unit::Money if per == Per::Bill => self.bill()?.map(|bill| bill.amount.decimal()),
            Unit::Money => {
                let query = UsageQuery {
                    span,
                    step: Some(Step::Hour),
                    compare: Compare::Nothing,
                    max_points: None,
                    whole: false,
                };
                let usage = self.mdm.usage(self.point.row.id, query)?;
                usage.total.amount.map(Money::decimal)
            }
        };
        let subject = if unit == Unit::W { "power".to_owned() } else { subject };
        let mut measured = self.measured(subject, value);
        let word = match unit {
            Unit::Kwh => "kwh",
            Unit::Money => "money",
            Unit::W => "w",
        };
        let per = match per {
            Per::Hour => "hour",
            Per::Day => "day",
            Per::Bill => "bill",
        };
        let from = self.point.calendar.date(span.start);
        measured.values = values([
            ("unit", word.to_owned()),
            ("per", per.to_owned()),
            ("limit", rule.threshold.normalize().to_string()),
            ("from", from.to_string()),
            ("minutes", (rule.for_seconds() / 60).to_string()),
        ]);
        Ok(measured)
    }

    fn bill_jump(&mut self) -> Result<Measured, MdmError> {
        let subject = self.period().map(|p| p.month.to_string()).unwrap_or_default();
        let start = self.period().map(|period| period.span.start);
        let last = self
            .invoices()?
            .iter()
            .find(|i| start.is_some_and(|s| i.period_end <= s))
            .map(|invoice| invoice.id.to_string());
        let Some(bill) = self.bill()? else { return Ok(self.measured(subject, None)) };
        let long_enough = bill.known_until.since(bill.period.start) >= SHORTEST_PROJECTION_SECONDS;
        let (projected, before) = (bill.projected.filter(|_| long_enough), bill.previous);
        let mut figures = jump_figures(bill, projected, before);
        figures.extend(last.map(|id| ("previous_invoice".to_owned(), id)));
        let value = projected.and_then(|_| bill.jump_percent());
        Ok(Measured { values: figures, ..self.measured(subject, value) })
    }

    /// The projected bill against the one of the same month a year ago.
    fn bill_jump_year(&mut self) -> Result<Measured, MdmError> {
        let Some(period) = self.period() else { return Ok(self.measured("", None)) };
        let subject = period.month.to_string();
        let year_ago = period.month.saturating_sub(1.year());
        let calendar = self.point.calendar.clone();
        let before = self
            .invoices()?
            .iter()
            .find(|i| calendar.date(i.period_start).first_of_month() == year_ago)
            .filter(|invoice| {
                let span = Span::new(invoice.period_start, invoice.period_end);
                are_comparable(civil_days(&calendar, span), period.days)
            })
            .map(|invoice| (invoice.amount, invoice.id.to_string()));
        let Some((before, id)) = before else { return Ok(self.measured(subject, None)) };
        let Some(bill) = self.bill()? else { return Ok(self.measured(subject, None)) };
        let long_enough = bill.known_until.since(bill.period.start) >= SHORTEST_PROJECTION_SECONDS;
        let projected = bill.projected.filter(|_| long_enough);
        let mut figures = jump_figures(bill, projected, Some(before));
        figures.insert("previous_invoice".to_owned(), id);
        let value = projected.and_then(|p| p.at_least_above(before));
        Ok(Measured { values: figures, ..self.measured(subject, value) })
    }

    /// The lower end of the projected bill: a budget is passed when four of five months would.
    fn forecast(&mut self, rule: &Budget) -> Result<Measured, MdmError> {
        let subject = self.period().map(|p| p.month.to_string()).unwrap_or_default();
        let mut figures = values([("limit", rule.amount.normalize().to_string())]);
        let mut value = None;
        if let Some(bill) = self.bill()? {
            let long_enough =
                bill.known_until.since(bill.period.start) >= SHORTEST_PROJECTION_SECONDS;
            let projected = bill.projected.filter(|_| long_enough);
            value = projected.map(|p| p.low.decimal());
            figures.insert("from".to_owned(), bill.from.to_string());
            figures.extend(range_figures(projected));
        }
        Ok(Measured { values: figures, ..self.measured(subject, value) })
    }

    /// Yesterday's lowest hour against the mean of the lowest hours of four weeks before.
    fn always_on(&self) -> Result<Measured, MdmError> {
        let calendar = &self.point.calendar;
        let today = calendar.date(self.now);
        let days = calendar.days(today.saturating_sub(29.days()), today);
        let days = self.mdm.days_of_use(self.point, days)?;
        let rise = measure::always_on(&days);
        let watts = |wh: Option<i64>| wh.unwrap_or_default().to_string();
        let figures = values([
            ("watts", watts(days.last().and_then(|day| day.lowest_hour_wh))),
            ("watts_before", watts(rise.map(|rise| rise.before_wh))),
        ]);
        let value = rise.map(|rise| rise.percent);
        Ok(Measured { values: figures, ..self.measured("base", value) })
    }

    /// Yesterday against the same weekdays before.
    fn unusual_day(&self) -> Result<Measured, MdmError> {
        let calendar = &self.point.calendar;
        let yesterday = calendar.date(self.now).saturating_sub(1.day());
        let mut days = Vec::new();
        for weeks in (0..=measure::WEEKS).rev() {
            let date = yesterday.saturating_sub((i64::from(weeks) * 7).days());
            let span = calendar.days(date, next_day(date));
            let piece = self.mdm.pieces(self.point, Direction::Import, &[span.start, span.end])?;
            days.push(DayOfUse {
                date,
                wh: piece
                    .first()
                    .filter(|p| p.missing_seconds == 0)
                    .and_then(|p| p.energy)
                    .map(Energy::wh),
                lowest_hour_wh: None,
            });
        }
        Ok(self.measured(yesterday.to_string(), measure::unusual_day(&days)))
    }

    fn silence(&self) -> Measured {
        let minutes = self.known.map(|known| self.now.since(known.end).max(0) / 60);
        self.measured("meter", minutes.map(Decimal::from))
    }

    fn invoices(&mut self) -> Result<&[InvoiceRow], MdmError> {
        if self.invoices.is_none() {
            let id = self.point.row.id;
            self.invoices =
                Some(self.mdm.registry.read_blocking(move |tx| invoices::list(tx, id))?);
        }
        Ok(self.invoices.as_deref().unwrap_or_default())
    }

    fn each_invoice(
        &mut self,
        wanted: impl Fn(&InvoiceRow) -> bool,
    ) -> Result<Vec<Measured>, MdmError> {
        let mut found: Vec<InvoiceRow> =
            self.invoices()?.iter().filter(|i| wanted(i)).cloned().collect();
        found.sort_by_key(|invoice| std::cmp::Reverse(invoice.due));
        found.truncate(MOST_INVOICES);
        Ok(found
            .into_iter()
            .rev()
            .map(|invoice| Measured {
                values: values([
                    ("invoice", invoice.id.to_string()),
                    ("number", invoice.number.clone()),
                    ("amount", invoice.amount.to_string()),
                    ("due", invoice.due.to_string()),
                ]),
                ..self.measured(invoice.number, Some(Decimal::ONE))
            })
            .collect())
    }
}

impl Mdm {
    /// Whole civil days with their total and lowest hour, where all of it is known.
    pub(crate) fn days_of_use(&self, point: &Point, span: Span) -> Result<Vec<DayOfUse>, MdmError> {
        let calendar = &point.calendar;
        let boundaries = Step::Hour.boundaries(calendar, span);
        let pieces = self.pieces(point, Direction::Import, &boundaries)?;
        Ok(calendar
            .cut_days(span)
            .into_iter()
            .map(|day| {
                let from = pieces.partition_point(|p| p.span.end <= day.start);
                let to = pieces.partition_point(|p| p.span.start < day.end);
                let hours = pieces.get(from..to).unwrap_or_default();
                DayOfUse::of_hours(calendar.date(day.start), hours.iter().map(known_wh))
            })
            .collect())
    }
}

/// The energy of a piece that is known whole.
pub(crate) fn known_wh(piece: &Piece) -> Option<i64> {
    piece.energy.filter(|_| piece.missing_seconds == 0).map(Energy::wh)
}

/// What explains a projected bill that is above another one. `percent` is of the likely bill.
fn jump_figures(
    bill: &BillSoFar,
    projected: Option<Projected>,
    before: Option<Money>,
) -> BTreeMap<String, String> {
    let mut figures = values([("from", bill.from.to_string())]);
    figures.extend(range_figures(projected));
    figures.extend(before.map(|before| ("previous".to_owned(), before.to_string())));
    let likely = percent(projected.map(|p| p.amount.minor()), before.map(Money::minor));
    figures.extend(likely.map(|likely| ("percent".to_owned(), likely.to_string())));
    figures
}

fn range_figures(projected: Option<Projected>) -> BTreeMap<String, String> {
    projected.map_or_else(BTreeMap::new, |p| {
        values([
            ("projected", p.amount.to_string()),
            ("low", p.low.to_string()),
            ("high", p.high.to_string()),
        ])
    })
}

fn values<const N: usize>(pairs: [(&str, String); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
