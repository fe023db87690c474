//! Tariff files and rates of the OpenEI form, good and broken, cut and changed: taken or refused, never worse.

use std::path::Path;

use corrente_tariff::{Tariff, explain, urdb};
use corrente_testkit::fuzz::Corpus;

fn folder(name: &str) -> Corpus {
    Corpus::of(&Path::new(env!("CARGO_MANIFEST_DIR")).join(name))
}

#[test]
fn whatever_the_file_is_it_is_a_tariff_or_refused() {
    let taken = std::cell::Cell::new(0_u32);
    folder("../../tariffs").and(folder("corpus")).try_all(|bytes, _| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        match Tariff::parse(text) {
            Ok(tariff) => {
                taken.set(taken.get() + 1);
                explain(&tariff);
                let toml = tariff.to_toml().expect("a tariff is TOML");
                let again = Tariff::parse(&toml).expect("what was written is read");
                assert_eq!(again.digest(), tariff.digest(), "{toml}");
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    });
    assert!(taken.get() > 10, "a change in a comment or a price leaves a tariff");
}

#[test]
fn whatever_the_rate_is_it_is_imported_or_refused() {
    folder("corpus").try_all(|bytes, _| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        match urdb::import(text) {
            Ok(imported) => drop(format!("{imported:?}")),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    });
}
