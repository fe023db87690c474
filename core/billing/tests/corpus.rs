//! Payment codes, paper bills and rates, good and broken, cut and changed: an answer, never worse.

use corrente_billing::{
    check::{check_bills, check_code, check_urdb},
    pay::{febraban, nf3e, pix},
};
use corrente_testkit::fuzz::Corpus;

const CODES: [&str; 6] = [
    "00020126330014br.gov.bcb.pix0111luz@b.examp520400005303986540528.355802BR5914LUZ DA VILA   6009FEIRA     \
     62070503***6304ABCD",
    "0002010102122669",
    "836000000013 283501380006 000000000019 261100000015",
    "83600000001283501380000000000001261100000001",
    "29261112345678000199660010000000011234567890",
    "00020199999999",
];

#[test]
fn whatever_the_code_is_there_is_an_answer() {
    Corpus::from_texts(CODES).try_all(|bytes, _| {
        let text = String::from_utf8_lossy(bytes);
        drop(pix::read(&text));
        drop(febraban::read(&text));
        drop(nf3e::read(&text));
        check_code(&text);
    });
}

#[test]
fn whatever_the_bill_is_there_is_a_report_or_a_refusal() {
    let bills: serde_json::Value =
        serde_json::from_str(include_str!("paper/bills.json")).expect("the bills are JSON");
    let bills: Vec<String> = bills["bills"]
        .as_array()
        .expect("a list of bills")
        .iter()
        .map(ToString::to_string)
        .chain([r#"{"id":"f","formula":"round(max(0.1*(1-x),0.05),4)","values":{"x":"0.2"}}"#
            .to_owned()])
        .collect();
    Corpus::from_texts(bills.iter().map(String::as_str)).try_all(|bytes, _| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        drop(check_bills(text));
        drop(check_urdb(text));
    });
}
