//! A parent meter (transformer, building, campus feeder) against the sum of its children.

use corrente_metering::{Calendar, Date, LoadProfile, Span};
use corrente_units::{Energy, Money, Price, Rounding};

use crate::{Evidence, Finding, Rule, RuleSet, Severity, estimator::energy_in, spread::scale};

/// A meter below or above, with what it measured.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// What it is called.
    pub name: &'a str,
    /// What it measured.
    pub profile: &'a LoadProfile,
}

/// A day of a parent and its children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayBalance {
    /// The local day.
    pub date: Date,
    /// Its span.
    pub span: Span,
    /// What the parent measured, if it is known from midnight to midnight.
    pub parent: Option<Energy>,
    /// What the children measured that are known from midnight to midnight.
    pub children: Energy,
    /// The children that are not.
    pub unknown: Vec<String>,
    /// Parent minus children, when all of them are known.
    pub loss: Option<Energy>,
    /// What the loss is worth at the given price.
    pub amount: Option<Money>,
}

/// The days of a parent and its children, with findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Day by day.
    pub days: Vec<DayBalance>,
    /// Days whose loss is more than usual, or negative by more than is forgiven.
    pub findings: Vec<Finding>,
}

/// Compares a parent with the sum of its children, day by day in the calendar's zone.
///
/// A day of which the parent or a child is not fully known has no loss: the rest would be taken for
/// theft. It is listed with the names of those children. `price` is per kWh; amounts are rounded half
/// up to the minor unit.
pub fn balance(
    parent: Member<'_>,
    children: &[Member<'_>],
    span: Span,
    calendar: &Calendar,
    rules: &RuleSet,
    price: Option<Price>,
) -> Balance {
    let mut result = Balance::default();
    for day in calendar.cut_days(span) {
        let whole = energy_in(parent.profile, day);
        let mut sum = Energy::ZERO;
        let mut unknown = Vec::new();
        for child in children {
            match energy_in(child.profile, day).map(|e| sum.checked_add(e)) {
                Some(Ok(total)) => sum = total,
                Some(Err(_)) | None => unknown.push(child.name.to_owned()),
            }
        }
        let loss = whole.filter(|_| unknown.is_empty()).and_then(|w| w.checked_sub(sum).ok());
        let amount = loss.zip(price).and_then(|(loss, price)| {
            Money::from_decimal(loss.kwh().checked_mul(price)?, Rounding::HalfUp).ok()
        });
        if let Some(finding) =
            whole.zip(loss).and_then(|(whole, loss)| unusual(rules, day, whole, sum, loss, amount))
        {
            result.findings.push(finding);
        }
        result.days.push(DayBalance {
            date: calendar.date(day.start),
            span: day,
            parent: whole,
            children: sum,
            unknown,
            loss,
            amount,
        });
    }
    result
}

fn unusual(
    rules: &RuleSet,
    span: Span,
    parent: Energy,
    children: Energy,
    loss: Energy,
    amount: Option<Money>,
) -> Option<Finding> {
    let parameters = &rules.parameters;
    let usual = scale(parent.wh(), parameters.loss_permille, 1000)?.max(parameters.loss_wh);
    let odd = loss.wh() > usual || loss.wh() < parameters.loss_wh.saturating_neg();
    (odd && rules.has(Rule::ParentChildren)).then(|| Finding {
        rule: Rule::ParentChildren,
        rule_version: Rule::ParentChildren.version(),
        severity: Severity::Warning,
        span,
        channel: None,
        evidence: Evidence::Loss { parent, children, loss, amount, unknown: 0 },
    })
}
