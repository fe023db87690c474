//! NEM12: interval data.

use corrente_metering::{ChannelKind, Reading, SourceQuality, Timestamp};
use corrente_units::Energy;

use super::{Record, Refusal, direction, instant, unit};
use crate::{
    collect::{Collector, Spec},
    decimal::scaled,
};

/// The channel that a record 200 begins.
struct Stream {
    meter: String,
    suffix: String,
    minutes: i64,
    /// How many intervals a day has.
    count: usize,
    power: i32,
    spec: Spec,
}

/// A day that waits for its quality records.
struct Day {
    line: u64,
    start: Timestamp,
    values: Vec<(i64, u64)>,
    /// What the day says of all of them; `None` where records 400 say it.
    method: Option<char>,
    covered: Vec<Option<char>>,
}

pub(super) fn read(records: &[Record], collector: &mut Collector) -> Result<(), Refusal> {
    let mut stream: Option<Stream> = None;
    let mut day: Option<Day> = None;
    for record in records {
        if record.field(0) != "400" {
            finish(stream.as_ref(), day.take(), collector)?;
        }
        match record.field(0) {
            "200" => stream = Some(stream_of(record)?),
            "300" => {
                let Some(stream) = &stream else {
                    return Err(Refusal(record.line, "a record 300 needs a 200 before it".into()));
                };
                collector.rows_read = collector.rows_read.saturating_add(1);
                day = Some(day_of(record, stream)?);
            }
            "400" => {
                let Some(day) = &mut day else {
                    return Err(Refusal(record.line, "a record 400 needs a 300 before it".into()));
                };
                quality(record, day)?;
            }
            "500" | "600" => {}
            other => {
                return Err(Refusal(
                    record.line,
                    format!("a record {other} has no place in NEM12"),
                ));
            }
        }
    }
    finish(stream.as_ref(), day, collector)?;
    if stream.is_none() {
        let line = records.first().map_or(1, |r| r.line);
        return Err(Refusal(line, "there is no record 200".to_owned()));
    }
    Ok(())
}

fn stream_of(record: &Record) -> Result<Stream, Refusal> {
    let refuse = |reason: String| Refusal(record.line, reason);
    let [meter, suffix, uom, length] = [1, 4, 7, 8].map(|i| record.field(i).to_owned());
    if meter.is_empty() {
        return Err(refuse("record 200 has no NMI in field 2".to_owned()));
    }
    if suffix.is_empty() {
        return Err(refuse("record 200 has no NMI suffix in field 5".to_owned()));
    }
    let minutes: i64 =
        length.parse().ok().filter(|m| matches!(m, 1 | 5 | 10 | 15 | 30 | 60)).ok_or_else(
            || refuse(format!("interval length `{length}` in field 9 is not 5, 15 or 30")),
        )?;
    let count = usize::try_from(1440_i64.checked_div(minutes).unwrap_or(0)).unwrap_or(0);
    let (unit, power) = unit(&uom);
    let spec = Spec {
        kind: ChannelKind::Interval,
        direction: direction(&suffix),
        unit,
        check: false,
        interval_seconds: Some(minutes.saturating_mul(60)),
        register_modulus_wh: None,
    };
    Ok(Stream { meter, suffix, minutes, count, power, spec })
}

fn day_of(record: &Record, stream: &Stream) -> Result<Day, Refusal> {
    let refuse = |reason: String| Refusal(record.line, reason);
    let date = record.field(1);
    let start = Some(date)
        .filter(|d| d.len() == 8)
        .and_then(instant)
        .ok_or_else(|| refuse(format!("`{date}` in field 2 is not a date like 20040201")))?;
    let expected = format!(
        "{} intervals of {} minutes are expected after the date",
        stream.count, stream.minutes
    );
    let mut values = Vec::with_capacity(stream.count);
    for number in 1..=stream.count {
        let text = record.field(number.saturating_add(1));
        let value = scaled(text, '.', stream.power)
            .map_err(|_| refuse(format!("interval {number} is `{text}`: {expected}")))?;
        values.push((value, record.line));
    }
    let method = record.field(stream.count.saturating_add(2));
    // A number where the quality should stand: the day has more intervals than the 200 says.
    if scaled(method, '.', 0).is_ok() {
        return Err(refuse(format!("`{method}` follows the last interval: {expected}")));
    }
    let method = match method.chars().next() {
        Some('V') => None,
        Some(flag @ ('A' | 'E' | 'F' | 'N' | 'S')) => Some(flag),
        // Not said, by files that some retailers make.
        None => Some('A'),
        Some(_) => return Err(refuse(format!("`{method}` is not a quality: A, E, F, N, S or V"))),
    };
    let covered = vec![None; stream.count];
    Ok(Day { line: record.line, start, values, method, covered })
}

fn quality(record: &Record, day: &mut Day) -> Result<(), Refusal> {
    let refuse = |reason: String| Refusal(record.line, reason);
    if day.method.is_some() {
        return Err(refuse("a record 400 stands only after a 300 of quality V".to_owned()));
    }
    let number = |index: usize| record.field(index).parse::<usize>().ok().filter(|n| *n > 0);
    let count = day.covered.len();
    let Some((first, last)) = number(1).zip(number(2)).filter(|(first, last)| first <= last) else {
        return Err(refuse("fields 2 and 3 are the first and last interval".to_owned()));
    };
    if last > count {
        return Err(refuse(format!("interval {last} where the day has {count}")));
    }
    let method = record.field(3);
    let Some(flag @ ('A' | 'E' | 'F' | 'N' | 'S')) = method.chars().next() else {
        return Err(refuse(format!("`{method}` is not a quality: A, E, F, N or S")));
    };
    for place in day.covered.iter_mut().take(last).skip(first.saturating_sub(1)) {
        if place.replace(flag).is_some() {
            return Err(refuse(format!("intervals {first} to {last} already have a quality")));
        }
    }
    Ok(())
}

fn finish(
    stream: Option<&Stream>,
    day: Option<Day>,
    collector: &mut Collector,
) -> Result<(), Refusal> {
    let Some((stream, day)) = stream.zip(day) else { return Ok(()) };
    let uncovered = day.covered.iter().position(Option::is_none);
    if let Some(first) = uncovered.filter(|_| day.method.is_none()) {
        let reason = format!(
            "quality V needs records 400 for all {} intervals: none for interval {}",
            stream.count,
            first.saturating_add(1)
        );
        return Err(Refusal(day.line, reason));
    }
    let mut end = day.start;
    for ((value, line), flag) in day.values.into_iter().zip(day.covered) {
        end = end.plus(stream.minutes.saturating_mul(60));
        let quality = match day.method.or(flag) {
            Some('E') => SourceQuality::ESTIMATED,
            Some('F' | 'S') => SourceQuality::SUBSTITUTED,
            // No data: the value beside it is filler and not an energy of nothing.
            Some('N') => continue,
            Some(_) | None => SourceQuality::GOOD,
        };
        let reading = Reading { end, value: Energy::from_wh(value), quality };
        collector.reading(Some(&stream.meter), &stream.suffix, &stream.spec, reading, line);
    }
    Ok(())
}
