//! NEM13: register reads.

use corrente_metering::{ChannelKind, Direction, Reading, SourceQuality};
use corrente_units::Energy;

use super::{Record, Refusal, instant, unit};
use crate::{
    collect::{Collector, Spec},
    decimal::scaled,
};

pub(super) fn read(records: &[Record], collector: &mut Collector) -> Result<(), Refusal> {
    for record in records {
        match record.field(0) {
            "250" => period(record, collector)?,
            "550" => {}
            other => {
                return Err(Refusal(
                    record.line,
                    format!("a record {other} has no place in NEM13"),
                ));
            }
        }
    }
    Ok(())
}

/// A record 250: the dial before and now.
fn period(record: &Record, collector: &mut Collector) -> Result<(), Refusal> {
    let refuse = |reason: String| Refusal(record.line, reason);
    let [meter, register, flow, uom] = [1, 3, 7, 19].map(|i| record.field(i).to_owned());
    if meter.is_empty() {
        return Err(refuse("record 250 has no NMI in field 2".to_owned()));
    }
    // E: to the customer, I: from the customer.
    let direction = match flow.to_ascii_uppercase().as_str() {
        "E" => Direction::Import,
        "I" => Direction::Export,
        _ => return Err(refuse(format!("`{flow}` in field 8 is not a direction: E or I"))),
    };
    let (unit, power) = unit(&uom);
    collector.rows_read = collector.rows_read.saturating_add(1);
    let mut values = Vec::new();
    for (dial, time, quality) in [(8, 9, 10), (13, 14, 15)] {
        let (dial, time, quality) = (record.field(dial), record.field(time), record.field(quality));
        // A new or removed meter has only one of the two.
        if dial.is_empty() && time.is_empty() {
            continue;
        }
        let end = instant(time)
            .ok_or_else(|| refuse(format!("`{time}` is not a time like 20041117093206")))?;
        let value = scaled(dial, '.', power).map_err(|e| refuse(format!("register: {e}")))?;
        let quality = match quality.chars().next() {
            Some('E') => SourceQuality::ESTIMATED,
            Some('F' | 'S') => SourceQuality::SUBSTITUTED,
            Some('A') | None => SourceQuality::GOOD,
            Some(_) => return Err(refuse(format!("`{quality}` is not a quality: A, E, F or S"))),
        };
        values.push((dial, Reading { end, value: Energy::from_wh(value), quality }));
    }
    // The digits before the point are those of the dial, leading zeros included.
    let digits = values.iter().filter_map(|(d, _)| d.split('.').next()).map(str::len).max();
    let modulus = digits
        .and_then(|d| i32::try_from(d).ok())
        .and_then(|d| 10_i64.checked_pow(u32::try_from(d.saturating_add(power)).ok()?));
    let spec = Spec {
        kind: ChannelKind::Register,
        direction,
        unit,
        check: false,
        interval_seconds: None,
        register_modulus_wh: modulus,
    };
    let name = match register.as_str() {
        "" => "register".to_owned(),
        register => format!("register {register}"),
    };
    if values.is_empty() {
        return Err(refuse("record 250 has no register".to_owned()));
    }
    for (_, reading) in &values {
        collector.reading(Some(&meter), &name, &spec, *reading, record.line);
    }
    stated(record, power, modulus, &values, collector);
    Ok(())
}

/// The quantity that the record states should be the difference of its dials; transformers and
/// estimates make it another, which a person should see.
fn stated(
    record: &Record,
    power: i32,
    modulus: Option<i64>,
    values: &[(&str, Reading)],
    collector: &mut Collector,
) {
    let quantity = scaled(record.field(18), '.', power).ok();
    let [(_, before), (_, now)] = values else { return };
    let rise = now.value.wh().saturating_sub(before.value.wh());
    let rise = if rise < 0 { rise.saturating_add(modulus.unwrap_or(0)) } else { rise };
    if let Some(quantity) = quantity.map(i64::saturating_abs)
        && quantity != rise
    {
        collector.notes.push(format!(
            "line {}: the record states {quantity}, its dials differ by {rise}",
            record.line
        ));
    }
}
