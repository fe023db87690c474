//! `admin findings`: the worklist of a running server, worked off from a terminal.

use std::fmt::Write as _;

use serde_json::Value;

use crate::{Town, printed, refused};

/// Five simulated days after the first reading.
const CLOCK: [&str; 2] = ["--simulate-clock", "2013-01-06T12:00:00Z@1"];

/// An administrator's token.
pub(crate) fn administrator(data: &str) -> String {
    let email = "root@example.com";
    printed(&[
        "admin", "user", "create", "--data", data, "--email", email, "--name", "R", "--role",
        "admin",
    ]);
    printed(&["admin", "user", "api-token", "--data", data, email, "--scope", "admin"])
        .trim()
        .to_owned()
}

/// The row of the worklist with this rule that begins so, as soon as the server has looked at its days.
fn waits(server: &str, token: &str, (rule, from): (&str, &str)) -> Value {
    let list = ["admin", "findings", "list", "--server", server, "--api-token", token, "--json"];
    for _ in 0..600 {
        let groups: Value = serde_json::from_str(&printed(&list)).unwrap();
        let wanted = |g: &&Value| g["rule"] == rule && g["from"] == from;
        if let Some(group) = groups.as_array().unwrap().iter().find(wanted) {
            return group.clone();
        }
    }
    panic!("no finding of {rule} came")
}

#[test]
fn findings_are_decided_in_a_running_server() {
    let mut town = Town::start(&CLOCK);
    let (data, path) = (town.data(), town.path("half.csv"));
    let token = administrator(&data);
    town.stop();
    // Four days of half hours; from ten to three of the first day nothing.
    let mut file = "LCLid,tstp,energy(kWh/hh)\n".to_owned();
    for n in (0..192).filter(|n| !(20..30).contains(n)) {
        let (day, half) = (1 + n / 48, n % 48);
        writeln!(file, "MAC4,2013-01-{day:02} {:02}:{:02}:00,0.2", half / 2, half % 2 * 30)
            .unwrap();
    }
    std::fs::write(&path, file).unwrap();
    printed(&["import", path.to_str().unwrap(), "--data", &data, "--create"]);
    town.serve(&CLOCK);
    let server = format!("http://{}", town.address());
    let group = waits(&server, &token, ("missing", "2013-01-01T10:00:00Z"));
    assert_eq!((&group["usage_points"], &group["count"]), (&1.into(), &1.into()), "{group}");
    let id = group["findings"][0].as_str().unwrap();
    let said = refused(&["admin", "findings", "accept", "--data", &data, id]);
    assert!(said.contains("--server"), "{said}");
    let there = ["--server", &server, "--api-token", &token];
    let run = |command: &str, more: &[&str]| {
        let mut arguments = vec!["admin", "findings", command];
        arguments.extend(there);
        arguments.extend(more);
        arguments.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()
    };
    let said =
        |arguments: Vec<String>| printed(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let without = run("edit", &[id, "--kwh", "2.5"]);
    let refusal = refused(&without.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(refusal.contains("reason"), "{refusal}");
    let edit = || run("edit", &[id, "--kwh", "2.5", "--reason", "the neighbour's meter"]);
    assert_eq!(said(edit()), "1 finding decided\n");
    assert_eq!(said(edit()), "nothing changed: it was decided so before\n");
    let shown: Value = serde_json::from_str(&said(run("show", &[id]))).unwrap();
    assert_eq!((&shown["state"], &shown["usage_point_name"]), (&"resolved".into(), &"MAC4".into()));
    assert_eq!(shown["suggestion"]["kind"], "read_on_site_or_edit");
    let chart = shown["chart"].as_array().unwrap();
    let edited: Vec<&Value> = chart.iter().filter(|i| i["quality"] == "edited").collect();
    assert_eq!(edited.len(), 10, "{chart:?}");
    assert!(edited.iter().all(|i| i["wh"] == 250 && i["read_wh"].is_null()), "{edited:?}");
}
