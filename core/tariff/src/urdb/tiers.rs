//! Rate structures: periods with tiers, and tiers as blocks.

use corrente_units::Decimal;
use serde_json::{Map, Value};

use super::{Reading, UrdbError, amount, field};
use crate::{Amount, Dated, file::Block};

/// A tier of a rate structure.
#[derive(Clone)]
pub(super) struct Tier {
    pub(super) price: Amount,
    /// Where it ends; nothing for a tier without a limit.
    pub(super) max: Option<Amount>,
    /// As written; in lower case.
    unit: Option<String>,
}

/// What a limit of a tier counts.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Unit {
    per_kw: bool,
    daily: bool,
}

/// The tiers of each period; an unused period may have none. Nothing where the rate has no such
/// structure.
pub(super) fn structure(
    rate: &Map<String, Value>,
    name: &str,
) -> Result<Option<Vec<Vec<Tier>>>, UrdbError> {
    let Some(value) = rate.get(name).filter(|v| !v.is_null()) else { return Ok(None) };
    let periods = value.as_array().ok_or_else(|| field(name, "is no list"))?;
    let mut found = Vec::new();
    for (p, tiers) in periods.iter().enumerate() {
        let at = format!("{name}[{p}]");
        let tiers = tiers.as_array().ok_or_else(|| field(&at, "is no list of tiers"))?;
        let tier = |(t, tier): (usize, &Value)| one(&format!("{at}[{t}]"), tier);
        found.push(tiers.iter().enumerate().map(tier).collect::<Result<Vec<_>, _>>()?);
    }
    Ok(found.iter().any(|tiers| !tiers.is_empty()).then_some(found))
}

fn one(at: &str, tier: &Value) -> Result<Tier, UrdbError> {
    let number = |name: &str| amount(tier.get(name), &format!("{at}.{name}"));
    let zero = Amount(Decimal::ZERO);
    let (rate, adjustment) = (number("rate")?.unwrap_or(zero), number("adj")?.unwrap_or(zero));
    let price = rate.0.checked_add(adjustment.0).ok_or_else(|| field(at, "is too large"))?;
    // Programs write 1e38 for "no limit", more than an exact decimal holds.
    let open = tier.get("max").and_then(Value::as_f64).is_some_and(|m| m > 1e20);
    let max = if open { None } else { number("max")? };
    let unit = tier.get("unit").and_then(Value::as_str).map(|u| u.trim().to_ascii_lowercase());
    Ok(Tier { price: Amount(price), max, unit: unit.filter(|u| !u.is_empty()) })
}

/// The tiers of a period that a schedule uses.
pub(super) fn used<'t>(
    tiers: &'t [Vec<Tier>],
    index: usize,
    name: &str,
) -> Result<&'t [Tier], UrdbError> {
    tiers.get(index).map(Vec::as_slice).filter(|list| !list.is_empty()).ok_or_else(|| {
        field(
            format!("{name}[{index}]"),
            "is an empty list of tiers, but that period is used: give it a `rate`",
        )
    })
}

/// Ends the list as a tariff must: with a tier without a limit.
///
/// A limit of the last tier is a remark on whom the rate is for; only SAM stops billing there.
pub(super) fn closed(
    list: &[Tier],
    at: &str,
    reading: Reading,
    notes: &mut Vec<String>,
) -> Vec<Tier> {
    let mut list = list.to_vec();
    let Some(last) = list.last_mut().filter(|last| last.max.is_some()) else { return list };
    match reading {
        Reading::AsWritten => {
            last.max = None;
            super::once(notes, format!("`{at}`: the last tier's limit is taken as none"));
        }
        Reading::AsSam => {
            let unit = last.unit.clone();
            list.push(Tier { price: Amount(Decimal::ZERO), max: None, unit });
            super::once(
                notes,
                format!("`{at}`: nothing is billed above the last tier, as SAM does"),
            );
        }
    }
    list
}

