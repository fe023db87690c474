//! Tables for `docs/alerts.md`.

use std::fmt::Write as _;

use corrente_alert::RuleKind;

use crate::{
    forecast::{Error, as_f64},
    home::Home,
    look::{Told, look},
    town::{DAYS, EventKind, Labelled, WARM_UP, labelled},
};

/// The rules that are measured; those about invoices tell what is written there.
pub const RULES: [RuleKind; 6] = [
    RuleKind::ExcessiveConsumption,
    RuleKind::BillJump,
    RuleKind::ForecastOverBudget,
    RuleKind::AlwaysOn,
    RuleKind::UnusualDay,
    RuleKind::MeterSilent,
];

/// Which events a rule is there for.
fn catches(kind: RuleKind, event: EventKind) -> bool {
    use EventKind::{BaseGrows, GuestWeek, LeftOn, NewAppliance};
    match kind {
        RuleKind::AlwaysOn => matches!(event, BaseGrows | LeftOn),
        RuleKind::UnusualDay => matches!(event, LeftOn | GuestWeek | NewAppliance),
        RuleKind::BillJump | RuleKind::ForecastOverBudget | RuleKind::ExcessiveConsumption => {
            matches!(event, NewAppliance)
        }
        RuleKind::BillJumpYear
        | RuleKind::MeterSilent
        | RuleKind::InvoiceIssued
        | RuleKind::InvoiceDue
        | RuleKind::InvoiceOverdue
        | RuleKind::InvoicePaid => false,
    }
}

#[derive(Default)]
struct Score {
    events: usize,
    found: usize,
    told: usize,
    right: usize,
    delays: Vec<usize>,
}

/// Simulated homes with labelled events: precision, recall, false alarms, delay.
pub fn town(seed: u64, homes: u64) -> String {
    let labelled: Vec<(Labelled, Vec<Told>)> = (0..homes)
        .map(|number| {
            let labelled = labelled(seed, number);
            let told = look(&labelled.home);
            (labelled, told)
        })
        .collect();
    let years = per(homes, DAYS - WARM_UP);
    let mut out = format!(
        "{homes} simulated homes, seed {seed}, one year each after {WARM_UP} days\n\n\
         | Rule | Is there for | Recall | Precision | False alarms per home and year | Median delay |\n\
         |---|---|---|---|---|---|\n"
    );
    for kind in RULES {
        let mut score = Score::default();
        for (home, told) in &labelled {
            // What an event changes shows a few days longer: in the month, and in what is told each morning.
            let until = home.day + home.event.days().max(3) + 3;
            let begins = told.iter().filter(|t| t.kind == kind && t.begins && t.day >= WARM_UP);
            let caught = catches(kind, home.event);
            let mut first = None;
            for told in begins {
                score.told += 1;
                if caught && (home.day..until).contains(&told.day) {
                    score.right += 1;
                    first = first.or(Some(told.day - home.day));
                }
            }
            score.events += usize::from(caught);
            score.found += usize::from(first.is_some());
            score.delays.extend(first);
        }
        score.delays.sort_unstable();
        let delay = score.delays.get(score.delays.len() / 2);
        let of: Vec<&str> =
            EventKind::ALL.into_iter().filter(|e| catches(kind, *e)).map(EventKind::name).collect();
        let row = writeln!(
            out,
            "| `{kind}` | {} | {} | {} | {:.2} | {} |",
            if of.is_empty() { "–".to_owned() } else { of.join(", ") },
            share(score.found, score.events),
            share(score.right, score.told),
            count(score.told - score.right) / years,
            delay.map_or_else(|| "–".to_owned(), |days| format!("{} days", days + 1)),
        );
        debug_assert!(row.is_ok(), "a string takes everything");
    }
    out.push_str("\n| Event | Homes | Heard of by any rule | Messages per home and year |\n|---|---|---|---|\n");
    for event in EventKind::ALL {
        let of: Vec<_> = labelled.iter().filter(|(home, _)| home.event == event).collect();
        let heard = of
            .iter()
            .filter(|(home, told)| {
                let until = home.day + event.days().max(3) + 3;
                told.iter().any(|t| t.begins && (home.day..until).contains(&t.day))
            })
            .count();
        let messages: usize =
            of.iter().map(|(_, told)| told.iter().filter(|t| t.day >= WARM_UP).count()).sum();
        let years = count(of.len()) * count(DAYS - WARM_UP) / 365.0;
        let row = writeln!(
            out,
            "| {} | {} | {} | {:.1} |",
            event.name(),
            of.len(),
            share(heard, of.len()),
            count(messages) / years.max(1.0)
        );
        debug_assert!(row.is_ok(), "a string takes everything");
    }
    out
}

/// Real homes: messages per home and year by rule, and the error of the forecast.
pub fn london(homes: &[Home]) -> String {
    let days: usize = homes.iter().map(|home| home.days.len().saturating_sub(WARM_UP)).sum();
    let years = count(days) / 365.0;
    let told: Vec<Told> = homes.iter().flat_map(look).filter(|told| told.day >= WARM_UP).collect();
    let mut out = format!(
        "{} homes, {years:.0} home years after {WARM_UP} days\n\n\
         | Rule | Began or got worse, per home and year | All messages |\n|---|---|---|\n",
        homes.len()
    );
    for kind in RULES {
        let of: Vec<&Told> = told.iter().filter(|told| told.kind == kind).collect();
        let begins = of.iter().filter(|told| told.begins).count();
        let row = writeln!(
            out,
            "| `{kind}` | {:.2} | {:.2} |",
            count(begins) / years,
            count(of.len()) / years
        );
        debug_assert!(row.is_ok(), "a string takes everything");
    }
    let usual = told.iter().filter(|told| told.kind.on_by_default()).count();
    let row = writeln!(
        out,
        "| on by default | | {:.2} |\n| all of them | | {:.2} |\n\n\
         | Days known | Months | Mean error | Bias | In the 80 % range |\n|---|---|---|---|---|",
        count(usual) / years,
        count(told.len()) / years
    );
    debug_assert!(row.is_ok(), "a string takes everything");
    for known in [5, 10, 15, 20, 25] {
        let mut error = Error::default();
        for home in homes {
            error.add(home, known);
        }
        let months = count(error.months).max(1.0);
        let row = writeln!(
            out,
            "| {known} | {} | {:.1} % | {:+.1} % | {} |",
            error.months,
            error.percent / months,
            error.bias / months,
            share(error.inside, error.months)
        );
        debug_assert!(row.is_ok(), "a string takes everything");
    }
    out
}

fn share(part: usize, whole: usize) -> String {
    if whole == 0 {
        "–".to_owned()
    } else {
        format!("{:.0} %", count(part) * 100.0 / count(whole))
    }
}

fn count(value: usize) -> f64 {
    as_f64(i64::try_from(value).unwrap_or(i64::MAX))
}

fn per(homes: u64, days: usize) -> f64 {
    count(usize::try_from(homes).unwrap_or(usize::MAX)) * count(days) / 365.0
}
