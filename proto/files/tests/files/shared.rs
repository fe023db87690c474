//! The real files. They are not part of the repository: `CORRENTE_SHARED_DATA` or `../shared/data`
//! beside it says where they are, and without them these tests say that they were skipped.

use std::{env, fs, path::PathBuf};

use corrente_files::{FileError, FileReadings, Format, Unit, inspect, read};
use corrente_metering::{Direction, Timestamp};

#[expect(clippy::disallowed_methods, reason = "a test reads files")]
fn bytes(path: &PathBuf) -> Vec<u8> {
    fs::read(path).unwrap()
}

/// The files of a folder in order of name, or nothing where the folder is not present.
fn folder(name: &str) -> Vec<PathBuf> {
    let root = env::var_os("CORRENTE_SHARED_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let Ok(entries) = fs::read_dir(root.join(name)) else {
        println!("skipped: {} is not present", root.join(name).display());
        return Vec::new();
    };
    let mut files: Vec<PathBuf> =
        entries.map(|e| e.unwrap().path()).filter(|p| p.is_file()).collect();
    files.sort();
    files
}

fn read_file(path: &PathBuf) -> Result<FileReadings, FileError> {
    read(&bytes(path), path.file_name().unwrap().to_str().unwrap(), None)
}

fn unpacked(path: &PathBuf) -> String {
    use std::io::Read;
    let bytes = bytes(path);
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    text
}

#[test]
fn london_homes_come_out_half_hour_by_half_hour() {
    let homes = folder("lcl_london_halfhourly_2013/csv");
    let stats = folder("lcl_london_halfhourly_2013")
        .into_iter()
        .find(|p| p.ends_with("PER_HOME_STATS.csv"))
        .map(|p| unpacked(&p))
        .unwrap_or_default();
    for path in &homes {
        let readings = read_file(path).unwrap();
        assert_eq!(readings.format, Format::London);
        let [channel] = readings.channels.as_slice() else { panic!("{path:?}") };
        let home = channel.meter.clone().unwrap();
        // Another way to the same figures: a double is exact enough for one half hour.
        let text = unpacked(path);
        let mut sum = 0;
        for (line, reading) in text.lines().skip(1).zip(&channel.readings) {
            let kwh: f64 = line.rsplit(',').next().unwrap().trim().parse().unwrap();
            #[expect(clippy::cast_possible_truncation, reason = "a half hour of a home is small")]
            let wh = (kwh * 1000.0).round_ties_even() as i64;
            assert_eq!(reading.value.wh(), wh, "{home} {line}");
            sum += wh;
        }
        assert_eq!(channel.energy().unwrap().wh(), sum);
        let row = stats.lines().find(|l| l.starts_with(&home)).unwrap();
        let row: Vec<&str> = row.split(',').collect();
        assert_eq!(channel.readings.len().to_string(), row[1], "{home}");
        assert_eq!(channel.gaps.len().to_string(), row[8], "{home}");
        assert!(readings.problems.is_empty());
    }
}

#[test]
fn green_button_equals_the_independent_dumps_reading_by_reading() {
    let dumps = folder("greenbutton_espi/expected");
    let mut compared = 0;
    for sample in folder("greenbutton_espi/gba_samples") {
        let readings = read_file(&sample).unwrap();
        assert_eq!(readings.format, Format::GreenButton);
        assert_eq!(readings.problems, []);
        let [channel] = readings.channels.as_slice() else { panic!("{sample:?}") };
        let stem = sample.file_name().unwrap().to_str().unwrap().split('.').next().unwrap();
        let Some(dump) = dumps
            .iter()
            .find(|d| d.file_name().unwrap().to_str().unwrap().split('.').next() == Some(stem))
        else {
            println!("no dump for {stem}: {} readings", channel.readings.len());
            continue;
        };
        let mut expected = Vec::new();
        for line in unpacked(dump).lines().skip(1).filter(|l| !l.trim().is_empty()) {
            let (start, rest) = line.trim().split_once(", ").unwrap();
            let (duration, energy) = rest.rsplit_once(": ").unwrap();
            let start: jiff::Timestamp = start.replace(' ', "T").parse().unwrap();
            let seconds = match duration {
                "1:00:00" => 3600,
                "1 day, 0:00:00" => 86_400,
                "23:00:00" => 82_800,
                "1 day, 1:00:00" => 90_000,
                other => panic!("{other}"),
            };
            let wh: i64 = energy.split(' ').next().unwrap().parse().unwrap();
            expected.push((Timestamp::from(start).plus(seconds), wh));
        }
        let ours: Vec<_> = channel.readings.iter().map(|r| (r.end, r.value.wh())).collect();
        assert_eq!(ours.len(), expected.len(), "{stem}");
        for (ours, expected) in ours.iter().zip(&expected) {
            assert_eq!(ours, expected, "{stem}");
            compared += 1;
        }
    }
    println!("{compared} readings compared");
}

