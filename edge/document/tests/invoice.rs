//! The document in every language, read back by an independent reader of PDF.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail like the test itself")]

use std::process::Command;

use corrente_document::{
    BarCode, Bill, Corrects, DifferenceRow, Facts, HistoryMonth, Language, LineRow, MeterRow, Nf3e,
    Party, Period, Pix, Place, TaxRow, Why, WhyPart, compose, invoice_pdf,
};

const PAYLOAD: &str = "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-426655440000520400005303986\
5802BR5913Fulano de Tal6008BRASILIA62070503***63041D3D";

/// The document takes any picture; that of a real code is tested where it is drawn.
const SQUARE: &str =
    r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M1 1h6v6h-6z"/></svg>"#;

fn bill() -> Bill {
    Bill {
        number: "000123".into(),
        corrects: None,
        issuer: Party {
            name: "Luz do Vale".into(),
            number: String::new(),
            document: Some("00.000.000/0001-91".into()),
            address: "Avenida da Estação, 1 · Vale Claro".into(),
        },
        customer: Party {
            name: "Ana Ribeiro".into(),
            number: "700001".into(),
            document: None,
            address: "Rua das Acácias, 10 · Vale Claro".into(),
        },
        usage_point: Place {
            name: "Casa 001".into(), class: "B1 residencial · monofásico".into()
        },
        period: Period { first: "01/10/2026".into(), last: "31/10/2026".into(), days: "31".into() },
        issued: "01/11/2026".into(),
        issued_on: (2026, 11, 1),
        due: "16/11/2026".into(),
        next_reading: Some("01/12/2026".into()),
        total: "R$ 212,34".into(),
        energy: "198,4 kWh".into(),
        lines: vec![
            line("Consumo TUSD", Some("REN 1000/2021"), "198,4 kWh", "0,70502958", "139,87"),
            line("Consumo TE", None, "198,4 kWh", "0,39172122", "77,71"),
            line("Iluminação pública", None, "", "", "12,00"),
        ],
        tax_columns: vec!["ICMS".into()],
        sum: "R$ 212,34".into(),
        taxes: vec![TaxRow {
            name: "ICMS".into(),
            base: "217,58".into(),
            rate: "20,5 %".into(),
            amount: "44,60".into(),
        }],
        meters: vec![MeterRow {
            serial: "VC-10001".into(),
            start: "12.345,0".into(),
            start_at: "01/10/2026 00:00".into(),
            end: "12.543,4".into(),
            end_at: "01/11/2026 00:00".into(),
            constant: "1".into(),
            energy: "198,4".into(),
        }],
        quality: "2.940 medidos, 36 estimados".into(),
        history: (1..=13)
            .map(|month| HistoryMonth {
                label: format!("{month:02}/26"),
                kwh: format!("{}", 150 + month * 7),
                wh: 150_000 + month * 7000,
            })
            .collect(),
        messages: vec!["Bandeira verde neste mês.".into()],
        pix: Some(Pix {
            payload: PAYLOAD.into(),
            qr_svg: SQUARE.into(),
            payee: "LUZ DO VALE".into(),
            txid: "CORRENTE000123".into(),
        }),
        barcode: Some(BarCode {
            digits: "83800000002-5 28460038407-5 02950228020-2 02609487803-3".into(),
            svg: SQUARE.into(),
        }),
        why: Some(why()),
        why_last_year: Some(why()),
        nf3e: None,
        digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
    }
}

fn why() -> Why {
    let part = |cause: &str, amount: &str| WhyPart { cause: cause.into(), amount: amount.into() };
    Why {
        before: "R$ 180,00".into(),
        difference: "+32,34".into(),
        parts: vec![
            part("Mais ou menos energia por dia", "+30,00"),
            part("Preços", "+2,54"),
            part("Bandeira tarifária", "−0,10"),
            part("Alíquotas de tributos", "−0,10"),
        ],
    }
}

fn line(label: &str, note: Option<&str>, quantity: &str, price: &str, amount: &str) -> LineRow {
    LineRow {
        label: label.into(),
        note: note.map(Into::into),
        quantity: quantity.into(),
        price: price.into(),
        net_price: String::new(),
        taxes: vec!["44,60".into()],
        amount: amount.into(),
    }
}

#[test]
fn a_document_in_every_language_says_what_the_bill_says() {
    let folder = tempfile::tempdir().unwrap();
    for (language, title) in [
        (Language::Portuguese, "Fatura de energia elétrica"),
        (Language::English, "Electricity bill"),
        (Language::Spanish, "Factura de electricidad"),
    ] {
        let pdf = invoice_pdf(&bill(), language).unwrap();
        assert!(pdf.starts_with(b"%PDF-"));
        let path = folder.path().join("invoice.pdf");
        std::fs::write(&path, &pdf).unwrap();
        let Ok(read) = Command::new("pdftotext").arg("-layout").arg(&path).arg("-").output() else {
            eprintln!("skipped reading the document back: pdftotext is not installed");
            return;
        };
        let text = String::from_utf8(read.stdout).unwrap();
        for expected in [
            title,
            "R$ 212,34",
            "0,70502958",
            "12.543,4",
            "16/11/2026",
            "CORRENTE000123",
            "83800000002-5",
            "+30,00",
        ] {
            assert!(text.contains(expected), "{language:?} does not say {expected}:\n{text}");
        }
        assert_eq!(text.matches('\u{c}').count(), 1, "all of it stands on one page:\n{text}");
    }
}

#[test]
fn the_same_bill_gives_the_same_bytes() {
    let first = invoice_pdf(&bill(), Language::Portuguese).unwrap();
    assert_eq!(first, invoice_pdf(&bill(), Language::Portuguese).unwrap());
}

