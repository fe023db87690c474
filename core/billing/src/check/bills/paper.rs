//! A paper bill, read from JSON.

use corrente_metering::Date;
use corrente_tariff::{
    Dated, Day, FORM, TariffFile,
    file::{LineMethod, RateOn, RoundingRules, Split, Tax, TaxBase, TaxMethod},
};
use corrente_units::{Decimal, Rounding};
use serde_json::{Map, Value};

use super::{
    BillCheckError,
    cells::{Cells, Columns, Wrong, decimal, needed, number},
};
use crate::{BillingError, Share, determinants::days, exact::Exact, rate::Taxable};

/// Everything on the bill that can be computed or is needed to.
pub(super) struct Paper {
    pub(super) id: String,
    pub(super) algorithm: Option<String>,
    taxes: Vec<(&'static str, u8, Decimal)>,
    pub(super) lines: Vec<PaperLine>,
    pub(super) tax_box: Vec<PaperTax>,
    /// Names of tax boxes whose rate the bill does not give.
    pub(super) unknown_boxes: Vec<String>,
    pub(super) total: Option<Decimal>,
    /// Printed facts about the readings that must agree: name, printed, computed.
    pub(super) readings: Vec<(String, Decimal, Decimal)>,
}

pub(super) struct PaperLine {
    pub(super) item: String,
    /// The words of the tariff's name that it was found by.
    component: Vec<String>,
    quantity: Option<Decimal>,
    share: Option<Share>,
    pub(super) price: Option<Decimal>,
    pub(super) value: Option<Decimal>,
    pub(super) pis_cofins: Option<Decimal>,
    pub(super) icms: Option<Decimal>,
    pub(super) kind: Kind,
}

/// How a line is made.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Quantity × tariff with the taxes inside.
    Taxed { tariff: Decimal },
    /// Quantity × price without taxes.
    Untaxed { price: Decimal, sign: Decimal },
    /// Nothing on the bill says how it is made.
    AsPrinted,
}

pub(super) struct PaperTax {
    pub(super) name: String,
    pub(super) code: &'static str,
    pub(super) base: Option<Decimal>,
    pub(super) rate: Option<Decimal>,
    pub(super) amount: Option<Decimal>,
}

impl Paper {
    pub(super) fn read(id: &str, bill: &Map<String, Value>) -> Result<Self, BillCheckError> {
        Self::parse(id, bill).map_err(|wrong| BillCheckError::Field {
            bill: id.to_owned(),
            field: wrong.field,
            problem: wrong.problem,
        })
    }

