//! Tables, read as a mapping says.

use std::borrow::Cow;

use corrente_metering::{ChannelKind, Reading, SourceQuality};
use corrente_units::Energy;

use crate::{
    Column, FileError, FileReadings, Format, Label, Mapping,
    collect::{Collector, Spec},
    decimal::scaled,
    mapping::{ChannelColumn, MappingError},
    text::{Line, fields, lines},
    wall::{Wall, Written, written},
};

/// A heading stands in the first lines, below a preamble at most this long.
const PREAMBLE_MAX: usize = 40;

/// How well a text fits a mapping.
pub(crate) struct Fit<'a> {
    /// How many of the wanted headings are there, and how many are wanted.
    pub(crate) found: usize,
    pub(crate) wanted: usize,
    /// The first heading that is not there.
    pub(crate) lacking: Option<String>,
    /// The line of the heading, when all are there.
    heading: Option<(Line<'a>, char)>,
}

impl Fit<'_> {
    pub(crate) fn fits(&self) -> bool {
        self.lacking.is_none()
    }
}

/// Looks for the heading of a mapping.
pub(crate) fn fit<'a>(text: &'a str, mapping: &Mapping) -> Fit<'a> {
    let mut wanted: Vec<&str> = mapping.header.iter().map(String::as_str).collect();
    let heading = |column: &'_ Column| match column {
        Column::Heading(heading) => Some(heading.clone()),
        Column::Number(_) => None,
    };
    let mut owned = Vec::new();
    if let Some(time) = &mapping.time {
        owned.extend(time.columns.iter().filter_map(heading));
    }
    owned.extend(mapping.meter.as_ref().and_then(|m| m.column.as_ref()).and_then(heading));
    owned.extend(mapping.quality.as_ref().and_then(|q| heading(&q.column)));
    for channel in mapping.channels.iter().filter(|c| !c.optional) {
        owned.extend(channel.columns.iter().filter_map(heading));
        owned.extend(channel.filter.as_ref().and_then(|f| heading(&f.column)));
    }
    wanted.extend(owned.iter().map(String::as_str));
    let total = wanted.len().saturating_add(1);
    let mut best = Fit {
        found: 0,
        wanted: total,
        lacking: wanted.first().map(|w| (*w).to_owned()).or(Some("a table".to_owned())),
        heading: None,
    };
    for line in lines(text).take(PREAMBLE_MAX) {
        if line.text.trim().is_empty() {
            continue;
        }
        let delimiter = mapping.delimiter.unwrap_or_else(|| delimiter_of(line.text));
        let here = fields(line.text, delimiter);
        let has = |name: &str| here.iter().any(|field| same(field, name));
        let missing: Vec<&&str> = wanted.iter().filter(|w| !has(w)).collect();
        // At least one of the channels must be there, however optional each of them is.
        let any_channel = mapping.channels.iter().any(|channel| {
            channel.columns.iter().all(|c| match c {
                Column::Heading(heading) => has(heading),
                Column::Number(number) => *number <= here.len(),
            })
        });
        let lacking = missing.first().map(|w| (**w).to_owned()).or_else(|| {
            let first = mapping.channels.first()?.columns.first()?;
            (!any_channel).then(|| name_of(first))
        });
        let found = wanted
            .len()
            .saturating_sub(missing.len())
            .saturating_add(usize::from(any_channel && here.len() > 1));
        if lacking.is_none() {
            return Fit { found, wanted: total, lacking, heading: Some((line, delimiter)) };
        }
        if found > best.found {
            best = Fit { found, wanted: total, lacking, heading: None };
        }
        if mapping.no_header {
            break;
        }
    }
    best
}

fn same(field: &str, heading: &str) -> bool {
    field.trim().to_lowercase() == heading.trim().to_lowercase()
}

fn name_of(column: &Column) -> String {
    match column {
        Column::Heading(heading) => heading.clone(),
        Column::Number(number) => format!("column {number}"),
    }
}

