//! Payment codes and keys against published vectors.

#![expect(clippy::disallowed_methods, reason = "a test reads files that core must not")]
#![expect(clippy::print_stdout, reason = "says that it was skipped")]

use std::path::PathBuf;

use corrente_billing::pay::{
    febraban::{self, BarCode},
    nf3e,
    pix::{self, BrCodeKind, PixError, StaticCode},
};
use corrente_units::Money;
use serde_json::Value;

/// A file of published vectors, where the shared folder is present.
fn vectors(name: &str) -> Option<Value> {
    let root = std::env::var_os("CORRENTE_SHARED_DOMAIN").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/domain"),
        PathBuf::from,
    );
    let path = root.join("vectors").join(name);
    if let Ok(text) = std::fs::read_to_string(&path) {
        return Some(serde_json::from_str(&text).expect("a published vector is JSON"));
    }
    println!("skipped: {} is not here", path.display());
    None
}

/// The static code in the Central Bank's manual of standards for initiating a PIX.
const BCB_STATIC: &str = "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-426655440000\
                          5204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***63041D3D";

#[test]
fn codes_of_the_central_bank_are_read() {
    let code = pix::read(BCB_STATIC).unwrap();
    assert_eq!(code.kind, BrCodeKind::Static);
    assert_eq!(code.key.as_deref(), Some("123e4567-e12b-12d1-a456-426655440000"));
    assert_eq!((code.name.as_str(), code.txid.as_deref()), ("Fulano de Tal", Some("***")));

    // Other arrangements beside PIX, a postal code, and a reference with a dash.
    let code = pix::read(
        "00020104141234567890123426580014BR.GOV.BCB.PIX0136123e4567-e12b-12d1-a456-426655440000\
         27300012BR.COM.OUTRO011001234567895204000053039865406123.455802BR5917NOME DO RECEBEDOR\
         6008BRASILIA61081234567862190515RP12345678-201980390012BR.COM.OUTRO\
         01190123.ABCD.3456.WXYZ6304026D",
    )
    .unwrap();
    assert_eq!(code.amount.as_deref(), Some("123.45"));
    assert_eq!(code.postal_code.as_deref(), Some("12345678"));
}

#[test]
fn what_is_built_is_read_back() {
    let code = StaticCode {
        key: "pix@luzdovale.example".to_owned(),
        name: "Luz do Vale Distribuição de Energia S.A.".to_owned(),
        city: "São José do Vale Verde".to_owned(),
        amount: Some(Money::from_minor(52153)),
        txid: Some("F202611000042".to_owned()),
        info: Some("Conta de novembro".to_owned()),
    };
    let read = pix::read(&code.build().unwrap()).unwrap();
    assert_eq!(read.name, "Luz do Vale Distribuicao");
    assert_eq!(read.city, "Sao Jose do Val");
    assert_eq!(read.amount.as_deref(), Some("521.53"));
    assert_eq!(read.txid.as_deref(), Some("F202611000042"));
    assert_eq!(read.info.as_deref(), Some("Conta de novembro"));
}

#[test]
fn a_published_code_is_built_to_the_letter() {
    let code = StaticCode {
        key: "123e4567-e12b-12d1-a456-426655440000".to_owned(),
        name: "Fulano de Tal".to_owned(),
        city: "BRASILIA".to_owned(),
        ..StaticCode::default()
    };
    assert_eq!(code.build().unwrap(), BCB_STATIC);
}

#[test]
fn what_does_not_fit_names_the_field() {
    let good = StaticCode {
        key: "a@b.example".to_owned(),
        name: "A".to_owned(),
        city: "B".to_owned(),
        ..StaticCode::default()
    };
    let field = |code: StaticCode| {
        let error = code.build().unwrap_err();
        let PixError::Value { id, .. } = error else { panic!("{error}") };
        id
    };
    assert_eq!(field(StaticCode { key: String::new(), ..good.clone() }), "26.01");
    assert_eq!(field(StaticCode { name: "—".to_owned(), ..good.clone() }), "59");
    assert_eq!(field(StaticCode { txid: Some("a-b".to_owned()), ..good.clone() }), "62.05");
    assert_eq!(field(StaticCode { amount: Some(Money::ZERO), ..good.clone() }), "54");
    assert_eq!(field(StaticCode { info: Some("x".repeat(80)), ..good }), "26");
}

#[test]
fn any_changed_character_is_found() {
    let text = StaticCode {
        key: "pix@luzdovale.example".to_owned(),
        name: "Luz do Vale".to_owned(),
        city: "Vale".to_owned(),
        amount: Some(Money::from_minor(1)),
        ..StaticCode::default()
    }
    .build()
    .unwrap();
    for index in 0..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[index] = if changed[index] == b'7' { b'1' } else { b'7' };
        assert!(pix::read(std::str::from_utf8(&changed).unwrap()).is_err(), "at {index}");
        assert!(pix::read(&text[..index]).is_err(), "cut at {index}");
    }
}

