//! What a tariff file must hold to be billed by.

use std::collections::BTreeSet;

use corrente_units::{Currency, Decimal};

use crate::{
    Dated, TariffFile,
    file::{
        Block, BlockPer, DiscountBlock, EnergyCharge, Exemption, FlagCharge, PriceByPeriod, Split,
        TaxMethod, TouCalendar,
    },
    problems::Problems,
    tou::Tou,
};

pub(crate) struct Checked {
    pub(crate) currency: Currency,
    pub(crate) tou: Option<Tou>,
    pub(crate) demand_tou: Option<Tou>,
}

pub(crate) fn check(file: &TariffFile, problems: &mut Problems) -> Checked {
    let currency = head(file, problems);
    let compile = |calendar: &Option<TouCalendar>, key: &str, problems: &mut Problems| {
        calendar.as_ref().and_then(|c| Tou::compile(c, key, problems))
    };
    let tou = compile(&file.tou, "tou", problems);
    let demand_tou = compile(&file.demand_tou, "demand_tou", problems);
    let periods = file.tou.as_ref().map_or(&[][..], |t| &t.periods);
    holidays(file, &[tou.as_ref(), demand_tou.as_ref()], problems);
    codes(file, problems);
    taxes(file, problems);
    for (i, charge) in file.energy.iter().enumerate() {
        energy(file, charge, periods, &format!("energy[{i}]"), problems);
    }
    every_period_priced(file, periods, problems);
    for (i, series) in file.series.iter().enumerate() {
        let key = format!("series[{i}]");
        tax_names(file, series.taxes.as_deref(), &key, problems);
        for (name, dated) in [
            ("multiply", &series.multiply),
            ("add", &series.add),
            ("cap", &series.cap),
            ("floor", &series.floor),
        ] {
            if let Some(dated) = dated {
                starts(file, dated, &format!("{key}.{name}"), problems);
            }
        }
        known_periods(periods, series.add_in.keys(), &format!("{key}.add_in"), problems);
    }
    for (i, fixed) in file.fixed.iter().enumerate() {
        starts(file, &fixed.price, &format!("fixed[{i}].price"), problems);
        tax_names(file, fixed.taxes.as_deref(), &format!("fixed[{i}]"), problems);
    }
    demand(file, problems);
    for (i, flag) in file.flag.iter().enumerate() {
        flags(file, flag, &format!("flag[{i}]"), problems);
    }
    discounts(file, problems);
    minimum(file, problems);
    lighting(file, problems);
    credits(file, problems);
    late(file, problems);
    Checked { currency, tou, demand_tou }
}

fn head(file: &TariffFile, problems: &mut Problems) -> Currency {
    if file.form != crate::FORM {
        problems.add(
            "form",
            format!("`{}` is a form that this version does not know", file.form),
            format!("write \"{}\"", crate::FORM),
        );
    }
    for (key, value) in [("code", &file.code), ("version", &file.version), ("name", &file.name)] {
        if value.trim().is_empty() {
            problems.add(key, "is empty", "give it a name");
        }
    }
    if file.valid_until.is_some_and(|until| until <= file.valid_from) {
        problems.add("valid_until", "is not after `valid_from`", "give a later day");
    }
    file.currency.parse().unwrap_or_else(|error: corrente_units::UnknownCurrency| {
        problems.add("currency", error.to_string(), "name one of these");
        Currency::Eur
    })
}

