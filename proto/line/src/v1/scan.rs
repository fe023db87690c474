//! A scanner for `reading` and `batch` lines whose keys stand in the order of the specification,
//! without spaces: what a fleet sends all day. It says nothing of any other line, which
//! [`super::parse`] then reads with care; what it takes, `parse` takes with the same result.

use std::borrow::Cow;

use corrente_metering::{Reading, SourceQuality, Timestamp};
use corrente_units::Energy;

use super::{
    BatchReading, ClientMessage, DEFAULT_CHANNEL, MAX_BATCH_READINGS,
    parse::{self, POWER_W_MAX},
};

/// The message, when it is in the common form and all its values are allowed.
pub(super) fn scan(line: &[u8]) -> Option<ClientMessage<'_>> {
    let mut scanner = Scanner { rest: line };
    scanner.literal(b"{\"type\":\"")?;
    if scanner.literal(b"reading\",\"seq\":").is_some() {
        scanner.reading()
    } else {
        scanner.literal(b"batch\",")?;
        scanner.batch()
    }
}

struct Scanner<'a> {
    rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    fn reading(&mut self) -> Option<ClientMessage<'a>> {
        let seq = self.integer()?;
        let channel = match self.literal(b",\"ch\":\"") {
            Some(()) => self.name()?,
            None => DEFAULT_CHANNEL,
        };
        self.literal(b",\"t\":")?;
        let t = self.integer()?;
        self.literal(b",\"wh\":")?;
        let wh = self.integer()?;
        let power_w = match self.literal(b",\"w\":") {
            Some(()) => Some(self.power()?),
            None => None,
        };
        let quality = match self.literal(b",\"q\":") {
            Some(()) => self.integer()?,
            None => 0,
        };
        self.literal(b"}")?;
        self.end()?;
        let reading = checked(seq, t, wh, quality)?;
        Some(ClientMessage::Reading { channel: Cow::Borrowed(channel), reading, power_w })
    }

    fn batch(&mut self) -> Option<ClientMessage<'a>> {
        let channel = match self.literal(b"\"ch\":\"") {
            Some(()) => {
                let name = self.name()?;
                self.literal(b",")?;
                name
            }
            None => DEFAULT_CHANNEL,
        };
        self.literal(b"\"readings\":[")?;
        // The shortest reading takes nine bytes: `[1,0,0],`.
        let room = self.rest.len().wrapping_div(9).min(MAX_BATCH_READINGS);
        let mut readings = Vec::with_capacity(room);
        loop {
            self.literal(b"[")?;
            let seq = self.integer()?;
            self.literal(b",")?;
            let t = self.integer()?;
            self.literal(b",")?;
            let wh = self.integer()?;
            let quality = match self.literal(b",") {
                Some(()) => self.integer()?,
                None => 0,
            };
            self.literal(b"]")?;
            if readings.len() == MAX_BATCH_READINGS {
                return None;
            }
            readings.push(checked(seq, t, wh, quality)?);
            if self.literal(b",").is_none() {
                break;
            }
        }
        self.literal(b"]}")?;
        self.end()?;
        Some(ClientMessage::Batch { channel: Cow::Borrowed(channel), readings })
    }

    fn literal(&mut self, literal: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(literal)?;
        Some(())
    }

    /// The name up to the closing quote, which is taken too.
    fn name(&mut self) -> Option<&'a str> {
        let end = memchr::memchr(b'"', self.rest)?;
        let (name, rest) = self.rest.split_at_checked(end)?;
        let plain = name.iter().all(|b| matches!(b, b' '..=b'~') && *b != b'\\');
        self.rest = rest.strip_prefix(b"\"")?;
        if plain { str::from_utf8(name).ok() } else { None }
    }

    /// A JSON integer of at most 18 digits.
    fn integer(&mut self) -> Option<i64> {
        let negative = self.literal(b"-").is_some();
        let mut value = 0_i64;
        let mut digits = 0_u32;
        let mut rest = self.rest;
        while let Some((digit @ b'0'..=b'9', tail)) = rest.split_first() {
            if digits == 18 || (digits == 1 && value == 0) {
                return None;
            }
            value = value.wrapping_mul(10).wrapping_add(i64::from(digit.wrapping_sub(b'0')));
            digits = digits.wrapping_add(1);
            rest = tail;
        }
        self.rest = rest;
        if digits == 0 {
            return None;
        }
        Some(if negative { value.wrapping_neg() } else { value })
    }

    fn power(&mut self) -> Option<i64> {
        self.integer().filter(|w| (-POWER_W_MAX..=POWER_W_MAX).contains(w))
    }

    fn end(&self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }
}

fn checked(seq: i64, t: i64, wh: i64, quality: i64) -> Option<BatchReading> {
    let seq = u64::try_from(seq).ok()?;
    if !parse::SEQ.contains(&seq) || !parse::SECONDS.contains(&t) || !parse::WH.contains(&wh) {
        return None;
    }
    Some(BatchReading {
        seq,
        reading: Reading {
            end: Timestamp::from_second(t),
            value: Energy::from_wh(wh),
            quality: SourceQuality(u8::try_from(quality).ok()?),
        },
    })
}
