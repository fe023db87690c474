//! Lines to messages, with an error that names the field.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use corrente_metering::{ChannelKind, Direction, Reading, SourceQuality, Timestamp};
use corrente_units::Energy;
use serde_json::value::RawValue;

use super::{
    BatchReading, Channel, ClientMessage, Credential, DEFAULT_CHANNEL, ErrorCode, Hello, LineError,
    MAX_BATCH_READINGS, MAX_CHANNELS, MAX_INTEGER, PhaseValues, Sample, ServerMessage, VERSION,
    Welcome, scan::scan,
};
use crate::decimal;

pub(super) const SEQ: RangeInclusive<u64> = 1..=9_007_199_254_740_991;
pub(super) const WH: RangeInclusive<i64> = 0..=MAX_INTEGER;
pub(super) const SECONDS: RangeInclusive<i64> = Timestamp::MIN.second()..=Timestamp::MAX.second();
/// A terawatt: more than any one place uses.
pub(super) const POWER_W_MAX: i64 = 1_000_000_000_000;
const THOUSANDTHS_MAX: i64 = 1_000_000_000_000;
const TEXT_CHARACTERS_MAX: usize = 128;

impl<'a> ClientMessage<'a> {
    /// Reads a line, without its newline.
    pub fn parse(line: &'a [u8]) -> Result<Self, LineError> {
        scan(line).map_or_else(|| Self::parse_carefully(line), Ok)
    }

    /// The same without the fast scanner: keys in any order, spaces, unknown keys ignored.
    pub(super) fn parse_carefully(line: &'a [u8]) -> Result<Self, LineError> {
        let object = Object::parse(line)?;
        match object.text("type")?.as_ref() {
            "reading" => {
                let seq = object.seq()?;
                object.reading(seq).map_err(|e| e.of_reading(seq))
            }
            "batch" => object.batch(),
            "sample" => object.sample().map(Self::Sample),
            "hello" => object.hello().map(Self::Hello),
            "ping" => Ok(Self::Ping),
            "pong" => Ok(Self::Pong),
            _ => Err(LineError {
                field: Some(Cow::Borrowed("type")),
                ..LineError::new(
                    ErrorCode::UnknownType,
                    "expected hello, reading, batch, sample, ping or pong",
                )
            }),
        }
    }
}

impl ServerMessage {
    /// Reads a line, without its newline.
    pub fn parse(line: &[u8]) -> Result<Self, LineError> {
        let object = Object::parse(line)?;
        Ok(match object.text("type")?.as_ref() {
            "ack" => Self::Ack { seq: object.seq()? },
            "welcome" => Self::Welcome(object.welcome()?),
            "error" => Self::Error(object.error()?),
            "set" => Self::Set { interval_s: object.interval("interval_s")? },
            "ping" => Self::Ping,
            "pong" => Self::Pong,
            "bye" => Self::Bye,
            _ => Self::Other,
        })
    }
}

/// The fields of a line, not yet looked into.
struct Object<'a>(BTreeMap<Cow<'a, str>, &'a RawValue>);

impl<'a> Object<'a> {
    fn parse(line: &'a [u8]) -> Result<Self, LineError> {
        let not_json = |reason: String| LineError::new(ErrorCode::BadJson, reason);
        if str::from_utf8(line).is_err() {
            return Err(not_json("the line is not UTF-8 text".to_owned()));
        }
        let fields: BTreeMap<Key<'a>, &'a RawValue> =
            serde_json::from_slice(line).map_err(|e| {
                not_json(format!("expected one JSON object a line, at column {}", e.column()))
            })?;
        Ok(Self(fields.into_iter().map(|(key, value)| (key.0, value)).collect()))
    }