#[test]
fn all_pix_vectors() {
    let Some(file) = vectors("pix.json") else { return };
    for case in file["positive"].as_array().unwrap() {
        let payload = case["payload"].as_str().unwrap();
        let code = pix::read(payload).unwrap_or_else(|e| panic!("{}: {e}", case["id"]));
        let expect = &case["expect"];
        let same = |name: &str, found: Option<&str>| {
            if let Some(expected) = expect[name].as_str() {
                assert_eq!(found, Some(expected), "{} {name}", case["id"]);
            }
        };
        same("key", code.key.as_deref());
        same("name", Some(&code.name));
        same("txid", code.txid.as_deref());
        same("amount", code.amount.as_deref());
        same("url", code.url.as_deref());
        same("poi", code.initiation.as_deref());
    }
    for case in file["negative"].as_array().unwrap() {
        let error = pix::read(case["payload"].as_str().unwrap());
        assert!(error.is_err(), "{} was accepted: {}", case["id"], case["why"]);
    }
}

#[test]
fn bar_codes_go_both_ways_under_both_moduli() {
    for (bars, line) in [
        (
            "83670000001234500300000000000001234567890123",
            "836700000018234500300004000000000125345678901231",
        ),
        (
            "83860000001234500300000000000001234567890123",
            "838600000018234500300000000000000124345678901235",
        ),
    ] {
        let code = febraban::read(bars).unwrap();
        assert_eq!(code, febraban::read(line).unwrap());
        assert_eq!((code.digits().unwrap(), code.line().unwrap()), (bars.into(), line.into()));
        assert_eq!(code.value, Money::from_minor(12345));
    }
    let odd = BarCode {
        segment: 3,
        value_id: 8,
        value: Money::from_minor(-1),
        company: "0030".to_owned(),
        free: "0".repeat(25),
    };
    assert!(odd.digits().unwrap_err().to_string().contains("amount"));
}

#[test]
fn all_bar_code_vectors() {
    let Some(file) = vectors("febraban.json") else { return };
    for list in ["vectors", "synthetic_coelba_like"] {
        for case in file[list].as_array().unwrap() {
            let (bars, line) =
                (case["barcode44"].as_str().unwrap(), case["line48"].as_str().unwrap());
            let code = febraban::read(bars).unwrap();
            assert_eq!(code, febraban::read(line).unwrap(), "{bars}");
            assert_eq!(code.digits().unwrap(), bars);
            assert_eq!(code.line().unwrap(), line);
            assert_eq!(Some(code.value.minor()), case["value_cents"].as_i64());
        }
    }
    for case in file["negative"].as_array().unwrap() {
        assert!(febraban::read(case["line48"].as_str().unwrap()).is_err(), "{}", case["why"]);
    }
}

#[test]
fn all_document_keys() {
    let Some(file) = vectors("nf3e.json") else { return };
    for case in file["vectors"].as_array().unwrap() {
        let key = case["key"].as_str().unwrap();
        let read = nf3e::read(key);
        assert_eq!(Some(read.is_ok()), case["valid"].as_bool(), "{key}: {read:?}");
        let Ok(read) = read else { continue };
        assert_eq!(read.key(), key);
        let parsed = &case["parsed"];
        assert_eq!(parsed["CNPJ"], read.issuer.as_str());
        assert_eq!(parsed["nNF"], read.number.as_str());
        assert_eq!(parsed["AAMM"], read.year_month.as_str());
        if let Some(qr) = case["qr"].as_str() {
            let base = qr.split('?').next().unwrap();
            assert_eq!(read.qr_address(base, true), qr);
        }
    }
}

