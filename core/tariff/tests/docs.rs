//! The examples of the documentation are sound tariffs.

#![expect(clippy::disallowed_methods, reason = "a test reads files that core must not")]

use corrente_tariff::{Tariff, explain};

#[test]
fn every_example_of_the_documentation_is_accepted() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/tariffs.md");
    let text = std::fs::read_to_string(path).expect("docs/tariffs.md is there");
    let mut examples = 0;
    for example in text.split("```toml\n").skip(1) {
        let example = example.split("```").next().expect("a fence that ends");
        let tariff = Tariff::parse(example).unwrap_or_else(|e| panic!("{e}\n{example}"));
        assert!(explain(&tariff).contains(tariff.code()));
        examples += 1;
    }
    assert!(examples >= 8, "only {examples} examples found");
}
