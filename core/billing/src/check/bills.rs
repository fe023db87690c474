//! `bill check`: paper bills, computed again from the tariffs and taxes printed on them.
//!
//! The lines go through the same code as every bill of this system: algorithm A is
//! [`LineMethod::TaxComponents`], B is [`LineMethod::PriceWithTaxes`].

use corrente_tariff::{Tariff, file::LineMethod};
use corrente_units::{Decimal, Money, Rounding, round_to};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{BillingError, Line, TaxRow, exact::Exact};

mod cells;
mod formula;
mod lines;
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
        problem: String,
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
    /// Why the bill cannot be checked: which field is wrong, and what would be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What would make it equal, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The algorithm that was used: `A`, `B`, or the formula.
    pub algorithm: String,
    /// What was compared.
    pub compared: Vec<Compared>,
    /// Lines that are taken as printed, since nothing on the bill says how they are made.
    pub taken: Vec<String>,
    /// How many of the bill's lines could be computed, and how many there are.
    pub lines: (usize, usize),
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

impl BillReport {
    /// What was compared, in words: `12 figures, 3 of 4 lines computed, total`.
    pub fn scope(&self) -> String {
        let (computed, all) = self.lines;
        let total = self.compared.iter().any(|c| c.what == "total");
        let figures = match self.compared.len() {
            1 => "1 figure".to_owned(),
            more => format!("{more} figures"),
        };
        match (all, total) {
            (0, _) => figures,
            (_, true) => format!("{figures}, {computed} of {all} lines computed, total"),
            (_, false) => format!("{figures}, {computed} of {all} lines computed, no total"),
        }
    }

    /// Nothing but sums of printed figures was compared.
    pub fn only_sums(&self) -> bool {
        self.lines.0 == 0 && self.lines.1 > 0
    }

    fn unusable(id: String, error: &BillCheckError) -> Self {
        let mut problem = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            problem = format!("{problem}: {cause}");
            source = cause.source();
        }
        let (compared, taken) = (Vec::new(), Vec::new());
        Self {
            id,
            equal: false,
            problem: Some(problem),
            hint: None,
            algorithm: String::new(),
            compared,
            taken,
            lines: (0, 0),
        }
    }
}

/// Checks all bills of a file in the form of `br_bills.json`, or one bill alone. A bill that cannot be
/// read is a report with its problem and keeps no other from being checked.
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
    if bills.is_empty() {
        return Err(BillCheckError::NoBills);
    }
    Ok(bills.into_iter().enumerate().map(|(index, bill)| report(index, bill)).collect())
}

fn report(index: usize, bill: &Value) -> BillReport {
    let id = bill
        .get("id")
        .and_then(Value::as_str)
        .map_or_else(|| format!("bills[{index}]"), str::to_owned);
    let missing = |problem: &str| BillCheckError::Field {
        bill: id.clone(),
        field: "lines".to_owned(),
        problem: problem.to_owned(),
    };
    let checked = match bill.as_object() {
        Some(object) if object.contains_key("lines") => check_bill(&id, object),
        Some(object) if object.contains_key("formula") => formula::check(&id, object),
        Some(_) => Err(missing("is missing, and there is no `formula` either")),
        None => Err(missing("is missing: a bill is an object")),
    };
    checked.unwrap_or_else(|error| BillReport::unusable(id.clone(), &error))
}

/// One of the ways in which distributors make the same figures. A bill follows one of them in all of
/// its lines.
#[derive(Clone, Copy)]
struct Way {
    method: LineMethod,
    /// The old formula `t/(1-icms-pis-cofins)`, from before ICMS left the base of PIS and COFINS.
    one_layer: bool,
    /// Under B, each line's ICMS is rounded instead of cut.
    rounded_icms: bool,
    /// Under B, each line's PIS and COFINS are made from the amount less the ICMS as printed.
    from_printed: bool,
}

impl Way {
    /// The usual ones first: where two come equally near, the first counts.
    fn all() -> Vec<Self> {
        let mut ways = Vec::new();
        for one_layer in [false, true] {
            let way = |method, (rounded_icms, from_printed)| Self {
                method,
                one_layer,
                rounded_icms,
                from_printed,
            };
            for variant in [(false, false), (true, false), (false, true), (true, true)] {
                ways.push(way(LineMethod::PriceWithTaxes, variant));
            }
            ways.push(way(LineMethod::TaxComponents, (false, false)));
        }
        ways
    }

    fn letter(self) -> &'static str {
        if self.method == LineMethod::TaxComponents { "A" } else { "B" }
    }
}

const OLD_FORMULA: &str =
    "the old formula t/(1-icms-pis-cofins), from before ICMS left the base of PIS and COFINS";

