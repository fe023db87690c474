//! `tariff check-urdb`: OpenEI rates with monthly results of another program (PySAM), computed again
//! by this system's own rating on the same load.
//!
//! Compared are amounts before they are rounded to cents, since that program never rounds. Known
//! differences of method are named in the report.

use std::collections::BTreeMap;

use corrente_metering::{Calendar, Interval, Quality, Span, calendar::next_day};
use corrente_tariff::{
    Amount, Dated, Tariff, TariffError, TariffFile,
    file::{FixedPer, PriceByPeriod},
    urdb::{self, Reading, UrdbError},
};
use corrente_units::{Decimal, Energy};
use serde::Serialize;
use serde_json::Value;

use super::expression::Expression;
use crate::{
    BillingError, BillingInput, BillingPlan, Inputs, LineGroup, Measure, PlanKind,
    exact::{Exact, sum},
    measure, plan,
};

/// Loads have four decimals of a kWh: quantities are counted in tenths of a watt-hour, prices per
/// ten of them, so that nothing is rounded.
const FINER: Decimal = Decimal::TEN;
/// Differences up to this are rounding of the vectors themselves.
const TOLERANCE: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// The parts of a month's bill that may be expected.
const PARTS: [&str; 6] = ["total", "fixed", "energy", "dc_tou", "dc_flat", "minimum"];

