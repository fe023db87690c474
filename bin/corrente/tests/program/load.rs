//! A fleet that is connected at once: memory of the server per connection, and how long an acknowledgement
//! takes. `CORRENTE_FLEET=10000 cargo test --release -p corrente --test program load -- --nocapture` is the
//! large one.

use std::{env, fs};

use crate::{Town, printed};

fn meters() -> u32 {
    env::var("CORRENTE_FLEET").ok().and_then(|n| n.parse().ok()).unwrap_or(300)
}

/// The server's own memory, in bytes.
fn resident_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn a_fleet_reports_and_its_cost_is_told() {
    if !cfg!(target_os = "linux") {
        println!("skipped: reads /proc");
        return;
    }
    let meters = meters();
    let town = Town::start(&[]);
    let token = town.token(&[]);
    let pid = town.server.as_ref().unwrap().pid();
    let before = resident_bytes(pid);
    let (state, record) = (town.path("fleet.json"), town.path("fleet.jsonl"));
    let record = record.to_str().unwrap();
    let (count, seconds) = (meters.to_string(), (10 + meters / 100).to_string());
    let said = printed(&[
        "fleet",
        "--connect",
        &town.address(),
        "--token",
        &token,
        "--meters",
        &count,
        "--interval",
        "2",
        "--ramp",
        "500",
        "--duration",
        &seconds,
        "--state",
        state.to_str().unwrap(),
        "--record",
        record,
    ]);
    let grown = resident_bytes(pid).saturating_sub(before);
    let last = said.lines().rfind(|line| line.contains("ack")).unwrap_or_default();
    corrente_testkit::figure(&format!(
        "load: {last}\nload: the server grew by {} kB, {} bytes per meter with its readings",
        grown / 1024,
        grown / u64::from(meters)
    ));
    let connected = last.split(" · ").find_map(|part| part.strip_prefix("connected ")).unwrap();
    let (now, of) = connected.split_once(" of ").unwrap();
    assert_eq!(now, of, "not all were connected: {said}");
    assert!(said.contains("refused 0"), "{said}");
    // Each of them was heard, and all of what each said is in the ledger.
    let checked = printed(&["fleet", "check", "--data", &town.data(), "--record", record]);
    println!("{checked}");
    let reported = checked.lines().next().unwrap().replace('\u{202f}', "");
    assert_eq!(reported, format!("{meters} of {meters} meters reported"));
}
