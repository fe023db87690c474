//! `bill check`: paper bills, computed again from the tariffs and taxes printed on them.
//!
//! The lines go through the same code as every bill of this system: algorithm A is
//! [`LineMethod::TaxComponents`], B is [`LineMethod::PriceWithTaxes`].

use corrente_tariff::{Tariff, file::LineMethod};
use corrente_units::{Decimal, Money, Rounding, round_to};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{BillingError, Line, TaxRow, exact::Exact};

mod formula;
mod paper;

use paper::{Kind, Paper, PaperLine};

/// Why a file is no list of bills.
#[derive(Debug, thiserror::Error)]
pub enum BillCheckError {
    /// Not JSON.
    #[error("the file is not JSON")]
    Json(#[from] serde_json::Error),
    /// No bills in it.
    #[error("the file has no list `bills`, and is no bill itself (`lines` or `formula`)")]
    NoBills,
    /// A field is missing or no number.
    #[error("bill `{bill}`: `{field}` {problem}")]
    Field {
        /// The bill's id.
        bill: String,
        /// The field.
        field: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// A formula cannot be evaluated, or the taxes are no taxes.
    #[error("bill `{bill}`: {problem}")]
    Unusable {
        /// The bill's id.
        bill: String,
        /// What is wrong.
        problem: String,
    },
    /// The figures left the range that can be held.
    #[error("bill `{bill}`")]
    Billing {
        /// The bill's id.
        bill: String,
        /// Why.
        #[source]
        source: BillingError,
    },
}

/// What came out for a bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BillReport {
    /// The bill's id.
    pub id: String,
    /// Everything printed that can be computed is equal.
    pub equal: bool,
    /// The algorithm that was used: `A`, `B`, or the formula.
    pub algorithm: String,
    /// What was compared.
    pub compared: Vec<Compared>,
    /// Lines that are taken as printed, since nothing on the bill says how they are made.
    pub taken: Vec<String>,
}

/// A printed figure and the computed one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Which figure: `Consumo-TUSD: value`.
    pub what: String,
    /// As printed.
    pub printed: Decimal,
    /// As computed.
    pub computed: Decimal,
    /// They are the same.
    pub equal: bool,
    /// `printed − computed`.
    pub difference: Decimal,
}

/// Checks all bills of a file in the form of `br_bills.json`, or one bill alone.
///
/// # Errors
/// When the file has another form; what differs is in the reports.
pub fn check_bills(text: &str) -> Result<Vec<BillReport>, BillCheckError> {
    let value: Value = serde_json::from_str(text)?;
    let bills: Vec<&Value> = match (value.get("bills").and_then(Value::as_array), &value) {
        (Some(bills), _) | (None, Value::Array(bills)) => bills.iter().collect(),
        (None, bill) if bill.get("lines").is_some() || bill.get("formula").is_some() => vec![bill],
        (None, _) => return Err(BillCheckError::NoBills),
    };
    bills
        .into_iter()
        .enumerate()
        .map(|(index, bill)| {
            let object = bill.as_object().ok_or(BillCheckError::NoBills)?;
            let id = object
                .get("id")
                .and_then(Value::as_str)
                .map_or_else(|| format!("bills[{index}]"), str::to_owned);
            if object.contains_key("lines") {
                check_bill(&id, object)
            } else if object.contains_key("formula") {
                formula::check(&id, object)
            } else {
                Err(BillCheckError::Field {
                    bill: id,
                    field: "lines".to_owned(),
                    problem: "is missing, and there is no `formula` either",
                })
            }
        })
        .collect()
}

fn check_bill(id: &str, bill: &Map<String, Value>) -> Result<BillReport, BillCheckError> {
    let paper = Paper::read(id, bill)?;
    let methods: Vec<(LineMethod, &str)> = match paper.algorithm.as_deref() {
        Some("A") => vec![(LineMethod::TaxComponents, "A")],
        Some("B") => vec![(LineMethod::PriceWithTaxes, "B")],
        // Nothing said: the one that comes nearer.
        _ => vec![(LineMethod::PriceWithTaxes, "B"), (LineMethod::TaxComponents, "A")],
    };
    let mut best: Option<BillReport> = None;
    for (method, name) in methods {
        let tariff = Tariff::from_file(paper.tariff_file(method)).map_err(|e| {
            BillCheckError::Unusable { bill: id.to_owned(), problem: e.to_string() }
        })?;
        let mut report = compute(&paper, &tariff, method)
            .map_err(|source| BillCheckError::Billing { bill: id.to_owned(), source })?;
        name.clone_into(&mut report.algorithm);
        let wrong = |r: &BillReport| r.compared.iter().filter(|c| !c.equal).count();
        if best.as_ref().is_none_or(|b| wrong(&report) < wrong(b)) {
            best = Some(report);
        }
    }
    best.ok_or(BillCheckError::NoBills)
}

