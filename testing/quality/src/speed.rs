//! How long all rules take over many homes and one day of readings.

use std::{thread, time::Instant};

use corrente_alert::{
    Budget, Excessive, Fact, Machine, Per, Rule, RuleKind, State, Unit,
    measure::{self, DayOfUse, percent_above},
};
use corrente_metering::{Calendar, Date};
use jiff::ToSpan as _;
use rust_decimal::Decimal;

use crate::{forecast, town::mix};

/// Readings of a day: one each quarter of an hour.
const READINGS: i64 = 96;

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Speed {
    /// Homes.
    pub homes: u64,
    /// Facts that the machines were fed.
    pub facts: u64,
    /// Notices that came out.
    pub notices: u64,
    /// Seconds on two threads.
    pub seconds: f64,
}

/// Every rule of every home over a day: limits by hour, day and bill in energy and money, power and
/// silence at each reading; forecast, jumps, base and unusual day once.
pub fn day(homes: u64) -> Speed {
    let started = Instant::now();
    let half = homes / 2;
    let (facts, notices) = thread::scope(|scope| {
        let second = scope.spawn(move || some(half, homes));
        let first = some(0, half);
        let second = second.join().unwrap_or_default();
        (first.0 + second.0, first.1 + second.1)
    });
    Speed { homes, facts, notices, seconds: started.elapsed().as_secs_f64() }
}

fn some(from: u64, until: u64) -> (u64, u64) {
    let calendar = Calendar::new("America/Bahia").unwrap_or_else(|_| Calendar::utc());
    let today = Date::constant(2026, 11, 23);
    let start = calendar.midnight(today);
    let machines = machines();
    let (mut facts, mut notices) = (0, 0);
    let mut days: Vec<DayOfUse> = Vec::with_capacity(90);
    for home in from..until {
        days.clear();
        let base = 5_000 + i64::try_from(home % 12_000).unwrap_or(0);
        days.extend((0..90_i64).map(|n| {
            let noise = i64::try_from(mix(home, n.unsigned_abs()) % 4_000).unwrap_or(0);
            let date = today.saturating_add((n - 89).days());
            DayOfUse { date, wh: Some(base + noise), lowest_hour_wh: Some(60 + noise / 40) }
        }));
        let mut states = vec![State::default(); machines.len()];
        let mut step = |machine: usize, fact: &Fact| {
            let (Some((_, rule)), Some(state)) = (machines.get(machine), states.get_mut(machine))
            else {
                return;
            };
            let (next, told) = rule.step(state, fact);
            *state = next;
            facts += 1;
            notices += u64::try_from(told.len()).unwrap_or(0);
        };
        let begin = days.iter().rposition(|day| day.date.day() == 1).unwrap_or(0);
        let month: i64 = days.iter().skip(begin).filter_map(|day| day.wh).sum();
        let (mut of_day, mut of_hour) = (0_i64, 0_i64);
        for n in 1..=READINGS {
            let at = start.plus(n * 900);
            let wh = i64::try_from(mix(home, 1_000 + n.unsigned_abs()) % 300).unwrap_or(0);
            of_day += wh;
            of_hour = if n % 4 == 1 { wh } else { of_hour + wh };
            let hour = format!("{today} {:02}h", (n - 1) / 4);
            let day = today.to_string();
            let values = [
                (hour, Decimal::new(of_hour, 3)),
                (day, Decimal::new(of_day, 3)),
                ("2026-11".to_owned(), Decimal::new(month + of_day, 3)),
                ("power".to_owned(), Decimal::from(wh * 4)),
                ("meter".to_owned(), Decimal::from(15)),
                ("2026-11".to_owned(), Decimal::new((month + of_day) * 9 / 10, 3)),
            ];
            for (machine, (subject, value)) in values.into_iter().enumerate() {
                step(machine, &Fact { at, day: today, subject, value: Some(value) });
            }
        }
        let known = days.len() - begin;
        let projected = forecast::month(&days, begin, known, 30)
            .map(|(so_far, rest)| so_far + rest.likely.wh());
        let previous: i64 = days.iter().take(begin).rev().take(31).filter_map(|d| d.wh).sum();
        let at = start.plus(86_400 + 3600);
        let daily = [
            ("2026-11", projected.and_then(|p| percent_above(p, previous))),
            ("2026-11", projected.and_then(|p| percent_above(p, previous + 5_000))),
            ("2026-11", projected.map(|p| Decimal::new(p, 3))),
            ("base", measure::always_on(&days).map(|rise| rise.percent)),
            ("2026-11-23", measure::unusual_day(&days)),
            ("invoice", None),
            ("invoice", None),
            ("invoice", None),
            ("invoice", Some(Decimal::ONE)),
        ];
        for (n, (subject, value)) in daily.into_iter().enumerate() {
            let fact = Fact { at, day: today, subject: subject.to_owned(), value };
            step(6 + n, &fact);
        }
    }
    (facts, notices)
}

fn machines() -> Vec<(RuleKind, Machine)> {
    let limit = |threshold: i64, unit, per| {
        let threshold = Decimal::from(threshold);
        Rule::ExcessiveConsumption(Excessive::above(threshold, unit, per))
    };
    let mut rules = vec![
        limit(1, Unit::Kwh, Per::Hour),
        limit(15, Unit::Kwh, Per::Day),
        limit(300, Unit::Kwh, Per::Bill),
        limit(1_100, Unit::W, Per::Hour),
        RuleKind::MeterSilent.default_rule(),
        limit(300, Unit::Money, Per::Bill),
        RuleKind::BillJump.default_rule(),
        RuleKind::BillJumpYear.default_rule(),
        Rule::ForecastOverBudget(Budget { amount: Decimal::from(250) }),
        RuleKind::AlwaysOn.default_rule(),
        RuleKind::UnusualDay.default_rule(),
    ];
    rules.extend(
        [
            RuleKind::InvoiceIssued,
            RuleKind::InvoiceDue,
            RuleKind::InvoiceOverdue,
            RuleKind::InvoicePaid,
        ]
        .map(RuleKind::default_rule),
    );
    rules.iter().map(|rule| (rule.kind(), rule.machine())).collect()
}
