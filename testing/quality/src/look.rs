//! All rules over a home, day by day.

use corrente_alert::{
    Budget, Excessive, Fact, Machine, Notice, Per, Rule, RuleKind, State, Unit,
    measure::{self, percent_above},
};
use corrente_metering::Timestamp;
use rust_decimal::Decimal;

use crate::{forecast, home::Home};

/// A message that a person would have got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// By which rule.
    pub kind: RuleKind,
    /// On which day of the home.
    pub day: usize,
    /// Is it the beginning, or that it became worse? Else the end.
    pub begins: bool,
}

/// A projection from fewer days worries nobody.
const FIRST_DAYS: usize = 5;

struct Watched {
    kind: RuleKind,
    machine: Machine,
    state: State,
}

/// Limits that suit a home: of energy the usual 300 kWh a bill, or half as much again as its usual month
/// where that is more; a budget a quarter above the usual month. Both in Wh.
pub fn limits(days: &[measure::DayOfUse]) -> (i64, i64) {
    let usual = usual_month(days);
    ((usual * 3 / 2).max(300_000), usual * 5 / 4)
}

/// What each rule with its usual parameters, or with [`limits`] that suit the home, would have told. Bills
/// are told by the lower end of the projection, after five days.
pub fn look(home: &Home) -> Vec<Told> {
    let days = home.days_of_use();
    let (limit, budget) = limits(&days);
    let mut watched: Vec<Watched> = [
        Rule::ExcessiveConsumption(Excessive::above(Decimal::new(limit, 3), Unit::Kwh, Per::Bill)),
        RuleKind::BillJump.default_rule(),
        Rule::ForecastOverBudget(Budget { amount: Decimal::new(budget, 3) }),
        RuleKind::AlwaysOn.default_rule(),
        RuleKind::UnusualDay.default_rule(),
        RuleKind::MeterSilent.default_rule(),
    ]
    .into_iter()
    .map(|rule| Watched { kind: rule.kind(), machine: rule.machine(), state: State::default() })
    .collect();
    let mut told = Vec::new();
    let (mut begin, mut silent) = (None::<usize>, 0_i64);
    for (n, day) in days.iter().enumerate() {
        if day.date.day() == 1 {
            begin = Some(n);
        }
        silent = if day.wh.is_none()
            && home.days.get(n).is_some_and(|h| h.iter().all(Option::is_none))
        {
            silent + 1440
        } else {
            0
        };
        let until = days.get(..=n).unwrap_or_default();
        let month = day.date.first_of_month().to_string();
        let known = begin.map_or(0, |begin| n + 1 - begin);
        let so_far: i64 = begin
            .map_or(0, |b| days.get(b..=n).unwrap_or_default().iter().filter_map(|d| d.wh).sum());
        let length = usize::try_from(day.date.days_in_month()).unwrap_or(30);
        let projected = begin
            .and_then(|begin| forecast::month(&days, begin, known, length))
            .filter(|_| known >= FIRST_DAYS)
            .map(|(so_far, rest)| so_far + rest.low.wh());
        let previous = begin.and_then(|begin| {
            let length =
                usize::try_from(days.get(begin.checked_sub(1)?)?.date.days_in_month()).ok()?;
            days.get(begin.checked_sub(length)?..begin)?.iter().map(|d| d.wh).sum::<Option<i64>>()
        });
        for watched in &mut watched {
            let (subject, value) = match watched.kind {
                RuleKind::ExcessiveConsumption => {
                    (month.clone(), begin.map(|_| Decimal::new(so_far, 3)))
                }
                RuleKind::BillJump => {
                    (month.clone(), projected.zip(previous).and_then(|(p, b)| percent_above(p, b)))
                }
                RuleKind::ForecastOverBudget => {
                    (month.clone(), projected.map(|wh| Decimal::new(wh, 3)))
                }
                RuleKind::AlwaysOn => {
                    ("base".to_owned(), measure::always_on(until).map(|rise| rise.percent))
                }
                RuleKind::UnusualDay => (day.date.to_string(), measure::unusual_day(until)),
                RuleKind::MeterSilent => ("meter".to_owned(), Some(Decimal::from(silent))),
                RuleKind::BillJumpYear
                | RuleKind::InvoiceIssued
                | RuleKind::InvoiceDue
                | RuleKind::InvoiceOverdue
                | RuleKind::InvoicePaid => continue,
            };
            // The morning after.
            let at = Timestamp::from_second(home.calendar.day(day.date).end.second() + 3600);
            let fact = Fact { at, day: home.calendar.date(at), subject, value };
            let (state, notices) = watched.machine.step(&watched.state, &fact);
            watched.state = state;
            let news = notices.iter().filter(|notice| watched.kind.tells(notice));
            told.extend(news.map(|notice| Told {
                kind: watched.kind,
                day: n,
                begins: !matches!(notice, Notice::Over { .. }),
            }));
        }
    }
    told
}

/// What the first ten weeks make of a month, in Wh.
fn usual_month(days: &[measure::DayOfUse]) -> i64 {
    let first: Vec<i64> = days.iter().take(70).filter_map(|day| day.wh).collect();
    let count = i64::try_from(first.len()).unwrap_or(1).max(1);
    first.iter().sum::<i64>() * 30 / count
}
