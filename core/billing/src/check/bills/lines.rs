//! What the lines of a paper bill are, by their names.

use corrente_units::Decimal;
use serde_json::{Map, Value};

use super::{
    cells::{Cells, Wrong, needed},
    paper::{Kind, PaperLine},
};
use crate::{Share, exact::Exact};

/// What lines find their prices in.
pub(super) struct Prices {
    /// By the words of their names, the most specific name first.
    pub(super) tariffs: Vec<(Vec<String>, Decimal)>,
    pub(super) flags: Vec<Flag>,
    /// The energy that was used, kWh.
    pub(super) used: Option<Decimal>,
    /// Rates of ICMS and of PIS and COFINS together.
    pub(super) icms: Decimal,
    pub(super) pis_cofins: Decimal,
}

/// The words of a name that decide what it is, in one language.
pub(super) fn words(name: &str) -> Vec<String> {
    let plain: String = name.to_lowercase().chars().map(without_accent).collect();
    let mut found = Vec::new();
    for word in plain.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        let same: &[&str] = match word {
            "isenta" | "isento" | "exempt" => &["exempt"],
            "compensada" | "compensado" | "credit" | "credito" | "comp" => &["credit"],
            "fp" | "hfp" | "foraponta" | "offpeak" => &["fora", "ponta"],
            "hp" | "peak" => &["ponta"],
            "off" => &["fora"],
            "int" | "hi" | "interm" | "intermediaria" | "intermediate" => &["intermediario"],
            "de" | "da" | "do" => &[],
            "patamar" => &["p"],
            other => &[other],
        };
        found.extend(same.iter().map(|w| (*w).to_owned()));
    }
    found
}

fn without_accent(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'ê' | 'è' => 'e',
        'í' | 'î' => 'i',
        'ó' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ü' => 'u',
        'ç' => 'c',
        other => other,
    }
}

pub(super) fn tariffs(object: &Map<String, Value>) -> Result<Vec<(Vec<String>, Decimal)>, Wrong> {
    let mut tariffs = Vec::new();
    for (name, value) in object {
        let value = needed(&format!("tariffs_brl_per_kwh.{name}"), Some(value))?;
        tariffs.push((words(name), value));
    }
    // The most specific name first: "GD II credit" before "TE".
    tariffs.sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
    Ok(tariffs)
}

/// A flag that the bill names.
pub(super) struct Flag {
    pub(super) words: Vec<String>,
    pub(super) price: Decimal,
    pub(super) share: Option<Share>,
}

/// `flag`, or `flags` where a period has more than one.
pub(super) fn flags(
    bill: &Map<String, Value>,
    reading: &Map<String, Value>,
) -> Result<Vec<Flag>, Wrong> {
    let mut listed: Vec<(String, &Value)> = Vec::new();
    for name in ["flag", "flags"] {
        match bill.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::Array(list)) => {
                let named = |(n, value)| (format!("{name}[{n}]"), value);
                listed.extend(list.iter().enumerate().map(named));
            }
            Some(value) => listed.push((name.to_owned(), value)),
        }
    }
    let mut flags = Vec::new();
    for (at, flag) in listed {
        let price = needed(&format!("{at}.brl_per_kwh"), flag.get("brl_per_kwh"))?;
        let name = flag.get("name").and_then(Value::as_str).unwrap_or_default();
        let share = match (flag.get("days_share"), flag.get("days")) {
            (Some(share), _) if !share.is_null() => {
                let share = share.as_str().and_then(day_share).ok_or_else(|| {
                    let problem = format!("is {share}: write the flag's days as \"18/31\"");
                    Wrong::new(format!("{at}.days_share"), problem)
                })?;
                Some(share)
            }
            (_, Some(days)) if !days.is_null() => {
                let part = needed(&format!("{at}.days"), Some(days))?;
                let of = needed("reading.days", reading.get("days"))?;
                let whole = |d: Decimal| i64::try_from(d).unwrap_or(0);
                Some(Share { part: whole(part), of: whole(of), unit: "days".to_owned() })
            }
            _ => None,
        };
        flags.push(Flag { words: words(name), price, share });
    }
    flags.sort_by_key(|flag| std::cmp::Reverse(flag.words.len()));
    Ok(flags)
}

/// `"18/31 (13..30 Nov yellow, Dec green)"`.
fn day_share(text: &str) -> Option<Share> {
    let (part, rest) = text.split_once('/')?;
    let of: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    let (part, of): (i64, i64) = (part.trim().parse().ok()?, of.parse().ok()?);
    (of > 0 && part >= 0).then(|| Share { part, of, unit: "days".to_owned() })
}