fn holidays(file: &TariffFile, tous: &[Option<&Tou>], problems: &mut Problems) {
    let mut years = BTreeSet::new();
    for (i, year) in file.holidays.iter().enumerate() {
        if !years.insert(year.year) {
            problems.add(
                format!("holidays[{i}].year"),
                "is listed twice",
                "keep one list per year",
            );
        }
        for date in year.dates.iter().filter(|d| d.0.year() != year.year) {
            problems.add(
                format!("holidays[{i}].dates"),
                format!("{} is not in {}", date.0, year.year),
                "move it to its year",
            );
        }
    }
    let needed = !years.is_empty() || tous.iter().flatten().any(|t| t.knows_holidays());
    if !needed {
        return;
    }
    let first = file.valid_from.0.year();
    let last = match file.valid_until {
        Some(until) => until.0.yesterday().unwrap_or(until.0).year(),
        None => years.last().copied().unwrap_or(first).max(first),
    };
    for year in (first..=last).filter(|y| !years.contains(y)) {
        problems.add(
            "holidays",
            format!("there is no list for {year}, but the periods of the day need it"),
            format!(
                "add `[[holidays]]` with `year = {year}` and its `dates` (an empty list is one)"
            ),
        );
    }
}

fn codes(file: &TariffFile, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    let charges = (file.energy.iter().enumerate().map(|(i, c)| (format!("energy[{i}]"), &c.code)))
        .chain(file.series.iter().enumerate().map(|(i, c)| (format!("series[{i}]"), &c.code)))
        .chain(file.demand.iter().enumerate().map(|(i, c)| (format!("demand[{i}]"), &c.code)))
        .chain(file.fixed.iter().enumerate().map(|(i, c)| (format!("fixed[{i}]"), &c.code)))
        .chain(file.flag.iter().enumerate().map(|(i, c)| (format!("flag[{i}]"), &c.code)))
        .chain(file.discount.iter().enumerate().map(|(i, c)| (format!("discount[{i}]"), &c.code)))
        .chain(file.tax.iter().enumerate().map(|(i, c)| (format!("tax[{i}]"), &c.code)))
        .chain(file.minimum.iter().map(|c| ("minimum".to_owned(), &c.code)))
        .chain(file.lighting.iter().map(|c| ("lighting".to_owned(), &c.code)));
    for (key, code) in charges {
        if !seen.insert(code) {
            problems.add(
                format!("{key}.code"),
                format!("`{code}` names something else already"),
                "give each charge and tax a code of its own",
            );
        }
    }
}

fn taxes(file: &TariffFile, problems: &mut Problems) {
    for (i, tax) in file.tax.iter().enumerate() {
        let key = format!("tax[{i}]");
        starts(file, &tax.rate, &format!("{key}.rate"), problems);
        for rate in tax.rate.steps().iter().filter_map(|step| step.value.known()) {
            if rate < Decimal::ZERO || rate >= Decimal::ONE {
                problems.add(
                    format!("{key}.rate"),
                    format!("{rate} is no rate from 0 to below 1"),
                    "write 20.5 % as 0.205",
                );
            }
        }
        exemptions(&tax.exempt, &key, problems);
    }
    let mut dates: BTreeSet<_> = file.tax.iter().flat_map(|t| t.rate.changes()).collect();
    dates.insert(file.valid_from.0);
    for date in dates.into_iter().filter(|d| *d >= file.valid_from.0) {
        for layer in file.tax.iter().map(|t| t.layer).collect::<BTreeSet<_>>() {
            let mut rates = file
                .tax
                .iter()
                .filter(|t| t.layer == layer && t.method == TaxMethod::Inclusive)
                .filter_map(|t| t.rate.on(date));
            let sum = rates.try_fold(Decimal::ZERO, Decimal::checked_add);
            if sum.is_none_or(|sum| sum >= Decimal::ONE) {
                problems.add(
                    "tax",
                    format!("the inclusive rates of layer {layer} reach 100 % on {date}"),
                    "write 20.5 % as 0.205",
                );
            }
        }
    }
}

fn exemptions(list: &[Exemption], key: &str, problems: &mut Problems) {
    for (i, exemption) in list.iter().enumerate() {
        if exemption.class.is_none() && exemption.up_to_kwh.is_none() {
            problems.add(
                format!("{key}.exempt[{i}]"),
                "exempts everybody",
                "give a `class` or `up_to_kwh`",
            );
        }
    }
}

