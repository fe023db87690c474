//! Rates of the OpenEI Utility Rate Database (form of version 8, and version 3's fixed charge) as
//! tariff files.
//!
//! That form has no taxes, no holidays, no rounding and no days; what it holds and this import does
//! not is listed in [`Imported::left_out`], what is understood in a way of its own in
//! [`Imported::notes`].

use serde_json::{Map, Value};

use crate::{
    Amount, Dated, Day, FORM, TariffFile,
    file::{
        Block, BlockCount, BlockPer, DemandBlock, DemandCharge, DemandUnit, EnergyCharge,
        EnergyUnit, FixedCharge, FixedPer, LineMethod, Minimum, RoundingRules, Split, TouCalendar,
    },
};

mod schedule;

use schedule::{Schedule, schedule};

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
    import_value(rate)
}

/// [`import`] of a rate that was read already.
///
/// # Errors
/// Which field cannot be read.
pub fn import_value(rate: &Value) -> Result<Imported, UrdbError> {
    let rate = rate.as_object().ok_or(UrdbError::NoRate)?;
    let mut notes = Vec::new();
    let mut file = head(rate);
    if let Some(tiers) = structure(rate, "energyratestructure")? {
        energy(rate, &tiers, &mut file, &mut notes)?;
    }
    if let Some(tiers) = structure(rate, "demandratestructure")? {
        demand(rate, &tiers, &mut file)?;
    }
    if let Some(tiers) = structure(rate, "flatdemandstructure")? {
        flat_demand(rate, &tiers, &mut file)?;
    }
    fixed(rate, &mut file)?;
    minimum(rate, &mut file, &mut notes)?;
    if file.energy.is_empty() && file.fixed.is_empty() && file.demand.is_empty() {
        return Err(UrdbError::NoRate);
    }
    Ok(Imported { file, left_out: left_out(rate), notes })
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

/// A tier of a rate structure.
struct Tier {
    price: Amount,
    max: Option<Amount>,
    unit: String,
}

fn structure(rate: &Map<String, Value>, field: &str) -> Result<Option<Vec<Vec<Tier>>>, UrdbError> {
    let Some(value) = rate.get(field).filter(|v| !v.is_null()) else { return Ok(None) };
    let wrong =
        |field: String, problem: &str| UrdbError::Field { field, problem: problem.to_owned() };
    let periods = value.as_array().ok_or_else(|| wrong(field.to_owned(), "is no list"))?;
    let mut found = Vec::new();
    for (p, tiers) in periods.iter().enumerate() {
        let at = format!("{field}[{p}]");
        let tiers = tiers.as_array().ok_or_else(|| wrong(at.clone(), "is no list of tiers"))?;
        let mut list = Vec::new();
        for (t, tier) in tiers.iter().enumerate() {
            let at = format!("{at}[{t}]");
            let number = |name: &str| amount(tier.get(name), &format!("{at}.{name}"));
            let (rate, adjustment) = (number("rate")?, number("adj")?);
            let zero = Amount(corrente_units::Decimal::ZERO);
            let price = rate.unwrap_or(zero).0.checked_add(adjustment.unwrap_or(zero).0);
            let price = price.ok_or_else(|| wrong(at.clone(), "is too large"))?;
            let unit = tier.get("unit").and_then(Value::as_str).unwrap_or_default().to_owned();
            // Programs write 1e38 for "no limit", more than an exact decimal holds.
            let open = tier.get("max").and_then(Value::as_f64).is_some_and(|m| m > 1e20);
            let max = if open { None } else { number("max")? };
            list.push(Tier { price: Amount(price), max, unit });
        }
        if let Some(last) = list.last_mut() {
            // A limit of the last tier limits nothing.
            last.max = None;
        }
        if !list.is_empty() {
            found.push(list);
        }
    }
    Ok((!found.is_empty()).then_some(found))
}

fn amount(value: Option<&Value>, field: &str) -> Result<Option<Amount>, UrdbError> {
    let Some(value) = value.filter(|v| !v.is_null()) else { return Ok(None) };
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let parsed = corrente_units::Decimal::from_str_exact(&text)
        .or_else(|_| corrente_units::Decimal::from_scientific(&text));
    parsed.map(|d| Some(Amount(d))).map_err(|_| UrdbError::Field {
        field: field.to_owned(),
        problem: format!("is `{text}`, which is no number"),
    })
}

fn period_name(prefix: &str, index: usize) -> String {
    format!("{prefix}{index}")
}

fn energy(
    rate: &Map<String, Value>,
    tiers: &[Vec<Tier>],
    file: &mut TariffFile,
    notes: &mut Vec<String>,
) -> Result<(), UrdbError> {
    let plan = schedule(rate, "energyweekdayschedule", "energyweekendschedule", tiers.len())?;
    file.tou = plan.as_ref().and_then(|p| p.calendar("p"));
    let used = plan.as_ref().map_or_else(|| vec![0], Schedule::periods);
    let one = file.tou.is_none();
    for index in used {
        let Some(list) = tiers.get(index) else { continue };
        let unit = list.first().map(|t| t.unit.as_str()).unwrap_or_default();
        let daily = match unit {
            "" | "kWh" => false,
            "kWh daily" => true,
            other => {
                return Err(UrdbError::Field {
                    field: format!("energyratestructure[{index}][0].unit"),
                    problem: format!("is `{other}`: limits by kW are not supported"),
                });
            }
        };
        if daily && list.len() > 1 {
            let note = "limits in kWh daily count for the month's days together";
            if !notes.iter().any(|n| n == note) {
                notes.push(note.to_owned());
            }
        }
        let single = list.len() == 1;
        let block = |tier: &Tier| Block {
            up_to_kwh: tier.max,
            price: Some(Dated::constant(tier.price.0)),
            prices: std::collections::BTreeMap::default(),
        };
        file.energy.push(EnergyCharge {
            code: period_name("energy_", index),
            label: if one { "Energy".to_owned() } else { format!("Energy, period {index}") },
            price: list.first().filter(|_| single).map(|t| Dated::constant(t.price.0)),
            prices: std::collections::BTreeMap::default(),
            blocks: if single { Vec::new() } else { list.iter().map(block).collect() },
            blocks_per: BlockPer::Period,
            // Tiers count the month's whole energy and are shared among the periods of the day.
            blocks_count: BlockCount::All,
            blocks_for_days: daily.then_some(1),
            periods: if one { Vec::new() } else { vec![period_name("p", index)] },
            unit: EnergyUnit::Kwh,
            export: false,
            taxes: None,
            clause: None,
        });
    }
    Ok(())
}

fn demand_charge(code: String, label: String, list: &[Tier]) -> DemandCharge {
    let single = list.len() == 1;
    let block =
        |tier: &Tier| DemandBlock { up_to_kw: tier.max, price: Dated::constant(tier.price.0) };
    DemandCharge {
        code,
        label,
        price: list.first().filter(|_| single).map(|t| Dated::constant(t.price.0)),
        blocks: if single { Vec::new() } else { list.iter().map(block).collect() },
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

fn window(rate: &Map<String, Value>) -> u32 {
    let minutes = rate.get("demandwindow").and_then(Value::as_u64).unwrap_or(15);
    u32::try_from(minutes).ok().filter(|m| [5, 10, 15, 20, 30, 60].contains(m)).unwrap_or(15)
}

fn per(rate: &Map<String, Value>, field: &str) -> DemandUnit {
    let unit = rate.get(field).and_then(Value::as_str).unwrap_or_default();
    if unit.contains("daily") { DemandUnit::Day } else { DemandUnit::Period }
}

fn demand(
    rate: &Map<String, Value>,
    tiers: &[Vec<Tier>],
    file: &mut TariffFile,
) -> Result<(), UrdbError> {
    let plan = schedule(rate, "demandweekdayschedule", "demandweekendschedule", tiers.len())?;
    let calendar: Option<TouCalendar> = plan.as_ref().and_then(|p| p.calendar("d"));
    let used = plan.as_ref().map_or_else(|| vec![0], Schedule::periods);
    for index in used {
        let Some(list) = tiers.get(index) else { continue };
        let label = format!("Demand, period {index}");
        let mut charge = demand_charge(period_name("demand_", index), label, list);
        charge.window_minutes = window(rate);
        charge.per = per(rate, "demandrateunit");
        if calendar.is_some() {
            charge.periods = vec![period_name("d", index)];
        }
        file.demand.push(charge);
    }
    file.demand_tou = calendar;
    Ok(())
}

fn flat_demand(
    rate: &Map<String, Value>,
    tiers: &[Vec<Tier>],
    file: &mut TariffFile,
) -> Result<(), UrdbError> {
    let months = match rate.get("flatdemandmonths").filter(|v| !v.is_null()) {
        None => vec![0; 12],
        Some(value) => {
            let list = value.as_array().filter(|l| l.len() == 12);
            let indices: Option<Vec<u64>> =
                list.and_then(|l| l.iter().map(Value::as_u64).collect());
            indices.ok_or_else(|| UrdbError::Field {
                field: "flatdemandmonths".to_owned(),
                problem: "is no list of 12 indices".to_owned(),
            })?
        }
    };
    for (index, list) in tiers.iter().enumerate() {
        let own: Vec<u8> = (1_u8..=12)
            .zip(&months)
            .filter(|(_, i)| usize::try_from(**i) == Ok(index))
            .map(|(month, _)| month)
            .collect();
        if own.is_empty() {
            continue;
        }
        let code = period_name("flat_demand_", index);
        let mut charge = demand_charge(code, format!("Flat demand {index}"), list);
        charge.window_minutes = window(rate);
        charge.per = per(rate, "flatdemandunit");
        charge.months = if own.len() == 12 { Vec::new() } else { own };
        file.demand.push(charge);
    }
    Ok(())
}

fn fixed(rate: &Map<String, Value>, file: &mut TariffFile) -> Result<(), UrdbError> {
    let (field, unit) = if rate.get("fixedchargefirstmeter").is_some_and(|v| !v.is_null()) {
        let unit = rate.get("fixedchargeunits").and_then(Value::as_str).unwrap_or("$/month");
        ("fixedchargefirstmeter", unit)
    } else {
        ("fixedmonthlycharge", "$/month")
    };
    let Some(price) = amount(rate.get(field), field)? else { return Ok(()) };
    let per = match unit {
        "$/month" => FixedPer::Month,
        "$/day" => FixedPer::Day,
        "$/year" => FixedPer::Year,
        other => {
            return Err(UrdbError::Field {
                field: "fixedchargeunits".to_owned(),
                problem: format!("is `{other}`: $/day, $/month and $/year are known"),
            });
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

fn minimum(
    rate: &Map<String, Value>,
    file: &mut TariffFile,
    notes: &mut Vec<String>,
) -> Result<(), UrdbError> {
    let (field, unit) = if rate.get("mincharge").is_some_and(|v| !v.is_null()) {
        let unit = rate.get("minchargeunits").and_then(Value::as_str).unwrap_or("$/month");
        ("mincharge", unit)
    } else {
        ("minmonthlycharge", "$/month")
    };
    let Some(mut price) = amount(rate.get(field), field)? else { return Ok(()) };
    match unit {
        "$/month" => {}
        "$/day" => {
            notes.push("a minimum per day counts as 365/12 days a month".to_owned());
            let year = price.0.checked_mul(365.into());
            let month = year.and_then(|y| y.checked_div(12.into()));
            price = Amount(month.ok_or_else(|| UrdbError::Field {
                field: field.to_owned(),
                problem: "is too large".to_owned(),
            })?);
        }
        _ => return Ok(()),
    }
    if price.0.is_zero() {
        return Ok(());
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
    Ok(())
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
    let unit = rate.get("minchargeunits").and_then(Value::as_str).unwrap_or("$/month");
    let known = matches!(unit, "$/month" | "$/day");
    if !known && rate.get("mincharge").is_some_and(|v| !v.is_null()) {
        names.push(format!("mincharge in {unit}"));
    }
    names
}