#[test]
fn valid_nem_files_are_read_and_invalid_ones_refused_with_line_and_reason() {
    let (mut files, mut readings) = (0, 0);
    for (name, format) in
        [("nem12", Format::Nem12), ("nem13", Format::Nem13), ("unzipped", Format::Nem12)]
    {
        for path in folder(&format!("nem12/nemreader_MIT/{name}")) {
            let read = read_file(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            if name != "unzipped" {
                assert_eq!(read.format, format, "{path:?}");
            }
            let count: usize = read.channels.iter().map(|c| c.readings.len()).sum();
            assert!(count > 0, "{path:?}");
            assert_eq!(read.problems, [], "{path:?}");
            files += 1;
            readings += count;
        }
    }
    println!("{files} valid files, {readings} readings");
    for path in folder("nem12/nemreader_MIT/invalid") {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        match read_file(&path) {
            Ok(_) => panic!("{name} was read"),
            Err(error) => {
                println!("{name}: {error}");
                assert!(error.to_string().contains("line "), "{name}: {error}");
            }
        }
    }
}

#[test]
fn what_customers_download_is_read() {
    // File, format, rows, then per channel: name, readings, Wh, gaps.
    type Channel = (&'static str, usize, Option<i64>, usize);
    let table: &[(&str, Format, &[Channel])] = &[
        (
            "HomeWizard/homewizard_2022-09_15min_elec.csv",
            Format::HomeWizard,
            &[
                ("export_t1", 2880, Some(284_979), 0),
                ("export_t2", 2880, Some(576_139), 0),
                ("import_t1", 2880, Some(855_816), 0),
                ("import_t2", 2880, Some(500_611), 0),
            ],
        ),
        (
            "SlimmeMeterPortal/slimmemeterportal_2023_meter1_elec.csv.gz",
            Format::SlimmeMeterPortal,
            &[("export", 35_040, Some(0), 0), ("import", 35_040, Some(8_783_650), 0)],
        ),
        (
            "DSMR-reader/dsmrreader-data-export-hour.csv",
            Format::DsmrReader,
            &[("export", 8754, Some(2_128_383), 2), ("import", 8754, Some(3_743_131), 2)],
        ),
        (
            "Engie/engie_hourly_2021-12-25_2023-06-03.csv.gz",
            Format::Engie,
            &[("import", 12_623, None, 0)],
        ),
        (
            "Engie/engie_hourly_2024-04-13_2026-01-03.csv.gz",
            Format::Engie,
            &[("export", 15_145, None, 0), ("import", 15_145, None, 0)],
        ),
        (
            "Ameren_Electric/ameren_15min_2024-03-30_2025-03-30.csv.gz",
            Format::Ameren,
            &[("import", 35_132, None, 1), ("import_hourly", 8783, None, 1)],
        ),
        (
            "Enel_Distribuzione/ExportData_settembre.csv",
            Format::EnelMonth,
            // All 96 columns. Without the first one it would be 266,758, which is the figure that the
            // folder's own description has.
            &[("import", 2880, Some(269_281), 0)],
        ),
    ];
    for (name, format, channels) in table {
        let (folder_name, file) = name.split_once('/').unwrap();
        let files = folder(&format!("provider_exports/{folder_name}"));
        let Some(path) = files.iter().find(|p| p.ends_with(file)) else { continue };
        let readings = read_file(path).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(readings.format, *format);
        assert_eq!(readings.problems, [], "{name}");
        let found: Vec<(&str, usize, Option<i64>, usize)> = readings
            .channels
            .iter()
            .map(|c| {
                (
                    c.name.as_str(),
                    c.readings.len(),
                    c.energy().map(corrente_units::Energy::wh),
                    c.gaps.len(),
                )
            })
            .collect();
        println!("{name}: {found:?} ignored {}", readings.rows_ignored);
        assert_eq!(found.len(), channels.len(), "{name}");
        for (found, wanted) in found.iter().zip(*channels) {
            assert_eq!((found.0, found.1, found.3), (wanted.0, wanted.1, wanted.3), "{name}");
            if wanted.2.is_some() {
                assert_eq!(found.2, wanted.2, "{name}");
            }
        }
        for channel in &readings.channels {
            assert_eq!(channel.unit, Unit::Wh);
            assert_eq!(channel.direction == Direction::Export, channel.name.starts_with("export"));
        }
    }
}

#[test]
fn the_hours_of_ameren_are_the_sums_of_its_quarters() {
    for path in folder("provider_exports/Ameren_Electric") {
        let readings = read_file(&path).unwrap();
        let [quarters, hours] = readings.channels.as_slice() else { panic!("{path:?}") };
        assert!(hours.check && !quarters.check);
        let mut differ = 0;
        for hour in &hours.readings {
            let sum: i64 = quarters
                .readings
                .iter()
                .filter(|q| q.end > hour.end.plus(-3600) && q.end <= hour.end)
                .map(|q| q.value.wh())
                .sum();
            differ += usize::from(sum != hour.value.wh());
        }
        println!("{differ} of {} hours differ from their quarters", hours.readings.len());
    }
}

#[test]
fn the_ontario_home_has_its_energy() {
    for path in folder("openmv_ontario_tou_hourly") {
        if path.extension().is_some_and(|e| e == "csv") {
            let report = inspect(&bytes(&path), "electricity-usage.csv", None).unwrap();
            assert_eq!(report.format, Format::Ontario);
            assert_eq!(report.rows_read, 2712);
            assert_eq!(report.channels[0].wh, Some(815_650 + 201_100 + 192_670));
            assert_eq!(report.quarantined, 0, "{:?}", report.problems);
        }
    }
}

#[test]
fn a_gas_file_is_told_what_it_lacks() {
    for path in folder("provider_exports/SlimmeMeterPortal") {
        if path.to_str().unwrap().contains("gas") {
            let error = read_file(&path).unwrap_err().to_string();
            assert!(
                error.contains("SlimmeMeterPortal") && error.contains("levering_normaal"),
                "{error}"
            );
        }
    }
}
