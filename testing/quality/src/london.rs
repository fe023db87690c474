//! Sixty homes of London in 2013, half-hourly, where their readings are at hand.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use corrente_metering::{Calendar, Date};
use flate2::read::GzDecoder;

use crate::home::Home;

/// Where the shared data may be: a variable, or beside the repository.
pub fn folder() -> Option<PathBuf> {
    let told = std::env::var_os("CORRENTE_SHARED_DATA").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let found = told.into_iter().chain([beside]).map(|f| f.join("lcl_london_halfhourly_2013/csv"));
    found.into_iter().find(|folder| folder.is_dir())
}

/// The homes, in order of their files.
///
/// # Errors
/// When a file cannot be read.
pub fn homes(folder: &Path) -> io::Result<Vec<Home>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.sort();
    files.iter().map(|file| home(file)).collect()
}

/// A file of half hours by their beginning, in GMT all year, in kWh.
fn home(file: &Path) -> io::Result<Home> {
    let mut text = String::new();
    GzDecoder::new(fs::File::open(file)?).read_to_string(&mut text)?;
    let first = Date::constant(2013, 1, 1);
    let mut halves: Vec<Option<i64>> = vec![None; 365 * 48];
    for line in text.lines() {
        let mut fields = line.split(',').map(str::trim).filter(|field| !field.is_empty());
        let found = fields.find_map(|field| Some((slot(first, field)?, ())));
        let value = line.rsplit(',').next().map(str::trim).and_then(|v| v.parse::<f64>().ok());
        let (Some((slot, ())), Some(value)) = (found, value) else { continue };
        if let Some(half) = halves.get_mut(slot) {
            *half = Some(watt_hours(value));
        }
    }
    let hours: Vec<Option<i64>> =
        halves.chunks(2).map(|pair| pair.iter().copied().sum::<Option<i64>>()).collect();
    let name = file.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let days = hours.chunks(24).map(<[Option<i64>]>::to_vec).collect();
    Ok(Home { name, calendar: Calendar::utc(), first, days })
}

/// The number of a half hour of the year.
fn slot(first: Date, field: &str) -> Option<usize> {
    let (date, time) = field.split_once([' ', 'T'])?;
    let date: Date = date.parse().ok()?;
    let minutes =
        time.get(..2)?.parse::<usize>().ok()? * 60 + time.get(3..5)?.parse::<usize>().ok()?;
    let day = usize::try_from((date - first).get_days()).ok()?;
    Some(day * 48 + minutes / 30)
}

/// To the nearest watt-hour, half to even.
#[expect(clippy::cast_possible_truncation, reason = "a half hour of a home is far below 2^53 Wh")]
fn watt_hours(kwh: f64) -> i64 {
    (kwh * 1000.0).round_ties_even() as i64
}