/// Why a rate cannot be checked.
#[derive(Debug, thiserror::Error)]
pub enum UrdbCheckError {
    /// Not JSON.
    #[error("the file is not JSON")]
    Json(#[from] serde_json::Error),
    /// The rate cannot be imported.
    #[error("the rate cannot be imported")]
    Import(#[from] UrdbError),
    /// The imported rate is no sound tariff.
    #[error("the imported rate is no sound tariff")]
    Tariff(#[from] TariffError),
    /// The load or the expected figures cannot be read.
    #[error("`{field}` {problem}")]
    Field {
        /// Which field.
        field: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A month cannot be rated.
    #[error("the rate cannot be rated")]
    Billing(#[from] BillingError),
}

/// What came out for a rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RateReport {
    /// The rate's name.
    pub name: String,
    /// Every month is within 0.01.
    pub equal: bool,
    /// The largest difference of any month and part.
    pub largest_difference: Decimal,
    /// The months, January first.
    pub months: Vec<MonthReport>,
    /// Differences of method, and fields that the import leaves out.
    pub notes: Vec<String>,
}

/// A month, part by part: total, fixed, energy, dc_tou, dc_flat, minimum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MonthReport {
    /// 1 to 12.
    pub month: usize,
    /// Part, expected, computed, `expected − computed`.
    pub parts: Vec<(String, Decimal, Decimal, Decimal)>,
    /// All parts are within 0.01.
    pub equal: bool,
    /// What the bill says after rounding each line to cents.
    pub bill: Decimal,
}

impl MonthReport {
    /// The parts that are more than 0.01 off.
    pub fn differing(&self) -> impl Iterator<Item = &(String, Decimal, Decimal, Decimal)> {
        self.parts.iter().filter(|part| part.3.abs() > TOLERANCE)
    }
}

/// Checks one rate in the form of `vectors/urdb`: `rate`, `load`, and `expected…` with monthly lists.
///
/// # Errors
/// When the file has another form or the rate cannot be imported.
pub fn check_urdb(text: &str) -> Result<RateReport, UrdbCheckError> {
    let value: Value = serde_json::from_str(text)?;
    let rate = value.get("rate").ok_or_else(|| field("rate", "is missing"))?;
    let load = load(value.get("load").ok_or_else(|| field("load", "is missing"))?)?;
    let expected = value
        .as_object()
        .and_then(|o| o.iter().find(|(k, _)| k.starts_with("expected")))
        .map(|(_, v)| v)
        .ok_or_else(|| field("expected", "is missing"))?;
    let known = PARTS.iter().any(|part| expected.get(part).is_some_and(Value::is_array));
    if !known {
        let problem = format!("has no monthly list: one of {} is needed", PARTS.join(", "));
        return Err(field("expected", problem));
    }
    let imported = urdb::import_value(rate, Reading::AsSam)?;
    let mut notes = imported.notes;
    let left_out = imported.left_out.iter().filter(|f| !f.ends_with("$/year"));
    notes.extend(left_out.map(|f| format!("`{f}` is not imported")));
    let mut file = imported.file;
    let name = file.name.clone();
    let least = Least {
        month: file.minimum.take().and_then(|m| m.amount?.on(file.valid_from.0)),
        year: imported.minimum_per_year,
    };
    as_that_program(rate, expected, &mut file, &mut notes)?;
    finer(&mut file)?;
    let tariff = Tariff::from_file(file)?;
    let plans = months(&tariff, &load)?;
    let mut made = Vec::new();
    for plan in &plans {
        made.push(Made::of(plan, nets(rate))?);
    }
    least.apply(&mut made, &mut notes)?;
    let mut months = Vec::new();
    for (index, (made, plan)) in made.iter().zip(&plans).enumerate() {
        months.push(compare(made, plan, expected, index)?);
    }
    let differences = months.iter().flat_map(|m| m.parts.iter().map(|p| p.3.abs()));
    Ok(RateReport {
        name,
        equal: months.iter().all(|m| m.equal),
        largest_difference: differences.max().unwrap_or_default(),
        months,
        notes,
    })
}

fn field(field: &'static str, problem: impl Into<String>) -> UrdbCheckError {
    UrdbCheckError::Field { field, problem: problem.into() }
}

/// 8760 hourly values in tenths of a watt-hour: a formula in `h`, `d` and `scale`, or a list in kWh.
fn load(value: &Value) -> Result<Vec<i64>, UrdbCheckError> {
    let list = value.as_array().or_else(|| {
        ["values", "kwh", "kw", "hourly"]
            .iter()
            .find_map(|k| value.get(k))
            .and_then(Value::as_array)
    });
    let kwh: Vec<Decimal> = match list {
        Some(list) => list
            .iter()
            .enumerate()
            .map(|(hour, value)| {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let parsed = text.parse().or_else(|_| Decimal::from_scientific(&text));
                parsed.map_err(|_| field("load", format!("hour {hour} is `{text}`, no number")))
            })
            .collect::<Result<_, _>>()?,
        None => generate(value)?,
    };
    if kwh.len() != 8760 {
        return Err(field("load", format!("has {} hours, not 8760", kwh.len())));
    }
    let mut tenths = Vec::new();
    for value in kwh {
        let exact = value.times(Decimal::from(10_000)).map_err(BillingError::from)?;
        let whole = corrente_units::round_to(exact, 0, corrente_units::Rounding::HalfUp);
        tenths.push(i64::try_from(whole).map_err(|_| field("load", "has a value too large"))?);
    }
    Ok(tenths)
}

fn generate(value: &Value) -> Result<Vec<Decimal>, UrdbCheckError> {
    let text = value.get("generator").and_then(Value::as_str);
    let text = text.ok_or_else(|| field("load", "has neither `generator` nor `values`"))?;
    let formula = text.rsplit_once("v=").map_or(text, |(_, formula)| formula);
    let formula = Expression::parse(formula).map_err(|e| field("load.generator", e.to_string()))?;
    let scale = value.get("scale").map_or_else(|| "1".to_owned(), Value::to_string);
    let scale: Decimal = scale.parse().map_err(|_| field("load.scale", "is no number"))?;
    let mut names = BTreeMap::from([("scale".to_owned(), scale)]);
    let mut values = Vec::with_capacity(8760);
    for day in 0..365_i64 {
        names.insert("d".to_owned(), day.into());
        for hour in 0..24_i64 {
            names.insert("h".to_owned(), hour.into());
            let value = formula.evaluate(&names);
            values.push(value.map_err(|e| field("load.generator", e.to_string()))?);
        }
    }
    Ok(values)
}

/// What that program does in its own way.
fn as_that_program(
    rate: &Value,
    expected: &Value,
    file: &mut TariffFile,
    notes: &mut Vec<String>,
) -> Result<(), UrdbCheckError> {
    // It reads a fixed charge only with its unit, and none of version 3. Whoever made the figures may
    // have put it in by hand: the expected ones tell.
    let has = |name: &str| rate.get(name).is_some_and(|v| !v.is_null());
    let read = has("fixedchargefirstmeter") && has("fixedchargeunits");
    let zero = |v: &Value| v.as_f64() == Some(0.0);
    let left_out =
        expected.get("fixed").and_then(Value::as_array).is_some_and(|l| l.iter().all(zero));
    if !read && left_out && !file.fixed.is_empty() {
        notes.push("the expected figures leave the fixed charge out, since SAM reads it only as `fixedchargefirstmeter` with `fixedchargeunits`".to_owned());
        file.fixed.clear();
    }
    for charge in &mut file.fixed {
        if charge.per == FixedPer::Day {
            notes.push(
                "a fixed charge per day is checked as 365/12 days a month; bills count the days"
                    .to_owned(),
            );
            let day = charge.price.on(file.valid_from.0).unwrap_or_default();
            let month = day
                .times(Decimal::from(365))
                .and_then(|y| y.over(Decimal::from(12)))
                .map_err(BillingError::from)?;
            charge.price = Dated::constant(month);
            charge.per = FixedPer::Month;
        }
    }
    let rules = rate.get("dgrules").and_then(Value::as_str).unwrap_or_default();
    let tiers = file.energy.iter().any(|c| !c.blocks.is_empty() && !c.periods.is_empty());
    if tiers
        && ["net billing instantaneous", "net billing hourly", "buy all sell all"]
            .contains(&rules.to_lowercase().as_str())
    {
        notes.push(format!("under `dgrules` {rules} SAM fills tiers in the order of time; here each is shared among the periods of the day"));
    }
    Ok(())
}

/// Under net metering, which is also its default, that program never charges less than 0 for energy.
fn nets(rate: &Value) -> bool {
    rate.get("dgrules").and_then(Value::as_str).is_none_or(|rules| rules == "Net Metering")
}

/// The least that is billed. That program compares it with exact figures, and adds what is missing to
/// a year's minimum in December.
struct Least {
    month: Option<Decimal>,
    year: Option<Decimal>,
}

impl Least {
    fn apply(&self, months: &mut [Made], notes: &mut Vec<String>) -> Result<(), BillingError> {
        let mut year = Decimal::ZERO;
        for made in &mut *months {
            let charged = made.total.max(Decimal::ZERO);
            year = year.plus(charged)?;
            if let Some(least) = self.month.filter(|least| charged < *least) {
                made.add_minimum(least.minus(charged)?)?;
            }
        }
        if let (Some(least), Some(december)) = (self.year, months.last_mut()) {
            notes.push(
                "what is missing to the year's minimum is added in December, as SAM does"
                    .to_owned(),
            );
            if year < least {
                december.add_minimum(least.minus(year)?)?;
            }
        }
        Ok(())
    }
}

/// A month's exact figures.
struct Made {
    total: Decimal,
    fixed: Decimal,
    energy: Decimal,
    dc_tou: Decimal,
    dc_flat: Decimal,
    minimum: Decimal,
}

impl Made {
    fn of(plan: &BillingPlan, nets: bool) -> Result<Self, BillingError> {
        let part = |holds: &dyn Fn(&crate::Line) -> bool| {
            sum(plan.lines.iter().filter(|l| holds(l)).map(|l| l.base))
        };
        let flat = |l: &crate::Line| l.code.starts_with("flat_demand_");
        let fixed = part(&|l| l.group == LineGroup::Fixed)?;
        let energy = part(&|l| l.group == LineGroup::Energy)?;
        let energy = if nets { energy.max(Decimal::ZERO) } else { energy };
        let dc_tou = part(&|l| l.group == LineGroup::Demand && !flat(l))?;
        let dc_flat = part(&|l| l.group == LineGroup::Demand && flat(l))?;
        let total = sum([fixed, energy, dc_tou, dc_flat])?;
        Ok(Self { total, fixed, energy, dc_tou, dc_flat, minimum: Decimal::ZERO })
    }

    fn add_minimum(&mut self, missing: Decimal) -> Result<(), BillingError> {
        self.minimum = self.minimum.plus(missing)?;
        self.total = self.total.plus(missing)?;
        Ok(())
    }
}

fn finer(file: &mut TariffFile) -> Result<(), UrdbCheckError> {
    let price = |dated: &mut Dated| -> Result<(), BillingError> {
        let value = dated.on(file.valid_from.0).unwrap_or_default();
        *dated = Dated::constant(value.over(FINER)?);
        Ok(())
    };
    let prices = |prices: &mut PriceByPeriod| prices.values_mut().try_for_each(price);
    let limit = |limit: &mut Option<Amount>| -> Result<(), BillingError> {
        if let Some(limit) = limit {
            limit.0 = limit.0.times(FINER)?;
        }
        Ok(())
    };
    for charge in &mut file.energy {
        charge.price.iter_mut().try_for_each(price)?;
        prices(&mut charge.prices)?;
        for block in &mut charge.blocks {
            block.price.iter_mut().try_for_each(price)?;
            prices(&mut block.prices)?;
            limit(&mut block.up_to_kwh)?;
        }
    }
    for charge in &mut file.demand {
        charge.price.iter_mut().try_for_each(price)?;
        for block in &mut charge.blocks {
            price(&mut block.price)?;
            limit(&mut block.up_to_kw)?;
        }
    }
    Ok(())
}

/// The months of a year that begins on a Monday, without a clock change.
fn months(tariff: &Tariff, load: &[i64]) -> Result<Vec<BillingPlan>, UrdbCheckError> {
    let calendar = Calendar::utc();
    let first = corrente_metering::Date::constant(2018, 1, 1);
    let year = calendar.year(first);
    let hours: Vec<Interval> = calendar
        .steps(year, 3600)
        .into_iter()
        .zip(load)
        .map(|(span, value)| Interval::known(span, Energy::from_wh(*value), Quality::Measured))
        .collect();
    let mut plans = Vec::new();
    for month in calendar.cut_months(year) {
        let inside: Vec<Interval> =
            hours.iter().copied().filter(|i| month.contains(i.span().end)).collect();
        plans.push(month_plan(&calendar, tariff, month, &inside)?);
    }
    debug_assert!(next_day(first) > first, "a year has days");
    Ok(plans)
}

fn month_plan(
    calendar: &Calendar,
    tariff: &Tariff,
    span: Span,
    import: &[Interval],
) -> Result<BillingPlan, BillingError> {
    let tariffs = [tariff];
    let from = Measure { calendar, tariffs: &tariffs, span, import, export: &[], series: &[] };
    plan(&BillingInput {
        kind: PlanKind::Final,
        calendar,
        tariffs: &tariffs,
        determinants: measure(&from)?,
        inputs: Inputs::default(),
    })
}

fn compare(
    made: &Made,
    plan: &BillingPlan,
    expected: &Value,
    index: usize,
) -> Result<MonthReport, UrdbCheckError> {
    let computed = [
        ("total", made.total),
        ("fixed", made.fixed),
        ("energy", made.energy),
        ("dc_tou", made.dc_tou),
        ("dc_flat", made.dc_flat),
        ("minimum", made.minimum),
    ];
    let mut parts = Vec::new();
    for (name, value) in computed {
        let Some(list) = expected.get(name).filter(|list| list.is_array()) else { continue };
        let printed = list.get(index).map(Value::to_string);
        let printed: Decimal = printed
            .and_then(|p| p.parse().ok().or_else(|| Decimal::from_scientific(&p).ok()))
            .ok_or_else(|| {
                let month = index.saturating_add(1);
                field("expected", format!("has no number for month {month} of `{name}`"))
            })?;
        let value = corrente_units::round_to(value, 6, corrente_units::Rounding::HalfEven);
        let difference = printed.minus(value).map_err(BillingError::from)?;
        parts.push((name.to_owned(), printed, value.normalize(), difference.normalize()));
    }
    Ok(MonthReport {
        month: index.saturating_add(1),
        equal: parts.iter().all(|p| p.3.abs() <= TOLERANCE),
        parts,
        bill: plan.totals.total.decimal(),
    })
}