    fn get(&self, field: &'static str) -> Option<&'a RawValue> {
        self.0.get(field).copied().filter(|value| value.get() != "null")
    }

    fn raw(&self, field: &'static str) -> Result<&'a RawValue, LineError> {
        self.get(field).ok_or_else(|| LineError::field(field, "is missing"))
    }

    fn text(&self, field: &'static str) -> Result<Cow<'a, str>, LineError> {
        text_of(self.raw(field)?)
            .ok_or_else(|| LineError::field(field, "expected a text in double quotes"))
    }

    fn optional_text(&self, field: &'static str) -> Result<Option<Cow<'a, str>>, LineError> {
        self.get(field).map(|_| self.text(field)).transpose()
    }

    /// A text that a person reads: printable, not empty, at most 128 characters.
    fn label(&self, field: &'static str) -> Result<String, LineError> {
        let text = self.text(field)?;
        let allowed = !text.trim().is_empty()
            && text.chars().count() <= TEXT_CHARACTERS_MAX
            && !text.chars().any(char::is_control);
        allowed.then(|| text.into_owned()).ok_or_else(|| {
            LineError::field(field, "expected 1 to 128 characters without control characters")
        })
    }

    fn seq(&self) -> Result<u64, LineError> {
        seq_of(self.raw("seq")?)
    }

    fn interval(&self, field: &'static str) -> Result<u32, LineError> {
        integer_of(self.raw(field)?)
            .and_then(|s| u32::try_from(s).ok())
            .filter(|s| (1..=86_400).contains(s))
            .ok_or_else(|| LineError::field(field, "expected whole seconds from 1 to 86400"))
    }

    fn channel(&self) -> Result<Cow<'a, str>, LineError> {
        Ok(self.optional_text("ch")?.unwrap_or(Cow::Borrowed(DEFAULT_CHANNEL)))
    }

    fn reading(&self, seq: u64) -> Result<ClientMessage<'a>, LineError> {
        let quality = self.get("q").map_or(Ok(SourceQuality::GOOD), quality_of)?;
        let power_w = self.get("w").map(power_of).transpose()?;
        let reading =
            Reading { end: time_of(self.raw("t")?)?, value: energy_of(self.raw("wh")?)?, quality };
        Ok(ClientMessage::Reading {
            channel: self.channel()?,
            reading: BatchReading { seq, reading },
            power_w,
        })
    }

    fn batch(&self) -> Result<ClientMessage<'a>, LineError> {
        const SHAPE: &str = "expected a list of [seq, t, wh] or [seq, t, wh, q]";
        let items: Vec<&RawValue> = serde_json::from_str(self.raw("readings")?.get())
            .map_err(|_| LineError::field("readings", SHAPE))?;
        if items.len() > MAX_BATCH_READINGS {
            return Err(LineError {
                field: Some(Cow::Borrowed("readings")),
                ..LineError::new(ErrorCode::TooLong, "at most 10000 readings in one batch")
            });
        }
        if items.is_empty() {
            return Err(LineError::field("readings", "is empty"));
        }
        let mut readings = Vec::with_capacity(items.len());
        for item in items {
            let values: Vec<&RawValue> = serde_json::from_str(item.get())
                .map_err(|_| LineError::field("readings", SHAPE))?;
            let (seq, t, wh, quality) = match values[..] {
                [seq, t, wh] => (seq, t, wh, None),
                [seq, t, wh, q] => (seq, t, wh, Some(q)),
                _ => return Err(LineError::field("readings", SHAPE)),
            };
            let seq = seq_of(seq)?;
            let reading = || {
                Ok(Reading {
                    end: time_of(t)?,
                    value: energy_of(wh)?,
                    quality: quality.map_or(Ok(SourceQuality::GOOD), quality_of)?,
                })
            };
            let reading = reading().map_err(|e: LineError| e.of_reading(seq))?;
            readings.push(BatchReading { seq, reading });
        }
        Ok(ClientMessage::Batch { channel: self.channel()?, readings })
    }

    fn sample(&self) -> Result<Sample, LineError> {
        Ok(Sample {
            t: time_of(self.raw("t")?)?,
            power_w: power_of(self.raw("w")?)?,
            volts_mv: self.phases("v")?,
            amps_ma: self.phases("a")?,
        })
    }

    fn phases(&self, field: &'static str) -> Result<PhaseValues, LineError> {
        let Some(raw) = self.get(field) else { return Ok(PhaseValues::default()) };
        let wrong = || LineError::field(field, "expected a list of one to three numbers");
        let items: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|_| wrong())?;
        let values: Option<Vec<i64>> = items
            .into_iter()
            .map(|item| decimal::thousandths(item.get()).ok())
            .map(|v| v.filter(|v| (-THOUSANDTHS_MAX..=THOUSANDTHS_MAX).contains(v)))
            .collect();
        let values = values.filter(|v| (1..=3).contains(&v.len())).ok_or_else(wrong)?;
        Ok(PhaseValues::from_slice(&values))
    }

    fn hello(&self) -> Result<Hello, LineError> {
        let version = integer_of(self.raw("v")?).and_then(|v| u64::try_from(v).ok());
        if version != Some(VERSION) {
            return Err(LineError {
                field: Some(Cow::Borrowed("v")),
                ..LineError::new(ErrorCode::BadVersion, "this server speaks version 1")
            });
        }
        let serial = self.label("serial")?;
        let credential = match (self.get("secret"), self.get("token")) {
            (Some(_), None) => Credential::Secret(self.label("secret")?),
            (None, Some(_)) => Credential::Token {
                token: self.label("token")?,
                channels: self.channels()?,
                usage_point: self
                    .get("usage_point")
                    .map(|_| self.label("usage_point"))
                    .transpose()?,
            },
            (Some(_), Some(_)) => {
                return Err(LineError::field("token", "send either a secret or a token, not both"));
            }
            (None, None) => {
                return Err(LineError::field(
                    "secret",
                    "is missing: send the meter's secret, or an enrolment token",
                ));
            }
        };
        Ok(Hello { serial, credential })
    }

