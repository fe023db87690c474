//! `meter --plain` through a pipe, as a script uses it.

use serde_json::Value;

use crate::{
    Town, command,
    piped::{Piped, wait_until},
    refused,
};

#[test]
fn the_menu_of_the_prototype_works_through_a_pipe() {
    let town = Town::start(&[]);
    let token = town.token(&[]);
    let state = town.path("meter.state");
    let mut meter = Piped::start(&mut command(&[
        "meter",
        "--plain",
        "--connect",
        &town.address(),
        "--token",
        &token,
        "--serial",
        "P-1",
        "--state",
        state.to_str().unwrap(),
        "--rate",
        "1",
        "--interval",
        "1",
    ]));
    assert_eq!(meter.wait_for("Meter"), "Meter initialization, please wait...");
    for line in ["1 - Increase", "2 - Decrease", "3 - Set", "4 - Leave"] {
        assert!(meter.wait_for("").starts_with(line));
    }
    meter.write("1");
    meter.write("0.5");
    meter.wait_for("Consumption rate: 1.5 kWh per second");
    meter.write("2");
    meter.write("9");
    meter.wait_for("Consumption rate: 0 kWh per second");
    meter.write("3");
    meter.write("lots");
    meter.wait_for("for example 0.5");
    meter.write("2");
    meter.wait_for("Consumption rate: 2 kWh per second");
    meter.write("7");
    meter.wait_for("type 1, 2, 3 or 4");
    meter.write("4");
    let said = meter.wait_for("off");
    assert!(said.contains("Everything is acknowledged"), "{said}");
    assert!(meter.child.wait().unwrap().success());
}

#[test]
fn at_the_end_of_its_input_it_goes_on_sending_and_nothing_is_lost_without_a_server() {
    let mut town = Town::start(&[]);
    let token = town.token(&[]);
    let state = town.path("meter.state");
    let path = state.to_str().unwrap().to_owned();
    let address = town.address();
    let arguments = [
        "meter",
        "--connect",
        &address,
        "--token",
        &token,
        "--serial",
        "P-2",
        "--state",
        &path,
        "--rate",
        "1",
        "--interval",
        "1",
    ];
    let mut meter = Piped::start(&mut command(&arguments));
    meter.close_input();
    meter.wait_for("goes on sending");
    // It has sent when a page can show it.
    let acknowledged = || std::fs::read_to_string(&state).unwrap_or_default().contains("\"ack\"");
    wait_until("an acknowledgement", acknowledged);
    let first_wh = wh_of_first_reading(&std::fs::read_to_string(&state).unwrap());
    town.kill();
    let before = std::fs::read_to_string(&state).unwrap().matches("\"r\"").count();
    wait_until("two more readings", || {
        std::fs::read_to_string(&state).unwrap().matches("\"r\"").count() > before + 1
    });
    drop(meter);
    town.serve(&[]);
    let kept = std::fs::read_to_string(&state).unwrap();
    assert!(kept.contains("\"r\""));
    let mut again = Piped::start(&mut command(&arguments));
    again.wait_for("4 - Leave");
    again.write("4");
    let said = again.wait_for("off");
    assert!(said.contains("Everything is acknowledged"), "{said}");
    assert!(again.child.wait().unwrap().success());
    // What the register counted since its first reading is what the server believes.
    let counted_wh = register_wh(&std::fs::read_to_string(&state).unwrap()) - first_wh;
    town.stop();
    let exported = crate::printed(&[
        "export",
        "usage",
        "--data",
        &town.data(),
        "--from",
        "2020-01-01",
        "--to",
        "2099-12-31",
        "--step",
        "year",
    ]);
    let wh: Vec<i64> = exported
        .lines()
        .filter_map(|line| line.strip_prefix("P-2,"))
        .filter_map(|line| line.split(',').nth(2)?.parse().ok())
        .collect();
    assert_eq!(wh.iter().sum::<i64>(), counted_wh, "{exported}");
    assert!(counted_wh >= 2000, "{counted_wh} Wh: two readings came without a server");
}

/// The records of a state file under this name.
fn records(state: &str, name: &str) -> Vec<Value> {
    let lines = state.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter_map(|record| record.get(name).cloned()).collect()
}

fn wh_of_first_reading(state: &str) -> i64 {
    let first = &records(state, "r")[0];
    assert_eq!(first[0], 1, "the first reading is still there");
    first[3].as_i64().unwrap()
}

/// What the register shows, as the meter remembers it.
fn register_wh(state: &str) -> i64 {
    let kwh = records(state, "note").pop().unwrap()["kwh"].as_str().unwrap().to_owned();
    kwh.parse::<i64>().unwrap() * 1000
}

#[test]
fn what_cannot_work_is_one_sentence() {
    let town = Town::start(&[]);
    let state = town.path("meter.state");
    let path = state.to_str().unwrap();
    let address = town.address();
    let said = refused(&["meter", "--connect", &address, "--state", path]);
    assert!(said.contains("--token"), "{said}");
    let said = refused(&["meter", "--connect", &address, "--state", path, "--token", "wrong"]);
    assert!(said.contains("not_admitted"), "{said}");
    std::fs::write(&state, "no state\n").unwrap();
    let said = refused(&["meter", "--connect", &address, "--state", path, "--token", "wrong"]);
    assert!(said.contains("line 1") && said.contains("damaged"), "{said}");
}
