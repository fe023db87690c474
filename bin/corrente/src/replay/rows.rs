//! Recorded files to readings.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use corrente_metering::Timestamp;
use csv::StringRecord;
use flate2::bufread::MultiGzDecoder;

use super::{
    decimal::watt_hours,
    map::{Column, Map},
};
use crate::failure::Failure;

/// One interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) end: Timestamp,
    pub(super) wh: i64,
}

/// What a file holds of one meter, in order of time.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorded {
    pub(super) rows: Vec<Row>,
    /// Rows that say that there is no value.
    pub(super) missing: u64,
    /// Rows that say the same again.
    pub(super) repeated: u64,
    /// Rows that say something else of the same interval: the first one counts.
    pub(super) contradicting: u64,
    last: Option<Timestamp>,
}

/// Reads a file. Nothing of it is used when one row makes no sense.
pub(super) fn read(path: &Path, map: &Map) -> Result<BTreeMap<String, Recorded>, Failure> {
    let cannot = |error| Failure::of(format!("cannot read {}", path.display()), error);
    let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(cannot)?);
    let gzip = file.fill_buf().map_err(cannot)?.starts_with(&[0x1f, 0x8b]);
    let stem = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stem = stem.trim_end_matches(".gz").trim_end_matches(".csv");
    let read = if gzip {
        parse(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(file)), stem, map)
    } else {
        parse(file, stem, map)
    };
    read.map_err(|error| Failure::of(path.display(), error))
}

/// Where the columns are in this file.
struct Places {
    id: Option<usize>,
    time: usize,
    value: usize,
}

fn parse(
    mut input: impl BufRead,
    stem: &str,
    map: &Map,
) -> Result<BTreeMap<String, Recorded>, String> {
    for _ in 0..map.file.skip_lines {
        let mut line = Vec::new();
        input.by_ref().take(1 << 20).read_until(b'\n', &mut line).map_err(|e| e.to_string())?;
    }
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(map.delimiter)
        .has_headers(map.file.header)
        .flexible(true)
        .from_reader(input);
    let places = places(&mut reader, map)?;
    let mut meters: BTreeMap<String, Recorded> = BTreeMap::new();
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| error.to_string())? {
        let line = record.position().map_or(0, csv::Position::line)
            + u64::try_from(map.file.skip_lines).unwrap_or(0);
        let field = |place: usize, what: &str| {
            record.get(place).map(str::trim).ok_or_else(|| {
                format!(
                    "line {line}: no {what}: {} columns, wanted number {}",
                    record.len(),
                    place + 1
                )
            })
        };
        let id = match places.id {
            Some(place) => field(place, "id")?,
            None => stem,
        };
        if id.is_empty() {
            return Err(format!("line {line}: the id is empty"));
        }
        if !meters.contains_key(id) {
            meters.insert(id.to_owned(), Recorded::default());
        }
        let Some(recorded) = meters.get_mut(id) else { continue };
        let time = field(places.time, "time")?;
        let value = field(places.value, "value")?;
        if map.value.missing.iter().any(|word| word == value) {
            recorded.missing += 1;
            continue;
        }
        let end = map.end(time, recorded.last).ok_or_else(|| {
            format!("line {line}: `{time}` is no time of the form `{}` (time.format)", map.format())
        })?;
        let wh = watt_hours(value, map.value.unit, map.value.decimal_comma).ok_or_else(|| {
            format!(
                "line {line}: `{value}` is no number; if it stands for a missing value, add it to value.missing"
            )
        })?;
        recorded.last = Some(end);
        recorded.rows.push(Row { end, wh });
    }
    for recorded in meters.values_mut() {
        recorded.put_in_order();
    }
    Ok(meters)
}

