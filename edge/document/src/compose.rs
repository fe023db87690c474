//! From a billing plan to what stands on the paper.

use std::collections::BTreeSet;

use corrente_billing::{BillingPlan, Change, Line, LineGroup, RegisterDifference};
use corrente_metering::{Calendar, Date, calendar};
use corrente_render::Figures;
use corrente_units::{Currency, Decimal, Energy, Money};

use crate::{
    BarCode, Bill, Corrects, DifferenceRow, HistoryMonth, Language, LineRow, MeterRow, Nf3e, Party,
    Period, Pix, Place, TaxRow, Why, WhyPart, words::Words,
};

/// So many taxes have a column of their own; more stand together in one.
const MOST_TAX_COLUMNS: usize = 3;

/// What is printed besides the plan.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The invoice's number.
    pub number: String,
    /// What it corrects; nothing for a bill.
    pub corrects: Option<Correction>,
    /// What is to be paid.
    pub amount: Money,
    /// Who sends it.
    pub issuer: Party,
    /// Who pays it.
    pub customer: Party,
    /// The usage point's recorded name.
    pub usage_point: String,
    /// The usage point's class.
    pub class: String,
    /// Its phases: 1, 2 or 3.
    pub phases: u8,
    /// The day it was issued.
    pub issued: Date,
    /// The day it is due.
    pub due: Date,
    /// The day of the next reading, where it is known.
    pub next_reading: Option<Date>,
    /// The months to show, the oldest first, the billed one last.
    pub history: Vec<(Date, Option<Energy>)>,
    /// The flags of the period, also those without a surcharge: name, first day, first day without it.
    pub flags: Vec<(String, Date, Date)>,
    /// How to pay by PIX.
    pub pix: Option<Pix>,
    /// How to pay by bar code.
    pub barcode: Option<BarCode>,
    /// Why it differs from the bill before.
    pub why: Option<Change>,
    /// Why it differs from the bill of a year earlier.
    pub why_last_year: Option<Change>,
    /// A preview of the key of an NF3e, and its QR code.
    pub nf3e: Option<Nf3e>,
}

/// What a correction corrects, in figures.
#[derive(Clone, Debug)]
pub struct Correction {
    /// The invoice's number.
    pub number: String,
    /// Why.
    pub reason: String,
    /// What the period came to until then.
    pub before: Money,
    /// What it comes to.
    pub after: Money,
    /// The lines that differ: code, name, before, after, difference.
    pub lines: Vec<(String, String, Money, Money, Money)>,
}

/// What all parts of a document need.
struct Pen<'a> {
    figures: Figures,
    words: &'a Words,
    currency: Currency,
}

/// The bill that this plan and these facts make.
pub fn compose(plan: &BillingPlan, facts: Facts, calendar: &Calendar, language: Language) -> Bill {
    let figures = Figures::of_tag(language.code());
    let words = Words::of(language);
    let pen = Pen { figures, words: &words, currency: plan.currency };
    let messages = messages(plan, &facts, &pen);
    let columns = tax_columns(plan);
    let phases = words.get(&format!("phases.{}", facts.phases));
    Bill {
        number: facts.number,
        corrects: facts.corrects.map(|correction| corrects(&correction, facts.amount, &pen)),
        issuer: facts.issuer,
        customer: facts.customer,
        usage_point: Place {
            name: facts.usage_point,
            class: format!("{} · {phases}", words.class(&facts.class)),
        },
        period: Period {
            first: figures.date(plan.first),
            last: figures.date(calendar::day_before(plan.until)),
            days: plan.days.to_string(),
        },
        issued: figures.date(facts.issued),
        issued_on: (facts.issued.year(), facts.issued.month(), facts.issued.day()),
        due: figures.date(facts.due),
        next_reading: facts.next_reading.map(|date| figures.date(date)),
        total: figures.money(plan.currency, facts.amount.decimal()),
        energy: kwh(figures, Energy::from_wh(plan.totals.import_wh)),
        lines: plan.lines.iter().map(|line| line_row(line, &columns, &pen)).collect(),
        tax_columns: match columns.as_slice() {
            [] if plan.tax_box.is_empty() => Vec::new(),
            [] => vec![words.get("taxes_of_line")],
            columns => columns.iter().map(|(_, label)| label.clone()).collect(),
        },
        sum: figures.money(plan.currency, plan.totals.total.decimal()),
        taxes: plan
            .tax_box
            .iter()
            .map(|row| TaxRow {
                name: if row.inclusive {
                    row.label.clone()
                } else {
                    format!("{} ({})", row.label, words.get("tax_added"))
                },
                base: amount(figures, row.base),
                rate: figures.percent(row.rate),
                amount: amount(figures, row.amount),
            })
            .collect(),
        meters: meter_rows(plan, &pen, calendar),
        quality: quality(plan, figures, &words),
        history: facts
            .history
            .into_iter()
            .map(|(month, energy)| HistoryMonth {
                label: figures.month(month),
                kwh: energy.map_or_else(|| "–".to_owned(), |e| figures.fixed(e.kwh(), 0)),
                wh: energy.map_or(0, Energy::wh),
            })
            .collect(),
        messages,
        pix: facts.pix,
        barcode: facts.barcode,
        why: facts.why.and_then(|change| why(&change, &pen)),
        why_last_year: facts.why_last_year.and_then(|change| why(&change, &pen)),
        nf3e: facts.nf3e,
        digest: plan.inputs_digest.clone(),
    }
}

