//! The document in every language, read back by an independent reader of PDF.

use std::process::Command;

use corrente_document::{
    BarCode, Bill, HistoryMonth, Language, LineRow, MeterRow, Party, Period, Pix, Place, TaxRow,
    Why, WhyPart, invoice_pdf,
};

const PAYLOAD: &str = "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-426655440000520400005303986\
5802BR5913Fulano de Tal6008BRASILIA62070503***63041D3D";

/// The document takes any picture; that of a real code is tested where it is drawn.
const SQUARE: &str =
    r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M1 1h6v6h-6z"/></svg>"#;

fn bill() -> Bill {
    Bill {
        number: "000 123".into(),
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
        why: Some(Why {
            before: "R$ 180,00".into(),
            difference: "+32,34".into(),
            parts: vec![
                WhyPart { cause: "Mais ou menos energia por dia".into(), amount: "+30,00".into() },
                WhyPart { cause: "Preços".into(), amount: "+2,34".into() },
            ],
        }),
        digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
    }
}

fn line(label: &str, note: Option<&str>, quantity: &str, price: &str, amount: &str) -> LineRow {
    LineRow {
        label: label.into(),
        note: note.map(Into::into),
        quantity: quantity.into(),
        price: price.into(),
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

/// Writes the document to look at: `CORRENTE_LOOK=/tmp/bill.pdf cargo test -p corrente-document`.
#[test]
fn a_document_to_look_at() {
    if let Some(path) = std::env::var_os("CORRENTE_LOOK") {
        std::fs::write(path, invoice_pdf(&bill(), Language::Portuguese).unwrap()).unwrap();
    }
}