struct Comparison {
    compared: Vec<Compared>,
}

impl Comparison {
    fn add(
        &mut self,
        what: String,
        printed: Option<Decimal>,
        computed: Decimal,
    ) -> Result<(), BillingError> {
        let Some(printed) = printed else { return Ok(()) };
        let difference = printed.minus(computed)?.normalize();
        let equal = difference.is_zero();
        let computed = computed.normalize();
        self.compared.push(Compared { what, printed, computed, equal, difference });
        Ok(())
    }

    /// The printed figure may be made in more than one named way; the nearest is shown.
    fn add_any(
        &mut self,
        what: String,
        printed: Option<Decimal>,
        ways: &[Decimal],
    ) -> Result<(), BillingError> {
        let Some(value) = printed else { return Ok(()) };
        let mut best = ways.first().copied().unwrap_or_default();
        for way in ways {
            if value.minus(*way)?.abs() < value.minus(best)?.abs() {
                best = *way;
            }
        }
        self.add(what, printed, best)
    }
}

fn compute(paper: &Paper, tariff: &Tariff, method: LineMethod) -> Result<BillReport, BillingError> {
    let mut to = Comparison { compared: Vec::new() };
    for (what, printed, computed) in &paper.readings {
        to.add(what.clone(), Some(*printed), *computed)?;
    }
    // Untaxed lines are cut to cents as they are; taxed ones go through the tax code together.
    let (lines, boxes) =
        crate::rate::taxed_lines(tariff, &paper.taxed(), !paper.tax_box.is_empty())?;
    let mut taxed = lines.iter();
    let mut total = Decimal::ZERO;
    let mut taken = Vec::new();
    for line in &paper.lines {
        let value = match line.kind {
            Kind::Taxed { .. } => match taxed.next() {
                Some(made) => compare_taxed(&mut to, paper, line, made, method)?,
                None => Decimal::ZERO,
            },
            Kind::Untaxed { price, sign } => {
                let product = line.energy()?.times(price)?.times(sign)?;
                let value = round_to(product, 2, Rounding::Truncate);
                to.add(format!("{}: unit price", line.item), line.price, price)?;
                to.add(format!("{}: value", line.item), line.value, value)?;
                to.add(format!("{}: PIS/COFINS", line.item), line.pis_cofins, Decimal::ZERO)?;
                to.add(format!("{}: ICMS", line.item), line.icms, Decimal::ZERO)?;
                value
            }
            Kind::AsPrinted => {
                taken.push(line.item.clone());
                line.value.unwrap_or_default()
            }
        };
        total = total.plus(value)?;
    }
    compare_boxes(&mut to, paper, &boxes)?;
    to.add("total".to_owned(), paper.total, total)?;
    let equal = to.compared.iter().all(|c| c.equal);
    let (id, algorithm) = (paper.id.clone(), String::new());
    Ok(BillReport { id, equal, algorithm, compared: to.compared, taken })
}

fn compare_taxed(
    to: &mut Comparison,
    paper: &Paper,
    line: &PaperLine,
    made: &Line,
    method: LineMethod,
) -> Result<Decimal, BillingError> {
    let item = &line.item;
    // With algorithm A some print the amount per kWh, others the price with taxes itself.
    let mut prices: Vec<Decimal> = made.price_with_taxes.into_iter().collect();
    if let (LineMethod::TaxComponents, Some(price)) = (method, made.price) {
        prices.push(round_to(price.over(paper.divisor()?)?, 8, Rounding::Truncate));
    }
    to.add_any(format!("{item}: unit price"), line.price, &prices)?;
    to.add(format!("{item}: value"), line.value, made.amount.decimal())?;
    let sum = |codes: &[&str]| {
        let own = made.taxes.iter().filter(|t| codes.contains(&t.code.as_str()));
        Money::sum(own.map(|t| t.amount))
    };
    to.add(
        format!("{item}: PIS/COFINS"),
        line.pis_cofins,
        sum(&["pis", "cofins", "pis_cofins"])?.decimal(),
    )?;
    to.add(format!("{item}: ICMS"), line.icms, sum(&["icms"])?.decimal())?;
    Ok(made.amount.decimal())
}

fn compare_boxes(to: &mut Comparison, paper: &Paper, boxes: &[TaxRow]) -> Result<(), BillingError> {
    for printed in &paper.tax_box {
        let Some(made) = boxes.iter().find(|b| b.code == printed.code) else { continue };
        let name = &printed.name;
        to.add(format!("tax box {name}: base"), printed.base, made.base.decimal())?;
        let rate = made.rate.times(Decimal::ONE_HUNDRED)?;
        to.add(format!("tax box {name}: rate"), printed.rate, rate)?;
        to.add(format!("tax box {name}: amount"), printed.amount, made.amount.decimal())?;
    }
    Ok(())
}
