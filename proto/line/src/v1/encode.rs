//! Messages to lines, in the key order that the other side reads fastest.

use corrente_metering::{ChannelKind, Direction, SourceQuality};
use serde_json::{Map, Value, json};

use super::{
    Acknowledgements, BatchReading, Channel, ClientMessage, Credential, Hello, LineError,
    PhaseValues, Sample, ServerMessage, VERSION, Welcome,
};

impl ClientMessage<'_> {
    /// Appends the line, with its newline.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Reading { channel, reading, power_w } => {
                text(out, "{\"type\":\"reading\",\"seq\":");
                unsigned(out, reading.seq);
                text(out, ",\"ch\":");
                quoted(out, channel);
                text(out, ",\"t\":");
                signed(out, reading.reading.end.second());
                text(out, ",\"wh\":");
                signed(out, reading.reading.value.wh());
                if let Some(w) = power_w {
                    text(out, ",\"w\":");
                    signed(out, *w);
                }
                if reading.reading.quality != SourceQuality::GOOD {
                    text(out, ",\"q\":");
                    unsigned(out, u64::from(reading.reading.quality.0));
                }
                text(out, "}\n");
            }
            Self::Batch { channel, readings } => {
                text(out, "{\"type\":\"batch\",\"ch\":");
                quoted(out, channel);
                text(out, ",\"readings\":[");
                for (n, reading) in readings.iter().enumerate() {
                    if n > 0 {
                        out.push(b',');
                    }
                    compact(out, *reading);
                }
                text(out, "]}\n");
            }
            Self::Sample(sample) => line(out, &sample_value(sample)),
            Self::Hello(hello) => line(out, &hello_value(hello)),
            Self::Ping => text(out, "{\"type\":\"ping\"}\n"),
            Self::Pong => text(out, "{\"type\":\"pong\"}\n"),
        }
    }

    /// The line, with its newline.
    pub fn to_line(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }
}

impl ServerMessage {
    /// Appends the line, with its newline.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Ack { seq } => {
                text(out, "{\"type\":\"ack\",\"seq\":");
                unsigned(out, *seq);
                text(out, "}\n");
            }
            Self::Set { interval_s } => {
                line(out, &json!({"type": "set", "interval_s": interval_s}));
            }
            Self::Ping => text(out, "{\"type\":\"ping\"}\n"),
            Self::Pong => text(out, "{\"type\":\"pong\"}\n"),
            Self::Bye => text(out, "{\"type\":\"bye\"}\n"),
            Self::Error(error) => line(out, &error_value(error)),
            Self::Welcome(welcome) => line(out, &welcome_value(welcome)),
            // A message of a later version is only ever received.
            Self::Other => {}
        }
    }

    /// The line, with its newline.
    pub fn to_line(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }
}

impl Acknowledgements {
    /// Appends the `ack` line that is due after the oldest group became durable, if one is.
    pub fn encode_durable(&mut self, out: &mut Vec<u8>) {
        if let Some(seq) = self.durable() {
            ServerMessage::Ack { seq }.encode(out);
        }
    }
}

fn hello_value(hello: &Hello) -> Value {
    let mut object = Map::new();
    object.insert("type".to_owned(), json!("hello"));
    object.insert("v".to_owned(), json!(VERSION));
    object.insert("serial".to_owned(), json!(hello.serial));
    match &hello.credential {
        Credential::Secret(secret) => {
            object.insert("secret".to_owned(), json!(secret));
        }
        Credential::Token { token, channels, usage_point } => {
            object.insert("token".to_owned(), json!(token));
            object.insert("channels".to_owned(), channels.iter().map(channel_value).collect());
            if let Some(name) = usage_point {
                object.insert("usage_point".to_owned(), json!(name));
            }
        }
    }
    Value::Object(object)
}

fn channel_value(channel: &Channel) -> Value {
    let kind = match channel.kind {
        ChannelKind::Register => "register",
        ChannelKind::Interval => "interval",
    };
    let mut object = Map::new();
    object.insert("name".to_owned(), json!(channel.name));
    object.insert("kind".to_owned(), json!(kind));
    if channel.direction == Direction::Export {
        object.insert("direction".to_owned(), json!("export"));
    }
    if let Some(seconds) = channel.interval_s {
        object.insert("interval_s".to_owned(), json!(seconds));
    }
    Value::Object(object)
}

fn sample_value(sample: &Sample) -> Value {
    let mut object = Map::new();
    object.insert("type".to_owned(), json!("sample"));
    object.insert("t".to_owned(), json!(sample.t.second()));
    object.insert("w".to_owned(), json!(sample.power_w));
    for (field, phases) in [("v", sample.volts_mv), ("a", sample.amps_ma)] {
        if !phases.is_empty() {
            object.insert(field.to_owned(), phases_value(phases));
        }
    }
    Value::Object(object)
}

fn phases_value(phases: PhaseValues) -> Value {
    // Through text, so that no binary fraction comes in between.
    let number = |thousandths: i64| {
        let sign = if thousandths < 0 { "-" } else { "" };
        let magnitude = thousandths.unsigned_abs();
        let decimal =
            format!("{sign}{}.{:03}", magnitude.wrapping_div(1000), magnitude.wrapping_rem(1000));
        decimal.parse::<serde_json::Number>().map_or(Value::Null, Value::Number)
    };
    phases.iter().map(number).collect()
}

fn error_value(error: &LineError) -> Value {
    let mut object = Map::new();
    object.insert("type".to_owned(), json!("error"));
    object.insert("code".to_owned(), json!(error.code.as_str()));
    if let Some(field) = &error.field {
        object.insert("field".to_owned(), json!(field));
    }
    object.insert("reason".to_owned(), json!(error.reason));
    if let Some(seq) = error.seq {
        object.insert("seq".to_owned(), json!(seq));
    }
    Value::Object(object)
}

fn welcome_value(welcome: &Welcome) -> Value {
    let mut object = Map::new();
    object.insert("type".to_owned(), json!("welcome"));
    object.insert("v".to_owned(), json!(VERSION));
    object.insert("meter".to_owned(), json!(welcome.meter));
    if let Some(secret) = &welcome.secret {
        object.insert("secret".to_owned(), json!(secret));
    }
    object.insert("channels".to_owned(), json!(welcome.channels));
    object.insert("interval_s".to_owned(), json!(welcome.interval_s));
    object.insert("time".to_owned(), json!(welcome.time.to_string()));
    Value::Object(object)
}

fn compact(out: &mut Vec<u8>, item: BatchReading) {
    out.push(b'[');
    unsigned(out, item.seq);
    out.push(b',');
    signed(out, item.reading.end.second());
    out.push(b',');
    signed(out, item.reading.value.wh());
    if item.reading.quality != SourceQuality::GOOD {
        out.push(b',');
        unsigned(out, u64::from(item.reading.quality.0));
    }
    out.push(b']');
}

fn line(out: &mut Vec<u8>, value: &Value) {
    text(out, &value.to_string());
    out.push(b'\n');
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn quoted(out: &mut Vec<u8>, name: &str) {
    if name.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'"' && b != b'\\') {
        out.push(b'"');
        text(out, name);
        out.push(b'"');
    } else {
        text(out, &Value::from(name).to_string());
    }
}

fn signed(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    unsigned(out, value.unsigned_abs());
}

fn unsigned(out: &mut Vec<u8>, value: u64) {
    let start = out.len();
    let mut rest = value;
    loop {
        let digit = u8::try_from(rest.wrapping_rem(10)).unwrap_or(0);
        out.push(b'0'.wrapping_add(digit));
        rest = rest.wrapping_div(10);
        if rest == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
}
