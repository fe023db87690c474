//! Real files through the whole road: bytes to readings to what is believed, and nothing gets lost.

use std::{env, fs, path::PathBuf};

use corrente_files::{FileChannel, read};
use corrente_metering::{Calendar, ChannelId, ChannelKind, Quality, Span};
use corrente_units::Energy;
use corrente_vee::{MeterPeriod, Outcome, PointHistory, Rule, RuleSet, run};

fn folder(name: &str) -> Vec<PathBuf> {
    let root = env::var_os("CORRENTE_SHARED_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let Ok(entries) = fs::read_dir(root.join(name)) else {
        println!("skipped: {} is not present", root.join(name).display());
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
    files.sort();
    files
}

/// The channel through validation, without estimators: only what was measured counts.
fn believed(channel: &FileChannel, zone: &str) -> Outcome {
    let step = channel.interval_seconds.unwrap();
    let first = channel.readings.first().unwrap().end;
    let start = match channel.kind {
        ChannelKind::Interval => first.plus(-step),
        ChannelKind::Register => first,
    };
    let end = channel.readings.last().unwrap().end;
    let calendar = Calendar::new(zone).unwrap();
    let mut history = PointHistory::new(Span::new(start, end), step, calendar);
    let mut meter = MeterPeriod::new(ChannelId::from_number(1), channel.kind, start);
    meter.interval_seconds = Some(step);
    meter.readings.clone_from(&channel.readings);
    history.meters.push(meter);
    let mut rules = RuleSet::standard();
    rules.parameters.estimators.clear();
    run(&history, &rules)
}

#[test]
fn a_year_of_london_is_believed_to_the_watt_hour_and_its_gaps_are_listed() {
    for path in folder("lcl_london_halfhourly_2013/csv").iter().step_by(6) {
        let readings = read(&fs::read(path).unwrap(), "home", None).unwrap();
        let channel = &readings.channels[0];
        let outcome = believed(channel, "Europe/London");
        assert_eq!(outcome.profile.known_energy().unwrap(), channel.energy().unwrap());
        let missing = outcome.findings.iter().filter(|f| f.rule == Rule::Missing);
        assert_eq!(missing.count(), channel.gaps.len(), "{}", path.display());
        let measured = |q| q == Quality::Measured;
        let count = outcome.profile.intervals.iter().filter(|i| measured(i.quality())).count();
        assert_eq!(count, channel.readings.len());
    }
}

#[test]
fn registers_of_a_home_keep_their_difference_and_hours_their_gaps() {
    for (name, zone) in [
        ("provider_exports/HomeWizard", "Europe/Amsterdam"),
        ("provider_exports/DSMR-reader", "Europe/Amsterdam"),
        ("provider_exports/Ameren_Electric", "America/Chicago"),
        ("provider_exports/Enel_Distribuzione", "Europe/Rome"),
        ("openmv_ontario_tou_hourly", "America/Toronto"),
    ] {
        for path in folder(name).iter().filter(|p| !p.to_str().unwrap().ends_with("json")) {
            let readings = read(&fs::read(path).unwrap(), name, None).unwrap();
            for channel in readings.channels.iter().filter(|c| !c.check) {
                let outcome = believed(channel, zone);
                let known = outcome.profile.known_energy().unwrap();
                assert_eq!(known, channel.energy().unwrap(), "{} {}", path.display(), channel.name);
                let gaps: i64 = channel.gaps.iter().map(|g| g.seconds()).sum();
                let missing: i64 = outcome
                    .profile
                    .intervals
                    .iter()
                    .filter(|i| i.energy().is_none())
                    .map(|i| i.span().seconds())
                    .sum();
                let listed = if channel.kind == ChannelKind::Interval { gaps } else { 0 };
                assert_eq!(missing, listed, "{} {}", path.display(), channel.name);
                assert!(
                    outcome
                        .profile
                        .intervals
                        .iter()
                        .all(|i| i.energy() >= Some(Energy::ZERO) || i.energy().is_none())
                );
            }
        }
    }
}
