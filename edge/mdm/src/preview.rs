//! What a rule would have told in the last thirty days: the same machine over old facts.
//!
//! Facts of the past are made from what is stored: energy by the hour, power as the mean of quarter
//! hours, a projected bill at the end of each day. That is coarser than what the rule sees live: of a limit
//! of power that is to tell sooner than after a quarter of an hour, a preview misses short peaks.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use corrente_alert::{
    Excessive, Fact, Notice, Per, Rule, RuleKind, Silence, Unit,
    measure::{self, DayOfUse},
};
use corrente_ledger::AsOf;
use corrente_metering::{
    ChannelKind, Date, Direction, Span, Timestamp, assemble::Piece, id::UsagePointId,
};
use corrente_registry::invoices::{self, InvoiceRow, InvoiceState};
use corrente_units::{Decimal, Money};
use jiff::ToSpan as _;
use serde_json::Value as Json;

use crate::{
    BillSoFar, Mdm, MdmError,
    alerts::checked_rule,
    facts::{SHORTEST_PROJECTION_SECONDS, known_wh},
    period::Step,
    point::Point,
    series::empty_if_unknown,
    usage::{Compare, UsageQuery},
};

/// So many civil days are looked at.
pub(crate) const PREVIEW_DAYS: i64 = 30;
/// With fewer known days nothing is refused.
const DAYS_TO_REFUSE: usize = 14;
/// A limit so many times above all that was ever used is never passed.
const FAR_ABOVE: i64 = 50;

/// What a rule would have told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// When it would have told, RFC 3339 of the usage point, the oldest first.
    pub times: Vec<String>,
    /// Of so many days something is known.
    pub days: usize,
    /// Why the rule is refused: it would always or never tell here.
    pub refusal: Option<Refusal>,
    /// The parameter to change then.
    pub field: &'static str,
}

/// Why a rule is refused at a usage point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It would have told on nearly every day.
    #[error("it would have told you on {told} of the last {days} days: use more")]
    Always {
        /// On so many days.
        told: usize,
        /// Of so many.
        days: usize,
    },
    /// All that was ever used lies far below.
    #[error("it would never tell: the highest value of the last {days} days was {highest}")]
    Never {
        /// The highest value, in the rule's unit.
        highest: Decimal,
        /// In so many days.
        days: usize,
    },
    /// Each bill passes it at its beginning.
    #[error("every bill passes this on its first day: the last {days} days reached {highest}")]
    EveryBill {
        /// The highest value, in the rule's unit.
        highest: Decimal,
        /// In so many days.
        days: usize,
    },
}

impl Refusal {
    /// The word that programs read.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Always { .. } => "always",
            Self::Never { .. } => "never",
            Self::EveryBill { .. } => "every_bill",
        }
    }

    /// On so many days it would have told.
    pub const fn told(self) -> Option<usize> {
        match self {
            Self::Always { told, .. } => Some(told),
            Self::Never { .. } | Self::EveryBill { .. } => None,
        }
    }

    /// The highest value that was seen, in the rule's unit.
    pub const fn highest(self) -> Option<Decimal> {
        match self {
            Self::Never { highest, .. } | Self::EveryBill { highest, .. } => Some(highest),
            Self::Always { .. } => None,
        }
    }
}

impl Mdm {
    /// What a rule with these parameters would have told in the last thirty days.
    ///
    /// # Errors
    /// [`MdmError::Invalid`] for a rule that cannot work at all; else when a store fails.
    pub fn preview_alert_rule(
        &self,
        id: UsagePointId,
        kind: RuleKind,
        parameters: &Json,
    ) -> Result<Preview, MdmError> {
        let rule = checked_rule(kind, parameters)?;
        self.preview_rule(id, &rule)
    }

    pub(crate) fn preview_rule(&self, id: UsagePointId, rule: &Rule) -> Result<Preview, MdmError> {
        let point = self.point(id)?;
        let now = self.clock.now();
        let Some(known) = self.known_span(&point, Direction::Import)? else {
            return Ok(Preview { field: field(rule.kind()), ..Preview::default() });
        };
        let calendar = &point.calendar;
        let today = calendar.date(now);
        let first = calendar.midnight(today.saturating_sub(PREVIEW_DAYS.days())).max(known.start);
        let window = Past { mdm: self, point: &point, window: Span::new(first.min(now), now) };
        let facts = window.facts(rule)?;
        let told: Vec<Timestamp> = rule
            .machine()
            .replay(&facts)
            .iter()
            .filter(|notice| !matches!(notice, Notice::Over { .. }))
            .map(Notice::at)
            .filter(|at| first < *at)
            .collect();
        let mut known_days: Vec<Date> = facts
            .iter()
            .filter(|fact| fact.value.is_some() && fact.at > first)
            .map(|f| f.day)
            .collect();
        known_days.dedup();
        let mut told_days: Vec<Date> = told.iter().map(|at| calendar.date(*at)).collect();
        told_days.dedup();
        let days = known_days.len();
        Ok(Preview {
            times: told.iter().map(|at| calendar.rfc3339(*at)).collect(),
            days,
            refusal: refusal(rule, &facts, days, told_days.len()),
            field: field(rule.kind()),
        })
    }
}