#[test]
fn every_language_has_the_same_words() {
    let keys = |text: &str| -> Vec<String> {
        let words: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).unwrap();
        words.keys().cloned().collect()
    };
    let portuguese = keys(include_str!("../words/pt-BR.json"));
    assert_eq!(portuguese, keys(include_str!("../words/en.json")));
    assert_eq!(portuguese, keys(include_str!("../words/es.json")));
}

/// The golden plans of the billing crate, as they stand on paper.
const PLANS: [(&str, &str); 5] = [
    ("brazil", include_str!("../../../core/billing/tests/golden/plan-1-brazil.json")),
    ("white", include_str!("../../../core/billing/tests/golden/plan-1-white.json")),
    ("credits", include_str!("../../../core/billing/tests/golden/plan-1-credits.json")),
    ("vat", include_str!("../../../core/billing/tests/golden/plan-1-vat.json")),
    ("demand", include_str!("../../../core/billing/tests/golden/plan-1-demand.json")),
];

/// The plan of a golden file, which holds its tariffs too.
fn golden(text: &str) -> corrente_billing::BillingPlan {
    let mut file: serde_json::Value = serde_json::from_str(text).unwrap();
    serde_json::from_value(file["plan"].take()).unwrap()
}

fn composed(text: &str, language: Language) -> Bill {
    let plan = golden(text);
    let calendar = corrente_metering::Calendar::new(&plan.zone).unwrap();
    let example = bill();
    let facts = Facts {
        number: example.number,
        corrects: None,
        amount: plan.totals.total,
        issuer: example.issuer,
        customer: example.customer,
        usage_point: example.usage_point.name,
        class: "residential".into(),
        phases: 1,
        issued: plan.until,
        due: plan.until.saturating_add(jiff::ToSpan::days(12)),
        next_reading: None,
        history: Vec::new(),
        flags: vec![("verde".into(), plan.first, plan.until)],
        pix: example.pix,
        barcode: example.barcode,
        why: None,
        why_last_year: None,
        nf3e: None,
    };
    compose(&plan, facts, &calendar, language)
}

/// What each language says of the golden plans. After a change that is meant: UPDATE=1, and read the diff.
#[test]
fn golden_plans_stand_on_paper_as_reviewed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for (name, text) in PLANS {
        for (language, tag) in
            [(Language::Portuguese, "pt"), (Language::English, "en"), (Language::Spanish, "es")]
        {
            let bill = composed(text, language);
            let said = format!("{}\n", serde_json::to_string_pretty(&bill).unwrap());
            let path = folder.join(format!("{name}.{tag}.json"));
            if std::env::var_os("UPDATE").is_some() {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&path, &said).unwrap();
            }
            let known = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(known == said, "{} is not what is composed now:\n{said}", path.display());
            assert!(invoice_pdf(&bill, language).unwrap().starts_with(b"%PDF-"));
        }
    }
}

/// The lines' columns are the plan's figures: of each line what is printed adds up to the total.
#[test]
fn what_is_printed_adds_up() {
    for (name, text) in PLANS {
        let plan = golden(text);
        let bill = composed(text, Language::English);
        let cents = |text: &str| -> i64 {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            digits.parse::<i64>().unwrap() * if text.starts_with('−') { -1 } else { 1 }
        };
        let lines: i64 = bill.lines.iter().map(|line| cents(&line.amount)).sum();
        assert_eq!(lines + plan.totals.taxes_added.minor(), plan.totals.total.minor(), "{name}");
        for (column, label) in bill.tax_columns.iter().enumerate() {
            let own: i64 = bill
                .lines
                .iter()
                .filter(|line| !line.taxes[column].is_empty())
                .map(|line| cents(&line.taxes[column]))
                .sum();
            let boxed: i64 = plan
                .tax_box
                .iter()
                .filter(|row| row.label == *label)
                .map(|row| row.amount.minor())
                .sum();
            assert_eq!(own, boxed, "{name}: {label}");
        }
    }
}

/// Writes documents to look at: `CORRENTE_LOOK=/tmp/bills cargo test -p corrente-document`.
#[test]
fn documents_to_look_at() {
    let Some(folder) = std::env::var_os("CORRENTE_LOOK") else { return };
    let folder = std::path::PathBuf::from(folder);
    std::fs::create_dir_all(&folder).unwrap();
    for (language, tag) in
        [(Language::Portuguese, "pt"), (Language::English, "en"), (Language::Spanish, "es")]
    {
        let write = |name: &str, bill: &Bill| {
            let pdf = invoice_pdf(bill, language).unwrap();
            std::fs::write(folder.join(format!("{name}.{tag}.pdf")), pdf).unwrap();
        };
        for (name, text) in PLANS {
            let full = bill();
            let nf3e = Nf3e {
                key: "2926 0112 3456 7800 0195 6600 1000 0001 2310 0009 7403 7".into(),
                qr_svg: SQUARE.into(),
            };
            let own = Bill {
                history: full.history,
                why: full.why.clone(),
                why_last_year: full.why,
                nf3e: Some(nf3e),
                next_reading: full.next_reading,
                ..composed(text, language)
            };
            write(name, &own);
        }
        let corrects = Corrects {
            number: "000122".into(),
            reason: "Leitura que chegou depois".into(),
            before: "R$ 212,34".into(),
            after: "R$ 200,00".into(),
            difference: "−12,34".into(),
            credit: true,
            lines: vec![DifferenceRow {
                label: "Consumo TUSD".into(),
                before: "139,87".into(),
                after: "127,53".into(),
                difference: "−12,34".into(),
            }],
        };
        let credit = Bill { corrects: Some(corrects), pix: None, barcode: None, ..bill() };
        write("credit", &credit);
    }
}