/// The delimiter that a line has most of.
fn delimiter_of(line: &str) -> char {
    [',', ';', '\t', '|'].into_iter().rev().max_by_key(|d| line.matches(*d).count()).unwrap_or(',')
}

/// Where a mapping's columns are in this table.
struct Columns<'a> {
    heading: Vec<Cow<'a, str>>,
}

impl Columns<'_> {
    fn index(&self, column: &Column) -> Option<usize> {
        match column {
            Column::Number(number) => number.checked_sub(1),
            Column::Heading(heading) => self.heading.iter().position(|h| same(h, heading)),
        }
    }
}

/// A channel's columns by index.
struct Source<'a> {
    channel: &'a ChannelColumn,
    spec: Spec,
    power: i32,
    columns: Vec<(String, usize)>,
    filter: Option<(usize, String)>,
}

/// Reads a table.
pub(crate) fn read(
    text: &str,
    mapping: &Mapping,
    format: Format,
) -> Result<FileReadings, FileError> {
    let unrecognised = |what: String| FileError::Unrecognised { nearest: Some(format), what };
    let fit = fit(text, mapping);
    let Some((heading, delimiter)) = fit.heading else {
        let lacking = fit.lacking.unwrap_or_default();
        return Err(unrecognised(format!("no column `{lacking}` in a heading")));
    };
    let wrong = |e: MappingError| unrecognised(e.to_string());
    let Some(time) = &mapping.time else {
        return Err(unrecognised("the mapping has no [time]".to_owned()));
    };
    let calendar = mapping.calendar().map_err(wrong)?;
    let columns = Columns { heading: fields(heading.text, delimiter) };
    let mut sources = Vec::new();
    for channel in &mapping.channels {
        let found: Option<Vec<(String, usize)>> =
            channel.columns.iter().map(|c| Some((name_of(c), columns.index(c)?))).collect();
        let filter = match &channel.filter {
            None => Some(None),
            Some(f) => columns.index(&f.column).map(|i| Some((i, f.is.clone()))),
        };
        // `fit` has made sure of all that are not optional.
        let Some((found, filter)) = found.zip(filter) else { continue };
        sources.push(Source {
            channel,
            spec: channel.spec().map_err(wrong)?,
            power: channel.power().map_err(wrong)?,
            columns: found,
            filter,
        });
    }
    let table = Table {
        mapping,
        time: time.columns.iter().filter_map(|c| columns.index(c)).collect(),
        meter: mapping.meter.as_ref().and_then(|m| columns.index(m.column.as_ref()?)),
        quality: mapping.quality.as_ref().and_then(|q| columns.index(&q.column)),
        reader: mapping.reader.as_ref().and_then(|c| columns.index(c)),
        decimal: mapping.decimal.unwrap_or('.'),
        sources,
    };
    let mut collector = Collector::new(format);
    let mut wall = Wall::new(&calendar, time.midnight);
    for line in lines(text) {
        let above = if mapping.no_header {
            line.number < heading.number
        } else {
            line.number <= heading.number
        };
        if above || line.text.trim().is_empty() {
            continue;
        }
        let row = fields(line.text, delimiter);
        // A repeated heading, as concatenated files have it.
        if row == columns.heading && !mapping.no_header {
            continue;
        }
        collector.rows_read = collector.rows_read.saturating_add(1);
        if let Err(reason) = table.row(&row, line.number, &mut wall, &calendar, &mut collector) {
            collector.problem(line.number, reason);
        }
    }
    collector.notes.append(&mut wall.shifted);
    Ok(collector.finish())
}

struct Table<'a> {
    mapping: &'a Mapping,
    time: Vec<usize>,
    meter: Option<usize>,
    quality: Option<usize>,
    reader: Option<usize>,
    decimal: char,
    sources: Vec<Source<'a>>,
}