/// The parameter that decides.
fn field(kind: RuleKind) -> &'static str {
    match kind {
        RuleKind::ExcessiveConsumption => "threshold",
        RuleKind::BillJump | RuleKind::BillJumpYear | RuleKind::AlwaysOn | RuleKind::UnusualDay => {
            "percent"
        }
        RuleKind::ForecastOverBudget => "amount",
        RuleKind::MeterSilent => "minutes",
        RuleKind::InvoiceDue => "days_before",
        RuleKind::InvoiceIssued | RuleKind::InvoiceOverdue | RuleKind::InvoicePaid => "parameters",
    }
}

/// Would it always tell here, or never?
fn refusal(rule: &Rule, facts: &[Fact], days: usize, told: usize) -> Option<Refusal> {
    if days < DAYS_TO_REFUSE {
        return None;
    }
    if told.saturating_mul(10) >= days.saturating_mul(9) {
        return Some(Refusal::Always { told, days });
    }
    let Rule::ExcessiveConsumption(rule) = rule else { return None };
    let highest = facts.iter().filter_map(|fact| fact.value).max()?;
    if highest <= Decimal::ZERO {
        return None;
    }
    let shown = highest.round_dp(1).normalize();
    if rule.threshold > highest.saturating_mul(Decimal::from(FAR_ABOVE)) {
        return Some(Refusal::Never { highest: shown, days });
    }
    let every_bill = rule.per == Per::Bill && rule.unit != Unit::W;
    if every_bill && rule.threshold.saturating_mul(Decimal::from(30)) < highest {
        return Some(Refusal::EveryBill { highest: shown, days });
    }
    None
}

/// The past of a usage point.
struct Past<'a> {
    mdm: &'a Mdm,
    point: &'a Point,
    window: Span,
}

