//! A paper bill, read from JSON.

use corrente_metering::Date;
use corrente_tariff::{
    Dated, Day, FORM, TariffFile,
    file::{RateOn, RoundingRules, Split, Tax, TaxBase, TaxMethod},
};
use corrente_units::{Decimal, Rounding};
use serde_json::{Map, Value};

use super::{
    BillCheckError, Way,
    cells::{Cells, Columns, Wrong, decimal, needed, number},
    lines::{Flag, Prices, flags, offset, tariffs},
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
    /// The words of its name.
    pub(super) words: Vec<String>,
    /// The words of the tariff's name that it was found by.
    pub(super) component: Vec<String>,
    pub(super) quantity: Option<Decimal>,
    pub(super) share: Option<Share>,
    pub(super) price: Option<Decimal>,
    pub(super) value: Option<Decimal>,
    pub(super) pis_cofins: Option<Decimal>,
    pub(super) icms: Option<Decimal>,
    /// Taxes that it does not bear, by code.
    pub(super) exempt: Vec<&'static str>,
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
        let taxes = taxes(object("taxes")?)?;
        let reading = object("reading")?;
        let rate = |codes: &[&str]| {
            let own = taxes.iter().filter(|t| codes.contains(&t.0)).map(|t| t.2);
            own.fold(Decimal::ZERO, |a, b| a.checked_add(b).unwrap_or(a))
        };
        let prices = Prices {
            tariffs: tariffs(object("tariffs_brl_per_kwh")?)?,
            flags: flags(bill, reading)?,
            used: used(bill, reading),
            icms: rate(&["icms"]),
            pis_cofins: rate(&["pis", "cofins", "pis_cofins"]),
        };
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
            lines.push(PaperLine::of(cells, &prices));
        }
        let offset = offset(&lines);
        for line in &mut lines {
            line.flag(&prices, offset);
        }
        let total = match bill.get("total") {
            None => None,
            Some(total) => number("total", total)?,
        };
        let (tax_box, unknown_boxes) = tax_box(object("tax_box")?, &taxes)?;
        let mut readings = readings(reading)?;
        readings.extend(flag_days(&prices.flags, &readings));
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

    /// The product of `1 - rates` over the layers, for a line.
    pub(super) fn divisor(&self, line: &PaperLine, way: Way) -> Result<Decimal, BillingError> {
        let mut divisor = Decimal::ONE;
        for layer in [1, 2] {
            let own = |t: &&(&'static str, u8, Decimal)| {
                (if way.one_layer { 1 } else { t.1 }) == layer && !line.exempt.contains(&t.0)
            };
            let rates = self.taxes.iter().filter(own).map(|t| t.2);
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
                exempt: line.exempt.clone(),
            }),
            Kind::Untaxed { .. } | Kind::AsPrinted => None,
        };
        self.lines.iter().filter_map(taxable).collect()
    }

    /// A tariff that holds only what the bill says about taxes and rounding.
    pub(super) fn tariff_file(&self, way: Way) -> TariffFile {
        let tax = |(code, layer, rate): &(&'static str, u8, Decimal)| Tax {
            code: (*code).to_owned(),
            label: code.to_uppercase(),
            method: TaxMethod::Inclusive,
            layer: if way.one_layer { 1 } else { *layer },
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
                line: way.method,
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

/// What was used: `reading.kwh`, or `kwh` with `consumed` as bills with own generation have it.
fn used(bill: &Map<String, Value>, reading: &Map<String, Value>) -> Option<Decimal> {
    let of_bill = |kwh: &Value| decimal(kwh.get("consumed").unwrap_or(kwh));
    reading.get("kwh").and_then(decimal).or_else(|| bill.get("kwh").and_then(of_bill))
}

/// What a component's lines bill together is what was read, unless the minimum is billed instead. On
/// bills with own generation distributors differ in what they bill before the offset: only what
/// agrees is told.
fn quantities(
    lines: &[PaperLine],
    reading: &Map<String, Value>,
) -> Vec<(String, Decimal, Decimal)> {
    let Some(kwh) = reading.get("kwh").and_then(decimal) else { return Vec::new() };
    let generation = lines.iter().any(PaperLine::compensates);
    let mut found = Vec::new();
    for component in ["tusd", "te"] {
        let own = lines
            .iter()
            .filter(|l| matches!(l.kind, Kind::Taxed { .. }) && !l.compensates())
            .filter(|l| l.component.iter().any(|word| word == component));
        let quantities: Vec<Decimal> = own.filter_map(|l| l.quantity).collect();
        let sum = quantities.iter().copied().try_fold(Decimal::ZERO, Decimal::checked_add);
        let Some(sum) = sum.filter(|_| !quantities.is_empty()) else { continue };
        let minimum = [30, 50, 100].iter().any(|m| sum == Decimal::from(*m)) && kwh < sum;
        let taken_off = quantities.iter().any(|q| *q < Decimal::ZERO);
        if !minimum && (sum == kwh || !(generation || taken_off)) {
            found.push((format!("lines of {}: kWh", component.to_uppercase()), sum, kwh));
        }
    }
    found
}
