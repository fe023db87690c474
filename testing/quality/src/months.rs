//! Months that were truly dear, whatever made them so: what a rule about bills is right or wrong about.

use corrente_alert::{Rule, RuleKind};
use rust_decimal::prelude::ToPrimitive as _;

use crate::{
    home::Home,
    look::{Told, limits},
};

/// How a rule about bills did.
#[derive(Clone, Debug, Default)]
pub struct Months {
    /// Months that were truly dear.
    pub dear: usize,
    /// Of them, months that were told.
    pub found: usize,
    /// Months that were told.
    pub told: usize,
    /// On which day of the month a dear one was told first, from 1.
    pub days: Vec<usize>,
}

impl Months {
    /// Looks at the whole months of a home that begin after `from` days.
    pub fn add(&mut self, home: &Home, told: &[Told], kind: RuleKind, from: usize) {
        let days = home.days_of_use();
        let (limit, budget) = limits(&days);
        let total = |begin: usize, length: usize| {
            days.get(begin..begin + length)?.iter().map(|day| day.wh).sum::<Option<i64>>()
        };
        let firsts = days.iter().enumerate().filter(|(n, day)| *n >= from && day.date.day() == 1);
        for (begin, day) in firsts {
            let length = usize::try_from(day.date.days_in_month()).unwrap_or(30);
            let Some(whole) = total(begin, length) else { continue };
            let dear = match kind {
                RuleKind::ExcessiveConsumption => whole > limit,
                RuleKind::ForecastOverBudget => whole > budget,
                RuleKind::BillJump => {
                    let Rule::BillJump(rule) = kind.default_rule() else { continue };
                    let Some(yesterday) = begin.checked_sub(1).and_then(|n| days.get(n)) else {
                        continue;
                    };
                    let before = usize::try_from(yesterday.date.days_in_month()).unwrap_or(30);
                    let Some(before) = begin.checked_sub(before).and_then(|b| total(b, before))
                    else {
                        continue;
                    };
                    let percent = rule.percent.to_i64().unwrap_or(0);
                    whole * 100 > before * (100 + percent)
                }
                RuleKind::BillJumpYear
                | RuleKind::AlwaysOn
                | RuleKind::UnusualDay
                | RuleKind::MeterSilent
                | RuleKind::InvoiceIssued
                | RuleKind::InvoiceDue
                | RuleKind::InvoiceOverdue
                | RuleKind::InvoicePaid => continue,
            };
            let first = told
                .iter()
                .find(|t| t.kind == kind && t.begins && (begin..begin + length).contains(&t.day))
                .map(|t| t.day - begin + 1);
            self.dear += usize::from(dear);
            self.told += usize::from(first.is_some());
            if dear {
                self.found += usize::from(first.is_some());
                self.days.extend(first);
            }
        }
    }
}
