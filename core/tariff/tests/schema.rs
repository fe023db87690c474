//! The published schema is the one that the code means.

#![expect(clippy::disallowed_methods, reason = "a test reads files that core must not")]

use corrente_tariff::Tariff;

#[test]
fn the_committed_schema_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tariffs/schema.json");
    let schema = serde_json::to_string_pretty(&Tariff::schema()).expect("a schema is JSON");
    let schema = format!("{schema}\n");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, &schema).expect("the folder of tariffs is writable");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == schema,
        "tariffs/schema.json is not current: run this test with UPDATE_EXPECT=1"
    );
}
