//! A paper bill, read from JSON.

use corrente_metering::Date;
use corrente_tariff::{
    Dated, Day, FORM, TariffFile,
    file::{LineMethod, RateOn, RoundingRules, Split, Tax, TaxBase, TaxMethod},
};
use corrente_units::{Decimal, Rounding};
use serde_json::{Map, Value};

use super::BillCheckError;
use crate::{BillingError, Share, determinants::days, exact::Exact, rate::Taxable};

/// Everything on the bill that can be computed or is needed to.
pub(super) struct Paper {
    pub(super) id: String,
    pub(super) algorithm: Option<String>,
    taxes: Vec<(&'static str, u8, Decimal)>,
    pub(super) lines: Vec<PaperLine>,
    pub(super) tax_box: Vec<PaperTax>,
    pub(super) total: Option<Decimal>,
    /// Printed facts about the readings that must agree: name, printed, computed.
    pub(super) readings: Vec<(String, Decimal, Decimal)>,
}

pub(super) struct PaperLine {
    pub(super) item: String,
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

/// A number, or a text that begins with one: `"0.0410 (inferred)"`.
pub(super) fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => number.to_string().parse().ok(),
        Value::String(text) => text.split_whitespace().next()?.trim_end_matches('%').parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

impl Paper {
    pub(super) fn read(id: &str, bill: &Map<String, Value>) -> Result<Self, BillCheckError> {
        let field = |field: &str, problem| BillCheckError::Field {
            bill: id.to_owned(),
            field: field.to_owned(),
            problem,
        };
        let empty = Map::new();
        let object = |name: &str| bill.get(name).and_then(Value::as_object).unwrap_or(&empty);
        let tariffs = tariffs(object("tariffs_brl_per_kwh"))
            .map_err(|name| field(&format!("tariffs_brl_per_kwh.{name}"), "is no number"))?;
        let taxes =
            taxes(object("taxes")).map_err(|name| field(&format!("taxes.{name}"), "is no rate"))?;
        let reading = object("reading");
        let flags = flags(bill);
        let printed = bill.get("lines").and_then(Value::as_array);
        let printed = printed.ok_or_else(|| field("lines", "is no list"))?;
        let columns = Columns::of(bill.get("lines_columns"));
        let mut lines = Vec::new();
        for (index, line) in printed.iter().enumerate() {
            let cells = line
                .as_array()
                .ok_or_else(|| field(&format!("lines[{index}]"), "is no list of cells"))?;
            lines.push(columns.line(cells, &tariffs, &flags, reading));
        }
        let total = bill
            .get("total")
            .map(|total| decimal(total).ok_or_else(|| field("total", "is no number")));
        Ok(Self {
            id: id.to_owned(),
            algorithm: algorithm(bill.get("algorithm")),
            taxes,
            lines,
            tax_box: tax_box(object("tax_box")),
            total: total.transpose()?,
            readings: readings(reading),
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
    name.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(|w| match w {
            "isenta" | "isento" | "exempt" => "exempt".to_owned(),
            "compensada" | "compensado" | "credit" | "credito" | "crédito" | "comp" => {
                "credit".to_owned()
            }
            other => other.to_owned(),
        })
        .collect()
}

fn tariffs(object: &Map<String, Value>) -> Result<Vec<(Vec<String>, Decimal)>, String> {
    let mut tariffs = Vec::new();
    for (name, value) in object {
        let value = decimal(value).ok_or_else(|| name.clone())?;
        tariffs.push((words(name), value));
    }
    // The most specific name first: "GD II credit" before "TE".
    tariffs.sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
    Ok(tariffs)
}

fn taxes(object: &Map<String, Value>) -> Result<Vec<(&'static str, u8, Decimal)>, String> {
    let mut taxes = Vec::new();
    for (name, value) in object {
        let rate = decimal(value).ok_or_else(|| name.clone())?;
        let known = [("icms", 2), ("pis_cofins", 1), ("pis", 1), ("cofins", 1)];
        let lower = name.to_lowercase().replace(['/', '+', '-', ' '], "_");
        let found = known.into_iter().find(|(code, _)| *code == lower);
        let (code, layer) = found.ok_or_else(|| name.clone())?;
        taxes.push((code, layer, rate));
    }
    Ok(taxes)
}

struct Flag {
    name: String,
    price: Decimal,
    share: Option<Share>,
}

/// `flag`, or `flags` where a period has more than one.
fn flags(bill: &Map<String, Value>) -> Vec<Flag> {
    let list = match (bill.get("flags").or(bill.get("flag")), bill.get("flag")) {
        (Some(Value::Array(list)), _) => list.iter().collect(),
        (Some(one), _) => vec![one],
        (None, _) => Vec::new(),
    };
    list.into_iter()
        .filter_map(|flag| {
            Some(Flag {
                name: flag.get("name").and_then(Value::as_str).unwrap_or_default().to_lowercase(),
                price: decimal(flag.get("brl_per_kwh")?)?,
                share: flag.get("days_share").and_then(Value::as_str).and_then(day_share),
            })
        })
        .collect()
}

/// `"18/31 (13..30 Nov yellow, Dec green)"`.
fn day_share(text: &str) -> Option<Share> {
    let (part, of) = text.split_whitespace().next()?.split_once('/')?;
    let (part, of) = (part.parse().ok()?, of.parse().ok()?);
    (of > 0).then(|| Share { part, of, unit: "days".to_owned() })
}

fn tax_box(object: &Map<String, Value>) -> Vec<PaperTax> {
    object
        .iter()
        .filter_map(|(name, row)| {
            let code = ["icms", "pis_cofins", "pis", "cofins"]
                .into_iter()
                .find(|c| name.to_lowercase().replace('/', "_") == *c)?;
            let cell = |i: usize| row.as_array().and_then(|r| r.get(i)).and_then(decimal);
            let (base, rate, amount) = (cell(0), cell(1), cell(2));
            Some(PaperTax { name: name.clone(), code, base, rate, amount })
        })
        .collect()
}

/// Register difference and days, as far as printed.
fn readings(reading: &Map<String, Value>) -> Vec<(String, Decimal, Decimal)> {
    let number = |name: &str| reading.get(name).and_then(decimal);
    let date = |name: &str| -> Option<Date> { reading.get(name)?.as_str()?.parse().ok() };
    let mut found = Vec::new();
    if let (Some(from), Some(to), Some(kwh)) =
        (number("reg_prev"), number("reg_curr"), number("kwh"))
    {
        let constant = number("constant").or(number("multiplier")).unwrap_or(Decimal::ONE);
        let used = to.checked_sub(from).and_then(|d| d.checked_mul(constant));
        // A register that went over its last digit says nothing without its number of digits.
        if let Some(used) = used.filter(|u| *u >= Decimal::ZERO) {
            found.push(("reading: kWh".to_owned(), kwh, used));
        }
    }
    if let (Some(from), Some(to), Some(printed)) =
        (date("previous"), date("current"), number("days"))
    {
        found.push(("reading: days".to_owned(), printed, days(from, to).into()));
    }
    found
}

/// Where the columns of a line table are.
struct Columns {
    quantity: usize,
    price: usize,
    value: usize,
    pis_cofins: usize,
    icms: usize,
}

impl Columns {
    fn of(names: Option<&Value>) -> Self {
        let names: Vec<String> = names
            .and_then(Value::as_array)
            .map(|names| {
                names.iter().map(|n| n.as_str().unwrap_or_default().to_lowercase()).collect()
            })
            .unwrap_or_default();
        let find = |word: &str, default: usize| {
            names.iter().position(|n| n.contains(word)).unwrap_or(default)
        };
        Self {
            quantity: find("qty", 1),
            price: find("price", 2),
            value: names.iter().position(|n| n == "value").unwrap_or(3),
            pis_cofins: find("pis", 4),
            icms: find("icms", 5),
        }
    }

    fn line(
        &self,
        cells: &[Value],
        tariffs: &[(Vec<String>, Decimal)],
        flags: &[Flag],
        reading: &Map<String, Value>,
    ) -> PaperLine {
        let cell = |index: usize| cells.get(index).and_then(decimal);
        let item = cells.first().and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut line = PaperLine {
            quantity: cell(self.quantity),
            share: None,
            price: cell(self.price),
            value: cell(self.value),
            pis_cofins: cell(self.pis_cofins),
            icms: cell(self.icms),
            kind: Kind::AsPrinted,
            item,
        };
        let words = words(&line.item);
        let is = |prefix: &str| words.iter().any(|w| w.starts_with(prefix));
        if is("band") {
            let named =
                |f: &&Flag| !f.name.is_empty() && line.item.to_lowercase().contains(&f.name);
            if let Some(flag) =
                flags.iter().find(named).or(flags.first().filter(|_| flags.len() == 1))
            {
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
        let Some((_, tariff)) = by_name.or_else(|| only().filter(|_| whole)) else {
            // A product of printed figures can at least be multiplied again.
            let untaxed = [line.pis_cofins, line.icms].into_iter().flatten().all(|t| t.is_zero());
            if let (Some(price), Some(value), true) =
                (line.price.filter(|_| line.quantity.is_some()), line.value, untaxed)
            {
                line.kind = Kind::Untaxed { price, sign: value.signum_or_one() };
            }
            return line;
        };
        let adjusts = is("ajuste");
        let credits = words.iter().any(|w| w == "credit");
        let untaxed = credits || adjusts || words.iter().any(|w| w == "exempt" || w == "scee");
        line.kind = if untaxed {
            let sign = if credits || adjusts { Decimal::NEGATIVE_ONE } else { Decimal::ONE };
            Kind::Untaxed { price: *tariff, sign }
        } else if line.quantity.is_some() {
            Kind::Taxed { tariff: *tariff }
        } else {
            Kind::AsPrinted
        };
        line
    }
}

trait SignumOrOne {
    fn signum_or_one(self) -> Self;
}

impl SignumOrOne for Decimal {
    fn signum_or_one(self) -> Self {
        if self < Self::ZERO { Self::NEGATIVE_ONE } else { Self::ONE }
    }
}
