//! The cells of a paper bill: numbers as they stand in JSON, and the columns of its line table.

use corrente_units::Decimal;
use serde_json::{Map, Value};

/// A field that cannot be read, with what would be right.
pub(super) struct Wrong {
    pub(super) field: String,
    pub(super) problem: String,
}

impl Wrong {
    pub(super) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

/// A number, or a text that begins with one: `"0.0410 (inferred)"`. Nothing where there is none.
pub(super) fn decimal(value: &Value) -> Option<Decimal> {
    let parse = |text: &str| text.parse().ok().or_else(|| Decimal::from_scientific(text).ok());
    match value {
        Value::Number(number) => parse(&number.to_string()),
        Value::String(text) => parse(text.split_whitespace().next()?.trim_end_matches('%')),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The number of a field that may be empty. A text that is none is a mistake of the file: taken as
/// "nothing printed" it would never be compared.
pub(super) fn number(field: &str, value: &Value) -> Result<Option<Decimal>, Wrong> {
    let empty = match value {
        Value::Null => true,
        Value::String(text) => matches!(text.trim(), "" | "-" | "–"),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
    };
    if empty {
        return Ok(None);
    }
    if let Some(number) = decimal(value) {
        return Ok(Some(number));
    }
    let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let point = shown.replace('.', "").replace(',', ".");
    let fix = if shown.contains(',') && point.trim().parse::<Decimal>().is_ok() {
        format!(": write {}", point.trim())
    } else {
        String::new()
    };
    Err(Wrong::new(field, format!("is `{shown}`, which is no number{fix}")))
}

/// The number of a field that must be there.
pub(super) fn needed(field: &str, value: Option<&Value>) -> Result<Decimal, Wrong> {
    let value = value.ok_or_else(|| Wrong::new(field, "is missing"))?;
    number(field, value)?.ok_or_else(|| Wrong::new(field, "is empty, and it is needed"))
}

/// What stands on a line.
pub(super) struct Cells {
    pub(super) item: String,
    pub(super) quantity: Option<Decimal>,
    pub(super) price: Option<Decimal>,
    pub(super) value: Option<Decimal>,
    pub(super) pis_cofins: Option<Decimal>,
    pub(super) icms: Option<Decimal>,
}

const QUANTITY: &[&str] = &["qty", "quant"];
const PRICE: &[&str] = &["price", "preço", "preco"];
const VALUE: &[&str] = &["value", "valor", "amount"];

impl Cells {
    /// A line as an object: `{ "item": …, "qty kWh": …, "unit price": …, "value": … }`.
    pub(super) fn named(at: &str, cells: &Map<String, Value>) -> Result<Self, Wrong> {
        let names = cells.keys().cloned().map(Value::String).collect();
        let values: Vec<Value> = cells.values().cloned().collect();
        let mut line = Columns::of(Some(&Value::Array(names))).cells(at, &values)?;
        let name = ["item", "name", "label"].iter().find_map(|key| cells.get(*key)?.as_str());
        name.ok_or_else(|| Wrong::new(at, "has no `item`"))?.clone_into(&mut line.item);
        Ok(line)
    }
}

/// Where the columns of a line table are; nothing for one that the table does not have.
pub(super) struct Columns {
    names: Vec<String>,
    quantity: Option<usize>,
    price: Option<usize>,
    value: Option<usize>,
    /// One column for both taxes, or one each.
    pis_cofins: Vec<usize>,
    icms: Option<usize>,
}

impl Columns {
    pub(super) fn of(names: Option<&Value>) -> Self {
        let lower = |name: &Value| name.as_str().unwrap_or_default().to_lowercase();
        let names: Vec<String> = match names.and_then(Value::as_array).filter(|n| !n.is_empty()) {
            Some(names) => names.iter().map(lower).collect(),
            None => ["item", "qty kwh", "unit price", "value", "pis/cofins", "icms"]
                .map(str::to_owned)
                .to_vec(),
        };
        let find = |wanted: &[&str]| {
            let exact = names.iter().position(|n| wanted.contains(&n.as_str()));
            exact.or_else(|| names.iter().position(|n| wanted.iter().any(|w| n.contains(w))))
        };
        let taxes = names
            .iter()
            .enumerate()
            .filter(|(_, name)| name.contains("pis") || name.contains("cofins"));
        Self {
            quantity: find(QUANTITY),
            price: find(PRICE),
            value: find(VALUE),
            pis_cofins: taxes.map(|(index, _)| index).collect(),
            icms: find(&["icms"]),
            names,
        }
    }

    pub(super) fn cells(&self, at: &str, cells: &[Value]) -> Result<Cells, Wrong> {
        if cells.len() > self.names.len() {
            let problem = format!(
                "has {} cells, but `lines_columns` names {}",
                cells.len(),
                self.names.len()
            );
            return Err(Wrong::new(at, problem));
        }
        let cell = |index: Option<usize>| match index.and_then(|i| Some((i, cells.get(i)?))) {
            None => Ok(None),
            Some((index, value)) => {
                let name = self.names.get(index).map(String::as_str).unwrap_or_default();
                number(&format!("{at} ({name})"), value)
            }
        };
        let mut pis_cofins = None;
        for index in &self.pis_cofins {
            let Some(part) = cell(Some(*index))? else { continue };
            pis_cofins = part.checked_add(pis_cofins.unwrap_or_default());
        }
        Ok(Cells {
            item: cells.first().and_then(Value::as_str).unwrap_or_default().to_owned(),
            quantity: cell(self.quantity)?,
            price: cell(self.price)?,
            value: cell(self.value)?,
            pis_cofins,
            icms: cell(self.icms)?,
        })
    }
}
