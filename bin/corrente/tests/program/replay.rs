//! `replay` and `export`: recorded data in, the same watt-hours out.

use std::{
    cmp::Ordering,
    collections::BTreeMap,
    env, fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    time::Instant,
};

use crate::{
    Town,
    piped::{Piped, wait_until},
    printed, refused,
};

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

/// Homes that are replayed: all 60 with `CORRENTE_LONDON=60`.
fn homes() -> usize {
    env::var("CORRENTE_LONDON").ok().and_then(|n| n.parse().ok()).unwrap_or(3)
}

/// Files of the Low Carbon London trial, where this machine has them.
#[expect(clippy::print_stdout, reason = "says that it was skipped")]
fn london(count: usize) -> Option<Vec<String>> {
    let Some(shared) = corrente_testkit::shared_data() else {
        println!("SKIPPED: no shared data on this machine");
        return None;
    };
    let folder = shared.join("lcl_london_halfhourly_2013/csv");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    // First a plain home, one with binary noise, and one that stops in the middle of the year.
    let telling = ["MAC000002", "MAC000010", "MAC000037"];
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap()[..9].to_owned();
    files.sort_by_key(|path| (!telling.contains(&name(path).as_str()), name(path)));
    files.truncate(count);
    if files.is_empty() {
        println!("SKIPPED: no London homes on this machine");
        return None;
    }
    Some(files.into_iter().map(|path| path.to_str().unwrap().to_owned()).collect())
}

/// What a home used, added up here and not by the program: each half hour to the nearest watt-hour, half
/// to even, and each half hour once.
fn truth(path: &str) -> (String, i64) {
    let mut text = String::new();
    let file = fs::File::open(path).unwrap();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let mut id = String::new();
    let mut half_hours: BTreeMap<String, i64> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        fields[0].clone_into(&mut id);
        if fields[2] != "Null" {
            half_hours.entry(fields[1].to_owned()).or_insert_with(|| to_wh(fields[2]));
        }
    }
    (id, half_hours.values().sum())
}

/// kWh in digits to Wh.
fn to_wh(kwh: &str) -> i64 {
    let (whole, fraction) = kwh.split_once('.').unwrap_or((kwh, ""));
    let digit = |place: usize| fraction.as_bytes().get(place).map_or(0, |d| i64::from(d - b'0'));
    let wh = whole.parse::<i64>().unwrap() * 1000 + digit(0) * 100 + digit(1) * 10 + digit(2);
    let beyond = fraction.get(3..).unwrap_or_default().trim_end_matches('0');
    let up = match beyond.cmp("5") {
        Ordering::Less => false,
        Ordering::Greater => true,
        Ordering::Equal => wh % 2 != 0,
    };
    wh + i64::from(up)
}

#[test]
fn the_test_rounds_as_the_map_says() {
    for (kwh, wh) in [
        ("0.247", 247),
        ("1.0779999", 1078),
        ("0.0025", 2),
        ("0.0035", 4),
        ("0.00250001", 3),
        ("0.0024999", 2),
        ("2", 2000),
        ("1.5", 1500),
    ] {
        assert_eq!(to_wh(kwh), wh, "{kwh}");
    }
}

/// A server of London's, and what is true of the homes in these files.
fn london_town(files: &[String]) -> (Town, BTreeMap<String, i64>) {
    let mut town = Town::start(&[]);
    let config = config(&town);
    town.stop();
    fs::remove_dir_all(town.data()).unwrap();
    town.serve(&["--config", &config]);
    (town, files.iter().map(|path| truth(path)).collect())
}

/// Each home's year and the sum of its days are what its file says, to the watt-hour.
fn check_exports(town: &Town, truth: &BTreeMap<String, i64>) {
    // 2013 in London: winter time at both ends, so the local year is the recorded one.
    let years = exported(town, "2013-01-01", "2013-12-31", "year");
    let days = exported(town, "2013-01-01", "2013-12-31", "day");
    assert_eq!(years.keys().collect::<Vec<_>>(), truth.keys().collect::<Vec<_>>());
    for (id, wh) in truth {
        assert_eq!(years[id].iter().map(|(wh, _)| wh).sum::<i64>(), *wh, "{id} by year");
        assert_eq!(days[id].iter().map(|(wh, _)| wh).sum::<i64>(), *wh, "{id} by day");
        assert_eq!(days[id].len(), 365);
    }
}

#[test]
fn london_homes_come_out_to_the_watt_hour() {
    let Some(files) = london(homes()) else { return };
    let (mut town, truth) = london_town(&files);
    let begun = Instant::now();
    let named: Vec<&str> = files.iter().map(String::as_str).collect();
    let totals = replayed(&mut town, &named, &[]);
    println!("{} homes replayed twice in {:.0} s", files.len(), begun.elapsed().as_secs_f64());
    assert_eq!(totals, truth, "what the program counted while it read");
    town.stop();
    check_exports(&town, &truth);
}

#[test]
fn a_kill_in_the_middle_of_a_replay_changes_no_total() {
    let Some(files) = london(3) else { return };
    let (mut town, truth) = london_town(&files);
    town.listen = town.address();
    let config = town.path("corrente.toml").to_str().unwrap().to_owned();
    let token = town.token(&["--installed-from", "beginning"]);
    let (address, state) = (town.address(), town.path("replay.json"));
    let mut arguments = vec!["replay", "--map", MAP, "--connect", &address, "--token", &token];
    arguments.extend(["--state", state.to_str().unwrap()]);
    arguments.extend(files.iter().map(String::as_str));
    let mut replay = Piped::start(&mut crate::command(&arguments));
    // A round number of readings is durable, and most of them are still to come.
    for at_least in [4_000, 12_000] {
        wait_until("acknowledged readings", || acknowledged(&address) >= at_least);
        town.kill();
        assert!(replay.child.try_wait().unwrap().is_none(), "the replay was over already");
        town.serve(&["--config", &config]);
    }
    assert!(replay.child.wait().unwrap().success());
    town.stop();
    check_exports(&town, &truth);
}

/// Readings that this server made durable and acknowledged since it started.
fn acknowledged(address: &str) -> u64 {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let name = "corrente_readings_acknowledged_total ";
    text.lines().find_map(|line| line.strip_prefix(name)?.parse().ok()).unwrap_or(0)
}
