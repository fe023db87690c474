//! `pay check`: what a payment code says and whether it is sound.

use serde::Serialize;

use crate::pay::{febraban, nf3e, pix};

/// What a code is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CodeReport {
    /// The code as given.
    pub code: String,
    /// `pix`, `bar_code` or `nf3e_key`.
    pub kind: &'static str,
    /// It is sound.
    pub valid: bool,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Its parts, in order.
    pub parts: Vec<(&'static str, String)>,
}

/// Reads a code of any of the kinds that stand on a Brazilian bill.
pub fn check_code(code: &str) -> CodeReport {
    let code = code.trim();
    let digits = code.chars().filter(char::is_ascii_digit).count();
    let spaced = |c: char| c.is_ascii_digit() || c.is_whitespace() || c == '.' || c == '-';
    let key = code.strip_prefix("NF3e").unwrap_or(code);
    if code.starts_with("0002") && !code.chars().all(spaced) {
        return report(code, "pix", pix::read(code).as_ref().map(pix_parts));
    }
    let is_key = key.get(20..22) == Some("66") && !key.starts_with('8');
    if is_key || code.starts_with("NF3e") {
        return report(code, "nf3e_key", nf3e::read(code).as_ref().map(key_parts));
    }
    if code.chars().all(spaced) && digits > 0 {
        return report(code, "bar_code", febraban::read(code).as_ref().map(bar_parts));
    }
    report(code, "pix", pix::read(code).as_ref().map(pix_parts))
}

type Parts = Vec<(&'static str, String)>;

fn report<E: ToString>(code: &str, kind: &'static str, read: Result<Parts, E>) -> CodeReport {
    let code = code.to_owned();
    match read {
        Ok(parts) => CodeReport { code, kind, valid: true, problem: None, parts },
        Err(error) => CodeReport {
            code,
            kind,
            valid: false,
            problem: Some(error.to_string()),
            parts: Vec::new(),
        },
    }
}

fn pix_parts(code: &pix::BrCode) -> Parts {
    let kind = match code.kind {
        pix::BrCodeKind::Static => "static",
        pix::BrCodeKind::Dynamic => "dynamic",
        pix::BrCodeKind::RecurrenceOnly => "recurrence only",
    };
    let optional = [
        ("point of initiation", &code.initiation),
        ("key", &code.key),
        ("message", &code.info),
        ("payment provider", &code.provider),
        ("address", &code.url),
        ("amount in BRL", &code.amount),
        ("postal code", &code.postal_code),
        ("reference", &code.txid),
        ("recurrence", &code.recurrence),
    ];
    let mut parts =
        vec![("kind", kind.to_owned()), ("payee", code.name.clone()), ("city", code.city.clone())];
    parts.extend(optional.into_iter().filter_map(|(name, v)| Some((name, v.clone()?))));
    parts
}

fn bar_parts(code: &febraban::BarCode) -> Parts {
    let segment = match code.segment {
        1 => "city hall",
        2 => "water and sewage",
        3 => "electricity and gas",
        4 => "telecommunications",
        5 => "government bodies",
        6 => "companies by CNPJ",
        7 => "traffic fines",
        _ => "the bank's own",
    };
    let modulus = if code.value_id <= 7 { "modulus 10" } else { "modulus 11" };
    let amount = matches!(code.value_id, 6 | 8);
    vec![
        ("segment", format!("{} ({segment})", code.segment)),
        ("check digits", modulus.to_owned()),
        (if amount { "amount in BRL" } else { "quantity" }, code.value.to_string()),
        ("company", code.company.clone()),
        ("free field", code.free.clone()),
        ("bars", code.digits().unwrap_or_default()),
        ("line", code.line().unwrap_or_default()),
    ]
}

fn key_parts(key: &nf3e::Nf3eKey) -> Parts {
    vec![
        ("state", key.state.clone()),
        ("year and month", key.year_month.clone()),
        ("issuer", key.issuer.clone()),
        ("series", key.series.clone()),
        ("number", key.number.clone()),
        ("emission", if key.emission == 1 { "normal" } else { "off-line contingency" }.to_owned()),
    ]
}
