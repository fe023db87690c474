//! Rates of the OpenEI Utility Rate Database (form of version 8, and version 3's fixed charge) as
//! tariff files.
//!
//! That form has no taxes, no holidays, no rounding and no days; what it holds and this import does
//! not is listed in [`Imported::left_out`], what is understood in a way of its own in
//! [`Imported::notes`].

use corrente_units::Decimal;
use serde_json::{Map, Value};

use crate::{
    Amount, Dated, Day, FORM, TariffFile,
    file::{
        BlockCount, BlockPer, DemandBlock, DemandCharge, DemandUnit, EnergyCharge, EnergyUnit,
        FixedCharge, FixedPer, LineMethod, Minimum, RoundingRules, Split, TouCalendar,
    },
};

mod schedule;
mod tiers;

use schedule::{Schedule, schedule};
use tiers::{Tier, structure};

/// Whose understanding of a rate is wanted where the form leaves it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// As a bill would be made from the rate sheet.
    AsWritten,
    /// As NREL's System Advisor Model reads it (PySAM's `UtilityRateTools` and `Utilityrate5`), to
    /// compare with its results.
    AsSam,
}

/// Why a rate cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum UrdbError {
    /// Not JSON.
    #[error("the rate is not JSON")]
    Json(#[from] serde_json::Error),
    /// No rate in it.
    #[error("the file holds no rate: neither `energyratestructure` nor a fixed charge")]
    NoRate,
    /// A field cannot be read.
    #[error("`{field}` {problem}")]
    Field {
        /// The path of the field.
        field: String,
        /// What is wrong.
        problem: String,
    },
}

/// An imported rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The tariff file.
    pub file: TariffFile,
    /// Fields that decide amounts and were not imported.
    pub left_out: Vec<String>,
    /// What was understood in a way of its own.
    pub notes: Vec<String>,
    /// A minimum for the whole year, which no bill of a month can hold.
    pub minimum_per_year: Option<Decimal>,
}

/// Imports a rate: the object itself, the API's answer with `items`, or a file with `rate`.
///
/// # Errors
/// Which field cannot be read.
pub fn import(text: &str) -> Result<Imported, UrdbError> {
    let value: Value = serde_json::from_str(text)?;
    let rate = value
        .get("rate")
        .or_else(|| value.get("items").and_then(|items| items.get(0)))
        .unwrap_or(&value);
    import_value(rate, Reading::AsWritten)
}

/// [`import`] of a rate that was read already.
///
/// # Errors
/// Which field cannot be read.
pub fn import_value(rate: &Value, reading: Reading) -> Result<Imported, UrdbError> {
    let rate = rate.as_object().ok_or(UrdbError::NoRate)?;
    let mut file = head(rate);
    let mut to = Into { reading, notes: Vec::new() };
    if let Some(tiers) = structure(rate, "energyratestructure")? {
        to.energy(rate, &tiers, &mut file)?;
    }
    if let Some(tiers) = structure(rate, "demandratestructure")? {
        to.demand(rate, &tiers, &mut file)?;
    }
    if let Some(tiers) = structure(rate, "flatdemandstructure")? {
        to.flat_demand(rate, &tiers, &mut file)?;
    }
    to.fixed(rate, &mut file)?;
    let minimum_per_year = to.minimum(rate, &mut file)?;
    if file.energy.is_empty() && file.fixed.is_empty() && file.demand.is_empty() {
        return Err(UrdbError::NoRate);
    }
    Ok(Imported { file, left_out: left_out(rate), notes: to.notes, minimum_per_year })
}

fn field(
    name: impl std::convert::Into<String>,
    problem: impl std::convert::Into<String>,
) -> UrdbError {
    UrdbError::Field { field: name.into(), problem: problem.into() }
}

fn once(notes: &mut Vec<String>, note: String) {
    if !notes.contains(&note) {
        notes.push(note);
    }
}