    fn parse(id: &str, bill: &Map<String, Value>) -> Result<Self, Wrong> {
        let empty = Map::new();
        let object = |name: &str| match bill.get(name) {
            None | Some(Value::Null) => Ok(&empty),
            Some(value) => {
                value.as_object().ok_or_else(|| Wrong::new(name, "is no object `{ … }`"))
            }
        };
        let tariffs = tariffs(object("tariffs_brl_per_kwh")?)?;
        let taxes = taxes(object("taxes")?)?;
        let reading = object("reading")?;
        let flags = flags(bill, reading)?;
        let printed = bill.get("lines").and_then(Value::as_array);
        let printed = printed.ok_or_else(|| Wrong::new("lines", "is no list"))?;
        let columns = Columns::of(bill.get("lines_columns"));
        let mut lines = Vec::new();
        for (index, line) in printed.iter().enumerate() {
            let at = format!("lines[{index}]");
            let cells = match line {
                Value::Array(cells) => columns.cells(&at, cells)?,
                Value::Object(cells) => Cells::named(&at, cells)?,
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                    return Err(Wrong::new(at, "is no list of cells"));
                }
            };
            lines.push(PaperLine::of(cells, &tariffs, &flags, reading));
        }
        let total = match bill.get("total") {
            None => None,
            Some(total) => number("total", total)?,
        };
        let (tax_box, unknown_boxes) = tax_box(object("tax_box")?, &taxes)?;
        let mut readings = readings(reading)?;
        readings.extend(flag_days(&flags, &readings));
        readings.extend(quantities(&lines, reading));
        Ok(Self {
            id: id.to_owned(),
            algorithm: algorithm(bill.get("algorithm")),
            taxes,
            lines,
            tax_box,
            unknown_boxes,
            total,
            readings,
        })
    }

    /// The product of `1 - rates` over the layers.
    pub(super) fn divisor(&self) -> Result<Decimal, BillingError> {
        let mut divisor = Decimal::ONE;
        for layer in [1, 2] {
            let rates = self.taxes.iter().filter(|t| t.1 == layer).map(|t| t.2);
            divisor = divisor.times(Decimal::ONE.minus(crate::exact::sum(rates)?)?)?;
        }
        Ok(divisor)
    }

    /// What the first taxed line prints of a tax, so that the lines add up to the tax box.
    pub(super) fn residue(
        &self,
        line: &PaperLine,
        codes: &[&str],
    ) -> Result<Option<Decimal>, BillingError> {
        let mut taxed = self.lines.iter().filter(|l| matches!(l.kind, Kind::Taxed { .. }));
        if !taxed.next().is_some_and(|first| std::ptr::eq(first, line)) {
            return Ok(None);
        }
        let cell = |l: &PaperLine| if codes.contains(&"icms") { l.icms } else { l.pis_cofins };
        let others: Option<Vec<Decimal>> = taxed.map(cell).collect();
        let rows = self.tax_box.iter().filter(|row| codes.contains(&row.code));
        let boxes: Option<Vec<Decimal>> = rows.map(|row| row.amount).collect();
        let (Some(others), Some(boxes)) = (others, boxes.filter(|b| !b.is_empty())) else {
            return Ok(None);
        };
        let residue = crate::exact::sum(boxes)?.minus(crate::exact::sum(others)?)?;
        Ok(Some(residue))
    }

    /// The taxed lines for the tax code.
    pub(super) fn taxed(&self) -> Vec<Taxable> {
        let taxable = |line: &PaperLine| match line.kind {
            Kind::Taxed { tariff } => Some(Taxable {
                label: line.item.clone(),
                quantity: line.quantity.unwrap_or_default(),
                share: line.share.clone(),
                price: tariff,
            }),
            Kind::Untaxed { .. } | Kind::AsPrinted => None,
        };
        self.lines.iter().filter_map(taxable).collect()
    }

    /// A tariff that holds only what the bill says about taxes and rounding.
    pub(super) fn tariff_file(&self, method: LineMethod) -> TariffFile {
        let tax = |(code, layer, rate): &(&'static str, u8, Decimal)| Tax {
            code: (*code).to_owned(),
            label: code.to_uppercase(),
            method: TaxMethod::Inclusive,
            layer: *layer,
            rate: Dated::constant(*rate),
            rate_on: RateOn::LastDay,
            // ICMS is rounded from the amounts before they were cut, PIS and COFINS are cut from
            // what is printed: so the tax boxes of real bills close.
            rounding: if *code == "icms" { Rounding::HalfUp } else { Rounding::Truncate },
            base: if *code == "icms" { TaxBase::Exact } else { TaxBase::Printed },
            exempt: Vec::new(),
            clause: None,
        };
        TariffFile {
            form: FORM.to_owned(),
            code: "paper".to_owned(),
            version: "1".to_owned(),
            name: "paper bill".to_owned(),
            currency: "BRL".to_owned(),
            valid_from: Day(Date::MIN),
            valid_until: None,
            source: None,
            example: false,
            split: Split::Days,
            rounding: RoundingRules {
                line: method,
                money: Rounding::Truncate,
                price_decimals: 8,
                price: Rounding::Truncate,
            },
            tou: None,
            demand_tou: None,
            holidays: Vec::new(),
            tax: self.taxes.iter().map(tax).collect(),
            energy: Vec::new(),
            series: Vec::new(),
            demand: Vec::new(),
            fixed: Vec::new(),
            flag: Vec::new(),
            discount: Vec::new(),
            minimum: None,
            credits: None,
            lighting: None,
            late: None,
        }
    }
}

impl PaperLine {
    /// A quantity is printed.
    pub(super) fn has_quantity(&self) -> bool {
        self.quantity.is_some()
    }

    /// The quantity with its share.
    pub(super) fn energy(&self) -> Result<Decimal, BillingError> {
        let quantity = self.quantity.unwrap_or_default();
        Ok(match &self.share {
            None => quantity,
            Some(share) => quantity.times(share.part.into())?.over(share.of.into())?,
        })
    }
}

/// `"A"`, `"B"`, or the first of both that stands alone in a sentence.
fn algorithm(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?;
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    words.find(|w| *w == "A" || *w == "B").map(str::to_owned)
}

