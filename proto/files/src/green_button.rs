//! Green Button: NAESB ESPI as an Atom feed.
//!
//! Entries refer to each other by links: an interval block lies below its meter reading, a meter
//! reading below its usage point, and a meter reading names its reading type as `related`.

use std::collections::BTreeMap;

use corrente_metering::{ChannelKind, Direction, Reading, SourceQuality, Timestamp};
use corrente_units::Energy;
use quick_xml::{
    XmlVersion,
    events::{BytesStart, Event},
    reader::Reader,
};

use crate::{
    FileError, FileReadings, Format, Unit,
    collect::{Collector, Spec},
    decimal::scaled,
};

/// One interval as the file has it.
#[derive(Clone, Debug, Default)]
struct Raw {
    line: u64,
    start: String,
    duration: String,
    value: String,
    quality: String,
}

/// One entry of the feed.
#[derive(Clone, Debug, Default)]
struct Entry {
    kind: String,
    title: String,
    this: String,
    above: String,
    related: Vec<String>,
    fields: BTreeMap<String, String>,
    intervals: Vec<Raw>,
}

/// Reads a feed.
pub(crate) fn read(text: &str) -> Result<FileReadings, FileError> {
    let entries = entries(text)?;
    if !entries.iter().any(|e| e.kind == "IntervalBlock") {
        return Err(FileError::Unrecognised {
            nearest: Some(Format::GreenButton),
            what: "no IntervalBlock in the XML".to_owned(),
        });
    }
    let mut collector = Collector::new(Format::GreenButton);
    for block in entries.iter().filter(|e| e.kind == "IntervalBlock") {
        block_of(&entries, block, &mut collector);
    }
    Ok(collector.finish())
}

fn block_of(entries: &[Entry], block: &Entry, collector: &mut Collector) {
    let reading = above(entries, "MeterReading", block);
    let point = reading.and_then(|r| above(entries, "UsagePoint", r));
    let kind = reading.and_then(|r| {
        entries.iter().find(|e| e.kind == "ReadingType" && r.related.contains(&e.this))
    });
    let field = |name: &str| kind.and_then(|k| k.fields.get(name)).map_or("", String::as_str);
    let count = u64::try_from(block.intervals.len()).unwrap_or(u64::MAX);
    collector.rows_read = collector.rows_read.saturating_add(count);
    // Units of measure by IEC 61968-9: 72 is Wh, 73 varh. A block without a type is taken for Wh.
    let (unit, name) = match (field("uom"), field("flowDirection")) {
        ("" | "72", "19") => (Unit::Wh, "export"),
        ("" | "72", _) => (Unit::Wh, "import"),
        ("73", _) => (Unit::Varh, "reactive"),
        (uom, _) => {
            collector.rows_ignored = collector.rows_ignored.saturating_add(count);
            let note = format!("unit of measure {uom} is no energy: left out");
            if !collector.notes.contains(&note) {
                collector.notes.push(note);
            }
            return;
        }
    };
    // Accumulation: 3 is cumulative, 1 a bulk quantity (a dial); 4 a difference per interval.
    let register = matches!(field("accumulationBehaviour"), "1" | "3");
    let spec = Spec {
        kind: if register { ChannelKind::Register } else { ChannelKind::Interval },
        direction: if name == "export" { Direction::Export } else { Direction::Import },
        unit,
        check: false,
        interval_seconds: field("intervalLength")
            .parse()
            .ok()
            .filter(|s: &i64| *s > 0 && !register),
        register_modulus_wh: None,
    };
    let power: i32 = field("powerOfTenMultiplier").parse().unwrap_or(0);
    let meter = point.map(|p| p.title.as_str()).filter(|t| !t.is_empty());
    for raw in &block.intervals {
        match reading_of(raw, power, register) {
            Ok(reading) => collector.reading(meter, name, &spec, reading, raw.line),
            Err(reason) => collector.problem(raw.line, reason),
        }
    }
}

