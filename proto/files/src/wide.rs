//! One row a day, one column an interval: Enel / e-distribuzione.

use corrente_metering::{
    Calendar, ChannelKind, Direction, Reading, SourceQuality,
    calendar::{Date, next_day},
};
use corrente_units::Energy;

use crate::{
    FileError, FileReadings, Format, Unit,
    collect::{Collector, Spec},
    decimal::scaled,
    mapping::Midnight,
    text::{fields, lines},
    wall::{Wall, Written},
};

const ZONE: &str = "Europe/Rome";

/// A heading such as `Giorno;00:00-00:15;00:15-00:30;…`.
pub(crate) fn looks_like(text: &str) -> bool {
    lines(text).next().is_some_and(|line| {
        let heading = fields(line.text, ';');
        heading.first().is_some_and(|f| f.eq_ignore_ascii_case("giorno"))
            && heading.get(1).is_some_and(|f| minutes(f).is_some())
    })
}

/// Start and end of a column in minutes since midnight.
fn minutes(heading: &str) -> Option<(i64, i64)> {
    let clock = |text: &str| -> Option<i64> {
        let (hour, minute) = text.trim().split_once(':')?;
        let (hour, minute): (i64, i64) = (hour.parse().ok()?, minute.parse().ok()?);
        ((0..=24).contains(&hour) && (0..60).contains(&minute))
            .then(|| hour.saturating_mul(60).saturating_add(minute))
    };
    let (start, end) = heading.split_once('-')?;
    let (start, end) = (clock(start)?, clock(end)?);
    Some((start, if end <= start { end.saturating_add(1440) } else { end }))
}

pub(crate) fn read(text: &str, zone: Option<&str>) -> Result<FileReadings, FileError> {
    let unrecognised =
        |what: String| FileError::Unrecognised { nearest: Some(Format::EnelMonth), what };
    let calendar = Calendar::new(zone.unwrap_or(ZONE)).map_err(|e| unrecognised(e.to_string()))?;
    let mut rows = lines(text);
    let heading = rows.next().map(|l| fields(l.text, ';')).unwrap_or_default();
    let mut columns = Vec::new();
    for (name, number) in heading.iter().skip(1).zip(2_usize..) {
        if name.is_empty() {
            continue;
        }
        let place = minutes(name);
        columns.push(place.ok_or_else(|| unrecognised(format!("column {number} is `{name}`")))?);
    }
    let length = columns.first().map_or(0, |(start, end)| end.saturating_sub(*start));
    let spec = Spec {
        kind: ChannelKind::Interval,
        direction: Direction::Import,
        unit: Unit::Wh,
        check: false,
        interval_seconds: Some(length.saturating_mul(60)),
        register_modulus_wh: None,
    };
    let mut collector = Collector::new(Format::EnelMonth);
    let mut wall = Wall::new(&calendar, Midnight::Opens);
    for line in rows.filter(|l| !l.text.trim().is_empty()) {
        collector.rows_read = collector.rows_read.saturating_add(1);
        let row = fields(line.text, ';');
        let day = row.first().map_or("", |f| f.as_ref());
        let Some(date) = day_of(day) else {
            collector.problem(line.number, format!("`{day}` is not a day like 01/09/2024"));
            continue;
        };
        for ((start, _), text) in columns.iter().zip(row.iter().skip(1)) {
            if text.is_empty() || text == "-" {
                continue;
            }
            let read = scaled(text, ',', 3).map_err(|e| e.to_string()).and_then(|wh| {
                let written = at(date, *start).ok_or("no such time of day")?;
                Ok((wh, wall.instant(written, "")))
            });
            match read {
                Ok((wh, t)) => {
                    let end = t.plus(length.saturating_mul(60));
                    let value = Energy::from_wh(wh);
                    let reading = Reading { end, value, quality: SourceQuality::GOOD };
                    collector.reading(None, "import", &spec, reading, line.number);
                }
                Err(reason) => collector.problem(line.number, reason),
            }
        }
    }
    collector.notes.append(&mut wall.shifted);
    Ok(collector.finish())
}

fn at(date: Date, minutes: i64) -> Option<Written> {
    let (date, minutes) = if minutes >= 1440 {
        (next_day(date), minutes.saturating_sub(1440))
    } else {
        (date, minutes)
    };
    let hour = i8::try_from(minutes.div_euclid(60)).ok()?;
    let minute = i8::try_from(minutes.rem_euclid(60)).ok()?;
    let time = jiff::civil::Time::new(hour, minute, 0, 0).ok()?;
    Some(Written::Wall(date.to_datetime(time)))
}

fn day_of(text: &str) -> Option<Date> {
    let mut parts = text.split('/');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    date.ok().filter(|_| parts.next().is_none())
}