fn head(rate: &Map<String, Value>) -> TariffFile {
    let text = |name: &str| rate.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
    let name = match (text("utility"), text("name")) {
        (utility, name) if utility.is_empty() => or(name, "URDB rate"),
        (utility, name) => format!("{utility}: {name}"),
    };
    TariffFile {
        form: FORM.to_owned(),
        code: format!("urdb-{}", or(text("label"), "rate")),
        version: or(text("revision"), "1"),
        name,
        currency: "USD".to_owned(),
        valid_from: Day(corrente_metering::Date::constant(1970, 1, 1)),
        valid_until: None,
        source: Some(or(text("uri"), "OpenEI Utility Rate Database")),
        example: false,
        split: Split::Measured,
        rounding: RoundingRules { line: LineMethod::Plain, ..RoundingRules::default() },
        tou: None,
        demand_tou: None,
        holidays: Vec::new(),
        tax: Vec::new(),
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

fn amount(value: Option<&Value>, field: &str) -> Result<Option<Amount>, UrdbError> {
    let Some(value) = value.filter(|v| !v.is_null()) else { return Ok(None) };
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let parsed = Decimal::from_str_exact(&text).or_else(|_| Decimal::from_scientific(&text));
    parsed.map(|d| Some(Amount(d))).map_err(|_| UrdbError::Field {
        field: field.to_owned(),
        problem: format!("is `{text}`, which is no number"),
    })
}

fn period_name(prefix: &str, index: usize) -> String {
    format!("{prefix}{index}")
}

/// What is being made.
struct Into {
    reading: Reading,
    notes: Vec<String>,
}

impl Into {
    fn energy(
        &mut self,
        rate: &Map<String, Value>,
        tiers: &[Vec<Tier>],
        file: &mut TariffFile,
    ) -> Result<(), UrdbError> {
        let name = "energyratestructure";
        let plan = schedule(rate, "energyweekdayschedule", "energyweekendschedule", tiers.len())?;
        file.tou = plan.as_ref().and_then(|p| p.calendar("p"));
        let used = plan.as_ref().map_or_else(|| vec![0], Schedule::periods);
        let one = file.tou.is_none();
        for index in used {
            let at = format!("{name}[{index}]");
            let list =
                tiers::closed(tiers::used(tiers, index, name)?, &at, self.reading, &mut self.notes);
            let price = match list.as_slice() {
                [only] => Some(Dated::constant(only.price.0)),
                _ => None,
            };
            let made = tiers::blocks(&list, &at, self.reading, &mut self.notes)?;
            if made.daily {
                let note = "limits for a day count for the month's days together";
                once(&mut self.notes, note.to_owned());
            }
            let blocks = if price.is_some() { Vec::new() } else { made.blocks };
            let mut charge = EnergyCharge {
                code: period_name("energy_", index),
                label: if one { "Energy".to_owned() } else { format!("Energy, period {index}") },
                price,
                prices: std::collections::BTreeMap::default(),
                blocks,
                blocks_per: BlockPer::Period,
                // Tiers count the month's whole energy and are shared among the periods of the day.
                blocks_count: BlockCount::All,
                blocks_for_days: made.daily.then_some(1),
                blocks_window_minutes: None,
                periods: if one { Vec::new() } else { vec![period_name("p", index)] },
                unit: EnergyUnit::Kwh,
                export: false,
                taxes: None,
                clause: None,
            };
            charge.blocks_window_minutes = charge.demand_window_minutes().map(|_| window(rate));
            file.energy.push(charge);
        }
        Ok(())
    }

    fn demand_charge(
        &mut self,
        (code, label): (String, String),
        list: &[Tier],
        at: &str,
    ) -> DemandCharge {
        let list = tiers::closed(list, at, self.reading, &mut self.notes);
        let block =
            |tier: &Tier| DemandBlock { up_to_kw: tier.max, price: Dated::constant(tier.price.0) };
        let price = match list.as_slice() {
            [only] => Some(Dated::constant(only.price.0)),
            _ => None,
        };
        DemandCharge {
            code,
            label,
            blocks: if price.is_some() { Vec::new() } else { list.iter().map(block).collect() },
            price,
            per: DemandUnit::Period,
            window_minutes: 15,
            periods: Vec::new(),
            months: Vec::new(),
            top: 1,
            top_on_different_days: false,
            ratchet: None,
            at_least_kw: None,
            at_least_contracted: false,
            taxes: None,
            clause: None,
        }
    }

    fn per(&mut self, rate: &Map<String, Value>, field: &str) -> DemandUnit {
        let unit = rate.get(field).and_then(Value::as_str).unwrap_or_default();
        match (unit.to_ascii_lowercase().contains("daily"), self.reading) {
            (false, _) => DemandUnit::Period,
            (true, Reading::AsWritten) => DemandUnit::Day,
            (true, Reading::AsSam) => {
                once(&mut self.notes, format!("`{field}` is `{unit}`, which SAM takes as kW"));
                DemandUnit::Period
            }
        }
    }

    fn demand(
        &mut self,
        rate: &Map<String, Value>,
        tiers: &[Vec<Tier>],
        file: &mut TariffFile,
    ) -> Result<(), UrdbError> {
        let name = "demandratestructure";
        let plan = schedule(rate, "demandweekdayschedule", "demandweekendschedule", tiers.len())?;
        let calendar: Option<TouCalendar> = plan.as_ref().and_then(|p| p.calendar("d"));
        let used = plan.as_ref().map_or_else(|| vec![0], Schedule::periods);
        for index in used {
            let list = tiers::used(tiers, index, name)?;
            let named = (period_name("demand_", index), format!("Demand, period {index}"));
            let mut charge = self.demand_charge(named, list, &format!("{name}[{index}]"));
            charge.window_minutes = window(rate);
            charge.per = self.per(rate, "demandrateunit");
            if calendar.is_some() {
                charge.periods = vec![period_name("d", index)];
            }
            file.demand.push(charge);
        }
        file.demand_tou = calendar;
        Ok(())
    }

    fn flat_demand(
        &mut self,
        rate: &Map<String, Value>,
        tiers: &[Vec<Tier>],
        file: &mut TariffFile,
    ) -> Result<(), UrdbError> {
        let name = "flatdemandstructure";
        let months = match rate.get("flatdemandmonths").filter(|v| !v.is_null()) {
            None if self.reading == Reading::AsSam => {
                let note = "without `flatdemandmonths` SAM leaves `flatdemandstructure` out";
                once(&mut self.notes, note.to_owned());
                return Ok(());
            }
            None => vec![0; 12],
            Some(value) => {
                let list = value.as_array().filter(|l| l.len() == 12);
                let index = |v: &Value| usize::try_from(v.as_u64()?).ok();
                let indices: Option<Vec<usize>> = list.and_then(|l| l.iter().map(index).collect());
                indices.ok_or_else(|| field("flatdemandmonths", "is no list of 12 indices"))?
            }
        };
        let mut used = months.clone();
        used.sort_unstable();
        used.dedup();
        for index in used {
            let list = tiers::used(tiers, index, name)?;
            let named = (period_name("flat_demand_", index), format!("Flat demand {index}"));
            let mut charge = self.demand_charge(named, list, &format!("{name}[{index}]"));
            charge.window_minutes = window(rate);
            charge.per = self.per(rate, "flatdemandunit");
            let own =
                (1_u8..=12).zip(&months).filter(|(_, i)| **i == index).map(|(month, _)| month);
            charge.months = own.collect();
            if charge.months.len() == 12 {
                charge.months.clear();
            }
            file.demand.push(charge);
        }
        Ok(())
    }

    fn fixed(&mut self, rate: &Map<String, Value>, file: &mut TariffFile) -> Result<(), UrdbError> {
        let (name, unit) =
            one_of(rate, ["fixedchargefirstmeter", "fixedmonthlycharge"], "fixedchargeunits");
        let Some(price) = amount(rate.get(name), name)? else { return Ok(()) };
        let per = match (unit.to_ascii_lowercase().as_str(), self.reading) {
            ("$/month", _) => FixedPer::Month,
            ("$/day", _) => FixedPer::Day,
            ("$/year", _) => FixedPer::Year,
            (_, Reading::AsSam) => {
                let note = format!("`fixedchargeunits` is `{unit}`, which SAM takes as $/month");
                once(&mut self.notes, note);
                FixedPer::Month
            }
            (_, Reading::AsWritten) => {
                let problem = format!("is `{unit}`: $/day, $/month and $/year are known");
                return Err(field("fixedchargeunits", problem));
            }
        };
        file.fixed.push(FixedCharge {
            code: "fixed".to_owned(),
            label: "Fixed charge".to_owned(),
            price: Dated::constant(price.0),
            per,
            taxes: None,
            clause: None,
        });
        Ok(())
    }

    /// A minimum for the month goes into the file, one for the year is returned.
    fn minimum(
        &mut self,
        rate: &Map<String, Value>,
        file: &mut TariffFile,
    ) -> Result<Option<Decimal>, UrdbError> {
        let (name, unit) = one_of(rate, ["mincharge", "minmonthlycharge"], "minchargeunits");
        let Some(mut price) = amount(rate.get(name), name)? else { return Ok(None) };
        if name == "minmonthlycharge" && self.reading == Reading::AsSam {
            once(&mut self.notes, "`minmonthlycharge` is a field that SAM leaves out".to_owned());
            return Ok(None);
        }
        match (unit.to_ascii_lowercase().as_str(), self.reading) {
            ("$/month", _) => {}
            ("$/day", _) => {
                let note = "a minimum per day counts as 365/12 days a month";
                once(&mut self.notes, note.to_owned());
                let year = price.0.checked_mul(365.into());
                let month = year.and_then(|y| y.checked_div(12.into()));
                price = Amount(month.ok_or_else(|| field(name, "is too large"))?);
            }
            ("$/year", _) => return Ok(Some(price.0)),
            (_, Reading::AsSam) => {
                let note = format!("`minchargeunits` is `{unit}`, which SAM takes as $/month");
                once(&mut self.notes, note);
            }
            (_, Reading::AsWritten) => {
                let problem = format!("is `{unit}`: $/day, $/month and $/year are known");
                return Err(field("minchargeunits", problem));
            }
        }
        if price.0.is_zero() {
            return Ok(None);
        }
        file.minimum = Some(Minimum {
            code: "minimum".to_owned(),
            label: "Minimum charge".to_owned(),
            kwh: std::collections::BTreeMap::default(),
            amount: Some(Dated::constant(price.0)),
            price: None,
            taxes: None,
            clause: None,
        });
        Ok(None)
    }
}

/// The field of version 8 with its unit, or that of version 3, which is per month.
fn one_of<'r>(
    rate: &'r Map<String, Value>,
    [now, before]: [&'static str; 2],
    units: &str,
) -> (&'static str, &'r str) {
    if rate.get(now).is_none_or(Value::is_null) {
        return (before, "$/month");
    }
    (now, rate.get(units).and_then(Value::as_str).unwrap_or("$/month").trim())
}

fn window(rate: &Map<String, Value>) -> u32 {
    let minutes = rate.get("demandwindow").and_then(Value::as_u64).unwrap_or(15);
    u32::try_from(minutes).ok().filter(|m| [5, 10, 15, 20, 30, 60].contains(m)).unwrap_or(15)
}

/// Fields that decide amounts and were not imported.
fn left_out(rate: &Map<String, Value>) -> Vec<String> {
    let set = |name: &&str| match rate.get(*name) {
        None | Some(Value::Null) => false,
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::Bool(_) | Value::String(_) | Value::Object(_)) => true,
    };
    let mut names: Vec<String> = [
        "coincidentratestructure",
        "lookbackpercent",
        "lookbackrange",
        "lookbackmonths",
        "demandratchetpercentage",
        "demandreactivepowercharge",
        "fixedchargeeaaddl",
        "annualmincharge",
        "fueladjustmentsmonthly",
    ]
    .iter()
    .filter(|name| set(name))
    .map(|name| (*name).to_owned())
    .collect();
    let sells = |structure: &Value| structure.to_string().contains("\"sell\"");
    if rate.get("energyratestructure").is_some_and(sells) {
        names.push("energyratestructure[].sell".to_owned());
    }
    let (name, unit) = one_of(rate, ["mincharge", "minmonthlycharge"], "minchargeunits");
    if unit.eq_ignore_ascii_case("$/year") && set(&name) {
        names.push(format!("{name} in {unit}"));
    }
    names
}
