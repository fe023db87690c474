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

/// Reads a code of any of the kinds that stand on a Brazilian bill: the text of a PIX code, the digits
/// of a bar code (44) or of its line (48), the key of an NF3e (44) or the address in its QR code.
pub fn check_code(code: &str) -> CodeReport {
    let code = code.trim();
    if let Some((_, question)) = code.split_once('?')
        && code.to_ascii_lowercase().contains("chnf3e=")
    {
        return report(code, "nf3e_key", address_parts(question));
    }
    let compact: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let digits = compact.chars().filter(char::is_ascii_digit).count();
    let spaced = compact.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-');
    let key = compact.strip_prefix("NF3e").unwrap_or(&compact);
    // A PIX code begins with its form, 00 02 01, and holds letters.
    if code.starts_with("0002") && !spaced {
        return report(code, "pix", pix::read(code).as_ref().map(pix_parts));
    }
    let alone = key.chars().all(|c| c.is_ascii_alphanumeric());
    let is_key = alone && key.get(20..22) == Some("66") && !key.starts_with('8');
    // 44 digits are a key or bars, and bars begin with 8.
    let no_bars = spaced && digits == 44 && !key.starts_with('8');
    if is_key || no_bars || compact.starts_with("NF3e") {
        return report(code, "nf3e_key", nf3e::read(key).as_ref().map(key_parts));
    }
    if spaced && digits > 0 {
        return report(code, "bar_code", febraban::read(code).as_ref().map(bar_parts));
    }
    report(code, "pix", pix::read(code).as_ref().map(pix_parts))
}

/// The question of an NF3e's QR address: `chNF3e=<key>&tpAmb=1`.
fn address_parts(question: &str) -> Result<Parts, String> {
    let value = |wanted: &str| {
        let mut pairs = question.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
    };
    let key = nf3e::read(value("chNF3e").unwrap_or_default()).map_err(|e| e.to_string())?;
    let environment = match value("tpAmb") {
        Some("1") => "production",
        Some("2") => "test",
        Some(other) => return Err(format!("tpAmb is `{other}`: 1 is production and 2 a test")),
        None => return Err("the address has no tpAmb: add &tpAmb=1".to_owned()),
    };
    let mut parts = key_parts(&key);
    parts.push(("environment", environment.to_owned()));
    Ok(parts)
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