fn tax_names(file: &TariffFile, names: Option<&[String]>, key: &str, problems: &mut Problems) {
    for name in names.unwrap_or_default() {
        if !file.tax.iter().any(|t| t.code == *name) {
            problems.add(
                format!("{key}.taxes"),
                format!("`{name}` is no tax of this file"),
                format!("use the code of a `[[tax]]`: {}", list(file.tax.iter().map(|t| &t.code))),
            );
        }
    }
}

fn energy(
    file: &TariffFile,
    charge: &EnergyCharge,
    periods: &[String],
    key: &str,
    problems: &mut Problems,
) {
    tax_names(file, charge.taxes.as_deref(), key, problems);
    known_periods(periods, charge.periods.iter(), &format!("{key}.periods"), problems);
    let wanted: Vec<&String> = if charge.periods.is_empty() {
        periods.iter().collect()
    } else {
        charge.periods.iter().collect()
    };
    if charge.blocks.is_empty() {
        one_price(file, charge.price.as_ref(), &charge.prices, &wanted, key, problems);
        return;
    }
    if charge.price.is_some() || !charge.prices.is_empty() {
        problems.add(
            key,
            "has `blocks` beside a price of its own",
            "put the price into each block and remove the other",
        );
    }
    if charge.blocks_per == BlockPer::Day && file.split == Split::Days {
        problems.add(
            format!("{key}.blocks_per"),
            "counts each day's energy, but `split = \"days\"` does not look at it",
            "use `split = \"measured\"`",
        );
    }
    for (i, block) in charge.blocks.iter().enumerate() {
        let at = format!("{key}.blocks[{i}]");
        one_price(file, block.price.as_ref(), &block.prices, &wanted, &at, problems);
    }
    if charge.demand_window_minutes().is_none() {
        limits(charge.blocks.iter().map(|b: &Block| b.up_to_kwh.map(|a| a.0)), key, problems);
    } else {
        limits_per_kw(charge, key, problems);
    }
}

/// As [`limits`], where some blocks end at so many kWh per kW: those of one kind must grow.
fn limits_per_kw(charge: &EnergyCharge, key: &str, problems: &mut Problems) {
    if charge.blocks_per == BlockPer::Day {
        problems.add(
            format!("{key}.blocks_per"),
            "counts each day's energy, but `up_to_kwh_per_kw` the period's demand",
            "leave `blocks_per` out",
        );
    }
    window(
        charge.demand_window_minutes().unwrap_or_default(),
        "blocks_window_minutes",
        key,
        problems,
    );
    let open = |block: &Block| block.up_to_kwh.is_none() && block.up_to_kwh_per_kw.is_none();
    let last = charge.blocks.len().saturating_sub(1);
    for (i, block) in charge.blocks.iter().enumerate() {
        let at = format!("{key}.blocks[{i}]");
        if i == last && !open(block) {
            problems.add(
                format!("{key}.blocks"),
                "has an end after the last block",
                "leave `up_to_…` out of the last block",
            );
        }
        if i != last && open(block) {
            problems.add(at.as_str(), "has no end, but is not the last", "give `up_to_…`");
        }
    }
    for (i, pair) in charge.blocks.windows(2).enumerate() {
        let [a, b] = pair else { continue };
        let steps = [(a.up_to_kwh, b.up_to_kwh), (a.up_to_kwh_per_kw, b.up_to_kwh_per_kw)];
        let falls = steps.iter().any(|s| matches!(s, (Some(a), Some(b)) if b < a));
        let stays = a.up_to_kwh == b.up_to_kwh && a.up_to_kwh_per_kw == b.up_to_kwh_per_kw;
        if falls || stays {
            problems.add(
                format!("{key}.blocks[{}]", i.saturating_add(1)),
                "does not end after the block before",
                "put the blocks in order",
            );
        }
    }
}

fn window(minutes: u32, name: &str, key: &str, problems: &mut Problems) {
    if ![5, 10, 15, 20, 30, 60].contains(&minutes) {
        problems.add(
            format!("{key}.{name}"),
            format!("{minutes} minutes do not divide an hour"),
            "use 5, 10, 15, 20, 30 or 60",
        );
    }
}