/// The blocks of an energy charge.
pub(super) struct Blocks {
    pub(super) blocks: Vec<Block>,
    /// The limits are for one day and grow with the period's days.
    pub(super) daily: bool,
}

/// Tiers as blocks. A tier in kWh behind one in kWh per kW is a step inside it.
pub(super) fn blocks(
    list: &[Tier],
    at: &str,
    reading: Reading,
    notes: &mut Vec<String>,
) -> Result<Blocks, UrdbError> {
    let mut units = units(list, at, reading)?;
    let first_per_kw = units.first().is_some_and(|u| u.per_kw);
    if reading == Reading::AsSam && !first_per_kw && units.iter().any(|u| u.per_kw) {
        super::once(notes, format!("`{at}`: behind a tier in kWh, SAM takes kWh/kW as kWh"));
        for unit in &mut units {
            unit.per_kw = false;
        }
    }
    let limited = || list.iter().zip(&units).filter(|(tier, _)| tier.max.is_some());
    let daily = limited().any(|(_, unit)| unit.daily);
    if daily && limited().any(|(_, unit)| !unit.daily) {
        return Err(field(at, "has limits for a day and limits for a month: give one kind"));
    }
    let mut blocks: Vec<Block> = Vec::new();
    // Where the tier in kWh per kW ends that the steps are inside of.
    let mut around = None;
    for (index, (tier, unit)) in list.iter().zip(&units).enumerate() {
        if unit.per_kw {
            around = tier.max;
            let next = index.saturating_add(1);
            if units.get(next).is_some_and(|next| !next.per_kw) {
                continue;
            }
        }
        blocks.push(Block {
            up_to_kwh: tier.max.filter(|_| !unit.per_kw),
            up_to_kwh_per_kw: around,
            price: Some(Dated::constant(tier.price.0)),
            prices: std::collections::BTreeMap::default(),
        });
    }
    match (blocks.last_mut(), reading) {
        (Some(last), Reading::AsWritten) => last.up_to_kwh_per_kw = None,
        (Some(last), Reading::AsSam) if last.up_to_kwh_per_kw.is_some() => {
            super::once(
                notes,
                format!("`{at}`: nothing is billed above the last tier, as SAM does"),
            );
            blocks.push(Block {
                up_to_kwh: None,
                up_to_kwh_per_kw: None,
                price: Some(Dated::constant(Decimal::ZERO)),
                prices: std::collections::BTreeMap::default(),
            });
        }
        (_, Reading::AsWritten | Reading::AsSam) => {}
    }
    Ok(Blocks { blocks, daily })
}

/// The unit of each tier. Without a limit it says nothing: such a last tier takes that of the tier
/// before, and a single one may have any. SAM takes a missing unit as kWh.
fn units(list: &[Tier], at: &str, reading: Reading) -> Result<Vec<Unit>, UrdbError> {
    let mut units: Vec<Unit> = Vec::new();
    for (index, tier) in list.iter().enumerate() {
        let before = units.last().copied();
        let unit = match (&tier.unit, reading) {
            _ if list.len() == 1 => Unit::default(),
            (_, Reading::AsWritten) if tier.max.is_none() => before.unwrap_or_default(),
            (None, Reading::AsWritten) => before.unwrap_or_default(),
            (None, Reading::AsSam) => Unit::default(),
            (Some(unit), _) => unit_of(unit).ok_or_else(|| {
                field(
                    format!("{at}[{index}].unit"),
                    format!("is `{unit}`: kWh, kWh daily, kWh/kW and kWh/kW daily are known"),
                )
            })?,
        };
        units.push(unit);
    }
    Ok(units)
}

fn unit_of(text: &str) -> Option<Unit> {
    let (text, daily) = match text.strip_suffix("daily") {
        Some(rest) => (rest.trim_end(), true),
        None => (text, false),
    };
    match text {
        "kwh" => Some(Unit { per_kw: false, daily }),
        "kwh/kw" => Some(Unit { per_kw: true, daily }),
        _ => None,
    }
}