fn reading_of(raw: &Raw, power: i32, register: bool) -> Result<Reading, String> {
    let start: i64 = raw.start.parse().map_err(|_| format!("start `{}` is no time", raw.start))?;
    let duration: i64 = match raw.duration.as_str() {
        "" if register => 0,
        text => text.parse().map_err(|_| format!("duration `{text}` is no number of seconds"))?,
    };
    let value = scaled(&raw.value, '.', power).map_err(|e| format!("value: {e}"))?;
    // Qualities by ESPI: 7 edited by hand, 8 to 12 estimated or projected.
    let quality = match raw.quality.as_str() {
        "7" => SourceQuality::SUBSTITUTED,
        "8" | "9" | "10" | "11" | "12" => SourceQuality::ESTIMATED,
        _ => SourceQuality::GOOD,
    };
    let end = Timestamp::from_second(start).plus(duration);
    Ok(Reading { end, value: Energy::from_wh(value), quality })
}

/// The entry of this kind below which another one lies: the longest address that its own begins with.
fn above<'a>(entries: &'a [Entry], kind: &str, below: &Entry) -> Option<&'a Entry> {
    let under = |address: &str, root: &str| {
        address.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'))
    };
    entries
        .iter()
        .filter(|e| e.kind == kind && !e.this.is_empty())
        .filter(|e| {
            under(&below.this, &e.this)
                || under(&below.above, &e.this)
                || e.related.contains(&below.above)
        })
        .max_by_key(|e| e.this.len())
        .or_else(|| {
            // A file with one of them needs no addresses.
            let mut all = entries.iter().filter(|e| e.kind == kind);
            all.next().filter(|_| all.next().is_none())
        })
}