fn corrects(correction: &Correction, difference: Money, pen: &Pen<'_>) -> Corrects {
    let Pen { figures, words, currency } = *pen;
    let differ = correction.lines.iter().filter(|line| line.4 != Money::ZERO);
    Corrects {
        number: correction.number.clone(),
        reason: correction.reason.clone(),
        before: figures.money(currency, correction.before.decimal()),
        after: figures.money(currency, correction.after.decimal()),
        difference: signed(figures, difference),
        credit: difference < Money::ZERO,
        lines: differ
            .map(|(code, label, before, after, difference)| DifferenceRow {
                label: words.line(code, label),
                before: amount(figures, *before),
                after: amount(figures, *after),
                difference: signed(figures, *difference),
            })
            .collect(),
    }
}

/// What the customer should know: flags, what is estimated, what paying late cost, credits.
fn messages(plan: &BillingPlan, facts: &Facts, pen: &Pen<'_>) -> Vec<String> {
    let Pen { figures, words, .. } = *pen;
    let mut found = Vec::new();
    let flags: Vec<String> = facts
        .flags
        .iter()
        .map(|(flag, first, until)| {
            let flag = words.flag(flag);
            if *first == plan.first && *until == plan.until {
                return flag;
            }
            let last = calendar::day_before(*until);
            format!("{flag} ({} – {})", figures.date(*first), figures.date(last))
        })
        .collect();
    if !flags.is_empty() {
        found.push(format!("{}: {}.", words.get("flags"), flags.join(", ")));
    }
    if facts.amount < Money::ZERO {
        found.push(words.get("message.credit"));
    }
    let late: BTreeSet<&str> = plan
        .inputs
        .items
        .iter()
        .filter(|item| item.code.starts_with("late_"))
        .filter_map(|item| item.about.as_deref())
        .collect();
    for number in late {
        found.push(words.get("message.late").replace("{number}", number));
    }
    if let Some(credits) = &plan.credits {
        let left = credits.remaining.iter().fold(0_i64, |sum, batch| sum.saturating_add(batch.wh));
        let used = credits.used_wh.values().fold(0_i64, |sum, wh| sum.saturating_add(*wh));
        let text = words
            .get("message.credits")
            .replace("{used}", &kwh(figures, Energy::from_wh(used)))
            .replace("{left}", &kwh(figures, Energy::from_wh(left)));
        found.push(text);
        if credits.expired_wh > 0 {
            let gone = kwh(figures, Energy::from_wh(credits.expired_wh));
            found.push(words.get("message.expired").replace("{gone}", &gone));
        }
    }
    found.extend(plan.notes.iter().map(|note| words.note(&note.code, &note.text)));
    found
}

/// The taxes with a column of their own, code and name; none where they are too many.
fn tax_columns(plan: &BillingPlan) -> Vec<(String, String)> {
    let mut columns: Vec<(String, String)> = Vec::new();
    for row in &plan.tax_box {
        if columns.iter().all(|(code, _)| *code != row.code) {
            columns.push((row.code.clone(), row.label.clone()));
        }
    }
    if columns.len() > MOST_TAX_COLUMNS { Vec::new() } else { columns }
}

