//! Every format against a corpus of good and broken files, cut and changed: an answer, and what holds of it.

use std::path::Path;

use corrente_files::{Mapping, inspect, read, scaled};
use corrente_testkit::fuzz::Corpus;

fn folder(name: &str) -> Corpus {
    Corpus::of(&Path::new(env!("CARGO_MANIFEST_DIR")).join(name))
}

#[test]
fn whatever_the_file_is_there_is_an_answer() {
    let mapping = Mapping::from_toml(include_str!("../../src/mappings/london.toml")).unwrap();
    folder("corpus").try_all(|bytes, _| {
        for mapping in [None, Some(&mapping)] {
            let Ok(found) = read(bytes, "any.csv", mapping) else { continue };
            for channel in &found.channels {
                let mut ends = channel.readings.iter().map(|reading| reading.end);
                let ordered = ends.next().is_none_or(|first| {
                    ends.try_fold(first, |last, end| (last < end).then_some(end)).is_some()
                });
                assert!(ordered, "readings of `{}` are not in order of time", channel.name);
            }
            let report = inspect(bytes, "any.csv", mapping).unwrap();
            assert_eq!(report.channels.len(), found.channels.len());
            serde_json::to_string(&report).unwrap();
        }
        if let Ok(text) = std::str::from_utf8(bytes) {
            for field in text.split([',', ';', '\n']).take(50) {
                // Some power of ten within what any unit needs.
                drop(scaled(field, '.', 3).and(scaled(field, ',', -3)));
            }
        }
    });
}

#[test]
fn whatever_the_mapping_is_it_is_taken_or_refused_with_its_place() {
    folder("src/mappings").try_all(|bytes, _| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        match Mapping::from_toml(text) {
            Ok(mapping) => {
                let file = "LCLid,tstp,energy(kWh/hh),time,date,serial,register\nH1,2013-03-31 00:30:00,0.2,,,,\n";
                drop(read(file.as_bytes(), "any.csv", Some(&mapping)));
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    });
}
