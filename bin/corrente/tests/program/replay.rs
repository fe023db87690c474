//! `replay` and `export`: recorded data in, the same watt-hours out.

use std::{collections::BTreeMap, fs, path::Path};

use crate::{Town, printed, refused};

const MAP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/maps/london.toml");

/// Yearly totals as `replay` printed them and as `export` prints them, by usage point.
fn replayed(town: &mut Town, files: &[&str], more: &[&str]) -> BTreeMap<String, i64> {
    let token = town.token(&["--installed-from", "beginning"]);
    let state = town.path("replay.json");
    let address = town.address();
    let mut arguments = vec![
        "replay",
        "--map",
        MAP,
        "--connect",
        &address,
        "--token",
        &token,
        "--state",
        state.to_str().unwrap(),
    ];
    arguments.extend(more);
    arguments.extend(files);
    let report = printed(&arguments);
    // Once more: the server knows all of it, and nothing changes.
    assert_eq!(printed(&arguments), report);
    report
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            (fields[0].to_owned(), fields[2].parse().unwrap())
        })
        .collect()
}

fn exported(town: &Town, from: &str, to: &str, step: &str) -> BTreeMap<String, Vec<(i64, String)>> {
    let mut points: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
    let text = printed(&[
        "export",
        "usage",
        "--data",
        &town.data(),
        "--from",
        from,
        "--to",
        to,
        "--step",
        step,
    ]);
    assert!(text.starts_with("usage_point,period_start,period_end,wh,quality\n"), "{text}");
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let wh = fields[3].parse().unwrap_or(0);
        points.entry(fields[0].to_owned()).or_default().push((wh, fields[4].to_owned()));
    }
    points
}

fn config(town: &Town) -> String {
    let path = town.path("corrente.toml");
    fs::write(&path, "[organisation]\nname = \"London\"\nzone = \"Europe/London\"\n").unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn files_of_our_own_with_every_quirk() {
    let mut town = Town::start(&[]);
    let csv = town.path("homes.csv");
    fs::write(
        &csv,
        "LCLid,tstp,energy(kWh/hh)\n\
         H1,2013-01-01 00:00:00, 0.219 \n\
         H1,2013-01-01 00:30:00, 1.0779999 \n\
         H1,2013-01-01 01:30:00,Null\n\
         H2,2013-01-01 00:00:00, 0 \n\
         H1,2013-01-01 00:00:00, 0.219 \n\
         H2,2013-12-31 23:30:00, 0.0005 \n\
         H2,2013-12-31 23:00:00, 0.0015 \n",
    )
    .unwrap();
    let totals = replayed(&mut town, &[csv.to_str().unwrap()], &[]);
    assert_eq!(totals, BTreeMap::from([("H1".to_owned(), 1297), ("H2".to_owned(), 2)]));
    town.stop();
    let points = exported(&town, "2012-12-31", "2014-01-01", "year");
    for (id, wh) in totals {
        assert_eq!(points[&id].iter().map(|(wh, _)| wh).sum::<i64>(), wh, "{id}");
        assert!(points[&id].iter().any(|(_, quality)| quality == "partial"), "{id}");
    }
}

#[test]
fn a_wrong_file_sends_nothing() {
    let town = Town::start(&[]);
    let csv = town.path("homes.csv");
    fs::write(&csv, "LCLid,tstp,energy(kWh/hh)\nH1,2013-01-01 00:00:00,0.2\nH1,2013-01-01,0.2\n")
        .unwrap();
    let path = csv.to_str().unwrap();
    let address = town.address();
    let said = refused_last(&["replay", path, "--map", MAP, "--connect", &address, "--token", "x"]);
    assert!(said.contains("line 3: `2013-01-01` is no time"), "{said}");
    let said = refused(&["replay", path, "--map", path, "--connect", &address]);
    assert!(said.contains("homes.csv: line 1"), "{said}");
}

/// The last line that a command says that has to fail; progress may come before it.
fn refused_last(arguments: &[&str]) -> String {
    let output = crate::run(arguments);
    assert_eq!(output.status.code(), Some(1));
    crate::text(&output.stderr).trim_end().lines().last().unwrap().to_owned()
}

#[test]
fn london_homes_come_out_to_the_watt_hour() {
    let Some(folder) = corrente_testkit::shared_data() else {
        println!("skipped: no shared data on this machine");
        return;
    };
    let folder = folder.join("lcl_london_halfhourly_2013/csv");
    // A plain home, one with binary noise, and one that stops in the middle of the year.
    let files: Vec<String> = ["MAC000002", "MAC000010", "MAC000037"]
        .iter()
        .map(|name| folder.join(format!("{name}.csv.gz")))
        .filter(|path| Path::new(path).exists())
        .map(|path| path.to_str().unwrap().to_owned())
        .collect();
    if files.is_empty() {
        println!("skipped: no London homes on this machine");
        return;
    }
    let mut town = Town::start(&[]);
    let config = config(&town);
    town.stop();
    fs::remove_dir_all(town.data()).unwrap();
    town.serve(&["--config", &config]);
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let totals = replayed(&mut town, &files, &[]);
    assert_eq!(totals.len(), files.len());
    town.stop();
    // 2013 in London: winter time at both ends, so the local year is the recorded one.
    let years = exported(&town, "2013-01-01", "2013-12-31", "year");
    let days = exported(&town, "2013-01-01", "2013-12-31", "day");
    for (id, wh) in totals {
        assert_eq!(years[&id].iter().map(|(wh, _)| wh).sum::<i64>(), wh, "{id} by year");
        assert_eq!(days[&id].iter().map(|(wh, _)| wh).sum::<i64>(), wh, "{id} by day");
        assert_eq!(days[&id].len(), 365);
    }
}