impl Table<'_> {
    fn row(
        &self,
        row: &[Cow<'_, str>],
        line: u64,
        wall: &mut Wall<'_>,
        calendar: &corrente_metering::Calendar,
        collector: &mut Collector,
    ) -> Result<(), String> {
        let field = |index: usize| row.get(index).map_or("", |f| f.as_ref());
        let applies = |source: &Source<'_>| {
            source.filter.as_ref().is_none_or(|(index, is)| same(field(*index), is))
        };
        if !self.sources.iter().any(applies) {
            collector.rows_ignored = collector.rows_ignored.saturating_add(1);
            return Ok(());
        }
        let meter = match self.meter {
            Some(index) => Some(field(index)).filter(|m| !m.is_empty()),
            None => self.mapping.meter.as_ref().and_then(|m| m.value.as_deref()),
        };
        // Rows of several meters or channels may alternate, each on its way through the repeated hour.
        let channel = self.sources.iter().find(|s| applies(s)).map_or("", |s| &s.channel.name);
        let series = format!("{} {channel}", meter.unwrap_or_default());
        let at = self.instant(row, wall, &series, calendar)?;
        let quality = self.quality_of(self.quality.map_or("", field));
        for source in self.sources.iter().filter(|s| applies(s)) {
            let mut sum: Option<i64> = None;
            for (name, index) in &source.columns {
                let text = field(*index);
                if text.is_empty() || self.mapping.missing.iter().any(|m| same(text, m)) {
                    continue;
                }
                let value = scaled(text, self.decimal, source.power)
                    .map_err(|e| format!("column `{name}`: {e}"))?;
                sum = Some(sum.unwrap_or(0).checked_add(value).ok_or("the sum is too large")?);
                if source.columns.len() > 1 {
                    let channel = source.channel.name.as_str();
                    collector.column(meter, channel, &source.spec, name, value);
                }
            }
            let Some(value) = sum else { continue };
            let end = match (source.spec.kind, self.label()) {
                (ChannelKind::Interval, Label::Start) => {
                    at.plus(source.spec.interval_seconds.unwrap_or(0))
                }
                (ChannelKind::Interval, Label::End) | (ChannelKind::Register, _) => at,
            };
            let reading = Reading { end, value: Energy::from_wh(value), quality };
            collector.reading(meter, &source.channel.name, &source.spec, reading, line);
            if let Some(who) = self.reader.map(field).filter(|who| !who.is_empty()) {
                collector.reader(meter, &source.channel.name, &source.spec, end, who);
            }
        }
        Ok(())
    }

    fn label(&self) -> Label {
        self.mapping.time.as_ref().map_or(Label::End, |t| t.label)
    }

    fn instant(
        &self,
        row: &[Cow<'_, str>],
        wall: &mut Wall<'_>,
        series: &str,
        calendar: &corrente_metering::Calendar,
    ) -> Result<corrente_metering::Timestamp, String> {
        let parts: Vec<&str> =
            self.time.iter().filter_map(|i| row.get(*i).map(AsRef::as_ref)).collect();
        let text = parts.join(" ");
        let time = self.mapping.time.as_ref();
        let format = time.and_then(|t| t.format.as_deref());
        let written = written(text.trim(), format).ok_or_else(|| {
            let expected = format.unwrap_or("like 2026-11-23T14:00:00-03:00 or 2026-11-23 14:00");
            format!("`{text}` is not a time {expected}")
        })?;
        match written {
            Written::Wall(civil) if time.is_some_and(|t| t.day_end) && text.trim().len() <= 10 => {
                Ok(calendar.day(civil.date()).end)
            }
            Written::Wall(_) | Written::Instant(_) => Ok(wall.instant(written, series)),
        }
    }

    fn quality_of(&self, text: &str) -> SourceQuality {
        let Some(quality) = &self.mapping.quality else { return SourceQuality::GOOD };
        if quality.estimated.iter().any(|t| same(text, t)) {
            SourceQuality::ESTIMATED
        } else if quality.substituted.iter().any(|t| same(text, t)) {
            SourceQuality::SUBSTITUTED
        } else {
            SourceQuality::GOOD
        }
    }
}