    fn channels(&self) -> Result<Vec<Channel>, LineError> {
        let Some(raw) = self.get("channels") else { return Ok(vec![Channel::import_register()]) };
        let items: Vec<&RawValue> = serde_json::from_str(raw.get())
            .map_err(|_| LineError::field("channels", "expected a list of objects"))?;
        if !(1..=MAX_CHANNELS).contains(&items.len()) {
            return Err(LineError::field("channels", "expected 1 to 16 channels"));
        }
        let mut names = BTreeSet::new();
        let mut channels = Vec::with_capacity(items.len());
        for item in items {
            let channel = Object::parse(item.get().as_bytes())
                .map_err(|_| LineError::field("channels", "expected a list of objects"))?
                .declared_channel()?;
            if !names.insert(channel.name.clone()) {
                return Err(LineError::field("channels", "two channels have the same name"));
            }
            channels.push(channel);
        }
        Ok(channels)
    }

    fn declared_channel(&self) -> Result<Channel, LineError> {
        let name = self.text("name")?;
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_.-".contains(&b);
        if !(1..=32).contains(&name.len()) || !name.bytes().all(plain) {
            return Err(LineError::field(
                "name",
                "expected 1 to 32 of the characters a-z, 0-9, _, . and -",
            ));
        }
        let kind = match self.optional_text("kind")?.as_deref() {
            None | Some("register") => ChannelKind::Register,
            Some("interval") => ChannelKind::Interval,
            Some(_) => return Err(LineError::field("kind", "expected register or interval")),
        };
        let direction = match self.optional_text("direction")?.as_deref() {
            None | Some("import") => Direction::Import,
            Some("export") => Direction::Export,
            Some(_) => return Err(LineError::field("direction", "expected import or export")),
        };
        let interval_s = self.get("interval_s").map(|_| self.interval("interval_s")).transpose()?;
        Ok(Channel { name: name.into_owned(), kind, direction, interval_s })
    }

    fn welcome(&self) -> Result<Welcome, LineError> {
        let time = self.text("time")?;
        Ok(Welcome {
            meter: self.text("meter")?.into_owned(),
            secret: self.optional_text("secret")?.map(Cow::into_owned),
            channels: serde_json::from_str(self.raw("channels")?.get())
                .map_err(|_| LineError::field("channels", "expected names with their numbers"))?,
            interval_s: self.interval("interval_s")?,
            time: time
                .parse::<jiff::Timestamp>()
                .map(Timestamp::from)
                .map_err(|_| LineError::field("time", "expected RFC 3339"))?,
        })
    }

    fn error(&self) -> Result<LineError, LineError> {
        let word = self.text("code")?;
        let reason = self.optional_text("reason")?.unwrap_or_default();
        // A word of a later version: the sentence still tells a person, and the rule is the same.
        let code = ErrorCode::from_wire(&word).unwrap_or(ErrorCode::Unavailable);
        Ok(LineError {
            code,
            field: self.optional_text("field")?.map(|f| Cow::Owned(f.into_owned())),
            reason: Cow::Owned(reason.into_owned()),
            seq: self.get("seq").map(|_| self.seq()).transpose()?,
        })
    }
}

/// A key that is borrowed where it can be (a plain `Cow` always copies with serde).
#[derive(serde::Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

fn text_of(raw: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Key<'_>>(raw.get()).ok().map(|key| key.0)
}

fn integer_of(raw: &RawValue) -> Option<i64> {
    serde_json::from_str(raw.get()).ok()
}

fn seq_of(raw: &RawValue) -> Result<u64, LineError> {
    serde_json::from_str(raw.get()).ok().filter(|seq| SEQ.contains(seq)).ok_or_else(|| {
        LineError::field("seq", "expected a whole number from 1 to 9007199254740991")
    })
}

fn time_of(raw: &RawValue) -> Result<Timestamp, LineError> {
    let seconds = integer_of(raw).ok_or_else(|| {
        LineError::field("t", "expected whole seconds since 1970-01-01T00:00:00Z")
    })?;
    if SECONDS.contains(&seconds) {
        Ok(Timestamp::from_second(seconds))
    } else {
        Err(LineError::field(
            "t",
            "is outside the calendar: seconds are expected, not milliseconds",
        ))
    }
}

fn energy_of(raw: &RawValue) -> Result<Energy, LineError> {
    let wh = integer_of(raw)
        .ok_or_else(|| LineError::field("wh", "expected a whole number of watt-hours"))?;
    if wh < 0 {
        return Err(LineError::field(
            "wh",
            "must not be negative: energy given to the grid has a channel of its own",
        ));
    }
    if wh > MAX_INTEGER {
        return Err(LineError::field("wh", "must be at most 9007199254740991"));
    }
    Ok(Energy::from_wh(wh))
}

fn quality_of(raw: &RawValue) -> Result<SourceQuality, LineError> {
    integer_of(raw)
        .and_then(|q| u8::try_from(q).ok())
        .map(SourceQuality)
        .ok_or_else(|| LineError::field("q", "expected a whole number from 0 to 255"))
}

fn power_of(raw: &RawValue) -> Result<i64, LineError> {
    integer_of(raw)
        .filter(|w| (-POWER_W_MAX..=POWER_W_MAX).contains(w))
        .ok_or_else(|| LineError::field("w", "expected a whole number of watts"))
}

#[cfg(test)]
mod tests;