fn entries(text: &str) -> Result<Vec<Entry>, FileError> {
    let mut reader = Reader::from_str(text);
    let mut entries: Vec<Entry> = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut content = String::new();
    let mut lines = LineCounter { text, at: 0, line: 1 };
    loop {
        let position = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let event = reader.read_event().map_err(|error| FileError::Refused {
            format: Format::GreenButton,
            line: lines.line(position),
            reason: format!("the XML is not well formed: {error}"),
        })?;
        match event {
            Event::Eof => break,
            Event::Start(tag) => {
                let name = tag.local_name().as_ref().to_owned();
                open(&name, &path, &mut entries, lines.line(position));
                link(&name, &tag, &mut entries);
                path.push(name);
                content.clear();
            }
            Event::Empty(tag) => {
                let name = tag.local_name().as_ref().to_owned();
                open(&name, &path, &mut entries, lines.line(position));
                link(&name, &tag, &mut entries);
            }
            Event::Text(text) => content.push_str(&text.xml_content(XmlVersion::Implicit1_0)),
            Event::CData(text) => content.push_str(&text.xml_content(XmlVersion::Implicit1_0)),
            Event::GeneralRef(name) => content.push_str(match name.as_ref() {
                "amp" => "&",
                "lt" => "<",
                "gt" => ">",
                "quot" => "\"",
                "apos" => "'",
                _ => "",
            }),
            Event::End(_) => {
                let name = path.pop().unwrap_or_default();
                if let Some(entry) = entries.last_mut() {
                    close(&path, &name, content.trim(), entry);
                }
                content.clear();
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    if !path.is_empty() {
        return Err(FileError::Refused {
            format: Format::GreenButton,
            line: lines.line(text.len()),
            reason: format!("the XML ends inside <{}>", path.last().map_or("", String::as_str)),
        });
    }
    Ok(entries)
}

fn is(path: &[String], name: &str) -> bool {
    path.last().is_some_and(|last| last == name)
}

fn open(name: &str, path: &[String], entries: &mut Vec<Entry>, line: u64) {
    if name == "entry" {
        entries.push(Entry::default());
        return;
    }
    let Some(entry) = entries.last_mut() else { return };
    if is(path, "content") {
        name.clone_into(&mut entry.kind);
    } else if name == "IntervalReading" {
        entry.intervals.push(Raw { line, ..Raw::default() });
    }
}

fn link(name: &str, tag: &BytesStart<'_>, entries: &mut [Entry]) {
    let Some(entry) = entries.last_mut().filter(|_| name == "link") else { return };
    let attribute = |name: &str| {
        let found = tag.try_get_attribute(name).ok().flatten()?;
        Some(found.value.trim_end_matches('/').to_owned())
    };
    let Some(href) = attribute("href") else { return };
    match attribute("rel").as_deref() {
        Some("self") => entry.this = href,
        Some("up") => entry.above = href,
        Some("related") => entry.related.push(href),
        Some(_) | None => {}
    }
}

fn close(path: &[String], name: &str, content: &str, entry: &mut Entry) {
    if is(path, "entry") && name == "title" {
        content.clone_into(&mut entry.title);
    } else if is(path, &entry.kind) && !content.is_empty() {
        entry.fields.insert(name.to_owned(), content.to_owned());
    } else if path.iter().any(|p| p == "IntervalReading")
        && let Some(raw) = entry.intervals.last_mut()
    {
        let field = match name {
            "start" => &mut raw.start,
            "duration" => &mut raw.duration,
            "value" => &mut raw.value,
            "quality" => &mut raw.quality,
            _ => return,
        };
        content.clone_into(field);
    }
}

/// Lines of growing positions, without counting from the start each time.
struct LineCounter<'a> {
    text: &'a str,
    at: usize,
    line: u64,
}

impl LineCounter<'_> {
    fn line(&mut self, position: usize) -> u64 {
        let passed = self.text.as_bytes().get(self.at..position).unwrap_or_default();
        let breaks = passed.split(|b| *b == b'\n').count().saturating_sub(1);
        self.line = self.line.saturating_add(u64::try_from(breaks).unwrap_or(0));
        self.at = self.at.max(position);
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEED: &str = r#"<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom">
 <entry><link rel="self" href="R/1/UsagePoint/1"/><title>House &amp; barn</title>
  <content><UsagePoint xmlns="http://naesb.org/espi"/></content></entry>
 <entry><link rel="self" href="R/1/UsagePoint/1/MeterReading/1"/><link rel="related" href="ReadingType/7"/>
  <content><MeterReading/></content></entry>
 <entry><link rel="self" href="ReadingType/7"/><content><espi:ReadingType xmlns:espi="http://naesb.org/espi">
   <espi:accumulationBehaviour>4</espi:accumulationBehaviour><espi:flowDirection>19</espi:flowDirection>
   <espi:intervalLength>900</espi:intervalLength><espi:powerOfTenMultiplier>-1</espi:powerOfTenMultiplier>
   <espi:uom>72</espi:uom></espi:ReadingType></content></entry>
 <entry><link rel="up" href="R/1/UsagePoint/1/MeterReading/1/IntervalBlock"/><content><IntervalBlock>
   <interval><duration>86400</duration><start>1700000000</start></interval>
   <IntervalReading><timePeriod><duration>900</duration><start>1700000000</start></timePeriod><value>12345</value></IntervalReading>
   <IntervalReading><cost>12</cost><timePeriod><duration>900</duration><start>1700000900</start></timePeriod><value>25</value>
     <ReadingQuality><quality>8</quality></ReadingQuality></IntervalReading>
   <IntervalReading><timePeriod><duration>900</duration><start>soon</start></timePeriod><value>1</value></IntervalReading>
 </IntervalBlock></content></entry>
</feed>"#;

    #[test]
    fn a_feed_is_read_by_its_links() {
        let readings = read(FEED).unwrap();
        let channel = &readings.channels[0];
        assert_eq!(
            (channel.meter.as_deref(), channel.name.as_str()),
            (Some("House & barn"), "export")
        );
        let values: Vec<_> =
            channel.readings.iter().map(|r| (r.end.second(), r.value.wh(), r.quality.0)).collect();
        // A tenth of a watt-hour each: 1,234.5 and 2.5, half to even.
        assert_eq!(values, [(1_700_000_900, 1234, 0), (1_700_001_800, 2, 1)]);
        assert_eq!(readings.problems[0].line, 16);
        assert_eq!(readings.problems[0].reason, "start `soon` is no time");
    }

    #[test]
    fn broken_xml_is_refused_with_its_line() {
        let error = read(&FEED[..FEED.len() - 8]).unwrap_err();
        assert!(error.to_string().contains("ends inside <feed>"), "{error}");
        let error = read("<feed>\n<entry></feed>").unwrap_err();
        assert!(error.to_string().starts_with("line 2"), "{error}");
        assert!(read("<html></html>").is_err());
    }
}