/// The words of a name that decide what it is, in one language.
fn words(name: &str) -> Vec<String> {
    let plain: String = name.to_lowercase().chars().map(without_accent).collect();
    let mut found = Vec::new();
    for word in plain.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        let same: &[&str] = match word {
            "isenta" | "isento" | "exempt" => &["exempt"],
            "compensada" | "compensado" | "credit" | "credito" | "comp" => &["credit"],
            "fp" | "hfp" | "foraponta" | "offpeak" => &["fora", "ponta"],
            "hp" | "peak" => &["ponta"],
            "off" => &["fora"],
            "int" | "hi" | "interm" | "intermediaria" | "intermediate" => &["intermediario"],
            "de" | "da" | "do" => &[],
            "patamar" => &["p"],
            other => &[other],
        };
        found.extend(same.iter().map(|w| (*w).to_owned()));
    }
    found
}

fn without_accent(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'ê' | 'è' => 'e',
        'í' | 'î' => 'i',
        'ó' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ü' => 'u',
        'ç' => 'c',
        other => other,
    }
}

fn tariffs(object: &Map<String, Value>) -> Result<Vec<(Vec<String>, Decimal)>, Wrong> {
    let mut tariffs = Vec::new();
    for (name, value) in object {
        let value = needed(&format!("tariffs_brl_per_kwh.{name}"), Some(value))?;
        tariffs.push((words(name), value));
    }
    // The most specific name first: "GD II credit" before "TE".
    tariffs.sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
    Ok(tariffs)
}

/// The code and the layer of a tax: ICMS covers the others.
fn tax(name: &str) -> Option<(&'static str, u8)> {
    let known = [("icms", 2), ("pis_cofins", 1), ("pis", 1), ("cofins", 1)];
    let lower = name.to_lowercase().replace(['/', '+', '-', ' '], "_");
    known.into_iter().find(|(code, _)| *code == lower)
}

fn taxes(object: &Map<String, Value>) -> Result<Vec<(&'static str, u8, Decimal)>, Wrong> {
    let mut taxes = Vec::new();
    for (name, value) in object {
        let at = format!("taxes.{name}");
        let (code, layer) = tax(name).ok_or_else(|| {
            Wrong::new(&at, "is no tax inside the price: icms, pis, cofins and pis_cofins are")
        })?;
        let rate = needed(&at, Some(value))?;
        if rate < Decimal::ZERO || rate >= Decimal::ONE {
            return Err(Wrong::new(at, format!("is {rate}: write 20.5 % as 0.205")));
        }
        taxes.push((code, layer, rate));
    }
    let has = |wanted: &str| taxes.iter().any(|(code, _, _)| *code == wanted);
    if has("pis_cofins") && (has("pis") || has("cofins")) {
        let problem = "stands beside `pis` or `cofins`: give either the sum or its parts";
        return Err(Wrong::new("taxes.pis_cofins", problem));
    }
    Ok(taxes)
}

struct Flag {
    words: Vec<String>,
    price: Decimal,
    share: Option<Share>,
}

/// `flag`, or `flags` where a period has more than one.
fn flags(bill: &Map<String, Value>, reading: &Map<String, Value>) -> Result<Vec<Flag>, Wrong> {
    let mut listed: Vec<(String, &Value)> = Vec::new();
    for name in ["flag", "flags"] {
        match bill.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::Array(list)) => {
                let named = |(n, value)| (format!("{name}[{n}]"), value);
                listed.extend(list.iter().enumerate().map(named));
            }
            Some(value) => listed.push((name.to_owned(), value)),
        }
    }
    let mut flags = Vec::new();
    for (at, flag) in listed {
        let price = needed(&format!("{at}.brl_per_kwh"), flag.get("brl_per_kwh"))?;
        let name = flag.get("name").and_then(Value::as_str).unwrap_or_default();
        let share = match (flag.get("days_share"), flag.get("days")) {
            (Some(share), _) if !share.is_null() => {
                let share = share.as_str().and_then(day_share).ok_or_else(|| {
                    let problem = format!("is {share}: write the flag's days as \"18/31\"");
                    Wrong::new(format!("{at}.days_share"), problem)
                })?;
                Some(share)
            }
            (_, Some(days)) if !days.is_null() => {
                let part = needed(&format!("{at}.days"), Some(days))?;
                let of = needed("reading.days", reading.get("days"))?;
                let whole = |d: Decimal| i64::try_from(d).unwrap_or(0);
                Some(Share { part: whole(part), of: whole(of), unit: "days".to_owned() })
            }
            _ => None,
        };
        flags.push(Flag { words: words(name), price, share });
    }
    flags.sort_by_key(|flag| std::cmp::Reverse(flag.words.len()));
    Ok(flags)
}