fn one_price(
    file: &TariffFile,
    price: Option<&Dated>,
    prices: &PriceByPeriod,
    wanted: &[&String],
    key: &str,
    problems: &mut Problems,
) {
    match (price, prices.is_empty()) {
        (Some(price), true) => starts(file, price, &format!("{key}.price"), problems),
        (None, false) => {
            for (period, price) in prices {
                starts(file, price, &format!("{key}.prices.{period}"), problems);
                if !wanted.contains(&period) {
                    problems.add(
                        format!("{key}.prices.{period}"),
                        format!("`{period}` is no period of the day of this charge"),
                        format!("use: {}", list(wanted.iter())),
                    );
                }
            }
            for period in wanted.iter().filter(|w| !prices.contains_key(**w)) {
                problems.add(
                    format!("{key}.prices"),
                    format!("has no price for the period `{period}`"),
                    "add it",
                );
            }
        }
        (None, true) => problems.add(
            key,
            "has no price",
            "give `price`, or `prices` by period of the day, or `blocks`",
        ),
        (Some(_), false) => {
            problems.add(key, "has both `price` and `prices`", "keep one of them");
        }
    }
}

fn every_period_priced(file: &TariffFile, periods: &[String], problems: &mut Problems) {
    let used: Vec<&EnergyCharge> = file.energy.iter().filter(|c| !c.export).collect();
    if used.is_empty() || !file.series.is_empty() {
        return;
    }
    for period in periods {
        if !used.iter().any(|c| c.periods.is_empty() || c.periods.contains(period)) {
            problems.add(
                "energy",
                format!("no charge has a price for the period `{period}`"),
                "add one",
            );
        }
    }
}

fn known_periods<'a>(
    periods: &[String],
    names: impl Iterator<Item = &'a String>,
    key: &str,
    problems: &mut Problems,
) {
    for name in names.filter(|n| !periods.contains(n)) {
        problems.add(
            key,
            format!("`{name}` is no period of the day of this file"),
            if periods.is_empty() {
                "describe the periods in `[tou]`".to_owned()
            } else {
                format!("use: {}", list(periods.iter()))
            },
        );
    }
}

/// Limits must grow and only the last block may be open, and must be.
fn limits(limits: impl Iterator<Item = Option<Decimal>>, key: &str, problems: &mut Problems) {
    let limits: Vec<_> = limits.collect();
    let Some((last, closed)) = limits.split_last() else {
        problems.add(format!("{key}.blocks"), "is empty", "give at least one block");
        return;
    };
    if last.is_some() {
        problems.add(
            format!("{key}.blocks"),
            "has an end after the last block",
            "leave `up_to_…` out of the last block",
        );
    }
    let mut before = Decimal::ZERO;
    for (i, limit) in closed.iter().enumerate() {
        match limit {
            Some(limit) if *limit > before => before = *limit,
            Some(limit) => problems.add(
                format!("{key}.blocks[{i}]"),
                format!("ends at {limit}, which is not after {before}"),
                "put the blocks in order",
            ),
            None => problems.add(
                format!("{key}.blocks[{i}]"),
                "has no end, but is not the last",
                "give `up_to_…`",
            ),
        }
    }
}

