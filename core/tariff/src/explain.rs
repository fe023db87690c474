//! `tariff explain`: a tariff in words.

use std::fmt::Write as _;

use corrente_units::{Currency, Decimal};

use crate::{
    Dated, Tariff, TariffFile,
    file::{
        Block, BlockPer, DemandCharge, DemandUnit, EnergyCharge, EnergyUnit, FixedPer, LineMethod,
        PriceByPeriod, SeriesCharge, Split, TaxMethod, TouCalendar,
    },
};

/// The tariff in English, a sentence per line: what a reviewer reads beside the file.
pub fn explain(tariff: &Tariff) -> String {
    let file = tariff.file();
    let mut words = Words { currency: tariff.currency(), text: String::new() };
    words.head(file);
    for (name, calendar) in [("energy", &file.tou), ("demand", &file.demand_tou)] {
        if let Some(calendar) = calendar {
            words.calendar(name, calendar);
        }
    }
    for charge in &file.energy {
        words.energy(charge);
    }
    for charge in &file.series {
        words.series(charge);
    }
    for charge in &file.demand {
        words.demand(charge);
    }
    words.rest(file);
    words.taxes(file);
    words.text
}

/// Where a block ends: `300 kWh`, `200 kWh per kW`, or the smaller of both.
fn block_end(block: &Block) -> Option<String> {
    let kwh = block.up_to_kwh.map(|end| format!("{} kWh", end.0));
    let per_kw = block.up_to_kwh_per_kw.map(|end| format!("{} kWh per kW", end.0));
    match (kwh, per_kw) {
        (Some(kwh), Some(per_kw)) => Some(format!("{kwh} (at most {per_kw})")),
        (kwh, per_kw) => kwh.or(per_kw),
    }
}

struct Words {
    currency: Currency,
    text: String,
}

impl Words {
    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn head(&mut self, file: &TariffFile) {
        let until = file.valid_until.map_or_else(
            || "and is open-ended".to_owned(),
            |until| format!("and ends before {}", until.0),
        );
        self.line(&format!("{} ({}, version {})", file.name, file.code, file.version));
        self.line(&format!("  holds from {} {until}, in {}.", file.valid_from.0, self.currency));
        if file.example {
            self.line("  Its prices are examples and bind nobody.");
        }
        if let Some(source) = &file.source {
            self.line(&format!("  Source: {source}"));
        }
    }

    fn calendar(&mut self, name: &str, calendar: &TouCalendar) {
        let periods = calendar.periods.join(", ");
        self.line(&format!("Periods of the day for {name}: {periods}."));
        for rule in &calendar.rule {
            let days = if rule.days.is_empty() {
                "every day".to_owned()
            } else {
                let days: Vec<String> =
                    rule.days.iter().map(|d| format!("{d:?}").to_lowercase()).collect();
                format!("on {}", days.join(", "))
            };
            let seasons = if rule.seasons.is_empty() {
                String::new()
            } else {
                format!(" in {}", rule.seasons.join(", "))
            };
            let (from, until) = (&rule.from, &rule.until);
            self.line(&format!("  {}: {from} to {until} {days}{seasons}.", rule.period));
        }
        if let Some(rest) = &calendar.rest {
            self.line(&format!("  {rest}: all other time."));
        }
        for season in &calendar.season {
            self.line(&format!("  Season {} begins on {} (month-day).", season.name, season.from));
        }
    }

    fn energy(&mut self, charge: &EnergyCharge) {
        let unit = unit(charge.unit);
        let what = if charge.export { "fed in" } else { "used" };
        let periods = if charge.periods.is_empty() {
            String::new()
        } else {
            format!(" in {}", charge.periods.join(", "))
        };
        self.line(&format!("{} ({}): for energy {what}{periods}", charge.label, charge.code));
        if let Some(price) = &charge.price {
            let text = self.dated(price, unit);
            self.line(&format!("  {text}"));
        }
        self.prices(&charge.prices, unit);
        for (index, block) in charge.blocks.iter().enumerate() {
            self.block(charge, index, block);
        }
        self.clause(charge.clause.as_ref());
    }