impl Past<'_> {
    fn facts(&self, rule: &Rule) -> Result<Vec<Fact>, MdmError> {
        Ok(match rule {
            Rule::ExcessiveConsumption(rule) => self.excessive(rule)?,
            Rule::BillJump(_) => self.bills(BillSoFar::jump_percent)?,
            Rule::BillJumpYear(_) => self.against_last_year()?,
            Rule::ForecastOverBudget(_) => {
                self.bills(|bill| bill.projected.map(|p| p.low.decimal()))?
            }
            Rule::AlwaysOn(_) => {
                self.each_day(29, |days| measure::always_on(days).map(|rise| rise.percent), false)?
            }
            Rule::UnusualDay(_) => self.each_day(57, measure::unusual_day, true)?,
            Rule::MeterSilent(rule) => self.silence(*rule)?,
            Rule::InvoiceIssued(_) => self.invoices(|i| Some(i.issued))?,
            Rule::InvoiceDue(rule) => {
                let before = i64::from(rule.days_before);
                self.invoices(|i| {
                    let day = i.due.saturating_sub(before.days());
                    Some(self.point.calendar.midnight(day).max(i.issued))
                        .filter(|_| i.state == InvoiceState::Open)
                })?
            }
            Rule::InvoiceOverdue(_) => self.invoices(|i| {
                let after = self.point.calendar.midnight(i.due.saturating_add(1.day()));
                Some(after).filter(|_| i.state == InvoiceState::Open)
            })?,
            // When it was paid is not on the invoice; that it was is told once, soon after.
            Rule::InvoicePaid(_) => {
                self.invoices(|i| Some(i.issued).filter(|_| i.state == InvoiceState::Paid))?
            }
        })
    }

    fn fact(&self, at: Timestamp, subject: String, value: Option<Decimal>) -> Fact {
        Fact { at, day: self.point.calendar.date(at.plus(-1)), subject, value }
    }

    fn excessive(&self, rule: &Excessive) -> Result<Vec<Fact>, MdmError> {
        let calendar = &self.point.calendar;
        if rule.unit == Unit::W {
            let boundaries = Step::Quarter.boundaries(calendar, self.window);
            let pieces = self.mdm.pieces(self.point, Direction::Import, &boundaries)?;
            let watts = |piece: &Piece| {
                let wh = Decimal::from(known_wh(piece)?);
                let seconds = Decimal::from(piece.span.seconds().max(1));
                wh.checked_mul(Decimal::from(3600))?.checked_div(seconds)
            };
            // A quarter of an hour was above the limit from its beginning to its end.
            let fact = |p: &Piece, at| self.fact(at, "power".to_owned(), watts(p));
            return Ok(pieces
                .iter()
                .flat_map(|p| [fact(p, p.span.start), fact(p, p.span.end)])
                .collect());
        }
        if rule.unit == Unit::Money && rule.per == Per::Bill {
            return self.bills_after(86_400, |bill| Some(bill.amount.decimal()));
        }
        // A running sum since the beginning of the hour, the day or the billing period.
        let start = match rule.per {
            Per::Bill => calendar.midnight(calendar.date(self.window.start).first_of_month()),
            Per::Day | Per::Hour => self.window.start,
        };
        let span = Span::new(start, self.window.end);
        let hours: Vec<(Span, Option<Decimal>)> = if rule.unit == Unit::Money {
            let query = UsageQuery {
                span,
                step: Some(Step::Hour),
                compare: Compare::Nothing,
                max_points: None,
                whole: false,
            };
            let usage = self.mdm.usage(self.point.row.id, query)?;
            usage.intervals.iter().map(|i| (i.span, i.amount.map(Money::decimal))).collect()
        } else {
            let boundaries = Step::Hour.boundaries(calendar, span);
            let pieces = self.mdm.pieces(self.point, Direction::Import, &boundaries)?;
            pieces.iter().map(|p| (p.span, p.energy.map(corrente_units::Energy::kwh))).collect()
        };
        let mut facts = Vec::with_capacity(hours.len());
        let (mut subject, mut sum) = (String::new(), Decimal::ZERO);
        for (span, value) in hours {
            let begins = calendar.datetime(span.start);
            let own = match rule.per {
                Per::Hour => format!("{} {:02}h", begins.date(), begins.hour()),
                Per::Day => begins.date().to_string(),
                Per::Bill => begins.date().first_of_month().to_string(),
            };
            if own != subject {
                (subject, sum) = (own, Decimal::ZERO);
            }
            let known = value.is_some();
            sum = sum.saturating_add(value.unwrap_or_default());
            facts.push(self.fact(span.end, subject.clone(), known.then_some(sum)));
        }
        Ok(facts)
    }

    /// A projected bill at the end of each day, after so many days that nobody would be worried by less.
    fn bills(&self, of: impl Fn(&BillSoFar) -> Option<Decimal>) -> Result<Vec<Fact>, MdmError> {
        self.bills_after(SHORTEST_PROJECTION_SECONDS, of)
    }

    fn bills_after(
        &self,
        seconds: i64,
        of: impl Fn(&BillSoFar) -> Option<Decimal>,
    ) -> Result<Vec<Fact>, MdmError> {
        let calendar = &self.point.calendar;
        let mut facts = Vec::new();
        for day in calendar.cut_days(self.window) {
            // Midnight itself begins the next period, of which nothing is known yet.
            let at = day.end.plus(-1);
            let bill = self.mdm.past_bill(self.point, at)?;
            let month = calendar.date(at).first_of_month();
            let value = bill
                .as_deref()
                .filter(|bill| bill.known_until.since(bill.period.start) >= seconds - 1)
                .and_then(&of);
            facts.push(self.fact(at, month.to_string(), value));
        }
        Ok(facts)
    }

    fn against_last_year(&self) -> Result<Vec<Fact>, MdmError> {
        let calendar = &self.point.calendar;
        let invoices = self.all_invoices()?;
        self.bills(|bill| {
            let year_ago = bill.from.first_of_month().saturating_sub(1.year());
            let before = invoices
                .iter()
                .find(|i| calendar.date(i.period_start).first_of_month() == year_ago)?;
            bill.projected?.at_least_above(before.amount)
        })
    }

    /// One fact a day about the day before, with so many days before that one.
    fn each_day(
        &self,
        before: i64,
        of: impl Fn(&[DayOfUse]) -> Option<Decimal>,
        by_day: bool,
    ) -> Result<Vec<Fact>, MdmError> {
        let calendar = &self.point.calendar;
        let first = calendar.date(self.window.start);
        let from = calendar.midnight(first.saturating_sub(before.days()));
        let until = calendar.midnight(calendar.date(self.window.end));
        if until <= from {
            return Ok(Vec::new());
        }
        let days = self.mdm.days_of_use(self.point, Span::new(from, until))?;
        Ok(days
            .iter()
            .zip(1_usize..)
            .filter(|(day, _)| day.date >= first)
            .map(|(day, length)| {
                let subject = if by_day { day.date.to_string() } else { "base".to_owned() };
                let at = calendar.midnight(day.date.saturating_add(1.day())).plus(1);
                let value = of(days.get(..length).unwrap_or_default());
                self.fact(at, subject, value)
            })
            .collect())
    }

    /// At each end of a silence that was long enough, and when the meter was back.
    fn silence(&self, rule: Silence) -> Result<Vec<Fact>, MdmError> {
        let mut ends: Vec<Timestamp> = Vec::new();
        for period in self.point.channels.iter().filter(|c| c.direction == Direction::Import) {
            if !matches!(period.spec.kind, ChannelKind::Register | ChannelKind::Interval) {
                continue;
            }
            let readings = self.mdm.ledger.range(period.channel, self.window, AsOf::Now);
            ends.extend(empty_if_unknown(readings)?.iter().map(|reading| reading.end));
        }
        ends.push(self.window.end);
        ends.sort_unstable();
        let limit = i64::from(rule.minutes) * 60;
        let mut facts = Vec::new();
        for (before, after) in ends.iter().zip(ends.iter().skip(1)) {
            let minutes = |seconds: i64| Some(Decimal::from(seconds / 60));
            let silent = after.since(*before);
            if silent > limit {
                let at = before.plus(limit + 60);
                facts.push(self.fact(at.min(*after), "meter".to_owned(), minutes(limit + 60)));
                facts.push(self.fact(*after, "meter".to_owned(), minutes(0)));
            } else if facts.last().is_none_or(|f: &Fact| after.since(f.at) >= 3600) {
                facts.push(self.fact(*after, "meter".to_owned(), minutes(silent)));
            }
        }
        Ok(facts)
    }

    fn all_invoices(&self) -> Result<Vec<InvoiceRow>, MdmError> {
        let id = self.point.row.id;
        Ok(self.mdm.registry.read_blocking(move |tx| invoices::list(tx, id))?)
    }

    fn invoices(
        &self,
        at: impl Fn(&InvoiceRow) -> Option<Timestamp>,
    ) -> Result<Vec<Fact>, MdmError> {
        let mut facts: Vec<Fact> = self
            .all_invoices()?
            .iter()
            .filter_map(|invoice| {
                let at = at(invoice).filter(|at| *at <= self.window.end)?;
                Some(self.fact(at, invoice.number.clone(), Some(Decimal::ONE)))
            })
            .collect();
        facts.sort_by_key(|fact| fact.at);
        Ok(facts)
    }
}