fn demand(file: &TariffFile, problems: &mut Problems) {
    let calendar = file.demand_tou.as_ref().or(file.tou.as_ref());
    let periods = calendar.map_or(&[][..], |t| &t.periods);
    for (i, charge) in file.demand.iter().enumerate() {
        let key = format!("demand[{i}]");
        tax_names(file, charge.taxes.as_deref(), &key, problems);
        known_periods(periods, charge.periods.iter(), &format!("{key}.periods"), problems);
        if charge.price.is_some() != charge.blocks.is_empty() {
            problems.add(key.as_str(), "needs either `price` or `blocks`", "give one of them");
        }
        if let Some(price) = &charge.price {
            starts(file, price, &format!("{key}.price"), problems);
        }
        for (j, block) in charge.blocks.iter().enumerate() {
            starts(file, &block.price, &format!("{key}.blocks[{j}].price"), problems);
        }
        if !charge.blocks.is_empty() {
            limits(charge.blocks.iter().map(|b| b.up_to_kw.map(|a| a.0)), &key, problems);
        }
        window(charge.window_minutes, "window_minutes", &key, problems);
        if charge.top == 0 {
            problems.add(format!("{key}.top"), "is 0", "bill at least the highest window: 1");
        }
        if charge.months.iter().any(|m| !(1..=12).contains(m)) {
            problems.add(format!("{key}.months"), "names no month", "use 1 to 12");
        }
        if let Some(ratchet) = &charge.ratchet
            && (ratchet.share.0 <= Decimal::ZERO || ratchet.share.0 > Decimal::ONE)
        {
            problems.add(format!("{key}.ratchet.share"), "is no share", "write 80 % as 0.8");
        }
    }
}

fn flags(file: &TariffFile, flag: &FlagCharge, key: &str, problems: &mut Problems) {
    tax_names(file, flag.taxes.as_deref(), key, problems);
    for (name, price) in &flag.prices {
        starts(file, price, &format!("{key}.prices.{name}"), problems);
    }
    let mut before = None;
    for (i, day) in flag.calendar.iter().enumerate() {
        let at = format!("{key}.calendar[{i}]");
        if day.flag != crate::file::UNKNOWN_FLAG && !flag.prices.contains_key(&day.flag) {
            problems.add(
                at.as_str(),
                format!("`{}` has no price", day.flag),
                format!("use: {}", list(flag.prices.keys())),
            );
        }
        if before.is_some_and(|b| b >= day.from) {
            problems.add(at, "is not after the entry before", "put the days in order");
        }
        before = Some(day.from);
    }
    if flag.calendar.first().is_none_or(|first| first.from > file.valid_from) {
        problems.add(
            format!("{key}.calendar"),
            format!("says nothing about {}, the first day of this version", file.valid_from.0),
            "add the flag of that day",
        );
    }
}

fn discounts(file: &TariffFile, problems: &mut Problems) {
    for (i, discount) in file.discount.iter().enumerate() {
        let key = format!("discount[{i}]");
        for code in &discount.on {
            match file.energy.iter().find(|c| c.code == *code) {
                None => problems.add(
                    format!("{key}.on"),
                    format!("`{code}` is no charge for energy of this file"),
                    format!("use: {}", list(file.energy.iter().map(|c| &c.code))),
                ),
                Some(charge) if charge.price.is_none() => problems.add(
                    format!("{key}.on"),
                    format!("`{code}` has more than one price"),
                    "a discount by block needs a charge with one `price`",
                ),
                Some(_) => {}
            }
        }
        limits(
            discount.blocks.iter().map(|b: &DiscountBlock| b.up_to_kwh.map(|a| a.0)),
            &key,
            problems,
        );
        for (j, block) in discount.blocks.iter().enumerate() {
            if block.share.0 < Decimal::ZERO || block.share.0 > Decimal::ONE {
                problems.add(
                    format!("{key}.blocks[{j}].share"),
                    format!("{} is no share from 0 to 1", block.share.0),
                    "write 65 % as 0.65",
                );
            }
        }
    }
}

fn minimum(file: &TariffFile, problems: &mut Problems) {
    let Some(minimum) = &file.minimum else { return };
    tax_names(file, minimum.taxes.as_deref(), "minimum", problems);
    if minimum.kwh.is_empty() == minimum.amount.is_none() {
        problems.add("minimum", "needs either `kwh` or `amount`", "give one of them");
    }
    if !minimum.kwh.is_empty() {
        for phases in
            minimum.kwh.keys().filter(|p| !["single", "two", "three"].contains(&p.as_str()))
        {
            problems.add(
                format!("minimum.kwh.{phases}"),
                "is no kind of connection",
                "use single, two, three",
            );
        }
        let plain = file.energy.iter().filter(|c| !c.export).all(|c| c.price.is_some());
        if minimum.price.is_none() && (!plain || file.energy.is_empty()) {
            problems.add(
                "minimum.price",
                "is missing, and the charges for energy have more than one price",
                "give the price per kWh of energy that was not used",
            );
        }
    }
    for (name, dated) in [("amount", &minimum.amount), ("price", &minimum.price)] {
        if let Some(dated) = dated {
            starts(file, dated, &format!("minimum.{name}"), problems);
        }
    }
}

