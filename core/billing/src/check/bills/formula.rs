//! Published formulas with worked figures: `t/((1-icms)*(1-pis-cofins))`.
//!
//! `X_with_tax` in `expected` means the formula with `t = X` of the inputs, `sum` the sum of all of
//! them, and another name the formula with `t` as given, or as the only input that the formula does
//! not name, or as the sum of these. A figure may be cut or rounded at its last digit.

use std::collections::BTreeMap;

use corrente_units::{Decimal, Rounding, round_to};
use serde_json::{Map, Value};

use super::{BillCheckError, BillReport, Comparison, cells::decimal};
use crate::check::expression::Expression;

pub(super) fn check(id: &str, bill: &Map<String, Value>) -> Result<BillReport, BillCheckError> {
    let field = |field: &str, problem: &str| BillCheckError::Field {
        bill: id.to_owned(),
        field: field.to_owned(),
        problem: problem.to_owned(),
    };
    let unusable = |problem: String| BillCheckError::Unusable { bill: id.to_owned(), problem };
    let text = bill.get("formula").and_then(Value::as_str);
    let text = text.ok_or_else(|| field("formula", "is no text"))?;
    let formula =
        Expression::parse(&text.to_ascii_lowercase()).map_err(|e| unusable(e.to_string()))?;
    let given = bill.get("inputs").and_then(Value::as_object);
    let given = given.ok_or_else(|| field("inputs", "is missing"))?;
    let expected = bill.get("expected").and_then(Value::as_object);
    let expected = expected.ok_or_else(|| field("expected", "is missing"))?;
    let mut inputs = BTreeMap::new();
    for (name, value) in given {
        let mut number = decimal(value).ok_or_else(|| field(name, "is no number"))?;
        if value.as_str().is_some_and(|text| text.trim_end().ends_with('%')) {
            number = number.checked_div(Decimal::ONE_HUNDRED).unwrap_or_default();
        }
        inputs.insert(name.to_ascii_lowercase(), number);
    }
    // What the formula is applied to: inputs that it does not name itself.
    let named = formula.names();
    let tax = |name: &str| ["icms", "pis", "cofins", "pis_cofins"].contains(&name);
    let parts: Vec<(&String, Decimal)> = inputs
        .iter()
        .filter(|(name, _)| !named.contains(name.as_str()) && !tax(name))
        .map(|(name, value)| (name, *value))
        .collect();
    let of = |t: Decimal| {
        let mut names = inputs.clone();
        names.entry("t".to_owned()).or_insert(t);
        formula.evaluate(&names).map_err(|e| unusable(e.to_string()))
    };
    let mut sum = Decimal::ZERO;
    for (_, value) in &parts {
        sum = sum.checked_add(of(*value)?).unwrap_or_default();
    }
    let mut to = Comparison { compared: Vec::new() };
    for (name, printed) in expected {
        let printed = decimal(printed).ok_or_else(|| field(name, "is no number"))?;
        let lower = name.to_ascii_lowercase();
        let suffixes =
            ["_with_tax", "_with_taxes", "_com_imposto", "_com_impostos", "_com_tributos"];
        let part = suffixes.iter().find_map(|suffix| lower.strip_suffix(suffix));
        let part = part.unwrap_or(&lower);
        let exact = match parts.iter().find(|(name, _)| *name == part) {
            Some((_, value)) => of(*value)?,
            None if inputs.contains_key("t") || parts.is_empty() => of(Decimal::ZERO)?,
            None if part != lower => {
                return Err(field(part, "is missing in `inputs`"));
            }
            None => sum,
        };
        let ways =
            [Rounding::HalfUp, Rounding::Truncate].map(|r| round_to(exact, printed.scale(), r));
        to.add_any(name.clone(), Some(printed), &ways)
            .map_err(|source| BillCheckError::Billing { bill: id.to_owned(), source })?;
    }
    if to.compared.is_empty() {
        return Err(field("expected", "holds no figure"));
    }
    Ok(BillReport {
        id: id.to_owned(),
        equal: to.compared.iter().all(|c| c.equal),
        problem: None,
        hint: None,
        algorithm: text.to_owned(),
        compared: to.compared,
        taken: Vec::new(),
        lines: (0, 0),
    })
}