    fn block(&mut self, charge: &EnergyCharge, index: usize, block: &Block) {
        let before = index.checked_sub(1).and_then(|i| charge.blocks.get(i));
        let from = before.and_then(block_end).unwrap_or_else(|| "0 kWh".to_owned());
        let per = match charge.blocks_per {
            BlockPer::Period => "of the period",
            BlockPer::Day => "of the day",
        };
        let until = block_end(block).map_or_else(
            || format!("above {from} {per}"),
            |until| format!("from {from} to {until} {per}"),
        );
        let unit = unit(charge.unit);
        if let Some(price) = &block.price {
            let text = self.dated(price, unit);
            self.line(&format!("  {until}: {text}"));
        } else {
            self.line(&format!("  {until}:"));
            self.prices(&block.prices, unit);
        }
    }

    fn prices(&mut self, prices: &PriceByPeriod, unit: &str) {
        for (period, price) in prices {
            let text = self.dated(price, unit);
            self.line(&format!("  {period}: {text}"));
        }
    }

    fn series(&mut self, charge: &SeriesCharge) {
        let mut parts = vec![format!("the price of `{}` per {}", charge.series, unit(charge.unit))];
        let steps = [("times", &charge.multiply), ("plus", &charge.add)];
        for (word, dated) in steps {
            parts.extend(dated.iter().map(|d| format!("{word} {}", self.dated(d, ""))));
        }
        let in_periods = charge.add_in.iter();
        parts.extend(in_periods.map(|(p, d)| format!("plus {} in {p}", self.dated(d, ""))));
        parts.extend(charge.cap.iter().map(|d| format!("at most {}", self.dated(d, "kWh"))));
        match &charge.floor {
            Some(floor) => parts.push(format!("at least {}", self.dated(floor, "kWh"))),
            None => parts.push("also below zero".to_owned()),
        }
        let formula = parts.join(", ");
        self.line(&format!("{} ({}): {formula}.", charge.label, charge.code));
        self.clause(charge.clause.as_ref());
    }

    fn demand(&mut self, charge: &DemandCharge) {
        let mean = match charge.top {
            1 => format!("the highest mean over {} minutes", charge.window_minutes),
            top => format!("the mean of the {top} highest {}-minute means", charge.window_minutes),
        };
        let periods = if charge.periods.is_empty() {
            String::new()
        } else {
            format!(" in {}", charge.periods.join(", "))
        };
        let per = match charge.per {
            DemandUnit::Period => "kW and period",
            DemandUnit::Day => "kW and day",
        };
        self.line(&format!("{} ({}): {mean}{periods}", charge.label, charge.code));
        if let Some(price) = &charge.price {
            let text = self.dated(price, per);
            self.line(&format!("  {text}"));
        }
        for block in &charge.blocks {
            let text = self.dated(&block.price, per);
            match block.up_to_kw {
                Some(until) => self.line(&format!("  up to {} kW: {text}", until.0)),
                None => self.line(&format!("  above that: {text}")),
            }
        }
        if !charge.months.is_empty() {
            let months: Vec<String> = charge.months.iter().map(ToString::to_string).collect();
            self.line(&format!("  only in the months {}.", months.join(", ")));
        }
        if let Some(ratchet) = &charge.ratchet {
            let share = percent(ratchet.share.0);
            let back = ratchet.periods_back;
            self.line(&format!("  at least {share} of the highest of {back} earlier periods."));
        }
        self.clause(charge.clause.as_ref());
    }