impl Prices {
    /// The sum of TUSD and TE for a line that names neither: that of the same period of the day.
    fn whole(&self, line: &[String]) -> Option<Decimal> {
        let part = |name: &[String], part: &str| name.iter().any(|word| word == part);
        if part(line, "tusd") || part(line, "te") {
            return None;
        }
        let rest = |name: &[String], part: &str| -> Vec<String> {
            name.iter().filter(|word| *word != part).cloned().collect()
        };
        let tusd = self.tariffs.iter().filter(|(name, _)| part(name, "tusd"));
        for (name, distribution) in tusd {
            let qualifiers = rest(name, "tusd");
            if !qualifiers.iter().all(|word| line.contains(word)) {
                continue;
            }
            let te = self
                .tariffs
                .iter()
                .find(|(name, _)| part(name, "te") && rest(name, "te") == qualifiers);
            if let Some((_, energy)) = te {
                return distribution.checked_add(*energy);
            }
        }
        None
    }

    fn tariff(&self, line: &[String]) -> Option<(Vec<String>, Decimal)> {
        let by_name = self.tariffs.iter().find(|(name, _)| name.iter().all(|n| line.contains(n)));
        if let Some(found) = by_name {
            return Some(found.clone());
        }
        let is = |prefix: &str| line.iter().any(|w| w.starts_with(prefix));
        if !(is("disponibilidade") || is("consumo") || is("energia")) {
            return None;
        }
        let full = || self.tariffs.iter().find(|(name, _)| name.iter().any(|n| n == "full"));
        let only = || self.tariffs.first().filter(|_| self.tariffs.len() == 1);
        let known = full().or_else(only).cloned();
        known.or_else(|| Some((Vec::new(), self.whole(line)?)))
    }

    /// The taxes that the line does not bear: those printed as 0 although they would be more than a
    /// cent.
    fn exempt(&self, line: &PaperLine, tariff: Decimal) -> Vec<&'static str> {
        let base = line.energy().ok().and_then(|energy| energy.checked_mul(tariff));
        let base = base.unwrap_or_default().abs();
        let counts =
            |rate: Decimal| base.checked_mul(rate).is_some_and(|tax| tax >= Decimal::new(2, 2));
        let zero =
            |printed: Option<Decimal>, rate| printed.is_some_and(|t| t.is_zero()) && counts(rate);
        let mut exempt = Vec::new();
        if zero(line.icms, self.icms) {
            exempt.push("icms");
        }
        if zero(line.pis_cofins, self.pis_cofins) {
            exempt.extend(["pis", "cofins", "pis_cofins"]);
        }
        exempt
    }

    /// The energy that flags are charged on: what was used, or what was not offset of it; whichever
    /// comes nearer to the printed amount.
    fn flagged(&self, line: &PaperLine, flag: &Flag, offset: Decimal) -> Option<Decimal> {
        let used = self.used?;
        let Some(value) = line.value else { return Some(used) };
        let off = |energy: Decimal| {
            let share = flag.share.as_ref().map_or(Decimal::ONE, |s| {
                Decimal::from(s.part).checked_div(s.of.into()).unwrap_or(Decimal::ONE)
            });
            let net = energy.checked_mul(flag.price).and_then(|v| v.checked_mul(share));
            let divisor = Decimal::ONE
                .checked_sub(self.icms)
                .zip(Decimal::ONE.checked_sub(self.pis_cofins))
                .and_then(|(a, b)| a.checked_mul(b));
            let gross = net.zip(divisor).and_then(|(net, divisor)| net.checked_div(divisor));
            gross.and_then(|gross| gross.checked_sub(value)).map(|d| d.abs())
        };
        let billed = used.checked_sub(offset).filter(|b| *b > Decimal::ZERO && *b < used);
        [Some(used), billed].into_iter().flatten().min_by_key(|energy| off(*energy))
    }
}

/// Energy that the lines take off again, kWh: of each part of the price the sum, and of these the
/// largest.
pub(super) fn offset(lines: &[PaperLine]) -> Decimal {
    let mut sums = std::collections::BTreeMap::<&str, Decimal>::new();
    for line in lines.iter().filter(|line| line.compensates()) {
        let part = ["tusd", "te"].into_iter().find(|part| line.words.iter().any(|w| w == part));
        let sum = sums.entry(part.unwrap_or_default()).or_default();
        *sum = sum.plus(line.quantity.unwrap_or_default().abs()).unwrap_or(*sum);
    }
    sums.into_values().max().unwrap_or_default()
}

