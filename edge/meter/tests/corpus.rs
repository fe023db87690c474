//! The state file of a meter, good and damaged, cut and changed: opened, or refused with its line.

use corrente_meter::MeterState;
use corrente_testkit::fuzz::Corpus;

const STATES: [&str; 3] = [
    "{\"head\":{\"version\":1,\"identity\":{\"serial\":\"M-1\",\"secret\":\"s\"},\"next_sequence\":5,\"acknowledged\":2}}\n\
     {\"r\":[3,\"import\",1764000000,1000,0]}\n{\"r\":[4,\"import\",1764000010,1001,0]}\n{\"ack\":3}\n\
     {\"refused\":4}\n{\"note\":{\"wh\":5}}\n",
    "{\"head\":{\"version\":1,\"next_sequence\":1,\"acknowledged\":0}}\n{\"r\":[1,\"import\",17640",
    "{\"head\":{\"version\":9,\"next_sequence\":18446744073709551615,\"acknowledged\":0}}\n",
];

#[test]
fn whatever_the_state_is_it_is_opened_or_refused() {
    let directory = tempfile::tempdir().expect("a folder");
    let path = directory.path().join("meter.state");
    Corpus::from_texts(STATES).try_all(|bytes, _| {
        std::fs::write(&path, bytes).expect("written");
        match MeterState::open(&path) {
            Ok(state) => {
                let pending = state.pending().iter().map(|pending| pending.sequence);
                let acknowledged = state.acknowledged();
                assert!(pending.clone().all(|number| number > acknowledged), "{state:?}");
                assert!(pending.is_sorted_by(|a, b| a < b), "{state:?}");
                drop(state);
                // What was mended stays mended.
                MeterState::open(&path).expect("opened again");
            }
            Err(error) => assert!(error.to_string().contains("meter.state"), "{error}"),
        }
    });
}