/// `"18/31 (13..30 Nov yellow, Dec green)"`.
fn day_share(text: &str) -> Option<Share> {
    let (part, rest) = text.split_once('/')?;
    let of: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    let (part, of): (i64, i64) = (part.trim().parse().ok()?, of.parse().ok()?);
    (of > 0 && part >= 0).then(|| Share { part, of, unit: "days".to_owned() })
}

/// The boxes whose tax is known, and the names of the others.
fn tax_box(
    object: &Map<String, Value>,
    taxes: &[(&'static str, u8, Decimal)],
) -> Result<(Vec<PaperTax>, Vec<String>), Wrong> {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for (name, row) in object {
        let at = format!("tax_box.{name}");
        let cells = row
            .as_array()
            .ok_or_else(|| Wrong::new(&at, "is no list of base, rate in per cent and amount"))?;
        let cell = |i: usize| match cells.get(i) {
            None => Ok(None),
            Some(cell) => number(&format!("{at}[{i}]"), cell),
        };
        let (base, rate, amount) = (cell(0)?, cell(1)?, cell(2)?);
        match tax(name).filter(|(code, _)| taxes.iter().any(|t| t.0 == *code)) {
            Some((code, _)) => {
                known.push(PaperTax { name: name.clone(), code, base, rate, amount });
            }
            None => unknown.push(name.clone()),
        }
    }
    Ok((known, unknown))
}

/// Register difference and days, as far as printed.
fn readings(reading: &Map<String, Value>) -> Result<Vec<(String, Decimal, Decimal)>, Wrong> {
    let value = |name: &str| match reading.get(name) {
        None => Ok(None),
        Some(value) => number(&format!("reading.{name}"), value),
    };
    let date = |name: &str| -> Result<Option<Date>, Wrong> {
        let Some(value) = reading.get(name).filter(|v| !v.is_null()) else { return Ok(None) };
        let date = value.as_str().and_then(|text| text.parse().ok());
        let wrong = || Wrong::new(format!("reading.{name}"), format!("is {value}, not 2026-04-22"));
        date.map(Some).ok_or_else(wrong)
    };
    let mut found = Vec::new();
    if let (Some(from), Some(to), Some(kwh)) =
        (value("reg_prev")?, value("reg_curr")?, value("kwh")?)
    {
        let constant = value("constant")?.or(value("multiplier")?).unwrap_or(Decimal::ONE);
        let used = to.checked_sub(from).and_then(|d| d.checked_mul(constant));
        // A register that went over its last digit says nothing without its number of digits.
        if let Some(used) = used.filter(|u| *u >= Decimal::ZERO) {
            found.push(("reading: kWh".to_owned(), kwh, used));
        }
    }
    if let (Some(from), Some(to), Some(printed)) =
        (date("previous")?, date("current")?, value("days")?)
    {
        found.push(("reading: days".to_owned(), printed, days(from, to).into()));
    }
    Ok(found)
}

/// A flag's days are days of this period.
fn flag_days(
    flags: &[Flag],
    readings: &[(String, Decimal, Decimal)],
) -> Vec<(String, Decimal, Decimal)> {
    let Some((_, _, days)) = readings.iter().find(|r| r.0 == "reading: days") else {
        return Vec::new();
    };
    let shares = flags.iter().filter_map(|flag| Some((flag, flag.share.as_ref()?)));
    shares
        .map(|(flag, share)| {
            (format!("flag {}: of days", flag.words.join(" ")), share.of.into(), *days)
        })
        .collect()
}

/// What a component's lines bill together is what was read, unless the minimum is billed instead.
fn quantities(
    lines: &[PaperLine],
    reading: &Map<String, Value>,
) -> Vec<(String, Decimal, Decimal)> {
    let Some(kwh) = reading.get("kwh").and_then(decimal) else { return Vec::new() };
    let mut found = Vec::new();
    for component in ["tusd", "te"] {
        let own: Vec<&PaperLine> = lines
            .iter()
            .filter(|l| matches!(l.kind, Kind::Taxed { .. }))
            .filter(|l| l.component.iter().any(|word| word == component))
            .collect();
        let sum =
            own.iter().filter_map(|l| l.quantity).try_fold(Decimal::ZERO, Decimal::checked_add);
        let Some(sum) = sum.filter(|_| !own.is_empty()) else { continue };
        let minimum = [30, 50, 100].iter().any(|m| sum == Decimal::from(*m)) && kwh < sum;
        if !minimum {
            found.push((format!("lines of {}: kWh", component.to_uppercase()), sum, kwh));
        }
    }
    found
}

impl PaperLine {
    /// Finds out how a line is made, by its name.
    fn of(
        cells: Cells,
        tariffs: &[(Vec<String>, Decimal)],
        flags: &[Flag],
        reading: &Map<String, Value>,
    ) -> Self {
        let mut line = Self {
            component: Vec::new(),
            quantity: cells.quantity,
            share: None,
            price: cells.price,
            value: cells.value,
            pis_cofins: cells.pis_cofins,
            icms: cells.icms,
            kind: Kind::AsPrinted,
            item: cells.item,
        };
        let words = words(&line.item);
        let is = |prefix: &str| words.iter().any(|w| w.starts_with(prefix));
        if is("band") {
            if let Some(flag) = flag_of(&words, flags) {
                line.quantity = line.quantity.or_else(|| reading.get("kwh").and_then(decimal));
                line.share.clone_from(&flag.share);
                line.kind = Kind::Taxed { tariff: flag.price };
            }
            return line;
        }
        let by_name = tariffs.iter().find(|(name, _)| name.iter().all(|n| words.contains(n)));
        let full = || tariffs.iter().find(|(name, _)| name.iter().any(|n| n == "full"));
        let only = || full().or(tariffs.first().filter(|_| tariffs.len() == 1));
        let whole = is("disponibilidade") || is("consumo") || is("energia");
        let Some((name, tariff)) = by_name.or_else(|| only().filter(|_| whole)) else {
            // A product of printed figures can at least be multiplied again.
            let untaxed = [line.pis_cofins, line.icms].into_iter().flatten().all(|t| t.is_zero());
            if let (Some(price), Some(value), true) =
                (line.price.filter(|_| line.quantity.is_some()), line.value, untaxed)
            {
                line.price = Some(price.abs());
                line.kind = Kind::Untaxed { price: price.abs(), sign: value.signum_or_one() };
            }
            return line;
        };
        let adjusts = is("ajuste");
        let credits = words.iter().any(|w| w == "credit");
        let untaxed = credits || adjusts || words.iter().any(|w| w == "exempt" || w == "scee");
        line.kind = if untaxed {
            let sign = if credits || adjusts { Decimal::NEGATIVE_ONE } else { Decimal::ONE };
            Kind::Untaxed { price: *tariff, sign }
        } else if let Some(quantity) = line.quantity {
            line.component.clone_from(name);
            // A discount with its taxes: what is taken off is computed like what was charged.
            if line.value.is_some_and(|value| value < Decimal::ZERO) && quantity > Decimal::ZERO {
                line.quantity = Some(Decimal::ZERO.checked_sub(quantity).unwrap_or(quantity));
                line.price = line.price.map(|price| price.abs());
            }
            Kind::Taxed { tariff: *tariff }
        } else {
            Kind::AsPrinted
        };
        line
    }
}

/// The flag that the line names; where no name fits, the only one there is.
fn flag_of<'a>(line: &[String], flags: &'a [Flag]) -> Option<&'a Flag> {
    let named =
        |flag: &&Flag| !flag.words.is_empty() && flag.words.iter().all(|word| line.contains(word));
    let near = |flag: &&Flag| flag.words.first().is_some_and(|word| line.contains(word));
    let only = |mut found: Box<dyn Iterator<Item = &'a Flag> + '_>| {
        let first = found.next();
        first.filter(|_| found.next().is_none())
    };
    flags
        .iter()
        .find(named)
        .or_else(|| only(Box::new(flags.iter().filter(near))))
        .or_else(|| only(Box::new(flags.iter())))
}

trait SignumOrOne {
    fn signum_or_one(self) -> Self;
}

impl SignumOrOne for Decimal {
    fn signum_or_one(self) -> Self {
        if self < Self::ZERO { Self::NEGATIVE_ONE } else { Self::ONE }
    }
}