fn check_bill(id: &str, bill: &Map<String, Value>) -> Result<BillReport, BillCheckError> {
    let paper = Paper::read(id, bill)?;
    let stated = paper.algorithm.as_deref();
    let mut reports = Vec::new();
    for way in Way::all() {
        let tariff = Tariff::from_file(paper.tariff_file(way)).map_err(|e| {
            BillCheckError::Unusable { bill: id.to_owned(), problem: e.to_string() }
        })?;
        let mut report = compute(&paper, &tariff, way)
            .map_err(|source| BillCheckError::Billing { bill: id.to_owned(), source })?;
        way.letter().clone_into(&mut report.algorithm);
        reports.push((way, report));
    }
    let wrong = |r: &BillReport| r.compared.iter().filter(|c| !c.equal).count();
    let fits = reports.iter().find(|(_, r)| r.equal).map(|(way, _)| *way);
    // Nothing said: the one that comes nearer. The old formula counts only where it explains all.
    let says = |way: &Way| stated.is_none_or(|stated| stated == way.letter());
    let best = reports
        .into_iter()
        .filter(|(way, report)| says(way) && (!way.one_layer || report.equal))
        .min_by_key(|(_, report)| wrong(report));
    let (way, mut best) = best.ok_or(BillCheckError::NoBills)?;
    if best.compared.is_empty() {
        return Err(BillCheckError::Unusable {
            bill: id.to_owned(),
            problem:
                "nothing on it can be computed: `tariffs_brl_per_kwh` names no line's tariff, \
                      and there is neither `total` nor `reading`"
                    .to_owned(),
        });
    }
    if best.equal && way.one_layer {
        best.algorithm.push_str(", old formula");
        best.hint = Some(format!("it follows {OLD_FORMULA}"));
    }
    if let Some(other) = fits.filter(|_| !best.equal) {
        let old = if other.one_layer { format!(" with {OLD_FORMULA},") } else { String::new() };
        best.hint = Some(format!("algorithm {}{old} makes every figure equal", other.letter()));
    }
    Ok(best)
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

fn compute(paper: &Paper, tariff: &Tariff, way: Way) -> Result<BillReport, BillingError> {
    let mut to = Comparison { compared: Vec::new() };
    for (what, printed, computed) in &paper.readings {
        to.add(what.clone(), Some(*printed), *computed)?;
    }
    // Untaxed lines are cut to cents as they are; taxed ones go through the tax code together.
    let (lines, boxes) =
        crate::rate::taxed_lines(tariff, &paper.taxed(), !paper.tax_box.is_empty())?;
    // Each line's taxes before they were made to add up to the tax box: both are printed.
    let (alone, _) = crate::rate::taxed_lines(tariff, &paper.taxed(), false)?;
    let mut taxed = lines.iter().zip(&alone);
    let mut total = Decimal::ZERO;
    let mut taken = Vec::new();
    for line in &paper.lines {
        let value = match line.kind {
            Kind::Taxed { .. } => match taxed.next() {
                Some(made) => compare_taxed(&mut to, paper, line, made, way)?,
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
                compare_printed(&mut to, line)?;
                line.value.unwrap_or_default()
            }
        };
        total = total.plus(value)?;
    }
    compare_boxes(&mut to, paper, &boxes)?;
    taken.extend(paper.unknown_boxes.iter().map(|name| format!("tax box {name}")));
    to.add("total".to_owned(), paper.total, total)?;
    let equal = to.compared.iter().all(|c| c.equal);
    let (id, algorithm) = (paper.id.clone(), String::new());
    let compared = to.compared;
    let made = paper.lines.iter().filter(|l| !matches!(l.kind, Kind::AsPrinted)).count();
    let lines = (made, paper.lines.len());
    Ok(BillReport { id, equal, problem: None, hint: None, algorithm, compared, taken, lines })
}

/// Of a line that no tariff explains at least quantity × price is its value, but for a cent: the price
/// may have been cut after the value was made.
fn compare_printed(to: &mut Comparison, line: &PaperLine) -> Result<(), BillingError> {
    let Some(price) = line.price.filter(|_| line.has_quantity()) else { return Ok(()) };
    let Some(value) = line.value else { return Ok(()) };
    let product = line.energy()?.times(price)?.abs();
    let product = if value < Decimal::ZERO { Decimal::ZERO.minus(product)? } else { product };
    let cut = round_to(product, 2, Rounding::Truncate);
    let cent = Decimal::new(if value < Decimal::ZERO { -1 } else { 1 }, 2);
    let ways = [cut, cut.plus(cent)?];
    to.add_any(format!("{}: quantity × price", line.item), line.value, &ways)
}

fn compare_taxed(
    to: &mut Comparison,
    paper: &Paper,
    line: &PaperLine,
    (made, alone): (&Line, &Line),
    way: Way,
) -> Result<Decimal, BillingError> {
    let item = &line.item;
    // With algorithm A some print the amount per kWh, others the price with taxes itself.
    let mut prices: Vec<Decimal> = made.price_with_taxes.into_iter().collect();
    if let (LineMethod::TaxComponents, Some(price)) = (way.method, made.price) {
        prices.push(round_to(price.over(paper.divisor(line, way)?)?, 8, Rounding::Truncate));
    }
    to.add_any(format!("{item}: unit price"), line.price, &prices)?;
    to.add(format!("{item}: value"), line.value, made.amount.decimal())?;
    for (name, codes, printed) in [
        ("PIS/COFINS", &["pis", "cofins", "pis_cofins"][..], line.pis_cofins),
        ("ICMS", &["icms"][..], line.icms),
    ] {
        let sum = |line: &Line| {
            let own = line.taxes.iter().filter(|t| codes.contains(&t.code.as_str()));
            Ok::<_, BillingError>((
                Money::sum(own.clone().map(|t| t.amount))?.decimal(),
                crate::exact::sum(own.map(|t| t.rate))?,
            ))
        };
        let ((adjusted, _), (by_itself, rate)) = (sum(made)?, sum(alone)?);
        let mut by_itself = by_itself;
        let amount = made.amount.decimal();
        if name == "ICMS" && way.rounded_icms {
            by_itself = round_to(amount.times(rate)?, 2, Rounding::HalfUp);
        }
        if let (Some(icms), "PIS/COFINS", true) = (line.icms, name, way.from_printed) {
            let product = amount.minus(icms)?.times(rate)?;
            by_itself = round_to(product, 2, Rounding::Truncate);
        }
        let mut ways = vec![adjusted, by_itself];
        ways.extend(paper.residue(line, codes)?);
        to.add_any(format!("{item}: {name}"), printed, &ways)?;
    }
    Ok(made.amount.decimal())
}

fn compare_boxes(to: &mut Comparison, paper: &Paper, boxes: &[TaxRow]) -> Result<(), BillingError> {
    let icms = paper.tax_box.iter().find(|row| row.code == "icms");
    for printed in &paper.tax_box {
        let Some(made) = boxes.iter().find(|b| b.code == printed.code) else { continue };
        let name = &printed.name;
        let mut bases = vec![made.base.decimal()];
        // The base of PIS and COFINS is the printed one of ICMS without the printed ICMS.
        if let (Some(base), Some(amount), false) =
            (icms.and_then(|row| row.base), icms.and_then(|row| row.amount), printed.code == "icms")
        {
            bases.push(base.minus(amount)?);
        }
        to.add_any(format!("tax box {name}: base"), printed.base, &bases)?;
        let rate = made.rate.times(Decimal::ONE_HUNDRED)?;
        to.add(format!("tax box {name}: rate"), printed.rate, rate)?;
        let mut amounts = vec![made.amount.decimal()];
        if let Some(base) = printed.base.filter(|base| bases.contains(base)) {
            // ICMS is rounded, the others are cut.
            let icms = printed.code == "icms";
            let rounding = if icms { Rounding::HalfUp } else { Rounding::Truncate };
            amounts.push(round_to(base.times(made.rate)?, 2, rounding));
        }
        to.add_any(format!("tax box {name}: amount"), printed.amount, &amounts)?;
    }
    compare_columns(to, paper)
}

/// The taxes of the lines add up to the tax box, where every taxed line prints its own.
fn compare_columns(to: &mut Comparison, paper: &Paper) -> Result<(), BillingError> {
    let taxed: Vec<&PaperLine> =
        paper.lines.iter().filter(|line| matches!(line.kind, Kind::Taxed { .. })).collect();
    let column = |of: &dyn Fn(&PaperLine) -> Option<Decimal>| {
        let cells: Option<Vec<Decimal>> = taxed.iter().map(|line| of(line)).collect();
        cells.filter(|cells| !cells.is_empty())
    };
    let boxes = |codes: &[&str]| {
        let rows = paper.tax_box.iter().filter(|row| codes.contains(&row.code));
        let amounts: Option<Vec<Decimal>> = rows.map(|row| row.amount).collect();
        amounts.filter(|amounts| !amounts.is_empty())
    };
    let both: &[&str] =
        if boxes(&["pis_cofins"]).is_some() { &["pis_cofins"] } else { &["pis", "cofins"] };
    let complete = both.iter().all(|code| boxes(&[code]).is_some());
    for (name, cells, amounts) in [
        ("ICMS", column(&|line| line.icms), boxes(&["icms"])),
        ("PIS/COFINS", column(&|line| line.pis_cofins), boxes(both).filter(|_| complete)),
    ] {
        if let (Some(cells), Some(amounts)) = (cells, amounts) {
            let lines = crate::exact::sum(cells)?;
            to.add(
                format!("tax box {name}: sum of the lines"),
                Some(crate::exact::sum(amounts)?),
                lines,
            )?;
        }
    }
    Ok(())
}