/// Bills as they were projected at the ends of days. Who tries limits asks for the same thirty again and
/// again, and each costs a billing of a month; late readings are seen some minutes later.
#[derive(Debug, Default)]
pub(crate) struct PastBills {
    known: HashMap<(UsagePointId, Timestamp), PastBill>,
}

/// When it was worked out, and the bill: nothing where a tariff cannot rate the month.
type PastBill = (Instant, Option<Arc<BillSoFar>>);

/// Real time for which a past bill is kept.
const KEPT: Duration = Duration::from_mins(5);
/// So many are kept at most.
const MOST_KEPT: usize = 3_000;

impl Mdm {
    /// The bill as it was projected then; nothing where a tariff cannot rate the month.
    fn past_bill(&self, point: &Point, at: Timestamp) -> Result<Option<Arc<BillSoFar>>, MdmError> {
        let key = (point.row.id, at);
        let lock = || self.past_bills.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, bill)) = lock().known.get(&key)
            && since.elapsed() < KEPT
        {
            return Ok(bill.clone());
        }
        let bill = match self.bill_so_far_at(point, at) {
            Ok(bill) => bill.map(Arc::new),
            Err(MdmError::Billing(_)) => None,
            Err(error) => return Err(error),
        };
        let mut past = lock();
        if past.known.len() >= MOST_KEPT {
            past.known.retain(|_, (since, _)| since.elapsed() < KEPT);
        }
        if past.known.len() >= MOST_KEPT {
            past.known.clear();
        }
        past.known.insert(key, (Instant::now(), bill.clone()));
        Ok(bill)
    }
}