fn lighting(file: &TariffFile, problems: &mut Problems) {
    let Some(lighting) = &file.lighting else { return };
    if let Some(base) = &lighting.base {
        starts(file, base, "lighting.base", problems);
    }
    exemptions(&lighting.exempt, "lighting", problems);
    for (i, band) in lighting.band.iter().enumerate() {
        let key = format!("lighting.band[{i}]");
        if band.amount.is_some() == band.share.is_some() {
            problems.add(key.as_str(), "needs either `amount` or `share`", "give one of them");
        }
        if let Some(amount) = &band.amount {
            starts(file, amount, &format!("{key}.amount"), problems);
        }
    }
    let classes: BTreeSet<_> = lighting.band.iter().map(|b| &b.class).collect();
    for class in classes {
        let bands: Vec<_> = lighting.band.iter().filter(|b| b.class == *class).collect();
        let open = bands.last().is_some_and(|b| b.up_to_kwh.is_none());
        let ordered = bands.windows(2).all(|w| match w {
            [a, b] => match (a.up_to_kwh, b.up_to_kwh) {
                (Some(a), Some(b)) => a < b,
                (Some(_), None) => true,
                (None, _) => false,
            },
            _ => true,
        });
        if !open || !ordered {
            problems.add(
                "lighting.band",
                format!(
                    "the bands of {} do not cover each consumption once",
                    class.as_deref().map_or("all classes".to_owned(), |c| format!("class `{c}`"))
                ),
                "order them by `up_to_kwh` and leave it out of the last",
            );
        }
    }
}

fn credits(file: &TariffFile, problems: &mut Problems) {
    let Some(credits) = &file.credits else { return };
    if let Some(price) = &credits.offset_price {
        starts(file, price, "credits.offset_price", problems);
    } else if file.energy.iter().filter(|c| !c.export).any(|c| c.price.is_none()) {
        problems.add(
            "credits.offset_price",
            "is missing, and the charges for energy have more than one price",
            "give the price per kWh of energy that is offset",
        );
    }
    let mut seen = BTreeSet::new();
    for (i, regime) in credits.regime.iter().enumerate() {
        if !seen.insert(&regime.code) {
            problems.add(format!("credits.regime[{i}].code"), "is used twice", "rename one");
        }
        for (j, part) in regime.pays.iter().enumerate() {
            let key = format!("credits.regime[{i}].pays[{j}]");
            starts(file, &part.price, &format!("{key}.price"), problems);
            starts(file, &part.share, &format!("{key}.share"), problems);
        }
    }
}

fn late(file: &TariffFile, problems: &mut Problems) {
    let Some(late) = &file.late else { return };
    for (key, value) in
        [("late.fine", late.fine), ("late.interest_per_month", late.interest_per_month)]
    {
        if value.is_some_and(|v| v.0 < Decimal::ZERO || v.0 >= Decimal::ONE) {
            problems.add(key, "is no share from 0 to below 1", "write 2 % as 0.02");
        }
    }
}

/// A dated amount must have a value on the first day of the version.
fn starts(file: &TariffFile, dated: &Dated, key: &str, problems: &mut Problems) {
    if !dated.covers(file.valid_from.0) {
        problems.add(
            key,
            format!("has no value on {}, the first day of this version", file.valid_from.0),
            "let its first step begin on that day or earlier",
        );
    }
}

fn list<T: AsRef<str>>(names: impl Iterator<Item = T>) -> String {
    let names: Vec<String> = names.map(|n| format!("`{}`", n.as_ref())).collect();
    if names.is_empty() { "there is none yet".to_owned() } else { names.join(", ") }
}
