//! From a billing plan to what stands on the paper.

use corrente_billing::{BillingPlan, Change, Line};
use corrente_metering::{Calendar, Date, calendar};
use corrente_render::Figures;
use corrente_units::{Currency, Decimal, Energy, Money};

use crate::{
    BarCode, Bill, HistoryMonth, Language, LineRow, MeterRow, Party, Period, Pix, Place, TaxRow,
    Why, WhyPart, words::Words,
};

/// What is printed besides the plan.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The invoice's number.
    pub number: String,
    /// Who sends it.
    pub issuer: Party,
    /// Who pays it.
    pub customer: Party,
    /// The usage point's recorded name.
    pub usage_point: String,
    /// The usage point's class and phases.
    pub class: String,
    /// The day it was issued.
    pub issued: Date,
    /// The day it is due.
    pub due: Date,
    /// The day of the next reading, where it is known.
    pub next_reading: Option<Date>,
    /// The months to show, the oldest first, the billed one last.
    pub history: Vec<(Date, Option<Energy>)>,
    /// How to pay by PIX.
    pub pix: Option<Pix>,
    /// How to pay by bar code.
    pub barcode: Option<BarCode>,
    /// Why it differs from the bill before.
    pub why: Option<Change>,
}

/// The bill that this plan and these facts make.
pub fn compose(plan: &BillingPlan, facts: Facts, calendar: &Calendar, language: Language) -> Bill {
    let figures = Figures::of_tag(language.code());
    let words = Words::of(language);
    Bill {
        number: facts.number,
        issuer: facts.issuer,
        customer: facts.customer,
        usage_point: Place { name: facts.usage_point, class: words.class(&facts.class) },
        period: Period {
            first: figures.date(plan.first),
            last: figures.date(calendar::day_before(plan.until)),
            days: plan.days.to_string(),
        },
        issued: figures.date(facts.issued),
        issued_on: (facts.issued.year(), facts.issued.month(), facts.issued.day()),
        due: figures.date(facts.due),
        next_reading: facts.next_reading.map(|date| figures.date(date)),
        total: figures.money(plan.currency, plan.totals.total.decimal()),
        energy: kwh(figures, Energy::from_wh(plan.totals.import_wh)),
        lines: plan.lines.iter().map(|line| line_row(line, figures)).collect(),
        taxes: plan
            .tax_box
            .iter()
            .map(|row| TaxRow {
                name: row.label.clone(),
                base: amount(figures, row.base),
                rate: figures.percent(row.rate),
                amount: amount(figures, row.amount),
            })
            .collect(),
        meters: meter_rows(plan, figures, calendar),
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
        messages: plan.notes.iter().map(|note| words.note(&note.code, &note.text)).collect(),
        pix: facts.pix,
        barcode: facts.barcode,
        why: facts.why.and_then(|change| why(&change, plan.currency, figures, &words)),
        digest: plan.inputs_digest.clone(),
    }
}

fn line_row(line: &Line, figures: Figures) -> LineRow {
    let share =
        line.share.as_ref().map(|share| format!("{}/{} {}", share.part, share.of, share.unit));
    let notes: Vec<String> = [line.block.clone(), line.detail.clone(), share, line.clause.clone()]
        .into_iter()
        .flatten()
        .collect();
    let unit = line.unit.as_deref().unwrap_or_default();
    LineRow {
        label: line.label.clone(),
        note: (!notes.is_empty()).then(|| notes.join(" · ")),
        quantity: line
            .quantity
            .map(|quantity| format!("{} {unit}", figures.exact(quantity.normalize())))
            .unwrap_or_default(),
        price: line
            .price_with_taxes
            .or(line.price)
            .map(|price| figures.exact(price.normalize()))
            .unwrap_or_default(),
        amount: amount(figures, line.amount),
    }
}

fn meter_rows(plan: &BillingPlan, figures: Figures, calendar: &Calendar) -> Vec<MeterRow> {
    plan.determinants
        .registers
        .iter()
        .map(|register| MeterRow {
            serial: register.meter.clone(),
            start: figures.exact(register.start.kwh()),
            start_at: figures.datetime(calendar.datetime(register.start_at)),
            end: figures.exact(register.end.kwh()),
            end_at: figures.datetime(calendar.datetime(register.end_at)),
            energy: register
                .end
                .checked_sub(register.start)
                .map_or_else(|_| "–".to_owned(), |energy| figures.exact(energy.kwh())),
        })
        .collect()
}

/// How much of the energy is estimated, in words; what is billed without a gap says so too.
fn quality(plan: &BillingPlan, figures: Figures, words: &Words) -> String {
    let estimated = plan.totals.estimated_wh;
    if estimated == 0 {
        return words.get("all_measured");
    }
    let share = Decimal::from(estimated) / Decimal::from(plan.totals.import_wh.max(1));
    let percent = figures.fixed(share * Decimal::ONE_HUNDRED, 1);
    format!("{percent} % {}", words.get("estimated"))
}

/// The causes of a difference; nothing where there is none.
fn why(change: &Change, currency: Currency, figures: Figures, words: &Words) -> Option<Why> {
    let difference = change.after.checked_sub(change.before).ok()?;
    let signed = |money: Money| {
        let sign = if money > Money::ZERO { "+" } else { "" };
        format!("{sign}{}", amount(figures, money))
    };
    let parts = change.parts.iter().map(|(cause, money)| WhyPart {
        cause: words.get(&format!("cause.{}", cause.word())),
        amount: signed(*money),
    });
    Some(Why {
        before: figures.money(currency, change.before.decimal()),
        difference: signed(difference),
        parts: parts.collect(),
    })
    .filter(|why| !why.parts.is_empty())
}

fn kwh(figures: Figures, energy: Energy) -> String {
    format!("{} kWh", figures.exact(energy.kwh()))
}

fn amount(figures: Figures, money: Money) -> String {
    figures.fixed(money.decimal(), 2)
}
