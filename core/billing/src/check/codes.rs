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
    /// What is unusual about a sound code.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// Its parts, in order.
    pub parts: Vec<(&'static str, String)>,
}

/// Checks codes as they come from a command line, where a code with blanks falls into several
/// arguments: groups of digits that are 44, 47 or 48 together are one code, and so are the pieces of a
/// PIX code.
pub fn check_codes(arguments: &[String]) -> Vec<CodeReport> {
    let mut reports = Vec::new();
    let mut rest = arguments;
    while let [first, others @ ..] = rest {
        let (report, used) =
            digit_groups(rest).or_else(|| pix_pieces(rest)).unwrap_or((check_code(first), 1));
        reports.push(report);
        rest = others.get(used.saturating_sub(1)..).unwrap_or_default();
    }
    reports
}

/// The run of groups of digits in front, where none of them is a code by itself.
fn digit_groups(arguments: &[String]) -> Option<(CodeReport, usize)> {
    let group = |text: &&String| {
        let digits = text.chars().filter(char::is_ascii_digit).count();
        (1..44).contains(&digits) && text.chars().all(is_digit_or_mark)
    };
    let run: Vec<&String> = arguments.iter().take_while(group).collect();
    let text = run.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(" ");
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (run.len() > 1 && [44, 47, 48].contains(&digits)).then(|| (check_code(&text), run.len()))
}

/// A PIX code that was split at its blanks.
fn pix_pieces(arguments: &[String]) -> Option<(CodeReport, usize)> {
    arguments.first().filter(|first| first.starts_with("0002"))?;
    (2..=arguments.len()).find_map(|count| {
        let report = check_code(&arguments.get(..count)?.join(" "));
        report.valid.then_some((report, count))
    })
}

fn is_digit_or_mark(c: char) -> bool {
    c.is_ascii_digit() || c == '.' || c == '-' || c.is_whitespace()
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
    let spaced = compact.chars().all(is_digit_or_mark);
    let prefixed = compact.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("NF3e"));
    let key = if prefixed { compact.get(4..).unwrap_or_default() } else { &compact };
    // A PIX code begins with its form, 00 02 01, and holds letters.
    if code.starts_with("0002") && !spaced {
        return pix_report(code);
    }
    let alone = key.chars().all(|c| c.is_ascii_alphanumeric());
    let is_key = alone && key.get(20..22) == Some("66") && !key.starts_with('8');
    // 44 digits are a key or bars, and bars begin with 8.
    let no_bars = spaced && digits == 44 && !key.starts_with('8');
    if is_key || no_bars || prefixed {
        return report(code, "nf3e_key", nf3e::read(key).as_ref().map(key_parts));
    }
    if spaced && digits > 0 {
        let read = febraban::read(code);
        let mut report = report(code, "bar_code", read.as_ref().map(bar_parts));
        if let Some(bars) = read.ok().filter(|bars| !bars.known_segment()) {
            let segment = bars.segment;
            report
                .remarks
                .push(format!("segment {segment} is not in FEBRABAN's list, 1 to 7 and 9"));
        }
        return report;
    }
    pix_report(code)
}

/// A PIX code, also one into which lines or blanks came on its way: its checksum tells whether it is
/// whole without them.
fn pix_report(code: &str) -> CodeReport {
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    let joined = lines.concat();
    let as_given = pix::read(&joined);
    let mut mended = lines.len() > 1;
    let read = as_given.or_else(|error| {
        let unindented: String = code.lines().collect();
        let compact: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let found = [unindented, lines.join(" "), compact].iter().find_map(|t| pix::read(t).ok());
        mended = true;
        found.ok_or(error)
    });
    let mut report = report(code, "pix", read.as_ref().map(pix_parts));
    if let Ok(read) = &read {
        if mended {
            report.remarks.push("line breaks or blanks in it were left out".to_owned());
        }
        report.remarks.extend(pix_remarks(read));
    }
    report
}

fn pix_remarks(code: &pix::BrCode) -> Vec<String> {
    let mut remarks = Vec::new();
    let city = code.city.chars().count();
    if city > 15 {
        remarks.push(format!(
            "the city has {city} characters, and the standard allows 15: some banks may refuse it"
        ));
    }
    let zero = |amount: &str| amount.bytes().all(|b| b == b'0' || b == b'.');
    match (code.kind, &code.amount) {
        (pix::BrCodeKind::Dynamic, Some(_)) => {
            remarks.push(
                "the amount of a dynamic code is ignored: that at its address counts".to_owned(),
            );
        }
        (_, Some(amount)) if zero(amount) => {
            remarks.push("an amount of 0 leaves it to the payer".to_owned());
        }
        (_, Some(_) | None) => {}
    }
    remarks
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
        Ok(parts) => {
            CodeReport { code, kind, valid: true, problem: None, remarks: Vec::new(), parts }
        }
        Err(error) => CodeReport {
            code,
            kind,
            valid: false,
            problem: Some(error.to_string()),
            remarks: Vec::new(),
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
        9 => "the bank's own",
        _ => "unknown",
    };
    let modulus = if code.value_id <= 7 { "modulus 10" } else { "modulus 11" };
    let amount = matches!(code.value_id, 6 | 8);
    vec![
        ("segment", format!("{} ({segment})", code.segment)),
        ("check digits", modulus.to_owned()),
        (if amount { "amount in BRL" } else { "quantity" }, code.value.to_string()),
        ("company", code.company.clone()),
        ("free field", code.free.clone()),
        ("bars", code.bars()),
        ("line", code.blocks()),
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