    fn rest(&mut self, file: &TariffFile) {
        for charge in &file.fixed {
            let per = match charge.per {
                FixedPer::Day => "day",
                FixedPer::Month => "billing period",
                FixedPer::Year => "year, a twelfth each period",
                FixedPer::Meter => "meter and period",
                FixedPer::Kw => "contracted kW and period",
            };
            let text = self.dated(&charge.price, per);
            self.line(&format!("{} ({}): {text}", charge.label, charge.code));
            self.clause(charge.clause.as_ref());
        }
        for flag in &file.flag {
            self.line(&format!("{} ({}): by flag, shared over the days", flag.label, flag.code));
            self.prices(&flag.prices, unit(flag.unit));
            for day in &flag.calendar {
                self.line(&format!("  {} from {}.", day.flag, day.from.0));
            }
            self.clause(flag.clause.as_ref());
        }
        for discount in &file.discount {
            let classes = discount.classes.join(", ");
            let on = discount.on.join(", ");
            self.line(&format!("{} ({}): for {classes}, on {on}", discount.label, discount.code));
            for block in &discount.blocks {
                let share = percent(block.share.0);
                match block.up_to_kwh {
                    Some(until) => self.line(&format!("  up to {} kWh: {share} off", until.0)),
                    None => self.line(&format!("  above that: {share} off")),
                }
            }
            self.clause(discount.clause.as_ref());
        }
        if let Some(minimum) = &file.minimum {
            let kwh: Vec<String> =
                minimum.kwh.iter().map(|(p, a)| format!("{} kWh with {p} phase(s)", a.0)).collect();
            let amount = minimum.amount.as_ref().map(|a| self.dated(a, "period"));
            let least = amount.unwrap_or_else(|| kwh.join(", "));
            self.line(&format!("{} ({}): at least {least}", minimum.label, minimum.code));
            self.clause(minimum.clause.as_ref());
        }
        if let Some(credits) = &file.credits {
            let regimes: Vec<&str> = credits.regime.iter().map(|r| r.label.as_str()).collect();
            self.line(&format!(
                "Credits of own generation: {}; lost after {} months.",
                regimes.join(", "),
                credits.expire_after_months
            ));
        }
        if let Some(lighting) = &file.lighting {
            self.line(&format!("{} ({}): by band, without taxes", lighting.label, lighting.code));
            for band in &lighting.band {
                let class = band.class.as_deref().unwrap_or("all classes");
                let amount = band.amount.as_ref().map(|a| self.dated(a, "period"));
                let share = band.share.map(|s| percent(s.0));
                let what = amount.or(share).unwrap_or_default();
                match band.up_to_kwh {
                    Some(until) => self.line(&format!("  {class} up to {} kWh: {what}", until.0)),
                    None => self.line(&format!("  {class} above that: {what}")),
                }
            }
        }
        if let Some(late) = &file.late {
            let fine = late.fine.map_or_else(String::new, |f| format!("{} fine", percent(f.0)));
            let interest = late
                .interest_per_month
                .map_or_else(String::new, |i| format!(", {} interest a month", percent(i.0)));
            let index =
                late.index.as_ref().map_or_else(String::new, |i| format!(", corrected by {i}"));
            self.line(&format!("Paid late: {fine}{interest}{index}."));
        }
    }

    fn taxes(&mut self, file: &TariffFile) {
        for tax in &file.tax {
            let how = match tax.method {
                TaxMethod::Inclusive => format!("inside the price, layer {}", tax.layer),
                TaxMethod::Exclusive => "on top of the price".to_owned(),
            };
            let steps: Vec<String> = tax
                .rate
                .steps()
                .iter()
                .map(|s| {
                    let from = if s.from.0 == corrente_metering::Date::MIN {
                        String::new()
                    } else {
                        format!(" from {}", s.from.0)
                    };
                    let rate = s.value.known().map_or_else(|| "unknown".to_owned(), percent);
                    format!("{rate}{from}")
                })
                .collect();
            self.line(&format!("{} ({}): {how}, {}", tax.label, tax.code, steps.join(", ")));
        }
        let line = match file.rounding.line {
            LineMethod::Plain => "each line is rounded once",
            LineMethod::TaxComponents => "each tax of a line is cut to cents, then the line",
            LineMethod::PriceWithTaxes => "the price with taxes is cut first, then the line",
        };
        self.line(&format!("Amounts: {line} ({:?}).", file.rounding.money));
        let split = match file.split {
            Split::Measured => "as measured on each side",
            Split::Days => "by calendar days",
        };
        self.line(&format!("A price that changes inside a period counts {split}."));
    }

    fn dated(&self, dated: &Dated, unit: &str) -> String {
        let per = if unit.is_empty() { String::new() } else { format!(" per {unit}") };
        let mut text = String::new();
        for (index, step) in dated.steps().iter().enumerate() {
            if index > 0 {
                text.push_str("; ");
            }
            // Writing into a string does not fail.
            match step.value.known() {
                Some(value) => write!(text, "{} {}{per}", self.currency, value.normalize()),
                None => write!(text, "unknown"),
            }
            .unwrap_or_default();
            if step.from.0 != corrente_metering::Date::MIN {
                write!(text, " from {}", step.from.0).unwrap_or_default();
            }
        }
        text
    }

    fn clause(&mut self, clause: Option<&String>) {
        if let Some(clause) = clause {
            self.line(&format!("  By: {clause}"));
        }
    }
}

fn unit(unit: EnergyUnit) -> &'static str {
    match unit {
        EnergyUnit::Kwh => "kWh",
        EnergyUnit::Mwh => "MWh",
    }
}

fn percent(share: Decimal) -> String {
    share
        .checked_mul(Decimal::ONE_HUNDRED)
        .map_or_else(|| share.to_string(), |p| format!("{} %", p.normalize()))
}
