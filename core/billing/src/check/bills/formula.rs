//! Published formulas with worked figures: `t/((1-icms)*(1-pis-cofins))`.
//!
//! `X_with_tax` in `expected` means the formula with `t = X` of the inputs, `sum` their sum, and
//! another name the formula with `t = tariff_value`. A figure may be cut or rounded at its last digit.

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
        let value = decimal(value).ok_or_else(|| field(name, "is no number"))?;
        inputs.insert(name.to_ascii_lowercase(), value);
    }
    let of = |name: &str| {
        let mut names = inputs.clone();
        let t = names.get(name).copied();
        let t = t.ok_or_else(|| field(name, "is missing in `inputs`"))?;
        names.insert("t".to_owned(), t);
        formula.evaluate(&names).map_err(|e| unusable(e.to_string()))
    };
    let mut to = Comparison { compared: Vec::new() };
    let mut sum = Decimal::ZERO;
    for (name, printed) in expected {
        let printed = decimal(printed).ok_or_else(|| field(name, "is no number"))?;
        let lower = name.to_ascii_lowercase();
        let exact = match lower.strip_suffix("_with_tax") {
            Some(part) => {
                let value = of(part)?;
                sum = sum.checked_add(value).unwrap_or_default();
                value
            }
            None if lower == "sum" => sum,
            None => of("tariff_value")?,
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
    })
}