fn line_row(line: &Line, columns: &[(String, String)], pen: &Pen<'_>) -> LineRow {
    let Pen { figures, words, .. } = *pen;
    let share = line
        .share
        .as_ref()
        .map(|share| format!("{}/{} {}", share.part, share.of, words.unit(&share.unit, share.of)));
    let about = line.group == LineGroup::Other;
    // The flag stands in the line's name.
    let detail = line.detail.as_ref().filter(|_| line.group != LineGroup::Flag).map(|detail| {
        if about { format!("{} {detail}", words.get("number")) } else { words.detail(detail) }
    });
    let period = line.period.as_ref().map(|period| words.period(period));
    let block = line.block.as_ref().map(|block| words.block(block, line.group));
    let notes: Vec<String> =
        [period, block, detail, share, line.clause.clone()].into_iter().flatten().collect();
    let unit = line.unit.as_deref().unwrap_or_default();
    let tax = |code: Option<&str>| {
        let own = line.taxes.iter().filter(|tax| code.is_none_or(|code| tax.code == code));
        let sum = Money::sum(own.map(|tax| tax.amount)).unwrap_or_default();
        if line.taxes.iter().any(|tax| code.is_none_or(|code| tax.code == code)) {
            amount(figures, sum)
        } else {
            String::new()
        }
    };
    LineRow {
        label: words.line(&line.code, &line.label),
        note: (!notes.is_empty()).then(|| notes.join(" · ")),
        quantity: line
            .quantity
            .map(|quantity| {
                let plural = quantity != Decimal::ONE;
                let unit = words.unit(unit, i64::from(plural) + 1);
                // A mean of demands has no end.
                format!("{} {unit}", figures.at_most(quantity, 6))
            })
            .unwrap_or_default(),
        price: line
            .price_with_taxes
            .or(line.price)
            .map(|price| figures.exact(price.normalize()))
            .unwrap_or_default(),
        net_price: line.price.map(|price| figures.exact(price.normalize())).unwrap_or_default(),
        taxes: if columns.is_empty() {
            vec![tax(None)]
        } else {
            columns.iter().map(|(code, _)| tax(Some(code))).collect()
        },
        amount: amount(figures, line.amount),
    }
}

fn meter_rows(plan: &BillingPlan, pen: &Pen<'_>, calendar: &Calendar) -> Vec<MeterRow> {
    let Pen { figures, words, .. } = *pen;
    let row = |register: &RegisterDifference| {
        let mut serial = register.meter.clone();
        if register.export {
            serial = format!("{serial} ({})", words.get("fed_in"));
        }
        let estimated = |at: String| {
            if register.estimated { format!("{at} · {}", words.get("estimated")) } else { at }
        };
        MeterRow {
            serial,
            start: figures.exact(register.start.kwh().normalize()),
            start_at: figures.datetime(calendar.datetime(register.start_at)),
            end: figures.exact(register.end.kwh().normalize()),
            end_at: estimated(figures.datetime(calendar.datetime(register.end_at))),
            constant: figures.exact(register.constant.unwrap_or(Decimal::ONE).normalize()),
            energy: register
                .energy()
                .map_or_else(|| "–".to_owned(), |energy| figures.exact(energy.kwh().normalize())),
        }
    };
    plan.determinants.registers.iter().map(row).collect()
}

/// How much of the energy is estimated and how much a person entered, in words; what was all measured
/// says so too.
fn quality(plan: &BillingPlan, figures: Figures, words: &Words) -> String {
    let shares = plan.determinants.import_quality();
    let part = |wh: i64, intervals: u32, word: &str| {
        let share = Decimal::from(wh) / Decimal::from(plan.totals.import_wh.max(1));
        let percent = figures.fixed(share * Decimal::ONE_HUNDRED, 1);
        (intervals > 0).then(|| format!("{percent} % {}", words.get(word)))
    };
    let parts = [
        part(shares.estimated_wh, shares.estimated, "estimated"),
        part(shares.edited_wh, shares.edited, "edited"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { words.get("all_measured") } else { parts.join(", ") }
}

/// The causes of a difference; nothing where there is none.
fn why(change: &Change, pen: &Pen<'_>) -> Option<Why> {
    let Pen { figures, words, currency } = *pen;
    let difference = change.after.checked_sub(change.before).ok()?;
    let parts = change.parts.iter().map(|(cause, money)| WhyPart {
        cause: words.get(&format!("cause.{}", cause.word())),
        amount: signed(figures, *money),
    });
    Some(Why {
        before: figures.money(currency, change.before.decimal()),
        difference: signed(figures, difference),
        parts: parts.collect(),
    })
    .filter(|why| !why.parts.is_empty())
}

/// An amount with its sign.
fn signed(figures: Figures, money: Money) -> String {
    let sign = if money > Money::ZERO { "+" } else { "" };
    format!("{sign}{}", amount(figures, money))
}

fn kwh(figures: Figures, energy: Energy) -> String {
    format!("{} kWh", figures.exact(energy.kwh().normalize()))
}

fn amount(figures: Figures, money: Money) -> String {
    figures.fixed(money.decimal(), 2)
}