fn places<R: Read>(reader: &mut csv::Reader<R>, map: &Map) -> Result<Places, String> {
    let header = if map.file.header {
        reader.headers().map_err(|error| format!("header: {error}"))?.clone()
    } else {
        StringRecord::new()
    };
    let place = |column: &Column| match column {
        Column::Number(number) => Ok(number.saturating_sub(1)),
        Column::Name(name) => {
            let wanted = name.trim();
            let strip = |text: &str| text.trim().trim_start_matches('\u{feff}').to_owned();
            header.iter().position(|found| strip(found) == wanted).ok_or_else(|| {
                let there: Vec<_> = header.iter().map(|h| format!("`{}`", strip(h))).collect();
                format!("no column `{wanted}`; there are {}", there.join(", "))
            })
        }
    };
    Ok(Places {
        id: map.columns.id.as_ref().map(place).transpose()?,
        time: place(&map.columns.time)?,
        value: place(&map.columns.value)?,
    })
}

impl Recorded {
    /// Sorts by time and keeps the first of what stands for the same interval.
    fn put_in_order(&mut self) {
        self.rows.sort_by_key(|row| row.end);
        let (mut repeated, mut contradicting) = (0, 0);
        self.rows.dedup_by(|later, first| {
            if later.end != first.end {
                return false;
            }
            if later.wh == first.wh {
                repeated += 1;
            } else {
                contradicting += 1;
            }
            true
        });
        self.repeated = repeated;
        self.contradicting = contradicting;
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::map::tests::{LONDON, map},
        *,
    };

    fn london(rows: &str) -> Result<BTreeMap<String, Recorded>, String> {
        let text = format!("LCLid,tstp,energy(kWh/hh)\n{rows}");
        parse(text.as_bytes(), "file", &map(LONDON).unwrap())
    }

    #[test]
    fn quirks_of_real_files_are_read_and_counted() {
        let meters = london(
            "A,2013-01-01 00:00:00, 0.219 \n\
             A,2013-01-01 01:00:00, 1.0779999 \n\
             A,2013-01-01 00:30:00,Null\n\
             B,2013-01-01 00:00:00, 0 \n\
             A,2013-01-01 00:00:00, 0.219 \n\
             A,2013-01-01 01:00:00, 9 \n",
        )
        .unwrap();
        let a = &meters["A"];
        let read: Vec<_> = a.rows.iter().map(|row| (row.end.to_string(), row.wh)).collect();
        assert_eq!(
            read,
            [("2013-01-01T00:30:00Z".to_owned(), 219), ("2013-01-01T01:30:00Z".to_owned(), 1078)]
        );
        assert_eq!((a.missing, a.repeated, a.contradicting), (1, 1, 1));
        assert_eq!(meters["B"].rows.len(), 1);
    }

    #[test]
    fn a_bad_row_is_named() {
        for (rows, said) in [
            ("A,yesterday,1\n", "line 2: `yesterday` is no time"),
            (
                "A,2013-01-01 00:00:00,1\nA,2013-01-01 00:30:00,many\n",
                "line 3: `many` is no number",
            ),
            ("A,2013-01-01 00:00:00\n", "line 2: no value: 2 columns, wanted number 3"),
            (" ,2013-01-01 00:00:00,1\n", "line 2: the id is empty"),
        ] {
            let error = london(rows).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
        let other = parse("a;b\n1;2\n".as_bytes(), "file", &map(LONDON).unwrap()).unwrap_err();
        assert!(other.contains("no column `LCLid`; there are `a;b`"), "{other}");
    }

    #[test]
    fn a_file_may_be_its_meter_and_its_columns_numbers() {
        let text = "[columns]\ntime = 1\nvalue = 2\n[time]\nformat = \"%d/%m/%Y %H:%M%:z\"\nlabel = \"end\"\n\
                    [value]\nunit = \"kWh\"\ndecimal_comma = true\n[meter]\ninterval_seconds = 900\n\
                    [file]\ndelimiter = \";\"\nheader = false\nskip_lines = 1\n";
        let map = map(text).unwrap();
        let meters =
            parse("export of my meter\n31/12/2023 23:45+01:00;0,125\n".as_bytes(), "home-7", &map)
                .unwrap();
        let row = meters["home-7"].rows[0];
        assert_eq!((row.end.to_string().as_str(), row.wh), ("2023-12-31T22:45:00Z", 125));
    }
}