#[test]
fn a_code_is_known_by_its_form() {
    use corrente_billing::check::check_code;
    let key = "24260508324196000181660001584318741060255822";
    let qr = format!("https://dfe-portal.svrs.rs.gov.br/nf3e/QRCode?chNF3e={key}&tpAmb=1");
    let bars = "83800000002284600384070295022802002609487803";
    let line = "83800000002-5 28460038407-5 02950228020-2 02609487803-3";
    let spaced = "2426 0508 3241 9600 0181 6600 0158 4318 7410 6025 5822";
    let cases: &[(&str, &str, Option<&str>)] = &[
        (key, "nf3e_key", None),
        (spaced, "nf3e_key", None),
        (&qr, "nf3e_key", None),
        (bars, "bar_code", None),
        (line, "bar_code", None),
        (&qr.replace("tpAmb=1", "tpAmb=3"), "nf3e_key", Some("tpAmb is `3`")),
        (&qr.replace("822&", "823&"), "nf3e_key", Some("check digit is 3, but 2")),
        (&key.replace("8166", "8155"), "nf3e_key", Some("`55`, must be 66")),
        (&bars.replacen("228", "238", 1), "bar_code", Some("the check digit in position 4")),
        (&bars[..43], "bar_code", Some("43 digits")),
        ("00020126", "bar_code", Some("8 digits")),
        ("hello", "pix", Some("broken at character 1")),
        ("", "pix", Some("")),
    ];
    for (code, kind, problem) in cases {
        let report = check_code(code);
        assert_eq!((report.kind, report.valid), (*kind, problem.is_none()), "{code}: {report:?}");
        if let Some(problem) = problem {
            assert!(report.problem.as_ref().unwrap().contains(problem), "{code}: {report:?}");
        }
    }
}

/// A static code with this amount, reference and city.
fn published(amount: &str, checksum: &str) -> String {
    format!(
        "00020126370014br.gov.bcb.pix0115pix@luz.example52040000530398654{:02}{amount}5802BR5911Luz do \
         Vale6004Vale62070503***6304{checksum}",
        amount.len()
    )
}

#[test]
fn unusual_codes_are_sound_with_a_remark_or_refused_with_the_reason() {
    use corrente_billing::check::{check_code, check_codes};
    let dynamic = "00020126420014br.gov.bcb.pix2520pix.luz.example/qr/15204000053039865401x5802BR5911\
                   Luz do Vale6004Vale62160512Nota 12/20266304BA99";
    let city = "00020126370014br.gov.bcb.pix0115pix@luz.example5204000053039865802BR5911Luz do Vale6019\
                Presidente Prudente62070503***6304E163";
    let reference = "00020126370014br.gov.bcb.pix0115pix@luz.example5204000053039865802BR5911Luz do \
                     Vale6004Vale62110507Nota 1263042810";
    let eight = "88620000001234500300000000000001234567890123";
    let wrapped = city.replace("5204", "\r\n  5204").replace("62070503", "\n62070503");
    // Code, sound, and words of its remarks or of its problem.
    let cases: &[(&str, bool, &str)] = &[
        (&published("10.", "0A5F"), true, ""),
        (&published("0.00", "CC6F"), true, "leaves it to the payer"),
        (&published(".5", "BAAB"), false, "amount"),
        (&published("10.123", "076E"), false, "amount"),
        (dynamic, true, "that at its address counts"),
        (reference, false, "reference"),
        (city, true, "the city has 19 characters"),
        (&wrapped, true, "were left out"),
        (&wrapped.replace("Luz", "Lux"), false, "checksum"),
        (eight, true, "segment 8 is not in FEBRABAN's list"),
        ("806000000018234500300004000000000125345678901231", true, "segment 0 is not"),
        ("34191790010104351004791020150008291070026000000", false, "bank slip"),
        ("29261212abc34501de35660000000000421076543213", true, ""),
        ("nf3e2926 1212 ABC3 4501 DE35 6600 0000 0000 4210 7654 3213", true, ""),
        ("29261212ABC34501DE35660000000000421076543214", false, "check digit is 4, but 3"),
    ];
    for (code, sound, words) in cases {
        let report = check_code(code);
        assert_eq!(report.valid, *sound, "{report:?}");
        let said = report.problem.clone().unwrap_or_else(|| report.remarks.join("; "));
        assert!(said.to_lowercase().contains(&words.to_lowercase()), "{said}\n{report:?}");
        assert_eq!(words.is_empty() && *sound, said.is_empty(), "{report:?}");
    }
    let lines = check_code("806000000018234500300004000000000125345678901231").parts;
    assert!(lines.iter().any(|(name, value)| *name == "bars" && value.starts_with("80600")));

    let arguments = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let bars = "83800000002-5 28460038407-5 02950228020-2 02609487803-3";
    let key = "2426 0508 3241 9600 0181 6600 0158 4318 7410 6025 5822";
    for (text, kinds) in [
        (bars, &["bar_code"][..]),
        (key, &["nf3e_key"]),
        (city, &["pix"]),
        (&format!("{city} {bars}"), &["pix", "bar_code"]),
        (&format!("{eight} {eight}"), &["bar_code", "bar_code"]),
    ] {
        let reports = check_codes(&arguments(text));
        let found: Vec<&str> = reports.iter().map(|r| r.kind).collect();
        assert_eq!(found, kinds, "{text}");
        assert!(reports.iter().all(|r| r.valid), "{reports:?}");
    }
    assert_eq!(check_codes(&arguments("8380 0000")).len(), 2);
}
