//! `meter --plain` through a pipe, as a script uses it.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

use crate::{Town, command, refused};

struct Piped {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Piped {
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn write(&mut self, line: &str) {
        self.child.stdin.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Reads on until a line with this text.
    fn wait_for(&mut self, wanted: &str) -> String {
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            if line.contains(wanted) {
                return line;
            }
        }
        panic!("the meter never said `{wanted}`")
    }

    fn end(mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        self.child.wait().unwrap();
    }
}

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
    drop(meter.child.stdin.take());
    meter.wait_for("goes on sending");
    // It has sent when a page can show it.
    wait_until(|| std::fs::read_to_string(&state).unwrap_or_default().contains("\"ack\""));
    town.kill();
    let before = std::fs::read_to_string(&state).unwrap().matches("\"r\"").count();
    wait_until(|| std::fs::read_to_string(&state).unwrap().matches("\"r\"").count() > before + 1);
    meter.end();
    town.serve(&[]);
    let kept = std::fs::read_to_string(&state).unwrap();
    assert!(kept.contains("\"r\""));
    let mut again = Piped::start(&mut command(&arguments));
    again.wait_for("4 - Leave");
    again.write("4");
    let said = again.wait_for("off");
    assert!(said.contains("Everything is acknowledged"), "{said}");
    again.end();
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
    assert!(exported.contains("P-2,"), "{exported}");
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

/// Looks again until it is so; the test's own time limit is the only one.
fn wait_until(so: impl Fn() -> bool) {
    while !so() {
        std::thread::yield_now();
    }
}