impl PaperLine {
    /// Finds out how a line is made, by its name.
    pub(super) fn of(cells: Cells, prices: &Prices) -> Self {
        let mut line = Self {
            words: words(&cells.item),
            component: Vec::new(),
            quantity: cells.quantity,
            share: None,
            price: cells.price,
            value: cells.value,
            pis_cofins: cells.pis_cofins,
            icms: cells.icms,
            exempt: Vec::new(),
            kind: Kind::AsPrinted,
            item: cells.item,
        };
        if line.is("band") {
            return line;
        }
        let Some((name, tariff)) = prices.tariff(&line.words) else {
            // A product of printed figures can at least be multiplied again.
            let untaxed = [line.pis_cofins, line.icms].into_iter().flatten().all(|t| t.is_zero());
            if let (Some(price), Some(value), true) =
                (line.price.filter(|_| line.quantity.is_some()), line.value, untaxed)
            {
                line.price = Some(price.abs());
                line.kind = Kind::Untaxed { price: price.abs(), sign: value.signum_or_one() };
            }
            return line;
        };
        let takes_off = line.is("ajuste") || line.words.iter().any(|w| w == "credit");
        let untaxed = takes_off || line.words.iter().any(|w| w == "exempt" || w == "scee");
        if untaxed {
            let sign = if takes_off { Decimal::NEGATIVE_ONE } else { Decimal::ONE };
            line.quantity = line.quantity.map(|q| q.abs());
            line.price = line.price.map(|p| p.abs());
            line.kind = Kind::Untaxed { price: tariff, sign };
        } else if let Some(quantity) = line.quantity {
            line.component = name;
            // A discount with its taxes: what is taken off is computed like what was charged.
            if line.value.is_some_and(|value| value < Decimal::ZERO) && quantity > Decimal::ZERO {
                line.quantity = Some(Decimal::ZERO.checked_sub(quantity).unwrap_or(quantity));
                line.price = line.price.map(|price| price.abs());
            }
            line.exempt = prices.exempt(&line, tariff);
            line.kind = Kind::Taxed { tariff };
        }
        line
    }

    /// Makes a line of a flag, once it is known what the other lines take off.
    pub(super) fn flag(&mut self, prices: &Prices, offset: Decimal) {
        if !self.is("band") {
            return;
        }
        let Some(flag) = flag_of(&self.words, &prices.flags) else { return };
        self.quantity = self.quantity.or_else(|| prices.flagged(self, flag, offset));
        self.share.clone_from(&flag.share);
        if self.quantity.is_some() {
            self.kind = Kind::Taxed { tariff: flag.price };
            self.exempt = prices.exempt(self, flag.price);
        }
    }

    fn is(&self, prefix: &str) -> bool {
        self.words.iter().any(|word| word.starts_with(prefix))
    }

    /// It takes energy off again that was fed in (`G1Comp. mUC-TUSD`, `Energia compensada GD II`).
    pub(super) fn compensates(&self) -> bool {
        let marked = |w: &String| {
            w == "credit"
                || w.starts_with("injet")
                || w.get(2..).is_some_and(|w| w.starts_with("comp"))
        };
        let energy = self.quantity.is_some() && self.value.is_some_and(|v| v < Decimal::ZERO);
        energy && self.words.iter().any(marked)
    }
}

/// The flag that the line names; where no name fits, the only one there is.
fn flag_of<'a>(line: &[String], flags: &'a [Flag]) -> Option<&'a Flag> {
    let named =
        |flag: &&Flag| !flag.words.is_empty() && flag.words.iter().all(|word| line.contains(word));
    let near = |flag: &&Flag| flag.words.first().is_some_and(|word| line.contains(word));
    let only = |mut found: Box<dyn Iterator<Item = &'a Flag> + '_>| {
        let first = found.next();
        first.filter(|_| found.next().is_none())
    };
    flags
        .iter()
        .find(named)
        .or_else(|| only(Box::new(flags.iter().filter(near))))
        .or_else(|| only(Box::new(flags.iter())))
}

trait SignumOrOne {
    fn signum_or_one(self) -> Self;
}

impl SignumOrOne for Decimal {
    fn signum_or_one(self) -> Self {
        if self < Self::ZERO { Self::NEGATIVE_ONE } else { Self::ONE }
    }
}
