//! Tables for `docs/alerts.md`.

use std::fmt::Write as _;

use corrente_alert::RuleKind;

use crate::{
    forecast::{Error, as_f64},
    home::Home,
    look::{Told, look},
    months::Months,
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

/// The rules about bills: right when the month was truly dear.
const OF_BILLS: [RuleKind; 3] =
    [RuleKind::ExcessiveConsumption, RuleKind::BillJump, RuleKind::ForecastOverBudget];

/// Which events a rule about days is there for.
fn catches(kind: RuleKind, event: EventKind) -> bool {
    use EventKind::{BaseGrows, GuestWeek, LeftOn, NewAppliance};
    match kind {
        RuleKind::AlwaysOn => matches!(event, BaseGrows | LeftOn),
        RuleKind::UnusualDay => matches!(event, LeftOn | GuestWeek | NewAppliance),
        RuleKind::BillJump
        | RuleKind::ForecastOverBudget
        | RuleKind::ExcessiveConsumption
        | RuleKind::BillJumpYear
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

impl Score {
    /// A rule about days: right within some days of an event that it is there for.
    fn of_events(kind: RuleKind, labelled: &[(Labelled, Vec<Told>)]) -> Self {
        let mut score = Self::default();
        for (home, told) in labelled {
            let begins = told.iter().filter(|t| t.kind == kind && t.begins && t.day >= WARM_UP);
            let caught = catches(kind, home.event);
            let mut first = None;
            for told in begins {
                score.told += 1;
                if caught && window(home).contains(&told.day) {
                    score.right += 1;
                    first = first.or(Some(told.day - home.day + 1));
                }
            }
            score.events += usize::from(caught);
            score.found += usize::from(first.is_some());
            score.delays.extend(first);
        }
        score
    }

    fn of_months<'a>(kind: RuleKind, homes: impl Iterator<Item = (&'a Home, &'a [Told])>) -> Self {
        let mut months = Months::default();
        for (home, told) in homes {
            months.add(home, told, kind, WARM_UP);
        }
        Self {
            events: months.dear,
            found: months.found,
            told: months.told,
            right: months.found,
            delays: months.days,
        }
    }

    fn write(mut self, out: &mut String, kind: RuleKind, of: &str, years: f64) {
        self.delays.sort_unstable();
        let delay = self.delays.get(self.delays.len() / 2);
        let row = writeln!(
            out,
            "| `{kind}` | {} {of} | {} | {} | {:.2} | {} |",
            self.events,
            share(self.found, self.events),
            share(self.right, self.told),
            count(self.told - self.right) / years,
            delay.map_or_else(|| "–".to_owned(), |day| format!("day {day}")),
        );
        debug_assert!(row.is_ok(), "a string takes everything");
    }
}

const HEAD: &str = "| Rule | Is there for | Recall | Precision | False alarms per home and year | \
                    Median delay |\n|---|---|---|---|---|---|\n";

/// What an event changes shows a few days longer: in the month, and in what is told each morning.
fn window(home: &Labelled) -> std::ops::Range<usize> {
    home.day..home.day + home.event.days().max(3) + 3
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
        "{homes} simulated homes, seed {seed}, one year each after {WARM_UP} days\n\n{HEAD}"
    );
    for kind in RULES {
        if OF_BILLS.contains(&kind) {
            let homes = labelled.iter().map(|(home, told)| (&home.home, told.as_slice()));
            Score::of_months(kind, homes).write(&mut out, kind, "dear months", years);
        } else {
            Score::of_events(kind, &labelled).write(&mut out, kind, "events", years);
        }
    }
    by_event(&mut out, &labelled);
    out
}

/// Of the homes with each event, how many heard of it by each rule, and how soon.
fn by_event(out: &mut String, labelled: &[(Labelled, Vec<Told>)]) {
    let names: Vec<String> = RULES.iter().map(|kind| format!("`{kind}`")).collect();
    let head = format!(
        "\n| Event | Homes | {} | Any | Messages per home and year |\n|---|---|{}---|---|\n",
        names.join(" | "),
        "---|".repeat(RULES.len())
    );
    out.push_str(&head);
    for event in EventKind::ALL {
        let of: Vec<_> = labelled.iter().filter(|(home, _)| home.event == event).collect();
        let cell = |wanted: Option<RuleKind>| {
            let mut delays: Vec<usize> = of
                .iter()
                .filter_map(|(home, told)| {
                    told.iter()
                        .find(|t| {
                            t.begins
                                && wanted.is_none_or(|kind| t.kind == kind)
                                && window(home).contains(&t.day)
                        })
                        .map(|t| t.day - home.day + 1)
                })
                .collect();
            delays.sort_unstable();
            let heard = share(delays.len(), of.len());
            delays.get(delays.len() / 2).map_or(heard.clone(), |day| format!("{heard}, day {day}"))
        };
        let cells: Vec<String> = RULES.iter().map(|kind| cell(Some(*kind))).collect();
        let messages: usize =
            of.iter().map(|(_, told)| told.iter().filter(|t| t.day >= WARM_UP).count()).sum();
        let years = count(of.len()) * count(DAYS - WARM_UP) / 365.0;
        let row = writeln!(
            out,
            "| {} | {} | {} | {} | {:.1} |",
            event.name(),
            of.len(),
            cells.join(" | "),
            cell(None),
            count(messages) / years.max(1.0)
        );
        debug_assert!(row.is_ok(), "a string takes everything");
    }
}

/// Real homes: messages per home and year by rule, and the error of the forecast.
pub fn london(homes: &[Home]) -> String {
    let days: usize = homes.iter().map(|home| home.days.len().saturating_sub(WARM_UP)).sum();
    let years = count(days) / 365.0;
    let looked: Vec<Vec<Told>> = homes.iter().map(look).collect();
    let told: Vec<&Told> = looked.iter().flatten().filter(|told| told.day >= WARM_UP).collect();
    let mut out = format!(
        "{} homes, {years:.0} home years after {WARM_UP} days\n\n\
         | Rule | Began or got worse, per home and year | All messages |\n|---|---|---|\n",
        homes.len()
    );
    for kind in RULES {
        let of: Vec<&&Told> = told.iter().filter(|told| told.kind == kind).collect();
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
        "| on by default | | {:.2} |\n| all of them | | {:.2} |\n",
        count(usual) / years,
        count(told.len()) / years
    );
    debug_assert!(row.is_ok(), "a string takes everything");
    out.push_str(HEAD);
    for kind in OF_BILLS {
        let homes = homes.iter().zip(looked.iter().map(Vec::as_slice));
        Score::of_months(kind, homes).write(&mut out, kind, "dear months", years);
    }
    let halves: [(&str, Vec<&Home>); 3] = [
        ("all homes", homes.iter().collect()),
        ("tuned on", homes.iter().step_by(2).collect()),
        ("held out", homes.iter().skip(1).step_by(2).collect()),
    ];
    out.push_str(
        "\n| Homes | Days known | Months | Mean error | Bias | In the 80 % range |\n|---|---|---|---|---|---|\n",
    );
    for (name, half) in halves {
        for known in [5, 10, 15, 20, 25] {
            let mut error = Error::default();
            for home in &half {
                error.add(home, known);
            }
            let months = count(error.months).max(1.0);
            let row = writeln!(
                out,
                "| {name} | {known} | {} | {:.1} % | {:+.1} % | {} |",
                error.months,
                error.percent / months,
                error.bias / months,
                share(error.inside, error.months)
            );
            debug_assert!(row.is_ok(), "a string takes everything");
        }
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
